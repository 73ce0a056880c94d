#!/usr/bin/env python3
"""Checks that every alert of the cases, and the examples, are what schemas/alert.schema.json says, and that the
schema says no more: a member that no alert has is wrong too. Knows the few words of JSON Schema that it uses."""
import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = TOP / "schemas" / "alert.schema.json"
KNOWN = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "required", "properties", "items", "enum",
         "pattern", "format", "additionalProperties"}
TYPES = {"string": str, "boolean": bool, "integer": int, "null": type(None), "array": list, "object": dict}


def has_type(value, names):
    names = [names] if isinstance(names, str) else names
    return any(isinstance(value, TYPES[n]) and (n != "integer" or not isinstance(value, bool)) for n in names)


def faults(value, schema, root, where):
    unknown = set(schema) - KNOWN
    if unknown:
        yield f"{where}: this check does not know {unknown}"
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, where)
    if "type" in schema and not has_type(value, schema["type"]):
        yield f"{where}: {value!r} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} does not match"
    if schema.get("format") == "date-time" and value is not None and not re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        yield f"{where}: {value!r} is no time"
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, member in value.items() if isinstance(value, dict) else ():
        if name in schema.get("properties", {}):
            yield from faults(member, schema["properties"][name], root, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}: {name} is not described"
    for i, item in enumerate(value if isinstance(value, list) else ()):
        yield from faults(item, schema.get("items", {}), root, f"{where}[{i}]")


def alerts():
    for path in sorted((TOP / "tests" / "cases").glob("*/*/want.json")):
        want = json.loads(path.read_text())
        for i, one in enumerate(want if isinstance(want, list) else ()):
            yield f"{path.parent.name}[{i}]", one["alert"]
    for path in sorted((TOP / "schemas" / "examples").glob("alert-*.json")):
        yield path.name, json.loads(path.read_text())


def main():
    schema = json.loads(SCHEMA.read_text())
    count, wrong = 0, []
    for name, alert in alerts():
        wrong += faults(alert, schema, schema, name)
        count += 1
    for line in wrong:
        print(line)
    print(f"{count} alerts, {len(wrong)} faults")
    return 1 if wrong or count < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
