#!/usr/bin/env python3
"""lwacme issue --external: challenges solved by another program, against Pebble and its DNS."""
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time

import common
from common import Suite, check, check_set, equal, lwacme_path
from externalrig import (Agent, NAMES, RECIPE, THUMB, TOKEN, canonical, digest, place,
                         serve)
from world import with_world

suite = Suite()
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
    check(not common.in_namespace() or "Self-verify" not in a.err.decode(), "the self-check failed")
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


@suite.case("text mode without a person")
@with_world()
def text_closed(w, c):
    r = Agent(c, "--external", "text", stdin=subprocess.DEVNULL).end(6, "end of input")
    check("{" not in r.out, "JSON in text mode")
    equal(w.count()["challenge"], 0, "challenges told to the CA")


@suite.case("ctrl-c for both sides is no failure")
@with_world(always_valid=True)
def both_stopped(w, c):
    """The terminal tells all its programs: the signal and the end of input come together."""
    a = Agent(c, "--external", "json", "--preferred-challenges", "dns")
    a.line()
    a.quiet()
    os.kill(a.p.pid, signal.SIGSTOP)
    a.p.send_signal(signal.SIGINT)
    a.p.stdin.close()
    os.kill(a.p.pid, signal.SIGCONT)
    a.end(130)
    check("failures" not in c.status("--json").out, "it counts as a failure: " + c.status("--json").out)
    c.issue(NAMES, "--webroot", c.base).expect(0)
    equal(w.count()["newOrder"], 1, "orders")


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


@with_world()
def bad_peer(w, c, act, pattern):
    """One that breaks after the first challenge: the order fails, the cleanups are told if they can."""
    path, got = os.path.join(c.base, "s"), []
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen()
        a = Agent(c, "--external", "unix=" + path, "--challenge", "dns-01",
                  stdin=subprocess.DEVNULL)
        s.settimeout(60)
        peer, _ = s.accept()
        with peer:
            lines = peer.makefile("rb")
            got.append(json.loads(lines.readline()))
            act(peer)
            if pattern is None:
                for line in lines:
                    got.append(json.loads(line))
        r = a.end(6 if pattern else 2, pattern)
    equal(w.count()["challenge"] > 0, pattern is None, "told to the CA")
    equal(got[-1]["cmd"], "validate" if pattern else "report", "the last line")
    return r


def flood(peer):
    """10 MB without a line end, then answers: a line that is too long is an answer too."""
    peer.sendall(b"x" * 10000000 + b"\n\n")


END = "end of input|the other side has ended"
suite.add("socket peer leaves", lambda: bad_peer(lambda p: p.shutdown(socket.SHUT_WR),
                                                 END))
suite.add("socket peer floods", lambda: bad_peer(flood, None))
suite.add("socket peer resets", lambda: bad_peer(lambda p: p.shutdown(socket.SHUT_RDWR),
                                                 END))


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


@suite.case("fifo missing")
@with_world()
def fifo_missing(w, c):
    path = os.path.join(c.base, "f")
    refused = lambda pattern: Agent(c, "--external", "fifo=" + path,
                                    stdin=subprocess.DEVNULL).end(6, pattern)
    refused(re.escape(path) + ": No such file.*mkfifo")
    os.mkfifo(path)
    refused(re.escape(path) + r"\.in: No such file.*mkfifo")
    open(path + ".in", "w").close()
    refused(re.escape(path) + r"\.in is no FIFO")
    equal(w.count()["newOrder"], 0, "orders for a FIFO that is not there")


@suite.case("path too long for a socket")
@with_world()
def socket_path(w, c):
    Agent(c, "--external", "unix=/" + 120 * "x", stdin=subprocess.DEVNULL).end(6, "too long for a socket")
    equal(w.count()["newOrder"], 0, "orders for a socket that cannot be")


@suite.case("a record is looked up")
@with_world(always_valid=True)
def looked_up(w, c):
    if not common.in_namespace():
        raise common.Skip("no namespace: the system's DNS server is not ours")
    a = Agent(c, "--external", "json", "--challenge", "dns-01")
    got = []
    for i in range(2):
        m = json.loads(a.line())
        if i == 0:
            place(w, m)
        got.append(m["domain"].removeprefix("_acme-challenge."))
        a.answer()
    r = a.end(0)
    warned = re.findall(r"Self-verify of challenge failed\.: (\S+): no TXT record", r.err)
    equal(warned, [got[1]], "names whose record was not there (%s)" % r.err)


@suite.case("the preferred type first")
@with_world(always_valid=True)
def preferred(w, c):
    """Other names each time: an authorization is never one of an order before."""
    def types(n, *more):
        a = Agent(c, "--external", "json", *more, names=["p%d.example.net" % n, "*.w%d.example.net" % n])
        a.answer(b"\n" * 2)
        a.end(0)
        return sorted(m["type"] for m in a.messages("validate"))
    equal(types(0), ["dns-01", "http-01"], "types without a wish")
    equal(types(1, "--challenge", "dns-01", "--challenge", "http-01"), ["dns-01"] * 2, "dns first")
    equal(types(2, "--preferred-challenges", "http,dns"), ["dns-01", "http-01"], "http first")
    a = Agent(c, "--external", "json", "--challenge", "http-01", names=["*.w3.example.net"],
              stdin=subprocess.DEVNULL)
    a.end(6, "the CA offers .*dns-01")


@suite.case("renew by lines sent ahead")
@with_world(always_valid=True)
def renew_ahead(w, c):
    conf = os.path.join(c.base, "lwacme.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("state-dir = %s\nout-dir = %s\nserver = %s\nca-file = %s\nagree-tos = yes\n"
                "external = json\n[%s]\n[%s]\n" % ((c.state, c.out, c.directory, c.ca_file) +
                                                   tuple(NAMES)))
    os.makedirs(c.state, exist_ok=True)
    p = subprocess.run([lwacme_path(), "renew", "-c", conf], input=b"\n\n", stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=90)
    equal(p.returncode, 0, "exit (%s)" % common.tail(p.stderr.decode()))
    equal([json.loads(t)["cmd"] for t in p.stdout.splitlines()],
          ["validate", "cleanup"] * 2 + ["report"], "lines")


@suite.case("options")
def options():
    def refused(pattern, *more):
        common.run_tool(["issue", "-d", "a.example.net", "--state-dir", "/nonexistent", *more]
                        ).expect(1, pattern)
    for value in ("jsonx", "handler=", "handler", "fifo", ""):
        refused("external", "--external", value)
    refused("1 to 2", "--external", "json", "--external-dialect", "3")
    refused("1 to 86400", "--external", "json", "--handler-timeout", "0")
    refused("http, dns or tls-alpn", "--external", "json", "--preferred-challenges", "tls-sni")
    refused("twice", "--external", "json", "--preferred-challenges", "dns,dns-01")
    refused("excludes", "--external", "json", "--dns-server", "192.0.2.1")
    refused("exclude", "--external", "json", "--webroot", "/tmp")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("external"))
