"""What the tests of the sync engine share: a table with a past, and promise 4 checked row by row."""
from harness import *

def sys_id(n):
    return f"{n:032x}"


def text_time(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def seed(s, count, first=0, days=20, **more):
    """Rows whose last change lies in the past, the oldest first, the newest an hour ago."""
    begin, end = time.time() - days * 86400, time.time() - 3600
    for low in range(0, count, 4000):
        rows = [{"sys_id": sys_id(first + n), "number": f"INC{first + n:07}", "state": "1", "sys_mod_count": "3",
                 "sys_updated_on": text_time(begin + (end - begin) * n / count),
                 "short_description": f"row {n}", **more} for n in range(low, min(low + 4000, count))]
        s.sim.call("POST", "/_sim/rows", {"table": "incident", "rows": rows})


def producers(s, text):
    old = s.config_file.read_text()
    s.config_file.write_text(re.sub(r"producers: \( .*? \);", lambda m: f"producers: ( {text} );", old))


TABLE = '{{ table = "incident"; page_size = 500; poll_busy_ms = 200; poll_idle_ms = 500; reread_ms = 1000; {} }}'


def command(s, *words, code=0):
    p = subprocess.run([str(BIN / "itsm-bridge"), *words, "-c", str(s.config_file)], capture_output=True, text=True,
                       timeout=120, env={**os.environ, **s.secrets})
    check(p.returncode == code, f"{words}: {p.returncode}\n{p.stdout}\n{p.stderr}")
    return p.stdout


def published(s):
    """(sys_id, mod count, was asked for again) of all records, in the order of each partition."""
    return [(m.key().decode(), int(json.loads(m.value())["sys_mod_count"]),
             any(name == "itsm_resync" for name, _ in m.headers() or []))
            for m in s.read_all(f"{s.prefix}.incident", seconds=300) if m.value()]


def check_promise(s):
    """Row by row: unmarked versions once and rising, the newest of each row at the end of its partition."""
    newest, last, seen = {}, {}, set()
    for row, count, again in published(s):
        last[row] = count
        if again:
            continue
        check((row, count) not in seen, f"version {count} of {row} was published twice")
        check(count > newest.get(row, -1), f"version {count} of {row} came after {newest.get(row)}")
        seen.add((row, count))
        newest[row] = count
    wanted = {r["sys_id"]: int(r["sys_mod_count"]) for r in s.sim.rows()}
    wrong = {k: (v, last.get(k)) for k, v in wanted.items() if last.get(k) != v}
    check(not wrong, f"{len(wrong)} rows without their newest version, as {list(wrong.items())[:3]}")
    check(set(last) <= set(wanted), "rows that the table does not have")


__all__ = [name for name in dir() if not name.startswith("_")]
