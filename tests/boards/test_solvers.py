#!/usr/bin/env python3
"""Firmware that proves names by tls-alpn-01, dns-01, and over the UART: its images (SOLVERS=...), Pebble that asks.

    tests/boards/test_solvers.py [--verbose] [word ...]

BOARD_SOLVERS=1: also the images that make test does not build (make test-all does): the second
board, a responder of its own in the place of the HTTPS server, records of 8 KB, solvers over the UART.
"""
import base64
import json
import os
import re
import select
import socket
import ssl
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import test_emcraft as base  # noqa: E402
from test_emcraft import dev, figures  # noqa: E402
from common import Fail, Suite, check, equal, openssl  # noqa: E402
from dnsrig import Bind, Key, Knot, zone  # noqa: E402

NAMES = ["gw.example.net", "b.example.net"]
PROTOCOL = "acme-tls/1"
PROOF = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f"  # the OID of acmeIdentifier
suite = Suite()


def image(board, variant):
    return os.path.join(dev.TOP, "build", board + variant, "firmware.elf")


def stage(board, variant):
    class Kind(dev.Device):
        more_config = ()

        def config_args(self):
            return super().config_args() + list(self.more_config)

    class Place(base.Stage):
        device_kind, elf = Kind, image(board, variant)

    Kind.board = board
    return Place


def case(name, board, variant, long=False):
    def keep(fn):
        if long and not os.environ.get("BOARD_SOLVERS"):
            return fn
        base.case(name, suite, board, image(board, variant))(lambda: fn(stage(board, variant)))
        return fn
    return keep


def issued(board, since, seconds=180):
    """The figures of the run that made a certificate: those of one that did not may come before."""
    made = board.wait("certificate", seconds, since)
    with board.changed:
        at = next(i for i, e in enumerate(board.events) if e is made)
    return board.wait("figures", 60, at)


# ---------------------------------------------------------------- tls-alpn-01

class Gate:
    """Port 443, where the CA comes: its connections wait here until they are let through to the
    board, one after another, because emcraft-sf2 loses frames when a CA comes from several places in
    one moment (its README), and QEMU repeats them after six seconds. Others go to the board's port
    behind it."""

    def __init__(self, target, port=443):
        self.target, self.is_open, self.came = target, threading.Event(), threading.Event()
        self.is_open.set()
        self.turn = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.came.set()
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        self.is_open.wait(30)
        try:
            with self.turn, client, socket.create_connection(("127.0.0.1", self.target), 10) as board:
                ends = {client: board, board: client}
                while ends:
                    for s in select.select(list(ends), [], [], 30)[0]:
                        data = s.recv(65536)
                        if not data:
                            return
                        ends[s].sendall(data)
        except OSError:
            pass

    def close(self):
        self.is_open.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()


def shown(port, name, protocols, seconds=20):
    """The certificate (DER) that the board shows, and the protocol it agrees to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as raw, \
                    context.wrap_socket(raw, server_hostname=name) as s:
                return s.getpeercert(binary_form=True), s.selected_alpn_protocol()
        except OSError as e:  # busy: the memory is the agent's at this moment
            if time.monotonic() > end:
                raise Fail("TLS to the board for %s %s: %s" % (name, protocols, e))
            time.sleep(0.05)


def by_tls_alone(ca):
    kinds = set(re.findall(r"tls-alpn-01|http-01|dns-01", ca.log_text()))
    check("http-01" not in kinds and "dns-01" not in kinds, "the CA asked by other means: %s" % kinds)


def proves_by_tls(place, server, names=NAMES):
    """Issues, renews; ordinary clients are served before, while a name is being proved, and after."""
    with place(names=names, ca={"sleep": False}, https_port=8443, boot=False) as (ca, board):
        gate = Gate(8443)
        try:
            board.boot()
            figures("tls-alpn-01, %d names" % len(names), issued(board, 0), board.elf)
            by_tls_alone(ca)
            equal(ca.count()["newOrder"], 1, "newOrder")
            first = board.get(60)[0] if server else None

            # the CA waits outside while others come
            gate.is_open.clear()
            gate.came.clear()
            at = board.mark()
            board.type("renew")
            board.wait("challenge", 60, at, text="tls-alpn-01", word="responded")
            check(gate.came.wait(30), "the CA does not come")
            if server:
                equal(board.get(60)[0], first, "the serial for an ordinary client meanwhile")
            for protocols in ([PROTOCOL, "h2"], ["h2"]) if server else ():
                cert, protocol = shown(8443, NAMES[0], protocols)
                check(PROOF not in cert and protocol is None, "the proof is shown to %s" % protocols)
            cert, protocol = shown(8443, NAMES[0], [PROTOCOL])
            equal(protocol, PROTOCOL, "protocol")
            check(PROOF in cert, "no proof for who asks for it: %r" % cert)
            text = openssl("x509", "-inform", "DER", "-noout", "-text", data=cert).decode()
            check("DNS:" + NAMES[0] in text and "1.3.6.1.5.5.7.1.31: critical" in text, text)
            gate.is_open.set()
            figures("renewal among other clients", issued(board, at), board.elf)
            by_tls_alone(ca)
            if server:
                fresh = board.get(60)[0]
                check(fresh != first, "the old certificate is still served")
                cert, protocol = shown(8443, NAMES[0], [PROTOCOL])
                check(PROOF not in cert, "the proof is still shown")
            check(not board.has("start", at), "it has started again")
        finally:
            gate.close()


@case("emcraft_tls_alpn_01_beside_https", "emcraft-sf2", "-tls-alpn-01")
def emcraft_tls(place):
    proves_by_tls(place, True, NAMES[:1])


@case("emcraft_tls_alpn_01_alone", "emcraft-sf2", "-client-tls-alpn-01", long=True)
def emcraft_tls_alone(place):
    proves_by_tls(place, False, NAMES[:1])


@case("emcraft_tls_alpn_01_records_8k", "emcraft-sf2", "-records8-tls-alpn-01", long=True)
def emcraft_tls_8k(place):
    proves_by_tls(place, True, NAMES[:1])


@case("riscv_tls_alpn_01_beside_https", "riscv32-virt", "-tls-alpn-01", long=True)
def riscv_tls(place):
    proves_by_tls(place, True)


# ---------------------------------------------------------------- dns-01

NS = "192.0.2.53"  # the board reaches it through QEMU's network, the CA directly
OWNER = "_acme-challenge.example.net"


def secret_is_kept(board, key):
    """Neither the console nor a dump of the flash image shows the key."""
    raw = base64.b64decode(key.secret)
    dump = board.dump()[1]
    check(re.search(r"DNS server +%s:53\b" % NS, dump) and "DNS key" in dump, "record_dump: " + dump[-800:])
    for text in (dump, json.dumps(board.events)):
        check(key.secret not in text and raw.hex() not in text and repr(raw)[2:-1] not in text,
              "the key is shown")


def proves_by_dns(place, server, algorithm="hmac-sha256"):
    """A name and its wildcard, issued and renewed; the key comes with the flash image, a wrong one
    first."""
    key, wrong = Key(algorithm=algorithm), Key(algorithm=algorithm)
    names = ["example.net", "*.example.net"]
    with server(NS, {"example.net": zone("example.net", ["ns1.dns.test"])}, key) as ns, \
            tempfile.TemporaryDirectory() as keys:
        more = ["--dns-server", NS, "--tsig-key-file"]
        place.device_kind.more_config = more + [wrong.file(keys)]
        with place(names=names, ca={"sleep": False, "ask_dns": NS + ":53"}, boot=False) as (ca, board):
            ca.dns("add_a", host="ns1.dns.test", addresses=[NS])
            board.boot()
            board.wait("dns", 120, text="BADSIG")
            board.wait("failure", 60, error="ACME_E_SOLVER")
            equal((ca.count()["challenge"], ns.txt(OWNER)), (0, 0), "challenges, TXT records")

            # the right key over the console
            board.more_config = more + [key.file(keys)]
            at = board.mark()
            for line in board.mkconfig(*board.config_args(), "--hex").splitlines():
                board.type(line)
            board.wait("start", 60, at)
            board.wait("address", 60, at)
            board.type("now")
            figures("dns-01, a name and its wildcard", issued(board, at), board.elf)
            equal((ca.count()["challenge"], ns.txt(OWNER)), (2, 0), "challenges, TXT records")
            at = board.mark()
            board.type("renew")
            figures("renewal", issued(board, at), board.elf)
            equal(ns.txt(OWNER), 0, "TXT records left behind")
            check(not board.has("start", at), "it has started again")
            board.get(60)
            kinds = set(re.findall(r"tls-alpn-01|http-01", ca.log_text()))
            check(not kinds, "the CA asked by other means: %s" % kinds)
            board.kill()
            secret_is_kept(board, key)


@case("emcraft_dns_01_bind", "emcraft-sf2", "-dns-01")
def emcraft_dns(place):
    proves_by_dns(place, Bind)


@case("riscv_a_name_by_tls_and_a_wildcard_by_knot", "riscv32-virt", "-client-tls-alpn-01-dns-01", long=True)
def riscv_both(place):
    key = Key(algorithm="hmac-sha512")
    text = zone("example.net", ["ns1.dns.test"], "gw A 127.0.0.1")
    with Knot(NS, {"example.net": text}, key) as ns, tempfile.TemporaryDirectory() as keys:
        place.device_kind.more_config = ["--dns-server", NS, "--tsig-key-file", key.file(keys)]
        with place(names=["gw.example.net", "*.example.net"], boot=False,
                   ca={"sleep": False, "ask_dns": NS + ":53"}) as (ca, board):
            ca.dns("add_a", host="ns1.dns.test", addresses=[NS])
            board.boot()
            figures("a name by tls-alpn-01, a wildcard by dns-01", issued(board, 0), board.elf)
            for kind, name in (("tls-alpn-01", "gw.example.net"), ("dns-01", r"\*.example.net")):
                check(board.has("challenge", text=kind, detail=name, word="begun"),
                      "%s is not proved by %s" % (name, kind))
            equal(ns.txt(OWNER), 0, "TXT records left behind")


# ---------------------------------------------------------------- external, over the UART

class Solver:
    """The program at the other end of the UART: reads its lines of JSON beside the events, publishes
    what they ask for, and answers."""

    def __init__(self, ca, board, answer):
        self.ca, self.board, self.answer, self.failed = ca, board, answer, None
        self.since = board.mark()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        at = self.since
        while not self.ended.is_set():
            with self.board.changed:
                lines, at = [e for e in self.board.events[at:] if "cmd" in e], len(self.board.events)
                if not lines:
                    self.board.changed.wait(0.2)
            for m in lines:
                try:
                    if m["cmd"] == "validate":
                        self.ca.dns("set_txt", host=m["domain"] + ".", value=m["validation"])
                        self.answer(self.board)
                except Exception as e:  # what check and wait raise, too
                    self.failed = repr(e)

    def of(self, cmd):
        with self.board.changed:
            return [e for e in self.board.events[self.since:] if e.get("cmd") == cmd]

    def close(self):
        """When it has done what it does; what went wrong is said here."""
        self.ended.set()
        self.thread.join(150)
        check(not self.failed, self.failed)


def proves_over_uart(place):
    """Issued and renewed. A wildcard, so that dns-01 is what the CA offers. A console's command while
    a line is awaited is no answer, nor is an empty line before. A restart asks again."""
    def first_commands(board):
        at = board.mark()
        board.type("status")
        board.wait("status", 60, at)
        board.type("nonsense")
        board.wait("console", 60, at, text="not carried out")
        check(not board.has("challenge", at, word="responded"), "a command was taken for an answer")
        board.type("\r")  # with the newline after it: one empty line

    with place(names=["*.example.net"], ca={"sleep": False}, boot=False) as (ca, board):
        board.boot()
        board.wait(None, 120, cmd="validate")
        board.kill()  # while nobody has answered
        at = board.mark()
        board.boot()
        board.type("")
        solver = Solver(ca, board, first_commands)
        try:
            figures("external, over the UART", issued(board, at), board.elf)
            solver.close()
            (m,) = solver.of("validate")
            equal((m["type"], m["domain"]), ("dns-01", OWNER), "asked for")
            m = solver.of("cleanup")[-1]  # before it perhaps that of the attempt that was cut short
            equal((m["type"], m["status"]), ("dns-01", "valid"), "cleaned up")
            for word in '{"done": true}', '{"done": "%s"}' % ("x" * 300):
                at = board.mark()
                solver = Solver(ca, board, lambda board, word=word: board.type(word))
                board.type("renew")
                figures("renewal", issued(board, at), board.elf)
                solver.close()
                equal((len(solver.of("validate")), len(solver.of("cleanup"))), (1, 1), "lines")
                check(not board.has("start", at), "it has started again")
                check(not board.has("console", at), "an answer was taken for a command")
        finally:
            solver.close()


@case("emcraft_external_over_uart", "emcraft-sf2", "-client-external", long=True)
def emcraft_external(place):
    proves_over_uart(place)


@case("riscv_external_over_uart", "riscv32-virt", "-client-external", long=True)
def riscv_external(place):
    proves_over_uart(place)


if __name__ == "__main__":
    sys.exit(base.main(suite, "solvers"))
