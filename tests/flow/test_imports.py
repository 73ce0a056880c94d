"""Rows of an Import Set staging table, and what a transform map makes of them."""
from rows import *


def test_import_life_cycle():
    with rows_scene("import-life", "import:u_alerts") as s:
        life(s, 1, "Fired", "Fired", "Resolved")
        life(s, 2, "Fired")
        s.send(alert(4, rule="untransformable"), key=guid(4))
        s.flush()
        b = s.bridge().ready()
        s.all_committed()
        rows = by_alert(s.sim.rows())
        check(sorted(rows) == [guid(1), guid(2)] and all(len(r) == 1 for r in rows.values()), "one record each")
        check((rows[guid(1)][0]["state"], rows[guid(2)][0]["state"]) == ("6", "1"), "states")
        staged = s.sim.rows("u_alerts")
        check(len(staged) == 5, f"{len(staged)} rows in the staging table")
        life(s, 3, "Fired", key=guid(1))
        s.flush()
        s.all_committed()
        check(len(by_alert(s.sim.rows())) == 3, "fires again: a record of its own")
        outcomes = {}
        for o in s.outcome_records():
            outcomes.setdefault(o["correlation_id"][6:], []).append(o)
        words = [(o["operation"], o.get("why")) for o in sorted(outcomes[guid(1)], key=lambda o: o["source"]["offset"])]
        check(words == [("created", None), ("nothing", "ignored"), ("updated", None)], f"words: {words}")
        first = outcomes[guid(1)][0]
        check((first["table"], first["sys_id"]) == ("incident", rows[guid(1)][0]["sys_id"]), f"record: {first}")
        (dead,) = s.read_all(s.dead)
        check(b"Target record not found" in dict(dead.headers())["itsm-bridge-reason"], f"{dead.headers()}")
        check(b.stop() == 0, "exit code")


def test_import_kill():
    count = 150
    for s in kill_scene("import:u_alerts", count, lambda s: len(s.sim.rows())):
        rows = by_alert(s.sim.rows())
        check(len(rows) == count and all(len(r) == 1 for r in rows.values()), "exactly one record by correlation_id")
        wrong = [n for n in range(count) if rows[guid(n)][0]["state"] != ("6" if n % 3 == 0 else "1")]
        check(not wrong, f"wrong state: {wrong[:5]}")


run(test_import_life_cycle, test_import_kill)
