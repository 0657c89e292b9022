#!/usr/bin/env python3
"""tls-alpn-01 (RFC 8737, RFC 8738 6): Pebble asks the tool's responder on the TLS port, and so do
clients that it must not serve."""
import hashlib
import ipaddress
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile

import common
from common import Suite, check, check_set, equal, cert_serial, openssl
from daemonrig import Daemon
from fakeca import FakeCA
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
    c.issue("*.example.net", *tls(w)).expect(6, "no configured solver.*")


@suite.case("the daemon proves one name each way")
@with_world()
def daemon(w, c):
    certs = {"a.example.net": {"challenge": "tls-alpn-01"}, "b.example.net": {}}
    with Daemon(w, certs, **{"tls-port": w.tls_port}) as d:
        d.start()
        d.until_has("a.example.net", "b.example.net")
        d.own["tls-port"] = 1
        d.reload(certs)
        check(d.lines("tls-port.*needs a restart"), d.log)
        d.stop()


# ---------------------------------------------------------------- others ask

class AskingCA(FakeCA):
    """A CA whose validation is a function of the test: ask(port, name, digest)."""
    challenge_type = "tls-alpn-01"

    def __init__(self, ask):
        super().__init__(0)
        self.tls_port, self.ask, self.asked, self.why = world.free_port(), ask, 0, None

    def look(self, name, c, thumb):
        try:
            self.ask(self.tls_port, name, hashlib.sha256(
                (c["token"] + "." + thumb).encode()).digest())
            self.asked += 1
        except Exception as e:
            self.why = "%s: %s" % (type(e).__name__, e)
            return "tls", str(e)
        return None


def asking(names):
    """Decorator: fn(port, name, digest) runs while the tool proves these names."""
    names = [names] if isinstance(names, str) else names

    def wrap(fn):
        def run():
            common.lwacme_path()
            with AskingCA(fn) as ca:
                c = common.Client(ca.directory, ca.ca_file)
                r = c.issue(names, "--challenge", "tls-alpn-01", "--tls-port", str(ca.tls_port))
                c.close()
            check(ca.why is None, ca.why)
            r.expect(0)
            equal(ca.asked, len(names), "validations")
        return run
    return wrap


def context(protocols=(PROTOCOL,), version=None):
    x = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    x.check_hostname = False
    x.verify_mode = ssl.CERT_NONE
    if protocols:
        x.set_alpn_protocols(list(protocols))
    if version:
        x.minimum_version = x.maximum_version = version
    return x


def connect(port, sni, x=None, host="127.0.0.1"):
    """(certificate as DER, version, what was read after the handshake)"""
    with socket.create_connection((host, port), timeout=20) as plain, \
            (x or context()).wrap_socket(plain, server_hostname=sni) as s:
        equal(s.selected_alpn_protocol(), PROTOCOL, "the protocol agreed to")
        return s.getpeercert(binary_form=True), s.version(), s.recv(100)


def refused(port, sni, words, x=None):
    try:
        connect(port, sni, x)
    except ssl.SSLError as e:
        check(re.search(words, str(e), re.I), "refused as: %s" % e)
        return
    raise common.Fail("a client was served that asks for %r" % sni)


def check_certificate(der, san, digest):
    """RFC 8737 3, read by openssl."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as f:
        f.write(ssl.DER_cert_to_PEM_cert(der).encode())
        f.flush()
        text = openssl("x509", "-in", f.name, "-noout", "-text").decode()
        openssl("verify", "-ignore_critical", "-CAfile", f.name, f.name)
        openssl("x509", "-in", f.name, "-noout", "-checkend", "3600")
    blocks = openssl("asn1parse", "-inform", "DER", data=der).decode()
    equal(re.findall(r"X509v3 (.*):", text)[1:], ["Subject Alternative Name"], "named extensions")
    equal(len(re.findall(r"Alternative Name: *\n +(%s)\n" % re.escape(san), text)), 1,
          "the name in %s" % text)
    want = r"OBJECT +:1\.3\.6\.1\.5\.5\.7\.1\.31\n.*BOOLEAN +:255\n.*OCTET STRING +\[HEX DUMP\]:0420%s\n"
    check(re.search(want % digest.hex().upper(), blocks), "no proof in\n" + blocks)
    check("id-ecPublicKey" in text and "prime256v1" in text, "not a P-256 key")
    check("Version: 3" in text, "no version 3")


@suite.case("the certificate, in TLS 1.2 and 1.3")
@asking(NAME)
def versions(port, name, digest):
    for version, word in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        der, got, rest = connect(port, name, context(version=version))
        equal(got, word, "the version")
        equal(rest, b"", "data after the handshake")
        check_certificate(der, "DNS:" + name, digest)
    again = connect(port, name.upper())[0]
    equal(again, der, "the certificate of one challenge")


@suite.case("the certificate of an IPv4 and an IPv6 address")
@asking(["192.0.2.7", "2001:db8::1"])
def addresses(port, name, digest):
    reverse = ipaddress.ip_address(name).reverse_pointer
    der = connect(port, reverse, host="127.0.0.1" if "." in name else "::1")[0]
    san = "IP Address:" + (name if "." in name else "2001:DB8:0:0:0:0:0:1")
    check_certificate(der, san, digest)
    refused(port, name, "unrecognized.name|alert") if "." in name else None


@suite.case("each name of an order has its certificate and its key")
@asking(["a.example.net", "b.example.net", "c.example.net"])
def each(port, name, digest):
    der = connect(port, name)[0]
    check_certificate(der, "DNS:" + name, digest)
    other = connect(port, "%s.example.net" % ("b" if name[0] == "a" else "a"))[0]
    keys = {common.openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=d) for d in (der, other)}
    equal(len(keys), 2, "keys of two names")


@suite.case("openssl s_client")
@asking(NAME)
def s_client(port, name, digest):
    r = subprocess.run(["openssl", "s_client", "-alpn", PROTOCOL, "-servername", name, "-connect",
                        "127.0.0.1:%d" % port, "-showcerts"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, text=True)
    check("ALPN protocol: " + PROTOCOL in r.stdout, r.stdout)
    pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", r.stdout, re.S)
    check_certificate(ssl.PEM_cert_to_DER_cert(pem[0]), "DNS:" + name, digest)


@suite.case("who must not be served is told so")
@asking(NAME)
def strangers(port, name, digest):
    no = "no.application.protocol"
    refused(port, name, no, context(()))
    refused(port, name, no, context(("h2", "http/1.1")))
    refused(port, name, no, context((PROTOCOL, "h2")))
    refused(port, name, no, context(("h2", PROTOCOL)))
    refused(port, name, no, context(("acme-tls/2",)))
    for sni in (None, "www." + name, "example.net", name + ".evil.example", "x" + name[1:]):
        refused(port, sni, "unrecognized.name")
    check_certificate(connect(port, name)[0], "DNS:" + name, digest)


def silence(port, data, seconds=20):
    """What comes back for these bytes, until the tool closes."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
        try:
            s.sendall(data)
            while True:
                more = s.recv(1000)
                if not more:
                    return got
                got += more
        except ConnectionError:
            return got


def hello_bytes(name):
    """A ClientHello as OpenSSL writes it."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    o = context().wrap_bio(into, out, server_hostname=name)
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


@suite.case("garbage")
@asking(NAME)
def garbage(port, name, digest):
    good = hello_bytes(name)
    random = os.urandom(5000)
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x40\x01", b"\x16\x03\x01\x00\x00",
                 b"\x80\x2e\x01\x03\x01", b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
                 b"\x16" + random, good[:5] + b"\x01\xff\xff\xff" + good[9:],
                 b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb" + b"\x00" * 16384):
        equal(silence(port, data), b"", "the answer to %r" % data[:20])
    for at in range(9, len(good), 7):    # each one is refused, or goes on as a handshake would
        bad = bytearray(good)
        bad[at] ^= 0x41
        with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
            s.sendall(bytes(bad))
    silence(port, good + random)
    check_certificate(connect(port, name)[0], "DNS:" + name, digest)


@suite.case("many slow clients keep no CA out")
@asking(NAME)
def slow(port, name, digest):
    good = hello_bytes(name)
    held = []
    for data in [b"", good[:1], good[:100], good] * 10:
        s = socket.create_connection(("127.0.0.1", port), timeout=20)
        s.sendall(data)
        held.append(s)
    check_certificate(connect(port, name)[0], "DNS:" + name, digest)
    for s in held:
        s.close()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:    # a byte at a time
        for i in range(len(good)):
            s.sendall(good[i:i + 1])
        equal(s.recv(1), b"\x16", "the answer to a ClientHello in pieces")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:    # it does not wait for ever
        s.sendall(good)
        while s.recv(4096):
            pass


@suite.case("a port that is taken, and what excludes one another")
def words():
    with AskingCA(lambda *_: None) as ca:
        c = common.Client(ca.directory, ca.ca_file)
        way = ("--challenge", "tls-alpn-01", "--tls-port", str(ca.tls_port))
        with socket.create_server(("0.0.0.0", ca.tls_port)):
            c.issue(NAME, *way).expect(4, "port %d: .*in use" % ca.tls_port)
        c.issue(NAME, *way, "--webroot", c.base).expect(1, "--webroot is for http-01")
        c.issue(NAME, "--challenge", "dns-02").expect(1, "takes http-01, tls-alpn-01, dns-01")
        c.issue(NAME, "--challenge", "tls-alpn-01", "--tls-port", "0").expect(1, "from 1 to 65535")
        c.issue(NAME, *way, "--tls-bind", "here").expect(1, "--tls-bind takes an IP address")
        c.issue(NAME, *way, "--tls-bind", "127.0.0.1", "--now").expect(0)
        c.close()


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("tls-alpn-01"))
