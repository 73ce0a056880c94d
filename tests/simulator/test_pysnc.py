"""Drives the simulator by PySNC, the vendor's own client, as its documentation shows.

PySNC is taken from the virtual environment named by ITSM_TEST_VENV (packages pysnc and
requests-oauthlib). Without that variable the test is skipped (exit code 77), unless CI=true: then it
fails. PySNC talks TLS only, so a small TLS relay with a certificate made here stands in front.

Usage: test_pysnc.py PROGRAM
"""
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import traceback

from sim_client import Sim

ID = "0123456789abcdef0123456789abcdef"


class Relay:
    """TLS on a free port of 127.0.0.1, plain text to the simulator."""

    def __init__(self, port, certificate, key):
        self.target = port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as outer, \
                    socket.create_connection(("127.0.0.1", self.target)) as inner:
                back = threading.Thread(target=self.copy, args=(inner, outer), daemon=True)
                back.start()
                self.copy(outer, inner)
                back.join()
        except OSError:
            pass

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def make_certificate(folder):
    key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    return certificate, key


def eq(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def insert_get_update_delete(client, sim):
    gr = client.GlideRecord("problem")
    gr.initialize()
    gr.set_new_guid_value(ID)
    gr.short_description = "made by the vendor's client"
    gr.bunk_field = "x"
    eq(gr.insert(), ID)
    eq(gr.number, "PRB0040001")
    other = client.GlideRecord("problem")
    eq(other.get(ID), True)
    eq(other.get_value("short_description"), "made by the vendor's client")
    other.short_description = "changed"
    eq(other.update(), ID)
    again = client.GlideRecord("problem")
    eq(again.get("number", "PRB0040001"), True)
    eq(again.short_description, "changed")
    eq(again.get_display_value("urgency"), "3 - Low")
    eq(again.delete(), True)
    eq(client.GlideRecord("problem").get(ID), False)


def queries(client, sim):
    rows = [{"sys_id": f"{i:032x}", "short_description": f"row {i % 5}", "state": str(i % 3 + 1),
             "urgency": str(i % 3 + 1)} for i in range(60)]
    sim.control("POST", "rows", {"table": "incident", "rows": rows})
    gr = client.GlideRecord("incident")
    gr.fields = ["sys_id", "state", "short_description"]
    gr.add_query("short_description", "STARTSWITH", "row 1").add_or_condition("short_description", "row 2")
    gr.add_active_query()
    gr.query()
    eq(gr.get_row_count(), 24)
    seen = set()
    while gr.next():
        seen.add(gr.get_value("short_description"))
    eq(seen, {"row 1", "row 2"})
    gr = client.GlideRecord("incident")
    gr.add_query("state", ">", "1")
    gr.order_by_desc("sys_id")
    gr.limit = 3
    gr.query()
    eq([r.sys_id for r in gr], [f"{i:032x}" for i in (59, 58, 56)])
    gr = client.GlideRecord("incident")
    gr.add_encoded_query("state=1^short_description=row 0")
    gr.query()
    eq(len(gr), len([r for r in rows if r["state"] == "1" and r["short_description"] == "row 0"]))


def paging(client, sim):
    rows = [{"sys_id": f"{i * 7919 % 100003:032x}", "short_description": "p"} for i in range(1234)]
    sim.control("POST", "rows", {"table": "incident", "rows": rows})
    gr = client.GlideRecord("incident", batch_size=100)
    gr.fields = "sys_id"
    gr.query()
    eq(gr.get_row_count(), 1234)
    eq(sorted(r.sys_id for r in gr), sorted(r["sys_id"] for r in rows))


def long_query_by_batch(client, sim):
    ids = [f"{i:032x}" for i in range(700)]
    sim.control("POST", "rows", {"table": "incident", "rows": [{"sys_id": i} for i in ids[::2]]})
    gr = client.GlideRecord("incident", batch_size=1000)
    gr.fields = "sys_id"
    gr.add_query("sys_id", "IN", ",".join(ids))
    gr.query()
    eq(sorted(r.sys_id for r in gr), ids[::2])
    eq(sim.control("GET", "stats")["batch"]["calls"] >= 1, True)


def refusals(client, sim):
    from pysnc import ServiceNowClient, exceptions
    wrong = ServiceNowClient(client.instance, ("itsm.integration", "wrong"), verify=client.session.verify)
    try:
        wrong.GlideRecord("incident").get(ID)
        raise AssertionError("a wrong password was taken")
    except exceptions.AuthenticationException:
        pass
    try:
        gr = client.GlideRecord("nonsense")
        gr.query()
        raise AssertionError("a table that is not there was read")
    except exceptions.RequestException:
        pass


TESTS = [insert_get_update_delete, queries, paging, long_query_by_batch, refusals]


def clients(url, certificate):
    from pysnc import ServiceNowClient
    from pysnc.auth import ServiceNowPasswordGrantFlow
    yield "basic", ServiceNowClient(url, ("admin", "admin"), verify=certificate)
    flow = ServiceNowPasswordGrantFlow("admin", "admin", "itsm-bridge", "secret")
    yield "oauth", ServiceNowClient(url, flow, verify=certificate)


def run(sim, url, certificate):
    failed = 0
    for name, client in clients(url, certificate):
        for function in TESTS:
            sim.control("POST", "reset")
            if name == "oauth":
                client = dict(clients(url, certificate))["oauth"]
            try:
                function(client, sim)
                print("ok  ", name, function.__name__, flush=True)
            except Exception:
                failed += 1
                print("FAIL", name, function.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
    return failed


def main():
    venv = os.environ.get("ITSM_TEST_VENV")
    if not venv:
        print("skipped: ITSM_TEST_VENV names no virtual environment with pysnc and requests-oauthlib")
        return 1 if os.environ.get("CI") == "true" else 77
    sys.path[:0] = [str(p) for p in pathlib.Path(venv).glob("lib/python3*/site-packages")]
    sim = Sim(sys.argv[1])
    try:
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            relay = Relay(sim.port, certificate, key)
            # variables of the environment come before the client's own settings
            os.environ.update(REQUESTS_CA_BUNDLE=certificate, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
            failed = run(sim, f"https://127.0.0.1:{relay.port}", certificate)
            relay.listener.close()
    finally:
        code = sim.stop()
    return 1 if failed or code else 0


if __name__ == "__main__":
    sys.exit(main())
