"""Each example of schemas/examples fits its schema: the one with the longest name that the file's name begins with.
Each schema has an example, and says no when a member that must be there is missing or an unknown one is added."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
import schema  # noqa: E402


def schema_of(example):
    fitting = [n for n in schema.names() if example.name.startswith((n + ".", n + "-"))]
    return max(fitting, key=len) if fitting else None


def faults(check, value):
    for name in check.schema.get("required", []):
        yield f"without {name}", {k: v for k, v in value.items() if k != name}
    if check.schema.get("additionalProperties") is False:
        yield "with an unknown member", {**value, "not_known": 1}


def main():
    wrong, seen = [], set()
    for example in sorted((schema.FOLDER / "examples").glob("*.json")):
        name = schema_of(example)
        if name is None:
            wrong.append(f"{example.name}: no schema has that name")
            continue
        seen.add(name)
        check = schema.validator(name)
        value = json.loads(example.read_text())
        wrong += [f"{example.name}: {c}" for c in schema.complaints(check, value)]
        wrong += [f"{example.name} {what} is accepted" for what, bad in faults(check, value)
                  if not schema.complaints(check, bad)]
    wrong += [f"{name}: no example" for name in schema.names() if name not in seen]
    print("\n".join(wrong) or f"{len(seen)} schemas")
    return 1 if wrong else 0


sys.exit(main())
