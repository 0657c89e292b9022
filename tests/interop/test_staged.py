#!/usr/bin/env python3
"""The walk in steps (`lwacme -d NAME -AUTH`, `--dns`, `-DNS`, `-CERT`) against Pebble: a person adds the
TXT record in between, and each step is a process of its own.

vectors/staged_session.txt is a session of the program whose users know these steps, as they noted it;
what ours prints is compared with it byte by byte, but for what ACME v1 called otherwise.
"""
import functools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import common
from common import (Fail, Skip, Suite, cert_names, cert_serial, check, equal, key_text, lwacme_path,
                    run_tool)
from dnsrig import Bind, Key, zone
from fakeca import problem
import rig
from world import World

suite = Suite()
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
NAME = "bsys.example.net"
STAMP = r"lwacme \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
LINE = re.compile(r"^_acme-challenge\.(\S+)\.\tIN TXT\t([A-Za-z0-9_-]{43})$", re.M)


class Walk:
    """One state folder, one working folder, one CA; what is said once is not repeated."""

    def __init__(self, w, base, name=NAME, options=()):
        self.w, self.name, self.state = w, name, os.path.join(base, "state")
        self.cwd = os.path.join(base, "work")
        os.makedirs(self.cwd)
        self.first = ["--server", w.directory, "--ca-file", w.ca_file]
        if hasattr(w, "dns_port"):
            self.first += ["--dns-server", "127.0.0.1:%d" % w.dns_port]
        self.options = list(options)

    def run(self, *args, names=None, timeout=90, env=None):
        names = [self.name] if names is None else names
        argv = [x for n in names for x in ("-d", n)] + list(args) + ["--state-dir", self.state]
        return run_tool(argv, timeout=timeout, cwd=self.cwd, env=env)

    def register(self, *more, **kw):
        return self.run("-m", "ops@example.net", "--agree-tos", *self.first, *self.options, *more, **kw)

    def begin(self, *more, **kw):
        """As far as the records are known: [(name, value)]."""
        self.register(**kw).expect(0)
        self.run("-AUTH", *self.options, *more, **kw).expect(0)
        return self.records(**kw)

    def records(self, **kw):
        return LINE.findall(self.run("--dns", **kw).expect(0).out)

    def publish(self, records):
        for host, value in records:
            self.w.dns("set_txt", host="_acme-challenge.%s." % host, value=value)

    def file(self, end, name=None):
        return os.path.join(self.cwd, (name or self.name) + end)

    def files(self, names=None, key_type="p256", name=None):
        crt, key = self.file(".crt", name), self.file(".key", name)
        for f in (crt, key):
            equal(oct(os.stat(f).st_mode & 0o7777), oct(0o600), "mode of %s" % f)
        equal(cert_names(crt), sorted(names or [self.name]), "names in the certificate")
        check(common.public_of_key(key) == common.public_of_cert(crt), "key and certificate differ")
        equal(key_text(key), key_type, "key type")
        text = open(crt, encoding="ascii").read()
        check(text.count("BEGIN CERTIFICATE") == 2, "not the leaf and its chain")
        common.openssl("verify", "-CAfile", self.w.roots, "-untrusted", crt, crt)
        equal(sorted(f for f in os.listdir(self.cwd) if f.startswith(".")), [], "left behind")
        return crt, key


def bed(options=(), **world):
    """Decorator: fn(world, walk)"""
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            lwacme_path()
            with World(**world) as w, w.client() as c:
                try:
                    return fn(w, Walk(w, c.base, options=options))
                except Fail as e:
                    raise Fail("%s [requests: %s]" % (e, dict(w.count()))) from e
        return run
    return wrap


# ---------------------------------------------------------------- the session, byte by byte

def session():
    """[(arguments, output)] of the program, in their order."""
    path = os.path.join(common.ROOT, "tests/vectors/staged_session.txt")
    with open(path, encoding="utf-8") as f:
        parts = re.split(r"^\[ssladmin@\w+ \S+\]\$ (.*)\n", f.read(), flags=re.M)[1:]
    return [(command.split()[1:], text) for command, text in zip(parts[::2], parts[1::2])
            if command.startswith("./app.py")]


BODY = re.compile(r"^(\{\n.*?^\}|-----BEGIN .*?-----END CERTIFICATE-----)\n(?!-----BEGIN)", re.M | re.S)


def shape(text, bodies):
    """The text with the facts taken out of it: the CA's objects (into bodies), times, values."""
    def body(match):
        raw = match.group(1)
        if raw[0] == "{":
            bodies.append(json.loads(raw))
            equal(raw, json.dumps(bodies[-1], indent=2), "how an object is written")
        return "(body)\n"
    text = BODY.sub(body, text)
    text = re.sub(r"(?<=\[)\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}(?=\])", "TIME", text)
    return LINE.sub(lambda m: m.group(0).replace(m.group(1), "NAME").replace(m.group(2), "V" * 43), text)


REG = "LetsEncrypt.send: resource: reg\nLetsEncrypt.send: status: 202\nLetsEncrypt.send: body:\n(body)\n"
# What RFC 8555 calls otherwise than ACME v1, and how the program calls itself.
RENAMED = ((REG, ""),       # v1 agreed to the terms by a second request
           ("new-reg", "newAccount"), ("new-authz", "newOrder"), ("status: 202", "status: 200"),
           ("Let's Encrypt [", "lwacme ["), ("LetsEncrypt.send", "lwacme.send"), ("./app.py", "lwacme"))
# v1's new-cert gave DER at once, and its program did not show it.
ISSUE = "".join("lwacme.send: resource: %s\nlwacme.send: status: 200\nlwacme.send: body:\n(body)\n" % r
                for r in ("finalize", "certificate"))


def expected(text):
    text = shape(text, [])
    for old, new in RENAMED:
        text = text.replace(old, new)
    return text


def replay(w, walk, pause):
    """Each command of the session in a process of its own; a person in between. Gives the objects."""
    seen, value = {}, []
    for args, text in session():
        argv = [a.replace("bsys.domain.tld", NAME).replace("domain.tld", "example.net") for a in args]
        more = ["--state-dir", walk.state] if argv else []
        if "-m" in argv:
            more += ["--agree-tos"] + walk.first      # Let's Encrypt was the program's only CA
        r = run_tool(argv + more, cwd=walk.cwd)
        bodies = []
        want = expected(text) + (ISSUE if "-CERT" in argv else "")
        equal(shape(r.err + r.out, bodies), want, "what %s printed" % args)
        bad = "error:" in text
        equal(r.code, 1 if bad else 0, "exit of %s" % args)
        equal(r.out if bad else r.err, "", "the other stream of %s" % args)
        seen[args[-1] if args else ""] = bodies
        value += LINE.findall(r.out)
        if "--dns" in argv:
            walk.publish(value)
        time.sleep(pause)
    equal([n for n, _ in value], [NAME], "names of records")
    return seen


@suite.case("the session of the user's document byte by byte")
@bed()
def transcript(w, walk):
    seen = replay(w, walk, 1)
    account, = seen["ssladmin@domain.tld"]
    equal((account["status"], account["contact"]), ("valid", ["mailto:ssladmin@example.net"]), "account")
    order, authz = seen["-AUTH"]
    equal((order["status"], order["identifiers"]),
          ("pending", [{"type": "dns", "value": NAME}]), "the order")
    equal(authz["status"], "pending", "the authorization")
    equal(seen["--dns"][0]["status"], "pending", "the authorization")
    before, challenge, after = seen["-DNS"]
    equal((before["status"], challenge["type"], after["status"]), ("pending", "dns-01", "valid"), "-DNS")
    check("keyAuthorization" not in challenge, "a key authorization is shown")
    equal(seen["-CERT"][0]["status"], "valid", "the authorization")
    walk.files()
    n = w.count()
    equal((n["newAccount"], n["newOrder"], n["challenge"], n["finalize"]), (1, 1, 1, 1), "requests")


# ---------------------------------------------------------------- steps

@suite.case("each step three times is no harm")
@bed()
def repeated(w, walk):
    for _ in range(3):
        walk.register().expect(0, '"status": "valid"')
    for _ in range(3):
        walk.run("-AUTH").expect(0, '"status": "pending"')
    records = [walk.records() for _ in range(3)]
    check(records[0] and records[0] == records[1] == records[2], "records change: %r" % records)
    walk.publish(records[0])
    walk.run("-DNS").expect(0, "resource: challenge")
    for _ in range(2):
        r = walk.run("-DNS").expect(0, "nothing is pending")
        check("resource: challenge" not in r.out, "told the CA once more")
    walk.run("-AUTH").expect(0, "already authorized.*-CERT is next")
    equal(walk.records(), [], "records of what is authorized")
    walk.run("-CERT").expect(0)
    serial = cert_serial(walk.files()[0])
    w.mark()
    os.remove(walk.file(".key"))
    with open(walk.file(".crt"), "w", encoding="ascii") as f:
        f.write("rubbish")
    for _ in range(2):
        walk.run("-CERT").expect(0, "nothing is due")     # and the files are mended
        equal(cert_serial(walk.files()[0]), serial, "the certificate")
    walk.run("-AUTH").expect(0, "already authorized")
    walk.run("--dns").expect(0, "no record is needed")
    walk.run("-DNS").expect(0, "nothing is pending")
    equal(w.count()["total"], 0, "requests when all is done")


@suite.case("a step whose turn has not come")
@bed()
def out_of_order(w, walk):
    for step in ("-AUTH", "--dns", "-DNS", "-CERT"):
        r = walk.run(step, *walk.first).expect(7, STAMP + "error: registration is missing: .*-m E-MAIL")
        equal(r.out, "", "stdout of %s" % step)
    equal(w.count()["total"], 0, "requests")
    walk.register().expect(0)
    w.mark()
    for step in ("--dns", "-DNS", "-CERT"):
        walk.run(step).expect(7, STAMP + "error: -AUTH is missing")
    equal(w.count()["total"], 0, "requests")
    walk.run("-AUTH").expect(0)
    walk.run("-CERT").expect(7, STAMP + "error: -DNS is missing: .*pending")
    equal(w.count()["finalize"], 0, "finalize")
    # The order is for these: another key type or name is another one, and nothing is given up for it.
    walk.run("-CERT", "--key-type", "p384").expect(7, "-AUTH is missing: the order that is open is for other")
    walk.run("-DNS", names=[NAME, "other.example.net"]).expect(7, "-AUTH is missing: the order that is open")
    equal(w.count()["newOrder"], 1, "newOrder")


@suite.case("the CA is told only when the record is there")
@bed()
def not_there(w, walk):
    records = walk.begin()
    r = walk.run("-DNS").expect(7, STAMP + r"error: _acme-challenge\.%s\. is not there yet with %s" %
                                records[0])
    check("the CA was not told" in r.err, "not a word: %s" % r)
    walk.publish([(NAME, "x" * 43)])
    walk.run("-DNS").expect(7, "not there yet")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    walk.publish(records)     # beside the other value
    walk.run("-DNS").expect(0)
    walk.run("-CERT").expect(0)
    walk.files()
    equal(w.count()["newOrder"], 1, "newOrder")


@suite.case("no DNS server answers: told and nothing is lost")
@bed()
def no_server(w, walk):
    records = walk.begin()
    walk.publish(records)
    walk.run("-DNS", "--dns-server", "127.0.0.1:9").expect(3, "no DNS server tells.*the CA was not told")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    walk.run("-DNS", "--dns-server", "127.0.0.1:9", "--force").expect(0, STAMP + "warning: .*no DNS server")
    walk.run("-CERT").expect(0)


@suite.case("-DNS by force and the CA does not see it")
@bed()
def forced_proof(w, walk):
    walk.begin()
    r = walk.run("-DNS", "--force").expect(2, '"status": "invalid"')
    check(re.search(STAMP + "error: .*\n  step ", r.err), "no words for people: %s" % r)
    check("port 80" not in r.err, "a hint that does not fit: %s" % r)
    walk.run("-CERT").expect(7, "-AUTH is missing")
    walk.run("-AUTH").expect(3, STAMP + "held back until")
    walk.run("-AUTH", "--now").expect(0)
    walk.publish(walk.records())
    walk.run("-DNS").expect(0)
    walk.run("-CERT").expect(0)
    walk.files()


@suite.case("--force begins anew what is authorized")
@bed()
def forced(w, walk):
    def prove():
        walk.publish(walk.records())
        walk.run("-DNS").expect(0)
    walk.begin()
    walk.run("-AUTH", "--force").expect(0)       # what is pending is gone on with
    equal(w.count()["newOrder"], 1, "newOrder")
    prove()
    walk.run("-AUTH", "--force").expect(0, "newOrder")
    equal(w.count()["newOrder"], 2, "newOrder")
    walk.run("-CERT").expect(7, "-DNS is missing")
    prove()
    walk.run("-CERT").expect(0)
    serial = cert_serial(walk.files()[0])
    walk.run("-CERT", "--force").expect(7, "newOrder.*-DNS is missing")
    prove()
    walk.run("-CERT").expect(0)
    check(cert_serial(walk.files()[0]) != serial, "the same certificate")


@suite.case("-CERT --force where the CA still knows the proof")
@bed(authz_reuse=100)
def forced_again(w, walk):
    walk.publish(walk.begin())
    walk.run("-DNS").expect(0)
    walk.run("-CERT").expect(0)
    serial = cert_serial(walk.files()[0])
    walk.run("-CERT", "--force").expect(0, "newOrder.*finalize")
    check(cert_serial(walk.files()[0]) != serial, "the same certificate")
    equal(w.count()["challenge"], 1, "challenges told to the CA")


@suite.case("wildcard base and more names in one order")
@bed(options=["--key-type", "p384"])
def several(w, walk):
    names = ["*." + NAME, NAME, "two.example.net"]
    walk.register(names=names).expect(0)
    walk.run("-AUTH", names=names).expect(0)
    name = "_wildcard." + NAME
    walk.name = names[0]              # the later steps need only the first
    r = walk.run("--dns", "-q").expect(0)
    records = LINE.findall(r.out)
    equal(r.out, "".join("_acme-challenge.%s.\tIN TXT\t%s\n" % x for x in records), "--dns -q")
    equal(sorted(n for n, _ in records), sorted([NAME, NAME, "two.example.net"]), "names of records")
    equal(len(set(v for _, v in records)), 3, "values")
    walk.publish(records[:2])
    r = walk.run("-DNS").expect(7)
    equal(r.err.count("is not there yet"), 1, "records that are not there yet")
    walk.publish(records[2:])
    walk.run("-DNS").expect(0)
    walk.run("-CERT").expect(0)
    walk.files(names, "p384", name)


@suite.case("the zone's own servers are asked and all of them")
def zone_servers():
    if not common.in_namespace():
        raise Skip("needs addresses and port 53 of its own: a network namespace")
    servers = ["ns1.dns.test", "ns2.dns.test"]
    names = {"dns.test": zone("dns.test", servers, "ns1 A 127.0.0.1\nns2 A 127.0.0.2\n")}

    def zones(record):
        return dict(names, **{"example.net": zone("example.net", servers, record)})

    with World(ask_dns="127.0.0.1:53", namespace=False) as w, w.client() as c:
        walk = Walk(w, c.base)
        walk.first = walk.first[:4]
        with Bind("127.0.0.1", zones(""), Key()):
            walk.begin()
            value = walk.records()[0][1]
        there = zones('_acme-challenge.bsys TXT "of somebody else"\n_acme-challenge.bsys TXT "%s"' % value)
        with Bind("127.0.0.1", there, Key()):
            with Bind("127.0.0.2", zones(""), Key()):
                walk.run("-DNS").expect(7, r"not there yet.*ns2\.dns\.test: this server does not show")
            equal(w.count()["challenge"], 0, "challenges told to the CA")
            with Bind("127.0.0.2", there, Key()):
                walk.run("-DNS").expect(0)
            walk.run("-CERT").expect(0)
        walk.files()


# ---------------------------------------------------------------- kills, signals

def kill_in_step(walk, rng, whole, *args):
    p = subprocess.Popen([lwacme_path(), "-d", NAME, *args, "--state-dir", walk.state], cwd=walk.cwd,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        p.wait(timeout=rng.uniform(0, whole))
    except subprocess.TimeoutExpired:
        pass
    p.send_signal(signal.SIGKILL)
    p.communicate()


@suite.case("SIGKILL in the middle of each step")
@bed(delay=0.02)
def killed(w, walk):
    rng = random.Random(SEED)
    print("# seed %d" % SEED, flush=True)
    steps = [["-m", "ops@example.net", "--agree-tos"] + walk.first, ["-AUTH"], ["--dns"], ["-DNS"],
             ["-CERT"]]
    for args in steps:
        for _ in range(3):
            kill_in_step(walk, rng, 0.35, *args)
            for f in os.listdir(walk.cwd):     # what is there is whole
                if not f.startswith("."):
                    text = open(os.path.join(walk.cwd, f), encoding="ascii").read()
                    check(text.endswith("-----\n"), "%s is cut" % f)
        r = walk.run(*args)
        check(r.code == 0, "%s after SIGKILL (seed %d): %s" % (args[0], SEED, r))
        if args == ["--dns"]:
            walk.publish(LINE.findall(r.out))
    crt, key = walk.file(".crt"), walk.file(".key")
    check(common.public_of_key(key) == common.public_of_cert(crt), "key and certificate differ")
    n = w.count()
    equal(w.log_text().count("accounts in memory"), 1, "accounts")
    # A second one only where the reply that names the first never came.
    check(n["newOrder"] <= 1 + 3, "%d newOrder" % n["newOrder"])
    equal(n["finalize"], 1, "finalize (seed %d)" % SEED)


@suite.case("a signal ends a step cleanly")
@bed(delay=0.2)
def stopped(w, walk):
    records = walk.begin()
    p = subprocess.Popen([lwacme_path(), "-d", NAME, "--dns", "--state-dir", walk.state], cwd=walk.cwd,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = len(w.requests())
    while len(w.requests()) == seen and p.poll() is None:
        time.sleep(0.01)
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=60)
    equal(p.returncode, 143, "exit")
    equal(walk.records(), records, "records")


# ---------------------------------------------------------------- revocation

def revoked(w, crt):
    return json.loads(w.manage("/cert-status-by-serial/" + cert_serial(crt).lower().lstrip("0")))["Status"]


def certificate(w, walk):
    walk.publish(walk.begin())
    walk.run("-DNS").expect(0)
    walk.run("-CERT").expect(0)
    return walk.files()


REVOCATIONS = (("-r", lambda crt, key: ["-r", "--reason", "superseded"]),
               ("--revoke by the certificate's key",
                lambda crt, key: ["--revoke", "--signed-by", "certificate"]),
               ("-R by the account's key", lambda crt, key: ["-R", crt]),
               ("--revoke-cert by the certificate's key",
                lambda crt, key: ["--revoke-cert=" + crt, "--key", key, "--reason", "keyCompromise"]))


def revocation(args):
    @bed()
    def fn(w, walk):
        crt, key = certificate(w, walk)
        more = args(crt, key)
        walk.run(*more, names=[] if more[0].startswith(("-R", "--revoke-cert")) else None).expect(
            0, "resource: revokeCert\nlwacme.send: status: 200\nlwacme.send: body:\n")
        equal(revoked(w, crt), "Revoked", "the CA's books")
        walk.run("-AUTH").expect(4, STAMP + "error: .*is revoked: --force")
        walk.run("-AUTH", "--force").expect(0)
    return fn


for title, how in REVOCATIONS:
    suite.add(title, revocation(how))


@suite.case("nothing to revoke")
@bed()
def nothing_to_revoke(w, walk):
    walk.register().expect(0)
    walk.run("-r").expect(4, STAMP + "error: there is no certificate " + NAME)
    walk.run("-R", "/nowhere", names=[]).expect(1, STAMP + "error: No such file.*: /nowhere\nUsage:")
    walk.run("-r", "--reason", "boredom").expect(1, STAMP + "error: there is no such reason: boredom\nUsage:")


# ---------------------------------------------------------------- the command line

@suite.case("every spelling of every option")
@bed()
def spellings(w, walk):
    state = ["--state-dir", walk.state]

    def go(*args):
        return run_tool(list(args) + state, cwd=walk.cwd).expect(0)
    go("--domain", NAME, "--mailto", "ops@example.net", "--agree-tos", *walk.first)
    go("--domain=" + NAME, "--mailto=new@example.net")
    r = go("-d" + NAME, "-mother@example.net")
    check("mailto:other@example.net" in r.out, "the contact was not changed: %s" % r)
    go("--authorization", "--domain", NAME)
    walk.publish(LINE.findall(go("-d", NAME, "--dns").out))
    go("--challenge", NAME)                       # the domain as a word
    go("--certificate", "--domain", NAME)
    walk.files()
    r = go("-h")
    text = [t for a, t in session() if not a][0].split("\n", 1)[1].replace("./app.py", "lwacme")
    check(r.out.startswith(text), "-h is not the usage that its users know")
    check("--agree-tos" in r.out and r.err == "", "-h: %s" % r)
    equal(run_tool(["-d", NAME, "--help"]).expect(0).out, r.out, "--help behind an option")
    check("issue" in run_tool(["--help"]).expect(0).out, "--help alone is that of the commands")


def usage(*args, words, name=None):
    def fn():
        r = run_tool(list(args), cwd="/", env={"HOME": "/nonexistent"})
        r.expect(1, "^" + STAMP + "error: " + words + r"[^\n]*\nUsage: lwacme \[options\] \[DOMAIN\]\n\nOptions:\n")
        equal(r.out, "", "stdout")
    suite.add("refused " + (name or " ".join(a.strip("-") or "none" for a in args[-2:])[:30]), fn)


usage(words="Domain name is mandatory", name="nothing")
usage("-AUTH", words="Domain name is mandatory")
usage("-r", words="Domain name is mandatory", name="revoke nothing")
for mail in ("nobody", "a@b@c", "a b@c.example", "x@y.example,z@y.example", "mailto:x@y.example", "@"):
    usage("-d", NAME, "-m", mail, words=r"email address is not correct \(mailto: %s\)" % re.escape(mail),
          name="mail %s" % mail)
usage("-d", NAME, "-m", words="--mailto: its value is missing", name="no mail behind -m")
usage("-d", NAME, "--domain=", words="not a usable name", name="empty domain")
usage("-d", "bad_name!", "-AUTH", words="not a usable name", name="a name that is none")
usage("-d", NAME, "-AUTH", "-CERT", words="one step at a time", name="two steps")
usage("-d", NAME, "-AUT", words="there is no such option: -AUT", name="half an option")
usage("-d", NAME, "--re", words="there is no such option: --re", name="an option in doubt")
usage("-d", NAME, "--dns=yes", words="--dns takes no value", name="a value too much")
usage("-d", NAME, "--challenge=dns-01", words="--challenge takes no value", name="challenge with a value")
usage("-q", "issue", "-d", NAME, words=r"a command goes first: lwacme issue \[options\]", name="a command behind")
usage("-d", NAME, "--server", "http://x.example/", words="--server must be a plain https", name="server http")
usage("-d", NAME, "--server", "letsencrypt", "--server", "letsencrypt-staging", words="one --server",
      name="two servers")
usage("-d", NAME, "-AUTH", "--reason", "superseded", words="--reason, --key and --signed-by go with -r",
      name="a reason for nothing")
usage("-d", NAME, "-q", "-v", words="-q and -v exclude", name="quiet and loud")


@suite.case("refused before anything is sent: the first run without a mail or with a wrong one")
@bed()
def no_mail(w, walk):
    walk.run(*walk.first).expect(1, STAMP + r"error: email address is not correct \(mailto: None\)\nUsage:")
    walk.run("-m", "nobody", *walk.first).expect(1, r"\(mailto: nobody\)\nUsage:")
    equal(w.count()["total"], 0, "requests")
    r = walk.run("-m", "ops@example.net", *walk.first).expect(1, STAMP + "the CA's terms of service: data:")
    check("--agree-tos" in r.err and r.out == "", "terms: %s" % r)
    equal(w.count()["newAccount"], 0, "newAccount")


@suite.case("options from a configuration file")
@bed()
def config(w, walk):
    conf = os.path.join(walk.cwd, "lwacme.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("server = %s\nca-file = %s\nstate-dir = %s\nagree-tos = yes\ncontact = ops@example.net\n"
                "[%s]\ndomain = %s www.%s\n" % (w.directory, w.ca_file, walk.state, NAME, NAME, NAME))

    def go(*args, code=0, words=None):
        return run_tool(list(args), cwd=walk.cwd).expect(code, words)
    dns = walk.first[4:]
    go("-c", conf)                                   # its one certificate
    go("--config", conf, "-AUTH", "-d", "www." + NAME)
    walk.publish(LINE.findall(go("-c", conf, "--dns").out))
    go("-c", conf, "-DNS", *dns)
    go("-c", conf, "-CERT")
    crt, _ = walk.files([NAME, "www." + NAME])
    go("-c", conf, "-AUTH", "-d", "else.example.net", code=1, words="has no certificate of this name")
    go("-c", conf, "-r")
    equal(revoked(w, crt), "Revoked", "the CA's books")
    with open(conf, "a", encoding="ascii") as f:
        f.write("[b.example.net]\ndomain = b.example.net\n")
    go("-c", conf, "-AUTH", code=1, words="Domain name is mandatory")
    with open(conf, "a", encoding="ascii") as f:
        f.write("sever = x\n")
    go("-c", conf, "-AUTH", code=1, words="lwacme.conf:10: there is no key sever")


# ---------------------------------------------------------------- a CA that lies, files that cannot be

@suite.case("the CA's words are never shown raw")
def terminal():
    def evil(body):
        body["\x1b[2J"] = "\x1b]0;x\x07\u009b31m\u202e\x7f"
    with rig.Rig(("newAccount", rig.edit(evil)), ("newOrder", problem(403, "malformed", "\x1b[31mno"))) as (ca, c):
        walk = Walk(ca, c.base)
        r = walk.register().expect(0)
        check(r"\u001b[2J" in r.out and r"\u001b]0;x\u0007\u009b31m\u202e\u007f" in r.out,
              "not escaped: %s" % r)
        r = walk.run("-AUTH").expect(2, "resource: newOrder\nlwacme.send: status: 403\n")
        check(r"\u001b[31mno" in r.out, "not escaped: %s" % r)
    with rig.Rig(("newAccount", lambda rq, reply: rig.Reply(
            201, b"\x1b[2Jno JSON\x9b\r\nat all", {"Location": reply.headers["Location"]}))) as (ca, c):
        r = Walk(ca, c.base).register().expect(0)
        check("body:\n\\x1b[2Jno JSON\\x9b\nat all\n" in r.out, "not escaped: %r" % r.out)


@suite.case("files that cannot be written are told and written later")
@bed()
def files(w, walk):
    walk.publish(walk.begin())
    walk.run("-DNS").expect(0)
    os.mkdir(walk.file(".key"))
    walk.run("-CERT").expect(4, STAMP + r"error: %s\.key: cannot be replaced.*repeat -CERT" % NAME)
    check(not os.path.exists(walk.file(".crt")), "half a pair")
    os.rmdir(walk.file(".key"))
    target = os.path.join(walk.cwd, "elsewhere")
    with open(target, "w", encoding="ascii") as f:
        f.write("kept")
    os.symlink(target, walk.file(".crt"))
    walk.run("-CERT").expect(0, "nothing is due")
    walk.files()
    check(open(target, encoding="ascii").read() == "kept", "written through a link")
    out = os.path.join(walk.cwd, "out")
    walk.run("-CERT", "--out-dir", out).expect(4, "out: cannot be opened")
    os.mkdir(out)
    walk.run("-CERT", "--out-dir", out).expect(0)
    shutil.move(os.path.join(out, NAME + ".key"), walk.file(".key"))
    walk.files()
    equal(w.count()["newOrder"], 1, "newOrder")


@suite.case("an address is not for this walk")
@bed(ipv4="127.0.0.1")
def address(w, walk):
    walk.name = "127.0.0.1"
    walk.register().expect(0)
    walk.run("-AUTH").expect(6, "the CA offers only")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("staged"))
