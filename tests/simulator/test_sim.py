"""Self test of the simulator: what the reference says of an instance, behaviour by behaviour.

Usage: test_sim.py PROGRAM [NAME...]
"""
import sys
import traceback

import behaviour
import behaviour_accounts
import behaviour_faults
import behaviour_rows
import behaviour_sign_in
from harness import SIM, TESTS, Running
from sim_client import Sim

MODULES = (behaviour, behaviour_accounts, behaviour_faults, behaviour_rows,
           behaviour_sign_in)  # importing them fills TESTS


def main():
    Running.live = Sim(sys.argv[1])
    SIM.remember_settings()
    failed = 0
    for function in TESTS:
        if len(sys.argv) > 2 and function.__name__ not in sys.argv[2:]:
            continue
        try:
            SIM.reset()
            function()
            print("ok  ", function.__name__, flush=True)
        except Exception:
            failed += 1
            print("FAIL", function.__name__, flush=True)
            traceback.print_exc(file=sys.stdout)
            if SIM.process.poll() is not None:
                print("snow-sim has died:", SIM.process.returncode)
                return 1
    return 1 if failed else 0


def guarded():
    try:
        failed = main()
    finally:
        code = SIM.stop() if Running.live else 1
    if code != 0:
        print("snow-sim ended with", code)
    return 1 if failed or code != 0 else 0


if __name__ == "__main__":
    sys.exit(guarded())
