"""What all interop suites share: cases, results, the private namespace, and running the tool.

    LWACME=path/to/lwacme tests/interop/test_X.py [--keep] [--no-namespace] [word ...]

A suite prints one line for each case: `ok NAME`, `not ok NAME: why`, `skip NAME: why`, and exits
1 if any failed. Words select the cases whose name contains one of them.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
IN_NS = "LWACME_TEST_NAMESPACE"


class Skip(Exception):
    """The case cannot be run here; the text says why."""


class Fail(Exception):
    """The case failed; the text says what was expected and what came."""


def check(cond, why):
    if not cond:
        raise Fail(why() if callable(why) else why)


def equal(got, want, what):
    if got != want:
        raise Fail("%s is %r, expected %r" % (what, got, want))


def tail(text, n=600):
    text = text.strip()
    return text if len(text) <= n else "..." + text[-n:]


# ---------------------------------------------------------------- namespace

def namespace_command():
    """The unshare command that works here, or None."""
    base = ["unshare", "--net", "--mount", "--propagation", "private"]
    tries = [base] if os.geteuid() == 0 else [base[:1] + ["--map-root-user"] + base[1:]]
    for argv in tries:
        try:
            probe = "ip link set lo up && mount --bind /dev/null /etc/resolv.conf"
            if subprocess.run(argv + ["sh", "-c", probe], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=10).returncode == 0:
                return argv
        except (OSError, subprocess.SubprocessError):
            pass
    return None


def enter_namespace():
    """Run this program again in a private network and mount namespace, if that is possible.

    There port 80 and DNS are free, nothing but lo exists (no test can reach the internet), and
    all vanishes on exit. Elsewhere the suites use free ports on loopback.
    """
    if os.environ.get(IN_NS) is not None or "--no-namespace" in sys.argv:
        return
    argv = namespace_command()
    if argv is None:
        os.environ[IN_NS] = ""
        return
    keep = tempfile.NamedTemporaryFile("w", prefix="lwacme-resolv-", delete=False)
    keep.write("nameserver 127.0.0.1\n")
    keep.close()
    os.chmod(keep.name, 0o644)
    script = ('ip link set lo up; mount --bind "$0" /etc/resolv.conf; rm -f "$0"; exec "$@"')
    os.environ[IN_NS] = "1"
    os.execvp(argv[0], argv + ["sh", "-c", script, keep.name, sys.executable] + sys.argv)


def in_namespace():
    return os.environ.get(IN_NS) == "1"


# ---------------------------------------------------------------- cases

# What the test CA did, in the case of this thread, that no client can help (world.py: dice). A case
# that failed with one of these is run once more.
this_case = threading.local()


def excuse(words):
    this_case.excuses = getattr(this_case, "excuses", []) + [words]


class Suite:
    def __init__(self):
        self.cases = []

    def case(self, name, background=False):
        """Decorator. Background cases (slow, mostly waiting) run in threads beside the others."""
        def keep(fn):
            self.add(name, fn, background)
            return fn
        return keep

    def add(self, name, fn, background=False):
        """A printed name is one word: run.py and grep take it whole."""
        word = re.sub(r"[\s,]+", "-", name.replace(":", ""))
        self.cases.append((word, fn, background))

    def main(self, title):
        words = [a for a in sys.argv[1:] if not a.startswith("-")]
        words = [re.sub(r"[\s,]+", "-", w.replace(":", "")) for w in words]
        chosen = [c for c in self.cases if not words or any(w in c[0] for w in words)]
        started = time.monotonic()
        failed = []
        lock = threading.Lock()
        times = {}

        def twice(name, fn):
            this_case.excuses = []
            try:
                fn()
            except (Fail, subprocess.TimeoutExpired) as e:
                if not this_case.excuses:
                    raise
                print("# %s once more, because %s (%s)" % (name, this_case.excuses[0], oneline(e)),
                      flush=True)
                fn()

        def one(name, fn):
            begin = time.monotonic()
            try:
                twice(name, fn)
                line, bad = "ok %s" % name, False
            except Skip as e:
                line, bad = "skip %s: %s" % (name, oneline(e)), False
            except Fail as e:
                line, bad = "not ok %s: %s" % (name, oneline(e)), True
            except subprocess.TimeoutExpired as e:
                line, bad = "not ok %s: no end after %s s" % (name, e.timeout), True
            except Exception as e:  # a broken test is a failed test
                where = traceback.extract_tb(e.__traceback__)[-1]
                line, bad = "not ok %s: %s: %s (%s:%d)" % (
                    name, type(e).__name__, oneline(e), os.path.basename(where.filename),
                    where.lineno), True
            with lock:
                times[name] = time.monotonic() - begin
                print(line, flush=True)
                if bad:
                    failed.append(name)

        threads = [threading.Thread(target=one, args=(n, f), daemon=True)
                   for n, f, background in chosen if background]
        for t in threads:
            t.start()
        for n, f, background in chosen:
            if not background:
                one(n, f)
        for t in threads:
            t.join()
        if os.environ.get("TIMES"):
            for n in sorted(times, key=times.get, reverse=True)[:10]:
                print("# %.1f s %s" % (times[n], n))
        print("# %s: %d cases, %d failed, %.1f s" %
              (title, len(chosen), len(failed), time.monotonic() - started), flush=True)
        return 1 if failed else 0


def oneline(e):
    return printable(re.sub(r"\s*\n\s*", " | ", str(e).strip()))


def printable(text):
    return "".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in text)


# ---------------------------------------------------------------- the tool

def lwacme_path():
    path = os.environ.get("LWACME") or os.path.join(ROOT, "build/host/lwacme")
    if not os.access(path, os.X_OK):
        raise Fail("no lwacme at %s (set LWACME)" % path)
    return os.path.abspath(path)


class Run:
    """How one run of the tool ended."""

    def __init__(self, argv, code, out, err, seconds):
        self.argv, self.code, self.out, self.err = argv, code, out, err
        self.seconds = seconds
        self.text = out + err

    def __str__(self):
        return "exit %d after %.1f s: %s" % (self.code, self.seconds, tail(self.text))

    def expect(self, code, pattern=None):
        codes = code if isinstance(code, tuple) else (code,)
        if self.code not in codes:
            raise Fail("exit %s expected, got %s" % (" or ".join(map(str, codes)), self))
        if self.code < 0 or "Sanitizer" in self.text or "runtime error:" in self.text:
            raise Fail("crash: %s" % self)
        if pattern is not None and not re.search(pattern, self.text, re.I | re.S):
            raise Fail("the message lacks /%s/: %s" % (pattern, self))
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", self.text):
            raise Fail("control characters in the output: %r" % tail(self.text))
        if any(line.strip() == "" for line in [self.text]) and self.code != 0:
            raise Fail("exit %d without a word" % self.code)
        return self

    def events(self):
        """The JSON lines of --json; each must parse and carry its version ("v") and an event."""
        got = []
        for line in self.out.splitlines():
            try:
                e = json.loads(line)
            except ValueError:
                raise Fail("not a JSON line: %r" % line[:200])
            check(isinstance(e, dict) and isinstance(e.get("v"), int) and "event" in e,
                  "a JSON line without v or event: %r" % line[:200])
            got.append(e)
        return got


def run_tool(args, timeout=90, env=None, prefix=(), binary=None, cwd=None):
    argv = list(prefix) + [binary or lwacme_path()] + [str(a) for a in args]
    start = time.monotonic()
    full = dict(os.environ, LC_ALL="C")
    full.setdefault("ASAN_OPTIONS", "exitcode=99")
    full.setdefault("UBSAN_OPTIONS", "halt_on_error=1:exitcode=99")
    full.update(env or {})
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env=full, cwd=cwd)
    try:
        out, err = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        text = (out + err).decode("utf-8", "replace")
        raise Fail("no end after %d s, killed; output so far: %s" % (timeout, tail(text)))
    return Run(argv, p.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"),
               time.monotonic() - start)


class Client:
    """One state folder of the tool and the options that belong to it."""

    def __init__(self, directory, ca_file, http_port=80, base=None):
        self.base = base or tempfile.mkdtemp(prefix="lwacme-test-")
        os.chmod(self.base, 0o755)
        self.state = os.path.join(self.base, "state")      # None: the tool's own default
        self.out = os.path.join(self.base, "out")
        self.directory, self.ca_file, self.http_port = directory, ca_file, http_port

    def args(self, command, names, *more, **replace):
        o = {"--server": self.directory, "--ca-file": self.ca_file, "--state-dir": self.state,
             "--out-dir": self.out, "--http-port": self.http_port, "-m": "ops@example.net"}
        if command == "status":
            o = {"--state-dir": self.state}
        for key, value in replace.items():
            o["-m" if key == "m" else "--" + key.replace("_", "-")] = value
        argv = [command]
        for n in names:
            argv += ["-d", n]
        if command in ("issue", "dns-persist"):
            argv.append("--agree-tos")
        if "--no-tos" in more:
            argv.remove("--agree-tos")
        for key, value in o.items():
            if value is not None:
                argv += [key, value]
        return argv + [m for m in more if m not in ("--no-tos", "--agree-tos")]

    def issue(self, names, *more, timeout=90, prefix=(), env=None, **replace):
        names = [names] if isinstance(names, str) else names
        return run_tool(self.args("issue", names, *more, **replace), timeout=timeout,
                        prefix=prefix, env=env)

    def run(self, command, *more, names=(), timeout=60, env=None, **replace):
        """Any other command, given as its words."""
        words = command.split()
        argv = self.args(words[0], names, *more, **replace)
        return run_tool(words + argv[1:], timeout=timeout, env=env)

    def status(self, *more, timeout=30):
        return run_tool(self.args("status", [], *more), timeout=timeout)

    def live(self, name):
        return os.path.join(self.out, name)

    def files(self):
        """Every file of the state folder: {relative path: bytes}."""
        got = {}
        for where, _, names in os.walk(self.state):
            for n in names:
                p = os.path.join(where, n)
                if os.path.isfile(p):
                    with open(p, "rb") as f:
                        got[os.path.relpath(p, self.state)] = f.read()
        return got

    def close(self):
        if "--keep" not in sys.argv:
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.close()


# ---------------------------------------------------------------- openssl

def openssl(*args, data=None, ok=True):
    r = subprocess.run(("openssl",) + args, input=data, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    if ok and r.returncode != 0:
        raise Fail("openssl %s: %s" % (" ".join(args), r.stderr.decode("utf-8", "replace")[-300:]))
    return r.stdout if ok else r


def cert_names(path):
    text = openssl("x509", "-in", path, "-noout", "-ext", "subjectAltName").decode()
    return sorted(re.findall(r"(?:DNS|IP Address):([^,\s]+)", text))


def cert_serial(path):
    return openssl("x509", "-in", path, "-noout", "-serial").decode().strip().split("=")[1]


def key_text(path):
    text = openssl("pkey", "-in", path, "-noout", "-text").decode()
    bits = re.search(r"\((\d+) bit", text).group(1)
    if "NIST CURVE: P-256" in text:
        return "p256"
    if "NIST CURVE: P-384" in text:
        return "p384"
    return ("rsa" if "modulus" in text else "?") + bits


def public_of_key(path):
    return openssl("pkey", "-in", path, "-pubout")


def public_of_cert(path):
    return openssl("x509", "-in", path, "-noout", "-pubkey")


def check_set(live, names, roots=None, key_type=None):
    """privkey, cert, chain and fullchain of one certificate: complete, private, one pair."""
    check(os.path.islink(live), "%s is not a symbolic link" % live)
    part = {}
    for n in ("privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"):
        part[n] = os.path.join(live, n)
        check(os.path.isfile(part[n]), "%s is missing" % n)
    mode = os.stat(part["privkey.pem"]).st_mode & 0o777
    equal(oct(mode), oct(0o600), "mode of privkey.pem")
    check(public_of_key(part["privkey.pem"]) == public_of_cert(part["cert.pem"]),
          "privkey.pem and cert.pem are not a pair")
    equal(cert_names(part["cert.pem"]), sorted(names), "the certificate's names")
    text = {n: open(p, encoding="ascii").read() for n, p in part.items()}
    check(text["fullchain.pem"] == text["cert.pem"] + text["chain.pem"],
          "fullchain.pem is not cert.pem and chain.pem")
    equal(text["cert.pem"].count("BEGIN CERTIFICATE"), 1, "certificates in cert.pem")
    if roots:
        openssl("verify", "-CAfile", roots, "-untrusted", part["chain.pem"], part["cert.pem"])
    if key_type:
        equal(key_text(part["privkey.pem"]), key_type, "key type")
    return part
