#!/bin/sh
# Verifies a log of georder with openssl and coreutils alone: no georder, no JSON tool.
#
#   verify-log.sh DIRECTORY [THUMBPRINT]          every record, the chain, the tree, the checkpoint
#   verify-log.sh --receipt FILE [THUMBPRINT]     one record, by its receipt (a .tlog-proof)
#
# THUMBPRINT (RFC 7638) is the key that you trust, from elsewhere than the log's host. Without one this
# shows only that one key has signed all. Exit 0: verified. Exit 1: not, and why. Some 20 records a
# second; georder-audit(5) has the formats.
set -eu
export LC_ALL=C
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zeros=0000000000000000000000000000000000000000000000000000000000000000

fail() {
    echo "does not verify: $*" >&2
    exit 1
}

hash() { openssl dgst -sha256 -binary; }
hex() { od -An -v -tx1 | tr -d ' \n'; }

un64() { # base64url without padding (RFC 7515, section 2)
    text=$1
    while [ $((${#text} % 4)) != 0 ]; do text=$text=; done
    printf %s "$text" | tr -- -_ +/ | base64 -d
}

member() { # NAME: of a flat JSON object, a string without escapes
    sed -n "s/.*\"$1\":\"\\([^\"\\\\]*\\)\".*/\\1/p"
}

# RFC 6962, section 2.1
leaf() { { printf '\0' && printf %s "$1"; } | hash; }
node() { { printf '\1' && cat "$1" "$2"; } | hash; } # FILE FILE

# key_take JWK [THUMBPRINT]: the public key in $work/KID.pem, its algorithm in $work/KID.alg.
key_take() {
    canonical=${1%%,\"alg\"*}\}
    kid=$(printf %s "$canonical" | hash | base64 | tr -- +/ -_ | tr -d '=\n')
    [ "$kid" = "${2:-$kid}" ] || fail "the key has the thumbprint $kid, not $2"
    printf %s "$1" | member alg >"$work/$kid.alg"
    case $(cat "$work/$kid.alg") in
    ES256) ec_key prime256v1 "$1" ;;
    ES384) ec_key secp384r1 "$1" ;;
    RS256 | PS256) rsa_key "$1" ;;
    *) fail "the key $kid is of another kind" ;;
    esac >"$work/$kid.der"
    openssl pkey -pubin -inform DER -in "$work/$kid.der" -out "$work/$kid.pem"
    openssl pkey -pubin -in "$work/$kid.pem" -outform DER | hash | head -c 4 | hex >"$work/$kid.id"
}

# asn1 SECTION...: what this configuration of openssl's asn1parse describes, in DER
asn1() {
    printf '%s\n' "$@" >"$work/asn1.conf"
    openssl asn1parse -genconf "$work/asn1.conf" -noout -out "$work/asn1.der"
    cat "$work/asn1.der"
}

ec_key() { # CURVE JWK: SubjectPublicKeyInfo (RFC 5480)
    point=04$(un64 "$(printf %s "$2" | member x)" | hex)$(un64 "$(printf %s "$2" | member y)" | hex)
    asn1 'asn1=SEQUENCE:k' '[k]' 'a=SEQUENCE:a' "p=FORMAT:HEX,BITSTRING:$point" \
        '[a]' 'o=OID:id-ecPublicKey' "c=OID:$1"
}

rsa_key() { # JWK (RFC 8017)
    asn1 'asn1=SEQUENCE:k' '[k]' 'a=SEQUENCE:a' 'p=BITWRAP,SEQUENCE:n' \
        '[a]' 'o=OID:rsaEncryption' 'z=NULL' \
        '[n]' "n=INTEGER:0x$(un64 "$(printf %s "$1" | member n)" | hex)" \
        "e=INTEGER:0x$(un64 "$(printf %s "$1" | member e)" | hex)"
}

# signed_by KID DIGEST SIGNATURE_FILE <TEXT
signed_by() {
    set -- "$1" "$2" "$3" "$(cat "$work/$1.alg")"
    if [ "$4" = PS256 ]; then
        openssl dgst "-$2" -verify "$work/$1.pem" -signature "$3" -sigopt rsa_padding_mode:pss \
            -sigopt rsa_pss_saltlen:32
    else
        openssl dgst "-$2" -verify "$work/$1.pem" -signature "$3"
    fi >/dev/null 2>&1
}

# The signature of a JWS by an EC key is r and s, each as long as the curve; openssl wants DER.
ec_signature() { # HEX
    half=$((${#1} / 2))
    r=$(printf %s "$1" | cut -c "-$half") s=$(printf %s "$1" | cut -c "$((half + 1))-")
    asn1 'asn1=SEQUENCE:s' '[s]' "r=INTEGER:0x$r" "s=INTEGER:0x$s"
}

# record_check LINE: one flattened JWS (RFC 7515); sets kid and event.
record_check() {
    rest=${1#\{\"payload\":\"} && payload=${rest%%\"*}
    rest=${rest#*\",\"protected\":\"} && protected=${rest%%\"*}
    rest=${rest#*\",\"signature\":\"} && signature=${rest%%\"*}
    [ "$1" = "{\"payload\":\"$payload\",\"protected\":\"$protected\",\"signature\":\"$signature\"}" ] ||
        fail "$where is no signed record"
    header=$(un64 "$protected")
    kid=$(printf %s "$header" | member kid) alg=$(printf %s "$header" | member alg)
    case $kid in '' | *[!A-Za-z0-9_-]*) fail "$where names no key" ;; esac
    [ -s "$work/$kid.alg" ] || fail "$where is signed by the key $kid, which is not the log's"
    [ "$header" = "{\"alg\":\"$alg\",\"kid\":\"$kid\"}" ] || fail "$where has another header"
    [ "$alg" = "$(cat "$work/$kid.alg")" ] || fail "$where is not signed by the key's algorithm"
    digest=sha256
    case $alg in
    ES384) digest=sha384 && [ ${#signature} = 128 ] && ec_signature "$(un64 "$signature" | hex)" ;;
    ES256) [ ${#signature} = 86 ] && ec_signature "$(un64 "$signature" | hex)" ;;
    *) un64 "$signature" ;;
    esac >"$work/signature" || fail "$where has a signature of another length"
    printf %s "$protected.$payload" | signed_by "$kid" "$digest" "$work/signature" ||
        fail "$where does not fit its signature"
    event=$(un64 "$payload")
}

# What the log itself reads stands first, in one shape; within a string, quotes are escaped.
event_sequence() {
    text=${event#'{"class_uid":6003,"metadata":{"sequence":'}
    printf %s "${text%%,*}"
}
event_ours() { # MEMBER of unmapped.georder
    text=${event#*'},"unmapped":{"georder":{'}
    [ "$text" != "$event" ] || fail "$where is no event of georder"
    text=${text#*\""$1"\":\"}
    printf %s "${text%%\"*}"
}

# note_check FILE ORIGIN_OR_EMPTY KID: a C2SP checkpoint; sets origin, size and root.
note_check() {
    origin=$(sed -n 1p "$1") size=$(sed -n 2p "$1") root=$(sed -n 3p "$1")
    [ "$origin" = "${2:-$origin}" ] || fail "the checkpoint is of $origin, not of $2"
    case $size in '' | *[!0-9]* | 0?*) fail 'the checkpoint has no size' ;; esac
    [ -z "$(sed -n 4p "$1")" ] || fail 'the checkpoint has more than three lines'
    sed 3q "$1" >"$work/text"
    sed 1,4d "$1" | while read -r dash name signature; do
        [ "$dash $name" = "$(printf '\342\200\224') $origin" ] || continue
        printf %s "$signature" | base64 -d >"$work/signed" 2>/dev/null || continue
        [ "$(head -c 4 "$work/signed" | hex)" = "$(cat "$work/$3.id")" ] || continue
        tail -c +5 "$work/signed" >"$work/signature"
        signed_by "$3" sha256 "$work/signature" <"$work/text" || break
        echo good
    done >"$work/good"
    [ -s "$work/good" ] || fail "the checkpoint carries no good signature of the key $3"
}

# Whole subtrees, the largest first, are on a stack of files: the tree's right edge.
tree_push() { # INDEX LINE
    leaf "$2" >"$work/top"
    at=$1
    while [ $((at % 2)) = 1 ]; do
        node "$work/stack.$depth" "$work/top" >"$work/new" && mv "$work/new" "$work/top"
        depth=$((depth - 1)) at=$((at / 2))
    done
    depth=$((depth + 1))
    mv "$work/top" "$work/stack.$depth"
}
tree_root() {
    cp "$work/stack.$depth" "$work/root"
    at=$((depth - 1))
    while [ "$at" -gt 0 ]; do
        node "$work/stack.$at" "$work/root" >"$work/new" && mv "$work/new" "$work/root"
        at=$((at - 1))
    done
    base64 <"$work/root"
}

# log_check THUMBPRINT_OR_EMPTY, in the log's directory
log_check() {
    for file in keys/*.jwk; do
        name=${file#keys/}
        key_take "$(cat "$file")" "${name%.jwk}"
    done
    size=$(sed -n 2p checkpoint) count=0 depth=0 previous=$zeros key='' first='' root_then=''
    for file in records/*.jsonl; do
        [ "$file" = "records/$(printf %012d "$count").jsonl" ] || fail "$file is out of order"
        [ "$(tr -d '\000' <"$file" | wc -c)" = "$(wc -c <"$file")" ] ||
            fail "$file has bytes that no record has"
        while IFS= read -r line <&3; do line_check; done 3<"$file"
        [ -z "$line" ] || fail "the last record of $file has no end"
    done
    [ "${1:-$first}" = "$first" ] || [ "$1" = "$key" ] || fail "the key of the log is $key, not $1"
    note_check checkpoint '' "$key"
    [ "$size" -le "$count" ] || fail "rolled back: $count records, but the checkpoint is of $size"
    [ "$root" = "$root_then" ] || fail "the checkpoint is of other records than those that are there"
    [ "$size" = "$count" ] || fail "$((count - size)) good records follow the checkpoint of $size"
    echo "$count records verified, $origin, key $key"
}

# After a key.rotated record, which the old key signs, all is signed by the key that it names.
line_check() {
    where="record $count"
    record_check "$line"
    key=${key:-$kid} first=${first:-$kid}
    [ "$kid" = "$key" ] || fail "$where is signed by the key $kid, not by $key"
    [ "$(event_sequence)" = "$count" ] || fail "$where says that it is record $(event_sequence)"
    [ "$(event_ours previous)" = "$previous" ] || fail "$where does not follow the one before"
    [ "$(event_ours event)" != key.rotated ] || key=$(event_ours to)
    previous=$(printf %s "$line" | hash | hex)
    tree_push "$count" "$line"
    count=$((count + 1))
    [ "$count" != "$size" ] || root_then=$(tree_root)
}

# RFC 9162, section 2.1.3.2: on which side a hash stands, the index and the size say.
proof_step() { # HASH
    [ "$last" != 0 ] || fail 'the proof is too long'
    printf %s "$1" | base64 -d >"$work/other" 2>/dev/null || fail 'the proof is not made of hashes'
    if [ $((at % 2)) = 1 ] || [ "$at" = "$last" ]; then
        node "$work/other" "$work/root" >"$work/new"
        while [ $((at % 2)) = 0 ] && [ "$at" != 0 ]; do at=$((at / 2)) last=$((last / 2)); done
    else
        node "$work/root" "$work/other" >"$work/new"
    fi
    mv "$work/new" "$work/root"
    at=$((at / 2)) last=$((last / 2))
}

# receipt_check FILE THUMBPRINT_OR_EMPTY: a C2SP tlog-proof
receipt_check() {
    where='the record'
    [ "$(sed -n 1p "$1")" = c2sp.org/tlog-proof@v1 ] || fail "$1 is no receipt"
    sed -n '2s/^extra //p' "$1" | base64 -d >"$work/extra" 2>/dev/null || fail 'no record in it'
    index=$(sed -n '3s/^index //p' "$1")
    case $index in '' | *[!0-9]* | 0?*) fail "$1 names no record" ;; esac
    key_take "$(sed 1d "$work/extra")" "$2"
    key=$kid line=$(sed -n 1p "$work/extra")
    sed '1,/^$/d' "$1" >"$work/note"
    note_check "$work/note" '' "$key"
    record_check "$line"
    [ "$(event_sequence)" = "$index" ] || fail "the record says that it is $(event_sequence)"
    [ "$index" -lt "$size" ] || fail 'the record is not in the tree'
    at=$index last=$((size - 1))
    leaf "$line" >"$work/root"
    sed -n '4,/^$/p' "$1" | sed '$d' >"$work/proof"
    while read -r other; do proof_step "$other"; done <"$work/proof"
    [ "$last" = 0 ] || fail 'the proof is too short'
    [ "$(base64 <"$work/root")" = "$root" ] || fail 'the record is not in the tree of the checkpoint'
    echo "record $index verified, $(event_ours event), among the first $size of $origin, key $key"
}

case ${1:-} in
'') sed -n '2,10s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
--receipt) receipt_check "$2" "${3:-}" ;;
*) cd "$1" && log_check "${2:-}" ;;
esac
