#!/usr/bin/env python3
"""`lwacme run` and `lwacme renew`: many certificates of one file, against Pebble and a CA that is
slow. What is waited for is always a condition, never a time."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import common
from common import Suite, cert_names, check, check_set, equal, lwacme_path, run_tool
from daemonrig import (HOOK, Daemon, Watch, need_root, not_after, pebble, ran, set_flag, until,
                       with_hook)
from fakeca import FakeCA
from fakeclock import MovingClock
from world import free_port

suite = Suite()
THREE = {"a.example": {}, "b.example": {"domain": "b.example bb.example"},
         "c.example": {"domain": ["c.example", "cc.example"], "key-type": "p384"}}


def many(count, **each):
    return {"n%d.example" % i: dict(each) for i in range(count)}


def side(name):
    """A case beside the others."""
    return suite.case(name, background=True)


class SlowCA(FakeCA):
    """Keeps orders for some names `processing`, until told otherwise."""

    def __init__(self, *args, stuck=(), **options):
        super().__init__(*args, processing=0, **options)
        self.stuck = set(stuck)

    def act_newOrder(self, rq):
        reply = super().act_newOrder(rq)
        names = {i["value"] for i in rq.payload["identifiers"]}
        if names & self.stuck:
            self.orders[str(max(int(k) for k in self.orders))]["polls"] = 10 ** 9
        return reply

    def loosen(self):
        with self.lock:
            self.stuck.clear()
            for o in self.orders.values():
                o["polls"] = 0

    def times_of(self, path):
        return [t for t, (_, _, p) in zip(self.times, self.log) if p == path]


# ---------------------------------------------------------------- the ordinary life

@side("three certificates of one file renew")
def three():
    with pebble(validity=40) as w, Daemon(w, THREE) as d:
        d.start().until_has(*THREE)
        for name, names in (("a.example", ["a.example"]), ("b.example", ["b.example", "bb.example"]),
                            ("c.example", ["c.example", "cc.example"])):
            check_set(d.live(name), names, w.roots,
                      key_type="p384" if name == "c.example" else "p256")
        d.until(lambda: min(d.renewals().values()) >= 3, lambda: "renewals: %r" % d.renewals())
        for name in THREE:
            check(not_after(d.cert(name)) > time.time(), "%s has expired" % name)
        equal(w.count()["newAccount"], 1, "accounts")
        check(d.stop() < 6, "more than 5 s to stop")
        r = run_tool(["status", "--state-dir", d.state])
        equal(len(r.expect(0).out.split("\n\n")) >= 1, True, "status")


@side("sighup adds removes and changes")
def sighup():
    with pebble() as w, Daemon(w, {"a.example": {}, "b.example": {}}) as d:
        d.start().until_has("a.example", "b.example")
        kept = d.serial("a.example")
        w.mark()
        d.reload({"a.example": {}, "b.example": {"domain": "b.example more.example"},
                  "new.example": {}})
        d.until(lambda: d.has("new.example") and d.number("b.example") == 2, "the new ones")
        equal(cert_names(d.cert("b.example")), ["b.example", "more.example"], "names of b")
        equal(d.serial("a.example"), kept, "the one that did not change")
        equal(w.count()["newOrder"], 2, "orders")
        d.reload({"new.example": {}})
        w.mark()
        d.reload({"new.example": {}, "a.example": {}})      # back: nothing to do
        d.until(lambda: len(d.lines("configuration read anew")) == 3, "three reloads")
        d.reload({"new.example": {}, "z.example": {}})
        d.until_has("z.example")
        equal(w.count()["newOrder"], 1, "orders for what was there")
        d.stop()


@side("a bad file keeps the old configuration")
def bad_file():
    with pebble(validity=30) as w, Daemon(w, {"a.example": {}}) as d:
        d.start().until_has("a.example")
        d.reload({"a.example": {"key-type": "p512"}, "b.example": {}})
        check(d.lines(r"lwacme.conf:\d+: .*key-type"), "the line is not told: %s" % d.log)
        before = d.number("a.example")
        d.until(lambda: d.number("a.example") > before, "a renewal by the old configuration")
        check(not d.has("b.example"), "half of a bad file was taken")
        os.unlink(d.conf)
        d.send(signal.SIGHUP)
        d.until(lambda: d.reloads() == 2, "a word about the file that is gone")
        d.own["http-port"] = 1
        d.reload({"a.example": {}})
        check(d.lines("http-port.*needs a restart"), d.log)
        d.own["http-port"] = w.http_port
        d.reload({"a.example": {}, "b.example": {}})
        d.until_has("b.example")
        d.stop()


@side("renew is one pass")
def renew():
    with pebble() as w, Daemon(w, THREE) as d:
        d.renew().expect(0)
        check(d.has(*THREE), "certificates are missing")
        w.mark()
        d.renew().expect(0)
        equal(w.count()["total"], 0, "requests when nothing is due")
        serials = {n: d.serial(n) for n in THREE}
        d.renew("--force").expect(0)
        check(all(d.serial(n) != s for n, s in serials.items()), "--force renewed not all")
        equal(w.count()["newOrder"], 3, "orders")
        d.write(dict(THREE, **{"blocked-domain.example": {}, "d.example": {}}))
        d.renew().expect(2, "blocked-domain.example: .*(refuse|policy|forbid)")
        check(d.has("d.example"), "one that is refused has stopped the others")
        d.renew().expect(3, "blocked-domain.example: held back")
        os.chmod(os.path.join(d.state, "certs", "d.example", "sched"), 0o666)
        d.renew().expect(4)         # worse than held back
        r = subprocess.run([lwacme_path(), "renew"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        equal(r.returncode, 1, "exit without -c")


@side("renew and issue keep off while the daemon has the lock")
def locked():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        d.start().until_has("a.example")
        d.renew().expect(4, "in use by process %d" % d.process.pid)
        r = run_tool(["issue", "-d", "a.example", "--agree-tos", "--state-dir", d.state,
                      "--server", w.directory, "--ca-file", w.ca_file])
        r.expect(4, "in use by process")
        run_tool(["status", "--state-dir", d.state]).expect(0, "a.example")
        d.stop(signal.SIGINT, 130)
        d.renew().expect(0)


# ---------------------------------------------------------------- ends and accidents

def challenge_files(root):
    folder = os.path.join(root, ".well-known/acme-challenge")
    return os.listdir(folder) if os.path.isdir(folder) else []


@side("sigterm in the middle of orders")
def sigterm():
    """Two orders that are put aside, with challenges in a web root that nobody serves in time."""
    ca = SlowCA(free_port(), stuck=["a.example", "b.example"], retry_after="3")
    with ca:
        gate = threading.Event()
        validate = ca.validate
        ca.validate = lambda *args: (gate.wait(60), validate(*args))
        with Daemon_of(ca, {"a.example": {}, "b.example": {}}) as d:
            os.mkdir(d.path("web"))
            d.own["webroot"] = d.path("web")
            d.write(d.certs)
            d.start().until(lambda: len(challenge_files(d.path("web"))) == 2, "two challenges")
            check(d.stop() < 6, "more than 5 s to stop")
            equal(challenge_files(d.path("web")), [], "challenges that are left")
            orders = ca.count("newOrder")
            gate.set()
            del d.own["webroot"]
            d.write(d.certs)
            ca.loosen()
            d.start().until_has("a.example", "b.example")
            check(ca.count("newOrder") - orders <= 2, "orders were thrown away")
            d.stop()


def Daemon_of(ca, certs, **own):
    """A daemon whose CA is a stand-in."""
    return Daemon(ca, certs, **own)


@side("kill in the middle of issuance")
def killed():
    with pebble(delay=0.02) as w, Daemon(w, many(4)) as d:
        for step in ("order", "authz", "challenge", "finalize", "certificate"):
            w.mark()
            d.start()
            d.until(lambda: w.count()[step] > 0 or d.has(*d.certs), "a request for %s" % step)
            d.kill()
        d.start().until_has(*d.certs)
        for n in d.certs:
            check_set(d.live(n), [n], w.roots)
        equal(run_tool(["status", "--state-dir", d.state]).expect(0).out.count("order open"), 0,
              "orders left open")
        d.stop()


@side("a store that fails for one")
def bad_store():
    with pebble() as w, Daemon(w, {"a.example": {}, "b.example": {}, "c.example": {}}) as d:
        os.makedirs(os.path.join(d.state, "certs"), 0o700)
        os.chmod(d.state, 0o700)
        with open(os.path.join(d.state, "certs", "b.example"), "w", encoding="ascii") as f:
            f.write("not a folder")
        os.makedirs(d.out)
        os.mkdir(d.live("c.example"))            # something else lies there
        d.start().until_has("a.example")
        d.until(lambda: d.lines("c.example.*not a link of ours") and
                d.lines("error: b.example: "), "errors of b and c")
        os.rmdir(d.live("c.example"))
        d.reload(dict(d.certs))                  # looks again at once
        d.until_has("c.example")
        os.unlink(os.path.join(d.state, "certs", "b.example"))
        check(not d.has("b.example"), "b.example has a certificate")
        d.stop()


# ---------------------------------------------------------------- slow CAs

@side("one order in processing blocks nobody")
def processing():
    ca = SlowCA(free_port(), stuck=["stuck.example"], retry_after="3")
    names = ["stuck.example"] + ["n%d.example" % i for i in range(6)]
    with ca, Daemon_of(ca, {n: {} for n in names}) as d:
        d.start().until_has(*names[1:])
        check(not d.has("stuck.example"), "the CA gave the certificate")
        stuck = [p for p in ("/order/%s" % k for k, o in ca.orders.items()
                             if o["order"]["identifiers"][0]["value"] == "stuck.example")]
        equal(len(stuck), 1, "orders for it")
        d.until(lambda: len(ca.times_of(stuck[0])) >= 5, "looks at it")
        with ca.lock:
            told = ca.times[[p for _, _, p in ca.log].index(stuck[0].replace("order", "finalize"))]
        times = [t for t in ca.times_of(stuck[0]) if t > told]
        gaps = [b - a for a, b in zip(times, times[1:])]
        check(min([times[0] - told] + gaps) > 2.9, "Retry-After is 3 s, it was looked at after %r" % gaps)
        equal(ca.count("newOrder"), 7, "orders")
        equal(ca.count("finalize"), 7, "finalizes")
        ca.loosen()
        d.until_has("stuck.example")
        equal(ca.complaints, [], "complaints")
        d.stop()


@side("orders that wait are served side by side")
def side_by_side():
    """The CA validates late: the second certificate is ordered before the first one is there, and
    challenges of those who are aside are answered."""
    with FakeCAofLateChecks() as ca, Daemon_of(ca, many(5)) as d:
        d.start()
        d.until(lambda: ca.count("newOrder") == 5, "five orders open at once")
        equal(ca.count("finalize"), 0, "finalized before it was validated")
        ca.gate.set()
        d.until_has(*d.certs)
        equal(ca.count("newOrder"), 5, "orders")
        equal(ca.count("challenge"), 5, "responses")
        equal(ca.complaints, [], "complaints")
        d.stop()


class FakeCAofLateChecks(FakeCA):
    def __init__(self):
        super().__init__(free_port(), processing=0, retry_after="3")
        self.gate = threading.Event()

    def validate(self, *args):
        self.gate.wait(100)
        super().validate(*args)

    def act_order(self, rq):
        reply = super().act_order(rq)
        if json.loads(reply.body)["status"] == "pending":
            reply.headers["Retry-After"] = "3"
        return reply


# ---------------------------------------------------------------- memory

def settled(count):
    """RSS, after `count` certificates were issued and looked at once more."""
    with pebble() as w, Daemon(w, many(count)) as d:
        d.start().until_has(*d.certs, seconds=240)
        d.reload(dict(d.certs))
        d.reload(dict(d.certs))
        kb = d.rss(), d.status("VmHWM"), d.cpu()
        d.stop()
        return kb


@suite.case("memory with 1 and with 200 certificates")
def memory():
    if "san" in lwacme_path():
        raise common.Skip("a sanitizer's memory says nothing")
    one, two_hundred = settled(1), settled(200)
    print("# RSS with 1 certificate %d kB (at most %d), with 200 %d kB (at most %d); %.2f s of "
          "processor for 200" % (one[:2] + two_hundred), flush=True)
    check(two_hundred[0] - one[0] < 400, "RSS grows from %d to %d kB" % (one[0], two_hundred[0]))


# ---------------------------------------------------------------- hooks

@side("a hook runs once for each new certificate")
def hook():
    with pebble() as w, Daemon(w, {"a.example": {}, "b.example": {}}) as d:
        with_hook(d)
        d.start().until(lambda: len(ran(d)) == 2, lambda: "two hooks: %r" % ran(d))
        d.until(lambda: len(d.lines("hook has ended well")) == 2, "two good ends")
        equal(sorted(r[:2] for r in ran(d)), [["a.example", "new"], ["b.example", "new"]], "hooks")
        equal(ran(d)[0][2], "serial=" + d.serial(ran(d)[0][0]), "the certificate that it saw")
        d.reload(dict(d.certs))
        d.stop()
        looks = len(d.lines("to be renewed from"))
        d.start().until(lambda: len(d.lines("to be renewed from")) >= looks + 2, "a look at both")
        d.stop()
        equal(len(ran(d)), 2, "hooks after a restart")
        d.renew("--force").expect(0)
        equal(sorted(r[:2] for r in ran(d)[2:]), [["a.example", "renewed"], ["b.example", "renewed"]],
              "hooks of renew")
        set_flag(d, "fail", True)
        d.renew("--force").expect(6, "hook failed")
        set_flag(d, "fail", False)
        d.renew().expect(0)
        equal(sorted(r[:2] for r in ran(d)[6:]), [["a.example", "again"], ["b.example", "again"]],
              "what is owed is done by the next pass")
        d.renew().expect(0)
        equal(len(ran(d)), 8, "hooks in all")


@side("a hook that fails is retried and loses nothing")
def hook_fails():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        with_hook(d)
        set_flag(d, "fail", True)
        d.start().until(lambda: d.lines("error: a.example: the deploy hook failed.*again in 1 min"),
                        "its failure")
        failed = time.monotonic()
        check_set(d.live("a.example"), ["a.example"], w.roots)
        set_flag(d, "fail", False)
        d.until(lambda: len(ran(d)) == 2 and d.lines("hook has ended well"), "the second try")
        check(time.monotonic() - failed > 50, "the minute was not waited for")
        equal([r[1] for r in ran(d)], ["new", "again"], "reasons")
        d.stop()


@side("kill in the middle of a hook")
def hook_killed():
    with pebble() as w, Daemon(w, {"a.example": {}, "b.example": {}}) as d:
        with_hook(d)
        set_flag(d, "slow", True)
        d.start().until(lambda: os.path.exists(d.path("pid")) and d.has(*d.certs),
                        "a hook, and the other certificate beside it")
        with open(d.path("pid"), encoding="ascii") as f:
            pid = int(f.read())
        d.kill()
        until(lambda: not os.path.exists("/proc/%d" % pid), "the hook dies with the daemon")
        set_flag(d, "slow", False)
        d.start().until(lambda: len(d.lines("hook has ended well")) == 2, "both hooks")
        equal(sorted(r[:2] for r in ran(d))[0:2], [["a.example", "again"], ["a.example", "new"]],
              "hooks")
        d.stop()
        set_flag(d, "slow", True)
        before = len(ran(d))
        os.unlink(os.path.join(d.live("a.example"), ".deployed"))
        d.start().until(lambda: len(ran(d)) > before, "what is owed")
        check(d.stop() < 6, "a hook has held up the end")


@side("root is given up and hooks keep it")
def user():
    need_root()
    with pebble() as w, Daemon(w, {"a.example": {}}, user="nobody") as d:
        with_hook(d, HOOK.replace("set -e", "set -e; id -u >@/who; umask >@/umask"))
        d.start().until_has("a.example")
        d.until(lambda: d.lines("hook has ended well"), "the hook")
        with open(d.path("who"), encoding="ascii") as f:
            equal(f.read().strip(), "0", "who the hook was")
        with open(d.path("umask"), encoding="ascii") as f:
            equal(f.read().strip(), "0022", "the hook's umask")
        equal(d.status("Umask"), 77, "the daemon's umask, in octal digits")
        check(os.stat(d.state).st_uid == d.status("Uid") != 0, "whose the records are")
        d.reload({"a.example": {}, "b.example": {}})
        d.until_has("b.example")
        d.own["out-dir"] = d.path("elsewhere")
        d.reload(dict(d.certs))
        check(d.lines("another folder.*needs a restart"), d.log)
        d.stop()


@side("a hook that only root can reach")
def user_hook():
    """The daemon cannot see the program, and need not: who runs it can."""
    need_root()
    with pebble() as w, Daemon(w, {"a.example": {}}, user="65534:65534") as d:
        with_hook(d, HOOK.replace("set -e", "set -e; id -u >@/who"))
        os.mkdir(d.path("closed"), 0o700)
        d.own["deploy-hook"] = shutil.move(d.path("hook"), d.path("closed/hook"))
        os.chmod(d.own["deploy-hook"], 0o700)
        d.write(d.certs)
        d.start().until(lambda: d.lines("a.example: the deploy hook has ended well"), "the hook")
        equal((d.status("Uid"), d.status("Gid")), (65534, 65534), "UID:GID")
        run_tool(["status", "--check", "-c", d.conf]).expect(0)     # root may look
        d.reload({"b.example": {}, "a.example": {}})
        d.until(lambda: d.lines("b.example: the deploy hook has ended well"), "the hook of b")
        with open(d.path("who"), encoding="ascii") as f:
            equal(f.read().strip(), "0", "who the hook was")
        # The runner keeps the file before, and b stands elsewhere in it: that is told, and mended.
        os.unlink(os.path.join(d.live("b.example"), ".deployed"))
        d.reload({"a.example": {"deploy-hook": d.path("closed/typo")}, "b.example": {}})
        d.until(lambda: d.lines("conf:.*typo: No such file"), "the runner's words about the file")
        d.until(lambda: d.lines("b.example: the deploy hook failed: .*has the file changed"), "b")
        d.reload({"a.example": {}, "b.example": {}})
        d.until(lambda: len(d.lines("b.example: the deploy hook has ended well")) == 2, "b again")
        d.stop()


@side("root makes no folder where the user leads it")
def user_folders():
    """Below a folder of its own the user may put a link to anywhere."""
    need_root()
    with pebble() as w, Daemon(w, {"a.example": {}}, user="nobody") as d:
        os.mkdir(d.path("roots"), 0o755)
        os.mkdir(d.path("mine"), 0o755)
        os.symlink(d.path("roots"), d.path("mine/link"))
        os.chown(d.path("mine"), 65534, 65534)
        d.own["out-dir"] = d.path("mine/link/out")
        d.write(d.certs)
        d.start().process.wait(60)
        equal((d.process.returncode, os.listdir(d.path("roots"))), (4, []), "exit, and what was made")
        d.out = d.own["out-dir"] = d.path("mine/deep/out")
        d.write(d.certs)
        d.start().until_has("a.example")
        equal(os.stat(d.path("mine/deep")).st_uid, 65534, "whose the folder in between is")
        d.stop()


@side("after SIGHUP a hook that failed is tried at once")
def hook_reload():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        with_hook(d)
        set_flag(d, "fail", True)
        d.start()
        for i in range(1, 4):
            d.until(lambda: len(d.lines("hook failed.*again in 1 min")) == i, "failure %d" % i)
            d.reload(d.certs)
        d.stop()


# ---------------------------------------------------------------- who watches

@side("an error of the file has a severity in the journal")
def severity():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d, open(d.path("log"), "w+b") as f:
        st = os.fstat(f.fileno())
        env = dict(os.environ, JOURNAL_STREAM="%d:%d" % (st.st_dev, st.st_ino))

        def logged(pattern):
            with open(d.path("log"), encoding="utf-8") as log:
                return re.search(pattern, log.read(), re.M)

        d.process = subprocess.Popen(d.argv("run"), stdout=subprocess.DEVNULL, stderr=f, env=env)
        d.until_has("a.example")
        d.write({"a.example": {"key-type": "p512"}})
        d.send(signal.SIGHUP)
        d.until(lambda: logged("before it stays in force"), "a word about it")
        check(logged(r"^<3>\S*lwacme.conf:\d+: .*key-type"), "the line has no severity")


@side("the service manager is told")
def notify():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        path = d.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(0.2)
            d.env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000"}
            got = []

            def heard(pattern):
                def look():
                    try:
                        got.append(s.recv(4096).decode())
                    except OSError:
                        pass
                    return any(re.search(pattern, g) for g in got)
                return look

            d.start().until(heard("^READY=1"), lambda: "READY: %r" % got)
            d.until_has("a.example")
            d.until(lambda: heard("WATCHDOG=1")() and sum("WATCHDOG" in g for g in got) >= 3,
                    lambda: "WATCHDOG: %r" % got)
            d.until(heard("STATUS=1 certificates"), lambda: "STATUS: %r" % got)
            got.clear()
            d.reload({"a.example": {}, "b.example": {}})
            d.until(heard("^RELOADING=1"), lambda: "RELOADING: %r" % got)
            d.until(heard("^READY=1"), lambda: "READY: %r" % got)
            d.stop()
            until(heard("^STOPPING=1"), lambda: "STOPPING: %r" % got, 5)


@side("json names the certificate")
def json_lines():
    with pebble() as w, Daemon(w, {"a.example": {}, "b.example": {}}) as d:
        events = d.renew("--json").expect(0).events()
        for name in d.certs:
            steps = [e["step"] for e in events if e.get("certificate") == name and "step" in e]
            check("order" in steps and "cert" in steps, "steps of %s: %r" % (name, steps))
        check(all("certificate" in e for e in events if "step" in e), "events without a name")


@side("a wall clock that is set while it runs")
def clock():
    with pebble(validity=20 * 86400) as w, Daemon(w, {"a.example": {}, "b.example": {}}) as d:
        moving = MovingClock(d.base)
        moving.to(-56 * 365 * 86400)     # 1970: it was never set
        d.env = dict(moving.env, WATCHDOG_USEC="400000")
        d.start().until(lambda: len(d.lines("clock is not set")) == 2, "that it is not set")
        equal(w.count()["total"], 0, "requests")
        moving.to(0)
        d.until_has("a.example", "b.example")
        d.until(lambda: len(d.lines("to be renewed from")) == 2, "both at rest")
        moving.to(18 * 86400)                # past the window; the CA's own certificate has 30 days
        d.until(lambda: d.number("a.example") > 1 and d.number("b.example") > 1, "renewals")
        d.stop()


@side("the metrics follow")
def metrics():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        d.own["metrics"] = d.path("m/lwacme.prom")
        os.mkdir(d.path("m"))
        d.write(d.certs)

        def text():
            try:
                with open(d.path("m/lwacme.prom"), encoding="utf-8") as f:
                    return f.read()
            except OSError:
                return ""

        d.start().until(lambda: "a.example" in text(), lambda: "metrics: %r" % text())
        d.reload({"a.example": {}, "b.example": {}})
        d.until(lambda: "b.example" in text(), lambda: "metrics: %r" % text())
        d.reload({"b.example": {}})
        d.until(lambda: "a.example" not in text(), lambda: "one that was taken out: %r" % text())
        d.stop()


@side("metrics of a certificate that cannot even begin")
def metrics_none():
    need_root()
    with pebble() as w, Daemon(w, {}, user="nobody") as d:
        os.mkdir(d.path("m"))
        os.chown(d.path("m"), 65534, 65534)
        d.own["metrics"] = d.path("m/lwacme.prom")
        roots = shutil.copy(w.ca_file, d.path("roots"))
        os.chmod(roots, 0o600)                  # at the start root may read it
        csr = d.path("csr.pem")
        common.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                       "-keyout", d.path("csr.key"), "-subj", "/", "-addext",
                       "subjectAltName=DNS:r.example", "-out", csr)
        os.chmod(csr, 0o600)
        d.write({"r.example": {"csr": csr}, "a.example": {"ca-file": roots}, "b.example": {}})
        begin = time.monotonic()
        d.start().until_has("b.example")

        def text():
            try:
                with open(d.path("m/lwacme.prom"), encoding="utf-8") as f:
                    return f.read()
            except OSError:
                return ""

        d.until(lambda: d.lines("error: .*roots"), "a word about a")
        d.until(lambda: 'check_state{certificate="a.example"} 2' in text() and
                'check_state{certificate="r.example"} 2' in text() and
                'check_state{certificate="b.example"} 0' in text(), lambda: "metrics: %r" % text())
        check(1 <= len(d.lines("csr.pem")) <= 1 + (time.monotonic() - begin) / 60,
              "what is wrong with the request is told by more than its turns: %s" % d.log)
        d.stop()


# ---------------------------------------------------------------- a small year

@side("20 certificates of 90 seconds stay valid")
def small_year():
    """Nothing expires for a while, over SIGHUP, a restart and a kill."""
    with pebble(validity=90) as w, Daemon(w, many(20)) as d:
        d.start().until_has(*d.certs)
        started = d.renewals()
        watch = Watch(d)
        acts = [lambda: d.reload(dict(d.certs)), lambda: (d.stop(), d.start()),
                lambda: (d.kill(), d.start()), lambda: d.reload(dict(d.certs))]
        for act in acts:
            before = sum(d.renewals().values())
            act()
            d.until(lambda: watch.look() and sum(d.renewals().values()) >= before + 12,
                    lambda: "renewals: %r" % d.renewals())
        d.until(lambda: watch.look() and all(d.renewals()[n] > started[n] for n in d.certs),
                lambda: "each renewed: %r" % d.renewals())
        d.stop()


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("the daemon"))
