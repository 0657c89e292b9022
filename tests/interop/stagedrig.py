"""The walk in steps, for its suites: one state folder, one working folder, one CA, and who adds the records."""
import functools
import os
import re

import common
from common import Fail, cert_names, check, equal, key_text, lwacme_path, run_tool
from world import World

NAME = "bsys.example.net"
STAMP = r"lwacme \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
LINE = re.compile(r"^_acme-challenge\.(\S+)\.\tIN TXT\t([A-Za-z0-9_-]{43})$", re.M)


class Walk:
    """One state folder, one working folder, one CA; what is said once is not repeated."""

    def __init__(self, w, base, name=NAME, options=()):
        self.w, self.name, self.state = w, name, os.path.join(base, "state")
        self.cwd = os.path.join(base, "work")
        os.makedirs(self.cwd)
        self.first = ["--server", w.directory, "--ca-file", w.ca_file]
        if hasattr(w, "dns_port"):
            self.first += ["--dns-server", "127.0.0.1:%d" % w.dns_port]
        self.options = list(options)

    def run(self, *args, names=None, timeout=90, env=None):
        names = [self.name] if names is None else names
        argv = [x for n in names for x in ("-d", n)] + list(args) + ["--state-dir", self.state]
        return run_tool(argv, timeout=timeout, cwd=self.cwd, env=env)

    def register(self, *more, **kw):
        return self.run("-m", "ops@example.net", "--agree-tos", *self.first, *self.options, *more, **kw)

    def begin(self, *more, **kw):
        """As far as the records are known: [(name, value)]."""
        self.register(**kw).expect(0)
        self.run("-AUTH", *self.options, *more, **kw).expect(0)
        return self.records(**kw)

    def records(self, **kw):
        return LINE.findall(self.run("--dns", **kw).expect(0).out)

    def publish(self, records):
        for host, value in records:
            self.w.dns("set_txt", host="_acme-challenge.%s." % host, value=value)

    def file(self, end, name=None):
        return os.path.join(self.cwd, (name or self.name) + end)

    def files(self, names=None, key_type="p256", name=None):
        crt, key = self.file(".crt", name), self.file(".key", name)
        for f in (crt, key):
            equal(oct(os.stat(f).st_mode & 0o7777), oct(0o600), "mode of %s" % f)
        equal(cert_names(crt), sorted(names or [self.name]), "names in the certificate")
        check(common.public_of_key(key) == common.public_of_cert(crt), "key and certificate differ")
        equal(key_text(key), key_type, "key type")
        text = open(crt, encoding="ascii").read()
        check(text.count("BEGIN CERTIFICATE") == 2, "not the leaf and its chain")
        common.openssl("verify", "-CAfile", self.w.roots, "-untrusted", crt, crt)
        equal(sorted(f for f in os.listdir(self.cwd) if f.startswith(".")), [], "left behind")
        return crt, key


def bed(options=(), **world):
    """Decorator: fn(world, walk)"""
    def wrap(fn):
        @functools.wraps(fn)
        def run():
            lwacme_path()
            with World(**world) as w, w.client() as c:
                try:
                    return fn(w, Walk(w, c.base, options=options))
                except Fail as e:
                    raise Fail("%s [requests: %s]" % (e, dict(w.count()))) from e
        return run
    return wrap


def session():
    """[(arguments, output)] of the program, in their order."""
    path = os.path.join(common.ROOT, "tests/vectors/staged_session.txt")
    with open(path, encoding="utf-8") as f:
        parts = re.split(r"^\[ssladmin@\w+ \S+\]\$ (.*)\n", f.read(), flags=re.M)[1:]
    return [(command.split()[1:], text) for command, text in zip(parts[::2], parts[1::2])
            if command.startswith("./app.py")]
