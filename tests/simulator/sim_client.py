"""Starts snow-sim on a free port and talks to it; shared by the simulator's tests."""
import base64
import http.client
import json
import select
import signal
import socket
import subprocess
import urllib.parse

USER, PASSWORD = "itsm.integration", "password"


def basic(user=USER, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        return self.json["result"]


class Sim:
    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, "--port", "0", *arguments], stdout=subprocess.PIPE,
                                        text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith("listening on http://127.0.0.1:"):
            self.process.kill()
            raise RuntimeError(f"snow-sim did not start: {line!r}")
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code

    def connect(self, timeout=20):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def raw(self, method, path, body=None, headers=None, timeout=20):
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def api(self, method, path, body=None, headers=None, auth=None, timeout=20, **arguments):
        if arguments:
            path += "?" + urllib.parse.urlencode(arguments, quote_via=urllib.parse.quote)
        all_headers = {"Authorization": auth or basic(), "Accept": "application/json"}
        if body is not None:
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        return self.raw(method, path, body, all_headers, timeout)

    def table(self, name, query="", version="", **arguments):
        return self.api("GET", f"/api/now{version}/table/{name}", sysparm_query=query, **arguments)

    def insert(self, table, **fields):
        return self.api("POST", f"/api/now/table/{table}", fields)

    def update(self, table, sys_id, **fields):
        return self.api("PATCH", f"/api/now/table/{table}/{sys_id}", fields)

    def get(self, table, sys_id, **arguments):
        return self.api("GET", f"/api/now/table/{table}/{sys_id}", **arguments)

    def control(self, method, path, body=None, **arguments):
        if arguments:
            path += "?" + urllib.parse.urlencode(arguments, quote_via=urllib.parse.quote)
        answer = self.raw(method, "/_sim/" + path,
                          None if body is None else body if isinstance(body, str) else json.dumps(body))
        if answer.status != 200:
            raise AssertionError(f"control {method} {path}: {answer.body!r}")
        return answer.json

    def reset(self, **settings):
        self.control("POST", "settings", self.defaults)
        self.control("POST", "reset")
        if settings:
            self.control("POST", "settings", settings)

    def remember_settings(self):
        self.defaults = self.control("GET", "settings")

    def token(self, **fields):
        form = {"client_id": "itsm-bridge", "client_secret": "secret", **fields}
        return self.raw("POST", "/oauth_token.do", urllib.parse.urlencode(form),
                        {"Content-Type": "application/x-www-form-urlencoded"})


__all__ = ["Answer", "PASSWORD", "Sim", "USER", "basic", "socket"]
