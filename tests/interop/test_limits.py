#!/usr/bin/env python3
"""Rate limits, loops, lost answers and silence: what a CA must never suffer from us, and what we
must survive."""
import calendar
import email.utils
import re
import socket
import sys
import threading
import time

import common
from common import Skip, Suite, check, check_set, equal
from fakeca import close, cut, hang, problem
from rig import CLOCK, NAME, NOT_NOW, Rig

suite = Suite()

# ---------------------------------------------------------------- rate limits and loops

def limited(name, retry_after, kind="newOrder", status=429, held=True):
    def fn():
        value = retry_after() if callable(retry_after) else retry_after
        with Rig((kind, problem(status, "rateLimited", "too many certificates already",
                                headers={"Retry-After": value}), dict(before=True))) as (ca, c):
            c.issue([NAME]).expect(NOT_NOW, "too many certificates" if status == 429 else None)
            equal(ca.count(kind), 1, kind)
            r = c.issue([NAME]).expect(3, CLOCK)
            check(re.search("too many|limit|CA|Retry-After|held", r.text, re.I), "no reason: %s" % r)
            equal(ca.count(kind), 1, kind + " while held back")
            if held:
                c.issue([NAME], "--now").expect(3, CLOCK)
                equal(ca.count(kind), 1, kind + " with --now, which does not overrule the CA")
            c.issue([NAME], "--force").expect(3, CLOCK)
            equal(ca.count(kind), 1, kind + " with --force")
            ca.rules.clear()
            c.issue([NAME], "--ignore-retry-after").expect(0, "warning|ignor" if held else None)
            check_set(c.live(NAME), [NAME], ca.ca_file)
    suite.add(name, fn)


limited("429 with seconds", "3600")
limited("429 with a date", lambda: email.utils.formatdate(time.time() + 7200, usegmt=True))
limited("429 at newAccount", "3600", kind="newAccount")
limited("429 with 10 years", "315360000")
limited("429 with a number that does not fit", "9" * 40, held=False)
limited("429 with nonsense", "tomorrow maybe", held=False)
limited("429 with a negative number", "-5", held=False)
limited("429 with a date of 1998", "Thu, 01 Jan 1998 00:00:00 GMT", held=False)
limited("503 with seconds", "1800", status=503)


@suite.case("429: the time is not before the CA's")
def right_time():
    with Rig(("newOrder", problem(429, "rateLimited", "slow down", headers={
            "Retry-After": "7200"}), dict(before=True))) as (ca, c):
        begin = time.time()
        c.issue([NAME])
        r = c.issue([NAME]).expect(3, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        text = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r.text)[0]
        wait = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - begin
        check(7198 <= wait <= 14400, "held back for %.0f s, the CA said 7200" % wait)


@suite.case("another certificate of the same CA is held back by its 503")
def shared_ledger():
    with Rig(("directory", problem(503, "serverInternal", "we are down", headers={
            "Retry-After": "3600"}), dict(before=True))) as (ca, c):
        c.issue([NAME]).expect(3)
        seen = ca.count("directory")
        c.issue(["b.example.net"]).expect(3, CLOCK)
        equal(ca.count("directory"), seen, "requests while the whole CA asked for quiet")


@suite.case("a caller in a loop does not hurt the CA")
def loop():
    with Rig(("newOrder", problem(500, "serverInternal", "boom"), dict(before=True))) as (ca, c):
        codes = [c.issue([NAME]).code for _ in range(12)]
        check(set(codes) <= {2, 3}, "exits %s" % codes)
        check(1 <= ca.count("newOrder") <= 3, "%d newOrder for 12 runs" % ca.count("newOrder"))


# ---------------------------------------------------------------- lost answers

def lost(kind, rule, what):
    """One answer is lost after the CA has acted: no second finalize, at most one more order."""
    def fn():
        with Rig((kind, rule, dict(times=1))) as (ca, c):
            r = c.issue([NAME])
            if r.code == 3:
                r.expect(3, r"\w")
                r = c.issue([NAME], "--now")
            r.expect(0)
            check_set(c.live(NAME), [NAME], ca.ca_file)
            equal(ca.count("finalize"), 1, "finalize")
            check(ca.count("newOrder") <= (2 if kind == "newOrder" else 1),
                  "%d newOrder" % ca.count("newOrder"))
            equal(len(ca.accounts), 1, "accounts")
            equal(ca.complaints, [], "what the CA complains about")
    suite.add("%s at %s" % (what, kind), fn)


for each in ("directory", "newNonce", "newAccount", "newOrder", "authz", "challenge", "order",
             "finalize", "certificate"):
    lost(each, close, "connection closed without an answer")
    if each != "newNonce":
        lost(each, cut(10), "connection closed inside the body")


# ---------------------------------------------------------------- nobody there (slow: beside)

LIMIT = 150     # no run may hang longer than this


def nobody(name, listen, pattern):
    def fn():
        with Rig() as (ca, c):
            server = socket.create_server(("127.0.0.1", 0), backlog=16)
            port = server.getsockname()[1]
            held = []
            if listen is None:
                server.close()
            else:
                threading.Thread(target=answer, args=(server, listen, held), daemon=True).start()
            c.directory = "https://localhost:%d/dir" % port
            c.issue([NAME], timeout=LIMIT).expect(3, pattern)
            server.close()
    suite.add(name, fn, background=listen is not None)


def answer(server, listen, held):
    while True:
        try:
            s, _ = server.accept()
        except OSError:
            return
        held.append(s)
        if listen == "close":
            s.close()
        elif listen == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
        elif listen:
            try:
                s.sendall(listen)
            except OSError:
                pass


nobody("CA unreachable: nobody listens", None, "refused|reach|connect")
nobody("CA unreachable: closes at once", "close", "closed|TLS|reset")
nobody("CA unreachable: resets at once", "reset", "closed|TLS|reset|refused")
nobody("CA unreachable: speaks plain HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS|handshake")
nobody("CA unreachable: never says a word", b"", "time|answer")


@suite.case("CA unreachable: the name has no address", background=True)
def no_address():
    with Rig() as (ca, c):
        c.directory = "https://nothing.invalid/dir"
        c.issue([NAME], timeout=LIMIT).expect(3, "address|DNS|resolve|look")


@suite.case("CA unreachable: Let's Encrypt by its short names")
def short_names():
    if not common.in_namespace():
        raise Skip("needs a private namespace: no test talks to a real CA")
    with Rig() as (ca, c):
        for name in ("letsencrypt", "letsencrypt-staging", None):
            r = c.issue([NAME], server=name, ca_file=None, timeout=LIMIT)
            r.expect((3, 4), r"letsencrypt\.org")
        equal(ca.connections, 0, "connections to another CA")


def silent(kind):
    def fn():
        with Rig((kind, hang)) as (ca, c):
            # where the CA had acted, the run may go on by asking it
            c.issue([NAME], timeout=LIMIT).expect((0, 3) if kind == "finalize" else 3,
                                                  "time|answer")
            check(ca.count("finalize") <= 1, "%d finalize" % ca.count("finalize"))
    suite.add("CA never answers %s" % kind, fn, background=True)


silent("directory")
silent("finalize")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("limits"))
