#!/usr/bin/env python3
"""Many certificates of ten minutes for a quarter of an hour: nothing expires, nothing leaks.

    tests/interop/daemon_year.py            a part of `make test-all`
    CERTS=50 VALIDITY=120 SECONDS=240 tests/interop/daemon_year.py

On the way: SIGHUP with five names out and five new ones, SIGTERM and a new start, SIGKILL and a new
start, a bad configuration. Prints what it has cost.
"""
import os
import signal
import sys
import time

import common
from common import Suite, check, equal
from daemonrig import Daemon, Watch
from world import World

CERTS = int(os.environ.get("CERTS", "200"))
VALIDITY = int(os.environ.get("VALIDITY", "600"))
SECONDS = int(os.environ.get("SECONDS", "900"))

suite = Suite()


class Meter:
    """RSS and processor time of one process after another."""

    def __init__(self, d):
        self.d = d
        self.done_cpu = 0.0
        self.lives = []        # of each process: [(seconds, kB)]
        self.began = time.monotonic()

    def start(self):
        self.d.start()
        self.lives.append([])

    def end(self, how):
        self.done_cpu += self.d.cpu()
        how()

    def look(self):
        self.lives[-1].append((time.monotonic() - self.began, self.d.rss()))

    def cpu(self):
        return self.done_cpu + self.d.cpu()

    def flat(self):
        """After the first quarter of its life no process grows by more than 5 %."""
        for life in self.lives:
            later = [kb for _, kb in life[len(life) // 4:]]
            if len(later) >= 8:
                first, last = min(later[:4]), min(later[-4:])
                check(last <= first * 1.05, "RSS grew from %d to %d kB" % (first, last))

    def text(self):
        return " then ".join("%d..%d kB" % (min(kb for _, kb in life), max(kb for _, kb in life))
                             for life in self.lives if life)


def names(first, last):
    return {"n%d.example" % i: {} for i in range(first, last)}


def acts(d, meter):
    """(share of the time, what happens then)"""
    fresh = names(5, CERTS + 5)

    def terminate():
        seconds = []
        meter.end(lambda: seconds.append(d.stop()))
        check(seconds[0] < 6, "%.1f s to stop" % seconds[0])
        meter.start()

    def kill():
        meter.end(d.kill)
        meter.start()

    def bad():
        good = dict(d.certs)
        d.reload(good, more="\nnonsense\n")
        check(d.lines("stays in force"), "a bad file was taken")
        d.write(good)

    return [(0.2, lambda: d.reload(fresh)), (0.4, terminate), (0.6, kill), (0.8, bad)]


@suite.case("a year in a quarter of an hour")
def year():
    with World(namespace=False, validity=VALIDITY) as w, Daemon(w, names(0, CERTS)) as d:
        meter, watch = Meter(d), Watch(d)
        meter.start()
        d.until(lambda: d.has(*d.certs), "all have their first", seconds=SECONDS)
        print("# all %d issued after %.0f s" % (CERTS, time.monotonic() - meter.began), flush=True)
        began = time.monotonic()
        for share, act in acts(d, meter) + [(1.0, lambda: None)]:
            while time.monotonic() - began < share * SECONDS:
                watch.look()
                meter.look()
                d.alive()
                time.sleep(1)
            act()
        d.until(lambda: d.has(*d.certs), "the new ones")
        watch.look()
        left = dict(watch.left)
        count, issued, excused = w.count(), watch.issued(), watch.excused
        errors = [line for line in d.lines("error: ") if "step order" not in line]
        cpu, stop = meter.cpu(), d.stop()
    print("# %d certificates of %d s for %d s: %d issued, the least life left was %.0f s" %
          (CERTS, VALIDITY, SECONDS, issued, watch.least))
    print("# RSS %s; processor %.1f s, %.1f ms for each certificate; SIGTERM %.2f s" %
          (meter.text(), cpu, 1000 * cpu / issued, stop))
    print("# %d requests: %s; the CA said 500 for %d names; other errors: %s" % (
        count["total"], ", ".join("%d %s" % (v, k) for k, v in sorted(count.items())
                                  if k != "total"), len(excused), errors), flush=True)
    meter.flat()
    # None that should have been renewed was left alone: half of the life, and half of the rest.
    missed = {n: s for n, s in left.items() if n not in excused and s < VALIDITY / 4 - 30}
    equal(missed, {}, "seconds left of those that were missed")
    equal(count["newAccount"], 1, "accounts")
    check(count["newOrder"] <= issued + len(excused) + 2 * len(meter.lives),
          "%d orders for %d certificates" % (count["newOrder"], issued))
    check(len(errors) <= 3, "errors: %s" % errors[:5])       # the bad file, and no other


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("a year of the daemon"))
