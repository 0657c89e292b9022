#!/usr/bin/env python3
"""Several CAs, each a Pebble of its own: the second when the first is down, refuses or holds back, and the staging
CA after a proof has failed.

Our own backoff is overruled with --now: how long it is, and how patient we are with a certificate in force, is
unit-tested (tests/unit/test_servers.c).
"""
import base64
import contextlib
import os
import sys

import common
from common import Suite, check, check_set, equal
from fakeca import FakeCA, problem
import world
from world import World

suite = Suite()

NAME = "h0.example.net"


@contextlib.contextmanager
def two_cas(**options):
    """(first, second, client of the first): both ask the same port."""
    common.lwacme_path()
    with World() as w1, World(namespace=False, http_port=w1.http_port, **options) as w2, \
            w1.client() as c:
        yield w1, w2, c


def nobody():
    """A CA that is down."""
    return "https://localhost:%d/dir" % world.free_port()


@contextlib.contextmanager
def refusing(w):
    """A CA that makes no orders; sooner told than one that is down."""
    with FakeCA(w.http_port) as ca:
        ca.on("newOrder", problem(403, "rejectedIdentifier", "not here"))
        yield ca


def servers(c, *urls, staging=None):
    """The client's options for these servers, in this order."""
    c.directory = urls[0]
    more = [word for url in urls[1:] for word in ("--server", url)]
    return more + (["--staging-server", staging] if staging else [])


@suite.case("the second when the first is down, and back at the next renewal")
def down():
    with two_cas() as (w1, w2, c):
        more = servers(c, nobody(), w2.directory)
        c.issue(NAME, *more).expect(3)
        c.issue(NAME, *more).expect(3, "held back")            # our own backoff
        c.issue(NAME, *more, "--now").expect(3)
        equal(w2.count()["newOrder"], 0, "newOrder at the second, too early")
        r = c.issue(NAME, *more, "--now", "--json").expect(0)
        told = [e for e in r.events() if e["event"] == "server"]
        equal([(e["text"], e["detail"]) for e in told], [("failures", w2.directory)], "events")
        check_set(c.live(NAME), [NAME], w2.roots)
        equal(w2.count()["newOrder"], 1, "newOrder at the second")
        c.issue(NAME, *more).expect(0, "nothing due")          # as good as one of the first
        more = servers(c, w1.directory, w2.directory)          # another list, the same CA in it
        c.issue(NAME, *more).expect(0, "nothing due")
        equal(w1.count()["total"], 0, "requests to the first")
        c.issue(NAME, *more, "--force").expect(0)
        check_set(c.live(NAME), [NAME], w1.roots)
        equal(w2.count()["newOrder"], 1, "newOrder at the second")
        check(w1.count()["renewalInfo"] in (0, 1), "the window is not asked at the first")


@suite.case("status tells whose turn it is")
def told():
    with two_cas() as (w1, w2, c), refusing(w1) as bad:
        more = servers(c, bad.directory, w2.directory)
        for _ in range(2):
            c.issue(NAME, *more, "--now").expect(2)
        both = ["--server", bad.directory] + more
        equal(c.status(*both, "--json").expect(0).events()[0]["server"], w2.directory, "server")
        c.status(*both).expect(0, "server    " + w2.directory)
        c.issue(NAME, *more, "--now").expect(0)
        equal(c.status(*both, "--json").expect(0).events()[0]["server"], bad.directory, "server")


@suite.case("the second when the first refuses")
def refused():
    with two_cas() as (w1, w2, c), refusing(w1) as bad:
        more = servers(c, bad.directory, w2.directory)
        for _ in range(2):
            c.issue(NAME, *more, "--now").expect(2, "not here")
        c.issue(NAME, *more, "--now").expect(0, "failed too often")
        check_set(c.live(NAME), [NAME], w2.roots)
        equal(bad.count("newOrder"), 2, "newOrder at the first")
        equal(bad.complaints, [], "complaints")


@suite.case("the second at once when the first limits, which holds the first alone")
def limited():
    with two_cas() as (w1, w2, c), FakeCA(w1.http_port) as bad:
        bad.on("newOrder", problem(429, "rateLimited", "slowly", {"Retry-After": "300000"}), times=1)
        more = servers(c, bad.directory, w2.directory)
        c.issue(NAME, *more).expect((2, 3), "slowly")
        c.issue(NAME, *more, "--now").expect(0)
        check_set(c.live(NAME), [NAME], w2.roots)
        c.issue(NAME, *more, "--now", "--force").expect(3, "asked|CA")     # the first again, held back
        equal(bad.count("newOrder"), 1, "newOrder at the first")
        c.issue(NAME, *more, "--force", "--ignore-retry-after").expect(0)
        equal(bad.count("newOrder"), 2, "newOrder at the first")
        # The first one's ledger holds back other certificates too, for an hour: this one has no time for that.
        c.issue("h2.example.net", *more).expect(0, "too long")
        check_set(c.live("h2.example.net"), ["h2.example.net"], w2.roots)


@suite.case("an account with a binding at the second is made beforehand")
def bound():
    secret = base64.urlsafe_b64encode(bytes(range(64))).decode().rstrip("=")
    with two_cas(eab={"kid-1": secret}) as (w1, w2, c), refusing(w1) as bad:
        path = os.path.join(c.base, "eab.key")
        with open(path, "w", encoding="ascii") as f:
            f.write(secret)
        os.chmod(path, 0o600)
        servers(c, w2.directory)
        c.issue("h1.example.net", "--eab-kid", "kid-1", "--eab-hmac-key-file", path).expect(0)
        more = servers(c, bad.directory, w2.directory)
        for _ in range(2):
            c.issue(NAME, *more, "--now").expect(2)
        c.issue(NAME, *more, "--now").expect(0)
        check_set(c.live(NAME), [NAME], w2.roots)
        equal(w2.count()["newAccount"], 1, "newAccount")


@suite.case("after a failed proof the staging CA sees the next one first")
def rehearsal():
    with two_cas() as (real, staging, c):
        more = servers(c, real.directory, staging=staging.directory)
        wrong = world.free_port()
        c.issue(NAME, *more, http_port=wrong).expect(2)
        equal(real.count()["newOrder"], 1, "newOrder at the real CA")
        equal(staging.count()["total"], 0, "requests to the staging CA")
        c.issue(NAME, *more, "--now", http_port=wrong).expect(2, "see the proof")
        equal(real.count()["newOrder"], 1, "newOrder at the real CA")
        equal(staging.count()["newOrder"], 1, "newOrder at the staging CA")
        r = c.issue(NAME, *more, "--now", "--json").expect(0)
        equal([e["text"] for e in r.events() if e["event"] == "server"], ["rehearsal", "rehearsed"],
              "events")
        equal(real.count()["newOrder"], 2, "newOrder at the real CA")
        equal(staging.count()["newOrder"], 2, "newOrder at the staging CA")
        equal(staging.count()["finalize"], 0, "finalize at the staging CA")
        equal(staging.count()["certificate"], 0, "certificates of the staging CA")
        check_set(c.live(NAME), [NAME], real.roots)
        c.issue(NAME, *more, "--force").expect(0)          # no rehearsal is owed
        equal(staging.count()["newOrder"], 2, "newOrder at the staging CA")


@suite.case("a staging CA that is down is no reason to wait")
def rehearsal_down():
    with two_cas() as (real, _, c):
        more = servers(c, real.directory, staging=nobody())
        c.issue(NAME, *more, http_port=world.free_port()).expect(2)
        c.issue(NAME, *more, "--now").expect(3)
        c.issue(NAME, *more, "--now").expect(0)
        check_set(c.live(NAME), [NAME], real.roots)


@suite.case("revoked where it came from")
def revoked():
    with two_cas() as (w1, w2, c), refusing(w1) as bad:
        more = servers(c, bad.directory, w2.directory)
        for _ in range(2):
            c.issue([NAME, "h1.example.net"], *more, "--now", "--key-type", "p384").expect(2)
        c.issue([NAME, "h1.example.net"], *more, "--now", "--key-type", "p384").expect(0)
        serial = common.cert_serial(os.path.join(c.live(NAME), "cert.pem"))
        c.run("revoke", *more, names=[NAME]).expect(0)
        check(b"Revoked" in w2.manage("/cert-status-by-serial/" + serial), "not revoked")


@suite.case("what is wrong on the command line")
def words():
    one = "https://a.example.org/dir"
    for argv, told in ((["--server", one, "--server", one], "given twice"),
                       (["--server", one, "--staging-server", one], "--server too"),
                       (["--staging-server", one, "--server", one], "given twice"),
                       (["--staging-server", "http://a.example.org/"], "https"),
                       (["--staging-server", "https://nodot/"], "dot"),
                       ([w for i in range(6) for w in ("--server", one + str(i))], "not more than")):
        common.run_tool(["issue", "-d", NAME, "--agree-tos"] + argv).expect(1, told)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("servers"))
