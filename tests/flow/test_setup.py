"""`itsm-bridge setup`: from an instance that knows nothing of the bridge to a bridge that works, and back."""
import re
import select

from harness import *

ADMIN_PASSWORD = "aDmIn-pAsS-8&%+x"
TABLES = ("sys_user", "oauth_entity", "sys_user_has_role", "sys_properties")
ADMIN = ("--admin-user", "root.admin", "--admin-password", "env:ADMIN_PASSWORD")
WRITES = 7  # of a setup from nothing with client_credentials, at least


@contextlib.contextmanager
def desk(title, auth='grant = "client_credentials";', sim=None, **kw):
    """A scene whose instance has an administrator, and no user or client of the bridge."""
    with scene(title, sim={"user": "somebody.else", **(sim or {})}, auth=auth, **kw) as s:
        s.secrets = {"ADMIN_PASSWORD": ADMIN_PASSWORD}
        s.sim.call("POST", "/_sim/users", {"user_name": "root.admin", "password": ADMIN_PASSWORD, "roles": ["admin"],
                                           "api_key": "aPi-KeY-of-root"})
        s.secret_file = s.folder / "secrets.env"
        s.said = ""
        yield s


def setup(s, *arguments, admin=ADMIN, code=0):
    got = subprocess.run([BIN / "itsm-bridge", "setup", "-c", s.config_file, *admin, *arguments], text=True,
                         env={**os.environ, **s.secrets}, capture_output=True, timeout=120)
    text = got.stdout + got.stderr
    s.said += text
    check(got.returncode == code, f"exit code {got.returncode}, not {code}:\n{text}")
    return text


def records(s):
    """Rows of the tables that setup writes, without the times."""
    return {table: sorted(({k: v for k, v in row.items() if not k.startswith("sys_") or k == "sys_id"}
                           for row in s.sim.rows(table)), key=lambda r: r["sys_id"]) for table in TABLES}


def writes(s):
    return len(s.sim.journal())


def secrets_of(s):
    if not s.secret_file.exists():
        return {}
    check(s.secret_file.stat().st_mode & 0o777 == 0o600, "mode of the file of secrets")
    return dict(line.split("=", 1) for line in s.secret_file.read_text().splitlines() if "=" in line)


def paste(s, text):
    """What setup printed goes into the configuration, as a person would do it."""
    block = re.search(r"^    auth: \{.*?^    \};", text, re.M | re.S).group(0)
    config = re.sub(r"auth: \{.*?\};", lambda _: block.strip(), s.config_file.read_text(), count=1, flags=re.S)
    s.config_file.write_text(config)


def works(s):
    """The bridge runs with what setup made: an incident is opened by the integration user."""
    s.secrets = secrets_of(s)
    b = s.bridge().ready(60)
    s.send(alert(1), key="1")
    s.flush()
    s.all_committed(60)
    check(b.stop() == 0, "exit code of the bridge")
    rows = by_alert(s.sim.rows())
    check(list(rows) == [guid(1)] and len(rows[guid(1)]) == 1, f"incidents: {rows}")
    check(rows[guid(1)][0]["sys_created_by"] == "itsm.integration", "who opened the incident")


def silent(s, *more):
    """No secret was said, and none of the administrator's is anywhere."""
    ours = [v for k, v in secrets_of(s).items() if k != "SNOW_CLIENT_ID"]
    for secret in (ADMIN_PASSWORD, *ours, *more):
        check(secret not in s.said, f"setup says a secret: {s.said}")
    for path in s.folder.iterdir():
        if path.is_file() and path != s.secret_file:
            text = path.read_bytes().decode("utf-8", "replace")
            check(not any(secret in text for secret in (ADMIN_PASSWORD, *ours)), f"{path} holds a secret")
    check(ADMIN_PASSWORD not in s.secret_file.read_text() if s.secret_file.exists() else True, "kept sign-in")


def there_and_back(title, auth, restricted=False):
    with desk(title, auth) as s:
        before = records(s)
        text = setup(s, "--dry-run")
        check("nothing was written" in text, text)
        check(writes(s) == 0 and records(s) == before and not s.secret_file.exists(), "a dry run wrote something")
        text = setup(s)
        user = [u for u in s.sim.rows("sys_user") if u["user_name"] == "itsm.integration"]
        check([(u["time_zone"], u["web_service_access_only"]) for u in user] == [("GMT", "true")], f"user: {user}")
        for client in s.sim.rows("oauth_entity"):
            check(client["refresh_token_lifespan"] == "7776000", f"client: {client}")
        check("signs in and reads" in text and "Not complete" not in text, text)
        made, done = records(s), writes(s)
        paste(s, text)
        check("Nothing to write" in setup(s), "a second run finds nothing to do")
        check(writes(s) == done and records(s) == made, "a second run wrote something")
        silent(s)
        secrets = secrets_of(s)
        s.sim.settings(basic_restricted=restricted)
        works(s)
        s.sim.settings(basic_restricted=False)
        s.secrets = {"ADMIN_PASSWORD": ADMIN_PASSWORD}
        check("nothing was removed" in setup(s, "--undo", "--dry-run"), "a dry run says so")
        check(records(s) == made, "a dry run removed something")
        setup(s, "--undo")
        check(records(s) == before, "undone, the instance is what it was")
        check(not s.secret_file.exists(), "secrets of what is gone are gone")
        for secret in secrets.values():
            check(secret not in s.said or secret == secrets.get("SNOW_CLIENT_ID"), "setup says a secret")


def test_client_credentials():
    there_and_back("setup-cc", 'grant = "client_credentials";')


def test_password():
    there_and_back("setup-pw", 'grant = "password";')


def test_basic():
    """The integration user may use HTTP Basic where an instance refuses it to people."""
    there_and_back("setup-basic", 'grant = "basic";', restricted=True)


def test_each_write_fails():
    """Wherever a run ends, the next one goes on from there: the write is refused, its answer lost, or cut off."""
    faults = ({"action": "status", "status": 403, "type": "application/json",
               "body": json.dumps({"error": {"message": "Operation Failed", "detail": "no"}, "status": "failure"})},
              {"action": "after_commit", "status": 500, "body": "<html>", "type": "text/html"}, {"action": "cut_before"})
    with desk("setup-fails", request_timeout_ms=2000) as s:
        before = records(s)
        for number in range(WRITES * len(faults)):
            fault = faults[number % len(faults)]
            s.sim.no_faults()
            s.sim.faults(*({"name": f"w{m}", "match": {"path_prefix": "/api/now/table/", "method": m},
                            "skip": number // len(faults), "count": 1, **fault} for m in ("POST", "PATCH")))
            text = subprocess.run([BIN / "itsm-bridge", "setup", "-c", s.config_file, *ADMIN], text=True,
                                  env={**os.environ, **s.secrets}, capture_output=True, timeout=120)
            s.said += text.stdout + text.stderr
            if text.returncode != 0:
                check("Run the same command again" in text.stdout and text.stderr, text.stdout + text.stderr)
            s.sim.no_faults()
            for _ in range(2):
                last = setup(s)
            check("Nothing to write" in last, last)
            setup(s, "--undo")
            check(records(s) == before, f"write {number}: undone, the instance is what it was")
        silent(s)


def test_half_made():
    """A person's user and client are completed, a secret that nobody knows is replaced only when asked."""
    with desk("setup-half", 'grant = "password"; client_id = "theirs"; username = "robot";') as s:
        s.sim.call("POST", "/_sim/users", {"user_name": "robot", "password": "forgotten", "roles": [],
                                           "time_zone": "US/Pacific"})
        s.sim.call("POST", "/_sim/rows", {"table": "oauth_entity", "rows": [
            {"sys_id": "f" * 32, "name": "old", "client_id": "theirs", "client_secret": "x", "active": "true",
             "type": "client", "refresh_token_lifespan": "86400", "comments": "of the network team"}]})
        before = records(s)
        text = setup(s, code=1)
        check(text.count("--rotate") >= 2 and "cannot be read back" in text, text)
        check(not secrets_of(s).get("SNOW_CLIENT_SECRET"), "no secret was made unasked")
        text = setup(s, "--rotate")
        client = [c for c in s.sim.rows("oauth_entity") if c["client_id"] == "theirs"][0]
        check(client["refresh_token_lifespan"] == "7776000" and client["comments"] == "of the network team", client)
        first = secrets_of(s)
        setup(s)
        check(secrets_of(s) == first, "a run without --rotate rotates nothing")
        setup(s, "--rotate")
        check(all(secrets_of(s)[k] != first[k] for k in ("SNOW_CLIENT_SECRET", "SNOW_PASSWORD")), "rotated")
        silent(s, *(v for k, v in first.items() if k != "SNOW_CLIENT_ID"))
        text = setup(s, "--undo")
        after = records(s)
        for table in TABLES:  # the secrets themselves cannot be given back
            for row in before[table] + after[table]:
                for column in ("client_secret", "user_password", "password_needs_reset"):
                    row.pop(column, None)
        check(after == before, f"undone: {after} {before}")
        check("made it" in text, text)


def test_roles_missing():
    """Only the missing role is added; one that the instance has not is said."""
    with desk("setup-roles") as s:
        setup(s)
        row = s.sim.rows("sys_user_role", "name=itil")[0]["sys_id"]
        s.sim.call("DELETE", "/_sim/rows?" + urllib.parse.urlencode({"table": "sys_user_has_role",
                                                                     "query": "role=" + row}))
        done = writes(s)
        text = setup(s)
        check(writes(s) == done + 1 and "role itil" in text, text)
        setup(s, "--undo")
        s.sim.call("DELETE", "/_sim/rows?" + urllib.parse.urlencode({"table": "sys_user_role", "query": "name=itil"}))
        text = setup(s, code=1)
        check("Not complete" in text and "role itil" in text, text)


def test_other_sys_ids():
    """An instance that keeps no chosen sys_id: made all the same; what cannot be told apart is not removed."""
    with desk("setup-ids", 'grant = "password";', sim={"no_honour_sys_id": ""}) as s:
        setup(s)
        check("Nothing to write" in setup(s), "a second run finds nothing to do")
        made = records(s)
        text = setup(s, "--undo")
        check(records(s) == made and "keeps no chosen sys_ids" in text, text)


def test_administrators():
    """Token, key and password; refused ones are tried once; a plain one on the line is refused and not repeated."""
    with desk("setup-admin") as s:
        def form(**fields):
            data = urllib.parse.urlencode({"client_id": "itsm-bridge", "client_secret": "secret", **fields}).encode()
            with urllib.request.urlopen(s.sim.url + "/oauth_token.do", data, timeout=10) as answer:
                return json.loads(answer.read())["access_token"]

        token = form(grant_type="password", username="root.admin", password=ADMIN_PASSWORD)
        s.secrets.update(TOKEN=token, KEY="aPi-KeY-of-root", WRONG="wRoNg-PaSs")
        (s.folder / "unused").touch()
        setup(s, admin=("--admin-token", "env:TOKEN"))
        check("Nothing to write" in setup(s, admin=("--admin-api-key", "env:KEY")), "by key")
        wrong = ("--admin-user", "root.admin", "--admin-password", "env:WRONG")
        before = s.sim.stats()
        text = setup(s, admin=wrong, code=1)
        check("refused" in text and "--admin-token" in text, text)
        check(s.sim.stats()["status"].get("401", 0) == before["status"].get("401", 0) + 1, "a wrong password goes once")
        text = setup(s, admin=("--admin-user", "root.admin", "--admin-password", ADMIN_PASSWORD), code=2)
        check("file:PATH or env:NAME" in text, text)
        setup(s, admin=(), code=2)
        setup(s, "--user", "root.admin", code=2)
        s.sim.call("POST", "/_sim/users", {"user_name": "clerk", "password": "clerk", "roles": ["itil"]})
        s.secrets["CLERK"] = "clerk"
        setup(s, "--undo")
        text = setup(s, admin=("--admin-user", "clerk", "--admin-password", "env:CLERK"), code=1)
        check("Run the same command again" in text and "needs the role admin" in text, text)
        s.sim.stop()
        setup(s, code=75)
        silent(s, token, "aPi-KeY-of-root", "wRoNg-PaSs")


def read_until(terminal, end, seconds=60):
    """What a terminal says, to `end` or (None) to the end of all."""
    said, deadline = b"", time.monotonic() + seconds
    while end is None or end not in said:
        check(select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], f"no more came: {said}")
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # so a terminal ends
            piece = b""
        if not piece:
            break
        said += piece
    return said


def test_terminal():
    """The password is asked for at the terminal, without echo."""
    with desk("setup-tty") as s:
        pid, terminal = fork_terminal()
        if pid == 0:
            os.execve(BIN / "itsm-bridge", ["itsm-bridge", "setup", "-c", str(s.config_file), "--admin-user",
                                            "root.admin", "--dry-run"], {**os.environ})
        try:
            said = read_until(terminal, b"password: ")
            os.write(terminal, ADMIN_PASSWORD.encode() + b"\n")
            said += read_until(terminal, None)
        except AssertionError:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        check(code == 0, said.decode())
        check(b"Dry run" in said and ADMIN_PASSWORD.encode() not in said, said.decode())


def test_by_hand():
    """The text for an administrator names every value, needs no network and holds no secret."""
    with desk("setup-print") as s:
        s.sim.stop()
        text = setup(s, "--print", admin=())
        for wanted in ("User Administration > Users", "itsm.integration", "GMT", "Web service access only", "itil",
                       "System OAuth > Application Registry", "7776000", "OAuth Application User",
                       "glide.oauth.inbound.client.credential.grant_type.enabled", "Client Secret"):
            check(wanted in text, f"{wanted} is missing:\n{text}")
        check(not s.secret_file.exists(), "no secret was made")
        rule = setup(s, "--before-update-rule", "--user", "robot", admin=())
        source = (SOURCE / "bridge" / "before-update-rule.js").read_text()
        check(rule == source.replace("itsm.integration", "robot", 1), rule)


run(test_client_credentials, test_password, test_basic, test_each_write_fails, test_half_made, test_roles_missing,
    test_other_sys_ids, test_administrators, test_terminal, test_by_hand)
