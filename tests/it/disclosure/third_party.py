"""Checks a package with `aics-tlog`, which other people wrote: notes, heads, inclusion and consistency.

third_party.py PACKAGE VKEY prints how many entries are in the tree; exit code 1 when anything fails.
"""
import base64, json, sys, zipfile
import aics_tlog as tlog


def hashes(lines):
    return [base64.b64decode(line, validate=True) for line in lines]


def head(data, key, origin):
    note = tlog.parse_note(data)
    result = tlog.verify_checkpoint(note, key, expected_origin=origin)
    assert result.ok, result
    return tlog.parse_checkpoint(note.text)


def main(path, vkey):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    package, key = json.loads(files["package.json"]), tlog.parse_vkey(vkey)
    origin = "onefold/" + package["ledger"]
    checkpoint = head(files["checkpoint"], key, origin)
    if "earlier-checkpoint" in files:
        earlier = head(files["earlier-checkpoint"], key, origin)
        proof = hashes(files["consistency"].decode().splitlines())
        assert tlog.verify_consistency(earlier.size, checkpoint.size, earlier.root, checkpoint.root, proof)
    if "certificate.txt" in files:
        assert tlog.verify_note(tlog.parse_note(files["certificate.txt"]), [key])
    for entry in package["entries"]:
        n = entry["sequence"]
        lines, note = files[entry["proof"]].decode().split("\n\n", 1)
        assert note.encode() == files["checkpoint"]
        proof = hashes(lines.split("\n")[2:])
        assert tlog.verify_leaf_inclusion(files[entry["logical"]], n, checkpoint.size, proof, checkpoint.root), n
    print(len(package["entries"]), "entries are in the tree")


main(*sys.argv[1:])
