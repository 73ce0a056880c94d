"""A bad message is one clear dead letter with cause; the stream goes on (promise 10)."""
from harness import *


def deep(levels):
    return b'{"schemaId":"azureMonitorCommonAlertSchema","data":' + b'{"a":' * levels + b'1' + b'}' * levels + b'}'


def without(path):
    a = alert(900)
    at = a
    for name in path[:-1]:
        at = at[name]
    del at[path[-1]]
    return a


def text_with(change):
    a = alert(901)
    change(a["data"]["essentials"])
    return a


BAD = [
    ("not-json", b"this is no JSON"),
    ("not-json", b'{"schemaId": "azureMonitorCommonAlertSchema", '),
    ("empty", b""),
    ("too-deep", deep(3000)),
    ("not-utf8", b'{"schemaId":"\xff\xfe"}'),
    ("nul", b'{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"a\\u0000b"}}}'),
    ("duplicate-member", b'{"schemaId":"azureMonitorCommonAlertSchema","schemaId":"x"}'),
    ("no-format", b'{"hello":"world"}'),
    ("no-identity", json.dumps(without(["data", "essentials", "alertId"])).encode()),
    ("no-state", json.dumps(without(["data", "essentials", "monitorCondition"])).encode()),
    ("wrong-type", json.dumps(text_with(lambda e: e.update(alertId=17))).encode()),
    ("wrong-type", json.dumps(text_with(lambda e: e.update(monitorCondition=["Fired"]))).encode()),
]


def header(message, name):
    return dict(message.headers() or {}).get(name, b"").decode()


def test_bad_messages_and_good_ones():
    with scene("bad", partitions=1) as s:
        big = alert(800)
        big["data"]["alertContext"]["properties"] = {"text": "x" * 900_000}
        odd = alert(801, rule='rule ^ "quoted"\r\nX-Injected: 1 javascript:gs.getUserID()', severity="Sev9")
        long_id = alert(802)
        long_id["data"]["essentials"]["alertId"] = "/providers/Microsoft.AlertsManagement/alerts/" + "a" * 1000
        for n, (_, value) in enumerate(BAD):
            s.send(value, key=f"bad-{n}", headers=[("from", b"sender")])
            s.send(alert(n), key=guid(n))
        s.send(None, key="tombstone")
        for good in (big, odd, long_id):
            s.send(good, key="good")
        s.flush()
        b = s.bridge()
        s.all_committed(60)
        dead = s.read_all(s.dead)
        check(len(dead) == len(BAD), f"{len(dead)} dead letters for {len(BAD)} bad messages")
        by_key = {m.key().decode(): m for m in dead}
        for n, (cls, value) in enumerate(BAD):
            m = by_key[f"bad-{n}"]
            check(header(m, "itsm-bridge-class") == cls, f"message {n}: {header(m, 'itsm-bridge-class')}, wanted {cls}")
            check((m.value() or b"") == value, f"message {n}: the value was changed")
            check(header(m, "from") == "sender", "the sender's headers are kept")
            check(header(m, "itsm-bridge-topic") == s.alerts_topic and header(m, "__connect.errors.topic") == s.alerts_topic,
                  "source coordinates")
            check(len(header(m, "itsm-bridge-reason")) > 10, "a reason")
        rows = s.sim.rows()
        check(len(rows) == len(BAD) + 3, f"{len(rows)} incidents")
        found = [r for r in rows if r["short_description"].startswith("rule ^")]
        check(len(found) == 1 and "\n" not in found[0]["short_description"], "the odd rule's name stays one line")
        check(found[0]["impact"] == "3" and found[0]["urgency"] == "3", "unknown severity is 3/3")
        check(all(len(r["correlation_id"]) <= 100 for r in rows), "correlation_id fits its column")
        notes = [o["notes"] for o in s.outcome_records() if o["number"] == found[0]["number"]]
        check(notes and notes[0], "the outcome says what was filled by a default")
        check(b.metric("messages_skipped_total") == 1, "the tombstone is skipped and counted")
        check("X-Injected" not in str(s.sim.stats()), "no header was injected")
        check(b.stop() == 0, "exit code")


run(test_bad_messages_and_good_ones)
