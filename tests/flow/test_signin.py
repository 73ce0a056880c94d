"""login, login --rotate and logout beside a running bridge: it takes new tokens over without a restart, loses nothing,
and no secret is shown on the way."""
import select
import stat

from harness import *

PASSWORD = "pAsS-w0rd-Q"  # of the simulator's user
ALONE = ('grant = "refresh_token"; client_id = "itsm-bridge"; client_secret = "env:SNOW_SECRET"; '
         'username = "itsm.integration"; token_store = "token.json";')
USER = {"password": PASSWORD}


def command(s, *arguments, password=PASSWORD, code=0):
    """Runs a command without a terminal; its output, which holds no secret."""
    done = subprocess.run([str(BIN / "itsm-bridge"), *arguments, "-c", str(s.config_file)], text=True, timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True, env={**os.environ, **s.secrets, "GIVEN": password})
    check(done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stdout}")
    for secret in [password, *(v for k, v in stored(s).items() if k.endswith("_token"))]:
        check(secret not in done.stdout, f"{arguments} shows a secret: {done.stdout}")
    return done.stdout


def login(s, *more, **kw):
    return command(s, "login", "-p", "env:GIVEN", *more, **kw)


def stored(s):
    path = s.folder / "token.json"
    return json.loads(path.read_text()) if path.exists() else {}


def alive(s, token):
    request = urllib.request.Request(s.sim.url + "/api/now/table/incident?sysparm_limit=1",
                                     headers={"Authorization": "Bearer " + token})
    try:
        return urllib.request.urlopen(request, timeout=10).status == 200
    except urllib.error.HTTPError as e:
        check(e.code == 401, f"status {e.code}")
        return False


def opened(s, *numbers):
    for n in numbers:
        s.send(alert(n), key=guid(n))
    s.flush()
    wait_for(f"incidents {numbers}", lambda: all(guid(n) in by_alert(s.sim.rows()) for n in numbers), 60)


def once(s, count):
    s.all_committed(60)
    rows = by_alert(s.sim.rows())
    check(len(rows) == count and all(len(v) == 1 for v in rows.values()), f"{ {k: len(v) for k, v in rows.items()} }")
    check(s.read_all(s.dead) == [], "dead letters")


def test_login_rotate_logout():
    with scene("signin", sim=USER, auth=ALONE, producers=["incident"]) as s:
        login(s)
        first = stored(s)
        check(stat.S_IMODE((s.folder / "token.json").stat().st_mode) == 0o600, "mode of the store")
        check(PASSWORD not in (s.folder / "token.json").read_text(), "password was stored")
        b = s.bridge().ready()
        opened(s, 1)
        check("The old tokens are revoked" in login(s, "--rotate"), "rotated")
        second = stored(s)
        check(first["refresh_token"] != second["refresh_token"], "another refresh token")
        check(not alive(s, first["access_token"]) and alive(s, second["access_token"]), "old is dead, new is alive")
        opened(s, 2)
        check(alive(s, second["access_token"]), "the bridge has not asked for a token of its own")
        check("revoked" in command(s, "logout"), "logged out")
        check(not stored(s) and not alive(s, second["access_token"]), "nothing is left, here or there")
        s.send(alert(3), key=guid(3))
        s.flush()
        b.says("sign-in-broken.*itsm-bridge login", 60)
        check(b.get("/healthz")[0] == 200 and b.get("/readyz")[0] == 503, "alive, not ready, and says why")
        check(guid(3) not in by_alert(s.sim.rows()), "nothing is sent without a sign-in")
        login(s)
        opened(s, 3)
        check(b.process.poll() is None and b.text().count("itsm-bridge starts") == 1, "no restart")
        once(s, 3)
        check(b.metric("oauth_refresh_token_life_seconds") > 99 * 86400, "the life of the refresh token is shown")
        check(b.stop() == 0, "stops as asked")


def test_two_bridges_share_a_rotation():
    with scene("share", sim=USER, auth=ALONE, partitions=4) as s:
        login(s)
        bridges = [s.bridge("one").ready(), s.bridge("two").ready()]
        for turn in range(3):
            login(s, "--rotate")
            opened(s, *range(turn * 20, turn * 20 + 20))
        once(s, 60)
        for b in bridges:
            check("sign-in-broken" not in b.text(), f"{b.name} took the new tokens over")


def test_refused_password():
    with scene("refused", sim=USER, auth=ALONE) as s:
        said = login(s, password="wrong-word", code=1)
        check("refused the sign-in" in said and "Check username, password" in said, f"cause and cure: {said}")
        s.sim.faults({"name": "asked", "match": {"path_prefix": "/oauth_token.do"}, "action": "status", "status": 500})
        check("Not sent" in login(s, password="wrong-word", code=75), "not sent again")
        s.sim.no_faults()
        login(s)
        before = stored(s)
        check("nothing was revoked" in login(s, "--rotate", password="wrong-word", code=1), "rotate needs a sign-in first")
        check(alive(s, before["access_token"]), "the old token lives")
        check(stored(s)["refresh_token"] == before["refresh_token"], "and is kept")


def test_instance_away():
    with scene("away", sim=USER, auth=ALONE) as s:
        login(s)
        before = stored(s)
        s.sim.faults({"name": "down", "match": {"path_prefix": "/"}, "action": "status", "status": 503, "body": "<html>down"})
        login(s, code=75)
        login(s, "--rotate", code=75)
        command(s, "logout", code=75)
        check(stored(s) == before, "nothing was lost")
        check("live on" in command(s, "logout", "--force", code=0), "removed here only")
        check(not stored(s), "removed")
        s.sim.no_faults()
        check(alive(s, before["access_token"]), "and alive there, as was said")


def test_assertion():
    """Grant jwt_bearer from end to end, and a key that changes under the running bridge."""
    auth = ('grant = "jwt_bearer"; client_id = "itsm-bridge"; client_secret = "env:SNOW_SECRET"; '
            'username = "itsm.integration"; jwt_key = "bridge.key"; token_store = "token.json";')
    with scene("jwt", sim=USER, auth=auth) as s:
        def key(name):
            file = s.folder / name
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                            "-out", f"{file}.new"], check=True)
            subprocess.run(["openssl", "pkey", "-in", f"{file}.new", "-pubout", "-out", f"{file}.pub"], check=True)
            os.rename(f"{file}.new", file)
            return f"{file}.pub"
        s.sim.settings(jwt_key=key("bridge.key"))
        b = s.bridge().ready()
        opened(s, 1)
        s.sim.settings(jwt_key=key("other.key"))  # the instance has another certificate now
        s.sim.call("POST", "/_sim/revoke", {})
        s.send(alert(2), key=guid(2))
        s.flush()
        b.says("sign-in-broken.*JWT verifier map", 60)
        os.rename(s.folder / "other.key", s.folder / "bridge.key")
        b.says("secret-changed", 20)
        opened(s, 2)
        once(s, 2)
        check("as itsm.integration" in command(s, "login"), "login by assertion")


def test_sync_yields_to_alerts():
    """An hourly rule: what is left at the end of the budget is for alerts."""
    noon = 43200 - int(time.time()) % 86400  # far from the reset, at midnight
    with scene("yield", sim={**USER, "rate_limit": 120, "rate_window_s": 86400, "clock_offset_s": noon},
               producers=["incident"]) as s:
        s.secrets["SNOW_PASSWORD"] = PASSWORD
        b = s.bridge().ready()
        opened(s, 1)
        check(b.metric("servicenow_rate_limit") == 120, "the rule is seen")
        wait_for("sync has used its part", lambda: b.metric("servicenow_rate_left") <= 30, 90)
        opened(s, *range(2, 7))
        left = b.metric("servicenow_rate_left")
        check(0 < left < 30 and "servicenow-closed" not in b.text(), f"{left} left: alerts got theirs, without a 429")
        once(s, 6)


def test_usage():
    with scene("usage", sim=USER, auth=ALONE) as s:
        check("no terminal" in command(s, "login", code=2), "no terminal to ask at")
        check("command line" in command(s, "login", "-p", "secret-word", code=2), "no password as an argument")
        check("command line" in command(s, "login", "secret-word", code=2), "nor as another one")
        check("nothing to end" in command(s, "logout"), "logged out already")
        for name in ("login", "logout"):
            check("Exit codes" in command(s, name, "--help"), "--help")
        s.config_file.write_text(s.config_file.read_text().replace("token.json", ""))
        check("refresh_token" in command(s, "login", code=2), "no place for tokens")


def test_password_at_the_terminal():
    """Asked for on the terminal, not echoed, and the terminal echoes again afterwards."""
    with scene("terminal", sim=USER, auth=ALONE) as s:
        for typed, code in ((b"\x03", 1), (PASSWORD.encode() + b"\n", 0)):
            child, terminal = fork_terminal()
            if child == 0:
                os.environ.update(s.secrets)
                os.execv(BIN / "itsm-bridge", ["itsm-bridge", "login", "-c", str(s.config_file)])
            shown, sent = b"", False
            while True:
                ready, _, _ = select.select([terminal], [], [], 30)
                check(ready, f"the command waits: {shown}")
                try:
                    text = os.read(terminal, 4096)
                except OSError:
                    break  # it has ended
                if not text:
                    break
                shown += text
                if not sent and shown.endswith(b": "):
                    os.write(terminal, typed)
                    sent = True
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.close(terminal)
            check(ended == code, f"ended with {ended}: {shown}")
            check(shown.startswith(b"Password of itsm.integration at 127.0.0.1"), f"asked: {shown}")
            check(PASSWORD.encode() not in shown, f"echoed: {shown}")
        check("refresh_token" in stored(s), "signed in")


run(test_login_rotate_logout, test_two_bridges_share_a_rotation, test_refused_password, test_instance_away, test_assertion,
    test_sync_yields_to_alerts, test_usage,
    test_password_at_the_terminal)
