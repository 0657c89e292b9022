#!/usr/bin/env python3
"""SIGKILL at random moments of an issuance, then the same command until it is done.

After each: one finalize at the CA for the intent, never two; a second newOrder only when the kill
fell between newOrder leaving and its record; key and certificate always a pair; and neither the
ledger of attempts nor the backoff keeps the finishing run from finishing.

KILLS=30 and SEED=... choose how many, and which moments.
"""
import os
import random
import signal
import subprocess
import sys
import time

import common
from common import Suite, check, check_set, equal, lwacme_path
import world

suite = Suite()
KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
DELAY = 0.012        # each answer of the CA comes so much later: kills spread over the steps
# A request of one of these kinds shows that the answer of newOrder was read and recorded.
AFTER_ORDER = ("authz", "challenge", "order", "finalize", "certificate")


def start(c, name, *more):
    return subprocess.Popen([lwacme_path()] + [str(a) for a in c.args("issue", [name], *more)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C"))


def pair_or_nothing(live):
    if os.path.lexists(live):
        key, cert = live + "/privkey.pem", live + "/cert.pem"
        check(common.public_of_key(key) == common.public_of_cert(cert), "key and cert differ")


def judge(w, before, moment):
    """What the CA saw of one intent, given what it had seen when the kill fell."""
    n, log = w.count(), w.log_text()
    tell = "killed at %.0f ms after %s (seed %d)" % (
        moment * 1000, before[-1] if before else "nothing", SEED)
    equal(n["finalize"], 1, "finalize of one intent, " + tell)
    equal(log.count("Issued certificate serial"), 1, "certificates of one intent, " + tell)
    # its key is on disk before newAccount leaves, so asking again finds the same account
    equal(log.count("accounts in memory"), 1, "accounts of one client, " + tell)
    recorded = any(k in before for k in AFTER_ORDER)
    # The CA asked for the proof while nobody was there to give it: that order is lost, by its own word.
    failed = "set INVALID" in log
    check(n["newOrder"] <= (1 if recorded and not failed else 2),
          "%d newOrder, %s" % (n["newOrder"], tell))
    return n["newOrder"] - 1


def force(c, name):
    """A renewal that ends well. Pebble sometimes knows no order for a predecessor of a moment ago, and
    answers 500 to its name: that is a try lost, and the next one does not name it."""
    r = c.issue([name], "--force", "--now")
    if r.code == 3 and "could not find an order" in r.text:
        r = c.issue([name], "--force", "--now")
    r.expect(0)


@suite.case("SIGKILL at random moments of the first issuance")
def first():
    """KILLS issuances in one world, each with its own state, each killed once."""
    lwacme_path()
    rng = random.Random(SEED)
    name = "k.example.net"
    print("# seed %d" % SEED, flush=True)
    with world.World(delay=DELAY) as w:
        with w.client() as c:
            begin = time.monotonic()
            c.issue([name]).expect(0)
            whole = time.monotonic() - begin
        extra, hit, steps = 0, 0, {}
        for _ in range(KILLS):
            with w.client() as c:
                w.mark()
                moment = rng.uniform(0, whole)
                p = start(c, name)
                try:
                    p.wait(timeout=moment)
                except subprocess.TimeoutExpired:
                    hit += 1
                p.send_signal(signal.SIGKILL)
                p.communicate()
                time.sleep(DELAY)      # what was on the wire reaches the CA's log
                before = [k for _, k, _ in w.requests()]
                step = before[-1] if before else "nothing"
                steps[step] = steps.get(step, 0) + 1
                live = c.live(name)
                pair_or_nothing(live)
                r = c.issue([name])    # a crash must not hold it back: the first run ends well
                check(r.code == 0, "the finishing run, killed after %s: %s" % (step, r))
                check_set(live, [name], w.roots)
                extra += judge(w, before, moment)
                # and nothing of the killed run stands in the way of the next renewal
                serial = common.cert_serial(live + "/cert.pem")
                force(c, name)
                check(common.cert_serial(live + "/cert.pem") != serial,
                      "--force did not renew afterwards, killed after %s" % step)
                left = [f for f in os.listdir(c.out) if f.endswith((".tmp", ".new"))]
                equal(left, [], "left in the output folder")
        print("# %.0f ms, %d of %d alive when killed, second orders: %d, last request: %s"
              % (whole * 1000, hit, KILLS, extra, steps), flush=True)
        check(hit >= KILLS // 2, "only %d of %d were alive when killed" % (hit, KILLS))


@suite.case("SIGKILL during a renewal never spoils the pair in use")
def renewal():
    """A renewal that was killed: a pair stays readable, and the plain command completes it."""
    lwacme_path()
    rng = random.Random(SEED + 1)
    with world.World(delay=DELAY) as w, w.client() as c:
        name = "k.example.net"
        c.issue([name]).expect(0)
        live = c.live(name)
        begin = time.monotonic()
        force(c, name)
        whole = time.monotonic() - begin
        for _ in range(max(KILLS // 3, 3)):
            w.mark()
            old = common.cert_serial(live + "/cert.pem")
            p = start(c, name, "--force", "--now")
            time.sleep(rng.uniform(0, whole))
            p.send_signal(signal.SIGKILL)
            p.communicate()
            check_set(live, [name], w.roots)
            force(c, name)
            check_set(live, [name], w.roots)
            check(common.cert_serial(live + "/cert.pem") != old, "not renewed")
            check(w.count()["finalize"] <= 2, "%d finalize" % w.count()["finalize"])
            equal(w.count()["newAccount"], 0, "newAccount")


@suite.case("killed again and again, the CA sees few orders")
def crash_loop():
    """A supervisor that kills and restarts at once must not cost the CA an order each time."""
    with world.World(delay=0.03) as w, w.client() as c:
        for _ in range(12):
            p = start(c, "k.example.net")
            end = time.monotonic() + 5
            seen = len(w.requests())
            while p.poll() is None and time.monotonic() < end:
                if "newOrder" in [k for _, k, _ in w.requests()[seen:]]:
                    break
                time.sleep(0.002)
            p.send_signal(signal.SIGKILL)
            p.communicate()
        n = w.count()["newOrder"]
        check(1 <= n <= 6, "%d orders for 12 crashes" % n)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("kill"))
