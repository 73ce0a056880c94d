"""Edges of the alert path: expressions, big messages, notes, refused updates, a stop in the middle of the start."""
import re

from harness import *


def rewrite(s, old, new):
    text = s.config_file.read_text()
    check(old in text, f"{old} stands in the configuration")
    s.config_file.write_text(text.replace(old, new))


def health(stage, text="text of the communication"):
    a = sample("test-service-health.json")
    a["data"]["essentials"]["alertRule"] = "health"
    a["data"]["alertContext"]["properties"]["stage"] = stage
    a["data"]["alertContext"]["properties"]["communication"] = text
    a["data"]["alertContext"]["status"] = "Active"
    return a


def test_expression_matches_neither_own_nor_internal_topics():
    with scene("pattern") as s:
        rewrite(s, f'topics = ["{s.alerts_topic}"]', f'topics = ["^(__|alerts-{s.tag}|outcomes-{s.tag}|dead-{s.tag}).*"]')
        s.send(alert(1), key="1")
        s.flush()
        b = s.bridge()
        s.all_committed()
        s.send(alert(2), key="2")
        s.flush()
        s.all_committed()
        check(len(s.sim.rows()) == 2, "both alerts")
        check(s.read_all(s.dead) == [], "dead letters: outcomes or offsets of the brokers were read")
        assigned = [int(n) for n in re.findall(r"kafka-assigned.*? partitions=(\d+)", b.text())]
        check(assigned[-1] == 3, f"partitions of the alert topic only, not {assigned}")


def test_hundreds_of_alerts_in_one_message():
    with scene("array", partitions=1) as s:
        s.send([alert(n) for n in range(400)], key="1")
        s.send([alert(n, condition="Resolved") for n in range(400)], key="1")
        s.flush()
        s.bridge()
        s.all_committed(60)
        rows = s.sim.rows()
        check(len(rows) == 400 and {r["state"] for r in rows} == {"6"}, "one record each, all resolved")
        check(len(s.outcome_records()) == 800, "an outcome for each alert")


def test_root_cause_analysis_is_a_work_note():
    with scene("note", partitions=1) as s:
        s.send(health("Active"), key="1")
        s.flush()
        s.bridge()
        s.all_committed()
        before = s.sim.rows()[0]
        s.send(health("Resolved"), key="1")
        s.send(health("RCA", "a digger cut a cable"), key="1")
        s.flush()
        s.all_committed()
        row = s.sim.rows()[0]
        check(len(s.sim.rows()) == 1 and row["state"] == "6", "one record, resolved")
        check(row["description"] == before["description"], "the description is not the note's")
        check("a digger cut a cable" in json.dumps(s.sim.rows("sys_journal_field")), "the work note")
        check([o["operation"] for o in s.outcome_records()] == ["created", "resolved", "noted"], "outcomes")


def test_refused_resolve_ends():
    """A data policy says 403 to the resolve: one look, one dead letter, no storm of requests."""
    with scene("policy", partitions=1) as s:
        s.send(alert(1), key="1")
        s.flush()
        s.bridge()
        s.all_committed()
        s.sim.faults({"name": "policy", "match": {"path_prefix": "/api", "table": "incident", "method": "PATCH"},
                      "action": "status", "status": 403,
                      "body": json.dumps({"error": {"message": "Operation Failed", "detail":
                                          "Data Policy Exception: The following fields are mandatory: Cause"},
                                          "status": "failure"})})
        s.send(alert(1, condition="Resolved"), key="1")
        s.flush()
        s.all_committed()
        check(len(s.read_all(s.dead)) == 1, "one dead letter")
        patches = [f for f in s.sim.stats().get("faults", []) if f.get("name") == "policy"]
        check(not patches or patches[0].get("hits", 1) <= 2, f"few requests: {patches}")


def test_stop_while_the_start_waits_for_kafka():
    with scene("nobroker") as s:
        rewrite(s, f'bootstrap_servers = "{BOOTSTRAP}"', 'bootstrap_servers = "127.0.0.1:1"')
        b = s.bridge()
        b.says("Nothing is read before")  # the question for the topics goes on
        began = time.monotonic()
        check(b.stop(30) == 0, "exit code")
        check(time.monotonic() - began < 12, "a stop is bounded")


run(test_expression_matches_neither_own_nor_internal_topics, test_hundreds_of_alerts_in_one_message,
    test_root_cause_analysis_is_a_work_note, test_refused_resolve_ends, test_stop_while_the_start_waits_for_kafka)
