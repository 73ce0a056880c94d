#!/usr/bin/env python3
"""Streams of events through the example mappings, as counts: `map --lines --count` must find what a count of the lines
themselves says. usage: event_streams.py PROGRAM"""
import collections
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = TOP / "schemas" / "mappings" / "examples"
LEVELS = {"CRITICAL": 0, "ERROR": 1, "WARNING": 2, "INFO": 3, "DEBUG": 4, "VERBOSE": 4}

CONFIG = """connection: { name = "t"; server_url = "https://acme.service-now.com"; };
kafka: { bootstrap_servers = "localhost:9092"; };
mappings = ["%s", "%s"];
consumers: ( { topics = ["events"]; } );
""" % (EXAMPLES / "suricata.cfg", EXAMPLES / "windows-events.cfg")


def suricata(event):
    alert = event["alert"]
    return (alert["gid"], alert["signature_id"], event.get("dest_ip")), alert["severity"]


def windows(event):
    return (event["Hostname"].lower(), event["SourceName"], event["EventID"]), LEVELS[event["Severity"]]


STREAMS = [("suricata/alerts", suricata, "mapping:suricata, alert, firing"),
           ("windows-events/events-2020-09-04", windows, "mapping:windows-events, event, firing"),
           ("windows-events/events-2020-10-22", windows, "mapping:windows-events, event, firing")]


def wanted(lines, rule, kind):
    series, severities = set(), collections.Counter()
    for line in lines:
        which, severity = rule(json.loads(line))
        series.add(which)
        severities[severity] += 1
    return [f"Messages: {len(lines)}, bad: 0, without value: 0",
            f"Alerts: {len(lines)}, series: {len(series)}, instances that messages name: 0, notes: 0",
            f"Alerts {kind}: {len(lines)}"] + [f"Severity Sev{s}: {n}" for s, n in sorted(severities.items())]


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "itsm-bridge.cfg"
        config.write_text(CONFIG)
        for name, rule, kind in STREAMS:
            data = gzip.decompress((TOP / "tests" / "data" / "alerts" / f"{name}.jsonl.gz").read_bytes())
            want = wanted(data.splitlines(), rule, kind)
            done = subprocess.run([sys.argv[1], "map", "-c", str(config), "--lines", "--count"], input=data,
                                  stdout=subprocess.PIPE)
            have = done.stdout.decode().splitlines()
            if done.returncode != 0 or have != want or len(want) < 4:
                failed += 1
                print(f"{name}: exit code {done.returncode}", *have, "but the lines say", *want, sep="\n  ")
            else:
                print(f"{name}: {want[0]}; {want[1]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
