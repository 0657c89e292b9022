#!/usr/bin/env python3
"""lwacme serve-challenges: a responder for certificates that are issued elsewhere."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import common
from common import Suite, check, check_set, equal, lwacme_path
from world import free_port, with_world

suite = Suite()
THUMB = "tRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0"
TOKENS = ["M7eaUb9BYXH8kb1IuTvjxcj5UmhZjbVrHfRHdhjatS4", "E2MeY_tgp6yPw9K8ivMb_TCMTSrOkF0zbjxIInu0yXQ"]


def auth(token):
    return token + "." + THUMB


class Server:
    def __init__(self, *more, port=None, stdin=subprocess.PIPE):
        self.port = port or free_port()
        self.p = subprocess.Popen([lwacme_path(), "serve-challenges", "--http-port", str(self.port)] +
                                  [str(a) for a in more], stdin=stdin, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.said = []

    def __enter__(self):
        line = self.p.stderr.readline().decode()
        check("answers for challenges" in line, "the start: %s" % line)
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.end()
        finally:
            self.p.kill()
            self.p.wait()

    def end(self, number=signal.SIGTERM, code=0):
        self.p.send_signal(number)
        equal(self.p.wait(30), code, "exit")

    def line(self):
        self.said.append(self.p.stdout.readline().decode().rstrip("\n"))
        return self.said[-1]

    def tell(self, text):
        self.p.stdin.write(text.encode())
        self.p.stdin.flush()

    def get(self, token, host="127.0.0.1"):
        c = http.client.HTTPConnection(host, self.port, timeout=30)
        c.request("GET", "/.well-known/acme-challenge/" + token)
        r = c.getresponse()
        body = r.read().decode()
        c.close()
        return (r.status, body) if r.status == 200 else r.status


def folder(base):
    path = os.path.join(base, ".well-known", "acme-challenge")
    os.makedirs(path)
    return path


def write(path, token, text):
    with open(os.path.join(path, token), "w", encoding="ascii") as f:
        f.write(text)


@suite.case("from a folder")
def from_folder():
    with tempfile.TemporaryDirectory(prefix="lwacme-serve-") as base, Server("--webroot", base) as s:
        equal(s.get(TOKENS[0]), 404, "before there is a folder")
        path = folder(base)
        write(path, TOKENS[0], auth(TOKENS[0]) + "\n")
        equal(s.get(TOKENS[0]), (200, auth(TOKENS[0])), "the answer")
        equal([s.line(), s.line()], ["serving " + TOKENS[0], "served " + TOKENS[0]], "what it says")
        write(path, TOKENS[1], auth(TOKENS[1]))
        equal(s.get(TOKENS[1]), (200, auth(TOKENS[1])), "a second one, at once")
        os.remove(os.path.join(path, TOKENS[0]))
        equal(s.get(TOKENS[0]), 404, "when it is gone")
        equal([s.line(), s.line(), s.line()], ["serving " + TOKENS[1], "served " + TOKENS[1],
                                               "gone " + TOKENS[0]], "what it says")


@suite.case("files that are no answers")
def bad_files():
    """Links, other names, other contents: nothing of the kind is ever served."""
    with tempfile.TemporaryDirectory(prefix="lwacme-serve-") as base:
        path = folder(base)
        secret = os.path.join(base, "secret")
        write(base, "secret", auth(TOKENS[0]))
        os.symlink(secret, os.path.join(path, TOKENS[0]))
        os.mkfifo(os.path.join(path, "F" * 43))
        os.mkdir(os.path.join(path, "D" * 43))
        write(path, TOKENS[1], auth(TOKENS[0]))
        write(path, "G" * 43, "G" * 43 + "." + THUMB + "\n" + "x" * 100000)
        write(path, ".hidden", "x")
        with Server("--webroot", base) as s:
            for token in (TOKENS[0], "F" * 43, "D" * 43, TOKENS[1], "G" * 43, ".hidden", "../secret",
                          "%2e%2e/secret"):
                equal(s.get(token), 404, token)
            write(path, TOKENS[1], auth(TOKENS[1]))  # in place: it was half written
            end = time.monotonic() + 30
            while s.get(TOKENS[1]) == 404 and time.monotonic() < end:
                time.sleep(0.05)
            equal(s.get(TOKENS[1]), (200, auth(TOKENS[1])), "when it is right")
            s.end()
            err = s.p.stderr.read().decode()
            equal(err.count(TOKENS[1]), 1, "warnings (%s)" % err)


@suite.case("from lines")
def from_lines():
    with Server() as s:
        s.tell("%s\n%s %s\r\n" % (auth(TOKENS[0]), TOKENS[1], auth(TOKENS[1])))
        equal([s.line(), s.line()], ["serving " + t for t in TOKENS], "what it says")
        for t in TOKENS:
            equal(s.get(t), (200, auth(t)), "the answer")
            equal(s.line(), "served " + t, "what it says")
        s.tell("-%s\n" % TOKENS[0])
        equal(s.line(), "gone " + TOKENS[0], "what it says")
        equal(s.get(TOKENS[0]), 404, "when it is gone")
        bad = ["rubbish", "- ", "-", auth("short"), TOKENS[0] + "x " + auth(TOKENS[0]),
               "../../etc/passwd", auth(TOKENS[0])[:-1], "x" * 9000, "\0\xff"]
        s.tell("".join(t + "\n" for t in bad) + auth(TOKENS[0]) + "\n")
        equal(s.line(), "serving " + TOKENS[0], "the line behind bad ones")
        s.p.stdin.close()
        equal(s.get(TOKENS[1]), (200, auth(TOKENS[1])), "after the end of input")
        s.end()
        equal(s.p.stderr.read().decode().count("warning"), len(bad), "warnings")


@suite.case("as json")
def as_json():
    with Server("--json") as s:
        s.tell(auth(TOKENS[0]) + "\n")
        equal(json.loads(s.line()), {"v": 1, "event": "serving", "token": TOKENS[0]}, "the event")


@suite.case("no more than there is room for")
def many():
    with Server() as s:
        s.tell("".join(auth("T%042d" % i) + "\n" for i in range(120)))
        for i in range(99):
            equal(s.line(), "serving T%042d" % i, "what it says")
        equal(s.get("T%042d" % 98)[0], 200, "the last one")
        equal(s.get("T%042d" % 99), 404, "one too many")
        s.tell("-T%042d\n%s\n" % (0, auth(TOKENS[0])))
        equal([s.line(), s.line(), s.line()], ["served T%042d" % 98, "gone T%042d" % 0, "serving " + TOKENS[0]], "what it says")
        s.end()
        equal(s.p.stderr.read().decode().count("no more challenges"), 1, "warnings")


@suite.case("clients that do harm")
def harm():
    """As the responder of lwacme issue: 8 connections, the oldest silent one makes room."""
    with Server() as s:
        s.tell(auth(TOKENS[0]) + "\n")
        s.line()
        idle = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(8)]
        time.sleep(0.4)
        equal(s.get(TOKENS[0])[0], 200, "beside silent clients")
        for i in idle:
            i.close()
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            c.settimeout(30)
            c.sendall(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n")
            check(c.recv(100).startswith(b"HTTP/1.1 414"), "a long line")


@suite.case("as another user")
def as_user():
    if os.geteuid() != 0 or not common.in_namespace():
        raise common.Skip("needs root in a namespace")
    with tempfile.TemporaryDirectory(prefix="lwacme-serve-") as base:
        os.chmod(base, 0o755)
        path = folder(base)
        write(path, TOKENS[0], auth(TOKENS[0]))
        write(path, TOKENS[1], auth(TOKENS[1]))
        os.chmod(os.path.join(path, TOKENS[1]), 0o600)  # root's alone
        with Server("--webroot", base, "--user", "65534:65534", port=80) as s:
            equal(s.get(TOKENS[0])[0], 200, "a file for all")
            equal(s.get(TOKENS[1]), 404, "a file for root")
            with open("/proc/%d/status" % s.p.pid, encoding="ascii") as f:
                text = f.read()
            check(re.search(r"^Uid:\t65534\t65534\t65534", text, re.M), "who it is")
            check(re.search(r"^Seccomp:\t2", text, re.M), "no seccomp")


@suite.case("refused")
def refused():
    run = lambda *more: common.run_tool(["serve-challenges", *more])
    run("-d", "a.example.net").expect(1, "--domain goes with|-d goes with")
    run("--webroot", "/nonexistent").expect(6, "/nonexistent: No such file")
    run("--http-port", "0").expect(1)
    run("--user", "nobody-at-all").expect(4)
    with socket.create_server(("", 0)) as taken:
        run("--http-port", taken.getsockname()[1]).expect(4, "the port is in use")


@suite.case("stopped by ctrl-c")
def stopped():
    s = Server()
    with s:
        os.kill(s.p.pid, signal.SIGINT)
        equal(s.p.wait(30), 130, "exit")
        s.end = lambda: None


@suite.case("issued elsewhere")
@with_world()
def elsewhere(w, c):
    """lwacme issue --webroot puts the files, serve-challenges answers the CA."""
    root = os.path.join(c.base, "www")
    os.makedirs(root)
    names = ["h0.example.net", "h1.example.net"]
    with Server("--webroot", root, port=w.http_port) as s:
        c.issue(names, "--webroot", root).expect(0)
        check_set(c.live(names[0]), names, w.roots)
        s.end()
        said = s.p.stdout.read().decode().splitlines()
    equal(sorted(t.split()[0] for t in said if not t.startswith("gone")),
          ["served"] * 2 + ["serving"] * 2, "what it says")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("serve"))
