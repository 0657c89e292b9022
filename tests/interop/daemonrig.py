"""`lwacme run` under test: its configuration file, its process, its log, what it keeps."""
import calendar
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import common
from common import Fail, check, lwacme_path, openssl, tail
from world import World

HZ = os.sysconf("SC_CLK_TCK")


def until(cond, what, seconds=120, step=0.05):
    """Wait for a condition, never for a time: its value."""
    end = time.monotonic() + seconds
    while True:
        got = cond()
        if got:
            return got
        if time.monotonic() > end:
            raise Fail("never: %s" % (what() if callable(what) else what))
        time.sleep(step)


def pebble(**options):
    """A CA on free ports: cases of this suite run side by side."""
    return World(namespace=False, **dict({"validity": 7776000}, **options))


def need_root():
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if os.geteuid() != 0 or int(f.read().split()[2]) < 65536:
            raise common.Skip("only root can become another user")


class Daemon:
    """A folder with a configuration and the daemon that reads it.

    certs: {name: {key: value}}; a value may be a list. own: what stands above all sections.
    """

    def __init__(self, w, certs, command="run", prefix=(), env=None, verbose=False, **own):
        self.base = tempfile.mkdtemp(prefix="lwacme-daemon-")
        os.chmod(self.base, 0o755)
        self.state, self.out = self.path("state"), self.path("out")
        self.conf = self.path("lwacme.conf")
        self.own = {"state-dir": self.state, "out-dir": self.out, "server": w.directory,
                    "ca-file": w.ca_file, "contact": "ops@example.net", "agree-tos": "yes",
                    "http-port": w.http_port}
        self.own.update((k.replace("_", "-"), v) for k, v in own.items())
        self.prefix, self.env, self.verbose = list(prefix), env or {}, verbose
        self.process = None
        self.log = ""
        self.write(certs)

    def path(self, name):
        return os.path.join(self.base, name)

    def write(self, certs, more=""):
        self.certs = certs
        lines = []
        for section in [(None, self.own)] + list(certs.items()):
            if section[0] is not None:
                lines.append("\n[%s]" % section[0])
            for key, value in section[1].items():
                for v in value if isinstance(value, list) else [value]:
                    lines.append("%s = %s" % (key, v))
        with open(self.conf + ".new", "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n" + more)
        os.rename(self.conf + ".new", self.conf)

    # ------------------------------------------------------------ life

    def argv(self, command, *more):
        return self.prefix + [lwacme_path(), command, "-c", self.conf] + \
            (["-v"] if self.verbose else []) + list(more)

    def start(self):
        env = dict(os.environ, LC_ALL="C", **self.env)
        env.setdefault("ASAN_OPTIONS", "exitcode=99")
        env.setdefault("UBSAN_OPTIONS", "halt_on_error=1:exitcode=99")
        self.process = subprocess.Popen(self.argv("run"), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        self.reader = threading.Thread(target=self.read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        return self

    def read(self, stream):
        for line in iter(stream.readline, b""):
            self.log += line.decode("utf-8", "replace")

    def renew(self, *more, timeout=120):
        argv = self.argv("renew", *more)
        start = time.monotonic()
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=timeout,
                           env=dict(os.environ, LC_ALL="C", **self.env))
        return common.Run(argv, p.returncode, p.stdout.decode("utf-8", "replace"),
                          p.stderr.decode("utf-8", "replace"), time.monotonic() - start)

    def alive(self):
        code = self.process.poll()
        if code is not None:
            self.reader.join(5)
            raise Fail("the daemon has ended with %d: %s" % (code, tail(self.log)))
        return True

    def send(self, number):
        self.alive()
        self.process.send_signal(number)

    def reload(self, certs, more="", wait=True):
        """SIGHUP, and until the daemon has said what became of it."""
        self.write(certs, more)
        before = self.reloads()
        self.send(signal.SIGHUP)
        if wait:
            self.until(lambda: self.reloads() > before, "a word about the new configuration")

    def reloads(self):
        return len(re.findall("configuration read anew|configuration before it stays", self.log))

    def stop(self, number=signal.SIGTERM, code=0):
        """Ends it as a service manager does: the seconds that took."""
        begin = time.monotonic()
        self.send(number)
        try:
            got = self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise Fail("still there 30 s after the signal: %s" % tail(self.log))
        self.reader.join(5)
        check(got == code, lambda: "exit %d, expected %d: %s" % (got, code, tail(self.log)))
        check("Sanitizer" not in self.log and "runtime error:" not in self.log,
              lambda: tail(self.log))
        return time.monotonic() - begin

    def kill(self):
        self.alive()
        self.process.kill()
        self.process.wait(10)
        self.reader.join(5)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.environ.get("KEEP_LOGS"):
            print("# %s: %s" % (self.base, self.log), file=sys.stderr)
        if "--keep" not in sys.argv:
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.close()

    def until(self, cond, what, seconds=120):
        return until(lambda: self.alive() and cond(),
                     lambda: "%s; log: %s" % (what() if callable(what) else what, tail(self.log)),
                     seconds)

    # ------------------------------------------------------------ what is there

    def live(self, name):
        return os.path.join(self.out, name)

    def cert(self, name):
        return os.path.join(self.live(name), "cert.pem")

    def has(self, *names):
        return all(os.path.isfile(self.cert(n)) for n in names)

    def until_has(self, *names, seconds=120):
        self.until(lambda: self.has(*names),
                   lambda: "certificates %s" % [n for n in names if not self.has(n)], seconds)

    def number(self, name):
        """Which set of files is in force: 1 for the first."""
        try:
            return int(os.readlink(self.live(name)).rsplit(".", 1)[1])
        except OSError:
            return 0

    def renewals(self):
        return {n: self.number(n) for n in self.certs}

    def serial(self, name):
        return common.cert_serial(self.cert(name))

    def lines(self, pattern):
        return [line for line in self.log.splitlines() if re.search(pattern, line)]

    def status(self, field):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
            return int(re.search(r"%s:\s+(\d+)" % field, f.read()).group(1))

    def rss(self):
        """Resident memory now, kB."""
        return self.status("VmRSS")

    def cpu(self):
        """Seconds of the processor so far."""
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as f:
            part = f.read().rsplit(")", 1)[1].split()
        return (int(part[11]) + int(part[12])) / HZ


# ---------------------------------------------------------------- hooks

HOOK = """#!/bin/sh
set -e
echo "$LWACME_CERT_NAME $LWACME_REASON $(openssl x509 -in "$LWACME_FULLCHAIN" -noout -serial)" >>@/ran
[ ! -e @/slow ] || { echo $$ >@/pid; sleep 60; }
[ ! -e @/fail ]
"""


def with_hook(d, text=HOOK):
    path = d.path("hook")
    with open(path, "w", encoding="ascii") as f:
        f.write(text.replace("@/", d.base + "/"))
    os.chmod(path, 0o755)
    d.own["deploy-hook"] = path
    d.write(d.certs)
    return path


def ran(d):
    try:
        with open(d.path("ran"), encoding="ascii") as f:
            return [line.split() for line in f.read().splitlines()]
    except OSError:
        return []


def set_flag(d, name, there):
    if there:
        open(d.path(name), "w", encoding="ascii").close()
    elif os.path.exists(d.path(name)):
        os.unlink(d.path(name))


def not_after(path):
    """End of a certificate's life, seconds since 1970."""
    text = openssl("x509", "-in", path, "-noout", "-enddate").decode().strip().split("=")[1]
    return calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y GMT"))


class Watch:
    """The ends of all certificates that a daemon keeps; each set of files is read once.

    Pebble answers 500 to a newOrder now and then (World.dice). The backoff after that is half a
    minute at the least, which a certificate of a minute may not survive: such names are excused.
    """

    def __init__(self, d):
        self.d = d
        self.ends = {}
        self.left = {}                 # of each name, when it was looked at last
        self.excused = set()
        self.least = float("inf")      # seconds that were left when it was looked at

    def look(self):
        """Fails when one has expired. True."""
        self.left.clear()
        for n in self.d.certs:
            number = self.d.number(n)
            if number == 0:
                continue
            if (n, number) not in self.ends:
                path = os.path.join(self.d.out, ".%s.%d" % (n, number), "cert.pem")
                try:
                    self.ends[n, number] = not_after(path)
                except Fail:
                    continue           # it was replaced twice while we looked
            left = self.left[n] = self.ends[n, number] - time.time()
            if self.d.lines("error: %s: .*step order" % re.escape(n)):
                self.excused.add(n)
                continue
            self.least = min(self.least, left)
            check(left > 0, "%s has expired %.1f s ago" % (n, -left))
        return True

    def issued(self):
        """Certificates that were there, of those that were taken out too."""
        most = {}
        for n, number in self.ends:
            most[n] = max(number, most.get(n, 0))
        return sum(most.values())
