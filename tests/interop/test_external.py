#!/usr/bin/env python3
"""lwacme issue --external: challenges solved by another program, against Pebble and its DNS."""
import base64
import hashlib
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import common
from common import Suite, check, check_set, equal, lwacme_path
from world import with_world

suite = Suite()
NAMES = ["h0.example.net", "h1.example.net"]
THUMB = r"[A-Za-z0-9_-]{43}"
TOKEN = r"[A-Za-z0-9_-]{22,128}"
RECIPE = ("mkdir -p /tmp/lwacme/public_html/.well-known/acme-challenge\n"
          "cd /tmp/lwacme/public_html\n"
          "printf \"%%s\" %s > .well-known/acme-challenge/%s\n"
          "# run only once per server:\npython3 -m http.server 80")


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class Agent:
    """One run of the tool, its streams in our hands."""

    def __init__(self, c, *more, names=tuple(NAMES), env=None, stdin=subprocess.PIPE, tos=True):
        argv = [lwacme_path()] + [str(a) for a in c.args("issue", names, *more)]
        self.argv = argv
        self.p = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C",
                                                                   **(env or {})))
        self.err = b""
        self.lines = []
        self.buffer = b""
        self.reader = threading.Thread(target=self.read_err, daemon=True)
        self.reader.start()

    def read_err(self):
        self.err = self.p.stderr.read()

    def more(self, seconds):
        """Some bytes of stdout, b"" at its end, None when nothing came."""
        if not select.select([self.p.stdout], [], [], seconds)[0]:
            return None
        return os.read(self.p.stdout.fileno(), 65536)

    def line(self, seconds=60):
        """The next line, without its end; None at the end of output."""
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            data = self.more(max(0, end - time.monotonic()))
            if data is None:
                self.p.kill()
                raise common.Fail("no line within %d s: %r" % (seconds, self.buffer[-200:]))
            if not data:
                return None
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\n", 1)
        self.lines.append(text.decode("ascii"))
        return self.lines[-1]

    def quiet(self, seconds=0.7):
        equal(self.more(seconds), None, "output before the answer")

    def answer(self, data=b"\n"):
        self.p.stdin.write(data)
        self.p.stdin.flush()

    def end(self, code, pattern=None, seconds=90):
        while self.line(seconds) is not None:
            pass
        code_was = self.p.wait(seconds)
        self.reader.join(10)
        return common.Run(self.argv, code_was, "\n".join(self.lines),
                          self.err.decode("utf-8", "replace"), 0).expect(code, pattern)

    def messages(self, cmd=None):
        got = [json.loads(t) for t in self.lines]
        return [m for m in got if cmd is None or m["cmd"] == cmd]


def place(w, m):
    """What the message asks for, at challtestsrv."""
    if m["type"] == "dns-01":
        w.dns("set_txt", host=m.get("txt_domain", m["domain"]) + ".", value=m["validation"])


def canonical(line, want):
    """line is exactly what Python's json.dumps makes of these members, in this order."""
    equal(line, json.dumps(want), "the message")


def challenge_dns(line, name, dialect):
    m = json.loads(line)
    key_auth = m["key_auth"]
    check(re.fullmatch(TOKEN + r"\." + THUMB, key_auth), "key_auth is %r" % key_auth)
    if dialect == 1:
        canonical(line, {"cmd": "validate", "type": "dns-01", "validation": digest(key_auth),
                         "domain": "_acme-challenge." + name, "key_auth": key_auth})
    else:
        canonical(line, {"cmd": "perform_challenge", "type": "dns-01", "domain": name,
                         "token": key_auth.split(".")[0], "validation": digest(key_auth),
                         "txt_domain": "_acme-challenge." + name, "key_auth": key_auth})
    return m


def challenge_http(line, name, dialect):
    m = json.loads(line)
    key_auth = m["key_auth"]
    token = key_auth.split(".")[0]
    rest = {"validation": key_auth,
            "uri": "http://%s/.well-known/acme-challenge/%s" % (name, token),
            "command": RECIPE % (key_auth, token), "key_auth": key_auth}
    first = {"cmd": "validate", "type": "http-01"} if dialect == 1 else {
        "cmd": "perform_challenge", "type": "http-01", "domain": name, "token": token}
    canonical(line, dict(first, **rest))
    return m


def cleanup(line, m, name, dialect, status):
    token = m["key_auth"].split(".")[0]
    want = {"cmd": "cleanup", "type": m["type"], "status": status}
    if dialect == 1:
        want.update(token=token, domain=name)
    else:
        want.update(domain=name, token=token, validation=m["validation"], key_auth=m["key_auth"])
    want.update(validated=None, error=None)
    canonical(line, want)


def names_of(check_one, dialect, lines):
    """The CA gives authorizations in its own order."""
    left, got = list(NAMES), []
    for line in lines:
        m = json.loads(line)
        name = next(n for n in left if n in (m.get("uri") or m["domain"]))
        left.remove(name)
        got.append((name, check_one(line, name, dialect)))
    return got


@with_world()
def json_dns(w, c, dialect):
    a = Agent(c, "--external", "json", "--external-dialect", dialect, "--preferred-challenges",
              "dns")
    got = []
    for i in range(2):
        line = a.line()
        a.quiet()
        got += [line]
        m = json.loads(line)
        place(w, m)
        equal(w.count()["challenge"], 0, "challenges told to the CA before all are set up")
        a.answer()
    pairs = names_of(challenge_dns, dialect, got)
    for name, m in pairs:
        cleanup(a.line(), m, name, dialect, "valid")
    a.end(0)
    check_set(c.live(NAMES[0]), NAMES, w.roots)
    rest = a.lines[4:]
    equal(rest[-1], '{"cmd": "report", "messages": []}', "the last line")
    if dialect == 1:
        equal(len(rest), 1, "lines after the cleanup (%s)" % rest)
        return
    equal([json.loads(t)["cmd"] for t in rest],
          ["deploy_cert", "deploy_cert", "save", "restart", "report"], "messages at the end")
    for name, line in zip(NAMES, rest):
        m = json.loads(line)
        live = os.path.abspath(c.live(NAMES[0]))
        check(abs(m["timestamp"] - time.time()) < 600, "timestamp %r" % m["timestamp"])
        canonical(line, {"cmd": "deploy_cert", "domain": name, "cert_path": live + "/cert.pem",
                         "key_path": live + "/privkey.pem", "chain_path": live + "/chain.pem",
                         "fullchain_path": live + "/fullchain.pem", "timestamp": m["timestamp"],
                         "port": m["timestamp"], "cert_timestamp": m["cert_timestamp"]})


for d in (1, 2):
    suite.add("json dns dialect %d" % d, lambda d=d: json_dns(d))


def serve(w, root):
    """A web server of Python's at port http-01 asks."""
    p = subprocess.Popen([sys.executable, "-m", "http.server", str(w.http_port), "--bind",
                          "127.0.0.1", "--directory", root],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    w.processes.append(p)
    w.wait_port(w.http_port)


@with_world()
def json_http(w, c, dialect):
    root = os.path.join(c.base, "www", ".well-known", "acme-challenge")
    os.makedirs(root)
    serve(w, os.path.join(c.base, "www"))
    a = Agent(c, "--external", "json", "--external-dialect", dialect, "--preferred-challenges",
              "http", "--json")
    got = []
    for i in range(2):
        got.append(a.line())
        m = json.loads(got[-1])
        if i == 0:  # the other one is late: its self-check fails, which changes nothing
            with open(os.path.join(root, m["key_auth"].split(".")[0]), "w") as f:
                f.write(m["validation"])
        a.answer(b"done, thank you\r\n")
        if i == 1:
            end = time.monotonic() + 60
            while w.count()["challenge"] == 0 and time.monotonic() < end and a.p.poll() is None:
                time.sleep(0.02)
    pairs = names_of(challenge_http, dialect, got)
    a.end((0, 2))
    text = a.err.decode()
    check("Self-verify of challenge failed." in text, "no warning: %s" % common.tail(text))
    equal(text.count("Self-verify of challenge failed."), 1, "warnings of the self-check")
    check('"event":"challenge"' in text, "events are not on stderr")
    equal(len(a.messages("cleanup")), 2, "cleanups")
    report = a.messages("report")
    equal(len(report), 1, "reports")
    check(report[0]["messages"][0]["lines"][0].startswith("The following errors were reported"),
          "the report is %s" % report)
    equal(a.p.returncode, 2, "exit")
    for line, (name, m) in zip(a.lines[2:4], pairs):
        m2 = json.loads(line)
        cleanup(line, m, name, dialect, m2["status"])


for d in (1, 2):
    suite.add("json http late answer dialect %d" % d, lambda d=d: json_http(d))


@suite.case("stdin closed")
@with_world()
def stdin_closed(w, c):
    a = Agent(c, "--external", "json", stdin=subprocess.DEVNULL)
    a.end(6, "end of input")
    equal(len(a.messages("validate")), 1, "challenges after the end of input")
    equal(len(a.messages("cleanup")), 2, "cleanups")
    equal(len(a.messages("report")), 1, "reports")
    check("end of input" in json.dumps(a.messages("report")), "the report: %s" % a.lines[-1])
    equal(w.count()["challenge"], 0, "challenges told to the CA")


@suite.case("stdout closed")
@with_world()
def stdout_closed(w, c):
    p = subprocess.Popen([lwacme_path()] + [str(a) for a in c.args("issue", NAMES, "--external",
                                                                   "json")],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.close()
    err = p.stderr.read().decode()
    p.stdin.close()
    equal(p.wait(60), 6, "exit (%s)" % common.tail(err))
    check("a message cannot be written" in err, common.tail(err))


@suite.case("text mode")
@with_world()
def text_mode(w, c):
    a = Agent(c, "--external", "text", "--preferred-challenges", "dns")
    for i in range(2):
        block = []
        while not block or block[-1] != "Press ENTER to continue":
            block.append(a.line())
        text = "\n".join(block)
        m = re.search(r"\n  name   (_acme-challenge\.\S+)\n  value  (%s)\n" % THUMB, text)
        check(m, "the block: %s" % text)
        w.dns("set_txt", host=m.group(1) + ".", value=m.group(2))
        a.answer()
    a.end(0)
    check("{" not in "\n".join(a.lines), "JSON in text mode")
    check_set(c.live(NAMES[0]), NAMES, w.roots)


@suite.case("example client")
@with_world()
def example_client(w, c):
    root = os.path.join(c.base, "www")
    os.makedirs(root)
    serve(w, root)
    example = os.path.join(common.ROOT, "tools/examples/json_client.py")
    r = subprocess.run([sys.executable, example, root, lwacme_path()] +
                       [str(a) for a in c.args("issue", NAMES, "--external", "json",
                                               "--preferred-challenges", "http")],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=90)
    equal(r.returncode, 0, "exit (%s)" % common.tail(r.stderr.decode()))
    check("Self-verify" not in r.stderr.decode(), "the self-check failed")
    equal(os.listdir(root + "/.well-known/acme-challenge"), [], "files left behind")


# ---------------------------------------------------------------- handlers

SHARE = """#!/bin/sh
set -eu
for v in cmd type domain token validation uri command key_auth z_domain cert_path key_path port \\
    cert_pem key_pem txt_domain status validated error chain_path fullchain_path timestamp \\
    cert_timestamp; do
    eval "plain=\\$$v prefixed=\\$cbot_$v"   # set -u: all are there
    [ "$plain" = "$prefixed" ]
done
printf '%s\\n' "$1|$cmd|$type|$domain|$status|$validated|$cbot_json" >>"$LOG"
[ -z "${LD_PRELOAD:-}${ENV:-}${BASH_ENV:-}" ]
[ "$KEPT" = yes ]
echo "stderr of $1" >&2
echo "stdout of $1"
"""


def script(c, text, name="handler", mode=0o755):
    path = os.path.join(c.base, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def handled(c, path, *more, way="handler", env=None, **kw):
    return Agent(c, "--external", "%s=%s" % (way, path), "--preferred-challenges", "dns", *more,
                 stdin=subprocess.DEVNULL, env=env, **kw)


# A handler in shell has no HTTP client of its own: Python's, to challtestsrv.
PLACE = """
if [ "$1" = perform ]; then
    %s -c 'import http.client, json, os
c = http.client.HTTPConnection("127.0.0.1", int(os.environ["DNS"]))
name = os.environ.get("txt_domain") or os.environ["domain"]
c.request("POST", "/set-txt", json.dumps({"host": name + ".", "value": os.environ["validation"]}))
assert c.getresponse().status == 200'
fi
""" % sys.executable


@with_world()
def handler(w, c, dialect):
    log = os.path.join(c.base, "log")
    env = {"LOG": log, "KEPT": "yes", "DNS": str(w.dns_manage_port), "ENV": "/nonexistent",
           "BASH_ENV": "/nonexistent", "status": "mine", "port": "9"}
    a = handled(c, script(c, SHARE + PLACE), "--external-dialect", dialect, env=env)
    a.end(0)
    text = a.err.decode()
    check_set(c.live(NAMES[0]), NAMES, w.roots)
    with open(log, encoding="ascii") as f:
        rows = [r.split("|", 6) for r in f.read().splitlines()]
    equal([r[0] for r in rows], ["pre-perform", "perform", "perform", "post-perform",
                                 "pre-cleanup", "cleanup", "cleanup", "post-cleanup",
                                 "deploy_cert", "deploy_cert"], "commands")
    for r in rows:
        m = json.loads(r[6])
        equal(r[6], json.dumps(m), "cbot_json")
        equal(r[1], m["cmd"], "cmd")
        equal(r[3], m.get("domain", ""), "domain")
        if r[0] == "cleanup":
            equal((r[4], r[5]), ("valid", "None"), "status and validated")
    equal(rows[1][1], "validate" if dialect == 1 else "perform_challenge", "cmd of perform")
    told = [t for t in a.lines if json.loads(t)["cmd"] not in ("save", "restart", "report")]
    want = [r[6] for r in rows if r[0] in ("perform", "cleanup") or
            dialect == 2 and r[0] == "deploy_cert"]
    equal(told, want, "the lines of handler mode")
    check("\nstderr of perform\n" in text, "stderr is not passed through: %s" % common.tail(text))
    check("lwacme: handler: stdout of perform" in text, "stdout is not logged")
    check("stdout of" not in "".join(a.lines), "a handler's output on stdout")
    os.remove(log)
    a = handled(c, script(c, SHARE), "--external-dialect", dialect, env=env)
    a.end(0)
    with open(log, encoding="ascii") as f:
        equal([r.split("|")[0] for r in f.read().splitlines()], ["unchanged_cert"] * 2, "commands")


for d in (1, 2):
    suite.add("handler dialect %d" % d, lambda d=d: handler(d))


@suite.case("dehydrated hooks")
@with_world()
def dehydrated(w, c):
    log = os.path.join(c.base, "log")
    text = """#!/bin/sh
set -eu
echo "$*" >>"$LOG"
[ "$1" = deploy_challenge ] || exit 0
domain=_acme-challenge.$2; validation=$4; export domain validation; set -- perform
""" + PLACE
    a = handled(c, script(c, text), way="dehydrated",
                env={"LOG": log, "DNS": str(w.dns_manage_port), "txt_domain": ""})
    a.end(0)
    equal(a.lines, [], "lines on stdout")
    with open(log, encoding="ascii") as f:
        rows = [r.split() for r in f]
    equal([r[0] for r in rows], ["deploy_challenge"] * 2 + ["clean_challenge"] * 2 +
          ["deploy_cert"], "hooks")
    equal([len(r) for r in rows], [4, 4, 4, 4, 7], "arguments")
    equal(rows[0][1:], rows[2][1:], "arguments of clean_challenge")
    live = os.path.abspath(c.live(NAMES[0]))
    equal(rows[4][1:6], [NAMES[0]] + [live + "/" + n for n in
                                      ("privkey.pem", "cert.pem", "fullchain.pem", "chain.pem")],
          "arguments of deploy_cert")
    check(abs(int(rows[4][6]) - time.time()) < 600, "the timestamp")


NAP = "8%d" % os.getpid()   # seconds, and whose
BAD = {
    "exits 1": ("exit 1", r"handler perform: exit status 1"),
    "crashes": ("kill -SEGV $$", r"perform: \S*handler: killed by signal 11"),
    "hangs": ("sleep %s & sleep %s" % (NAP, NAP), r"perform: \S*handler: killed: it did not end within 2 s"),
    "prints rubbish": (r"printf '\377\033[2J\000NotImplemented'; exit 4", r"perform: exit status 4"),
    "prints 10 MB": ("head -c 10000000 /dev/zero | tr '\\\\0' x; exit 5",
                     r"perform: exit status 5"),
}


def sleepers():
    """Our handlers' children: of this namespace or test, told by what they wait for."""
    got = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                command = f.read()
            with open("/proc/%s/stat" % pid, encoding="ascii") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if command.startswith(b"sleep\0%s\0" % NAP.encode()) and state != "Z":
            got.append(pid)
    return got


@with_world()
def bad(w, c, text, pattern):
    log = os.path.join(c.base, "log")
    a = handled(c, script(c, "#!/bin/sh\necho $1 >>$LOG\nif [ $1 = perform ]; then\n%s\nfi\n" %
                          text), "--handler-timeout", 2, env={"LOG": log})
    a.end(6, pattern)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), ["pre-perform", "perform", "pre-cleanup", "cleanup", "cleanup",
                                 "post-cleanup"], "commands")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    check(len(a.err) < 200000, "%d bytes of log" % len(a.err))
    end = time.monotonic() + 10
    while sleepers():
        check(time.monotonic() < end, "processes of the handler's are left: %s" % sleepers())
        time.sleep(0.05)


for what, (text, pattern) in BAD.items():
    suite.add("handler " + what, lambda t=text, p=pattern: bad(t, p))


@suite.case("handler knows nothing")
@with_world()
def not_implemented(w, c):
    a = handled(c, script(c, "#!/bin/sh\necho NotImplemented\nexit 1\n"))
    r = a.end(2)
    check("does not implement" in r.err and "pre-perform" in r.err, "no warning: %s" % r)


@suite.case("handler that cannot be started")
@with_world()
def no_start(w, c):
    handled(c, c.base + "/none").end(6, re.escape(c.base + "/none") + ".*No such file")
    path = script(c, "#!/bin/sh\n", mode=0o644)
    handled(c, path).end(6, re.escape(path) + ".*cannot be executed")
    path = script(c, "#!/nonexistent/shell\n")
    handled(c, path).end(6, re.escape(path) + ": cannot be started: No such file")


@suite.case("stopped while a handler runs")
@with_world()
def stopped(w, c):
    log = os.path.join(c.base, "log")
    a = handled(c, script(c, "#!/bin/sh\necho $1 >>$LOG\n[ $1 != perform ] || exec sleep 500\n"),
                env={"LOG": log})
    end = time.monotonic() + 60
    while not os.path.exists(log) or "\nperform" not in open(log).read():
        check(time.monotonic() < end, "perform never came")
        time.sleep(0.05)
    a.p.send_signal(signal.SIGTERM)
    a.end(128 + signal.SIGTERM)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), ["pre-perform", "perform", "pre-cleanup", "cleanup", "cleanup",
                                 "post-cleanup"], "commands")


# ---------------------------------------------------------------- other channels

def answer_over(w, lines, write, got):
    for line in lines:
        m = json.loads(line)
        got.append(m)
        if m["cmd"] == "validate":
            place(w, m)
            write(b"\n")


@suite.case("unix socket")
@with_world()
def unix_socket(w, c):
    path, got = os.path.join(c.base, "s"), []
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen()
        a = Agent(c, "--external", "unix=" + path, "--preferred-challenges", "dns",
                  stdin=subprocess.DEVNULL)
        s.settimeout(60)
        peer, _ = s.accept()
        with peer:
            answer_over(w, peer.makefile("rb"), peer.sendall, got)
        a.end(0)
    equal([m["cmd"] for m in got], ["validate", "validate", "cleanup", "cleanup", "report"], "lines")
    equal(a.lines, [], "stdout")
    Agent(c, "--external", "unix=" + path, "--preferred-challenges", "dns", "--force",
          stdin=subprocess.DEVNULL).end(6, "the channel cannot be opened")


def fifo(c):
    path = os.path.join(c.base, "f")
    for p in (path, path + ".in"):
        os.mkfifo(p)
    return path


@suite.case("fifo")
@with_world()
def fifo_whole(w, c):
    path, got = fifo(c), []

    def write(data):
        with open(path + ".in", "wb") as f:  # anew for each, as a shell's echo does
            f.write(data)

    a = Agent(c, "--external", "fifo=" + path, "--preferred-challenges", "dns",
              stdin=subprocess.DEVNULL)
    with open(path, "rb") as f:
        answer_over(w, f, write, got)
    a.end(0)
    equal([m["cmd"] for m in got], ["validate", "validate", "cleanup", "cleanup", "report"], "lines")


@suite.case("fifo reader gone")
@with_world()
def fifo_gone(w, c):
    path = fifo(c)
    a = Agent(c, "--external", "fifo=" + path, "--preferred-challenges", "dns",
              stdin=subprocess.DEVNULL)
    with open(path, "rb") as f:
        check(f.readline().startswith(b'{"cmd": "validate"'), "the first message")
    a.end(6)
    check(stat.S_ISFIFO(os.stat(path).st_mode), "the FIFO was replaced")


@suite.case("options")
def options():
    def refused(pattern, *more):
        common.run_tool(["issue", "-d", "a.example.net", "--state-dir", "/nonexistent", *more]
                        ).expect(1, pattern)
    for value in ("jsonx", "handler=", "handler", "fifo", ""):
        refused("external", "--external", value)
    refused("1 to 2", "--external", "json", "--external-dialect", "3")
    refused("1 to 86400", "--external", "json", "--handler-timeout", "0")
    refused("http or dns", "--external", "json", "--preferred-challenges", "tls-sni")
    refused("excludes", "--external", "json", "--webroot", "/tmp")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("external"))
