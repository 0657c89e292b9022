#!/usr/bin/env python3
"""The harness judged by a client whose conversation is known: its counters must tell the truth."""
import contextlib
import io
import re
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


@suite.case("harness knows the CA's dice")
def dice():
    """A real life of orders shows none; each of the two, put into its log, is seen."""
    with world.World() as w:
        m = miniacme.Mini(w.directory, w.ca_file, w.http_port)
        try:
            m.issue(["a.example.net"])
        finally:
            m.close()
        with open(w.path("pebble.log"), encoding="utf-8") as f:
            text = f.read()
        check("Added order" in text and "Issued certificate serial" in text, "other words in the log")
        # Not its own dice: they may have fallen so.
        text = re.sub(r"(certificate serial )\w\w", r"\g<1>12", text)
        for old, new, words in ((None, None, None), ("serial 12", "serial 92", "serial number"),
                                ("authorizations in the db", "", "reused")):
            with open(w.path("pebble.log"), "w", encoding="utf-8") as f:
                f.write(text if old is None else text.replace(old, new))
            seen = w.dice()
            check(seen is None if words is None else words in (seen or ""), "%s: %s" % (words, seen))
        with open(w.path("pebble.log"), "w", encoding="utf-8") as f:
            f.write("")


@suite.case("harness runs an unlucky case twice and another once")
def unlucky():
    for excuse, runs in (("the CA did it", 2), (None, 1)):
        calls, inner = [], Suite()

        def fails_at_first(calls=calls, excuse=excuse):
            calls.append(1)
            if len(calls) == 1:
                if excuse:
                    common.excuse(excuse)
                raise common.Fail("unlucky")
        inner.add("inner", fails_at_first)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = inner.main("inner")
        equal((len(calls), status), (runs, 0 if excuse else 1), said.getvalue())


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("harness"))
