#!/usr/bin/env python3
"""What each choice costs: builds the image with and without it, one after the other, and prints a table.

    board_options.py BOARD [word ...]        of those whose name has one of the words

Flash is .text and .data, RAM is .data, .bss and the pool: no stack, because nothing is run. An image
that links may still be of no use (README.md says which): this counts bytes only. Images are in
build/options/BOARD-N.
"""
import os
import re
import subprocess
import sys

CROSS = {"emcraft-sf2": "arm-none-eabi-", "riscv32-virt": "riscv64-unknown-elf-"}
CHOICES = [  # words for make; the first is what the others are compared with
    ("as it is", []),
    ("no HTTPS server (SERVER=)", ["SERVER="]),
    ("records to 8 KB (RECORDS=8)", ["RECORDS=8"]),
    ("no TLS 1.2 (WOLFSSL_NO_TLS12)", ["BOARD_EXTRA=-DWOLFSSL_NO_TLS12"]),
    ("no P-384 (BOARD_NO_P384)", ["BOARD_EXTRA=-DBOARD_NO_P384"]),
    ("no name constraints (IGNORE_NAME_CONSTRAINTS)", ["BOARD_EXTRA=-DIGNORE_NAME_CONSTRAINTS"]),
    ("no AES-256 (NO_AES_256)", ["BOARD_EXTRA=-DNO_AES_256"]),
    ("IPv6 (IPV6=1)", ["IPV6=1"]),
    ("external account binding (EAB=1)", ["EAB=1"]),
    ("renewal information (ARI=1)", ["ARI=1"]),
    ("a choice of chains (CHAIN=1)", ["CHAIN=1"]),
    ("revocation and the account's life (JOB=1)", ["JOB=1"]),
    ("several CAs (SERVERS=1)", ["SERVERS=1"]),
    ("no link-time optimization (LTO=)", ["LTO="]),
]


def build(board, folder, words):
    """(flash, RAM), or the first line of what is wrong."""
    elf = folder + "/firmware.elf"
    if os.path.exists(elf):
        os.unlink(elf)
    made = subprocess.run(["make", "BOARD=" + board, "BO=" + folder, *words, elf],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        return next((line for line in made.stdout.splitlines()
                     if re.search(r"error:|overflowed|undefined", line)), made.stdout[-200:])
    out = subprocess.run([CROSS[board] + "size", "-A", elf], stdout=subprocess.PIPE, check=True,
                         text=True).stdout
    size = {m[1]: int(m[2]) for m in re.finditer(r"^(\.\S+)\s+(\d+)\s", out, re.M)}
    data = size.get(".data", 0)
    return size[".text"] + data, data + size[".bss"] + size.get(".emergency", 0)


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in CROSS:
        sys.exit(__doc__)
    board, wanted, base = sys.argv[1], sys.argv[2:], None
    print("| | flash | RAM |\n|---|---|---|", flush=True)
    for n, (name, words) in enumerate(CHOICES):
        if n > 0 and wanted and not any(w in name for w in wanted):
            continue
        made = build(board, "build/options/%s-%d" % (board, n), words)
        if isinstance(made, str):
            print("| %s | does not build: %s | |" % (name, made.strip()[-120:]), flush=True)
            continue
        base = base or made
        print("| %s | %d (%+d) | %d (%+d) |" % (
            name, made[0], made[0] - base[0], made[1], made[1] - base[1]), flush=True)


if __name__ == "__main__":
    main()
