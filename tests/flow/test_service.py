"""The process as a service manager sees it: signals, how long an end takes, readiness, watchdog."""
import socket
import threading

from harness import *

BROKER = os.environ.get("ITSM_TEST_KAFKA_DIR")


def broker(command):
    subprocess.run([SOURCE / "tests" / "kafka" / "kafka", command, BROKER], check=True, timeout=90)


@contextlib.contextmanager
def paused_broker():
    broker("pause")
    try:
        yield
    finally:
        broker("resume")
        broker("wait")


def limits(s, text):
    s.config_file.write_text(s.config_file.read_text().replace("limits: {", "limits: { " + text))


def ends_within(b, seconds, code=0):
    begin = time.monotonic()
    b.signal(signal.SIGTERM)
    check(b.process.wait(seconds + 10) == code, f"exit code {b.process.returncode}, not {code}")
    took = time.monotonic() - begin
    check(took <= seconds, f"the end took {took:.1f} s, not {seconds} s")


def complaints(b):
    return re.findall(r"^\S+ (?:warn|error) .*$", b.text(), re.M)


def test_stop_after_work_and_an_idle_time():
    with scene("stop") as s:
        for n in range(20):
            s.send(alert(n), key=guid(n))
        s.flush()
        b = s.bridge().ready()
        s.all_committed()
        time.sleep(8)  # longer than the session: a loop with nothing to do is none that stood still
        ends_within(b, 2)
        check(" stopped " in b.text(), "the last line")
        check(complaints(b) == [], f"complaints: {complaints(b)}")


def test_stop_while_alerts_are_under_way():
    with scene("busy", sim={"insert_ms": 300}) as s:
        for n in range(200):
            s.send(alert(n), key=guid(n))
        s.flush()
        b = s.bridge()
        wait_for("first incidents", lambda: len(s.sim.rows()) > 3)
        ends_within(b, 2)
        check(len(s.sim.rows()) < 200, "it was stopped in the middle")
        again = s.bridge("again").ready()
        s.all_committed(60)
        rows = by_alert(s.sim.rows())
        check(len(rows) == 200 and all(len(v) == 1 for v in rows.values()), "one incident each")
        ends_within(again, 2)


def test_paused_broker_and_second_signal():
    if not BROKER:
        print("no broker of the test run's own (ITSM_TEST_KAFKA_DIR): not paused")
        return
    for code, bound in ((0, 5), (1, 60)):
        with scene("paused", producers=["incident"]) as s:
            limits(s, f"shutdown_s = {bound};")
            s.send(alert(1), key="1")
            s.flush()
            b = s.bridge().ready()
            s.all_committed()
            with paused_broker():
                s.sim.edit(table="incident", query="", set={"short_description": "news"})
                wait_for("the new version is asked for", lambda: b.metric("servicenow_requests_total") > 5)
                if code == 0:
                    ends_within(b, 6)
                else:
                    b.signal(signal.SIGTERM)
                    b.says(" stopping ")
                    ends_within(b, 1, code)
                    b.log.flush()
                    check("killed" in b.text(), "the second signal is said")


def test_stop_before_there_is_a_broker():
    with scene("nobroker", consumers=True, producers=["incident"]) as s:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, and never listens
            port = taken.getsockname()[1]
            s.config_file.write_text(s.config_file.read_text().replace(BOOTSTRAP, f"127.0.0.1:{port}"))
            b = s.bridge()
            b.says("status port")
            b.says("kafka-down .*refused")
            check(b.get("/readyz")[0] == 503, "not ready")
            ends_within(b, 2)


def test_sighup_takes_over_a_secret():
    auth = ('grant = "password"; client_id = "itsm-bridge"; client_secret = "file:secret"; '
            'username = "itsm.integration"; password = "env:SNOW_PASSWORD";')
    with scene("hup", auth=auth) as s:
        secret = s.folder / "secret"
        secret.write_text("wrong-for-now\n")
        s.send(alert(1), key="1")
        s.flush()
        b = s.bridge()
        b.says("sign-in-broken")
        check(b.get("/readyz")[0] == 503, "not ready without sign-in")
        attempts = s.sim.stats()["token"]["requests"]
        check(attempts <= 2, f"{attempts} attempts to sign in: more would lock the user out")
        secret.write_text("secret\n")
        b.signal(signal.SIGHUP)
        b.says("reload .*read again")
        s.all_committed(20)
        check(len(s.sim.rows()) == 1, "the alert came through")
        secret.unlink()
        b.signal(signal.SIGHUP)
        b.says("not taken over")
        s.send(alert(2), key="2")
        s.flush()
        wait_for("the old secret stays in force", lambda: len(s.sim.rows()) == 2)


def test_service_manager():
    with scene("notify") as s, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = str(s.folder / "notify")
        manager.bind(path)
        manager.settimeout(10)
        got, lock = [], threading.Lock()

        def listen():
            with contextlib.suppress(OSError):
                while True:
                    message = manager.recv(4096).decode()
                    with lock:
                        got.append((time.monotonic(), message))

        threading.Thread(target=listen, daemon=True).start()
        s.sim.faults({"name": "down", "match": {}, "action": "status", "status": 503, "body": "down"})
        b = s.bridge(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
        if b"libsystemd" not in subprocess.run(["ldd", BIN / "itsm-bridge"], capture_output=True).stdout:
            print("built without libsystemd: no messages to a service manager")
            return
        wait_for("up, though the instance is down", lambda: any(m == "READY=1" for _, m in got))
        wait_for("a status with the reason", lambda: any(m.startswith("STATUS=") and "503" in m for _, m in got))
        s.sim.no_faults()
        wait_for("the status line", lambda: any(m == "STATUS=Alerts and work items flow" for _, m in got), 60)
        wait_for("pings", lambda: sum(m == "WATCHDOG=1" for _, m in got) >= 6)
        pings = [t for t, m in got if m == "WATCHDOG=1"]
        gaps = [b - a for a, b in zip(pings, pings[1:])]
        check(max(gaps) < 0.9, f"gaps between pings: {gaps}")
        check(min(gaps) > 0.3, f"more pings than half the interval asks for: {gaps}")
        ends_within(b, 2)
        wait_for("the end is told", lambda: any(m.startswith("STOPPING=1\nEXTEND_TIMEOUT_USEC=12000000") for _, m in got))


run(test_stop_after_work_and_an_idle_time, test_stop_while_alerts_are_under_way, test_paused_broker_and_second_signal,
    test_stop_before_there_is_a_broker, test_sighup_takes_over_a_secret, test_service_manager)
