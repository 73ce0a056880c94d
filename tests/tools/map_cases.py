#!/usr/bin/env python3
"""Writes tests/cases/map/NNNN-name/message.json from the samples in tests/data/alerts/azure.

Whole messages are taken as they are, contexts get an envelope. What is expected (want.json) is
written by the test itself when it is run with MAP_CASES_WRITE=1, and then read by a person.
"""
import json
import pathlib

TESTS = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = TESTS / "data" / "alerts" / "azure"
CASES = TESTS / "cases" / "map"

SUBSCRIPTION = "/subscriptions/11112222-3333-4444-5555-666677778888"
ALERT = SUBSCRIPTION + "/providers/Microsoft.AlertsManagement/alerts/"
VM = SUBSCRIPTION + "/resourceGroups/Prod-RG/providers/Microsoft.Compute/virtualMachines/vm-7"
SERVICES = {
    "activity-administrative": "Activity Log - Administrative",
    "activity-autoscale": "Activity Log - Autoscale",
    "activity-policy": "Activity Log - Policy",
    "activity-resource-health": "Resource Health",
    "activity-security": "Activity Log - Security",
    "activity-service-health": "ServiceHealth",
    "log-application-insights": "Application Insights",
    "log-platform": "Log Analytics",
    "log-v2": "Log Alerts V2",
    "metric-dynamic": "Platform",
    "metric-static": "Platform",
    "metric-webtest": "Platform",
    "prometheus": "Prometheus",
}


def envelope(name, context):
    kind = name.removeprefix("context-")
    guid = f"{sum(map(ord, kind)):08x}-0000-4000-8000-000000000001"
    target = SUBSCRIPTION if kind == "activity-service-health" else VM
    essentials = {
        "alertId": ALERT + guid,
        "alertRule": "rule-" + kind,
        "severity": "Sev2",
        "signalType": "Activity Log" if "activity" in kind else "Metric",
        "monitorCondition": "Fired",
        "monitoringService": SERVICES[kind],
        "alertTargetIDs": [target],
        "configurationItems": ["vm-7"],
        "originAlertId": "origin-" + kind,
        "firedDateTime": "2025-06-01T10:20:30.4567891Z",
        "description": "What to do: see the runbook.",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if kind == "activity-service-health":
        del essentials["configurationItems"]
    return {"schemaId": "azureMonitorCommonAlertSchema",
            "data": {"essentials": essentials, **context}}


def messages():
    """Name and message of each case, in a fixed order."""
    for path in sorted(SAMPLES.glob("*.json")):
        sample = json.loads(path.read_text())
        yield path.stem, sample if "data" in sample else envelope(path.stem, sample)
    fired = json.loads((SAMPLES / "doc-metric-resolved.json").read_text())
    essentials = fired["data"]["essentials"]
    essentials["monitorCondition"] = "Fired"
    del essentials["resolvedDateTime"]
    context = json.loads((SAMPLES / "context-metric-static.json").read_text())
    fired["data"].update(context)
    yield "doc-metric-fired", fired
    health = envelope("context-activity-resource-health",
                      json.loads((SAMPLES / "context-activity-resource-health.json").read_text()))
    health["data"]["alertContext"]["properties"].update(
        currentHealthStatus="Available", previousHealthStatus="Unavailable",
        title="The virtual machine is running again")
    health["data"]["alertContext"].update(status="Resolved", eventTimestamp="2019-06-24T16:00:00Z")
    yield "resource-health-available", health
    rca = json.loads((SAMPLES / "test-service-health.json").read_text())
    rca["data"]["alertContext"]["properties"].update(
        stage="RCA", title="RCA &ndash; <b>Storage</b> in West Europe",
        communication="<p>Summary of impact:</p><p>Between 10:00 and 12:00 UTC requests failed."
                      "</p><ul><li>Cause: a bad switch &amp; a late fail-over</li>"
                      "<li>Next: more tests</li></ul>")
    yield "service-health-rca", rca


def hard():
    """What senders do wrong, and what is right but hard. Names and raw texts."""
    sample = (SAMPLES / "test-metric-static.json").read_text()

    def changed(member, value, name="essentials"):
        message = json.loads(sample)
        message["data"][name][member] = value
        return json.dumps(message, indent=2, ensure_ascii=False) + "\n"

    yield "bad-not-json", sample.rstrip()[:-1]
    yield "bad-duplicate-member", sample.replace('"severity"', '"alertRule": "x", "severity"')
    yield "bad-no-alert-id", changed("alertId", None)
    yield "bad-state-unknown", changed("monitorCondition", "Acknowledged")
    yield "bad-rule-is-a-number", changed("alertRule", 17)
    yield "bad-nul", sample.replace("Alertruledescription", "a\\u0000b")
    yield "bad-older-schema", '{"schemaId": "AzureMonitorMetricAlert", "data": {"status": "Activated"}}\n'
    yield "severity-unknown", changed("severity", "Critical")
    yield "wrong-types", changed("condition", [1, 2], "alertContext")
    yield "targets-of-a-metric-wrong", changed("alertTargetIDs", {"a": 1})
    yield "long-alert-id", changed("alertId", ALERT + "f" * 1000)
    yield "hard-names", changed("alertRule", 'a/b/CPU ^ORDERBY "high", 95 %\r\nState: 6 \U0001f525/')
    yield "kind-unknown", changed("monitoringService", "Quantum Alerts")
    yield "array", "[" + sample + "," + changed("severity", "Sev0") + "]\n"


def write(number, name, text):
    folder = CASES / f"{number:04}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "message.json").write_text(text)


def main():
    number = 0
    for name, message in messages():
        number += 1
        write(number, name, json.dumps(message, indent=2, ensure_ascii=False) + "\n")
    for name, text in hard():
        number += 1
        write(number, name, text)


if __name__ == "__main__":
    main()
