#!/usr/bin/env python3
"""Bad input from this side: what the user typed, the port, the disk, the records.

Each case has its own message and exit status, the CA is not bothered where it need not be, and
nothing is lost: when the cause is gone, the same command works.
"""
import contextlib
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import zlib

import common
from common import Skip, Suite, check, check_set, equal, lwacme_path, run_tool
import fakeca
import world

suite = Suite()
NAME = "a.example.net"


@contextlib.contextmanager
def rig(**options):
    """An honest fake CA and a client."""
    lwacme_path()
    port = world.free_port()
    with fakeca.FakeCA(port, **options) as ca, common.Client(ca.directory, ca.ca_file, port) as c:
        try:
            yield ca, c
        except common.Fail as e:
            raise common.Fail("%s [CA saw %s, complains %s]" % (e, ca.kinds()[-12:],
                                                               ca.complaints)) from e


# ---------------------------------------------------------------- names

LONG_LABEL = "a" * 64 + ".com"
LONG_NAME = ".".join(["a" * 49] * 5)[:249] + ".info"

BAD_NAMES = (
    ("empty label", "a..b", r"empty|label|dot"),
    ("254 characters", LONG_NAME, r"25[345]|long"),
    ("label of 64", LONG_LABEL, r"6[34]|long"),
    ("space inside", "a b.com", r"space|character|only letters"),
    ("space behind", "a.com ", r"space|character|only letters"),
    ("newline behind", "a.com\n", r"character|control|line|only letters"),
    ("tab inside", "a\tb.com", r"character|control|space|only letters"),
    ("escape sequence", "a\x1b[31m.com", r"character|control|only letters"),
    ("hyphen first", "-a.com", r"hyphen|begin|start|character|option|value"),
    ("hyphen last", "a-.com", r"hyphen|end|character"),
    ("dot first", ".a.com", r"empty|label|dot|begin|start"),
    ("empty", "", r"empty"),
    ("only a dot", ".", r"empty|label|dot"),
    ("IPv4 with a port", "192.0.2.1:80", r"port|colon|character|address"),
    ("IPv6 with a port", "[2001:db8::1]:80", r"port|bracket|character|address"),
    ("name with a port", "a.com:443", r"port|colon|character"),
    ("a URL", "https://a.com/", r"URL|slash|character|colon"),
    ("a path behind", "a.com/x", r"slash|character|URL"),
    ("two with a comma", "a.com,b.com", r"comma|character|only letters"),
    ("a mail address", "me@a.com", r"character|@"),
    ("underscore", "a_b.com", r"underscore|character|only letters"),
    ("not ASCII", "b\u00fccher.example", r"ASCII|A-label|xn--|punycode|character"),
    ("star inside", "a.*.com", r"wildcard|\*|character"),
    ("two stars", "*.*.com", r"wildcard|\*|character"),
    ("IPv4 out of range", "192.0.2.256", r"address|IP|numeric|digit"),
    ("IPv4 with three parts", "192.0.2", r"address|IP|numeric|digit"),
    ("path traversal", "../../etc", r"empty|label|dot|slash|character|URL"),
)


def bad_name(name, pattern):
    with rig() as (ca, c):      # cheap: its keys are made once
        c.issue([name]).expect(1, pattern)
        equal(ca.connections, 0, "connections to the CA")
        if os.path.isdir(c.out):
            equal(os.listdir(c.out), [], "files in the output folder")
        c.issue([NAME, name]).expect(1, pattern)
        equal(ca.connections, 0, "connections to the CA")


for what, bad, words in BAD_NAMES:
    suite.add("name: %s" % what, lambda b=bad, w=words: bad_name(b, w))


@suite.case("name: more than the bound")
def too_many():
    with rig() as (ca, c):
        c.issue(["h%d.example.net" % i for i in range(101)]).expect(1, "100")
        equal(ca.connections, 0, "connections to the CA")


@suite.case("name: no name at all")
def no_name():
    with rig() as (ca, c):
        c.issue([]).expect(1, "-d")


@suite.case("name: capitals and doubles are one name")
def capitals():
    with rig() as (ca, c):
        c.issue(["A.Example.NET", "a.example.net"]).expect((0, 1))
        for o in ca.orders.values():
            equal(o["order"]["identifiers"], [{"type": "dns", "value": NAME}], "identifiers")


@suite.case("name: wildcard without a DNS solver")
def wildcard():
    with rig() as (ca, c):
        c.issue(["*.example.net"]).expect((1, 2, 4, 6), "wildcard|dns-01|solver")
        equal(ca.count("challenge"), 0, "challenges answered")


# ---------------------------------------------------------------- options

BAD_OPTIONS = (
    ("port 0", dict(http_port="0"), "port"),
    ("port 70000", dict(http_port="70000"), "port"),
    ("port abc", dict(http_port="abc"), "port"),
    ("port with a tail", dict(http_port="80x"), "port"),
    ("address that is none", dict(http_bind="nowhere"), "http-bind|address"),
    ("http:// directory", dict(server="http://localhost/dir"), "https"),
    ("ftp:// directory", dict(server="ftp://localhost/dir"), "https"),
    ("directory without a scheme", dict(server="localhost/dir"), "https"),
    ("unknown CA name", dict(server="letsdecrypt"), "letsdecrypt"),
    ("empty directory", dict(server=""), "server|URL"),
    ("directory without a host", dict(server="https:///dir"), "host|URL"),
    ("directory with port 99999", dict(server="https://localhost:99999/dir"), "port|URL"),
    ("directory with a user", dict(server="https://me:pw@localhost/dir"), "user|URL|@"),
    ("directory with a space", dict(server="https://localhost/d ir"), "URL|character|space"),
    ("directory of 5000 characters", dict(server="https://localhost/" + "d" * 5000), "long|URL"),
)


def bad_option(options, pattern):
    with rig() as (ca, c):
        c.issue([NAME], **options).expect(1, pattern)
        equal(ca.connections, 0, "connections to the CA")


for what, options, words in BAD_OPTIONS:
    suite.add("option: %s" % what, lambda o=options, w=words: bad_option(o, w))


@suite.case("option: mail addresses that are none")
def mail():
    with rig() as (ca, c):
        for bad in ("ops", "a@b,c@d", "a@b?subject=x", "a b@example.net", "mailto:", ""):
            argv = c.args("issue", [NAME])
            argv[argv.index("-m") + 1] = bad
            run_tool(argv).expect(1, "mail|contact|-m")
        equal(ca.connections, 0, "connections to the CA")


@suite.case("option: without its value")
def no_value():
    for option in ("-d", "-m", "--server", "--ca-file", "--state-dir", "--key-type"):
        run_tool(["issue", option]).expect(1, r"argument.*\b%s\b|\b%s\b.*argument" %
                                            ((option.lstrip("-"),) * 2))


# ---------------------------------------------------------------- the port

@suite.case("http port busy")
def port_busy():
    with rig() as (ca, c):
        with socket.create_server(("0.0.0.0", c.http_port)):
            c.issue([NAME]).expect(4, r"%d.*in use|in use.*%d|busy" % (c.http_port, c.http_port))
            equal(ca.count("finalize"), 0, "finalize")
        c.issue([NAME], "--now").expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)


def as_nobody():
    """A prefix that drops root and all capabilities."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if os.geteuid() != 0 or int(f.read().split()[2]) < 65535:
            raise Skip("needs root, to become nobody")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
            "--bounding-set=-all", "--no-new-privs"]


def nobody_run(c, *args, env=None, **kw):
    prefix = as_nobody()
    own = os.path.join(c.base, "lwacme")
    if not os.path.exists(own):
        shutil.copy(lwacme_path(), own)
        os.chmod(own, 0o755)
    return run_tool(c.args("issue", [NAME], *args, **kw), prefix=prefix, binary=own,
                    env=dict({"HOME": c.base}, **(env or {})))


@suite.case("http port 80 without permission")
def port_denied():
    with rig() as (ca, c):
        as_nobody()
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
            if int(f.read()) <= 80:
                raise Skip("this system lets everybody listen on port 80")
        os.chown(c.base, 65534, 65534)
        nobody_run(c, http_port=80).expect(4, r"permission|setcap|CAP_NET|root")
        equal(ca.count("finalize"), 0, "finalize")
        nobody_run(c, "--now").expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)


# ---------------------------------------------------------------- the disk

@suite.case("state folder of a user, by XDG_STATE_HOME")
def xdg():
    with rig() as (ca, c):
        as_nobody()
        os.chown(c.base, 65534, 65534)
        c.state = c.out = None
        home = os.path.join(c.base, "xdg")
        nobody_run(c, env={"XDG_STATE_HOME": home}).expect(0)
        found = [os.path.join(d, NAME) for d, sub, files in os.walk(home)
                 if os.path.basename(d) == "live" and NAME in sub + files]
        equal(len(found), 1, "sets below $XDG_STATE_HOME/lwacme/live")
        check_set(found[0], [NAME], ca.ca_file)


@suite.case("state folder not writable")
def state_denied():
    with rig() as (ca, c):
        as_nobody()
        os.mkdir(c.state, 0o755)
        nobody_run(c).expect(4, "state")
        equal(ca.count("newAccount"), 0, "newAccount without a place to keep the key")


@suite.case("state folder is a file")
def state_file():
    with rig() as (ca, c):
        with open(c.state, "w", encoding="ascii") as f:
            f.write("mine\n")
        c.issue([NAME]).expect(4, "state")
        equal(ca.count("newAccount"), 0, "newAccount without a place to keep the key")
        with open(c.state, encoding="ascii") as f:
            equal(f.read(), "mine\n", "the file that was in the way")


@suite.case("output folder not writable")
def out_denied():
    with rig() as (ca, c):
        as_nobody()
        os.mkdir(c.state)
        os.chown(c.state, 65534, 65534)
        os.mkdir(c.out, 0o755)
        nobody_run(c).expect(4, "out")
        orders, issued = ca.count("newOrder"), ca.count("finalize")
        check(issued <= 1 and orders <= 1, "%d orders, %d finalize" % (orders, issued))
        os.chown(c.out, 65534, 65534)
        nobody_run(c, "--now").expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)
        equal(ca.count("finalize"), 1, "certificates issued for one that could not be written")


@contextlib.contextmanager
def small_disk(path, size):
    if not common.in_namespace():
        raise Skip("needs a private mount namespace")
    os.makedirs(path, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d,mode=700" % size, "tmpfs",
                       path]).returncode != 0:
        raise Skip("no tmpfs can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path):
    name = os.path.join(path, "filler")
    fd = os.open(name, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for size in (65536, 4096, 1):
            try:
                while True:
                    os.write(fd, b"x" * size)
            except OSError:
                pass
    finally:
        os.close(fd)
    return name


@suite.case("state disk full at the start")
def disk_full():
    with rig() as (ca, c), small_disk(c.state, 131072):
        filler = fill(c.state)
        c.issue([NAME]).expect(4, "full|space|storage")
        equal(ca.count("newAccount"), 0, "newAccount without a place to keep the key")
        os.unlink(filler)
        c.issue([NAME], "--now").expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)


@suite.case("state disk full before a renewal")
def disk_full_later():
    with rig() as (ca, c), small_disk(c.state, 262144):
        c.issue([NAME]).expect(0)
        old = common.cert_serial(c.live(NAME) + "/cert.pem")
        before = c.files()
        filler = fill(c.state)
        c.issue([NAME], "--force").expect(4, "full|space|storage")
        check_set(c.live(NAME), [NAME], ca.ca_file)
        equal(common.cert_serial(c.live(NAME) + "/cert.pem"), old, "serial in use")
        after = c.files()
        lost = [n for n in before if len(before[n]) >= 20 and len(after.get(n, b"")) < 20]
        equal(lost, [], "records lost to a full disk")
        os.unlink(filler)
        c.issue([NAME], "--force", "--now").expect(0)
        check(common.cert_serial(c.live(NAME) + "/cert.pem") != old, "not renewed afterwards")


@suite.case("output disk full")
def out_full():
    with rig() as (ca, c), small_disk(c.out, 65536):
        filler = fill(c.out)
        c.issue([NAME]).expect(4, "full|space|out")
        check(not os.path.lexists(c.live(NAME)), "a link to a set that could not be written")
        os.unlink(filler)
        c.issue([NAME], "--now").expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)
        equal(ca.count("finalize"), 1, "certificates issued for one that could not be written")


# ---------------------------------------------------------------- records

def records(c):
    """Files of the state folder that are records: a 20-byte header with the magic."""
    got = {n: d for n, d in c.files().items() if len(d) >= 20 and d[:4] == b"ACME"}
    check(len(got) >= 2, "only %d records in %s" % (len(got), sorted(c.files())))
    return got


def put(c, name, data):
    path = os.path.join(c.state, name)
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(data)


def spoil_each(change, pattern, may_go_on=True):
    """Spoil each record in turn, and renew.

    Either the run ends with exit 4 and leaves the file to a person, or, where nothing but time is
    lost by it (may_go_on, and never the account with its key), it says a warning and goes on. In
    both cases the account stays the same and a matching pair stays in use.
    """
    with rig() as (ca, c):
        c.issue([NAME]).expect(0)
        good = records(c)
        accounts = ca.count("newAccount")
        for name, data in good.items():
            serial = common.cert_serial(c.live(NAME) + "/cert.pem")
            put(c, name, change(data))
            r = c.issue([NAME], "--force", "--now")
            what = "%s spoiled: " % name
            try:
                r.expect((0, 4) if may_go_on and "account" not in name else 4, pattern)
                equal(ca.count("newAccount"), accounts, "newAccount")
                check_set(c.live(NAME), [NAME], ca.ca_file)
                if r.code == 4:
                    equal(c.files()[name], change(data), "the file after the run")
                    equal(common.cert_serial(c.live(NAME) + "/cert.pem"), serial, "serial in use")
            except common.Fail as e:
                raise common.Fail(what + str(e))
            for other in records_left(c):
                os.unlink(os.path.join(c.state, other))
            for other, was in good.items():
                put(c, other, was)
        c.issue([NAME], "--force", "--now").expect(0)
        check_set(c.live(NAME), [NAME], ca.ca_file)
        equal(ca.count("newAccount"), accounts, "newAccount at the end")


def records_left(c):
    return [n for n, d in c.files().items() if d[:4] == b"ACME"]


def flip(data):
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


def newer(data):
    """The same record as a later version of the program would write it."""
    head = bytearray(data[:20])
    length = struct.unpack("<I", head[12:16])[0]
    body = data[20:20 + length]
    crc = struct.unpack("<I", head[16:20])[0]
    check(crc == zlib.crc32(bytes(head[:16]) + body), "CRC of a record is not over all but itself")
    head[5] = 99
    head[16:20] = struct.pack("<I", zlib.crc32(bytes(head[:16]) + body))
    return bytes(head) + data[20:]


suite.add("record: one bit flipped", lambda: spoil_each(flip, "damaged|corrupt"))
suite.add("record: cut in half", lambda: spoil_each(lambda d: d[:len(d) // 2], "damaged|corrupt"))
suite.add("record: empty file", lambda: spoil_each(lambda d: b"", "damaged|corrupt|empty"))
suite.add("record: all zeros", lambda: spoil_each(lambda d: bytes(len(d)), "damaged|corrupt"))
suite.add("record: of a newer version", lambda: spoil_each(newer, "newer version", False))


@suite.case("record: status of a damaged one")
def status_damaged():
    with rig() as (ca, c):
        c.issue([NAME]).expect(0)
        for name, data in records(c).items():
            put(c, name, flip(data))
            r = c.status()
            check(r.code in (0, 4), "status with %s damaged: %s" % (name, r))
            r.expect((0, 4))
            put(c, name, data)


@suite.case("record: readable by others is refused or repaired")
def open_mode():
    with rig() as (ca, c):
        c.issue([NAME]).expect(0)
        for name in records(c):
            os.chmod(os.path.join(c.state, name), 0o644)
        r = c.issue([NAME], "--force")
        if r.code != 0:
            r.expect(4, "permission|readable|mode|0600|others")
            return
        for name in records(c):
            mode = stat.S_IMODE(os.stat(os.path.join(c.state, name)).st_mode)
            check(mode & 0o077 == 0 or "0600" in r.text, "%s stays open to others" % name)


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("bad input"))
