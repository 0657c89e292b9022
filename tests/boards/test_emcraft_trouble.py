#!/usr/bin/env python3
"""emcraft-sf2 among trouble: late networks, lying clocks, full and spoiled flash, a CA that is down.

    tests/boards/test_emcraft_trouble.py [--verbose] [word ...]

FIRST_MINUTE=N: how long the CA is down (default 10 s; make test-all: 60, and the device is left to
its own backoff, which takes up to five minutes).
"""
import json
import os
import random
import re
import signal
import socket
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "flash"))
import device as dev  # noqa: E402
import fakeca  # noqa: E402
import records  # noqa: E402
import test_emcraft as base  # noqa: E402
import world  # noqa: E402
from test_emcraft import NAMES, Stage, issued  # noqa: E402
from common import Fail, Suite, check, equal  # noqa: E402

DOWN = float(os.environ.get("FIRST_MINUTE", "10"))
DAY = 86400
suite = Suite()


ELF8 = os.path.join(dev.TOP, "build", "emcraft-sf2-records8", "firmware.elf")  # RECORDS=8


def case(name, elf=base.ELF):
    return base.case(name, suite, elf=elf)


# ---------------------------------------------------------------- network

class Monitor:
    """QEMU's monitor (QMP), to pull the cable."""

    def __init__(self, path):
        end = time.monotonic() + 20
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "error" in reply:
                raise Fail("QEMU: %s" % reply)
            if "return" in reply:
                return

    def close(self):
        self.file.close()
        self.socket.close()


@case("dhcp_late")
def dhcp_late():
    with Stage(boot=False, ca={"sleep": False}) as (ca, board):
        path = os.path.join(board.folder, "qmp")
        board.boot("-S", "-qmp", "unix:%s,server=on,wait=off" % path)
        monitor = Monitor(path)
        monitor("set_link", name="n0", up=False)  # before its first frame
        monitor("cont")
        board.wait("start", 20)
        time.sleep(12)
        check(not board.has("address"), "an address without a network")
        check(not board.has("request"), "a request without an address")
        monitor("set_link", name="n0", up=True)
        plugged = time.monotonic()
        address = board.wait("address", 90)
        print("# address %.1f s after the cable was plugged in" % (address["_at"] - plugged),
              flush=True)
        issued(board, 0, 90)
        # pulled in the middle of a run, and put back
        serial, _ = board.get()
        at = board.mark()
        board.type("renew")
        board.wait("request", 20, at)
        monitor("set_link", name="n0", up=False)
        time.sleep(5)
        monitor("set_link", name="n0", up=True)
        if not base.done(board, at, 100):
            board.wait("held", 1, at)  # or its own backoff has begun
            board.type("now")
        issued(board, at, 60)
        check(board.get()[0] != serial, "the old certificate is still served")
        monitor.close()


@case("ca_down_at_first")
def ca_down():
    with Stage(boot=False, ca={"sleep": False}) as (ca, board):
        ca.processes[1].send_signal(signal.SIGSTOP)
        ca.forwarder.close()  # refused at once
        board.boot()
        board.wait("failure", 60)
        check(not board.has("certificate"), "a certificate without a CA")
        time.sleep(DOWN)
        ca.processes[1].send_signal(signal.SIGCONT)
        ca.forwarder = world.Forwarder(("127.0.0.1", ca.pebble_port), port=ca.port)
        at = board.mark()
        if DOWN < 60:
            board.type("now")
        issued(board, at, 400)
        board.get()
        equal(ca.count()["newOrder"], 1, "newOrder")


@case("records_of_16_KB")
def large_records():
    """A server that sends all that it has in one TLS record of 16 KB, as OpenSSL does."""
    padding = {"meta": {"website": "x" * 17000}}

    def large(request, reply):
        body = json.loads(reply.body)
        body.update(padding)
        return fakeca.Reply(200, body)

    def trailing(request, reply):
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        reply.raw = head.encode() % len(reply.body) + reply.body + b"y" * 16000
        return reply

    with Stage(boot=False) as (ca, board), fakeca.FakeCA(80, host="ca.test") as fake:
        board.kill()
        board.ca = fake
        board.mkconfig(*board.config_args(), "--image", board.nor)
        for name, rule in (("too large a reply", large), ("bytes behind a reply", trailing)):
            fake.on("directory", rule, times=1)
            at = board.mark()
            if board.process is None:
                board.boot()
            else:
                board.type("renew")
            figures = board.wait("figures", 60, at)
            failed = [e for e in board.events[at:] if e.get("event") == "failure"
                      and e["failure"]["error"] != "ACME_E_LOOKUP"]  # a slow machine's
            print("# a record of 16 KB, %s: %s; pool %d of %d" % (
                name, failed[0]["failure"]["error"] if failed else "read", figures["pool_peak"],
                figures["pool"]), flush=True)
            check(figures["pool_peak"] > 16384, "there was no such record")
            equal((figures["pool_used"], figures["pool_refused"]), (0, 0), "pool_used, refused")
            if rule is large:
                equal(failed[0]["failure"]["error"], "ACME_E_SIZE", "what it says")
                check("bound" in failed[0]["failure"]["what"], "no bound is named: %s" % failed)
            if failed:
                at = board.mark()
                board.type("now")  # the device is none the worse
            issued(board, at)
        equal(fake.complaints, [], "complaints of the CA")


@case("records_above_8_KB_with_a_pool_for_8", ELF8)
def short_records():
    """The image for records up to 8 KB: one that is longer finds no memory, and that is all."""
    def behind(count):
        def rule(request, reply):
            head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            reply.raw = head.encode() % len(reply.body) + reply.body + b"y" * count
            return reply
        return rule

    with Stage(boot=False) as (ca, board), fakeca.FakeCA(80, host="ca.test") as fake:
        board.elf = ELF8
        board.ca, fake.roots = fake, fake.ca_file
        board.mkconfig(*board.config_args(), "--image", board.nor)
        board.boot()
        f = issued(board)
        check(f["pool"] < 24576, "the pool has %d bytes: this is not the image" % f["pool"])
        serial, _ = board.get()
        fake.on("directory", behind(7000), times=1)
        at = board.mark()
        board.type("renew")
        f = issued(board, at)
        equal(f["pool_refused"], 0, "pool_refused with a record of 8 KB")
        fresh, _ = board.get()
        check(fresh != serial, "the old certificate is still served")
        for kind in ("directory", "finalize"):
            orders = fake.count("newOrder")
            fake.on(kind, behind(15800), times=1)
            at = board.mark()
            board.type("renew")
            failed = board.wait("failure", 60, at)
            f = board.wait("figures", 60, at)
            print("# a record of 16 KB for %s: %s; pool %d of %d, refused %d" % (
                kind, failed["failure"]["error"], f["pool_peak"], f["pool"], f["pool_refused"]),
                flush=True)
            equal(failed["failure"]["error"], "ACME_E_TLS_MEMORY", "what it says")
            check(f["pool_refused"] > 0, "the pool had room for it")
            equal(f["pool_used"], 0, "pool_used after it")
            equal(board.get()[0], fresh, "the serial that is served after it")
            at = board.mark()
            board.type("renew")
            issued(board, at)
            serial, fresh = fresh, board.get()[0]
            check(fresh != serial, "the old certificate is still served")
            equal(fake.count("newOrder"), orders + 1, "orders for one certificate")
        check(not board.has("panic") and not board.has("fault"), "it fell: " + board.tail())
        equal((board.boots, fake.complaints), (1, []), "boots, complaints of the CA")


# ---------------------------------------------------------------- clocks

@case("wrong_clock")
def wrong_clock():
    with Stage(boot=False) as (ca, board):
        for name, when in (("1970", 0), ("2099", 4070908800)):
            base.clock.tell(at=when)
            at = board.mark()
            board.boot()
            board.wait("clock", 30, at, text="implausible")
            board.wait("warning", 10, at, error="ACME_E_CLOCK")
            time.sleep(1.5)
            check(not board.has("request", at), "%s: it talks to the CA" % name)
            if name == "1970":
                board.kill()
        equal(ca.connections(), 0, "connections to the CA")
        base.clock.tell()  # the device asks again by itself within a minute
        issued(board, at, 90)
        board.get()


@case("wrong_clock_that_is_believed")
def wrong_clock_plausible():
    """Five years ahead: it may be true. Then the truth, without a reset, without the console."""
    with Stage(boot=False) as (ca, board):
        base.clock.tell(offset=5 * 365 * DAY)
        board.boot()
        failed = board.wait("failure", 40)
        check(failed["failure"]["error"] in ("ACME_E_TLS_DATE", "ACME_E_TLS_TRUST"),
              "it says %s" % failed)
        time.sleep(3)
        check(ca.connections() <= 3, "%d connections in 3 s" % ca.connections())
        check(not board.has("certificate"), "a certificate by a wrong clock")
        base.clock.tell()
        at = board.mark()
        issued(board, at, 120)
        board.get()
        equal(board.boots, 1, "boots")
        equal(ca.count()["newOrder"], 1, "newOrder")


def older_image(folder, days):
    """The firmware as if it had been built so many days earlier."""
    with open(os.path.join(os.path.dirname(base.ELF), "build-time"), encoding="ascii") as f:
        built = int(f.read())
    with open(base.ELF, "rb") as f:
        data = f.read()
    word = struct.pack("<q", built)
    check(data.count(word) >= 1, "no build time in the image")
    path = os.path.join(folder, "older.elf")
    with open(path, "wb") as f:
        f.write(data.replace(word, struct.pack("<q", built - days * DAY)))
    return path


def floor_of(board):
    found = re.search(r"clock floor +(\S+)", board.dump("--slot", "device")[1])
    check(found, "no clock floor in the image")
    return time.mktime(time.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone \
        if found[1] != "none" else 0


@case("clock_floor_rises_with_what_is_confirmed")
def clock_floor():
    with Stage(boot=False, ca={"sleep": False}) as (ca, board):
        board.elf = older_image(board.folder, 100)
        base.clock.tell(offset=-30 * DAY)  # believed: it was built before that
        board.boot()
        board.wait("address", 30)
        end = time.monotonic() + 60  # refused: the CA's certificate is not valid yet
        while not board.has("failure") and time.monotonic() < end:
            time.sleep(0.1)
        check(board.has("failure", error="TLS"), "no failure: " + board.tail())
        board.kill()
        check(floor_of(board) < time.time() - 90 * DAY, "a time by SNTP was stored")
        base.clock.tell()
        at = board.mark()
        board.boot()
        issued(board, at, 60)
        end = time.monotonic() + 20
        while floor_of(board) < time.time() - 2 * DAY and time.monotonic() < end:
            time.sleep(0.2)
        board.kill()
        floor = floor_of(board)
        check(time.time() - 1.1 * DAY < floor < time.time(), "the floor is %s" % time.ctime(floor))
        # what was believed before is not any more
        base.clock.tell(offset=-30 * DAY)
        at = board.mark()
        board.boot().wait("clock", 30, at, text="implausible")
        base.clock.tell()
        board.wait("not_due", 90, at)
        equal(board.boots, 3, "boots")


# ---------------------------------------------------------------- flash

WORDS = ("not_due", "certificate", "failure", "config", "seed", "flash", "warning")


def says_something(board, since, what, seconds=20):
    end = time.monotonic() + seconds
    while not any(board.has(w, since) for w in WORDS) and time.monotonic() < end:
        time.sleep(0.1)
    check(any(board.has(w, since) for w in WORDS), "%s: silence" % what)
    check(not board.has("panic", since), "%s: it panics: %s" % (what, board.tail()))


def provision(board, ca):
    """Over the console, on whatever lies in the flash."""
    at = board.mark()
    for line in board.mkconfig(*board.config_args(), "--hex").splitlines():
        board.type(line)
    board.wait("console", 20, at, text="configuration stored")
    board.wait("seed", 20, at, text="no seed|cannot be used")
    board.type("seed " + os.urandom(32).hex())
    issued(board, at)
    board.get()


@case("flash_of_noise")
def flash_of_noise():
    """Whatever the chip holds when it is soldered in: said clearly, and mended over the console."""
    rng = random.Random(7)
    size = 8 * 65536
    with Stage(boot=False, ca={"sleep": False}) as (ca, board):
        for what, data in (("blank", b"\xff" * size), ("zeros", b"\0" * size),
                           ("noise", rng.randbytes(size))):
            board.write_image(data)
            at = board.mark()
            board.boot().wait("config", 20, at, text="no configuration")
            check(not board.has("panic", at), "%s: it panics" % what)
            provision(board, ca)
            board.kill()
            status, text = board.dump()
            check(status == 0, "%s: %s" % (what, text))


@case("flash_that_is_full")
def flash_full():
    """Live records of somebody else's in every place: no brick, and no loss of what is there."""
    with Stage(boot=False, ca={"sleep": False}) as (ca, board):
        board.flash_tool("fill")
        before = board.dump("--slot", "config")[1].split("\n", 1)[1]
        at = board.mark()
        board.boot()
        says_something(board, at, "full")
        print("# full flash: " + board.tail(2), flush=True)
        time.sleep(3)
        check(not board.has("panic", at), "it panics: " + board.tail())
        check(board.has("", at) or board.process.poll() is None, "it is gone")
        board.type("status")  # it still listens
        if board.has("address", at):
            board.wait("status", 10, at)
        else:
            board.wait("console", 10, at)
        board.kill()
        after = board.dump("--slot", "config")[1].split("\n", 1)[1]
        equal(after.split("record")[1], before.split("record")[1], "the configuration")
        board.write_image(b"\xff" * (8 * 65536))  # the way out: the slots are erased
        at = board.mark()
        board.boot().wait("config", 20, at, text="no configuration")


@case("flash_that_is_damaged")
def corrupt_flash():
    with Stage(ca={"sleep": False}) as (ca, board):
        issued(board)
        board.kill()
        with open(board.nor, "rb") as f:
            good = f.read(8 * 65536)
        rng = random.Random(7)
        # single flipped bits in the used part: it works, or says what is wrong
        for turn in range(4):
            bad = bytearray(good)
            for _ in range(6):
                where = 65536 + rng.choice((0, 65536 - 4096)) + rng.randrange(4096)
                bad[where] ^= 1 << rng.randrange(8)
            board.write_image(bad)
            at = board.mark()
            board.boot()
            says_something(board, at, "damage %d" % turn)
            board.kill()
            status, _ = board.dump("--all")
            check(status in (0, 1, 2), "record_dump: exit %d" % status)


# ---------------------------------------------------------------- a pair that cannot be loaded

def spoil_key(record):
    """The next certificate: the same, but its key is no key."""
    _, sequence, fields = records.decode(record)
    fields = [(tag, b"\x30\x03\x02\x01\x01" if tag == records.CERT_KEY else value)
              for tag, value in fields]
    return records.encode(records.CERT_B, fields, sequence + 1)


@case("a_pair_that_cannot_be_loaded_is_rolled_back")
def roll_back():
    with Stage(ca={"sleep": False}) as (ca, board):
        issued(board)
        serial, _ = board.get()
        board.kill()
        record = board.flash_tool("get", records.CERT_A, NAMES[0])
        board.flash_tool("put", records.CERT_B, NAMES[0], data=spoil_key(record))
        status, text = board.dump()
        check(status == 2 and "BAD" in text, "the test's own record: " + text)
        ca.mark()
        at = board.mark()
        board.boot().wait("not_due", 30, at)
        try:
            board.get(1)
        except Fail:
            pass
        board.wait("failure", 10, at, error="ACME_E_CERT")
        board.wait("rolled_back", 10, at)
        equal(board.get()[0], serial, "the serial that is served")
        equal(ca.count()["total"], 0, "requests for it")
        board.kill()
        status, text = board.dump()
        check(status == 0 and "ACME_E_CERT" in text and "rolled back      1" in text, text)
        at = board.mark()
        board.boot().wait("not_due", 30, at)  # also over a reset
        equal(board.get()[0], serial, "the serial that is served")
        # one that is loaded ends the series
        at = board.mark()
        board.type("renew")
        issued(board, at)
        check(board.get()[0] != serial, "the old certificate is still served")
        end = time.monotonic() + 10
        while "rolled back" in board.dump("--slot", "sched")[1] and time.monotonic() < end:
            time.sleep(0.2)
        check("rolled back" not in board.dump("--slot", "sched")[1], "it is counted for ever")


if __name__ == "__main__":
    sys.exit(base.main(suite, "emcraft-sf2 in trouble"))
