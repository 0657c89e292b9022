#!/usr/bin/env python3
"""The harness judged by a client whose conversation is known: its counters must tell the truth."""
import sys

import common
from common import Suite, check, equal, openssl
import fakeca
import miniacme
import world

suite = Suite()


def verify(pem, w_roots, name):
    with open(w_roots + ".chain", "w", encoding="ascii") as f:
        f.write(pem)
    openssl("verify", "-CAfile", w_roots, "-untrusted", w_roots + ".chain", w_roots + ".chain")
    equal(common.cert_names(w_roots + ".chain"), [name], "names")


def one(version):
    with world.World(version=version) as w:
        m = miniacme.Mini(w.directory, w.ca_file, w.http_port)
        try:
            verify(m.issue(["a.example.net"]), w.roots, "a.example.net")
            c = w.count()
            equal(c["total"], 10, "requests for one name with a new account (%s)" % dict(c))
            equal(w.connections(), 1, "connections")
            equal((c["newOrder"], c["finalize"]), (1, 1), "newOrder and finalize")
            w.mark()
            m.issue(["b.example.net"])
            equal(w.count()["total"], 9, "requests with a known account")
        finally:
            m.close()


for v in ("newest", "2.4.0"):
    suite.add("harness pebble %s" % v, lambda v=v: one(v))


@suite.case("harness sees refused nonces")
def refused_nonces():
    with world.World(nonce_reject=50) as w:
        m = miniacme.Mini(w.directory, w.ca_file, w.http_port)
        try:
            m.issue(["a.example.net", "b.example.net"])
            check(w.count()["total"] > 12, "more requests than the minimum")
        finally:
            m.close()


@suite.case("harness sees a proof that fails")
def refused_proof():
    with world.World() as w:
        m = miniacme.Mini(w.directory, w.ca_file, w.http_port)
        try:
            m.thumb = "wrong"
            try:
                m.issue(["a.example.net"])
            except RuntimeError as e:
                check("invalid" in str(e), str(e))
            else:
                raise common.Fail("a wrong proof was accepted")
        finally:
            m.close()


@suite.case("harness fake CA issues and keeps its log")
def fake():
    port = world.free_port()
    with fakeca.FakeCA(port) as ca:
        m = miniacme.Mini(ca.directory, ca.ca_file, port)
        try:
            verify(m.issue(["a.example.net"], wait=0.3), ca.ca_file, "a.example.net")
            equal(ca.complaints, [], "complaints")
            equal(ca.kinds(), ["directory", "newNonce", "newAccount", "newOrder", "authz",
                               "challenge", "order", "finalize", "order", "order",
                               "certificate"], "requests")
            equal(ca.connections, 1, "connections")
        finally:
            m.close()


@suite.case("harness fake CA misbehaves when told")
def misbehave():
    port = world.free_port()
    with fakeca.FakeCA(port).on("newOrder", fakeca.problem(500, "serverInternal", "boom")) as ca:
        m = miniacme.Mini(ca.directory, ca.ca_file, port)
        try:
            m.issue(["a.example.net"])
        except RuntimeError as e:
            check("500" in str(e) and "boom" in str(e), str(e))
        else:
            raise common.Fail("the rule was not applied")
        finally:
            m.close()


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("harness"))
