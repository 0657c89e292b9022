"""A board in QEMU, with its flash image, its console, and what it needs around it.

    device = Device(world, folder, names=["gw.example.net"])
    device.boot()
    device.wait("certificate")
"""
import json
import os
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
import machines  # noqa: E402
import sntp_server  # noqa: E402
from common import Fail, Skip, openssl  # noqa: E402
import world  # noqa: E402

ELF = os.path.join(TOP, "build", "emcraft-sf2", "firmware.elf")
MKCONFIG = os.environ.get("MKCONFIG", os.path.join(TOP, "build", "host", "mkconfig"))
HOST = os.path.dirname(MKCONFIG)


def rsa_ca(folder):
    """A root with an RSA key of 4096 bits."""
    cert, key = os.path.join(folder, "root.pem"), os.path.join(folder, "root.key")
    openssl("req", "-x509", "-newkey", "rsa:4096", "-nodes", "-keyout", key, "-out", cert, "-days",
            "30", "-subj", "/CN=RSA test root", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return cert, key


class RsaWorld(world.World):
    """Pebble behind a server certificate with an RSA key, under a root with an RSA key."""

    def start(self):
        ca = world.kept("rsa-ca", rsa_ca)
        usual = world.usual_ca, world.usual_server
        world.usual_ca = lambda: ca
        world.usual_server = lambda kind: world.kept(
            "rsa-server", lambda folder: world.make_server_cert(folder, ca, "rsa2048"))
        try:
            super().start()
        finally:
            world.usual_ca, world.usual_server = usual


class Clock:
    """The time server; tells the truth, or anything else."""

    def __init__(self):
        self.server = sntp_server.Server(123)
        self.server.start()

    def tell(self, at=None, offset=0):
        self.server.at, self.server.offset = at, offset

    def close(self):
        self.server.close()


class Device:
    board = "emcraft-sf2"

    def __init__(self, ca, folder, names, seed=True, config=True, elf=ELF, http_port=80,
                 https_port=443, verbose=False, icount=False):
        self.ca, self.folder, self.names, self.elf = ca, folder, names, elf
        self.http_port, self.https_port = http_port, https_port
        self.verbose = verbose or "--verbose" in sys.argv
        self.icount = icount
        self.nor = os.path.join(folder, "nor.img")
        self.process, self.events, self.boots = None, [], 0
        self.changed = threading.Condition()
        if os.path.exists(self.nor):
            os.unlink(self.nor)
        if config or seed:
            self.mkconfig(*(self.config_args() if config else ()), "--image", self.nor,
                          *machines.MACHINES[self.board]["geometry"], *(("--seed", secrets.token_hex(32)) if seed else ()))
        else:
            with open(self.nor, "wb") as f:
                f.write(b"\xff" * machines.MACHINES[self.board]["flash"])

    def config_args(self):
        args = ["--directory", self.ca.directory, "--ca-file", self.ca.ca_file, "--agree-tos",
                "--contact", "admin@example.net", "--sntp", "10.0.2.2"]
        for name in self.names:
            args += ["-d", name]
        return args

    @staticmethod
    def mkconfig(*args):
        p = subprocess.run([MKCONFIG, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, timeout=20)
        if p.returncode != 0:
            raise Fail("mkconfig: " + p.stderr)
        return p.stdout

    # ------------------------------------------------------------ life

    def boot(self, *more):
        """more: further words for QEMU."""
        command = machines.command(self.board, self.elf, self.nor, {
            self.http_port: 80, self.https_port: 443}) + os.environ.get("QEMU_MORE", "").split() + list(more)
        if self.icount:
            command += ["-icount", "shift=3,sleep=on"]  # 8 ns each: 125 instructions/us
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.boots += 1
        threading.Thread(target=self.read, args=(self.process,), daemon=True).start()
        return self

    def read(self, process):
        for line in process.stdout:
            text = line.decode(errors="replace").rstrip()
            if self.verbose:
                print("  |", text, flush=True)
            try:
                event = json.loads(text)
            except ValueError:
                event = {"event": "text", "text": text}
            if not isinstance(event, dict):
                event = {"event": "text", "text": text}
            event["boot"] = event.get("boot", self.boots)
            event["_at"] = time.monotonic()
            with self.changed:
                self.events.append(event)
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def kill(self):
        """As a power cut: the image keeps what was programmed."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()
        self.process = None

    def mark(self):
        with self.changed:
            return len(self.events)

    def wait(self, event, seconds=40, since=0, **members):
        """The first event of this kind, with these members (patterns), from index since on."""
        end = time.monotonic() + seconds
        with self.changed:
            at = since
            while True:
                for e in self.events[at:]:
                    at += 1
                    if e.get("event") == event and all(
                            re.search(v, str(e.get(k, ""))) for k, v in members.items()):
                        return e
                left = end - time.monotonic()
                if left <= 0 or (self.process and self.process.poll() is not None):
                    raise Fail("no event %r %s in %d s; the last: %s" % (
                        event, members or "", seconds, self.tail()))
                self.changed.wait(min(left, 0.5))

    def tail(self, n=6):
        return " / ".join(json.dumps({k: v for k, v in e.items() if k not in ("v", "_at")})
                          for e in self.events[-n:])

    def has(self, event, since=0, **members):
        with self.changed:
            return any(e.get("event") == event and all(
                re.search(v, str(e.get(k, ""))) for k, v in members.items())
                for e in self.events[since:])

    def type(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    # ------------------------------------------------------------ its flash image

    def dump(self, *args):
        """record_dump of the image: (exit status, text)."""
        p = subprocess.run([os.path.join(HOST, "record_dump"), "--board", self.board, *args,
                            self.nor], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=60)
        return p.returncode, p.stdout

    def flash_tool(self, *args, data=b""):
        """One act of tests/flash/flash_tool.c on the image: its output."""
        g = machines.MACHINES[self.board]["sectors"]
        p = subprocess.run([os.path.join(HOST, "tests", "flash_tool"), self.nor,
                            *(str(n) for n in g), *(str(a) for a in args)], input=data,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if p.returncode != 0:
            raise Fail("flash_tool %s: %s" % (args, p.stderr.decode()))
        return p.stdout

    def write_image(self, data, at=0):
        with open(self.nor, "r+b") as f:
            f.seek(at)
            f.write(data)

    # ------------------------------------------------------------ its HTTPS server

    def get(self, seconds=15, name=None):
        """GET / from the board: (serial, body). Verified against the CA's own root, by name."""
        context = ssl.create_default_context(cafile=self.ca.roots)
        end = time.monotonic() + seconds
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.https_port), 5) as raw, \
                        context.wrap_socket(raw, server_hostname=name or self.names[0]) as s:
                    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    body = b""
                    while part := s.recv(4096):
                        body += part
                    return s.getpeercert()["serialNumber"], body
            except (OSError, ssl.SSLError) as e:
                if isinstance(e, ssl.SSLCertVerificationError) or time.monotonic() > end:
                    raise Fail("HTTPS to the board: %s" % e)
                time.sleep(0.1)
