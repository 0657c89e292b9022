"""lwacme issue --external: one run of the tool, its streams in the test's hands."""
import base64
import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time

import common
from common import equal, lwacme_path

NAMES = ["h0.example.net", "h1.example.net"]
THUMB = r"[A-Za-z0-9_-]{43}"
TOKEN = r"[A-Za-z0-9_-]{22,128}"
RECIPE = ("mkdir -p /tmp/lwacme/public_html/.well-known/acme-challenge\n"
          "cd /tmp/lwacme/public_html\n"
          "printf \"%%s\" %s > .well-known/acme-challenge/%s\n"
          "# run only once per server:\npython3 -m http.server 80")


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class Agent:
    """One run of the tool, its streams in our hands."""

    def __init__(self, c, *more, names=tuple(NAMES), env=None, stdin=subprocess.PIPE, tos=True):
        argv = [lwacme_path()] + [str(a) for a in c.args("issue", names, *more)]
        self.argv = argv
        self.p = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C",
                                                                   **(env or {})))
        self.err = b""
        self.lines = []
        self.buffer = b""
        self.reader = threading.Thread(target=self.read_err, daemon=True)
        self.reader.start()

    def read_err(self):
        self.err = self.p.stderr.read()

    def more(self, seconds):
        """Some bytes of stdout, b"" at its end, None when nothing came."""
        if not select.select([self.p.stdout], [], [], seconds)[0]:
            return None
        return os.read(self.p.stdout.fileno(), 65536)

    def line(self, seconds=60):
        """The next line, without its end; None at the end of output."""
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            data = self.more(max(0, end - time.monotonic()))
            if data is None:
                self.p.kill()
                raise common.Fail("no line within %d s: %r" % (seconds, self.buffer[-200:]))
            if not data:
                return None
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\n", 1)
        self.lines.append(text.decode("ascii"))
        return self.lines[-1]

    def quiet(self, seconds=0.7):
        equal(self.more(seconds), None, "output before the answer")

    def answer(self, data=b"\n"):
        self.p.stdin.write(data)
        self.p.stdin.flush()

    def end(self, code, pattern=None, seconds=90):
        while self.line(seconds) is not None:
            pass
        code_was = self.p.wait(seconds)
        self.reader.join(10)
        return common.Run(self.argv, code_was, "\n".join(self.lines),
                          self.err.decode("utf-8", "replace"), 0).expect(code, pattern)

    def messages(self, cmd=None):
        got = [json.loads(t) for t in self.lines]
        return [m for m in got if cmd is None or m["cmd"] == cmd]


def place(w, m):
    """What the message asks for, at challtestsrv."""
    if m["type"] == "dns-01":
        w.dns("set_txt", host=m.get("txt_domain", m["domain"]) + ".", value=m["validation"])


def canonical(line, want):
    """line is exactly what Python's json.dumps makes of these members, in this order."""
    equal(line, json.dumps(want), "the message")


def script(c, text, name="handler", mode=0o755):
    path = os.path.join(c.base, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def handled(c, path, *more, way="handler", env=None, **kw):
    return Agent(c, "--external", "%s=%s" % (way, path), "--preferred-challenges", "dns", *more,
                 stdin=subprocess.DEVNULL, env=env, **kw)


# A handler in shell has no HTTP client of its own: Python's, to challtestsrv.
PLACE = """
if [ "$1" = perform ]; then
    %s -c 'import http.client, json, os
c = http.client.HTTPConnection("127.0.0.1", int(os.environ["DNS"]))
name = os.environ.get("txt_domain") or os.environ["domain"]
c.request("POST", "/set-txt", json.dumps({"host": name + ".", "value": os.environ["validation"]}))
assert c.getresponse().status == 200'
fi
""" % sys.executable


def serve(w, root):
    """A web server of Python's at port http-01 asks."""
    p = subprocess.Popen([sys.executable, "-m", "http.server", str(w.http_port), "--bind",
                          "127.0.0.1", "--directory", root],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    w.processes.append(p)
    w.wait_port(w.http_port)
