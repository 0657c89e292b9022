#!/usr/bin/env python3
"""A CA that answers badly, by accident or on purpose. Each case has its own exit status and words;
nothing that the CA says reaches the terminal raw, nothing wrong is installed, nothing hangs."""
import json
import os
import re
import signal
import subprocess
import sys
import time

import common
from common import Suite, check, check_set, equal, lwacme_path, openssl
import fakeca
from fakeca import Reply, drip, problem, raw
from rig import NAME, NOT_NOW, Rig, body, edit, header, without
import world

suite = Suite()

def nothing_installed(c):
    check(not os.path.lexists(c.live(NAME)), "something was installed")


def hostile(name, rules, code, pattern, *args, finalize=None, most=60, **options):
    """One command against one misbehaviour; then the CA is honest again and all ends well."""
    def fn():
        with Rig(*rules, **options) as (ca, c):
            c.issue([NAME], *args).expect(code, pattern)
            nothing_installed(c)
            if finalize is not None:
                equal(ca.count("finalize"), finalize, "finalize")
            check(len(ca.log) <= most, "%d requests to a CA that misbehaves" % len(ca.log))
            ca.rules.clear()
            c.issue([NAME], "--now").expect(0)
            check_set(c.live(NAME), [NAME], ca.ca_file)
            equal(ca.complaints, [], "what the CA complains about")
    suite.add(name, fn)


# ---------------------------------------------------------------- directory

hostile("directory is HTML", [("directory", body("<html>hi</html>", "text/html"))], NOT_NOW, "JSON")
hostile("directory is empty", [("directory", body(""))], NOT_NOW, "JSON|empty|lacks")
hostile("directory is a JSON list", [("directory", body("[1,2]"))], NOT_NOW, "JSON|object|lacks")
hostile("directory lacks newOrder", [("directory", edit(lambda d: d.pop("newOrder")))], NOT_NOW,
        "newOrder")
hostile("directory lacks newNonce", [("directory", edit(lambda d: d.pop("newNonce")))], NOT_NOW,
        "newNonce")
hostile("directory has a number for newOrder",
        [("directory", edit(lambda d: d.update(newOrder=7)))], NOT_NOW, "newOrder")
hostile("directory has two newOrder",
        [("directory", lambda q, p: Reply(200, p.body[:-1] + b',"newOrder":"https://x/"}'))],
        NOT_NOW, "JSON|twice|duplicate")
hostile("directory is not there", [("directory", problem(404, "malformed", "nothing here"))],
        NOT_NOW, "404|nothing here")
hostile("directory nested 1000 deep", [("directory", body("[" * 1000 + "]" * 1000))], NOT_NOW,
        "JSON|nest|deep|bound")
hostile("directory with a cut string", [("directory", body('{"newNonce":"https://loc'))], NOT_NOW,
        "JSON")
hostile("directory of 10 MB", [("directory", body("{" + " " * 10000000 + "}"))], (2, 3, 4),
        "large|big|bound|size|small|long")
hostile("directory with a header of 200 KB", [("directory", header("X-Long", "x" * 200000))],
        (2, 3, 4), "header|large|big|bound|size|small|HTTP")
hostile("answer that is no HTTP", [("directory", raw(b"SSH-2.0-OpenSSH_9.2\r\n"))], NOT_NOW, "HTTP")
hostile("answer with 10000 interim answers",
        [("directory", raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10000))], NOT_NOW,
        "HTTP|interim|closed|1xx")
hostile("answer with two lengths",
        [("directory", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"))],
        NOT_NOW, "HTTP|JSON|length")
hostile("answer with a length of 10^30",
        [("directory", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\n{}"))],
        (2, 3, 4), "HTTP|length|large|big|bound|small")
hostile("newOrder over http", [("directory", edit(
    lambda d: d.update(newOrder=d["newOrder"].replace("https", "http"))))], (2, 4, 5), "https")
hostile("newOrder on an address of the local network",
        [("directory", edit(lambda d: d.update(newOrder="https://192.168.1.1/admin")))],
        (2, 4, 5), r"host|192\.168\.1\.1|allowed")
hostile("newOrder on 127.0.0.1, directory on localhost",
        [("directory", edit(
            lambda d: d.update(newOrder=d["newOrder"].replace("localhost", "127.0.0.1"))))],
        (2, 4, 5), r"host|127\.0\.0\.1|allowed")
hostile("newOrder with line breaks in the URL",
        [("directory", edit(lambda d: d.update(newOrder=d["newOrder"] + "\r\nX: y")))],
        (2, 3, 4, 5), "URL|newOrder")
hostile("newOrder URL of 20000 characters",
        [("directory", edit(lambda d: d.update(newOrder=d["newOrder"] + "x" * 20000)))],
        (2, 3, 4, 5), "URL|long|bound|size|small|newOrder")


def accepted(name, rules, *args, finalize=1, orders=1, **options):
    """The CA is odd, but within the standard: the first run ends well."""
    def fn():
        with Rig(*rules, **options) as (ca, c):
            c.issue([NAME], *args).expect(0)
            check_set(c.live(NAME), [NAME], ca.ca_file)
            equal(ca.count("finalize"), finalize, "finalize")
            check(ca.count("newOrder") <= orders, "%d newOrder" % ca.count("newOrder"))
            equal(ca.complaints, [], "what the CA complains about")
    suite.add(name, fn)


def redirect(where, status=302):
    def rule(request, reply):
        return Reply(status, b"", {"Location": where})
    return rule


accepted("directory with unknown members and null meta",
         [("directory", edit(lambda d: d.update(meta=None, x=[1], y={"newOrder": 3}, z=-1.5e3)))])
accepted("answers in chunks", [(k, lambda q, p: setattr(p, "chunked", True) or p) for k in (
    "directory", "newAccount", "newOrder", "order", "authz", "certificate")])
accepted("one connection for each request", [(k, header("Connection", "close")) for k in (
    "directory", "newNonce", "newAccount", "newOrder", "order", "authz", "challenge", "finalize",
    "certificate")])
accepted("answers that drip byte by byte", [("directory", drip(0.002)), ("newOrder", drip(0.002))])
accepted("newNonce answers 204", [("newNonce", lambda q, p: setattr(p, "status", 204) or p)])
accepted("slow order with Retry-After", [], processing=2, retry_after="1")
accepted("Retry-After that is a date of the past", [], processing=1,
         retry_after="Thu, 01 Jan 1998 00:00:00 GMT")
accepted("Retry-After that is nonsense", [], processing=1, retry_after="soon, -5")
accepted("unknown challenge types beside http-01",
         [("authz", edit(lambda a: a["challenges"].insert(0, {
             "type": "dns-persist-01", "status": "pending", "url": "https://localhost/x",
             "issuer-domain-names": ["ca.example"]})))])
accepted("three nonces refused in a row",
         [("newOrder", problem(400, "badNonce", "try again"), dict(times=3, before=True))],
         orders=4)


@suite.case("redirect of the directory over https")
def redirected():
    with Rig() as (ca, c):
        ca.on("directory", lambda q, p: Reply(302, b"", {"Location": ca.base + "/dir2"}), times=1)
        ca.on("dir2", lambda q, p: directory_of(ca), before=True)
        c.issue([NAME]).expect(0)
        equal(ca.count("dir2"), 1, "the redirect was followed")
        check_set(c.live(NAME), [NAME], ca.ca_file)


def directory_of(ca):
    q = fakeca.Request("GET", "/dir", {}, b"")
    q.kind = "directory"
    return ca.honest(q)


hostile("redirect of the directory to http", [("directory", redirect("http://localhost/dir"))],
        (2, 4, 5), "https|redirect")
hostile("redirect of the directory to a file", [("directory", redirect("file:///etc/passwd"))],
        (2, 3, 4, 5), "https|redirect|URL")
hostile("redirect without Location",
        [("directory", lambda q, p: Reply(302, b""))], (2, 3, 4, 5), "redirect|Location|302|URL")
hostile("redirect of newOrder", [("newOrder", redirect("https://localhost/elsewhere", 307))],
        NOT_NOW, "redirect|307")


@suite.case("redirects in a circle")
def circle():
    with Rig() as (ca, c):
        ca.on("directory", lambda q, p: Reply(302, b"", {"Location": ca.directory}))
        c.issue([NAME]).expect((2, 3, 4, 5), "redirect")
        check(ca.count("directory") <= 11, "%d redirects followed" % ca.count("directory"))


# ---------------------------------------------------------------- nonces, account, refusals

hostile("nonces refused for ever", [("newAccount", problem(400, "badNonce", "no"))], NOT_NOW,
        "nonce", most=150)
hostile("no nonce from newNonce", [("newNonce", header("Replay-Nonce", ""))], NOT_NOW, "nonce")
hostile("nonce with forbidden characters", [("newNonce", header("Replay-Nonce", 'a b"{c'))],
        NOT_NOW, "nonce")
hostile("newAccount without Location", [("newAccount", without("Location"))], NOT_NOW,
        "Location|account")
hostile("newAccount refused", [("newAccount", problem(403, "unauthorized", "go away please"),
                                dict(before=True))], 2, "go away please")
hostile("external account required",
        [("newAccount", problem(403, "externalAccountRequired", "bind first"), dict(before=True))],
        (1, 2), "bind first|external account")
hostile("userActionRequired at newOrder",
        [("newOrder", problem(403, "userActionRequired", "terms have changed", headers={
            "Link": '<https://ca.example/terms/2>;rel="terms-of-service"'},
            instance="https://ca.example/agree"), dict(before=True))],
        (1, 2), r"(terms|agree).*https://ca\.example/|https://ca\.example/.*(terms|agree)",
        finalize=0)
hostile("newOrder answers 500", [("newOrder", problem(500, "serverInternal", "disk on fire"),
                                  dict(before=True))], 3, "disk on fire|500", finalize=0)
hostile("newOrder answers 500 without JSON", [("newOrder", body("<h1>oops</h1>", "text/html", 500),
                                               dict(before=True))], 3, "500", finalize=0)
hostile("newOrder answers 503 as text", [("newOrder", body("busy", "text/plain", 503),
                                          dict(before=True))], 3, "503", finalize=0)
hostile("newOrder answers 400 with an unknown type",
        [("newOrder", lambda q, p: Reply(400, {"type": "about:blank", "detail": "just no"}),
          dict(before=True))], 2, "just no", finalize=0)
hostile("newOrder names the bad name in a subproblem",
        [("newOrder", problem(400, "malformed", "see below", subproblems=[
            {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "on our list",
             "identifier": {"type": "dns", "value": NAME}}]), dict(before=True))],
        2, "see below|on our list", finalize=0)
hostile("newOrder without Location", [("newOrder", without("Location"))], NOT_NOW,
        "Location|order", finalize=0)
hostile("newOrder without authorizations",
        [("newOrder", edit(lambda o: o.pop("authorizations")))], NOT_NOW, "authorizations|order")
hostile("newOrder with a status that does not exist",
        [("newOrder", edit(lambda o: o.update(status="splendid")))], NOT_NOW, "status|order")
hostile("newOrder with an authorization elsewhere",
        [("newOrder", edit(lambda o: o.update(authorizations=["https://10.0.0.1/authz"])))],
        (2, 4, 5), r"host|10\.0\.0\.1|allowed")
hostile("newOrder with 5000 authorizations",
        [("newOrder", edit(lambda o: o.update(authorizations=o["authorizations"] * 5000)))],
        (2, 3, 4), "authorizations|bound|size|small|large|big")


@suite.case("text of the CA cannot steer the terminal")
def escapes():
    evil = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\r\nlwacme: fake line\u009b1m \u202egnp " + "x" * 5000
    with Rig(("newOrder", problem(403, "unauthorized", evil), dict(before=True))) as (ca, c):
        r = c.issue([NAME]).expect(2, "red")
        check("\nlwacme: fake line" not in r.text, "the CA can forge a line of ours: %s" % r)
        check("\u202e" not in r.text, "a text direction override went through")
        check(len(r.text) < 4000, "%d characters of CA text were shown" % len(r.text))
        for more in ((), ("--json",)):
            s = c.status(*more).expect((0, 2))
            check(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", s.text), "raw: %r" % s.text)
        r = c.issue([NAME], "--now", "--json")
        r.events()
        check(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", r.out), "raw in JSON: %r" % r.out[:300])


# ---------------------------------------------------------------- authorizations, tokens

def token(value):
    def change(a):
        if value is None:
            del a["challenges"][0]["token"]
        else:
            a["challenges"][0]["token"] = value
    return [("authz", edit(change))]


BAD_TOKENS = (("with ../", "../../../../etc/lwacme-was-here"), ("..", ".."), ("with a slash", "a/b"),
              ("with a backslash", "..\\x"), ("with a space", "a b"), ("empty", ""),
              ("with a line break", "abc\r\nSet-Cookie: x"), ("with markup", "<script>"),
              ("with a percent", "%2e%2e%2f"), ("of 5000 characters", "a" * 5000),
              ("missing", None), ("that is a number", 7),
              ("with padding", "YWJj="), ("with a quote", "a';touch x;'"))

for what, value in BAD_TOKENS:
    hostile("token " + what, token(value), (2, 6), "token", finalize=0)


hostile("token with a NUL", token("abc\x00def"), (2, 3), "token|JSON", finalize=0)
hostile("problem with a NUL in its words",
        [("newOrder", problem(403, "unauthorized", "no\x00way"), dict(before=True))], (2, 3),
        "403|refused", finalize=0)


@suite.case("token with ../ writes nothing outside the webroot")
def traversal():
    for value in ("../../../../victim", "../victim", "/victim"):
        with Rig(*token(value)) as (ca, c):
            root = os.path.join(c.base, "www/root")
            os.makedirs(root)
            c.issue([NAME], "--webroot", root).expect((2, 6), "token")
            found = [os.path.join(d, f) for d, _, files in os.walk(c.base) for f in files
                     if "victim" in f]
            equal(found, [], "files written")
            equal(ca.count("challenge"), 0, "challenges answered")


hostile("authorization for another name",
        [("authz", edit(lambda a: a["identifier"].update(value="evil.example")))], NOT_NOW,
        "evil.example|identifier|name", finalize=0)
hostile("authorization without challenges",
        [("authz", edit(lambda a: a.update(challenges=[])))], (2, 4, 6), "challenge|solver",
        finalize=0)
hostile("authorization with dns-01 only",
        [("authz", edit(lambda a: a["challenges"][0].update(type="dns-01")))], (2, 4, 6),
        "dns-01|challenge|solver", finalize=0)
hostile("authorization invalid from the start",
        [("authz", edit(lambda a: a.update(status="invalid")))], NOT_NOW, "invalid|valid",
        finalize=0)
hostile("authorization with 2000 challenges",
        [("authz", edit(lambda a: a.update(challenges=[{"type": "x-%d" % i, "url": "https://x/",
                                                        "status": "pending"} for i in range(2000)])))],
        (2, 3, 4, 6), "challenge|bound|size|small|large|big", finalize=0)


@suite.case("a proof that the CA does not find")
def lost_proof():
    with Rig() as (ca, c):
        ca.http_port = world.free_port()
        c.issue([NAME]).expect(2, "refused|Connection")
        equal(ca.count("finalize"), 0, "finalize")
        nothing_installed(c)


# ---------------------------------------------------------------- certificate

def pem(change):
    def rule(request, reply):
        reply.body = change(reply.body)
        return reply
    return [("certificate", rule)]


def swap(data):
    parts = re.findall(rb"-----BEGIN.*?-----END CERTIFICATE-----\n", data, re.S)
    return b"".join(reversed(parts))


def leaf(data):
    return re.findall(rb"-----BEGIN.*?-----END CERTIFICATE-----\n", data, re.S)[0]


def bit(data):
    """Another last character inside the leaf's signature."""
    lines = leaf(data).split(b"\n")
    line = bytearray(lines[-4])
    line[10] = ord("A") if line[10] != ord("A") else ord("B")
    lines[-4] = bytes(line)
    return b"\n".join(lines) + data[len(leaf(data)):]


PRIVATE = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n-----END PRIVATE KEY-----\n"
BAD_CHAINS = (
    ("with a private key in front", lambda d: PRIVATE + d, "PRIVATE KEY|CERTIFICATE|PEM"),
    ("with a private key behind", lambda d: d + PRIVATE, "PRIVATE KEY|CERTIFICATE|PEM"),
    ("that is empty", lambda d: b"", "certificate|PEM|empty"),
    ("that is HTML", lambda d: b"<html></html>\n", "certificate|PEM"),
    ("that is cut inside", lambda d: d[:len(d) - 100], "certificate|PEM"),
    ("with broken base64", lambda d: d.replace(b"M", b"*", 5), "certificate|PEM|base64"),
    ("in the wrong sequence", swap, "certificate|key|chain"),
    ("with a broken signature", bit, "certificate|signature|chain|PEM"),
    ("of 5 MB", lambda d: d * 3000, "bound|size|small|large|big|chain"),
    ("of 200 certificates", lambda d: d + leaf(d) * 200, "bound|size|small|large|big|chain"),
)
for what, change, words in BAD_CHAINS:
    hostile("chain " + what, pem(change), (2, 3, 4), words, finalize=1)


def wrong_cert(name, pattern, **how):
    def fn():
        with Rig() as (ca, c):
            c.issue([NAME]).expect(0)
            old = common.cert_serial(c.live(NAME) + "/cert.pem")
            if how.get("public"):
                key = ca.path("other.key")
                openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-out", key)
                openssl("pkey", "-in", key, "-pubout", "-out", ca.path("other.pub"))
                how["public"] = ca.path("other.pub")
            honest = ca.issue
            ca.issue = lambda csr, stem: honest(csr, stem, **how)
            c.issue([NAME], "--force").expect(2, pattern)
            check_set(c.live(NAME), [NAME], ca.ca_file)
            equal(common.cert_serial(c.live(NAME) + "/cert.pem"), old, "serial in use")
            ca.issue = honest
            c.issue([NAME], "--force", "--now").expect(0)
            check(common.cert_serial(c.live(NAME) + "/cert.pem") != old, "not renewed at last")
    suite.add("certificate " + name, fn)


@suite.case("certificate with the longest serial number")
def longest_serial():
    with Rig() as (ca, c):
        honest, serial = ca.issue, "ff" * 20      # 21 bytes in DER
        ca.issue = lambda csr, stem: honest(csr, stem, serial=serial)
        c.issue([NAME]).expect(0)
        c.status().expect(0, "serial +00" + serial + "\n")
        equal(c.status("--json").expect(0).events()[0]["serial"], "00" + serial, "serial")


wrong_cert("for another key", "key", public=True)
wrong_cert("for another name", "name", names=["evil.example"])
wrong_cert("for one name more", "name", names=[NAME, "evil.example"])
wrong_cert("for a wildcard", "name", names=["*.example.net"])
wrong_cert("that is expired", "expired|date|valid", days="0")


@suite.case("order that stays processing: polite, stopped, then taken up again")
def processing():
    with Rig(processing=10 ** 6, retry_after="1") as (ca, c):
        p = subprocess.Popen([lwacme_path()] + [str(a) for a in c.args("issue", [NAME])],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while ca.count("finalize") == 0 and time.monotonic() < end:
            time.sleep(0.01)
        before = ca.count("order")
        time.sleep(4)
        polls = ca.count("order") - before
        p.send_signal(signal.SIGTERM)
        text = p.communicate(timeout=20)[0]
        equal(p.returncode, 143, "exit after SIGTERM (%r)" % text[-300:])
        check(2 <= polls <= 6, "%d polls in 4 s, the CA asked for 1 s between" % polls)
        for o in ca.orders.values():
            o["polls"] = 0
        c.issue([NAME]).expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)
        equal((ca.count("newOrder"), ca.count("finalize")), (1, 1), "newOrder and finalize")


@suite.case("order that turns invalid after finalize")
def invalid_late():
    def turn(request, reply):
        order = json.loads(reply.body)
        if order["status"] in ("processing", "valid"):
            order["status"] = "invalid"
            order["error"] = {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it"}
            reply.body = json.dumps(order).encode()
        return reply

    with Rig(("order", turn), ("finalize", turn)) as (ca, c):
        c.issue([NAME]).expect(2, "CAA forbids it")
        nothing_installed(c)
        ca.rules.clear()
        c.issue([NAME], "--now").expect(0)
        equal(ca.count("newOrder"), 2, "newOrder: the invalid order was not given up")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("hostile CA"))
