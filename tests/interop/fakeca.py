"""A small HTTPS ACME server that can misbehave on purpose.

It issues real certificates with openssl and really fetches http-01 answers, but does not check
signatures: that is Pebble's part. It does check what shows a careless client: nonces, the `url`
member, the content type, the User-Agent. `log` records every request in order.

    ca = FakeCA(http_port=5002)
    ca.on("newOrder", problem(500, "serverInternal", "boom"))          every time
    ca.on("finalize", cut(30), times=1)                                 once
    with ca: ... ca.directory, ca.ca_file, ca.count("newOrder")

A rule is called as rule(request, reply) after the honest answer was made, and gives the reply to
send (the same one changed, or another). With before=True it is called instead of the honest act.
"""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import tempfile
import threading
import time

from common import openssl
import world


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.kind = ""
        self.payload = self.protected = None


class Reply:
    def __init__(self, status=200, body=b"", headers=None):
        self.status, self.headers = status, dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            self.headers.setdefault("Content-Type", "application/json")
        self.body = body if isinstance(body, bytes) else body.encode()
        self.raw = None      # these bytes instead of a well-formed answer
        self.cut = None      # close after so many bytes of the body
        self.drip = 0.0      # pause between bytes, seconds
        self.hang = False    # never answer
        self.close = False   # close without an answer
        self.chunked = False


def problem(status, kind, detail="", headers=None, **more):
    """A rule that answers with a problem document."""
    def rule(request, reply):
        body = dict({"type": "urn:ietf:params:acme:error:" + kind, "detail": detail,
                     "status": status}, **more)
        return Reply(status, body, dict({"Content-Type": "application/problem+json"},
                                        **(headers or {})))
    return rule


def raw(data):
    def rule(request, reply):
        r = Reply()
        r.raw = data
        return r
    return rule


def cut(n):
    def rule(request, reply):
        reply.cut = n
        return reply
    return rule


def drip(seconds):
    def rule(request, reply):
        reply.drip = seconds
        return reply
    return rule


def hang(request, reply):
    reply.hang = True
    return reply


def close(request, reply):
    reply.close = True
    return reply


def make_issuer(folder, root):
    """An intermediate below the usual root: (certificate path, key path)."""
    cert, key, csr, ext = (os.path.join(folder, "issuer." + e) for e in ("pem", "key", "csr", "ext"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", csr, "-subj", "/CN=fake issuer")
    with open(ext, "w", encoding="ascii") as f:
        f.write("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n"
                "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    openssl("x509", "-req", "-in", csr, "-CA", root[0], "-CAkey", root[1], "-set_serial",
            "0x" + os.urandom(8).hex(), "-days", "30", "-extfile", ext, "-out", cert)
    return cert, key


class FakeCA:
    def __init__(self, http_port, server=None, trust=None, max_tls=None, min_tls=None,
                 host="localhost", processing=1, retry_after=None, days="90", plain=False):
        self.folder = tempfile.mkdtemp(prefix="lwacme-fakeca-")
        os.chmod(self.folder, 0o755)
        self.http_port, self.host, self.processing = http_port, host, processing
        self.retry_after, self.days, self.plain = retry_after, days, plain
        self.root = world.usual_ca()
        self.ca_file = trust or self.root[0]
        cert = server(self) if callable(server) else server
        self.server_cert = cert or world.usual_server()
        self.max_tls, self.min_tls = max_tls, min_tls
        self.rules = []
        self.log = []
        self.times = []
        self.connections = 0
        self.nonces, self.accounts, self.orders = set(), {}, {}
        self.authz, self.tokens, self.certs = {}, {}, {}
        self.complaints = []       # what an honest client would not have done
        self.lock = threading.RLock()
        self.ids = 0
        self.issuer = world.kept("issuer", lambda d, r=self.root: make_issuer(d, r))

    # ------------------------------------------------------------ life

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = self.listener.getsockname()[1]
        self.base = "%s://%s:%d" % ("http" if self.plain else "https", self.host, self.port)
        self.directory = self.base + "/dir"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.max_tls is not None and self.max_tls < ssl.TLSVersion.TLSv1_2:
            self.context.set_ciphers("DEFAULT@SECLEVEL=0")
        if self.min_tls is not None:
            self.context.minimum_version = self.min_tls
        if self.max_tls is not None:
            self.context.maximum_version = self.max_tls
        self.context.load_cert_chain(*self.server_cert)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, value, tb):
        # A close does not wake accept, and its descriptor may soon be the next CA's listener.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            s.settimeout(60)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self.plain:
                s = self.context.wrap_socket(s, server_side=True)
            f = s.makefile("rb")
            while self.exchange(s, f):
                pass
        except (OSError, ssl.SSLError):
            pass
        except Exception as e:     # a request that the honest part cannot even read
            self.complaints.append("%s: %s" % (type(e).__name__, e))
        finally:
            try:
                s.close()
            except OSError:
                pass

    def exchange(self, s, f):
        line = f.readline(65536).decode("latin-1").rstrip("\r\n")
        if not line:
            return False
        method, path, _ = line.split(" ", 2)
        headers = {}
        while True:
            h = f.readline(65536).decode("latin-1").rstrip("\r\n")
            if not h:
                break
            k, v = h.split(":", 1)
            headers[k.strip().lower()] = v.strip()
        body = f.read(int(headers.get("content-length", "0")))
        reply = self.handle(Request(method, path, headers, body))
        return self.send(s, reply, method)

    def send(self, s, reply, method):
        if reply.hang:
            time.sleep(600)
            return False
        if reply.close:
            return False
        if reply.raw is not None:
            s.sendall(reply.raw)
            return False
        head = "HTTP/1.1 %d %s\r\n" % (reply.status, http.client.responses.get(reply.status, "X"))
        body = reply.body
        if reply.chunked:
            reply.headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            reply.headers.setdefault("Content-Length", str(len(body)))
        for k, v in reply.headers.items():
            head += "%s: %s\r\n" % (k, v)
        data = head.encode("latin-1") + b"\r\n" + (b"" if method == "HEAD" else body)
        if reply.cut is not None:
            s.sendall(data[:len(data) - len(body) + reply.cut])
            return False
        if reply.drip:
            for i in range(len(data)):
                s.sendall(data[i:i + 1])
                time.sleep(reply.drip)
        else:
            s.sendall(data)
        return True

    # ------------------------------------------------------------ rules and records

    def on(self, kind, rule, times=None, before=False):
        self.rules.append([kind, rule, times, before])
        return self

    def take(self, kind, before):
        for r in self.rules:
            if r[0] == kind and r[3] == before and r[2] != 0:
                if r[2] is not None:
                    r[2] -= 1
                return r[1]
        return None

    def count(self, kind):
        return sum(1 for _, k, _ in self.log if k == kind)

    def kinds(self):
        return [k for _, k, _ in self.log]

    def new_id(self):
        with self.lock:
            self.ids += 1
            return str(self.ids)

    def nonce(self):
        n = b64(os.urandom(16))
        self.nonces.add(n)
        return n

    # ------------------------------------------------------------ the protocol

    def handle(self, rq):
        name = rq.path.strip("/").split("/")[0]
        rq.kind = {"dir": "directory", "nonce": "newNonce", "acct": "newAccount",
                   "new-order": "newOrder", "order": "order", "authz": "authz",
                   "chall": "challenge", "finalize": "finalize", "cert": "certificate",
                   "account": "account"}.get(name, name)
        with self.lock:
            self.log.append((rq.method, rq.kind, rq.path))
            self.times.append(time.monotonic())
            if "user-agent" not in rq.headers:
                self.complaints.append("no User-Agent: " + rq.path)
            rule = self.take(rq.kind, True)
            reply = rule(rq, Reply()) if rule else self.honest(rq)
            rule = self.take(rq.kind, False)
            if rule:
                reply = rule(rq, reply) or reply
            if rq.method in ("POST", "HEAD") and "Replay-Nonce" not in reply.headers:
                reply.headers["Replay-Nonce"] = self.nonce()
            return reply

    def honest(self, rq):
        if rq.kind == "directory":
            return Reply(200, {"newNonce": self.base + "/nonce", "newAccount": self.base + "/acct",
                               "newOrder": self.base + "/new-order",
                               "revokeCert": self.base + "/revoke",
                               "keyChange": self.base + "/key-change",
                               "meta": {"termsOfService": self.base + "/terms/1"}})
        if rq.kind == "newNonce":
            return Reply(200, headers={"Cache-Control": "no-store"})
        act = getattr(self, "act_" + rq.kind, None)
        if act is None:
            return problem(404, "malformed", "no such resource")(rq, None)
        bad = self.read_jws(rq)
        return bad or act(rq)

    def read_jws(self, rq):
        """Fill protected and payload; gives a refusal or None."""
        if rq.method != "POST":
            return problem(405, "malformed", "POST only")(rq, None)
        if rq.headers.get("content-type") != "application/jose+json":
            self.complaints.append("content type " + rq.headers.get("content-type", "none"))
        jws = json.loads(rq.body)
        rq.protected = json.loads(unb64(jws["protected"]))
        rq.payload = json.loads(unb64(jws["payload"])) if jws["payload"] else None
        if rq.protected.get("url") != self.base + rq.path:
            self.complaints.append("url member %r for %s" % (rq.protected.get("url"), rq.path))
        nonce = rq.protected.get("nonce")
        if nonce not in self.nonces:
            return problem(400, "badNonce", "unknown nonce")(rq, None)
        self.nonces.discard(nonce)
        if "kid" in rq.protected:
            account = self.accounts.get(rq.protected["kid"])
            if account is None:
                return problem(400, "accountDoesNotExist", "unknown account")(rq, None)
            rq.thumb = account
        else:
            jwk = rq.protected["jwk"]
            text = json.dumps({k: jwk[k] for k in sorted(jwk)}, separators=(",", ":"))
            rq.thumb = b64(hashlib.sha256(text.encode()).digest())
        return None

    def act_newAccount(self, rq):
        for url, thumb in self.accounts.items():
            if thumb == rq.thumb:
                return Reply(200, {"status": "valid"}, {"Location": url})
        if not rq.payload.get("termsOfServiceAgreed"):
            return problem(403, "userActionRequired", "agree to the terms")(rq, None)
        url = self.base + "/account/" + self.new_id()
        self.accounts[url] = rq.thumb
        return Reply(201, {"status": "valid"}, {"Location": url})

    def act_newOrder(self, rq):
        oid = self.new_id()
        order = {"status": "pending", "expires": "2099-01-01T00:00:00Z",
                 "identifiers": rq.payload["identifiers"], "authorizations": [],
                 "finalize": self.base + "/finalize/" + oid}
        for i in order["identifiers"]:
            aid, token = self.new_id(), b64(os.urandom(24))
            self.authz[aid] = {"status": "pending", "expires": order["expires"], "identifier": i,
                               "challenges": [{"type": self.challenge_type,
                                               "status": "pending",
                                               "token": token,
                                               "url": self.base + "/chall/" + aid}]}
            order["authorizations"].append(self.base + "/authz/" + aid)
        self.orders[oid] = dict(order=order, polls=self.processing, pem=None)
        return Reply(201, order, {"Location": self.base + "/order/" + oid})

    def act_order(self, rq):
        o = self.orders[rq.path.split("/")[2]]
        order = o["order"]
        if order["status"] == "processing":
            if o["polls"] > 0:
                o["polls"] -= 1
            else:
                order["status"] = "valid"
                order["certificate"] = self.base + "/cert/" + rq.path.split("/")[2]
        headers = {}
        if order["status"] == "processing" and self.retry_after:
            headers["Retry-After"] = self.retry_after
        return Reply(200, order, headers)

    def act_authz(self, rq):
        return Reply(200, self.authz[rq.path.split("/")[2]])

    def act_challenge(self, rq):
        aid = rq.path.split("/")[2]
        a = self.authz[aid]
        c = a["challenges"][0]
        if rq.payload is not None and c["status"] == "pending":
            c["status"] = "processing"
            threading.Thread(target=self.validate, args=(a, c, rq.thumb), daemon=True).start()
        return Reply(200, c, {"Link": '<%s/authz/%s>;rel="up"' % (self.base, aid)})

    challenge_type = "http-01"

    def look(self, name, c, thumb):
        """Is the proof there? None, or the kind of a problem and its words."""
        try:
            h = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
            h.request("GET", "/.well-known/acme-challenge/" + c["token"], headers={"Host": name})
            r = h.getresponse()
            body = r.read(1024)
            h.close()
            if r.status != 200 or body.strip() != (c["token"] + "." + thumb).encode():
                return "unauthorized", "answer %d %r" % (r.status, body[:100])
        except (OSError, http.client.HTTPException) as e:
            return "connection", str(e)
        return None

    def validate(self, a, c, thumb):
        error = self.look(a["identifier"]["value"], c, thumb)
        with self.lock:
            state = "valid"
            if error:
                state = "invalid"
                c["error"] = {"type": "urn:ietf:params:acme:error:" + error[0],
                              "detail": error[1], "status": 403}
            c["status"] = a["status"] = state
            for o in self.orders.values():
                each = [self.authz[u.rsplit("/", 1)[1]]["status"]
                        for u in o["order"]["authorizations"]]
                if o["order"]["status"] == "pending":
                    if "invalid" in each:
                        o["order"]["status"] = "invalid"
                    elif all(s == "valid" for s in each):
                        o["order"]["status"] = "ready"

    def act_finalize(self, rq):
        oid = rq.path.split("/")[2]
        o = self.orders[oid]
        if o["order"]["status"] != "ready":
            return problem(403, "orderNotReady", "status " + o["order"]["status"])(rq, None)
        o["pem"] = self.issue(unb64(rq.payload["csr"]), oid)
        o["order"]["status"] = "processing"
        headers = {"Location": self.base + "/order/" + oid}
        if self.retry_after:
            headers["Retry-After"] = self.retry_after
        return Reply(200, o["order"], headers)

    def issue(self, csr, stem, names=None, public=None, days=None, serial=None):
        """PEM chain for a CSR; names or public key may be other ones than asked for."""
        der, pem = self.path(stem + ".csr"), self.path(stem + ".pem")
        with open(der, "wb") as f:
            f.write(csr)
        argv = ["x509", "-req", "-inform", "DER", "-in", der, "-CA", self.issuer[0], "-CAkey",
                self.issuer[1], "-set_serial", "0x" + (serial or os.urandom(9).hex()), "-days",
                days or self.days, "-out", pem]
        if names:
            with open(pem + ".ext", "w", encoding="ascii") as f:
                f.write("subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n")
            argv += ["-extfile", pem + ".ext"]
        else:
            argv += ["-copy_extensions", "copy"]
        if public:
            argv += ["-force_pubkey", public]
        openssl(*argv)
        with open(pem, "rb") as f, open(self.issuer[0], "rb") as g:
            leaf = re.search(rb"-----BEGIN CERT.*?-----END CERTIFICATE-----\n", f.read(), re.S)
            return leaf.group(0) + g.read()

    def act_certificate(self, rq):
        return Reply(200, self.orders[rq.path.split("/")[2]]["pem"],
                     {"Content-Type": "application/pem-certificate-chain"})
