"""Records of core/acme_store.h in Python: another pair of eyes, and a way to make bad ones."""
import struct
import zlib

ACCOUNT, CA_LEDGER, ORDER, CERT_A, CERT_B, SCHED, SOLVER, DEVICE, CONFIG = range(1, 10)
CERT_SEQUENCE, CERT_KEY, CERT_NOT_AFTER, CERT_CHAIN = 8, 5, 7, 8


def encode(slot, fields, sequence=0, version=1):
    """fields: [(tag, bytes or number)]"""
    body = b""
    for tag, value in fields:
        if isinstance(value, int):
            value = struct.pack("<q", value)
        body += struct.pack("<HH", tag, len(value)) + value
    head = b"ACME" + struct.pack("<BBHII", slot, version, 0, sequence, len(body))
    return head + struct.pack("<I", zlib.crc32(head + body)) + body


def decode(record):
    """(slot, sequence, [(tag, bytes)]); ValueError when it is damaged."""
    magic, slot, _, _, sequence, length, crc = struct.unpack("<4sBBHIII", record[:20])
    body = record[20:20 + length]
    if magic != b"ACME" or len(body) != length or zlib.crc32(record[:16] + body) != crc:
        raise ValueError("a damaged record")
    fields = []
    while body:
        tag, n = struct.unpack("<HH", body[:4])
        fields.append((tag, body[4:4 + n]))
        body = body[4 + n:]
    return slot, sequence, fields
