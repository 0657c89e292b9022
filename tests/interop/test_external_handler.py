#!/usr/bin/env python3
"""lwacme issue --external handler=PATH and dehydrated=PATH: commands, environment, and handlers that
break."""
import json
import os
import re
import signal
import subprocess
import sys
import time

import common
from common import Suite, check, check_set, equal
from externalrig import NAMES, PLACE, Agent, handled, script, serve
from world import with_world

suite = Suite()

SHARE = """#!/bin/sh
set -eu
for v in cmd type domain token validation uri command key_auth z_domain cert_path key_path port \\
    cert_pem key_pem txt_domain status validated error chain_path fullchain_path timestamp \\
    cert_timestamp; do
    eval "plain=\\$$v prefixed=\\$cbot_$v"   # set -u: all are there
    [ "$plain" = "$prefixed" ]
done
printf '%s\\n' "$1|$cmd|$type|$domain|$status|$validated|$cbot_json" >>"$LOG"
[ -z "${LD_PRELOAD:-}${ENV:-}${BASH_ENV:-}" ]
[ "$KEPT" = yes ]
[ "$(tr '\\0' '\\n' </proc/$$/environ | grep -c '^status=')" = 1 ] # the parent's one is not there
echo "stderr of $1" >&2
echo "stdout of $1"
"""


@with_world()
def handler(w, c, dialect):
    log = os.path.join(c.base, "log")
    env = {"LOG": log, "KEPT": "yes", "DNS": str(w.dns_manage_port), "ENV": "/nonexistent",
           "BASH_ENV": "/nonexistent", "status": "mine", "port": "9"}
    a = handled(c, script(c, SHARE + PLACE), "--external-dialect", dialect, env=env)
    a.end(0)
    text = a.err.decode()
    check_set(c.live(NAMES[0]), NAMES, w.roots)
    with open(log, encoding="ascii") as f:
        rows = [r.split("|", 6) for r in f.read().splitlines()]
    equal([r[0] for r in rows], ["pre-perform", "perform", "perform", "post-perform",
                                 "pre-cleanup", "cleanup", "cleanup", "post-cleanup",
                                 "deploy_cert", "deploy_cert"], "commands")
    for r in rows:
        m = json.loads(r[6])
        equal(r[6], json.dumps(m), "cbot_json")
        equal(r[1], m["cmd"], "cmd")
        equal(r[3], m.get("domain", ""), "domain")
        if r[0] == "cleanup":
            equal((r[4], r[5]), ("valid", "None"), "status and validated")
    equal(rows[1][1], "validate" if dialect == 1 else "perform_challenge", "cmd of perform")
    told = [t for t in a.lines if json.loads(t)["cmd"] not in ("save", "restart", "report")]
    want = [r[6] for r in rows if r[0] in ("perform", "cleanup") or
            dialect == 2 and r[0] == "deploy_cert"]
    equal(told, want, "the lines of handler mode")
    check("\nstderr of perform\n" in text, "stderr is not passed through: %s" % common.tail(text))
    check("lwacme: handler: stdout of perform" in text, "stdout is not logged")
    check("stdout of" not in "".join(a.lines), "a handler's output on stdout")
    os.remove(log)
    a = handled(c, script(c, SHARE), "--external-dialect", dialect, env=env)
    a.end(0)
    with open(log, encoding="ascii") as f:
        equal([r.split("|")[0] for r in f.read().splitlines()], ["unchanged_cert"] * 2, "commands")


for d in (1, 2):
    suite.add("handler dialect %d" % d, lambda d=d: handler(d))


@suite.case("dehydrated hooks")
@with_world()
def dehydrated(w, c):
    log = os.path.join(c.base, "log")
    text = """#!/bin/sh
set -eu
echo "$*" >>"$LOG"
[ "$1" = deploy_challenge ] || exit 0
domain=_acme-challenge.$2; validation=$4; export domain validation; set -- perform
""" + PLACE
    a = handled(c, script(c, text), way="dehydrated",
                env={"LOG": log, "DNS": str(w.dns_manage_port), "txt_domain": ""})
    a.end(0)
    equal(a.lines, [], "lines on stdout")
    with open(log, encoding="ascii") as f:
        rows = [r.split() for r in f]
    equal([r[0] for r in rows], ["deploy_challenge"] * 2 + ["clean_challenge"] * 2 +
          ["deploy_cert"], "hooks")
    equal([len(r) for r in rows], [4, 4, 4, 4, 7], "arguments")
    equal(rows[0][1:], rows[2][1:], "arguments of clean_challenge")
    live = os.path.abspath(c.live(NAMES[0]))
    equal(rows[4][1:6], [NAMES[0]] + [live + "/" + n for n in
                                      ("privkey.pem", "cert.pem", "fullchain.pem", "chain.pem")],
          "arguments of deploy_cert")
    check(abs(int(rows[4][6]) - time.time()) < 600, "the timestamp")


NAP = "8%d" % os.getpid()   # seconds, and whose
BAD = {
    "exits 1": ("exit 1", r"handler perform: exit status 1"),
    "crashes": ("kill -SEGV $$", r"perform: \S*handler: killed by signal 11"),
    "hangs": ("sleep %s & sleep %s" % (NAP, NAP), r"perform: \S*handler: killed: it did not end within 2 s"),
    "prints rubbish": (r"printf '\377\033[2J\000NotImplemented'; exit 4", r"perform: exit status 4"),
    "prints 10 MB": ("head -c 10000000 /dev/zero; exit 5",
                     r"perform: exit status 5"),
}


def sleepers():
    """Our handlers' children: of this namespace or test, told by what they wait for."""
    got = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                command = f.read()
            with open("/proc/%s/stat" % pid, encoding="ascii") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if command.startswith(b"sleep\0%s\0" % NAP.encode()) and state != "Z":
            got.append(pid)
    return got


@with_world()
def bad(w, c, text, pattern):
    log = os.path.join(c.base, "log")
    a = handled(c, script(c, "#!/bin/sh\necho $1 >>$LOG\nif [ $1 = perform ]; then\n%s\nfi\n" %
                          text), "--handler-timeout", 2 if NAP in text else 200, env={"LOG": log})
    a.end(6, pattern)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), ["pre-perform", "perform", "pre-cleanup", "cleanup", "cleanup",
                                 "post-cleanup"], "commands")
    equal(w.count()["challenge"], 0, "challenges told to the CA")
    check(len(a.err) < 200000, "%d bytes of log" % len(a.err))
    end = time.monotonic() + 10
    while sleepers():
        check(time.monotonic() < end, "processes of the handler's are left: %s" % sleepers())
        time.sleep(0.05)


for what, (text, pattern) in BAD.items():
    suite.add("handler " + what, lambda t=text, p=pattern: bad(t, p))


@with_world()
def later(w, c, command, code, pattern, commands):
    """One that fails after the challenges are set up, with 1 MB of words."""
    log = os.path.join(c.base, "log")
    a = handled(c, script(c, "#!/bin/sh\nset -eu\necho $1 >>$LOG\nif [ $1 = %s ]; then\n"
                             "yes 'good morning' | head -c 1000000\nexit 9\nfi\n" % command + PLACE),
                env={"LOG": log, "DNS": str(w.dns_manage_port)}, names=NAMES[:1])
    r = a.end(code, pattern)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), commands.split(), "commands")
    equal(os.path.exists(c.live(NAMES[0])), command != "post-perform", "a certificate")
    check(len(a.err) < 2000000, "%d bytes of log" % len(a.err))
    return r


FIRST = "pre-perform perform post-perform "
LAST = "pre-cleanup cleanup post-cleanup"
for command, code, pattern, commands in (
        ("post-perform", 6, "post-perform: exit status 9", FIRST + LAST),
        ("cleanup", 0, "not cleaned up", FIRST + LAST + " deploy_cert"),
        ("post-cleanup", 0, "post-cleanup failed.*exit status 9", FIRST + LAST + " deploy_cert"),
        ("deploy_cert", 6, "installed, but: .*deploy_cert: exit status 9", FIRST + LAST + " deploy_cert")):
    suite.add("handler fails in " + command, lambda a=(command, code, pattern, commands): later(*a))


@suite.case("handler hangs in cleanup after a signal")
@with_world()
def hangs_stopped(w, c):
    """The run ends all the same, within seconds, and nothing of the handler is left."""
    log = os.path.join(c.base, "log")
    a = handled(c, script(c, "#!/bin/sh\necho $1 >>$LOG\ncase $1 in perform|cleanup|post-cleanup) sleep %s;; esac\n" %
                          NAP), env={"LOG": log}, names=NAMES[:1])
    end = time.monotonic() + 60
    while not os.path.exists(log) or "\nperform" not in open(log).read():
        check(time.monotonic() < end, "perform never came")
        time.sleep(0.05)
    a.p.send_signal(signal.SIGTERM)
    a.end(128 + signal.SIGTERM, seconds=60)
    while sleepers():
        check(time.monotonic() < end + 60, "processes of the handler's are left: %s" % sleepers())
        time.sleep(0.05)


@suite.case("handler knows nothing")
@with_world()
def not_implemented(w, c):
    a = handled(c, script(c, "#!/bin/sh\necho NotImplemented\nexit 1\n"))
    r = a.end(2)
    check("does not implement" in r.err and "pre-perform" in r.err, "no warning: %s" % r)


@suite.case("handler that cannot be started")
@with_world()
def no_start(w, c):
    handled(c, c.base + "/none").end(6, re.escape(c.base + "/none") + ".*No such file")
    path = script(c, "#!/bin/sh\n", mode=0o644)
    handled(c, path).end(6, re.escape(path) + ".*cannot be executed")
    path = script(c, "#!/nonexistent/shell\n")
    handled(c, path).end(6, re.escape(path) + ": cannot be started: No such file")


@suite.case("stopped while a handler runs")
@with_world()
def stopped(w, c):
    log = os.path.join(c.base, "log")
    a = handled(c, script(c, "#!/bin/sh\necho $1 >>$LOG\n[ $1 != perform ] || exec sleep 500\n"),
                env={"LOG": log})
    end = time.monotonic() + 60
    while not os.path.exists(log) or "\nperform" not in open(log).read():
        check(time.monotonic() < end, "perform never came")
        time.sleep(0.05)
    a.p.send_signal(signal.SIGTERM)
    a.end(128 + signal.SIGTERM)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), ["pre-perform", "perform", "pre-cleanup", "cleanup", "cleanup",
                                 "post-cleanup"], "commands")


@suite.case("example handler")
@with_world()
def example(w, c):
    root = os.path.join(c.base, "www")
    os.makedirs(root)
    serve(w, root)
    for dialect in (1, 2):
        a = Agent(c, "--external", "handler=" + os.path.join(common.ROOT, "tools/examples/handler.sh"),
                  "--external-dialect", dialect, "--preferred-challenges", "http", "--force",
                  stdin=subprocess.DEVNULL, env={"WEBROOT": root})
        r = a.end(0)
        check("Self-verify" not in r.err, "the self-check failed: %s" % r)
        equal(os.listdir(root + "/.well-known/acme-challenge"), [], "files left behind")


ACMESH = """#!/usr/bin/env sh
# As acme.sh: it runs the command that it is given, and is not written for set -eu.
false
: "$NOT_SET"
_info() { echo "$*"; }
_readaccountconf_mutable() { eval "printf %%s \\"\\$SAVED_$1\\""; }
_initpath() { domain=$1; [ "$LE_CONFIG_HOME" ] && . "$LE_CONFIG_HOME/account.conf"; }
_post() { "%s" -c 'import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
c.request("POST", sys.argv[2], sys.argv[3])
sys.exit(c.getresponse().status != 200)' "$@"; }
main() {
  [ -z "$1" ] && return
  "$@"
}
main "$@"
""" % sys.executable
STANDIN = """#!/usr/bin/env sh
dns_standin_add() { _standin set-txt "{\\"host\\": \\"$1.\\", \\"value\\": \\"$2\\"}"; }
dns_standin_rm() { _standin clear-txt "{\\"host\\": \\"$1.\\"}"; }
_standin() {
  port="${STANDIN_PORT:-$(_readaccountconf_mutable STANDIN_PORT)}"
  if [ "$token$status$validation" ]; then
    _err "somebody else's variables"
    return 1
  fi
  _info "$1 for $domain"
  _post "$port" "/$1" "$2"
}
"""


@suite.case("example of dnsapi scripts")
@with_world()
def dnsapi(w, c):
    home = os.path.join(c.base, "acme.sh home")
    os.makedirs(home + "/dnsapi")
    for name, text in (("acme.sh", ACMESH), ("dnsapi/dns_standin.sh", STANDIN),
                       ("account.conf", "SAVED_STANDIN_PORT='%d'\n" % w.dns_manage_port)):
        with open(os.path.join(home, name), "w", encoding="ascii") as f:
            f.write(text)
    path = os.path.join(common.ROOT, "tools/examples/dnsapi.sh")
    env = {"ACMESH": home + "/acme.sh", "DNSAPI": "dns_standin", "DNSSLEEP": "0"}

    def run(code, pattern=None, dialect=2, **more):
        a = handled(c, path, "--external-dialect", dialect, "--force", "--now",
                    env=dict(env, **more), names=[NAMES[0], "*." + NAMES[0]])
        return a.end(code, pattern)

    r = run(0)
    check_set(c.live(NAMES[0]), [NAMES[0], "*." + NAMES[0]], w.roots)
    check("Self-verify" not in r.err or not common.in_namespace(), "the self-check failed: %s" % r)
    equal(r.err.count("set-txt for " + NAMES[0]), 2, "records (%s)" % r)
    equal(r.err.count("clear-txt for " + NAMES[0]), 2, "records taken out")
    run(6, "add --external-dialect 2", dialect=1)
    run(6, "there is no .*/dnsapi/dns_other.sh", DNSAPI="dns_other")
    run(6, "is no script's name", DNSAPI="../evil")
    run(6, "DNSAPI.*is not set", DNSAPI="")
    run(6, "there is no /nonexistent: set ACMESH", ACMESH="/nonexistent")
    run(6, "dnsapi.sh perform: exit status 1", STANDIN_PORT="1")


@suite.case("examples are strict")
def strict():
    folder = os.path.join(common.ROOT, "tools/examples")
    names = [n for n in os.listdir(folder) if n.endswith(".sh")]
    check(len(names) >= 2, "no examples")
    for n in names:
        with open(os.path.join(folder, n), encoding="ascii") as f:
            check("\nset -eu\n" in f.read(), n + " does not set -eu")
        r = subprocess.run([os.path.join(folder, n), "a-later-command"], stdout=subprocess.PIPE)
        equal((r.stdout, r.returncode != 0), (b"NotImplemented", True), n)


@suite.case("renew by a handler")
@with_world()
def renew(w, c):
    log = os.path.join(c.base, "log")
    path = script(c, "#!/bin/sh\nset -eu\necho $1 >>$LOG\n" + PLACE)
    conf = os.path.join(c.base, "lwacme.conf")
    text = ["state-dir = " + c.state, "out-dir = " + c.out, "server = " + c.directory,
            "ca-file = " + c.ca_file, "agree-tos = yes", "external = handler=" + path,
            "external-dialect = 2", "challenge = dns-01"]
    with open(conf, "w", encoding="ascii") as f:
        f.write("\n".join(text + ["[%s]" % n for n in NAMES]) + "\n")
    os.makedirs(c.state, exist_ok=True)
    env = {"LOG": log, "DNS": str(w.dns_manage_port)}
    common.run_tool(["check", "-c", conf]).expect(0)
    common.run_tool(["run", "-c", conf]).expect(1, "by external = unix=PATH alone")
    one = ["pre-perform", "perform", "post-perform", "pre-cleanup", "cleanup", "post-cleanup",
           "deploy_cert"]
    r = common.run_tool(["renew", "-c", conf], env=env).expect(0)
    for n in NAMES:
        check_set(c.live(n), [n], w.roots)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), one + one, "commands")
    told = [json.loads(t)["cmd"] for t in r.out.splitlines()]
    equal(told, ["perform_challenge", "cleanup", "deploy_cert", "save", "restart"] * 2 + ["report"],
          "lines on stdout")
    os.remove(log)
    r = common.run_tool(["renew", "-c", conf], env=env).expect(0)
    with open(log, encoding="ascii") as f:
        equal(f.read().split(), ["unchanged_cert"] * 2, "commands when nothing is due")
    os.chmod(path, 0o644)
    common.run_tool(["check", "-c", conf]).expect(1, "external .*may not be executed")


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("external_handler"))
