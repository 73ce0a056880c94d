"""Bounds: nothing is dropped at one, nobody is expelled at one, memory stays where it was told to stay, and an alert
that does not succeed costs the others nothing. ITSM_TEST_ALERTS=100000 plays the large cases at full size."""
from harness import *

FULL = int(os.environ.get("ITSM_TEST_ALERTS", "0"))
DOWN = {"name": "down", "match": {"path_prefix": "/api"}, "action": "status", "status": 503, "body": "down"}


def never(text, status=500):
    """Writes that carry this text fail, each for itself: an answer of the instance, not an outage."""
    body = json.dumps({"error": {"message": "java.lang.NullPointerException", "detail": ""}, "status": "failure"})
    return {"name": "never", "match": {"path_prefix": "/api", "table": "incident", "method": "POST", "body_contains": text},
            "action": "status", "status": status, "body": body, "type": "application/json"}


def incidents(s):
    return s.sim.stats().get("applied", {}).get("insert", 0)



def memory(bridge):
    """Resident bytes."""
    text = Path(f"/proc/{bridge.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


def after(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def large(number, size):
    a = alert(number)
    a["data"]["essentials"]["description"] = "d" * size
    return a


def test_a_long_outage_expels_nobody():
    """Longer than max.poll.interval.ms by far, with full memory; a second process joins in the middle of it."""
    alerts = 2000
    with scene("outage", partitions=4, properties=("max.poll.interval.ms=6000",), limits="max_waiting = 400;") as s:
        s.sim.faults(DOWN)
        for n in range(alerts):
            s.send(alert(n), key=guid(n))
        s.flush()
        a = s.bridge("a")  # never ready in an outage that was there before it
        a.says("intake-paused .*max_waiting", 30)
        full = memory(a)
        wait_for("more than a poll interval", after(9), 20)
        check(a.metric("messages_waiting") <= 400, "more than max_waiting in memory")
        check(memory(a) - full < 4 << 20, f"memory grew by {(memory(a) - full) >> 10} KiB while nothing was read")
        check(a.metric("kafka_rebalances_total") == 1 and a.metric("kafka_assignments_lost_total") == 0, "expelled")
        b = s.bridge("b")
        wait_for("both share", lambda: a.metric("kafka_assigned_partitions") == b.metric("kafka_assigned_partitions") == 2, 15)
        check(a.metric("kafka_assignments_lost_total") == 0, "expelled")
        check(all(done == 0 for done, _ in s.committed().values()), "committed what was not done")
        s.sim.no_faults()
        s.all_committed(90)
        rows = by_alert(s.sim.rows())
        check(len(rows) == alerts and all(len(r) == 1 for r in rows.values()), "one incident each")


def test_memory_mb_is_kept():
    alerts, limit = 500, 96
    with scene("memory", extra=f"memory_mb = {limit};") as s:
        s.sim.faults(DOWN)
        for n in range(alerts):
            s.send(large(n, 200000), key=guid(n))
        s.flush()
        b = s.bridge()
        b.says("intake-paused .*memory_mb", 30)
        wait_for("everything that would still come", after(2))
        print(f"resident {memory(b) >> 20} MiB of {limit}")
        check(memory(b) <= limit * 1.1 * (1 << 20), f"{memory(b) >> 20} MiB resident, memory_mb = {limit}")
        s.sim.no_faults()
        s.all_committed(60)
        check(len(by_alert(s.sim.rows())) == alerts, "an incident each")


def test_one_alert_with_many_messages():
    """It takes its share of memory and no more: its partition rests, the other goes on."""
    many, others = 3000, 200
    with scene("deep", partitions=2, limits="max_waiting = 1000; max_per_alert = 100; max_attempts = 1000;") as s:
        s.sim.faults(never(guid(0)))
        for n in range(many):
            s.send(alert(0, value=n), key=guid(0), partition=0)
        for n in range(1, others + 1):
            s.send(alert(n), key=guid(n), partition=1)
        s.flush()
        b = s.bridge().ready()
        b.says("partition-paused .*partition=0.*max_per_alert", 20)
        wait_for("the others", lambda: incidents(s) == others, 20)
        wait_for("and their commit", lambda: s.committed()[1][0] >= others, 10, 0.2)
        check(100 <= b.metric("messages_waiting") <= 110, f"{b.metric('messages_waiting')} messages in memory")
        check("intake-paused" not in b.text(), "all reading was paused")
        s.sim.no_faults()
        s.all_committed(60)
        b.says("partition-resumed .*partition=0")
        rows = by_alert(s.sim.rows())
        check(len(rows) == others + 1 and all(len(r) == 1 for r in rows.values()), "one incident each")
        check(f"{many - 1}" in rows[guid(0)][0]["description"], "the newest content")


def time_for(alerts, bad):
    with scene("slow", partitions=1, sim={"insert_ms": 10}, limits="max_attempts = 1000;") as s:
        if bad:
            s.sim.faults(never(guid(5)))
        for n in range(alerts):
            s.send(alert(n), key=guid(n))
        s.flush()
        s.bridge().ready()
        wait_for("the others", lambda: incidents(s) == alerts - bad, 120, 0.1)
        times = [e["wall_ms"] for e in s.sim.journal() if e["table"] == "incident"]
        check(s.read_all(s.dead) == [], "dead letters")
        check(not bad or s.committed()[0][0] <= 5, "committed beyond the one that is not done")
        return max(times) - min(times)


def test_one_that_never_succeeds_costs_the_others_nothing():
    """Best of two each: the machine is shared, and other work in it only ever adds."""
    alerts = min(FULL, 10000) or 1500
    without = min(time_for(alerts, 0), time_for(alerts, 0))
    with_one = min(time_for(alerts, 1), time_for(alerts, 1))
    print(f"{alerts} alerts: {without} ms, with one that never succeeds {with_one} ms: {with_one / without:.3f}")
    check(with_one <= 1.1 * without, f"{with_one / without:.3f} times as long")


def test_a_kill_repeats_a_second_of_work_at_most():
    alerts = FULL or 6000
    unfinished = 500 if FULL else 100
    step = alerts // unfinished
    with scene("repeat", partitions=1, limits="max_attempts = 1000;") as s:
        s.sim.faults(never("never-done"))
        for n in range(alerts):
            s.send(alert(n, rule="never-done" if n % step == 0 else None), key=guid(n))
        s.flush()
        b = s.bridge("first").ready()
        wait_for("most of them", lambda: incidents(s) >= alerts * 0.7, 300, 0.05)
        b.kill()
        killed = s.sim.journal()
        last = killed[-1]["wall_ms"]
        recent = sum(e["wall_ms"] >= last - 1000 for e in killed)
        b = s.bridge("second").ready()
        wait_for("the rest", lambda: incidents(s) >= alerts - unfinished, 300, 0.1)
        wait_for("everything is read", lambda: b.metric("messages_received_total") >= alerts * 0.25)
        wait_for("nothing but the bad ones waits", lambda: b.metric("messages_waiting") == unfinished, 60, 0.2)
        writes = s.sim.journal(killed[-1]["seq"])
        repeated = b.metric("alerts_total")
        done_again = sum(float(line.rsplit(" ", 1)[1]) for line in b.get("/metrics")[1].splitlines()
                         if line.startswith("itsm_bridge_alerts_total") and 'operation="nothing"' in line)
        before = b.metric("messages_finished_before_total")
        print(f"{alerts} alerts, {unfinished} unfinished: {len(killed)} done before the kill, {recent} of them in its last "
              f"second; {before:.0f} known as finished, {done_again:.0f} looked at again, {repeated:.0f} ended")
        check(done_again <= recent + 8, f"{done_again:.0f} repeated, {recent} were done in the last second")
        check(before > 0, "the map of finished ones was used")
        known = {e["sys_id"] for e in killed}
        check(not [e for e in writes if e["sys_id"] in known], "a repeated alert was written again")
        s.sim.no_faults()
        s.all_committed(60)
        rows = by_alert(s.sim.rows())
        check(len(rows) == alerts and all(len(r) == 1 for r in rows.values()), "one incident each")


run(test_a_long_outage_expels_nobody, test_memory_mb_is_kept, test_one_alert_with_many_messages,
    test_one_that_never_succeeds_costs_the_others_nothing, test_a_kill_repeats_a_second_of_work_at_most)
