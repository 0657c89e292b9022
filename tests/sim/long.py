#!/usr/bin/env python3
"""Run seeds for some hours, from where the last run of this log ended, and add them up; beside
them the fuzzers, if asked for.

usage: long.py SIM SIM_REAL LOG HOURS [FUZZ_SECONDS]

Lines of LOG: "DATE TIME COMMIT sim FIRST SEEDS CUTS VIOLATIONS SECONDS", or "jobs" instead of "sim"
for seeds that all have jobs (revocation, the account's life), which is every fourth piece, or "real"
for those with wolfCrypt, which are one more in a hundred, behind each piece; and what
tests/fuzz/run.py appends: "DATE TIME COMMIT fuzz NAME SECONDS EXECUTIONS FINDINGS". A changed commit
starts where the seeds ended, too: a seed means another run anyhow once the agent has changed. How
often each misbehaviour was reached is summed up in LOG.reach.
"""

import itertools
import pathlib
import re
import subprocess
import sys
import time

PIECE_S = 300
KINDS = ["sim", "sim", "sim", "jobs"]  # of the pieces, in turn
ALL = ("sim", "jobs", "real")
REAL_FROM = 900000001  # where make sim has those with wolfCrypt


def commit_now():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE,
                          check=False)
    return done.stdout.decode().strip() or "unknown"


def rows_of(log, *kinds):
    """The words behind the kind of each line of these kinds."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [words[4:] for words in (line.split() for line in lines)
            if len(words) > 4 and words[3] in kinds]


def add_reach(path, output):
    """Sum the table that the simulation printed ("GROUP NAME COUNT WORDS") into the file."""
    sums = {}
    if path.exists():
        for line in path.read_text().splitlines():
            count, name = line.split()
            sums[name] = int(count)
    for name, count in re.findall(r"^\S+ +(\S+) +(\d+)  ", output, re.M):
        sums[name] = sums.get(name, 0) + int(count)
    path.write_text("".join(f"{count:9d} {name}\n" for name, count in
                            sorted(sums.items(), key=lambda item: item[1])))
    return sums


def run_piece(sim, log, kind, *how_long):
    """One piece. Returns its seeds and violations, or None when the program crashed."""
    first = max([int(row[0]) + int(row[1]) for row in rows_of(log, kind)],
                default=REAL_FROM if kind == "real" else 1)
    begin = time.monotonic()
    done = subprocess.run([sim, "--from", str(first), *how_long, "--list", "--once"] +
                          (["--jobs"] if kind == "jobs" else []),
                          stdout=subprocess.PIPE, check=False)
    seconds = round(time.monotonic() - begin)
    output = done.stdout.decode()
    found = re.search(r"^sim: (\d+) seeds, (\d+) cuts, (\d+) violations", output, re.M)
    if not found:
        print(output + f"sim: it crashed in the seeds from {first} on")
        return None
    print("".join(line + "\n" for line in output.splitlines() if ": invariant " in line), end="",
          flush=True)
    add_reach(log.with_name(log.name + ".reach"), output)
    with log.open("a") as out:
        out.write(time.strftime("%Y-%m-%d %H:%M ", time.gmtime()) +
                  f"{commit_now()} {kind} {first} {' '.join(found.groups())} {seconds}\n")
    return int(found.group(1)), int(found.group(3))


def run_both(sim, real, log, kind, seconds):
    """A piece, and one in a hundred more with wolfCrypt. Violations, or None."""
    piece = run_piece(sim, log, kind, "--seconds", str(seconds))
    more = piece and run_piece(real, log, "real", "--count", str(max(1, piece[0] // 100)))
    return more and piece[1] + more[1]


def summary(log):
    rows = [[int(word) for word in row] for row in rows_of(log, *ALL)]
    sums = [sum(row[i] for row in rows) for i in range(1, 5)]
    since = 0
    for row in rows:
        since = 0 if row[3] else since + row[1]
    reach = log.with_name(log.name + ".reach")
    if reach.exists():
        count, name = reach.read_text().split()[:2]
        print(f"sim: the rarest misbehaviour, {name}, was reached {count} times")
    fuzz = {}
    for name, seconds, executions, findings in rows_of(log, "fuzz"):
        old = fuzz.get(name, [0, 0, 0])
        fuzz[name] = [old[0] + int(seconds), old[1] + int(executions), old[2] + int(findings)]
    for name, (seconds, executions, findings) in sorted(fuzz.items()):
        print(f"fuzz: {name:10s} {seconds:6d} s {executions:11d} executions {findings} findings")
    print(f"sim: {since} seeds since the last piece with a violation")
    print(f"sim: {sums[0]} seeds, {sums[1]} cuts, {sums[2]} violations in {sums[3]} s, "
          "all runs together")


def main():
    sim, real, log, hours = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), float(sys.argv[4])
    fuzz_s = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    bad = 0
    log.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + hours * 3600
    for kind in itertools.cycle(KINDS):
        if time.monotonic() >= end:
            break
        violations = run_both(sim, real, log, kind,
                              min(PIECE_S, max(1, int(end - time.monotonic()))))
        if violations is None:
            return 1
        bad += violations
    if fuzz_s > 0:
        bad += subprocess.run([sys.executable, "tests/fuzz/run.py", "--seconds", str(fuzz_s),
                               "--log", str(log)], check=False).returncode
    summary(log)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
