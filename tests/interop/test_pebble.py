#!/usr/bin/env python3
"""lwacme against Pebble, in the versions that differ.

PEBBLE_VERSIONS chooses (default "newest 2.4.0"; a version that is not there is a named skip).
"""
import http.server
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time

import common
from common import Skip, Suite, check, check_set, equal, cert_serial, lwacme_path, run_tool
import world
from world import with_world

suite = Suite()
VERSIONS = os.environ.get("PEBBLE_VERSIONS", "newest 2.4.0").split()
ORDER_POLLS = 8      # 2 are the minimum; a busy machine or slow CA may need a few more


def names(n):
    return ["h%d.example.net" % i for i in range(n)]


def check_requests(w, n, account):
    """The protocol's minimum: 8 + 2N requests with a new account, 7 + 2N without, one connection;
    polls of the order beyond the two needed are the only thing that may be more, and one question
    for the renewal's window where the CA has one."""
    c = w.count()
    polls = c["order"]
    equal(c["renewalInfo"], 0 if w.version.startswith("2.4.") else 1, "questions for the window")
    fixed = c["total"] - polls - c["renewalInfo"]
    equal(fixed, (6 if account else 5) + 2 * n, "requests without polls (%s)" % dict(c))
    check(2 <= polls <= ORDER_POLLS + n // 16, "%d polls of the order" % polls)
    equal(w.connections(), 1, "connections to the CA")


# ---------------------------------------------------------------- per version

@with_world()
def life(w, c):
    """First issue, nothing due, --force: one CA, one state."""
    c.issue(names(1)).expect(0)
    live = c.live("h0.example.net")
    check_set(live, names(1), w.roots, "p256")
    check_requests(w, 1, True)
    first, target = cert_serial(live + "/cert.pem"), os.readlink(live)
    key = common.public_of_key(live + "/privkey.pem")

    w.mark()
    c.issue(names(1)).expect(0, "nothing due")
    equal(w.count()["newOrder"], 0, "newOrder of a run with nothing due")
    equal(w.count()["total"], 0, "requests of a run with nothing due")

    w.mark()
    c.issue(names(1), "--force").expect(0)
    check_set(live, names(1), w.roots, "p256")
    check(cert_serial(live + "/cert.pem") != first, "--force kept the old serial")
    check(os.readlink(live) != target, "the link still points to the old set")
    check(os.path.isfile(os.path.join(c.out, target, "cert.pem")), "the previous set is gone")
    check(common.public_of_key(live + "/privkey.pem") != key, "the key was reused unasked")
    equal(w.count()["newAccount"], 0, "newAccount of a renewal")
    check_requests(w, 1, False)

    c.issue(names(1), "--force").expect(0)
    sets = [n for n in os.listdir(c.out) if n.startswith(".h0.example.net.")]
    equal(len(sets), 2, "sets kept after three issues (%s)" % sets)


@with_world()
def many(w, c, n):
    c.issue(names(n)).expect(0)
    check_set(c.live("h0.example.net"), names(n), w.roots)
    check_requests(w, n, True)


def plain(n=2):
    """One issue of n names in a world that is made difficult by its options."""
    def fn(w, c):
        c.issue(names(n)).expect(0)
        check_set(c.live("h0.example.net"), names(n), w.roots)
        equal(w.connections(), 1, "connections to the CA")
    return fn


@with_world(chain_length=6)
def long_chain(w, c):
    c.issue(names(1)).expect(0)
    part = check_set(c.live("h0.example.net"), names(1), w.roots)
    equal(open(part["chain.pem"], encoding="ascii").read().count("BEGIN CERT"), 6,
          "certificates in chain.pem")


@with_world(authz_reuse=100)
def reuse(w, c):
    c.issue(names(3)).expect(0)
    w.mark()
    c.issue(names(3), "--force").expect(0)
    check_set(c.live("h0.example.net"), names(3), w.roots)
    n = w.count()
    equal(n["challenge"], 0, "challenges answered though all authorizations are valid")
    check(n["total"] <= 7 + 3 + 1 + ORDER_POLLS, "%d requests: %s" % (n["total"], dict(n)))


@with_world(ipv4="", ipv6="::1")
def ipv6(w, c):
    c.issue(names(1)).expect(0)
    check_set(c.live("h0.example.net"), names(1), w.roots)
    log = w.log_text()
    check("::1" in log or "challenge" in log.lower(), "Pebble says nothing of its validation")


def add_version(v):
    suite.add("pebble %s life of a certificate" % v, lambda: life(version=v))
    suite.add("pebble %s 10 names" % v, lambda: many(10, version=v))
    for p in (50, 90):
        suite.add("pebble %s nonce rejection %d%%" % (v, p),
                  lambda p=p: with_world(version=v, nonce_reject=p)(plain())())
    suite.add("pebble %s chain of 6" % v, lambda: long_chain(version=v))
    suite.add("pebble %s RSA server certificate" % v,
              lambda: with_world(version=v, server_key="rsa2048")(plain(1))())
    suite.add("pebble %s strict" % v, lambda: with_world(version=v, strict=True)(plain(1))())
    suite.add("pebble %s authorization reuse 100%%" % v, lambda: reuse(version=v))
    suite.add("pebble %s IPv6 only" % v, lambda: ipv6(version=v))
    suite.add("pebble %s 100 names" % v, lambda: many(100, version=v))


for version in VERSIONS:
    add_version(version)


# ---------------------------------------------------------------- once, with the newest

@suite.case("retry-after of the CA is kept")
@with_world(retry_after={"authz": 1, "order": 1})
def retry_after(w, c):
    c.issue(names(1)).expect(0)
    check(w.count()["order"] <= 4, "%d polls though the CA asked for 1 s each" % w.count()["order"])


@suite.case("slow validations")
@with_world(sleep=True)
def slow(w, c):
    c.issue(names(2)).expect(0)
    check(w.count()["order"] <= 14, "%d polls for a slow CA" % w.count()["order"])


@suite.case("CA with RSA issuers")
@with_world(key_algorithm="rsa")
def rsa_issuer(w, c):
    c.issue(names(1)).expect(0)
    check_set(c.live("h0.example.net"), names(1), w.roots)


@suite.case("key types")
@with_world()
def key_types(w, c):
    for kind in ("p256", "p384", "rsa2048", "rsa3072", "rsa4096"):
        c.issue([kind + ".example.net"], "--key-type", kind).expect(0)
        check_set(c.live(kind + ".example.net"), [kind + ".example.net"], w.roots, kind)
    equal(w.count()["newAccount"], 1, "newAccount for five certificates of one CA")
    c.issue(["x.example.net"], "--key-type", "dsa").expect(1, "key-type|key type|dsa")


@suite.case("account key types")
@with_world()
def account_key_types(w, _):
    for kind in ("p384", "rsa2048"):
        with w.client() as c:
            name = kind + "-account.example.net"
            c.issue([name], "--account-key-type", kind).expect(0)
            check_set(c.live(name), [name], w.roots, "p256")
            # a record with a P-384 key has over 167 bytes of key, one with RSA 2048 over 1000
            (folder,) = os.listdir(os.path.join(c.state, "ca"))
            size = os.path.getsize(os.path.join(c.state, "ca", folder, "account"))
            check(size > (1000 if kind == "rsa2048" else 167 + 100) and (kind != "p384" or size < 1000),
                  "an account record of %d bytes for %s" % (size, kind))
            # the account's key is found again, and signs the renewal
            c.issue([name], "--force").expect(0)
            c.issue([name], "--account-key-type", "rsa4096").expect(1, "account-key-type")
    equal(w.count()["newAccount"], 2, "newAccount for two accounts")


@suite.case("changed key type and names make it due")
@with_world()
def changed(w, c):
    c.issue(names(1)).expect(0)
    c.issue(names(1), "--key-type", "p384").expect(0)
    check_set(c.live("h0.example.net"), names(1), w.roots, "p384")
    c.issue(names(2), "--key-type", "p384").expect(0)
    check_set(c.live("h0.example.net"), names(2), w.roots, "p384")
    w.mark()
    c.issue(list(reversed(names(2))), "--cert-name", "h0.example.net", "--key-type",
            "p384").expect(0, "nothing due")
    equal(w.count()["newOrder"], 0, "newOrder for the same names in another sequence")


@suite.case("--reuse-key")
@with_world()
def reuse_key(w, c):
    c.issue(names(1), "--reuse-key").expect(0)
    key = common.public_of_key(c.live("h0.example.net") + "/privkey.pem")
    c.issue(names(1), "--reuse-key", "--force").expect(0)
    live = c.live("h0.example.net")
    check_set(live, names(1), w.roots)
    check(common.public_of_key(live + "/privkey.pem") == key, "--reuse-key made a new key")
    c.issue(names(1), "--force").expect(0)
    check(common.public_of_key(live + "/privkey.pem") != key, "the key was kept unasked")


@suite.case("--cert-name names the folder")
@with_world()
def cert_name(w, c):
    c.issue(names(2), "--cert-name", "web.example").expect(0)
    check_set(c.live("web.example"), names(2), w.roots)
    c.issue(names(2), "--cert-name", "../web.example").expect(1, r"cert-name|name")


@suite.case("--webroot")
@with_world()
def webroot(w, c):
    root = os.path.join(c.base, "www")
    os.mkdir(root)
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=root)

        def log_request(self, code="-", size="-"):
            asked.append((self.path, int(code)))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", w.http_port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        c.issue(names(3), "--webroot", root).expect(0)
    finally:
        server.shutdown()
        server.server_close()
    check_set(c.live("h0.example.net"), names(3), w.roots)
    check(len(asked) >= 3 and all(code == 200 for _, code in asked), "web server saw %s" % asked)
    left = [f for _, _, files in os.walk(root) for f in files]
    equal(left, [], "files left in the webroot")


@suite.case("--webroot that does not exist")
@with_world()
def webroot_missing(w, c):
    c.issue(names(1), "--webroot", "/nonexistent/www").expect((1, 4, 6), "/nonexistent/www")
    equal(w.count()["newOrder"], 0, "newOrder though the webroot is missing")


@suite.case("--http-bind")
@with_world()
def http_bind(w, c):
    c.issue(names(1), "--http-bind", "127.0.0.1").expect(0)
    check_set(c.live("h0.example.net"), names(1), w.roots)


@suite.case("the next address when one is dead")
@with_world(ca_name="ca.test", ipv6="::1")
def dead_address(w, c):
    if not common.in_namespace():
        raise Skip("needs a private namespace for its own DNS")
    # ca.test is ::1 and 127.0.0.1, and the CA listens on the second only
    c.issue(names(1), "--http-bind", "::").expect(0)


@suite.case("dual stack responder")
@with_world(ipv6="::1")
def dual_stack(w, c):
    c.issue(names(2)).expect(0)


@suite.case("--json")
@with_world()
def json_lines(w, c):
    r = c.issue(names(1), "--json").expect(0)
    events = r.events()
    check(len(events) >= 5, "%d events only" % len(events))
    check(len({e["event"] for e in events}) >= 3, "all events are of one kind")
    check(all(e["v"] == events[0]["v"] for e in events), "versions differ")
    text = r.text + c.status("--json").text
    with open(c.live("h0.example.net") + "/privkey.pem", encoding="ascii") as f:
        secret = f.read().splitlines()[1]
    check(secret not in text and "PRIVATE KEY" not in text, "the key is in the output")
    r = c.issue(names(1), "--json").expect(0)
    check(len(r.events()) >= 1, "no event says that nothing is due")


@suite.case("status")
@with_world()
def status(w, c):
    c.issue(names(2)).expect(0)
    serial = cert_serial(c.live("h0.example.net") + "/cert.pem").lower().lstrip("0")
    r = c.status().expect(0)
    for want in ("h0.example.net", "h1.example.net"):
        check(want in r.out, "status lacks %s: %s" % (want, r))
    check(serial in r.out.lower().replace(":", ""), "status lacks the serial %s: %s" % (serial, r))
    check(re.search(r"\b(89|90)\b", r.out), "status lacks the days left: %s" % r)
    check(re.search(r"pebble", r.out, re.I), "status lacks the issuer: %s" % r)
    r = c.status("--json").expect(0)
    text = r.out.lower().replace(":", "")
    objects = [json.loads(line) for line in r.out.splitlines() if line.strip()]
    check(objects and all("v" in o for o in objects), "status --json has no v")
    for want in (serial, "h0.example.net", "h1.example.net", "pebble"):
        check(want in text, "status --json lacks %s: %s" % (want, r))


@suite.case("status with nothing there")
def status_empty():
    with common.Client("https://localhost:1/dir", None) as c:
        c.status().expect((0, 4), r"\w")


@suite.case("refused name, then held back, then --now")
@with_world()
def refused(w, c):
    name = "blocked-domain.example"
    c.issue([name]).expect(2, "rejectedIdentifier|not issue|block|policy")
    w.mark()
    c.issue([name]).expect(3, r"\d\d:\d\d")
    equal(w.count()["newOrder"], 0, "newOrder while held back")
    r = c.status().expect((0, 2), name)
    check(re.search("rejectedIdentifier|not issue|block|policy", r.text, re.I),
          "status does not tell the CA's words: %s" % r)
    c.issue([name], "--now").expect(2)
    equal(w.count()["newOrder"], 1, "newOrder with --now")


@suite.case("a proof that fails is told with the CA's words")
@with_world()
def bad_proof(w, c):
    c.issue(names(1), http_port=world.free_port()).expect(2, "connection|refused|Connecting")
    equal(w.count()["finalize"], 0, "finalize after a failed proof")
    w.mark()
    c.issue(names(1)).expect(3, r"\d\d:\d\d")
    equal(w.count()["newOrder"], 0, "newOrder while held back")
    c.issue(names(1), "--now").expect(0)
    check_set(c.live("h0.example.net"), names(1), w.roots)


@suite.case("terms need --agree-tos")
@with_world()
def terms(w, c):
    c.issue(names(1), "--no-tos").expect(1, "agree-tos")
    equal(w.count()["newAccount"], 0, "newAccount without agreement")


@suite.case("one account for two certificates, state is private")
@with_world()
def two(w, c):
    c.issue(["a.example.net"]).expect(0)
    c.issue(["b.example.net"]).expect(0)
    equal(w.count()["newAccount"], 1, "newAccount")
    for where, folders, files in os.walk(c.state):
        for f in files:
            mode = os.stat(os.path.join(where, f)).st_mode & 0o077
            check(mode == 0, "%s is open to others" % f)
    check_set(c.live("a.example.net"), ["a.example.net"], w.roots)
    check_set(c.live("b.example.net"), ["b.example.net"], w.roots)


def start(c, *more, **kw):
    return subprocess.Popen([lwacme_path()] + [str(a) for a in c.args("issue", names(1), *more)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C"), **kw)


def wait_for(w, kind, seconds=20):
    end = time.monotonic() + seconds
    while w.count()[kind] == 0:
        check(time.monotonic() < end, "no %s request came" % kind)
        time.sleep(0.005)


@suite.case("two at once: one waits outside")
@with_world(delay=0.25)
def locked(w, c):
    p = start(c)
    wait_for(w, "directory")
    c.issue(names(1)).expect(4, "in use|%d" % p.pid)
    out, _ = p.communicate(timeout=60)
    equal(p.returncode, 0, "exit of the first (%r)" % out[-300:])
    equal(w.count()["newOrder"], 1, "newOrder")


def stopping(sig, code):
    def fn(w, c):
        p = start(c)
        wait_for(w, "newOrder")
        p.send_signal(sig)
        out, _ = p.communicate(timeout=20)
        equal(p.returncode, code, "exit after signal %d (%r)" % (sig, out[-300:]))
        c.issue(names(1)).expect(0)
        check_set(c.live("h0.example.net"), names(1), w.roots)
        check(w.count()["newOrder"] <= 2, "%d newOrder" % w.count()["newOrder"])
        equal(w.count()["finalize"], 1, "finalize")
    return fn


for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
    suite.add("%s stops cleanly, then goes on" % number.name,
              lambda s=number, k=code: with_world(delay=0.1)(stopping(s, k))())


@suite.case("live lines on a terminal")
@with_world(delay=0.02)
def terminal(w, c):
    master, slave = pty.openpty()
    argv = [lwacme_path()] + [str(a) for a in c.args("issue", names(1))]
    p = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                         env=dict(os.environ, TERM="xterm"))
    os.close(slave)
    text, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            text += data
        elif p.poll() is not None:
            break
    p.wait(timeout=10)
    os.close(master)
    equal(p.returncode, 0, "exit (%r)" % text[-300:])
    check(b"\r" in text.replace(b"\r\n", b"\n") or text.count(b"\n") >= 5,
          "no live lines: %r" % text[-300:])


@suite.case("-q says nothing, -v says more")
@with_world()
def quiet(w, c):
    r = c.issue(names(1), "-q").expect(0)
    equal(r.text, "", "output of -q")
    normal = c.issue(names(1), "--force").expect(0)
    loud = c.issue(names(1), "--force", "-v").expect(0)
    check(len(loud.text) > len(normal.text) > 0, "-v is not longer than the default")


@suite.case("--help and --version")
def help_text():
    r = run_tool(["--help"]).expect(0)
    for want in ("issue", "status", "--agree-tos", "--server", "--ca-file", "--state-dir",
                 "--out-dir", "--http-port", "--http-bind", "--webroot", "--key-type",
                 "--reuse-key", "--cert-name", "--force", "--now", "--ignore-retry-after",
                 "--json", "--version"):
        check(want in r.out, "--help lacks %s" % want)
    part = r.out.lower().split("exit", 1)
    check(len(part) == 2, "--help tells no exit status")
    for code in ("0", "1", "2", "3", "4", "5", "6", "130", "143"):
        check(re.search(r"\b%s\b" % code, part[1]), "--help lacks exit status %s" % code)
    run_tool(["--version"]).expect(0, r"lwacme \S*\d")
    run_tool([]).expect(1, "usage|--help")
    run_tool(["frobnicate"]).expect(1, "frobnicate")
    run_tool(["issue", "--frobnicate"]).expect(1, "frobnicate")
    run_tool(["issue"]).expect(1, "-d")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("pebble"))
