#!/usr/bin/env python3
"""What mapping costs: instructions from bytes to request bodies, against a bare parse and dump of the same
messages by jansson, both counted by callgrind (so the machine's load does not matter).

usage: map_cost.py [MAP-COST PROGRAM]     exit 1: above LIMIT; 77: no valgrind"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "cases"
LIMIT = float(os.environ.get("ITSM_MAP_COST_LIMIT", "1.30"))
ROUNDS = 3


def good(folder):
    want = folder / "want.json"
    return want.exists() and isinstance(json.loads(want.read_text()), list) and not (folder / "setup.json").exists()


def count(program, function, messages):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={function}",
             program, str(ROUNDS), *map(str, messages)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout)
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1])


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parent.parent / "build" / "bin" / "map-cost")
    if not shutil.which("valgrind"):
        print("no valgrind")
        return 77
    groups = {}
    for folder in sorted((CASES / "formats").iterdir()) + sorted((CASES / "map").iterdir()):
        if good(folder):
            wanted = json.loads((folder / "want.json").read_text())
            groups.setdefault(wanted[0]["alert"]["format"], []).append(folder / "message.json")
    total_bare = total_map = 0
    for name, messages in sorted(groups.items()):
        bare, mapped = count(program, "bare_all", messages), count(program, "map_all", messages)
        total_bare, total_map = total_bare + bare, total_map + mapped
        print(f"{name:16} {len(messages):3} messages  {bare / ROUNDS / len(messages):10.0f} bare  "
              f"{mapped / ROUNDS / len(messages):10.0f} mapped  {mapped / bare:5.2f}")
    print(f"{'all':16} {sum(map(len, groups.values())):3} messages  ratio {total_map / total_bare:.2f}, limit {LIMIT}")
    return 0 if total_map <= LIMIT * total_bare else 1


if __name__ == "__main__":
    sys.exit(main())
