"""What the behaviour tests share: the list of tests, the running simulator, comparisons."""
import http.client
import time

TESTS = []


class Running:
    """Stands for the simulator that the test run has started."""

    live = None

    def __getattr__(self, name):
        return getattr(Running.live, name)


SIM = Running()


def test(function):
    TESTS.append(function)
    return function


def eq(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def refused(answer, status, message, detail):
    eq(answer.status, status)
    eq(answer.json, {"error": {"message": message, "detail": detail}, "status": "failure"})


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
    raise AssertionError("the awaited state did not come")


def journal(since=0):
    return SIM.control("GET", "journal", since=since)["entries"]


def cut(call):
    try:
        answer = call()
    except (http.client.HTTPException, ConnectionError):
        return
    raise AssertionError(f"got an answer: {answer.status}")


def rows_of(table="incident"):
    return SIM.control("GET", "rows", table=table)["total"]


def token(**fields):
    answer = SIM.token(**fields)
    eq(answer.status, 200)
    return answer.json


def password_token():
    return token(grant_type="password", username="itsm.integration", password="password")


ID = "0123456789abcdef0123456789abcdef"
