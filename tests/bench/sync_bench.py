"""The sync numbers of the design's section 7: a first pull against reading and parsing the same pages, and how long a change
takes to its record. ITSM_BENCH_ROWS sets the size of the first pull. A table for reading; these machines are noisy."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "flow"))
from sync_tables import *  # noqa: E402,F403

SIZE = int(os.environ.get("ITSM_BENCH_ROWS", "100000"))
PAGE_MS = 200  # of an instance; with 0 the pages of the simulator cost less than a transaction


def row(what, value, wanted, holds):
    print(f"{what:62} {value:>16}  wanted {wanted:<22} {'yes' if holds else 'NO'}", flush=True)


def seconds_between(b, first, last):
    times = []
    for pattern in (first, last):
        stamp = re.search(rf"^(\S+)Z \w+ +{pattern}", b.text(), re.M).group(1)
        times.append(time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + stamp[19:]))
    return times[1] - times[0]


def backfill(page_ms, size):
    with scene("bench-pull", consumers=False, producers=("incident",), sim={"no_cookies": "", "no_chunked": ""},
               request_timeout_ms=20000) as s:
        producers(s, '{ table = "incident"; page_size = 1000; }')
        seed(s, size, days=25)
        s.sim.settings(page_ms=page_ms)
        args = [str(BIN / "bench_pages"), s.sim.url + "/api/now/table/incident", "itsm.integration:password",
                text_time(time.time() - 30 * 86400), text_time(time.time() - 60), "1000"]
        words = subprocess.run(args, capture_output=True, text=True, timeout=600, check=True).stdout.split()
        check(int(words[0]) == size, f"{words[0]} rows")
        raw = int(words[0]) / float(words[2])
        b = s.bridge().ready()
        b.says("table-history-done", 600)
        took = seconds_between(b, "table-started", "table-history-done")
        rate = size / took
        row(f"first pull, {size} rows, {page_ms} ms a page: of raw pages", f"{rate / raw:.1%}", ">= 80 %", rate / raw >= 0.8)
        print(f"{'  (rows a second, raw / bridge)':62} {raw:.0f} / {rate:.0f}")
        peak = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{b.process.pid}/status").read_text()).group(1)) / 1024
        print(f"{'  (most memory of the bridge)':62} {peak:.0f} MiB")
        check(len({r for r, _, _ in published(s)}) == size, "every row is in the topic")


def change_to_record():
    """From the edit's answer to a consumer of the topic, busy table."""
    poll_ms, count = 500, 200
    with scene("bench-change", consumers=False, producers=("incident",)) as s:
        producers(s, f'{{ table = "incident"; poll_busy_ms = {poll_ms}; poll_idle_ms = {poll_ms}; }}')
        seed(s, count)
        b = s.bridge().ready()
        b.says("table-caught-up", 60)
        topic = f"{s.prefix}.incident"
        consumer = Consumer({"bootstrap.servers": s.bootstrap, "group.id": f"reader-{random.random()}",
                             "enable.auto.commit": False, "isolation.level": "read_committed", "fetch.wait.max.ms": 10})
        parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, p, consumer.get_watermark_offsets(TopicPartition(topic, p))[1]) for p in parts])
        sent, times, n = {}, [], 0
        while len(times) < count:
            if n < count:
                s.sim.edit(table="incident", sys_id=sys_id(n), user="anna", set={"comments": "x"})
                sent[sys_id(n)] = time.monotonic()
                n += 1
            message = consumer.poll(0.03)
            if message is not None and message.error() is None and message.key().decode() in sent:
                times.append(time.monotonic() - sent.pop(message.key().decode()))
        consumer.close()
        p99 = sorted(times)[int(len(times) * 0.99) - 1] * 1000
        bound = poll_ms + 150  # a round trip and a transaction on a loaded machine
        row(f"change to record, polled each {poll_ms} ms: p99", f"{p99:.0f} ms", f"<= {bound} ms", p99 <= bound)


def change_and_pulls():
    change_to_record()
    backfill(PAGE_MS, min(SIZE, 50000))
    backfill(0, SIZE)


run(change_and_pulls)
