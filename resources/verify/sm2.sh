# Signatures and envelopes with SM2 (GM/T 0010) by stock tools: sourced by verify.sh and verify-sealed.sh.
#
# `openssl cms` of OpenSSL 3 cannot judge them: it computes Z with an empty identity. Here `openssl asn1parse` takes a
# message apart, and `openssl pkeyutl` and `openssl verify` are told the identity. CA.PEM must hold the SM2 root.
# shellcheck shell=bash

sm2_identity=distid:1234567812345678

# Whether FILE is a message in the names of GM/T 0010.
is_sm2() {
  openssl asn1parse -inform DER -in "$1" 2>/dev/null | sed -n 2p | grep -qE ':1\.2\.156\.10197\.6\.1\.4\.2\.[23]$'
}

# Offset, depth, length of head and body, and tag of every element of FILE, one a line.
sm2_elements() {
  openssl asn1parse -inform DER -in "$1" |
    sed -nE 's/^ *([0-9]+):d=([0-9]+) +hl=([0-9]+) +l= *([0-9]+) +(cons|prim): *(.*)$/\1 \2 \3 \4 \6/p'
}

# COUNT bytes of FILE from OFFSET.
sm2_bytes() { tail -c "+$(($2 + 1))" "$1" | head -c "$3" || true; }
# An element, whole or without its head; arguments as sm2_elements gives them.
sm2_whole() { sm2_bytes "$1" "$2" $(($4 + $5)); }
sm2_body() { sm2_bytes "$1" $(($2 + $4)) "$5"; }
sm2_hex() { od -An -v -tx1 | tr -d ' \n'; }

# sm2_signed FILE OUT CA.PEM WORK-FOLDER [CONTENT] [OPTION OF openssl verify...]
# The content of a SignedData to OUT, once signature and chain hold; "-" as CONTENT for an attached one. With an empty
# CA.PEM the chain is not looked at. The signer's certificate lies in WORK-FOLDER/signer.pem. Says why and returns 1
# otherwise.
sm2_signed() {
  local file=$1 out=$2 ca=$3 work=$4/sm2 content=${5:--} part=0 offset depth head body tag
  local -a attributes=() signature=() inside=()
  local -i certificates=0 signers=0
  shift $(($# < 5 ? $# : 5))
  rm -rf "$work" && mkdir "$work"
  while read -r offset depth head body tag; do
    [ "$depth" != 3 ] || part=$((part + 1)) # 3: content, 4: certificates, 5: signers
    case "$part.$depth.$tag" in
      3.5.OCTET*) inside=("$offset" "$depth" "$head" "$body") ;;
      4.4.SEQUENCE*)
        certificates+=1
        sm2_whole "$file" "$offset" "$depth" "$head" "$body" >"$work/$certificates.der"
        openssl x509 -inform DER -in "$work/$certificates.der" -out "$work/$certificates.pem" || return 1 ;;
      5.4.SEQUENCE*) signers+=1 ;;
      5.5.cont*0*) attributes=("$offset" "$depth" "$head" "$body") ;;
      5.5.OCTET*) signature=("$offset" "$depth" "$head" "$body") ;;
    esac
  done < <(sm2_elements "$file")
  [ "$part" = 5 ] && [ "$signers" = 1 ] && [ ${#attributes[@]} = 4 ] && [ ${#signature[@]} = 4 ] ||
    { echo "not a signature of one signer"; return 1; }
  if [ "$content" = - ]; then
    [ ${#inside[@]} = 4 ] || { echo "the content is not inside"; return 1; }
    sm2_body "$file" "${inside[@]}" >"$work/content"
  else
    [ ${#inside[@]} = 0 ] || { echo "content inside a detached signature"; return 1; }
    cat "$content" >"$work/content"
  fi
  # Signed are the attributes as SET OF, not under the tag that they have in the message.
  { printf '\x31'; sm2_whole "$file" "${attributes[@]}" | tail -c +2; } >"$work/attributes"
  sm2_body "$file" "${signature[@]}" >"$work/signature"
  # Each attribute once and by its place: the same bytes elsewhere, in an attribute of the signer's own making, count
  # for nothing, or one signature would fit two contents.
  local name= named= known
  local -A said=()
  while read -r offset depth head body tag; do
    case "$depth.$tag" in
      2.OBJECT*) name=$(sm2_whole "$work/attributes" "$offset" "$depth" "$head" "$body" | sm2_hex) ;;
      2.SET*)
        [ -z "${said[${name:-none}]+twice}" ] || { echo "an attribute twice"; return 1; }
        said[${name:-none}]=$(sm2_body "$work/attributes" "$offset" "$depth" "$head" "$body" | sm2_hex) ;;
      6.OCTET*) # the digest of the first certificate in signingCertificateV2
        [ "$name" != 060b2a864886f70d010910022f ] || [ -n "$named" ] ||
          named=$(sm2_body "$work/attributes" "$offset" "$depth" "$head" "$body" | sm2_hex) ;;
    esac
  done < <(sm2_elements "$work/attributes")
  [ "${said[06092a864886f70d010903]:-}" = 060a2a811ccf550601040201 ] || { echo "the signed content type differs"; return 1; }
  [ "${said[06092a864886f70d010904]:-}" = "0420$(openssl dgst -sm3 -binary "$work/content" | sm2_hex)" ] ||
    { echo "the content is not what was signed"; return 1; }
  local number signer=
  for ((number = 1; number <= certificates; number++)); do
    known=$(openssl dgst -sm3 -binary "$work/$number.der" | sm2_hex)
    [ "$named" != "$known" ] || signer=$work/$number.pem
  done
  [ -n "$signer" ] || { echo "the certificate that the signature names is not inside"; return 1; }
  openssl x509 -in "$signer" -noout -ext keyUsage 2>/dev/null | grep -q "Digital Signature" ||
    { echo "the signer's certificate is not for signatures"; return 1; }
  openssl pkeyutl -verify -rawin -digest sm3 -pkeyopt "$sm2_identity" -certin -inkey "$signer" \
    -sigfile "$work/signature" -in "$work/attributes" >/dev/null 2>&1 || { echo "the signature is wrong"; return 1; }
  if [ -n "$ca" ]; then
    csplit -s -z -f "$work/root-" -b %d.pem "$ca" '/-----BEGIN CERTIFICATE-----/' '{*}'
    sm2_chain "$signer" "$work" 4 "$@" || { echo "no chain to CA.PEM"; return 1; }
  fi
  cp "$signer" "$work/../signer.pem"
  [ "$out" = /dev/null ] || cp "$work/content" "$out"
}

# sm2_chain CERTIFICATE WORK-FOLDER DEPTH [OPTION...]: OpenSSL 3 gives the identity to the first link only, so link
# by link.
sm2_chain() {
  local certificate=$1 work=$2 depth=$3 issuer
  shift 3
  for issuer in "$work"/root-*.pem; do
    sm2_issued "$issuer" "$certificate" "$@" && return 0
  done
  [ "$depth" -gt 0 ] || return 1
  for issuer in "$work"/[0-9]*.pem; do
    [ "$issuer" != "$certificate" ] || continue
    openssl x509 -in "$issuer" -noout -ext basicConstraints 2>/dev/null | grep -q "CA:TRUE" || continue
    sm2_issued "$issuer" "$certificate" "$@" && sm2_chain "$issuer" "$work" $((depth - 1)) "$@" && return 0
  done
  return 1
}

sm2_issued() {
  local issuer=$1 certificate=$2
  shift 2
  openssl verify -vfyopt "$sm2_identity" -no-CApath -no-CAstore -partial_chain "$@" -CAfile "$issuer" "$certificate" \
    >/dev/null 2>&1
}

# sm2_opened FILE KEY.PEM: the content of an EnvelopedData to one SM2 certificate, on standard output.
sm2_opened() {
  local file=$1 key=$2 part=0 offset depth head body tag content_key
  local -a wrapped=() vector=() content=()
  while read -r offset depth head body tag; do
    [ "$depth" != 3 ] || part=$((part + 1)) # 2: recipients, 3: content
    case "$part.$depth.$tag" in
      2.5.OCTET*) wrapped=("$offset" "$depth" "$head" "$body") ;;
      3.5.OCTET*) vector=("$offset" "$depth" "$head" "$body") ;;
      3.4.cont*0*) content=("$offset" "$depth" "$head" "$body") ;;
    esac
  done < <(sm2_elements "$file")
  [ ${#wrapped[@]} = 4 ] && [ ${#vector[@]} = 4 ] && [ ${#content[@]} = 4 ] || return 1
  content_key=$(sm2_body "$file" "${wrapped[@]}" | openssl pkeyutl -decrypt -inkey "$key" 2>/dev/null | sm2_hex)
  [ ${#content_key} = 32 ] || return 1
  sm2_body "$file" "${content[@]}" |
    openssl enc -d -sm4-cbc -K "$content_key" -iv "$(sm2_body "$file" "${vector[@]}" | sm2_hex)"
}
