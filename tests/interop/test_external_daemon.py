#!/usr/bin/env python3
"""lwacme run: a daemon whose names another program proves, over a socket."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import common
from common import Suite, check, check_set, equal
from externalrig import NAMES, PLACE, place, script
from world import with_world

suite = Suite()


class Helper:
    """Listens, places what is asked for, answers; each connection's messages are kept."""

    def __init__(self, w, path, silent=False):
        self.w, self.silent = w, silent
        self.sessions = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                self.talk(peer)

    def talk(self, peer):
        got = []
        self.sessions.append(got)
        for line in peer.makefile("rb"):
            m = json.loads(line)
            got.append(m)
            if m["cmd"] == "validate" and not self.silent:
                place(self.w, m)
                peer.sendall(b"\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class Daemon:
    def __init__(self, w, c, more, sections):
        self.conf = os.path.join(c.base, "lwacme.conf")
        self.head = "\n".join(["state-dir = " + c.state, "out-dir = " + c.out,
                               "server = " + c.directory, "ca-file = " + c.ca_file,
                               "agree-tos = yes", "http-port = %d" % w.http_port, ""])
        for folder in (c.state, c.out):
            os.makedirs(folder, exist_ok=True)
        self.write(more, sections)
        self.log = os.path.join(c.base, "daemon.log")
        with open(self.log, "wb") as log:
            self.p = subprocess.Popen([common.lwacme_path(), "run", "-c", self.conf],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def write(self, more, sections):
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(self.head + more + sections)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def until(self, condition, what):
        end = time.monotonic() + 90
        while not condition():
            check(time.monotonic() < end and self.p.poll() is None,
                  lambda: "%s: %s" % (what, common.tail(self.said())))
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.p.send_signal(signal.SIGTERM)
            try:
                equal(self.p.wait(60), 0, "exit (%s)" % common.tail(self.said()))
            finally:
                self.p.kill()
        self.p.kill()
        self.p.wait()


@suite.case("renewed over a socket")
@with_world(validity=16)
def renewed(w, c):
    """Without a person: each renewal is a connection of its own, from challenge to report."""
    path = os.path.join(c.base, "s")
    with Helper(w, path) as helper, \
            Daemon(w, c, "external = unix=%s\nchallenge = dns-01\n" % path,
                   "[%s]\n" % NAMES[0]) as d:
        done = lambda: [s for s in helper.sessions if s and s[-1]["cmd"] == "report"]
        d.until(lambda: len(done()) >= 2, "no renewal")
        for s in done()[:2]:
            equal([m["cmd"] for m in s], ["validate", "cleanup", "report"], "a session")
            equal((s[1]["status"], s[2]["messages"]), ("valid", []), "cleanup and report")
        check_set(c.live(NAMES[0]), NAMES[:1], w.roots)


@suite.case("as another user")
@with_world()
def as_user(w, c):
    if os.geteuid() != 0:
        raise common.Skip("only root can become somebody else")
    path = os.path.join(c.base, "s")
    os.chmod(c.base, 0o755)
    for folder in (c.state, c.out):
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, 65534, 65534)
    with Helper(w, path) as helper, \
            Daemon(w, c, "user = 65534:65534\nexternal = unix=%s\n" % path,
                   "[%s]\n" % NAMES[0]) as d:
        d.until(lambda: helper.sessions and len(helper.sessions[0]) >= 2, "no cleanup")
        # http-01 comes first, and nobody serves it: who is told can see why
        equal([m["cmd"] for m in helper.sessions[0]][:2], ["validate", "cleanup"], "a session")
        equal(helper.sessions[0][0]["type"], "http-01", "type")


def listens(path):
    end = time.monotonic() + 60
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                return
        except OSError:
            check(time.monotonic() < end, "nobody listens at " + path)
            time.sleep(0.05)


@suite.case("example socket handler")
@with_world()
def example(w, c):
    """A handler runs for a daemon: as the program behind the socket, with its rights."""
    path, log = os.path.join(c.base, "s"), os.path.join(c.base, "log")
    handler = script(c, "#!/bin/sh\nset -eu\necho $1 $cbot_cmd $type $status >>$LOG\n"
                        "[ $domain != _acme-challenge.%s ] || exit 1\n" % NAMES[1] + PLACE)
    p = subprocess.Popen([sys.executable, os.path.join(common.ROOT, "tools/examples",
                                                       "socket_handler.py"), path, handler],
                         env=dict(os.environ, LOG=log, DNS=str(w.dns_manage_port)))
    try:
        listens(path)
        with Daemon(w, c, "external = unix=%s\nchallenge = dns-01\n" % path,
                    "[%s]\n[%s]\n" % tuple(NAMES)) as d:
            d.until(lambda: os.path.exists(c.live(NAMES[0])), "no certificate")
            d.until(lambda: "the other side has ended" in d.said(), "a handler's failure")
        with open(log, encoding="ascii") as f:
            rows = f.read().splitlines()
        check("perform validate dns-01" in rows and "cleanup cleanup dns-01 valid" in rows,
              "the handler's commands: %s" % rows)
        check(not os.path.exists(c.live(NAMES[1])), "a certificate that its handler refused")
    finally:
        p.kill()
        p.wait()


@suite.case("a helper that says nothing")
@with_world()
def silent(w, c):
    """It holds the others up for handler-timeout seconds and no longer."""
    paths = [os.path.join(c.base, n) for n in ("silent", "good")]
    sections = "".join("[%s]\nchallenge = dns-01\nexternal = unix=%s\nhandler-timeout = %d\n" % t
                       for t in zip(NAMES, paths, (1, 60)))
    with Helper(w, paths[0], silent=True) as helper, Helper(w, paths[1]), \
            Daemon(w, c, "", sections) as d:
        d.until(lambda: os.path.exists(c.live(NAMES[1])), "no certificate of the other name")
        d.until(lambda: helper.sessions and helper.sessions[0] and
                helper.sessions[0][-1]["cmd"] == "report", "no report")
        equal([m["cmd"] for m in helper.sessions[0]], ["validate", "cleanup", "report"], "session")
        check("not answered in time" in json.dumps(helper.sessions[0][-1]), "the report: %s" %
              helper.sessions[0][-1])
        check(not os.path.exists(c.live(NAMES[0])), "a certificate that nobody proved")


@suite.case("nobody listens")
@with_world()
def nobody(w, c):
    path = os.path.join(c.base, "s")
    sections = "[%s]\nchallenge = dns-01\nexternal = unix=%s\n[%s]\n" % (NAMES[0], path, NAMES[1])
    with Daemon(w, c, "", sections) as d:
        d.until(lambda: os.path.exists(c.live(NAMES[1])), "no certificate of the other name")
        d.until(lambda: "the channel cannot be opened" in d.said(), "it was not told")


@suite.case("ways that a daemon has not")
@with_world()
def refused(w, c):
    """At the start, and when it reads its file anew."""
    section = "[%s]\n" % NAMES[0]
    handler = os.path.join(c.base, "handler")
    with open(handler, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n")
    os.chmod(handler, 0o755)
    words = "by external = unix=PATH alone"
    with Daemon(w, c, "", section) as d:
        d.until(lambda: os.path.exists(c.live(NAMES[0])), "no certificate by the daemon")
        d.write("external = json\n", section)
        d.p.send_signal(signal.SIGHUP)
        d.until(lambda: words in d.said(), "it was not refused")
    for way in ("json", "text", "handler=" + handler, "dehydrated=" + handler, "fifo=/x"):
        d.write("external = %s\n" % way, section)
        common.run_tool(["run", "-c", d.conf]).expect(1, words)
        # What looks at the file before says it, too, and is content: `renew` takes it.
        with open(d.conf, encoding="ascii") as f:
            line = f.read().split("external = ")[0].count("\n") + 1
        common.run_tool(["check", "-c", d.conf]).expect(
            0, "%s:%d: warning: `lwacme run` refuses this" % (d.conf, line))
    d.write("external = unix=%s\n" % handler, section)
    r = common.run_tool(["check", "-c", d.conf]).expect(0)
    check("warning" not in r.text, r.text)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("external_daemon"))
