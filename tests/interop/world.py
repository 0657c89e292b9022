"""A real CA for one test: Pebble, its DNS, and a private CA for its server certificate.

    with World(version="newest", nonce_reject=50) as w:
        w.directory, w.ca_file, w.http_port        what a client needs
        w.count(), w.connections()                 what it did
"""
import atexit
import collections
import functools
import glob
import http.client
import itertools
import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import common
from common import Skip, openssl

PEBBLE_DIR = os.environ.get("PEBBLE_DIR") or os.path.join(common.ROOT, "build/pebble")

# Pebble's paths, and what they are called in RFC 8555.
KINDS = (("/dir", "directory"), ("/nonce-plz", "newNonce"), ("/sign-me-up", "newAccount"),
         ("/order-plz", "newOrder"), ("/my-order/", "order"), ("/authZ/", "authz"),
         ("/chalZ/", "challenge"), ("/finalize-order/", "finalize"), ("/certZ/", "certificate"),
         ("/my-account/", "account"), ("/revoke-cert", "revokeCert"),
         ("/rollover-account-key", "keyChange"), ("/draft-ietf-acme-ari", "renewalInfo"))


def versions():
    """Versions at hand, the newest last."""
    found = [os.path.basename(os.path.dirname(os.path.dirname(os.path.dirname(p))))
             for p in glob.glob(os.path.join(PEBBLE_DIR, "*/usr/bin/pebble"))]
    return sorted(found, key=lambda v: [int(x) for x in re.findall(r"\d+", v)])


def find(version):
    """(number, folder of programs) of a version; "newest" is the highest at hand."""
    have = versions()
    if version == "newest" and have:
        version = have[-1]
    if version not in have:
        raise Skip("no pebble %s below %s (tools/get_pebble.py fetches it)" %
                   (version, os.path.relpath(PEBBLE_DIR, common.ROOT)))
    return version, os.path.join(PEBBLE_DIR, version, "usr/bin")


_ports = itertools.count(random.randrange(10000, 30000))


def free_port(host="127.0.0.1"):
    """A port that nobody has, and that no connection takes by itself: those begin above 32768. No
    port is given twice in the life of this program, so worlds side by side do not meet."""
    while True:
        port = 10000 + next(_ports) % 22000
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
            try:
                s.bind((host, port))
                return port
            except OSError:
                continue


def make_ca(folder, name="test root"):
    """A root: (certificate path, key path)."""
    cert, key = os.path.join(folder, "root.pem"), os.path.join(folder, "root.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=" + name,
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return cert, key


def make_server_cert(folder, ca, key_type="p256", names=("localhost", "ca.test"),
                     addresses=("127.0.0.1", "::1"), days="30", stem="server"):
    """A TLS server certificate of ca: (certificate path, key path)."""
    cert, key = (os.path.join(folder, stem + e) for e in (".pem", ".key"))
    csr, ext = os.path.join(folder, stem + ".csr"), os.path.join(folder, stem + ".ext")
    new = (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key_type == "p256"
           else ["-newkey", "rsa:" + key_type.replace("rsa", "")])
    openssl("req", *new, "-nodes", "-keyout", key, "-out", csr, "-subj", "/CN=" + names[0])
    with open(ext, "w", encoding="ascii") as f:
        f.write("subjectAltName=" + ",".join(["DNS:" + n for n in names] +
                                             ["IP:" + a for a in addresses]) + "\n")
        f.write("extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", csr, "-CA", ca[0], "-CAkey", ca[1], "-set_serial",
            "0x" + os.urandom(8).hex(), "-days", days, "-extfile", ext, "-out", cert)
    return cert, key


_kept = {}
_keeping = threading.Lock()


def kept(what, make):
    """The result of make(folder), made once in the life of this program."""
    with _keeping:
        if what not in _kept:
            folder = tempfile.mkdtemp(prefix="lwacme-keys-")
            os.chmod(folder, 0o755)
            atexit.register(shutil.rmtree, folder, True)
            _kept[what] = make(folder)
        return _kept[what]


def usual_ca():
    return kept("ca", make_ca)


def usual_server(key_type="p256"):
    ca = usual_ca()
    return kept(key_type, lambda folder: make_server_cert(folder, ca, key_type))


class Forwarder:
    """A TCP forwarder before the CA: counts connections, and can slow the CA's answers down.

    It sees TLS records only, so nothing about the conversation depends on it. An answer that is
    still waiting here when the client is gone is dropped.
    """

    def __init__(self, target, host="127.0.0.1", port=0, delay=0.0):
        self.target, self.delay = target, delay
        self.count = 0
        self.bytes_up = self.bytes_down = 0
        self.flights = []          # [first byte up, last byte down] of each question and answer
        self.refuses = False       # the CA is away: each connection ends at once
        self.lock = threading.Lock()
        self.listener = socket.create_server(
            (host, port), backlog=64,
            family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            if self.refuses:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.up, args=(client, server), daemon=True).start()
            threading.Thread(target=self.down, args=(server, client), daemon=True).start()

    def up(self, client, server):
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    break
                self.bytes_up += len(data)
                with self.lock:
                    if not self.flights or self.flights[-1][1]:
                        self.flights.append([time.monotonic(), 0.0])
                server.sendall(data)
        except OSError:
            pass
        self.shut(server)

    def down(self, server, client):
        try:
            while True:
                data = server.recv(65536)
                if not data:
                    break
                self.bytes_down += len(data)
                if self.delay:
                    time.sleep(self.delay)
                with self.lock:
                    if self.flights:
                        self.flights[-1][1] = time.monotonic()
                client.sendall(data)
        except OSError:
            pass
        self.shut(client)

    @staticmethod
    def shut(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()

    def reset(self):
        self.count = self.bytes_up = self.bytes_down = 0
        self.flights = []

    def close(self):
        # A close does not wake accept, and its descriptor may soon be another listener's.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()


class World:
    def __init__(self, version="newest", nonce_reject=0, chain_length=1, alternate_roots=0,
                 strict=False, authz_reuse=0, key_algorithm="ecdsa", retry_after=None, eab=None,
                 profiles=None, http_port=None, tls_port=None, server_key="p256", ipv4="127.0.0.1",
                 ipv6="", validity=7776000, delay=0.0, always_valid=False, sleep=False,
                 blocklist=("blocked-domain.example",), ca_name="localhost", namespace=None, ask_dns=None):
        self.version, self.programs = find(version)
        ns = common.in_namespace() if namespace is None else namespace
        self.http_port = http_port or (80 if ns else free_port())
        self.tls_port = tls_port or (443 if ns else free_port())
        self.dns_port = 53 if ns else free_port()
        self.pebble_port = 14000 if ns else free_port()
        self.manage_port = 15000 if ns else free_port()
        self.dns_manage_port = 8055 if ns else free_port()
        self.strict, self.ipv4, self.ipv6, self.delay = strict, ipv4, ipv6, delay
        self.server_key, self.ca_name = server_key, ca_name
        self.ask_dns = ask_dns     # "ADDRESS:PORT" of the DNS server that the CA asks; None: ours
        self.env = {"PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
                    "PEBBLE_AUTHZREUSE": str(authz_reuse),
                    "PEBBLE_CHAIN_LENGTH": str(chain_length),
                    "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots)}
        if not sleep:
            self.env["PEBBLE_VA_NOSLEEP"] = "1"
        if always_valid:
            self.env["PEBBLE_VA_ALWAYS_VALID"] = "1"
        ra = {"authz": 0, "order": 0} if retry_after is None else retry_after
        self.config = {"pebble": {
            "listenAddress": "127.0.0.1:%d" % self.pebble_port,
            "managementListenAddress": "127.0.0.1:%d" % self.manage_port,
            "httpPort": self.http_port, "tlsPort": self.tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(eab),
            "externalAccountMACKeys": eab or {},
            "domainBlocklist": list(blocklist),
            "caaIdentities": ["pebble.letsencrypt.org"],
            "retryAfter": ra, "keyAlgorithm": key_algorithm,
            "certificateValidityPeriod": validity,
            "profiles": profiles or {"default": {"description": "as asked",
                                                 "validityPeriod": validity,
                                                 "promoteCommonName": False}}}}
        self.processes = []
        self.forwarder = None

    # ------------------------------------------------------------ life

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="lwacme-world-")
        os.chmod(self.folder, 0o755)
        try:
            self.start()
        except BaseException:
            self.stop(keep=True)
            raise
        return self

    def __exit__(self, kind, value, tb):
        failed = kind is not None and not issubclass(kind, Skip)
        self.stop(keep=failed and bool(os.environ.get("KEEP_LOGS")) or "--keep" in sys.argv)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        self.ca_file = usual_ca()[0]
        cert, key = usual_server(self.server_key)
        self.config["pebble"].update(certificate=cert, privateKey=key)
        with open(self.path("pebble.json"), "w", encoding="ascii") as f:
            json.dump(self.config, f, indent=1)
        dns_tool = os.path.join(self.programs, "pebble-challtestsrv")
        known = subprocess.run([dns_tool, "-h"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True).stdout
        dns_flag = "-dnsserver" if "-dnsserver" in known else "-dns01"
        argv = [dns_tool, "-defaultIPv4", self.ipv4, "-defaultIPv6", self.ipv6,
                dns_flag, "127.0.0.1:%d" % self.dns_port, "-http01", "", "-https01", "",
                "-tlsalpn01", "", "-management", "127.0.0.1:%d" % self.dns_manage_port]
        if "-doh " in known:
            argv += ["-doh", ""]
        self.spawn("dns.log", argv)
        argv = [os.path.join(self.programs, "pebble"), "-config", self.path("pebble.json"),
                "-dnsserver", self.ask_dns or "127.0.0.1:%d" % self.dns_port]
        if self.strict:
            argv.append("-strict")
        self.spawn("pebble.log", argv, self.env)
        self.wait_port(self.dns_manage_port)
        self.wait_port(self.pebble_port)
        self.wait_port(self.manage_port)
        self.forwarder = Forwarder(("127.0.0.1", self.pebble_port), delay=self.delay)
        self.port = self.forwarder.port
        self.directory = "https://%s:%d/dir" % (self.ca_name, self.port)
        self.log_from = os.path.getsize(self.path("pebble.log"))
        self.roots = self.path("issuing-roots.pem")
        with open(self.roots, "wb") as f:
            f.write(self.manage("/roots/0"))

    def spawn(self, log, argv, env=None):
        with open(self.path(log), "wb") as f:
            self.processes.append(subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT,
                env=dict(os.environ, **(env or {})), cwd=self.folder))

    def wait_port(self, port, seconds=15):
        end = time.monotonic() + seconds
        while True:
            for p in self.processes:
                if p.poll() is not None:
                    raise RuntimeError("%s ended: %s" % (p.args[0], self.logs()))
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError("nothing listens on %d: %s" % (port, self.logs()))
                time.sleep(0.02)

    def stop(self, keep=False):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
            p.wait()
        if self.forwarder:
            self.forwarder.close()
        words = self.dice()
        if words:
            common.excuse(words)
        if keep:
            print("# logs kept in %s" % self.folder, file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def dice(self):
        """What Pebble did, by chance, that no client can help; or None.

        It reuses an authorization in 1 % of the cases when told 0 % (it compares with `>`). And it
        looks for a predecessor (RFC 9773) by the serial number without the zero octet that DER puts
        before a high bit, so it answers 500 or 404 for 1 certificate in 256.
        """
        try:
            with open(self.path("pebble.log"), encoding="utf-8", errors="replace") as f:
                text = f.read()
        except OSError:
            return None
        if re.search(r"Issued certificate serial [89a-f]", text):
            return "the CA does not know a certificate by its serial number"
        for part in text.split(" -> calling handler")[1:] if self.env["PEBBLE_AUTHZREUSE"] == "0" else []:
            if "Added order" in part and "authorizations in the db" not in part:
                return "the CA reused an authorization"
        return None

    def logs(self):
        text = ""
        for name in ("dns.log", "pebble.log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), encoding="utf-8", errors="replace") as f:
                    text += f.read()[-1500:]
        return text

    # ------------------------------------------------------------ what happened

    def requests(self):
        """[(method, kind, path)] since the start or the last mark(), in order.

        Pebble logs each request that reached a handler once. Its own start and our look at the
        management port do not count: those have other paths.
        """
        with open(self.path("pebble.log"), "rb") as f:
            f.seek(self.log_from)
            text = f.read().decode("utf-8", "replace")
        got = []
        for method, path in re.findall(r"(GET|HEAD|POST) (/\S*) -> calling handler", text):
            kind = next((k for start, k in KINDS
                         if path == start or (start.endswith("/") or start.endswith("-ari"))
                         and path.startswith(start)), None)
            if kind:
                got.append((method, kind, path))
        return got

    def count(self):
        """Requests by kind since the last mark; "total" is their sum."""
        c = collections.Counter(kind for _, kind, _ in self.requests())
        c["total"] = sum(c.values())
        return c

    def connections(self):
        return self.forwarder.count

    def mark(self):
        self.log_from = os.path.getsize(self.path("pebble.log"))
        self.forwarder.reset()

    def log_text(self):
        with open(self.path("pebble.log"), "rb") as f:
            f.seek(self.log_from)
            return f.read().decode("utf-8", "replace")

    # ------------------------------------------------------------ knobs

    def context(self):
        return ssl.create_default_context(cafile=self.ca_file)

    def manage(self, path, body=None):
        """One request to Pebble's management port; gives the body."""
        c = http.client.HTTPSConnection("127.0.0.1", self.manage_port, context=self.context(),
                                        timeout=10)
        c.request("POST" if body is not None else "GET", path, body=body,
                  headers={"User-Agent": "lwacme-test"})
        r = c.getresponse()
        data = r.read()
        c.close()
        if r.status != 200:
            raise RuntimeError("pebble management %s: %d %r" % (path, r.status, data[:200]))
        return data

    def dns(self, act, **body):
        """One act of challtestsrv: add_a(host=, addresses=), set_txt(host=, value=) ..."""
        c = http.client.HTTPConnection("127.0.0.1", self.dns_manage_port, timeout=10)
        c.request("POST", "/" + act.replace("_", "-"), body=json.dumps(body))
        r = c.getresponse()
        data = r.read()
        c.close()
        if r.status != 200:
            raise RuntimeError("challtestsrv %s: %d %r" % (act, r.status, data[:200]))
        return data

    def client(self, **kw):
        return common.Client(self.directory, self.ca_file, self.http_port, **kw)


def with_world(**options):
    """Decorator: fn(world, client) with one fresh CA and one fresh state folder."""
    def wrap(fn):
        @functools.wraps(fn)
        def run(*args, **kw):
            common.lwacme_path()
            with World(**dict(options, **kw)) as w, w.client() as c:
                try:
                    return fn(w, c, *args)
                except common.Fail as e:
                    raise common.Fail("%s [requests: %s]" % (e, dict(w.count()))) from e
        return run
    return wrap
