"""`itsm-bridge status` and the page behind it, of a running bridge."""
import json
import subprocess

from harness import BIN, alert, check, guid, run, scene, wait_for


def status(b, *options):
    return subprocess.run([str(BIN / "itsm-bridge"), "status", "--listen", f"127.0.0.1:{b.port()}", *options],
                          capture_output=True, text=True, timeout=60)


def test_what_it_does():
    with scene("status", producers=("incident",)) as s:
        b = s.bridge().ready()
        s.send(alert(1), key=guid(1))
        s.flush()
        s.all_committed()
        wait_for("the incident is published", lambda: s.read_all(f"{s.prefix}.incident"), 30, 0.5)
        shown = status(b)
        check(shown.returncode == 0, f"exit {shown.returncode}: {shown.stderr}")
        for words in ("connection test to ", "\n          ready\n", "Sign-in   ready\n", "refresh token for ",
                      "Requests  open, ", "Alerts    0 waiting", f"Table     incident to {s.prefix}.incident: "):
            check(words in shown.stdout, f"{words!r} is missing in:\n{shown.stdout}")
        page = json.loads(status(b, "--json").stdout)
        check(page["ready"] is True and page["sign_in"]["state"] == "ready", "ready")
        check(80 * 86400 < page["sign_in"]["refresh_token"]["left_s"] <= 100 * 86400, "the life of the refresh token")
        check(page["tables"][0]["table"] == "incident" and page["tables"][0]["published"] >= 1, "the table")
        check("secret" not in json.dumps(page).lower(), "no secret")


def test_not_ready():
    with scene("status-away") as s:
        s.sim.faults({"name": "down", "match": {"path_prefix": "/api"}, "action": "status", "status": 503, "body": "down"})
        b = s.bridge()
        wait_for("it is told", lambda: status(b).returncode == 75, 30, 0.5)
        shown = status(b)
        check("not ready: " in shown.stdout, shown.stdout)
        b.stop()
        gone = status(b)
        check(gone.returncode == 1 and "does not answer" in gone.stderr, gone.stderr)


run(test_what_it_does, test_not_ready)
