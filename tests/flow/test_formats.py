"""A round trip for every format, all in one topic, by auto detection: fire, repeat, clear, fire again. Whatever the
format calls it, the first firing is one incident that ends resolved, and the second one is another that is open."""
from harness import *

CASES = SOURCE / "tests" / "cases" / "formats"
EXAMPLE = CASES / "own-mapping" / "acme.cfg"


def case(name):
    return json.loads((CASES / name / "message.json").read_text())


def at(cycle, minute=0):
    """A time of the given cycle, as text; cycles are hours."""
    return f"2026-11-24T{9 + cycle:02}:{minute:02}:00Z"


def seconds(cycle, minute=0):
    return 1795510800 + 3600 * cycle + 60 * minute


def changed(message, **members):
    return {**message, **members}


def alertmanager(name):
    def make(cycle, clear):
        m = case(name)
        m["alerts"] = [changed(m["alerts"][0], status="resolved" if clear else "firing", startsAt=at(cycle),
                               endsAt=at(cycle, 30) if clear else "0001-01-01T00:00:00Z")]
        return changed(m, status="resolved" if clear else "firing")
    return make


def cloudwatch(cycle, clear):
    m = case("webhook-cloudwatch-notification")
    inner = changed(json.loads(m["Message"]), NewStateValue="OK" if clear else "ALARM",
                    StateChangeTime=at(cycle, 30 * clear))
    return changed(m, Message=json.dumps(inner))


def stackdriver(cycle, clear):
    m = case("webhook-stackdriver-closed" if clear else "webhook-stackdriver-open")
    m["incident"].update(incident_id=f"incident-{cycle}", started_at=seconds(cycle),
                         ended_at=seconds(cycle, 30) if clear else None)
    return m


def pagerduty_v1(cycle, clear):
    m = case("pagerduty-v1-trigger")
    m["messages"][0].update(type="incident.resolve" if clear else "incident.trigger", created_on=at(cycle, 30))
    m["messages"][0]["data"]["incident"].update(id=f"P{cycle}", created_on=at(cycle))
    return m


def azure_classic(cycle, clear):
    m = case("azure-classic-metric-deactivated" if clear else "azure-classic-metric-activated")
    m["data"]["context"]["timestamp"] = at(cycle, 30 * clear)
    return m


def azure(cycle, clear):
    return alert(700 + cycle, fired=at(cycle), condition="Resolved" if clear else "Fired")


def event(cycle, clear):
    return {"specversion": "1.0", "id": f"{cycle}{clear}", "source": "/monitor", "type": "alert",
            "data": changed(azure(cycle, clear), data=alert(800 + cycle, fired=at(cycle),
                                                            condition="Resolved" if clear else "Fired")["data"])}


def other_host(make, host):
    def made(cycle, clear):
        m = make(cycle, clear)
        m["alerts"][0]["labels"]["instance"] = host
        return m
    return made


am = alertmanager("alertmanager-two")
HEADERS = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/x"), ("ce_type", b"alert"),
           ("content-type", b"application/json")]

# name, message of (cycle, clear), words that its title holds
FORMATS = [
    ("azure", azure, "rule-70"),
    ("azure-classic", azure_classic, "Transactions-High"),
    ("alertmanager", am, "DiskFull: Disk almost full on db-1.example:9100"),
    ("grafana", alertmanager("grafana-firing"), "High memory: Memory above 90 %"),
    ("grafana-legacy", lambda cycle, clear: case(f"webhook-grafana-alert-{'ok' if clear else 'alerting'}"),
     "Zeta CPU alert"),
    ("pagerduty", lambda cycle, clear: case("pagerduty-resolve" if clear else "pagerduty-trigger"),
     "Replication on db-1 is 340 s behind"),
    ("pagerduty-v1", pagerduty_v1, "45645"),
    ("cloudwatch", cloudwatch, "bucketbytesAlarm"),
    ("pingdom", lambda cycle, clear: case(f"webhook-pingdom-{'up' if clear else 'down'}"), "Alerta API on OpenShift"),
    ("stackdriver", stackdriver, "Webserver Health"),
    ("newrelic", lambda cycle, clear: changed(case("webhook-new-relic-notification"), incident_id=100 + cycle,
                                              current_state="closed" if clear else "open"), "New Relic Alert"),
    ("vrealize", lambda cycle, clear: changed(case("webhook-vmware-vrealize"), alertId=f"alert-{cycle}",
                                              status="CANCELED" if clear else "ACTIVE"), "sample-info"),
    ("mapping:acme", lambda cycle, clear: changed(case("own-mapping"), ok=clear, at=seconds(cycle, 30 * clear)),
     "DISK SPACE"),
    # Envelopes: their formats again, about another thing.
    ("azure (CloudEvents)", event, "rule-80"),
    ("alertmanager (binary CloudEvents)", other_host(am, "ce.example"), "on ce.example"),
    ("alertmanager (Confluent)", other_host(am, "confluent.example"), "on confluent.example"),
]


def send(s, cycle, clear=False):
    for name, make, _ in FORMATS:
        value = make(cycle, clear)
        if "Confluent" in name:
            value = b"\0\0\0\0\7" + json.dumps(value).encode()
        s.send(value, key=name, headers=HEADERS if "binary" in name else None)
    s.flush()
    s.all_committed(60)


def rows_of(s):
    rows = {}
    for row in s.sim.rows():
        found = [name for name, _, words in FORMATS if words in row["short_description"]]
        check(len(found) == 1, f"{row['short_description']!r} belongs to {found}")
        rows.setdefault(found[0], []).append(row)
    return rows


def check_rows(s, states, when):
    rows = rows_of(s)
    for name, _, _ in FORMATS:
        have = sorted((r["state"] for r in rows.get(name, [])), reverse=True)
        check(have == states, f"{when}: {name} has records in the states {have}, not {states}")
        for row in rows[name]:
            check(row["correlation_id"].startswith(name.split(" ")[0] + ":"), f"{name}: {row['correlation_id']}")
    return rows


def test_round_trip():
    with scene("formats", extra=f'mappings = ["{EXAMPLE}"];') as s:
        bridge = s.bridge().ready()
        send(s, 1)
        check_rows(s, ["1"], "fired")
        send(s, 1)
        check_rows(s, ["1"], "fired again, the same")
        send(s, 1, clear=True)
        rows = check_rows(s, ["6"], "cleared")
        check(all("Last report: " in r["close_notes"] for found in rows.values() for r in found), "no close notes")
        send(s, 2)
        check_rows(s, ["6", "1"], "fired anew")
        check(bridge.stop() == 0, "the bridge did not stop cleanly")
        dead = s.read_all(s.dead)
        check(not dead, f"dead letters: {[m.headers() for m in dead]}")
        outcomes = s.outcome_records()
        check({o["operation"] for o in outcomes} >= {"created", "resolved"}, "operations are missing")
        secrets = [w for w in ("0123456789abcdef0123456789abcdef", "UnsubscribeURL", "1234\n", "api_token_secret")
                   if w in json.dumps(outcomes) + json.dumps(s.sim.rows()) + bridge.text()]
        check(not secrets, f"secrets were copied: {secrets}")


def test_one_per_group():
    """One record for a message of several alerts, as the key one_per wants it, over two cycles of the group."""
    with scene("groups", consumer='one_per = "group";') as s:
        s.bridge().ready()
        two = case("alertmanager-two")
        for message in (two, changed(two, alerts=two["alerts"][:1]), changed(two, status="resolved")):
            s.send(message, key="group")
            s.flush()
            s.all_committed()
        s.send(two, key="group")
        s.flush()
        s.all_committed()
        rows = s.sim.rows()
        check(sorted(r["state"] for r in rows) == ["1", "6"], f"records in {[r['state'] for r in rows]}")
        check(all("DiskFull" in r["short_description"] for r in rows), "titles")


def test_several_in_one():
    """Alerts of one message have records of their own and one offset; repeats in it are one."""
    with scene("several") as s:
        s.bridge().ready()
        s.send(case("alertmanager-repeated-in-one"), key="x")
        s.send(case("alertmanager-api-groups-0.31.0"), key="x")
        s.flush()
        s.all_committed()
        wait_for("outcomes", lambda: len(s.outcome_records()) >= 14)
        rows = s.sim.rows()
        check(len(rows) == 2 + 8, f"{len(rows)} records")
        check({r["state"] for r in rows} == {"1"}, "states")
        check(len({r["sys_id"] for r in rows}) == len(rows), "doubled")
        check(len(s.outcome_records()) == 14, "an outcome for each alert")


run(test_round_trip, test_one_per_group, test_several_in_one)
