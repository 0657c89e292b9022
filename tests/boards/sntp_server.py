#!/usr/bin/env python3
"""An SNTP server (RFC 4330) for tests: tells the time of this machine, or one that is asked for.

    sntp_server.py [--port 123] [--offset SECONDS] [--at UNIX] [--after SECONDS]

--at 4070908800 tells 2099; --after stays silent for a while. Also used as a module: Server(...).
"""
import argparse
import socket
import struct
import threading
import time

NTP_1970 = 2208988800


class Server(threading.Thread):
    def __init__(self, port=123, offset=0, at=None, after=0, address="127.0.0.1"):
        super().__init__(daemon=True)
        self.offset, self.at = offset, at
        self.answered = 0
        self.silent_until = time.time() + after
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))

    def now(self):
        return self.at if self.at is not None else time.time() + self.offset

    def run(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            if len(query) < 48 or query[0] & 7 != 3 or time.time() < self.silent_until:
                continue
            seconds = int(self.now() + NTP_1970) & 0xFFFFFFFF
            stamp = struct.pack(">II", seconds, 0)
            head = struct.pack(">BBbbII4s", 0x24, 1, 6, -20, 0, 0, b"LOCL")
            self.socket.sendto(head + stamp + query[40:48] + stamp + stamp, peer)
            self.answered += 1

    def close(self):
        self.socket.close()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--port", type=int, default=123)
    p.add_argument("--offset", type=float, default=0)
    p.add_argument("--at", type=float)
    p.add_argument("--after", type=float, default=0)
    a = p.parse_args()
    Server(a.port, a.offset, a.at, a.after).run()


if __name__ == "__main__":
    main()
