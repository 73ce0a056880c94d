#!/usr/bin/env python3
"""A thousand rules that can be found by value cost at most twice what ten cost: instructions of rules_decide
by callgrind, so the load of the machine does not matter. usage: rules_cost.py (environment: ITSM_BIN)
exit 77: there is no valgrind"""
import os
import re
import shutil
import subprocess
import sys

ROUNDS = 2000
FACTOR = 2.0


def cost(program, rules):
    """(instructions of one decision, decisions in which a rule held)"""
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          "--toggle-collect=rules_decide", program, str(rules), str(ROUNDS)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    counted = re.search(r"Collected\s*:\s*(\d+)", run.stderr)
    if not counted or int(counted.group(1)) == 0:
        sys.exit(f"callgrind counted nothing:\n{run.stderr}")
    return int(counted.group(1)) / ROUNDS, int(run.stdout)


def main():
    if not shutil.which("valgrind"):
        print("no valgrind")
        sys.exit(77)
    program = os.path.join(os.environ["ITSM_BIN"], "rules_cost")
    (ten, held_ten), (thousand, held_thousand) = cost(program, 10), cost(program, 1000)
    ratio = thousand / ten
    print(f"10 rules: {ten:.0f} instructions, 1000 rules: {thousand:.0f}, ratio {ratio:.2f} (at most {FACTOR})")
    print(f"of {ROUNDS} alerts {held_ten} and {held_thousand} met a rule")
    if min(held_ten, held_thousand) < ROUNDS / 4:
        sys.exit("too few alerts met a rule: this measures nothing")
    sys.exit(0 if ratio <= FACTOR else 1)


main()
