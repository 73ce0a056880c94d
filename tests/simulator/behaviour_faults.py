"""What an instance does when things go wrong: fault rules, capacity, limits, late commits."""
import json
import socket
import threading
import time

from harness import ID, SIM, cut, eq, journal, password_token, rows_of, test, until
from sim_client import basic


def rule(action, count=1, **more):
    SIM.control("POST", "faults", {"name": "r", "action": action, "count": count,
                                   "match": {"path_prefix": "/api/now/table/incident"}, **more})


@test
def faults_before():
    for action, status in (("status", 500), ("redirect", 302), ("html", 502), ("semaphore", 429),
                           ("hibernate", 200), ("ratelimit", 429)):
        rule(action)
        answer = SIM.insert("incident", short_description="x")
        eq((action, answer.status), (action, status))
        eq(rows_of(), 0)
        eq(SIM.control("GET", "faults")[0]["hits"], 1)
        if action == "hibernate":
            eq(b"hibernating" in answer.body, True)
        eq("Retry-After" in answer.headers, action == "ratelimit")
        eq("X-RateLimit-Limit" in answer.headers, action == "ratelimit")
    eq(SIM.insert("incident").status, 201)
    rule("cut_before")
    cut(lambda: SIM.insert("incident"))
    eq(rows_of(), 1)


@test
def faults_after():
    rule("after_commit", status=500)
    answer = SIM.insert("incident", sys_id=ID)
    eq((answer.status, answer.json["error"]["message"]),
       (500, "Transaction cancelled: maximum execution time exceeded"))
    eq(SIM.get("incident", ID).status, 200)
    rule("cut_after")
    cut(lambda: SIM.update("incident", ID, short_description="seen"))
    eq(SIM.get("incident", ID).result["short_description"], "seen")
    rule("cut_mid_body")
    cut(lambda: SIM.get("incident", ID))
    rule("trailing_error")
    answer = SIM.table("incident").json
    eq((answer["status"], len(answer["result"])), ("failure", 1))
    rule("trailing_error", form="malformed")
    body = SIM.table("incident").body
    eq(b'"" ],"error":' in body, True)
    for action in ("empty_body", "truncate_json"):
        rule(action)
        try:
            SIM.get("incident", ID).json
            raise AssertionError(action)
        except json.JSONDecodeError:
            pass
    rule("bad_content_type")
    eq(SIM.get("incident", ID).headers["Content-Type"], "text/plain")
    rule("huge_body", bytes=3000000)
    eq(len(SIM.get("incident", ID).body) > 3000000, True)
    rule("slow_drip", bytes=700, ms=1)
    eq(SIM.get("incident", ID).status, 200)


@test
def faults_token():
    t = "Bearer " + password_token()["access_token"]
    rule("expire_token")
    eq(SIM.api("GET", "/api/now/table/incident", auth=t).status, 401)
    eq(SIM.api("GET", "/api/now/table/incident", auth=t).status, 401)


@test
def faults_time():
    rule("hang", late_ms=30)
    try:
        SIM.api("POST", "/api/now/table/incident", {"sys_id": ID}, timeout=0.01)
        raise AssertionError("a hanging request was answered")
    except (TimeoutError, socket.timeout):
        pass
    entry = until(journal)[0]
    eq((entry["sys_id"], entry["late"]), (ID, True))
    rule("delay_ms", ms=60)
    start = time.monotonic()
    eq(SIM.get("incident", ID).status, 200)
    eq(time.monotonic() - start >= 0.06, True)
    rule("delay_ms", ms=60, when="after")
    worker = threading.Thread(target=lambda: SIM.update("incident", ID, short_description="early"))
    worker.start()
    until(lambda: len(journal()) == 2)
    eq(worker.is_alive(), True)
    worker.join()


@test
def faults_match():
    SIM.control("POST", "faults", [
        {"name": "body", "action": "status", "status": 503, "match": {"body_contains": "needle"}, "skip": 1},
        {"name": "half", "action": "status", "status": 418, "probability": 0.5, "match": {"table": "problem"}}])
    eq([SIM.insert("incident", short_description="needle").status for _ in range(3)], [201, 503, 503])
    eq(SIM.insert("incident", short_description="hay").status, 201)
    got = [SIM.table("problem").status for _ in range(60)]
    eq(15 < got.count(418) < 45, True)
    eq(SIM.control("DELETE", "faults", name="half"), {"removed": 1})
    eq(SIM.table("problem").status, 200)
    SIM.control("POST", "faults", {"name": "who", "action": "status", "match": {"user": "admin"}})
    eq([SIM.api("GET", "/api/now/table/problem", auth=a).status
        for a in (basic("admin", "admin"), basic())], [500, 200])
    bad = SIM.raw("POST", "/_sim/faults", json.dumps({"action": "nonsense"}))
    eq(bad.status, 400)


def parallel(n, call):
    out = [None] * n

    def one(i):
        out[i] = call(i)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


@test
def capacity():
    SIM.control("POST", "settings", {"workers": 2, "queue": 3, "insert_ms": 150})
    start = time.monotonic()
    answers = parallel(8, lambda i: SIM.insert("incident", short_description=str(i)))
    taken = time.monotonic() - start
    status = [a.status for a in answers]
    eq((status.count(201), status.count(429)), (5, 3))
    eq(all("Retry-After" not in a.headers for a in answers), True)
    eq(taken >= 0.45, True)
    eq(rows_of(), 5)
    eq(SIM.control("GET", "stats")["in_flight_max"] >= 5, True)


@test
def rate_rule():
    SIM.control("POST", "settings", {"rate_limit": 3, "rate_window_s": 86400})
    answers = [SIM.table("incident") for _ in range(5)]
    eq([a.status for a in answers], [200, 200, 200, 429, 429])
    eq((answers[0].headers["X-RateLimit-Limit"], answers[4].headers["Retry-After"] is not None), ("3", True))
    SIM.control("POST", "clock", {"offset_s": 86400})
    eq(SIM.table("incident").status, 200)


@test
def late_commits():
    SIM.insert("incident", sys_id=ID)
    SIM.control("POST", "settings", {"edit_commit_delay_ms": 1500})
    edit = threading.Thread(target=lambda: SIM.control(
        "POST", "edit", {"table": "incident", "sys_id": ID, "set": {"short_description": "late"}}))
    edit.start()
    eq(SIM.get("incident", ID).result["short_description"], "")
    edit.join()
    entry = journal()[-1]
    row = SIM.get("incident", ID).result
    eq((row["short_description"], row["sys_updated_on"] < entry["time"]), ("late", True))


@test
def reset_with_requests_on_their_way():
    SIM.control("POST", "faults", {"action": "hang"})
    threads = [threading.Thread(target=lambda: cut(lambda: SIM.insert("incident"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: SIM.control("GET", "stats")["in_flight"] == 4)
    SIM.control("POST", "reset")
    for thread in threads:
        thread.join()
    eq((rows_of(), SIM.insert("incident").result["number"]), (0, "INC0010001"))
