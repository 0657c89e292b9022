#!/usr/bin/env python3
"""`lwacme account import`: accounts that certbot, acme.sh and lego have, over Pebble."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import common
from common import Skip, Suite, check, equal, run_tool
import fakeca
import oldclients
import world
from oldclients import EMAIL, Account, write
from world import with_world

suite = Suite()
NAME = "h0.example.net"


@contextlib.contextmanager
def folder():
    """What another client has; nothing in it may change."""
    base = tempfile.mkdtemp(prefix="lwacme-old-")
    os.chmod(base, 0o755)
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


def take(c, path, *more, **options):
    return c.run("account import", path, *more, m=None, **options)


def stored(c):
    return any(p.endswith("/account") for p in c.files())


def contents(base):
    got = {}
    for where, _, names in os.walk(base):
        for n in names:
            p = os.path.join(where, n)
            got[p] = (os.lstat(p).st_mtime_ns, os.lstat(p).st_mode)
    return got


# ---------------------------------------------------------------- what they have, taken over

def taken_over(kind, lay_out):
    """Imported, and used: no account is made, and none is asked for once more."""
    @with_world()
    def fn(w, c):
        with folder() as base, Account(w, kind) as a:
            path = lay_out(a, base)
            before = contents(base)
            w.mark()
            r = take(c, path, "-v").expect(0, "old URL +the same.*")
            check(a.url in r.out, "its URL is not told: %s" % r)
            for secret in [a.secret["d"], a.secret.get("p", a.secret["d"])]:
                check(secret[4:40] not in r.text, "the key is in the output")
            equal(w.count()["newAccount"], 1, "newAccount (onlyReturnExisting)")
            equal(contents(base), before, "the other client's files")
            w.mark()
            c.issue([NAME], "--no-tos").expect(0)
            equal(w.count()["newAccount"], 0, "newAccount")
            c.run("account show").expect(0, "valid.*mailto:" + EMAIL)
            take(c, path).expect(0)     # once more
    return fn


LAYOUTS = [
    ("certbot", "rsa2048", lambda a, base: a.certbot(base) and base),
    ("certbot", "p256", lambda a, base: a.certbot(base)),
    ("certbot", "rsa4096", lambda a, base: a.certbot(base) + "/private_key.json"),
    ("acme.sh", "p256", lambda a, base: a.acme_sh(base, "-traditional") and base),
    ("acme.sh", "p384", lambda a, base: a.acme_sh(base) + "/account.key"),
    ("acme.sh", "rsa2048", lambda a, base: a.acme_sh(base)),
    ("lego 5", "rsa3072", lambda a, base: a.lego(base, 5) and base),
]
for client, key, how in LAYOUTS:
    suite.add("%s: %s" % (client, key), taken_over(key, how))


@suite.case("lego 4 does not tell the directory")
@with_world()
def lego4(w, c):
    with folder() as base, Account(w) as a:
        where = a.lego(base)
        take(c, base, server=None).expect(1, "give --server.*localhost_")
        take(c, base, server=w.directory.replace("localhost", "elsewhere.example")).expect(
            1, "not the CA of this account.*localhost_")
        check(not stored(c), "an account is stored")
        take(c, where + "/keys/" + EMAIL + ".key").expect(0, "the same")
        c.issue([NAME], "--no-tos").expect(0)


@suite.case("the directory is known by the path")
@with_world()
def by_path(w, c):
    with folder() as base, Account(w) as a:
        for i, path in enumerate([a.certbot(base), a.acme_sh(base + "/.acme.sh"), a.lego(base + "/5", 5)]):
            with w.client() as other:
                r = take(other, path, "--json", server=None).expect(0)
                (e,) = [e for e in r.events() if e["event"] == "imported"]
                equal((e["from"], e["server"], e["account"], e["old_account"], e.get("old_contact", EMAIL)),
                      (("certbot", "acme.sh", "lego")[i], w.directory, a.url, a.url, EMAIL), "--json")


@suite.case("a key alone")
@with_world()
def key_alone(w, c):
    with folder() as base, Account(w, "rsa2048") as a:
        for i, text in enumerate([a.pem(), a.pem("-outform", "DER"), json.dumps(a.secret)]):
            path = os.path.join(base, "key%d" % i)
            write(path, text)
            take(c, path, server=None).expect(1, "give --server")
            take(c, path).expect(0, "not told by the files")
        for lay_out in (Account.certbot, Account.acme_sh, Account.lego):   # beside somebody else's account
            with Account(w, register=False) as b, w.client() as other:
                folder_of = lay_out(b, os.path.join(base, lay_out.__name__))
                write(folder_of + "/mine.json", json.dumps(a.secret))
                take(other, folder_of + "/mine.json").expect(0)
        with w.client() as other:       # `recover` takes the same files
            other.run("account recover", "--key", os.path.join(base, "key2"), m=None).expect(0)


# ---------------------------------------------------------------- several

@suite.case("several accounts: listed, and one named")
@with_world()
def several(w, c):
    with folder() as base, Account(w) as a:
        mine = a.certbot(base)
        a.directory = "https://other.example/acme/dir"
        other = a.certbot(base)
        r = take(c, base, server=None).expect(1, "more than one.*name the folder")
        for told in (mine, other, a.directory, w.directory, a.url):
            check(told in r.err, "%s is not listed: %s" % (told, r))
        take(c, base, server="https://third.example/dir").expect(1, "none of the accounts")
        check(not stored(c), "an account is stored")
        take(c, base).expect(0)         # --server tells which
        take(c, other).expect(1, "not the CA of this account.*other.example/acme/dir")


@suite.case("several keys in one folder of lego's")
@with_world()
def several_keys(w, c):
    with folder() as base, Account(w) as a:
        path = a.lego(base)
        write(path + "/keys/second.key", a.pem())
        take(c, base).expect(1, "no account.*more than one key")
        os.unlink(path + "/keys/second.key")
        os.rename(path + "/keys", path + "/other")
        take(c, base).expect(1, "no account.*and no key")


@suite.case("certbot: the first API's folder, and the link to it", background=True)
def first_api():
    with folder() as base, common.Client("https://localhost:1/dir", None) as c:
        class Where:
            directory = "https://acme-v01.api.letsencrypt.org/directory"
        with Account(Where, register=False) as a:
            path = a.certbot(base)
            link = base + "/accounts/acme-v02.api.letsencrypt.org"
            os.makedirs(link)
            os.symlink(os.path.dirname(path), link + "/directory")
            if not common.in_namespace():
                raise Skip("would ask Let's Encrypt")
            c.ca_file = None
            for what in (base, link + "/directory"):
                take(c, what, server=None).expect(3, "acme-v02.api.letsencrypt.org")


# ---------------------------------------------------------------- what the CA says

@suite.case("an account that the CA does not know")
@with_world()
def unknown(w, c):
    with folder() as base, Account(w, register=False) as a:
        take(c, a.certbot(base)).expect(2, "accountDoesNotExist")
        check(not stored(c), "an account is stored")
        c.issue([NAME], "--no-tos").expect(1, "terms")     # there is none


@suite.case("an account that is deactivated")
@with_world()
def deactivated(w, c):
    with folder() as base, Account(w) as a:
        a.post(a.kid, {"status": "deactivated"})
        take(c, a.acme_sh(base)).expect(2)
        check(not stored(c), "an account is stored")


@suite.case("the key of another account")
@with_world()
def other_key(w, c):
    with folder() as base, Account(w) as a, Account(w) as b:
        path = a.certbot(base)
        os.unlink(path + "/private_key.json")
        write(path + "/private_key.json", json.dumps(b.secret))
        take(c, path).expect(0, "old URL +%s.*another URL" % a.url)
        take(c, a.acme_sh(base)).expect(4, "another key already")
        c.run("account show").expect(0, b.url)


@suite.case("the CA is away")
@with_world()
def away(w, c):
    with folder() as base, Account(w) as a:
        p = w.processes.pop()
        p.kill()
        p.wait()
        take(c, a.certbot(base)).expect(3)
        check(not stored(c), "an account is stored")


# ---------------------------------------------------------------- files that are not as they should be

@contextlib.contextmanager
def offline(kind="p256"):
    """(client, folder, account): the client does not trust the CA, so exit 5 means that it was asked."""
    common.lwacme_path()
    with fakeca.FakeCA(world.free_port()) as ca, folder() as base, common.Client(ca.directory, None) as c, \
            Account(ca, kind, register=False) as a:
        yield c, base, a


ASKED = 5


@suite.case("the key's file is damaged")
def damaged():
    with offline() as (c, base, a):
        path = a.certbot(base)
        good = json.dumps(a.secret)
        swapped = json.dumps(dict(a.secret, x=a.secret["y"], y=a.secret["x"]))
        for text, why in ((good[:-1], "damaged JSON"), ("", "not a private key"), ("[]", "not a private key"),
                          (good + "}", "damaged JSON"), ("{}", "neither"), (b"{\xff}", "damaged JSON"),
                          (good.replace('"d"', '"D"'), "without one"), (swapped, "not those of one key"),
                          (good.replace('"crv": "P-256"', '"crv": "P-384"'), "JWK"), (b"\0" * 100, "not a")):
            write(path + "/private_key.json", text)
            r = take(c, path).expect(1, "cannot be taken.*" + why)
            check(a.secret["d"] not in r.text, "the key is in the output")
        write(path + "/private_key.json", good)
        take(c, path).expect(ASKED)


@suite.case("other files are damaged, large, or missing")
def other_files():
    """They only tell what is shown."""
    with offline() as (c, base, a):
        for path, name in ((a.certbot(base + "/1"), "regr.json"), (a.acme_sh(base + "/2"), "ca.conf"),
                           (a.acme_sh(base + "/3"), "account.json")):
            for text in ("{", "", "[" * 100, b"ACCOUNT_URL='" + b"a" * 65500, b"x" * 1000000, "ACCOUNT_URL=",
                         "CA_EMAIL='\n'=\n=\nACCOUNT_URL", '{"uri":{}, "contact":[7]}',
                         '{"uri":"https://a\\u001b[2J/"}'):
                write(path + "/" + name, text)
                take(c, path).expect(ASKED)
            os.unlink(path + "/" + name)
            take(c, path).expect(ASKED)


@suite.case("files that are too large, no files, and behind links")
def not_files():
    with offline() as (c, base, a):
        for path, name in ((a.certbot(base + "/1"), "private_key.json"), (a.acme_sh(base + "/2"), "account.key"),
                           (a.lego(base + "/3"), "keys/" + EMAIL + ".key")):
            at = os.path.join(path, name)
            real = os.path.join(base, "real")
            shutil.move(at, real)
            write(at, b" " * 1000000)
            take(c, path).expect(1, "too long")
            os.unlink(at)
            for target in (real, "/dev/zero", "/nonexistent"):
                os.symlink(target, at)
                take(c, path).expect(1, "symbolic link")
                os.unlink(at)
            os.mkfifo(at)
            take(c, path).expect(1, "not a regular file")
            os.unlink(at)
            os.mkdir(at)
            take(c, path).expect(1, "not a regular file")
            os.rmdir(at)
            shutil.move(real, at)
            for extra in ("regr.json", "ca.conf", "account.json"):
                there = os.path.exists(os.path.join(path, extra))
                if there:
                    os.unlink(os.path.join(path, extra))
                    os.mkfifo(os.path.join(path, extra))
            take(c, path).expect(ASKED)
        os.mkfifo(base + "/fifo")
        take(c, base + "/fifo").expect(1, "neither a folder")
        take(c, "/dev/zero").expect(1, "neither a folder")


@suite.case("folders behind links")
def folder_links():
    with offline() as (c, base, a):
        path = a.certbot(base + "/real")
        os.mkdir(base + "/home")
        os.symlink(base + "/real/accounts", base + "/home/accounts")
        take(c, base + "/home").expect(1, "no account.*home/accounts.*symbolic link")
        os.symlink(path, base + "/direct")      # the one that was typed is meant
        take(c, base + "/direct").expect(ASKED)
        os.symlink(base, base + "/real/accounts/again")
        take(c, base + "/real").expect(ASKED)
        keys = a.lego(base + "/lego")
        os.rename(keys + "/keys", base + "/keys")
        os.symlink(base + "/keys", keys + "/keys")
        take(c, base + "/lego").expect(1, "and no key")


@suite.case("nothing there, too much there, and nobody may read")
def nothing():
    with offline() as (c, base, a):
        take(c, base).expect(1, "no account.*certbot.*acme.sh.*lego")
        take(c, base + "/nothing").expect(1, "No such file")
        write(base + "/note.txt", "none of them")
        take(c, base + "/note.txt").expect(1, "not a private key")
        deep = base + "/d" * 14
        os.makedirs(deep)
        shutil.copy(a.key, deep + "/account.key")
        take(c, base).expect(1, "no account")
        take(c, deep, server=c.directory).expect(ASKED)
        many = base + "/many"
        os.mkdir(many)
        for i in range(20001):
            os.close(os.open("%s/%d" % (many, i), os.O_CREAT, 0o600))
        take(c, many).expect(1, "more than 20000 files")
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            raise Skip("needs setpriv as root")
        path = a.certbot(base + "/x")
        state = os.path.join(base, "nobody")
        os.mkdir(state)
        os.chown(state, 65534, 65534)

        def as_nobody(what):
            return run_tool(["account", "import", what, "--state-dir", state, "--server", c.directory],
                            prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        as_nobody(path).expect(1, "private_key.json|Permission denied")
        as_nobody(path).expect(1, "Permission denied")
        os.chmod(base + "/x/accounts", 0)
        as_nobody(base + "/x").expect(1, "no account.*Permission denied")


@suite.case("keys that are not supported")
def unsupported():
    with offline() as (c, base, a):
        path = a.acme_sh(base)
        for how, why in ((["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "another curve"),
                         (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "another curve"),
                         (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "2048, 3072 or 4096"),
                         (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2560"], "2048, 3072 or 4096"),
                         (["-algorithm", "ED25519"], "neither RSA nor EC")):
            pem = common.openssl("genpkey", *how)
            for form in ([], ["-traditional"]):
                if form and "ED25519" in how:
                    continue
                write(path + "/account.key", common.openssl("pkey", *form, data=pem))
                take(c, path).expect(1, why)
        write(path + "/account.key", a.pem("-aes256", "-passout", "pass:secret"))
        take(c, path).expect(1, "password")
        jwk = base + "/jwk.json"
        for text, why in (({"kty": "EC", "crv": "P-521"}, "another curve"), ({"kty": "oct", "k": "AA"}, "neither"),
                          ({"kty": "RSA", "n": oldclients.b64(b"\xff" * 1024)}, "2048, 3072 or 4096")):
            write(jwk, json.dumps(text))
            take(c, jwk).expect(1, why)


@suite.case("a JWK without its leading zeros")
def leading_zeros():
    with offline() as (c, base, a):
        for _ in range(3000):
            oldclients.make_key("p256", a.key)
            point = oldclients.numbers(a.key)["pub"][1:]
            if point[0] == 0 or point[32] == 0:
                break
        jwk = oldclients.private_jwk("p256", a.key)
        short = {m: oldclients.b64(point[i * 32:i * 32 + 32].lstrip(b"\0")) for i, m in enumerate("xy")}
        check(len(short["x"]) + len(short["y"]) < 86, "no such key was found")
        take(c, a.certbot(base, dict(jwk, **short))).expect(ASKED)


@suite.case("options are checked")
def options():
    with offline() as (c, base, a):
        path = a.certbot(base)
        c.run("account import", m=None).expect(1, "account import FOLDER")
        c.run("account import", "", m=None).expect(1, "FOLDER")
        take(c, path, "--key", a.key).expect(1, "leave --key out")
        c.run("account import", path, path, m=None).expect(1, "one command at a time")
        c.run("account import", path, names=[NAME], m=None).expect(1, "no names")
        c.run("import", m=None).expect(1, "no such command")


# ---------------------------------------------------------------- the real ones

def real(program, argv, env, home, path=None):
    """What the program itself leaves behind is found where we look for it."""
    @with_world()
    def fn(w, c):
        found = path or shutil.which(program)
        if not found:
            raise Skip("%s is not installed" % program)
        with folder() as base:
            words = [found] + [x.format(server=w.directory, base=base, ca=w.ca_file) for x in argv]
            more = {k: v.format(base=base, ca=w.ca_file) for k, v in env.items()}
            p = subprocess.run(words, env=dict(os.environ, HOME=base, **more), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            equal(w.count()["newAccount"], 1, "newAccount of %s: %s" % (
                program, p.stdout.decode("utf-8", "replace")[-300:]))
            options = {} if program == "lego" else {"server": None}
            take(c, base + home, **options).expect(0, "old URL +the same")
            w.mark()
            c.issue([NAME], "--no-tos").expect(0)
            equal(w.count()["newAccount"], 0, "newAccount")
    return fn


suite.add("certbot itself", real("certbot", [
    "register", "--server", "{server}", "--config-dir", "{base}/etc", "--work-dir", "{base}/work", "--logs-dir",
    "{base}/log", "--agree-tos", "-m", EMAIL, "-n", "--no-eff-email"], {"REQUESTS_CA_BUNDLE": "{ca}"}, "/etc"))
suite.add("lego itself", real("lego", [
    "--server", "{server}", "--path", "{base}/.lego", "--email", EMAIL, "--accept-tos", "--http", "--http.port",
    ":5999", "--domains", NAME, "run"], {"LEGO_CA_CERTIFICATES": "{ca}"}, "/.lego"))
suite.add("acme.sh itself", real("acme.sh", [
    "--home", "{base}/.acme.sh", "--server", "{server}", "--ca-bundle", "{ca}", "--register-account", "-m", EMAIL],
    {}, "/.acme.sh", os.environ.get("ACME_SH")))


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("import"))
