"""Records of work items as tests read them: topics checked against the schemas, and rows that people change."""
import base64
import sys

from harness import *

sys.path.insert(0, str(SOURCE / "tests" / "tools"))
import schema  # noqa: E402

POLL = "poll_busy_ms = 200; poll_idle_ms = 400;"
OWN = "itsm.integration"


def producers(s, *entries):
    text = s.config_file.read_text()
    check("producers: (  );" in text, "place of the producers")
    entries = ", ".join(f"{{ {POLL} {e} }}" for e in entries)
    s.config_file.write_text(text.replace("producers: (  );", f"producers: ( {entries} );"))


def now_text():
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


def headers(message):
    return {k: v.decode() for k, v in message.headers() or []}


def records(s, topic, name=None):
    """(key, value, headers) in the order of each key; checked against the schema."""
    check_schema = schema.validator(name) if name else None
    found = []
    for m in s.read_all(topic):
        value = json.loads(m.value()) if m.value() is not None else None
        if value is not None and check_schema:
            wrong = schema.complaints(check_schema, value)
            check(not wrong, f"{wrong} in {value}")
        h = headers(m)
        check(h["ce_specversion"] == "1.0" and h["ce_subject"] == m.key().decode(), f"headers {h}")
        found.append((m.key().decode(), value, h))
    return found


def versions(s):
    """(sys_id, mod count) -> value of the servicenow form"""
    return {(k, int(v["sys_mod_count"])): v for k, v, _ in records(s, f"{s.prefix}.incident", "workitem") if v}


def edited(s, sys_id, user="anna", table="incident", **values):
    s.sim.edit(table=table, sys_id=sys_id, user=user, set=values)


def new_rows(s, n, table="incident", user="anna", **values):
    before = {r["sys_id"] for r in s.sim.rows(table)}
    for i in range(n):
        s.sim.edit(table=table, user=user, create=True, set={"short_description": f"row {i}", **values})
    return [r["sys_id"] for r in s.sim.rows(table) if r["sys_id"] not in before]


def mod_count(s, sys_id, table="incident"):
    return int(s.sim.rows(table, f"sys_id={sys_id}")[0]["sys_mod_count"])


def wait_published(s, sys_id, count=None):
    count = mod_count(s, sys_id) if count is None else count
    wait_for(f"version {count} of {sys_id}", lambda: (sys_id, count) in versions(s), 20, 0.2)
    return versions(s)[sys_id, count]


def may_read_all(s):
    s.sim.call("POST", "/_sim/roles", {"user": OWN, "roles": ["itil", "admin"]})


def delete(s, sys_id, user="admin", table="incident"):
    """As a person does it, with a trace in sys_audit_delete."""
    request = urllib.request.Request(f"{s.sim.url}/api/now/table/{table}/{sys_id}", method="DELETE", headers={
        "Authorization": "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode()})
    with urllib.request.urlopen(request, timeout=10) as answer:
        check(answer.status == 204, f"delete: {answer.status}")


def last_of(s, topic):
    """sys_id -> value of its last record, None for a tombstone"""
    return {k: v for k, v, _ in records(s, topic)}


__all__ = [name for name in dir() if not name.startswith("_")]
