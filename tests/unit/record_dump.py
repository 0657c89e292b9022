#!/usr/bin/env python3
"""record_dump BUILD: what it shows, what it never shows, and images that nobody should trust.

    tests/unit/record_dump.py build/host
"""
import base64
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "flash"))
import records  # noqa: E402

BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(TOP, "build", "host")
SECTOR, SECTORS = 4096, 8
failed = 0


def case(name):
    def run(fn):
        global failed
        try:
            fn()
            print("ok record_dump_" + name, flush=True)
        except AssertionError as e:
            failed += 1
            print("not ok record_dump_%s: %s" % (name, str(e).replace("\n", " | ")), flush=True)
    return run


def check(true, why):
    if not true:
        raise AssertionError(why)


def openssl(*args, data=None):
    return subprocess.run(("openssl",) + args, input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True).stdout


def dump(path, *args):
    """(exit status, output); a crash is a failure."""
    p = subprocess.run([os.path.join(BUILD, "record_dump"), *args, path], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    check(p.returncode in (0, 1, 2), "exit %d: %s" % (
        p.returncode, p.stderr.decode(errors="replace")[-600:]))
    text = p.stdout.decode("ascii")
    check(all(c == "\n" or " " <= c <= "~" for c in text), "control characters in the output")
    return p.returncode, text


folder = tempfile.TemporaryDirectory(prefix="lwacme-dump-")


def path(name):
    return os.path.join(folder.name, name)


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)
    return path(name)


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def put(image, slot, key, record):
    subprocess.run([os.path.join(BUILD, "tests", "flash_tool"), image, str(SECTOR), str(SECTORS),
                    "256", "put", str(slot), key], input=record, check=True)


def make_pair(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", path(name + ".key"), "-out", path(name + ".pem"), "-days", "30", "-subj",
            "/CN=" + name, "-addext", "subjectAltName=DNS:gw.example.net")
    key = openssl("ec", "-in", path(name + ".key"), "-outform", "DER")
    return key, openssl("x509", "-in", path(name + ".pem"), "-outform", "DER")


KEY, LEAF = make_pair("one")
OTHER, _ = make_pair("two")


def cert(slot, sequence, key, leaf=LEAF):
    chain = struct.pack("<I", len(leaf))[:3] + leaf
    return records.encode(slot, [(1, b"w" * 32), (2, b"o" * 32), (3, 1), (4, 0), (5, key),
                                 (6, 1795000000), (7, 1798000000), (8, chain)], sequence)


SEED = bytes(range(200, 232))
IMAGE = write("good.img", b"\xff" * (SECTOR * SECTORS))
put(IMAGE, records.DEVICE, "", records.encode(
    records.DEVICE, [(0x8001, SEED), (2, 7), (3, 1795000000)]))
put(IMAGE, records.ACCOUNT, "ab" * 32, records.encode(
    records.ACCOUNT, [(1, b"https://ca.test/dir"), (2, 1), (3, 0), (4, OTHER), (6, b"EABSECRETEAB"),
                      (5, b"https://ca.test/\x1b[31mred")]))
put(IMAGE, records.CERT_A, "gw.example.net", cert(records.CERT_A, 3, KEY))
put(IMAGE, records.SCHED, "gw.example.net", records.encode(
    records.SCHED, [(16, 1795000000), (21, 3), (23, 2), (32, -40), (36, 5), (0x700, b"new")]))
put(IMAGE, records.SOLVER, "rfc2136", b"TOPSECRETTSIG")


@case("shows_what_is_in_an_image")
def shows():
    for args in ([], ["--offset", "0", "--sector", str(SECTOR), "--sectors", str(SECTORS)]):
        status, text = dump(IMAGE, *args)
        check(status == 0, "exit %d: %s" % (status, text))
        for wanted in ('cert_a key "gw.example.net" in force', "version 1, sequence 3", "crc ok",
                       "pair             ok", "boots            7", "2026-11-18T11:06:40Z",
                       "ACME_E_CERT", "class            refused", "field 1792",
                       "rolled back      2", "public thumbprint", "https://ca.test/\\x1b[31mred"):
            check(wanted in text, "%r is not in:\n%s" % (wanted, text))
    check(dump(IMAGE, "--slot", "device")[1].count("in force") == 1, "--slot shows more than that")


@case("shows_no_secret")
def secrets():
    texts = [dump(IMAGE, "--all")[1]]
    for i, record in enumerate((cert(records.CERT_B, 1, KEY), cert(records.CERT_B, 1, KEY[:-1]))):
        texts.append(dump(write("secret%d" % i, record))[1])
    scalars = [key[7:39] for key in (KEY, OTHER)]  # SEC 1: the private number
    for secret in (SEED, b"TOPSECRETTSIG", b"EABSECRETEAB", *scalars):
        for form in (secret.hex(), base64.b64encode(secret[:30]).decode()[:36],
                     secret.decode("latin-1")):
            for text in texts:
                check(form not in text and form.upper() not in text, "a secret is shown: " + text)


@case("tells_a_key_that_does_not_fit")
def pair():
    status, text = dump(write("pair", cert(records.CERT_A, 1, OTHER)))
    check(status == 2 and "pair             BAD" in text, text)
    status, text = dump(write("pair", cert(records.CERT_A, 1, KEY)))
    check(status == 0 and "pair             ok" in text, text)


@case("shows_a_file_of_a_state_folder")
def state_file():
    good = cert(records.CERT_A, 1, KEY)
    bad = bytearray(good)
    bad[40] ^= 1
    status, text = dump(write("file", bytes(bad)))
    check(status == 2 and "crc BAD" in text, text)
    status, text = dump(write("file", records.encode(records.SCHED, [], version=9)))
    check(status == 2 and "newer" in text, text)
    check(dump(write("file", b"ACME"))[0] == 2, "four bytes are a record")
    check(dump(write("file", b""))[0] == 1, "nothing is a record")


@case("tells_the_damaged_record_and_shows_the_one_before")
def replaced():
    image = write("two.img", read("good.img"))
    put(image, records.CERT_A, "gw.example.net", cert(records.CERT_A, 5, KEY))
    data = bytearray(read("two.img"))
    at = bytes(data).rfind(LEAF)
    check(at > 0, "no certificate in the image")
    status, text = dump(image)
    check(status == 0 and "sequence 5" in text and "sequence 3" not in text, text)
    check("replaced" in dump(image, "--all")[1], "--all shows no more")
    data[at + 100] ^= 4
    status, text = dump(write("two.img", bytes(data)))
    check(status == 2 and "damaged" in text and "sequence 3" in text, text)


@case("changes_nothing")
def unchanged():
    before = read("good.img")
    dump(IMAGE, "--all")
    check(read("good.img") == before, "the image was written")


@case("says_when_there_is_nothing")
def nothing():
    rng = random.Random(1)
    for data in (b"\xff" * 65536, b"\0" * 65536, rng.randbytes(65536), b"\xff", b""):
        status, text = dump(write("nothing", data))
        check(status == 1, "exit %d for %d bytes: %s" % (status, len(data), text))
    for args in (["--sector", "4096"], ["--sector", "4096", "--sectors", "99"], ["--board", "x"],
                 ["--sector", "-1"], ["--sector", "7", "--sectors", "2"], ["--page", "0"],
                 ["--offset", "1073741824"], ["--align", "0", "--sector", "4096"]):
        check(dump(write("nothing", b"\xff" * 8192), *args)[0] == 1, "%s is taken" % args)


def header(number, size, sectors, align=1, version=1):
    head = struct.pack("<IHHIIIII", 0x3146574c, version, align, number, size, sectors, 1, 0)
    return head + struct.pack("<I", zlib.crc32(head))


def entry(sector, index, **members):
    m = {"type": 4, "key_len": 3, "seq": 1, "offset": 64, "length": 10, "hash": 0,
         "prev": 0xffff, "flags": 0, "crc": 0, **members}
    head = struct.pack("<HBBIIIIHHI", 0x5245, m["type"], m["key_len"], m["seq"], m["offset"],
                       m["length"], m["hash"], m["prev"], m["flags"], m["crc"])
    return head + struct.pack("<I", zlib.crc32(struct.pack("<II", sector, index),
                                               zlib.crc32(head)))


@case("survives_forged_logs")
def forged():
    """Checksums are right, contents are not: numbers at the edges, everywhere."""
    rng = random.Random(int(os.environ.get("DUMP_SEED", "3")))
    edges = (0, 1, 31, 32, 63, 64, 4095, 4096, 0x7fffffff, 0xfffffff0, 0xffffffff)
    for turn in range(int(os.environ.get("DUMP_TURNS", "60"))):
        image = bytearray(b"\xff" * (SECTOR * SECTORS))
        for place in range(rng.randrange(1, SECTORS)):
            number = place + SECTORS * rng.choice((0, 0, 0, 1, 0x1ffffff0))
            for copy in range(2):
                at = place * SECTOR + 32 * copy
                image[at:at + 32] = header(number, SECTOR, SECTORS)
            for index in range(rng.randrange(1, 24)):
                at = (place + 1) * SECTOR - 32 * (index + 1)
                image[at:at + 32] = entry(
                    number, index, type=rng.choice((0, 0, 1, 4, 5, 6, 200)),
                    key_len=rng.choice((0, 3, 255)), seq=rng.choice(edges),
                    offset=rng.choice(edges), length=rng.choice(edges),
                    flags=rng.choice((0, 0, 1, 2, 3)), crc=rng.choice(edges),
                    prev=rng.choice((index - 1 if index else 0xffff, 0xffff, 0, index, 500)))
        dump(write("forged", bytes(image)), "--all")
    for size, sectors, align in ((1 << 31, 2, 1), (4096, 1 << 31, 1), (0, 0, 0), (512, 2, 0xffff),
                                 (4096, 8, 0), (1 << 20, 32, 256)):
        dump(write("forged", header(1, size, sectors, align) * 3000), "--all")


@case("survives_damage_everywhere")
def damage():
    good = read("good.img")
    rng = random.Random(5)
    for turn in range(int(os.environ.get("DUMP_TURNS", "60"))):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 40)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        if turn % 3 == 0:
            del bad[rng.randrange(len(bad)):]
        dump(write("bad", bytes(bad)), "--all")


@case("survives_forged_records")
def forged_records():
    """Every tag of every slot with bytes that it does not expect, behind a right CRC."""
    rng = random.Random(6)
    values = (b"", b"\0", b"\xff" * 8, b"x" * 300, LEAF, KEY, b"\x30\x84\xff\xff\xff\xff",
              b"\xff\xff\xff" + LEAF, struct.pack("<I", len(LEAF))[:3] + LEAF[:-1] + b"\0")
    for slot in range(0, 12):
        for _ in range(12):
            fields = [(rng.choice((*range(0, 10), *range(16, 24), *range(32, 41), 0x8001)),
                       rng.choice((*values, rng.randbytes(rng.randrange(60)))))
                      for _ in range(rng.randrange(40))]
            dump(write("forged", records.encode(slot, fields)))


folder.cleanup()
sys.exit(1 if failed else 0)
