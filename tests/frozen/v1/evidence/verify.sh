#!/usr/bin/env bash
# Judges this evidence folder with stock tools only: bash, openssl, sha256sum, grep, sed.
# Usage: bash verify.sh CA.PEM     CA.PEM is the root that you trust, from a source of your own.
set -euo pipefail
ca=$(realpath "${1:?usage: bash verify.sh CA.PEM}")
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The content of a CMS file whose signature and chain hold. Old evidence is judged at its own time: no date check.
content() {
  openssl cms -verify -binary -inform DER -in "$1" -CAfile "$ca" -purpose any -no_check_time -out "$2" 2>"$work/why" ||
    { cat "$work/why"; echo "FAILED: $1"; exit 1; }
}
# The text value of a field in canonical JSON; the names used below occur once.
value() { grep -o "\"$2\":\"[^\"]*\"" "$1" | head -n 1 | sed 's/^[^:]*:"//; s/"$//'; }
same() { [ "$2" = "$3" ] || { echo "FAILED: $1: $2 / $3"; exit 1; }; }
sha() { sha256sum "$1" | cut -c1-64; }
unhex() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }

openssl cms -verify -binary -inform DER -in tender.p7s -content tender.json -CAfile "$ca" -purpose any -no_check_time \
  -out /dev/null 2>"$work/why" || { cat "$work/why"; echo "FAILED: tender.p7s"; exit 1; }
echo "ok: tender.json is signed"

content bid.stub "$work/stub.json"
same "stub and tender" "$(sha tender.json)" "$(value "$work/stub.json" tender_sha256)"
echo "ok: bid.stub is signed and answers this tender"

for receipt in receipt-*.p7s; do
  [ -e "$receipt" ] || continue
  stem=${receipt%.p7s}
  content "$receipt" "$work/receipt.json"
  cmp -s "$work/receipt.json" "$stem.json" || { echo "FAILED: $stem.json"; exit 1; }
  openssl ts -verify -in "$stem.tsr" -data "$receipt" -CAfile "$ca" >/dev/null 2>"$work/why" ||
    { cat "$work/why"; echo "FAILED: $stem.tsr"; exit 1; }
  received=$(value "$stem.json" received_at)
  [[ "$received" < "$(value "$stem.json" deadline)" ]] || { echo "FAILED: $stem: late"; exit 1; }
  echo "ok: $receipt is signed and time-stamped; received $received, before the deadline"
done
if [ -e "${stem:-none}.json" ] && [ "$(value "$stem.json" stub_sha256)" = "$(sha bid.stub)" ]; then
  same "$stem and stub" "$(value "$stem.json" sealed_sha256)" "$(value "$work/stub.json" sealed_sha256)"
  echo "ok: $stem is about this stub"
fi

for name in sign-in release confirm objection; do
  [ -e "$name.p7s" ] || continue
  content "$name.p7s" "$work/$name.json"
  content "acknowledgement-$name.p7s" "$work/acknowledgement.json"
  same "acknowledgement of $name" "$(sha "$name.p7s")" "$(value "$work/acknowledgement.json" statement_sha256)"
  [ ! -e chain.jsonl ] || grep -q "$(sha "$name.p7s")" chain.jsonl || { echo "FAILED: $name is not in the chain"; exit 1; }
  opening=$(value "$work/$name.json" opening)
  echo "ok: $name is signed, acknowledged and in the chain"
done

if [ -e chain.jsonl ] && [ -n "${opening:-}" ]; then
  head=$(printf 'bidnet/chain/1\0%s' "$opening" | sha256sum | cut -c1-64)
  count=0
  while IFS= read -r event; do
    count=$((count + 1))
    grep -q "\"prev\":\"$head\",\"seq\":$count," <<<"$event" || { echo "FAILED: chain at event $count"; exit 1; }
    digest=$(printf '%s' "$event" | sha256sum | cut -c1-64)
    head=$( (unhex "$head"; unhex "$digest") | sha256sum | cut -c1-64)
  done <chain.jsonl
  echo "ok: chain of $count events, head $head"
fi
if [ -e readout.json ] && [ -e confirm.p7s ]; then
  same "read-out and confirmation" "$(sha readout.json)" "$(value "$work/confirm.json" table_sha256)"
  echo "ok: readout.json is the table that was confirmed"
fi

if [ -e journal.jsonl ]; then
  prev=$(printf 'bidclient/journal/1\0' | sha256sum | cut -c1-64)
  while IFS= read -r line; do
    grep -q "\"prev\":\"$prev\"" <<<"$line" || { echo "FAILED: journal"; exit 1; }
    prev=$(printf '%s' "$line" | sha256sum | cut -c1-64)
  done <journal.jsonl
  echo "ok: the bidder's journal is whole"
fi
echo "all hold"
