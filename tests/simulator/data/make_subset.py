"""Makes incident_event_log_first.csv.gz: the first events, by time of update, of the whole log.

Usage: make_subset.py incident_event_log.csv.gz [N]   (N events, default 3000; writes beside itself)
The same input gives the same bytes.
"""
import datetime
import gzip
import pathlib
import sys


def when(line):
    return datetime.datetime.strptime(line.split(",")[13], "%d/%m/%Y %H:%M")


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    with gzip.open(sys.argv[1], "rt", encoding="ascii", newline="") as log:
        head, *lines = log.read().splitlines()
    first = sorted(range(len(lines)), key=lambda i: (when(lines[i]), i))[:count]
    text = "\n".join([head] + [lines[i] for i in first]) + "\n"
    target = pathlib.Path(__file__).resolve().parent / "incident_event_log_first.csv.gz"
    with open(target, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as out:
        out.write(text.encode("ascii"))


if __name__ == "__main__":
    main()
