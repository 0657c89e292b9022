#!/usr/bin/env python3
"""The arrows of DESIGN: port <- core <- solvers <- boards and tools, read from #include lines.

One line for each rule: "ok arrows_...", or "not ok arrows_...: FILE:LINE includes what".
With a folder as argument, checks the tree that begins there instead of this one.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
FOLDERS = ("port", "core", "solvers", "boards", "tools", "tests")
CONTRACT = ("acme_port.h", "acme_err.h", "acme_crc32.h")
# What each folder may include from: itself, and what is below it.
BELOW = {
    "port": ("port",),
    "core": ("core", "port"),
    "solvers": ("solvers", "core", "port"),
    "boards": ("boards", "solvers", "core", "port"),
    "tools": ("tools", "solvers", "core", "port"),
    "tests": FOLDERS,
}
TLS = ("core/acme_tls.c", "core/acme_tls_server.c")
# Headers that wolfSSL and boards give under a fixed name: which folder they lie in says nothing.
CHOSEN_BY_BOARD = ("acme_board_config.h", "user_settings.h", "lwipopts.h")


class Tree:
    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.files = []
        for folder in FOLDERS:
            for path in sorted((self.top / folder).rglob("*.[ch]")):
                self.files.append(path.relative_to(self.top))
        self.by_name = {}
        for path in self.files:
            self.by_name.setdefault(path.name, []).append(path)

    def includes(self):
        """(file, line number, quoted or not, name, file of ours that it means or None)"""
        for path in self.files:
            text = (self.top / path).read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.splitlines(), 1):
                match = INCLUDE.match(line)
                if match:
                    name = match.group(2)
                    yield path, number, name, self.ours(path, name)

    def ours(self, path, name):
        beside = (self.top / path.parent / name)
        if beside.is_file():
            return pathlib.Path(*beside.resolve().relative_to(self.top.resolve()).parts)
        found = [p for p in self.by_name.get(pathlib.Path(name).name, ())
                 if str(p).endswith(name.replace("../", ""))]
        # One name, several boards: take the nearest.
        found.sort(key=lambda p: -len([1 for a, b in zip(p.parts, path.parts) if a == b]))
        return found[0] if found else None


def up(path, name, target):
    if target is None or target.name in CHOSEN_BY_BOARD:
        return None
    if target.parts[0] not in BELOW[path.parts[0]]:
        return "%s/ may not include from %s/" % (path.parts[0], target.parts[0])
    return None


def sideways(path, name, target):
    if target is None or target.name in CHOSEN_BY_BOARD:
        return None
    if path.parts[0] == target.parts[0] == "solvers" and path.stem != target.stem \
            and path.stem.split("_")[0] != target.stem.split("_")[0] \
            and target.stem not in ("acmedns_account", "dns_label", "dns_msg", "dns_seek",
                                   "dns_tsig"):
        return "a solver may not include another"
    if path.parts[0] == target.parts[0] == "boards" and path.parts[1] != target.parts[1] \
            and target.parts[1] != "common":
        return "a board may include of other boards only boards/common/"
    return None


def contract(path, name, target):
    if target is None or target.parts[0] != "port" or path.parts[0] not in ("core", "solvers", "port"):
        return None
    own = path.parts[0] == "port" and path.parent == target.parent
    if own or (len(target.parts) == 2 and target.name in CONTRACT):
        return None
    return "of port/ only acme_port.h, acme_err.h and acme_crc32.h"


def libraries(path, name, target):
    if path.parts[0] not in ("port", "core", "solvers"):
        return None
    where = str(path)
    if name.endswith("cJSON.h") and where not in ("core/acme_json.c", "core/acme_cjson.h"):
        return "only core/acme_json.c knows cJSON"
    if name.startswith("wolfssl/wolfcrypt/") and not name.endswith("/settings.h"):
        if not re.match(r"core/acme_(crypto\w*|cert|tls|tls_server)\.c$", where):
            return "only core/acme_crypto*.c and acme_cert.c know wolfCrypt"
        if where in TLS and not name.endswith(("random.h", "error-crypt.h", "asn.h")):
            return "acme_tls*.c know of wolfCrypt only errors and the seed"
    elif name.startswith("wolfssl/") and name != "wolfssl/version.h":
        allowed = TLS if not name.endswith("/settings.h") else None
        if allowed and where not in allowed:
            return "only core/acme_tls.c and acme_tls_server.c know wolfSSL's TLS"
        if allowed is None and not re.match(r"core/acme_(crypto\w*|cert|tls|tls_server)\.c$", where):
            return "only the files that know wolfSSL need its settings"
    if name.startswith("lwip/") and not where.startswith("port/lwip/"):
        return "only port/lwip/ knows lwIP"
    return None


def tests(path, name, target):
    if target is not None and target.parts[0] == "tests" and path.parts[0] != "tests":
        return "nothing includes tests/"
    if name.split("/")[0] == "tests" and path.parts[0] != "tests":
        return "nothing includes tests/"
    return None


RULES = {
    "arrows_down": up,
    "arrows_not_sideways": sideways,
    "arrows_port_is_a_contract": contract,
    "arrows_libraries_behind_one_file": libraries,
    "arrows_nothing_includes_tests": tests,
}


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    tree = Tree(top)
    includes = list(tree.includes())
    if not includes:
        print("not ok arrows: no #include found below %s" % top)
        return 1
    failed = False
    for rule, check in RULES.items():
        bad = []
        for path, number, name, target in includes:
            why = check(path, name, target)
            if why:
                bad.append("%s:%d includes %s: %s" % (path, number, name, why))
        if bad:
            failed = True
            print("not ok %s: %s" % (rule, "; ".join(bad)))
        else:
            print("ok %s" % rule)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
