"""Plays a schedule on the real program, a real Kafka and the simulator, lets everything settle, and brings home
the evidence: what was sent, what the simulator's journal says, what stands in the topics."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "flow"))
import check  # noqa: E402
import draw  # noqa: E402
import harness  # noqa: E402
import offsets  # noqa: E402
from evidence import Evidence, Sent  # noqa: E402

KAFKA = harness.SOURCE / "tests" / "kafka" / "kafka"
ARM = "/subscriptions/aaaa0a0a-bb1b-cc2c-dd3d-eeeeee4e4e4e"
SETTLE_LIMIT_S = 120


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"


def essentials(sample, **more):
    message = harness.sample(sample)
    message["data"]["essentials"].update(more)
    return message


def build_metric(subject, a, fired):
    m = harness.alert(subject.number, fired, "Fired" if a["state"] == "fire" else "Resolved", rule=subject.name,
                      value=a["value"])
    return m


def build_service(subject, a, fired):
    m = essentials("test-service-health.json", alertRule=subject.name, firedDateTime=fired)
    m["data"]["alertContext"]["properties"].update(trackingId=f"TRACK-{subject.name}", stage="Active")
    m["data"]["alertContext"].update(status="Active" if a["state"] == "fire" else "Resolved", level=str(a["value"]))
    return m


def build_activity(subject, a, fired):
    m = essentials("test-activity-log.json", alertRule=subject.name, firedDateTime=fired)
    m["data"]["alertContext"].update(operationId=f"op-{subject.name}", level=str(a["value"]))
    return m


def build_budget(subject, a, fired):
    m = essentials("test-budget.json", firedDateTime=fired)
    m["data"]["alertContext"]["AlertData"].update(
        BudgetId=f"{ARM}/providers/Microsoft.Consumption/budgets/{subject.name}", BudgetName=subject.name,
        SpentAmount=str(a["value"]))
    return m


def build_resource(subject, a, fired):
    m = essentials("test-resource-health.json", alertRule=subject.name, firedDateTime=fired,
                   alertTargetIDs=[f"{ARM}/resourcegroups/rg/providers/microsoft.compute/virtualmachines/{subject.name}"],
                   configurationItems=[])
    m["data"]["alertContext"]["properties"]["currentHealthStatus"] = \
        "Unavailable" if a["state"] == "fire" else "Available"
    m["data"]["alertContext"]["properties"]["cause"] = str(a["value"])
    return m


BUILD = {"metric": build_metric, "service": build_service, "activity": build_activity, "budget": build_budget,
         "resource": build_resource}


def build_bad(kind):
    good = harness.alert(900)
    if kind == "no-identity":
        del good["data"]["essentials"]["alertId"]
    elif kind == "no-state":
        del good["data"]["essentials"]["monitorCondition"]
    texts = {"not-json": b"this is no JSON", "empty": b"", "no-format": b'{"hello":"world"}',
             "duplicate-member": b'{"schemaId":"azureMonitorCommonAlertSchema","schemaId":"x"}'}
    return texts.get(kind) or (b"" if kind == "empty" else json.dumps(good).encode())


EDITS = {"resolve": {"state": "6", "close_code": "Solution provided", "close_notes": "by hand"},
         "close": {"state": "7", "close_code": "Solution provided", "close_notes": "by hand"},
         "cancel": {"state": "8"}, "hold": {"state": "3", "hold_reason": "4"}, "work": {"state": "2"},
         "reopen": {"state": "2"}, "touch": {"category": "network"}}


class Play:
    def __init__(self, schedule, scene, broker):
        self.schedule, self.scene, self.broker = schedule, scene, broker
        self.seen = Evidence(schedule)
        self.slots, self.paused = {}, {}
        self.changes = {}
        self.broker_up_at = None
        self.checks_due = []
        self.last_fault = 0.0

    # ------------------------------------------------------------ events

    def on_send(self, a):
        subject = None if a["subject"] is None else self.schedule.subjects[a["subject"]]
        value = build_bad(a["bad"]) if subject is None else \
            json.dumps(BUILD[subject.kind](subject, a, iso(self.base + a["fired"]))).encode()
        sent = Sent(subject, a["state"], value=value)

        def placed(error, message):
            harness.check(error is None, f"the test's own message was not taken: {error}")
            sent.partition, sent.offset = message.partition(), message.offset()
        self.scene.producer.produce(self.scene.alerts_topic, value, a["key"], partition=a["partition"],
                                    timestamp=int((time.time() + a["skew"]) * 1000), on_delivery=placed)
        self.seen.sent.append(sent)

    def on_fault(self, a):
        self.scene.sim.faults(a["rule"])

    def on_revoke(self, a):
        self.scene.sim.call("POST", "/_sim/revoke", {})

    def on_start(self, a):
        b = self.slots.get(a["slot"])
        if b is None or b.process.poll() is not None:
            self.slots[a["slot"]] = self.scene.bridge(f"bridge-{a['slot']}")

    def alive(self, slot):
        b = self.slots.get(slot)
        if b is not None and b.process.poll() is not None and not b.ended:
            self.seen.told.append(f"{b.name} ended by itself with {b.process.returncode}")
            b.ended = True
        return b if b is not None and b.process.poll() is None else None

    def on_kill(self, a):
        b = self.alive(a["slot"])
        if b is not None:
            self.on_resume(a, resume=False)
            b.ended = True
            b.kill()
            self.seen.count("kill")
            self.checks_due.append(f"kill of {b.name}")

    def on_term(self, a):
        b = self.alive(a["slot"])
        if b is not None:
            self.end(b)
            self.checks_due.append(f"SIGTERM of {b.name}")

    def end(self, b):
        b.ended = True
        code = b.stop(30)
        self.seen.count("term")
        # Before its first steps a process ends by the signal, as any other does.
        if code != 0 and not (code == -signal.SIGTERM and " status port=" not in b.text()):
            self.seen.told.append(f"{b.name} ended with {code} after SIGTERM")

    def on_hup(self, a):
        b = self.alive(a["slot"])
        if b is not None and " ready " in b.text():
            b.signal(signal.SIGHUP)

    def on_pause(self, a):
        if self.alive(a["slot"]) is not None:
            self.slots[a["slot"]].signal(signal.SIGSTOP)
            self.paused[a["slot"]] = time.time() * 1000
            self.seen.count("pause")

    def on_resume(self, a, resume=True):
        since = self.paused.pop(a["slot"], None)
        if since is not None:
            self.seen.stops.append((since, time.time() * 1000))
            if resume:
                self.slots[a["slot"]].signal(signal.SIGCONT)

    def kafka(self, *command):
        # Its lines are of no use unless it fails.
        done = subprocess.run([str(KAFKA), *command, self.broker], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        harness.check(done.returncode == 0, done.stdout.decode())

    def broker_down(self, seconds):
        self.broker_up_at = time.monotonic() + seconds

    def on_broker_restart(self, a):
        self.seen.count("broker restart")
        self.broker_up()
        self.kafka("restart")

    def on_broker_kill(self, a):
        self.seen.count("broker kill")
        self.broker_up()
        self.kafka("kill")
        self.kafka("start")

    def on_broker_pause(self, a):
        self.seen.count("broker pause")
        self.broker_up()
        self.kafka("pause")
        self.broker_up_at = time.monotonic() + a["seconds"]

    def broker_up(self):
        if self.broker_up_at is not None:
            self.kafka("resume")
            self.broker_up_at = None

    def on_person(self, a):
        """Edits the newest record of a subject, when it has one and the edit makes sense in its state."""
        subject = self.schedule.subjects[a["subject"]]
        self.take_journal()
        rows = [x for x in check.records(self.seen.journal).values() if x.subject == subject.name]
        if not rows:
            return
        record = max(rows, key=lambda x: x.steps[0].seq)
        state = record.steps[-1].state
        does = a["does"]
        if does != "touch" and (does == "reopen") != (state in "678"):
            does = "reopen" if state in "678" else "resolve"
        self.scene.sim.edit(table="incident", sys_id=record.sys_id, user="anna", set=EDITS[does])
        self.seen.count(f"person {does}")

    def on_change(self, a):
        row = self.changes.get(a["row"])
        text = {"short_description": f"change {a['text']}"}
        if row is None:
            made = self.scene.sim.edit(table="change_request", user="anna", create=True, set=text)
            self.changes[a["row"]] = made["edited"][0]["sys_id"]
        else:
            self.scene.sim.edit(table="change_request", sys_id=row, user="anna", set=text)

    # ------------------------------------------------------------ evidence

    def take_journal(self):
        since = self.seen.journal[-1]["seq"] if self.seen.journal else 0
        self.seen.journal += self.scene.sim.journal(since)

    def dead_places(self):
        result = []
        for m in self.scene.read_all(self.scene.dead):
            h = {k: v.decode() for k, v in m.headers() or [] if v is not None}
            result.append((int(h["itsm-bridge-partition"]), int(h["itsm-bridge-offset"]), h["itsm-bridge-class"],
                           h["itsm-bridge-reason"]))
        return result

    def patiently(self, what):
        """A broker that was just hurt may answer that it does not know yet."""
        end = time.monotonic() + 60
        while True:
            try:
                return what()
            except (harness.KafkaException, KeyError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def has_topic(self, name):
        return name in self.patiently(lambda: self.scene.admin.list_topics(timeout=10)).topics

    def check_commits(self, label):
        """Offsets first, then what they claim: whatever is committed must be visible afterwards."""
        if not self.has_topic(self.scene.outcomes) or not self.has_topic(self.scene.dead):
            return
        commits, complaints = offsets.read(self.scene, self.schedule.partitions)
        outcomes, dead = self.patiently(self.scene.outcome_records), self.patiently(self.dead_places)
        self.take_journal()
        self.seen.count("commit checks")
        for text in complaints + check.early(self.seen, commits, outcomes, dead):
            self.seen.told.append(f"{label}: {text}")

    def check_due(self):
        if self.checks_due and self.broker_up_at is None:
            for label in self.checks_due:
                self.check_commits(label)
            self.checks_due = []

    # ------------------------------------------------------------ the play

    def refuse(self):
        """Rules that stay to the end: these records are refused for a reason of their own."""
        answer = json.dumps({"error": {"message": "Operation Failed", "detail":
                             "Data Policy Exception: The following fields are mandatory: Caller"}, "status": "failure"})
        for subject in self.schedule.subjects:
            if subject.refused:
                self.scene.sim.faults({
                    "name": f"policy-{subject.number}", "action": "status", "status": 403, "body": answer,
                    "match": {"path_prefix": "/api", "table": "incident", "method": "POST", "body_contains": subject.name}})

    def run(self):
        self.refuse()
        begin = time.monotonic()
        self.base = time.time()
        for event in self.schedule.events:
            while (wait := begin + event.at - time.monotonic()) > 0:
                self.scene.producer.poll(min(wait, 0.05))
                if self.broker_up_at is not None and time.monotonic() >= self.broker_up_at:
                    self.broker_up()
                self.check_due()
            if event.what in ("fault", "revoke"):
                self.last_fault = time.monotonic()
            getattr(self, "on_" + event.what.replace("-", "_"))(event.args)
        self.settle()
        return self.seen

    def settle(self):
        for slot in list(self.paused):
            self.on_resume({"slot": slot})
        if self.broker_up_at is not None:
            harness.wait_for("the end of the pause", lambda: time.monotonic() >= self.broker_up_at, 60)
            self.broker_up()
        rules = self.scene.sim.call("GET", "/_sim/faults")
        for rule in rules if isinstance(rules, list) else rules["faults"]:
            if not rule["name"].startswith("policy-"):
                self.seen.count(f"fault {rule['action']}", rule["hits"])
                self.scene.sim.call("DELETE", f"/_sim/faults?name={rule['name']}")
        removed = time.monotonic()
        if not any(self.alive(slot) for slot in self.slots):
            self.on_start({"slot": 0})
        self.scene.flush()
        self.check_due()
        harness.wait_for("every offset is committed", self.all_committed, SETTLE_LIMIT_S, 0.3)
        # A request that hangs may still have its effect.
        harness.wait_for("late requests have landed", lambda: time.monotonic() > removed + self.schedule.late_s + 0.2, 30)
        self.seen.rows = {t: self.scene.sim.rows(t) for t in ("incident", "change_request")}
        harness.wait_for("the newest version of every row is published", self.published, SETTLE_LIMIT_S, 0.5)
        self.check_commits("at the end")
        for slot in self.slots:
            b = self.alive(slot)
            if b is not None:
                self.end(b)
        self.take_journal()
        self.seen.rows = {t: self.scene.sim.rows(t) for t in ("incident", "change_request")}
        self.seen.outcomes = self.patiently(self.scene.outcome_records)
        self.seen.dead = self.patiently(self.dead_places)
        self.read_topics()
        self.look_at_logs()

    def all_committed(self):
        ends = {}
        for m in self.seen.sent:
            ends[m.partition] = max(ends.get(m.partition, 0), m.offset + 1)
        commits, _ = offsets.read(self.scene, self.schedule.partitions)
        return all(commits.get(p, (0,))[0] >= end for p, end in ends.items())

    def read_topics(self):
        self.seen.topics = {t: self.patiently(lambda t=t: self.scene.read_all(f"{self.scene.prefix}.{t}"))
                            for t in ("incident", "change_request")}

    def published(self):
        self.read_topics()
        self.seen.rows = {t: self.scene.sim.rows(t) for t in ("incident", "change_request")}
        return not check.unpublished(self.seen)

    def look_at_logs(self):
        for path in self.scene.folder.glob("bridge-*.log"):
            for word in ("panic", "AddressSanitizer", "runtime error", "watchdog"):
                if word in path.read_text(errors="replace"):
                    self.seen.told.append(f"'{word}' stands in {path}")


def play(schedule, broker=None):
    """Plays it; returns the evidence. `broker`: folder of a broker that may be hurt, None when that is not needed."""
    bootstrap = None
    if schedule.broker_faults:
        started = subprocess.run([str(KAFKA), "start", broker], stdout=subprocess.PIPE, check=True)
        bootstrap = started.stdout.decode().strip()
    with harness.scene(f"fault{schedule.seed}", bootstrap=bootstrap, partitions=schedule.partitions,
                       sim=schedule.service, producers=("incident", "change_request"), settle_s=draw.SETTLE_S,
                       session_ms=draw.SESSION_S * 1000, request_timeout_ms=int(draw.REQUEST_S * 1000),
                       limits="max_attempts = 40; dead_letters_per_minute = 0; " + schedule.limits,
                       max_in_flight=schedule.in_flight, extra='log: { level = "debug"; };') as scene:
        player = Play(schedule, scene, broker)
        try:
            seen = player.run()
        except BaseException:
            for text in player.seen.told:
                print(f"seed {schedule.seed}: {text}")
            raise
        complaints = seen.told + check.final(seen)
        if complaints and os.environ.get("ITSM_FAULT_JOURNAL"):
            Path(os.environ["ITSM_FAULT_JOURNAL"]).write_text("\n".join(json.dumps(e) for e in seen.journal))
        harness.check(not complaints, "\n".join(f"seed {schedule.seed}: {c}" for c in complaints))
    return seen
