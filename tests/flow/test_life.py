"""A record's life in the tables that an entry or a rule names: fire, repeat, clear, fire again; and what the entry
says of clears and of firing again."""
from harness import *


@contextlib.contextmanager
def table_scene(title, target, more="", **kw):
    with scene(title, partitions=kw.pop("partitions", 1), **kw) as s:
        text = s.config_file.read_text().replace('target = "incident";', f'target = "{target}"; {more}')
        s.config_file.write_text(text)
        yield s


def say(s, *messages):
    for m in messages:
        s.send(m, key="one")
    s.flush()
    s.all_committed()


def operations(s):
    return [o["operation"] for o in s.outcome_records()]


def life(table, column, opened, resolved, key, target=None, more="", before=lambda s: None):
    with table_scene(f"life-{table}", target or table, more) as s:
        before(s)
        b = s.bridge().ready()
        say(s, alert(1))
        (row,) = s.sim.rows(table)
        check(row[column] == opened and row[key] == f"azure:{guid(1)}", f"new: {row}")
        number = row.get("number")
        say(s, alert(1, value=4711))
        (row,) = s.sim.rows(table)
        check(row[column] == opened and "4711" in row["description"], f"repeat: {row}")
        say(s, alert(1, condition="Resolved"))
        (row,) = s.sim.rows(table)
        check(row[column] == resolved, f"cleared: {row}")
        say(s, alert(2, rule="rule-1"))  # fires again: a cycle of its own
        rows = s.sim.rows(table)
        check(sorted(r[column] for r in rows) == sorted([opened, resolved]), f"again: {rows}")
        check(operations(s) == ["created", "updated", "resolved", "created"], f"{operations(s)}")
        outcomes = s.outcome_records()
        check({o["table"] for o in outcomes} == {table} and outcomes[0]["number"] == (number or ""), f"{outcomes[0]}")
        check(f"{table}.do" in outcomes[0]["link"], f"link: {outcomes[0]['link']}")
        check(s.sim.rows() == [] and s.read_all(s.dead) == [], "nothing else")
        check(b.stop() == 0, "exit code")
        b = s.bridge("again").ready()  # what was done is known from the records
        say(s, alert(1, condition="Resolved"), alert(2, rule="rule-1"))
        check(operations(s)[4:] == ["nothing", "updated"], f"after a restart: {operations(s)}")
        check(len(s.sim.rows(table)) == 2, "no third record")


def test_alert():
    life("em_alert", "state", "Open", "Closed", "message_key", target="alert")


def test_problem():
    life("problem", "state", "101", "106", "correlation_id")


def test_a_table_of_ones_own():
    columns = [{"name": n, "type": "string", "length": 4000} for n in (
        "u_status", "number", "correlation_id", "correlation_display", "description", "short_description")]

    def make(s):
        s.sim.call("POST", "/_sim/tables", {"name": "u_ticket", "label": "Ticket", "columns": columns})

    life("u_ticket", "u_status", "open", "done", "correlation_id",
         more='state_column = "u_status"; open_value = "open"; resolved_value = "done";', before=make)


def test_rules_choose_the_table():
    rules = '''rules: ( { target = "problem"; when: ( { field = "severity"; at_least = "Sev0"; } ); },
                        { target = "alert"; when: ( { field = "severity"; equals = "Sev4"; } ); } );'''
    count = 60
    with scene("life-rules", partitions=1, consumer=rules) as s:
        for n in range(count):
            s.send(alert(n, severity=("Sev0", "Sev2", "Sev4")[n % 3]), key=guid(n))
        for n in range(count):
            if n % 2:
                s.send(alert(n, severity=("Sev0", "Sev2", "Sev4")[n % 3], condition="Resolved"), key=guid(n))
        s.flush()
        s.bridge().ready()
        s.all_committed(60)
        for table, resolved in (("problem", "106"), ("incident", "6"), ("em_alert", "Closed")):
            rows = s.sim.rows(table)
            check(len(rows) == count // 3, f"{table}: {len(rows)}")
            check(sum(r["state"] == resolved for r in rows) == count // 6, f"{table}: {[r['state'] for r in rows]}")
        check(s.read_all(s.dead) == [], "dead letters")


def test_without_a_stamp_a_series_is_refused():
    with table_scene("life-series", "alert", 'fold = "series";') as s:
        b = s.bridge().ready()
        say(s, alert(1))
        (dead,) = s.read_all(s.dead)
        check(dict(dead.headers())["itsm-bridge-class"] == b"table-columns", f"{dead.headers()}")
        check(s.sim.rows("em_alert") == [], "no record")
        check(b.stop() == 0, "exit code")


def test_on_clear():
    """What the end of an alert does, and that a person's hand is seen."""
    for on_clear, touched, word, state in (("resolve", False, "resolved", "6"), ("note", False, "noted", "1"),
                                           ("nothing", False, "stamped", "1"),
                                           ("resolve_untouched", False, "resolved", "6"),
                                           ("resolve_untouched", True, "noted", "1")):
        with scene("life-clear", partitions=1, consumer=f'on_clear = "{on_clear}";') as s:
            s.bridge().ready()
            say(s, alert(1))
            (row,) = s.sim.rows()
            if touched:
                s.sim.edit(table="incident", sys_id=row["sys_id"], user="anna", set={"category": "network"})
            say(s, alert(1, condition="Resolved"))
            say(s, alert(1, condition="Resolved"))
            (row,) = s.sim.rows()
            check(row["state"] == state, f"{on_clear}: state {row['state']}")
            check(operations(s) == ["created", word, "nothing"], f"{on_clear}: {operations(s)}")


def test_flapping_with_a_delay():
    """Clears that are followed by a fire within the delay change nothing; the last one does."""
    with scene("life-flap", partitions=1, consumer='fold = "series"; clear_delay_s = 3;') as s:
        b = s.bridge().ready()
        for n in range(4):
            s.send(alert(n, rule="cpu"), key="cpu")
            s.send(alert(n, rule="cpu", condition="Resolved"), key="cpu")
        s.flush()
        wait_for("the record", lambda: s.sim.rows())
        s.all_committed(60)
        (row,) = s.sim.rows()
        check(row["state"] == "6", f"resolved in the end: {row['state']}")
        check(operations(s).count("resolved") + operations(s).count("created-resolved") == 1, f"{operations(s)}")
        check(sum(o.get("why") == "flapped" for o in s.outcome_records()) >= 3, f"{s.outcome_records()}")
        check(b.stop() == 0, "exit code")


def test_refire():
    for refire, count, state in (("new", 2, "1"), ("reopen", 1, "2"), ("note", 1, "6")):
        with scene("life-refire", partitions=1, consumer=f'fold = "series"; refire = "{refire}";') as s:
            s.bridge().ready()
            say(s, alert(1, rule="cpu"))
            say(s, alert(1, rule="cpu", condition="Resolved"))
            resolved = s.sim.rows()[0]["resolved_at"].replace(" ", "T")
            say(s, alert(2, rule="cpu", fired=f"{resolved}.999Z"))
            rows = s.sim.rows()
            check(len(rows) == count, f"{refire}: {len(rows)} records")
            check(state in {r["state"] for r in rows}, f"{refire}: {[r['state'] for r in rows]}")
            check(operations(s)[-1] == {"new": "created", "reopen": "reopened", "note": "noted"}[refire],
                  f"{refire}: {operations(s)}")


RULES = '''fold = "series"; note_every_min = 60; rules: (
    { name = "people"; on_clear = "note"; note_every_min = 0;
      when: ( { field = "severity"; at_least = "Sev1"; } ); },
    { name = "flaps"; continue = true; clear_delay_s = 86400; refire = "reopen";
      when: ( { field = "severity"; equals = "Sev2"; } ); },
    { name = "not so long"; clear_delay_s = 4; when: ( { field = "severity"; equals = "Sev2"; } ); } );'''


def test_rules_say_what_becomes_of_a_record():
    """Two rules of one entry with different ends, delays, refires and notes; the rest as the entry has it."""
    with scene("life-of-rules", partitions=1, consumer=RULES) as s:
        def tell(number, condition="Fired", value=None, fired=None):
            fired = {"fired": fired} if fired else {}
            s.send(alert(number, rule=name, severity=severity, condition=condition, value=value, **fired), key=name)
            s.flush()

        def told(*args, **kw):
            before = len(operations(s))
            tell(*args, **kw)
            s.all_committed()
            return operations(s)[before:]

        def records():
            return [r for r in s.sim.rows() if name in r["short_description"]]

        def notes():
            (row,) = records()
            return len(s.sim.rows("sys_journal_field", f"element_id={row['sys_id']}^element=work_notes"))

        def after(row):
            return row["resolved_at"].replace(" ", "T") + ".999Z"

        b = s.bridge().ready()

        name, severity = "people", "Sev1"
        check(told(1) + told(1, value=11) + told(1, value=12) == ["created", "updated", "updated"], "reports")
        check(notes() == 2, f"a note with each: {notes()}")
        check(told(1, "Resolved") == ["noted"] and s.outcome_records()[-1]["why"] == "note-only", "its end")
        check(records()[0]["state"] == "1", "people close it")

        name, severity = "usual", "Sev3"
        check(told(2) + told(2, value=11) + told(2, value=12) == ["created", "updated", "updated"], "reports")
        check(notes() == 1, f"notes keep their distance: {notes()}")
        check(told(2, "Resolved") == ["resolved"], "its end")
        check(told(3, fired=after(records()[0])) == ["created"] and len(records()) == 2, "another record")

        name, severity = "flaps", "Sev2"
        check(told(4) == ["created"], "a report")
        before = len(operations(s))
        tell(4, "Resolved")
        tell(5, value=11)
        s.all_committed()
        check(operations(s)[before:] == ["nothing", "updated"], f"flapped: {operations(s)[before:]}")
        check(s.outcome_records()[before]["why"] == "flapped", f"{s.outcome_records()[before]}")
        check(records()[0]["state"] == "1", "open all the while")
        check(told(5, "Resolved") == ["resolved"] and records()[0]["state"] == "6", "resolved in the end")
        check(told(6, fired=after(records()[0])) == ["reopened"], "opened again")
        check(len(records()) == 1 and records()[0]["state"] == "2", f"{records()}")
        check(b.stop() == 0 and s.read_all(s.dead) == [], "the end")


def test_expiry():
    """A record without news is resolved; one with news, one that a person works on and one on hold are left alone."""
    hours = 3600
    with scene("life-expire", partitions=1, consumer="expire_h = 2;") as s:
        s.sim.call("POST", "/_sim/clock", {"offset_s": -5 * hours})
        then = int((time.time() - 5 * hours) * 1000)
        b = s.bridge().ready()
        for n in range(4):
            s.send(alert(n), key=guid(n), timestamp=then)
        s.flush()
        s.all_committed()
        check(b.stop() == 0, "exit code")
        rows = by_alert(s.sim.rows())
        s.sim.edit(table="incident", sys_id=rows[guid(2)][0]["sys_id"], user="anna",
                   set={"state": "3", "hold_reason": "3"})
        s.sim.call("POST", "/_sim/clock", {"offset_s": 0})
        s.sim.edit(table="incident", sys_id=rows[guid(3)][0]["sys_id"], user="anna", set={"category": "network"})
        s.send(alert(1, value=4711), key=guid(1))  # news now
        s.flush()
        b = s.bridge("later").ready()
        s.all_committed()
        b.says(r" expired .*table=incident")
        wait_for("it is counted", lambda: b.metric("records_expired_total") == 1)
        rows = {k: v[0] for k, v in by_alert(s.sim.rows()).items()}
        check([rows[guid(n)]["state"] for n in range(4)] == ["6", "1", "3", "1"], f"{[r['state'] for r in rows.values()]}")
        gone = rows[guid(0)]
        check("No news for 2 h" in gone["close_notes"] and gone["close_code"] == "Solution provided", f"{gone}")
        notes = s.sim.rows("sys_journal_field", f"element_id={gone['sys_id']}^element=work_notes")
        check(len(notes) == 1 and "No news for 2 h" in notes[0]["value"], f"{notes}")
        check(b.stop() == 0, "exit code")


def test_rules_say_when_a_record_expires():
    """By what the rules said of its last report, which only the record itself tells after a restart."""
    rules = '''expire_h = 2; rules: (
        { expire_h = 0; when: ( { field = "severity"; at_least = "Sev0"; } ); },
        { expire_h = 100; when: ( { field = "severity"; equals = "Sev1"; } ); },
        { expire_h = 4; when: ( { field = "severity"; equals = "Sev2"; } ); } );'''
    hours = 3600
    with scene("life-expire-rules", partitions=1, consumer=rules) as s:
        s.sim.call("POST", "/_sim/clock", {"offset_s": -5 * hours})
        then = int((time.time() - 5 * hours) * 1000)
        b = s.bridge().ready()
        for n in range(4):
            s.send(alert(n, severity=f"Sev{n}"), key=guid(n), timestamp=then)
        s.flush()
        s.all_committed()
        check(b.stop() == 0, "exit code")
        s.sim.call("POST", "/_sim/clock", {"offset_s": 0})
        b = s.bridge("later").ready()
        wait_for("two are over", lambda: b.metric("records_expired_total") == 2)
        rows = {k: v[0] for k, v in by_alert(s.sim.rows()).items()}
        check([rows[guid(n)]["state"] for n in range(4)] == ["1", "1", "6", "6"], f"{[r['state'] for r in rows.values()]}")
        for n, text in ((2, "No news for 4 h"), (3, "No news for 2 h")):
            check(text in rows[guid(n)]["close_notes"], f"{rows[guid(n)]['close_notes']}")
        for n, text in ((0, "stays open"), (1, "resolved after 100 h"), (2, "resolved after 4 h")):
            check(rows[guid(n)]["description"].splitlines()[-2] == f"Without news: {text}", f"{rows[guid(n)]['description']}")
        check("Without news" not in rows[guid(3)]["description"], "as the entry says")
        check(b.stop() == 0, "exit code")


def test_a_repeat_keeps_a_record_alive():
    """Repeats that say nothing new cost nothing, but for one now and then where records expire."""
    with scene("life-repeat", partitions=1, consumer="expire_h = 4;") as s:
        s.bridge().ready()
        start = int(time.time() * 1000) - 6 * 3600 * 1000
        for quarter in range(24):
            s.send(alert(1), key="one", timestamp=start + quarter * 900 * 1000)
            s.flush()
            s.all_committed()
        words = operations(s)
        check(3 <= words.count("updated") <= 6 and words.count("nothing") >= 17, f"{words}")
        (row,) = s.sim.rows()
        notes = s.sim.rows("sys_journal_field", f"element_id={row['sys_id']}^element=work_notes")
        check(notes == [], f"no note without news: {notes}")


run(test_alert, test_problem, test_a_table_of_ones_own, test_rules_choose_the_table,
    test_without_a_stamp_a_series_is_refused, test_on_clear, test_flapping_with_a_delay, test_refire,
    test_rules_say_what_becomes_of_a_record, test_expiry,
    test_rules_say_when_a_record_expires, test_a_repeat_keeps_a_record_alive)
