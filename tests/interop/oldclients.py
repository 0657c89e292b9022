"""Accounts of other clients: made at the CA, and written to files as certbot, acme.sh and lego do.

    a = Account(w, "rsa2048"); a.certbot(folder); a.acme_sh(folder); a.lego(folder)

Each gives the account's folder. The layouts were compared with what certbot 2.1, lego 4.9 and acme.sh 3.1
leave behind; test_import.py does so again where they are installed.
"""
import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import tempfile
import urllib.parse

import miniacme
from common import openssl
from fakeca import b64

EMAIL = "ops@example.net"
CURVES = {"p256": ("P-256", 32, "ES256", "sha256"), "p384": ("P-384", 48, "ES384", "sha384"),
          "p521": ("P-521", 66, "ES512", "sha512")}


def make_key(kind, path):
    """PKCS #8, as `openssl genpkey` writes it."""
    if kind in CURVES:
        how = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + CURVES[kind][0]]
    else:
        how = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + kind[3:]]
    openssl("genpkey", *how, "-out", path)


def numbers(path):
    """What openssl prints about a private key: {name: bytes}."""
    text = openssl("pkey", "-in", path, "-noout", "-text").decode()
    got = {name: bytes.fromhex(re.sub(r"[\s:]", "", value))
           for name, value in re.findall(r"^(\w+):\n((?: {4}[0-9a-f:]+\n)+)", text, re.M)}
    e = re.search(r"publicExponent: (\d+)", text)
    if e:
        got["publicExponent"] = int(e[1]).to_bytes(3, "big")
    return got


def private_jwk(kind, path):
    """As josepy writes it: RSA numbers without leading zeros, coordinates with them."""
    n = numbers(path)
    if kind in CURVES:
        name, size = CURVES[kind][:2]
        point = n["pub"][1:]
        return {"crv": name, "kty": "EC", "x": b64(point[:size]), "y": b64(point[size:]),
                "d": b64(n["priv"].lstrip(b"\0").rjust(size, b"\0"))}
    names = {"n": "modulus", "e": "publicExponent", "d": "privateExponent", "p": "prime1",
             "q": "prime2", "dp": "exponent1", "dq": "exponent2", "qi": "coefficient"}
    jwk = {short: b64(n[long].lstrip(b"\0")) for short, long in names.items()}
    return dict(jwk, kty="RSA")


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)


class Account(miniacme.Mini):
    """At the CA when w is a World; a key without an account when register is False."""

    def __init__(self, w, kind="p256", register=True):
        self.kind, self.directory, self.nonce, self.kid = kind, w.directory, None, None
        self.folder = tempfile.mkdtemp(prefix="lwacme-old-")
        self.key = os.path.join(self.folder, "account.pem")
        make_key(kind, self.key)
        self.secret = private_jwk(kind, self.key)
        public = ("crv", "kty", "x", "y") if kind in CURVES else ("kty", "n", "e")
        self.jwk = {m: self.secret[m] for m in public}
        self.alg = CURVES[kind][2] if kind in CURVES else "RS256"
        self.url = "https://%s/my-account/1" % urllib.parse.urlsplit(w.directory).netloc
        if register:
            self.register(w)

    def register(self, w):
        u = urllib.parse.urlsplit(self.directory)
        self.conn = http.client.HTTPSConnection(
            u.hostname, u.port, timeout=20, context=ssl.create_default_context(cafile=w.ca_file))
        d = json.loads(self.request("GET", self.directory)[1])
        self.request("HEAD", d["newNonce"])
        r, _ = self.post(d["newAccount"], {"termsOfServiceAgreed": True,
                                           "contact": ["mailto:" + EMAIL]})
        self.kid = self.url = r.headers["Location"]

    def close(self):
        if self.kid:
            self.conn.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def sign(self, data):
        if self.kind not in CURVES:
            return openssl("dgst", "-sha256", "-sign", self.key, data=data)
        size = CURVES[self.kind][1]
        der = openssl("dgst", "-" + CURVES[self.kind][3], "-sign", self.key, data=data)
        out, at = b"", 2
        for _ in range(2):
            n = der[at + 1]
            out += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(size, b"\0")
            at += 2 + n
        return out

    def pem(self, *how):
        """"-traditional": SEC 1 or PKCS #1, as lego and older openssl write them."""
        return openssl("pkey", "-in", self.key, *how)

    # ------------------------------------------------------------ layouts

    def certbot(self, base, jwk=None):
        u = urllib.parse.urlsplit(self.directory)
        name = hashlib.md5(openssl("pkey", "-in", self.key, "-pubout")).hexdigest()
        folder = os.path.join(base, "accounts", u.netloc + u.path, name)
        write(folder + "/private_key.json", json.dumps(jwk or self.secret), 0o400)
        write(folder + "/regr.json", json.dumps({"body": {}, "uri": self.url}), 0o644)
        write(folder + "/meta.json", '{"creation_dt": "2026-11-22T11:17:12Z", '
                                     '"creation_host": "localhost"}', 0o644)
        return folder

    def acme_sh(self, base, *how):
        u = urllib.parse.urlsplit(self.directory)
        folder = os.path.join(base, "ca", u.hostname, u.path.strip("/"))
        write(folder + "/account.key", self.pem(*how))
        write(folder + "/account.json", '{\n   "status": "valid",\n   "contact": [\n      "mailto:%s"\n'
                                        '   ]\n}\n' % EMAIL)
        write(folder + "/ca.conf", "CA_EMAIL='%s'\nACCOUNT_URL='%s'\nCA_KEY_HASH='z2AYLuO0IuKQu7A2Q='\n" % (
            EMAIL, self.url))
        return folder

    def lego(self, base, version=4, name=EMAIL):
        u = urllib.parse.urlsplit(self.directory)
        folder = os.path.join(base, "accounts", u.netloc.replace(":", "_"), name)
        body = {"status": "valid", "contact": ["mailto:" + EMAIL]}
        if version == 4:
            told = {"email": EMAIL, "registration": {"body": body, "uri": self.url}}
        else:
            told = {"server": self.directory, "id": name, "email": EMAIL, "keyType": "EC256",
                    "registration": dict(body, accountURL=self.url)}
        write(folder + "/account.json", json.dumps(told, indent="\t"))
        write(folder + ("/keys/" if version == 4 else "/") + name + ".key",
              self.pem("-traditional"), 0o644)
        return folder
