#!/usr/bin/env python3
"""Deploy hooks: how a program is started, what becomes of it, who runs it for a daemon that has given up its rights,
and `lwacme issue --deploy-hook`."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

import common
from common import Fail, Suite, check, equal, lwacme_path
from hostrig import (NOBODY, PREFIX, Place, alive, environment, host_try, needs_users, number, syslog, tried, until)
from world import with_world

suite = Suite()
NAME = "h0.example.net"


# ---------------------------------------------------------------- hooks

@suite.case("hook: exactly this environment")
def hook_environment():
    with Place() as p:
        mean = {"LD_LIBRARY_PATH": "/nonexistent", "LD_BIND_NOW": "1", "IFS": "x", "BASH_ENV": "/nonexistent",
                "ENV": "/nonexistent", "NOTIFY_SOCKET": "/nonexistent", "WATCHDOG_USEC": "1",
                "WATCHDOG_PID": "1", "LWACME_KEY": "/etc/passwd", "RENEWED_DOMAINS": "evil"}
        keep = {"HOME": "/root", "FOO": "a b;c$(d)", "LOCALE": "x", "IFSX": "1", "ENVX": "1"}
        r = p.hook("cat /proc/$$/environ >env", env=dict(mean, **keep))
        equal(r.code, 0, "exit: %s" % r)
        got = [e for e in p.read("env").split("\0") if e]
        names = "a.example.net *.b.example.net 192.0.2.1"
        want = dict(environment(keep), LWACME_CERT_NAME="a.example.net", LWACME_FOLDER=p.folder,
                    LWACME_CERT=p.folder + "/cert.pem", LWACME_CHAIN=p.folder + "/chain.pem",
                    LWACME_FULLCHAIN=p.folder + "/fullchain.pem", LWACME_KEY=p.folder + "/privkey.pem",
                    LWACME_NAMES=names, LWACME_REASON="renewed", RENEWED_LINEAGE=p.folder,
                    RENEWED_DOMAINS=names)
        equal(sorted(got), sorted("%s=%s" % i for i in want.items()), "the hook's environment")


@suite.case("hook: no key of ours is an empty variable, not a missing one")
def hook_no_key():
    with Place() as p:
        os.unlink(p.folder + "/privkey.pem")
        equal(p.hook('test -z "$LWACME_KEY"').code, 0, "exit")


@suite.case("hook: no argument, no shell, no input, its own group")
def hook_frame():
    with Place() as p:
        r = p.hook('echo $# >argc; cat >input; readlink /proc/$$/fd/0 >stdin; echo $$ >pid\n'
                   'cut -d" " -f5 /proc/$$/stat >pgrp; readlink /proc/$PPID/exe >parent')
        equal(r.code, 0, "exit: %s" % r)
        equal(p.read("argc"), "0\n", "arguments")
        equal(p.read("input"), "", "input")
        equal(p.read("stdin"), "/dev/null\n", "stdin")
        equal(p.read("pgrp"), p.read("pid"), "process group")
        equal(p.read("parent").strip(), os.path.realpath(host_try()), "parent")
        os.symlink("/bin/pwd", p.path("pwd"))
        equal(tried("hook", p.path("pwd"), p.folder, cwd=p.base).hooked(), ["/"], "where it begins")


@suite.case("hook: descriptors and signals are as new")
def hook_leaks():
    with Place() as p:
        held = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]

        def spoil():
            for n in (signal.SIGPIPE, signal.SIGHUP, signal.SIGCHLD, signal.SIGINT):
                signal.signal(n, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
        r = p.hook("ls /proc/self/fd >fds; grep -E '^Sig(Blk|Ign)' /proc/self/status >signals",
                   pass_fds=held, preexec_fn=spoil)
        for fd in held:
            os.close(fd)
        equal(r.code, 0, "exit: %s" % r)
        equal(p.read("fds").split(), ["0", "1", "2", "3"], "descriptors of ls (3 is its own)")
        # 32 to 34 are the C libraries' own, which let nobody change them
        equal([int(w, 16) & ~(7 << 31) for w in re.findall(r":\s*(\w+)", p.read("signals"))], [0, 0],
              "SigBlk, SigIgn")


@suite.case("hook: what it prints is shown line by line, and steers no terminal")
def hook_prints():
    with Place() as p:
        r = p.hook(r"""printf 'one\ntwo on stderr\n' >&2; printf '\033[31mred\033]0;title\007\rover\177\n'
printf 'gr\303\274n\n\377\376 not UTF-8\n\302\233C1\n'; head -c 1000 /dev/zero | tr '\0' x; printf '\nend'""")
        equal(r.code, 0, "exit: %s" % r)
        lines = r.hooked()
        for want in ("one", "two on stderr", "?[31mred?]0;title??over?", "grün", "?? not UTF-8", "??C1",
                     "x" * 399, "x" * 202, "end"):
            check(want in lines, "no line %r in %r" % (want, lines))
        check(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", r.raw), "control characters: %r" % r.raw[:300])


@suite.case("hook: 10 MB are read and not shown")
def hook_floods():
    with Place() as p:
        r = p.hook("i=0; while [ $i -lt 160 ]; do head -c 65536 /dev/zero | tr '\\0' '\\n'; i=$((i+1)); done; "
                   "echo done >flag")
        equal(r.code, 0, "exit: %s" % r)
        equal(p.read("flag"), "done\n", "its end")
        equal(len(r.hooked()), 201, "lines shown")
        check("not shown" in r.hooked()[-1], "nothing tells that there was more")


def ends(name, text, why, code=1, limit=()):
    @suite.case("hook: " + name)
    def fn():
        with Place() as p:
            r = p.hook(text, *limit)
            equal(r.code, code, "exit: %s" % r)
            check(re.search(why, r.out), "no /%s/: %s" % (why, r))
            check(p.owed(), "a hook that failed is not owed any more")


ends("exit 1", "exit 1", r"failed status 1 why .*/hook: exit status 1")
ends("exit 77", "exit 77", r"failed status 77 ")
ends("an unset variable", "echo $NOT_SET", r"failed status [12] ")
ends("crash", "kill -SEGV $$", r"failed status 139 why .*signal 11")
ends("hang", "sleep 600", r"failed status 137 why .*did not end within 1 s", limit=(1000,))
ends("hang with SIGTERM ignored and a child", "trap '' TERM HUP INT; sleep 600 & wait",
     r"did not end within 1 s", limit=(1000,))


@suite.case("hook: killed with all that it started")
def hook_group():
    for more in ((1500,), (60000, 1500)):       # at its limit, by hook_stop
        with Place() as p:
            r = p.hook("sh -c 'echo $$ >child; sleep 600' & echo $$ >leader; wait", *more)
            equal(r.code, 1, "exit: %s" % r)
            for name in ("child", "leader"):
                pid = number(p, name)
                until(lambda: not alive(pid), "its %s is alive" % name)


@suite.case("hook: what it leaves behind goes on, and is not waited for")
def hook_leaves():
    with Place() as p:
        r = p.hook("sh -c 'echo $$ >child; exec sleep 1000' & while ! test -s child; do sleep 0.1; done; echo ok")
        equal(r.code, 0, "exit: %s" % r)
        equal(r.hooked(), ["ok"], "lines")
        child = number(p, "child")
        check(alive(child), "what it started is gone")
        os.kill(child, signal.SIGKILL)


@suite.case("hook: what cannot be started")
def hook_cannot():
    with Place() as p:
        plain = p.script("exit 0", "plain", 0o644)
        lost = p.path("lost")
        with open(lost, "w", encoding="ascii") as f:
            f.write("#!/nonexistent/interpreter\n")
        os.chmod(lost, 0o755)
        with open(p.path("junk"), "wb") as f:
            f.write(b"\x7fnot an ELF file\0\0")
        os.chmod(p.path("junk"), 0o755)
        os.symlink("/nonexistent", p.path("dangling"))
        for program, why in ((p.path("none"), "No such file"), (p.base, "is no program"),
                             (plain, "cannot be executed"), ("bin/true", "absolute"), ("true", "absolute"),
                             (lost, "cannot be started: No such file"),
                             (p.path("junk"), "cannot be started: Exec format"),
                             (p.path("dangling"), "No such file"), ("/" + "x" * 4000, "too long")):
            r = tried("hook", program, p.folder)
            equal(r.code, 1, "exit: %s" % r)
            check(why in r.out, "no %r: %s" % (why, r))
        check(p.owed(), "not owed any more")


@suite.case("hook: a link to a program elsewhere")
def hook_link():
    with Place() as p:
        p.script("echo \"$0\"", "real")
        os.symlink(p.path("real"), p.path("link"))
        r = tried("hook", p.path("link"), p.folder)
        equal(r.code, 0, "exit: %s" % r)
        equal(r.hooked(), [p.path("link")], "name")


@suite.case("hook: owed by each set of files, once")
def hook_owed():
    with Place() as p:
        check(p.owed(), "a new set is not owed a hook")
        equal(p.hook("exit 3").code, 1, "exit")
        check(p.owed(), "owed no more after a failure")
        equal(p.hook("true").code, 0, "exit")
        check(not p.owed(), "owed after a success")
        second = p.new_set(2)
        check(p.owed(), "the next set is not owed a hook")
        # A set that comes while a hook runs was not what the hook was told of.
        swap = "mkdir out/.a.example.net.3; ln -s .a.example.net.3 x; mv -T x out/a.example.net"
        equal(p.hook(swap).code, 0, "exit")
        check(os.path.exists(second + "/.deployed"), "the set that it was told of is not marked")
        check(p.owed(), "a set that came meanwhile is not owed a hook")
        equal(tried("done", p.folder).code, 0, "done by hand")
        check(not p.owed(), "owed after it was done by hand")
        equal(tried("owed", p.path("nothing")).code, 1, "owed by nothing")
        equal(tried("hook", "/bin/true", p.path("nothing")).code, 1, "hook for nothing")


# ---------------------------------------------------------------- the runner

class Runner:
    """host_try runner, asked line by line."""

    def __init__(self, place, jobs, user="-", prefix=()):
        self.list = place.path("list")
        self.write(jobs)
        self.p = subprocess.Popen([*prefix, host_try(), "runner", self.list, user], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        first = self.p.stdout.readline().decode()
        if first != "ready\n":
            self.p.communicate()
            raise Refused(first)

    def write(self, jobs):
        with open(self.list, "w", encoding="ascii") as f:
            f.writelines("%s %s %s\n" % job for job in jobs)

    def ask(self, line):
        self.tell(line)
        return self.p.stdout.readline().decode().strip()

    def tell(self, line):
        self.p.stdin.write((line + "\n").encode())
        self.p.stdin.flush()

    def run(self, place, i=0, cert="a.example.net", stop=0, reason="again"):
        return self.ask("run %d %s %s %s %d" % (i, cert, place.folder, reason, stop))

    def pid(self):
        return int(self.ask("pid").split()[1])

    def end(self):
        out, err = self.p.communicate(timeout=60)
        check(b"Sanitizer" not in err, "crash: %r" % err)
        return err.decode("utf-8", "replace")


class Refused(Exception):
    pass


@contextlib.contextmanager
def running(place, *jobs, user="-"):
    r = Runner(place, [(j if isinstance(j, tuple) else (j, "a.example.net", place.folder)) for j in jobs], user)
    try:
        yield r
    finally:
        if r.p.poll() is None:
            r.p.kill()
        r.p.communicate()


@suite.case("runner: runs what the configuration names, and says how it ended")
def runner_runs():
    with Place() as p:
        good = p.script('echo "$LWACME_NAMES $LWACME_REASON"; ls /proc/self/fd >fds', "good")
        with running(p, good, p.script("exit 5", "bad")) as r:
            check(r.run(p, 0, reason="new").startswith("ok status 0"), "hook 0")
            check(not p.owed(), "owed after a success")
            check(re.match("failed status 5 .*exit status 5", r.run(p, 1)), "hook 1")
            equal(p.read("fds").split(), ["0", "1", "2", "3"], "descriptors")
            # The runner's own names, not those of the request.
            check(PREFIX + "a.example.net new" in r.end(), "lines")


@suite.case("runner: only the certificate in its place, by its name")
def runner_place():
    with Place() as p:
        with running(p, p.script("echo ran >>ran")) as r:
            for i, cert in ((1, "a.example.net"), (7, "a.example.net"), (4294967295, "a.example.net"),
                            (0, "b.example.net"), (0, "../a"), (0, "a.example.ne")):
                check("failed status 0 why the hook runner's copy of the configuration says otherwise" in r.run(p, i, cert),
                      "taken: %d %s" % (i, cert))
            check(not os.path.exists(p.path("ran")), "the hook ran")
            check(r.run(p).startswith("ok"), "the right one")


@suite.case("runner: reads the configuration anew itself")
def runner_reloads():
    with Place() as p:
        one, two = p.script("echo one >>ran", "one"), p.script("echo two >>ran", "two")
        with running(p, one) as r:
            r.write([(two, "a.example.net", p.folder)])
            r.run(p)
            r.ask("reload")
            r.run(p)
            equal(p.read("ran"), "one\ntwo\n", "what ran")
            os.unlink(r.list)
            r.ask("reload")
            r.run(p)
            equal(p.read("ran"), "one\ntwo\ntwo\n", "what ran")
            check("keeps the one before" in r.end(), "no words about the file that is gone")


@suite.case("runner: what is no request ends it")
def runner_malformed():
    with Place() as p:
        program = p.script("echo ran >>ran")
        for size, seed in ((1, 1), (16, 2), (270, 3), (271, 4), (272, 5), (273, 6), (512, 7), (1024, 8)):
            with running(p, program) as r:
                pid = r.pid()
                equal(r.ask("raw %d %d" % (size, seed)), "raw sent", "raw")
                until(lambda: not alive(pid), "it lives on after %d bytes" % size)
                check("start lwacme anew" in r.run(p), "no words")
                check("what is no request" in r.end(), "no line in the log")
        check(not os.path.exists(p.path("ran")), "a hook ran")


@suite.case("runner: ends with the daemon, and the hook with it")
def runner_dies():
    with Place() as p:
        with running(p, p.script("sh -c 'echo $$ >child; sleep 600' & wait")) as r:
            pid = r.pid()
            r.tell("run 0 a.example.net %s again 0" % p.folder)
            child = number(p, "child")
            r.p.kill()
            until(lambda: not alive(child), "the hook lives on")
            until(lambda: not alive(pid), "the runner lives on")


@suite.case("runner: signals to the whole group are for the daemon to judge")
def runner_signals():
    with Place() as p:
        with running(p, p.script("true")) as r:
            pid = r.pid()
            for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                os.kill(pid, n)
            check(r.run(p).startswith("ok"), "it does not run hooks any more")


@suite.case("runner: a hook is stopped, and the next one runs")
def runner_stops():
    with Place() as p:
        with running(p, p.script("echo $$ >pid; sleep 600", "slow"), p.script("true", "quick")) as r:
            check("why stopped" in r.run(p, 0, stop=1500), "not stopped")
            pid = number(p, "pid")
            until(lambda: not alive(pid), "the hook lives on")
            check(r.run(p, 1).startswith("ok"), "the next one")


@suite.case("runner: rests while a hook that prints no more goes on")
def runner_rests():
    with Place() as p:
        with running(p, p.script("exec >/dev/null 2>&1; sleep 3")) as r:
            pid = r.pid()
            check(r.run(p).startswith("ok"), "hook")
            with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                ticks = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
            check(ticks < 30, "%d ticks of processor time for waiting" % ticks)


@suite.case("runner: keeps the rights of root when the daemon has given them up")
def runner_root():
    needs_users()
    with Place() as p:
        os.mkdir(p.path("state"))
        for f in (p.path("state"), p.out, os.path.realpath(p.folder)):
            os.chown(f, NOBODY, NOBODY)
        hook = p.script("id -u >id; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status >status; "
                        "cp /bin/true copy; ./copy", "hook")
        with running(p, hook, user="nobody") as r:
            equal(r.ask("drop nobody " + p.out), "drop done", "drop")
            check(r.run(p).startswith("ok"), "hook")
            equal(p.read("id"), "0\n", "who ran the hook")
            equal(re.findall(r"\d+", p.read("status")), ["0", "0"], "NoNewPrivs, Seccomp")
            equal(os.stat(p.folder + "/.deployed").st_uid, NOBODY, "who noted it")
            check(not p.owed(), "owed after a success")


@suite.case("runner: no program, no configuration that the user of the daemon can change")
def runner_trust():
    needs_users()
    with Place() as p:
        hook = p.script("true")
        os.mkdir(p.path("theirs"))
        os.symlink(hook, p.path("theirs/link"))
        os.chown(p.path("theirs"), NOBODY, NOBODY)
        for program in (p.path("theirs/link"), p.path("theirs/none")):
            with contextlib.suppress(Refused):
                with running(p, program, user="nobody"):
                    raise Fail("%s was taken" % program)
        with running(p, hook, user="nobody") as r:
            os.chown(hook, NOBODY, NOBODY)          # later: each time it is looked at
            check("could change" in r.run(p), "a program that is theirs ran")
            os.chown(hook, 0, 0)
            check(r.run(p).startswith("ok"), "the program that is ours again")
            r.write([(p.script("echo ran >ran", "other"), "a.example.net", p.folder)])
            os.chmod(r.list, 0o666)
            r.ask("reload")
            check("says otherwise" in r.run(p), "one of two configurations was taken")
            check(not os.path.exists(p.path("ran")), "a configuration that is theirs was read")
            check("keeps its configuration" in r.end(), "no words")
        try:
            with running(p, hook, user="nobody-at-all"):
                raise Fail("there is no such user")
        except Refused as e:
            check("no such user" in str(e), "words: %s" % e)


# ---------------------------------------------------------------- lwacme issue

def counting(place, more=""):
    return place.script('echo "$LWACME_REASON $LWACME_FOLDER $LWACME_NAMES" >>ran\n'
                        'openssl x509 -in "$LWACME_CERT" -noout -checkend 0 >/dev/null\n'
                        'test -s "$RENEWED_LINEAGE/privkey.pem"\n' + more)


@suite.case("issue: the hook runs for a new certificate, and once")
@with_world()
def issue_hook(w, c):
    with Place() as p:
        hook = counting(p, "echo 'hello from the hook'")
        ran = lambda reason: "%s %s %s\n" % (reason, c.live(NAME), NAME)
        c.issue([NAME], "--deploy-hook", hook).expect(0, "lwacme: hook: hello from the hook")
        equal(p.read("ran"), ran("new"), "what ran")
        c.issue([NAME], "--deploy-hook", hook).expect(0, "nothing due")
        equal(p.read("ran"), ran("new"), "what ran with nothing due")
        r = c.issue([NAME], "--deploy-hook", hook, "--force", "--now", "--json").expect(0)
        equal(p.read("ran"), ran("new") + ran("renewed"), "what ran")
        last = [e for e in r.events() if e["event"] == "deployed"]
        equal([(e["path"], e["reason"]) for e in last], [(c.live(NAME), "renewed")], "events")
        for _ in range(3):
            c.issue([NAME], "--deploy-hook", hook, "--force", "--now").expect(0)
        sets = [n for n in os.listdir(c.out) if n.startswith("." + NAME)]
        equal(len(sets), 2, "sets of files that are kept")


@suite.case("issue: a hook that fails is exit 6, and run again by the next call")
@with_world()
def issue_fails(w, c):
    with Place() as p:
        hook = counting(p, "test -e mended")
        c.issue([NAME], "--deploy-hook", hook).expect(6, "hook failed.*exit status 1.*certificate is installed")
        common.check_set(c.live(NAME), [NAME], w.roots)
        w.mark()
        r = c.issue([NAME], "--deploy-hook", hook, "--json").expect(6)
        equal([e["error"] for e in r.events() if e["event"] == "error"], ["ACME_E_SOLVER"], "events")
        c.issue([NAME]).expect(0)                                   # without the option: nothing runs
        open(p.path("mended"), "w").close()
        c.issue([NAME], "--deploy-hook", hook).expect(0, "nothing due")
        equal([l.split()[0] for l in p.read("ran").splitlines()], ["new", "again", "again"], "what ran")
        c.issue([NAME], "--deploy-hook", hook).expect(0)
        equal(len(p.read("ran").splitlines()), 3, "runs")
        equal(w.count()["newOrder"], 0, "newOrder of runs in which only the hook was owed")


@suite.case("issue: a hook that is owed runs also while the CA is away")
@with_world()
def issue_owed(w, c):
    with Place() as p:
        hook = counting(p, "test -e mended")
        c.issue([NAME], "--deploy-hook", hook).expect(6)
        open(p.path("mended"), "w").close()
        c.issue([NAME], "--deploy-hook", hook, "--force", "--now", server="https://localhost:9/dir").expect((2, 3, 4))
        equal([l.split()[0] for l in p.read("ran").splitlines()], ["new", "again"], "what ran")


@suite.case("issue: a hook that cannot be is said before the CA is asked")
@with_world()
def issue_bad_hook(w, c):
    with Place() as p:
        for hook, why in (("true", "absolute"), (p.path("none"), "No such file"), (p.base, "no program"),
                          (p.script("", "plain", 0o644), "cannot be executed|no program")):
            c.issue([NAME], "--deploy-hook", hook).expect(1, why)
        equal(w.count()["total"], 0, "requests")
        common.run_tool(["status", "--deploy-hook", "/bin/true"]).expect(1, "goes with issue")


@suite.case("issue: a signal ends the hook too, and it stays owed")
@with_world()
def issue_signal(w, c):
    with Place() as p:
        hook = p.script("sh -c 'echo $$ >child; sleep 600' & wait")
        run = subprocess.Popen([lwacme_path()] + [str(a) for a in c.args("issue", [NAME], "--deploy-hook", hook)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        child = number(p, "child")
        run.send_signal(signal.SIGTERM)
        err = run.communicate(timeout=60)[1].decode()
        equal(run.returncode, 143, "exit: %s" % err)
        until(lambda: not alive(child), "the hook lives on")
        check(not os.path.exists(c.live(NAME) + "/.deployed"), "noted as done")


@suite.case("issue: --log syslog")
@with_world()
def issue_syslog(w, c):
    with syslog() as (prefix, lines), Place() as p:
        hook = counting(p, "echo hello")
        r = c.issue([NAME], "--log", "syslog", "--deploy-hook", hook, prefix=prefix)
        equal((r.code, r.err), (0, ""), "exit and stderr")
        got = "\n".join(lines())
        for want in (r"<30>.*: ordering the certificate$", r"<30>.*: hook: hello$", r"<29>.*: the deploy hook .* has ended"):
            check(re.search(want, got, re.M), "no /%s/ in syslog: %s" % (want, got))


if __name__ == "__main__":
    common.enter_namespace()
    sys.exit(suite.main("hook"))
