"""A minimal ACME client for the tests of the harness itself: Python and the openssl command.

It makes the smallest honest conversation (8 + 2N requests with a new account on one connection),
so the harness' counters are tried against a known truth before they judge the tool.
"""
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import ssl
import tempfile
import threading
import time
import urllib.parse

from common import openssl
from fakeca import b64


class Mini:
    alg = "ES256"

    def __init__(self, directory, ca_file, http_port, host="127.0.0.1"):
        self.folder = tempfile.mkdtemp(prefix="lwacme-mini-")
        self.directory, self.http_port = directory, http_port
        u = urllib.parse.urlsplit(directory)
        self.conn = http.client.HTTPSConnection(
            u.hostname, u.port, timeout=20, context=ssl.create_default_context(cafile=ca_file))
        self.key = self.new_key("account")
        self.answers, self.nonce, self.kid = {}, None, None
        text = openssl("pkey", "-in", self.key, "-noout", "-text_pub").decode()
        point = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"pub:(.*?)ASN1", text, re.S)[1]))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(point[1:33]), "y": b64(point[33:])}
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        self.thumb = b64(hashlib.sha256(canonical.encode()).digest())
        self.serve(host)

    def new_key(self, name):
        path = os.path.join(self.folder, name + ".key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
        return path

    def serve(self, host):
        answers = self.answers

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = answers.get(self.path.rsplit("/", 1)[1], "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.responder = http.server.ThreadingHTTPServer((host, self.http_port), Handler)
        threading.Thread(target=self.responder.serve_forever, daemon=True).start()

    def close(self):
        self.responder.shutdown()
        self.responder.server_close()
        self.conn.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sign(self, data):
        der = openssl("dgst", "-sha256", "-sign", self.key, data=data)
        out, at = b"", 2
        for _ in range(2):
            n = der[at + 1]
            out += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + n
        return out

    def request(self, method, url, body=None):
        u = urllib.parse.urlsplit(url)
        headers = {"User-Agent": "miniacme"}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"
        self.conn.request(method, u.path, body=body, headers=headers)
        r = self.conn.getresponse()
        data = r.read()
        self.nonce = r.headers.get("Replay-Nonce", self.nonce)
        return r, data

    def post(self, url, payload=None):
        while True:
            head = {"alg": self.alg, "nonce": self.nonce, "url": url}
            head.update({"kid": self.kid} if self.kid else {"jwk": self.jwk})
            protected = b64(json.dumps(head).encode())
            text = b64(json.dumps(payload).encode()) if payload is not None else ""
            signature = b64(self.sign((protected + "." + text).encode()))
            r, data = self.request("POST", url, json.dumps(
                {"protected": protected, "payload": text, "signature": signature}))
            if r.status != 400 or b"badNonce" not in data:
                if r.status >= 400:
                    raise RuntimeError("%s: %d %r" % (url, r.status, data[:300]))
                return r, data

    def issue(self, names, wait=0.2):
        """The PEM chain for names."""
        _, data = self.request("GET", self.directory)
        d = json.loads(data)
        self.request("HEAD", d["newNonce"])
        if not self.kid:
            r, _ = self.post(d["newAccount"], {"termsOfServiceAgreed": True})
            self.kid = r.headers["Location"]
        r, data = self.post(d["newOrder"],
                            {"identifiers": [{"type": "dns", "value": n} for n in names]})
        url, order = r.headers["Location"], json.loads(data)
        challenges = []
        for a in order["authorizations"]:
            authz = json.loads(self.post(a)[1])
            c = next(c for c in authz["challenges"] if c["type"] == "http-01")
            self.answers[c["token"]] = c["token"] + "." + self.thumb
            challenges.append(c["url"])
        for c in challenges:
            self.post(c, {})
        csr = self.csr(names)
        order = self.poll(url, "ready", wait)
        self.post(order["finalize"], {"csr": b64(csr)})
        order = self.poll(url, "valid", wait)
        return self.post(order["certificate"])[1].decode()

    def poll(self, url, want, wait):
        for _ in range(60):
            time.sleep(wait)
            order = json.loads(self.post(url)[1])
            if order["status"] == want:
                return order
            if order["status"] == "invalid":
                raise RuntimeError("order invalid: %r" % order)
        raise RuntimeError("order never became " + want)

    def csr(self, names):
        san = "subjectAltName=" + ",".join("DNS:" + n for n in names)
        return openssl("req", "-new", "-key", self.new_key("leaf"), "-subj", "/", "-addext", san,
                       "-outform", "DER")
