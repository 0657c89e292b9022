#!/usr/bin/env python3
"""Run test suites and add them up.

usage: run.py [--jobs N] [--time-limit SECONDS] SUITE [SUITE ...]

A SUITE is a program, or a command line in one argument ("tools/check_names.sh build/host"). It
prints one line for each case: "ok NAME", "not ok NAME: why" or "skip NAME: why"; everything else
that it prints is shown only when it fails. "@TEXT" in place of a suite is a heading: suites after
it belong to that build. The last line is exactly "N passed, N failed, N skipped"; the exit
status is 1 when a case failed, or when a suite crashed, ran out of time, or tested nothing.
"""

import argparse
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import time

LINE = re.compile(r"^(ok|not ok|skip) ([^:\s]+)(?:: *(.*))?$")


class Suite:
    def __init__(self, command, heading):
        self.command = command
        words = [word for word in shlex.split(command)
                 if word != "env" and "=" not in word and not word.startswith("qemu-")]
        self.name = (heading + " " if heading else "") + os.path.basename(words[0])
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.output = []

    def take(self, line):
        self.output.append(line)
        match = LINE.match(line)
        if not match:
            return
        kind, case, why = match.groups()
        if kind == "ok":
            self.passed += 1
        elif kind == "skip":
            self.skipped.append((case, why or "no reason given"))
        else:
            self.failed.append((case, why or "no reason given"))

    def run(self, limit):
        try:
            self.execute(limit)
        except OSError as error:
            self.seconds = 0.0
            self.failed.append(("start", str(error)))

    def execute(self, limit):
        start = time.monotonic()
        child = subprocess.Popen(
            shlex.split(self.command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        expired = False
        try:
            text, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            expired = True
            os.killpg(child.pid, signal.SIGTERM)
            try:
                text, _ = child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                text, _ = child.communicate()
        self.seconds = time.monotonic() - start
        for line in text.decode("utf-8", "replace").splitlines():
            self.take(line)
        status = child.returncode
        if expired:
            self.failed.append(("time", "not finished after %d s" % limit))
        elif status < 0:
            self.failed.append(("crash", "killed by %s" % signal.Signals(-status).name))
        elif status != 0 and not self.failed:
            self.failed.append(("status", "exit status %d, but no case said why" % status))
        elif status == 0 and self.failed:
            self.failed.append(("status", "exit status 0 in spite of a failed case"))
        elif not (self.passed or self.failed or self.skipped):
            self.failed.append(("empty", "it tested nothing"))

    def report(self):
        mark = "FAILED" if self.failed else "ok"
        counts = "%d" % (self.passed + len(self.failed))
        if self.skipped:
            counts += ", %d skipped" % len(self.skipped)
        print("%-6s %-44s %s cases, %.1f s" % (mark, self.name, counts, self.seconds))
        if self.failed:
            for line in self.output[-200:]:
                if not line.startswith(("ok ", "skip ")):
                    print("    | " + line)
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--time-limit", type=float, default=1200)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("suites", nargs="+")
    options = parser.parse_args()

    heading = ""
    suites = []
    for command in options.suites:
        if command.startswith("@"):
            heading = command[1:]
        else:
            suites.append(Suite(command, heading))
    # Many suites wait more than they compute: one for each processor at a time, told in order.
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(suite.run, options.time_limit) for suite in suites]
        for suite, run in zip(suites, runs):
            run.result()
            suite.report()

    reasons = {}
    for suite in suites:
        for case, why in suite.skipped:
            reasons.setdefault(why, []).append("%s %s" % (suite.name, case))
    for why, cases in sorted(reasons.items()):
        more = "" if len(cases) == 1 else " and %d more" % (len(cases) - 1)
        print("skipped: %s%s: %s" % (cases[0], more, why))
    for suite in suites:
        for case, why in suite.failed:
            print("failed: %s: %s: %s" % (suite.name, case, why))

    passed = sum(suite.passed for suite in suites)
    failed = sum(len(suite.failed) for suite in suites)
    skipped = sum(len(suite.skipped) for suite in suites)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
