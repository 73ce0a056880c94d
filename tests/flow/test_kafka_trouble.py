"""Kafka in trouble: each cause has one behaviour, is said once in clear words, and heals when it goes."""
import threading

from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ConfigResource,
                                   ResourcePatternType, ResourceType)

from broker import WITH_RIGHTS, broker
from harness import *

KAFKA = None
EVERYBODY = "User:ANONYMOUS"


def trouble(title, **kw):
    """Topics are looked at each second (default: each half minute), so that healing is seen soon."""
    return scene(title, bootstrap=KAFKA.address, session_ms=3000, properties=("topic.metadata.refresh.interval.ms=1000",), **kw)


def forbid(s, name, operation, kind=ResourceType.TOPIC):
    acl = AclBinding(kind, name, ResourcePatternType.LITERAL, EVERYBODY, "*", operation, AclPermissionType.DENY)
    for future in s.admin.create_acls([acl]).values():
        future.result()


def allow(s, name, kind=ResourceType.TOPIC):
    acl = AclBindingFilter(kind, name, ResourcePatternType.LITERAL, None, None, AclOperation.ANY, AclPermissionType.ANY)
    for future in s.admin.delete_acls([acl]).values():
        future.result()


def delete_topic(s, topic):
    for future in s.admin.delete_topics([topic]).values():
        future.result()
    wait_for("the topic is gone", lambda: topic not in s.admin.list_topics(timeout=10).topics, 20)


def send_alerts(s, numbers):
    for n in numbers:
        s.send(alert(n), key=guid(n))
    s.flush()


def all_committed(s):
    try:
        return all(done >= end for done, end in s.committed().values())
    except KafkaException as e:  # a broker that has just come back
        check(e.args[0].retriable() or e.args[0].name() == "NOT_COORDINATOR", str(e))
        return False


def each_once(s, numbers, seconds=60):
    wait_for("an incident for each alert", lambda: len(by_alert(s.sim.rows())) >= len(numbers), seconds, 0.1)
    wait_for("every offset is committed", lambda: all_committed(s), seconds, 0.3)
    rows = by_alert(s.sim.rows())
    check(sorted(rows) == sorted(map(guid, numbers)) and all(len(r) == 1 for r in rows.values()), "one incident each")


def outcomes_complete(s, count):
    wait_for("an outcome for each alert", lambda: len({o["correlation_id"] for o in s.outcome_records()}) == count, 40, 0.5)


def test_broker_restart():
    with trouble("restart", sim={"insert_ms": 30}, max_in_flight=4, producers=("incident",)) as s:
        send_alerts(s, range(300))
        b = s.bridge().ready()
        wait_for("at work", lambda: len(s.sim.rows()) >= 50)
        KAFKA.do("kill")
        KAFKA.do("start")
        each_once(s, range(300))
        outcomes_complete(s, 300)
        versions = {(r["sys_id"], r["sys_mod_count"]) for r in s.sim.rows()}
        wait_for("published", lambda: len(s.read_all(f"{s.prefix}.incident")) >= 300, 40, 0.5)
        seen = [(m.key().decode(), json.loads(m.value())["sys_mod_count"]) for m in s.read_all(f"{s.prefix}.incident")]
        check(len(seen) == len(set(seen)) and versions <= set(seen), "each version once")
        check(b.process.poll() is None, "still running")
        check(len(re.findall(r"kafka-down|kafka-connection", b.text())) <= 8, "the outage is not repeated without end")


def test_rights():
    with trouble("rights", partitions=1) as s:
        send_alerts(s, range(10))
        b = s.bridge().ready()
        each_once(s, range(10))
        forbid(s, s.alerts_topic, AclOperation.READ)
        # A fetch or a look at the metadata finds it first; the latter takes the partition away as well.
        b.says("(partition|topic)-error .*TOPIC_AUTHORIZATION_FAILED", 30)
        allow(s, s.alerts_topic)
        send_alerts(s, range(10, 20))
        each_once(s, range(20))
        b.says("(partition|topic)-healed", 10)
        forbid(s, s.outcomes, AclOperation.WRITE)
        send_alerts(s, range(20, 30))
        b.says("end-waits .*TOPIC_AUTHORIZATION_FAILED", 20)
        check(all(done < end for done, end in s.committed().values()), "not committed before its outcome is confirmed")
        allow(s, s.outcomes)
        each_once(s, range(30))
        outcomes_complete(s, 30)
        b.says("ends-written", 10)


def test_right_to_the_group():
    """Without it no commit is stored, and in the end the partitions are gone."""
    with trouble("group", partitions=1) as s:
        send_alerts(s, range(10))
        b = s.bridge().ready()
        each_once(s, range(10))
        forbid(s, s.group, AclOperation.READ, ResourceType.GROUP)
        send_alerts(s, range(10, 20))
        b.says("kafka-acl .*group=", 20)
        wait_for("what was in memory", lambda: len(s.sim.rows()) >= 10)
        allow(s, s.group, ResourceType.GROUP)
        each_once(s, range(20))
        b.says("commit-healed", 10)
        check(len(re.findall("commit-failed", b.text())) == 1, "said once")


def test_topic_deleted_and_made_again():
    with trouble("deleted", partitions=2) as s:
        send_alerts(s, range(10))
        b = s.bridge().ready()
        each_once(s, range(10))
        delete_topic(s, s.alerts_topic)
        b.says("topic-missing", 30)
        s.make_topic(s.alerts_topic, 2)
        b.says("topic-healed", 30)
        send_alerts(s, range(10, 20))
        each_once(s, range(20))


def test_outcomes_deleted_and_made_again():
    with trouble("outcomes", partitions=1) as s:
        send_alerts(s, range(10))
        b = s.bridge().ready()
        each_once(s, range(10))
        delete_topic(s, s.outcomes)
        send_alerts(s, range(10, 20))
        b.says("end-waits", 30)
        check(all(done < end for done, end in s.committed().values()), "not committed before its outcome is confirmed")
        s.make_topic(s.outcomes)
        each_once(s, range(20), 90)
        outcomes_complete(s, 10)


def test_topic_unknown_at_start():
    with trouble("unknown", partitions=1) as s:
        delete_topic(s, s.alerts_topic)
        b = s.bridge()
        b.says("topic-missing", 30)
        s.make_topic(s.alerts_topic, 3)
        send_alerts(s, range(10))
        each_once(s, range(10))
        b.says("topic-healed", 10)


def test_message_too_large():
    with trouble("large", partitions=1) as s:
        s.make_topic(s.dead, 1, **{"max.message.bytes": "20000"})
        s.send(b"{" + b"x" * 300000, key="large")
        send_alerts(s, range(5))
        s.bridge().ready()
        each_once(s, range(5))
        dead = s.read_all(s.dead)
        headers = dict(dead[0].headers())
        check(len(dead) == 1 and len(dead[0].value()) < 20000, "one dead letter, cut to what fits")
        check(any(v == b"300001" for v in headers.values()), f"its true length is told: {headers}")


def stop_within(b, seconds):
    began = time.monotonic()
    b.process.terminate()
    code = b.process.wait(30)
    took = time.monotonic() - began
    print(f"SIGTERM: {took:.2f} s")
    check(code == 0 and took <= seconds, f"exit code {code} after {took:.1f} s, wanted {seconds} s")


def test_exit_in_time():
    with trouble("exit", sim={"insert_ms": 30}, max_in_flight=4, producers=("incident",)) as s:
        send_alerts(s, range(200))
        b = s.bridge("healthy").ready()
        wait_for("at work", lambda: len(s.sim.rows()) >= 20)
        stop_within(b, 2)
        b = s.bridge("hung").ready()
        wait_for("at work", lambda: len(s.sim.rows()) >= 50)
        KAFKA.do("pause")
        stop_within(b, 5)
        c = s.bridge("starting")
        c.says("sign-in-ready")
        stop_within(c, 5)
        KAFKA.do("resume")
        b = s.bridge("dead").ready()
        wait_for("at work", lambda: len(s.sim.rows()) >= 80)
        KAFKA.do("kill")
        stop_within(b, 5)
        KAFKA.do("start")
        s.bridge("again")
        each_once(s, range(200))


with broker(*WITH_RIGHTS) as KAFKA:
    run(test_rights, test_right_to_the_group, test_topic_deleted_and_made_again, test_outcomes_deleted_and_made_again,
        test_topic_unknown_at_start, test_message_too_large, test_exit_in_time, test_broker_restart)
