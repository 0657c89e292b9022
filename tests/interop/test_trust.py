#!/usr/bin/env python3
"""A CA server that must not be trusted: exit 5, a message with the reason, no word of ACME sent."""
import functools
import os
import ssl
import subprocess
import sys

import common
from common import Skip, Suite, check, equal, lwacme_path, openssl
import fakeca
import world

suite = Suite()


def fake(**options):
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            lwacme_path()
            port = world.free_port()
            with fakeca.FakeCA(port, **options) as ca, \
                    common.Client(ca.directory, ca.ca_file, port) as c:
                fn(ca, c)
        return run
    return wrap


def refused(ca, c, pattern, code=5):
    r = c.issue(["a.example.net"], "--now").expect(code, pattern)
    equal(ca.log, [], "requests sent to a server that is not trusted")
    check(r.seconds < 10, "it took %.0f s to see that" % r.seconds)


@suite.case("trust: the honest server is accepted")
@fake()
def honest(ca, c):
    c.issue(["a.example.net"]).expect(0)
    equal(ca.complaints, [], "complaints of the CA")
    common.check_set(c.live("a.example.net"), ["a.example.net"], ca.ca_file, "p256")


@suite.case("trust: wrong name")
@fake(server=lambda ca: world.make_server_cert(ca.folder, ca.root, names=("other.example",),
                                               addresses=("192.0.2.1",)))
def wrong_name(ca, c):
    refused(ca, c, r"another name|name.*(match|differ)|for other")


@suite.case("trust: the name only in the subject")
@fake(server=lambda ca: subject_only(ca))
def common_name_only(ca, c):
    refused(ca, c, r"another name|name.*(match|differ)|for other")


def subject_only(ca):
    cert, key = world.make_server_cert(ca.folder, ca.root, names=("localhost.example",),
                                       addresses=())
    csr = ca.path("cn.csr")
    openssl("req", "-new", "-key", key, "-subj", "/CN=localhost", "-out", csr)
    with open(ca.path("cn.ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:other.example\n")
    openssl("x509", "-req", "-in", csr, "-CA", ca.root[0], "-CAkey", ca.root[1], "-days", "9",
            "-extfile", ca.path("cn.ext"), "-out", cert)
    return cert, key


@suite.case("trust: unknown root")
@fake()
def unknown_root(ca, c):
    other = os.path.join(c.base, "other")
    os.mkdir(other)
    c.ca_file = world.make_ca(other, "another root")[0]
    refused(ca, c, r"trusted root|unknown|not trusted|trust anchor")


@suite.case("trust: same root name, other key")
@fake()
def same_name(ca, c):
    other = os.path.join(c.base, "other")
    os.mkdir(other)
    c.ca_file = world.make_ca(other)[0]
    refused(ca, c, r"trusted root|signature|not trusted|trust anchor")


@suite.case("trust: self-signed server")
@fake(server=lambda ca: self_signed(ca))
def self_made(ca, c):
    refused(ca, c, r"trusted root|self.signed|not trusted|trust anchor")


def self_signed(ca):
    cert, key = ca.path("self.pem"), ca.path("self.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", cert, "-days", "9", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost")
    return cert, key


def dated(start, end):
    """A server certificate with given dates (openssl x509 knows only durations)."""
    def make(ca):
        cert, key = world.make_server_cert(ca.folder, ca.root)
        with open(ca.path("index"), "w", encoding="ascii"):
            pass
        with open(ca.path("ca.cnf"), "w", encoding="ascii") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nserial=%s\n"
                    "default_md=sha256\npolicy=p\ncopy_extensions=none\nunique_subject=no\n"
                    "[p]\ncommonName=supplied\n" %
                    (ca.path("index"), ca.folder, ca.path("serial")))
        openssl("ca", "-config", ca.path("ca.cnf"), "-batch", "-notext", "-create_serial",
                "-cert", ca.root[0], "-keyfile", ca.root[1], "-in", ca.path("server.csr"),
                "-extfile", ca.path("server.ext"), "-startdate", start, "-enddate", end,
                "-out", cert)
        return cert, key
    return make


@suite.case("trust: expired certificate")
@fake(server=dated("20200101000000Z", "20210101000000Z"))
def expired(ca, c):
    refused(ca, c, r"expired")


@suite.case("trust: certificate of the future")
@fake(server=dated("20900101000000Z", "20910101000000Z"))
def future(ca, c):
    refused(ca, c, r"not yet valid|clock|future")


@suite.case("trust: only TLS 1.1")
@fake(min_tls=ssl.TLSVersion.TLSv1_1, max_tls=ssl.TLSVersion.TLSv1_1)
def tls11(ca, c):
    refused(ca, c, r"TLS 1\.2")


@suite.case("trust: TLS 1.2 alone is enough")
@fake(max_tls=ssl.TLSVersion.TLSv1_2)
def tls12(ca, c):
    c.issue(["a.example.net"]).expect(0)


@suite.case("trust: TLS 1.3 alone is enough")
@fake(min_tls=ssl.TLSVersion.TLSv1_3)
def tls13(ca, c):
    c.issue(["a.example.net"]).expect(0)


@suite.case("trust: the directory by address needs the address in the certificate")
@fake(host="127.0.0.1")
def by_address(ca, c):
    c.issue(["a.example.net"]).expect(0)


@suite.case("trust: another address than the certificate's")
@fake(host="127.0.0.1", server=lambda ca: world.make_server_cert(
    ca.folder, ca.root, names=("localhost",), addresses=("127.0.0.2",)))
def wrong_address(ca, c):
    refused(ca, c, r"another name|name.*(match|differ)|for other")


@suite.case("trust: --ca-file that is missing, empty or no PEM")
@fake()
def ca_file(ca, c):
    path = os.path.join(c.base, "roots.pem")
    c.ca_file = path
    refused(ca, c, r"roots\.pem", (1, 4, 5))
    for text in ("", "hello\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        refused(ca, c, r"roots\.pem|trust anchor", (1, 4, 5))


@suite.case("trust: the CA's root among many, and in a file with text between")
@fake()
def bundle(ca, c):
    path = os.path.join(c.base, "bundle.pem")
    parts = []
    for i in range(4):
        d = os.path.join(c.base, "r%d" % i)
        os.mkdir(d)
        with open(world.make_ca(d, "root %d" % i)[0], encoding="ascii") as f:
            parts.append("# a root\n" + f.read() + "\n")
    with open(ca.ca_file, encoding="ascii") as f:
        parts.insert(2, f.read())
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(parts))
    c.ca_file = path
    c.issue(["a.example.net"]).expect(0)


@suite.case("trust: the system's store, without --ca-file")
@fake()
def system_store(ca, c):
    store = "/etc/ssl/certs/ca-certificates.crt"
    if not common.in_namespace():
        raise Skip("needs a private mount namespace")
    if not os.path.exists(store):
        raise Skip("no %s (package ca-certificates)" % store)
    root, c.ca_file = c.ca_file, None
    refused(ca, c, r"trusted root|unknown|not trusted|trust anchor")
    path = os.path.join(c.base, "store.pem")
    with open(store, encoding="utf-8") as f, open(root, encoding="ascii") as g:
        text = f.read() + g.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run(["mount", "--bind", path, store], check=True)
    try:
        c.issue(["a.example.net"], "--now").expect(0)
    finally:
        subprocess.run(["umount", store], check=True)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("trust"))
