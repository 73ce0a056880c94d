"""Files of the source tree and C text without comments and strings, for the checks in tests/."""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

PRODUCT = ("bridge/", "consumers/", "producers/")


def root():
    """The tree to check: the first argument, else the one that this file lies in."""
    if len(sys.argv) > 1:
        return os.path.abspath(sys.argv[1])
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(top, suffixes=("",)):
    """Paths relative to top: what git tracks or would track, or every file where there is no git."""
    try:
        out = subprocess.run(["git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        names = out.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = walk(top)
    found = sorted({n for n in names if n and n.endswith(tuple(suffixes)) and os.path.isfile(os.path.join(top, n))})
    return found


def walk(top):
    for folder, folders, names in os.walk(top):
        folders[:] = [f for f in folders if f != ".git" and not f.startswith("build")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), top)


def read(top, name):
    with open(os.path.join(top, name), encoding="utf-8", errors="replace") as f:
        return f.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare_code(text):
    """C text with comments and literals blanked out, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return TOKEN.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(name, problems, looked_at):
    """Prints and exits: a check that looked at nothing has failed."""
    for problem in problems:
        print(problem)
    if looked_at == 0:
        print(f"{name}: found no file to look at")
        sys.exit(1)
    print(f"{name}: {looked_at} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)
