#!/usr/bin/env python3
"""Where the bytes of an image are: flash and RAM by component, from the linker's map.

    board_size.py IMAGE.map

RAM is .data and .bss; the TLS pool and the stack's reserve are shown by themselves. What a run
really used of these two is told by the image (BOARD prints it at its end).
"""
import re
import sys

COMPONENTS = [  # the first whose text is in the object's path
    ("wolfSSL", "/wolfssl/"), ("lwIP", "/lwip/src/"), ("port/lwip", "port/lwip/"),
    ("port/flash", "port/flash/"), ("agent", "/core/"), ("agent", "/solvers/"),
    ("cJSON", "cJSON"), ("libc", "lib_a-"), ("libc", "libgcc"), ("libc", ".a("),
    ("TLS pool", "board_pool.o"), ("Ethernet", "emac.o"), ("board", "/boards/"),
    ("trust anchors", "anchor.o"),
]
LINE = re.compile(r"^ (\.?\S+)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$")


def component(path):
    for name, text in COMPONENTS:
        if text in path:
            return name
    return "other"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    flash, data, bss, stack = {}, {}, {}, 0
    output, started, name = "", False, ""
    for line in open(sys.argv[1]):
        line = line.rstrip("\n")
        started = started or line.startswith("Linker script and memory map")
        if not started:
            continue
        head = re.match(r"^(\.[a-z._]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)", line)
        if head:
            output = head.group(1)
            stack = int(head.group(3), 16) if output == ".stack" else stack
            continue
        if re.match(r"^\.[a-z._]+$", line):
            output = line
        if re.match(r"^ \S+$", line):  # a long name: the rest is on the next line
            name = line.strip()
            continue
        m = LINE.match(line)
        if not m or output not in (".text", ".data", ".bss"):
            continue
        size, path = int(m.group(3), 16), m.group(4)
        part = {".text": flash, ".data": data, ".bss": bss}[output]
        if size and int(m.group(2), 16) + size and not path.startswith("load address"):
            part[component(path)] = part.get(component(path), 0) + size
    names = sorted(set(flash) | set(data) | set(bss),
                   key=lambda n: -(flash.get(n, 0) + bss.get(n, 0)))
    print(f"{'':16}{'flash':>9}{'ram':>9}")
    for n in names:
        print(f"{n:16}{flash.get(n, 0) + data.get(n, 0):9}{data.get(n, 0) + bss.get(n, 0):9}")
    all_flash = sum(flash.values()) + sum(data.values())
    all_ram = sum(data.values()) + sum(bss.values())
    print(f"{'all':16}{all_flash:9}{all_ram:9}   and {stack} reserved for the stack")


if __name__ == "__main__":
    main()
