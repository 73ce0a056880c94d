"""Accounts made over the Table API, as an administrator's program makes them."""
from harness import SIM, eq, test, token
from sim_client import basic

ADMIN = basic("admin", "admin")
PROPERTY = "glide.oauth.inbound.client.credential.grant_type.enabled"


def write(method, path, body=None, **arguments):
    return SIM.api(method, "/api/now/table/" + path, body, auth=ADMIN, **arguments)


def made(table, display="false", **row):
    answer = write("POST", table, row, sysparm_input_display_value=display)
    eq(answer.status, 201)
    return answer.result["sys_id"]


def signs_in(user, password):
    return SIM.api("GET", "/api/now/table/incident", auth=basic(user, password)).status == 200


def grants(**fields):
    return SIM.token(**fields).status


@test
def account_passwords():
    """A password works only when it was written as a display value, and is never read back."""
    made("sys_user", user_name="raw", user_password="pw")
    eq(signs_in("raw", "pw"), False)
    user = made("sys_user", display="true", user_name="shown", user_password="pw")
    eq(signs_in("shown", "pw"), True)
    eq(signs_in("shown", ""), False)
    stored = write("GET", "sys_user/" + user).result["user_password"]
    eq("pw" in stored, False)
    eq(signs_in("shown", stored), False)
    write("PATCH", "sys_user/" + user, {"user_password": "other"}, sysparm_input_display_value="true")
    eq((signs_in("shown", "pw"), signs_in("shown", "other")), (False, True))
    write("PATCH", "sys_user/" + user, {"password_needs_reset": "true"})
    eq(signs_in("shown", "other"), False)


@test
def account_roles():
    user = made("sys_user", display="true", user_name="joe", user_password="pw")
    role = write("GET", "sys_user_role", sysparm_query="name=admin").result[0]["sys_id"]
    has = made("sys_user_has_role", user=user, role=role)
    mine = basic("joe", "pw")
    eq(SIM.api("POST", "/api/now/table/sys_properties", {"name": "a"}, auth=mine).status, 201)
    eq(write("DELETE", "sys_user_has_role/" + has).status, 204)
    eq(SIM.api("POST", "/api/now/table/sys_properties", {"name": "b"}, auth=mine).status, 403)
    eq(SIM.api("GET", "/api/now/table/oauth_entity", auth=mine).result, [])
    made("sys_user_has_role", user=user, role=role)
    eq(write("DELETE", "sys_user/" + user).status, 204)
    eq(signs_in("joe", "pw"), False)
    eq(write("GET", "sys_user_has_role", sysparm_query="user=" + user).result, [])


@test
def account_clients():
    """A client that is a row: its secret, its lives, and what client_credentials needs."""
    user = made("sys_user", display="true", user_name="joe", user_password="pw")
    client = made("oauth_entity", display="true", name="c", client_id="c1", client_secret="s1",
                  refresh_token_lifespan="100", access_token_lifespan="50")
    mine = {"client_id": "c1", "client_secret": "s1"}
    first = token(grant_type="password", username="joe", password="pw", **mine)
    eq(first["expires_in"] in (49, 50), True)
    eq(grants(grant_type="password", username="joe", password="pw", client_id="c1", client_secret="s2"), 401)
    eq(grants(grant_type="refresh_token", refresh_token=first["refresh_token"], **mine), 200)
    eq(grants(grant_type="refresh_token", refresh_token=first["refresh_token"]), 401)
    eq(grants(grant_type="client_credentials", **mine), 401)
    write("PATCH", "oauth_entity/" + client, {"user": user})
    eq(grants(grant_type="client_credentials", **mine), 401)
    made("sys_properties", name=PROPERTY, value="true")
    eq(grants(grant_type="client_credentials", **mine), 200)
    write("PATCH", "oauth_entity/" + client, {"active": "false"})
    eq(grants(grant_type="client_credentials", **mine), 401)


@test
def account_basic():
    """HTTP Basic may be refused to people who log in with a browser."""
    SIM.control("POST", "settings", {"basic_restricted": True})
    made_by = {"user_name": "person", "password": "pw", "roles": ["itil"]}
    SIM.control("POST", "users", made_by)
    eq(signs_in("person", "pw"), False)
    SIM.control("POST", "users", {"user_name": "person", "web_service_access_only": "true"})
    eq(signs_in("person", "pw"), True)
    SIM.control("POST", "users", {**made_by, "user_name": "other", "roles": ["snc_basic_auth_api_access"]})
    eq(signs_in("other", "pw"), True)
