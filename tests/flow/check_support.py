"""Runs itsm-bridge check and compares its lines with those of a healthy connection."""
from harness import *

USER = "itsm.integration"
DONE, CREATED, NOT, SKIPPED = "Completed", "Completed (will be created)", "Not complete", "Skipped"
EXIT = {True: 0, False: 1}


@contextlib.contextmanager
def connection(title, producers=("incident",), bootstrap=None, **kw):
    with scene(title, producers=producers, bootstrap=bootstrap, **kw) as s:
        s.sim.call("POST", "/_sim/users", {"user_name": USER, "time_zone": "GMT", "web_service_access_only": "true"})
        s.sim.call("POST", "/_sim/rows", {"table": "incident", "rows": [
            {"sys_id": f"{7:032x}", "short_description": "a row", "state": "1", "sys_mod_count": "0",
             "sys_updated_on": "2026-11-01 10:00:00"}]})
        yield s


def raw(s, *options, env=None):
    started = time.monotonic()
    done = subprocess.run([str(BIN / "itsm-bridge"), "check", "-c", str(s.config_file), *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                          env={**os.environ, **s.secrets, **(env or {})})
    done.seconds = time.monotonic() - started
    for secret in s.secrets.values():
        check(f'"{secret}"' not in done.stdout + done.stderr and secret not in done.stderr, "a secret in the output")
    return done


class Result:
    def __init__(self, done):
        self.code, self.seconds, self.all = done.returncode, done.seconds, json.loads(done.stdout)
        self.lines = {(line["check"] + " " + line["subject"]).strip(): line for line in self.all["lines"]}
        check(len(self.lines) == len(self.all["lines"]), "no two lines of one name")
        bad = [line for line in self.all["lines"] if line["state"] == NOT]
        check(self.all["not_complete"] == len(bad) and self.all["complete"] == (not bad), "counts")
        check(self.code == EXIT[not bad], f"exit code {self.code} with {len(bad)} lines not complete")
        for line in bad:
            check(line["cure"] != "" or line["check"] == "configuration", f"no cure: {line}")
        for line in self.all["lines"]:
            check(line["state"] in (DONE, CREATED, NOT, SKIPPED) and line["seen"] != "", f"{line}")

    def states(self):
        return {name: line["state"] for name, line in self.lines.items()}


def ask(s, *options, **kw):
    return Result(raw(s, "--json", *options, **kw))


def differ(before, after):
    a, b = before.states(), after.states()
    return {name: b.get(name) for name in a.keys() | b.keys() if a.get(name) != b.get(name)}


def expect(before, after, changed, *said):
    """Exactly these lines differ from those of the healthy connection, and these words are in them or in notes."""
    got = differ(before, after)
    check(got == changed, f"changed lines: {got}, expected {changed}")
    text = " ".join(line["seen"] + " " + line["cure"] for name, line in after.lines.items()) + " ".join(after.all["notes"])
    for words in said:
        check(words in text, f"'{words}' is not in: {text}")


def edit_config(s, *changes):
    text = s.config_file.read_text()
    for old, new in changes:
        check(old in text, old)
        text = text.replace(old, new)
    s.config_file.write_text(text)


__all__ = [name for name in dir() if not name.startswith("_")]
