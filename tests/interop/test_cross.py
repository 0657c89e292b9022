#!/usr/bin/env python3
"""lwacme on other processors: the static cross builds under qemu-user, against a real CA.

build/TARGET/lwacme must be there for each target (make TARGET=...), and LWACME is the program of
this machine, which shares state folders with them.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import common
from common import (Suite, check, check_set, equal, cert_serial, lwacme_path, run_tool)
import world

# Debian's name of a target, and of the qemu-user program that runs it
TARGETS = {"mips-linux-gnu": "mips", "mipsel-linux-gnu": "mipsel", "arm-linux-gnueabihf": "arm",
           "aarch64-linux-gnu": "aarch64", "riscv64-linux-gnu": "riscv64"}
WITH_32_BITS = ("mips-linux-gnu", "mipsel-linux-gnu", "arm-linux-gnueabihf")
NAMES = ["a.example.net", "b.example.net"]

suite = Suite()


class Machine:
    """Runs lwacme for one kind of processor; without a target: for this machine's."""

    def __init__(self, target=None):
        self.target, self.prefix = target, ()
        if target is None:
            self.binary = lwacme_path()
            return
        self.binary = os.path.join(common.ROOT, "build", target, "lwacme")
        check(os.access(self.binary, os.X_OK), "no build/%s/lwacme: make TARGET=%s makes it" %
              (target, target))
        qemu = shutil.which("qemu-" + TARGETS[target])
        check(qemu, "no qemu-%s: tools/setup.sh cross installs it" % TARGETS[target])
        self.prefix = (qemu,)

    def issue(self, c, names, *more, qemu=(), **replace):
        return run_tool(c.args("issue", names, *more, **replace), binary=self.binary,
                        prefix=self.prefix + tuple(qemu))

    def status(self, c):
        return run_tool(c.args("status", []), binary=self.binary, prefix=self.prefix)

    def start(self, c, names):
        return subprocess.Popen(
            list(self.prefix) + [self.binary] + [str(a) for a in c.args("issue", names)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, LC_ALL="C"))


def by_name():
    """The CA's host: a name that only DNS knows, where the test has a DNS of its own."""
    return "ca.test" if common.in_namespace() else "localhost"


def header(path, big):
    """The program is what it is called: byte order and processor, with no interpreter."""
    with open(path, "rb") as f:
        start = f.read(4096)
    check(start[:4] == b"\x7fELF", "%s is no ELF file" % path)
    equal(start[5], 2 if big else 1, "byte order in the ELF header")
    check(b"/ld" not in start, "the program asks for a dynamic linker")


def life(target):
    """First issue, nothing due, renewal: a new serial and key, no second account."""
    m = Machine(target)
    header(m.binary, target == "mips-linux-gnu")
    with world.World(ca_name=by_name()) as w, w.client() as c:
        first = m.issue(c, NAMES).expect(0)
        part = check_set(c.live(NAMES[0]), NAMES, w.roots, "p256")
        equal(w.connections(), 1, "connections to the CA")
        serial, key = cert_serial(part["cert.pem"]), common.public_of_key(part["privkey.pem"])

        w.mark()
        m.issue(c, NAMES).expect(0, "nothing due")
        equal(w.count()["total"], 0, "requests of a run with nothing due")

        again = m.issue(c, NAMES, "--force").expect(0)
        part = check_set(c.live(NAMES[0]), NAMES, w.roots, "p256")
        check(cert_serial(part["cert.pem"]) != serial, "the renewal kept the serial")
        check(common.public_of_key(part["privkey.pem"]) != key, "the renewal kept the key")
        equal(w.count()["newAccount"], 0, "newAccount of a renewal")
        m.status(c).expect(0, re.escape(NAMES[1]))
        print("# %s: first issue %.2f s, renewal %.2f s, both under qemu" %
              (target, first.seconds, again.seconds))


def exchange(target):
    """Either reads what the other wrote: account, schedule, certificate."""
    here, there = Machine(), Machine(target)
    for one, other in ((here, there), (there, here)):
        with world.World() as w, w.client() as c:
            one.issue(c, NAMES).expect(0)
            equal(other.status(c).expect(0).out, one.status(c).expect(0).out, "status")
            w.mark()
            other.issue(c, NAMES).expect(0, "nothing due")
            equal(w.count()["total"], 0, "requests of a run with nothing due")
            other.issue(c, NAMES, "--force", "--reuse-key").expect(0)
            one.issue(c, NAMES).expect(0, "nothing due")
            one.issue(c, NAMES, "--force").expect(0)
            check_set(c.live(NAMES[0]), NAMES, w.roots, "p256")
            equal(w.count()["newAccount"], 0, "newAccount of the renewals")
            equal(w.count()["newOrder"], 2, "newOrder of two renewals")


def half_way(target):
    """An order that one was killed in is finished by the other."""
    here, there = Machine(), Machine(target)
    for one, other in ((here, there), (there, here)):
        with world.World(delay=0.1) as w, w.client() as c:
            p = one.start(c, NAMES)
            end = time.monotonic() + 30
            while w.count()["authz"] == 0:
                check(time.monotonic() < end and p.poll() is None, "no authz request came")
                time.sleep(0.005)
            p.send_signal(signal.SIGKILL)
            p.communicate(timeout=20)
            other.issue(c, NAMES).expect(0)
            check_set(c.live(NAMES[0]), NAMES, w.roots, "p256")
            equal(w.count()["newOrder"], 1, "newOrder")
            equal(w.count()["newAccount"], 1, "newAccount")


def on_its_own(target):
    """Names are found without any file of a C library, as on a machine that has another one."""
    m = Machine(target)
    with world.World(ca_name=by_name()) as w, w.client() as c:
        etc = os.path.join(c.base, "root/etc")   # qemu looks here before /etc
        os.makedirs(etc)
        with open(os.path.join(etc, "nsswitch.conf"), "w", encoding="ascii") as f:
            f.write("hosts: files dns\n")
        r = m.issue(c, NAMES[:1], qemu=("-L", os.path.dirname(etc), "-strace"))
        equal(r.code, 0, "exit (%s)" % common.tail(r.text))
        opened = re.findall(r'open(?:at)?\([^"]*"([^"]+)"', r.err)
        check("/etc/resolv.conf" in opened, "resolv.conf was not read: %s" % opened)
        equal([p for p in opened if re.search(r"\.so\b|/gconv|/locale", p)], [],
              "files of a C library that were looked for")


def numeric(target):
    """The CA by its address, with an RSA server certificate; the key is P-384."""
    m = Machine(target)
    with world.World(ca_name="127.0.0.1", server_key="rsa2048") as w, w.client() as c:
        m.issue(c, NAMES[:1], "--key-type", "p384").expect(0)
        check_set(c.live(NAMES[0]), NAMES[:1], w.roots, "p384")


def past_2038(target):
    """A certificate that outlives the seconds of 31 bits."""
    m = Machine(target)
    with world.World(validity=30 * 365 * 86400) as w, w.client() as c:
        m.issue(c, NAMES[:1]).expect(0)
        year = time.gmtime(time.time() + 30 * 365 * 86400 - 1).tm_year
        m.status(c).expect(0, "%d-" % year)
        m.issue(c, NAMES[:1]).expect(0, "nothing due")


for t in TARGETS:
    suite.add("%s issue and renewal" % t, lambda t=t: life(t))
    suite.add("%s shares its state with this machine" % t, lambda t=t: exchange(t))
    suite.add("%s goes on with an order of this machine, and the other way round" % t,
              lambda t=t: half_way(t))
    suite.add("%s needs no C library" % t, lambda t=t: on_its_own(t))
    suite.add("%s CA by address, with RSA" % t, lambda t=t: numeric(t))
    if t in WITH_32_BITS:
        suite.add("%s after 2038" % t, lambda t=t: past_2038(t))


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("cross"))
