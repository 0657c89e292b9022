#!/usr/bin/env python3
"""Bytes of a linked program by component, from its linker map.

usage: size_report.py [--most BYTES] LABEL PROGRAM SIZE-OBJECT SMALL-SIZE-OBJECT

The objects define acme_size_of_agent, an array as large as struct acme_agent with the bounds of a host
and with those of the reference board. The last line is
"LABEL: text N B, data N B, bss N B, agent N B"; text, data and bss are those of `size PROGRAM`. --most: a file
that is larger is an error.
"""

import os
import re
import subprocess
import sys

COMPONENTS = (
    ("core", r"liblwacme\.a\(acme_|/core/"),
    ("wolfSSL", r"libwolfssl\.a"),
    ("cJSON", r"liblwacme\.a\(cJSON"),
    ("port", r"liblwacme\.a\((posix|sockets)_|/port/"),
    ("tool", r"/tools/"),
    ("solvers", r"liblwacme\.a|/solvers/"),
    ("C library and startup", r""),
)
KINDS = {".text": 0, ".rodata": 0, ".eh_frame": 0, ".init_array": 1, ".data": 1, ".tdata": 1,
         ".bss": 2, ".tbss": 2, "COMMON": 2}
# " .text.name  0xaddress  0xsize  file", where a long name stands on a line of its own
SECTION = re.compile(r"^ (\.[\w.$-]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$")


def kind(section):
    if section.startswith(".data.rel.ro"):
        return 1
    for name, column in KINDS.items():
        if section == name or section.startswith(name + "."):
            return column
    return None


def read_map(path):
    totals = {name: [0, 0, 0] for name, _ in COMPONENTS}
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    text = text[text.index("Linker script and memory map"):]
    text = re.sub(r"^( \.\S+)\n +(?=0x)", r"\1 ", text, flags=re.M)
    for line in text.splitlines():
        match = SECTION.match(line)
        if not match or int(match.group(2), 16) == 0:
            continue
        column = kind(match.group(1))
        if column is None:
            continue
        for name, pattern in COMPONENTS:
            if re.search(pattern, match.group(4)):
                totals[name][column] += int(match.group(3), 16)
                break
    return totals


def agent_size(path):
    for line in subprocess.check_output(["nm", "-S", path], text=True).splitlines():
        words = line.split()
        if words[-1] == "acme_size_of_agent":
            return int(words[1], 16)
    sys.exit("size: no acme_size_of_agent in %s" % path)


def main():
    most = int(sys.argv[2]) if sys.argv[1] == "--most" else None
    label, program, agent, small = sys.argv[1 if most is None else 3:]
    print("%-24s %10s %10s %10s" % (label, "text", "data", "bss"))
    for name, columns in read_map(program + ".map").items():
        print("  %-22s %10d %10d %10d" % (name, *columns))
    print("  with the bounds of boards/emcraft-sf2: agent %d B" % agent_size(small))
    text, data, bss = subprocess.check_output(["size", program], text=True).splitlines()[1].split()[:3]
    print("%s: text %s B, data %s B, bss %s B, agent %d B" % (label, text, data, bss, agent_size(agent)))
    if most is not None:
        print("%s: the file has %d B, and may have %d" % (label, os.path.getsize(program), most))
        if os.path.getsize(program) > most:
            sys.exit(1)


if __name__ == "__main__":
    main()
