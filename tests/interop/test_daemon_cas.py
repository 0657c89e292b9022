#!/usr/bin/env python3
"""`lwacme run` with several CAs, each a Pebble of its own: the first goes away and comes back, one is taken out of
the list, and a staging CA sees what the real one did not.

Backoffs are minutes to hours: the wall clock of the daemon is moved over them, until what is waited for is there.
"""
import json
import re
import sys
import time

import common
from common import Suite, check, check_set, equal, run_tool
from daemonrig import Daemon, pebble
from fakeclock import MovingClock
from world import World, free_port

suite = Suite()
DAY = 86400
TWO = {"a.example": {}, "b.example": {"key-type": "p384"}}


def side(name):
    """A case beside the others."""
    return suite.case(name, background=True)


def beside(w, **options):
    """Another CA that asks the same port."""
    return World(namespace=False, http_port=w.http_port, **dict({"validity": 20 * DAY}, **options))


def steps(d, clock, cond, what, seconds=1800):
    """The clock goes on until it is so. Each step is one that the daemon notices, and waits for it."""
    def step():
        if cond():
            return True
        clock.by(seconds)
        return False

    tries = [0]

    def slowly():
        tries[0] += 1
        return cond() or (tries[0] % 20 == 0 and step())

    d.until(slowly, what, seconds=180)


@side("the second CA while the first is away, and back")
def away():
    with pebble(validity=20 * DAY) as w1, beside(w1) as w2, Daemon(w1, TWO) as d:
        clock = MovingClock(d.base)
        d.env = dict(clock.env, WATCHDOG_USEC="400000")
        d.own["server"] = "%s %s" % (w1.directory, w2.directory)
        d.write(TWO)
        d.start().until_has(*TWO)
        for name in TWO:
            check_set(d.live(name), [name], w1.roots)
        d.until(lambda: len(d.lines("to be renewed from")) == 2, "both at rest")
        w1.forwarder.refuses = True
        clock.to(18 * DAY)                     # in the last quarter of the life: two failures are enough
        steps(d, clock, lambda: all(d.number(n) == 2 for n in TWO), "certificates of the second CA")
        clock.to(0)
        for name in TWO:
            check_set(d.live(name), [name], w2.roots)
            check(len(d.lines("error: %s: .*directory" % re.escape(name))) >= 2, "too early: %s" % d.log)
            check(d.lines("%s: the CA is now %s" % (re.escape(name), re.escape(w2.directory))), d.log)
        equal(w2.count()["newAccount"], 1, "accounts at the second")
        equal(w2.count()["newOrder"], 2, "orders at the second")
        w1.forwarder.refuses = False
        w1.mark()
        clock.to(18 * DAY)                     # the next renewal: the first has its turn again
        steps(d, clock, lambda: all(d.number(n) == 3 for n in TWO), "certificates of the first CA")
        clock.to(0)
        for name in TWO:
            check_set(d.live(name), [name], w1.roots)
        equal(w1.count()["newOrder"], 2, "orders at the first")
        equal(w1.count()["newAccount"], 0, "accounts at the first")
        equal(w2.count()["newOrder"], 2, "orders at the second")
        d.stop()


@side("a CA that is taken out is no rush to the next one")
def taken_out():
    names = {"n%d.example" % i: {} for i in range(8)}
    with pebble(validity=20 * DAY) as w1, beside(w1) as w2, Daemon(w1, names) as d:
        d.own["server"] = "%s %s" % (w1.directory, w2.directory)
        d.write(names)
        d.start().until_has(*names)
        d.until(lambda: len(d.lines("to be renewed from")) == len(names), "all at rest")
        d.own["server"] = w2.directory
        d.reload(names)
        d.until(lambda: len(d.lines("due, and begun .*spread over time")) == len(names), "all are spread")
        d.stop()
        equal(w2.count()["newOrder"], 0, "orders at the second")
        d.renew().expect(0)                    # somebody asked
        for name in names:
            check_set(d.live(name), [name], w2.roots)


@side("a rehearsal at the staging CA")
def rehearsal():
    """Nobody knows an address of the name, until somebody adds it."""
    with pebble(validity=20 * DAY) as real, beside(real) as staging, Daemon(real, TWO) as d:
        clock = MovingClock(d.base)
        d.env = dict(clock.env, WATCHDOG_USEC="400000")
        d.own["staging-server"] = staging.directory
        d.write(TWO)
        for w in (real, staging):
            w.dns("set_default_ipv4", ip="")
        d.start().until(lambda: all(d.lines("error: %s: " % n) for n in TWO), "a proof that fails, of both")
        equal(real.count()["newOrder"], 2, "orders at the real CA")
        equal(staging.count()["total"], 0, "requests to the staging CA")
        steps(d, clock, lambda: staging.count()["newOrder"] >= 2 and
              all(len(d.lines("error: %s: " % n)) >= 2 for n in TWO), "a rehearsal that fails, of both")
        equal(real.count()["newOrder"], 2, "orders at the real CA")
        for w in (real, staging):
            w.dns("set_default_ipv4", ip="127.0.0.1")
        steps(d, clock, lambda: d.has(*TWO), "the certificates")
        for name in TWO:
            check_set(d.live(name), [name], real.roots)
            check(d.lines("%s: the CA is now .*has seen the proof" % re.escape(name)), d.log)
        equal(real.count()["newOrder"], 4, "orders at the real CA")
        equal((staging.count()["finalize"], staging.count()["certificate"]), (0, 0), "what staging gave")
        d.stop()


@side("a CA that has to revoke them all")
def mass_revocation():
    """The CA moves the window of each into the past, and says why (RFC 9773 4): all are renewed when it is asked."""
    names = {"n%d.example" % i: {} for i in range(5)}
    with pebble(validity=20 * DAY) as w, Daemon(w, names) as d:
        clock = MovingClock(d.base)
        d.env = dict(clock.env, WATCHDOG_USEC="400000")
        d.start().until_has(*names)
        d.until(lambda: len(d.lines("to be renewed from")) == len(names), "all at rest")
        told = '{"suggestedWindow":{"start":"%s","end":"%s"},"explanationURL":"https://ca.example/why\\u001b[31m"}' % (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600)),
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1800)))
        for name in names:
            with open(d.cert(name), encoding="ascii") as f:
                w.manage("/set-renewal-info/", json.dumps({"Certificate": f.read(), "ARIResponse": told}))
        w.mark()
        clock.to(7 * 3600)                     # past the Retry-After of the last answer, six hours
        d.until(lambda: all(d.number(n) == 2 for n in names), "renewals")
        for name in names:
            check_set(d.live(name), [name], w.roots)
            check(d.lines(r"%s: the CA's window .*why: https://ca.example/why\?\[31m" % re.escape(name)), d.log)
        equal(w.count()["newOrder"], len(names), "orders")
        check("\x1b" not in d.log, "what the CA says reaches the terminal")
        d.stop()


@side("check and status of a list")
def told():
    with pebble() as w1, Daemon(w1, {"a.example": {}}) as d:
        second, staging = "https://localhost:%d/dir" % free_port(), "https://localhost:%d/dir" % free_port()
        d.own.update({"server": [w1.directory, second], "staging-server": staging})
        d.write(d.certs)
        words = run_tool(["check", "-c", d.conf]).expect(0).out
        check("from %s, then %s, rehearsed at %s, into" % (w1.directory, second, staging) in words, words)
        (e, _) = run_tool(["check", "-c", d.conf, "--json"]).expect(0).events()
        equal((e["server"], e["servers"], e["staging_server"]), (w1.directory, [w1.directory, second], staging),
              "servers")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("the daemon and several CAs"))
