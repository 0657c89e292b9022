#!/usr/bin/env python3
"""dns-01 by DNS UPDATE: real servers (BIND 9, Knot) with TSIG, and Pebble that asks them."""
import base64
import functools
import hashlib
import os
import re
import subprocess
import sys
import time

import common
from common import Skip, Suite, check, check_set, equal
from daemonrig import Daemon
from dnsrig import Bind, Key, Knot, zone
from fakeclock import fake_clock
from world import World

suite = Suite()

NAME = "dev.example.net"
OWNER = "_acme-challenge." + NAME
NS1, NS2 = "127.0.0.2", "127.0.0.3"


def bed(ask=NS1):
    """Decorator: fn(world, client), where the CA asks that server."""
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            if not common.in_namespace():
                raise Skip("needs addresses and port 53 of its own: a network namespace")
            with World(ask_dns=ask + ":53") as w, w.client() as c:
                w.dns("add_a", host="ns1.dns.test.", addresses=[NS1])
                w.dns("add_a", host="ns2.dns.test.", addresses=[NS2])
                return fn(w, c)
        return run
    return wrap


def dns_args(c, key, server=NS1):
    return ["--challenge", "dns-01", "--dns-server", server, "--tsig-key-file", key.file(c.base)]


def need_account(w):
    if [int(x) for x in w.version.split(".")] < [2, 8]:
        raise Skip("pebble %s has no dns-account-01, or an older label" % w.version)


def one(name="example.net", more=""):
    return {name: zone(name, ["ns1.dns.test"], more)}


def good(server, key):
    def fn(w, c):
        with server(NS1, one(), key) as ns1:
            c.issue([NAME], *dns_args(c, key)).expect(0)
            check_set(c.live(NAME), [NAME], w.roots)
            equal(ns1.txt(OWNER), 0, "records left behind")
    return fn


for title, server in (("bind", Bind), ("knot", Knot)):
    for algorithm in ("hmac-sha256", "hmac-sha512"):
        suite.add("%s takes %s" % (title, algorithm), bed()(good(server, Key(algorithm=algorithm))))


def both(server):
    def fn(w, c):
        key = Key()
        # A stranger's value at the same name stays.
        with server(NS1, one(more='_acme-challenge.dev TXT "of somebody else"'), key) as ns1:
            c.issue([NAME, "*." + NAME], *dns_args(c, key)).expect(0)
            check_set(c.live(NAME), [NAME, "*." + NAME], w.roots)
            equal(ns1.txt(OWNER), 1, "records at the name")
            check(b"of somebody else" in ns1.ask(OWNER, 16)[2], "the stranger's value is gone")
    return fn


@suite.case("dns-account-01 beside a stranger's dns-01")
@bed()
def account(w, c):
    """The record of each account has a name of its own; an alias at the old name is no matter."""
    key = Key()
    names = [NAME, "*." + NAME]
    need_account(w)
    with Bind(NS1, one(more="_acme-challenge.dev CNAME away.example.org."), key) as ns1:
        way = ["--challenge", "dns-account-01"] + dns_args(c, key)[2:]
        c.issue(names, *way).expect(0)
        check_set(c.live(NAME), names, w.roots)
        url = re.search(r"https://\S+", c.run("account show").expect(0).out)[0]
        owner = "_%s.%s" % (base64.b32encode(hashlib.sha256(url.encode()).digest()[:10])
                            .decode().lower(), OWNER)
        check("'%s' TXT" % owner in ns1.log() or "%s/TXT" % owner in ns1.log(),
              "no update of %s: %s" % (owner, ns1.log()[-300:]))
        equal(ns1.txt(owner), 0, "records left behind")
        c.issue(["127.0.0.1"], *way).expect(6, "http-01")


@suite.case("dns-account-01 and dns-01 the preferred one first")
@bed()
def account_first(w, c):
    key = Key()
    need_account(w)
    with Bind(NS1, one(), key) as ns1:
        c.issue([NAME], "--challenge", "dns-account-01", *dns_args(c, key)).expect(0)
        check("_acme-challenge" in ns1.log() and "'%s' TXT" % OWNER not in ns1.log(),
              "dns-01 was used")
        c.issue([NAME], *dns_args(c, key), "--challenge", "dns-account-01", "--force").expect(0)


@suite.case("dns-01 in the daemon and in renew")
@bed()
def many(w, c):
    key = Key()
    more = {"challenge": "dns-01", "dns-server": NS1, "tsig-key-file": key.file(c.base)}
    other, wrong = "two.example.net", "dev.example.org"
    certs = {NAME: dict(more, domain=NAME + " *." + NAME), other: dict(more, domain=other),
             wrong: dict(more, domain=wrong)}
    with Bind(NS1, one(), key) as ns1, Daemon(w, certs) as d:
        r = d.renew().expect(6, "no zone of this name")
        check_set(os.path.join(d.out, NAME), [NAME, "*." + NAME], w.roots)
        check_set(os.path.join(d.out, other), [other], w.roots)
        check("port 80" not in r.text and key.secret not in r.text, str(r))
        equal(ns1.txt(OWNER), 0, "records left behind")
        third = "three.example.net"
        d.write({third: dict(more, domain="%s *.%s" % (third, third))})
        d.start()
        d.until(lambda: os.path.exists(os.path.join(d.out, third, "cert.pem")), "a certificate")
        check_set(os.path.join(d.out, third), [third, "*." + third], w.roots)
        d.stop()
        equal(ns1.txt("_acme-challenge." + third), 0, "records left behind")


@suite.case("what to do says nothing of ports where dns is the proof")
@bed(ask=NS2)
def hint(w, c):
    key = Key()
    # The CA asks a server that has never heard of it.
    with Bind(NS1, one(), key), Bind(NS2, one(), Key("other")):
        r = c.issue([NAME], *dns_args(c, key)).expect(2, "TXT")
        check("port 80" not in r.text and "must have the TXT record" in r.text, str(r))
        # Who only looks knows no options: all ways are told.
        r = c.status("-d", NAME)
        check("every DNS server" in r.text or "port" not in r.text, str(r))


suite.add("wildcard and base in one order bind", bed()(both(Bind)))
suite.add("wildcard and base in one order knot", bed()(both(Knot)))


@suite.case("alias is followed into another zone")
@bed()
def alias(w, c):
    key = Key()
    zones = dict(one(more="_acme-challenge.dev CNAME dev.acme.example.org."),
                 **{"acme.example.org": zone("acme.example.org", ["ns1.dns.test"])})
    # A server follows an alias out of a zone only for those it looks up things for.
    with Bind(NS1, zones, key, recursion="yes") as ns1:
        c.issue([NAME], *dns_args(c, key)).expect(0)
        check_set(c.live(NAME), [NAME], w.roots)
        equal(ns1.txt("dev.acme.example.org"), 0, "records left behind")
        check("dev.acme.example.org/TXT" in ns1.log() or "'dev.acme.example.org' TXT" in ns1.log(),
              "the update did not go to the alias: %s" % ns1.log()[-300:])


def refused(pattern, theirs=None, ours=None, policy=None, zones=None):
    @bed()
    def fn(w, c):
        key = Key(secret=b"k" * 32)
        with Bind(NS1, zones or one(), theirs or key, policy=policy) as ns1:
            r = c.issue([NAME], *dns_args(c, ours or key)).expect((2, 6), pattern)
            check(key.secret not in r.text, "the secret is printed")
            equal(w.count()["challenge"], 0, "challenges told to the CA")
            if not zones:
                equal(ns1.txt(OWNER), 0, "records")
    return fn


suite.add("wrong secret bind", refused("BADSIG", ours=Key(secret=b"x" * 32)))
suite.add("wrong key name bind", refused("BADKEY", ours=Key("other", secret=b"k" * 32)))
suite.add("refused zone bind", refused("REFUSED", policy="allow-update { none; };"))
suite.add("no such zone bind", refused("no zone of this name", zones=one("example.org")))


@suite.case("wrong secret knot")
@bed()
def knot_wrong(w, c):
    with Knot(NS1, one(), Key()):
        c.issue([NAME], *dns_args(c, Key())).expect((2, 6), "BADSIG")


@suite.case("clock skew is told")
@bed()
def skew(w, c):
    key = Key()
    with Bind(NS1, one(), key):
        c.issue([NAME], *dns_args(c, key), env=fake_clock(1000)).expect((2, 6), "BADTIME")


@suite.case("slow secondary is waited for")
@bed(ask=NS2)
def slow(w, c):
    key = Key()
    zones = {"example.net": zone("example.net", ["ns1.dns.test", "ns2.dns.test"])}
    with Bind(NS1, zones, key) as ns1, Bind(NS2, zones, secondary_of=NS1) as ns2:
        w.mark()
        # The CA asks the secondary, which hears of nothing but by looking every 2 s.
        c.issue([NAME], *dns_args(c, key)).expect(0)
        check_set(c.live(NAME), [NAME], w.roots)
        equal(w.count()["challenge"], 1, "challenges told to the CA")
        equal(ns1.txt(OWNER), 0, "records left behind")


@suite.case("killed while it waits and the next run leaves nothing behind")
@bed()
def killed(w, c):
    key = Key()
    zones = {"example.net": zone("example.net", ["ns1.dns.test", "ns2.dns.test"])}
    with Bind(NS1, zones, key) as ns1:
        argv = [common.lwacme_path()] + c.args("issue", [NAME], *dns_args(c, key))
        p = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while ns1.txt(OWNER) == 0 and time.monotonic() < end:
            time.sleep(0.05)
        equal(ns1.txt(OWNER), 1, "records while it waits for the second server")
        p.kill()
        p.wait()
        c.issue([NAME], *dns_args(c, key), "--dns-only-primary", "--now").expect(0)
        check_set(c.live(NAME), [NAME], w.roots)
        equal(ns1.txt(OWNER), 0, "records left behind")


@suite.case("options are checked and the key is never printed")
def options():
    key = Key()
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        dns = ["--challenge", "dns-01"]
        path = key.file(c.base)
        c.issue([NAME], *dns).expect(1, "--tsig-key-file")
        c.issue([NAME], "--challenge", "dns-account-01").expect(1, "--tsig-key-file")
        c.issue([NAME], "--tsig-key-file", path).expect(1, "need --challenge dns-01")
        c.issue([NAME], "--challenge", "dns-99").expect(1, "http-01, tls-alpn-01, dns-01")
        for server in ("a b", "127.0.0.1:0", "127.0.0.1:65536", "[::1", "ns1:x", "*.a.b", ":53"):
            c.issue([NAME], *dns, "--tsig-key-file", path, "--dns-server", server).expect(
                1, "ADDR")
        c.issue([NAME], *dns, "--tsig-key-file", "/nonexistent").expect(4, "No such file")
        for mode, text, words in (
                (0o640, key.text(), "chmod 600"), (0o600, "", "form"), (0o600, key.text()[:-3], "form"),
                (0o600, key.text().replace("sha256", "md5"), "algorithm"),
                (0o600, key.text().replace(key.secret, "AAAA"), "base64"),
                (0o600, key.text() + "x", "form"), (0o600, "x" * 5000, "too long")):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(path, mode)
            r = c.issue([NAME], *dns, "--tsig-key-file", path).expect(4, words)
            check(key.secret not in r.text, "the secret is printed")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("dns01"))
