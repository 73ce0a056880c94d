"""itsm-bridge check: topics, rights and transactions of a real broker, each way to be wrong."""
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType,
                                   ResourceType)

from broker import WITH_RIGHTS, broker
from check_support import *
from plain_proxy import PlainProxy

KAFKA = None


def test_topics():
    with connection("topics", bootstrap=KAFKA.address) as s:
        good = ask(s)
        edit_config(s, (f'topics = ["{s.alerts_topic}"]', f'topics = ["{s.alerts_topic}", "not-there", "^none-{s.tag}.*"]'))
        expect(good, ask(s), {"topic not-there": NOT, f"topic ^none-{s.tag}.*": NOT}, "make the topic")
        s.make_topic(f"none-{s.tag}-a")
        expect(good, ask(s), {"topic not-there": NOT, f"topic ^none-{s.tag}.*": DONE}, "1 topic of this pattern")
        edit_config(s, (f', "not-there", "^none-{s.tag}.*"', ""))
        edit_config(s, ("topics: {", "topics: { create = false;"))
        own = (s.outcomes, s.dead, s.state, f"{s.prefix}.incident")
        expect(good, ask(s), {f"topic {t}": NOT for t in own}, "topics.create = true")
        edit_config(s, ("create = false;", "replication_factor = 3;"))
        expect(good, ask(s), {f"topic {t}": NOT for t in own}, "replication")
        edit_config(s, ("replication_factor = 3;", ""))
        for topic, settings in ((s.outcomes, {"cleanup.policy": "compact"}),
                                (s.dead, {"max.message.bytes": "1000000"}),
                                (s.state, {}), (f"{s.prefix}.incident", {"cleanup.policy": "compact"})):
            s.make_topic(topic, 2, **settings)
        r = ask(s)
        states = r.states()
        check([states[f"topic {t}"] for t in own] == [DONE] * 4, "they are there")
        check([states[f"compaction {t}"] for t in own] == [NOT, DONE, NOT, DONE], "compaction")
        check([states[f"size {t}"] for t in own] == [DONE, NOT, DONE, DONE], "size")
        check(states[f"read {s.state}"] == DONE and states[f"write {s.state}"] == SKIPPED, "rights")


def forbid(s, name, operation, kind=ResourceType.TOPIC):
    """This one operation: a resource with any rule is closed to what no rule allows."""
    rules = [AclBinding(kind, name, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", what, how)
             for what, how in ((AclOperation.ALL, AclPermissionType.ALLOW), (operation, AclPermissionType.DENY))]
    for future in s.admin.create_acls(rules).values():
        future.result()


def allow_all(s):
    acl = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
                           AclPermissionType.ANY)
    for future in s.admin.delete_acls([acl]).values():
        future.result()


def comes_to(s, good, changed):
    """Rules take effect a little later."""
    got = []
    try:
        wait_for("lines", lambda: got.append(differ(good, ask(s, "--write"))) or got[-1] == changed, 30, 0.3)
    except AssertionError as e:
        raise AssertionError(f"{e}; changed lines: {got[-1]}, expected {changed}") from e


def test_kafka_rights():
    with connection("rights", bootstrap=KAFKA.address) as s:
        for topic in (s.outcomes, s.state, f"{s.prefix}.incident"):
            s.make_topic(topic, 1, **{"cleanup.policy": "delete" if topic == s.outcomes else "compact"})
        s.make_topic(s.dead, 1, **{"max.message.bytes": "2097152"})
        good = ask(s, "--write")
        cases = ((s.alerts_topic, AclOperation.READ, ResourceType.TOPIC, {f"read {s.alerts_topic}": NOT}),
                 (s.dead, AclOperation.WRITE, ResourceType.TOPIC, {f"write {s.dead}": NOT}),
                 (s.group, AclOperation.READ, ResourceType.GROUP, {f"group {s.group}": NOT}),
                 (f"{s.group}.check", AclOperation.WRITE, ResourceType.TRANSACTIONAL_ID,
                  {"transactions": NOT, **{f"write {t}": SKIPPED for t in (s.outcomes, s.dead, s.state,
                                                                           f"{s.prefix}.incident")}}),
                 (s.alerts_topic, AclOperation.DESCRIBE, ResourceType.TOPIC,
                  {f"topic {s.alerts_topic}": NOT, f"read {s.alerts_topic}": None}))
        for name, operation, kind, changed in cases:
            allow_all(s)
            comes_to(s, good, {})
            forbid(s, name, operation, kind)
            comes_to(s, good, changed)
            codes = {line.get("code") for line in ask(s, "--write").all["lines"] if line["state"] == NOT}
            check(codes == {"kafka-acl"}, f"{name}: {codes}")
        allow_all(s)


def test_kafka_away():
    with connection("away", bootstrap=KAFKA.address) as s:
        good = ask(s)
        kafka = {n: SKIPPED for n in good.states() if n.startswith(f"topic ")}
        kafka.update({f"read {s.alerts_topic}": None, f"group {s.group}": None, "transactions": None})
        edit_config(s, (f'bootstrap_servers = "{KAFKA.address}"', 'bootstrap_servers = "127.0.0.1:1"'))
        expect(good, ask(s), {"reachable": NOT, **kafka}, "kafka.bootstrap_servers")
        edit_config(s, ('bootstrap_servers = "127.0.0.1:1"', f'bootstrap_servers = "{KAFKA.address}"'),
                    ('"heartbeat.interval.ms=500"', '"heartbeat.interval.ms=500", "security.protocol=SASL_PLAINTEXT", '
                     '"sasl.mechanism=PLAIN", "sasl.username=u", "sasl.password=p"'))
        r = ask(s)
        check(NOT in (r.states()["reachable"], r.states()["sign-in"]), "a broker without sign-in")


def test_no_transactions():
    proxy = PlainProxy(KAFKA.address)
    try:
        with connection("plain", bootstrap=KAFKA.address) as s:
            good = ask(s)
            edit_config(s, (f'bootstrap_servers = "{KAFKA.address}"', f'bootstrap_servers = "127.0.0.1:{proxy.port}"'))
            expect(good, ask(s), {}, "at least once", "the cluster has none")
            edit_config(s, ("topics: {", 'topics: { exactly_once = "required";'))
            expect(good, ask(s), {"transactions": NOT})
            edit_config(s, ('"required"', '"off"'))
            expect(good, ask(s), {"transactions": SKIPPED}, "topics.exactly_once is off")
    finally:
        proxy.close()


with broker(*WITH_RIGHTS) as KAFKA:
    run(test_topics, test_kafka_rights, test_kafka_away, test_no_transactions)
