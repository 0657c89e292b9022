"""Real DNS servers (BIND 9, Knot) with TSIG for one test, on addresses 127.0.0.x of a namespace.

    with Bind("127.0.0.2", {"example.net": zone_text}, key=Key()) as ns1: ...
"""
import base64
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from common import Skip

PATHS = os.environ["PATH"] + ":/usr/sbin:/sbin"


def program(name, package):
    path = shutil.which(name, path=PATHS)
    if path is None:
        raise Skip("no %s (Debian package %s)" % (name, package))
    return path


class Key:
    def __init__(self, name="acme-key", algorithm="hmac-sha256", secret=None):
        self.name, self.algorithm = name, algorithm
        self.secret = base64.b64encode(secret or os.urandom(32)).decode()

    def text(self):
        return 'key "%s" {\n\talgorithm %s;\n\tsecret "%s";\n};\n' % (
            self.name, self.algorithm, self.secret)

    def file(self, folder, mode=0o600, name="tsig.key"):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(self.text())
        os.chmod(path, mode)
        return path


def zone(name, servers, more=""):
    lines = ["$TTL 60", "@ SOA %s. root.%s. 1 3600 600 86400 60" % (servers[0], name)]
    lines += ["@ NS %s." % s for s in servers]
    return "\n".join(lines) + "\n" + more + "\n"


class Server:
    """One process, its folder, and questions to it."""

    def __init__(self, address):
        self.address = address
        self.folder = tempfile.mkdtemp(prefix="lwacme-dns-")
        os.chmod(self.folder, 0o777)
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self.path(name), 0o666)
        return self.path(name)

    def spawn(self, argv, probe=None):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.folder)
        end = time.monotonic() + 30
        while True:
            try:
                if probe is None or self.ask(probe, 6)[0] == 0:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("%s does not start: %s" % (argv[0], self.log()[-800:]))
            time.sleep(0.1)

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def ask(self, name, kind):
        """(rcode, answers counted, message) over TCP."""
        labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        message = struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1)
        with socket.create_connection((self.address, 53), timeout=5) as s:
            s.sendall(struct.pack(">H", len(message)) + message)
            f = s.makefile("rb")
            data = f.read(struct.unpack(">H", f.read(2))[0])
        return data[3] & 15, struct.unpack(">H", data[6:8])[0], data

    def txt(self, name):
        """How many TXT records of that name there are."""
        return self.ask(name, 16)[1]

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, kind, value, tb):
        self.stop()


class Bind(Server):
    """zones: {name: text}; secondary_of: transfers them from that address instead. update: the
    update-policy or NO text of a zone, by its name."""

    def __init__(self, address, zones, key=None, secondary_of=None, policy=None, notify=(),
                 recursion="no"):
        super().__init__(address)
        self.zones, self.key, self.secondary_of = zones, key, secondary_of
        self.policy, self.notify, self.recursion = policy, notify, recursion

    def start(self):
        named = program("named", "bind9")
        # It listens only on addresses that an interface has by name. Twice is no harm.
        subprocess.run(["ip", "address", "add", self.address + "/8", "dev", "lo"],
                       stderr=subprocess.DEVNULL, check=False)
        text = self.key.text() if self.key else ""
        text += ('options { directory "%s"; listen-on { %s; }; listen-on-v6 { none; };\n'
                 'pid-file none; recursion %s; notify explicit; minimal-responses yes;\n'
                 'dnssec-validation no; allow-transfer { any; }; session-keyfile none;\n'
                 'also-notify { %s };\n};\ncontrols { };\n' %
                 (self.folder, self.address, self.recursion, "".join(a + "; " for a in self.notify)))
        for name, body in self.zones.items():
            if self.secondary_of:
                text += ('zone "%s" { type secondary; file "%s.zone"; primaries { %s; };\n'
                         'min-refresh-time 2; max-refresh-time 2; };\n' %
                         (name, name, self.secondary_of))
                continue
            self.write(name + ".zone", body)
            policy = self.policy if self.policy is not None else \
                "update-policy { grant %s zonesub TXT; };" % self.key.name
            text += 'zone "%s" { type primary; file "%s.zone"; %s };\n' % (name, name, policy)
        self.write("named.conf", text)
        return self.spawn([named, "-g", "-c", self.path("named.conf"), "-n", "1"],
                          probe=next(iter(self.zones)))


class Knot(Server):
    def __init__(self, address, zones, key):
        super().__init__(address)
        self.zones, self.key = zones, key

    def start(self):
        knotd = program("knotd", "knot")
        text = ('server:\n  listen: %s@53\n  rundir: "%s"\n  udp-workers: 1\n  tcp-workers: 1\n'
                '  background-workers: 1\ndatabase:\n  storage: "%s"\n'
                'key:\n  - id: %s\n    algorithm: %s\n    secret: %s\n'
                'acl:\n  - id: acme\n    key: %s\n    action: update\n    update-type: [TXT]\n'
                'template:\n  - id: default\n    storage: "%s"\n    acl: acme\n'
                '    zonefile-load: difference-no-serial\n    journal-content: all\nzone:\n' %
                (self.address, self.folder, self.folder, self.key.name, self.key.algorithm,
                 self.key.secret, self.key.name, self.folder))
        for name, body in self.zones.items():
            self.write(name + ".zone", "$ORIGIN %s.\n%s" % (name, body))
            text += '  - domain: %s\n    file: "%s.zone"\n' % (name, name)
        self.write("knot.conf", text)
        return self.spawn([knotd, "-c", self.path("knot.conf")], probe=next(iter(self.zones)))
