"""Events in bulk, and the alerts that the instance makes of them."""
from rows import *


def test_event_life_cycle():
    with rows_scene("event-life", "event", 'fields = { ci_type = "cmdb_ci_server"; };') as s:
        life(s, 1, "Fired", "Fired", "Resolved")
        life(s, 2, "Fired")
        s.flush()
        b = s.bridge().ready()
        s.all_committed()
        alerts = alerts_of(s)
        check(sorted(alerts) == [f"azure:{guid(1)}", f"azure:{guid(2)}"], f"keys: {sorted(alerts)}")
        check([a["state"] for a in alerts[f"azure:{guid(1)}"]] == ["Closed"], "the cleared alert is closed")
        check([a["event_count"] for a in alerts[f"azure:{guid(1)}"]] == ["3"], "fire, repeat, clear")
        open_one = alerts[f"azure:{guid(2)}"]
        check([(a["state"], a["severity"]) for a in open_one] == [("Open", "4")], f"Sev2 is a warning: {open_one}")
        info = json.loads(open_one[0]["additional_info"])
        check(info["rule"] == "rule-2" and all(isinstance(v, str) for v in info.values()), f"additional_info: {info}")
        times = sorted(e["time_of_event"] for e in s.sim.rows("em_event"))
        check(times == 3 * ["2026-11-24 10:00:00"] + ["2026-11-24 10:05:00"], f"times: {times}")
        check({e["ci_type"] for e in s.sim.rows("em_event")} == {"cmdb_ci_server"}, "constants")
        life(s, 3, "Fired", key=guid(1))  # fires again: an instance of its own
        s.flush()
        s.all_committed()
        check(len(alerts_of(s)) == 3, "a new firing is an alert of its own")
        outcomes = s.outcome_records()
        check(len(outcomes) == 5 and all(o["operation"] == "sent" and o["table"] == "em_event" for o in outcomes),
              f"outcomes: {[o['operation'] for o in outcomes]}")
        check({o["correlation_id"] for o in outcomes} == set(alerts_of(s)), "correlation_id is the message_key")
        check(s.read_all(s.dead) == [], "dead letters")
        check(b.stop() == 0, "exit code")
        check(not {"incident", "sys_choice"} & set(s.sim.stats()["table"]), f"nothing is read: {s.sim.stats()['table']}")


def test_event_series():
    """message_key = "series": one alert of rule and resource, which fires, clears and fires again."""
    with rows_scene("event-series", "event", 'message_key = "series";', partitions=1) as s:
        for n in (1, 2):
            s.send(alert(n, rule="cpu"), key="cpu")
            s.send(alert(n, rule="cpu", condition="Resolved"), key="cpu")
        s.flush()
        s.bridge().ready()
        s.all_committed()
        (rows,) = alerts_of(s).values()
        check([(a["state"], a["event_count"]) for a in rows] == [("Closed", "4")], f"{rows}")
        s.send(alert(3, rule="cpu"), key="cpu")
        s.flush()
        s.all_committed()
        (rows,) = alerts_of(s).values()
        check([(a["state"], a["event_count"]) for a in rows] == [("Reopen", "5")], f"{rows}")


def test_events_kill():
    count = 900
    for s in kill_scene("event", count, lambda s: len({e["message_key"] for e in s.sim.rows("em_event")})):
        alerts = alerts_of(s)
        check(len(alerts) == count and all(len(r) == 1 for r in alerts.values()), "exactly one alert by message_key")
        wrong = [n for n in range(count)
                 if (alerts[f"azure:{guid(n)}"][0]["state"] == "Closed") != (n % 3 == 0)]
        check(not wrong, f"wrong state: {wrong[:5]}")
        print(f"events sent for {count + (count + 2) // 3} messages: {len(s.sim.rows('em_event'))}")


def test_trouble_on_the_way():
    """Lost answers, 429, pages, cut bodies: all of it is sent again, nothing is blamed."""
    count = 600
    with rows_scene("rows-trouble", "event") as s:
        match = {"path_prefix": EVENT}
        s.sim.faults({"name": "a", "match": match, "action": "cut_after", "count": 2},
                     {"name": "b", "match": match, "action": "semaphore", "count": 2},
                     {"name": "c", "match": match, "action": "html", "count": 2},
                     {"name": "d", "match": match, "action": "truncate_json", "bytes": 20, "count": 1},
                     {"name": "e", "match": match, "action": "empty_body", "count": 1},
                     {"name": "f", "match": match, "action": "hibernate", "count": 1},
                     {"name": "g", "match": match, "action": "expire_token", "count": 1},
                     {"name": "h", "match": match, "action": "trailing_error", "count": 1})
        for n in range(count):
            life(s, n, "Fired")
        s.flush()
        s.bridge().ready()
        s.all_committed(60)
        alerts = alerts_of(s)
        check(len(alerts) == count and all(len(r) == 1 for r in alerts.values()), "exactly one alert by message_key")
        check(s.read_all(s.dead) == [], "dead letters")


def test_the_bad_event_is_found():
    count = 300
    with rows_scene("rows-bad", "event", sim={"bad_event": "rule-77 "}, limits="max_attempts = 3;") as s:
        for n in range(count):
            s.send(alert(n, rule=f"rule-{n} "), key=guid(n))
        s.flush()
        b = s.bridge().ready()
        s.all_committed(60)
        check(len(alerts_of(s)) == count - 1, "all others are there")
        (dead,) = s.read_all(s.dead)
        headers = dict(dead.headers())
        check(dead.key().decode() == guid(77) and headers["itsm-bridge-class"] == b"attempts", f"{headers}")
        check(b.metric("rows_split_total") >= 5, "requests were split")


def test_a_missing_right_blames_nobody():
    with rows_scene("rows-right", "event", sim={"event_role": "evt_mgmt_integration"}, limits="max_attempts = 2;") as s:
        for n in range(20):
            life(s, n, "Fired")
        s.flush()
        b = s.bridge().ready()
        b.says(r"rows-refused .*evt_mgmt_integration")
        wait_for("it was tried again", lambda: s.sim.stats()["status"].get("403", 0) >= 5, 40, 0.2)
        check(s.read_all(s.dead) == [], "dead letters")
        s.sim.call("POST", "/_sim/roles", {"user": "itsm.integration", "roles": ["itil", "evt_mgmt_integration"]})
        s.all_committed(60)
        check(len(alerts_of(s)) == 20, "all are there after the right was given")


def test_bulk_under_backlog():
    count = 5000
    with rows_scene("rows-bulk", "event") as s:
        for n in range(count):
            life(s, n, "Fired")
        s.flush()
        b = s.bridge().ready()
        s.all_committed(60)
        events = s.sim.stats()["events"]
        per_request = events["records"] / events["calls"]
        print(f"events per request under backlog: {per_request:.0f}")
        check(events["records"] == count and per_request >= 100, f"{events}")
        check(b.metric("rows_sent_total") == count, "counted")


run(test_event_life_cycle, test_event_series, test_events_kill, test_trouble_on_the_way,
    test_the_bad_event_is_found, test_a_missing_right_blames_nobody, test_bulk_under_backlog)
