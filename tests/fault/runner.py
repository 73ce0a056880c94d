"""Randomised faults on the real program, a real Kafka and the simulator. A seed gives a schedule; a seed that fails is
printed and replays the same schedule (what the machine makes of its times is its own)."""
import argparse
import collections
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import draw

HERE = Path(__file__).resolve().parent


def read_arguments():
    parser = argparse.ArgumentParser(prog="tests/fault/run", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", metavar="A..B", help="seeds from A to B, or several with commas between; default: the list of the tests")
    parser.add_argument("--jobs", type=int, default=1, help="so many at the same time")
    parser.add_argument("--show", action="store_true", help="print the schedule of each seed, play nothing")
    parser.add_argument("--broker", metavar="DIR", help="folder of the broker that may be hurt; default: a new one")
    return parser.parse_args()


def seeds_of(arguments):
    if arguments.seed is not None:
        return [arguments.seed]
    if arguments.seeds:
        parts = [part.partition("..") for part in arguments.seeds.split(",")]
        return [seed for first, _, last in parts for seed in range(int(first), int(last or first) + 1)]
    return draw.FIXED


def play_here(seed, broker):
    """One seed in this process."""
    import play
    schedule = draw.draw(seed)
    begin = time.monotonic()
    try:
        if schedule.broker_faults:
            # One broker, one seed at a time that hurts it.
            Path(broker).mkdir(parents=True, exist_ok=True)
            with open(Path(broker) / "seed-lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                seen = play.play(schedule, broker)
        else:
            seen = play.play(schedule)
    except (AssertionError, OSError, subprocess.SubprocessError, play.harness.KafkaException) as e:
        print(f"FAILED seed {seed}: {e}\nto see it again: tests/fault/run --seed {seed}")
        return 1
    counts = dict(sorted(seen.counts.items()))
    print(f"ok seed {seed} ({time.monotonic() - begin:.1f} s) messages={len(seen.sent)} journal={len(seen.journal)} "
          f"outcomes={len(seen.outcomes)} dead={len(seen.dead)} "
          f"published={sum(len(t) for t in seen.topics.values())} {counts}", flush=True)
    return 0


class Queue:
    """Seeds to be played; those that hurt the broker never at the same time."""

    def __init__(self, seeds):
        self.lock = threading.Lock()
        self.hurting = collections.deque(s for s in seeds if draw.draw(s).broker_faults)
        self.others = collections.deque(s for s in seeds if s not in set(self.hurting))
        self.hurt = False

    def take(self):
        with self.lock:
            if self.hurting and not self.hurt:
                self.hurt = True
                return self.hurting.popleft(), True
            if self.others:
                return self.others.popleft(), False
            return (None, bool(self.hurting))

    def done(self):
        with self.lock:
            self.hurt = False


def work(queue, broker, failed):
    while True:
        seed, hurts = queue.take()
        if seed is None:
            return  # whoever hurts the broker now takes the rest of these
        done = subprocess.run([sys.executable, "-B", __file__, "--seed", str(seed), "--broker", broker],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "ITSM_FAULT_CHILD": "1"})
        if hurts:
            queue.done()
        print(done.stdout.decode("utf-8", "replace"), end="", flush=True)
        if done.returncode == 77:
            os._exit(77)
        if done.returncode != 0:
            failed.append(seed)


def play_all(seeds, jobs, broker):
    failed, queue, begin = [], Queue(seeds), time.monotonic()
    threads = [threading.Thread(target=work, args=(queue, broker, failed)) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(f"{len(seeds)} seeds, {len(failed)} failed{': ' if failed else ''}{' '.join(map(str, sorted(failed)))} "
          f"({time.monotonic() - begin:.0f} s)")
    return 1 if failed else 0


def main():
    arguments = read_arguments()
    seeds = seeds_of(arguments)
    if arguments.show:
        for seed in seeds:
            print(draw.show(draw.draw(seed)))
        return 0
    if os.environ.get("ITSM_FAULT_CHILD"):
        return play_here(seeds[0], arguments.broker)
    with tempfile.TemporaryDirectory(prefix="itsm-fault-") as own:
        broker = os.path.abspath(arguments.broker or os.path.join(own, "broker"))
        try:
            if len(seeds) == 1:
                return play_here(seeds[0], broker)
            return play_all(seeds, max(arguments.jobs, 1), broker)
        finally:
            if os.path.isdir(broker):
                subprocess.run([str(HERE.parent / "kafka" / "kafka"), "kill", broker], check=False)


sys.exit(main())
