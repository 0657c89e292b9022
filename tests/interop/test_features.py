#!/usr/bin/env python3
"""What goes beyond RFC 8555's shortest path, against Pebble: external account binding.

A feature that this Pebble does not have is a named skip.
"""
import base64
import functools
import json
import os
import re
import subprocess
import sys

import common
from common import Skip, Suite, check, check_set, equal, lwacme_path
import world

suite = Suite()


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


NAME = "h0.example.net"


# ---------------------------------------------------------------- external account binding

SECRET = base64.urlsafe_b64encode(bytes(range(190, 253)) + b"\xfb\xff").decode()   # ends with "="
EAB = with_world(eab={"kid-1": SECRET.rstrip("="), "kid-2": SECRET.rstrip("=")[::-1]})


def key_file(c, text, mode=0o600, name="eab.key"):
    path = os.path.join(c.base, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def secret_in(c):
    """Is the MAC key in the state folder?"""
    raw = base64.urlsafe_b64decode(SECRET)
    return any(raw in data for data in c.files().values())


def bound(alg, text):
    def fn(w, c):
        more = ["--eab-alg", alg] if alg else []
        c.issue([NAME], "--eab-kid", "kid-1", "--eab-hmac-key-file", key_file(c, text),
                *more).expect(0)
        check_set(c.live(NAME), [NAME], w.roots)
        equal(w.count()["newAccount"], 1, "newAccount")
        check(not secret_in(c), "the MAC key is kept though the account is made")
        c.issue([NAME], "--force").expect(0)      # the account needs no binding any more
        equal(w.count()["newAccount"], 1, "newAccount")
    return fn


STANDARD = SECRET.replace("-", "+").replace("_", "/")
for kind, alg, text in (("HS256", None, SECRET.rstrip("=")), ("HS384", "HS384", SECRET),
                        ("HS512", "HS512", STANDARD + "\n"),
                        ("key in standard base64", "HS256", STANDARD.rstrip("=") + "\r\n")):
    suite.add("eab %s" % kind, EAB(bound(alg, text)))


@suite.case("eab from stdin")
@EAB
def eab_stdin(w, c):
    argv = [lwacme_path()] + [str(a) for a in c.args("issue", [NAME], "--eab-kid", "kid-1",
                                                     "--eab-hmac-key-file", "-")]
    p = subprocess.run(argv, input=SECRET.encode(), stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60)
    equal(p.returncode, 0, "exit (%r)" % p.stdout[-300:])
    check_set(c.live(NAME), [NAME], w.roots)


@suite.case("eab is missing: told before newAccount, and not held back")
@EAB
def eab_missing(w, c):
    r = c.issue([NAME]).expect(1, "external account binding.*--eab-kid")
    equal(w.count()["newAccount"], 0, "newAccount without a binding")
    check("held" not in r.text, "held back: %s" % r)
    c.issue([NAME], "--eab-kid", "kid-1", "--eab-hmac-key-file", key_file(c, SECRET)).expect(0)


@suite.case("eab with a wrong identifier, then a right one")
@EAB
def eab_wrong(w, c):
    path = key_file(c, SECRET)
    c.issue([NAME], "--eab-kid", "kid-9", "--eab-hmac-key-file", path).expect(2, "unauthorized")
    c.issue([NAME], "--eab-kid", "kid-2", "--eab-hmac-key-file", path, "--now").expect(2)
    c.issue([NAME], "--eab-kid", "kid-1", "--eab-hmac-key-file", path, "--now").expect(0)
    check(not secret_in(c), "the MAC key is kept though the account is made")


def restart_pebble(w):
    p = w.processes.pop()
    p.kill()
    p.wait()
    with open(w.path("pebble.json"), "w", encoding="ascii") as f:
        json.dump(w.config, f)
    w.spawn("pebble.log", p.args, w.env)
    w.wait_port(w.pebble_port)
    w.log_from = 0
    with open(w.roots, "wb") as f:
        f.write(w.manage("/roots/0"))


@suite.case("eab is kept until the account is made")
@with_world(eab={"kid-9": SECRET.rstrip("=")})
def eab_kept(w, c):
    """The CA learns of the binding after our first try; the second one is not given it again."""
    c.issue([NAME], "--eab-kid", "kid-1", "--eab-hmac-key-file", key_file(c, SECRET)).expect(2)
    check(secret_in(c), "the binding is not kept")
    for data in c.files():
        mode = os.stat(os.path.join(c.state, data)).st_mode & 0o077
        equal(mode, 0, "%s is open to others" % data)
    w.config["pebble"]["externalAccountMACKeys"] = {"kid-1": SECRET.rstrip("=")}
    restart_pebble(w)
    c.issue([NAME], "--now").expect(0)
    check_set(c.live(NAME), [NAME], w.roots)
    check(not secret_in(c), "the MAC key is kept though the account is made")


@suite.case("eab options are checked, and the key is never printed")
def eab_options():
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
        issue = functools.partial(c.issue, [NAME], "--eab-kid", "k")
        issue().expect(1, "go together")
        issue("--eab-hmac-key", secret).expect(1, "command line")
        issue("--eab-hmac-key-file", "/nonexistent/key").expect(4, "/nonexistent/key.*No such file")
        issue("--eab-hmac-key-file", key_file(c, secret + "*")).expect(4, "base64")
        issue("--eab-hmac-key-file", key_file(c, "")).expect(4, "empty")
        issue("--eab-hmac-key-file", key_file(c, "A" * 5000)).expect(4, "too long")
        issue("--eab-alg", "HS1", "--eab-hmac-key-file", key_file(c, secret)).expect(4, "HS256")
        c.issue([NAME], "--eab-kid", "k k", "--eab-hmac-key-file", key_file(c, secret)).expect(
            4, "identifier")
        r = issue("-v", "--eab-hmac-key-file", key_file(c, secret, 0o644)).expect(
            (3, 4, 5), "warning.*others")
        check(secret not in r.text, "the key is printed")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("features"))
