#!/usr/bin/env python3
"""The agent as firmware: emcraft-sf2 in QEMU gets its certificate from the newest Pebble and serves it.

    tests/boards/test_emcraft.py [--verbose] [word ...]

BOARD_ELF: another image. What goes wrong around the board is in test_emcraft_trouble.py, power cuts
are in test_emcraft_cuts.py; they use what is here.
"""
import os
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

ELF = os.environ.get("BOARD_ELF", dev.ELF)
NAMES = ["gw.example.net", "b.example.net", "c.example.net", "d.example.net"]
suite = Suite()
clock = None


def case(name, suite=suite, board="emcraft-sf2", elf=ELF):
    def keep(fn):
        def run():
            why = machines.missing(board)
            if why:
                raise Skip(why)
            if not common.in_namespace():
                raise Skip("no private network namespace here (root, or user namespaces)")
            if not os.path.exists(elf):
                raise Skip("no image %s (make BOARD=%s firmware)" % (
                    os.path.relpath(elf, dev.TOP), board))
            global clock
            clock = clock or Clock()
            clock.tell()
            fn()
        suite.add(name, run)
        return fn
    return keep


class Stage:
    """A CA and a board in a folder of its own: with Stage() as (ca, board)."""
    device_kind, elf = Device, ELF

    def __init__(self, kind=world.World, names=NAMES[:1], boot=True, ca=None, **more):
        self.kind, self.names, self.boot, self.ca, self.more = kind, names, boot, ca or {}, more

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="lwacme-board-")
        self.world = self.kind(ca_name="ca.test", http_port=80, **self.ca)
        self.world.__enter__()
        try:
            self.names_to_dns(self.world)
            self.device = self.device_kind(self.world, self.folder, self.names, elf=self.elf,
                                           **self.more)
            if self.boot:
                self.device.boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self.world, self.device

    @staticmethod
    def names_to_dns(ca):
        ca.dns("add_a", host="ca.test", addresses=["10.0.2.2"])

    def __exit__(self, *why):
        if getattr(self, "device", None):
            self.device.kill()
        self.world.__exit__(*why)
        shutil.rmtree(self.folder, ignore_errors=True)


def issued(board, since=0, seconds=60):
    board.wait("certificate", seconds, since)
    return board.wait("figures", 20, since)


def figures(what, f, elf=ELF):
    print("# %s: pool %d of %d, stacks %d of %d and %d of %d, longest slice %.1f ms in %s, %d requests, "
          "%d ms" % (what, f["pool_peak"], f["pool"], f["stack_peak"], f["stack"], f["fiber_peak"],
                     f["fiber"], f["longest_us"] / 1000, f["longest_in"], f["requests"],
                     f["run_ms"]), flush=True)
    # for make size
    old = int(open(elf + ".stack").read()) if os.path.exists(elf + ".stack") else 0
    with open(elf + ".stack", "w", encoding="ascii") as out:
        out.write("%d\n" % max(old, f["stack_peak"] + f["fiber_peak"]))
    equal((f["pool_refused"], f["pool_used"], f["frames_dropped"]), (0, 0, 0),
          "pool_refused, pool_used, frames_dropped")


def renews_and_starts_again(ca, board, serial, tell):
    """After the first certificate, with that serial; tell: figures of this board."""
    # renewal: another serial, no reset, the same account
    at = board.mark()
    board.type("renew")
    tell("renewal", issued(board, at))
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

        renews_and_starts_again(ca, board, serial, figures)


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


def done(board, since, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if board.has("certificate", since) or board.has("not_due", since):
            return True
        time.sleep(0.1)
    return False


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


def main(cases=suite, title="emcraft-sf2"):
    common.enter_namespace()
    try:
        return cases.main(title)
    finally:
        if clock:
            clock.close()


if __name__ == "__main__":
    sys.exit(main())
