"""The judges of the fault runner, on journals made by hand: each breach must be seen, each documented race must pass.
Also: a seed is a schedule, and the fixed seeds meet every kind of fault."""
import json
import sys

import check
import draw
import offsets_map
from draw import Schedule, Subject
from evidence import Evidence, Sent

BRIDGE, ANNA = check.BRIDGE, "anna"


def stamp(rank, offset, generation=0, partition=0):
    return f"itsm-bridge 0123456789abcdef {generation:06d}.{rank}.abc 01234567.{partition}.{offset}"


def text(offset, partition=0):
    return f"about fault-0000\n[itsm-bridge abc.01234567.{partition}.{offset}]"


class World:
    """A subject, what was sent about it, and a journal."""

    def __init__(self, kind="metric", sent="f", keyed=True):
        subject = Subject(0, kind)
        self.seen = Evidence(Schedule(1, 1, keyed, 1, False, True, {}, 8, "", [subject], []))
        self.seen.sent = [Sent(subject, "fire" if s == "f" else "clear", 0, n, b"%d" % n) for n, s in enumerate(sent)]
        self.seen.rows = {"incident": []}
        self.at = 0

    def entry(self, sys_id, user, later=10000, **new):
        self.at += later
        if sys_id not in [r["sys_id"] for r in self.seen.rows["incident"]]:
            self.seen.rows["incident"].append({"sys_id": sys_id})
        self.seen.journal.append({"seq": len(self.seen.journal) + 1, "wall_ms": self.at, "user": user, "table": "incident",
                                  "sys_id": sys_id, "changes": {k: {"old": None, "new": v} for k, v in new.items()}})
        return self

    def made(self, sys_id="a", offset=0, generation=0):
        return self.entry(sys_id, BRIDGE, description=text(offset), correlation_display=stamp(0, offset, generation))

    def resolved(self, offset, sys_id="a", later=10000, generation=0):
        return self.entry(sys_id, BRIDGE, later, state="6", close_notes="x",
                          correlation_display=stamp(1, offset, generation))

    def person(self, state, sys_id="a", later=10000):
        return self.entry(sys_id, ANNA, later, state=state)

    def repeats(self, again, first):
        """Message `again` is message `first` once more."""
        self.seen.sent[again].value = self.seen.sent[first].value
        return self

    def complaints(self):
        return list(check.record_complaints(self.seen))


def good(world):
    if world.complaints():
        raise AssertionError(f"should pass: {world.complaints()}")


def bad(world, words):
    if not any(words in c for c in world.complaints()):
        raise AssertionError(f"'{words}' should be said, got {world.complaints()}")


def test_lives_that_are_right():
    good(World().made())
    good(World(sent="fc").made().resolved(1))
    good(World(sent="ffc").made().entry("a", BRIDGE, description=text(1)).resolved(2))
    good(World(sent="cf").entry("a", BRIDGE, state="6", description=text(0), correlation_display=stamp(1, 0)))
    good(World(sent="fc").made().person("6").entry("a", BRIDGE, correlation_display=stamp(1, 1)))
    good(World(sent="fc").made().person("3").entry("a", BRIDGE, work_notes="x", correlation_display=stamp(1, 1)))
    good(World(sent="fc").made().resolved(1).person("2"))
    good(World(sent="ff").repeats(1, 0).made())
    good(World(sent="fff").repeats(2, 0).made())
    good(World("resource", "fcf").made("a", 0, 1).resolved(1, generation=1).made("b", 2, 2))


def test_breaches():
    bad(World(), "0 records, wanted 1")
    bad(World(sent="ff").made("a").made("b", 1), "2 records, wanted 1")
    bad(World(sent="fc").made(), "1 clears were sent")
    bad(World().made().resolved(0), "is of a fire")
    bad(World(sent="fc").made().resolved(1).entry("a", BRIDGE, state="1"), "moved the state from 6 to 1")
    bad(World(sent="fc").made().entry("a", BRIDGE, state="6"), "without the stamp of a clear")
    bad(World(sent="fc").made().entry("a", BRIDGE, correlation_display=stamp(1, 1)), "no clear was due")
    bad(World(sent="fc").made().person("7").resolved(1), "no clear was due")
    bad(World(sent="fc").made().person("3").resolved(1), "no clear was due")
    bad(World(sent="fcc").made().resolved(1).person("2").resolved(2), "no clear was due")
    bad(World(sent="fff").made().entry("a", BRIDGE, description=text(2)).entry("a", BRIDGE, description=text(1)),
        "older content over newer")
    bad(World(sent="ff").made().person("6").entry("a", BRIDGE, description=text(1)), "not open")
    bad(World(sent="ff").made(), "the newest message is (0, 1)")
    bad(World(sent="fff").repeats(1, 0).made(), "the newest message is (0, 2)")
    bad(World(sent="fff").repeats(2, 0).made().entry("a", BRIDGE, description=text(1)), "the newest message is (0, 2)")
    bad(World(sent="fcf").made().resolved(1).entry("a", BRIDGE, correlation_display=stamp(0, 2)), "stamp of a fire")
    bad(World("resource", "fcf").made("a", 0, 1).resolved(1, generation=1), "1 records, wanted 2")
    bad(World("resource", "ff").made("a", 0, 1).made("b", 1, 2), "while the one before it was open")
    bad(World("resource", "fcfcf").made("a", 0, 1).person("3").entry("a", BRIDGE, correlation_display=stamp(1, 1, 1))
        .entry("a", BRIDGE, description=text(4)), "offsets 2 to 3 left no trace")
    bad(World("resource", "fccc").made("a", 0, 1).resolved(2, generation=1), "the newest message is the clear")


def test_races_pass_only_as_such():
    """A person's change just before the write passes; the same change long before does not."""
    good(World(sent="fc").made().person("7").resolved(1, later=100))
    good(World(sent="fcc").made().resolved(1).person("2", later=100).resolved(1, later=100))
    good(World(sent="fcc", keyed=False).made().resolved(1).entry("a", BRIDGE, 50, correlation_display=stamp(1, 2)))
    bad(World(sent="fcc").made().resolved(1).entry("a", BRIDGE, correlation_display=stamp(1, 2)), "no clear was due")
    late = World(sent="fc").made().person("7")
    late.seen.stops = [(late.at - 500, late.at + 9000)]
    good(late.resolved(1))
    slow = World(sent="fc").made().person("7")
    slow.seen.schedule.late_s = 3
    good(slow.resolved(1, later=8000))


def test_early_commits():
    world = World(sent="fc").made()
    outcome = {"source": {"partition": 0, "offset": 0}, "operation": "created", "sys_id": "a"}
    second = {**outcome, "source": {"partition": 0, "offset": 1}}

    def said(commits, outcomes):
        return check.early(world.seen, commits, outcomes, [])
    assert said({}, []) == [] and said({0: (0, set())}, []) == [] and said({0: (1, set())}, [outcome]) == []
    assert "without its outcome" in said({0: (1, set())}, [])[0]
    assert "without its outcome" in said({0: (0, {0})}, [])[0]
    assert "no record shows the clear" in said({0: (2, set())}, [outcome, second])[0]
    world.seen.sent[0].subject.refused = True
    assert "without its dead letter" in said({0: (1, set())}, [outcome])[0]
    assert check.early(world.seen, {0: (1, set())}, [outcome], [(0, 0, "rejected", "")]) == []


class Published:
    def __init__(self, key, version):
        self.words = key.encode(), json.dumps({"sys_mod_count": version, "record": {}}).encode()

    def key(self):
        return self.words[0]

    def value(self):
        return self.words[1]


def test_topics():
    world = World()

    def said(*versions):
        world.seen.rows = {"incident": [{"sys_id": "a", "sys_mod_count": "3"}]}
        world.seen.topics = {"incident": [Published("a", v) for v in versions]}
        return list(check.topic_complaints(world.seen))
    assert said("0", "1", "3") == [] and said("3") == []
    assert "not published" in said("0", "1")[0]
    assert "version 3 after 3" in said("3", "3")[0]
    assert "version 1 after 3" in said("3", "1")[0]


def test_maps():
    """Vectors by hand, from the words of consumers/offsets_map.h."""
    assert offsets_map.finished("-", 10) == set()
    assert offsets_map.finished("rCD", 10) == {12, 13, 14}
    assert offsets_map.finished("rgBB", 0) == {32}
    assert offsets_map.finished("bFB", 100) == {100, 102, 106}
    for broken in ("x", "rC", "rg"):
        try:
            offsets_map.finished(broken, 0)
        except ValueError:
            continue
        raise AssertionError(f"{broken} was believed")


def test_schedules():
    for seed in range(1, 60):
        assert draw.show(draw.draw(seed)) == draw.show(draw.draw(seed))
    assert len({draw.show(draw.draw(seed)) for seed in range(1, 60)}) == 59
    events = [e for seed in draw.FIXED for e in draw.draw(seed).events]
    actions = {e.args["rule"]["action"] for e in events if e.what == "fault"}
    missing = {"status", "after_commit", "cut_before", "cut_after", "cut_mid_body", "delay_ms", "hang", "trailing_error",
               "hibernate", "html", "redirect", "slow_drip", "ratelimit", "semaphore", "expire_token", "empty_body",
               "truncate_json", "bad_content_type", "huge_body"} - actions
    assert not missing, f"the fixed seeds never meet {missing}"
    missing = {"send", "fault", "revoke", "start", "kill", "term", "pause", "resume", "hup", "person", "change",
               "broker-restart", "broker-kill", "broker-pause"} - {e.what for e in events}
    assert not missing, f"the fixed seeds never meet {missing}"


for test in (test_lives_that_are_right, test_breaches, test_races_pass_only_as_such, test_early_commits, test_topics,
             test_maps, test_schedules):
    test()
    print(f"ok {test.__name__}")
sys.exit(0)
