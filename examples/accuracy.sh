#!/bin/sh
# Scores identity resolution on public record sets with known truth:
#
#   examples/accuracy.sh DATA [SET...] [--without-government-ids]
#
# DATA holds a folder for each set, with records.csv and truth.csv, plain or gzipped; tests/er has a bundle for each,
# which maps columns to attributes and nothing else. Each set is loaded, a model is trained on it without labels, the set
# is loaded again under that model, and the profiles are compared with the truth. ONEFOLD names the program.
set -eu
onefold=${ONEFOLD:-onefold}
bundles=$(cd "$(dirname "$0")/../tests/er" && pwd)
without=
[ $# -ge 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
data=$1
shift
sets=
for argument in "$@"; do
    case $argument in
        --without-government-ids) without=yes ;;
        *) sets="$sets $argument" ;;
    esac
done
[ -n "$sets" ] || sets=$(ls "$bundles" | grep -v README)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plain() { if [ -f "$1" ]; then cat "$1"; else gzip -dc "$1.gz"; fi; }
printf '%-26s %9s %9s %9s %9s %12s\n' set precision recall F1 profiles over-merged
for set in $sets; do
    rm -rf "$work/bundle" "$work/first" "$work/second" "$work/model.json"
    cp -r "$bundles/$set" "$work/bundle"
    if [ -n "$without" ]; then sed -i '/= "government_id"/d' "$work/bundle/sources.toml"; fi
    plain "$data/$set/records.csv" > "$work/records.csv"
    plain "$data/$set/truth.csv" > "$work/truth.csv"
    "$onefold" init -q --policy "$work/bundle" --data "$work/first" > "$work/log"
    "$onefold" ingest -q --data "$work/first" "$work/records.csv" >> "$work/log"
    "$onefold" match train -q --data "$work/first" -o "$work/model.json" >> "$work/log"
    mv "$work/model.json" "$work/bundle/model.json"
    printf '\n[matching]\nmodel = "%s"\n' "$(sha256sum "$work/bundle/model.json" | cut -d' ' -f1)" >> "$work/bundle/identity.toml"
    "$onefold" init -q --policy "$work/bundle" --data "$work/second" >> "$work/log"
    "$onefold" ingest -q --data "$work/second" "$work/records.csv" >> "$work/log"
    "$onefold" match evaluate --json --data "$work/second" --truth "$work/truth.csv" | python3 -c '
import json, sys
told = json.load(sys.stdin)
pairs = told["pairwise"]
share = 100 * told["overmerged_profiles"] / told["profiles"]
print("%-26s %9.4f %9.4f %9.4f %9d %10.2f %%" % (sys.argv[1], pairs["precision"], pairs["recall"], pairs["f1"], told["profiles"], share))
' "$set"
done
