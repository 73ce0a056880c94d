"""Sign-in by assertion, revocation, and what an administrator sees of tokens."""
import base64
import contextlib
import json
import pathlib
import subprocess
import tempfile
import time

from harness import SIM, eq, password_token, test, token
from sim_client import basic

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    def __init__(self, folder, name):
        self.private, self.public = f"{folder}/{name}.key", f"{folder}/{name}.pub"
        openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    def assertion(self, head=None, **claims):
        now = int(time.time())
        claims = {"iss": "itsm-bridge", "aud": "itsm-bridge", "sub": "itsm.integration", "iat": now, "exp": now + 60,
                  **claims}
        text = ".".join(coded(json.dumps(part).encode()) for part in ({"alg": "RS256", **(head or {})}, claims))
        return text + "." + coded(openssl("dgst", "-sha256", "-sign", self.private, data=text.encode()))


@contextlib.contextmanager
def keys():
    with tempfile.TemporaryDirectory() as folder:
        key, other = Key(folder, "key"), Key(folder, "other")
        SIM.control("POST", "settings", {"jwt_key": str(pathlib.Path(key.public))})
        yield key, other


def status(assertion, **fields):
    return SIM.token(grant_type=GRANT, assertion=assertion, **fields).status


def alive(t):
    return SIM.api("GET", "/api/now/table/incident", auth="Bearer " + t["access_token"]).status == 200


@test
def jwt_bearer():
    with keys() as (key, other):
        eq(alive(token(grant_type=GRANT, assertion=key.assertion())), True)
        now = int(time.time())
        for bad in ({"iss": "x"}, {"aud": "x"}, {"sub": "nobody"}, {"exp": now - 1}, {"iat": now + 100}):
            eq(status(key.assertion(**bad)), 401)
        eq(status(other.assertion()), 401)
        eq(status(key.assertion(head={"alg": "none"})), 401)
        eq(status(key.assertion()[:-4] + "AAAA"), 401)
        eq(status(key.assertion(), client_secret="no"), 401)
        for text in ("", "a", "a.b", "a.b.c", "..."):
            eq(status(text), 401)
        SIM.control("POST", "settings", {"jwt_kid": "k1", "jwt_audience": "https://x/oauth_token.do"})
        eq(status(key.assertion()), 401)
        eq(status(key.assertion(head={"kid": "k1"}, aud="https://x/oauth_token.do")), 200)
        SIM.control("POST", "settings", {"jwt_key": ""})
        eq(status(key.assertion(head={"kid": "k1"}, aud="https://x/oauth_token.do")), 401)


@test
def jwt_in_a_header():
    with keys() as (key, _):
        answer = SIM.raw("POST", "/oauth_token.do", f"grant_type={GRANT}&client_id=itsm-bridge&client_secret=secret",
                         {"Content-Type": "application/x-www-form-urlencoded",
                          "Authentication": "Bearer " + key.assertion()})
        eq(answer.status, 200)


@test
def revocation():
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    ways = {"body": ("/oauth_revoke_token.do", "token="), "url": ("/oauth_revoke_token.do?token=", None),
            "plain": ("/oauth_revoke.do", "token=")}
    works = {"any": {"body", "url", "plain"}, "url": {"url"}, "plain": {"plain"}, "none": set()}
    for setting, ends in works.items():
        SIM.control("POST", "settings", {"revoke": setting})
        for way, (path, body) in ways.items():
            t = password_token()
            path, body = (path + t["refresh_token"], "") if body is None else (path, body + t["refresh_token"])
            eq(SIM.raw("POST", path, body, form).status, 200)
            eq(alive(t), way not in ends)
            eq(SIM.token(grant_type="refresh_token", refresh_token=t["refresh_token"]).status,
               401 if way in ends else 200)


@test
def credentials_are_seen():
    def rows(user):
        return SIM.api("GET", "/api/now/table/oauth_credential", auth=basic(user, user if user == "admin" else "password"),
                       sysparm_fields="type,expires,user.user_name,peer.client_id").result
    password_token()
    eq(rows("itsm.integration"), [])
    row = rows("admin")[0]
    end = row.pop("expires")
    eq(row, {"type": "refresh_token", "user.user_name": "itsm.integration", "peer.client_id": "itsm-bridge"})
    left = time.mktime(time.strptime(end + " UTC", "%Y-%m-%d %H:%M:%S %Z")) - time.timezone - time.time()
    eq(8640000 - 60 < left <= 8640000, True)
    password_token()
    eq(len(rows("admin")), 1)
