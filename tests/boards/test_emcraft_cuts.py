#!/usr/bin/env python3
"""emcraft-sf2 loses its power: kill -9 of QEMU at random moments, then it is switched on again.

    tests/boards/test_emcraft_cuts.py [--verbose]

BOARD_CUTS=N: how many (default 15; make test-all: 50). BOARD_SEED=N: the same moments again.
"""
import collections
import os
import random
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import test_emcraft as base  # noqa: E402
from test_emcraft import Stage, common  # noqa: E402
from common import Fail, Suite, check, equal  # noqa: E402

CUTS = int(os.environ.get("BOARD_CUTS", "15"))
suite = Suite()


def in_force(text):
    """The sequence of the certificate in force in record_dump's text; 0: there is none."""
    return max([int(n) for n in re.findall(r"record +cert_[ab], version 1, sequence (\d+)", text)],
               default=0)


class Round:
    """One cut and the start after it, with what the CA saw of the two."""

    def __init__(self, ca, board, rng):
        self.ca, self.board, self.rng = ca, board, rng
        self.where = "start"

    def cut(self, since, most):
        """Power off at a random moment within `most` seconds from now."""
        time.sleep(self.rng.uniform(0.0, most))
        self.board.kill()
        steps = [e["step"] for e in self.board.events[since:] if e.get("event") == "step"]
        self.where = steps[-1] if steps else "start"

    def check_image(self, sequence):
        """I1, from the image alone: what is in force is whole, and key and certificate fit. Gives
        the sequence of the certificate; it never goes back."""
        status, text = self.board.dump()
        check(status in (0, 1), "after a cut in %s: %s" % (self.where, text))
        check("BAD" not in text and "EXPIRED" not in text, "after a cut in %s: %s" % (
            self.where, text))
        equal(text.count("pair             ok"), len(re.findall("^cert_[ab] ", text, re.M)),
              "pairs that fit")
        now = in_force(text)
        check(now >= sequence, "after a cut in %s certificate %d is in force, not %d" % (
            self.where, now, sequence))
        count = self.ca.count()
        if count["newAccount"]:  # I2, I4
            check("account key" in text, "an account that nobody has the key of")
        if count["challenge"]:
            check("order key" in text or now > sequence, "an order that nobody knows: " + text)
        return now

    def finish(self, seconds=60):
        """Switched on again it gets there by itself."""
        at = self.board.mark()
        self.board.boot()
        if not base.done(self.board, at, seconds):
            raise Fail("after a cut in %s it does not finish: %s" % (
                self.where, self.board.tail()))
        return self.board.get()[0]  # the handshake proves the pair once more


@base.case("power_cuts", suite)
def power_cuts():
    seed = int(os.environ.get("BOARD_SEED", str(int(time.time()))))
    rng = random.Random(seed)
    where, total = collections.Counter(), collections.Counter()
    again = resumed = missed = 0
    with Stage(boot=False, ca={"sleep": False}) as (ca, board):
        empty = open(board.nor, "rb").read(8 * 65536)
        for n in range(CUTS):
            r = Round(ca, board, rng)
            ca.mark()
            at, sequence = board.mark(), 0
            if n % 2 == 0:  # a new device: switched on for the first time
                board.kill()
                board.write_image(empty)
                board.boot()
                r.cut(at, 1.2)
            else:  # one that has a certificate is told to renew it
                sequence = in_force(board.dump()[1])
                board.type("renew")
                r.cut(at, 0.35)
            where[r.where] += 1
            before = ca.count()
            serial = r.finish() if r.check_image(sequence) is not None else None
            count = ca.count()
            total.update(count)
            check(serial, "nothing is served")
            # the same order is gone on with; or its reply was lost, or the CA came to look while
            # the power was off: then there is one more
            failed = board.has("order", at, text="invalid")
            check(count["newOrder"] <= 1 or count["newOrder"] == 2 and (
                failed or r.where in ("start", "charge", "key", "order")),
                "%d orders for one cut in %s" % (count["newOrder"], r.where))
            check(count["finalize"] <= count["newOrder"], "finalized twice (%s): %s" % (
                r.where, dict(count)))
            check(count["newAccount"] <= 2, "%d newAccounts" % count["newAccount"])
            again += count["newOrder"] == 2
            missed += count["newOrder"] == 2 and failed
            resumed += before["newOrder"] == 1 and count["newOrder"] == 1 and \
                count["total"] > before["total"]
        print("# %d cuts (in %s), seed %d: %d newAccount, %d newOrder, %d finalize; %d times the "
              "same order was gone on with, %d times there was a second (%d because the CA had come "
              "while the power was off); the certificate is served after each" % (CUTS, ", ".join("%s %d" % w for w in where.most_common()), seed,
                              total["newAccount"], total["newOrder"], total["finalize"], resumed,
                              again, missed), flush=True)


if __name__ == "__main__":
    sys.exit(base.main(suite, "emcraft-sf2 power"))
