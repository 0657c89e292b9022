#!/usr/bin/env python3
"""Where the bytes of an image are, and whether it keeps to its budget.

    board_size.py BOARD IMAGE.elf BUDGET VARIANT

Components come from the debug information, so they are right with link-time optimization too (what
was inlined counts for its caller). RAM is .data + .bss (TLS pool included) + the stack's high water:
the highest that a run has told (IMAGE.stack, written by the board's tests), but at least the
budget's own figure. BUDGET has lines "VARIANT flash|ram|stack BYTES". Writes size.svg beside the
image. The last line is "BOARD: flash N B, ram N B"; exit 1 when over budget.
"""
import os
import re
import subprocess
import sys

COMPONENTS = [  # the first whose text is in the source file's path
    ("wolfSSL", "deps/wolfssl"), ("lwIP", "deps/lwip"), ("cJSON", "deps/cjson"),
    ("agent", "/core/"), ("agent", "/solvers/"), ("port", "/port/"), ("board", "/boards/"),
    ("libc", "newlib"), ("libc", "libgcc"),
]
NAMED = {"pool": "TLS pool", "io": "agent's buffers", "scratch": "agent's buffers",
         "agent": "agent", "emac_bufs": "Ethernet buffers", "emac_tx_frame": "Ethernet buffers",
         "net_buffers": "Ethernet buffers", "net_rings": "Ethernet buffers",
         "ram_heap": "lwIP"}
COLOURS = ["#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#9c755f",
           "#bab0ac", "#ff9da7"]
CROSS = os.environ.get("CROSS", "arm-none-eabi-")


def tool(name, *args):
    return subprocess.run([CROSS + name, *args], stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.DEVNULL, text=True).stdout


def sections(elf):
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\.\S+)\s+(\d+)\s", tool("size", "-A", elf),
                                                 re.M)}


def component(symbol, path):
    symbol = symbol.split(".")[0]
    if symbol in NAMED:
        return NAMED[symbol]
    if symbol.startswith("memp_"):
        return "lwIP"
    return next((name for name, text in COMPONENTS if text in path), "tables, libc")


def symbols(elf):
    """{"flash": {component: bytes}, "ram": {...}}, each address counted once."""
    part, seen = {"flash": {}, "ram": {}}, set()
    for line in tool("nm", "-S", "-l", elf).splitlines():
        m = re.match(r"(\w+) (\w+) (\w) (\S+)(?:\s+(\S+):\d+)?$", line)
        if not m or int(m[1], 16) & ~1 in seen:
            continue
        seen.add(int(m[1], 16) & ~1)
        where = "ram" if m[3] in "bBdD" else "flash"
        name = component(m[4], m[5] or "")
        part[where][name] = part[where].get(name, 0) + int(m[2], 16)
    return part


def budget(path, variant):
    lines = (line.split() for line in open(path) if line.strip() and not line.startswith("#"))
    return {what: int(n) for v, what, n in lines if v == variant}


def picture(path, title, rows):
    """rows: (label, whole, {component: bytes})"""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{90 * len(rows) + 40}" '
           f'font-family="sans-serif" font-size="12"><text x="10" y="20">{title}</text>']
    for r, (label, whole, parts) in enumerate(rows):
        x, y = 10.0, 40 + 90 * r
        out.append(f'<text x="10" y="{y + 10}">{label}: {sum(parts.values())} of {whole} B</text>')
        out.append(f'<rect x="10" y="{y + 16}" width="880" height="30" fill="none" stroke="#888"/>')
        for i, (name, n) in enumerate(sorted(parts.items(), key=lambda p: -p[1])):
            width = 880.0 * n / whole
            out.append(f'<rect x="{x:.1f}" y="{y + 16}" width="{width:.1f}" height="30" '
                       f'fill="{COLOURS[i % len(COLOURS)]}"><title>{name}: {n} B</title></rect>')
            if width > 30:
                out.append(f'<text x="{x + 2:.1f}" y="{y + 62}">{name}</text>')
            x += width
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n</svg>\n")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    board, elf, budget_file, variant = sys.argv[1:]
    limit, size, part = budget(budget_file, variant), sections(elf), symbols(elf)
    if not limit: # several solvers, for one
        limit = budget(budget_file, variant.split("-")[0])
        print(f"{variant} has no budget of its own: that of {variant.split('-')[0]}")
    flash = size[".text"] + size.get(".data", 0)
    stack = limit["stack"]
    if os.path.exists(elf + ".stack"):
        stack = max(stack, int(open(elf + ".stack").read()))
    static = size.get(".data", 0) + size[".bss"] + size.get(".emergency", 0)
    part["flash"]["texts, padding"] = flash - sum(part["flash"].values())
    part["ram"]["other"] = static - sum(part["ram"].values())
    part["ram"]["stack (high water)"] = stack
    names = sorted(set(part["flash"]) | set(part["ram"]),
                   key=lambda n: -part["flash"].get(n, 0) - part["ram"].get(n, 0))
    print(f"{'':20}{'flash':>9}{'ram':>9}")
    for n in names:
        print(f"{n:20}{part['flash'].get(n, 0):9}{part['ram'].get(n, 0):9}")
    ram = static + stack
    picture(os.path.join(os.path.dirname(elf), "size.svg"), f"{board}, {variant}",
            [("flash", max(limit["flash"], flash), part["flash"]),
             ("ram", max(limit["ram"], ram), part["ram"])])
    over = [f"{what} {n - limit[what]} B over its budget of {limit[what]}"
            for what, n in (("flash", flash), ("ram", ram)) if n > limit[what]]
    for words in over:
        print(f"{board} ({variant}): {words}", file=sys.stderr)
    print(f"{board}: flash {flash} B, ram {ram} B")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
