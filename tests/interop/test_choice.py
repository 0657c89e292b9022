#!/usr/bin/env python3
"""Several ways of proof at once: each name by what fits, and never by the way that failed last.
Pebble asks a real DNS server (BIND 9), which the agent changes by signed UPDATE."""
import functools
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

import common
from common import Skip, Suite, check, check_set, equal, lwacme_path
from daemonrig import Daemon
from dnsrig import Bind, Key, zone
from world import World

suite = Suite()

NS1 = "127.0.0.2"
NOBODY = "192.0.2.9"            # no way leads there
KEY = Key()
HTTP, DNS, TLS = "http-01", "dns-01", "tls-alpn-01"
HERE, CLOSED = "here.example.net", "closed.example.net"
ZONE = "here A 127.0.0.1\n*.here A 127.0.0.1\nclosed A %s\nother A %s" % (NOBODY, NOBODY)


def bed(update=True):
    """Decorator: fn(world, client, dns server)."""
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            if not common.in_namespace():
                raise Skip("needs addresses and ports 53 and 80 of its own: a network namespace")
            zones = {"example.net": zone("example.net", ["ns1.dns.test"], ZONE)}
            with World(ask_dns=NS1 + ":53") as w, w.client() as c, \
                    Bind(NS1, zones, KEY, policy=None if update else "allow-update { none; };") as ns:
                w.dns("add_a", host="ns1.dns.test.", addresses=[NS1])
                return fn(w, c, ns)
        return run
    return wrap


def ways(c, *types, blind=False):
    """blind: http-01 by files that nobody serves; who does not see whether the CA has come does not
    wait 5 s for it."""
    args = []
    if blind:
        os.makedirs(os.path.join(c.base, "www"), exist_ok=True)
        args += ["--webroot", os.path.join(c.base, "www")]
    for kind in types:
        args += ["--challenge", kind]
    if DNS in types:
        args += ["--dns-server", NS1, "--tsig-key-file", KEY.file(c.base)]
    return args


def tried(run):
    """{name: the type that the CA was told of}."""
    return {e["detail"]: e["text"] for e in run.events()
            if e["event"] == "challenge" and e.get("word") == "responded"}


def clean(ns, *names):
    for name in names:
        equal(ns.txt("_acme-challenge." + name), 0, "records left behind for " + name)


@suite.case("the first way fails and the next order goes the second")
@bed()
def second(w, c, ns):
    args = ways(c, HTTP, DNS, blind=True)
    r = c.issue([CLOSED], *args, "--json").expect(2)
    equal(tried(r), {CLOSED: HTTP}, "first")
    r = c.issue([CLOSED], *args).expect(3, "held back")
    r = c.status().expect((0, 4), "http-01 failed since the last certificate; others")
    check('"failed_types":["http-01"]' in c.status("--json").out, "failed_types of status")
    r = c.issue([CLOSED], *args, "--json", "--now").expect(0)
    equal(tried(r), {CLOSED: DNS}, "second")
    equal([e["text"] for e in r.events() if e.get("word") == "instead"], [DNS], "told instead")
    check_set(c.live(CLOSED), [CLOSED], w.roots)
    equal(w.count()["newOrder"], 2, "orders")
    check("failed_types" not in c.status("--json").out, "forgotten with the certificate")
    clean(ns, CLOSED)


@suite.case("a person reads which way it is this time")
@bed()
def person(w, c, ns):
    args = ways(c, HTTP, DNS, blind=True)
    c.issue([CLOSED], *args).expect(2)
    c.issue([CLOSED], *args, "--now").expect(0, "closed.example.net: by dns-01 this time")


@suite.case("all ways fail and they take turns")
@bed()
def turns(w, c, ns):
    args = ways(c, HTTP, TLS, blind=True)
    for want in (HTTP, TLS, HTTP):
        r = c.issue([CLOSED], *args, "--json", "--now").expect(2)
        equal(tried(r), {CLOSED: want}, "tried")


@suite.case("wildcard base and address in one certificate")
@bed()
def mixed(w, c, ns):
    names = [HERE, "*." + HERE, "127.0.0.1"]
    r = c.issue(names, *ways(c, HTTP, DNS), "--json").expect(0)
    equal(tried(r), {HERE: HTTP, "*." + HERE: DNS, "127.0.0.1": HTTP}, "ways")
    equal(w.count()["newOrder"], 1, "orders")
    check_set(c.live(HERE), names, w.roots)
    clean(ns, HERE)
    r = c.issue(names, *ways(c, DNS, TLS), "--json", "--force", "--now").expect(0)
    equal(tried(r), {HERE: DNS, "*." + HERE: DNS, "127.0.0.1": TLS}, "ways, the other way round")
    clean(ns, HERE)


@suite.case("one name of several fails and the others go on as they can")
@bed()
def several(w, c, ns):
    names = [HERE, CLOSED, "other.example.net"]
    args = ways(c, HTTP, DNS) + ["--json"]
    r = c.issue(names, *args).expect(2)
    equal(set(tried(r).values()), {HTTP}, "first")
    r = c.issue(names, *args, "--now").expect(0)
    # One closed port is told of by the CA: the others are not found out by an order each.
    equal(set(tried(r).values()), {DNS}, "second")
    equal(w.count()["newOrder"], 2, "orders")
    check_set(c.live(HERE), names, w.roots)
    clean(ns, *names)


@suite.case("a port that is taken is passed over in the same order")
@bed()
def busy(w, c, ns):
    with socket.create_server(("127.0.0.1", w.http_port)):
        bind = ["--http-bind", "127.0.0.1"]
        r = c.issue([HERE], *ways(c, HTTP, DNS), *bind).expect(0, "http-01: a way of proof cannot "
                                                                  "be used now.*port is in use")
        equal(w.count()["newOrder"], 1, "orders")
        clean(ns, HERE)
        # Without another way it is what it always was.
        with w.client() as alone:
            alone.issue([HERE], *ways(alone, HTTP), *bind).expect(4, "port %d" % w.http_port)
            # ... and with one that does not do for this name.
            r = alone.issue(["127.0.0.1"], *ways(alone, HTTP, DNS), *bind).expect(4)
            check("cannot be used" not in r.text, "another way was looked for: %s" % r)


@suite.case("a dns server that refuses is passed over in the same order")
@bed(update=False)
def refuses(w, c, ns):
    r = c.issue([HERE], *ways(c, DNS, HTTP), "--json").expect(0)
    equal(tried(r), {HERE: HTTP}, "ways")
    equal(w.count()["newOrder"], 1, "orders")
    equal([e.get("word") for e in r.events() if e["event"] == "warning"], [DNS], "warnings")
    clean(ns, HERE)


@suite.case("nothing fits is told with what to do")
@bed()
def none(w, c, ns):
    words = "the CA offers %s for %s, none of the configured solvers does that"
    wild = "*." + HERE
    types = "dns-01"
    r = c.issue([wild], *ways(c, HTTP, TLS)).expect(6)
    line = next(l for l in r.err.splitlines() if "none of the configured" in l)
    check("for %s, none of the configured solvers does that" % wild in line and types in line,
          "what: %s" % r)
    check("add a --challenge that the CA offers" in r.err, "what to do: %s" % r)
    check("none of the configured solvers does that" in c.status().out, "status")
    r = c.issue([wild], *ways(c, HTTP), "--now", "--json").expect(6)
    f = next(e for e in r.events() if e["event"] == "failure")["failure"]
    check(f["what"].startswith("the CA offers ") and f["what"].endswith(words[words.index(" for"):]
          % wild), "JSON: %r" % f)
    check(f["identifier"] == wild and "--challenge" in f["do"], "JSON: %r" % f)
    r = c.issue(["127.0.0.1"], *ways(c, DNS)).expect(6)
    check(re.search("the CA offers (http-01, tls-alpn-01|tls-alpn-01, http-01) for 127.0.0.1, none", r.err),
          "address: %s" % r)
    equal(w.count()["challenge"], 0, "challenges told to the CA")


# ---------------------------------------------------------------- the daemon, and power

def conf(c, **more):
    return dict({"challenge": "http-01 dns-01", "dns-server": NS1,
                 "tsig-key-file": KEY.file(c.base)}, **more)


@suite.case("the daemon of a file with two ways survives kill 9")
@bed()
def daemon(w, c, ns):
    certs = {CLOSED: conf(c), HERE: conf(c, domain="%s *.%s 127.0.0.1" % (HERE, HERE)),
             "other.example.net": conf(c, challenge="dns-01")}
    with Daemon(w, certs, verbose=True) as d:
        d.start().until_has(HERE, "other.example.net")
        d.until(lambda: "closed.example.net: " in d.log and "error" in d.log, "the failure")
        d.until(lambda: status_types(d) == ["http-01"], "http-01 on record")
        d.process.kill()
        d.process.wait()
        mark = w.count()["newOrder"]
        d.renew("--now").expect(0, "closed.example.net: by dns-01 this time")
        check(d.has(CLOSED), "no certificate")
        equal(w.count()["newOrder"], mark + 1, "orders after the kill")
        check_set(d.live(HERE), [HERE, "*." + HERE, "127.0.0.1"], w.roots)
        equal(status_types(d), None, "what is left on record")


def status_types(d):
    r = common.run_tool(["status", "--state-dir", d.state, "--json"])
    for e in r.events():
        if e.get("certificate") == CLOSED:
            return e.get("failed_types")
    return None


@suite.case("SIGKILL at random moments and no way is tried twice in a row")
@bed()
def kills(w, c, ns):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    rng = random.Random(seed)
    print("# seed %d" % seed, flush=True)
    for _ in range(int(os.environ.get("KILLS", "8"))):
        with w.client() as one:
            args = ways(one, HTTP, DNS, blind=True) + ["--json", "--now"]
            p = subprocess.Popen([lwacme_path()] + [str(a) for a in one.args(
                "issue", [CLOSED], *args)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            try:
                p.wait(timeout=rng.uniform(0, 0.4))
            except subprocess.TimeoutExpired:
                pass
            p.send_signal(signal.SIGKILL)
            p.wait()
            last = None
            for _ in range(4):
                known = one.status("--json").out
                r = one.issue([CLOSED], *args)
                now = tried(r).get(CLOSED)
                check('"failed_types":["http-01"]' not in known or now != HTTP,
                      "http-01 again though it is on record (seed %d)" % seed)
                check(r.code == 0 or now is None or now != last,
                      "%s twice in a row (seed %d): %s" % (now, seed, r))
                last = now
                if r.code == 0:
                    break
                r.expect(2)
            equal(r.code, 0, "the end (seed %d)" % seed)
            check_set(one.live(CLOSED), [CLOSED], w.roots)
    clean(ns, CLOSED)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("choice"))
