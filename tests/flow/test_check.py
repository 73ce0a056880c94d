"""itsm-bridge check: a healthy connection is complete within five seconds, and each way to be wrong of configuration,
network and instance changes exactly the lines that stand for it."""
import socket
import ssl
import threading

from check_support import *


def test_healthy():
    with connection("healthy") as s:
        writes = len(s.sim.journal())
        r = ask(s)
        check(r.code == 0 and r.all["complete"], f"a healthy connection: {r.states()}")
        check(r.seconds < 5, f"took {r.seconds} s")
        check(len(s.sim.journal()) == writes, "it wrote to the instance without being asked to")
        check(not any(t.startswith(s.prefix) or t in (s.outcomes, s.dead, s.state)
                      for t in s.admin.list_topics(timeout=10).topics), "it made topics")
        states = r.states()
        for name, state in {"token": DONE, f"user {USER}": DONE, "time-zone": DONE, "clock": DONE, "rate": SKIPPED,
                            "tls": SKIPPED, "sys-id incident": SKIPPED, "unknown-columns": DONE,
                            "plugin Event Management": SKIPPED, f"topic {s.alerts_topic}": DONE,
                            f"read {s.alerts_topic}": DONE, f"topic {s.state}": CREATED, "transactions": DONE}.items():
            check(states[name] == state, f"{name} is {states[name]}")
        notes = " ".join(r.all["notes"])
        check("drops unknown columns" in notes and "name their cycle" in notes, notes)
        text = raw(s)
        check(text.returncode == 0 and len(text.stdout.splitlines()) > 30, text.stdout)
        check(re.search(r"^Completed     token: ", text.stdout, re.M) and
              re.search(rf"^Completed \(will be created\)  topic {s.state}: ", text.stdout, re.M) and
              re.search(r"^Note +\S", text.stdout, re.M), text.stdout)
        check(text.stderr == "", text.stderr)


def test_in_time():
    """Answers of an instance across an ocean, two tables: five seconds are enough."""
    with connection("intime", producers=("incident", "change_request"),
                    consumer='fields = { assignment_group = "Service Desk"; caller_id = "admin"; category = "network"; };',
                    sim={"page_ms": 200, "token_ms": 200, "read_ms": 200}) as s:
        r = ask(s)
        check(r.code == 0, f"{r.states()}")
        check(r.seconds < 5, f"took {r.seconds} s")


def test_write():
    with connection("write", consumer='fields = { assignment_group = "Service Desk"; };') as s:
        b = s.bridge().ready()
        r = ask(s, "--write")
        check(r.code == 0, f"{r.states()}")
        for name in ("create", "sys-id", "repeat", "update", "resolve"):
            check(r.states()[f"{name} incident"] == DONE, name)
        check(r.states()["delete incident"] == SKIPPED, "itil may not delete")
        for topic in (s.outcomes, s.dead, s.state, f"{s.prefix}.incident"):
            check(r.states()[f"write {topic}"] == DONE, topic)
        rows = [x for x in s.sim.rows() if x.get("correlation_id") == "itsm-bridge:check"]
        group = s.sim.rows("sys_user_group", "name=Service Desk")[0]["sys_id"]
        check(rows[0]["assignment_group"] == group, "the constant is written as the bridge writes it")
        check(len(rows) == 1 and rows[0]["state"] == "6" and "test record" in rows[0]["short_description"], f"{rows}")
        check(all(b"itsm-bridge-check" != m.key() for t in (s.outcomes, s.dead, s.state, f"{s.prefix}.incident")
                  for m in s.read_all(t)), "a read_committed reader sees a test record")
        # The bridge that runs beside it is none the worse.
        s.send(alert(1), key=guid(1))
        s.flush()
        wait_for("the incident of an alert", lambda: by_alert(s.sim.rows()).get(guid(1)))
        check(b.stop() == 0, "exit code of the bridge")
        s.sim.call("POST", "/_sim/roles", {"user": USER, "roles": ["itil", "itil_admin"]})
        r = ask(s, "--write")
        check(r.states()["delete incident"] == DONE, "itil_admin deletes")
        check(len([x for x in s.sim.rows() if x.get("correlation_id") == "itsm-bridge:check"]) == 1, "and it is gone")


def test_rights_to_write():
    with connection("writing") as s:
        good = ask(s, "--write")
        steps = ("sys-id", "repeat", "update", "resolve", "delete")

        def user(**deny):
            s.sim.call("POST", "/_sim/users", {"user_name": USER, "deny": deny})
        user(insert=["incident"])
        expect(good, ask(s, "--write"), {"create incident": NOT, **{f"{n} incident": SKIPPED for n in steps[:-1]}},
               "itil")
        user(update=["incident"])
        expect(good, ask(s, "--write"), {"update incident": NOT, "resolve incident": NOT})
        user()
        s.sim.settings(honour_sys_id=False)
        expect(good, ask(s, "--write"), {"sys-id incident": NOT, "repeat incident": SKIPPED}, "sys_id of its own")
        s.sim.settings(honour_sys_id=True)
        edit_config(s, ('format = "auto";', 'format = "auto"; close_code = "Nonsense";'))
        s.sim.settings(unknown_choice="refuse")
        expect(good, ask(s, "--write"), {"choice incident.close_code": NOT, "resolve incident": NOT}, "Nonsense",
               "'Solution provided'")


def test_user():
    with connection("user") as s:
        good = ask(s)

        def user(**values):
            s.sim.call("POST", "/_sim/users", {"user_name": USER, **values})
        offset = -5 * 3600
        user(time_zone="US/Eastern")
        s.sim.settings(user_zone_offset_s=offset)
        expect(good, ask(s), {}, "The user's time zone is US/Eastern", "times in queries are read as GMT")
        s.sim.settings(literals_in_user_zone=True)
        expect(good, ask(s), {"time-zone": NOT}, "set the time zone of the integration user to GMT")
        s.sim.settings(literals_in_user_zone=False, user_zone_offset_s=0)
        user(time_zone="GMT", web_service_access_only="false")
        expect(good, ask(s), {}, "set Web service access only")
        user(web_service_access_only="true")
        s.sim.settings(clock_offset_s=-400)
        expect(good, ask(s), {"clock": NOT}, "s behind this machine's", "NTP")
        s.sim.settings(clock_offset_s=90)
        expect(good, ask(s), {}, "ahead of this machine's")
        s.sim.settings(clock_offset_s=0)
        s.sim.call("POST", "/_sim/roles", {"user": USER, "roles": ["personalize_choices"]})
        expect(good, ask(s), {"role incident": SKIPPED}, "roles cannot be read")
        s.sim.call("POST", "/_sim/roles", {"user": USER, "roles": ["itil"]})
        user(deny={"read": ["sys_user"]})
        expect(good, ask(s), {f"user {USER}": None, "user": SKIPPED}, "may not read its own row")


def test_sign_in():
    with connection("signin") as s:
        good = ask(s)
        asked = {n: SKIPPED for n in good.states() if n.split()[0] in ("time-zone", "clock", "read") and
                 "alerts" not in n}
        gone = {n: None for n, line in good.lines.items() if line["area"] == "servicenow" and
                n.split()[0] not in ("token", "time-zone", "clock", "rate", "read")}
        gone["user"] = SKIPPED
        s.sim.settings(client_secret="another")
        expect(good, ask(s), {"token": NOT, **asked, **gone}, "Check username, password, client_id and client_secret")
        check(ask(s).lines["token"]["code"] == "refused", "a code to explain")
        s.sim.settings(client_secret="secret")
        s.sim.call("POST", "/_sim/users", {"user_name": USER, "locked_out": True})
        expect(good, ask(s), {"token": NOT, **asked, **gone})
        s.sim.call("POST", "/_sim/users", {"user_name": USER, "locked_out": False})
        s.sim.faults({"name": "asleep", "action": "hibernate"})
        expect(good, ask(s), {"token": NOT, **asked, **gone}, "hibernat")
        s.sim.no_faults()
        expect(good, ask(s), {})
        # A token of the store that is good no longer is renewed, as a running bridge does it.
        plain = s.config_file.read_text()
        edit_config(s, ('token_store = ""', f'token_store = "{s.folder}/check-token.json"'))
        expect(good, ask(s), {})
        token = json.loads((Path(s.folder) / "check-token.json").read_text())["access_token"]
        s.sim.call("POST", "/_sim/revoke", {"token": token, "access_only": True})
        expect(good, ask(s), {})
        s.sim.call("POST", "/_sim/revoke", {})  # the refresh token too: there is the password
        expect(good, ask(s), {})
        # A loop of checks must not lock the user out: a wrong password is sent once.
        edit_config(s, ("check-token.json", "other-token.json"))
        before = s.sim.stats()["table"]["/oauth_token.do"]
        codes = [ask(s, env={"SNOW_PASSWORD": "wrong-word"}).lines["token"]["code"] for _ in range(3)]
        check(codes == ["refused", "refused-before", "refused-before"], f"{codes}")
        check(s.sim.stats()["table"]["/oauth_token.do"] == before + 1, "sent once")
        s.config_file.write_text(plain)
        s.sim.stop()
        expect(good, ask(s), {"tcp": NOT, "token": SKIPPED, **asked, **gone}, "firewalls")
        s.sim = Simulator(s.folder)
        edit_config(s, (re.search(r'server_url = "[^"]*"', s.config_file.read_text()).group(0),
                        'allowed_hosts = ["no.such.host.invalid"]; server_url = "https://no.such.host.invalid"'))
        r = ask(s)
        check([r.states()[n] for n in ("dns", "tcp", "tls", "token")] == [NOT, SKIPPED, SKIPPED, SKIPPED], "no name")


def test_tables():
    with connection("tables", producers=("incident", "change_request")) as s:
        s.sim.call("POST", "/_sim/rows", {"table": "change_request", "rows": [{"sys_id": f"{8:032x}", "sys_mod_count": "0",
                                                                                "sys_updated_on": "2026-11-01 10:00:00"}]})
        good = ask(s)

        def deny(*tables):
            s.sim.call("POST", "/_sim/users", {"user_name": USER, "deny": {"read": list(tables)}})
        deny("change_request")
        expect(good, ask(s), {"read change_request": NOT}, "Insufficient rights")
        deny("sys_choice")
        expect(good, ask(s), {"choices incident": SKIPPED}, "sys_choice has nothing readable")
        deny("sys_dictionary", "sys_db_object")
        expect(good, ask(s), {})  # the row tells
        deny("cmdb_ci")
        expect(good, ask(s), {"configuration-items cmdb_ci": SKIPPED})
        deny()
        s.sim.call("POST", "/_sim/hide", {"table": "change_request", "query": ""})
        expect(good, ask(s), {"read change_request": NOT}, "the user may not see them")
        s.sim.call("DELETE", "/_sim/hide")
        s.sim.call("POST", "/_sim/roles", {"user": USER, "roles": ["admin"]})
        s.sim.call("POST", "/_sim/rows", {"table": "sys_audit_delete", "rows": [{"sys_id": f"{9:032x}",
                                                                                 "tablename": "incident"}]})
        expect(good, ask(s), {"deletes sys_audit_delete": DONE}, "deleted records can be seen")
        s.sim.settings(page_ms=2500)
        expect(good, ask(s), {"look-up incident": NOT, "deletes sys_audit_delete": DONE}, "index", "correlation_display")
        s.sim.settings(page_ms=0)


def test_columns_and_choices():
    with connection("columns", consumer='fields = { category = "network"; };') as s:
        good = ask(s)
        plain = s.config_file.read_text()

        def variant(old, new, changed, *said):
            edit_config(s, (old, new))
            for dictionary in (True, False):
                s.sim.call("POST", "/_sim/users", {"user_name": USER, "deny": {
                    "read": [] if dictionary else ["sys_dictionary", "sys_db_object"]}})
                for refuses in (False, True):
                    s.sim.settings(invalid_query_returns_no_rows=refuses)
                    expect(good, ask(s), changed, *said)
            s.sim.settings(invalid_query_returns_no_rows=False)
            s.config_file.write_text(plain)
        fields = 'fields = { category = "network"; };'
        table = '{ table = "incident";'
        variant(fields, 'fields = { categry = "network"; };', {"columns incident.categry": NOT},
                "'category'", "consumers[].fields")
        variant(fields, 'fields = { category = "netwrk"; };', {"choice incident.category": NOT}, "'network'")
        variant(fields, 'fields = { category = "Inquiry / Help"; };', {}, "category=Inquiry / Help")
        variant(table, table + ' query = "actve=true^urgency=1"; name = "open";',
                {"query incident.actve": NOT, "query open": DONE}, "'active'", "producers[].query")
        variant(table, table + ' query = "active=true^NQurgency=1^ORpriority=1"; name = "open";', {"query open": DONE},
                "active, urgency, priority")
        variant(table, table + ' fields = ["number", "shrt_description"];', {"columns incident.shrt_description": NOT},
                "'short_description'")
        s.sim.call("POST", "/_sim/users", {"user_name": USER, "deny": {"read": []}})
        for value, changed, said in (("Service Desk", {"reference assignment_group": DONE}, "in sys_user_group"),
                                     ("Database", {"reference assignment_group": DONE}, "in sys_user_group"),
                                     ("Nobody", {"reference assignment_group": NOT}, "no record 'Nobody'"),
                                     (f"{5:032x}", {"reference assignment_group": NOT}, "no record")):
            edit_config(s, (fields, f'fields = {{ category = "network"; assignment_group = "{value}"; }};'))
            expect(good, ask(s), changed, said)
            s.config_file.write_text(plain)


def test_names_of_rules_and_templates():
    """What rules name is looked at as what consumers name; a wrong name comes with those that are like it."""
    consumer = '''template = "Disk"; fields = { assignment_group = "Databse"; };
        rules: ( { name = "a"; continue = true; assignment_group = "Service Desk"; category = "netwrok"; template = "Dsik"; },
                 { name = "b"; assignment_group = "{label.team}"; fields = { caller_id = "ann.opertor"; category = "Databaes"; };
                   default_fields = { subcategry = "disk"; }; } );'''
    with connection("names", consumer=consumer) as s:
        s.sim.call("POST", "/_sim/rows", {"table": "sys_template", "rows": [
            {"name": "Disk", "table": "incident", "active": "true", "template": "impact=1^EQ"},
            {"name": "Dsik", "table": "problem", "active": "true", "template": "impact=1^EQ"}]})
        lines = ask(s).all["lines"]

        def told(check_name, subject, result, *words):
            found = [l for l in lines if (l["check"], l["subject"], l["state"]) == (check_name, subject, result)]
            check(any(all(w in json.dumps(l) for w in words) for l in found), f"{check_name} {subject}: {found}")
        told("reference", "assignment_group", NOT, "no record 'Databse'", "'Database'", "consumers[].fields")
        told("reference", "assignment_group 'Service Desk'", DONE)
        told("reference", "caller_id", NOT, "'ann.opertor'", "'ann.operator'", "consumers[].rules[]")
        told("choice", "incident.category", NOT, "'netwrok'", "did you mean 'Network'")
        told("choice", "incident.category 'Databaes'", NOT, "did you mean 'Database'")
        told("columns", "incident.subcategry", NOT, "'subcategory'", "consumers[].rules[]")
        told("template", "Disk", DONE)
        told("template", "Dsik", NOT, "'Disk'")
        check(not any("label.team" in json.dumps(l) for l in lines), "a substitution is no constant")


def test_events():
    with connection("events") as s:
        s.sim.call("POST", "/_sim/roles", {"user": USER, "roles": ["itil", "evt_mgmt_integration"]})
        edit_config(s, ('target = "incident"', 'target = "event"'))
        good = ask(s)
        check(good.code == 0, f"{good.states()}")
        check([good.states()[n] for n in ("plugin com.glideapp.itom.snac", "role em_event", "create em_event")] ==
              [DONE, DONE, SKIPPED], f"{good.states()}")
        expect(good, ask(s, "--write"), {"create em_event": DONE})
        s.sim.call("POST", "/_sim/users", {"user_name": USER, "deny": {"read": ["em_event"]}})
        expect(good, ask(s), {"read em_event": SKIPPED}, "only writes")
        s.sim.call("POST", "/_sim/users", {"user_name": USER, "deny": {"read": []}})
        s.sim.edit(table="v_plugin", query="id=com.glideapp.itom.snac", set={"active": "inactive"}, user="admin", raw=True)
        expect(good, ask(s), {"plugin com.glideapp.itom.snac": NOT}, "activate the plug-in")
        s.sim.call("POST", "/_sim/roles", {"user": USER, "roles": ["itil"]})
        expect(good, ask(s), {"plugin com.glideapp.itom.snac": NOT, "role em_event": NOT}, "evt_mgmt_integration")
        edit_config(s, ('target = "event"', 'target = "import:u_none"'))
        r = ask(s)
        check(r.states()["read u_none"] == NOT, "a staging table that is not there")


def certificate(folder, name, days, host="IP:127.0.0.1"):
    """A key and a certificate signed by the authority of the folder. A negative number of days: one that has ended."""
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not (folder / "ca.pem").exists():
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                "-out", "ca.pem", "-subj", "/CN=own authority", "-days", "100")
    (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
            f"{name}.csr", "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            f"{name}.pem", "-days", str(days), "-extfile", f"{name}.ext")
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


class TlsFront:
    """Takes TLS and passes the bytes on to the simulator."""

    def __init__(self, target, pair):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        self.target = target
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            client = self.context.wrap_socket(client, server_side=True)
            back = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.copy, args=(back, client), daemon=True).start()
            self.copy(client, back)
        except OSError:
            client.close()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


def test_tls():
    with connection("tls") as s:
        good = ask(s)
        plain = s.config_file.read_text()
        gone = {n: None for n, line in good.lines.items() if line["area"] == "servicenow" and
                n.split()[0] not in ("token", "time-zone", "clock", "rate", "read")}
        away = {**{n: SKIPPED for n, line in good.lines.items() if line["area"] == "servicenow"}, **gone, "user": SKIPPED}
        away.pop("rate")
        for name, days, host, ca, changed, said in (
                ("good", 90, "IP:127.0.0.1", True, {"tls": DONE}, "more days"),
                ("soon", 20, "IP:127.0.0.1", True, {"tls": DONE}, "ends in"),
                ("late", 4, "IP:127.0.0.1", True, {"tls": NOT}, "have the certificate renewed"),
                ("ended", -1, "IP:127.0.0.1", True, {"tls": NOT, **away}, "expired"),
                ("other", 90, "DNS:other.example.com", True, {"tls": NOT, **away}, "ca_file"),
                ("strange", 90, "IP:127.0.0.1", False, {"tls": NOT, **away}, "connection.ca_file")):
            front = TlsFront(s.sim.port, certificate(s.folder, name, days, host))
            s.config_file.write_text(plain.replace(
                f'server_url = "http://127.0.0.1:{s.sim.port}";', f'server_url = "https://127.0.0.1:{front.port}"; ' +
                'allowed_hosts = ["127.0.0.1"]; ' + (f'ca_file = "{s.folder}/ca.pem";' if ca else "")))
            expect(good, ask(s), changed, said)
            front.server.close()


def test_rate():
    with connection("rate") as s:
        good = ask(s)
        s.sim.settings(rate_limit=100000)
        expect(good, ask(s), {"rate": DONE}, "100000 requests an hour")
        s.sim.settings(rate_limit=5000)
        expect(good, ask(s), {"rate": DONE}, "Busy tables would take 18000")
        s.sim.settings(rate_limit=1000)
        expect(good, ask(s), {"rate": NOT}, "raise the rate rule")


def test_configuration():
    with connection("config") as s:
        edit_config(s, ('name = "test"', 'nmae = "test"'))
        done = raw(s)
        check(done.returncode == 2 and done.stdout.splitlines()[0].startswith("Not complete  configuration: "),
              done.stdout)
        check("nmae" in done.stdout, done.stdout)
        done = raw(s, "--json")
        check(done.returncode == 2 and json.loads(done.stdout)["lines"][0]["state"] == NOT, done.stdout)
        s.config_file.unlink()
        check(raw(s).returncode == 2, "no file")
        done = subprocess.run([str(BIN / "itsm-bridge"), "check", "--nonsense"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        check(done.returncode == 2 and done.stdout == b"", "wrong usage")


run(test_healthy, test_in_time, test_write, test_rights_to_write, test_user, test_sign_in, test_tables,
    test_columns_and_choices, test_names_of_rules_and_templates, test_events, test_tls, test_rate, test_configuration)
