#!/usr/bin/env python3
"""Checks a disclosure package of Onefold without Onefold: verify.py PACKAGE [VKEY].

Its own reading of RFC 9162 (inclusion, consistency), C2SP signed-note and tlog-proof, and of the formulas in VERIFY.md.
Needs Python 3.11 and `cryptography`. Exit code 1 when anything fails.
"""
import base64, hashlib, json, sys, zipfile
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KINDS = {1: "open", 2: "policy", 3: "received", 4: "rejected", 5: "merge", 6: "unmerge", 7: "values", 8: "consent",
         9: "decision", 10: "commit", 11: "review", 12: "tick", 13: "read", 15: "erasure", 16: "key", 17: "redaction",
         18: "request", 19: "uses", 20: "permissions", 21: "binding"}
CLEAR = {1, 2, 10, 12, 15, 16, 17}


class Wrong(Exception):
    """Something that does not verify."""


def need(condition, what):
    if not condition:
        raise Wrong(what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hashes(lines):
    found = [base64.b64decode(line, validate=True) for line in lines]
    need(all(len(one) == 32 for one in found), "a hash is not 32 bytes")
    return found


def read(path):
    """The files of a package: stored, each name once, no more than a package can hold."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        need(len({info.filename for info in infos}) == len(infos), "a file comes twice")
        need(all(info.compress_type == zipfile.ZIP_STORED for info in infos), "a file is compressed")
        need(sum(info.file_size for info in infos) <= 256 << 20, "it is too large")
        return {info.filename: archive.read(info) for info in infos}


def open_note(data, vkeys):
    """The text of a note that one of the keys has signed; a signature that names one of them must verify."""
    text, _, signatures = data.decode().rpartition("\n\n")
    signed = False
    for line in signatures.splitlines():
        dash, name, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        for vkey in vkeys:
            key_name, key_id, key = vkey.split("+", 2)
            key = base64.b64decode(key, validate=True)
            need(key[0] == 1 and sha256(key_name.encode(), b"\n", key)[:4].hex() == key_id, "a key is malformed")
            if (dash, name, signature[:4].hex()) == ("—", key_name, key_id):
                Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text.encode() + b"\n")
                signed = True
    need(signed, "none of the keys has signed it")
    need(all(line.isprintable() for line in text.split("\n")), "it has control characters")
    return text.split("\n")


def open_head(data, vkeys, origin):
    lines = open_note(data, vkeys)
    need(lines[0] == origin, "it is of another log")
    return int(lines[1]), hashes([lines[2]])[0]


def check_inclusion(node, index, size, path, root):
    """RFC 9162, section 2.1.3.2."""
    need(index < size, "it is outside of the tree")
    last = size - 1
    for other in path:
        need(last > 0, "the proof is too long")
        if index % 2 or index == last:
            node = sha256(b"\1", other, node)
            while index and index % 2 == 0:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1", node, other)
        index, last = index >> 1, last >> 1
    need(last == 0 and node == root, "the proof does not lead to the root")


def check_consistency(first, second, old_root, new_root, path):
    """RFC 9162, section 2.1.4.2."""
    need(0 < first <= second, "the earlier head is over more entries")
    if first == second:
        return need(old_root == new_root and not path, "two heads over as many entries differ")
    if first & (first - 1) == 0:
        path = [old_root] + path
    need(path, "the proof is empty")
    index, last = first - 1, second - 1
    while index % 2:
        index, last = index >> 1, last >> 1
    old = new = path[0]
    for other in path[1:]:
        need(last > 0, "the proof is too long")
        if index % 2 or index == last:
            old, new = sha256(b"\1", other, old), sha256(b"\1", other, new)
            while index and index % 2 == 0:
                index, last = index >> 1, last >> 1
        else:
            new = sha256(b"\1", new, other)
        index, last = index >> 1, last >> 1
    need(last == 0 and old == old_root and new == new_root, "the proof does not lead to both roots")


def check_entry(files, entry, size, root):
    """What entry N is, in words, when it stands in the tree and says what the package says it does."""
    n = entry["sequence"]
    logical = files[f"entries/{n}.logical"]
    clear = len(logical) == 116
    need(clear or len(logical) == 164, "the logical entry has another size")
    version, kind, header = logical[64], logical[65], logical[64:-32]
    need(version == 1 and KINDS.get(kind) == entry["kind"] and clear == (kind in CLEAR), "its kind is another one")
    need(int.from_bytes(header[12:20], "little") == n, "its sequence is another one")
    proof, note = files[f"entries/{n}.tlog-proof"].split(b"\n\n", 1)
    proof = proof.decode().split("\n")
    need(note == files["checkpoint"] and proof[:2] == ["c2sp.org/tlog-proof@v1", f"index {n}"], "the proof is another's")
    check_inclusion(sha256(b"\0", logical), n, size, hashes(proof[2:]), root)
    body = files.get(f"entries/{n}.body")
    if body is None:
        need(not clear and entry["redacted"] and not entry["key"], "its body is missing")
        return "in the tree; its ciphertext was deleted"
    need(sha256(body) == logical[-32:] and not entry["redacted"], "the body is another one")
    if clear:
        return f"in the tree; {len(body)} bytes in clear"
    if entry["key"] is None:
        return "in the tree; sealed, and no key is enclosed"
    key = bytes.fromhex(entry["key"])
    need(sha256(b"onefold/commit/v1", key) == header[36:68], "the key is not the one it commits to")
    plain = AESGCM(key).decrypt(header[12:20] + bytes(4), body, logical[32:64] + header)
    payload = plain[2 : 2 + int.from_bytes(plain[:2], "little")]
    need(not any(plain[2 + len(payload) :]), "the padding is not zeros")
    return f"in the tree; opens to {len(payload)} bytes: {payload.decode('ascii', 'replace')!r}"


def main(path, vkey=None):
    files = read(path)
    package = json.loads(files["package.json"])
    need(package["format"] == "onefold-disclosure/v1", "it is of another format")
    vkeys, origin = [vkey] if vkey else package["vkeys"], "onefold/" + package["ledger"]
    print("key:", ", ".join(vkeys), "" if vkey else "(the package's own, which proves nothing about who made it)")
    size, root = open_head(files["checkpoint"], vkeys, origin)
    print(f"checkpoint: {size} entries, root {root.hex()}")
    names = {"VERIFY.md", "package.json", "checkpoint"}
    if "earlier-checkpoint" in files:
        first, old_root = open_head(files["earlier-checkpoint"], vkeys, origin)
        check_consistency(first, size, old_root, root, hashes(files["consistency"].decode().splitlines()))
        print(f"goes on from the head over {first} entries, root {old_root.hex()}")
        names |= {"earlier-checkpoint", "consistency"}
    if package["kind"] == "certificate":
        print("certificate:", *open_note(files["certificate.txt"], vkeys), sep="\n  ")
        names.add("certificate.txt")
    failed = 0
    for entry in package["entries"]:
        names |= {entry["logical"], entry["proof"]} | ({entry["body"]} if entry["body"] else set())
        try:
            print(f"entry {entry['sequence']} ({entry['kind']}):", check_entry(files, entry, size, root))
        except (Wrong, InvalidTag, KeyError, ValueError, IndexError) as error:
            failed += 1
            print(f"entry {entry.get('sequence')}: FAILED: {error or type(error).__name__}")
    need(names == set(files), f"files that do not belong, or are missing: {sorted(names ^ set(files))}")
    need(not failed, f"{failed} entries failed")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Wrong, InvalidSignature, zipfile.BadZipFile, OSError, KeyError, ValueError, IndexError, TypeError) as error:
        sys.exit(f"FAILED: {error or type(error).__name__}")
    print("verified")
