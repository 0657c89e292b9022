#!/usr/bin/env python3
"""dns-persist-01: a record that a person publishes once, and Pebble that looks for it."""
import functools
import os
import re
import sys
import time

import common
from common import Skip, Suite, check, check_set, equal
from daemonrig import Daemon
from fakeca import FakeCA
from fakeclock import fake_clock
from world import World

suite = Suite()

NAME = "dev.example.net"
OWNER = "_validation-persist." + NAME
ISSUER = "pebble.letsencrypt.org"
PERSIST = ["--challenge", "dns-persist-01", "--persist-issuer", ISSUER]


def bed(fn):
    """Decorator: fn(world, client); the name's system resolver is the CA's own."""
    @functools.wraps(fn)
    def run():
        if not common.in_namespace():
            raise Skip("needs port 53 of its own: a network namespace")
        with World() as w, w.client() as c:
            if [int(x) for x in w.version.split(".")] < [2, 10]:
                raise Skip("pebble %s has no dns-persist-01" % w.version)
            return fn(w, c)
    return run


def show(c, names, *more, code=6, env=None):
    """`lwacme dns-persist`: {owner: text} of the records that it tells, and the run."""
    r = c.run("dns-persist", "--persist-issuer", ISSUER, *more, names=names, env=env)
    r.expect(code)
    found = re.findall(r"^(\S+)\. IN TXT ((?:\"[^\"]*\" ?)+)$", r.out, re.M)
    return {owner: "".join(re.findall(r'"([^"]*)"', text)) for owner, text in found}, r


def publish(w, owner, text):
    w.dns("set_txt", host=owner + ".", value=text)


def account_of(text):
    return re.search(r"accounturi=([^;]+)", text)[1]


@suite.case("record is told then published then it issues")
@bed
def life(w, c):
    records, r = show(c, [NAME])
    equal(list(records), [OWNER], "records")
    check("not published" in r.out, r.out)
    text = records[OWNER]
    equal(text, "%s; accounturi=%s" % (ISSUER, account_of(text)), "the record")
    check(w.count()["newOrder"] == 0, "an order was made")
    # The account is the CA's own word about itself.
    check(account_of(text) in c.run("account show").expect(0).out, "another account's URL")
    # Without it the CA is not told to look.
    c.issue([NAME], *PERSIST).expect(6, "no record for this CA is published")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    publish(w, OWNER, text)
    again, r = show(c, [NAME], code=0)
    equal(again, records, "the record, told again")
    check("; published\n" in r.out, r.out)
    c.issue([NAME], *PERSIST, "--now").expect(0)
    check_set(c.live(NAME), [NAME], w.roots)
    # And again, with nothing done.
    c.issue([NAME], *PERSIST, "--now", "--force").expect(0)


@suite.case("wildcard and base in one order")
@bed
def wildcard(w, c):
    names = [NAME, "*." + NAME]
    records, _ = show(c, names)
    equal(list(records), [OWNER], "one record for both")
    check(records[OWNER].endswith("; policy=wildcard"), records)
    plain, _ = show(c, [NAME])
    publish(w, OWNER, plain[OWNER])
    _, r = show(c, names)
    check("no policy=wildcard" in r.out, r.out)
    c.issue(names, *PERSIST).expect(6, "no policy=wildcard")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    publish(w, OWNER, records[OWNER])
    show(c, names, code=0)
    c.issue(names, *PERSIST, "--now").expect(0)
    check_set(c.live(NAME), names, w.roots)


@suite.case("record of another account and a broken one")
@bed
def other(w, c):
    records, _ = show(c, [NAME])
    text = records[OWNER]
    for bad, words in ((text + "1", "of another account"), (text + ";", "is broken"),
                       (text + "; accounturi=x", "is broken"), (ISSUER, "is broken"),
                       (text.replace(ISSUER, "ca.example"), "no record for this CA"),
                       (text + "; persistUntil=1700000000", "it ended 2023-11-14"),
                       (text + "; persistUntil=soon", "is broken")):
        w.dns("clear_txt", host=OWNER + ".")
        publish(w, OWNER, bad)
        _, r = show(c, [NAME])
        check(words in r.out, "%r: %s" % (bad, r.out))
        c.issue([NAME], *PERSIST, "--now").expect(6)
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    # Beside all these a good one counts.
    publish(w, OWNER, text)
    show(c, [NAME], code=0)
    c.issue([NAME], *PERSIST, "--now").expect(0)


@suite.case("ours is judged as the ca judges it")
@bed
def same(w, c):
    records, _ = show(c, [NAME])
    text, n = records[OWNER], 0
    url = account_of(text)
    good = [text, "%s;accounturi=%s" % (ISSUER, url), " %s ;  AccountURI = %s ; x=" % (ISSUER, url),
            text + "; persistUntil=4000000000; policy=other", text + "; unknown=" + "y" * 300]
    for one in good:
        name = "n%d.example.net" % n
        publish(w, "_validation-persist." + name, one)
        show(c, [name], code=0)
        c.issue([name], *PERSIST).expect(0)
        n += 1


@suite.case("record that ends is told and warned of")
@bed
def until(w, c):
    now = int(time.time())
    records, _ = show(c, [NAME], "--persist-days", "20")
    end = int(re.search(r"; persistUntil=(\d+)$", records[OWNER])[1])
    check(now + 20 * 86400 <= end <= now + 20 * 86400 + 600, records)
    publish(w, OWNER, records[OWNER])
    _, r = show(c, [NAME], code=0)
    check("that is soon" in r.out, r.out)
    c.issue([NAME], *PERSIST).expect(0, "ends soon")
    # Later it is over; ours says so, and the CA is left alone.
    w.mark()
    c.issue([NAME], *PERSIST, "--force", "--now", env=fake_clock(21 * 86400)).expect(
        6, "past its persistUntil")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    # One for a year beside it is none to be warned of.
    records, _ = show(c, [NAME], "--persist-days", "365", code=0)
    publish(w, OWNER, records[OWNER])
    _, r = show(c, [NAME], code=0)
    check("that is soon" not in r.out and "published, until" in r.out, r.out)


@suite.case("issuer is the configured one and not the challenge's")
@bed
def issuer(w, c):
    # The CA names another one than we are told to trust: no record is of use, whatever is there.
    publish(w, OWNER, "evil.example; accounturi=" + w.directory)
    r = c.issue([NAME], "--challenge", "dns-persist-01", "--persist-issuer", "letsencrypt.org")
    r.expect(6, "does not name this issuer")
    equal(w.count()["challenge"], 0, "challenges told to the CA")


@suite.case("another way is taken where no record is published")
@bed
def declined(w, c):
    c.issue([NAME], *PERSIST, "--challenge", "http-01").expect(0)
    check_set(c.live(NAME), [NAME], w.roots)


@suite.case("addresses are refused in plain words")
@bed
def addresses(w, c):
    c.issue(["127.0.0.1"], *PERSIST).expect(6, "http-01")
    c.run("dns-persist", "--persist-issuer", ISSUER, names=["127.0.0.1"]).expect(
        1, "not for addresses")
    equal(w.count()["challenge"], 0, "challenges told to the CA")


@suite.case("json and dns that does not answer")
@bed
def machine(w, c):
    r = c.run("dns-persist", "--persist-issuer", ISSUER, "--json", names=[NAME])
    told = [e for e in r.expect(6).events() if e["event"] == "dns_persist"]
    equal([(e["name"], e["owner"], e["state"]) for e in told], [(NAME, OWNER, "absent")], "events")
    w.dns("set_servfail", host=OWNER + ".")
    _, r = show(c, [NAME], code=3)
    check("is not known" in r.out, r.out)
    c.issue([NAME], *PERSIST).expect((3, 6), "system's DNS server")
    equal(w.count()["challenge"], 0, "challenges told to the CA")


@suite.case("daemon and renew use it")
@bed
def daemon(w, c):
    more = {"challenge": "dns-persist-01", "persist-issuer": ISSUER}
    with Daemon(w, {NAME: dict(more, domain=NAME)}) as d:
        d.renew().expect(6, "no record for this CA is published")
        c.state = d.state
        records, _ = show(c, [NAME])
        publish(w, OWNER, records[OWNER])
        d.renew("--now").expect(0)
        check_set(os.path.join(d.out, NAME), [NAME], w.roots)
        other = "two.example.net"
        publish(w, "_validation-persist." + other, records[OWNER])
        d.write({NAME: dict(more, domain=NAME), other: dict(more, domain=other)})
        d.start()
        d.until(lambda: os.path.exists(os.path.join(d.out, other, "cert.pem")), "a certificate")
        check_set(os.path.join(d.out, other), [other], w.roots)
        d.stop()


# ---------------------------------------------------------------- a CA that lies

class PersistCA(FakeCA):
    """Offers dns-persist-01 and believes everything: what the client tells it is what counts."""
    challenge = {"issuer-domain-names": [ISSUER]}

    def look(self, name, c, thumb):
        return None

    def act_newOrder(self, rq):
        reply = super().act_newOrder(rq)
        for a in self.authz.values():
            c = a["challenges"][0]
            c.pop("token", None)
            c.update({"type": "dns-persist-01"}, **self.challenge)
            # What nobody knows, and known ones that are broken, are passed over.
            a["challenges"] = [{"type": "dns-other-99", "token": 7}, {"type": "http-01"}, c]
        return reply

    def act_challenge(self, rq):
        a = self.authz[rq.path.split("/")[2]]
        a["challenges"] = a["challenges"][2:]
        return super().act_challenge(rq)


def lies(challenge, code, words):
    @bed
    def fn(w, c):
        with PersistCA(w.http_port) as ca:
            ca.challenge = challenge
            c.directory, c.ca_file = ca.directory, ca.ca_file
            records, r = show(c, [NAME])
            check("evil" not in r.text, "the CA's word is printed: %s" % r)
            check(account_of(records[OWNER]) in ca.accounts, records)
            publish(w, OWNER, records[OWNER])
            c.issue([NAME], *PERSIST).expect(code, words)
            equal(ca.count("challenge"), 1 if code == 0 else 0, "challenges told to the CA")
    return fn


EVIL = "https://evil.example/acct/1"
suite.add("challenge that names another account is not believed",
          lies({"issuer-domain-names": ["evil.example", ISSUER], "accounturi": EVIL}, 0, None))
for title, value in (("another issuer", ["evil.example"]), ("no issuer", []), ("no list", None),
                     ("issuers that are no text", [7, {"a": ISSUER}]), ("a text for a list", ISSUER),
                     ("eleven issuers", ["i%d.example" % i for i in range(10)] + [ISSUER]),
                     ("an issuer in other letters", [ISSUER.upper()])):
    suite.add("challenge with %s is none of ours" % title,
              lies({"issuer-domain-names": value}, 6, "does not name this issuer"))


@suite.case("account url that would break the record is refused")
@bed
def broken_url(w, c):
    for bad in ("/account/1;policy=wildcard", '/account/"1', "/account/1\\"):
        with PersistCA(w.http_port) as ca, w.client() as fresh:
            def rule(rq, reply, bad=bad):
                reply.headers["Location"] = ca.base + bad
                return reply
            ca.on("newAccount", rule)
            fresh.directory, fresh.ca_file = ca.directory, ca.ca_file
            r = fresh.run("dns-persist", "--persist-issuer", ISSUER, names=[NAME])
            check(r.code != 0 and " IN TXT" not in r.out, str(r))


@suite.case("options are checked")
def options():
    with common.Client("https://localhost:1/dir", None) as c:
        c.ca_file = None
        way = ["--challenge", "dns-persist-01"]
        c.issue([NAME], *way).expect(1, "--persist-issuer DOMAIN")
        c.run("dns-persist", names=[NAME]).expect(1, "--persist-issuer DOMAIN")
        c.run("dns-persist", "--persist-issuer", ISSUER).expect(1, "no name is given")
        for bad in ("a b", "a..b", ".a", "a.", "-a.b", "a;b", "a" * 64, "\"a\"", "x" * 300):
            c.issue([NAME], *way, "--persist-issuer", bad).expect(1, "takes a domain")
        c.issue([NAME], *way, "--persist-days", "7").expect(1, "goes with dns-persist")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("dnspersist"))
