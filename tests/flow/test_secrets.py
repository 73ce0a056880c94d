"""No secret leaves the process but towards ServiceNow and Kafka (promise 8), at any log level."""
import resource

from harness import *

CLIENT = "cLiEnT-sEcReT-7Q"
PASSWORD = "pAsSwOrD-x9&%+"
BROKER = "bRoKeR-sEcReT-3Z"
CLAIM = "cLaIm-of-a-person-5K"

AUTH = ('grant = "password"; client_id = "itsm-bridge"; client_secret = "file:client"; '
        'username = "itsm.integration"; password = "env:SNOW_PASSWORD"; token_store = "tokens.json";')


def activity_log(number):
    """An activity log alert as Azure sends it, with the claims of the person who caused it."""
    a = sample("test-activity-log.json")
    a["data"]["essentials"]["alertId"] += str(number)
    context = a["data"]["alertContext"]
    context["operationId"] = context["eventDataId"] = guid(number)
    context["claims"] = json.dumps({"name": CLAIM, "http://schemas.xmlsoap.org/identity/claims/upn": CLAIM})
    context["authorization"] = {"action": "x/y", "scope": "/z", "claims": CLAIM}
    return a


def tokens_of(s):
    """The tokens in force: asking again gives the same ones."""
    form = urllib.parse.urlencode({"grant_type": "password", "client_id": "itsm-bridge", "client_secret": CLIENT,
                                   "username": "itsm.integration", "password": PASSWORD}).encode()
    with urllib.request.urlopen(s.sim.url + "/oauth_token.do", form, timeout=10) as answer:
        got = json.loads(answer.read())
    return [got["access_token"], got["refresh_token"]]


def record_text(m, value=True):
    headers = " ".join(f"{k}={v!r}" for k, v in m.headers() or [])
    return f"{m.key()!r} {headers} {m.value()!r}" if value else f"{m.key()!r} {headers}"


def nowhere(secrets, places):
    for secret in secrets:
        forms = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
        for place, text in places.items():
            for form in forms:
                at = text.find(form)
                check(at < 0, f"{place} holds a secret: ...{text[max(0, at - 200):at + 60]}...")


def test_nowhere():
    level = 'log: { level = "debug"; };'
    with scene("secrets", sim={"client_secret": CLIENT, "password": PASSWORD}, auth=AUTH, producers=["incident"],
               extra=level) as s:
        s.secrets = {"SNOW_PASSWORD": PASSWORD, "KAFKA_SECRET": BROKER}
        (s.folder / "client").write_text(CLIENT + "\n")
        text = s.config_file.read_text().replace(
            'properties = [', 'properties = ["sasl.password=env:KAFKA_SECRET", "debug=generic,broker,security,conf", ')
        s.config_file.write_text(text)
        quoting = json.dumps({"error": "server_error", "error_description": f"bad {CLIENT} {PASSWORD}"})
        s.sim.faults({"name": "quotes", "match": {"path_prefix": "/oauth_token.do"}, "action": "status", "status": 401,
                      "body": quoting, "type": "application/json", "count": 1},
                     {"name": "expire", "match": {"path_prefix": "/api", "table": "incident"}, "action": "expire_token",
                      "skip": 12, "count": 1},
                     {"name": "refuses", "match": {"path_prefix": "/api", "method": "POST", "body_contains": guid(2)},
                      "action": "status", "status": 400, "type": "application/json",
                      "body": json.dumps({"error": {"message": "no", "detail": "no"}, "status": "failure"})})
        for n in range(6):
            s.send(activity_log(n), key=str(n))
        bad = activity_log(9)
        del bad["data"]["essentials"]["monitorCondition"]
        s.send(bad, key="9")
        s.send(b'{"schemaId": "azureMonitorCommonAlertSchema", "claims": "' + CLAIM.encode() + b'"', key="10")
        s.flush()
        b = s.bridge().ready(60)
        s.all_committed(60)
        b.says("table-caught-up")
        wait_for("rows in the table's topic", lambda: b.metric("workitems_published_total") >= 5)
        pages = {path: b.get(path)[1] for path in ("/", "/healthz", "/readyz", "/metrics", "/nothing")}
        tokens = tokens_of(s)
        stored = (s.folder / "tokens.json").read_text()
        check(any(t in stored for t in tokens), "the tokens that are looked for are the bridge's own")
        check((s.folder / "tokens.json").stat().st_mode & 0o777 == 0o600, "mode of the token store")
        b.signal(signal.SIGHUP)
        b.says("reload .*read again")
        check(b.stop() == 0, "exit code")
        check(" debug " in b.text() and "sign-in-waiting" in b.text(), "the log is at debug and saw the refusal")
        dead = s.read_all(s.dead)
        check(len(dead) == 3, f"{len(dead)} dead letters")
        printed = {command: subprocess.run([BIN / "itsm-bridge", *command.split(), "-c", s.config_file],
                                           env={**os.environ, **s.secrets}, capture_output=True, text=True)
                   for command in ("config print", "config check")}
        places = {"log": b.text(), **pages,
                  **{f"{k} ({r.returncode})": r.stdout + r.stderr for k, r in printed.items()},
                  "outcomes": "\n".join(map(record_text, s.read_all(s.outcomes))),
                  "work items": "\n".join(map(record_text, s.read_all(f"{s.prefix}.incident"))),
                  "state": "\n".join(map(record_text, s.read_all(s.state)))}
        nowhere([CLIENT, PASSWORD, BROKER, *tokens],
                {**places, "dead letters": "\n".join(map(record_text, dead)), "incidents": json.dumps(s.sim.rows())})
        # A dead letter is the message itself, unchanged; what the bridge adds to it holds nothing of the claims.
        nowhere([CLAIM], {**places, "headers of dead letters": "\n".join(record_text(m, False) for m in dead),
                          "incidents": json.dumps(s.sim.rows())})


def aborted_with_core(process):
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -1
    return os.WCOREDUMP(status)


def test_no_core():
    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)

    with scene("core") as s:
        command = [BIN / "itsm-bridge", "run", "-c", s.config_file]
        plain = subprocess.Popen(["sleep", "60"], preexec_fn=unlimited, cwd=s.folder)
        if not aborted_with_core(plain):
            print("this machine writes no core files: not looked at")
            return
        with open(s.folder / "core.log", "wb") as log:
            bridge = subprocess.Popen(command, preexec_fn=unlimited, cwd=s.folder, stdout=log, stderr=log,
                                      env={**os.environ, **s.secrets})
            wait_for("the start", lambda: b" start " in (s.folder / "core.log").read_bytes())
            check(not aborted_with_core(bridge), "a core file holds tokens and passwords")


run(test_nowhere, test_no_core)
