"""The main job: alerts become incidents, clears resolve them, changes come back as records."""
from harness import *

ALERTS = 60


def versions(records):
    return [(m.key().decode(), json.loads(m.value())["sys_mod_count"]) for m in records if m.value()]


def test_alerts_and_work_items():
    with scene("main", producers=("incident", "change_request")) as s:
        for n in range(ALERTS):
            s.send(alert(n), key=guid(n))
        s.flush()
        b = s.bridge().ready()
        wait_for("every alert has its incident", lambda: len(by_alert(s.sim.rows())) == ALERTS)
        for n in range(0, ALERTS, 2):
            s.send(alert(n, condition="Resolved"), key=guid(n))
        s.flush()
        s.all_committed()
        rows = by_alert(s.sim.rows())
        check(all(len(r) == 1 for r in rows.values()), "an alert has more than one incident")
        for n in range(ALERTS):
            row = rows[guid(n)][0]
            check(row["state"] == ("6" if n % 2 == 0 else "1"), f"alert {n} ended in state {row['state']}")
            check(row["short_description"].startswith(f"rule-{n}"), row["short_description"])
            check(row["impact"] == "2" and row["urgency"] == "2", "impact and urgency of Sev2")
        outcomes = s.outcome_records()
        check(len({(o["correlation_id"], o["alert"]["state"]) for o in outcomes}) == ALERTS + ALERTS // 2,
              "outcome records")
        check({o["number"] for o in outcomes} == {r[0]["number"] for r in rows.values()}, "numbers in outcomes")
        newest = {r["sys_id"]: r["sys_mod_count"] for r in s.sim.rows()}
        wait_for("the newest version of each incident is in its topic",
                 lambda: {k: v for k, v in newest.items()}.items() <=
                 dict(versions(s.read_all(f"{s.prefix}.incident"))).items(), 20, 0.5)
        seen = versions(s.read_all(f"{s.prefix}.incident"))
        check(len(seen) == len(set(seen)), "a version was published twice")
        check(b.get("/healthz")[0] == 200 and b.get("/readyz")[0] == 200, "health pages")
        check(b.metric("alerts_total") == ALERTS + ALERTS // 2, "alerts_total")
        check(s.read_all(s.dead) == [], "dead letters")
        begin = time.monotonic()
        check(b.stop() == 0, "exit code")
        check(time.monotonic() - begin < 3, "SIGTERM took too long")


def test_changes_come_back():
    with scene("changes", consumers=False, producers=("incident",)) as s:
        b = s.bridge().ready()
        s.sim.call("POST", "/_sim/rows", {"table": "incident", "rows": [
            {"sys_id": f"{n:032x}", "short_description": f"by hand {n}", "state": "1", "sys_mod_count": "0",
             "sys_updated_on": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())} for n in range(1, 21)]})
        wait_for("20 rows published", lambda: len(versions(s.read_all(f"{s.prefix}.incident"))) == 20, 20, 0.3)
        b.kill()
        s.sim.edit(table="incident", sys_id=f"{7:032x}", user="anna", set={"short_description": "changed"})
        b = s.bridge().ready()
        wait_for("the change is published", lambda: len(versions(s.read_all(f"{s.prefix}.incident"))) == 21, 20, 0.3)
        check(b.stop() == 0, "exit code")
        seen = versions(s.read_all(f"{s.prefix}.incident"))
        check(len(seen) == len(set(seen)) == 21, f"versions published: {len(seen)}, distinct {len(set(seen))}")


run(test_alerts_and_work_items, test_changes_come_back)
