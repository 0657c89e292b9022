#!/usr/bin/env python3
"""Print which lines and branches of core/, port/flash and solvers/ a build's tests have run.

usage: coverage.py BUILD [FILE]

Counted by gcov from code that is compiled without optimisation. A branch is one way out of one
condition: `a && b` has four, a switch one for each case and one for none. FILE: print the lines of
it that were not run, and those of which a branch was not taken.
"""

import json
import os
import pathlib
import subprocess
import sys

COUNTED = ("core", "port/flash", "solvers")
GOAL = (95.0, 90.0)


def read(data):
    """For each source in this file of counts: its path, {line: count}, {line: [count of each branch]}."""
    text = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", str(data)],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    for one in json.loads(text)["files"]:
        lines, branches = {}, {}
        for line in one["lines"]:
            at = line["line_number"]
            lines[at] = lines.get(at, 0) + line["count"]
            branches.setdefault(at, []).extend(b["count"] for b in line["branches"])
        if one["file"].endswith(".c"):
            yield os.path.normpath(one["file"]), lines, branches


def add(sums, more):
    """What both have compiled alike is added up."""
    lines, branches = sums
    for at, count in more[0].items():
        lines[at] = lines.get(at, 0) + count
    for at, counted in more[1].items():
        if len(branches.get(at, [])) == len(counted):
            branches[at] = [a + b for a, b in zip(branches[at], counted)]


def counts(build):
    """For each source: {line: count}, {line: [count of each branch]}. A test may compile one in, with
    bounds of its own."""
    sums = {}
    for folder in COUNTED:
        for data in sorted((build / folder).glob("*.gcda")):
            for path, lines, branches in read(data):
                sums[path] = (lines, branches)
    for data in sorted((build / "tests/unit").glob("*.gcda")):
        for path, lines, branches in read(data):
            if path in sums:
                add(sums[path], (lines, branches))
    return sums


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def show(path, lines, branches):
    for at, text in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        missed = sum(1 for count in branches.get(at, []) if count == 0)
        if lines.get(at) == 0:
            print("%s:%d: not run      %s" % (path, at, text))
        elif missed:
            print("%s:%d: %d of %d not  %s" % (path, at, missed, len(branches[at]), text))


def main():
    build = pathlib.Path(sys.argv[1])
    wanted = sys.argv[2] if len(sys.argv) > 2 else None
    total = [0, 0, 0, 0]
    print("%-32s %6s %7s %8s %7s" % ("file", "lines", "run", "branches", "taken"))
    for path, (lines, branches) in counts(build).items():
        flat = [count for counts_of_line in branches.values() for count in counts_of_line]
        row = [len(lines), sum(1 for c in lines.values() if c), len(flat), sum(1 for c in flat if c)]
        total = [a + b for a, b in zip(total, row)]
        print("%-32s %6d %6.1f%% %8d %6.1f%%" % (path, row[0], percent(row[1], row[0]), row[2], percent(row[3], row[2])))
        if wanted == path:
            show(path, lines, branches)
    reached = percent(total[1], total[0]), percent(total[3], total[2])
    print("%-32s %6d %6.1f%% %8d %6.1f%%   (goal %.0f%%, %.0f%%)" % (
        "all", total[0], reached[0], total[2], reached[1], *GOAL))
    return 0 if all(a >= b for a, b in zip(reached, GOAL)) else 1


if __name__ == "__main__":
    sys.exit(main())
