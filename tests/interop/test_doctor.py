#!/usr/bin/env python3
"""lwacme doctor: each finding once good and once bad, against Pebble and its DNS."""
import http.server
import json
import os
import re
import socket
import struct
import sys
import tempfile
import threading
import time

import common
import world
from common import Skip, Suite, check, equal
from fakeca import FakeCA, Reply, close, drip, problem, raw
from fakeclock import fake_clock
from world import with_world

suite = Suite()
NAME = "h0.example.net"
ACCOUNT = re.compile(r"https://\S+/my-account/\S+")


def doctor(c, *more, names=(NAME,), env=None, prefix=()):
    argv = ["doctor", "--server", c.directory, "--state-dir", c.state, "--out-dir", c.out]
    if c.ca_file:
        argv += ["--ca-file", c.ca_file]
    for n in names:
        argv += ["-d", n]
    return common.run_tool(argv + list(more), env=env, prefix=prefix, timeout=120)


def findings(c, code, *more, **kw):
    """{check: [(level, name, words)]} and the exit status, which the worst finding must explain."""
    r = doctor(c, "--json", *more, **kw).expect(code)
    got = {}
    for e in r.events():
        equal(e["event"], "finding", "event")
        check(e["level"] in ("ok", "warning", "bad") and e["words"], "a finding: %s" % e)
        equal("exit" in e, e["level"] == "bad", "exit of %s" % e)
        got.setdefault(e["check"], []).append((e["level"], e.get("name"), e["words"],
                                               e.get("do", "")))
    return got


def has(got, which, level, words, name=None):
    for f in got.get(which, []):
        if f[0] == level and re.search(words, f[2] + " -- " + f[3]) and name in (None, f[1]):
            return
    raise common.Fail("no %s %s /%s/ in %s" % (which, level, words, got))


def needs_80(w):
    if w.http_port != 80 or w.dns_port != 53:
        raise Skip("port 80 and DNS are not ours without a namespace")


def case(name, **options):
    def wrap(fn):
        def run(w, c):
            needs_80(w)
            return fn(w, c)
        suite.add(name, with_world(**options)(run))
        return fn
    return wrap


@case("all is well")
def well(w, c):
    got = findings(c, 0)
    equal(w.count()["total"], 1, "requests to the CA: one GET of its directory")
    equal(w.count()["directory"], 1, "of its directory")
    for which, words in (("store", "can be made"), ("files", "can be made"),
                         ("budget", "nothing is held back"), ("ca", "verified"),
                         ("clock", "agrees"), ("caa", "every CA"), ("port", "80 is free"),
                         ("reach", "127.0.0.1 answers with our token.*does not prove")):
        has(got, which, "ok", words)
    has(got, "addresses", "warning", "127.0.0.1.*loopback", NAME)
    check(not os.path.exists(c.state), "it made the state folder")
    r = doctor(c).expect(0)
    check(re.search(r"^ok    caa       h0.example.net: no records", r.out, re.M), r.out)
    check(re.search(r"^warn  addresses h0.example.net: 127.0.0.1", r.out, re.M), r.out)
    quiet = doctor(c, "-q").expect(0)
    check(not re.search("^ok", quiet.out, re.M) and "warn" in quiet.out, quiet.out)
    # it stands in nobody's way
    c.issue([NAME]).expect(0)
    got = findings(c, 0)
    has(got, "store", "ok", "can be written")


@case("addresses", ipv6="")
def addresses(w, c):
    w.dns("set_default_ipv4", ip="")
    got = findings(c, 2)
    has(got, "addresses", "bad", "no address.*A or AAAA", NAME)
    check("reach" not in got, "it looked at no address: %s" % got)
    w.dns("add_a", host=NAME, addresses=["192.0.2.7", "127.0.0.1"])
    w.dns("add_aaaa", host=NAME, addresses=["::1", "2001:db8::77"])
    got = findings(c, 2)
    (f,) = got["addresses"]
    equal(set(re.match(r"[0-9a-f:. ]+", f[2])[0].split()),
          {"192.0.2.7", "127.0.0.1", "::1", "2001:db8::77"}, "addresses")
    has(got, "reach", "ok", "of 127.0.0.1 answers")
    has(got, "reach", "ok", "of ::1 answers")
    has(got, "reach", "bad", "of 192.0.2.7: ")
    has(got, "reach", "bad", "of 2001:db8::77: ")
    w.dns("add_a", host="pub.example.net", addresses=["192.0.2.7"])
    has(findings(c, 2, names=["pub.example.net"]), "addresses", "ok", "^192.0.2.7 -- $")
    findings(c, 0, names=["127.0.0.1"])


CA = "pebble.letsencrypt.org"


def caa(w, host, *values):
    w.dns("add_caa", host=host, policies=[{"tag": t, "value": v} for t, v in values])


@case("caa")
def caa_case(w, c):
    for n, (values, code, level, words) in enumerate((
            ([("issue", CA)], 0, "ok", "allowed at"),
            ([("issue", "other.example")], 2, "bad", "does not allow this CA: other.example"),
            ([("issue", ";")], 2, "bad", "does not allow this CA"),
            ([("issue", CA + "; validationmethods=dns-01")], 2, "bad", "does not allow http-01"),
            ([("issue", CA + "; validationmethods=http-01,dns-01")], 0, "ok", "allowed"),
            ([("issue", CA + "; accounturi=https://x.example/1")], 0, "warning", "one account"),
            ([("issuewild", ";")], 0, "ok", "allowed"),
            ([("iodef", "mailto:a@example.net")], 0, "ok", "allowed"),
            ([("issue", "a\x1b[31mb")], 2, "bad", r"a\?\[31mb"))):
        host = "n%d.example.org" % n
        caa(w, host, *values)
        has(findings(c, code, names=["www." + host]), "caa", level, words + ".*", "www." + host)
        has(findings(c, code, names=[host]), "caa", level, "at " + host)
    # the name's own records go before its parent's
    caa(w, "own.n1.example.org", ("issue", CA))
    has(findings(c, 0, names=["own.n1.example.org"]), "caa", "ok", "at own.n1")
    # the account is known
    c.issue([NAME]).expect(0)
    (account,) = ACCOUNT.findall(c.run("account show").expect(0).out)
    for url, code, level in ((account, 0, "ok"), (account + "0", 2, "bad")):
        caa(w, "acct.example.org", ("issue", "%s; accounturi=%s" % (CA, url)))
        has(findings(c, code, names=["acct.example.org"]), "caa", level, "account|allowed")
        w.dns("clear_caa", host="acct.example.org")


@case("a wildcard")
def wildcard(w, c):
    caa(w, "wild.example.org", ("issue", CA), ("issuewild", "other.example"))
    got = findings(c, 6, names=["*.wild.example.org"])
    has(got, "caa", "bad", "does not allow this CA", "*.wild.example.org")
    has(got, "reach", "bad", "wildcard")


@case("port 80 is taken, and by whom")
def taken(w, c):
    with socket.create_server(("127.0.0.1", 80)):
        got = findings(c, 4)
        has(got, "port", "bad", r"port 80 is in use by \S+ \(process %d\).*--webroot" % os.getpid())
        check("reach" not in got, "nothing is served: %s" % got)
    has(findings(c, 2, "--http-port", "8081"), "port", "ok", "8081 is free.*brings port 80")


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Wrong(Files):
    def do_GET(self):
        if self.path.startswith("/.well-known"):
            self.answer()
        else:
            self.send_error(404)

    def answer(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"it works!")


class Redirects(Wrong):
    def answer(self):
        self.send_response(301)
        self.send_header("Location", "https://%s%s" % (NAME, self.path))
        self.end_headers()


def serving(handler):
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 80), handler)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


@case("a web server has the port")
def webroot(w, c):
    folder = os.path.join(c.base, "www")
    os.mkdir(folder)
    for handler, code, level, words in (
            (lambda *a: Files(*a, directory=folder), 0, "ok", "answers with our token"),
            (Wrong, 2, "bad", "not with our token"),
            (Redirects, 0, "warning", "redirects to https://h0.example.net/.well-known")):
        s = serving(handler)
        try:
            got = findings(c, code, "--webroot", folder)
        finally:
            s.shutdown()
            s.server_close()
        has(got, "port", "ok", "can be written")
        has(got, "reach", level, words, NAME)
        equal([f for _, _, files in os.walk(folder) for f in files], [], "left in the webroot")
    has(findings(c, 6, "--webroot", os.path.join(c.base, "none")), "port", "bad", "none")
    has(findings(c, 2, "--webroot", folder), "reach", "bad", "127.0.0.1: ")


@case("a server on port 80 that misbehaves")
def hostile(w, c):
    def serve(listener, data):
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            with s:
                s.recv(1000)
                s.sendall(data)

    folder = os.path.join(c.base, "www")
    os.mkdir(folder)
    for data, level in ((b"HTTP/1.1 302 x\r\nLocation: http://\x80\xff/\r\n\r\n", "warning"),
                        (b"HTTP/1.1 200 OK\r\nX: \x1b[2J\r\n\r\nx", "bad"),
                        (b"", "bad"), (b"A" * 200000, "bad"), (b"HTTP/1.1 200 OK\r\n", "bad"),
                        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 20000,
                         "bad")):
        with socket.create_server(("127.0.0.1", 80)) as listener:
            threading.Thread(target=serve, args=(listener, data), daemon=True).start()
            got = findings(c, 0 if level == "warning" else 2, "--webroot", folder)
            has(got, "reach", level, ".")
            listener.shutdown(socket.SHUT_RDWR)


@case("the CA cannot be reached, or is not trusted")
def unreachable(w, c):
    other, _ = world.make_ca(c.base, "a stranger")
    good = c.ca_file
    c.ca_file = other
    has(findings(c, 5), "ca", "bad", "trusted root.*--ca-file")
    c.ca_file = good
    directory = c.directory
    c.directory = directory.replace("/dir", "/nothing")
    has(findings(c, 2), "ca", "bad", "HTTP 404.*--server")
    c.directory = "https://localhost:%d/dir" % world.free_port()
    got = findings(c, 3)
    has(got, "ca", "bad", "localhost:.*: the network")
    has(got, "reach", "ok", "our token")


@case("the CA's rules", eab={"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"})
def rules(w, c):
    got = findings(c, 2, "--required-profile", "nobodys")
    has(got, "ca", "bad", "customers.*--eab-kid")
    has(got, "ca", "bad", "profile nobodys")
    has(got, "ca", "warning", "terms of service.*--agree-tos")
    got = findings(c, 0, "--profile", "nobodys", "--agree-tos", "--eab-kid", "kid-1",
                   "--eab-hmac-key-file", "/dev/null")
    has(got, "ca", "warning", "profile nobodys")
    check("terms" not in str(got) and "customers" not in str(got), "told all the same: %s" % got)


@suite.case("a CA that misbehaves")
def bad_ca():
    for rule, code, words in (
            (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x1b[2J"), 2, "no ACME directory"),
            (problem(503, "serverInternal", "down"), 3, "HTTP 503"), (close, 3, "ca"),
            (lambda rq, reply: Reply(200, {"newNonce": "https://x/\x1b[31m"}), 2,
             "no ACME directory"),
            (raw(b"HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"), 2, "HTTP 302")):
        with FakeCA(80) as ca, common.Client(ca.directory, ca.ca_file) as c:
            ca.on("directory", rule)
            got = findings(c, code, names=["127.0.0.1"]) if common.in_namespace() else {}
            if got:
                has(got, "ca", "bad", words if words != "ca" else ".")
                equal(ca.count("directory"), 1, "requests")


@case("the clock")
def clock(w, c):
    has(findings(c, 0, env=fake_clock(200)), "clock", "warning", "2?[0-9]+ s ahead of.*NTP")
    has(findings(c, 4, env=fake_clock(5000)), "clock", "bad", "ahead of")
    has(findings(c, 5, env=fake_clock(100 * 86400)), "ca", "bad", "clock")


@case("the store")
def store(w, c):
    os.mkdir(c.state, 0o777)
    os.chmod(c.state, 0o777)
    has(findings(c, 4), "store", "bad", "written by others.*chmod 700")
    os.chmod(c.state, 0o700)
    has(findings(c, 0), "store", "ok", "can be written")
    if os.geteuid() == 0:
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        got = findings(c, 4, prefix=nobody)
        has(got, "store", "bad", "cannot be written by this user")
    os.rmdir(c.state)
    with open(c.state, "w", encoding="ascii"):
        pass
    has(findings(c, 4), "store", "bad", "not a folder")


@case("the budget")
def budget(w, c):
    c.issue([NAME], http_port=81).expect(2)
    has(findings(c, 3), "budget", "bad", "held back until \\S+ after failures.*--now", NAME)
    for _ in range(4):
        c.issue([NAME], "--force", "--now").expect(0)
    has(findings(c, 0), "budget", "warning", "no more until")


@suite.case("a Retry-After of the CA is honoured")
def retry_after():
    if not common.in_namespace():
        raise Skip("port 80 is not ours without a namespace")
    with FakeCA(80) as ca, common.Client(ca.directory, ca.ca_file) as c:
        ca.on("directory", problem(503, "serverInternal", "down", headers={"Retry-After": "7200"}))
        c.issue(["127.0.0.1"]).expect(3)
        seen = ca.count("directory")
        got = findings(c, 3, names=["127.0.0.1"])
        has(got, "budget", "bad", "because the CA said so")
        has(got, "ca", "warning", "left alone")
        equal(ca.count("directory"), seen, "requests while the CA wants quiet")


@case("each CA of the list")
def several(w, c):
    down = "https://localhost:%d/dir" % world.free_port()
    with FakeCA(80) as staging:
        more = ["--server", down, "--staging-server", staging.directory]
        got = findings(c, 0, *more)
        for level, words in (("ok", w.directory + ": can be reached"), ("warning", down + ": "),
                             ("ok", staging.directory + ": can be reached")):
            has(got, "ca", level, words)
        equal((w.count()["total"], staging.count("directory")), (1, 1), "requests: one GET of each directory")
        equal(len(got["clock"]), 1, "words about the clock")
        caa(w, "list.example.org", ("issue", CA))
        got = findings(c, 0, *more, names=["list.example.org"])
        has(got, "caa", "ok", w.directory + ": allowed at list.example.org")
        has(got, "caa", "warning", staging.directory + ".*does not tell which domain")
        caa(w, "other.example.org", ("issue", "other.example"))
        has(findings(c, 2, *more, names=["other.example.org"]), "caa", "bad", w.directory + ".*does not allow")
        # who is preferred is what matters
        first, c.directory = c.directory, down
        got = findings(c, 3, "--server", first)
        has(got, "ca", "bad", down + ": ")
        has(got, "ca", "ok", first + ": can be reached")


@suite.case("what holds back all certificates of a CA")
def ca_holds():
    if not common.in_namespace():
        raise Skip("port 80 is not ours without a namespace")
    other = "127.0.0.2"
    with FakeCA(80) as ca, common.Client(ca.directory, ca.ca_file) as c:
        c.issue([other]).expect(0)
        ca.on("newOrder", problem(429, "rateLimited", "slowly", {"Retry-After": "3000"}))
        c.issue(["127.0.0.1"]).expect((2, 3), "slowly")
        has(findings(c, 3, names=[other]), "budget", "bad", "no new order until .*as it said at")
        r = c.status("-d", other, "--server", c.directory).expect(0, "held      by CA %s until .*no new order.*said so at" % ca.directory)
        (e,) = c.status("-d", other, "--server", c.directory, "--json").expect(0).events()
        check("ca_holds_orders_until" in e and "ca_holds_all_until" not in e, "JSON: %s" % e)
        # of the second one it is a warning
        c.issue([other], "--force").expect(3)
        with FakeCA(80) as good:
            c.directory = good.directory
            got = findings(c, 0, "--server", ca.directory, names=[other])
            has(got, "budget", "warning", ca.directory + ": the CA wants no new order")
            check("held" not in c.status("-d", other, "--server", c.directory).expect(0).out, "it holds at another CA")
        ca.on("directory", problem(503, "serverInternal", "down", {"Retry-After": "7200"}))
        c.directory = ca.directory
        c.issue(["127.0.0.3"], "--ignore-retry-after").expect(3)
        c.status("-d", other, "--server", c.directory).expect(0, "held      by CA .* no request at all")
        seen = ca.count("directory")
        has(findings(c, 3, names=[other]), "budget", "bad", "no request at all")
        equal(ca.count("directory"), seen, "requests while the CA wants quiet")


# ---------------------------------------------------------------- DNS that misbehaves

class Dns:
    """DNS over TCP on port 53 that gives `answer(question)`; None closes."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        with s:
            try:
                n = struct.unpack(">H", s.recv(2))[0]
                out = self.answer(s.recv(n))
                if out is not None:
                    s.sendall(out)
                    time.sleep(0.2)
            except (OSError, struct.error):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def framed(message):
    return struct.pack(">H", len(message)) + message


def head(q, rcode=0, answers=0):
    return q[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, answers, 0, 0) + q[12:]


@suite.case("DNS that misbehaves")
def dns():
    if not common.in_namespace():
        raise Skip("port 53 is not ours without a namespace")
    loop = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04"
    cases = (
        (lambda q: None, 2, "caa", "no answer.*so CAs refuse"),
        (lambda q: framed(head(q, 2)), 2, "caa", "no answer"),
        (lambda q: framed(head(q, 5)), 2, "caa", "no answer"),
        (lambda q: framed(b"\x00\x00" + head(q)[2:]), 2, "caa", "no answer"),
        (lambda q: b"\xff\xff" + b"x" * 70000, 2, "caa", "no answer"),
        (lambda q: framed(head(q, 3)), 2, "addresses", "no address"),
        (lambda q: framed(head(q, 0, 60000) + loop), 2, "caa", "cannot be read"),
        (lambda q: framed(head(q, 0, 1) + b"\x01\x01"), 2, "caa", "cannot be read"),
        (lambda q: framed(head(q, 0, 70) + 70 * (
            b"\xc0\x0c" + q[-4:] + b"\x00\x00\x00\x00\x00\x08\x00\x05issuex")), 2, "caa",
         "cannot be read"))
    with FakeCA(80) as ca, common.Client(ca.directory, ca.ca_file) as c:
        ca.directory = ca.directory.replace("localhost", "127.0.0.1")
        for answer, code, which, words in cases:
            with Dns(answer):
                has(findings(c, code), which, "bad", words, NAME)
        has(findings(c, 2), "addresses", "bad", "resolv.conf")


@suite.case("options are checked")
def options():
    common.run_tool(["doctor"]).expect(1, "no name")
    common.run_tool(["doctor", "-d", "a.example", "--check"]).expect(1, "--check")
    common.run_tool(["doctor", "-d", "bad name"]).expect(1, "name")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("doctor"))
