#!/usr/bin/env bash
# Opens a sealed bid (BSEAL/1) with stock tools only: bash, coreutils, openssl 3 and unzip.
#
#   verify-sealed.sh BID.sealed BID.stub CERTIFICATE.pem KEY.pem EMPTY-FOLDER [CA.pem]
#
# 1. the stub's signature; 2. size, SHA-256, file_root and head of the file against the stub;
# 3. the secret from the CMS wrap; 4. its commitment; 5. the chunks; 6. the bid's own digests and signature.
# AES-GCM decrypts as AES-CTR that starts at counter 2, SM4-GCM likewise; the chunks' integrity is that of file_root,
# checked before. Messages with SM2 are taken apart by sm2.sh, which lies beside this script.
# Anyone who runs this sees the secret in the process list of this machine: use it where you are alone.
set -euo pipefail
export LC_ALL=C.UTF-8 SHELL=/bin/bash
. "$(dirname "${BASH_SOURCE[0]}")/sm2.sh"

die() { echo "FAILED: $*" >&2; exit 1; }
[ $# -ge 5 ] || die "usage: $0 BID.sealed BID.stub CERTIFICATE.pem KEY.pem EMPTY-FOLDER [CA.pem]"
sealed=$1 stub=$2 certificate=$3 key=$4 out=$5 ca=${6:-}
mkdir -p "$out"
[ -z "$(ls -A "$out")" ] || die "$out is not empty"
trust=(-noverify)
[ -z "$ca" ] || trust=(-CAfile "$ca" -purpose any)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

hex() { od -An -v -tx1 | tr -d ' \n'; }
bytes() { tail -c "+$(($1 + 1))" "$sealed" | head -c "$2" || true; }
u32() { echo $((16#$(bytes "$1" 4 | hex))); }
text() { grep -o "\"$1\":\"[^\"]*\"" <<<"$2" | head -n 1 | cut -d '"' -f 4; }
number() { grep -o "\"$1\":[0-9]*" <<<"$2" | head -n 1 | cut -d : -f 2; }
same() { [ "$2" = "$3" ] || die "$1 is $3, should be $2"; echo "ok  $1"; }
# verified FILE OUT [CONTENT]: the content of a message whose signature holds, and under CA.PEM its chain too.
verified() {
  if is_sm2 "$1"; then
    sm2_signed "$1" "$2" "$ca" "$work" "${3:--}" >/dev/null
  else
    openssl cms -verify -binary -inform DER -in "$1" ${3:+-content "$3"} "${trust[@]}" -out "$2" 2>/dev/null
  fi
}

# 1. the stub
verified "$stub" "$work/stub.json" || die "signature of the stub"
signed=$(cat "$work/stub.json")
echo "ok  signature of the stub"

# 2. the file against the stub
[ "$(bytes 0 8 | hex)" = 89424944530d0a1a ] || die "not a sealed bid"
header_length=$(u32 8)
[ "$header_length" -le 65536 ] || die "header length"
header=$(bytes 12 "$header_length")
case $(number suite "$header") in
  1) hash=sha256 cipher=aes-256-ctr key_size=32 suite=01 ;;
  2) hash=sm3 cipher=sm4-ctr key_size=16 suite=02 ;;
  *) die "suite $(number suite "$header") is not for these tools" ;;
esac
digest() { openssl dgst "-$hash" -binary; }
wraps_at=$((16 + header_length))
wraps_length=$(u32 $((12 + header_length)))
[ "$wraps_length" -le 262144 ] || die "wraps length"
head_length=$((wraps_at + wraps_length))
payload_at=$(((head_length + 32 + 4095) / 4096 * 4096))
chunk=$(number chunk "$header")
chunks=$(number chunks "$header")
payload_length=$(number payload_len "$header")
same "length" $((payload_at + payload_length + 16 * chunks)) "$(stat -c %s "$sealed")"
same "sealed_size" "$(number sealed_size "$signed")" "$(stat -c %s "$sealed")"
same "sealed_sha256" "$(text sealed_sha256 "$signed")" "$(openssl dgst -sha256 -binary "$sealed" | hex)"
[ "$hash" = sha256 ] || same "sealed_sm3" "$(text sealed_sm3 "$signed")" "$(openssl dgst -sm3 -binary "$sealed" | hex)"
same "padding" 0 "$(bytes $((head_length + 32)) $((payload_at - head_length - 32)) | tr -d '\0' | wc -c)"
prefix=$(bytes 0 $((head_length + 32)) | base64 -w 0)
[ "$prefix" = "$(text prefix "$signed")" ] || die "the head is not the one of the stub"
echo "ok  head"
root=$({
  bytes 0 "$payload_at" | digest
  tail -c "+$((payload_at + 1))" "$sealed" | split -b $((chunk + 16)) --filter="openssl dgst -$hash -binary" -
} | digest | hex)
same "file_root" "$(text file_root "$signed")" "$root"

# 3. the secret
fingerprint=$(openssl x509 -in "$certificate" -outform DER | openssl dgst -sha256 -binary | hex)
wrap=$(grep -o "{\"certificate_sha256\":\"$fingerprint\",\"length\":[0-9]*,\"offset\":[0-9]*,[^}]*}" <<<"$header") ||
  die "nothing was wrapped to this certificate"
[ "$(number share "$wrap")" = 0 ] || die "this certificate holds one share of two"
bytes $((wraps_at + $(number offset "$wrap"))) "$(number length "$wrap")" >"$work/wrap"
if is_sm2 "$work/wrap"; then open=(sm2_opened "$work/wrap" "$key"); else
  open=(openssl cms -decrypt -binary -inform DER -in "$work/wrap" -recip "$certificate" -inkey "$key")
fi
content=$("${open[@]}" | hex) || die "the key does not open the wrap"
[ ${#content} = 160 ] && [ "${content:0:16}" = 4249444353310000 ] || die "the wrap holds no secret"
secret=${content:16:64}
echo "ok  secret"

# 4. the commitment
head_digest=$(bytes 0 "$head_length" | digest | hex)
info=6269647365616c2f317c${suite}7c$head_digest
material=$(openssl kdf -keylen $((key_size + 44)) -kdfopt "digest:$hash" -kdfopt "hexkey:$secret" \
  -kdfopt "hexsalt:$(text salt "$header")" -kdfopt "hexinfo:$info" HKDF | tr -d ':\n' | tr 'A-F' 'a-f')
same "commitment" "${material:$((2 * key_size + 24)):64}" "$(bytes "$head_length" 32 | hex)"

# 5. the chunks
export PAYLOAD_KEY=${material:0:$((2 * key_size))} NONCE_HEAD=${material:$((2 * key_size)):8} CIPHER=$cipher
export NONCE_TAIL=${material:$((2 * key_size + 8)):16}
# shellcheck disable=SC2016 # expanded by the shell that split starts for each chunk
tail -c "+$((payload_at + 1))" "$sealed" | split -d -a 9 -b $((chunk + 16)) --filter='
  nonce=$NONCE_HEAD$(printf "%016x" $((16#$NONCE_TAIL ^ 10#${FILE#x})))
  head -c -16 | openssl enc -d "-$CIPHER" -K "$PAYLOAD_KEY" -iv "${nonce}00000002"' - >"$out/bid.asice"
same "payload length" "$payload_length" "$(stat -c %s "$out/bid.asice")"

# 6. the bid itself
mkdir "$out/bid"
unzip -q "$out/bid.asice" -d "$out/bid" || die "unzip"
(cd "$out/bid" && sha256sum --quiet --strict -c manifest-sha256.txt) || die "digests of the documents"
echo "ok  digests of the documents"
verified "$out/bid/META-INF/signature001.p7s" /dev/null "$out/bid/META-INF/ASiCManifest.xml" ||
  die "signature of the bid"
for name in manifest.json manifest-sha256.txt; do
  digest=$(openssl dgst -sha256 -binary "$out/bid/$name" | base64 -w 0)
  grep -qF "$digest" "$out/bid/META-INF/ASiCManifest.xml" || die "$name is not what was signed"
done
echo "ok  signature of the bid"
echo "The sealed bid opens, and is what its stub and its signature say: $out/bid"
