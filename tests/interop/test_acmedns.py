#!/usr/bin/env python3
"""dns-01 by acme-dns: a stand-in that follows its documented API, and Pebble that asks it."""
import functools
import json
import os
import re
import stat
import subprocess
import sys

import common
from acmednsrig import HOST, NS, ZONE, AcmeDns
from common import Skip, Suite, check, check_set, equal
from daemonrig import Daemon, until
import fakeca
import world
from world import World

suite = Suite()

NAME = "dev.example.net"
OWNER = "_acme-challenge." + NAME
ADDRESS = "127.0.0.4"


def bed(root=None):
    """Decorator: fn(world, client, acme_dns); the CA asks acme-dns' own server."""
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            if not common.in_namespace():
                raise Skip("needs addresses and port 53 of its own: a network namespace")
            with World(ask_dns=ADDRESS + ":53") as w, w.client() as c, \
                    AcmeDns(ADDRESS, root and root(w)) as a:
                for host in (NS, HOST):
                    w.dns("add_a", host=host + ".", addresses=[
                        ADDRESS if host == NS else "127.0.0.1"])
                return fn(w, c, a)
        return run
    return wrap


def way(a, *more):
    return ["--challenge", "dns-01", "--acme-dns", a.url, "--dns-server", ADDRESS, *more]


def records(r):
    """{owner: target} of the CNAME records that a run has told."""
    return dict(re.findall(r"^(\S+)\. IN CNAME (\S+)\.$", r.out, re.M))


def register(c, a, names, *more, code=6):
    r = c.run("acme-dns", "--acme-dns", a.url, "--dns-server", ADDRESS, *more, names=names)
    return records(r.expect(code)), r


def ready(c, a, names=(NAME,)):
    """Registered, and the person has added the records."""
    found, _ = register(c, a, names)
    a.cname.update(found)


def secrets(c):
    folder = os.path.join(c.state, "solvers")
    return [os.path.join(folder, n) for n in sorted(os.listdir(folder))]


@suite.case("registered once told and used")
@bed()
def life(w, c, a):
    found, r = register(c, a, [NAME])
    equal(list(found), [OWNER], "records told")
    check(found[OWNER].endswith("." + ZONE) and "; not published" in r.out, r.out)
    user = next(iter(a.users))
    # Nothing is asked of the CA, and the secret is nobody else's.
    equal(w.count()["total"], 0, "requests to the CA")
    for path in secrets(c):
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of " + path)
    check(a.users[user][0] not in r.text and user not in r.text, "the password is printed")
    # Told again, and not registered again.
    equal(register(c, a, [NAME])[0], found, "the record, told again")
    equal(a.count("register"), 1, "registrations")
    # The CA is not told to look before the record is there.
    c.issue([NAME], *way(a)).expect(6, "add this record to the zone: %s. CNAME %s" %
                                    (OWNER, found[OWNER]))
    equal((w.count()["challenge"], a.count("update")), (0, 0), "challenges and updates")
    a.cname.update(found)
    check("; published" in register(c, a, [NAME], code=0)[1].out, "not seen")
    r = c.issue([NAME], *way(a), "--now", "-v").expect(0)
    check_set(c.live(NAME), [NAME], w.roots)
    check(a.users[user][0] not in r.text, "the password is printed")
    equal((a.count("register"), a.count("update")), (1, 1), "requests to acme-dns")
    equal(a.complaints, [], "complaints")
    # A renewal needs nobody.
    c.issue([NAME], *way(a), "--force", "--now").expect(0)
    equal((a.count("register"), a.count("update")), (1, 2), "requests to acme-dns")


@suite.case("the first issue registers too")
@bed()
def first(w, c, a):
    r = c.issue([NAME], *way(a)).expect(6, "add this record to the zone")
    owner, target = re.search(r"zone: (\S+)\. CNAME (\S+)\.$", r.err, re.M).groups()
    equal(a.count("register"), 1, "registrations")
    a.cname[owner] = target
    c.issue([NAME], *way(a), "--now").expect(0)
    equal((a.count("register"), a.count("update")), (1, 1), "requests to acme-dns")


@suite.case("wildcard and base in one order")
@bed()
def wildcard(w, c, a):
    names = [NAME, "*." + NAME]
    ready(c, a, names)
    equal(len(a.users), 1, "registrations for both")
    c.issue(names, *way(a)).expect(0)
    check_set(c.live(NAME), names, w.roots)
    equal(len(set(a.updates)), 2, "values")
    equal(len(a.updates), 2, "updates")


@suite.case("several names have a registration each")
@bed()
def several(w, c, a):
    names = ["a.example.net", "b.example.net", "c.example.net"]
    ready(c, a, names)
    equal(len(a.users), 3, "registrations")
    c.issue(names, *way(a)).expect(0)
    check_set(c.live(names[0]), names, w.roots)


@suite.case("its own trust anchors")
@bed(root=lambda w: world.make_ca(w.folder, "another root"))
def anchors(w, c, a):
    # The CA's anchors are not those of acme-dns here, and the other way round.
    register(c, a, [NAME], code=6)
    equal(a.count("register"), 0, "registrations at a server that is not trusted")
    c.issue([NAME], *way(a)).expect(6, "not signed by a trusted root")
    found, _ = register(c, a, [NAME], "--acme-dns-ca-file", a.ca_file)
    a.cname.update(found)
    c.issue([NAME], *way(a, "--acme-dns-ca-file", a.ca_file), "--now").expect(0)
    check_set(c.live(NAME), [NAME], w.roots)
    c.issue([NAME], *way(a, "--acme-dns-ca-file", "/nonexistent"), "--force", "--now").expect(
        4, "No such file")


def taken(rule, kind="update"):
    """Once it goes wrong, and then all is well."""
    @bed()
    def fn(w, c, a):
        ready(c, a)
        a.on(kind, rule, times=1)
        c.issue([NAME], *way(a)).expect(0)
        check_set(c.live(NAME), [NAME], w.roots)
    return fn


suite.add("update that answers 500 once", taken(fakeca.problem(500, "x")))
suite.add("update that is cut once", taken(fakeca.cut(3)))
suite.add("update that is closed once", taken(fakeca.close))
suite.add("slow update", taken(fakeca.drip(0.01)))


@suite.case("answer that is lost does not push the other value out")
@bed()
def lost(w, c, a):
    names = [NAME, "*." + NAME]
    ready(c, a, names)
    a.on("update", lambda rq, reply: None, times=1)
    a.on("update", fakeca.close, times=1)      # the second one was taken, but who asked is not told
    c.issue(names, *way(a)).expect(0)
    check_set(c.live(NAME), names, w.roots)
    equal((len(a.updates), len(set(a.updates))), (2, 2), "updates, and values")


def broken(rule, words, kind="update"):
    """It goes wrong each time: told in words, the CA is left alone, and nothing leaks."""
    @bed()
    def fn(w, c, a):
        if kind == "update":
            ready(c, a)
        a.on(kind, rule, before=True)     # instead of what it is asked for
        r = c.issue([NAME], *way(a), timeout=150).expect(6, words)
        equal(w.count()["challenge"], 0, "challenges told to the CA")
        check(not any(p in r.text for p, _ in a.users.values()), "a password is printed")
        check(a.count(kind) <= 3, "asked %d times" % a.count(kind))
        a.rules.clear()
        if kind == "register":
            check(not os.path.isdir(os.path.join(c.state, "solvers")) or not secrets(c),
                  "a registration is kept")
            ready(c, a)
        c.issue([NAME], *way(a), "--now").expect(0)
    return fn


def body(data, status=200):
    return lambda rq, reply: fakeca.Reply(status, data)


def cut_off(rq, reply):
    reply.body, reply.cut = b"{}", 1
    return reply


GOOD = {"username": "u-1", "password": "p_1", "subdomain": "s1", "fulldomain": "s1." + ZONE}
suite.add("update answers 401", broken(body({"error": "forbidden"}, 401), "refuses our registration"))
suite.add("update answers 500", broken(fakeca.problem(500, "x"), "HTTP 500"))
suite.add("update answers 404", broken(body("", 404), "HTTP 404"))
suite.add("update redirects", broken(body("", 302), "HTTP 302"))
suite.add("update answers 10 mb", broken(body(b"x" * 10000000), "bound"))
suite.add("update answers no http", broken(fakeca.raw(b"\0\1\2garbage\r\n\r\n"), "not valid HTTP"))
suite.add("update is cut", broken(cut_off, "https://%s" % HOST))
suite.add("register answers 401", broken(body("", 401), "registration is not allowed", "register"))
suite.add("register answers 10 mb", broken(body(b"{" * 10000000, 201), "bound", "register"))
for title, answer in (
        ("garbage", b"\xff\xfe{"), ("an array", []), ("too little", {"username": "u"}),
        ("a line end in the password", dict(GOOD, password="a\r\nX-Evil: 1")),
        ("a number", dict(GOOD, username=7)), ("an endless user", dict(GOOD, username="u" * 2000)),
        ("another domain", dict(GOOD, fulldomain="other." + ZONE)),
        ("a domain that is none", dict(GOOD, fulldomain="s1.a b")),
        ("a subdomain with dots", dict(GOOD, subdomain="s1.x", fulldomain="s1.x." + ZONE)),
        ("deep nesting", b"[" * 5000)):
    suite.add("register answers " + title,
              broken(body(answer, 201), "makes no sense", "register"))


@suite.case("record that leads elsewhere")
@bed()
def elsewhere(w, c, a):
    ready(c, a)
    good, a.cname[OWNER] = a.cname[OWNER], "other." + ZONE
    c.issue([NAME], *way(a)).expect(6, "CNAME " + good)
    a.cname.update({OWNER: "x1.example.net", "x1.example.net": OWNER})
    c.issue([NAME], *way(a), "--now").expect(6, "too many aliases")
    equal((w.count()["challenge"], a.count("update")), (0, 0), "challenges and updates")


@suite.case("value that its dns does not show")
@bed()
def silent(w, c, a):
    ready(c, a)
    a.silent.add(a.cname[OWNER])
    c.issue([NAME], *way(a), timeout=150).expect(6, "does not show the record")
    equal(w.count()["challenge"], 0, "challenges told to the CA")


@suite.case("damaged registration is left for a person")
@bed()
def damaged(w, c, a):
    ready(c, a)
    path, = secrets(c)
    with open(path, "rb") as f:
        data = f.read()
    for bad in (data[:-1], data[:40] + bytes([data[40] ^ 1]) + data[41:], b"", b"x" * 3000):
        with open(path, "wb") as f:
            f.write(bad)
        c.issue([NAME], *way(a), "--now").expect((4, 6))
        with open(path, "rb") as f:
            check(f.read() == bad or bad == b"", "it was replaced")
    with open(path, "wb") as f:
        f.write(data)
    c.issue([NAME], *way(a), "--now").expect(0)


@suite.case("import of what other clients keep")
@bed()
def imported(w, c, a):
    a.register()
    (user, (password, sub)), = a.users.items()
    one = {"username": user, "password": password, "subdomain": sub,
           "fulldomain": sub + "." + ZONE, "allowfrom": []}
    path = os.path.join(c.base, "acmedns.json")

    def put(what, mode=0o600):
        with open(path, "w", encoding="ascii") as f:
            f.write(what if isinstance(what, str) else json.dumps(what))
        os.chmod(path, mode)

    for what, mode, words in (({NAME: one}, 0o644, "chmod 600"), ("{", 0o600, "not JSON"),
                              ({NAME: dict(one, username="")}, 0o600, "makes no sense"),
                              ("x" * 100000, 0o600, "too long")):
        put(what, mode)
        r = register(c, a, [NAME], "--import", path, code=4)[1]
        check(words in r.err and password not in r.text, str(r))
    equal(a.count("register"), 0, "registrations")
    put({NAME: dict(one, server_url=a.url), "other.example.net": {"username": "x"}})
    found, _ = register(c, a, ["*." + NAME], "--import", path)
    equal(found, {OWNER: sub + "." + ZONE}, "records told")
    a.cname.update(found)
    c.issue(["*." + NAME], *way(a)).expect(0)
    equal(a.count("register"), 0, "registrations")


@suite.case("daemon and renew use it")
@bed()
def daemon(w, c, a):
    more = {"challenge": "dns-01", "acme-dns": a.url, "dns-server": ADDRESS}
    with Daemon(w, {NAME: dict(more, domain=NAME + " *." + NAME)}) as d:
        c.state = d.state
        ready(c, a)
        d.renew().expect(0)
        check_set(os.path.join(d.out, NAME), [NAME, "*." + NAME], w.roots)
        other = "two.example.net"
        ready(c, a, [other])
        d.write({NAME: dict(more, domain=NAME + " *." + NAME), other: dict(more, domain=other)})
        d.start()
        d.until(lambda: os.path.exists(os.path.join(d.out, other, "cert.pem")), "a certificate")
        check_set(os.path.join(d.out, other), [other], w.roots)
        d.stop()


@suite.case("killed in the middle and run again")
@bed()
def killed(w, c, a):
    ready(c, a)
    a.on("update", fakeca.hang, times=1)
    argv = [common.lwacme_path()] + c.args("issue", [NAME], *way(a))
    p = subprocess.Popen([str(x) for x in argv], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    until(lambda: a.count("update") > 0, "an update", 60)
    p.kill()
    p.wait()
    c.issue([NAME], *way(a), "--now").expect(0)
    check_set(c.live(NAME), [NAME], w.roots)


@suite.case("addresses are refused in plain words")
@bed()
def addresses(w, c, a):
    c.issue(["127.0.0.1"], *way(a)).expect(6, "http-01")
    register(c, a, ["127.0.0.1"], code=1)
    equal(a.count("register"), 0, "registrations")


@suite.case("options are checked")
def options():
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        good = ["--acme-dns", "https://auth.example.org"]
        c.issue([NAME], *good).expect(1, "--acme-dns needs --challenge dns-01")
        c.issue([NAME], "--challenge", "dns-01", *good, "--tsig-key-file", "x").expect(1, "excludes")
        c.issue([NAME], "--acme-dns-ca-file", "x").expect(1, "give --acme-dns URL")
        c.run("acme-dns", names=[NAME]).expect(1, "give --acme-dns URL")
        c.run("acme-dns", *good).expect(1, "no name is given")
        for bad in ("http://a.b", "a.b", "https://", "https://u:p@a.b", "https://a.b/" + "x" * 300):
            c.issue([NAME], "--challenge", "dns-01", "--acme-dns", bad).expect(1, "https://")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("acmedns"))
