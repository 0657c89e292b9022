#!/usr/bin/env python3
"""Run the harnesses.

usage: run.py [--seconds N] [--log FILE] [NAME ...]    with libFuzzer, one after another
       run.py --seeds FOLDER                           FOLDER's programs over the seeds: a test suite

Inputs that reach something new are kept in build/fuzz/corpus/NAME and are where the next run
begins; an input that breaks something is build/fuzz/found/NAME-... . Each run adds a line to FILE:

    DATE TIME COMMIT fuzz NAME SECONDS EXECUTIONS FINDINGS

where the seconds are the processor's, so that they count the same on a machine that does more.
"""

import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
WORK = TOP / "build/fuzz"
PROGRAMS = TOP / "build/fuzz-clang/tests"
EACH_S = 25  # one input; minutes on an idle machine would be a finding


def names():
    return sorted(path.stem[5:] for path in (TOP / "tests/fuzz").glob("fuzz_*.c") if path.stem != "fuzz_main")


def seeds(folder):
    subprocess.run([sys.executable, TOP / "tests/fuzz/corpus.py", folder], check=True)


def commit():
    done = subprocess.run(["git", "-C", TOP, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode().strip() or "unknown"


def last(pattern, text, otherwise=0):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else otherwise


def spent():
    """The processor's seconds of all programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def fuzz(name, seconds):
    """Executions, the processor's seconds, and the number of findings."""
    corpus, found = WORK / "corpus" / name, WORK / "found"
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    command = [PROGRAMS / ("fuzz_" + name), "-max_total_time=%d" % seconds, "-timeout=%d" % EACH_S,
               "-rss_limit_mb=2048", "-print_final_stats=1", "-artifact_prefix=%s/%s-" % (found, name)]
    if (WORK / "dict" / name).exists():
        command.append("-dict=%s" % (WORK / "dict" / name))
    before_s = spent()
    log = WORK / (name + ".log")
    with log.open("w") as out:
        status = subprocess.run([*command, corpus, WORK / "seeds" / name], stdout=out, stderr=subprocess.STDOUT,
                                check=False).returncode
    text = log.read_text(errors="replace")
    executions = last(r"stat::number_of_executed_units: *(\d+)", text, last(r"^#(\d+)\t", text))
    new = sorted(path for path in set(found.iterdir()) - before if not path.name.startswith(name + "-slow-unit"))
    print("fuzz: %-9s %9d executions, %5d edges, %6d features, %d findings" % (
        name, executions, last(r"cov: (\d+)", text), last(r" ft: (\d+)", text), len(new)))
    for path in new:
        print("    " + (re.findall(r"^.*(?:not so: |runtime error: |SUMMARY: ).*$", text, re.M) or [log])[0])
        print("    replay: %s %s" % (command[0].relative_to(TOP), path.relative_to(TOP)))
    if status and not new:
        print("    it ended with status %d: see %s" % (status, log.relative_to(TOP)))
    sys.stdout.flush()
    return executions, spent() - before_s, len(new) + (status != 0 and not new)


def long_run(options):
    wanted = options.names or names()
    if set(wanted) - set(names()):
        sys.exit("fuzz: the harnesses are: " + " ".join(names()))
    missing = [name for name in wanted if not os.access(PROGRAMS / ("fuzz_" + name), os.X_OK)]
    if missing:
        sys.exit("fuzz: not built (make fuzz builds them): " + " ".join(missing))
    seeds(WORK)
    total = bad = 0
    for name in wanted:
        executions, seconds, findings = fuzz(name, options.seconds)
        total += executions
        bad += findings
        if options.log:
            options.log.parent.mkdir(parents=True, exist_ok=True)
            with options.log.open("a") as out:
                out.write("%s %s fuzz %s %d %d %d\n" % (time.strftime("%Y-%m-%d %H:%M", time.gmtime()), commit(), name,
                                                        seconds, executions, findings))
    print("fuzz: %d harnesses, %d executions, %d findings" % (len(wanted), total, bad))
    return 1 if bad else 0


def suite(folder):
    bad = 0
    with tempfile.TemporaryDirectory() as work:
        seeds(work)
        for name in names():
            program = folder / ("fuzz_" + name)
            if not os.access(program, os.X_OK):
                print("skip %s: %s is not built" % (name, program.name))
                continue
            done = subprocess.run([program, pathlib.Path(work) / "seeds" / name], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                bad = 1
                print(done.stdout.decode(errors="replace"))
                print("not ok %s: status %d" % (name, done.returncode))
            else:
                print("ok %s" % name)
            sys.stdout.flush()
    return bad


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("--seeds", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    return suite(options.seeds) if options.seeds else long_run(options)


if __name__ == "__main__":
    sys.exit(main())
