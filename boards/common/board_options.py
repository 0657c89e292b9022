#!/usr/bin/env python3
"""What each choice of a board costs: builds images with and without it, and prints a table.

    board_options.py [BOARD ...] [word ...]     of those choices whose name has one of the words

without a board: of both. Flash is .text and .data, RAM is .data, .bss and the pool: no stack, because
nothing is run. A figure is what the choice adds to the image as it is; where the board has it already,
what it takes away when left out, with the sign of a cost, and a star. An image that links may still be
of no use (boards/README.md says which): this counts bytes only. Images are in build/options/BOARD-N.
"""
import os
import pathlib
import re
import subprocess
import sys

BOARDS = {"emcraft-sf2": "arm-none-eabi-", "riscv32-virt": "riscv64-unknown-elf-"}
FOLDER = pathlib.Path(__file__).resolve().parent.parent

# What is on or off by a word for make: (name, word). A new choice is a line here.
SWITCHES = [
    ("renewal information, RFC 9773", "ARI"),
    ("external account binding", "EAB"),
    ("a choice of chains", "CHAIN"),
    ("revocation and the account's life", "JOB"),
    ("the HTTPS server: TLS's other side", "SERVER"),
    ("IPv6", "IPV6"),
    ("several CAs", "SERVERS"),
    ("certificates though none is due are counted", "RECENT"),
]
NO_RSA = ["BOARD_CORE_DROP=core/acme_crypto_rsa.c", "BOARD_CORE_ADD=core/acme_crypto_norsa.c"]
# What is left out by words, on boards that have it: (name, words, boards or None for all).
LEFT_OUT = [
    ("RSA keys of its own", NO_RSA, ["riscv32-virt"]),
    ("records of 16 KB, not 8 (`RECORDS=8`)", ["RECORDS=8"], ["emcraft-sf2"]),
    ("TLS 1.2 (`WOLFSSL_NO_TLS12`)", ["BOARD_EXTRA=-DWOLFSSL_NO_TLS12"], None),
    ("P-384 (`BOARD_NO_P384`)", ["BOARD_EXTRA=-DBOARD_NO_P384"], ["emcraft-sf2"]),
    ("name constraints (`IGNORE_NAME_CONSTRAINTS`)", ["BOARD_EXTRA=-DIGNORE_NAME_CONSTRAINTS"], None),
    ("AES-256 (`NO_AES_256`)", ["BOARD_EXTRA=-DNO_AES_256"], None),
    ("SP code that is fast, not small (`WOLFSSL_SP_SMALL`)", ["BOARD_EXTRA=-DWOLFSSL_SP_SMALL"],
     ["riscv32-virt"]),
    ("link-time optimization (without: `LTO=`)", ["LTO="], None),
]


# How names are proved: (name, words of the image without, words of the one with it). No words: the
# image as it is.
ADDED = [
    ("http-01 (`SOLVERS`)", ["SOLVERS=dns-01"], ["SOLVERS=http-01,dns-01"]),
    ("tls-alpn-01 on the HTTPS server's port", [], ["SOLVERS=http-01,tls-alpn-01"]),
    ("tls-alpn-01 in the place of http-01, without HTTPS server: TLS's other side",
     ["SERVER="], ["SERVER=", "SOLVERS=tls-alpn-01"]),
    ("dns-01 by DNS UPDATE with TSIG", [], ["SOLVERS=http-01,dns-01"]),
    ("external, over the UART", [], ["SOLVERS=http-01,external"]),
]


def build(board, folder, words):
    """(flash, RAM), or the first line of what is wrong."""
    elf = folder + "/firmware.elf"
    if os.path.exists(elf):
        os.unlink(elf)
    made = subprocess.run(["make", "BOARD=" + board, "BO=" + folder, *words, elf],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        print("%s %s: %s" % (board, " ".join(words), next((
            line for line in made.stdout.splitlines() if re.search(r"rror:|overflowed|undefined", line)),
            made.stdout[-200:])), file=sys.stderr)
        return None
    out = subprocess.run([BOARDS[board] + "size", "-A", elf], stdout=subprocess.PIPE, check=True,
                         text=True).stdout
    size = {m[1]: int(m[2]) for m in re.finditer(r"^(\.\S+)\s+(\d+)\s", out, re.M)}
    data = size.get(".data", 0)
    return size[".text"] + data, data + size[".bss"] + size.get(".emergency", 0)


def on(board):
    """The switches that are on where nothing is said."""
    return set(re.findall(r"^BOARD_(\w+) = 1$", (FOLDER / board / "board.mk").read_text(), re.M)) | {"SERVER"}


def plan(board):
    """[(name, words or None: not for this board, the board has it, words of the other image)]"""
    has = on(board)
    rows = [("%s (`%s=1`)" % (name, word), ["%s=%s" % (word, "" if word in has else "1")], word in has, [])
            for name, word in SWITCHES]
    return rows + [(name, words, False, other) for name, other, words in ADDED] + [
        (name, words if where is None or board in where else None, True, [])
        for name, words, where in LEFT_OUT]


def cell(number):
    return ("%+d" % number).replace("+", "+ ").replace("-", "- ") if number else "0"


def main():
    boards = [w for w in sys.argv[1:] if w in BOARDS] or list(BOARDS)
    wanted = [w for w in sys.argv[1:] if w not in BOARDS]
    if any(w.startswith("-") for w in wanted):
        sys.exit(__doc__)
    base = {b: build(b, "build/options/%s-0" % b, []) for b in boards}
    plans = {b: plan(b) for b in boards}
    print("| |" + "".join(" %s: flash | RAM |" % b for b in boards) + "\n|---|" + "---|---|" * len(boards))
    print("| **as it is** |" + "".join(" %d | %d |" % (base[b] or (0, 0)) for b in boards), flush=True)
    for n, row in enumerate(plans[boards[0]]):
        if wanted and not any(w in row[0] for w in wanted):
            continue
        cells = ""
        for b in boards:
            _, words, has, other = plans[b][n]
            made = build(b, "build/options/%s-%d" % (b, n + 1), words) if words else None
            if made is None:
                cells += " does not build | |" if words else " - | |"
                continue
            without = build(b, "build/options/%s-%d-without" % (b, n + 1), other) if other else base[b]
            cost = [(made[i] - without[i]) * (-1 if has else 1) for i in (0, 1)]
            cells += " %s%s | %s |" % (cell(cost[0]), "*" if has else "", cell(cost[1]))
        print("| %s |%s" % (row[0], cells), flush=True)


if __name__ == "__main__":
    main()
