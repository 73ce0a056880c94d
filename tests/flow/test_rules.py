"""Rules, from a message to the record, the outcome and the metrics; again after a restart and a replay."""
from harness import *

RULES = r'''fields = { category = "inquiry"; };
    rules: ( { name = "test systems"; drop = true;
               when: ( { field = "label.env"; one_of = ["test", "dev"]; } ); },
             { name = "groups"; continue = true; assignment_group = "{label.team|default:'Service Desk'}";
               category = "{label.area|lower|default:network}"; },
             { name = "night"; impact = 1; urgency = 1; category = "hardware";
               fields = { short_description = "[{severity}] {rule|cut:40}"; };
               when: ( { from = "22:00"; to = "06:00"; }, { field = "severity"; at_least = "Sev2"; } ); },
             { name = "each"; individual_work_items = true;
               when: ( { field = "label.each"; present = true; } ); } );'''

SHOP, CREW = "a1" * 16, "a2" * 16


def message(number, condition="Fired", fired="2026-11-24T10:00:00.000Z", value=None, severity="Sev2", **properties):
    a = alert(number, fired=fired, condition=condition, value=value, severity=severity)
    a["data"]["customProperties"] = properties
    return a


def rules_of(outcomes, operation):
    return [o.get("rules") for o in outcomes if o["operation"] == operation]


def test_columns_drop_and_continue():
    with scene("rules", partitions=1, consumer=RULES) as s:
        s.sim.call("POST", "/_sim/rows", {"table": "sys_user_group", "rows": [
            {"sys_id": SHOP, "name": "Web Shop", "active": "true"}, {"sys_id": CREW, "name": "Crew", "active": "true"}]})
        s.send(message(1, team="Web Shop", env="prod", area="Software"), key=guid(1))
        s.send(message(2, env="test"), key=guid(2))
        s.send(message(3, fired="2026-11-24T23:30:00.000Z", team="Crew^ORname=Web Shop\r\nX: y"), key=guid(3))
        s.send(message(2, "Resolved", env="test"), key=guid(2))
        s.flush()
        b = s.bridge().ready()
        s.all_committed()
        rows = by_alert(s.sim.rows())
        check(set(rows) == {guid(1), guid(3)}, f"records of the alerts that are not dropped: {sorted(rows)}")
        day, night = rows[guid(1)][0], rows[guid(3)][0]
        check(day["assignment_group"] == SHOP and day["category"] == "software", "columns of the rule")
        check((day["impact"], day["urgency"]) == ("2", "2"), "impact and urgency by severity")
        check(night["assignment_group"] == "", f"a group that is none: {night['assignment_group']!r}")
        notes = [o["notes"] for o in s.outcome_records() if o.get("number") == night["number"]][0]
        check(any("assignment_group" in n for n in notes), f"its outcome says so: {notes}")
        check(night["category"] == "hardware" and night["impact"] == "1", "the rule behind a continue wins")
        check(night["short_description"] == "[Sev2] rule-3", f"short description: {night['short_description']}")
        outcomes = s.outcome_records()
        check(rules_of(outcomes, "dropped") == [["test systems"]] * 2, "an outcome for each dropped message")
        check(sorted(rules_of(outcomes, "created")) == [["groups"], ["groups", "night"]], "outcomes name the rules")
        check(b.metric("alerts_dropped_total") == 2, "dropped alerts are counted")
        check('rule="azure/test systems"' in b.get("/metrics")[1], "by rule")

        # A person takes over; a repeat brings the content up to date and leaves what people changed.
        s.sim.edit(table="incident", sys_id=day["sys_id"], user="anna", set={"assignment_group": "Somebody"})
        s.send(message(1, team="Web Shop", value=4711, severity="Sev1"), key=guid(1))
        s.flush()
        wait_for("the update", lambda: "4711" in by_alert(s.sim.rows())[guid(1)][0]["description"])
        after = by_alert(s.sim.rows())[guid(1)][0]
        check(after["assignment_group"] == "Somebody" and after["impact"] == "2", "a repeat sets no group")
        check(b.stop() == 0, "exit code")


def test_parts_live_on_their_own():
    """A record for each configuration item, cleared together, and the same again in a replay."""
    with scene("parts", partitions=1, consumer=RULES) as s:
        two = message(1, each="yes")
        base = two["data"]["essentials"]["alertTargetIDs"][0]
        targets = [base, base.rsplit("/", 1)[0] + "/other"]
        two["data"]["essentials"]["alertTargetIDs"] = targets
        s.send(two, key=guid(1))
        s.flush()
        b = s.bridge().ready()
        s.all_committed()
        rows = s.sim.rows()
        check(len(rows) == 2 and len({r["correlation_id"] for r in rows}) == 2, f"two records: {len(rows)}")
        check(sum(r["short_description"].startswith("other: ") for r in rows) == 1, "each says which item it is of")
        clear = message(1, "Resolved", each="yes")
        clear["data"]["essentials"]["alertTargetIDs"] = targets[:1]
        s.send(clear, key=guid(1))
        s.flush()
        wait_for("one is resolved", lambda: sum(r["state"] == "6" for r in s.sim.rows()) == 1)
        clear["data"]["essentials"]["alertTargetIDs"] = targets
        s.send(clear, key=guid(1))
        s.flush()
        wait_for("both are resolved", lambda: sum(r["state"] == "6" for r in s.sim.rows()) == 2)
        s.all_committed()
        check(b.stop() == 0, "exit code")
        consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": s.group, "enable.auto.commit": False})
        consumer.commit(offsets=[TopicPartition(s.alerts_topic, 0, 0)], asynchronous=False)
        consumer.close()
        before, count = s.sim.stats()["journal_last"], len(s.outcome_records())
        s.bridge("again").ready()
        wait_for("the replay is done", lambda: len(s.outcome_records()) == 2 * count, 30, 0.3)
        check(s.sim.stats()["journal_last"] == before, "a replay wrote something")


run(test_columns_drop_and_continue, test_parts_live_on_their_own)
