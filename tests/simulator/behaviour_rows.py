"""Events and their alerts, and the Import Set API."""
from harness import SIM, eq, refused, test, until

BULK = "/api/global/em/jsonv2"


def send(*records):
    return SIM.api("POST", BULK, {"records": list(records)})


def event(key, severity="1", **more):
    return {"source": "s", "node": "n", "message_key": key, "severity": severity, **more}


def alerts(query=""):
    SIM.control("POST", "alerts")
    return SIM.control("GET", "rows", table="em_alert", query=query)["rows"]


@test
def one_alert_by_message_key():
    send(event("a"), event("a", "2"), event("b"), event("", "3"), event("", "3"))
    eq(sorted((a["message_key"], a["severity"], a["event_count"]) for a in alerts()),
       [("a", "2", "2"), ("b", "1", "1"), ("s_n____", "3", "2")])
    eq(len(alerts()), 3)  # an event counts once


@test
def a_clear_closes_and_a_fire_opens_again():
    send(event("a"), event("a", "0"), event("never", "0"))
    eq([(a["state"], a["severity"]) for a in alerts()], [("Closed", "1")])
    send(event("a", "2"))
    eq([(a["state"], a["severity"]) for a in alerts()], [("Reopen", "2")])
    send(event("a", "2", resolution_state="Closing"))
    eq([a["state"] for a in alerts()], ["Closed"])
    SIM.control("POST", "settings", {"alert_active_s": 0})
    SIM.control("POST", "clock", {"offset_s": 10})
    send(event("a", "2"))
    eq(sorted(a["state"] for a in alerts()), ["Closed", "Open"])


@test
def an_event_without_severity_ends_in_error():
    send({"source": "s", "message_key": "x"})
    eq(alerts(), [])
    eq([e["state"] for e in SIM.control("GET", "rows", table="em_event")["rows"]], ["Error"])


@test
def the_job_runs_by_itself():
    SIM.control("POST", "settings", {"alert_job_ms": 50})
    send(event("a"))
    until(lambda: SIM.control("GET", "rows", table="em_alert")["rows"])


@test
def bad_events_are_not_counted_and_the_role_is_asked_for():
    SIM.control("POST", "settings", {"bad_event": "poison"})
    eq(send(event("a"), event("b", description="poison")).json,
       {"result": {"Default Bulk Endpoint": "1 events were inserted"}})
    SIM.control("POST", "settings", {"event_role": "evt_mgmt_integration"})
    refused(send(event("c")), 403, "User Not Authorized", "Failed API level ACL Validation")
    SIM.control("POST", "roles", {"user": "itsm.integration", "roles": ["itil", "evt_mgmt_integration"]})
    eq(send(event("c")).status, 200)


def row(**values):
    return SIM.api("POST", "/api/now/import/u_alerts", values)


def staging(**more):
    SIM.control("POST", "tables", {"name": "u_alerts", "label": "Alerts", "columns": [
        {"name": n, "type": "string", "length": 4000} for n in ("u_correlation_id", "u_title", "u_state")]})
    SIM.control("POST", "transform", {
        "staging": "u_alerts", "name": "Alerts", "target": "incident", "coalesce": "correlation_id",
        "columns": {"correlation_id": "u_correlation_id", "short_description": "u_title", "state": "u_state"},
        "words": {"state": {"firing": "1", "cleared": "6"}},
        "constants": [{"when": {"u_state": "cleared"}, "set": {"close_code": "User error", "close_notes": "n"}}],
        **more})


@test
def an_import_coalesces():
    staging()
    first = row(u_correlation_id="a", u_title="t", u_state="firing")
    eq((first.status, first.json["staging_table"]), (201, "u_alerts"))
    entry = first.result[0]
    eq((entry["status"], entry["table"], entry["transform_map"]), ("inserted", "incident", "Alerts"))
    eq(entry["record_link"].endswith("/api/now/table/incident/" + entry["sys_id"]), True)
    eq(row(u_correlation_id="a", u_title="t", u_state="firing").result[0]["status"], "ignored")
    again = row(u_correlation_id="a", u_title="u", u_state="cleared").result[0]
    eq((again["status"], again["sys_id"]), ("updated", entry["sys_id"]))
    eq([r["state"] for r in SIM.control("GET", "rows", table="incident")["rows"]], ["6"])


@test
def an_import_fails_inside_its_201():
    staging(error={"column": "u_title", "contains": "bad", "message": "Target record not found"}, constants=[])
    eq(row(u_title="bad").result[0]["error_message"], "Target record not found")
    out = row(u_correlation_id="c", u_title="t", u_state="cleared")
    eq((out.status, out.result[0]["status"]), (201, "error"))
    refused(SIM.api("POST", "/api/now/import/u_none", {}), 400, "Invalid table u_none", None)
    SIM.control("POST", "tables", {"name": "u_bare", "label": "x", "columns": []})
    eq(SIM.api("POST", "/api/now/import/u_bare", {}).result, [])
