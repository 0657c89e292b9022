#!/usr/bin/env python3
"""How long a slice of emcraft-sf2's main loop is, and what an issuance costs, in instructions.

    tests/boards/test_times.py [--verbose] [word ...]

QEMU counts: with -icount shift=3 an instruction takes 8 ns of the guest's time (125 instructions/us),
on whatever machine this runs. The board adds up the time of its slices (boards/common/board_figures.h)
and leaves sleep out. So these are instructions and the same each time:

    longest slice; instructions of a run that asked as often; instructions of a handshake

and these depend on how quick this machine and Pebble are: how long a run took, how often the agent had
to ask (each look at an order is signed: 1.4 M instructions), the ticks in which there was nothing to do.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))
import common  # noqa: E402
import device as dev  # noqa: E402
import test_emcraft as emcraft  # noqa: E402
from common import Skip, Suite, check  # noqa: E402

INSTRUCTIONS_A_US = 125
SLICE_US = 10000      # no slice is longer
ISSUANCE_M = 40       # millions of instructions, with an account
FEWEST = 9            # requests, when each look at the order finds what it hopes for
RENEWALS = 6          # at most so many attempts at FEWEST
suite = Suite()


def millions(us):
    return us * INSTRUCTIONS_A_US / 1e6


def show(what, f, requests):
    print("# %s: %.1f M instructions (agent %.1f M) in %d requests and %d slices, %d ms; handshake %.1f M, "
          "%d ms; longest slice %.2f ms in %s; stacks %d + %d" % (
              what, millions(f["busy_us"]), millions(f["agent_us"]), requests, f["slices"], f["run_ms"],
              millions(f["handshake_us"]), f["handshake_ms"], f["longest_us"] / 1000, f["longest_in"],
              f["stack_peak"], f["fiber_peak"]), flush=True)


def short(f):
    check(0 < f["longest_us"] <= SLICE_US, "a slice of %.1f ms in %s" % (
        f["longest_us"] / 1000, f["longest_in"]))


def figures_now(board):
    at = board.mark()
    board.type("figures")
    return board.wait("figures", 30, at)


def issuances(what, stage):
    with stage as (_, board):
        f = emcraft.issued(board, seconds=120)
        show(what + ", first account", f, f["requests"])
        short(f)
        board.get(60)  # the HTTPS server computes as much as a client
        served = figures_now(board)
        short(served)
        before = served["requests"]
        for _ in range(RENEWALS):
            at = board.mark()
            board.type("renew")
            f = emcraft.issued(board, at, 120)
            requests = f["requests"] - before
            before = f["requests"]
            show(what + ", same account", f, requests)
            short(f)
            if requests == FEWEST:
                break
        if requests != FEWEST:
            raise Skip("never in %d requests: the CA is slow here" % FEWEST)
        check(millions(f["busy_us"]) <= ISSUANCE_M, "%.1f M instructions" % millions(f["busy_us"]))


def add(name, kind, **ca):
    emcraft.case(name, suite)(lambda: issuances(name, emcraft.Stage(kind, ca=ca, icount=True)))


add("slices_ecdsa", emcraft.world.World)
add("slices_rsa_4096", dev.RsaWorld, key_algorithm="rsa", chain_length=1)


def main():
    common.enter_namespace()
    try:
        return suite.main("times")
    finally:
        if emcraft.clock:
            emcraft.clock.close()


if __name__ == "__main__":
    sys.exit(main())
