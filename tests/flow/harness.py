"""Drives the real itsm-bridge against a real Kafka and the ServiceNow simulator.

Everything a test starts is its own (topics, group, simulator, bridge) and is ended by process id.
Waiting is always for an event, with a limit.
"""
import contextlib
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
BIN = Path(os.environ.get("ITSM_BIN", SOURCE / "build" / "test" / "bin"))
SAMPLES = SOURCE / "tests" / "data" / "alerts" / "azure"


def skip(why):
    print(why)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


BOOTSTRAP = os.environ.get("ITSM_TEST_KAFKA")
if not BOOTSTRAP:
    skip("no Kafka (ITSM_TEST_KAFKA): start the tests by tests/run")

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402


def wait_for(what, fn, seconds=30, every=0.05):
    """Waits until fn() is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def check(condition, text):
    if not condition:
        raise AssertionError(text)


class Simulator:
    def __init__(self, folder, **options):
        self.port_file = Path(folder) / f"sim-{random.randrange(1 << 30)}.port"
        args = [str(BIN / "snow-sim"), "--port", "0", "--port-file", str(self.port_file), "--quiet"]
        for name, value in options.items():
            args += ["--" + name.replace("_", "-")] + ([str(value)] if value != "" else [])
        self.log = open(Path(folder) / "sim.log", "ab")
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log)
        wait_for("the simulator's port", self.port_file.exists)
        self.port = int(self.port_file.read_text())
        self.url = f"http://127.0.0.1:{self.port}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{method} {path}: {e.code} {e.read()[:400]!r}") from e
        return json.loads(text) if text else None

    def settings(self, **values):
        return self.call("POST", "/_sim/settings", values)

    def rows(self, table="incident", query=""):
        answer = self.call("GET", "/_sim/rows?" + urllib.parse.urlencode(
            {"table": table, "query": query, "limit": 1000000}))
        return answer["rows"] if isinstance(answer, dict) else answer

    def journal(self, since=0):
        answer = self.call("GET", f"/_sim/journal?since={since}")
        return answer["entries"] if isinstance(answer, dict) else answer

    def stats(self):
        return self.call("GET", "/_sim/stats")

    def faults(self, *rules):
        return self.call("POST", "/_sim/faults", list(rules))

    def no_faults(self):
        return self.call("DELETE", "/_sim/faults")

    def edit(self, **values):
        return self.call("POST", "/_sim/edit", values)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Bridge:
    """One itsm-bridge process."""

    def __init__(self, scene, name="bridge", env=None, config=None):
        self.scene, self.name = scene, name
        self.config = config or scene.config_file
        self.log_path = scene.folder / f"{name}.log"
        self.log = open(self.log_path, "ab")
        self.start_offset = self.log_path.stat().st_size
        self.process = subprocess.Popen(
            [str(BIN / "itsm-bridge"), "run", "-c", str(self.config)], stdout=self.log, stderr=self.log,
            env={**os.environ, **scene.secrets, **(env or {})})
        self.ended = False  # by the test, on purpose
        scene.bridges.append(self)

    def text(self):
        with open(self.log_path, "rb") as f:
            f.seek(self.start_offset)
            return f.read().decode("utf-8", "replace")

    def says(self, pattern, seconds=30):
        return wait_for(f"log line {pattern!r} of {self.name}",
                        lambda: self.process.poll() is None and re.search(pattern, self.text()) or
                        self._ended(pattern), seconds)

    def _ended(self, pattern):
        if self.process.poll() is not None and not re.search(pattern, self.text()):
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.text()[-3000:]}")
        return re.search(pattern, self.text())

    def ready(self, seconds=30):
        self.says(r" ready ", seconds)
        return self

    def port(self):
        return int(self.says(r" status port=(\d+)").group(1))

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def metric(self, name):
        """Sum over all label sets of a metric."""
        total = 0
        for line in self.get("/metrics")[1].splitlines():
            if re.match(rf"itsm_bridge_{name}(\{{| )", line):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=15):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)


class Scene:
    """Topics, group, simulator and configuration of one test."""

    def __init__(self, title, partitions=3, sim=None, consumers=True, producers=(), extra="", consumer="", auth=None,
                 connection="", kafka="", topics="", max_in_flight=8, bootstrap=None, properties=(), limits="",
                 session_ms=6000, settle_s=1, request_timeout_ms=5000):
        self.tag = f"{title}-{os.getpid()}-{random.randrange(1 << 24):06x}"
        root = os.environ.get("ITSM_TEST_SCENES")
        self.folder = Path(tempfile.mkdtemp(prefix=self.tag + "-", dir=root))
        self.bridges = []
        bootstrap = self.bootstrap = bootstrap or BOOTSTRAP
        self.positions = {}  # (partition, offset) of the alerts topic -> key of the message
        self.alerts_topic = f"alerts-{self.tag}"
        self.prefix = f"sn-{self.tag}"
        self.outcomes = f"outcomes-{self.tag}"
        self.dead = f"dead-{self.tag}"
        self.state = f"state-{self.tag}"
        self.group = f"group-{self.tag}"
        self.secrets = {"SNOW_SECRET": "secret", "SNOW_PASSWORD": "password"}
        self.sim = Simulator(self.folder, **(sim or {}))
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.make_topic(self.alerts_topic, partitions)
        self.producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "enable.idempotence": True})
        self.config_file = self.folder / "itsm-bridge.cfg"
        auth = auth or ('grant = "password"; client_id = "itsm-bridge"; client_secret = "env:SNOW_SECRET"; '
                        'username = "itsm.integration"; password = "env:SNOW_PASSWORD"; token_store = "";')
        entries = (f'{{ name = "azure"; topics = ["{self.alerts_topic}"]; format = "auto"; '
                   f'target = "incident"; settle_s = {settle_s}; clear_wait_s = 1; {consumer} }}') if consumers else ""
        tables = ", ".join(f'{{ table = "{t}"; poll_busy_ms = 200; poll_idle_ms = 1000; }}' for t in producers)
        own = "".join(f', "{p}"' for p in properties)
        self.config_file.write_text(f'''
connection: {{
    name = "test";
    server_url = "{self.sim.url}";
    allow_insecure_loopback = true;
    auth: {{ {auth} }};
    work_items = [];
    max_in_flight = {max_in_flight};
    request_timeout_ms = {request_timeout_ms};
    {connection}
}};
kafka: {{ bootstrap_servers = "{bootstrap}"; group_id = "{self.group}";
         properties = ["session.timeout.ms={session_ms}", "heartbeat.interval.ms=500", "fetch.wait.max.ms=50"{own}]; {kafka} }};
topics: {{ prefix = "{self.prefix}"; outcomes = "{self.outcomes}"; dead_letter = "{self.dead}"; state = "{self.state}";
          {topics} }};
consumers: ( {entries} );
producers: ( {tables} );
status: {{ listen = "127.0.0.1:0"; }};
limits: {{ retry_min_ms = 100; retry_max_s = 2; {limits} }};
{extra}
''')

    def make_topic(self, name, partitions=1, **config):
        """A broker that was started just now may still be fenced, as it says."""
        def made():
            try:
                for future in self.admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
                    future.result()
                return True
            except KafkaException as e:
                if e.args[0].code() != KafkaError.INVALID_REPLICATION_FACTOR:
                    raise
        wait_for(f"topic {name} is made", made, 30, 0.2)

    def bridge(self, name="bridge", **kw):
        return Bridge(self, name, **kw)

    def _placed(self, error, message):
        if error is None and message.topic() == self.alerts_topic:
            self.positions[message.partition(), message.offset()] = (message.key() or b"").decode("utf-8", "replace")

    def send(self, value, key=None, partition=-1, topic=None, timestamp=0, headers=None):
        if not isinstance(value, (bytes, type(None))):
            value = json.dumps(value).encode()
        while True:
            try:
                kw = {} if partition < 0 else {"partition": partition}
                self.producer.produce(topic or self.alerts_topic, value, key, timestamp=timestamp, headers=headers,
                                      on_delivery=self._placed, **kw)
                return
            except BufferError:
                self.producer.poll(0.1)

    def flush(self):
        check(self.producer.flush(30) == 0, "test messages could not be produced")

    def read_all(self, topic, committed=True, seconds=20):
        """Every record of a topic up to its present end."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": f"reader-{random.random()}",
                             "enable.auto.commit": False, "auto.offset.reset": "earliest",
                             "isolation.level": "read_committed" if committed else "read_uncommitted"})
        try:
            parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in parts}
            consumer.assign([TopicPartition(topic, p, 0) for p in parts])
            records, deadline = [], time.monotonic() + seconds
            while any(pos.offset < ends[pos.partition] and not (pos.offset < 0 and ends[pos.partition] == 0)
                      for pos in consumer.position([TopicPartition(topic, p) for p in parts])):
                check(time.monotonic() < deadline, f"{topic} could not be read to its end")
                for message in consumer.consume(1000, 0.2):
                    if message.error() is None:
                        records.append(message)
            return records
        finally:
            consumer.close()

    def outcome_records(self):
        return [json.loads(m.value()) for m in self.read_all(self.outcomes)]

    def committed(self):
        """partition -> (committed offset, end offset)"""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group, "enable.auto.commit": False})
        try:
            parts = consumer.list_topics(self.alerts_topic, timeout=10).topics[self.alerts_topic].partitions
            got = consumer.committed([TopicPartition(self.alerts_topic, p) for p in parts], timeout=10)
            return {t.partition: (max(t.offset, 0),
                                  consumer.get_watermark_offsets(TopicPartition(self.alerts_topic, t.partition),
                                                                 timeout=10)[1]) for t in got}
        finally:
            consumer.close()

    def all_committed(self, seconds=30):
        wait_for("every offset is committed",
                 lambda: all(done >= end for done, end in self.committed().values()), seconds, 0.3)

    def close(self, keep=False):
        keep = keep or "ITSM_TEST_KEEP" in os.environ
        for bridge in self.bridges:
            if bridge.process.poll() is None:
                bridge.kill()
            bridge.log.close()
        self.sim.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def scene(title, **kw):
    s = Scene(title, **kw)
    failed = True
    try:
        yield s
        failed = False
    finally:
        if failed:
            for bridge in s.bridges:
                print(f"--- log of {bridge.name} ({bridge.log_path})\n{bridge.text()[-6000:]}", file=sys.stderr)
        s.close(keep=failed)


def sample(name):
    return json.loads((SAMPLES / name).read_text())


def alert(number, fired="2026-11-24T10:00:00.000Z", condition="Fired", rule=None, value=None, severity="Sev2"):
    """A metric alert of its own, cut from the official sample."""
    a = sample("test-metric-static.json")
    e = a["data"]["essentials"]
    guid = f"{number:08x}-0000-4000-8000-{number:012x}"
    e["alertId"] = f"/subscriptions/aaaa0a0a-bb1b-cc2c-dd3d-eeeeee4e4e4e/providers/Microsoft.AlertsManagement/alerts/{guid}"
    e["alertRule"] = rule or f"rule-{number}"
    e["severity"] = severity
    e["monitorCondition"] = condition
    e["firedDateTime"] = fired
    if condition == "Resolved":
        e["resolvedDateTime"] = "2026-11-24T10:05:00.000Z"
    if value is not None:
        a["data"]["alertContext"]["condition"]["allOf"][0]["metricValue"] = value
    return a


def by_alert(rows):
    """Rows by the GUID that correlation_id holds."""
    result = {}
    for row in rows:
        if row.get("correlation_id", "").startswith("azure:"):
            result.setdefault(row["correlation_id"][6:], []).append(row)
    return result


def guid(number):
    return f"{number:08x}-0000-4000-8000-{number:012x}"


class NoTerminals(Exception):
    pass


def fork_terminal():
    """pty.fork. A bare chroot has no pseudo-terminals mounted, and nothing that is installed changes that."""
    try:
        return pty.fork()
    except OSError as e:
        raise NoTerminals(f"this machine gives no pseudo-terminal: {e}") from e


def run(*tests):
    """Runs the test functions named on the command line, or all."""
    wanted = sys.argv[1:]
    for test in tests:
        if wanted and test.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            test()
        except NoTerminals as e:
            print(f"not run {test.__name__}: {e}", flush=True)
            continue
        print(f"ok {test.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)


__all__ = [name for name in dir() if not name.startswith("_")]
