#!/usr/bin/env python3
"""What tells a monitoring system: `status --check`, events of failures, and the file for Prometheus."""
import calendar
import json
import os
import re
import stat
import sys
import threading
import time

import common
import world
from common import Client, Suite, check, equal, openssl
from fakeca import problem
from fakeclock import fake_clock
from rig import NAME, Rig
from world import with_world

suite = Suite()
HOUR, DAY = 3600, 86400
OTHER = "h1.example.net"


def lines(r):
    """{certificate: (level, words)} of a run with --check; one line for each, and nothing else."""
    got = {}
    for line in r.out.splitlines():
        m = re.fullmatch(r"(OK|WARNING|CRITICAL) (\S+): (\S.*)", line)
        check(m, "not a line of --check: %r" % line)
        check(m[2] not in got, "twice: %r" % line)
        got[m[2]] = (m[1], m[3])
    return got


def checked(c, *more, names=(), env=None):
    argv = ["status", "--check", "--state-dir", c.state] + list(more)
    for n in names:
        argv += ["-d", n]
    return common.run_tool(argv, env=env)


def json_status(c, *more, env=None):
    r = common.run_tool(["status", "--json", "--state-dir", c.state] + list(more), env=env)
    return [json.loads(line) for line in r.out.splitlines()]


def at_hour(c, ahead, code, level, words, name=NAME):
    """The check, when the clock has gone on for `ahead` seconds."""
    env = fake_clock(ahead)
    got = lines(checked(c, env=env).expect(code))
    equal(got[name][0], level, "level after %d s" % ahead)
    check(re.search(words, got[name][1]), "after %d s: %r lacks /%s/" % (ahead, got[name][1], words))
    (s,) = json_status(c, env=env)
    equal(s["check"], {"OK": "ok"}.get(level, level.lower()), "--json after %d s" % ahead)
    return s["check_reason"]


# ---------------------------------------------------------------- status --check

def life(validity, unit):
    """From the first hour to the last. When it is due is the CA's window's word."""
    @with_world(validity=validity)
    def fn(w, c):
        c.issue([NAME]).expect(0)
        (s,) = json_status(c)
        begin, end = seconds(s["not_before"]), seconds(s["not_after"])
        due, now, tenth = seconds(s["due_at"]), time.time(), (end - begin) // 10
        margin = tenth // 20 + 60
        check(begin < due < end, "due at %s" % s)
        for at, code, level, words, reason in (
                (begin, 0, "OK", r"^ends in (90|89) days \(of (90|89) days\)$" if unit == "days"
                 else r"^ends in 2[34] hours \(of 2[34] hours\)$", "fine"),
                (due + margin, 0, "OK", "ends in", "fine"),
                (due + tenth - margin, 0, "OK", "ends in", "fine"),
                (due + tenth + margin, 1, "WARNING", r"late; ends in \d+ " + unit, "overdue"),
                (end - (end - begin) // 8 + margin, 2, "CRITICAL", "far too late; ends in", "short"),
                (end + margin, 2, "CRITICAL", "EXPIRED; ended .* ago", "expired"),
                (begin - HOUR - margin, 2, "CRITICAL", "clock", "not_yet_valid")):
            equal(at_hour(c, int(at - now), code, level, words), reason,
                  "reason at %d %% of its life" % (100 * (at - begin) // (end - begin)))
    return fn


suite.add("check: ninety days", life(90 * DAY, "days"))
suite.add("check: a day", life(DAY, "hours"))


@suite.case("check: nothing there")
def nothing():
    with Client("https://localhost:1/dir", None) as c:
        checked(c).expect(2, "no certificates")
        equal(lines(checked(c, names=[NAME]).expect(2)), {NAME: ("CRITICAL",
                                                                 "there is no certificate")}, NAME)
        os.makedirs(os.path.join(c.state, "certs"), 0o700)
        checked(c).expect(2, "no certificates")
        equal(sorted(lines(checked(c, names=[NAME, OTHER]).expect(2))), [NAME, OTHER], "lines")
        common.run_tool(["issue", "--check", "-d", NAME]).expect(1, "--check goes with status")


@suite.case("check: every certificate of a configuration file must be there")
def configured():
    with Rig() as (ca, c):
        conf, prom = os.path.join(c.base, "conf"), os.path.join(c.base, "m")
        with open(conf, "w", encoding="ascii") as f:
            f.write("server = %s\nca-file = %s\nstate-dir = %s\nout-dir = %s\nagree-tos = yes\n"
                    "[%s]\ndomain = %s\n[second]\ndomain = %s\n" %
                    (c.directory, c.ca_file, c.state, c.out, NAME, NAME, OTHER))
        argv = ["status", "--check", "-c", conf, "--metrics", prom]
        got = lines(common.run_tool(argv).expect(2))
        equal({k: v[0] for k, v in got.items()}, {NAME: "CRITICAL", "second": "CRITICAL"}, "none")
        c.issue([NAME]).expect(0)
        c.issue(["x.example.net"]).expect(0)       # one that the file does not know
        got = lines(common.run_tool(argv).expect(2))
        equal({k: v[0] for k, v in got.items()}, {NAME: "OK", "second": "CRITICAL"}, "one of two")
        told = metrics(prom)
        equal((value(told, "check_state"), value(told, "check_state", "second")), (0, 2), "metrics")
        equal(value(told, "check_state", "x.example.net"), None, "metrics of a stranger")
        c.issue([OTHER], "--cert-name", "second").expect(0)
        got = lines(common.run_tool(argv).expect(0))
        equal({k: v[0] for k, v in got.items()}, {NAME: "OK", "second": "OK"}, "both")
        common.run_tool(["status", "-c", conf]).expect(0, "second")
        # Files that a deploy hook has not taken up: an older certificate may still be served.
        text = open(conf, encoding="ascii").read()
        with open(conf, "w", encoding="ascii") as f:
            f.write("deploy-hook = /bin/false\n" + text)
        common.run_tool(argv).expect(0)             # not yet
        folder = os.path.join(c.out, os.readlink(os.path.join(c.out, NAME)))
        os.utime(folder, (0, time.time() - 10 * DAY))
        got = lines(common.run_tool(argv).expect(1, "deploy hook"))
        equal({k: v[0] for k, v in got.items()}, {NAME: "WARNING", "second": "OK"}, "a hook owed")
        open(os.path.join(folder, ".deployed"), "w", encoding="ascii").close()
        os.utime(folder, (0, time.time() - 10 * DAY))
        common.run_tool(argv).expect(0)
        with open(conf, "w", encoding="ascii") as f:
            f.write(text)
        common.run_tool(argv + ["-d", NAME]).expect(1, "-c")
        with open(conf, "a", encoding="ascii") as f:
            f.write("nonsense\n")
        common.run_tool(argv).expect(2, "conf:10")
        common.run_tool(["status", "-c", conf]).expect(1, "conf:10")


@suite.case("check: failures in a row, and their reason")
def failures():
    words = "no such host, says the CA"
    with Rig() as (ca, c):
        c.issue([NAME]).expect(0)
        ca.on("challenge", problem(403, "unauthorized", words), before=True)
        for i in range(1, 4):
            r = c.issue([NAME], "--force", "--now", "--json").expect(2)
            (f,) = [e for e in r.events() if e["event"] == "failure"]
            equal(f["count"], i, "count of the event")
            check("index" not in f and f["at"].startswith("20"), "the event: %s" % f)
            check(re.search(r"the certificate in force ends \S+ \(\d+ (days|hours) left\)", r.err),
                  "no end of the certificate in %r" % r.err)
            check((i > 1) == ("%d failed in a row" % i in r.err), "attempts in %r" % r.err)
            level, text = lines(checked(c).expect(1 if i == 3 else 0))[NAME]
            equal(level, "WARNING" if i == 3 else "OK", "after %d" % i)
            check(words in text and (i == 1 or "the last %d attempts failed" % i in text), text)
        (s,) = json_status(c)
        equal((s["check"], s["check_reason"], s["failures"]), ("warning", "failing", 3), "--json")
        c.status().expect(0, "attempts  3 failed in a row.*check     WARNING: the renewal fails")
        ca.rules.clear()
        c.issue([NAME], "--force", "--now").expect(0)
        (s,) = json_status(c)
        check("failures" not in s and s["check"] == "ok", "after a success: %s" % s)


@suite.case("check: a person must act")
def person():
    with Rig() as (ca, c):
        c.issue([NAME]).expect(0)
        stranger, _ = world.make_ca(c.base, "a stranger")
        c.issue([NAME], "--force", ca_file=stranger).expect(5)
        level, text = lines(checked(c).expect(1))[NAME]
        check(level == "WARNING" and "a person must act" in text and "trusted" in text, text)


@suite.case("check: revoked")
@with_world()
def revoked(w, c):
    c.issue([NAME]).expect(0)
    c.run("revoke", names=[NAME]).expect(0)
    check("revoked" in lines(checked(c).expect(2))[NAME][1], "revoked")
    equal(json_status(c)[0]["check_reason"], "revoked", "--json")


@suite.case("check: damaged records, and the worst of several")
def damaged():
    with Rig() as (ca, c):
        c.issue([NAME]).expect(0)
        c.issue([OTHER]).expect(0)
        equal({k: v[0] for k, v in lines(checked(c).expect(0)).items()},
              {NAME: "OK", OTHER: "OK"}, "both")
        for record, code, level in (("sched", 1, "WARNING"), ("cert-a", 2, "CRITICAL")):
            path = os.path.join(c.state, "certs", OTHER, record)
            with open(path, "r+b") as f:
                f.seek(30)
                f.write(b"\xff\x00\xff")
            got = lines(checked(c).expect(code))
            equal((got[NAME][0], got[OTHER][0]), ("OK", level), "with %s damaged" % record)
            checked(c, names=[NAME]).expect(0)
            checked(c, "--cert-name", OTHER).expect(code)


# ---------------------------------------------------------------- metrics

HEAD = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')


def strict(text):
    """{(metric, labels as sorted pairs): value} of the exposition format 0.0.4: each family's HELP,
    then its TYPE, then all its samples, once; anything else is an error."""
    check(text.endswith("\n") and "\r" not in text, "the last line has no end, or CR")
    got, seen, family, kind = {}, set(), None, None
    for line in text[:-1].split("\n"):
        m = HEAD.fullmatch(line)
        if m and m[1] == "HELP":
            check(m[2] not in seen, "a second HELP: %r" % line)
            check(not re.search(r"\\(?![\\n])", m[3]), "escape in %r" % line)
            family, kind = m[2], None
            seen.add(family)
            continue
        if m:
            check(m[2] == family and kind is None, "TYPE in the wrong place: %r" % line)
            check(m[3] in ("counter", "gauge"), "type %r" % m[3])
            kind = m[3]
            check((kind == "counter") == family.endswith("_total"), "name and type: %r" % line)
            continue
        m = SAMPLE.fullmatch(line)
        check(m, "not a sample: %r" % line)
        check(m[1] == family and kind, "a sample outside its family: %r" % line)
        labels, rest = [], m[2] or ""
        while rest:
            label = LABEL.match(rest)
            check(label, "labels of %r" % line)
            labels.append((label[1], re.sub(r"\\(.)", lambda e: "\n" if e[1] == "n" else e[1],
                                            label[2])))
            rest = rest[label.end():]
            check(rest == "" or rest.startswith(",") and len(rest) > 1, "labels of %r" % line)
            rest = rest[1:]
        key = (family, tuple(sorted(labels)))
        check(len(dict(labels)) == len(labels) and key not in got, "twice: %r" % line)
        check(kind == "gauge" or float(m[3]) >= 0, "a counter below zero: %r" % line)
        got[key] = float(m[3])
    return got


def metrics(path):
    with open(path, encoding="utf-8") as f:
        return strict(f.read())


def value(got, metric, name=NAME, **labels):
    key = ("lwacme_certificate_" + metric, tuple(sorted(dict(labels, certificate=name).items())))
    return got.get(key)


def seconds(rfc3339):
    return calendar.timegm(time.strptime(rfc3339, "%Y-%m-%dT%H:%M:%SZ"))


@suite.case("metrics: the reader refuses what is wrong")
def reader():
    good = '# HELP a_b x\n# TYPE a_b gauge\na_b{c="d\\"\\\\\\n"} 1\n'
    equal(strict(good), {("a_b", (("c", 'd"\\\n'),)): 1.0}, "a good one")
    for old, new in ((" 1\n", " 1"), ("# TYPE a_b gauge\n", ""), ("gauge", "counter"),
                     ('\\"', '"'), ("a_b{", "a-b{"), (' 1\n', ' 1\n# HELP a_b y\n'),
                     (" 1\n", ' 1\na_b{c="d\\"\\\\\\n"} 2\n'), ("} 1", ",} 1"), (" 1\n", " one\n")):
        try:
            strict(good.replace(old, new, 1))
        except common.Fail:
            continue
        raise common.Fail("%r for %r was taken" % (new, old))


@suite.case("metrics: what is told")
def told():
    with Rig() as (ca, c):
        c.issue([OTHER]).expect(0)
        c.issue([NAME]).expect(0)
        path = os.path.join(c.base, "lwacme.prom")
        before = time.time()
        c.status("--metrics", path).expect(0, NAME)
        got = metrics(path)
        states = {s["certificate"]: s for s in json_status(c)}
        for name in (NAME, OTHER):
            s = states[name]
            for metric, member in (("not_before_timestamp_seconds", "not_before"),
                                   ("not_after_timestamp_seconds", "not_after"),
                                   ("due_timestamp_seconds", "due_at")):
                equal(value(got, metric, name), seconds(s[member]), metric)
            end = openssl("x509", "-in", c.live(name) + "/cert.pem", "-noout", "-enddate").decode()
            equal(value(got, "not_after_timestamp_seconds", name), calendar.timegm(time.strptime(
                end.strip().split("=")[1], "%b %d %H:%M:%S %Y GMT")), "the certificate's own end")
            for metric, want in (("failures", 0), ("last_failure_code", 0), ("revoked", 0),
                                 ("issued_total", 1), ("check_state", 0),
                                 ("next_attempt_timestamp_seconds", None),
                                 ("last_failure_timestamp_seconds", None)):
                equal(value(got, metric, name), want, metric)
        equal(got[("lwacme_certificates", ())], 2, "certificates")
        check(before - 2 <= got[("lwacme_metrics_timestamp_seconds", ())] <= time.time() + 2, "when")
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o644, "mode")
        first = os.stat(path).st_ino

        ca.on("newOrder", problem(429, "rateLimited", "slow down", headers={
            "Retry-After": "7200"}), before=True)
        c.issue([NAME], "--force").expect((2, 3))
        c.issue([OTHER], "--force").expect((2, 3))
        c.status("--metrics", path, "--check").expect(0)
        got = metrics(path)
        check(os.stat(path).st_ino != first, "the file was written over")
        equal(value(got, "failures"), 1, "failures")
        equal(value(got, "last_failure_info", error="ACME_E_RATE"), 1, "info")
        check(value(got, "last_failure_code") < 0, "code")
        check(abs(value(got, "last_failure_timestamp_seconds") - time.time()) < 300, "when it failed")
        check(value(got, "next_attempt_timestamp_seconds") > before + 7198, "next attempt")
        ca.rules.clear()
        c.issue([NAME], "--force", "--ignore-retry-after").expect(0)
        c.status("--metrics", path, "-q").expect(0)
        got = metrics(path)
        equal((value(got, "issued_total"), value(got, "issued_total", OTHER)), (2, 1), "issued")
        equal(sorted(n for n in os.listdir(c.base) if "prom" in n), ["lwacme.prom"], "left over")


@suite.case("metrics: alarms, and certificates that are not there")
@with_world()
def alarms(w, c):
    c.issue([NAME]).expect(0)
    path = os.path.join(c.base, "m")
    c.run("revoke", names=[NAME]).expect(0)
    checked(c, "--metrics", path, names=[NAME, OTHER]).expect(2)
    got = metrics(path)
    equal((value(got, "revoked"), value(got, "check_state")), (1, 2), "the revoked one")
    equal((value(got, "check_state", OTHER), value(got, "not_after_timestamp_seconds", OTHER)),
          (2, None), "the absent one")


@suite.case("metrics: a file that cannot be written")
def unwritable():
    with Rig() as (ca, c):
        c.issue([NAME]).expect(0)
        path = os.path.join(c.base, "none", "m")
        c.status("--metrics", path).expect(4, "--metrics.*No such file")
        checked(c, "--metrics", path).expect(1, "--metrics.*No such file")
        os.mkdir(os.path.join(c.base, "none"))
        os.mkdir(path)
        c.status("--metrics", path).expect(4, "directory")
        equal(os.listdir(os.path.join(c.base, "none")), ["m"], "left over")


@suite.case("metrics: a reader sees whole files only")
def whole():
    with Rig() as (ca, c):
        for i in range(3):
            c.issue(["h%d.example.net" % i]).expect(0)
        path = os.path.join(c.base, "m")
        c.status("--metrics", path).expect(0)
        bad, seen, over = [], set(), threading.Event()

        def read():
            while not over.is_set():
                with open(path, "rb") as f:
                    seen.add(os.fstat(f.fileno()).st_ino)
                    text = f.read().decode()
                try:
                    equal(len(strict(text)), size, "samples")
                except common.Fail as e:
                    bad.append(str(e))
        size = len(metrics(path))
        t = threading.Thread(target=read)
        t.start()
        for _ in range(20):
            c.status("--metrics", path, "--json").expect(0)
        over.set()
        t.join()
        equal(bad, [], "what a reader saw")
        check(len(seen) > 1, "the reader saw one file only")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("alarms"))
