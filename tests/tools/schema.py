"""JSON Schemas of the project, for tests."""
import json
from pathlib import Path

import jsonschema

FOLDER = Path(__file__).resolve().parent.parent.parent / "schemas"
SUFFIX = ".schema.json"


def validator(name):
    schema = json.loads((FOLDER / (name + SUFFIX)).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def names():
    return sorted(p.name[:-len(SUFFIX)] for p in FOLDER.glob("*" + SUFFIX))


def complaints(check, value):
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in check.iter_errors(value)]
