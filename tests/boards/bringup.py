#!/usr/bin/env python3
"""Boots a board's bring-up image in QEMU, against Pebble and an SNTP server of ours.

    bringup.py [--board emcraft-sf2] [--chain ecdsa|rsa] [--tls 1.2|1.3] [--icount] [--verbose]

Builds the image (make BOARD=... bringup) with a root made for this run. Needs pebble in PATH or
PEBBLE=program; port 123 of the loopback interface (run as root, or in a namespace).
"""
import argparse
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import machines  # noqa: E402
import sntp_server  # noqa: E402

failed = 0


def check(ok, name, why=""):
    global failed
    print(f"ok {name}" if ok else f"not ok {name}: {why}", flush=True)
    failed += not ok
    return ok


def run(*command, **more):
    subprocess.run(command, check=True, cwd=TOP, **more)


def make_chain(folder, kind):
    """A root and a server certificate for 10.0.2.2 (how the guest sees this machine)."""
    def key(name, bits):
        how = (["genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"]
               if kind == "rsa" else
               ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        run("openssl", *how, "-out", f"{folder}/{name}.key", stderr=subprocess.DEVNULL)

    key("root", 4096)
    key("server", 2048)
    run("openssl", "req", "-x509", "-new", "-key", f"{folder}/root.key", "-subj", "/CN=test root",
        "-days", "3650", "-addext", "keyUsage=critical,keyCertSign", "-out", f"{folder}/root.pem")
    with open(f"{folder}/ext", "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:10.0.2.2,IP:127.0.0.1\n")
    run("openssl", "req", "-new", "-key", f"{folder}/server.key", "-subj", "/CN=localhost",
        "-out", f"{folder}/server.csr")
    run("openssl", "x509", "-req", "-in", f"{folder}/server.csr", "-CA", f"{folder}/root.pem",
        "-CAkey", f"{folder}/root.key", "-CAcreateserial", "-days", "365", "-extfile",
        f"{folder}/ext", "-out", f"{folder}/server.pem", stderr=subprocess.DEVNULL)
    run("openssl", "x509", "-in", f"{folder}/root.pem", "-outform", "DER", "-out",
        f"{folder}/root.der.new")
    os.replace(f"{folder}/root.der.new", f"{folder}/root.der")


def start_directory(folder, port, tls):
    """Pebble, or (for TLS 1.2 only, which Pebble cannot be told) openssl s_server."""
    if tls == "1.2":
        return subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
             f"{folder}/server.pem", "-key", f"{folder}/server.key", "-tls1_2", "-www"],
            cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{folder}/pebble.json", "w") as f:
        f.write(f'{{"pebble": {{"listenAddress": "127.0.0.1:{port}", '
                f'"managementListenAddress": "", "certificate": "{folder}/server.pem", '
                f'"privateKey": "{folder}/server.key", "httpPort": 5002, "tlsPort": 5001}}}}')
    program = os.environ.get("PEBBLE", "pebble")
    return subprocess.Popen([program, "-config", f"{folder}/pebble.json"], cwd=TOP,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Guest:
    """QEMU with the image; its console lines in self.lines."""

    def __init__(self, board, elf, nor, http_port, icount, verbose):
        command = machines.command(board, elf, nor, {http_port: 80}) + ["-no-reboot"]
        if icount:
            command += ["-icount", "shift=3,sleep=off"]  # 8 ns each: 125 instructions/us
        self.verbose = verbose
        self.lines = []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip()
            self.lines.append(text)
            if self.verbose:
                print("  |", text, flush=True)

    def wait_line(self, pattern, seconds):
        end = time.time() + seconds
        while time.time() < end:
            for line in self.lines:
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None and not any(
                    re.search(pattern, line) for line in self.lines):
                return None
            time.sleep(0.02)
        return None

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


def boot(guest, http_port, first):
    if first and check(guest.wait_line(r"^seed\?", 20), "asks for a seed", guest.lines[-3:]):
        guest.write(secrets.token_hex(32))
    check(guest.wait_line(r"^flash: boot", 20), "seed stored and replaced", guest.lines[-3:])
    check(guest.wait_line(r"^dhcp: 10\.0\.2\.15", 30), "address by DHCP", guest.lines[-3:])
    check(guest.wait_line(r"^sntp: ", 60), "time by SNTP", guest.lines[-3:])
    check(guest.wait_line(r"^tls: ", 60), "TLS handshake", guest.lines[-3:])
    check(guest.wait_line(r"^https: HTTP/1\.\d 200", 30), "directory over HTTPS", guest.lines[-3:])
    if check(guest.wait_line(r"^port 80: listening", 30), "listens on port 80", guest.lines[-3:]):
        reply = b""
        with socket.create_connection(("127.0.0.1", http_port), 10) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while part := s.recv(100):
                reply += part
        check(reply.endswith(b"\r\n\r\n!"), "serves on port 80", reply)
    status = guest.wait(30)
    check(status == 0, "exit status", f"{status} {guest.lines[-5:]}")
    for line in guest.lines:
        if re.match(r"(tls|https|pool|stack|card|flash|dhcp|sntp):", line):
            print("    " + line)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--board", default="emcraft-sf2")
    p.add_argument("--chain", default="ecdsa", choices=["ecdsa", "rsa"])
    p.add_argument("--tls", default="1.3", choices=["1.2", "1.3"])
    p.add_argument("--icount", action="store_true")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--variant", default="", help="folder ending of the build, such as -lto")
    p.add_argument("--defs", default="", help="more -D, such as -DSF2_NOR_ERASE_MS=1000")
    p.add_argument("--make", default="make", help="the make command, with options")
    a = p.parse_args()
    folder = f"{TOP}/build/bringup-{a.board}"
    os.makedirs(folder, exist_ok=True)
    make_chain(folder, a.chain)
    run(*a.make.split(), f"BOARD={a.board}", "bringup", f"ANCHOR={folder}/root.der",
        f'BOARD_EXTRA=-DBOARD_SNTP_SERVER=\\"10.0.2.2\\" {a.defs}', stdout=subprocess.DEVNULL)
    elf = f"{TOP}/build/{a.board}{a.variant}/bringup.elf"
    nor = f"{folder}/nor.img"
    with open(nor, "wb") as f:
        f.write(b"\xff" * machines.MACHINES[a.board]["flash"])
    http_port = 5002
    clock = sntp_server.Server(123)
    clock.start()
    directory = start_directory(folder, 14000, a.tls)
    time.sleep(1)
    try:
        for first in (True, False):
            print(f"# {a.board}, {a.chain} chain, TLS {a.tls}, boot {1 if first else 2}")
            boot(Guest(a.board, elf, nor, http_port, a.icount, a.verbose), http_port, first)
    finally:
        directory.kill()
        clock.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
