#!/usr/bin/env python3
"""`make small`: the command without daemon, configuration file, doctor, metrics and import, against Pebble."""
import os
import re
import sys

import common
from common import Skip, Suite, check, check_set, equal, run_tool
from world import with_world

suite = Suite()
NAME = "h0.example.net"


def small(fn):
    """The case runs the small program beside the tool under test."""
    def run(*args, **kw):
        path = common.lwacme_path() + "-small"
        if not os.access(path, os.X_OK):
            raise Skip("no %s: make small" % os.path.basename(path))
        before = os.environ.get("LWACME")
        os.environ["LWACME"] = path
        try:
            return fn(*args, **kw)
        finally:
            if before is None:
                del os.environ["LWACME"]
            else:
                os.environ["LWACME"] = before
    return run


@suite.case("what it does")
@small
@with_world()
def does(w, c):
    hook = os.path.join(c.base, "hook")
    with open(hook, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\necho $LWACME_REASON >>%s\n" % os.path.join(c.base, "ran"))
    os.chmod(hook, 0o755)
    c.issue([NAME, "h1.example.net"], "--deploy-hook", hook, "--profile", "default").expect(0)
    check_set(c.live(NAME), [NAME, "h1.example.net"], w.roots)
    c.issue([NAME, "h1.example.net"], "--deploy-hook", hook, "--force").expect(0)
    c.issue([NAME], "--force", "--challenge", "tls-alpn-01").expect(4, "does not prove names by tls-alpn-01")
    c.issue([NAME], "--force", "--challenge", "dns-persist-01", "--persist-issuer", "pebble.letsencrypt.org").expect(4, "does not prove names by dns-persist-01")
    with open(os.path.join(c.base, "ran"), encoding="ascii") as f:
        equal(f.read().split(), ["new", "renewed"], "hooks")
    c.status("--check").expect(0, "OK " + NAME)
    serial = common.cert_serial(os.path.join(c.live(NAME), "cert.pem"))
    c.run("account show").expect(0)
    c.run("account rollover").expect(0)
    c.run("revoke", names=[NAME]).expect(0)
    check(b"Revoked" in w.manage("/cert-status-by-serial/" + serial), "not revoked")


@suite.case("what it does not")
@small
def does_not():
    for argv, words in ((["run", "-c", "/x"], "no such command"), (["doctor", "-d", NAME], "no such command"),
                        (["check", "-c", "/x"], "no such command"), (["renew", "-c", "/x"], "no such command"),
                        (["status", "-c", "/x"], "reads no configuration file"),
                        (["account", "import", "/etc"], "no other client's files")):
        run_tool(argv).expect(1, words)
    run_tool(["status", "--state-dir", "/nonexistent", "--metrics", "/nonexistent/m"]).expect(4, "writes none")
    said = run_tool(["--help"]).expect(0).out
    check(not re.search("doctor|-c FILE|metrics|import|tls-alpn|persist", said), said)
    check(all(word in said for word in ("issue", "status", "revoke", "account", "Exit status")), said)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("the small command"))
