"""What the suites of the command's dealings with its machine share: the program tests/host/host_try.c, which calls the
parts one by one, a folder with a set of files and scripts in it, and a /dev/log."""
import contextlib
import ctypes
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import common
from common import Skip, check, lwacme_path

NOBODY = 65534
PREFIX = "lwacme: hook: "


# ---------------------------------------------------------------- the program, folders, scripts

def host_try():
    path = os.path.join(os.path.dirname(lwacme_path()), "tests/host_try")
    check(os.access(path, os.X_OK), "no %s: `make programs` makes it" % path)
    return path


def environment(more=None):
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    env.update(more or {})
    return env


class Done:
    def __init__(self, p):
        self.code, self.out = p.returncode, p.stdout.decode("utf-8", "replace")
        self.raw, self.err = p.stderr, p.stderr.decode("utf-8", "replace")
        check("Sanitizer" not in self.err and "runtime error" not in self.err, "crash: %s" % self)

    def __str__(self):
        return "exit %d: %s%s" % (self.code, self.out[-500:], self.err[-500:])

    def hooked(self):
        """What the hook printed."""
        return [l[len(PREFIX):] for l in self.err.splitlines() if l.startswith(PREFIX)]


def tried(*args, env=None, prefix=(), timeout=120, stdin=None, **more):
    return Done(subprocess.run([*prefix, host_try(), *map(str, args)], input=stdin, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment(env), timeout=timeout, check=False,
                               **more))


class Place:
    """A folder that everybody may look into, with a set of files as install.c makes it."""

    def __init__(self):
        self.base = tempfile.mkdtemp(prefix="lwacme-host-")
        os.chmod(self.base, 0o755)
        self.out = os.path.join(self.base, "out")
        os.mkdir(self.out)
        self.folder = os.path.join(self.out, "a.example.net")
        self.new_set(1)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        shutil.rmtree(self.base, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.base, name)

    def new_set(self, n):
        made = os.path.join(self.out, ".a.example.net.%d" % n)
        os.mkdir(made)
        for name in ("privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"):
            open(os.path.join(made, name), "w").close()
        os.symlink(os.path.basename(made), self.folder + ".new")
        os.rename(self.folder + ".new", self.folder)
        return made

    def script(self, text, name="hook", mode=0o755):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nset -eu\ncd %s\n%s\n" % (shlex.quote(self.base), text))
        os.chmod(path, mode)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read().decode()

    def owed(self):
        return tried("owed", self.folder).code == 0

    def hook(self, text, *more, **kw):
        return tried("hook", self.script(text), self.folder, *more, **kw)


def until(what, why, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        check(time.monotonic() < end, why)
        time.sleep(0.02)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def number(place, name):
    until(lambda: os.path.exists(place.path(name)) and place.read(name).strip(), "no %s" % name)
    return int(place.read(name))


def needs_users():
    """Root that can become somebody else."""
    if os.geteuid() != 0:
        raise Skip("not root, and no user namespace")
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if all(int(line.split()[0]) + int(line.split()[2]) <= NOBODY for line in f):
            raise Skip("this namespace has no other users")


def landlock():
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) >= 1


@contextlib.contextmanager
def syslog(reading=True):
    """(prefix that runs a program where /dev/log is ours, function that gives the datagrams so far)"""
    if not common.in_namespace():
        raise Skip("no mount namespace for a /dev/log of our own")
    with Place() as p:
        dev = p.path("dev")
        os.mkdir(dev)
        nodes = ("null", "zero", "random", "urandom")
        for n in nodes:
            open(os.path.join(dev, n), "w").close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(os.path.join(dev, "log"))
            os.chmod(os.path.join(dev, "log"), 0o666)
            got, stop = [], threading.Event()
            s.settimeout(0.2)

            def read():
                while not stop.is_set():
                    with contextlib.suppress(socket.timeout):
                        while True:
                            got.append(s.recv(8192).decode().rstrip("\0\n"))

            def lines():
                stop.set()
                reader.join()
                return got
            reader = threading.Thread(target=read, daemon=True)
            if reading:
                reader.start()
            script = "".join("mount --bind /dev/%s %s/%s; " % (n, dev, n) for n in nodes)
            yield (["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                    script + 'mount --bind %s /dev; exec "$@"' % dev, "sh"], lines)
