#!/usr/bin/env python3
"""What goes beyond RFC 8555's shortest path, against Pebble: external account binding, renewal information,
profiles, alternate chains, IP identifiers, certificate requests of others.

A feature that this Pebble does not have is a named skip.
"""
import base64
import datetime
import functools
import json
import os
import re
import struct
import subprocess
import sys
import time
import zlib

import common
from common import Skip, Suite, cert_serial, check, check_set, equal, lwacme_path
from fakeca import problem
from fakeclock import fake_clock
import rig
import world
from world import with_world

suite = Suite()


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


# ---------------------------------------------------------------- renewal information (RFC 9773)

DAY = 86400


def when(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=datetime.timezone.utc).timestamp()


def rfc3339(seconds, fraction=""):
    return datetime.datetime.fromtimestamp(
        seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def status(c):
    (line,) = c.status("--json").expect(0).out.splitlines()
    return json.loads(line)


def set_window(w, c, answer):
    """What the CA says of the present certificate from now on."""
    with open(c.live(NAME) + "/cert.pem", encoding="ascii") as f:
        pem = f.read()
    if not isinstance(answer, str):
        answer = json.dumps({"suggestedWindow": dict(zip(("start", "end"), answer))})
    w.manage("/set-renewal-info/", json.dumps({"Certificate": pem, "ARIResponse": answer}))


def forget_next(c, *more):
    """Let the next call ask again though the CA's Retry-After (6 h) has not passed: a copy of the
    record is made in which the moment of the next question lies in the past."""
    (path,) = [p for p in c.files() if p.endswith("/sched")]
    path = os.path.join(c.state, path)
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at, found = 20, False
    while at + 4 <= len(data):
        tag, length = struct.unpack_from("<HH", data, at)
        if tag == 52:               # ARI_NEXT_AT
            struct.pack_into("<q", data, at + 4, 1)
            found = True
        at += 4 + length
    check(found, "SCHED holds no moment of the next question")
    data[16:20] = b"\0\0\0\0"
    struct.pack_into("<I", data, 16, zlib.crc32(bytes(data[:16] + data[20:])))
    with open(path, "wb") as f:
        f.write(data)


def cert_id(c):
    text = common.openssl("x509", "-in", c.live(NAME) + "/cert.pem", "-noout", "-serial", "-ext",
                          "authorityKeyIdentifier").decode()
    aki = re.search(r"(?:keyid:)?((?:[0-9A-F]{2}:){7,}[0-9A-F]{2})", text, re.I).group(1)
    serial = bytes.fromhex(re.search(r"serial=([0-9A-F]+)", text).group(1))
    if serial[0] & 0x80:
        serial = b"\0" + serial
    return ".".join(base64.urlsafe_b64encode(b).decode().rstrip("=")
                    for b in (bytes.fromhex(aki.replace(":", "")), serial))


@suite.case("ari: the window is asked for with the issuance, the moment is kept")
@with_world()
def ari_window(w, c):
    c.issue([NAME]).expect(0, "window")
    s = status(c)
    equal(s["cert_id"], cert_id(c), "the certificate's name")
    start, end, due = when(s["window_start"]), when(s["window_end"]), when(s["due_at"])
    check(start <= due <= end, "the moment is not in the window: %s" % s)
    life = when(s["not_after"]) - when(s["not_before"])
    check(abs((start + end) / 2 - when(s["not_before"]) - life * 2 / 3) < 2 * DAY, str(s))
    check(abs(when(s["window_next"]) - time.time() - 6 * 3600) < 120, "Retry-After: %s" % s)
    c.status().expect(0, "window.*ARI name")
    w.mark()
    c.issue([NAME]).expect(0, "nothing due")
    equal(w.count()["total"], 0, "requests before the Retry-After has passed")
    forget_next(c)
    c.issue([NAME]).expect(0, "nothing due")
    equal(dict(w.count()), {"directory": 1, "renewalInfo": 1, "total": 2}, "a question")
    equal(status(c)["due_at"], s["due_at"], "the moment after one more answer")


@suite.case("ari: a window that is over, and a young certificate")
@with_world(validity=30 * DAY)
def ari_now(w, c):
    """A CA that says "now" of every certificate is not asked for one at each call."""
    c.issue([NAME]).expect(0)
    set_window(w, c, (rfc3339(time.time() - 7200), rfc3339(time.time() - 3600)))
    forget_next(c)
    c.issue([NAME]).expect(0, "nothing due")
    due = when(status(c)["due_at"])
    check(time.time() + 5 * 3600 < due < time.time() + 7 * 3600, "a window that is over, and due at %s" % status(c))


@suite.case("ari: revoked, and an hour later replaced")
@with_world(validity=DAY // 24 * 8)       # 8 hours: an eighth is an hour
def ari_revoked(w, c):
    c.issue([NAME]).expect(0)
    while when(status(c)["due_at"]) < time.time() + 2 * 3600:
        # The CA's window of so short a life is all of it: its random moment may be over in an hour.
        c.issue([NAME], "--force", "--now").expect(0)
    w.mark()
    first = cert_serial(c.live(NAME) + "/cert.pem")
    past = (rfc3339(time.time() - 50), rfc3339(time.time() - 10, ".123456789"))
    set_window(w, c, '{"suggestedWindow":{"start":"%s","end":"%s"},'
                     '"explanationURL":"https://ca.example/why\\u001b[31m"}' % past)
    forget_next(c)
    ahead = fake_clock(3700)
    r = c.issue([NAME], env=ahead).expect(0, r"ca.example/why\?\[31m")
    check(cert_serial(c.live(NAME) + "/cert.pem") != first, "not renewed: %s" % r)
    equal(w.count()["newOrder"], 1, "newOrder")
    check("replaced by" in w.log_text() or "replaces" in w.log_text().lower() or
          status(c).get("replaces"), "the predecessor was not named")
    check(status(c)["replaces"], "status does not tell")


@suite.case("ari: absurd and broken answers leave the lifetime rule")
@with_world()
def ari_absurd(w, c):
    c.issue([NAME]).expect(0)
    after = when(status(c)["not_after"])
    now = time.time()
    for start, end in ((now + DAY, now + DAY), (now + 2 * DAY, now + DAY), (after, after + DAY),
                       (after + 1000 * DAY, after + 1001 * DAY), (now - 99 * DAY, now - 98 * DAY)):
        set_window(w, c, (rfc3339(start), rfc3339(end)))
        forget_next(c)
        c.issue([NAME]).expect(0, "ignored.*nothing due")
        s = status(c)
        check(s["window_ignored"], str(s))
        check(abs(when(s["due_at"]) - (after - 30 * DAY)) < 60, "not the lifetime rule: %s" % s)
    for answer in ("{}", "[]", "null", '{"suggestedWindow":7}', "<html>", '{"suggestedWindow":{}}',
                   '{"suggestedWindow":{"start":"now","end":"then"}}', "{" * 500):
        set_window(w, c, answer)
        forget_next(c)
        c.issue([NAME]).expect(0, "warning.*nothing due")
    equal(w.count()["newOrder"], 1, "newOrder")


@suite.case("ari: fractions and offsets")
@with_world()
def ari_times(w, c):
    c.issue([NAME]).expect(0)
    day = time.strftime("%Y-%m-", time.gmtime(time.time() + 40 * DAY))
    set_window(w, c, (day + "10T12:00:00.987654321+02:00", day + "12T05:30:00.5-05:30"))
    forget_next(c)
    c.issue([NAME]).expect(0, day + "10T10:00:00Z/" + day + "12T11:00:00Z")


@suite.case("ari: alreadyReplaced is tried once more without replaces")
@with_world()
def ari_replaced(w, c):
    with w.client() as other:
        c.issue([NAME]).expect(0)
        equal(status(c).get("replaces"), None, "replaces of the first")
        subprocess.run(["cp", "-a", c.state, other.state], check=True)
        c.issue([NAME], "--force").expect(0)
        check(status(c)["replaces"], "replaces of the second: %s" % status(c))
        w.mark()
        other.issue([NAME], "--force").expect(0)      # the same predecessor
        equal(w.count()["newOrder"], 2, "newOrder with, and without")
        equal(status(other).get("replaces"), None, "replaces of the refused one")
        check_set(other.live(NAME), [NAME], w.roots)


@suite.case("ari: a CA that is away is a warning")
@with_world()
def ari_away(w, c):
    c.issue([NAME]).expect(0)
    forget_next(c)
    p = w.processes.pop()
    p.kill()
    p.wait()
    c.issue([NAME]).expect(0, "warning.*nothing due")


@suite.case("ari: a CA that has none (2.4.0)")
def ari_none():
    @with_world(version="2.4.0", validity=90 * DAY)
    def fn(w, c):
        c.issue([NAME]).expect(0)
        s = status(c)
        check("window_start" not in s, str(s))
        check(abs(when(s["due_at"]) - when(s["not_after"]) + 30 * DAY) < 60, str(s))
        w.mark()
        c.issue([NAME]).expect(0, "nothing due")
        equal(w.count()["total"], 0, "requests")
        c.issue([NAME], "--force").expect(0)
    fn()


# ---------------------------------------------------------------- profiles

PROFILES = with_world(profiles={
    "default": {"description": "90 days", "validityPeriod": 90 * DAY},
    "shortlived": {"description": "6 days", "validityPeriod": 6 * DAY}})


def life(c):
    s = status(c)
    return round((when(s["not_after"]) - when(s["not_before"])) / DAY)


@suite.case("profile: asked for, changed, and back")
@PROFILES
def profile_asked(w, c):
    for profile, days in (("shortlived", 6), ("default", 90), ("shortlived", 6)):
        c.issue([NAME], "--profile", profile).expect(0)     # another one makes it due
        equal(life(c), days, "days of life by profile " + profile)
        c.issue([NAME], "--profile", profile).expect(0, "nothing due")
    equal(w.count()["newOrder"], 3, "newOrder")


@suite.case("profile: not offered, default or nothing")
@PROFILES
def profile_gone(w, c):
    c.issue([NAME], "--profile", "tlsclient").expect(0, "warning.*default.*tlsclient")
    c.issue([NAME], "--profile", "tlsclient").expect(0, "nothing due")
    equal(w.count()["newOrder"], 1, "newOrder")
    c.issue([NAME], "--required-profile", "gone").expect(2, "does not offer the profile gone")
    equal(w.count()["newOrder"], 1, "newOrder")
    c.issue([NAME], "--required-profile", "shortlived", "--now").expect(0)
    equal(life(c), 6, "days of life")
    c.issue([NAME], "--profile", "a b").expect(1, "profile")


@suite.case("profile: offered and refused (invalidProfile)")
def profile_refused():
    def lie(body):
        body["meta"]["profiles"] = {"tls": "we had it yesterday"}

    def refuse(request, reply):
        if "profile" in request.payload:
            return problem(400, "invalidProfile", "no such profile")(request, reply)
        return reply
    with rig.Rig(("directory", rig.edit(lie)), ("newOrder", refuse)) as (ca, c):
        c.issue([NAME], "--profile", "tls").expect(0, "warning.*refused the profile")
        equal(ca.count("newOrder"), 2, "newOrder")
        c.issue([NAME], "--required-profile", "tls", "--force").expect(2, "invalidProfile")


# ---------------------------------------------------------------- alternate chains

def root_of(w, n):
    """(path, common name, key identifier) of the CA's n-th root."""
    path = w.path("root-%d.pem" % n)
    with open(path, "wb") as f:
        f.write(w.manage("/roots/%d" % n))
    text = common.openssl("x509", "-in", path, "-noout", "-subject", "-nameopt", "multiline",
                          "-ext", "subjectKeyIdentifier").decode()
    return (path, re.search(r"commonName\s*= (.*)", text).group(1),
            re.search(r"((?:[0-9A-F]{2}:){7,}[0-9A-F]{2})", text).group(1))


@suite.case("chain: preferred by name and by key identifier")
@with_world(alternate_roots=3)
def chain_preferred(w, c):
    for n in range(4):
        path, name, key = root_of(w, n)
        for how in (name, key, key.lower().replace(":", "")):
            c.issue([NAME], "--force", "--now", "--preferred-chain", how).expect(0)
            check_set(c.live(NAME), [NAME], path)
    w.mark()
    r = c.issue([NAME], "--force", "--now", "--preferred-chain", "Nobody Root X9").expect(
        0, "warning.*default chain.*Nobody Root X9")
    check_set(c.live(NAME), [NAME], w.roots)
    equal(w.count()["certificate"], 5, "chains fetched (%s)" % r)


@suite.case("chain: shortest")
@with_world(alternate_roots=2, chain_length=2)
def chain_shortest(w, c):
    c.issue([NAME], "--shortest-chain").expect(0)
    check_set(c.live(NAME), [NAME])
    check(3 <= w.count()["certificate"] <= 4, "chains fetched")
    c.issue([NAME], "--shortest-chain", "--preferred-chain", "x").expect(1, "exclude")


@suite.case("chain: a CA without alternates")
@with_world()
def chain_alone(w, c):
    c.issue([NAME], "--preferred-chain", "x").expect(0, "warning.*default chain")
    c.issue([NAME], "--shortest-chain", "--force", "--now").expect(0)
    equal(w.count()["certificate"], 2, "chains fetched")


# ---------------------------------------------------------------- IP identifiers (RFC 8738)

def sans(c, name):
    text = common.openssl("x509", "-in", os.path.join(c.live(name), "cert.pem"), "-noout", "-ext",
                          "subjectAltName").decode()
    return sorted(re.findall(r"(DNS|IP Address):([^,\s]+)", text))


def check_ip(w, c, folder, want):
    live = c.live(folder)
    equal(sans(c, folder), sorted(want), "the certificate's names")
    common.openssl("verify", "-CAfile", w.roots, "-untrusted", live + "/chain.pem",
                   *sum((["-verify_ip" if k == "IP Address" else "-verify_hostname", v]
                         for k, v in want[:1]), []), live + "/cert.pem")
    check(common.public_of_key(live + "/privkey.pem") == common.public_of_cert(live + "/cert.pem"),
          "no pair")


@suite.case("ip: v4, v6, and both with a name")
@with_world()
def ip_names(w, c):
    v4, v6 = ("IP Address", "127.0.0.1"), ("IP Address", "0:0:0:0:0:0:0:1")
    c.issue(["127.0.0.1"]).expect(0)
    check_ip(w, c, "127.0.0.1", [v4])
    c.issue(["::1"]).expect(0)
    check_ip(w, c, "__1", [v6])
    c.issue(["0:0::0:0001", "127.0.0.1", NAME], "--cert-name", "all").expect(0)
    check_ip(w, c, "all", [v4, v6, ("DNS", NAME)])
    c.issue(["::1", "127.0.0.1", NAME], "--cert-name", "all").expect(0, "nothing due")
    c.status().expect(0, "names +127.0.0.1")
    c.issue(["127.0.0.1"], "--force").expect(0)        # a renewal, with its predecessor
    check_ip(w, c, "127.0.0.1", [v4])


@suite.case("ip: a proof that fails is told with the address")
@with_world()
def ip_bad(w, c):
    c.issue(["127.0.0.1"], http_port=world.free_port()).expect(2, "127.0.0.1")


@suite.case("names: what is no A-label is refused with advice")
def labels():
    with common.Client("https://localhost:1/dir", None) as c:
        for name in ("b\u00fccher.example", "\u4f8b\u5b50.example", "*.b\u00fccher.example"):
            c.issue([name]).expect(1, "xn--|A-label")
        for name in ("1.2.3.4.5", "1.2.3", "300.1.1.1", "::1::", "fe80::1%lo", "*.127.0.0.1"):
            c.issue([name]).expect(1, "name|address")


# ---------------------------------------------------------------- requests of others

def make_csr(c, san="DNS:h0.example.net,DNS:h1.example.net,IP:127.0.0.1", kind="p256", form="PEM",
             more=()):
    """(path of the request, path of its key)"""
    key, csr = os.path.join(c.base, kind + ".key"), os.path.join(c.base, kind + "." + form)
    new = {"p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
           "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
           "p521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], "rsa": ["rsa:2048"]}[kind]
    common.openssl("req", "-new", "-newkey", *new, "-nodes", "-keyout", key, "-out", csr, "-subj",
                   "/O=Somebody", "-outform", form, *(("-addext", "subjectAltName=" + san)
                                                      if san else ()), *more)
    return csr, key


@suite.case("csr: PEM and DER, keys of each kind, and nothing of the key is stored")
@with_world()
def csr_kinds(w, c):
    for kind, form in (("p256", "PEM"), ("rsa", "DER"), ("p384", "PEM"), ("p521", "DER")):
        csr, key = make_csr(c, kind=kind, form=form)
        c.issue([], "--csr", csr).expect(0)         # another request makes it due
        live = c.live(NAME)
        equal(sorted(os.listdir(live)), ["cert.pem", "chain.pem", "fullchain.pem"], "files")
        check(common.public_of_key(key) == common.public_of_cert(live + "/cert.pem"), "no pair")
        equal(sans(c, NAME), [("DNS", NAME), ("DNS", "h1.example.net"), ("IP Address", "127.0.0.1")],
              "names")
        common.openssl("verify", "-CAfile", w.roots, "-untrusted", live + "/chain.pem",
                       live + "/cert.pem")
        c.issue([], "--csr", csr).expect(0, "nothing due")
        c.status().expect(0, "names +h0.example.net h1.example.net 127.0.0.1")
    equal(w.count()["newOrder"], 4, "newOrder")
    with open(csr, "rb") as f:                      # with text around it
        text = b"Certificate Request:\n" + common.openssl("req", "-inform", "DER", data=f.read())
    with open(csr + "2", "wb") as f:
        f.write(text.replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"))
    c.issue([], "--csr", csr + "2").expect(0, "nothing due")
    c.issue([NAME]).expect(0)                       # back to a key of ours
    check_set(c.live(NAME), [NAME], w.roots)


@suite.case("csr: what cannot be used is told, and the CA is not asked")
@with_world()
def csr_bad(w, c):
    good, _ = make_csr(c, form="DER")
    with open(good, "rb") as f:
        data = f.read()

    def bad(content, words):
        path = os.path.join(c.base, "bad")
        with open(path, "wb") as f:
            f.write(content)
        c.issue([], "--csr", path).expect(1, words)
    bad(b"", "neither")
    bad(b"hello", "neither")
    bad(data[:-1], "no certificate request")
    bad(data + b"x", "no certificate request")
    bad(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:], "signature")
    bad(data.replace(b"h1.example.net", b"h2.example.net"), "signature")
    bad(b"x" * 40000, "too long")
    bad(b"-----BEGIN CERTIFICATE REQUEST-----\nMII*\n-----END CERTIFICATE REQUEST-----\n", "neither")
    for san, words in (("", "names nothing"), ("email:a@example.net", "no DNS name"),
                       ("DNS:a_b.example.net", "no DNS name"),
                       (",".join("DNS:n%d.example.net" % i for i in range(101)), "too many")):
        path, _ = make_csr(c, san=san)
        c.issue([], "--csr", path).expect(1, words)
    c.issue([], "--csr", "/nonexistent.csr").expect(1, "No such file")
    c.issue([NAME], "--csr", good).expect(1, "excludes -d")
    c.issue([], "--csr", good, "--key-type", "p256").expect(1, "excludes")
    equal(w.count()["total"], 0, "requests")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("features"))
