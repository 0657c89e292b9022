#!/usr/bin/env python3
"""How the tool is started and what surrounds it: umask, closed descriptors, odd arguments, paths,
shared folders, a CA in a local network, signals, links in the place of files.
"""
import contextlib
import fcntl
import os
import pty
import signal
import stat
import struct
import subprocess
import sys
import termios
import time

import common
from common import Fail, Skip, Suite, check, check_set, equal, lwacme_path, run_tool
from fakeca import close, drip
from rig import NAME, Rig

suite = Suite()


def mode(path):
    return oct(stat.S_IMODE(os.stat(path).st_mode))


def shell(script, args, **more):
    """The tool, started by a shell script that ends in: exec "$0" "$@"."""
    return subprocess.run(["sh", "-c", script, lwacme_path()] + [str(a) for a in args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, **more)


# ---------------------------------------------------------------- umask

def modes(umask):
    with Rig() as (ca, c):
        r = shell('umask %s; exec "$0" "$@"' % umask, c.args("issue", [NAME]))
        equal(r.returncode, 0, "exit status (%s)" % r.stderr[-300:])
        live = c.live(NAME)
        equal(mode(c.out), "0o755", "mode of the output folder")
        equal(mode(live), "0o755", "mode of the set's folder")
        for name in ("cert", "chain", "fullchain"):
            equal(mode("%s/%s.pem" % (live, name)), "0o644", "mode of %s.pem" % name)
        equal(mode(live + "/privkey.pem"), "0o600", "mode of privkey.pem")
        for where, folders, files in os.walk(c.state):
            equal(mode(where), "0o700", "mode of " + where)
            for f in files:
                equal(mode(os.path.join(where, f)), "0o600", "mode of " + f)


for mask in ("0", "077", "0777"):
    suite.add("umask %s" % mask, lambda m=mask: modes(m))


@suite.case("webroot: another user's server can read the answer")
def webroot_modes():
    with Rig() as (ca, c):
        root = os.path.join(c.base, "www")
        os.mkdir(root)
        os.chmod(root, 0o755)
        seen = []

        def look(request, reply):
            for where, _, files in os.walk(root):
                seen.append((where, mode(where), "0o755"))
                seen.extend((f, mode(os.path.join(where, f)), "0o644") for f in files)
            return reply

        ca.on("challenge", look)
        c.issue(NAME, "--webroot", root)
        check(len(seen) >= 4, "nothing was put below the web root: %s" % seen)
        for path, got, want in seen:
            equal(got, want, "mode of " + path)


# ---------------------------------------------------------------- descriptors

def closed(redirections):
    with Rig() as (ca, c):
        lock = []

        def look(request, reply):
            with open(os.path.join(c.state, "lock"), "rb") as f:
                lock.append(f.read())
            return reply

        ca.on("finalize", look)
        r = shell('exec "$0" "$@" ' + redirections, c.args("issue", [NAME], "-v"))
        equal(r.returncode, 0, "exit status (%s)" % r.stderr[-300:])
        check_set(c.live(NAME), [NAME])
        check(lock and lock[0].strip().isdigit(), "printed into the lock file: %r" % lock)


for what in ("2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"):
    suite.add("started with " + what, lambda w=what: closed(w))


@suite.case("stdout that is full is told")
def full():
    with Rig() as (ca, c):
        for args in (["--help"], ["--version"], c.args("status", [])):
            r = shell('exec "$0" "$@" >/dev/full', args)
            equal(r.returncode, 4, "exit status of %s" % args[0])
            check(b"stdout" in r.stderr, "not a word about stdout: %r" % r.stderr)


# ---------------------------------------------------------------- arguments

ODD = (("long option", ["--\x1b[2Jx"]), ("short option", ["-\x1b"]), ("command", ["\x1b[31m"]),
       ("state folder", ["status", "--state-dir", "/x\x1b[2J"]),
       ("CSI of eight bits", ["issue", "-d", NAME, "--http-port", b"\x9b31m"]),
       ("C1 in UTF-8", ["issue", "-d", NAME, "--webroot", "/\u009b2J"]),
       ("Latin-1", ["issue", "-d", NAME, "--out-dir", b"/\xe4"]))


def odd(args):
    r = run_tool([os.fsdecode(a) for a in args])
    r.expect(1, "control character|UTF-8")


for what, args in ODD:
    suite.add("odd argument: " + what, lambda a=args: odd(a))


@suite.case("odd home folder")
def odd_home():
    if os.geteuid() != 0:
        raise Skip("needs setpriv as root")
    run_tool(["status"], env={"XDG_STATE_HOME": "/x\x1b[2J"},
             prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]).expect(1)


@suite.case("paths in UTF-8 are taken")
def utf8():
    with Rig() as (ca, c):
        c.out = os.path.join(c.base, "gr\u00fc\u00dfe \u65e5\u672c")
        r = c.issue(NAME, "--json").expect(0)
        check(any(e.get("path", "").startswith(c.out) for e in r.events()), "path: %s" % r)
        check_set(c.live(NAME), [NAME])


@suite.case("empty values are told before anything is done")
def empty_values():
    with Rig() as (ca, c):
        for key in ("state_dir", "out_dir", "ca_file", "server", "http_bind", "webroot",
                    "cert_name"):
            c.issue(NAME, **{key: ""}).expect(1, "empty")
        equal(ca.connections, 0, "connections to the CA")
        run_tool(c.args("issue", [NAME]) + ["--out-dir="]).expect(1, "empty: out-dir")


# ---------------------------------------------------------------- status, silence

@suite.case("status knows a certificate whose name is one label")
def status_label():
    with Rig() as (ca, c):
        c.issue(NAME, "--cert-name", "web1").expect(0)
        c.issue(["192.0.2.1"], "--cert-name", "web2").expect(0)
        c.issue("b.example.net").expect(0)
        got = {e["certificate"]: e["names"] for e in c.status("--json").events()}
        equal(got, {"web1": [NAME], "web2": ["192.0.2.1"], "b.example.net": ["b.example.net"]},
              "certificates")
        one = c.status("--cert-name", "web1").expect(0, "web1")
        check("b.example.net" not in one.out, "more than was asked for: %s" % one)


@suite.case("status tells damaged records")
def status_damaged():
    with Rig() as (ca, c):
        c.issue(NAME).expect(0)
        for record in ("cert-a", "sched"):
            path = os.path.join(c.state, "certs", NAME, record)
            with open(path, "r+b") as f:
                good = f.read()
                f.seek(30)
                f.write(bytes([good[30] ^ 1]))
            c.status().expect(4, "damaged")
            event, = c.status("--json").expect(4).events()
            check("record" in event.get("damaged", ""), "damaged: %s" % event)
            with open(path, "wb") as f:
                f.write(good)
        c.status().expect(0)


FAKETIME = "/usr/lib/%s-linux-gnu/faketime/libfaketime.so.1" % os.uname().machine


@suite.case("a clock of 1970 is told with -q too")
def clock_quiet():
    if not os.path.exists(FAKETIME):
        raise Skip("libfaketime is not installed")
    with Rig() as (ca, c):
        env = {"LD_PRELOAD": FAKETIME, "FAKETIME": "1970-01-02 00:00:00",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        r = c.issue(NAME, "-q", env=env)
        if "ASan runtime" in r.text:
            raise Skip("libfaketime and ASan exclude one another")
        r.expect(4, "clock")
        equal(ca.connections, 0, "connections to the CA")


def on_terminal(args, columns, term):
    """Exit status and output of the tool on a terminal of its own."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    p = subprocess.Popen([lwacme_path()] + [str(a) for a in args], stdin=slave, stdout=slave,
                         stderr=slave, env=dict(os.environ, TERM=term))
    os.close(slave)
    out = b""
    with contextlib.suppress(OSError):      # EIO: the other side is closed
        while True:
            piece = os.read(master, 65536)
            if not piece:
                break
            out += piece
    os.close(master)
    return p.wait(60), out.decode()


@suite.case("a narrow terminal: no line that is drawn over is wrapped")
def narrow():
    with Rig(("directory", drip(0.001))) as (ca, c):
        code, out = on_terminal(c.args("issue", [NAME]), 20, "xterm")
        equal(code, 0, "exit status")
        drawn = [d for d in out.split("\r\x1b[K") if not d.endswith("\n")]
        check(len(drawn) > 5, "nothing was drawn: %r" % out)
        equal([d for d in drawn if len(d) >= 20], [], "lines as long as the terminal")


@suite.case("a dumb terminal gets plain lines")
def dumb():
    with Rig() as (ca, c):
        code, out = on_terminal(c.args("issue", [NAME]), 80, "dumb")
        equal(code, 0, "exit status")
        check("\x1b" not in out and "lwacme: " in out, "not plain: %r" % out)


# ---------------------------------------------------------------- the CA's host

@suite.case("a CA whose host has one label is told before anything is tried")
def one_label():
    with Rig() as (ca, c):
        c.issue(NAME, server="https://pebble:14000/dir").expect(1, "full name")
        check(not os.path.exists(c.state), "a state folder was made")


def kept_alive(ca, answer):
    """Each connection of ca answers one request and then does as answer(connection, file)."""
    honest, served = ca.exchange, set()

    def exchange(s, f):
        if id(f) in served:
            served.discard(id(f))
            return answer(s, f)
        served.add(id(f))
        return honest(s, f)

    ca.exchange = exchange


def close_when_asked(s, f):
    f.readline()
    return False


def close_soon(s, f):
    time.sleep(0.002)
    return False


for what, act in (("closed when the second request comes", close_when_asked),
                  ("closed a moment after the first reply", close_soon)):
    def one_each(act=act):
        with Rig() as (ca, c):
            kept_alive(ca, act)
            c.issue([NAME, "b.example.net"]).expect(0)
            equal(ca.count("newOrder"), 1, "orders")
            equal(ca.count("newAccount"), 1, "new accounts")
            equal(ca.complaints, [], "complaints")
    suite.add("kept connection, " + what, one_each)


@suite.case("newOrder that is taken though its kept connection ends is one order")
def order_taken():
    with Rig() as (ca, c):
        ca.on("newOrder", close, times=1)
        c.issue(NAME).expect(3)
        equal(len(ca.orders), 1, "orders that the CA took")
        c.issue(NAME, "--now").expect(0)
        equal(len(ca.orders), 2, "orders that the CA took")


@suite.case("first name that is too long for a folder")
def long_first():
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 47, NAME])
    equal(len(name), 253, "length")
    with Rig() as (ca, c):
        c.issue(name).expect(1, "--cert-name")
        equal(ca.connections, 0, "connections to the CA")
        c.issue([name, "*." + name[2:]]).expect(1, "--cert-name")
        c.issue(name, "--cert-name", "long").expect(0)
        check_set(c.live("long"), [name])


# ---------------------------------------------------------------- signals

@suite.case("nohup is obeyed")
def nohup():
    with Rig(("directory", drip(0.01))) as (ca, c):
        p = subprocess.Popen(["nohup", lwacme_path()] + [str(a) for a in c.args("issue", [NAME])],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        time.sleep(1)
        p.send_signal(signal.SIGHUP)
        out, _ = p.communicate(timeout=60)
        equal(p.returncode, 0, "exit status (%s)" % out[-300:])


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("review"))
