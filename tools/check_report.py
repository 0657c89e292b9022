#!/usr/bin/env python3
"""What a reader may want to know, none of it a failure: format, lengths, clang-tidy, cppcheck.

usage: check_report.py COMPILER-FLAGS...    (the flags with which core is compiled)
"""

import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("port", "core", "solvers", "boards", "tools", "tests")
MAX_FILE = 500
MAX_FUNCTION = 70
# Analysers see what a host build compiles.
HOST = re.compile(r"^(port/(acme_(crc32|err)\.c|posix/|sockets/)|core/|solvers/|tools/)")


def sources():
    for folder in FOLDERS:
        yield from sorted(p.relative_to(TOP) for p in (TOP / folder).rglob("*.[ch]"))


def run(command):
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True)


def show(title, lines, total=None):
    print("report: %s: %s" % (title, len(lines) if total is None else total))
    for line in lines[:20]:
        print("    " + line)
    if len(lines) > 20:
        print("    ... and %d more" % (len(lines) - 20))


def lengths(files):
    long_files, long_functions = [], []
    for path in files:
        lines = (TOP / path).read_text(encoding="utf-8", errors="replace").splitlines()
        if len(lines) > MAX_FILE:
            long_files.append("%s: %d lines" % (path, len(lines)))
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > MAX_FUNCTION:
                    head = lines[start - 2].strip()
                    long_functions.append(
                        "%s:%d: %d lines: %s" % (path, start - 1, number - start - 1, head))
                start = None
    show("files of more than %d lines" % MAX_FILE, long_files)
    show("functions of more than %d lines" % MAX_FUNCTION, long_functions)


def formatting(files):
    if not shutil.which("clang-format"):
        return print("report: format: clang-format is not installed")
    bad = []
    for path in files:
        result = run(["clang-format", "--dry-run", "--Werror", str(path)])
        if result.returncode:
            bad.append("%s: %d places" % (path, result.stderr.count("error:")))
    show("files that clang-format would change", bad)


def tidy(files, flags):
    if not shutil.which("clang-tidy"):
        return print("report: clang-tidy is not installed")
    result = run(["clang-tidy", "--quiet", *map(str, files), "--", *flags])
    found = sorted(set(re.findall(r"^%s/(\S+: warning: .*)$" % re.escape(str(TOP)), result.stdout, re.M)))
    errors = re.findall(r"^.*: error: .*$", result.stdout, re.M)
    show("clang-tidy", found + errors)


def cppcheck(files):
    if not shutil.which("cppcheck"):
        return print("report: cppcheck is not installed")
    result = run(["cppcheck", "--quiet", "--enable=warning,performance,portability",
                  "--inline-suppr", "--suppress=missingInclude", "--suppress=toomanyconfigs", "--std=c11", "-Iport", "-Icore",
                  "-Isolvers", "--template={file}:{line}: {severity}: {message} [{id}]",
                  *map(str, files)])
    show("cppcheck", [line for line in result.stderr.splitlines() if re.match(r"\S+:\d+: ", line)])


def main():
    every = list(sources())
    host = [path for path in every if path.suffix == ".c" and HOST.match(str(path))]
    lengths(every)
    formatting(every)
    tidy(host, sys.argv[1:])
    cppcheck(host)


if __name__ == "__main__":
    main()
