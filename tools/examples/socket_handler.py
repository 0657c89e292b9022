#!/usr/bin/env python3
"""Runs a handler for `external = unix=PATH`, so that a daemon that may start no program has one.

    socket_handler.py PATH HANDLER

Listens on the socket PATH, which its owner and group may use. HANDLER is started as by
`lwacme issue --external handler=HANDLER`, with the rights of this program, as `perform`, `cleanup` and
`deploy_cert`. A handler that fails ends the connection, and with it that order.
"""
import json
import os
import socket
import subprocess
import sys

LIMIT = 300  # seconds for a handler; handler-timeout of the daemon should be more
MEMBERS = """cmd type domain token validation uri command key_auth z_domain cert_path key_path port
             cert_pem key_pem txt_domain status validated error chain_path fullchain_path timestamp
             cert_timestamp""".split()
COMMANDS = {"validate": "perform", "perform_challenge": "perform", "cleanup": "cleanup",
            "deploy_cert": "deploy_cert"}


def run(handler, message, line):
    env = dict(os.environ)
    for name in MEMBERS:
        value = "" if name not in message else str(message[name])
        env[name] = env["cbot_" + name] = value
    env["cbot_json"] = line
    r = subprocess.run([handler, COMMANDS[message["cmd"]]], env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, timeout=LIMIT, check=False)
    return r.returncode == 0 or r.stdout.strip() == b"NotImplemented"


def serve(handler, peer):
    for line in peer.makefile(encoding="ascii"):
        message = json.loads(line)
        if message["cmd"] == "report":
            for report in message["messages"]:
                print("\n".join(report["lines"]), file=sys.stderr)
        elif message["cmd"] in COMMANDS and not run(handler, message, line.rstrip("\n")):
            print("%s failed: %s" % (handler, line.rstrip("\n")), file=sys.stderr)
            if message["cmd"] != "cleanup":
                return
        if COMMANDS.get(message["cmd"]) == "perform":
            peer.sendall(b"\n")


def main():
    path, handler = sys.argv[1], os.path.abspath(sys.argv[2])
    if os.path.exists(path):
        os.remove(path)  # of a run before
    os.umask(0o117)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            peer, _ = listener.accept()
            with peer:
                try:
                    serve(handler, peer)
                except (OSError, ValueError, KeyError, subprocess.SubprocessError) as e:
                    print(e, file=sys.stderr)


if __name__ == "__main__":
    main()
