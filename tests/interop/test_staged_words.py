#!/usr/bin/env python3
"""The walk in steps: its command line, its files, revocation, and a CA whose words would steer a terminal."""
import json
import os
import re
import shutil
import sys

import common
from common import Suite, cert_serial, check, equal, run_tool
from fakeca import problem
import rig
from stagedrig import LINE, NAME, STAMP, Walk, bed, session

suite = Suite()


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
               ("-R by the account's key", lambda crt, key: ["-R", crt]))


def revocation(args):
    @bed()
    def fn(w, walk):
        crt, key = certificate(w, walk)
        more = args(crt, key)
        walk.run(*more, names=[] if more[0] == "-R" else None).expect(
            0, "resource: revokeCert\nlwacme.send: status: 200\nlwacme.send: body:\n")
        equal(revoked(w, crt), "Revoked", "the CA's books")
        walk.run("-AUTH").expect(4, STAMP + "error: .*is revoked: --force")
        walk.run("-AUTH", "--force").expect(0)
    return fn


for title, how in REVOCATIONS:
    suite.add(title, revocation(how))


@suite.case("--revoke-cert by the certificate's key where there is no account")
@bed()
def revoke_by_key(w, walk):
    crt, key = certificate(w, walk)
    walk.state += ".other"
    args = ["--revoke-cert=" + crt] + walk.first[:4]
    walk.run(*args, names=[]).expect(2, STAMP + "error: .*no account")
    equal(revoked(w, crt), "Valid", "the CA's books")
    walk.run(*args, "--key", key, "--reason", "keyCompromise", names=[]).expect(0, "resource: revokeCert")
    equal(revoked(w, crt), "Revoked", "the CA's books")


@suite.case("-v shows what is read while waiting and what is no longer needed")
@bed()
def loud(w, walk):
    records = walk.begin()
    walk.publish(records)
    r = walk.run("-DNS", "-v").expect(0, "resource: order\n")
    check("no longer needed" not in r.err, "too early: %s" % r)
    walk.run("-CERT", "-v").expect(0, STAMP + r"no longer needed: _acme-challenge\.%s\. IN TXT %s\n" %
                                   records[0])


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


@suite.case("what was given once is kept and what is typed goes before")
@bed(profiles={"default": {"description": "as asked", "validityPeriod": 7776000},
               "short": {"description": "a day", "validityPeriod": 86400}})
def memory(w, walk):
    ca = os.path.relpath(w.ca_file, walk.cwd)       # another folder is the working folder later
    walk.first[3] = ca
    walk.register("--profile", "none", "--preferred-chain", "X").expect(0)
    walk.run("-AUTH", "--required-profile", "short", "--shortest-chain", "--key-type", "rsa2048").expect(
        0, '"profile": "short"')
    walk.cwd += ".other"
    os.mkdir(walk.cwd)
    walk.publish(walk.records())
    walk.run("-DNS").expect(0)
    walk.run("-CERT").expect(0)
    walk.files(key_type="rsa2048")
    kept = os.path.join(walk.state, "staged", NAME)
    equal(oct(os.stat(kept).st_mode & 0o7777), oct(0o600), "mode")
    equal(os.listdir(os.path.dirname(kept)), [NAME], "files")
    with open(kept, "a", encoding="ascii") as f:
        f.write("server = http://x.example/\nno = line of ours\nrubbish\x1b\n")
    walk.run("-CERT").expect(1, "--server must be a plain https")
    shutil.rmtree(os.path.dirname(kept))
    walk.run("-CERT").expect(7, "registration is missing: there is no account at https://acme-v02")


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
    walk.run("-AUTH").expect(
        6, "the CA offers .* for 127.0.0.1, none of the .* the walk in steps proves by dns-01 alone")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("staged words"))
