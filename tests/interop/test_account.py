#!/usr/bin/env python3
"""Revocation and the life of an account, against Pebble, and what its management interface says then."""
import functools
import json
import os
import subprocess
import sys

import common
from common import Suite, cert_serial, check, equal, lwacme_path, openssl
import world

suite = Suite()
NAME = "h0.example.net"


def with_world(**options):
    """Decorator: fn(world, client) with one fresh CA and one fresh state folder."""
    def wrap(fn):
        @functools.wraps(fn)
        def run(*args, **kw):
            lwacme_path()
            with world.World(**dict(options, **kw)) as w, w.client() as c:
                try:
                    return fn(w, c, *args)
                except common.Fail as e:
                    raise common.Fail("%s [requests: %s]" % (e, dict(w.count()))) from e
        return run
    return wrap


def status(c):
    (line,) = c.status("--json").expect(0).out.splitlines()
    return json.loads(line)


def at_ca(w, cert):
    """(status, reason) of a certificate in the CA's own books."""
    serial = cert_serial(cert).lower().lstrip("0")
    serial = serial if len(serial) % 2 == 0 else "0" + serial
    told = json.loads(w.manage("/cert-status-by-serial/" + serial))
    return told["Status"], told.get("Reason")


# ---------------------------------------------------------------- revocation

def revoked(reason, number, *more):
    @with_world()
    def fn(w, c):
        c.issue([NAME]).expect(0)
        cert = c.live(NAME) + "/cert.pem"
        equal(at_ca(w, cert)[0], "Valid", "before")
        w.mark()
        options = (["--reason", reason] if reason else []) + list(more)
        c.run("revoke", *options, names=[NAME]).expect(0, "revoked.*--force")
        equal(w.count()["total"], 3, "requests")
        state, why = at_ca(w, cert)
        equal(state, "Revoked", "at the CA")
        equal(int(why or 0), number, "reason")
        s = status(c)
        equal((s["revoked"], s["revoked_reason"]), ("yes", reason or "unspecified"), "status")
        c.status().expect(0, "REVOKED")
        w.mark()
        c.issue([NAME]).expect(4, "revoked")
        c.issue([NAME], "--now").expect(4, "revoked")
        equal(w.count()["total"], 0, "requests for a revoked certificate")
        c.run("revoke", *options, names=[NAME]).expect(0)      # alreadyRevoked
        c.issue([NAME], "--force").expect(0)
        equal(at_ca(w, cert)[0], "Valid", "the successor")
        check("revoked" not in status(c), "the successor is told to be revoked")
        c.issue([NAME]).expect(0, "nothing due")
    return fn


suite.add("revoke by the account", revoked(None, 0))
suite.add("revoke by the account with a reason", revoked("superseded", 4))
suite.add("revoke by the certificate's key", revoked("keyCompromise", 1, "--signed-by",
                                                     "certificate"))


@suite.case("revoke: changed names get a new one without --force")
@with_world()
def revoke_changed(w, c):
    c.issue([NAME]).expect(0)
    c.run("revoke", names=[NAME]).expect(0)
    c.issue([NAME, "h1.example.net"]).expect(0)
    equal(w.count()["newOrder"], 2, "newOrder")


@suite.case("revoke a file: by the account, and by its key in a strange state folder")
@with_world()
def revoke_file(w, c):
    with w.client() as other:
        kept = []
        for i in range(3):
            c.issue([NAME], "--force").expect(0)
            kept.append(os.path.join(c.base, "kept%d" % i))
            subprocess.run(["cp", "-rL", c.live(NAME), kept[i]], check=True)
        c.run("revoke", "--file", kept[0] + "/fullchain.pem").expect(0)
        equal([at_ca(w, k + "/cert.pem")[0] for k in kept], ["Revoked", "Valid", "Valid"], "first")
        check("revoked" not in status(c), "the one in force is told to be revoked")
        other.run("revoke", "--file", kept[1] + "/cert.pem").expect(2, "no account")
        key = os.path.join(c.base, "pkcs8.pem")
        with open(key, "wb") as f:
            f.write(openssl("pkcs8", "-topk8", "-nocrypt", "-in", kept[1] + "/privkey.pem"))
        for what in (kept[2] + "/privkey.pem", key):
            other.run("revoke", "--file", kept[1] + "/cert.pem", "--key", what, "--signed-by",
                      "certificate", "--reason", "keyCompromise").expect(
                          0 if what == key else 2)
        equal([at_ca(w, k + "/cert.pem")[0] for k in kept], ["Revoked", "Revoked", "Valid"], "next")
        equal(w.count()["newAccount"], 1, "newAccount")
        # a file that is the one in the store after all
        c.run("revoke", "--file", kept[2] + "/cert.pem").expect(0)
        equal(status(c)["revoked"], "yes", "the one in force")


@suite.case("revoke: refused leaves no mark")
@with_world()
def revoke_refused(w, c):
    c.issue([NAME]).expect(0)
    cert = c.live(NAME) + "/cert.pem"
    wrong = os.path.join(c.base, "wrong.pem")
    with open(wrong, "wb") as f:
        f.write(openssl("ecparam", "-name", "prime256v1", "-genkey"))
    c.run("revoke", "--file", cert, "--key", wrong, "--signed-by", "certificate").expect(2, "the CA")
    equal(at_ca(w, cert)[0], "Valid", "at the CA")
    check("revoked" not in status(c), "a refused revocation left its mark")
    c.issue([NAME]).expect(0, "nothing due")


@suite.case("revoke: the CA is away in the middle")
@with_world()
def revoke_away(w, c):
    c.issue([NAME]).expect(0)
    p = w.processes.pop()
    p.kill()
    p.wait()
    c.run("revoke", names=[NAME]).expect(3)
    check("revoked" not in status(c), "nothing was asked")


@suite.case("revoke: options are checked")
def revoke_options():
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        c.run("revoke").expect(1, "which certificate")
        c.run("revoke", names=["a.example", "b.example"]).expect(1, "one")
        c.run("revoke", "--reason", "boredom", names=[NAME]).expect(1, "reason")
        c.run("revoke", "--signed-by", "me", names=[NAME]).expect(1, "account or certificate")
        c.run("revoke", "--file", "/nonexistent").expect(1, "No such file.*/nonexistent")
        c.run("revoke", "--file", "/bin/sh").expect(1, "certificate|too long")
        c.run("revoke", "--key", "/x", names=[NAME]).expect(1, "--file")
        c.run("revoke", "--file", "/x", "--signed-by", "certificate").expect(1, "--key")
        c.run("revoke", names=[NAME]).expect(4, "no certificate h0")
        c.issue([NAME], "--reason", "superseded").expect(1, "revoke")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("account"))
