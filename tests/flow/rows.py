"""Scenes for the targets that take a row for each message, shared by test_events.py and test_imports.py."""
from harness import *

EVENT = "/api/global/em/jsonv2"
STAGING = [{"name": n, "type": "string", "length": 4000} for n in (
    "u_correlation_id", "u_state", "u_severity", "u_title", "u_description", "u_rule", "u_labels", "u_offset")]


@contextlib.contextmanager
def rows_scene(title, target, more="", **kw):
    sim = {"alert_job_ms": -1, **kw.pop("sim", {})}
    with scene(title, sim=sim, **kw) as s:
        text = s.config_file.read_text().replace('target = "incident";', f'target = "{target}"; {more}')
        s.config_file.write_text(text)
        if target.startswith("import:"):
            staging(s, target.partition(":")[2])
        yield s


def staging(s, table):
    s.sim.call("POST", "/_sim/tables", {"name": table, "label": "Alerts", "columns": STAGING})
    s.sim.call("POST", "/_sim/transform", {
        "staging": table, "name": "Alerts", "target": "incident", "coalesce": "correlation_id",
        "columns": {"correlation_id": "u_correlation_id", "short_description": "u_title",
                    "description": "u_description", "state": "u_state"},
        "words": {"state": {"firing": "1", "cleared": "6", "note": ""}},
        "constants": [{"when": {"u_state": "cleared"}, "set": {"close_code": "User error", "close_notes": "cleared"}}],
        "error": {"column": "u_title", "contains": "untransformable", "message": "Target record not found"}})


def alerts_of(s):
    """message_key -> alert rows, after the instance has worked through its events."""
    s.sim.call("POST", "/_sim/alerts")
    result = {}
    for row in s.sim.rows("em_alert"):
        result.setdefault(row["message_key"], []).append(row)
    return result


def life(s, n, *conditions, key=None):
    for condition in conditions:
        s.send(alert(n, condition=condition), key=key or guid(n))


def kill_scene(target, count, done):
    """Kill -9 in the middle, again and again: at least one row of each message, one thing by key, in its state."""
    with rows_scene("rows-kill", target, sim={"insert_ms": 20, "bulk_row_ms": 2}, max_in_flight=4) as s:
        for n in range(count):
            life(s, n, "Fired", *(["Resolved"] if n % 3 == 0 else []))
        s.flush()
        for part in (0.2, 0.5, 0.8):
            b = s.bridge()
            wait_for("some rows", lambda: done(s) >= count * part, 40, 0.02)
            b.kill()
        b = s.bridge()
        s.all_committed(60)
        check(s.read_all(s.dead) == [], "dead letters")
        check(b.stop() == 0, "exit code")
        yield s


__all__ = [name for name in dir() if not name.startswith("_")]
