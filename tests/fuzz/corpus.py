#!/usr/bin/env python3
"""Write the seeds and the dictionaries of the harnesses.

usage: corpus.py FOLDER

FOLDER/seeds/NAME/* are inputs that reach into fuzz_NAME.c; FOLDER/dict/NAME words of its grammar.
Inputs that once broke something are kept as hexadecimal text in kept/NAME-WORD.hex beside this
file, and become seeds too. Certificates are made by openssl; without it there are fewer seeds.
"""

import base64
import json
import pathlib
import re
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"

# RFC 6979 A.2.5, the key that fuzz_cert.c knows
KEY = bytes.fromhex(
    "30770201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721a00a06082a8648ce3d"
    "030107a1440342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc"
    "99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")

URN = "urn:ietf:params:acme:error:"
TOKEN = "DGyRejmCefe7v4NfDGDKfA-evaGxumc-oA"


# ---- HTTP -------------------------------------------------------------------------------------

HEAD = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 04:35:00 GMT\r\n"
REPLIES = [
    HEAD + "Content-Type: application/json\r\nContent-Length: 2\r\nReplay-Nonce: oFvnlFP1wIhRlYS2jTaXbA"
    "\r\nLink: <https://ca.example/dir>;rel=\"index\"\r\n\r\n{}",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
    HEAD + "Connection: close\r\n\r\nuntil the end",
    HEAD + "Connection: keep-alive, x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" + HEAD +
    "Content-Length: 5\r\n\r\nhello",
    "HTTP/1.1 301 Moved\r\nLocation: https://ca.example/two\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nContent-Length: 2\r\nLink: <https://a/b?c,d>; "
    "rel=\"help up\"; title=\"a \\\" b\", <x>; rel=alternate;anchor=\"#x\", <y>;rel=alternate\r\n\r\n{}",
    "HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.1 304\r\nA:\t b \t\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
]
HTTP_WORDS = ["HTTP/1.1 ", "HTTP/1.0 ", "\r\n", "\r\n\r\n", "Content-Length: ", "Transfer-Encoding: chunked",
              "Connection: close", "Connection: keep-alive", "Location: ", "Replay-Nonce: ", "Retry-After: ",
              "Link: <", ">;rel=\"up\"", ">; rel=alternate", "; anchor=", "Date: ", "Content-Type: ", "0\r\n\r\n",
              "200 OK", "100 Continue", "101 ", "204 ", "1152921504606846976", "ffffffffffffffff\r\n"]
PATH = "/.well-known/acme-challenge/"
REQUESTS = [
    "GET %sAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x\r\nConnection: close\r\n\r\n" % PATH,
    "HEAD %sBbbbbbbbb-bbbbbbbbbb_b HTTP/1.0\r\n\r\n" % PATH,
    "GET http://example.com%sAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n" % PATH,
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET /%s HTTP/1.1\r\n\r\n" % ("a" * 1100),
]


def http_seeds():
    replies = [bytes([flags, seed]) + reply.encode() for reply in REPLIES
               for flags, seed in ((0, 3), (1, 77))]
    chunks = [b"\2\5" + reply.encode().partition(b"\r\n\r\n")[2] for reply in REPLIES]
    streams = [bytes([flags, 9]) + reply.encode() * 2 for reply in REPLIES for flags in (0, 2, 5, 8, 14)]
    asked = [b"\1\7" + request.encode() for request in REQUESTS]
    for request in REQUESTS:
        raw = request.encode()
        pieces = b"".join(bytes([1 | 16, len(part)]) + part
                          for part in (raw[i:i + 90] for i in range(0, len(raw), 90)))
        asked.append(b"\0" + pieces)                                 # in pieces
        asked.append(b"\0\x05\1" + pieces + b"\x05\xff\x06\x05" + pieces)  # slow to read
        asked.append(b"\0" + pieces[:60] + b"\x06\x80\x04\0")       # cut off
    asked.append(b"\0" + b"".join(bytes([i << 4, 0]) for i in range(12)) + b"\x06\xff" * 3)
    asked.append(b"\0\x07\3\x0a\1\x01\2\r\n\x0a\0\x01\2\r\n\x07\1\x08\0\x09\0\x08\0\x09\1")
    return {"response": replies + chunks, "exchange": streams, "http01": asked}


# ---- JSON -------------------------------------------------------------------------------------

DIRECTORY = """{"newNonce":"https://ca.example/n","newAccount":"https://ca.example/a","newOrder":
"https://ca.example/o","revokeCert":"https://ca.example/r","keyChange":"https:\\/\\/ca.example\\/k",
"renewalInfo":"https://ca.example/i","meta":{"termsOfService":"https://ca.example/t","website":"https://x",
"caaIdentities":["ca.example"],"externalAccountRequired":true,"profiles":{"classic":"long","tls":"short"}}}"""
OBJECTS = [
    DIRECTORY,
    """{"status":"valid","contact":["mailto:a@example.com"],"termsOfServiceAgreed":true,"orders":"https://x/o"}""",
    """{"status":"pending","expires":"2026-11-29T04:35:00Z","identifiers":[{"type":"dns","value":"example.com"}],
"authorizations":["https://ca.example/z/1","https://ca.example/z/2"],"finalize":"https://ca.example/f"}""",
    """{"status":"valid","authorizations":null,"finalize":"","certificate":"https://ca.example/c","error":
{"type":"%sserverInternal","detail":"x"}}""" % URN,
    """{"identifier":{"type":"dns","value":"example.com"},"status":"pending","wildcard":true,"challenges":[
{"type":"http-01","url":"https://ca.example/h","status":"pending","token":"%s"},
{"type":"dns-01","url":"https://ca.example/d","status":"invalid","token":"%s","error":{"type":"%sdns","detail":"no"}},
{"type":"dns-persist-01","url":"https://x","issuer-domain-names":["a"]},{"type":"new-99"}]}""" % (TOKEN, TOKEN, URN),
    """{"identifier":{"type":"ip","value":"2001:DB8::0:1"},"status":"valid","challenges":[]}""",
    """{"type":"http-01","url":"https://ca.example/h","token":"../../../etc/passwd"}""",
    """{"type":"%srateLimited","detail":"too many\\u001b[31m \\u202e certificates \\u00e4\\ud83d\\ude00","status":429}""" % URN,
    """{"type":"%scompound","detail":"all","subproblems":[{"type":"%scaa","detail":"one","identifier":
{"type":"dns","value":"*.example.com"}},{"type":"%sdns"}]}""" % (URN, URN, URN),
    """{"type":"badNonce","detail":"no prefix"}""",
    """{"type":"x","detail":"\\u0085\\u009b1m \\u200b\\u2066\\ufeff\\u007f"}""",
]
JSON_TEXTS = OBJECTS + [
    "[]", "{}", "null", "true", "0", "9007199254740992", "-1.5e+30", "\"\\u00e4\\n\\/\"", "[[[[[[[[1]]]]]]]]",
    "{\"a\":1,\"a\":2}", "\"\\ud800\"", "[1,2,{\"b\":[false,null]}]", "\"\u00e4\u20ac\U0001f600\"", "[" * 17]
JSON_WORDS = ["\"status\"", "\"pending\"", "\"valid\"", "\"invalid\"", "\"ready\"", "\"processing\"", "\"identifier\"",
              "\"identifiers\"", "\"type\"", "\"value\"", "\"dns\"", "\"ip\"", "\"challenges\"", "\"token\"", "\"url\"",
              "\"error\"", "\"detail\"", "\"subproblems\"", "\"wildcard\"", "\"authorizations\"", "\"finalize\"",
              "\"certificate\"", "\"meta\"", "\"newNonce\"", "\"newOrder\"", "\"newAccount\"", "\"http-01\"",
              "\"dns-01\"", URN, "true", "false", "null", "\\u0000", "\\ud83d", "\\ude00", "\\u202e", "1e9", "\"%s\"" % TOKEN]


def json_seeds():
    texts = [text.encode() for text in JSON_TEXTS]
    return {"json": [struct.pack(">H", small) + text for text in texts for small in (60, 700)],
            "objects": texts, "pretty": texts}


# ---- small grammars ---------------------------------------------------------------------------

TEXTS = {
    0: ["2026-11-22T04:35:00Z", "2026-11-22t04:35:00.123456789+01:30", "2024-02-29T23:59:60-00:00", "9999-12-31T23:59:59Z"],
    1: ["Sun, 22 Nov 2026 04:35:00 GMT", "Sunday, 22-Nov-26 04:35:00 GMT", "Sun Nov 22 04:35:00 2026", "Sun Nov  1 04:35:00 2026"],
    2: ["261122043500Z", "20501122043500Z", "491231235959Z"],
    3: ["\x00120", "\x0199999999999999999999", "\x01Sun, 22 Nov 2026 04:35:00 GMT",
        "\x02Sun, 22 Nov 2026 04:35:00 GMTSun, 22 Nov 2026 05:35:00 GMT", "\x050"],
    4: ["https://ca.example/acme/order?x=1", "https://[2001:db8::1]:14000/x", "HTTPS://localhost", "https://192.0.2.1:443/",
        "https://user@host/", "https://a.b:65536/", "https://ca.example:0/"],
    5: ["example.com", "*.example.com", "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.1", "EXAMPLE.Com", "xn--bcher-kva.example",
        "a.1", "1:2:3:4:5:6:7:8", "::", "a..b", "b\u00fccher.example", "0x7f.1"],
    7: ["Zm9vYmFy", "Zg", "Zm8", "Z", "AA=", "AB"],
    8: ["Zm9v\nYmFy\n", "Zg==", "Zm8=", " A A = = "],
    9: ["foobar", "\x00\x01"],
    10: ["a\"b\\c\x01\n", "\u00e4\U0001f600", ""],
    11: [TOKEN, "a" * 22, "a" * 21, "a" * 128, "a/" * 20],
    12: ["<https://a/b>;rel=\"up\"", "<a>; rel=\"x up\"; anchor=\"b\", <c> ;rel=up", "<", "<a>;rel", "<a>;title=\"\\\"\";rel=up"],
}
TEXT_WORDS = ["https://", "example.com", "*.", "xn--", "::", "::ffff:", "255", "GMT", "Sun, ", " Nov ", "2026", "T", "Z",
              "+00:00", ".local", "localhost", "65535", "rel=\"up\"", ">;", "0x", "31536000"]


def text_seeds():
    found = [bytes([which]) + text.encode() for which, texts in TEXTS.items() for text in texts]
    return {"text": found + [b"\6" + bytes(4), b"\6" + bytes(range(16)), b"\6" + bytes(15) + b"\1"]}


# ---- certificates -----------------------------------------------------------------------------

def pem(der, kind="CERTIFICATE"):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind, "\n".join(lines), kind)


def from_pem(text):
    return [base64.b64decode(body) for body in re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END", text, re.S)]


CONFIG = """[leaf]
basicConstraints=CA:FALSE
keyUsage=digitalSignature
subjectAltName=DNS:example.com,DNS:*.example.com,IP:192.0.2.7
[one]
subjectAltName=DNS:example.com
authorityKeyIdentifier=keyid
[odd]
subjectAltName=email:a@example.com,IP:2001:db8::1
[ca]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=keyCertSign
subjectKeyIdentifier=hash
"""


def certificates(folder):
    """DER: leaf of three names, its issuer; a leaf of one name; one with an e-mail address, one for another key."""
    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit("corpus: openssl %s: %s" % (words[0], done.stdout.decode()))

    (folder / "ext").write_text(CONFIG)
    (folder / "key").write_text(pem(KEY, "EC PRIVATE KEY"))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key")
    openssl("genrsa", "-out", "rsa.key", "2048")
    openssl("req", "-new", "-key", "ca.key", "-subj", "/O=Middle", "-out", "ca.csr")
    openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-days", "9000", "-extfile", "ext", "-extensions", "ca",
            "-out", "ca.pem")
    for name in ("leaf", "one", "odd"):
        openssl("req", "-new", "-key", "key", "-subj", "/CN=example.com", "-out", name + ".csr")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x87654321",
                "-days", "9000", "-extfile", "ext", "-extensions", name, "-out", name + ".pem")
    openssl("req", "-x509", "-new", "-key", "rsa.key", "-subj", "/CN=Root", "-days", "9000", "-out", "rsa.pem")
    openssl("req", "-new", "-key", "rsa.key", "-subj", "/CN=example.com", "-out", "other.csr")
    openssl("x509", "-req", "-in", "other.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "5", "-days", "9000",
            "-extfile", "ext", "-extensions", "one", "-out", "other.pem")
    openssl("rsa", "-in", "rsa.key", "-traditional", "-outform", "DER", "-out", "rsa.der")
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", "key", "-outform", "DER", "-out", "key.p8")
    ders = {name: from_pem((folder / (name + ".pem")).read_text())[0] for name in ("leaf", "one", "odd", "ca", "rsa", "other")}
    return ders, [KEY, (folder / "rsa.der").read_bytes(), (folder / "key.p8").read_bytes()]


DER_WORDS = [bytes.fromhex(word) for word in (
    "0603551d11", "0603551d23", "0603551d13", "0603550403", "06082a8648ce3d040302", "06082a8648ce3d0201",
    "06082a8648ce3d030107", "0101ff", "3082", "8200", "870400000000", "170d", "180f")]
PEM_WORDS = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", "\r\n", "-----",
             "MIIB", "=", "=="]


def cert_seeds():
    bundle = ["", "no armour\n", pem(b"\x30\x03\x02\x01\x05"), pem(b"\x30\x03\x02\x01\x05").replace("\n", "\r\n") * 2,
              "subject=x\n" + pem(b"\x30\x00") + "\n" + pem(b"\x30\x00") * 8, pem(b"\x30\x00", "PRIVATE KEY"),
              "-----BEGIN CERTIFICATE-----\nMAA\n-----END CERTIFICATE-----\n", "x-----END CERTIFICATE-----"]
    found = {"pem": [text.encode() for text in bundle],
             "cert": [b"\0" + bytes.fromhex("300a02010102020080040100"), b"\0\x30\x81\x80" + bytes(128), b"\3" + KEY]}
    found["pem"].append(b"\5\0\0\x30\3\2\1\5\2\0\0\x30\0")
    if shutil.which("openssl") is None:
        return found
    with tempfile.TemporaryDirectory() as folder:
        ders, keys = certificates(pathlib.Path(folder))
    found["pem"].append((pem(ders["leaf"]) + pem(ders["ca"])).encode())
    found["cert"] += [bytes([which]) + der for der in ders.values() for which in (0, 1)]
    found["cert"] += [bytes([2 | 2 << 2]) + ders["leaf"] + ders["ca"], bytes([2 | 2 << 2]) + ders["leaf"],
                      bytes([2]) + ders["one"] + ders["ca"], bytes([2 | 64]) + ders["one"] + ders["ca"] + ders["rsa"],
                      bytes([2]) + ders["odd"], bytes([2]) + ders["other"] + ders["ca"]]
    found["cert"] += [b"\3" + key for key in keys]
    return found


# RFC 7515 A.3
JWK = """{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"""
JWK_WORDS = ["\"%s\":" % word for word in "kty crv x y d n e p q dp dq qi oth".split()] + [
    "\"RSA\"", "\"EC\"", "\"P-256\"", "\"P-384\"", "\"P-521\"", "\"AQAB\"", "EC PRIVATE KEY", "RSA PRIVATE KEY",
    "ENCRYPTED", "BEGIN EC PARAMETERS", b"\x06\x05\x2b\x81\x04\x00\x23"]


def keyfile_seeds():
    """Keys of every form; of RSA ones the JWK is made of PKCS #1."""
    names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
    found = [JWK, JWK.replace("P-256", "P-521"), JWK.replace("f83", ""), pem(KEY, "EC PRIVATE KEY"),
             "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + pem(KEY, "EC PRIVATE KEY"),
             pem(KEY, "ENCRYPTED PRIVATE KEY"), "{\"kty\":\"RSA\",\"oth\":[]}"]
    found = [text.encode() for text in found] + [KEY]
    if shutil.which("openssl") is not None:
        with tempfile.TemporaryDirectory() as folder:
            _, keys = certificates(pathlib.Path(folder))
        found += keys + [pem(key, "PRIVATE KEY").encode() for key in keys]
        at, numbers = 7, []     # SEQUENCE of two bytes' length, version
        for _ in names:
            length, head = keys[1][at + 1], 2
            if length & 0x80:
                head += length & 0x7f
                length = int.from_bytes(keys[1][at + 2:at + head], "big")
            numbers.append(keys[1][at + head:at + head + length])
            at += head + length
        found.append(json.dumps(dict({"kty": "RSA"}, **{
            name: base64.urlsafe_b64encode(number.lstrip(b"\0")).decode().rstrip("=")
            for name, number in zip(names, numbers)})).encode())
    return {"keyfile": [struct.pack(">H", small) + text for text in found for small in (300, 16383)]}


# ---- records ----------------------------------------------------------------------------------

def record(kind, fields, sequence=0):
    body = b"".join(struct.pack("<HH", tag, len(value)) + value for tag, value in fields)
    head = struct.pack("<4sBBHII", b"ACME", kind, 1, 0, sequence, len(body))
    return head + struct.pack("<I", zlib.crc32(head + body)) + body


def number(value):
    return struct.pack("<q", value)


def record_seeds():
    key = [(2, number(1)), (3, number(0)), (4, KEY)]
    order_key = [(3, number(1)), (4, number(0)), (5, KEY)]
    sched = [(16, number(1795000000)), (17, number(1794990000)), (18, number(5)), (19, number(4)), (20, number(2)),
             (21, number(3)), (22, number(1))]
    failure = [(32, number(-35)), (33, number(1795000000)), (34, b"order"), (35, b"note"), (36, number(20)),
               (37, number(429)), (38, number(120)), (39, b"too many"), (40, b"example.com")]
    chain = b"\5\0\0\x30\3\2\1\5\2\0\0\x30\0"
    cert = [(1, bytes(32)), (2, bytes(32))] + order_key + [(6, number(1790000000)), (7, number(1799000000)), (8, chain)]
    begun = [(6, b"\1http-01\0example.com\0" + TOKEN.encode() + b"\0"), (6, b"\2gone\0a.b\0t\0"), (6, b"\1x")]
    half = record(5, cert, 7)
    plain = {
        0: record(1, [(1, b"https://ca.example/dir")] + key + [(5, b"https://ca.example/a/1")]),
        1: record(2, [(1, number(1)), (2, number(2)), (3, number(3)), (4, number(4))] + sched),
        2: record(3, [(1, bytes(32)), (2, b"https://ca.example/o/1")] + order_key + begun),
        3: struct.pack(">H", len(half)) + half + record(4, cert, 8),
        4: record(6, sched + failure),
        8: record(9, [(1, b"https://ca.example/dir\0"), (2, b"example.com\0"), (2, b"192.0.2.7\0"), (3, b"a@b\0"),
                      (4, number(1)), (5, number(1)), (6, number(2)), (7, b"\x30\0"), (8, b"ntp.example\0")]),
    }
    found = [bytes([which | fix]) + body for which, body in plain.items() for fix in (0, 16)]
    found.append(bytes([4]) + record(6, sched + [(0x8001, b"x")]))
    for name in ("record_v1.inc", "record_v1_empty.inc", "record_v2.inc"):
        raw = bytes(int(word, 16) for word in re.findall(r"\b0x([0-9a-f]{2})\b", (VECTORS / name).read_text()))
        found += [b"\4" + raw, b"\x08" + raw]
    return {"records": found}


# ---- flash ------------------------------------------------------------------------------------

def flash_seeds():
    def write(key, length, fill=7):
        return bytes([key << 4]) + struct.pack(">H", length) + bytes([fill])

    def poke(at, data):
        return bytes([(len(data) // 8) << 4 | 8]) + struct.pack(">H", at) + data

    found = []
    for shape in range(4):
        a = bytes([shape])
        found += [
            a + write(0, 20) + write(1, 60) + write(2, 100) + b"\x06\x03\x20\x13\x80",
            a + b"".join(write(i % 6, 30 + i) for i in range(40)) + b"\x05\x06",
            a + write(0, 30) + write(3, 395) + b"\x06\x03\xff",
            a + b"\x0f" + struct.pack(">HB", 80, 1) + b"\x04\x05\x06",
            a + write(0, 40) + b"".join(b"\x07" + bytes([tear, 2]) + write(0, 41 + tear) for tear in range(7)),
            a + write(0, 40) + b"\x0f" + struct.pack(">HB", 50, 3) + poke(8, b"\x09") + poke(32, bytes(8)) + b"\x7a\x06\x03\xff",
            a + write(4, 40) + poke(500, bytes(8)) + b"\x3a\x06\x0f\x00\x40\x01\x04\x05",
            a + b"\x3b" + write(1, 200) + write(1, 201) + b"\x06\x13\xff",
        ]
    return {"flash": found}


# ---- the configuration file -------------------------------------------------------------------

CONF = """# the daemon
state-dir = /var/lib/lwacme
server=letsencrypt-staging
  agree-tos \t=  yes

[www.example.com]
domain = www.example.com\texample.com
preferred-chain = Root X#1

[ 2001:db8::1 ]
profile = shortlived
"""
CONF_WORDS = ["[", "]\n", " = ", "domain = ", "# ", " #", "\r\n", "\t", "\"", "key-type", "\xef\xbb\xbf".encode("latin-1"),
              b"\xe2\x82\xac", b"\xc2\x80", b"\0"]


def conf_seeds():
    found = [CONF, CONF.replace("\n", "\r\n"), "\ufeff" + CONF.rstrip(), CONF.replace("=", ""), CONF.replace("]", ""),
             CONF.replace("]", "] # x"), "[]\n[ ]\n=\n= x\nx =\nx\n", "a = b # c\na = #\na = 'b'\na = \"b\"\n", "k" * 41 + "=x",
             "k" * 40 + "=" + "v" * 4055 + "\n", "k" * 40 + "=" + "v" * 4056 + "\n", "a=b\rc\n\r\n\r", "a\0=b\0\n"]
    raw = [b"a=\xe2\x82", b"a=\xe0\x80\x80\n", b"a=\xed\xa0\x80\n", b"a=\xf4\x90\x80\x80", b"a=\xc2\x9b\n\xff\n"]
    return {"conf": [text.encode() for text in found] + raw}


# ---- the agent --------------------------------------------------------------------------------

def agent_seeds():
    found = [b"\0"]
    for at in range(20):  # the fate of one reply: changed, a problem, lost, a field more, ...
        good = bytes(at)
        found += [b"\0" + good + b"\x08\1\0\x30\x0a\0\x40\x0e", b"\0" + good + b"\x0b" + bytes([at, at]),
                  b"\4" + good + b"\x0b\x13\x16", b"\0" + good + bytes([12 | (at & 1) << 4]),
                  b"\0" + good + bytes([13, at]), b"\2" + good + bytes([14 | at % 8 << 4]), b"\0" + good + b"\x0f\x02{}",
                  b"\1" + good + b"\1"]
    return {"agent": found}


# ---- all --------------------------------------------------------------------------------------

WORDS = {"response": HTTP_WORDS, "exchange": HTTP_WORDS, "http01": HTTP_WORDS + ["GET ", "HEAD ", PATH, "Host: "],
         "json": JSON_WORDS, "objects": JSON_WORDS, "pretty": JSON_WORDS, "text": TEXT_WORDS, "pem": PEM_WORDS,
         "cert": DER_WORDS, "keyfile": DER_WORDS + JWK_WORDS, "conf": CONF_WORDS,
         "dns": ["ca.example", "; ", "accounturi=", "https://ca.example/a/1", "policy=", "wildcard", "persistUntil=", "1795000000"],
         "acmedns": JSON_WORDS + ["\"username\"", "\"password\"", "\"subdomain\"", "\"fulldomain\""],
         "hello": [b"\x16\3\1", b"\x0aacme-tls/1", b"\0\x10\0", b"\0\0\0", b"a.bc"],
         "records": [b"ACME", b"http-01\0", number(1), b"\x01\x80", KEY]}


def quoted(word):
    raw = word if isinstance(word, bytes) else word.encode()
    return "\"" + "".join("\\x%02x" % c if c < 32 or c > 126 or c in b"\"\\" else chr(c) for c in raw) + "\""


def kept_seeds():
    found = {}
    for path in sorted((HERE / "kept").glob("*.hex")):
        name = path.stem.partition("-")[0]
        text = re.sub(r"#.*", "", path.read_text())
        found.setdefault(name, []).append((path.stem.partition("-")[2], bytes.fromhex(text)))
    return found


def dns_seeds():
    """A question answered with an alias and two addresses; a signed answer to an UPDATE."""
    alias = bytes.fromhex("123481800001000300000000016101620000010001c00c0005000100000009000"
                          "2c00ec00e00010001000000090004c000020101620000010001000000090004c0000202")
    signed = bytes.fromhex("1234a8000001000000000001076578616d706c6503636f6d0000060001026b31076578616d706c65"
                           "0000fa00ff00000000003d0b686d61632d736861323536000000499602d2012c0020")
    good = b"ca.example; accounturi=https://ca.example/a/1"
    persist = [good + more for more in (b"", b"; policy=wildcard; persistUntil=1795000000", b"; persistUntil=-1; x=y",
                                        b"/2", b" ;POLICY = none;persistuntil=1794999999\t", b"; policy=wildcard; policy=x")]
    answer = bytes.fromhex("123481800001000100000000016100001000010161000010000100000009") + \
        struct.pack(">HB", len(good) + 2, 20) + good[:20] + bytes([len(good) - 20]) + good[20:]
    return {"dns": [alias, signed + bytes(32) + bytes.fromhex("123400000000"), signed[:40], answer] + persist}


def acmedns_seeds():
    """What /register answers, and the fields of a record."""
    answer = """{"username":"c36f-1","password":"htB9_-Z","fulldomain":"8e57.Auth.example.","subdomain":"8e57",
"allowfrom":["192.168.100.1/24"]}"""
    texts = [answer, answer.replace("8e57.A", "8e58.a"), answer.replace("c36f-1", "u\\r\\nX: y"), "[]"]
    fields = [(16, b"https://auth.example"), (17, b"c36f-1"), (18, b"htB9_-Z"), (19, b"8e57"), (20, b"8e57.auth.example")]
    stored = [fields, fields + [(21, b"later")], fields + [(0x8001, b"x")], fields[:3], fields[::-1]]
    return {"acmedns": [b"\0" + text.encode() for text in texts] +
            [b"\1" + record(7, one)[20:] for one in stored]}


def hello(extensions, session=b"", suites=b"\x13\x01\xc0\x2b"):
    body = b"\3\3" + bytes(range(32)) + bytes([len(session)]) + session + struct.pack(">H", len(suites)) + \
        suites + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    body = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(body)) + body


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def hello_seeds():
    """ClientHellos: of OpenSSL with several lists of protocols, and ours, good and not so good."""
    inputs = []
    for name, protocols, version in (("gw.example.org", ["acme-tls/1"], None), ("a.b", ["h2", "http/1.1"], None),
                                     (None, [], None), ("gw.example.org", ["acme-tls/1"], ssl.TLSVersion.TLSv1_2)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(protocols)
        if version:
            context.maximum_version = version
        sent = ssl.MemoryBIO()
        try:
            context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
        except ssl.SSLWantReadError:
            inputs.append(sent.read())
    sni = extension(0, b"\0\7\0\0\4a.bc")
    alpn = extension(16, b"\0\x0b\x0aacme-tls/1")
    inputs += [hello(e) for e in (sni + alpn, alpn + sni, sni, alpn, b"", sni + sni, alpn + alpn,
                                  extension(16, b"\0\6\2h2\2h3") + sni, extension(43, b"\2\3\4") + alpn,
                                  extension(0, b"\0\0"), extension(16, b"\0\1\0"), b"\0\x10\0\5")]
    inputs += [hello(sni + alpn, session=bytes(32)), hello(sni + alpn) + b"\x14\3\3\0\1\1", b"\x16\3\1\0\5\1\0\0\1\0"]
    return {"hello": inputs}


def main():
    top = pathlib.Path(sys.argv[1])
    shutil.rmtree(top / "seeds", ignore_errors=True)
    (top / "dict").mkdir(parents=True, exist_ok=True)
    for make in (http_seeds, json_seeds, text_seeds, cert_seeds, keyfile_seeds, record_seeds, flash_seeds, agent_seeds,
                 conf_seeds, dns_seeds, acmedns_seeds, hello_seeds):
        for name, inputs in make().items():
            folder = top / "seeds" / name
            folder.mkdir(parents=True)
            for i, data in enumerate(inputs):
                (folder / ("%03d" % i)).write_bytes(data)
    for name, inputs in kept_seeds().items():
        for word, data in inputs:
            (top / "seeds" / name / ("kept-" + word)).write_bytes(data)
    for name, words in WORDS.items():
        (top / "dict" / name).write_text("".join(quoted(word) + "\n" for word in words))


if __name__ == "__main__":
    main()
