#!/usr/bin/env python3
"""The agent as firmware: emcraft-sf2 in QEMU gets its certificate from the newest Pebble and serves it.

    tests/boards/test_emcraft.py [--verbose] [word ...]

BOARD_CUTS=N: how many power cuts (default 8). BOARD_ELF: another image. FIRST_MINUTE=N: how long the
CA is down (default 12 s; 60 for the whole thing).
"""
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))
import common  # noqa: E402
import device as dev  # noqa: E402
import machines  # noqa: E402
import world  # noqa: E402
from common import Fail, Skip, Suite, check, equal  # noqa: E402
from device import Clock, Device  # noqa: E402

CUTS = int(os.environ.get("BOARD_CUTS", "8"))
DOWN = float(os.environ.get("FIRST_MINUTE", "12"))
ELF = os.environ.get("BOARD_ELF", dev.ELF)
NAMES = ["gw.example.net", "b.example.net", "c.example.net", "d.example.net"]
suite = Suite()
clock = None


def case(name):
    def keep(fn):
        def run():
            why = machines.missing("emcraft-sf2")
            if why:
                raise Skip(why)
            if not common.in_namespace():
                raise Skip("no private network namespace here (root, or user namespaces)")
            if not os.path.exists(ELF):
                raise Skip("no image (make BOARD=emcraft-sf2 firmware)")
            global clock
            clock = clock or Clock()
            clock.tell()
            fn()
        suite.add(name, run)
        return fn
    return keep


class Stage:
    """A CA and a board in a folder of its own: with Stage() as (ca, board)."""

    def __init__(self, kind=world.World, names=NAMES[:1], boot=True, ca=None, **more):
        self.kind, self.names, self.boot, self.ca, self.more = kind, names, boot, ca or {}, more

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="lwacme-board-")
        self.world = self.kind(ca_name="ca.test", http_port=80, **self.ca)
        self.world.__enter__()
        try:
            self.world.dns("add_a", host="ca.test", addresses=["10.0.2.2"])
            self.device = Device(self.world, self.folder, self.names, elf=ELF, **self.more)
            if self.boot:
                self.device.boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self.world, self.device

    def __exit__(self, *why):
        if getattr(self, "device", None):
            self.device.kill()
        self.world.__exit__(*why)
        shutil.rmtree(self.folder, ignore_errors=True)


def issued(board, since=0, seconds=60):
    board.wait("certificate", seconds, since)
    return board.wait("figures", 20, since)


def figures(what, f):
    print("# %s: pool %d of %d, stack %d of %d, longest slice %.1f ms in %s, %d requests, %d ms" % (
        what, f["pool_peak"], f["pool"], f["stack_peak"], f["stack"], f["longest_us"] / 1000,
        f["longest_in"], f["requests"], f["run_ms"]), flush=True)
    # for make size
    old = int(open(ELF + ".stack").read()) if os.path.exists(ELF + ".stack") else 0
    with open(ELF + ".stack", "w", encoding="ascii") as out:
        out.write("%d\n" % max(old, f["stack_peak"]))
    equal((f["pool_refused"], f["pool_used"], f["frames_dropped"]), (0, 0, 0),
          "pool_refused, pool_used, frames_dropped")


@case("issues_ecdsa_and_serves")
def issues_ecdsa():
    # twelve validators in one millisecond lose frames, and QEMU's network repeats a SYN only after
    # six seconds: let Pebble spread them, as it does by default
    with Stage(names=NAMES, ca={"sleep": True}) as (ca, board):
        figures("ECDSA chain, 4 names", issued(board))
        serial, body = board.get()
        check(b"200 OK" in body, "no page over HTTPS: %r" % body)
        for name in NAMES[1:]:
            equal(board.get(name=name)[0], serial, "the serial shown to " + name)
        count = ca.count()
        equal((count["newAccount"], count["newOrder"]), (1, 1), "newAccount, newOrder")

        # renewal: another serial, no reset, the same account
        at = board.mark()
        board.type("renew")
        figures("renewal", issued(board, at))
        fresh, _ = board.get()
        check(fresh != serial, "the old certificate is still served")
        check(not board.has("start", at), "it has started again")
        count = ca.count()
        equal((count["newAccount"], count["newOrder"]), (1, 2), "newAccount, newOrder")

        # power off and on: nothing is asked of the CA, the same certificate is served
        board.kill()
        ca.mark()
        at = board.mark()
        board.boot().wait("not_due", 30, at)
        equal(board.get()[0], fresh, "the serial after a start")
        equal(ca.count()["total"], 0, "requests after a start")


@case("issues_rsa_chain")
def issues_rsa():
    with Stage(dev.RsaWorld, ca={"key_algorithm": "rsa", "chain_length": 1}) as (ca, board):
        figures("RSA 4096 root, RSA 2048 server; RSA issuer", issued(board))
        board.get()
        f = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername",
                            NAMES[0], "-tls1_2", "-CAfile", ca.roots, "-verify_return_error",
                            "-verify_hostname", NAMES[0]], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
        check("Verify return code: 0 (ok)" in f.stdout, "openssl s_client: " + f.stdout[-400:])


@case("https_port_is_closed_during_a_run")
def busy():
    import socket
    with Stage(ca={"sleep": False}) as (ca, board):
        issued(board)
        board.get()
        for process in ca.processes[1:]:
            process.send_signal(signal.SIGSTOP)  # the CA does not answer: the run hangs
        at = board.mark()
        board.type("renew")
        board.wait("request", 10, at)
        refused = False
        try:
            with socket.create_connection(("127.0.0.1", 443), 5) as s:
                s.settimeout(5)
                refused = s.recv(1) == b""
        except ConnectionError:
            refused = True
        for process in ca.processes[1:]:
            process.send_signal(signal.SIGCONT)
        check(refused, "a client was let in while the pool is the agent's")
        issued(board, at)
        board.get()


@case("power_cuts")
def power_cuts():
    rng = random.Random(int(os.environ.get("BOARD_SEED", str(int(time.time())))))
    where = collections.Counter()
    with Stage(boot=False) as (ca, board):
        # a first issuance takes 0.2 s (1 to 2 when a frame is lost), a renewal 0.1 s
        at = renewals = 0
        for cut in range(CUTS):
            at = board.mark()
            board.boot()
            if cut % 3 == 2:
                time.sleep(0.8)
                board.type("renew")  # whatever it does: an issuance, a resumed one, nothing
                renewals += 1
            time.sleep(rng.uniform(0.005, (1.6, 0.5, 0.3)[cut % 3]))
            board.kill()
            steps = [e["step"] for e in board.events[at:] if e.get("event") == "step"]
            where[steps[-1] if steps else "start"] += 1
        at = board.mark()
        board.boot()
        # its own backoff may hold it: a person lets it go on, as after any series of cuts
        if not _done(board, at, 12):
            board.type("now")
        if not _done(board, at, 60):
            raise Fail("after %d cuts it does not finish: %s" % (CUTS, board.tail()))
        serial, _ = board.get()  # the handshake proves that key and chain are a pair
        count = ca.count()
        print("# %d cuts (in %s): %d newAccount, %d newOrder, %d finalize; the certificate is "
              "served" % (CUTS, ", ".join("%s %d" % w for w in where.most_common()),
                          count["newAccount"], count["newOrder"], count["finalize"]), flush=True)
        # one that was asked for each renewal, the first, and those whose reply was cut off
        check(count["newOrder"] <= renewals + 1 + max(2, CUTS // 4), "%d orders for %d renewals" % (
            count["newOrder"], renewals))
        equal(count["newAccount"], 1, "newAccount")


def _done(board, since, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if board.has("certificate", since) or board.has("not_due", since):
            return True
        time.sleep(0.1)
    return False


@case("ca_down_at_first")
def ca_down():
    with Stage(boot=False) as (ca, board):
        pebble = ca.processes[1]
        pebble.send_signal(signal.SIGSTOP)
        ca.forwarder.close()  # refused at once
        board.boot()
        board.wait("failure", 60)
        check(not board.has("certificate"), "a certificate without a CA")
        time.sleep(DOWN)
        pebble.send_signal(signal.SIGCONT)
        ca.forwarder = world.Forwarder(("127.0.0.1", ca.pebble_port), port=ca.port)
        at = board.mark()
        if DOWN < 60:
            board.type("now")
        issued(board, at, 100)
        board.get()


@case("wrong_clock")
def wrong_clock():
    with Stage(boot=False) as (ca, board):
        for name, when in (("1970", 0), ("2099", 4070908800)):
            clock.tell(at=when)
            at = board.mark()
            board.boot()
            board.wait("clock", 30, at, text="implausible")
            board.wait("warning", 10, at, error="ACME_E_CLOCK")
            time.sleep(1.5)
            check(not board.has("request", at), "%s: it talks to the CA" % name)
            if name == "1970":
                board.kill()
        equal(ca.connections(), 0, "connections to the CA")
        clock.tell()  # the device asks again by itself within a minute
        issued(board, at, 90)
        board.get()


@case("wrong_clock_plausible")
def wrong_clock_plausible():
    with Stage(boot=False) as (ca, board):
        clock.tell(offset=5 * 365 * 86400)  # within the bounds of belief, and beyond the CA's dates
        board.boot()
        failed = board.wait("failure", 40)
        check(failed["failure"]["error"] in ("ACME_E_TLS_DATE", "ACME_E_CONFIG",
                                             "ACME_E_TLS_TRUST"), "it says %s" % failed)
        check(not board.has("certificate"), "a certificate by a wrong clock")
        board.kill()
        clock.tell()
        at = board.mark()
        board.boot()  # what it stored by the wrong clock must not hold it
        if not _done(board, at, 15):
            board.type("now")
        issued(board, at, 40)


@case("nothing_in_flash")
def empty_flash():
    with Stage(seed=False, config=False) as (ca, board):
        board.wait("config", 20, text="no configuration")
        check(not board.has("address"), "it goes on without a configuration")
        board.type("config 00")
        board.type("config end")
        board.wait("console", 10, error="ACME_E_SLOT_CORRUPT")
        for line in board.mkconfig(*board.config_args(), "--hex").splitlines():
            board.type(line)
        at = board.mark()
        board.wait("start", 20, 1)
        board.wait("seed", 20, 1, text="no seed")
        board.type("seed " + "00" * 31)
        board.wait("console", 10, at, error="ACME_E_ARG")
        board.type("seed " + os.urandom(32).hex())
        issued(board, at)
        board.get()


@case("corrupt_flash")
def corrupt_flash():
    with Stage() as (ca, board):
        issued(board)
        board.kill()
        with open(board.nor, "rb") as f:
            good = f.read()
        rng = random.Random(7)
        # noise over all of the slots: an empty store, said clearly, and mended over the console
        with open(board.nor, "r+b") as f:
            f.write(rng.randbytes(8 * 65536))
        at = board.mark()
        board.boot().wait("config", 20, at, text="no configuration")
        board.kill()
        # single flipped bits and torn pieces in the used part: it works, or says what is wrong
        for turn in range(3):
            bad = bytearray(good)
            for _ in range(6):
                where = rng.choice((0, 65536 - 4096)) + rng.randrange(4096)
                bad[where] ^= 1 << rng.randrange(8)
            with open(board.nor, "wb") as f:
                f.write(bad)
            at = board.mark()
            board.boot()
            end = time.monotonic() + 20
            words = ("not_due", "certificate", "failure", "config", "seed", "flash")
            while not any(board.has(w, at) for w in words) and time.monotonic() < end:
                time.sleep(0.1)
            check(any(board.has(w, at) for w in words), "silence after damage %d" % turn)
            check(not board.has("panic", at), "it panics: " + board.tail())
            board.kill()


def main():
    common.enter_namespace()
    try:
        return suite.main("emcraft-sf2")
    finally:
        if clock:
            clock.close()


if __name__ == "__main__":
    sys.exit(main())
