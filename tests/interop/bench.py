#!/usr/bin/env python3
"""Figures of one issuance against Pebble, one row for each configuration, with the goals.

    tests/interop/bench.py [--quick] [path/to/lwacme [path/to/the static one [path/to/the small one]]]

How each figure is measured:
  requests     lines in the CA's log; conns: connections accepted by a forwarder before the CA
  cpu          user + system time of the process (wait4), the least of several runs
  rss          VmHWM of the process, read every millisecond (the kernel's own high-water mark;
               ru_maxrss would also count the launcher's memory from before exec)
  wall         from start to end of the process, the median of several runs
  CA           time between the first byte of a question and the last byte of its answer, summed,
               as seen by the forwarder: handshake, requests, the CA's crypto
  waits        gaps of 10 ms and more between an answer and the next question: before polls, while
               the CA validates or issues (10 ms is what the agent waits at least)
  own          all the rest of wall: start, our crypto and parsing, files
  wall/CA      wall / (CA + waits): 1.0 would be a client that costs nothing
  instr        valgrind --tool=callgrind, instructions of the whole process
Pebble runs without its random sleeps, nonce rejection 0, Retry-After off. State and files are kept in
memory (/dev/shm) where there is such a place: on a disk each of about 20 fsyncs adds its own time.
"""
import os
import re
import statistics
import subprocess
import sys
import time

import common
from common import lwacme_path
import world

GOALS = {"instr": 10, "instr-store": 40}
RUNS = 5


def launch(binary, args):
    return subprocess.Popen([binary] + [str(a) for a in args], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            env=dict(os.environ, LC_ALL="C"))


def measure_time(binary, args):
    begin = time.monotonic()
    p = launch(binary, args)
    _, status, usage = os.wait4(p.pid, 0)
    wall = time.monotonic() - begin
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        raise common.Fail("exit %d: %s" % (p.returncode, p.stderr.read().decode()[-300:]))
    p.stderr.close()
    return wall, usage.ru_utime + usage.ru_stime


def measure_rss(binary, args):
    p = launch(binary, args)
    high = 0
    while p.poll() is None:
        try:
            with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
                m = re.search(r"VmHWM:\s+(\d+) kB", f.read())
        except OSError:
            break
        # before exec it is still the launcher, whose memory is not ours
        if m and os.path.samefile(os.readlink("/proc/%d/exe" % p.pid), binary):
            high = max(high, int(m[1]))
        time.sleep(0.001)
    p.communicate()
    return high


def safe_rss(binary, args):
    try:
        return measure_rss(binary, args)
    except OSError:
        return 0


WAIT = 0.0095  # the shortest wait before a poll is 10 ms; our own work between two requests is less


def split(w, wall):
    """(CA, waits, own) in seconds from the forwarder's flights."""
    flights = [f for f in w.forwarder.flights if f[1]]
    ca = sum(b - a for a, b in flights)
    gaps = [this[0] - before[1] for before, this in zip(flights, flights[1:])]
    waits = sum(gap for gap in gaps if gap >= WAIT)
    return ca, waits, wall - ca - waits


def one_run(w, binary, names, renewal):
    """(wall, cpu) of an issue or of a renewal, which begins with an issue that is not counted."""
    for last in (False, False, False, True):
        with w.client() as c:
            try:
                if renewal:
                    measure_time(binary, c.args("issue", names))
                w.mark()
                return measure_time(binary,
                                    c.args("issue", names, *(("--force",) if renewal else ())))
            except common.Fail:
                if last or not w.dice():
                    raise
    return None


def issuance(binary, n, renewal):
    names = ["h%d.example.net" % i for i in range(n)]
    walls, cpus, parts, counts, rss = [], [], [], None, 0
    with world.World() as w:
        for i in range(RUNS):
            wall, cpu = one_run(w, binary, names, renewal)
            time.sleep(0.3)  # the CA's log and the forwarder's last flight
            walls.append(wall)
            cpus.append(cpu)
            parts.append(split(w, wall))
            if i == 0 or w.count()["total"] < counts[0]:
                counts = w.count()["total"], w.count()["order"], w.connections()
        for _ in range(3):
            with w.client() as c:
                rss = max(rss, safe_rss(binary, c.args("issue", names)))
    middle = sorted(range(RUNS), key=lambda i: walls[i])[RUNS // 2]
    ca, waits, own = parts[middle]
    return dict(requests=counts[0], polls=counts[1], conns=counts[2], cpu=min(cpus) * 1000,
                rss=rss, wall=statistics.median(walls) * 1000, ca=ca * 1000, waits=waits * 1000,
                own=own * 1000, ratio=walls[middle] / (ca + waits))


def callgrind(binary, many_roots):
    with world.World() as w, w.client() as c:
        roots = 1
        if many_roots:
            store = "/etc/ssl/certs/ca-certificates.crt"
            if not os.path.exists(store):
                return None, 0
            with open(store, encoding="ascii") as f, open(w.ca_file, encoding="ascii") as g:
                text = f.read() + g.read()
            c.ca_file = os.path.join(c.base, "store.pem")
            with open(c.ca_file, "w", encoding="ascii") as f:
                f.write(text)
            roots = text.count("BEGIN CERTIFICATE")
        p = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                            binary] + [str(a) for a in c.args("issue", ["h0.example.net"])],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=300)
        m = re.search(r"Collected : (\d+)", p.stdout)
        if p.returncode != 0 or not m:
            print("# callgrind: exit %d: %s" % (p.returncode, common.tail(p.stdout, 300)))
            return None, roots
        return int(m[1]) / 1e6, roots


def stripped(binary):
    out = os.path.join(os.environ.get("TMPDIR", "/tmp"), "lwacme-stripped-%d" % os.getpid())
    try:
        subprocess.run(["strip", "-o", out, binary], check=True)
        return os.path.getsize(out)
    finally:
        if os.path.exists(out):
            os.unlink(out)


def main():
    if os.access("/dev/shm", os.W_OK):
        os.environ["TMPDIR"] = "/dev/shm"
    common.enter_namespace()
    paths = [a for a in sys.argv[1:] if not a.startswith("-")]
    if paths:
        os.environ["LWACME"] = paths[0]
    binary = lwacme_path()
    static = paths[1] if len(paths) > 1 else os.path.join(common.ROOT, "build/musl/lwacme")
    builds = [("default", binary)]
    if os.access(static, os.X_OK):
        builds.append(("musl", os.path.abspath(static)))
        if len(paths) > 2:
            builds.append(("small", os.path.abspath(paths[2])))
    else:
        print("# no static build at %s: the goals of memory and size are not judged"
              % os.path.relpath(static, common.ROOT))
    version = world.find("newest")[0]
    print("# pebble %s, %d runs for each row" % (version, RUNS))
    head = "%-8s %5s %-8s %9s %7s %5s %8s %8s %8s %7s %7s %7s %8s"
    print(head % ("build", "names", "account", "requests", "minimum", "conns", "cpu ms", "rss KB",
                  "wall ms", "CA ms", "waits", "own", "wall/CA"))
    print(head % ("goal", "1", "", "", "", "1", "<= 5", "<= 2048", "", "", "", "", "<= 1.5"))
    for label, path in builds:
        for n in (1, 10) if "--quick" in sys.argv else (1, 10, 100):
            for renewal in (False, True):
                r = issuance(path, n, renewal)
                print(head % (label, n, "known" if renewal else "new", r["requests"],
                              (7 if renewal else 8) + 2 * n, r["conns"], "%.1f" % r["cpu"],
                              r["rss"], "%.0f" % r["wall"], "%.0f" % r["ca"], "%.0f" % r["waits"],
                              "%.0f" % r["own"], "%.2f" % r["ratio"]), flush=True)
    print()
    row = "%-8s %-44s %12s   %s"
    print(row % ("build", "figure", "measured", "goal"))
    for label, path in builds:
        for many in (False, True):
            figure, roots = callgrind(path, many)
            print(row % (label, "instructions, one name, %d trusted root%s" %
                         (roots, "s" if roots != 1 else ""),
                         "-" if figure is None else "%.1f M" % figure,
                         "<= %s M" % GOALS["instr-store" if many else "instr"]), flush=True)
        print(row % (label, "stripped binary", "%d B" % stripped(path),
                     "<= 614400 B" if label == "small" else "(goal is for small, of musl)"))
    if os.path.exists(os.path.join(common.ROOT, "Makefile")):
        p = subprocess.run(["make", "-s", "size"], cwd=common.ROOT, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, timeout=600)
        for line in p.stdout.splitlines():
            if re.match(r"\w+: text ", line):
                print("# make size: " + line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
