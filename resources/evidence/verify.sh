#!/usr/bin/env bash
# Judges this evidence folder with stock tools only: bash, openssl, sha256sum, grep, sed.
# Usage: bash verify.sh CA.PEM [IDENTITY.PEM]
# CA.PEM is the root that you trust, IDENTITY.PEM the certificate by which the network signs; take both from a source
# of your own. Exit code: 0 all hold, 1 something does not, 2 nobody can tell whether the network has signed, because
# bidders have certificates of the same root and there is no IDENTITY.PEM.
set -euo pipefail
ca=$(realpath "${1:?usage: bash verify.sh CA.PEM [IDENTITY.PEM]}")
# With these only a certificate in IDENTITY.PEM may have signed, whatever the file itself brings along.
network=()
[ $# -lt 2 ] || network=(-nointern -certfile "$(realpath "$2")")
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./sm2.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed() { echo "FAILED: $*"; exit 1; }
# The content of a CMS file whose signature and chain hold; $by says who has signed. Old evidence is judged at its own
# time: no date check.
content() {
  local file=$1 out=$2
  shift 2
  if is_sm2 "$file"; then
    sm2_content "$file" "$out" "$@"
  else
    openssl cms -verify -binary -inform DER -in "$file" -CAfile "$ca" -purpose any -no_check_time \
      -signer "$work/signer.pem" "$@" -out "$out" 2>"$work/why" || { cat "$work/why"; failed "$file"; }
  fi
  by=$(openssl x509 -in "$work/signer.pem" -noout -subject -nameopt utf8,sep_comma_plus_space)
  by=${by#subject=}
}
# The same for SM2, with those of the options of openssl cms that are used here.
sm2_content() {
  local file=$1 out=$2 outside=- identity=
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      -content) outside=$2; shift 2 ;;
      -certfile) identity=$2; shift 2 ;;
      *) shift ;;
    esac
  done
  sm2_signed "$file" "$out" "$ca" "$work" "$outside" -no_check_time >"$work/why" || { cat "$work/why"; failed "$file"; }
  [ -z "$identity" ] || [ "$(openssl x509 -in "$identity")" = "$(openssl x509 -in "$work/signer.pem")" ] ||
    failed "$file: signed by another"
}
# A value in canonical JSON; the names used below occur once.
value() { grep -o "\"$2\":\"[^\"]*\"" "$1" | head -n 1 | sed 's/^[^:]*:"//; s/"$//'; }
number() { grep -o "\"$2\":[0-9]*" "$1" | head -n 1 | cut -d : -f 2; }
same() { [ "$2" = "$3" ] || failed "$1: $2 / $3"; }
sha() { sha256sum "$1" | cut -c1-64; }
unhex() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }

content tender.p7s /dev/null -content tender.json "${network[@]}"
echo "ok: tender.json is signed by $by"

content bid.stub "$work/stub.json"
same "stub and tender" "$(sha tender.json)" "$(value "$work/stub.json" tender_sha256)"
echo "ok: bid.stub is signed by $by and answers this tender"

touch "$work/said"
for said in finalize-*.p7s withdraw-*.p7s; do
  [ -e "$said" ] || continue
  content "$said" "$work/said.json"
  sha "$said" >>"$work/said"
  echo "ok: $said is signed by $by"
done

for receipt in receipt-*.p7s; do
  [ -e "$receipt" ] || continue
  stem=${receipt%.p7s}
  content "$receipt" "$work/receipt.json" "${network[@]}"
  cmp -s "$work/receipt.json" "$stem.json" || failed "$stem.json"
  openssl ts -verify -no_check_time -in "$stem.tsr" -data "$receipt" -CAfile "$ca" >/dev/null 2>"$work/why" ||
    { cat "$work/why"; failed "$stem.tsr"; }
  grep -q "^$(value "$stem.json" statement_sha256)\$" "$work/said" || failed "$stem: what it answers is not here"
  received=$(value "$stem.json" received_at)
  [[ "$received" < "$(value "$stem.json" deadline)" ]] || failed "$stem: late"
  echo "ok: $receipt is signed by $by and time-stamped; received $received, before the deadline"
done
if [ -e "${stem:-none}.json" ] && [ "$(value "$stem.json" stub_sha256)" = "$(sha bid.stub)" ]; then
  same "$stem and stub" "$(value "$stem.json" sealed_sha256)" "$(value "$work/stub.json" sealed_sha256)"
  echo "ok: $stem is about this stub"
fi

for name in sign-in release confirm objection; do
  [ -e "$name.p7s" ] || continue
  content "$name.p7s" "$work/$name.json"
  bidder=$by
  content "acknowledgement-$name.p7s" "$work/acknowledgement-$name.json" "${network[@]}"
  same "acknowledgement of $name" "$(sha "$name.p7s")" "$(value "$work/acknowledgement-$name.json" statement_sha256)"
  [ ! -e chain.jsonl ] || grep -q "\"statement_sha256\":\"$(sha "$name.p7s")\"" chain.jsonl ||
    failed "$name is not in the chain"
  opening=$(value "$work/$name.json" opening)
  echo "ok: $name is signed by $bidder, acknowledged by $by"
done

if [ -e chain.jsonl ]; then
  [ -n "${opening:-}" ] || failed "no statement here names the opening of chain.jsonl"
  heads=("$(printf 'bidnet/chain/1\0%s' "$opening" | sha256sum | cut -c1-64)")
  count=0
  while IFS= read -r event; do
    grep -q "\"prev\":\"${heads[count]}\",\"seq\":$((count + 1))," <<<"$event" ||
      failed "chain at event $((count + 1))"
    digest=$(printf '%s' "$event" | sha256sum | cut -c1-64)
    heads+=("$( (unhex "${heads[count]}"; unhex "$digest") | sha256sum | cut -c1-64)")
    count=$((count + 1))
  done <chain.jsonl
  # The links alone could be made anew by anybody: what the network has signed are the heads in its acknowledgements.
  known=0
  for acknowledged in "$work"/acknowledgement-*.json; do
    seq=$(number "$acknowledged" seq)
    same "chain at acknowledged event $seq" "${heads[seq]:-none}" "$(value "$acknowledged" head)"
    [ "$seq" -le "$known" ] || known=$seq
  done
  echo "ok: chain of $count events, acknowledged by signature up to event $known"
fi
if [ -e readout.json ]; then
  [ -e confirm.p7s ] || [ -e chain.jsonl ] || failed "nothing here names readout.json"
  [ ! -e confirm.p7s ] ||
    same "read-out and confirmation" "$(sha readout.json)" "$(value "$work/confirm.json" table_sha256)"
  [ ! -e chain.jsonl ] || grep -q "\"table_sha256\":\"$(sha readout.json)\"" chain.jsonl ||
    failed "readout.json is not in the chain"
  echo "ok: readout.json is the table that confirmation and chain name"
fi

if [ -e journal.jsonl ]; then
  prev=$(printf 'bidclient/journal/1\0' | sha256sum | cut -c1-64)
  while IFS= read -r line; do
    grep -q "\"prev\":\"$prev\"" <<<"$line" || failed "journal"
    prev=$(printf '%s' "$line" | sha256sum | cut -c1-64)
  done <journal.jsonl
  echo "ok: the bidder's journal is whole"
fi

for name in receipt-001.p7s sign-in.p7s release.p7s confirm.p7s chain.jsonl readout.json journal.jsonl; do
  [ -e "$name" ] || echo "not here: $name"
done
if [ ${#network[@]} = 0 ]; then
  echo "cannot tell whether the network signed tender, receipts and acknowledgements: no IDENTITY.PEM"
  exit 2
fi
echo "all hold"
