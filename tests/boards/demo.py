#!/usr/bin/env python3
"""make BOARD=... demo: a bare-metal image gets its own certificate, and serves HTTPS with it."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))
import common  # noqa: E402
import machines  # noqa: E402

BOARD = sys.argv[1] if len(sys.argv) > 1 else "emcraft-sf2"
if BOARD == "riscv32-virt":
    import test_riscv as board_test  # noqa: E402
else:
    import test_emcraft as board_test  # noqa: E402
from test_emcraft import Clock, issued  # noqa: E402


def main():
    why = machines.missing(BOARD)
    if why:
        print("demo: " + why)
        return 1
    common.enter_namespace()
    if not common.in_namespace():
        print("demo: it needs a private network namespace (root, or user namespaces)")
        return 1
    clock = Clock()
    names = board_test.NAMES[:2]
    print("== Pebble, its DNS and a time server; a flash image by mkconfig; QEMU boots the board")
    with board_test.Stage(names=names) as (ca, board):
        start = board.wait("start")
        issued(board)
        for e in board.events:
            if e["event"] in ("start", "address", "challenge", "certificate", "figures"):
                print("  %6.2f s  %s" % (e["_at"] - start["_at"], " ".join(
                    f"{k}={v}" for k, v in e.items() if k not in ("v", "time", "_at"))))
        print("\n== HTTPS from the board, verified against the CA's root")
        serial, body = board.get()
        print("serial %s\n%s" % (serial, body.decode()))
        shown = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername",
                                names[0], "-CAfile", ca.roots], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-issuer", "-dates"],
                       input=shown, check=True)
        print("\n== `renew` on its console: another serial, no reset")
        at = board.mark()
        board.type("renew")
        issued(board, at)
        print("serial " + board.get()[0])
    clock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
