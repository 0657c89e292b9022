#!/usr/bin/env python3
"""The agent as firmware on the second machine: riscv32-virt in QEMU, against the newest Pebble.

    tests/boards/test_riscv.py [--verbose] [word ...]

Another instruction set, C library, network card and flash than emcraft-sf2's, and IPv6. What does
not hang on the machine is tested there (test_emcraft.py). BOARD_CUTS=N: how many power cuts
(default 8). BOARD_RSA_KEYS=1: also with RSA keys of its own.
"""
import collections
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import test_emcraft as base  # noqa: E402
from test_emcraft import common, dev, world  # noqa: E402
from test_emcraft_cuts import Round  # noqa: E402
from common import Fail, Suite, check, equal  # noqa: E402

BOARD = "riscv32-virt"
CUTS = int(os.environ.get("BOARD_CUTS", "8"))
ELF = os.environ.get("BOARD_ELF", os.path.join(dev.TOP, "build", BOARD, "firmware.elf"))
NAMES = ["gw.example.net"] + ["n%d.example.net" % i for i in range(2, 13)]
suite = Suite()


class Virt(dev.Device):
    board = BOARD
    more_config = ()

    def config_args(self):
        return super().config_args() + list(self.more_config)


class Stage(base.Stage):
    device_kind, elf = Virt, ELF


def case(name):
    return base.case(name, suite, BOARD, ELF)


def figures(what, f):
    base.figures(what, f, ELF)


@case("riscv_issues_12_names_and_renews")
def issues():
    with Stage(names=NAMES, ca={"sleep": False}) as (ca, board):
        figures("ECDSA chain, 12 names", base.issued(board))
        serial, body = board.get()
        check(b"200 OK" in body, "no page over HTTPS: %r" % body)
        equal(board.get(name=NAMES[-1])[0], serial, "the serial shown to the last name")
        count = ca.count()
        equal((count["newAccount"], count["newOrder"]), (1, 1), "newAccount, newOrder")
        base.renews_and_starts_again(ca, board, serial, figures)


@case("riscv_rsa_chain")
def rsa_chain():
    with Stage(dev.RsaWorld, ca={"key_algorithm": "rsa", "chain_length": 1}) as (ca, board):
        figures("RSA 4096 root, RSA 2048 server; RSA issuer", base.issued(board))
        board.get()


def rsa_keys():
    class RsaKeys(Virt):
        more_config = ("--account-key-type", "rsa2048", "--key-type", "rsa2048")

    class RsaStage(Stage):
        device_kind = RsaKeys

    with RsaStage(dev.RsaWorld, ca={"key_algorithm": "rsa", "chain_length": 1}) as (ca, board):
        figures("RSA chain and RSA keys", base.issued(board, 0, 400))
        shown = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername",
                                NAMES[0], "-tls1_2", "-CAfile", ca.roots, "-verify_return_error",
                                "-verify_hostname", NAMES[0]], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30).stdout
        check(b"Verify return code: 0 (ok)" in shown, "openssl s_client: %r" % shown[-400:])
        shown = shown[shown.index(b"-----BEGIN"):]
        text = common.openssl("x509", "-noout", "-text", data=shown).decode()
        check("Public-Key: (2048 bit)" in text and "rsaEncryption" in text,
              "not an RSA key: " + text[:900])


if os.environ.get("BOARD_RSA_KEYS"):  # two keys take from seconds to minutes to find
    case("riscv_rsa_keys")(rsa_keys)


class Ipv6World(world.World):
    """A CA that is reached over IPv6 only: names have no A record but those that it validates."""

    def __init__(self, **more):
        super().__init__(ipv4="", **more)

    def start(self):
        super().start()
        self.forwarder.close()
        self.forwarder = world.Forwarder(("127.0.0.1", self.pebble_port), host="::1")
        self.port = self.forwarder.port
        self.directory = "https://%s:%d/dir" % (self.ca_name, self.port)


class Ipv6Stage(Stage):
    @staticmethod
    def names_to_dns(ca):
        ca.dns("add_aaaa", host="ca.test", addresses=["fec0::2"])
        # QEMU's port forwarding, which the CA validates through, is for IPv4
        ca.dns("add_a", host=NAMES[0], addresses=["127.0.0.1"])


@case("riscv_ca_over_ipv6")
def ipv6():
    with Ipv6Stage(Ipv6World) as (ca, board):
        board.wait("address", 30, text="^fec0::")  # SLAAC
        base.issued(board)
        check(ca.connections() > 0, "nothing came over IPv6")
        board.get()


def _steps(board, since, count, seconds=8):
    """Until the agent has made so many steps, or rests."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and sum(
            e.get("event") == "step" for e in board.events[since:]) < count and not any(
                board.has(rest, since) for rest in ("not_due", "held", "figures")):
        time.sleep(0.005)


@case("riscv_power_cuts")
def power_cuts():
    rng = random.Random(int(os.environ.get("BOARD_SEED", str(int(time.time())))))
    where, total = collections.Counter(), collections.Counter()
    sequence = renewals = 0
    with Stage(boot=False) as (ca, board):
        for _ in range(CUTS):
            at = board.mark()
            ca.mark()
            board.boot()
            _steps(board, at, 1)
            if board.has("not_due", at):
                board.type("renew")
                renewals += 1
            elif board.has("held", at):
                board.type("now")
            # somewhere in a step, not at some time: this machine may be slow today
            _steps(board, board.mark(), rng.randrange(14))
            r = Round(ca, board, rng)
            r.cut(at, 0.1)
            sequence = r.check_image(sequence)
            where[r.where] += 1
            total.update(ca.count())
        at = board.mark()
        ca.mark()
        board.boot()
        # its own backoff may hold it: a person lets it go on, as after any series of cuts
        if not base.done(board, at, 12):
            board.type("now")
        if not base.done(board, at, 60):
            raise Fail("after %d cuts it does not finish: %s" % (CUTS, board.tail()))
        board.get()  # the handshake proves that key and chain are a pair
        total.update(ca.count())
        failed = sum(e.get("event") == "order" and "invalid" in e.get("text", "")
                     for e in board.events)
        print("# %d cuts (in %s): %d newAccount, %d newOrder (%d renewals; %d failed because the CA "
              "had come while the power was off), %d finalize; the certificate is served" % (
                  CUTS, ", ".join("%s %d" % w for w in where.most_common()), total["newAccount"],
                  total["newOrder"], renewals, failed, total["finalize"]), flush=True)
        lost = sum(where[step] for step in ("charge", "key", "order"))  # cut before its reply came
        check(total["newOrder"] <= 1 + renewals + failed + lost, "%d orders for %d renewals" % (
            total["newOrder"], renewals))
        check(1 <= total["newAccount"] <= 2, "%d newAccounts" % total["newAccount"])


@case("riscv_provisioned_at_the_console")
def console():
    with Stage(seed=False, config=False, boot=False) as (ca, board):
        with open(board.nor, "r+b") as f:  # a chip that is not blank: every sector is erased
            f.write(random.Random(7).randbytes(8 * 262144))
        board.boot()
        board.wait("config", 20, text="no configuration")
        for line in board.mkconfig(*board.config_args(), "--hex").splitlines():
            board.type(line)
        board.wait("start", 20, 1)
        board.wait("seed", 20, 1, text="no seed")
        board.type("seed " + os.urandom(32).hex())
        base.issued(board)
        board.get()


if __name__ == "__main__":
    sys.exit(base.main(suite, BOARD))
