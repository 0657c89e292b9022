#!/usr/bin/env python3
"""Revocation and the life of an account, against Pebble, and what its management interface says then."""
import json
import os
import re
import struct
import subprocess
import sys
import time

import common
import miniacme
from common import Suite, cert_serial, check, equal, lwacme_path, openssl
import world
from world import with_world

suite = Suite()
NAME = "h0.example.net"


def status(c):
    (line,) = c.status("--json").expect(0).out.splitlines()
    return json.loads(line)


def at_ca(w, cert):
    """(status, reason) of a certificate in the CA's own books."""
    serial = cert_serial(cert).lower().lstrip("0")
    serial = serial if len(serial) % 2 == 0 else "0" + serial
    told = json.loads(w.manage("/cert-status-by-serial/" + serial))
    return told["Status"], told.get("Reason")


# ---------------------------------------------------------------- revocation

def revoked(reason, number, *more):
    @with_world()
    def fn(w, c):
        c.issue([NAME]).expect(0)
        cert = c.live(NAME) + "/cert.pem"
        equal(at_ca(w, cert)[0], "Valid", "before")
        w.mark()
        options = (["--reason", reason] if reason else []) + list(more)
        c.run("revoke", *options, names=[NAME]).expect(0, "revoked.*--force")
        equal(w.count()["total"], 3, "requests")
        state, why = at_ca(w, cert)
        equal(state, "Revoked", "at the CA")
        equal(int(why or 0), number, "reason")
        s = status(c)
        equal((s["revoked"], s["revoked_reason"]), ("yes", reason or "unspecified"), "status")
        c.status().expect(0, "REVOKED")
        w.mark()
        c.issue([NAME]).expect(4, "revoked")
        c.issue([NAME], "--now").expect(4, "revoked")
        equal(w.count()["total"], 0, "requests for a revoked certificate")
        c.run("revoke", *options, names=[NAME]).expect(0)      # alreadyRevoked
        c.issue([NAME], "--force").expect(0)
        equal(at_ca(w, cert)[0], "Valid", "the successor")
        check("revoked" not in status(c), "the successor is told to be revoked")
        c.issue([NAME]).expect(0, "nothing due")
    return fn


suite.add("revoke by the account", revoked(None, 0))
suite.add("revoke by the account with a reason", revoked("superseded", 4))
suite.add("revoke by the certificate's key", revoked("keyCompromise", 1, "--signed-by",
                                                     "certificate"))


@suite.case("revoke: changed names get a new one without --force")
@with_world()
def revoke_changed(w, c):
    c.issue([NAME]).expect(0)
    c.run("revoke", names=[NAME]).expect(0)
    c.issue([NAME, "h1.example.net"]).expect(0)
    equal(w.count()["newOrder"], 2, "newOrder")


@suite.case("revoke a file: by the account, and by its key in a strange state folder")
@with_world()
def revoke_file(w, c):
    with w.client() as other:
        kept = []
        for i in range(3):
            c.issue([NAME], "--force").expect(0)
            kept.append(os.path.join(c.base, "kept%d" % i))
            subprocess.run(["cp", "-rL", c.live(NAME), kept[i]], check=True)
        c.run("revoke", "--file", kept[0] + "/fullchain.pem").expect(0)
        equal([at_ca(w, k + "/cert.pem")[0] for k in kept], ["Revoked", "Valid", "Valid"], "first")
        check("revoked" not in status(c), "the one in force is told to be revoked")
        other.run("revoke", "--file", kept[1] + "/cert.pem").expect(2, "no account")
        key = os.path.join(c.base, "pkcs8.pem")
        with open(key, "wb") as f:
            f.write(openssl("pkcs8", "-topk8", "-nocrypt", "-in", kept[1] + "/privkey.pem"))
        for what in (kept[2] + "/privkey.pem", key):
            other.run("revoke", "--file", kept[1] + "/cert.pem", "--key", what, "--signed-by",
                      "certificate", "--reason", "keyCompromise").expect(
                          0 if what == key else 2)
        equal([at_ca(w, k + "/cert.pem")[0] for k in kept], ["Revoked", "Revoked", "Valid"], "next")
        equal(w.count()["newAccount"], 1, "newAccount")
        # a file that is the one in the store after all
        c.run("revoke", "--file", kept[2] + "/cert.pem").expect(0)
        equal(status(c)["revoked"], "yes", "the one in force")


@suite.case("revoke: refused leaves no mark")
@with_world()
def revoke_refused(w, c):
    c.issue([NAME]).expect(0)
    cert = c.live(NAME) + "/cert.pem"
    wrong = os.path.join(c.base, "wrong.pem")
    with open(wrong, "wb") as f:
        f.write(openssl("ecparam", "-name", "prime256v1", "-genkey"))
    c.run("revoke", "--file", cert, "--key", wrong, "--signed-by", "certificate").expect(2, "the CA")
    equal(at_ca(w, cert)[0], "Valid", "at the CA")
    check("revoked" not in status(c), "a refused revocation left its mark")
    c.issue([NAME]).expect(0, "nothing due")


@suite.case("revoke: the CA is away in the middle")
@with_world()
def revoke_away(w, c):
    c.issue([NAME]).expect(0)
    p = w.processes.pop()
    p.kill()
    p.wait()
    c.run("revoke", names=[NAME]).expect(3)
    check("revoked" not in status(c), "nothing was asked")


@suite.case("revoke: options are checked")
def revoke_options():
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        c.run("revoke").expect(1, "which certificate")
        c.run("revoke", names=["a.example", "b.example"]).expect(1, "one")
        c.run("revoke", "--reason", "boredom", names=[NAME]).expect(1, "reason")
        c.run("revoke", "--signed-by", "me", names=[NAME]).expect(1, "account or certificate")
        c.run("revoke", "--file", "/nonexistent").expect(1, "No such file.*/nonexistent")
        c.run("revoke", "--file", "/bin/sh").expect(1, "certificate|too long")
        c.run("revoke", "--key", "/x", names=[NAME]).expect(1, "--file")
        c.run("revoke", "--file", "/x", "--signed-by", "certificate").expect(1, "--key")
        c.run("revoke", names=[NAME]).expect(4, "no certificate h0")
        c.issue([NAME], "--reason", "superseded").expect(1, "revoke")


# ---------------------------------------------------------------- the account

class Other(miniacme.Mini):
    """A client of another make that has our account's key: it sees what the CA thinks."""

    def __init__(self, w, key):
        self.given = key
        super().__init__(w.directory, w.ca_file, 0, host="127.0.0.1")
        self.find()

    def new_key(self, name):
        return self.given

    def find(self):
        """(HTTP status, account) that newAccount gives for the key, without making one."""
        urls = json.loads(self.request("GET", self.directory)[1])
        if self.nonce is None:
            self.request("HEAD", urls["newNonce"])
        kid, self.kid = self.kid, None
        try:
            r, body = self.post(urls["newAccount"], {"onlyReturnExisting": True})
        except RuntimeError as e:
            self.kid = kid
            return int(str(e).split(": ")[1].split()[0]), str(e)
        self.kid = r.headers["Location"]
        return r.status, json.loads(body)

    def may(self, payload=None):
        """The HTTP status of a request about the account."""
        try:
            return self.post(self.kid, payload)[0].status
        except RuntimeError as e:
            return int(str(e).split(": ")[1].split()[0])


def fields(c, name):
    """The fields of a record: {tag: bytes}."""
    (path,) = [p for p in c.files() if p.endswith("/" + name)]
    data, at, got = c.files()[path], 20, {}
    while at + 4 <= len(data):
        tag, length = struct.unpack_from("<HH", data, at)
        got[tag] = data[at + 4:at + 4 + length]
        at += 4 + length
    return got


def key_of(c, name="account.pem", tag=4):
    """The account's key as PEM."""
    path = os.path.join(c.base, name)
    with open(path, "wb") as f:
        f.write(openssl("ec", "-inform", "DER", data=fields(c, "account")[tag]))
    return path


@suite.case("account: shown, changed, and as another client sees it")
@with_world()
def account_update(w, c):
    c.issue([NAME]).expect(0)
    other = Other(w, key_of(c))
    r = c.run("account show").expect(0, "status +valid.*mailto:ops@example.net")
    check(other.kid in r.out and other.thumb in r.out, "URL or thumbprint: %s" % r)
    for more, want in ((["--contact", "new@example.org"], ["mailto:new@example.org"]),
                       (["--no-contact"], [])):
        c.run("account update", *more, m=None).expect(0)
        equal(other.find()[1].get("contact") or [], want, "contact at the CA")
    events = {e["event"]: e for e in c.run("account show", "--json").expect(0).events()}
    equal((events["account"]["text"], events["account"]["detail"], events["account"]["word"]),
          ("valid", other.kid, other.thumb), "--json")
    equal(w.count()["newAccount"], 1 + 3, "newAccount")       # ours, and the observer's
    other.close()


@suite.case("account: deactivated, and a new one made")
@with_world()
def account_deactivate(w, c):
    c.issue([NAME]).expect(0)
    cert = c.live(NAME) + "/cert.pem"
    key = key_of(c)
    other = Other(w, key)
    c.run("account deactivate").expect(1, "--yes")
    c.run("account deactivate", "--yes").expect(0, "deactivated")
    check(other.may() in (401, 403), "a deactivated account may act: %d" % other.may())
    check(not any(p.endswith("/account") for p in c.files()), "the key is still there")
    equal(at_ca(w, cert)[0], "Valid", "its certificate")
    c.issue([NAME]).expect(0, "nothing due")
    for act in (["show"], ["deactivate", "--yes"], ["update", "--no-contact"]):
        c.run("account " + act[0], *act[1:], **({"m": None} if act[0] == "update" else {})).expect(
            2, "no account")
    c.run("revoke", "--signed-by", "certificate", names=[NAME]).expect(0)
    equal(at_ca(w, cert)[0], "Revoked", "by its key")
    c.issue([NAME], "--force").expect(0)
    check(open(key_of(c, "second.pem"), "rb").read() != open(key, "rb").read(), "the key again")
    c.run("account recover", "--key", key).expect(4, "another key")
    other.close()


@suite.case("account: deactivated by somebody else")
@with_world()
def account_deactivated(w, c):
    """As after a lost reply: the CA refuses, and it is success all the same."""
    c.issue([NAME]).expect(0)
    other = Other(w, key_of(c))
    equal(other.may({"status": "deactivated"}), 200, "deactivate")
    c.issue([NAME], "--force").expect(2)
    c.run("account deactivate", "--yes").expect(0, "deactivated")
    c.issue([NAME], "--force", "--now").expect(0)
    other.close()


@suite.case("account: recovered by its key")
@with_world()
def account_recover(w, c):
    c.issue([NAME]).expect(0)
    key = key_of(c)
    with w.client() as fresh:
        fresh.run("account show").expect(2, "no account")
        stranger = os.path.join(c.base, "stranger.pem")
        with open(stranger, "wb") as f:
            f.write(openssl("ecparam", "-name", "prime256v1", "-genkey"))
        fresh.run("account recover", "--key", stranger).expect(2, "accountDoesNotExist")
        fresh.run("account recover", "--key", key).expect(0, "status +valid")
        equal(fields(fresh, "account"), fields(c, "account"), "the records")
        fresh.issue(["h1.example.net"], "--no-tos").expect(0)
        fresh.run("revoke", "--file", c.live(NAME) + "/cert.pem").expect(0)
        accounts = w.count()["newAccount"]
        equal(accounts, 3, "newAccount")


@suite.case("account: rolled over")
@with_world()
def account_rollover(w, c):
    c.issue([NAME]).expect(0)
    old = Other(w, key_of(c))
    url = old.kid
    c.run("account rollover").expect(0, "status +valid")
    new = Other(w, key_of(c, "new.pem"))
    equal(new.kid, url, "the account of the new key")
    equal(old.find()[0], 400, "onlyReturnExisting with the old key")
    check(old.may() in (400, 401, 403), "the old key may act")
    check(new.thumb != old.thumb, "the same key")
    check(new.thumb in c.run("account show").expect(0).out, "another key is stored")
    c.issue(["h1.example.net"]).expect(0)
    c.run("revoke", names=[NAME]).expect(0)
    c.run("account rollover", "--account-key-type", "rsa2048").expect(0)
    c.issue(["h2.example.net"], "--account-key-type", "p256").expect(0)
    equal(new.find()[0], 400, "onlyReturnExisting with the key between")
    old.close()
    new.close()


@suite.case("account: killed in a roll-over")
@with_world()
def account_killed(w, c):
    """At moments all over it; the next run finds the key that is in force."""
    c.issue([NAME]).expect(0)
    rolled = 0
    for i in range(12):
        before = fields(c, "account")[4]
        argv = [lwacme_path(), "account", "rollover"] + [str(a) for a in c.args("account", [])[1:]]
        p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.003 + 0.006 * i)
        p.kill()
        p.wait()
        c.run("account show").expect(0, "status +valid")
        record = fields(c, "account")
        check(0x8009 not in record, "two keys are left")
        rolled += record[4] != before
    check(rolled > 0, "none was rolled over")
    c.issue([NAME], "--force").expect(0)
    url = set(re.findall(r"https://\S+", c.run("account show").out))
    equal(len(url), 1, "accounts")


@suite.case("account: options are checked")
def account_options():
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        c.run("account").expect(1, "show, update")
        c.run("account destroy").expect(1, "show, update.*destroy")
        c.run("account show", names=[NAME]).expect(1, "no names")
        c.run("account update", m=None).expect(1, "--contact")
        c.run("account update", "--no-contact").expect(1, "either")
        c.run("account update", m="no address").expect(1, "address")
        c.run("account recover").expect(1, "--key")
        c.run("account recover", "--key", "/bin/sh").expect(1, "private key|too long")
        c.run("account show", "--key", "/bin/sh").expect(1, "recover")
        c.run("account show", "--yes", "--reason", "superseded").expect(1, "revoke")
        c.issue([NAME], "--yes").expect(1, "account")
        c.run("account show").expect(3)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("account"))
