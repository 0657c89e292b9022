"""A misbehaving fake CA and one client, for the suites about CAs that answer badly."""
import json

import common
from common import lwacme_path
from fakeca import FakeCA, Reply
import world

NAME = "a.example.net"
NOT_NOW = (2, 3)      # refused, or worth another try: both are honest where the CA talks nonsense
CLOCK = r"\d\d:\d\d"  # a message that names a time


class Rig:
    """with Rig((kind, rule[, options]), ...) as (ca, client)"""

    def __init__(self, *rules, **options):
        lwacme_path()
        port = world.free_port()
        self.ca = FakeCA(port, **options)
        for r in rules:
            self.ca.on(*r[:2], **(r[2] if len(r) > 2 else {}))
        self.port = port

    def __enter__(self):
        self.ca.__enter__()
        self.c = common.Client(self.ca.directory, self.ca.ca_file, self.port)
        return self.ca, self.c

    def __exit__(self, *args):
        self.c.close()
        self.ca.__exit__(*args)


def edit(change):
    """A rule that changes the JSON of the honest answer."""
    def rule(request, reply):
        body = json.loads(reply.body)
        change(body)
        reply.body = json.dumps(body).encode()
        return reply
    return rule


def body(data, kind="application/json", status=200):
    def rule(request, reply):
        return Reply(status, data, {"Content-Type": kind})
    return rule


def header(name, value):
    def rule(request, reply):
        reply.headers[name] = value
        return reply
    return rule


def without(name):
    def rule(request, reply):
        reply.headers.pop(name, None)
        return reply
    return rule
