"""Deleted rows as tombstones, and work notes and comments as records of their own."""
import threading

from confluent_kafka.admin import ConfigResource
from records import *


def test_deletes_are_tombstones():
    with scene("deletes", consumers=False) as s:
        producers(s, 'table = "incident"; form = "both";', 'table = "change_request";')
        may_read_all(s)
        ids = new_rows(s, 6)
        b = s.bridge().ready()
        b.says("table-caught-up table=incident")
        stop = threading.Event()

        def people():
            """Rows are edited up to the moment in which they are deleted."""
            while not stop.wait(0.01):
                s.sim.edit(table="incident", query="active=true", user="anna", set={"comments": str(time.monotonic())})

        editor = threading.Thread(target=people)
        editor.start()
        try:
            for sys_id in ids[:4]:
                time.sleep(0.5)
                delete(s, sys_id)
        finally:
            stop.set()
            editor.join()
        for topic in (f"{s.prefix}.incident", f"{s.prefix}.incident.itsmc"):
            wait_for("tombstones", lambda t=topic: all(i in last_of(s, t) and last_of(s, t)[i] is None for i in ids[:4]),
                     20, 0.2)
        wait_published(s, ids[5])
        time.sleep(1)  # whatever would come behind a tombstone has come
        for topic in (f"{s.prefix}.incident", f"{s.prefix}.incident.itsmc"):
            last = last_of(s, topic)
            check(all(last[i] is None for i in ids[:4]), "a deleted row came back")
            check(all(last[i] is not None for i in ids[4:]), "the others stay")
        stones = [(k, h) for k, v, h in records(s, f"{s.prefix}.incident") if v is None]
        check(sorted(k for k, _ in stones) == sorted(ids[:4]), f"each delete once: {stones}")
        check(all(h["ce_type"] == "com.servicenow.incident.deleted" and h["itsm_deleted_by"] == "admin"
                  for _, h in stones), f"{stones}")
        # Each delete once, over a restart too.
        check(b.stop() == 0, "exit code")
        b = s.bridge("second").ready()
        delete(s, ids[4])
        wait_for("the next tombstone", lambda: last_of(s, f"{s.prefix}.incident")[ids[4]] is None, 20, 0.2)
        check(sum(v is None for _, v, _ in records(s, f"{s.prefix}.incident")) == 5, "each delete once")


def test_a_row_that_is_made_again_stays():
    """Both lie between two polls, and the entry about the delete is read last."""
    with scene("again", consumers=False) as s:
        producers(s, 'table = "incident";')
        may_read_all(s)
        ids = new_rows(s, 2)
        made = now_text()
        b = s.bridge().ready()
        b.says("table-caught-up")
        s.sim.faults({"name": "late", "match": {"path_prefix": "/api/now/table/sys_audit_delete"}, "action": "status",
                      "status": 503, "body": "{}", "count": 2})
        delete(s, ids[0])
        delete(s, ids[1])
        wait_for("a second that differs from that of the first insert", lambda: now_text() > made, 3)
        s.sim.call("POST", "/_sim/rows", {"table": "incident", "rows": [
            {"sys_id": ids[0], "number": "INC7", "short_description": "again", "sys_mod_count": "0", "state": "1",
             "sys_updated_by": "anna", "sys_updated_on": now_text()}]})
        s.sim.no_faults()
        wait_for("the tombstone of the other", lambda: last_of(s, f"{s.prefix}.incident")[ids[1]] is None, 30, 0.2)

        def again():
            value = last_of(s, f"{s.prefix}.incident")[ids[0]]
            return value is not None and value["record"]["short_description"] == "again"
        wait_for("the row again", again, 20, 0.2)
        time.sleep(1)
        check(again(), "the row that is there again is no tombstone")


def test_deletes_that_cannot_be_read():
    with scene("unread", consumers=False) as s:
        producers(s, 'table = "incident"; journal = true;', 'table = "change_request";')
        ids = new_rows(s, 2)
        delete(s, ids[0])
        edited(s, ids[1], work_notes="a note")
        b = s.bridge().ready()
        b.says("feed-unreadable table=incident feed=deletes .*so deleted rows make no tombstones")
        b.says("feed-unreadable table=incident feed=journal .*so work notes and comments are not published")
        edited(s, ids[1], urgency="1")
        wait_published(s, ids[1])
        check(len(re.findall("feed-unreadable table=incident feed=deletes", b.text())) == 1, "said once")
        check(b.get("/readyz")[0] == 200, "the table goes on")


def test_rows_that_are_gone_are_found():
    with scene("gone", consumers=False) as s:
        producers(s, 'table = "incident"; delete_sweep_s = 1; form = "both";')
        ids = new_rows(s, 300)
        b = s.bridge().ready()
        b.says("feed-unreadable|table-caught-up table=incident rows=300")
        delete(s, ids[0])  # now the entries that cannot be read say so
        b.says("feed-unreadable table=incident feed=deletes", 30)
        s.sim.call("POST", "/_sim/hide", {"table": "incident", "sys_id": ids[7], "user": OWN, "hidden": True})
        gone = {ids[0], ids[3], ids[299]}
        for sys_id in gone - {ids[0]}:
            delete(s, sys_id)
        for topic in (f"{s.prefix}.incident", f"{s.prefix}.incident.itsmc"):
            wait_for("tombstones", lambda t=topic: {k for k, v in last_of(s, t).items() if v is None} == gone, 30, 0.3)
        time.sleep(2)
        stones = [k for k, v, _ in records(s, f"{s.prefix}.incident") if v is None]
        check(sorted(stones) == sorted(gone), f"each once, and not the hidden row: {stones}")
        edited(s, ids[4], urgency="1")
        wait_published(s, ids[4])


def test_journal():
    with scene("journal") as s:
        producers(s, 'table = "incident"; journal = true;')
        may_read_all(s)
        ids = new_rows(s, 3)
        edited(s, ids[0], work_notes="written before the start")
        b = s.bridge().ready()
        b.says("table-caught-up")
        wanted = {(ids[0], "work_notes", "written before the start", "anna", False)}
        for i in range(12):
            element = "comments" if i % 3 == 0 else "work_notes"
            edited(s, ids[i % 3], **{element: f"entry {i}\nsecond line"})
            wanted.add((ids[i % 3], element, f"entry {i}\nsecond line", "anna", False))
        s.send(alert(1), key="1")
        s.send(alert(1, value=7), key="1")
        s.flush()
        s.all_committed()
        topic = f"{s.prefix}.incident.journal"
        entries = wait_for("all entries", lambda: (lambda e: e if len(e) >= len(s.sim.rows("sys_journal_field")) else None)(
            records(s, topic, "workitem-journal")), 20, 0.3)
        got = {(k, v["element"], v["text"], v["sys_created_by"], v["own_change"]) for k, v, _ in entries}
        check(wanted <= got, f"missing: {wanted - got}")
        check(len(entries) == len({v["entry"] for _, v, _ in entries}), "an entry came twice")
        check(len(entries) == len(s.sim.rows("sys_journal_field")), "entries that are not there")
        own = [v for _, v, _ in entries if v["sys_created_by"] == OWN]
        check(all(v["own_change"] is True for v in own), f"{own}")
        for sys_id in ids:
            order = [v["sys_created_on"] for k, v, _ in entries if k == sys_id]
            check(order == sorted(order), "entries of a row are in order")
        policy = s.admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)])
        check([f.result()["cleanup.policy"].value for f in policy.values()] == ["delete"], "not compacted")


run(test_deletes_are_tombstones, test_a_row_that_is_made_again_stays, test_deletes_that_cannot_be_read,
    test_rows_that_are_gone_are_found, test_journal)
