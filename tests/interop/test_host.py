#!/usr/bin/env python3
"""What a daemon gives up, what it tells the service manager, and where its lines go: the parts, called one by one by
tests/host/host_try.c."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import time

import common
from common import Skip, Suite, check, equal, lwacme_path
from hostrig import NOBODY, Place, environment, host_try, landlock, needs_users, syslog, tried

suite = Suite()


# ---------------------------------------------------------------- privileges

class Dropped:
    """What is left after privilege_drop, and what it may do then."""

    def __init__(self, place, user, *lines, paths=None, prefix=(), env=None):
        paths = [place.path("state"), place.out] if paths is None else paths
        self.r = tried("drop", user, *paths, prefix=prefix, env=env,
                       stdin="".join(l + "\n" for l in lines).encode())
        self.status = dict(re.findall(r"^(\w+):[ \t]*(.*)$", self.r.out.partition("dropped")[0], re.M))
        self.done = self.r.out.partition("dropped\n")[2].splitlines()

    def expect_dropped(self):
        check("dropped" in self.r.out, "not dropped: %s" % self.r)
        return self

    def expect(self, *answers):
        self.expect_dropped()
        for line, want in zip(self.done, answers):
            check(re.search(want, line), "%r expected, got %r" % (want, line))
        equal(len(self.done), len(answers), "answers: %s" % self.done)


OK, NO_ACCESS, NOT_PERMITTED = r": 0 $", r": -1 Permission denied", r": -1 Operation not permitted"


def prepared(place, owner=NOBODY):
    os.mkdir(place.path("state"))
    for f in (place.path("state"), place.out):
        os.chown(f, owner, owner)
    with open(place.path("elsewhere"), "w", encoding="ascii") as f:
        f.write("x")
    os.chmod(place.path("elsewhere"), 0o666)
    os.mkdir(place.path("free"))
    os.chmod(place.path("free"), 0o777)


@suite.case("drop: from root to nobody, with the right to bind port 80 alone")
def drop_root():
    needs_users()
    with Place() as p:
        prepared(p)
        d = Dropped(p, "nobody", "setuid 0", "bind 80", "bind 443", "chroot /", "core", "raise 100000",
                    "dumpable", "exec /bin/true", "ptrace %d" % os.getppid(), "read /etc/shadow", "personality")
        # Landlock refuses execve too, but seccomp is asked first, and says it otherwise.
        filtered = "seccomp" not in d.status["missing"]
        bind = OK if common.in_namespace() else r": (0|-1 Address already in use)"
        san = "san" in lwacme_path()
        d.expect(NOT_PERMITTED, bind, bind, NOT_PERMITTED, r": 0 $", NOT_PERMITTED,
                 r": 1 $" if san else OK, NOT_PERMITTED if filtered else r": (0|-1)",
                 NOT_PERMITTED, NO_ACCESS, NOT_PERMITTED if filtered else OK)
        equal(d.status["Uid"].split(), ["65534"] * 4, "Uid")
        equal(d.status["Gid"].split(), ["65534"] * 4, "Gid")
        equal(set(d.status["Groups"].split()), {"65534"}, "Groups")
        for name, want in (("CapInh", 0), ("CapPrm", 1 << 10), ("CapEff", 1 << 10), ("CapBnd", 1 << 10),
                           ("CapAmb", 0)):
            equal(int(d.status[name], 16), want, name)
        equal(d.status["NoNewPrivs"], "1", "NoNewPrivs")
        equal(d.status["Seccomp"], "2" if filtered else "0", "Seccomp")


@suite.case("drop: numbers of a user, and groups")
def drop_numbers():
    needs_users()
    with Place() as p:
        prepared(p, 4711)
        d = Dropped(p, "4711:4712").expect_dropped()
        equal((d.status["Uid"].split()[1], d.status["Gid"].split()[1], d.status["Groups"].split()),
              ("4711", "4712", ["4712"]), "who it is")
        for user, why in (("nobody-at-all", "no such user"), ("4711", "no such user"), ("4711:", "no such user"),
                          ("4711:x", "no such user"), ("4294967295:1", "no such user"), ("root", "is root"),
                          ("0:0", "is root"), ("0:4711", "is root")):
            d = Dropped(p, user)
            check(d.r.code == 1 and why in d.r.out, "%s: %s" % (user, d.r))


@suite.case("drop: Landlock refuses to write elsewhere")
def drop_landlock():
    if not landlock():
        raise Skip("this kernel has no Landlock, or it is turned off")
    with Place() as p:
        root = os.geteuid() == 0
        prepared(p, os.geteuid())
        s, e = p.path("state"), p.path("elsewhere")
        lines = ["write %s/a" % s, "write %s/b" % p.out, "rename {0}/a {0}/c".format(s),
                 "rename %s/c %s/d" % (s, p.out), "symlink %s/l" % p.out, "mkdir %s/m" % s,
                 "truncate %s/b" % p.out, "unlink %s/b" % p.out,
                 "write %s" % e, "truncate %s" % e, "unlink %s" % e, "write %s/x" % p.path("free"),
                 "mkdir %s/x" % p.path("free"), "symlink %s/x" % p.path("free"), "mkfifo %s/f" % s,
                 "rename %s/d %s/d" % (p.out, p.path("free")), "read %s" % e, "read /etc/passwd",
                 "exec /bin/true"]
        want = [OK] * 8 + [NO_ACCESS] * 7 + [r": -1 (Permission denied|Invalid cross-device)"] + [OK] * 2 + [
            r": -1 (Operation not permitted|Permission denied)"]
        Dropped(p, "-", *lines).expect(*want)
        equal(p.read("elsewhere"), "x", "a file elsewhere")
        if root:
            check(os.listdir(p.path("free")) == [], "something was made elsewhere")


@suite.case("drop: without root all but the user changes")
def drop_user():
    prefix = ()
    if os.geteuid() == 0:
        needs_users()
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with Place() as p:
        if prefix:
            prepared(p)
        else:
            prepared(p, os.geteuid())
        d = Dropped(p, "-", "core", "write %s" % p.path("elsewhere"), "exec /bin/true", "write %s/a" % p.out,
                    prefix=prefix)
        d.expect(r": 0 $", NO_ACCESS if landlock() else OK,
                 r": -1 (Operation not permitted|Permission denied)", OK)
        equal(d.status["NoNewPrivs"], "1", "NoNewPrivs")
        equal(int(d.status["CapPrm"], 16), 0, "CapPrm")
        if prefix:
            Dropped(p, "nobody", prefix=prefix).expect_dropped()     # who we are already
            d = Dropped(p, "daemon", prefix=prefix)
            check(d.r.code == 1 and "only root" in d.r.out, "another user without root: %s" % d.r)


@suite.case("drop: folders of somebody else are told with the command")
def drop_folders():
    needs_users()
    with Place() as p:
        prepared(p, 0)
        d = Dropped(p, "nobody")
        check(d.r.code == 1 and "chown -R nobody '%s'" % p.path("state") in d.r.out, "words: %s" % d.r)
        os.chown(p.path("state"), NOBODY, -1)
        d = Dropped(p, "nobody")
        check("chown -R nobody '%s'" % p.out in d.r.out, "words: %s" % d.r)
        os.chown(p.out, NOBODY, -1)
        Dropped(p, "nobody", paths=[p.path("state"), p.out, p.path("new/deep")]).expect_dropped()
        equal((os.stat(p.path("new")).st_uid, os.stat(p.path("new/deep")).st_uid), (0, NOBODY), "owners")


@suite.case("drop: the limit of descriptors cannot be raised again")
def drop_limits():
    with Place() as p:
        prepared(p, os.geteuid())
        Dropped(p, "-", "nofile").expect(r": (1?\d\d|2[0-4]\d|25[0-6]) $")


@suite.case("path: what a user could change, by any folder or link on the way")
def path_kept():
    needs_users()
    with Place() as p:
        p.script("true", "safe")
        for name in ("theirs", "open", "sticky", "group", "way"):
            os.mkdir(p.path(name))
            p.script("true", name + "/hook")
        os.chown(p.path("theirs"), NOBODY, -1)
        os.chmod(p.path("open"), 0o777)
        os.chmod(p.path("sticky"), 0o1777)
        os.chown(p.path("group"), 0, NOBODY)
        os.chmod(p.path("group"), 0o775)
        p.script("true", "sticky/theirs")
        os.chown(p.path("sticky/theirs"), NOBODY, -1)
        p.script("true", "everybody", 0o777)
        os.symlink("../safe", p.path("theirs/link"))
        os.symlink("theirs/link", p.path("long"))
        os.symlink(p.path("open"), p.path("round"))
        os.symlink("../sticky/../safe", p.path("way/link"))
        os.symlink("loop", p.path("loop"))
        for name, kept in (("safe", 1), ("theirs/hook", 0), ("open/hook", 0), ("sticky/hook", 1),
                           ("sticky/theirs", 0), ("group/hook", 0), ("everybody", 0), ("theirs/link", 0),
                           ("long", 0), ("round/hook", 0), ("way/link", 1), ("way/../safe", 1), ("loop", 0),
                           ("none", 0), ("./way/./hook", 1), ("theirs/../safe", 0), ("x" * 5000, 0)):
            r = tried("kept", "nobody", p.path(name))
            equal((name[:20], r.code), (name[:20], 0 if kept else 1), "kept: %s" % r)
        equal(tried("kept", "12345:12345", p.path("group/hook")).code, 0, "a group that is not theirs")
        equal(tried("kept", "12345:%d" % NOBODY, p.path("group/hook")).code, 1, "a group that is theirs")
        equal(tried("kept", "nobody", "safe", cwd=p.base).code, 0, "a path from here")


# ---------------------------------------------------------------- the service manager

def told(address, *args, env=None):
    """The datagrams that host_try sends to address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("\0" + address[1:] if address[0] == "@" else address)
        s.settimeout(0.5)
        equal(tried(*args, env=dict({"NOTIFY_SOCKET": address}, **(env or {}))).code, 0, "exit")
        got = []
        with contextlib.suppress(socket.timeout):
            while True:
                got.append(s.recv(4096).decode())
        return got


@suite.case("notify: a path, a name in the abstract space, nobody")
def notify():
    with Place() as p:
        for address in (p.path("notify"), "@lwacme-test-%d" % os.getpid()):
            equal(told(address, "notify", "READY=1"), ["READY=1"], "datagrams")
            with contextlib.suppress(OSError):
                os.unlink(address)
        got = told(p.path("n2"), "notify", "RELOADING=1")
        check(len(got) == 1 and re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", got[0]), "%r" % got)
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        check(0 <= now - int(got[0].split("=")[2]) / 1e6 < 300, "not the monotonic clock: %r" % got)
        for address in ("", "/", "@", "relative", "/nonexistent/x", "vsock:2:3", "/" + "x" * 107, "@" + "x" * 200):
            equal(tried("notify", "READY=1", env={"NOTIFY_SOCKET": address}).code, 0, "exit with %r" % address)
        equal(tried("notify", "READY=1").code, 0, "exit without")
        full = "/" + p.path("n")[1:] + "y" * (107 - len(p.path("n")))
        equal(told(full, "notify", "STATUS=x"), ["STATUS=x"], "the longest path")


@suite.case("watchdog: half of what is allowed, for our process only")
def watchdog():
    for usec, want in (("30000000", "15000"), ("2000", "1"), ("1", "0"), ("", "0"), ("-5", "0"), ("30x", "0"),
                       ("99999999999999999999999", "4294967295"), ("0", "0")):
        equal(tried("watchdog", env={"WATCHDOG_USEC": usec}).out.strip(), want, "WATCHDOG_USEC=%s" % usec)
    equal(tried("watchdog").out.strip(), "0", "without")
    equal(tried("watchdog", env={"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).out.strip(), "0",
          "for another process")
    script = 'WATCHDOG_PID=$$ exec "$0" watchdog'
    p = subprocess.run(["sh", "-c", script, host_try()], env=environment({"WATCHDOG_USEC": "30000000"}),
                       stdout=subprocess.PIPE, check=True)
    equal(p.stdout.decode().strip(), "15000", "for this process")


# ---------------------------------------------------------------- the log

LINES = [(3, "error: one"), (3, "  step      two"), (4, "three, in two parts"), (7, "0" * 891), (6, "five 100% %s"),
         (5, "six")]


@suite.case("log: stderr as it is, and with severities for the journal")
def log_journal():
    for match in (False, True):
        r, w = os.pipe()
        st = os.fstat(w)
        stream = "%d:%d" % (st.st_dev, st.st_ino if match else st.st_ino + 1)
        subprocess.run([host_try(), "log", "stderr"], stderr=w, check=True,
                       env=environment({"JOURNAL_STREAM": stream}))
        os.close(w)
        with os.fdopen(r, encoding="utf-8") as f:
            got = f.read().splitlines()
        if match:
            equal([(int(l[1]), l[3:]) for l in got], LINES, "lines")
        else:
            equal([got[0], got[1], got[2], got[4], got[5]],
                  ["lwacme: error: one", "  step      two", "lwacme: three, in two parts",
                   "lwacme: five 100% %s", "lwacme: six"], "lines")
    for stream in ("", "x", "1", "1:", ":", "1:2:3"):
        r = tried("log", "stderr", env={"JOURNAL_STREAM": stream})
        check(r.err.startswith("lwacme: error: one\n"), "JOURNAL_STREAM=%r: %r" % (stream, r.err[:80]))


@suite.case("log: syslog gets each line with its severity")
def log_syslog():
    with syslog() as (prefix, lines):
        r = tried("log", "syslog", prefix=prefix)
        equal((r.code, r.err), (0, ""), "exit and stderr")
        got = [re.fullmatch(r"<(\d+)>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d lwacme\[\d+\]: (.*)", l) for l in lines()]
        check(all(got), "lines: %r" % got)
        equal([(int(g[1]) - 24, g[2]) for g in got], LINES, "lines (facility 3 is the daemons')")


@suite.case("log: syslog that does not keep up, or is not there, stops nobody")
def log_stuck():
    with syslog(reading=False) as (prefix, _):
        for _ in range(6):      # far more than its queue takes
            equal(tried("log", "syslog", prefix=prefix, timeout=60).code, 0, "exit")
        script = prefix[-2].replace("exec ", "rm /dev/log; exec ")
        equal(tried("log", "syslog", prefix=prefix[:-2] + [script, "sh"], timeout=60).code, 0, "exit without it")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("host"))
