#!/usr/bin/env python3
"""Asks openssl about the requests and keys that test_csr writes.

usage: csr_openssl.py PATH_OF_test_csr

For each key type and for 1, 5 (wildcard, IPv4, IPv6, A-label) and 100 names: the signature verifies,
the names are exactly those that were asked for, the subject is empty, and the key file is one that
openssl takes and that belongs to the request. Prints "ok NAME" or "not ok NAME: why".
"""
import ipaddress
import os
import re
import subprocess
import sys
import tempfile

KEYS = ["p256", "p384", "rsa2048", "rsa3072", "rsa4096"]
MIXED = ["example.com", "*.example.com", "192.0.2.7", "2001:db8::1", "xn--bcher-kva.example"]
SETS = {
    "1": MIXED[:1],
    "mixed": MIXED,
    "100": ["host-%d.with-a-longer-name.example.org" % i for i in range(100)],
}


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def names_of(text):
    line = re.search(r"X509v3 Subject Alternative Name:[^\n]*\n\s*([^\n]*)", text)
    names = []
    for entry in line.group(1).split(", ") if line else []:
        kind, value = entry.split(":", 1)
        names.append(str(ipaddress.ip_address(value)) if kind == "IP Address" else value)
    return names


def check_request(folder, key, label):
    path = os.path.join(folder, "%s-%s.csr.der" % (key, label))
    status, text, errors = openssl("req", "-inform", "DER", "-in", path, "-verify", "-noout", "-text")
    if status != 0 or "verify OK" not in errors + text:
        return "openssl does not verify it: " + (errors.strip().splitlines() or ["?"])[-1]
    if names_of(text) != SETS[label]:
        return "names are %s" % names_of(text)[:6]
    subject = openssl("req", "-inform", "DER", "-in", path, "-noout", "-subject")[1].strip()
    if subject != "subject=":
        return "subject is not empty: " + subject
    ours = openssl("req", "-inform", "DER", "-in", path, "-noout", "-pubkey")[1]
    key_path = os.path.join(folder, key + ".key.der")
    status, public, errors = openssl("pkey", "-inform", "DER", "-in", key_path, "-pubout")
    if status != 0:
        return "openssl does not take the key: " + errors.strip()
    if public != ours:
        return "the request is for another key"
    if openssl("pkey", "-inform", "DER", "-in", key_path, "-check", "-noout")[0] != 0:
        return "openssl finds the key inconsistent"
    return None


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run([sys.argv[1], folder], timeout=120).returncode != 0:
            print("not ok csr_openssl: %s could not write its files" % sys.argv[1])
            return 1
        for key in KEYS:
            if not os.path.exists(os.path.join(folder, key + ".key.der")):
                print("skip csr_openssl_%s: this wolfSSL has no such keys" % key)
                continue
            for label in SETS:
                why = check_request(folder, key, label)
                failed |= why is not None
                print("ok csr_openssl_%s_%s" % (key, label) if why is None
                      else "not ok csr_openssl_%s_%s: %s" % (key, label, why))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
