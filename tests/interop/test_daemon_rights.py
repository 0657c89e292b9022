#!/usr/bin/env python3
"""The daemon that has given up its rights, and who has kept them: the hook runner, and files of root's."""
import base64
import os
import re
import signal
import sys

import common
from common import Suite, check, check_set, equal, run_tool
from daemonrig import HOOK, Daemon, need_root, pebble, ran, set_flag, until, with_hook
from world import free_port

suite = Suite()
NOBODY = 65534


def side(name):
    """A case beside the others."""
    return suite.case(name, background=True)


def runner_of(d):
    """The process that runs the daemon's hooks."""
    path = "/proc/%d/task/%d/children" % (d.process.pid, d.process.pid)
    with open(path, encoding="ascii") as f:
        (pid,) = [int(p) for p in f.read().split()]
    with open("/proc/%d/comm" % pid, encoding="ascii") as f:
        equal(f.read().strip(), "lwacme-hooks", "the daemon's child")
    return pid


def ended(d, code):
    d.process.wait(60)
    d.reader.join(5)
    equal(d.process.returncode, code, "exit; log: %s" % common.tail(d.log))


# ---------------------------------------------------------------- the hook runner dies

def dies(w, d):
    """In the middle of a hook, and then while nobody wants anything of it."""
    with_hook(d)
    set_flag(d, "slow", True)
    d.start().until(lambda: os.path.exists(d.path("pid")), "a hook")
    with open(d.path("pid"), encoding="ascii") as f:
        hook = int(f.read())
    serial = d.serial("a.example")
    os.kill(runner_of(d), signal.SIGKILL)
    ended(d, 4)
    check(d.lines(r"error: the hook runner has ended \(killed by signal 9.*new start"), d.log)
    until(lambda: not os.path.exists("/proc/%d" % hook), "the hook dies with its runner")
    check_set(d.live("a.example"), ["a.example"], w.roots)
    set_flag(d, "slow", False)
    d.start().until(lambda: d.lines("a.example: the deploy hook has ended well"), "what is owed")
    equal([r[:2] for r in ran(d)], [["a.example", "new"], ["a.example", "again"]], "hooks")
    equal(d.serial("a.example"), serial, "the certificate")
    equal(w.count()["newOrder"], 1, "orders")
    os.kill(runner_of(d), signal.SIGTERM)      # as a service manager does to all: ignored
    os.kill(runner_of(d), signal.SIGALRM)
    ended(d, 4)
    check(d.lines(r"the hook runner has ended \(killed by signal 14"), d.log)
    third_life(d)
    d.stop()


def third_life(d):
    looks = len(d.lines("to be renewed from"))
    d.start().until(lambda: len(d.lines("to be renewed from")) > looks, "a look at the certificate")


@side("a hook runner that dies ends the daemon")
def runner_dies():
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        dies(w, d)


@side("a hook runner that dies ends the daemon that is not root")
def runner_dies_user():
    need_root()
    with pebble() as w, Daemon(w, {"a.example": {}}, user="nobody") as d:
        dies(w, d)


# ---------------------------------------------------------------- two copies of the configuration

@side("the hook of a file that only the daemon has read is not taken for another")
def copies():
    """The runner keeps its copy, because the file is the user's to change: the section's old hook must not run for
    the new one, and comes when both say the same."""
    need_root()
    with pebble() as w, Daemon(w, {"a.example": {}}, user="nobody") as d:
        old = with_hook(d)
        d.start().until(lambda: d.lines("a.example: the deploy hook has ended well"), "the hook")
        equal(len(ran(d)), 1, "hooks")
        with open(d.path("other"), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho $LWACME_FOLDER >>%s\n" % d.path("other-ran"))
        os.chmod(d.path("other"), 0o755)

        def users(hook):
            os.unlink(os.path.join(d.live("a.example"), ".deployed"))
            d.own["deploy-hook"] = hook
            d.write({"a.example": {}})
            os.chown(d.conf, NOBODY, NOBODY)
            kept = len(d.lines("hook runner keeps its configuration"))
            refused = len(d.lines("a.example: the deploy hook failed: .*says otherwise"))
            d.send(signal.SIGHUP)
            d.until(lambda: len(d.lines("hook runner keeps its configuration")) > kept, "the runner's word")
            d.until(lambda: len(d.lines("a.example: the deploy hook failed: .*says otherwise")) > refused,
                    "a refusal")

        users(d.path("other"))
        equal((len(ran(d)), os.path.exists(d.path("other-ran"))), (1, False), "what ran")
        d.reload({"a.example": {}})        # root's file again
        d.until(lambda: len(d.lines("the deploy hook has ended well")) == 2, "the other hook")
        equal((len(ran(d)), os.path.exists(d.path("other-ran"))), (1, True), "what ran")
        users(old)                         # the other way round: the runner's is the newer one now
        equal(len(ran(d)), 1, "the old hook")
        d.stop()


# ---------------------------------------------------------------- keys that only root may read

def key_file(d, name, text):
    with open(d.path(name), "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(d.path(name), 0o600)
    return d.path(name)


@side("a binding whose key only root may read")
def binding():
    need_root()
    secret = base64.urlsafe_b64encode(bytes(range(64))).decode().rstrip("=")
    with pebble(eab={"kid-1": secret}) as w, Daemon(w, {"a.example": {}}, user="nobody") as d:
        d.own["eab-kid"] = "kid-1"
        d.own["eab-hmac-key-file"] = key_file(d, "eab", secret)
        d.write(d.certs)
        d.start().until_has("a.example")
        check(d.status("Uid") != 0, "it is root")
        d.reload({"a.example": {}, "b.example": {}})
        check(d.lines("conf:.*warning: eab-hmac-key-file .*what was read at the start is used"), d.log)
        d.until_has("b.example")
        # another one that root has put there: told, and the one of the start stays in use
        os.unlink(d.path("eab"))
        key_file(d, "eab", "x" + secret)
        d.reload({"a.example": {}, "c.example": {}})
        check(d.lines("warning: eab-hmac-key-file .*has changed.*start lwacme anew"), d.log)
        d.until_has("c.example")
        # a file that was never read
        d.own["eab-hmac-key-file"] = key_file(d, "eab2", secret)
        d.reload({"a.example": {}, "d.example": {}})
        check(d.lines("conf:.*eab-hmac-key-file .*eab2: Permission denied"), d.log)
        check(d.lines("before it stays in force"), d.log)
        d.stop()


@side("a binding whose key is gone: it was needed until there was an account")
def binding_gone():
    secret = base64.urlsafe_b64encode(bytes(range(64))).decode().rstrip("=")
    with pebble(eab={"kid-1": secret}) as w, Daemon(w, {"a.example": {}}) as d:
        d.own["eab-kid"] = "kid-1"
        d.own["eab-hmac-key-file"] = key_file(d, "eab", secret)
        d.write(d.certs)
        d.start().until_has("a.example")
        os.unlink(d.path("eab"))
        d.reload({"a.example": {}, "b.example": {}})
        check(d.lines("conf:.*warning: eab-hmac-key-file .*eab: No such file"), d.log)
        d.until_has("b.example")
        d.stop()
        d.write({"a.example": {}, "b.example": {}, "c.example": {}})
        run_tool(["check", "-c", d.conf]).expect(0, "warning: eab-hmac-key-file .*eab: No such file")
        d.start().until_has("c.example")
        d.stop()
        equal(w.count()["newAccount"], 1, "accounts")


@side("without its key no account is made, and the key is asked for")
def binding_never():
    with pebble(eab={"kid-1": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"}) as w, \
            Daemon(w, {"a.example": {}}, eab_kid="kid-1") as d:
        d.own["eab-hmac-key-file"] = d.path("gone")
        d.write(d.certs)
        d.start().until(lambda: d.lines("external account binding.*eab-hmac-key-file"), "what is missing")
        d.stop()
        equal(w.count().get("newAccount", 0), 0, "newAccount")


@side("a TSIG key that only root may read")
def tsig():
    """There is no server: what fails is the update, and not the key."""
    need_root()
    key = 'key "k.example" { algorithm hmac-sha256; secret "%s"; };\n' % base64.b64encode(bytes(32)).decode()
    with pebble() as w, Daemon(w, {"a.example": {}}, user="nobody", challenge="dns-01",
                               dns_server="127.0.0.1:%d" % free_port()) as d:
        d.own["tsig-key-file"] = key_file(d, "tsig", key)
        d.write(d.certs)
        d.start().until(lambda: d.lines("a.example: .*dns-01|dns-01 .*127.0.0.1"), "an update that fails")
        d.reload({"a.example": {}, "b.example": {}})
        check(d.lines("conf:.*warning: tsig-key-file .*what was read at the start is used"), d.log)
        d.until(lambda: w.count()["newOrder"] == 2, "an order for b")
        d.own["tsig-key-file"] = key_file(d, "tsig2", key)
        d.reload({"a.example": {}})
        check(d.lines("conf:.*tsig-key-file .*tsig2: Permission denied"), d.log)
        check(not d.lines("error: (a|b).example: .*tsig-key-file"), d.log)
        d.stop()


@side("check looks at the TSIG key")
def tsig_check():
    with Daemon_without_ca() as d:
        d.own.update({"challenge": "dns-01", "tsig-key-file": key_file(d, "tsig", "key is none")})
        d.write(d.certs)
        run_tool(["check", "-c", d.conf]).expect(1, r"conf:\d+: tsig-key-file .*not of the form")
        os.chmod(d.path("tsig"), 0o644)
        run_tool(["check", "-c", d.conf]).expect(1, "others than its owner")


class Daemon_without_ca(Daemon):
    directory, ca_file, http_port = "https://ca.example/dir", "", 80

    def __init__(self):
        super().__init__(self, {"a.example": {}})
        del self.own["ca-file"]
        self.write(self.certs)


# ---------------------------------------------------------------- root that need not be

@side("root is warned")
def warned():
    need_root()
    with pebble() as w, Daemon(w, {"a.example": {}}) as d:
        os.mkdir(d.path("m"))
        d.own["metrics"] = d.path("m/lwacme.prom")
        d.write(d.certs)
        d.start().until_has("a.example")
        check(d.lines("warning: runs as root.*user = NAME"), d.log)
        check(not d.lines("metrics"), d.log)
        d.stop()
        os.chown(d.path("m"), NOBODY, NOBODY)
        d.start().until(lambda: d.lines("warning: metrics: root writes into .*belongs to another"), "a warning")
        d.stop()
        words = run_tool(["status", "--state-dir", d.state, "--metrics", d.own["metrics"]]).expect(0)
        check(re.search("warning: --metrics: root writes into .*belongs to another", words.err), words.err)
        os.chown(d.path("m"), 0, 0)
        os.chmod(d.path("m"), 0o777)
        words = run_tool(["status", "--state-dir", d.state, "--metrics", d.own["metrics"]]).expect(0)
        check("where everybody may" in words.err, words.err)
        os.chmod(d.path("m"), 0o755)
        words = run_tool(["status", "--state-dir", d.state, "--metrics", d.own["metrics"]]).expect(0)
        equal(words.err, "", "words about a folder of root's")
        d.own["user"] = "nobody"
        os.chown(d.path("m"), NOBODY, NOBODY)
        for name in ("state", "out"):
            for folder, _, files in os.walk(d.path(name)):
                for f in [folder] + [os.path.join(folder, f) for f in files]:
                    os.chown(f, NOBODY, NOBODY)
        d.write(d.certs)
        before = len(d.lines("warning: "))
        third_life(d)
        equal(d.lines("warning: ")[before:], [], "warnings for who becomes a user")
        d.stop()


@side("SIGHUP while a hook runs")
def hook_reload():
    with pebble() as w, Daemon(w, {"a.example": {}, "b.example": {}}) as d:
        with_hook(d, HOOK.replace("sleep 60", "while [ -e @/slow ]; do sleep 0.1; done"))
        set_flag(d, "slow", True)
        d.start().until(lambda: os.path.exists(d.path("pid")) and d.has(*d.certs), "a hook")
        with open(d.path("pid"), encoding="ascii") as file:
            pid = int(file.read())
        for more in ({"c.example": {}}, {}):
            d.reload({**d.certs, **more})
        d.until_has("c.example")
        check(os.path.exists("/proc/%d" % pid), "the hook was ended")
        equal(len(ran(d)), 1, "hooks beside the first")
        set_flag(d, "slow", False)
        d.until(lambda: len(d.lines("hook has ended well")) == 3, "the end of all hooks")
        equal(sorted(r[:2] for r in ran(d)), [[n, "new"] for n in ("a.example", "b.example", "c.example")], "hooks")
        d.stop()


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("rights of the daemon"))
