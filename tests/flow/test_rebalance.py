"""Partitions given and taken while requests fly: nobody writes for what he has lost, nothing is lost or doubled."""
from harness import *


def config_of(s, name, user=None, instance=None):
    """A configuration of a process of its own: another ServiceNow user, a static member."""
    # A stop must not look like an outage of the instance: answers that came meanwhile count.
    text = s.config_file.read_text().replace("request_timeout_ms = 5000", "request_timeout_ms = 60000")
    if user is not None:
        s.sim.call("POST", "/_sim/users", {"user_name": user, "password": "password", "roles": ["itil"]})
        text = text.replace('"itsm.integration"', f'"{user}"')
    if instance is not None:
        text = text.replace("kafka: {", f'kafka: {{ group_instance_id = "{instance}";')
    path = s.folder / f"{name}.cfg"
    path.write_text(text)
    return path


def stop_with_full_window(s, bridge):
    """SIGSTOP while all requests that may fly are at the instance: none is between its decision and the wire."""
    end = time.monotonic() + 0.4
    s.sim.settings(insert_ms=2000)
    wait_for("only slow requests", lambda: time.monotonic() > end and s.sim.stats()["in_flight"] == 4)
    bridge.signal(signal.SIGSTOP)
    s.sim.settings(insert_ms=5)


def requests_of(s, user):
    return s.sim.stats()["users"][user]["requests"]


def incidents(s):
    return s.sim.stats().get("applied", {}).get("insert", 0)


def committed_is_done(s):
    """Promise 1: what lies before a committed offset has its record."""
    committed = s.committed()
    rows = by_alert(s.sim.rows())
    early = [place for place, key in s.positions.items() if place[1] < committed[place[0]][0] and key not in rows]
    check(not early, f"committed before it was done: {early[:10]}")


def each_once(s, alerts, resolved=lambda n: False):
    rows = by_alert(s.sim.rows())
    check(len(rows) == alerts, f"{len(rows)} of {alerts} alerts have an incident")
    check(all(len(r) == 1 for r in rows.values()), "an alert has two incidents")
    wrong = [n for n in range(alerts) if rows[guid(n)][0]["state"] != ("6" if resolved(n) else "1")]
    check(not wrong, f"wrong state: {wrong}")
    check(s.read_all(s.dead) == [], "dead letters")


def test_a_stopped_process_sends_nothing_for_what_it_lost():
    alerts = 300
    with scene("stopped", partitions=2, sim={"insert_ms": 150}, max_in_flight=4) as s:
        for n in range(alerts):
            s.send(alert(n), key=guid(n))
        s.flush()
        a = s.bridge("a", config=config_of(s, "a", user="user.a")).ready()
        wait_for("a is at work", lambda: incidents(s) >= 20)
        stop_with_full_window(s, a)
        b = s.bridge("b", config=config_of(s, "b", user="user.b"))
        wait_for("b does the rest", lambda: incidents(s) == alerts, 30)
        s.all_committed()
        before = requests_of(s, "user.a")
        a.signal(signal.SIGCONT)
        a.says("kafka-membership-doubtful", 10)
        a.says("kafka-assignment-lost", 10)
        wait_for("a is a member again", lambda: len(re.findall("kafka-assigned ", a.text())) == 2, 20)
        check(requests_of(s, "user.a") == before, f"{requests_of(s, 'user.a') - before} requests for lost partitions")
        check(b.metric("kafka_assignments_lost_total") == 0, "b lost nothing")
        each_once(s, alerts)


def test_a_short_stop_holds_until_a_commit_is_answered():
    alerts = 200
    with scene("short", partitions=2, sim={"insert_ms": 150}, max_in_flight=4) as s:
        for n in range(alerts):
            s.send(alert(n), key=guid(n))
        s.flush()
        b = s.bridge().ready()
        wait_for("at work", lambda: incidents(s) >= 20)
        stop_with_full_window(s, b)
        began = time.monotonic()
        wait_for("more than half the session", lambda: time.monotonic() > began + 4)
        b.signal(signal.SIGCONT)
        b.says("kafka-membership-doubtful", 10)
        b.says("kafka-membership-proved", 10)
        s.all_committed()
        check(b.metric("kafka_assignments_lost_total") == 0, "nothing was lost")
        check(b.metric("kafka_stalls_total") >= 1, "the stall is counted")
        check(len(re.findall("kafka-assigned ", b.text())) == 1, "one assignment")
        each_once(s, alerts)


def test_while_the_broker_proves_nothing_nothing_is_sent():
    """The session is still good, but no commit is answered: what was decided before the stall waits."""
    from broker import broker
    with broker() as k, scene("unproved", partitions=1, sim={"insert_ms": 150}, max_in_flight=4, session_ms=5000,
                                   bootstrap=k.address) as s:
        for n in range(100):
            s.send(alert(n), key=guid(n))
        s.flush()
        b = s.bridge().ready()
        wait_for("at work", lambda: incidents(s) >= 10)
        stop_with_full_window(s, b)
        k.do("pause")
        began = time.monotonic()
        wait_for("more than half the session", lambda: time.monotonic() > began + 3)
        before = requests_of(s, "itsm.integration")
        b.signal(signal.SIGCONT)
        b.says("kafka-membership-doubtful", 10)
        began = time.monotonic()
        wait_for("some time without an answer", lambda: time.monotonic() > began + 0.5)
        check("kafka-membership-proved" not in b.text(), "nobody proved it")
        check(requests_of(s, "itsm.integration") == before, "sent without a proof")
        k.do("resume")
        s.all_committed(40)
        each_once(s, 100)


def test_processes_come_and_go():
    alerts, chance = 300, random.Random(11)
    with scene("churn", partitions=6, sim={"insert_ms": 60, "update_ms": 60}, max_in_flight=4) as s:
        for n in range(alerts):
            s.send(alert(n), key=guid(n))
            if n % 3 == 0:
                s.send(alert(n, condition="Resolved"), key=guid(n))
        s.flush()
        running = [s.bridge(f"bridge-{i}") for i in range(3)]
        for turn, part in enumerate((0.15, 0.35, 0.55, 0.75)):
            wait_for("more incidents", lambda: incidents(s) >= alerts * part, 40)
            committed_is_done(s)
            old = running.pop(chance.randrange(len(running)))
            if turn % 2:
                old.kill()
            else:
                check(old.stop() == 0, "exit code")
            running.append(s.bridge(f"bridge-{3 + turn}"))
        s.all_committed(60)
        committed_is_done(s)
        each_once(s, alerts, resolved=lambda n: n % 3 == 0)
        wait_for("three processes share six partitions",
                 lambda: [b.metric("kafka_assigned_partitions") for b in running] == [2, 2, 2])


def test_static_members_keep_their_partitions():
    with scene("static", partitions=4) as s:
        a = s.bridge("a", config=config_of(s, "a", instance="one"))
        b = s.bridge("b", config=config_of(s, "b", instance="two"))
        wait_for("both share", lambda: a.metric("kafka_assigned_partitions") == b.metric("kafka_assigned_partitions") == 2)
        before = b.metric("kafka_rebalances_total")
        a.kill()
        again = s.bridge("again", config=config_of(s, "a", instance="one"))
        wait_for("the same share again", lambda: again.metric("kafka_assigned_partitions") == 2)
        for n in range(40):
            s.send(alert(n), key=guid(n))
        s.flush()
        s.all_committed()
        check(b.metric("kafka_rebalances_total") == before, "the other member was disturbed")
        twin = s.bridge("twin", config=config_of(s, "a", instance="one"))
        check(again.process.wait(20) == 75, "the older of two with one name ends with 75")
        check("consumer-fatal" in again.text(), "and says why")
        twin.says("kafka-assigned ")
        s.send(alert(40), key=guid(40))
        s.flush()
        s.all_committed()
        each_once(s, 41)


def test_another_process_takes_over_in_time():
    with scene("failover", partitions=2) as s:
        a, b = s.bridge("a"), s.bridge("b")
        wait_for("both share", lambda: a.metric("kafka_assigned_partitions") == b.metric("kafka_assigned_partitions") == 1)
        a.kill()
        began = time.monotonic()
        for n in range(20):
            s.send(alert(n), key=guid(n), partition=n % 2)
        s.flush()
        wait_for("all incidents", lambda: incidents(s) == 20, 20)
        took = time.monotonic() - began
        print(f"failover after {took:.1f} s, session 6 s")
        check(took <= 8, f"{took:.1f} s: more than the session time-out and 2 s")


run(test_a_stopped_process_sends_nothing_for_what_it_lost, test_a_short_stop_holds_until_a_commit_is_answered,
    test_while_the_broker_proves_nothing_nothing_is_sent, test_processes_come_and_go,
    test_static_members_keep_their_partitions, test_another_process_takes_over_in_time)
