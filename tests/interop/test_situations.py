#!/usr/bin/env python3
"""README.md's table of situations: each command as it is written there, and what the test CA needs."""
import functools
import os
import re
import shlex
import socket
import subprocess
import sys
import threading

import acmednsrig
import common
import externalrig
import stagedrig
from common import Skip, Suite, check, check_set, equal, lwacme_path, run_tool
from dnsrig import Bind, Key, zone
from world import World

suite = Suite()

NAME = "dev.example.net"
NS1, ADNS = "127.0.0.2", "127.0.0.4"
KEY = Key()
EXAMPLES = os.path.join(common.ROOT, "tools/examples")
ISSUER = ["--persist-issuer", "pebble.letsencrypt.org"]


def rows():
    """The commands of the table's right column, in its order: a list of them for each row."""
    with open(os.path.join(common.ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read().split("| situation |", 1)[1].split("\n\n", 1)[0]
    found = [line.rsplit("|", 2)[1] for line in text.splitlines()[2:]]
    return [[c for c in re.findall(r"`([^`]+)`", cell) if c.startswith(("-", "lwacme "))]
            for cell in found]


used = set()


def written(start, **words):
    """The command of the table that begins so, its words in capitals replaced: a list of words."""
    for command in (c for row in rows() for c in row):
        if command.startswith(start):
            used.add(command)
            got = [re.sub(r"\b[A-Z]{3,}\b", lambda m: words.get(m[0], m[0]), w)
                   for w in shlex.split(command)]
            return got[1:] if got[0] == "lwacme" else got
    raise common.Fail("README.md's table has no command %s" % start)


def bed(**world):
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            if not common.in_namespace():
                raise Skip("needs ports 53, 80 and 443 of its own: a network namespace")
            with World(**world) as w, w.client() as c:
                c.http_port = None
                return fn(w, c)
        return run
    return wrap


def issue(w, c, *way, names=(NAME,), **kw):
    c.issue(list(names), *way, **kw).expect(0)
    check_set(c.live(names[0]), names, w.roots)


@suite.case("port 80 or 443 is free")
@bed()
def free(w, c):
    issue(w, c)
    issue(w, c, *written("--challenge tls-alpn-01"), names=["tls.example.net"])


@suite.case("a web server owns port 80")
@bed()
def web(w, c):
    www = os.path.join(c.base, "www")
    os.mkdir(www)
    externalrig.serve(w, www)
    way = written("--webroot")
    equal(way, ["--webroot", "/www"], "the command")
    issue(w, c, way[0], www)


@suite.case("a router forwards other ports")
@bed(http_port=8080, tls_port=8443)
def router(w, c):
    issue(w, c, *written("--http-port"))
    issue(w, c, *written("--challenge tls-alpn-01 --tls-port"), names=["tls.example.net"])


@suite.case("signed updates")
@bed(ask_dns=NS1 + ":53")
def updates(w, c):
    text = zone("example.net", ["ns1.dns.test"], "dev A 127.0.0.1")
    w.dns("add_a", host="ns1.dns.test.", addresses=[NS1])
    words = {"FILE": KEY.file(c.base)}
    with Bind(NS1, {"example.net": text}, KEY):
        ask = ["--dns-server", NS1]   # the test's system has no DNS server that looks zones up
        issue(w, c, *written("--challenge dns-01 --tsig", **words), *ask, names=["w.example.net", "*.w.example.net"])
        issue(w, c, *written("--challenge dns-account-01", **words), *ask, names=["a.example.net"])
        way = written("--challenge http-01 --challenge dns-01", **words)
        issue(w, c, *way, *ask, names=[NAME, "*." + NAME, "127.0.0.1"])


@suite.case("no credentials on the device")
@bed(ask_dns=ADNS + ":53")
def acme_dns(w, c):
    with acmednsrig.AcmeDns(ADNS) as a:
        for host, address in ((acmednsrig.NS, ADNS), (acmednsrig.HOST, "127.0.0.1")):
            w.dns("add_a", host=host + ".", addresses=[address])
        way = written("--challenge dns-01 --acme-dns", URL=a.url) + ["--dns-server", ADNS]
        r = c.issue([NAME], *way).expect(6)     # it tells the record that has to be added
        a.cname.update(dict([re.search(r"(_acme-challenge\S+?)\.? .*CNAME\S* (\S+?)\.?(?:\s|$)",
                                       r.err).groups()]))
        issue(w, c, *way, "--now")


@suite.case("one record for ever")
@bed()
def persist(w, c):
    argv = written("lwacme dns-persist", NAME=NAME)
    argv += c.args("dns-persist", [])[1:] + ISSUER
    text = run_tool([a for a in argv if a != "None"]).expect(6).out
    owner, value = re.search(r'^(\S+) IN TXT "([^"]+)"$', text, re.M).groups()
    w.dns("set_txt", host=owner, value=value)
    issue(w, c, *written("--challenge dns-persist-01"), *ISSUER)


@suite.case("a person at any time")
@bed()
def steps(w, c):
    more = ["--state-dir", c.state, "--server", w.directory, "--ca-file", w.ca_file,
            "--dns-server", "127.0.0.1:53"]
    walk = lambda argv: run_tool(argv + more, cwd=c.base).expect(0).out
    walk(written("lwacme -d NAME -m", NAME=NAME))
    for step in ("-AUTH", "--dns", "-DNS", "-CERT"):
        said = walk(written("lwacme -d NAME " + step, NAME=NAME))
        for host, value in stagedrig.LINE.findall(said):
            w.dns("set_txt", host="_acme-challenge.%s." % host, value=value)
    equal(common.cert_names(os.path.join(c.base, NAME + ".crt")), [NAME], "the certificate")


@suite.case("a person at this terminal")
@bed()
def text(w, c):
    root = os.path.join(c.base, "www")
    folder = os.path.join(root, ".well-known/acme-challenge")
    os.makedirs(folder)
    externalrig.serve(w, root)
    argv = c.args("issue", [NAME], *written("--external text"))
    with subprocess.Popen([lwacme_path()] + argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as p:
        said = ""
        while "Press ENTER" not in said:
            line = p.stdout.readline()
            check(line, "it ended: " + said)
            said += line
        content, token = re.search(r'printf "%s" (\S+) > \S+/(\S+)', said).groups()
        with open(os.path.join(folder, token), "w", encoding="ascii") as f:
            f.write(content)
        p.communicate("\n", timeout=60)
        equal(p.returncode, 0, "exit status")


@suite.case("other programs")
@bed()
def programs(w, c):
    root = os.path.join(c.base, "www")
    os.mkdir(root)
    externalrig.serve(w, root)
    handler = os.path.join(EXAMPLES, "handler.sh")
    issue(w, c, *written("--external handler", PATH=handler), env={"WEBROOT": root})
    hook = externalrig.script(c, """#!/bin/sh
set -eu
folder=%s/.well-known/acme-challenge
case $1 in
deploy_challenge) mkdir -p "$folder" && printf %%s "$4" >"$folder/$3" ;;
esac
""" % root)
    issue(w, c, *written("--external dehydrated", PATH=hook), names=["hook.example.net"])
    argv = c.args("issue", ["json.example.net"], *written("--external json"))
    p = subprocess.run([sys.executable, os.path.join(EXAMPLES, "json_client.py"), root, lwacme_path()] +
                       argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
    equal(p.returncode, 0, "json: " + p.stderr)
    for start in ("--external fifo", "--external unix"):
        over(w, c, root, start)


def over(w, c, root, start):
    """Lines over a FIFO, or a socket."""
    path = os.path.join(c.base, "s" + start[-4:])
    name = start[-4:] + ".example.net"
    if start.endswith("unix"):
        listener = socket.create_server(path, family=socket.AF_UNIX)
    else:
        os.mkfifo(path)
        os.mkfifo(path + ".in")

    def other():
        if start.endswith("unix"):
            stream = listener.accept()[0].makefile("rwb")
            answer(stream, stream, root)
        else:
            with open(path, "rb") as lines, open(path + ".in", "wb") as to:
                answer(lines, to, root)
    threading.Thread(target=other, daemon=True).start()
    issue(w, c, *written(start, PATH=path), names=[name])


def answer(lines, to, root):
    folder = os.path.join(root, ".well-known/acme-challenge")
    os.makedirs(folder, exist_ok=True)
    for line in lines:
        if b'"validate"' in line:
            key_auth = re.search(rb'"key_auth": "([^"]+)"', line)[1].decode()
            with open(os.path.join(folder, key_auth.split(".")[0]), "w", encoding="ascii") as f:
                f.write(key_auth)
            to.write(b"\n")
            to.flush()


@suite.case("issued elsewhere")
@bed()
def elsewhere(w, c):
    """Who orders puts the proofs on this host's standard input."""
    with subprocess.Popen([lwacme_path()] + written("lwacme serve-challenges"), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        w.wait_port(80)
        give = externalrig.script(c, '#!/bin/sh\nset -eu\n[ "$1" != perform ] || echo "$key_auth" >%s\n' %
                                  ("/proc/%d/fd/%d" % (os.getpid(), p.stdin.fileno())))
        issue(w, c, "--external", "handler=" + give)
        check("served " in p.stdout.readline() + p.stdout.readline(), "the token was not served")
        p.terminate()


@suite.case("no row was left out")
def complete():
    """After all others; alone it has nothing to say."""
    if len(sys.argv) > 1 and any(not a.startswith("-") for a in sys.argv[1:]):
        raise Skip("not all cases were run")
    commands = [c for row in rows() for c in row]
    check(len(rows()) >= 14 and commands, "no table")
    if common.in_namespace():
        equal(sorted(set(commands) - used), [], "commands that nobody tried")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("situations"))
