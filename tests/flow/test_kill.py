"""Kill -9 in the middle, start again: one incident per alert, in its right state, nothing published twice."""
from harness import *

ALERTS = 300


def test_kill_and_start_again():
    with scene("kill", sim={"insert_ms": 20, "update_ms": 10}, producers=("incident",)) as s:
        for n in range(ALERTS):
            s.send(alert(n), key=guid(n))
            if n % 3 == 0:
                s.send(alert(n, condition="Resolved"), key=guid(n))
        s.flush()
        for part in (0.15, 0.4, 0.7):
            b = s.bridge()
            wait_for("some incidents", lambda: len(s.sim.rows()) >= ALERTS * part, 40, 0.02)
            b.kill()
        b = s.bridge()
        s.all_committed(60)
        rows = by_alert(s.sim.rows())
        check(len(rows) == ALERTS and all(len(r) == 1 for r in rows.values()), "one incident per alert")
        wrong = [n for n in range(ALERTS) if rows[guid(n)][0]["state"] != ("6" if n % 3 == 0 else "1")]
        check(not wrong, f"wrong state: {wrong}")
        newest = {(r["sys_id"], r["sys_mod_count"]) for r in s.sim.rows()}
        topic = f"{s.prefix}.incident"

        def published():
            return [(m.key().decode(), json.loads(m.value())["sys_mod_count"]) for m in s.read_all(topic) if m.value()]
        wait_for("the newest versions are published", lambda: newest <= set(published()), 30, 0.5)
        seen = published()
        check(len(seen) == len(set(seen)), "a version was published twice")
        check(s.read_all(s.dead) == [], "dead letters")
        check(b.stop() == 0, "exit code")


run(test_kill_and_start_again)
