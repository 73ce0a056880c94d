"""What the incident says, and what a repeat changes."""
from harness import *

CI = "c1" * 16


def test_fields_ci_and_repeat():
    with scene("incident", consumer='fields = { category = "network"; assignment_group = "Cloud"; };') as s:
        s.sim.call("POST", "/_sim/rows", {"table": "cmdb_ci", "rows": [
            {"sys_id": CI, "name": "test-storageAccount"},
            {"sys_id": "c2" * 16, "name": "twice"}, {"sys_id": "c3" * 16, "name": "twice"}]})
        two = alert(2)
        two["data"]["essentials"]["configurationItems"] = ["twice"]
        s.send(alert(1, value=17), key=guid(1))
        s.send(two, key=guid(2))
        s.flush()
        s.bridge().ready()
        s.all_committed()
        rows = by_alert(s.sim.rows())
        row = rows[guid(1)][0]
        check(row["cmdb_ci"] == CI, f"configuration item: {row['cmdb_ci']!r}")
        check(rows[guid(2)][0]["cmdb_ci"] == "", "an ambiguous name means none")
        note = [o for o in s.outcome_records() if o["number"] == rows[guid(2)][0]["number"]][0]["notes"]
        check(any("several are named" in n for n in note), f"the outcome says why: {note}")
        check(row["category"] == "network" and row["contact_type"] in ("monitoring", "event"), "fields and contact type")
        check(row["correlation_display"].startswith("itsm-bridge "), "state stamp")
        check("17" in row["description"] and row["description"].rstrip().endswith("]"), "description with value and version")
        s.send(alert(1, value=4711), key=guid(1))
        s.flush()
        s.all_committed()
        after = by_alert(s.sim.rows())[guid(1)][0]
        check(after["state"] == "1" and after["number"] == row["number"], "a repeat changes no state and opens nothing")
        check("4711" in after["description"] and after["sys_mod_count"] == "1", "a repeat updates the content once")
        check(after["correlation_display"] == row["correlation_display"], "a repeat leaves the state stamp alone")
        notes = s.sim.rows("sys_journal_field", f"element_id={row['sys_id']}^element=work_notes")
        check(len(notes) == 1, f"{len(notes)} work notes")


def test_replay_writes_nothing():
    """Offsets set back to the beginning: the same alerts again, looked at in bulk, none written."""
    count = 1000
    with scene("replay", partitions=2) as s:
        for n in range(count):
            s.send(alert(n), key=guid(n))
        s.flush()
        b = s.bridge()
        s.all_committed(60)
        check(b.stop() == 0, "exit code")
        before = s.sim.stats()
        writes = before["journal_last"]
        consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": s.group, "enable.auto.commit": False})
        consumer.commit(offsets=[TopicPartition(s.alerts_topic, p, 0) for p in range(2)], asynchronous=False)
        consumer.close()
        s.bridge("again")
        wait_for("the replay is done", lambda: len(s.outcome_records()) == 2 * count, 60, 0.5)
        after = s.sim.stats()
        check(after["journal_last"] == writes, "a replay wrote something")
        requests = after["table"]["incident"] - before["table"]["incident"]
        print(f"requests for {count} redelivered alerts: {requests}")
        check(requests <= 20, f"{requests} requests for {count} redelivered alerts")


def test_regular_expression_leaves_out_own_topics():
    with scene("regex") as s:
        text = s.config_file.read_text()
        own = f"alerts-{s.tag}-outcomes"
        text = text.replace(f'topics = ["{s.alerts_topic}"]', f'topics = ["^alerts-{s.tag}.*"]')
        text = text.replace(f'outcomes = "{s.outcomes}"', f'outcomes = "{own}"')
        s.config_file.write_text(text)
        s.outcomes = own
        s.send(alert(1), key=guid(1))
        s.flush()
        b = s.bridge().ready()
        s.all_committed()
        check(len(s.outcome_records()) == 1, "one outcome")
        s.send(alert(2), key=guid(2))
        s.flush()
        wait_for("the second alert", lambda: len(s.sim.rows()) == 2)
        check(s.read_all(s.dead) == [], "the bridge read its own outcomes")
        check(b.stop() == 0, "exit code")


run(test_fields_ci_and_repeat, test_replay_writes_nothing, test_regular_expression_leaves_out_own_topics)
