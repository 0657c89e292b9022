#!/usr/bin/env python3
"""lwacme doctor for tls-alpn-01 and dns-01: each finding once good and once bad. A real DNS server
(BIND 9), and strangers at port 443."""
import contextlib
import functools
import socket
import ssl
import sys
import threading

import common
from common import Skip, Suite, check, equal
from dnsrig import Bind, Key, zone
from fakeclock import fake_clock
from test_doctor import findings, has
from world import World, usual_server

suite = Suite()

NS1, NS2 = "127.0.0.2", "127.0.0.3"
NAME = "dev.example.net"
OWNER = "_acme-challenge." + NAME
KEY = Key(secret=b"k" * 32)
ZONE = "dev A 127.0.0.1\nfar A 192.0.2.9\n_acme-challenge.via CNAME via.acme.example.org.\n" \
       "_acme-challenge.lost CNAME lost.nowhere.test."


def bed(servers=("ns1.dns.test",), more=ZONE):
    """Decorator: fn(client, dns server)."""
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            if not common.in_namespace():
                raise Skip("needs ports 53 and 443 of its own: a network namespace")
            zones = {"example.net": zone("example.net", list(servers), more),
                     "acme.example.org": zone("acme.example.org", ["ns1.dns.test"])}
            with World() as w, w.client() as c, Bind(NS1, zones, KEY, recursion="yes") as ns:
                w.dns("add_a", host="ns1.dns.test.", addresses=[NS1])
                w.dns("add_a", host="ns2.dns.test.", addresses=[NS2])
                return fn(c, ns)
        return run
    return wrap


TLS = ("--challenge", "tls-alpn-01")


def dns_args(c, key=KEY, server=NS1):
    return ("--challenge", "dns-01", "--tsig-key-file", key.file(c.base),
            *(("--dns-server", server) if server else ()))


# ---------------------------------------------------------------- tls-alpn-01

@contextlib.contextmanager
def stranger(tls, port=443):
    """Somebody else at a port: a TLS server with a certificate of its own, or one that says hello."""
    listener = socket.create_server(("", port))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*usual_server())

    def serve():
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            try:
                if tls:
                    s = context.wrap_socket(s, server_side=True)
                else:
                    s.sendall(b"220 hello\r\n")
                    s.recv(1000)
            except OSError:
                pass
            s.close()
    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@suite.case("tls port is free and reached")
@bed()
def tls_good(c, ns):
    got = findings(c, 0, *TLS)
    has(got, "port", "ok", "443 is free")
    has(got, "reach", "ok", "port 443 of 127.0.0.1 answers with our proof.*does not prove")
    equal(len(got["port"]), 1, "ports that were looked at")
    got = findings(c, 0, *TLS, names=["127.0.0.1"])
    has(got, "reach", "ok", "port 443 of 127.0.0.1 answers with our proof", "127.0.0.1")
    # Both ways: both are looked at.
    got = findings(c, 0, "--challenge", "http-01", *TLS)
    has(got, "reach", "ok", "port 80 of 127.0.0.1")
    has(got, "reach", "ok", "port 443 of 127.0.0.1")


@suite.case("tls port is taken or not allowed")
@bed()
def tls_busy(c, ns):
    with stranger(True):
        got = findings(c, 4, *TLS)
        has(got, "port", "bad", "443 is in use by .*python.*another --challenge")
        check("reach" not in got, "it looked though nothing listens: %s" % got)


@suite.case("tls port leads to somebody else")
@bed()
def tls_other(c, ns):
    other = ("--tls-port", "4443")
    with stranger(True):
        got = findings(c, 2, *TLS, *other)
        has(got, "port", "ok", "4443 is free.*brings port 443")
        has(got, "reach", "bad", "443 of 127.0.0.1 answers with another certificate.*pass TLS on")
    with stranger(False):
        has(findings(c, 2, *TLS, *other), "reach", "bad", "does not speak TLS")
    has(findings(c, 2, *TLS, *other), "reach", "bad", "port 443 of 127.0.0.1: .*open port 443")


@suite.case("tls cannot prove a wildcard")
@bed()
def tls_wild(c, ns):
    has(findings(c, 6, *TLS, names=["*." + NAME]), "reach", "bad",
        "tls-alpn-01 cannot prove a wildcard", "*." + NAME)


# ---------------------------------------------------------------- dns-01

@suite.case("dns zone and key are good and nothing is changed")
@bed()
def dns_good(c, ns):
    for name in (NAME, "*." + NAME, "nosuch.example.net"):
        got = findings(c, 0, *dns_args(c), names=[name])
        owner = "_acme-challenge." + name.replace("*.", "")
        has(got, "zone", "ok", "%s is in the zone example.net, whose server 127.0.0.2" % owner, name)
        has(got, "key", "ok", "127.0.0.2 takes the key acme-key; .*may change %s shows only" % owner)
        check("port" not in got, "it looked at ports: %s" % got)
    equal(ns.txt(OWNER), 0, "records")
    check("updating zone" not in ns.log(), "something was changed: %s" % ns.log()[-300:])


@suite.case("dns alias is shown")
@bed()
def dns_alias(c, ns):
    got = findings(c, 0, *dns_args(c), names=["via.example.net"])
    has(got, "zone", "ok", "_acme-challenge.via.example.net is an alias .CNAME. of "
                           "via.acme.example.org")
    has(got, "zone", "ok", "via.acme.example.org is in the zone acme.example.org")
    has(got, "key", "ok", "takes the key")
    got = findings(c, 2, *dns_args(c), names=["lost.example.net"])
    has(got, "zone", "ok", "is an alias .CNAME. of lost.nowhere.test")
    has(got, "zone", "bad", "knows no zone of lost.nowhere.test.*--dns-server")


def wrong_key(key, words):
    @bed()
    def fn(c, ns):
        r = findings(c, 6, *dns_args(c, key))
        has(r, "key", "bad", words + ".*name, algorithm and secret")
        check(key.secret not in str(r), "the secret is printed")
    return fn


suite.add("dns wrong secret", wrong_key(Key(secret=b"x" * 32), "BADSIG"))
suite.add("dns unknown key", wrong_key(Key("other", secret=b"k" * 32), "BADKEY"))
suite.add("dns other algorithm", wrong_key(Key(algorithm="hmac-sha512", secret=b"k" * 32), "BADKEY"))


@suite.case("dns clock that is wrong")
@bed()
def dns_clock(c, ns):
    got = findings(c, (4, 5, 6), *dns_args(c), env=fake_clock(1000))
    has(got, "key", "bad", "BADTIME.*clocks within five minutes")


@suite.case("dns key file that others can read")
@bed()
def dns_file(c, ns):
    args = dns_args(c)
    KEY.file(c.base, mode=0o644)
    got = findings(c, 4, *args)
    has(got, "key", "bad", "others than its owner may read")
    check("zone" not in got, "it went on without a key: %s" % got)


@suite.case("dns server that does not answer")
@bed()
def dns_silent(c, ns):
    has(findings(c, 3, *dns_args(c, server="127.0.0.77")), "zone", "bad",
        "127.0.0.77 does not answer for _acme-challenge.*--dns-server")


@suite.case("dns server of other zones")
@bed()
def dns_other(c, ns):
    has(findings(c, 2, *dns_args(c), names=["www.elsewhere.test"]), "zone", "bad", "knows no zone")


@suite.case("dns secondary that does not answer")
@bed(servers=("ns1.dns.test", "ns2.dns.test"))
def dns_secondary(c, ns):
    got = findings(c, 3, *dns_args(c))
    has(got, "zone", "bad", "ns2.dns.test, a server of example.net, does not answer.*"
                            "--dns-only-primary")
    has(got, "key", "ok", "takes the key")
    got = findings(c, 0, *dns_args(c), "--dns-only-primary")
    check("ns2" not in str(got["zone"]), "the secondary was asked: %s" % got)


@suite.case("dns cannot prove an address")
@bed()
def dns_address(c, ns):
    has(findings(c, 6, *dns_args(c), names=["127.0.0.1"]), "reach", "bad",
        "dns-01 cannot prove an address.*http-01 or tls-alpn-01")
    got = findings(c, 0, "--challenge", "http-01", *dns_args(c), names=["127.0.0.1"])
    check("zone" not in got, "a zone was looked for: %s" % got)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("doctor_ways"))
