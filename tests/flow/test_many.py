"""Several processes in one group, messages without keys, clears read first."""
from harness import *

ALERTS = 120


def test_three_processes_unkeyed():
    with scene("three", partitions=6, sim={"insert_ms": 10, "update_ms": 10}, producers=("incident",)) as s:
        order = [(n, c) for c in ("Resolved", "Fired") for n in range(ALERTS) if c == "Fired" or n % 2]
        random.Random(5).shuffle(order)
        for n, condition in order:
            s.send(alert(n, condition=condition), partition=random.Random(n + len(condition)).randrange(6))
        s.flush()
        bridges = [s.bridge(f"bridge-{i}") for i in range(3)]
        wait_for("some incidents", lambda: len(s.sim.rows()) > 20, 40)
        bridges[1].kill()
        bridges.append(s.bridge("bridge-3"))
        wait_for("more incidents", lambda: len(s.sim.rows()) > 60, 40)
        check(bridges[2].stop() == 0, "a process leaves cleanly")
        s.all_committed(60)
        rows = by_alert(s.sim.rows())
        check(len(rows) == ALERTS and all(len(r) == 1 for r in rows.values()), "one incident per alert")
        wrong = [n for n in range(ALERTS) if rows[guid(n)][0]["state"] != ("6" if n % 2 else "1")]
        check(not wrong, f"wrong state: {wrong}")
        reopened = [e for e in s.sim.journal() for c in [e.get("changes", {}).get("state")]
                    if isinstance(c, (list, dict)) and str(c).find("'6'") >= 0 and str(c).find("'6'") < str(c).find("'1'")]
        check(not reopened, "the bridge reopened a record")
        check(s.read_all(s.dead) == [], "dead letters")


run(test_three_processes_unkeyed)
