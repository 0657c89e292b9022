#!/usr/bin/env python3
"""A client for `lwacme issue --external json`: starts it, solves http-01 in a web root, answers.

    json_client.py WEBROOT lwacme issue -d NAME ... --challenge http-01 --external json
"""
import json
import os
import subprocess
import sys


def place(webroot, token):
    return os.path.join(webroot, ".well-known", "acme-challenge", token)


def main():
    webroot, command = sys.argv[1], sys.argv[2:]
    agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in agent.stdout:
        message = json.loads(line)
        cmd = message["cmd"]
        if cmd in ("validate", "perform_challenge"):
            if message["type"] == "http-01":
                path = place(webroot, message["key_auth"].split(".")[0])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="ascii") as f:
                    f.write(message["validation"])
            agent.stdin.write("\n")  # it goes on: only after a challenge is a line awaited
            agent.stdin.flush()
        elif cmd == "cleanup" and message["type"] == "http-01":
            if os.path.exists(place(webroot, message["token"])):
                os.remove(place(webroot, message["token"]))
        elif cmd == "report":
            for report in message["messages"]:
                print("\n".join(report["lines"]), file=sys.stderr)
    return agent.wait()


if __name__ == "__main__":
    sys.exit(main())
