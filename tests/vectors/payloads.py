#!/usr/bin/env python3
"""Payloads of read and request entries, written from the description in FORMAT.md and from nothing else.

Prints a line for each: the number of its kind and its bytes in hexadecimal.
"""
import hashlib
import struct


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def packed(roots):
    out, before = b"", 0
    for root in roots:
        gap, before = root - before, root
        while gap >= 0x80:
            out += bytes([gap & 0x7F | 0x80])
            gap >>= 7
        out += bytes([gap])
    return out


def read(root, operation, allowed, count, epoch, part, parts, digest, actor, purpose, request, attributes, roots):
    head = struct.pack("<QB?QQHH", root, operation, allowed, count, epoch, part, parts) + digest
    names = struct.pack("<H", len(attributes)) + b"".join(map(text, attributes))
    data = packed(roots)
    return head + text(actor) + text(purpose) + text(request) + names + struct.pack("<Q", len(data)) + data


def request(subject, right, law, received, due, step, ended, digest, reference, by, why):
    head = struct.pack("<QBBiiBi", subject, right, law, received, due, step, ended) + digest
    return head + text(reference) + text(by) + text(why)


ZEROS = bytes(32)
ROOTS = [0, 5, 133, 20_000, 1 << 40]
DIGEST = hashlib.sha256(b"".join(struct.pack("<Q", root) for root in ROOTS)).digest()

for kind, payload in [
    (13, read(7, 1, True, 3, 9, 1, 1, ZEROS, "ada", "marketing", "R-2026-0001", ["email", "phone"], [])),
    (13, read(7, 2, False, 0, 9, 1, 1, ZEROS, "ada", "", "", [], [])),
    (13, read(1 << 62, 5, True, 5, 9, 1, 1, DIGEST, "ada", "", "", ["city"], ROOTS)),
    (18, request(7, 1, 1, 20_454, 20_485, 1, 0, ZEROS, "R-2026-0001", "ada", "")),
    (18, request(7, 1, 1, 20_454, 20_546, 2, 0, ZEROS, "R-2026-0001", "ada", "many")),
    (18, request(7, 4, 2, -3, 42, 3, 0, DIGEST, "a/b", "ada", "report")),
    (18, request(7, 6, 2, -3, 42, 4, 0, ZEROS, "a/b", "ada", "done")),
    (18, request(7, 6, 2, -3, 42, 5, 0, ZEROS, "a/b", "ada", "unfounded")),
    (18, request((1 << 62) + 1, 4, 1, 20_454, 20_485, 17, 0, ZEROS, "R-2026-0001", "", "")),
    (18, request((1 << 62) + 1, 4, 1, 20_454, 20_546, 18, 0, ZEROS, "R-2026-0001", "", "")),
    (18, request((1 << 62) + 1, 4, 1, 20_454, 20_485, 20, 20_480, ZEROS, "R-2026-0001", "", "")),
]:
    print(kind, payload.hex())
