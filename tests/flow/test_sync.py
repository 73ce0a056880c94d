"""The sync engine as a user sees it: live changes beside the history, `resync`, `sync show` and `sync set`, changed
queries. Every version once, apart from those that somebody asked for again, which say so."""
from sync_tables import *


def test_live_does_not_wait():
    with scene("beside", consumers=False, producers=("incident",)) as s:
        producers(s, TABLE.format("history_rate = 300;"))
        seed(s, 8000)
        s.sim.settings(page_ms=50)
        b = s.bridge().ready()
        b.says("table-started")
        wait_for("some history", lambda: b.metric("workitem_history_rows") > 500, 30)
        late = 0
        for n in range(5):
            s.sim.edit(table="incident", sys_id=sys_id(7999 - n), user="anna", set={"comments": "now"})
            begin = time.monotonic()
            wait_for("the change", lambda: (sys_id(7999 - n), 4, False) in published(s), 20, 0.02)
            late = max(late, time.monotonic() - begin)
        check(b.metric("workitem_history_rows") < 8000, "the history was over before the changes were made")
        check(b.metric("workitem_history_total_rows") >= 7990, "the total is known")
        check(late < 3, f"a change took {late:.1f} s beside the history")
        shown = command(s, "sync", "show")
        check(re.search(r"incident/history .* of about (8000|799\d)", shown), shown)
        b.says("table-history-done", 60)
        check(re.search(r"table-progress .*History published up to .* rows of about \d+, \d+ s left", b.text()), b.text())
        check_promise(s)


def test_resync_and_set():
    with scene("resync", consumers=False, producers=("incident",)) as s:
        producers(s, TABLE.format(""))
        seed(s, 1000)
        b = s.bridge().ready()
        b.says("table-caught-up table=incident rows=1000")
        said = command(s, "resync", "incident", "--from", text_time(time.time() - 10 * 86400).replace(" ", "T") + "Z")
        check("carried out" in said, said)
        b.says("table-history-done table=incident .*resync")
        again = [r for r, _, marked in published(s) if marked]
        check(len(again) == len(set(again)), "a resync publishes each row once")
        check(450 < len(again) < 560, f"{len(again)} of 1000 rows changed in the last 10 of 20 days")
        check(len(published(s)) == 1000 + len(again), "the others were not published again")
        check_promise(s)
        check(b.stop() == 0, "exit code")
        said = command(s, "resync", "incident", "--wait", "0")  # nobody is there
        check("next one" in said, said)
        check("asked at" in command(s, "sync", "show"), "the request is shown")
        b = s.bridge("second").ready()
        b.says("table-history-done table=incident rows=1000")
        check(sum(marked for _, _, marked in published(s)) == len(again) + 1000, "all of the scope")
        check_promise(s)
        check(b.stop() == 0, "exit code")

        # A table whose position is lost stops, and goes on as somebody decides.
        for m in s.read_all(s.state):
            if m.key() and m.value():
                s.send(None, key=m.key(), topic=s.state, partition=m.partition())
        s.flush()
        b = s.bridge("third").ready()
        b.says("table-stopped table=incident code=watermark-missing")
        said = command(s, "sync", "set", "incident", "--to", "now")
        check("carried out" in said, said)
        b.says("table-caught-up table=incident rows=0")
        s.sim.edit(table="incident", sys_id=sys_id(3), user="anna", set={"comments": "after"})
        wait_for("a change of after", lambda: (sys_id(3), 4, False) in published(s), 20)
        check_promise(s)
        for line in command(s, "sync", "show", "--json").splitlines():
            json.loads(line)
        check(command(s, "sync", "set", "problem", "--to", "now", code=2) == "", "no table of this bridge")


def test_many_requests():
    """The tombstone of a request is often read back before its transaction is answered: the request is carried out
    once all the same, and the one behind it is not taken for it."""
    with scene("requests", consumers=False, producers=("incident",)) as s:
        producers(s, TABLE.format(""))
        seed(s, 50)
        b = s.bridge().ready()
        b.says("table-caught-up table=incident rows=50")
        for _ in range(4):
            asked = [subprocess.Popen([str(BIN / "itsm-bridge"), *words, "--wait", "0", "-c", str(s.config_file)],
                                      stdout=subprocess.DEVNULL, env={**os.environ, **s.secrets})
                     for words in (("sync", "set", "incident", "--to", "now"), ("resync", "incident")) * 2]
            check([p.wait(60) for p in asked] == [0] * 4, "exit codes")
            wait_for("nothing is left", lambda: "asked at" not in command(s, "sync", "show"), 30, 0.2)
        check(b.process.poll() is None, f"the bridge ended: {b.text()[-500:]}")
        wait_for("all are told of", lambda: b.text().count("control-done table=incident") == 16, 10)
        check(b.stop() == 0, "exit code")


def test_changed_query():
    with scene("changed", consumers=False, producers=("incident",)) as s:
        producers(s, TABLE.format('query = "state=1";'))
        seed(s, 200)
        b = s.bridge().ready()
        b.says("table-caught-up table=incident rows=200")
        check(b.stop() == 0, "exit code")
        producers(s, TABLE.format('query = "state=1^numberISNOTEMPTY"; on_change = "refuse";'))
        b = s.bridge("refuse").ready()
        b.says("table-stopped table=incident code=table-query-changed")
        check(b.stop() == 0, "exit code")
        producers(s, TABLE.format('query = "state=1^numberISNOTEMPTY"; on_change = "repull";'))
        b = s.bridge("repull").ready()
        b.says("table-history-done table=incident rows=200")
        check(sum(marked for _, _, marked in published(s)) == 200, "all were published again, marked")
        check(b.stop() == 0, "exit code")
        b = s.bridge("same").ready()  # once is enough
        b.says("table-caught-up table=incident rows=0")
        check_promise(s)
        check(b.stop() == 0, "exit code")


def test_unknown_columns():
    """The instance drops a condition on a column that it does not know, and the whole table comes."""
    cases = (('query = "active=true^statee=1";', "query-column .*'statee'.*its query"),
             ('query = "active=true^NQcaller_id.nme=x";', "query-column .*'caller_id.nme'"),
             ('fields = ["number", "stte"];', "query-column .*'stte'.*list of fields"),
             ('query = "active=true^ORDERBYnumber";', "code=query .*ORDERBY"),
             ('query = "active";', "code=query .*without an operator"))
    for strict in (False, True):
        with scene("columns", consumers=False, producers=("incident",)) as s:
            s.sim.settings(invalid_query_returns_no_rows=strict)
            seed(s, 20)
            for n, (keys, said) in enumerate(cases):
                producers(s, TABLE.format(keys))
                b = s.bridge(f"wrong-{n}").ready()
                b.says(f"table-stopped table=incident code={said}".replace("code=code", "code"))
                check(published(s) == [], "nothing is published by a wrong query")
                check(b.stop() == 0, "exit code")
            producers(s, TABLE.format('query = "active=true^ORstateISNOTEMPTY^NQcaller_id.name=x"; fields = ["number"];'))
            b = s.bridge("right").ready()
            b.says("table-caught-up table=incident rows=20")
            check_promise(s)


def test_display_and_links():
    user = "5137153cc611227c000bbd1bd8cd2005"
    for keys, number, caller in (
            ('display = "raw";', str, lambda v: v == user),
            ('display = "both";', dict, lambda v: v["value"] == user and "display_value" in v),
            ('display = "display";', str, lambda v: isinstance(v, str)),
            ('reference_links = true;', str, lambda v: v["value"] == user and v["link"].endswith("/sys_user/" + user))):
        with scene("display", consumers=False, producers=("incident",)) as s:
            producers(s, TABLE.format(keys))
            seed(s, 3, caller_id=user)
            s.bridge().ready().says("table-caught-up table=incident rows=3")
            for m in s.read_all(f"{s.prefix}.incident"):
                record = json.loads(m.value())["record"]
                check(isinstance(record["number"], number), f"{keys} {record['number']}")
                check(caller(record["caller_id"]), f"{keys} {record['caller_id']}")
                check(record["sys_id"] == m.key().decode(), f"{keys} {record['sys_id']}")
            check_promise(s)


def test_configuration_is_read_again():
    with scene("again", producers=("incident",)) as s:
        b = s.bridge().ready()
        b.says("table-caught-up")
        command(s, "resync")
        b.says("configuration-asked")


run(test_live_does_not_wait, test_resync_and_set, test_many_requests, test_changed_query, test_unknown_columns,
    test_display_and_links, test_configuration_is_read_again)
