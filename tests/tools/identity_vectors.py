#!/usr/bin/env python3
"""The keys of every sample, computed a second time and on its own from the rules alone.

    identity_vectors.py --write    writes tests/cases/identity/vectors.json and formats.json
    identity_vectors.py            compares them with what is computed now; exit 1 on a difference

Unit tests compare the program with the same files (formats.json by way of the want.json of each case), so that
program and script must agree.
"""
import hashlib
import json
import pathlib
import re
import sys
from datetime import datetime, timezone

TESTS = pathlib.Path(__file__).resolve().parent.parent
VECTORS = TESTS / "cases" / "identity" / "vectors.json"
FORMATS = TESTS / "cases" / "identity" / "formats.json"
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


# The other formats: (series, instance or None) of each alert of a message, from its rule in one line each.

def text(value):
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def join(*parts):
    return SEP.join(text(p) for p in parts)


def labels(pairs):
    return sha("".join(f"{n}\0{v}\0" for n, v in sorted(((n, text(v)) for n, v in pairs), key=lambda p: p[0].encode())))


def alertmanager(message, setup):
    if isinstance(message, list):
        return [i for one in message for i in alertmanager(one, setup)]
    if setup.get("one_per") == "group":
        prefix = [message["orgId"]] if "orgId" in message else []
        return [(join(*prefix, message["groupKey"]), None)]
    found = []
    for alert in message.get("alerts", [message]):
        series = labels(alert["labels"].items())
        found.append((series, None if setup.get("fold") == "series" else join(series, utc_ms(alert["startsAt"]))))
    return found


def grafana_legacy(m, setup):
    org = re.search(r"orgId=([^&]*)", m["ruleUrl"])
    return [(join(org[1] if org else "", m["ruleId"]), None)]


def cloudwatch(m, setup):
    m = json.loads(m["Message"]) if "Message" in m else m
    return [(join(m["AWSAccountId"], m["Region"], m["AlarmName"]), None)]


def pagerduty_v1(m, setup):
    incidents = [one["data"]["incident"] for one in m["messages"]]
    return [(join(i["service"]["id"], i["incident_key"]), i["id"]) for i in incidents]


def stackdriver(m, setup):
    i = m["incident"]
    return [(join("", i["policy_name"], i["condition_name"], i["resource_id"]), i["incident_id"])]


def vrealize(m, setup):
    return [(join(m["adapterKind"], m["resourceId"], m["subType"], m["type"]), m["alertId"])]


def newrelic(m, setup):
    return [(join(m["account_id"], m["policy_name"], m["condition_id"]), join(m["account_id"], m["incident_id"]))]


def dimensions(found):
    return labels((d["name"], d["value"]) for d in found) if found else ""


def azure_classic(m, setup):
    if m.get("schemaId") == "AzureMonitorMetricAlert":
        c = m["data"]["context"]
        return [(join(lower(c["id"]), lower(c["resourceId"]), dimensions(c["condition"]["allOf"][0]["dimensions"])), None)]
    if "context" in m:
        return [(join(lower(m["context"]["id"]), lower(m["context"]["resourceId"])), None)]
    if "AlertRuleName" in m or m["schemaId"] == "Microsoft.Insights/LogAlert":
        m = m.get("data", m)
        place = m.get("ResourceId") or m.get("WorkspaceId") or m["ApplicationId"]
        return [(join(lower(place), lower(m["AlertRuleName"]), dimensions(m["Dimensions"])), None)]
    if m["schemaId"] == "AIP Budget Notification":
        d = m["data"]
        return [(join(lower(d["SubscriptionId"]), lower(d["ResourceGroup"]), d["BudgetName"],
                      d["NotificationThresholdAmount"]), None)]
    log = m["data"]["context"]["activityLog"]
    if log["eventSource"] == "ResourceHealth":
        return [(lower(log["resourceId"]), None)]
    if log["eventSource"] == "ServiceHealth":
        key = join(lower(log["subscriptionId"]), log["properties"]["trackingId"])
        return [(key, key)]
    return [(join(lower(log["resourceId"]), lower(log["operationName"])), join(log["operationId"], lower(log["resourceId"])))]


RULES = {
    "alertmanager": alertmanager, "grafana": alertmanager, "grafana-legacy": grafana_legacy, "cloudwatch": cloudwatch,
    "pagerduty": lambda m, s: [(sha(join(m["routing_key"], m["dedup_key"])), None)], "pagerduty-v1": pagerduty_v1,
    "pingdom": lambda m, s: [(text(m["check_id"]), None)], "stackdriver": stackdriver, "newrelic": newrelic,
    "vrealize": vrealize, "azure-classic": azure_classic,
    "graylog": lambda m, s: [(join(m["stream"]["id"], m["check_result"]["triggered_condition"]["id"]), None)],
    "mapping:acme": lambda m, s: [(join(m["check"]["id"], lower(m["host"])), None)],
}


def format_vector(kind, series, instance):
    generation = 0 if instance is not None else 1
    identity = instance if instance is not None else f"{series}#1"
    return {"format": kind, "series": series, "instance": instance or "",
            "sys_id": sha("\0".join(["itsm-bridge/1", "", "incident", "", kind, identity]))[:32],
            "correlation_id": f"{kind}:{sha(identity)[:16]}", "generation": generation}


def compute_formats():
    found, wrong = {}, []
    for folder in sorted((TESTS / "cases" / "formats").iterdir()):
        if not folder.is_dir() or folder.name.startswith("envelope-"):
            continue
        want = json.loads((folder / "want.json").read_text())
        if isinstance(want, dict):
            continue
        setup = folder / "setup.json"
        setup = json.loads(setup.read_text()) if setup.exists() else {}
        kind = want[0]["alert"]["format"]
        vectors = [format_vector(kind, *i) for i in RULES[kind](json.loads((folder / "message.json").read_text()), setup)]
        have = [{"format": w["alert"]["format"], "series": w["alert"]["series"], "instance": w["alert"]["instance"],
                 **{k: w["keys"][k] for k in ("sys_id", "correlation_id")},
                 "generation": 0 if w["alert"]["marked"] else 1} for w in want]
        distinct = []
        for v in vectors:  # repeats in one message are one; the cases hold no others
            if kind == "pagerduty-v1" or v not in distinct:
                distinct.append(v)
        if have != distinct:
            wrong.append(f"{folder.name}: the program has\n  {json.dumps(have)}\nthe rules say\n  {json.dumps(distinct)}")
        found[folder.name] = distinct
    return found, wrong


def main_formats():
    now, wrong = compute_formats()
    if "--write" in sys.argv:
        FORMATS.write_text(json.dumps(now, indent=1) + "\n")
    stored = json.loads(FORMATS.read_text())
    wrong += [f"{n}: the stored vectors differ: keys of a released version must never change"
              for n in stored if stored[n] != now.get(n)]
    missing = set(RULES) - {v["format"] for vectors in now.values() for v in vectors}
    wrong += [f"no case of {kind}" for kind in sorted(missing)]
    for line in wrong:
        print(line)
    print(f"{sum(map(len, now.values()))} vectors of {len(now)} cases of other formats")
    return 1 if wrong or not now else 0


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
    sys.exit(main() or main_formats())
