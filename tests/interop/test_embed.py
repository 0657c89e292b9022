#!/usr/bin/env python3
"""The program of README.md: its text, its link command, and what it does at a real CA.

    LWACME=build/san/lwacme tests/interop/test_embed.py [WORD ...]

It is linked with the libraries that lie beside the tool LWACME, by the command that README.md
tells, word for word but for their folder and the program's place.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import common
from common import Fail, check, equal
import world

SOURCE = "tests/embed/embed.c"
PLACE = "embed"                     # where README's command puts the program
LIBRARIES = "build/host"            # and the folder of the libraries in it
suite = common.Suite()
built = {}


def readme_block(name):
    """The lines of the fenced block between <!-- name --> and <!-- end --> in README.md."""
    with open(os.path.join(common.ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read()
    found = re.findall(r"<!-- %s -->\n```\w*\n(.*?)```\n<!-- end -->" % re.escape(name), text, re.S)
    equal(len(found), 1, "blocks called %s in README.md" % name)
    return found[0]


def link_words():
    """README's command as words, made to fit the build under test."""
    folder = os.path.dirname(common.lwacme_path())
    build = os.path.basename(folder)
    words = shlex.split(readme_block("link").replace("\\\n", " "))
    check(SOURCE in words and PLACE in words, "README's command does not build %s" % SOURCE)
    for library in ("liblwacme.a", "libwolfssl.a"):
        check("%s/%s" % (LIBRARIES, library) in words, "README's command lacks " + library)
    words = [w.replace(LIBRARIES, folder) for w in words]
    extra = []
    if "clang" in build:
        words[0] = "clang"
    if build.startswith("san"):
        extra = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    if build.startswith("musl"):
        words[0], extra = "musl-gcc", ["-static"]
    return words[:1] + extra + words[1:]


def compiled(*flags):
    """The program's path, built once."""
    if "program" not in built:
        folder = tempfile.mkdtemp(prefix="lwacme-embed-")
        built["folder"] = folder
        words = link_words()
        program = os.path.join(folder, "embed")
        words = [program if w == PLACE else w for w in words] + list(flags)
        r = subprocess.run(words, cwd=common.ROOT, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=120)
        check(r.returncode == 0, "README's command fails: " + common.tail(r.stdout))
        built["program"], built["said"] = program, r.stdout
    return built["program"]


class Embed:
    """The program at work; it does not end by itself."""

    def __init__(self, w, state, names, port=None):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [compiled(), w.directory, w.ca_file, state, str(port or w.http_port)] + names,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            env=dict(os.environ, LC_ALL="C"))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.log.close()

    def text(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def wait_for(self, pattern, count=1, seconds=60):
        """The text so far, once pattern has come count times."""
        end = time.monotonic() + seconds
        while len(re.findall(pattern, self.text(), re.M)) < count:
            if self.process.poll() is not None:
                raise Fail("it ended with %d: %s" % (self.process.returncode,
                                                     common.tail(self.text())))
            if time.monotonic() > end:
                raise Fail("no /%s/ %d times in %d s: %s" % (pattern, count, seconds,
                                                             common.tail(self.text())))
            time.sleep(0.02)
        return self.text()


LOADED = r"^[1-9]\d* certificates and a key of [1-9]\d* bytes"


@suite.case("readme_shows_the_program")
def readme_shows_the_program():
    with open(os.path.join(common.ROOT, SOURCE), encoding="utf-8") as f:
        want = f.read()
    got = readme_block("program")
    if got != want:
        pairs = zip(got.splitlines() + [""], want.splitlines() + [""])
        line = next((i for i, (a, b) in enumerate(pairs, 1) if a != b), "the last")
        raise Fail("README.md and %s differ from line %s of the program on" % (SOURCE, line))


def page(name):
    with open(os.path.join(common.ROOT, name), encoding="utf-8") as f:
        return f.read()


def missing(words, text):
    return [w for w in words if not re.search(r"^\| \**`?%s\b" % re.escape(w), text, re.M)]


@suite.case("readme_tables_are_complete")
def readme_tables_are_complete():
    """The pages on tool and core have a line for each event, each row, each option."""
    tool = page("tools/README.md")
    events = re.findall(r'^    X\(\w+, "(\w+)"\)', page("core/acme_event.h"), re.M)
    check("step" in events and "terms" in events, "events read: %s" % events)
    events.remove("exchange")         # a body: never in JSON
    equal(missing(events + ["installed", "error", "status"], tool), [], "events without a line")
    rows = re.findall(r'^    X\(\w+, "(\w+)"\)', page("core/acme_steps.h"), re.M)
    check("load" in rows and "clear" in rows, "rows read: %s" % rows)
    equal(missing(rows, page("core/README.md")), [], "rows without a line")
    options = set(re.findall(r"--[a-z][a-z-]+", common.run_tool(["--help"]).expect(0).out))
    check("--webroot" in options, "options read: %s" % options)
    equal([o for o in sorted(options - {"--help", "--version"}) if "`%s" % o not in tool], [],
          "options that tools/README.md does not know")


@suite.case("readme_command_links")
def readme_command_links():
    compiled()
    equal(built["said"].strip(), "", "what the compiler says")


@suite.case("program_gets_a_certificate_and_finds_it_again")
def program_gets_a_certificate_and_finds_it_again():
    names = ["a.embed.example.net", "b.embed.example.net"]
    with world.World() as w:
        state = w.path("state")
        with Embed(w, state, names) as p:
            text = p.wait_for(LOADED)
            check("failure" not in text, "a failure on the way: " + common.tail(text))
            p.wait_for(r"^not_due")
        n = w.count()
        equal((n["newAccount"], n["newOrder"], n["finalize"]), (1, 1, 1),
              "newAccounts, newOrders and finalizes")
        equal(w.connections(), 1, "connections")
        w.mark()
        with Embed(w, state, names) as p:
            p.wait_for(LOADED)
            p.wait_for(r"^not_due")
        equal(w.count()["total"], 0, "requests of the second start")


@suite.case("program_renews_by_itself")
def program_renews_by_itself():
    with world.World(validity=16) as w:
        with Embed(w, w.path("state"), ["short.embed.example.net"]) as p:
            p.wait_for(LOADED)
            p.wait_for(LOADED, count=2)
        n = w.count()
        equal((n["newAccount"], n["newOrder"]), (1, 2), "newAccounts and newOrders")


@suite.case("program_survives_a_failure")
def program_survives_a_failure():
    with world.World() as w:
        with Embed(w, w.path("state"), ["blocked-domain.example"]) as p:
            text = p.wait_for(r"^held ")
            check(re.search(r"^failure order: ", text, re.M), "no failure: " + common.tail(text))
            time.sleep(1)
            check(p.process.poll() is None, "it ended")
        equal(w.count()["newOrder"], 1, "newOrders")


if __name__ == "__main__":
    common.enter_namespace()
    status = suite.main("embed")
    shutil.rmtree(built.get("folder", ""), ignore_errors=True)
    sys.exit(status)
