#!/usr/bin/env python3
"""Fetch the test CA (Debian's package `pebble`) and unpack it side by side.

    tools/get_pebble.py [--out build/pebble] [--refresh] [newest] [2.4.0] [2.6.0]

`newest` is the highest version that the machine's own Debian mirror serves in sid or forky, and
must be >= 2.10.0; where it cannot be had, the machine's own suite is the fallback, with a
warning that names it. Each version lands in OUT/VERSION/usr/bin/{pebble,pebble-challtestsrv},
and OUT/newest holds the number of the newest. What is there already is not fetched again.

The mirror is the one that apt uses on this machine; no host is named here. apt runs with its
own state (sources, lists, cache) below OUT/apt, so it needs no root and changes nothing of the
system's. apt verifies the archive's signature, and known packages are pinned by SHA-256 as well.
"""
import hashlib
import os
import shutil
import subprocess
import sys

NEWEST_SUITES = ("sid", "forky")
NEWEST_MIN = (2, 10, 0)
SUITE_OF = {"2.4.0": "bookworm", "2.6.0": "trixie"}

# Packages seen and tried. One that is not listed is taken on apt's signature alone, and said so.
PINS = {
    "pebble_2.10.0+ds1-2_amd64.deb":
        "b9a3a3920143f1a6fc568dfa88247be22cafa96c845fe62938c08982a15df315",
    "pebble_2.6.0+ds1-1+b7_amd64.deb":
        "94a4e1269abcad428d1276de74b984b123ac83e0313541951c41bdcb006147d3",
    "pebble_2.4.0+ds1-2+b4_amd64.deb":
        "ad144cb969adb92df94eba76670fa28595ba78fbb875036ae4a5b068939e102e",
}


class Unavailable(Exception):
    """A suite or version cannot be had now; the text says why."""


def say(text):
    print("get_pebble: " + text, file=sys.stderr, flush=True)


def run(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)


def own_suite():
    with open("/etc/os-release", encoding="utf-8") as f:
        for line in f:
            if line.startswith("VERSION_CODENAME="):
                return line.split("=", 1)[1].strip().strip('"')
    return "stable"


def machine_mirror(suite):
    """URI of the machine's Debian mirror, from apt's own configuration."""
    fmt = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    out = run(["apt-get", "indextargets", "--format", fmt, "Created-By: Packages"]).stdout
    for line in out.splitlines():
        part = line.split("|")
        if len(part) == 3 and part[1] == suite and part[2] == "main":
            return part[0].rstrip("/")
    raise Unavailable("apt on this machine has no source for %s main" % suite)


def keyring():
    """The archive's keys as Debian ships them; '' leaves apt to its trusted.gpg.d."""
    for name in ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg"):
        path = os.path.join("/usr/share/keyrings", name)
        if os.path.exists(path):
            return path
    return ""


class Apt:
    """apt with a private state that knows one mirror and a few suites."""

    def __init__(self, home, uri, keys, suites):
        self.home = os.path.abspath(home)
        for d in ("lists/partial", "cache/archives/partial", "state", "etc/parts"):
            os.makedirs(os.path.join(self.home, d), exist_ok=True)
        self.sources = os.path.join(self.home, "etc/pebble.sources")
        with open(self.sources, "w", encoding="utf-8") as f:
            f.write("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n" % (uri, " ".join(suites)))
            if keys:
                f.write("Signed-By: %s\n" % keys)
        # The machine's proxies and time limits are kept, its hooks are not.
        acquire = run(["apt-config", "dump", "Acquire"]).stdout
        conf = os.path.join(self.home, "etc/apt.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(acquire)
            for key, value in (("Dir::Etc::parts", "etc/parts"),
                               ("Dir::Etc::main", "etc/none"),
                               ("Dir::Etc::sourcelist", "etc/pebble.sources"),
                               ("Dir::Etc::sourceparts", "etc/parts"),
                               ("Dir::Etc::preferencesparts", "etc/parts"),
                               ("Dir::Etc::preferences", "etc/none"),
                               ("Dir::State", "state"), ("Dir::State::lists", "lists"),
                               ("Dir::Cache", "cache")):
                f.write('%s "%s";\n' % (key, os.path.join(self.home, value)))
            f.write('Dir::State::status "/var/lib/dpkg/status";\n'
                    'APT::Sandbox::User "";\nAcquire::Languages "none";\n'
                    'Acquire::Retries "2";\nAcquire::http::Timeout "20";\n')
        self.env = dict(os.environ, APT_CONFIG=conf, LC_ALL="C")

    def update(self):
        r = run(["apt-get", "update"], env=self.env)
        if r.returncode != 0 or "\nE: " in r.stdout:
            raise Unavailable("apt-get update failed: " + r.stdout.strip()[-400:])
        for line in r.stdout.splitlines():
            if line.startswith("W: "):
                say(line)

    def versions(self):
        """Package versions of pebble, newest first, as Debian orders them."""
        out = run(["apt-cache", "madison", "pebble"], env=self.env).stdout
        seen = []
        for line in out.splitlines():
            part = [p.strip() for p in line.split("|")]
            if len(part) == 3 and part[1] not in seen:
                seen.append(part[1])
        return seen

    def download(self, version):
        where = os.path.join(self.home, "deb")
        os.makedirs(where, exist_ok=True)
        r = run(["apt-get", "download", "pebble=" + version], env=self.env, cwd=where)
        if r.returncode != 0:
            raise Unavailable("download of pebble %s failed: %s" % (version, r.stdout[-400:]))
        name = [n for n in os.listdir(where) if n.startswith("pebble_") and n.endswith(".deb")]
        if len(name) != 1:
            raise Unavailable("apt left no package behind")
        return os.path.join(where, name[0])


def upstream(version):
    """'2.10.0+ds1-2' -> '2.10.0'."""
    return version.split("+")[0].split("-")[0].split(":")[-1]


def number(version):
    return tuple(int(x) for x in upstream(version).split(".") if x.isdigit())


def check_pin(path):
    with open(path, "rb") as f:
        got = hashlib.sha256(f.read()).hexdigest()
    name = os.path.basename(path).replace("%3a", ":")
    want = PINS.get(name)
    if want is None:
        say("%s is not pinned yet (sha256 %s); taken on the archive's signature" % (name, got))
    elif want != got:
        os.unlink(path)
        sys.exit("get_pebble: %s: SHA-256 is %s, pinned is %s; not used" % (name, got, want))


def unpack(deb, out, version):
    target = os.path.join(out, version)
    fresh = target + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    r = run(["dpkg-deb", "-x", deb, fresh])
    if r.returncode != 0:
        raise Unavailable("dpkg-deb: " + r.stdout)
    for tool in ("pebble", "pebble-challtestsrv"):
        if not os.access(os.path.join(fresh, "usr/bin", tool), os.X_OK):
            raise Unavailable("the package of %s has no usr/bin/%s" % (version, tool))
    shutil.rmtree(target, ignore_errors=True)
    os.rename(fresh, target)


def present(out, version):
    tools = [os.path.join(out, version, "usr/bin", t) for t in ("pebble", "pebble-challtestsrv")]
    return all(os.access(t, os.X_OK) for t in tools)


def newest_known(out):
    try:
        with open(os.path.join(out, "newest"), encoding="utf-8") as f:
            version = f.read().strip()
    except OSError:
        return None
    return version if present(out, version) else None


def fetch(out, suites, accept):
    """Fetch the highest version in suites for which accept(version) holds; gives its number."""
    home = os.path.join(out, "apt")
    apt = Apt(home, machine_mirror(own_suite()), keyring(), suites)
    try:
        apt.update()
        fit = [v for v in apt.versions() if accept(v)]
        if not fit:
            raise Unavailable("%s serves pebble %s only" %
                              (" and ".join(suites), ", ".join(apt.versions()) or "(none)"))
        version = upstream(fit[0])
        if not present(out, version):
            deb = apt.download(fit[0])
            check_pin(deb)
            unpack(deb, out, version)
            say("pebble %s from %s" % (fit[0], " or ".join(suites)))
        return version
    finally:
        shutil.rmtree(home, ignore_errors=True)


def get_newest(out):
    error = None
    for suite in NEWEST_SUITES:
        try:
            return fetch(out, [suite], lambda v: number(v) >= NEWEST_MIN)
        except Unavailable as e:
            error = error or e
            say("%s: %s" % (suite, e))
    suite = own_suite()
    version = fetch(out, [suite], lambda v: True)
    say("WARNING: no pebble >= %s (%s); using %s of %s instead: tests of newer features will skip"
        % (".".join(map(str, NEWEST_MIN)), error, version, suite))
    return version


def main(argv):
    out, refresh, wanted = "build/pebble", False, []
    while argv:
        a = argv.pop(0)
        if a == "--out" and argv:
            out = argv.pop(0)
        elif a == "--refresh":
            refresh = True
        elif a == "newest" or a in SUITE_OF:
            wanted.append(a)
        else:
            sys.exit(__doc__)
    os.makedirs(out, exist_ok=True)
    failed = 0
    for want in wanted or ["newest", "2.4.0"]:
        try:
            if want == "newest":
                version = None if refresh else newest_known(out)
                if version is None:
                    version = get_newest(out)
                    with open(os.path.join(out, "newest"), "w", encoding="utf-8") as f:
                        f.write(version + "\n")
            else:
                version = want
                if not present(out, want):
                    fetch(out, [SUITE_OF[want]], lambda v, w=want: upstream(v) == w)
            print("%s %s" % (want, os.path.join(out, version)))
        except Unavailable as e:
            say("%s: not to be had: %s" % (want, e))
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
