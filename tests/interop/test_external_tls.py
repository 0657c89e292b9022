#!/usr/bin/env python3
"""lwacme issue --external: tls-alpn-01 served by another program, against Pebble."""
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import threading

import common
from common import Suite, check, check_set, equal
from externalrig import NAMES, THUMB, TOKEN, Agent, canonical, digest, script
from world import with_world

suite = Suite()


class Responder:
    """Serves certificates to who offers acme-tls/1, by SNI."""

    def __init__(self, port):
        self.contexts = {}
        self.listener = socket.create_server(("127.0.0.1", port))
        self.outer = self.context()
        self.outer.sni_callback = self.choose
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @staticmethod
    def context():
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.set_alpn_protocols(["acme-tls/1"])
        return c

    def add(self, name, cert, key):
        c = self.context()
        c.load_cert_chain(cert, key)
        self.contexts[name] = c

    def choose(self, sock, name, _):
        if name not in self.contexts:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        sock.context = self.contexts[name]
        return None

    def serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            s.settimeout(20)
            try:
                with self.outer.wrap_socket(s, server_side=True):
                    pass
            except OSError:
                s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def message(c, line, dialect, z_domain, port):
    """Exactly the documented members; the files hold the texts, and are ours alone."""
    m = json.loads(line)
    token = m["key_auth"].split(".")[0]
    check(re.fullmatch(TOKEN + r"\." + THUMB, m["key_auth"]), "key_auth is %r" % m["key_auth"])
    paths = {k: os.path.join(os.path.realpath(c.state), "external", token + end)
             for k, end in (("cert_path", ".crt"), ("key_path", ".pem"))}
    want = {"cmd": "validate" if dialect == 1 else "perform_challenge", "type": "tls-alpn-01",
            "domain": m["domain"]}
    if dialect == 2:
        want.update(token=token, validation=digest(m["key_auth"]))
    want.update(z_domain=z_domain(m["domain"]), **paths, port=str(port), key_auth=m["key_auth"],
                cert_pem=m["cert_pem"], key_pem=m["key_pem"])
    canonical(line, want)
    for path, text in ((m["cert_path"], m["cert_pem"]), (m["key_path"], m["key_pem"])):
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of " + path)
        with open(path, encoding="ascii") as f:
            equal(f.read(), text, path)
    equal(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700, "mode of the folder")
    check(m["key_pem"].startswith("-----BEGIN PRIVATE KEY-----\n"), "the key is no PKCS #8")
    return m


@with_world()
def json_tls(w, c, dialect, names, z_domain=lambda name: name):
    with Responder(w.tls_port) as responder:
        a = Agent(c, "--external", "json", "--external-dialect", dialect, "--challenge",
                  "tls-alpn-01", "--tls-port", w.tls_port, names=names)
        got = []
        for _ in names:
            m = message(c, a.line(), dialect, z_domain, w.tls_port)
            responder.add(m["z_domain"], m["cert_path"], m["key_path"])
            got.append(m)
            a.answer()
        a.end(0)
    check_set(c.live(names[0]), names, w.roots)
    equal(sorted(m["domain"] for m in got), sorted(names), "names")
    check(len({m["key_pem"] for m in got}) == len(names), "one key for all")
    for m, line in zip(got, a.lines[len(names):]):
        want = {"cmd": "cleanup", "type": "tls-alpn-01", "status": "valid"}
        rest = {"token": m["key_auth"].split(".")[0]}
        if dialect == 1:
            want.update(rest, domain=m["domain"])
        else:
            want.update(domain=m["domain"], **rest, validation=m["validation"],
                        key_auth=m["key_auth"])
        canonical(line, dict(want, validated=None, error=None))
    check(not os.path.exists(os.path.join(c.state, "external")), "files are left behind")


for d in (1, 2):
    suite.add("json tls dialect %d" % d, lambda d=d: json_tls(d, NAMES))
suite.add("json tls address", lambda: json_tls(1, ["127.0.0.1"],
                                               lambda _: "1.0.0.127.in-addr.arpa"))


@suite.case("text tls")
@with_world()
def text_tls(w, c):
    with Responder(w.tls_port) as responder:
        a = Agent(c, "--external", "text", "--challenge", "tls-alpn-01", "--tls-port", w.tls_port,
                  names=NAMES[:1])
        block = []
        while not block or block[-1] != "Press ENTER to continue":
            block.append(a.line())
        m = re.search(r"On port %d, .*SNI for\n\n  (\S+)\n\n.*\n\n  (/\S+)\n  (/\S+)\n" % w.tls_port,
                      "\n".join(block))
        check(m, "the block: %s" % block)
        equal(m.group(1), NAMES[0], "name")
        responder.add(*m.groups())
        a.answer()
        a.end(0)
    check("PRIVATE KEY" not in "\n".join(a.lines), "a key on a terminal")


@suite.case("handler tls")
@with_world()
def handler_tls(w, c):
    """The key is in the handler's environment, and the files are there as long as it needs them."""
    log = os.path.join(c.base, "log")
    path = script(c, """#!/bin/sh
set -eu
case $1 in
perform) printf %%s "$cert_pem" | cmp - "$cert_path"; printf %%s "$key_pem" | cmp - "$key_path"
    [ "$cbot_z_domain" = "$domain" ]; [ "$port" = %d ]; [ -z "$validation$uri" ]
    echo "$cert_path $key_path" >>"$LOG";;
cleanup) [ -e "$(cut -d' ' -f2 "$LOG")" ]; [ -z "$cert_path" ];;
esac
""" % w.tls_port)
    a = Agent(c, "--external", "handler=" + path, "--challenge", "tls-alpn-01", "--tls-port",
              w.tls_port, "--challenge", "dns-01", names=NAMES[:1], stdin=subprocess.DEVNULL,
              env={"LOG": log})
    r = a.end(2)  # nobody serves it: the CA says so
    check("cleanup failed" not in r.err and "exit status" not in r.err, r.err)
    with open(log, encoding="ascii") as f:
        paths = f.read().split()
    equal(len(paths), 2, "paths")
    check(not any(os.path.exists(p) for p in paths), "files are left behind")


@suite.case("folder that cannot be made")
@with_world()
def no_folder(w, c):
    os.makedirs(c.state)
    open(os.path.join(c.state, "external"), "w").close()
    a = Agent(c, "--external", "json", "--challenge", "tls-alpn-01", names=NAMES[:1])
    a.end(6, "the files of tls-alpn-01 cannot be written")
    equal(a.messages("validate"), [], "messages without files")


@suite.case("killed while it is served")
@with_world(always_valid=True)
def killed(w, c):
    """The next run removes what the one before has left."""
    a = Agent(c, "--external", "json", "--challenge", "tls-alpn-01", names=NAMES[:1])
    first = json.loads(a.line())
    a.p.kill()
    a.p.wait()
    check(os.path.exists(first["key_path"]), "no files")
    a = Agent(c, "--external", "json", "--challenge", "tls-alpn-01", names=NAMES[:1])
    a.answer()
    a.end(0)
    check(not os.path.exists(os.path.join(c.state, "external")), "files are left behind")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("external_tls"))
