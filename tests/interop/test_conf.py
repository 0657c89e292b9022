#!/usr/bin/env python3
"""The configuration file, as `lwacme check -c FILE` judges it. No CA is needed.

Each mistake has its line and its own words, all are told in one pass, and nothing in a file, however
broken, does more than that.
"""
import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import common
from common import Suite, check, equal, lwacme_path, openssl, run_tool
from conf_wrong import S, WRONG

suite = Suite()
F_SETPIPE_SZ = 1031
LE = "https://acme-v02.api.letsencrypt.org/directory"


class Place:
    """A folder with what a good file may name."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="lwacme-conf-")
        os.chmod(self.dir, 0o755)
        self.conf = self.path("lwacme.conf")
        self.put("hook", "#!/bin/sh\n", 0o755)
        self.put("eab", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0\n", 0o600)
        os.mkdir(self.path("web"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, text, mode=0o644):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(self.path(name), mode)
        return self.path(name)

    def check(self, text=None, *more, timeout=60):
        """Run `check` over this text, where @/ is the folder."""
        if isinstance(text, str):
            text = text.replace("@/", self.dir + "/")
        if text is not None:
            self.put("lwacme.conf", text)
        return run_tool(["check", "-c", self.conf, *more], timeout=timeout)

    def refused(self, text, *wants):
        """These errors, (line, pattern), in this order, and no other."""
        r = self.check(text).expect(1)
        got = errors(r, self.conf)
        what = lambda: "errors %r, wanted %r" % (got, wants)
        check(len(got) == len(wants), what)
        for (line, words), (want, pattern) in zip(got, wants):
            check(line == want and re.search(pattern, words, re.I), what)
            check("--" not in words, "dashes of the command line in %r" % words)
        equal(r.out, "", "stdout")
        return r


def errors(r, path):
    """[(line, words)] of those that are told."""
    found = re.findall(r"^%s:(\d+): (.*)$" % re.escape(path), r.err, re.M)
    check(len(found) + len(re.findall(r"and \d+ more errors", r.err)) == len(r.err.splitlines()),
          "a line that is no error: %s" % r)
    return [(int(n), words) for n, words in found]


@contextlib.contextmanager
def place():
    lwacme_path()
    p = Place()
    try:
        yield p
    finally:
        shutil.rmtree(p.dir, ignore_errors=True)


# ---------------------------------------------------------------- what is right

WHOLE = """# the daemon
state-dir = @/state
http-port = 5002
http-bind = 127.0.0.1
metrics = @/lwacme.prom
log = syslog
user = root

# all certificates
server = letsencrypt-staging
contact = ops@example.com
agree-tos = yes
key-type=p384
  deploy-hook   =   @/hook
webroot = @/web

[www.example.com]
domain = www.example.com example.com
\tdomain\t=\tb.example.com\tc.example.com
server = https://ca.example.com:8443/dir
reuse-key = no
preferred-chain = Root X#1

[2001:DB8::1]
[ mail ]
domain = *.Mail.example.com
profile = shortlived
out-dir = @/out
eab-kid = kid-1
eab-hmac-key-file = @/eab
"""


@suite.case("a whole file")
def whole():
    with place() as p:
        r = p.check(WHOLE).expect(0)
        staging = "https://acme-staging-v02.api.letsencrypt.org/directory"
        equal(r.out.splitlines(), [
            "www.example.com: www.example.com example.com b.example.com c.example.com, from "
            "https://ca.example.com:8443/dir, into %s/state/live/www.example.com" % p.dir,
            "2001:db8::1: 2001:db8::1, from %s, into %s/state/live/2001_db8__1" % (staging, p.dir),
            "mail: *.mail.example.com, from %s, into %s/out/mail" % (staging, p.dir),
            "%s: 3 certificates" % p.conf], "what is told")
        equal(r.err, "", "stderr")
        equal(p.check(None, "-q").expect(0).text, "", "what -q tells")
        check(not os.path.exists(p.path("state")), "check makes folders")


@suite.case("a whole file as JSON")
def whole_json():
    with place() as p:
        got = p.check(WHOLE, "--json").expect(0).events()
        equal([e["event"] for e in got], ["configured"] * 3 + ["checked"], "events")
        equal(got[1], {"v": 1, "event": "configured", "certificate": "2001:db8::1",
                       "names": ["2001:db8::1"],
                       "server": "https://acme-staging-v02.api.letsencrypt.org/directory",
                       "path": p.path("state/live/2001_db8__1")}, "one certificate")
        equal(got[3], {"v": 1, "event": "checked", "path": p.conf, "certificates": 3}, "the sum")


SHAPES = (
    ("CRLF", lambda t: t.replace(b"\n", b"\r\n")),
    ("no newline at the end", lambda t: t.rstrip(b"\n")),
    ("a byte order mark", lambda t: b"\xef\xbb\xbf" + t),
    ("blanks everywhere", lambda t: b"\n\n".join(b" \t" + l + b"\t " for l in t.split(b"\n"))),
)


def shape(change):
    with place() as p:
        want = p.check(WHOLE).expect(0).out
        text = change(WHOLE.replace("@/", p.dir + "/").encode())
        equal(p.check(text).expect(0).out, want, "what is told")


for name, change in SHAPES:
    suite.add("shape: %s" % name, lambda c=change: shape(c))


@suite.case("shape: a value up to the last byte")
def last_byte():
    with place() as p:
        p.check("[a.example.com]\nserver = https://ca.example.com/dir") \
            .expect(0, r"from https://ca\.example\.com/dir, into")
        p.check("[a.example.com]").expect(0, "^a.example.com: a.example.com, from")


@suite.case("a section goes before what stands above")
def precedence():
    with place() as p:
        # a request brings its key, so the defaults for keys do not count
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", p.path("k"), "-out", p.path("csr"), "-subj", "/", "-addext",
                "subjectAltName=DNS:csr.example.com,DNS:two.example.com")
        r = p.check("required-profile=a\nserver = letsencrypt-staging\nkey-type = p384\n"
                    "reuse-key = yes\nemail = a@example.com\n[one.example.com]\nprofile = b\n"
                    "server = letsencrypt\ncontact = b@example.com\n[csr]\ncsr = @/csr\n").expect(0)
        check("one.example.com: one.example.com, from %s," % LE in r.out, r.out)
        check("csr: csr.example.com two.example.com, from https://acme-staging" in r.out, r.out)
        p.refused("[csr]\ncsr = @/csr\nkey-type = p384\n", (2, "csr excludes domain, key-type"))
        p.refused("[csr]\ncsr = @/csr\ndomain = a.example.com\n", (2, "csr excludes domain"))
        p.refused("[csr]\n\ncsr = @/gone\n", (3, "csr: No such file.*gone"))
        p.refused("[csr]\ncsr = @/eab\n", (2, "neither a certificate request"))


def readme():
    with open(os.path.join(common.ROOT, "tools/README.md"), encoding="utf-8") as f:
        return f.read().split("### The configuration file")[1].split("\n### ")[0]


@suite.case("the example of the README")
def example():
    text = re.search(r"```ini\n(.*?)```", readme(), re.S).group(1)
    with place() as p:
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", p.path("k"), "-out", p.path("root.pem"), "-subj", "/CN=root")
        for here, there in (("/usr/local/sbin/reload-\\w+", "@/hook"), ("user = lwacme", "user = root"),
                            ("/etc/lwacme/corp-root.pem", "@/root.pem"), ("/var/www/html", "@/web"),
                            ("/var/lib/node_exporter", "@")):
            check(re.search(here, text), "%s is not in the example any more" % here)
            text = re.sub(here, there, text)
        out = p.check(text).expect(0).out.splitlines()
        equal(out[1], "mail.example.com: mail.example.com, from %s, into "
              "/etc/lwacme/live/mail.example.com" % LE, "a line")
        equal(len(out), 4, "lines")


@suite.case("the keys of the README")
def keys():
    rows = re.findall(r"^\| (above|in a section|both)[^|]* \| (.*) \|$", readme(), re.M)
    equal(len(rows), 3, "rows of the table of keys")
    for where, cell in rows:
        for key in re.findall(r"`([a-z-]+)`", cell):
            with place() as p:
                above, inside = p.check(key + " =\n" + S).expect(1), p.check(S + key + " =\n").expect(1)
                above.expect(1, "below a" if where == "in a section" else "has no value")
                inside.expect(1, "put it above" if where == "above" else "has no value")


# ---------------------------------------------------------------- what is wrong

def wrong(text, wants):
    with place() as p:
        p.refused(text, *sorted(wants))


for name, text, *wants in WRONG:
    suite.add("wrong: %s" % name, lambda t=text, w=wants: wrong(t, w))


@suite.case("wrong: what belongs on the command line")
def no_sense():
    with place() as p:
        for key in ("force", "now", "ignore-retry-after", "json", "file", "yes", "no-contact", "key",
                    "reason", "signed-by", "help", "version", "config"):
            p.refused(S + key + " = yes\n", (2, "%s makes no sense in a file" % key))


@suite.case("wrong: the daemon's own in a section")
def daemons_own():
    with place() as p:
        for key in ("state-dir", "http-port", "http-bind", "user", "metrics", "log"):
            p.refused(S + key + " = x\n", (2, "%s holds for all.*above" % key))


@suite.case("wrong: everybody may change it")
def open_files():
    with place() as p:
        os.chmod(p.path("hook"), 0o777)
        p.refused(S + "deploy-hook = @/hook\n", (2, "changed by everybody"))
        p.put("lwacme.conf", S, 0o666)
        run_tool(["check", "-c", p.conf]).expect(4, "changed by everybody.*chmod o-w")
        os.chmod(p.path("eab"), 0o644)
        p.put("lwacme.conf", (S + "eab-kid=x\neab-hmac-key-file=%s\n" % p.path("eab")))
        run_tool(["check", "-c", p.conf]).expect(0, ":3: warning: .*others.*chmod 600")


@suite.case("all errors in one pass, in order")
def many_errors():
    with place() as p:
        text = ("sever = x\nhttp-port = 0\n[a.example.com] x\ndomain = a..b\n[b.example.com]\nrubbish\n"
                "webroot = /gone\nca-file = /gone\n[b.example.com]\n[-]\nprofile = a b\n")
        p.refused(text, (1, "server"), (2, "http-port"), (3, "behind"), (6, "neither"),
                  (7, "webroot"), (8, "ca-file"), (9, "line 5"), (10, "look like"), (11, "profile"))
        got = p.check(None, "--json").expect(1).events()
        equal([e["line"] for e in got], [1, 2, 3, 6, 7, 8, 9, 10, 11], "lines as JSON")
        for e in got:
            equal((e["event"], e["error"], e["path"]), ("error", "ACME_E_CONFIG", p.conf), "an error")
            check(e["words"], "no words")


@suite.case("no more than twenty are told")
def twenty():
    with place() as p:
        # what is found last may stand first
        r = p.check("http-port = 0\n" + S + "rubbish\n" * 30).expect(1)
        got = errors(r, p.conf)
        equal([n for n, _ in got], [1] + list(range(3, 22)), "lines")
        check(r.err.splitlines()[-1].endswith(": and 11 more errors"), r.err)
        r = p.check("rubbish\n" * 100000).expect(1)
        check(len(r.err.splitlines()) == 21 and "or still more" in r.err, tail_of(r))
        one = p.check("webroot = /gone\n" + "".join("[h%d.example.com]\n" % i for i in range(50)))
        equal(len(errors(one.expect(1), p.conf)), 1, "errors of a default that is shared")
        two = p.check("eab-kid = x\n" + "".join("[h%d.example.com]\n" % i for i in range(50)))
        equal(len(errors(two.expect(1), p.conf)), 1, "errors of a pair that is shared")


@suite.case("a binding is not given to another CA")
def binding_of_a_ca():
    with place() as p:
        bound = "server = https://ca.example.com/dir\neab-kid = x\neab-hmac-key-file = /\n"
        other = "[b.example.com]\nserver = letsencrypt\n"
        equal([n for n, _ in errors(p.check(bound + "[a.example.com]\n" + other).expect(1), p.conf)], [3], "lines")
        p.check(bound + other).expect(0)
        own = other + "eab-kid = y\neab-hmac-key-file = /etc\n"
        equal([n for n, _ in errors(p.check(bound + own).expect(1), p.conf)], [7], "lines")


def tail_of(r):
    return "%d lines, the last: %s" % (len(r.err.splitlines()), r.err.splitlines()[-1:])


# ---------------------------------------------------------------- what is no file, or too much of it

@suite.case("no file")
def no_file():
    with place() as p:
        run_tool(["check"]).expect(1, "-c FILE")
        run_tool(["check", "-c"]).expect(1, "argument")
        run_tool(["check", "-c", ""]).expect(1, "empty")
        run_tool(["check", "-c", p.path("gone")]).expect(4, "gone: No such file")
        run_tool(["check", "-c", p.dir]).expect(4, "folder")
        run_tool(["check", "-c", "/dev/null"]).expect(4, "no regular file")
        os.mkfifo(p.path("fifo"))
        run_tool(["check", "-c", p.path("fifo")], timeout=20).expect(4, "no regular file")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(p.path("socket"))
            run_tool(["check", "-c", p.path("socket")]).expect(4, "no regular file")
        r = run_tool(["check", "-c", p.path("gone"), "--json"]).expect(4)
        equal([e["event"] for e in r.events()], ["error"], "events")


def nobody_checks(p, text, mode=0o644, env=None):
    """The same by somebody who is not root."""
    prefix, binary = [], None
    p.put("lwacme.conf", text.replace("@/", p.dir + "/"), mode)
    if os.geteuid() == 0:
        binary = p.path("lwacme")
        shutil.copy(lwacme_path(), binary)
        os.chmod(binary, 0o755)
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                  "--bounding-set=-all", "--inh-caps=-all"]
    return run_tool(["check", "-c", p.conf], prefix=prefix, binary=binary,
                    env=dict({"HOME": p.dir}, **(env or {})))


@suite.case("unreadable")
def unreadable():
    with place() as p:
        nobody_checks(p, S, mode=0o200).expect(4, "Permission denied")
        os.chmod(p.path("web"), 0o555)
        nobody_checks(p, S + "webroot = @/web\n").expect(1, ":2: webroot .*Permission denied")


@suite.case("no home folder")
def homeless():
    with place() as p:
        env = {"HOME": "", "XDG_STATE_HOME": ""}
        nobody_checks(p, S, env=env).expect(1, ":1: .*give state-dir")
        nobody_checks(p, "state-dir = /x\n" + S, env=env).expect(0, "into /x/live/a.example.com")
        nobody_checks(p, S).expect(0, "into %s/.local/state/lwacme/live/" % p.dir)


@suite.case("other options beside -c")
def beside():
    with place() as p:
        p.put("lwacme.conf", S)
        for option in (["-d", "a.example.com"], ["--server", "letsencrypt"], ["--http-port", "80"],
                       ["--state-dir", "/x"]):
            run_tool(["check", "-c", p.conf] + option).expect(1, "stands in a configuration file")
        run_tool(["check", "-c", p.conf, "--force"]).expect(1, "--force goes with")
        run_tool(["issue", "-c", p.conf, "-d", "a.example.com"]).expect(1, "--config goes with .*check")
        run_tool(["issue", "--user", "nobody", "-d", "a.example.com"]) \
            .expect(1, "--user goes with serve-challenges")


@suite.case("1 MB")
def megabyte():
    with place() as p:
        full = (S + "#" + "x" * 4000).encode()
        p.check(full + b"\n" * (1024 * 1024 - len(full))).expect(0)
        p.check(full + b"\n" * (1024 * 1024 + 1 - len(full))).expect(4, "larger than 1 MB")
        p.check(("[h%d.example.com]\n" % 0) + "domain = a.example.com b.example.com\n" * 25000).expect(0)


@suite.case("rubbish")
def rubbish():
    with place() as p:
        rng = random.Random(int(os.environ.get("SEED", "7")))
        p.check(rng.randbytes(1024 * 1024)).expect(1, "control|UTF-8")
        p.check(b"\0" * (1024 * 1024)).expect(1, "longer than 4096")
        p.check(b"[" * (1024 * 1024)).expect(1, "longer than 4096")
        good = WHOLE.replace("@/", p.dir + "/").encode()
        for _ in range(60):
            text = bytearray(good)
            for _ in range(rng.randrange(1, 6)):
                at = rng.randrange(len(text))
                text[at:at + rng.randrange(3)] = rng.choice(
                    (b"\n", b"=", b"[", b"]", b"#", b" ", b"\0", b"\xc3", b"\r", b"..", b"x"))
            p.check(bytes(text)).expect((0, 1))


@suite.case("10000 sections, and one more")
def ten_thousand():
    with place() as p:
        text = "".join("[h%d.example.com]\n" % i for i in range(10000))
        r = p.check(text).expect(0)
        equal(r.out.splitlines()[-1], "%s: 10000 certificates" % p.conf, "the last line")
        p.refused(text + "[one.example.com]\n", (10001, "more than 10000 sections"))


# ---------------------------------------------------------------- memory

def many(n):
    text = "state-dir = @/state\ndeploy-hook = @/hook\nwebroot = @/web\nagree-tos = yes\n"
    for i in range(n):
        text += ("\n[host%d.example.com]\ndomain = host%d.example.com www.host%d.example.com\n"
                 "contact = ops%d@example.com\nkey-type = p384\n" % (i, i, i, i))
    return text


def high_water(path):
    """VmHWM of a run in kB, read while it waits for somebody to take what it tells."""
    r, w = os.pipe()
    fcntl.fcntl(w, F_SETPIPE_SZ, 4096)
    os.set_blocking(w, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(w, b"x" * 4096)
    os.set_blocking(w, True)
    p = subprocess.Popen([lwacme_path(), "check", "-c", path], stdout=w)
    try:
        for _ in range(6000):
            check(p.poll() is None, "it ended early")
            with open("/proc/%d/wchan" % p.pid, encoding="ascii") as f:
                waits = "pipe" in f.read()
            with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
                status = f.read()
            if waits or re.search(r"^State:\s+S", status, re.M):
                return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))
            time.sleep(0.01)
        raise common.Fail("it never wrote")
    finally:
        p.kill()
        p.wait()
        os.close(r)
        os.close(w)


@suite.case("memory with 1 and 200 certificates")
def memory():
    with place() as p:
        got = {}
        for n in (1, 200):
            r = p.check(many(n)).expect(0)
            equal(len(r.out.splitlines()), n + 1, "lines")
            got[n] = min(high_water(p.conf) for _ in range(3))
        print("# memory: %d kB with 1 certificate, %d kB with 200" % (got[1], got[200]))
        # a struct options for each would be 5 MB
        check(got[200] - got[1] <= 512, "%d kB with 1, %d kB with 200" % (got[1], got[200]))


@suite.case("help names it")
def help_text():
    check("check -c FILE" in run_tool(["--help"]).expect(0).out, "--help lacks check -c FILE")


if __name__ == "__main__":
    sys.exit(suite.main("configuration file"))
