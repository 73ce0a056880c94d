"""From a seed to a schedule: what is sent, what fails, who is killed, what people do, and when. Pure: the same
seed gives the same schedule, on every machine. Times are seconds from the start of the play."""
import random
from dataclasses import dataclass, field

SESSION_S = 4  # session time-out of the group
REQUEST_S = 1.5  # time-out of one request of the bridge
LATE_MAX_S = 3.0  # longest life of a request that nobody waits for any more
SETTLE_S = 5  # settle_s of the bridge: above LATE_MAX_S, as in the manual

MARKED = ("metric", "service", "activity", "budget")  # kinds whose messages name their cycle
BAD = ("not-json", "empty", "no-format", "no-identity", "no-state", "duplicate-member")

# The seeds of the test run: together they meet every kind of event and of fault.
FIXED = [43, 47, 55, 56, 73, 83, 114, 115, 127, 182, 183, 247, 259, 290, 294]


@dataclass
class Subject:
    """What alerts are about: one instance of a marked kind, or one series of Resource Health."""
    number: int
    kind: str
    refused: bool = False  # ServiceNow refuses its record for good

    @property
    def marked(self):
        return self.kind in MARKED

    @property
    def name(self):
        return f"fault-{self.number:04d}"


@dataclass
class Event:
    at: float
    what: str
    args: dict = field(default_factory=dict)


@dataclass
class Schedule:
    seed: int
    partitions: int
    keyed: bool
    processes: int
    broker_faults: bool
    people: bool
    service: dict  # settings of the simulator
    in_flight: int  # most requests of a process at once
    limits: str  # settings of the bridge's section of this name
    subjects: list
    events: list
    late_s: float = 0.0  # longest life of a request or an answer in this schedule


def times(r, span, n):
    return sorted(r.uniform(0, span) for _ in range(n))


def draw_instance(r, subject, span):
    """Fires, repeats and clears of one instance, some late, some twice, some in the wrong order."""
    fires, clears = 1 + r.choice((0, 0, 1, 2, 3)), 0
    if subject.kind in ("metric", "service") and r.random() < 0.65:
        clears = r.choice((1, 1, 1, 2))
    states = ["fire"] * fires + ["clear"] * clears
    if r.random() < 0.25:
        r.shuffle(states)  # late fires, clears that come first
    fired = -r.uniform(60, 600)
    messages = [{"state": s, "value": r.randrange(10000), "fired": fired} for s in states]
    if r.random() < 0.25:
        messages.append(dict(r.choice(messages)))  # the very same message once more
    begin = r.uniform(0, span * 0.8)
    ats = sorted(begin + abs(r.gauss(0, span / 5)) for _ in messages)
    return [(min(at, span), m) for at, m in zip(ats, messages)]


def draw_series(r, span):
    """Several cycles of one series, with repeats, repeated clears and old messages sent again."""
    messages = []
    for _ in range(r.randint(1, 5)):
        messages += [{"state": "fire", "value": r.randrange(10000)} for _ in range(r.choice((1, 1, 2, 3)))]
        messages += [{"state": "clear", "value": 0} for _ in range(r.choice((0, 1, 1, 1, 2)))]
    if r.random() < 0.2:
        messages.insert(0, {"state": "clear", "value": 0})
    if r.random() < 0.3:
        messages.append(dict(r.choice(messages)))
    return [(at, {**m, "fired": at}) for at, m in zip(times(r, span, len(messages)), messages)]


def draw_sends(r, s, span):
    for subject in s.subjects:
        key = subject.name
        if subject.marked:
            messages = draw_instance(r, subject, span)
        else:
            messages = draw_series(r, span)
        fixed = r.randrange(s.partitions)
        for at, m in messages:
            keyed = s.keyed or not subject.marked
            yield Event(at, "send", {"subject": subject.number, "key": key if keyed or r.random() < 0.5 else None,
                                     "partition": fixed if keyed else r.randrange(s.partitions),
                                     "skew": -r.uniform(0, 4) if r.random() < 0.1 else 0.0, **m})
    for n in range(r.choice((0, 0, 1, 2, 4))):
        yield Event(r.uniform(0, span), "send", {"subject": None, "state": "bad", "bad": r.choice(BAD), "key": f"bad-{n}",
                                                 "partition": r.randrange(s.partitions), "skew": 0.0})


def draw_fault(r):
    """One fault rule of the simulator, and the longest life that it can give a request or an answer."""
    incident = {"path_prefix": "/api", "table": "incident"}
    anything = {"path_prefix": "/api"}
    late = round(r.uniform(0.3, LATE_MAX_S - 0.3), 2)
    page = {"body": "<html>busy</html>", "type": "text/html"}
    words = {"body": '{"error":{"message":"Server error","detail":"unexpected"},"status":"failure"}'}
    count, p = r.randint(1, 8), r.choice((0.1, 0.3, 1))
    some = {"match": incident, "count": count, "probability": p}
    few = {"match": r.choice((incident, anything)), "count": r.randint(1, 3), "probability": p}
    rules = (
        ({**few, "action": "status", "status": 503, **page}, 0), ({**some, "action": "status", "status": 500, **words}, 0),
        ({**few, "action": "status", "status": 502, **page}, 0), ({**few, "action": "status", "status": 404, **page}, 0),
        ({**some, "action": "after_commit", "status": 500, **words}, 0),
        ({**few, "action": "after_commit", "status": 504, **page}, 0),
        ({**some, "action": "cut_before"}, 0), ({**some, "action": "cut_after"}, 0),
        ({**some, "action": "cut_mid_body", "bytes": r.randrange(1, 200)}, 0),
        ({**some, "action": "delay_ms", "ms": int(late * 1000), "when": "before"}, late),
        ({**some, "action": "delay_ms", "ms": int(late * 1000), "when": "after"}, late),
        ({**some, "action": "hang", "late_ms": int(late * 1000)}, late), ({**few, "action": "hang"}, 0),
        ({**some, "action": "trailing_error"}, 0), ({**some, "action": "trailing_error", "form": "malformed"}, 0),
        ({**few, "action": "hibernate"}, 0), ({**few, "action": "html"}, 0), ({**few, "action": "redirect"}, 0),
        ({**few, "action": "slow_drip", "bytes": r.choice((40, 400)), "ms": 50}, REQUEST_S),
        ({**few, "action": "ratelimit", "retry_after": 1}, 0), ({**some, "action": "semaphore"}, 0),
        ({**few, "action": "expire_token"}, 0), ({**some, "action": "empty_body"}, 0),
        ({**some, "action": "truncate_json", "bytes": r.randrange(1, 100)}, 0),
        ({**some, "action": "bad_content_type", "type": r.choice(("text/plain", "text/html"))}, 0),
        ({**few, "count": 1, "action": "huge_body", "bytes": 80_000_000}, REQUEST_S),
        ({"match": {"path_prefix": "/oauth_token.do"}, "count": 1, "action": "status", "status": 503, **page}, 0),
    )
    rule, life = r.choice(rules)
    if "table" in rule["match"] and r.random() < 0.5:
        rule = {**rule, "match": {**rule["match"], "method": r.choice(("POST", "PATCH", "GET"))}}
    return rule, life


def draw_faults(r, s, span):
    for n in range(r.choice((0, 1, 2, 4, 6, 8))):
        rule, life = draw_fault(r)
        s.late_s = max(s.late_s, life)
        yield Event(r.uniform(0, span), "fault", {"rule": {"name": f"fault-{n}", **rule}})
    if r.random() < 0.2:
        yield Event(r.uniform(1, span), "revoke")


def draw_processes(r, s, span):
    """Walks each process through its states; what is over by the end of the span is left as it is."""
    for slot in range(3):
        at = 0.0 if slot < s.processes else r.uniform(0.5, span)
        if slot >= s.processes and r.random() < 0.6:
            continue
        yield Event(at, "start", {"slot": slot})
        for _ in range(r.choice((0, 1, 2, 3, 4))):
            at += r.uniform(0.3, span * 0.6)
            if at > span:
                break
            what = r.choice(("kill", "kill", "kill", "term", "pause", "pause-long", "hup"))
            if what == "hup":
                yield Event(at, "hup", {"slot": slot})
            elif what.startswith("pause"):
                yield Event(at, "pause", {"slot": slot})
                at += r.uniform(SESSION_S + 0.5, SESSION_S + 3) if what == "pause-long" else r.uniform(0.2, 2)
                yield Event(at, "kill" if r.random() < 0.2 else "resume", {"slot": slot})
                yield Event(at + 0.1, "start", {"slot": slot})  # nothing when it runs
            else:
                yield Event(at, what, {"slot": slot})
                at += r.choice((0.0, r.uniform(0, 3)))
                yield Event(at, "start", {"slot": slot})


def draw_broker(r, span):
    at = 0.5
    for _ in range(r.randint(1, 2)):
        at += r.uniform(0.5, span * 0.6)
        what = r.choice(("broker-restart", "broker-kill", "broker-pause"))
        yield Event(at, what, {"seconds": round(r.uniform(0.5, SESSION_S + 3), 1)} if what == "broker-pause" else {})
        at += 3


def draw_people(r, s, span):
    for _ in range(r.randint(2, 14) if s.people else 0):
        yield Event(r.uniform(0.5, span + 3), "person", {
            "subject": r.choice(s.subjects).number,
            "does": r.choice(("resolve", "resolve", "close", "cancel", "hold", "work", "reopen", "reopen", "touch"))})
    for _ in range(r.choice((0, 3, 10))):
        yield Event(r.uniform(0, span + 3), "change", {"row": r.randrange(4), "text": r.randrange(10000)})


def draw(seed):
    r = random.Random(f"itsm-bridge fault {seed}")
    span = r.uniform(4, 9)
    s = Schedule(seed=seed, partitions=r.choice((1, 2, 3, 3, 5)), keyed=r.random() < 0.6, processes=r.choice((1, 1, 2, 3)),
                 broker_faults=r.random() < 0.15, people=r.random() < 0.5,
                 service={"insert_ms": r.choice((0, 5, 30, 120, 300)), "update_ms": r.choice((0, 5, 30, 120, 300)),
                          "read_ms": r.choice((0, 5)), "page_ms": r.choice((0, 10, 100)), "seed": r.randrange(1 << 20)},
                 in_flight=r.choice((1, 2, 8, 8)), limits=r.choice(("", "", "max_waiting = 20; max_parked = 5;")),
                 subjects=[], events=[])
    for n in range(r.randint(6, 40)):
        s.subjects.append(Subject(n, r.choice(("metric",) * 5 + MARKED), refused=False))
    for subject in s.subjects:
        subject.refused = subject.kind == "metric" and r.random() < 0.05
    s.subjects += [Subject(len(s.subjects) + n, "resource") for n in range(r.randint(1, 6))]
    # Now and then all at once: a backlog.
    s.events = [*draw_sends(r, s, r.choice((span, span, 0.5))), *draw_faults(r, s, span), *draw_processes(r, s, span),
                *draw_people(r, s, span)]
    if s.broker_faults:
        s.events += draw_broker(r, span)
    s.events.sort(key=lambda e: e.at)
    return s


def show(s):
    """The schedule as text, a line an event."""
    lines = [f"seed {s.seed}: {s.partitions} partitions, {'keyed' if s.keyed else 'no keys'}, {s.processes} processes, "
             f"{s.in_flight} in flight, {s.limits or 'usual limits'}"
             f"{', broker faults' if s.broker_faults else ''}{', people' if s.people else ''}, {s.service}"]
    refused = [x.name for x in s.subjects if x.refused]
    if refused:
        lines.append(f"refused for good: {', '.join(refused)}")
    lines += [f"{e.at:7.3f} {e.what:14} " + " ".join(f"{k}={v}" for k, v in e.args.items()) for e in s.events]
    return "\n".join(lines)
