#!/usr/bin/env python3
"""The keys of every sample, computed a second time and on its own from the rules alone.

    identity_vectors.py --write    writes tests/cases/identity/vectors.json
    identity_vectors.py            compares it with what is computed now; exit 1 on a difference

The unit test compares the program with the same file, so that program and script must agree.
"""
import hashlib
import json
import pathlib
import re
import sys
from datetime import datetime, timezone

TESTS = pathlib.Path(__file__).resolve().parent.parent
VECTORS = TESTS / "cases" / "identity" / "vectors.json"
SEP = "\x1f"
MESSAGE = {"topic": "alerts", "partition": 3, "offset": 42, "timestamp": 1748773231000}


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def lower(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def utc_ms(text):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    zone = "+00:00" if m[3] == "Z" else m[3]
    moment = datetime.fromisoformat(m[1] + zone).astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + ((m[2] or "") + "000")[:3] + "Z"


def base36(number):
    out = ""
    while number:
        number, digit = divmod(number, 36)
        out = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + out
    return out or "0"


def identity(message):
    """series, instance (None: unmarked), short instance (None: a digest), cleared."""
    essentials = message["data"]["essentials"]
    context = message["data"]["alertContext"]
    properties = context.get("properties") or {}
    service = essentials["monitoringService"]
    rule = lower((essentials["alertRule"] or "").rstrip("/").split("/")[-1])
    targets = essentials["alertTargetIDs"]
    targets = sorted(lower(t) for t in targets) if isinstance(targets, list) else []
    cleared = essentials["monitorCondition"] == "Resolved"
    if service == "CostAlerts":
        data = context["AlertData"]
        series = SEP.join([rule, lower(data["BudgetId"])])
        instance = SEP.join([lower(data["BudgetId"]), data["ThresholdType"],
                             data["NotificationThresholdAmount"],
                             utc_ms(essentials["firedDateTime"])])
        return series, instance, None, cleared
    series = SEP.join([rule] + (targets or [""]))
    if service.startswith("Activity Log"):
        if context.get("operationId"):
            instance = SEP.join([context["operationId"]] + (targets or [""]) + [rule])
        else:
            instance = context["eventDataId"]
        return series, instance, None, cleared
    if service == "Resource Health":
        over = properties["currentHealthStatus"] == "Available" or context["status"] == "Resolved"
        return series, None, None, cleared or over
    if service == "ServiceHealth":
        subscription = targets[0].split("/")[2]
        over = (context["status"] == "Resolved"
                or properties["stage"] in ("Resolved", "Complete", "Canceled"))
        over = over and properties["stage"] != "RCA"
        return series, SEP.join([subscription, properties["trackingId"], rule]), None, over
    found = re.search(r"/providers/microsoft\.alertsmanagement/alerts/([^/]+)$",
                      lower(essentials["alertId"]))
    return series, SEP.join([found[1], rule]), found[1], cleared


def vector(name, message):
    series, instance, short, cleared = identity(message)
    generation = 0 if instance is not None else 1
    if instance is None:
        instance = f"{series}#1"
    fields = ["itsm-bridge/1", "", "incident", "", "azure", instance]
    correlation = "azure:" + (short or sha(instance)[:16])
    if len(correlation.encode()) > 100:
        correlation = correlation.encode()[:67].decode(errors="ignore") + "~" + sha(correlation)[:32]
    correlation = re.sub(r"[\^,\x00-\x1f\x7f-\x9f]", "_", correlation)
    stamp = (f"itsm-bridge {sha(series)[:16]} {generation:06}.{int(cleared)}."
             f"{base36(MESSAGE['timestamp'])} {sha(MESSAGE['topic'])[:8]}."
             f"{MESSAGE['partition']}.{MESSAGE['offset']}")
    return {"case": name, "series": series, "instance": instance, "generation": generation,
            "sys_id": sha("\0".join(fields))[:32], "correlation_id": correlation, "stamp": stamp}


def compute():
    cases = sorted((TESTS / "cases" / "map").glob("*/message.json"))
    found = []
    for path in cases:
        want = json.loads((path.parent / "want.json").read_text())
        if isinstance(want, dict) or len(want) != 1:
            continue
        found.append(vector(path.parent.name, json.loads(path.read_text())))
    return {"message": MESSAGE, "record_namespace": "", "table": "incident", "vectors": found}


def main():
    now = compute()
    if "--write" in sys.argv:
        VECTORS.parent.mkdir(parents=True, exist_ok=True)
        VECTORS.write_text(json.dumps(now, indent=2) + "\n")
        return 0
    stored = json.loads(VECTORS.read_text())
    if now == stored and now["vectors"]:
        print(f"{len(now['vectors'])} vectors agree")
        return 0
    for a, b in zip(stored["vectors"], now["vectors"]):
        if a != b:
            print("stored", json.dumps(a), "\nnow   ", json.dumps(b))
    print("the vectors differ: keys of a released version must never change")
    return 1


if __name__ == "__main__":
    sys.exit(main())
