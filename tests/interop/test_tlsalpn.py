#!/usr/bin/env python3
"""tls-alpn-01 (RFC 8737, RFC 8738 6): Pebble asks the tool's responder on the TLS port, and so do
clients that it must not serve."""
import base64
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import common
from common import Suite, check, check_set, equal, cert_serial
from daemonrig import Daemon
import world
from world import with_world

suite = Suite()
NAME = "h0.example.net"
PROTOCOL = "acme-tls/1"


def tls(w, *more):
    return ("--challenge", "tls-alpn-01", "--tls-port", str(w.tls_port), *more)


# ---------------------------------------------------------------- Pebble proves names

def check_asked(w, count):
    """The CA validated by TLS alone, and one session for the orders follows the one that ended."""
    kinds = re.findall(r"challenge type (\S+)|(tls-alpn-01|http-01)", w.log_text())
    check(not any("http-01" in k for k in kinds), "the CA asked over http-01")
    n = w.count()
    equal(n["challenge"], count, "challenges answered")
    equal(w.connections(), 2, "connections to the CA: the memory of the first was lent")


@suite.case("a name, a renewal")
@with_world()
def issue(w, c):
    c.issue(NAME, *tls(w)).expect(0)
    check_set(c.live(NAME), [NAME], w.roots)
    check_asked(w, 1)
    first = cert_serial(c.live(NAME) + "/cert.pem")
    w.mark()
    c.issue(NAME, *tls(w, "--force")).expect(0)
    check(cert_serial(c.live(NAME) + "/cert.pem") != first, "the same certificate")


@suite.case("a name with Pebble 2.4.0")
@with_world(version="2.4.0")
def old_pebble(w, c):
    c.issue(NAME, *tls(w)).expect(0)
    check_set(c.live(NAME), [NAME], w.roots)


@suite.case("30 names")
@with_world()
def many(w, c):
    names = ["h%d.example.net" % i for i in range(30)]
    c.issue(names, *tls(w)).expect(0)
    check_set(c.live(NAME), names, w.roots)
    check_asked(w, 30)


@suite.case("an IPv4 identifier")
@with_world()
def ipv4(w, c):
    c.issue("127.0.0.1", *tls(w)).expect(0)
    check_set(c.live("127.0.0.1"), ["127.0.0.1"], w.roots)
    check_asked(w, 1)


@suite.case("an IPv6 identifier and a name")
@with_world()
def ipv6(w, c):
    c.issue(["::1", NAME], *tls(w), "--cert-name", "six.example.net").expect(0)
    check_set(c.live("six.example.net"), ["0:0:0:0:0:0:0:1", NAME], w.roots)
    check_asked(w, 2)


@suite.case("a wildcard is refused in words")
@with_world()
def wildcard(w, c):
    c.issue("*.example.net", *tls(w)).expect(4, "no configured solver|solver")


@suite.case("the daemon proves one name each way")
@with_world()
def daemon(w, c):
    certs = {"a.example.net": {"challenge": "tls-alpn-01"}, "b.example.net": {}}
    with Daemon(w, certs, **{"tls-port": w.tls_port}) as d:
        d.until_has("a.example.net", "b.example.net")
        d.own["tls-port"] = 1
        d.reload(certs)
        check(d.lines("tls-port.*needs a restart"), d.log)
        d.stop()


# ---------------------------------------------------------------- others ask

class Held:
    """The tool while it waits for a CA that never comes: the CA asks another port."""

    def __init__(self, c, names, port, *more):
        argv = [common.lwacme_path()] + c.args(
            "issue", names, "--challenge", "tls-alpn-01", "--tls-port", str(port), "--json", *more)
        self.port = port
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.events = []
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        check(self.ready.wait(60), "no challenge was begun")

    def read(self):
        for line in self.process.stdout:
            e = json.loads(line)
            self.events.append(e)
            if e.get("event") == "challenge" and e.get("state", e.get("word")) == "responded":
                self.ready.set()
        self.ready.set()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.thread.join(10)
        self.process.stdout.close()


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("tls-alpn-01"))
