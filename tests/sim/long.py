#!/usr/bin/env python3
"""Run seeds for some hours, from where the last run of this log ended, and add them up.

usage: long.py SIM LOG HOURS

Each line of LOG: date, commit, first seed, seeds, cuts, violations, seconds. A changed commit starts
where the seeds ended, too: a seed means another run anyhow once the agent has changed.
"""

import pathlib
import re
import subprocess
import sys
import time

PIECE_S = 600


def main():
    sim, log, hours = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3])
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE,
                            check=False).stdout.decode().strip() or "unknown"
    lines = log.read_text().splitlines() if log.exists() else []
    rows = [[int(word) for word in line.split()[3:8]] for line in lines]
    first = max([row[0] + row[1] for row in rows], default=1)
    end = time.monotonic() + hours * 3600
    bad = 0
    while time.monotonic() < end:
        piece = min(PIECE_S, max(1, int(end - time.monotonic())))
        done = subprocess.run([sim, "--from", str(first), "--seconds", str(piece)],
                              stdout=subprocess.PIPE, check=False)
        words = done.stdout.decode()
        found = re.search(r"sim: (\d+) seeds, (\d+) cuts, (\d+) violations", words)
        if not found:
            print(words + "sim: it crashed")
            return 1
        print("".join(line + "\n" for line in words.splitlines() if ": invariant " in line), end="")
        row = [first] + [int(n) for n in found.groups()] + [piece]
        rows.append(row)
        bad += row[3]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as out:
            out.write(time.strftime("%Y-%m-%d %H:%M ", time.gmtime()) + commit + " " +
                      " ".join(str(n) for n in row) + "\n")
        first += row[1]
    print(f"sim: {sum(r[1] for r in rows)} seeds, {sum(r[2] for r in rows)} cuts, "
          f"{sum(r[3] for r in rows)} violations in {sum(r[4] for r in rows)} s, all runs together")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
