"""A first start is decided, not inherited (design D12)."""
from harness import *

HOUR = 3600 * 1000


def old(hours):
    return int(time.time() * 1000) - hours * HOUR


def test_earliest_leaves_out_what_is_too_old():
    with scene("earliest", consumer='start_from = "earliest"; max_alert_age_h = 24;') as s:
        s.send(alert(1), key="1", timestamp=old(30))
        s.send(alert(2), key="2", timestamp=old(3))
        s.flush()
        s.bridge()
        s.all_committed()
        check(list(by_alert(s.sim.rows())) == [guid(2)], "only the younger one")
        check(sorted(o["operation"] for o in s.outcome_records()) == ["created", "too-old"], "outcomes")


def test_latest():
    with scene("latest", consumer='start_from = "latest";') as s:
        s.send(alert(1), key="1")
        s.flush()
        s.bridge().says("partition-start")
        s.send(alert(2), key="2")
        s.flush()
        wait_for("the new alert", lambda: len(s.sim.rows()) == 1)
        check(list(by_alert(s.sim.rows())) == [guid(2)], "only what came after the start")


def test_time_and_restart():
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2 * 3600))
    with scene("time", consumer=f'start_from = "{when}";') as s:
        s.send(alert(1), key="1", timestamp=old(4))
        s.send(alert(2), key="2", timestamp=old(1))
        s.flush()
        b = s.bridge()
        s.all_committed()
        check(list(by_alert(s.sim.rows())) == [guid(2)], "only what is younger than the time")
        check(b.stop() == 0, "exit code")
        s.send(alert(3), key="3")
        s.flush()
        s.bridge("again")
        wait_for("a restart goes on from the commit", lambda: len(s.sim.rows()) == 2)


def test_foreign_group_is_refused():
    with scene("foreign") as s:
        s.send(alert(1), key="1")
        s.flush()
        b = s.bridge()
        s.all_committed()
        b.stop()
        other = Simulator(s.folder)
        text = s.config_file.read_text().replace(s.sim.url, other.url)
        s.config_file.write_text(text)
        b = s.bridge("other")
        check(b.process.wait(20) == 2, "exit code of a foreign group")
        check("foreign-group" in b.text(), "the reason")
        other.stop()


def test_clear_without_fire():
    with scene("orphan") as s:
        s.send(alert(1, condition="Resolved"), key="1")
        s.flush()
        s.bridge()
        s.all_committed()
        rows = by_alert(s.sim.rows())
        check(len(rows[guid(1)]) == 1 and rows[guid(1)][0]["state"] == "6", "inserted as resolved")
        s.send(alert(1), key="1")
        s.flush()
        s.all_committed()
        check(by_alert(s.sim.rows())[guid(1)][0]["state"] == "6", "the late fire opens nothing")


run(test_earliest_leaves_out_what_is_too_old, test_latest, test_time_and_restart, test_foreign_group_is_refused,
    test_clear_without_fire)
