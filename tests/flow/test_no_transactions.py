"""Work items on a cluster without transactions (Event Hubs, Standard): at least once, and said; never in silence."""
from harness import *
from plain_proxy import PlainProxy

ROWS = 300


@contextlib.contextmanager
def behind_proxy(title, mode):
    proxy = PlainProxy(BOOTSTRAP)
    try:
        with scene(title, consumers=False, producers=["incident"], topics=f'exactly_once = "{mode}";',
                   extra='log: { level = "debug"; };') as s:
            text = s.config_file.read_text()
            s.config_file.write_text(text.replace(f'"{BOOTSTRAP}"', f'"127.0.0.1:{proxy.port}"'))
            s.sim.call("POST", "/_sim/rows", {"table": "incident", "rows": [
                {"sys_id": f"{n:032x}", "short_description": f"row {n}", "state": "1", "sys_mod_count": "0",
                 "sys_updated_on": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())} for n in range(ROWS)]})
            yield s, proxy
    finally:
        proxy.close()


def newest(s):
    return {m.key().decode(): json.loads(m.value())["sys_mod_count"] for m in s.read_all(f"{s.prefix}.incident")}


def test_auto_goes_on_at_least_once():
    with behind_proxy("plain", "auto") as (s, proxy):
        b = s.bridge()
        b.says("no-transactions .*coordinator for transactions: INVALID_REQUEST.*at least once", 20)
        b.says("table-caught-up table=incident rows=300")
        check(proxy.asked > 0, "it was asked for transactions")
        check("facility=TXNCOORD" not in b.text(), "debug lines of librdkafka that nobody asked for")
        b.kill()
        s.sim.edit(table="incident", sys_id=f"{7:032x}", user="anna", set={"short_description": "changed"})
        b = s.bridge("again")
        b.says("table-caught-up", 40)
        wait_for("the change", lambda: newest(s).get(f"{7:032x}") == "1", 20, 0.3)
        check(newest(s) == {r["sys_id"]: r["sys_mod_count"] for r in s.sim.rows()}, "the newest of every row")
        check(b.stop() == 0, "exit code")


def test_required_refuses():
    with behind_proxy("required", "required") as (s, _):
        b = s.bridge()
        b.says('table-stopped table=incident code=no-transactions .*INVALID_REQUEST.*"required"', 20)
        check(s.read_all(f"{s.prefix}.incident") == [], "nothing is published")


def test_off_does_not_ask():
    with behind_proxy("off", "off") as (s, proxy):
        b = s.bridge()
        b.says("table-caught-up table=incident rows=300")
        check(proxy.asked == 0, "asked for transactions")


run(test_auto_goes_on_at_least_once, test_required_refuses, test_off_does_not_ask)
