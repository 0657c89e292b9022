#!/usr/bin/env python3
"""The walk in steps (`lwacme -d NAME -AUTH`, `--dns`, `-DNS`, `-CERT`) against Pebble: a person adds the
TXT record in between, and each step is a process of its own.

vectors/staged_session.txt is a session of the program whose users know these steps, as they noted it;
what ours prints is compared with it byte by byte, but for what ACME v1 called otherwise.
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import common
from common import Skip, Suite, cert_serial, check, equal, lwacme_path, run_tool
from dnsrig import Bind, Key, zone
from stagedrig import LINE, NAME, STAMP, Walk, bed, session
from world import World

suite = Suite()
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)


# ---------------------------------------------------------------- the session, byte by byte

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


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("staged"))
