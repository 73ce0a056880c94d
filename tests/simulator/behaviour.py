"""What an instance does: sign-in, records, rules, queries, pages, the control path."""
import gzip
import json
import os
import pathlib
import random
import threading

from harness import (ID, SIM, eq, journal, password_token, refused, rows_of, test, token, until)
from query_model import check_query, make_rows
from sim_client import basic

HERE = pathlib.Path(__file__).resolve().parent
LOG = HERE / "data" / "incident_event_log_first.csv.gz"

DENIED = {"error_description": "access_denied", "error": "server_error"}


@test
def oauth_grants():
    first = password_token()
    eq(len(first["access_token"]), 86)
    eq(first["expires_in"] in (1799, 1800), True)
    eq(first["scope"], "useraccount")
    again = password_token()
    eq(again["access_token"], first["access_token"])
    fresh = token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    eq(fresh["refresh_token"], first["refresh_token"])
    eq(fresh["access_token"] != first["access_token"], True)
    for access in (first, fresh):
        eq(SIM.api("GET", "/api/now/table/incident", auth="Bearer " + access["access_token"]).status, 200)
    client = token(grant_type="client_credentials")
    eq("refresh_token" in client, False)
    eq(SIM.api("GET", "/api/now/table/incident", auth="Bearer " + client["access_token"]).status, 200)


@test
def oauth_refusals():
    for fields in ({"grant_type": "password", "username": "itsm.integration", "password": "no"},
                   {"grant_type": "password", "username": "nobody", "password": "password"},
                   {"grant_type": "client_credentials", "client_secret": "no"},
                   {"grant_type": "refresh_token", "refresh_token": "no"}):
        answer = SIM.token(**fields)
        eq(answer.status, 401)
        eq(answer.json, DENIED)
    url = "/oauth_token.do?grant_type=client_credentials&client_id=itsm-bridge&client_secret=secret"
    eq(SIM.raw("POST", url, "", {"Content-Type": "application/x-www-form-urlencoded"}).status, 401)
    eq(SIM.token(grant_type="nonsense").status, 400)
    SIM.control("POST", "users", {"user_name": "itsm.integration", "locked_out": True})
    eq(SIM.token(grant_type="password", username="itsm.integration", password="password").status, 401)
    SIM.control("POST", "settings", {"grant_client_credentials": False})
    eq(SIM.token(grant_type="client_credentials").status, 401)


@test
def oauth_ends():
    SIM.control("POST", "settings", {"access_life_s": 0})
    t = password_token()
    answer = SIM.api("GET", "/api/now/table/incident", auth="Bearer " + t["access_token"])
    eq(answer.status, 401)
    SIM.control("POST", "settings", {"access_life_s": 100, "refresh_kills_access": True})
    t = password_token()
    n = token(grant_type="refresh_token", refresh_token=t["refresh_token"])
    eq(SIM.api("GET", "/api/now/table/incident", auth="Bearer " + t["access_token"]).status, 401)
    eq(SIM.api("GET", "/api/now/table/incident", auth="Bearer " + n["access_token"]).status, 200)
    eq(SIM.raw("GET", "/oauth_revoke_token.do?token=" + n["access_token"]).status, 200)
    eq(SIM.api("GET", "/api/now/table/incident", auth="Bearer " + n["access_token"]).status, 401)
    SIM.control("POST", "revoke", {})
    eq(SIM.token(grant_type="refresh_token", refresh_token=t["refresh_token"]).status, 401)


@test
def sign_in():
    answer = SIM.raw("GET", "/api/now/table/incident")
    refused(answer, 401, "User Not Authenticated", "Required to provide Auth information")
    eq(answer.headers["WWW-Authenticate"], 'BASIC realm="Service-now"')
    eq(answer.headers["Connection"], "close")
    eq(SIM.api("GET", "/api/now/table/incident", auth=basic(password="x")).status, 401)
    SIM.control("POST", "users", {"user_name": "keyed", "api_key": "k1"})
    eq(SIM.raw("GET", "/api/now/table/incident", headers={"x-sn-apikey": "k1"}).status, 200)
    SIM.control("POST", "settings", {"basic": False, "api_key": False})
    eq(SIM.raw("GET", "/api/now/table/incident", headers={"x-sn-apikey": "k1"}).status, 401)
    eq(SIM.api("GET", "/api/now/table/incident").status, 401)



@test
def insert_defaults():
    answer = SIM.insert("incident", short_description="x", bunk_field="y", sys_updated_on="1999-01-01 00:00:00")
    eq(answer.status, 201)
    row = answer.result
    want = {"number": "INC0010001", "state": "1", "incident_state": "1", "impact": "3", "urgency": "3",
            "priority": "5", "severity": "3", "category": "inquiry", "active": "true",
            "made_sla": "true", "sys_mod_count": "0", "approval": "not requested", "notify": "1",
            "upon_approval": "proceed", "upon_reject": "cancel", "sys_class_name": "incident",
            "sys_created_by": "itsm.integration", "short_description": "x", "closed_at": ""}
    eq({k: row[k] for k in want}, want)
    eq(row["sys_updated_on"] > "2000", True)
    eq("bunk_field" in row, False)
    eq(answer.headers["Location"], f"{SIM.url}/api/now/table/incident/{row['sys_id']}")
    eq(row["opened_by"]["link"], f"{SIM.url}/api/now/table/sys_user/{row['opened_by']['value']}")
    eq(SIM.insert("change_request").result["number"], "CHG0030001")


@test
def insert_own_id():
    for sys_id in (ID, "ABCDEF" + "0" * 26, "odd one", "x" * 40):
        eq(SIM.insert("incident", sys_id=sys_id).result["sys_id"], sys_id[:32])
    answer = SIM.insert("incident", sys_id=ID)
    eq(answer.status, 403)
    eq(answer.json["error"]["detail"].startswith("Error during insert of incident ("), True)
    SIM.control("POST", "settings", {"honour_sys_id": False})
    eq(SIM.insert("incident", sys_id="f" * 32).result["sys_id"] != "f" * 32, True)


@test
def update_counts():
    SIM.insert("incident", sys_id=ID, short_description="a")
    one = SIM.update("incident", ID, short_description="b").result
    eq(one["sys_mod_count"], "1")
    same = SIM.update("incident", ID, short_description="b").result
    eq((same["sys_mod_count"], same["sys_updated_on"]), ("1", one["sys_updated_on"]))
    eq(SIM.api("PUT", f"/api/now/table/incident/{ID}", {"urgency": 1}).result["priority"], "3")
    eq(SIM.api("POST", f"/api/now/table/incident/{ID}", {"impact": "1"},
               {"X-HTTP-Method-Override": "PATCH"}).result["priority"], "1")
    refused(SIM.update("incident", "f" * 32, short_description="b"), 404, "No Record found",
            "Record doesn't exist or ACL restricts the record retrieval")
    entries = journal()
    eq([e["changes"]["short_description"] for e in entries[:2]],
       [{"old": None, "new": "a"}, {"old": "a", "new": "b"}])
    eq(len(entries), 4)


@test
def priority_matrix():
    for impact in (1, 2, 3):
        for urgency in (1, 2, 3):
            row = SIM.insert("incident", impact=impact, urgency=str(urgency), priority="1").result
            eq(row["priority"], str(impact + urgency - 1))


@test
def resolve():
    SIM.insert("incident", sys_id=ID)
    refused(SIM.update("incident", ID, state="6"), 403, "Operation Failed",
            "Data Policy Exception: The following fields are mandatory: Resolution code, Close notes")
    refused(SIM.update("incident", ID, incident_state="6", close_notes="n", close_code="Nonsense"), 403,
            "Operation Failed", "Data Policy Exception: The following fields are mandatory: Resolution code")
    row = SIM.update("incident", ID, incident_state="6", close_notes="n", close_code="Solution provided").result
    eq((row["state"], row["active"], row["resolved_at"] != "", row["resolved_by"]["value"] != ""),
       ("6", "true", True, True))
    row = SIM.update("incident", ID, state="7").result
    eq((row["active"], row["closed_at"] != ""), ("false", True))
    row = SIM.control("POST", "edit", {"table": "incident", "sys_id": ID, "user": "bob.resolver",
                                       "set": {"state": "2"}})["edited"][0]
    eq(row["sys_mod_count"], "3")
    row = SIM.get("incident", ID).result
    eq((row["reopen_count"], row["resolved_at"], row["active"], row["sys_updated_by"]),
       ("1", "", "true", "bob.resolver"))


@test
def choices():
    eq(SIM.insert("incident", category="nonsense", contact_type="phone").result["category"], "inquiry")
    SIM.control("POST", "settings", {"unknown_choice": "refuse"})
    eq(SIM.insert("incident", category="nonsense").status, 403)
    SIM.control("POST", "settings", {"unknown_choice": "accept"})
    eq(SIM.insert("incident", category="nonsense").result["category"], "nonsense")
    rows = SIM.table("sys_choice", "name=incident^element=close_code^inactive=false").result
    eq("Solution provided" in [r["value"] for r in rows], True)


@test
def cutting():
    row = SIM.insert("incident", short_description="é" * 200, description="d" * 5000).result
    eq((row["short_description"], len(row["description"])), ("é" * 160, 4000))
    SIM.control("POST", "settings", {"description_length": 100000})
    eq(len(SIM.insert("incident", description="d" * 90000).result["description"]), 90000)


@test
def work_notes():
    SIM.insert("incident", sys_id=ID, work_notes="first")
    row = SIM.update("incident", ID, work_notes="second").result
    eq((row["work_notes"], row["sys_mod_count"]), ("", "1"))
    text = SIM.get("incident", ID, sysparm_display_value="true").result["work_notes"]
    eq([line for line in text.split("\n") if line in ("first", "second")], ["second", "first"])
    eq(len(SIM.table("sys_journal_field", "element_id=" + ID).result), 0)
    admin = SIM.api("GET", "/api/now/table/sys_journal_field", auth=basic("admin", "admin"), element_id=ID)
    eq(sorted(r["value"] for r in admin.result), ["first", "second"])


@test
def change_states():
    SIM.insert("change_request", sys_id=ID)
    refused(SIM.update("change_request", ID, state="-1"), 403, "Operation Failed",
            "Operation against file 'change_request' was aborted by Business Rule 'Change Model: Check "
            "State Transition^7e4a0c1f53d82300a1f6ddeeff7b1234'. Business Rule Stack:Change Model: Check "
            "State Transition")
    for state in ("-4", "-3", "-2", "-1", "0"):
        eq(SIM.update("change_request", ID, state=state).result["state"], state)
    eq(SIM.update("change_request", ID, state="3").status, 403)
    eq(SIM.update("change_request", ID, state="4").status, 403)
    row = SIM.update("change_request", ID, state="3", close_code="successful", close_notes="x").result
    eq((row["active"], row["closed_at"] != ""), ("false", True))


@test
def statuses():
    refused(SIM.table("nonsense"), 400, "Invalid table nonsense", None)
    refused(SIM.api("GET", "/api/now/nonsense"), 400, "Requested URI does not represent any resource", None)
    eq(SIM.api("POST", "/api/now/table/incident", "{bad").json["error"]["message"],
       "Exception while reading request")
    eq(SIM.table("incident", "number=none").json, {"result": []})
    eq(SIM.table("incident", "number=none", version="/v1").status, 404)
    eq(SIM.table("incident", "number=none", version="/v2").status, 200)
    eq(SIM.api("GET", "/api/now/table/incident", sysparm_query="x" * 20000).headers["Content-Type"],
       "text/html;charset=UTF-8")
    SIM.control("POST", "settings", {"max_content_length": 100})
    eq("Max allowed: 100 bytes." in SIM.insert("incident", description="d" * 200).json["error"]["detail"], True)


@test
def headers():
    SIM.insert("incident", description="d" * 500)
    answer = SIM.table("incident")
    for name, value in (("Server", "ServiceNow"), ("X-Is-Logged-In", "true"), ("X-Total-Count", "1"),
                        ("Content-Type", "application/json;charset=UTF-8"), ("Transfer-Encoding", "chunked")):
        eq(answer.headers[name], value)
    eq(any(c.startswith("JSESSIONID=") for c in answer.headers.get_all("Set-Cookie")), True)
    packed = SIM.api("GET", "/api/now/table/incident", headers={"Accept-Encoding": "gzip"})
    eq(packed.headers["Content-Encoding"], "gzip")
    eq(len(json.loads(gzip.decompress(packed.body))["result"]), 1)
    eq(SIM.table("incident", sysparm_no_count="true").headers["X-Total-Count"], None)
    SIM.control("POST", "clock", {"offset_s": 86400 * 4000})
    eq(int(SIM.table("incident").headers["Date"].split()[3]) > 2030, True)
    head = SIM.api("HEAD", "/api/now/table/incident")
    eq((head.status, head.body), (200, b""))
    quiet = SIM.api("POST", "/api/now/table/incident", {}, {"X-no-response-body": "true"})
    eq((quiet.status, quiet.body), (201, b""))


@test
def links_and_pages():
    for i in range(7):
        SIM.insert("incident", short_description=str(i))
    answer = SIM.table("incident", "ORDERBYnumber", sysparm_limit=2, sysparm_offset=2, sysparm_fields="number")
    eq([r["number"] for r in answer.result], ["INC0010003", "INC0010004"])
    rels = [part.split("rel=")[1] for part in answer.headers["Link"].split(",<")]
    eq(rels, ['"first"', '"prev"', '"next"', '"last"'])
    eq("sysparm_offset=6>" in answer.headers["Link"], True)
    eq(SIM.table("incident", sysparm_limit=7).headers["Link"], None)
    eq(SIM.table("incident", sysparm_limit=1, sysparm_suppress_pagination_header="true").headers["Link"], None)
    down = SIM.table("incident", "ORDERBYDESCnumber", sysparm_limit=1).result
    eq(down[0]["number"], "INC0010007")
    free = [r["number"] for r in SIM.table("incident").result]
    eq(free != sorted(free), True)


@test
def display_values():
    group = SIM.table("sys_user_group", "name=Network").result[0]["sys_id"]
    SIM.insert("incident", sys_id=ID, assignment_group=group, caller_id="no value")
    row = SIM.get("incident", ID).result
    eq(row["caller_id"], {"link": f"{SIM.url}/api/now/table/sys_user/no value", "value": "no value"})
    row = SIM.get("incident", ID, sysparm_display_value="true").result
    eq(row["assignment_group"]["display_value"], "Network")
    eq((row["state"], row["sla_due"]), ("New", "UNKNOWN"))
    row = SIM.get("incident", ID, sysparm_display_value="all", sysparm_exclude_reference_link="true").result
    eq(row["assignment_group"], {"display_value": "Network", "value": group})
    eq(row["closed_by"], {"display_value": "", "value": ""})
    row = SIM.get("incident", ID, sysparm_fields="assignment_group.name,number,none").result
    eq(row, {"assignment_group.name": "Network", "number": "INC0010001"})
    SIM.control("POST", "settings", {"null_display": True, "user_zone_offset_s": 3600})
    row = SIM.get("incident", ID, sysparm_display_value="all").result
    eq(row["caller_id"]["display_value"], None)
    eq(row["opened_at"]["display_value"] != row["opened_at"]["value"], True)
    by_name = SIM.api("POST", "/api/now/table/incident?sysparm_input_display_value=true",
                      {"assignment_group": "Network", "impact": "1 - High"}).result
    eq((by_name["assignment_group"]["value"], by_name["impact"]), (group, "1"))


@test
def plain_times_in_queries():
    row = SIM.insert("incident", short_description="t").result
    at = "sys_updated_on=" + row["sys_updated_on"]
    SIM.control("POST", "settings", {"user_zone_offset_s": -18000})
    eq(len(SIM.table("incident", at).result), 1)
    SIM.control("POST", "settings", {"literals_in_user_zone": True})
    eq(len(SIM.table("incident", at).result), 0)
    eq(len(SIM.table("incident", "sys_updated_on<" + row["sys_updated_on"]).result), 1)
    eq(len(SIM.table("incident", "short_description=" + row["sys_updated_on"]).result), 0)
    eq(SIM.table("v_plugin", "id=com.glideapp.itom.snac").result[0]["active"], "active")


@test
def hidden_rows():
    ids = [SIM.insert("incident", short_description="h" if i % 2 else "s").result["sys_id"] for i in range(6)]
    SIM.control("POST", "hide", {"table": "incident", "query": "short_description=h"})
    answer = SIM.table("incident", "ORDERBYnumber", sysparm_limit=4)
    eq((len(answer.result), answer.headers["X-Total-Count"]), (2, "6"))
    eq(SIM.get("incident", ids[1]).status, 404)
    eq(SIM.update("incident", ids[1], urgency="1").status, 404)
    eq(SIM.insert("incident", sys_id=ids[1]).status, 403)
    SIM.control("POST", "hide", {"table": "incident", "sys_id": ids[0]})
    eq(SIM.get("incident", ids[0]).status, 404)
    SIM.control("DELETE", "hide")
    eq(SIM.get("incident", ids[0]).status, 200)


@test
def rights():
    SIM.control("POST", "users", {"user_name": "itsm.integration",
                                  "deny": {"insert": ["incident"], "update": ["*"], "read": ["problem"]}})
    refused(SIM.insert("incident"), 403, "Operation Failed",
            "ACL Exception Insert Failed due to security constraints")
    row = SIM.insert("change_request").result
    eq(SIM.update("change_request", row["sys_id"], risk="2").status, 403)
    refused(SIM.table("problem"), 403, "Insufficient rights to query records", None)
    roles = SIM.table("sys_user_has_role", "user.user_name=itsm.integration^state=active",
                      sysparm_fields="role.name,inherited").result
    eq(roles, [{"role.name": "itil", "inherited": "false"}])
    SIM.control("POST", "roles", {"user": "itsm.integration", "roles": ["x_none"]})
    eq(SIM.table("sys_user_has_role").result, [])
    own = SIM.table("sys_user", "sys_id=javascript:gs.getUserID()").result
    eq([u["user_name"] for u in own], ["itsm.integration"])


@test
def deletes():
    SIM.insert("incident", sys_id=ID)
    eq(SIM.api("DELETE", f"/api/now/table/incident/{ID}").status, 403)
    admin = basic("admin", "admin")
    answer = SIM.api("DELETE", f"/api/now/table/incident/{ID}", auth=admin)
    eq((answer.status, answer.body), (204, b""))
    eq(SIM.api("DELETE", f"/api/now/table/incident/{ID}", auth=admin).status, 404)
    rows = SIM.api("GET", "/api/now/table/sys_audit_delete", auth=admin, documentkey=ID).result
    eq([r["tablename"] for r in rows], ["incident"])
    eq(journal()[-1]["method"], "DELETE")


@test
def classes():
    rows = SIM.table("cmdb_ci", "name=web-01").result
    eq((rows[0]["sys_class_name"], "os" in rows[0]), ("cmdb_ci_linux_server", False))
    eq(len(SIM.table("cmdb_ci_server").result), 3)
    eq(SIM.table("cmdb_ci_linux_server", "name=web-01").result[0]["os"], "Linux Debian")
    eq(SIM.table("cmdb_ci_win_server", "name=web-01").result, [])


@test
def own_tables():
    SIM.control("POST", "tables", {"name": "u_thing", "prefix": "TH", "columns": [
        {"name": "u_size", "type": "integer", "default": "3"}]})
    row = SIM.insert("u_thing", short_description="t").result
    eq((row["number"], row["u_size"]), ("TH0001001", "3"))
    lines = "\n".join(json.dumps({"sys_id": f"{i:032x}", "u_a": i}) for i in range(50))
    eq(SIM.control("POST", "rows", lines, table="x_lines"), {"stored": 50})
    eq(len(SIM.table("x_lines", "u_a=7").result), 1)
    eq(SIM.control("GET", "rows", table="x_lines", query="u_a=7")["total"], 1)
    eq(SIM.control("DELETE", "rows", table="x_lines")["removed"], 50)


@test
def random_queries():
    rng = random.Random(int(os.environ.get("SIM_SEED", "7")))
    rows = make_rows(SIM, rng, 250)
    SIM.control("POST", "rows", {"table": "incident", "rows": rows})
    for _ in range(600):
        check_query(SIM, rng, rows)


@test
def queries_after_changes():
    """The indexes follow updates, moves and deletes."""
    rng = random.Random(3)
    rows = make_rows(SIM, rng, 1500)
    SIM.control("POST", "rows", {"table": "incident", "rows": rows})
    for i in range(0, len(rows), 3):
        rows[i].update(sys_updated_on=f"2026-02-01 00:{i % 60:02d}:00", correlation_display=f"moved {i}",
                       correlation_id=f"m{i}")
    SIM.control("POST", "rows", {"table": "incident", "rows": rows[::3]})
    gone = rows[1::3]
    SIM.control("DELETE", "rows", table="incident", query="sys_idIN" + ",".join(r["sys_id"] for r in gone[:200]))
    rows = [r for r in rows if r not in gone[:200]]
    for _ in range(150):
        check_query(SIM, rng, rows)


@test
def bridge_queries():
    rng = random.Random(5)
    rows = make_rows(SIM, rng, 300)
    SIM.control("POST", "rows", {"table": "incident", "rows": rows})
    t, s = rows[10]["sys_updated_on"], rows[10]["sys_id"]
    pairs = [
        (f"sys_updated_on={t}^sys_id>{s}^ORDERBYsys_id",
         lambda r: r["sys_updated_on"] == t and r["sys_id"] > s),
        (f"state=1^sys_updated_on={t}^sys_id>{s}^NQstate=1^sys_updated_on>{t}^ORDERBYsys_updated_on^ORDERBYsys_id",
         lambda r: r["state"] == "1" and (r["sys_updated_on"], r["sys_id"]) > (t, s)),
        (f"sys_updated_on>{t}^ORsys_updated_on={t}^sys_id>{s}^ORDERBYsys_updated_on^ORDERBYsys_id",
         lambda r: r["sys_updated_on"] >= t and r["sys_id"] > s),
        (f"sys_updated_on={t}^ORsys_updated_on>{t}^ORDERBYsys_updated_on^ORDERBYsys_id",
         lambda r: r["sys_updated_on"] >= t)]
    for text, keep in pairs:
        got = [r["sys_id"] for r in SIM.table("incident", text, sysparm_fields="sys_id").result]
        want = sorted((r["sys_updated_on"], r["sys_id"]) for r in rows if keep(r))
        eq(got, [w[1] for w in want])
    newest = SIM.table("incident", "correlation_displaySTARTSWITHitsm 1^ORDERBYDESCcorrelation_display",
                       sysparm_limit=1).result[0]["correlation_display"]
    eq(newest, max(r["correlation_display"] for r in rows if r["correlation_display"].startswith("itsm 1")))
    seen, last = [], ""
    while True:
        page = SIM.table("incident", f"sys_id>{last}^ORDERBYsys_id", sysparm_limit=37, sysparm_fields="sys_id").result
        if not page:
            break
        seen += [r["sys_id"] for r in page]
        last = seen[-1]
    eq(seen, sorted(r["sys_id"] for r in rows))


@test
def bad_queries():
    for i in range(3):
        SIM.insert("incident", short_description=f"a^{i}")
    eq(len(SIM.table("incident", "nonsense=1").result), 3)
    eq(len(SIM.table("incident", "nonsense=1^short_descriptionENDSWITH1").result), 1)
    eq(len(SIM.table("incident", "short_description=a^^1").result), 1)
    SIM.control("POST", "settings", {"invalid_query_returns_no_rows": True})
    eq(len(SIM.table("incident", "nonsense=1").result), 0)
    SIM.control("POST", "settings", {"ignore_case": True})
    eq(len(SIM.table("incident", "short_description=A^^1").result), 1)
    today = SIM.table("incident", "sys_created_on>=javascript:gs.daysAgoStart(0)").result
    eq(len(today), 3)
    eq(len(SIM.table("incident", "sys_created_onRELATIVEGT@hour@ago@1").result), 3)
    eq(len(SIM.table("incident", "sys_created_on>javascript:gs.dateGenerate('2050-01-31','23:59:59')").result), 0)
    eq(len(SIM.api("GET", "/api/now/table/incident", number="INC0010002").result), 1)


@test
def aggregates():
    for i in range(4):
        SIM.insert("incident", urgency=str(i % 3 + 1))
    stats = SIM.api("GET", "/api/now/stats/incident", sysparm_count="true", sysparm_query="urgency=1",
                    sysparm_max_fields="number").result["stats"]
    eq(stats, {"count": "2", "max": {"number": "INC0010004"}})


@test
def batches():
    import base64
    body = base64.b64encode(json.dumps({"sys_id": ID}).encode()).decode()
    item = {"id": "a", "method": "POST", "url": "/api/now/table/incident", "headers": [], "body": body}
    call = {"batch_request_id": 5, "rest_requests": [item, {**item, "id": "b"},
            {"id": "c", "method": "GET", "url": f"/api/now/table/incident/{ID}", "headers": []}]}
    out = SIM.api("POST", "/api/now/v1/batch", call).json
    eq(out["batch_request_id"], "5")
    eq([(s["id"], s["status_code"]) for s in out["serviced_requests"]], [("a", 201), ("b", 403), ("c", 200)])
    SIM.control("POST", "settings", {"read_ms": 20, "batch_limit_ms": 50})
    call["rest_requests"] = [{**call["rest_requests"][2], "id": str(i)} for i in range(5)]
    out = SIM.api("POST", "/api/now/v1/batch", call).json
    eq(([s["id"] for s in out["serviced_requests"]], out["unserviced_requests"]), (["0", "1"], ["2", "3", "4"]))
    events = SIM.api("POST", "/api/global/em/jsonv2", {"records": [{"source": "s", "severity": "1"}] * 3}).json
    eq(events, {"result": {"Default Bulk Endpoint": "3 events were inserted"}})
    eq(len(SIM.table("em_event").result), 3)


STAMP = "itsm-bridge 0123456789abcdef {:06d}.{}.kzz{} deadbeef.0.{}"


@test
def guard_rule():
    done = {"state": "6", "close_code": "User error", "close_notes": "n"}
    SIM.control("POST", "settings", {"guard": True})
    SIM.insert("incident", sys_id=ID, correlation_display=STAMP.format(0, 0, 1, 10))
    eq(SIM.update("incident", ID, **done).status, 403)
    eq(SIM.update("incident", ID, correlation_display=STAMP.format(0, 0, 1, 9), **done).status, 403)
    eq(SIM.update("incident", ID, short_description="content").status, 200)
    eq(SIM.update("incident", ID, correlation_display=STAMP.format(0, 1, 1, 11), **done).status, 200)
    eq(SIM.update("incident", ID, correlation_display=STAMP.format(1, 1, 1, 99), state="2").status, 403)
    edit = SIM.control("POST", "edit", {"table": "incident", "sys_id": ID, "set": {"state": "2"}})["edited"][0]
    eq("refused" in edit, False)


@test
def edits():
    SIM.insert("incident", sys_id=ID)
    out = SIM.control("POST", "edit", {"table": "incident", "query": "active=true", "set": {"state": "7"}})
    eq("mandatory" in out["edited"][0]["refused"], True)
    SIM.control("POST", "edit", {"table": "incident", "sys_id": ID, "raw": True,
                                 "set": {"state": "-100", "sys_mod_count": "40"}})
    row = SIM.get("incident", ID).result
    eq((row["state"], row["sys_mod_count"], row["incident_state"]), ("-100", "40", "1"))
    SIM.control("POST", "edit", {"table": "incident", "create": True, "set": {"sys_id": "e" * 32}})
    eq(SIM.get("incident", "e" * 32).result["sys_created_by"], "ann.operator")


@test
def settings_are_checked():
    for bad in ({"nonsense": 1}, {"workers": 0}, {"guard": "maybe"}):
        eq(SIM.raw("POST", "/_sim/settings", json.dumps({"queue": 7, **bad})).status, 400)
    eq(SIM.control("GET", "settings")["queue"], 50)


def replay(**options):
    SIM.control("POST", "replay", {"file": str(LOG), **options})
    return until(lambda: not (r := SIM.control("GET", "replay"))["running"] and r)


@test
def replay_log():
    done = replay(speed="max")
    eq(done["left"], 0)
    eq(done["applied"], len(gzip.open(LOG).read().splitlines()) - 1)
    entries = journal()
    eq(len([e for e in entries if e["method"] == "REPLAY"]), done["applied"])
    rows = SIM.control("GET", "rows", table="incident")["rows"]
    eq(len({r["sys_id"] for r in rows}), len(rows))
    eq({r["state"] for r in rows} <= {"1", "2", "3", "6", "7", "-100"}, True)
    last = {}
    for line in gzip.open(LOG, "rt"):
        part = line.rstrip("\n").split(",")
        last[part[0]] = part[5]
    count = {r["number"]: r["sys_mod_count"] for r in rows}
    eq(count, {k: v for k, v in last.items() if k != "number"})
    ids = {r["number"]: r["sys_id"] for r in rows}
    SIM.control("POST", "reset")
    replay(speed="5000/s", max_rows=300, change_every=3, times="shifted")
    again = SIM.control("GET", "rows", table="incident")["rows"]
    eq(all(ids[r["number"]] == r["sys_id"] for r in again), True)
    eq(rows_of("change_request") > 10, True)


@test
def replay_with_late_commits():
    SIM.control("POST", "settings", {"edit_commit_delay_ms": 60000})
    SIM.control("POST", "replay", {"file": str(LOG), "speed": "max", "max_rows": 50})
    until(lambda: SIM.control("GET", "replay")["pending"] == 50)
    eq(rows_of(), 0)
    SIM.control("POST", "reset")
    SIM.control("POST", "settings", {"edit_commit_delay_ms": 40, "commit_delay_random": True})
    eq(replay(speed="max", max_rows=50)["applied"], 50)
