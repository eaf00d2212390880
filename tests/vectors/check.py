"""Reads a ledger of format 1 with its keys, as src/ledger/FORMAT.md says, and prints what it computed for each entry:
sequence, kind, leaf, entry key (`-` for a clear, erased or redacted entry); then the root. Exits with an error at the
first thing that is not as the page says. It shares no code with the program that writes ledgers.

    python3 check.py GOLDEN    # GOLDEN/keys/*.hex and GOLDEN/ledger/*.hex
"""

import base64, hashlib, hmac, pathlib, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CLEAR = {1, 2, 10, 15, 16, 17}
sha = lambda data: hashlib.sha256(data).digest()
expand = lambda key, info: HKDFExpand(SHA256(), 32, info).derive(key)


def check(right, what):
    if not right:
        sys.exit(f"check.py: {what}")


def aes(key, *numbers):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(b"".join(n.to_bytes(16, "little") for n in numbers))


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        piece = self.data[self.at : self.at + count]
        check(len(piece) == count, "something is cut")
        self.at += count
        return piece

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def text(self):
        return self.take(self.number(8))


def files(folder):
    return {f.stem: bytes.fromhex(f.read_text().replace("\n", "")) for f in sorted(folder.glob("*.hex"))}


def open_keys(keys):
    """The secrets and the trees of the key epochs: for each, the seeds by (first birth, depth)."""
    file = Bytes(keys["state.key"])
    check(file.take(8) == b"OFKEYS\r\n" and file.number(2) == 2, "state.key is another file")
    generation, size, digest = file.number(8), file.number(8), file.take(32)
    check(file.number(1) == 1, "the key-encryption key is not in a file")
    file.take(28 + 16)
    nonce, wrapped = file.take(12), file.number(2)
    head = file.data[: file.at]
    state_key = AESGCM(bytes.fromhex(keys["kek"].decode().strip())).decrypt(nonce, file.take(wrapped), head)
    state = keys[f"state-{generation:08}"]
    check(len(state) == size and sha(state) == digest, "the state is another one")
    inside = Bytes(AESGCM(state_key).decrypt(state[18:30], state[30:-4], state[:30]))
    check(inside.number(8) == generation, "the generation differs")
    _identity, slots, _tombstones, ledger, _signing = (inside.take(n) for n in (32, 32, 32, 16, 32))
    if inside.number(1):
        inside.take(32)
    trees = []
    for _ in range(inside.number(2) + 1):
        tree, start, seeds = Bytes(inside.take(inside.number(8))), 0, {}
        while tree.at < len(tree.data):
            depth = tree.number(1)
            if depth != 255:
                seeds[start, depth] = tree.take(32)
            start += 1 << (64 - (64 if depth == 255 else depth))
        check(start == 1 << 64, "a tree does not cover all births")
        trees.append(seeds)
    return ledger, slots, trees


def record_key(seeds, birth):
    for depth in range(65):
        seed = seeds.get((birth >> (64 - depth) << (64 - depth), depth))
        if seed is not None:
            for level in range(depth, 64):
                right = birth >> (63 - level) & 1
                seed = aes(seed, 2 * right, 2 * right + 1)
            return seed
    return None


def entries(ledger_files, ledger):
    previous, sequence = bytes(32), 0
    for number, name in enumerate(sorted(n for n in ledger_files if n.endswith(".seg"))):
        segment = Bytes(ledger_files[name])
        head = segment.take(72)
        check(crc32c(head) == segment.number(4), "a segment's header is damaged")
        expected = b"OFLEDGER\1\0\0\0" + number.to_bytes(4, "little") + ledger + sequence.to_bytes(8, "little")
        check(head == expected + previous, "a segment's header says something else")
        while segment.at < len(segment.data):
            start = segment.at
            stored = segment.take(segment.number(4))
            check(crc32c(segment.data[start : segment.at]) == segment.number(4), "a frame is damaged")
            previous = yield sequence, stored, previous
            sequence += 1


def bucket(size):
    if size <= 1024:
        return -(-size // 32) * 32
    step = (1 << ((size - 1).bit_length() - 1)) // 16
    return min(-(-size // step) * step, 65451)


def unpad(padded):
    length = int.from_bytes(padded[:2], "little")
    check(bucket(2 + length) == len(padded) and not any(padded[2 + length :]), "the padding is wrong")
    return padded[2 : 2 + length]


def root(leaves):
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha(b"")
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha(b"\1" + root(leaves[:split]) + root(leaves[split:]))


def main(golden):
    ledger, slot_master, trees = open_keys(files(golden / "keys"))
    ledger_files = files(golden / "ledger")
    leaves, runs, run, policy, signing, first, listed, redacted = [], {}, None, bytes(32), bytes(32), 0, set(), set()
    walk = entries(ledger_files, ledger)
    step = next(walk)
    while True:
        sequence, stored, previous = step
        version, kind = stored[0], stored[1]
        header = b"\1" + stored[1 : 20 if kind in CLEAR else 68]
        body = stored[len(header) :]
        epoch, number = int.from_bytes(header[2:4], "little"), int.from_bytes(header[4:8], "little")
        check(version in (1, 129) and int.from_bytes(header[12:20], "little") == sequence, "a header is wrong")
        if version == 129:
            check(kind not in CLEAR and not any(body[32:]), "a redacted entry is wrong")
            digest = body[:32]
            redacted.add(sequence)
        else:
            digest = sha(body)
        payload, key = Bytes(body), None
        if kind == 1:
            check(payload.take(16) == ledger, "another ledger")
            salt, run = payload.take(16), payload.number(4)
            check(payload.number(2) == epoch and run == number, "an open entry differs from its header")
        if kind == 2:
            payload.text(), payload.text()
            in_force, part, parts = payload.take(32), payload.number(2), payload.number(2)
            if part == parts:
                policy, run = in_force, run + 1
        if kind in (1, 2):
            runs[run] = salt, sha(
                b"onefold/run/v1" + ledger + salt + run.to_bytes(4, "little") + header[2:4] + policy
            )
        check(number == run, "an entry is in another run")
        salt, run_digest = runs[number]
        logical = previous + run_digest + header + digest
        leaf = sha(b"\0" + logical)
        if kind == 10:
            payload.take(8)
            check(payload.number(8) == len(leaves) == sequence, "a commit has another size")
            check(payload.take(32) == root(leaves) and payload.take(32) == previous, "a commit has another root or head")
            check(payload.number(8) == first, "a commit has another first entry")
            first = sequence + 1
        if kind == 16:
            public, before, new_signature, old_signature = payload.take(32), payload.take(32), payload.text(), payload.text()
            check(before == signing, "a key entry replaces another key")
            text = f"onefold/key/v1\nledger {ledger.hex()}\nprevious {before.hex() if any(before) else 'none'}\npublic {public.hex()}\n"
            Ed25519PublicKey.from_public_bytes(public).verify(new_signature, text.encode())
            if any(before):
                Ed25519PublicKey.from_public_bytes(before).verify(old_signature, text.encode())
            signing = public
        if kind == 17:
            payload.take(8 * payload.number(2))
            for _ in range(payload.number(2)):
                start, count = payload.number(8), payload.number(4)
                listed.update(range(start, start + count))
        if kind not in CLEAR:
            slot_key = expand(slot_master, b"onefold/slot/v1" + ledger + salt)
            mask = aes(slot_key, sequence)
            slot = bytes(a ^ b for a, b in zip(header[20:36], mask))
            births = [int.from_bytes(slot[:8], "little"), int.from_bytes(slot[8:], "little")]
            keys = [record_key(trees[epoch], birth) for birth in births if birth != 2**64 - 1]
            if version == 1 and None not in keys:
                base = keys[0] if len(keys) == 1 else hmac.digest(keys[0], keys[1], "sha256")
                key = expand(base, b"onefold/dek/v1" + ledger + salt + sequence.to_bytes(8, "little"))
                check(sha(b"onefold/commit/v1" + key) == header[36:68], "a key is not the committed one")
                nonce = sequence.to_bytes(8, "little") + bytes(4)
                unpad(AESGCM(key).decrypt(nonce, body, run_digest + header))
        leaves.append(leaf)
        print(sequence, kind, leaf.hex(), key.hex() if key else "-")
        try:
            step = walk.send(leaf)
        except StopIteration:
            break
    check(redacted <= listed and redacted, "an entry is redacted that no redaction lists")
    text, signatures = ledger_files["checkpoint"].decode().split("\n\n")
    origin, size, head = (text + "\n").split("\n")[:3]
    check(origin == f"onefold/{ledger.hex()}" and int(size) == len(leaves), "the checkpoint is another one")
    check(base64.b64decode(head) == root(leaves), "the checkpoint has another root")
    name, value = signatures.split("\n")[0][2:].split(" ")
    check(name == origin, "the checkpoint is signed by another name")
    check(base64.b64decode(value)[:4] == sha(name.encode() + b"\n\1" + signing)[:4], "another key has signed")
    Ed25519PublicKey.from_public_bytes(signing).verify(base64.b64decode(value)[4:], (text + "\n").encode())
    print("root", root(leaves).hex())


main(pathlib.Path(sys.argv[1]))
