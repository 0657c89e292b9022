"""A stand-in for acme-dns (github.com/joohoi/acme-dns), which is in no Debian package.

It follows the API that acme-dns documents: POST /register answers 201 with username, password,
fulldomain, subdomain and allowfrom; POST /update, with X-Api-User and X-Api-Key, takes subdomain and
txt (43 characters) and answers 200 with txt; 401 {"error": "forbidden"} and 400 {"error": "bad_txt"}
otherwise. Of a subdomain the last two values are kept. Its DNS side (TCP and UDP) is authoritative
for its zone, and for what a person adds to his own: SOA, NS, TXT, and CNAME records.

    with AcmeDns("127.0.0.4") as a:
        a.url, a.cname["_acme-challenge.dev.example.net"] = "....auth.example.org"
        a.on("update", fakeca.problem(500, ...), times=1)
"""
import json
import os
import re
import socket
import socketserver
import struct
import subprocess
import threading
import uuid

from fakeca import FakeCA, Reply, b64
import world

ZONE = "auth.example.org"
NS = "ns1." + ZONE
HOST = "acme-dns.test"          # of the API
SOA, NSR, CNAME, TXT = 6, 2, 5, 16


def wire_name(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def record(name, kind, data):
    return wire_name(name) + struct.pack(">HHIH", kind, 1, 1, len(data)) + data


class AcmeDns(FakeCA):
    """The HTTPS side has FakeCA's rules: "register" and "update" are its kinds."""

    def __init__(self, address, root=None, zones=("example.net",)):
        self.own_root = root or world.usual_ca()
        super().__init__(0, server=self.make_cert, trust=self.own_root[0], host=HOST)
        self.address, self.zones = address, zones
        self.cname = {}            # owner: target
        self.values = {}           # subdomain: the last two, the newest last
        self.users = {}            # username: (password, subdomain)
        self.asked = []            # (name, type)
        self.silent = set()        # names of which TXT is not shown
        self.updates = []          # (subdomain, txt) that were taken

    def make_cert(self, _):
        return world.make_server_cert(self.folder, self.own_root, names=(HOST,), addresses=(),
                                      stem="acmedns")

    # ------------------------------------------------------------ the API

    @property
    def url(self):
        return self.base

    def honest(self, rq):
        if rq.method != "POST" or rq.kind not in ("register", "update"):
            return Reply(404, {"error": "not found"})
        try:
            body = json.loads(rq.body) if rq.body else {}
        except ValueError:
            return Reply(400, {"error": "malformed_json_payload"})
        if "user-agent" not in rq.headers:
            self.complaints.append("no User-Agent")
        return self.register() if rq.kind == "register" else self.update(rq, body)

    def register(self):
        user, password, sub = str(uuid.uuid4()), b64(os.urandom(30)), str(uuid.uuid4())
        self.users[user] = (password, sub)
        self.values[sub] = ["", ""]
        return Reply(201, {"username": user, "password": password, "fulldomain": sub + "." + ZONE,
                           "subdomain": sub, "allowfrom": []})

    def update(self, rq, body):
        known = self.users.get(rq.headers.get("x-api-user"))
        if known is None or known != (rq.headers.get("x-api-key"), body.get("subdomain")):
            return Reply(401, {"error": "forbidden"})
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}", body.get("txt", "")):
            return Reply(400, {"error": "bad_txt"})
        self.values[known[1]] = [self.values[known[1]][1], body["txt"]]
        self.updates.append((known[1], body["txt"]))
        return Reply(200, {"txt": body["txt"]})

    # ------------------------------------------------------------ DNS

    def zone_of(self, name):
        return next((z for z in (ZONE,) + tuple(self.zones)
                     if name == z or name.endswith("." + z)), None)

    def answer(self, message):
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode().lower())
            at += 1 + message[at]
        name, kind = ".".join(labels), struct.unpack(">H", message[at + 1:at + 3])[0]
        self.asked.append((name, kind))
        answer, authority, owner = [], [], name
        for _ in range(4):
            if kind == CNAME or owner not in self.cname:
                break
            answer.append(record(owner, CNAME, wire_name(self.cname[owner])))
            owner = self.cname[owner]
        zone = self.zone_of(owner)
        if zone is None and not answer:
            return message[:2] + struct.pack(">HHHHH", 0x8405, 1, 0, 0, 0) + message[12:at + 5]
        if kind == TXT and owner not in self.silent:
            for v in self.values.get(owner[:-len(ZONE) - 1] if zone == ZONE else "", []):
                if v:
                    answer.append(record(owner, TXT, bytes([len(v)]) + v.encode()))
        if kind == NSR and owner == zone:
            answer.append(record(owner, NSR, wire_name(NS)))
        soa = zone and record(zone, SOA, wire_name(NS) + wire_name("root." + zone) +
                              struct.pack(">IIIII", 1, 3600, 600, 86400, 60))
        if kind == SOA and owner == zone:
            answer.append(soa)
        elif soa:
            authority.append(soa)
        return (message[:2] + struct.pack(">HHHHH", 0x8400 | message[2] << 8 & 0x100, 1, len(answer),
                                          len(authority), 0) +
                message[12:at + 5] + b"".join(answer + authority))

    def __enter__(self):
        rig = self

        class Stream(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    head = self.rfile.read(2)
                    if len(head) < 2:
                        return
                    out = rig.answer(self.rfile.read(struct.unpack(">H", head)[0]))
                    self.wfile.write(struct.pack(">H", len(out)) + out)

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self):
                self.request[1].sendto(rig.answer(self.request[0]), self.client_address)

        class Streams(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 32

            def handle_error(self, request, client_address):
                pass

        subprocess.run(["ip", "address", "add", self.address + "/8", "dev", "lo"],
                       stderr=subprocess.DEVNULL, check=False)
        self.dns = [Streams((self.address, 53), Stream),
                    socketserver.UDPServer((self.address, 53), Datagram)]
        for s in self.dns:
            threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True).start()
        return super().__enter__()

    def __exit__(self, kind, value, tb):
        for s in self.dns:
            s.shutdown()
            s.server_close()
        super().__exit__(kind, value, tb)
