"""The first pull of a table, killed ten times in the middle, beside live changes that are committed late. The full size is
ITSM_TEST_SYNC_ROWS=1000000."""
import threading

from sync_tables import *

ROWS = int(os.environ.get("ITSM_TEST_SYNC_ROWS", "20000"))
KILLS = 10


def test_history_live_and_kills():
    with scene("history", consumers=False, producers=("incident",)) as s:
        producers(s, TABLE.format(""))
        seed(s, ROWS)
        s.sim.settings(page_ms=20, edit_commit_delay_ms=500, commit_delay_random=True)
        stop = threading.Event()
        dice = random.Random(7)

        def people():
            while not stop.wait(0.05):
                n = dice.randrange(ROWS)
                s.sim.edit(table="incident", sys_id=sys_id(n), user="anna", set={"comments": str(time.monotonic())})

        editor = threading.Thread(target=people)
        editor.start()
        try:
            for life in range(KILLS):
                b = s.bridge(f"life-{life}")
                b.says("table-started", 40)
                before = b.metric("workitem_history_rows")
                wait_for("more rows", lambda: b.metric("workitem_history_rows") >= before + ROWS / KILLS / 4 or
                         re.search("table-history-done", b.text()), 60, 0.01)
                b.kill()
            b = s.bridge("last").ready()
            b.says("table-history-done", 120 + ROWS / 1000)
            b.says("table-caught-up", 60)
            time.sleep(1)  # edits go on while the table is polled at its busy speed
        finally:
            stop.set()
            editor.join()
        wait_for("the newest version of every row", lambda: dict((r, c) for r, c, _ in published(s)) ==
                 {r["sys_id"]: int(r["sys_mod_count"]) for r in s.sim.rows()}, 60 + ROWS / 2000, 0.5)
        check(b.stop() == 0, "exit code")
        check_promise(s)
        check(not any(again for _, _, again in published(s)), "a first pull is no repeat")


run(test_history_live_and_kills)
