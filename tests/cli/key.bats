#!/usr/bin/env bats
# The audit key of a log, and how the log is handed on from one key to the next: keys on SoftHSM
# tokens and in keystores.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

setup_file() {
    home_template pkcs11
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
    old=$(jq -r .audit.signing_key_thumbprint georder.json)
    where=$(jq -r .audit.signing_key georder.json)
}

# The URI of another key on the same token, or in a keystore of its own.
to() { # NAME [keystore]
    if [[ ${2:-} == keystore ]]; then
        (umask 077 && printf 'correct horse battery' >words)
        echo "keystore:$1.json?name=$1&passphrase-source=file:words"
    else
        echo "${where/object=georder-audit/object=$1}"
    fi
}

# What rotate prints is put where it says.
adopt() { # JSON of rotate
    home_edit georder.json ".audit += $(jq -c .audit <<<"$1")"
}

rotate() { # URI ALG: rotates and adopts; sets new
    local said
    said=$(georder key rotate --to "$1" --alg "$2" --json) || return 1
    adopt "$said"
    new=$(jq -r .key <<<"$said")
}

# Something that is recorded.
record() {
    georder credential list --quiet
}

@test "a log that was never rotated has one key" {
    run --separate-stderr georder key list
    [ "$status" = 0 ]
    [[ $output == "$old ES256 current, records 0 to "*", $where" && -z $stderr ]]
    [ "$(georder key list --json | jq -c '[.keys[] | .key, .state, .first]')" = "[\"$old\",\"current\",0]" ]
}

@test "the log is handed on to a key that is made on the token" {
    local before
    before=$(georder audit list --json | jq '.records | length')
    run --separate-stderr georder key rotate --to "$(to second)" --alg ES384
    [ "$status" = 0 ]
    [[ $output == "the log is handed on to the key "*" (ES384), by record $before"* ]]
    [[ $output == *'"signing_key": "'"$(to second)"'",'* ]]
    [ "$(events | tr ' ' '\n' | tail -1)" = key.rotated ]
    last_record '.rotation | keys == ["from", "jwk", "signature", "to"]' | grep -qx true
    [ "$(last_record .rotation.from)" = "$old" ]
    verified
}

@test "until the config names the new key nothing is appended, and what is told names it" {
    local new
    new=$(georder key rotate --to "$(to second)" --json | jq -r .key)
    run --separate-stderr record
    [ "$status" = 10 ]
    [[ $stderr == *"it is the turn of the key $new, not of $old, to sign"*audit.signing_key* ]]
    run --separate-stderr georder doctor
    [[ $output$stderr == *"handed on to the key $new"* ]]
    run --separate-stderr georder key list
    [ "$status" = 0 ]
    [[ $stderr == "note: the config names the key $old; the current one is $new"* ]]
    verified
}

@test "with the new key in the config the log goes on, and either thumbprint trusts it" {
    local new
    rotate "$(to second)" ES256
    record
    verified
    georder audit verify --key "$old" --quiet
    georder audit verify --key "$new" --quiet
    run georder audit verify --key "${new//[A-Z]/x}"
    [ "$status" = 10 ]
    [[ $output == unknown_key:* ]]
    [ "$(georder key list --json | jq -c '[.keys[] | .key, .state]')" = \
        "[\"$old\",\"retired\",\"$new\",\"current\"]" ]
    georder audit export --format jsonl --key "$old" >/dev/null
    georder audit checkpoint --key "$old" --quiet
}

@test "receipts are checked by the first key and by the last" {
    local new index
    rotate "$(to second)" PS256
    record
    for index in 0 1 2; do
        georder audit prove $index --out "receipt.$index" --quiet
        georder audit verify --receipt "receipt.$index" --key "$old" --quiet
        georder audit verify --receipt "receipt.$index" --key "$new" --quiet
    done
    run georder audit verify --receipt receipt.0 --key "${new//[A-Z]/x}"
    [ "$status" = 10 ]
}

@test "an old config fails, and goes on with the new key's lines alone" {
    local new
    cp georder.json old.json
    rotate "$(to second)" ES256
    record
    run --separate-stderr "$GEORDER" credential list --config old.json
    [ "$status" = 10 ]
    [[ $stderr == *"$new"* ]]
    verified
}

@test "rotating once more to the same key finishes what is done, and records nothing" {
    local first count
    first=$(georder key rotate --to "$(to second)" --json)
    count=$(georder audit list --json | jq '.records | length')
    run --separate-stderr georder key rotate --to "$(to second)" --json
    [ "$status" = 0 ]
    [ "$(jq -c '[.key, .record]' <<<"$output")" = "$(jq -c '[.key, .record]' <<<"$first")" ]
    [ "$(georder audit list --json | jq '.records | length')" = "$count" ]
    adopt "$first"
    run --separate-stderr georder key rotate --to "$(to second)"
    [ "$status" = 2 ]
    [[ $stderr == *"signs this log already"* ]]
    run --separate-stderr georder key rotate --to "$where"
    [ "$status" = 2 ]
    [[ $stderr == *"signed this log before"* ]]
    verified
}

@test "a checkpoint that a crash has kept from being written is made good" {
    local new
    cp audit/checkpoint before
    new=$(georder key rotate --to "$(to second)" --json)
    cp before audit/checkpoint
    run georder audit verify
    [[ $output == unanchored_tail:* ]]
    georder key rotate --to "$(to second)" --quiet
    verified
    adopt "$new"
    cp before audit/checkpoint
    record
    verified
}

@test "each algorithm hands on to each, on a token" {
    local step=0 alg new
    for alg in ES384 PS256 ES256 PS256 ES384 ES256 RS256; do
        step=$((step + 1))
        rotate "$(to key$step)" $alg
        record
    done
    verified
    [ "$(georder key list --json | jq -r '[.keys[].alg] | join(" ")')" = \
        'ES256 ES384 PS256 ES256 PS256 ES384 ES256 RS256' ]
    georder audit verify --key "$old" --quiet
    georder audit verify --key "$new" --quiet
}

@test "each algorithm hands on to each, from token to keystore to token" {
    local step=0 alg new place
    for alg in ES384 PS256 ES256 PS256 ES384 ES256; do
        place=$((step % 2))
        step=$((step + 1))
        rotate "$(to key$step "${place/0/keystore}")" $alg
        record
    done
    verified
    georder audit verify --key "$old" --quiet
}

@test "a log begins by each algorithm, on a token and in a keystore" {
    local alg
    for alg in ES256 ES384 PS256; do
        (umask 077 && printf 'correct horse battery' >"words")
        "$GEORDER" init "$BATS_TEST_TMPDIR/$alg" --keystore --passphrase-source "file:$PWD/words" \
            --alg $alg --quiet
        "$GEORDER" audit verify --config "$BATS_TEST_TMPDIR/$alg/georder.json" --quiet
        [ "$("$GEORDER" key list --config "$BATS_TEST_TMPDIR/$alg/georder.json" --json |
            jq -r .keys[].alg)" = $alg ]
    done
}

@test "the log's head goes along: the new key replaces what the old one signed" {
    local new
    home_edit georder.json \
        ".audit.head = \"$(jq -r .credential georder.json | sed 's/object=[^;]*/object=georder-head/')\""
    georder audit head --create --quiet
    georder audit verify --head --quiet
    rotate "$(to second)" ES384
    georder audit verify --head --quiet
    georder audit verify --head --key "$old" --quiet
    record
    georder audit verify --head --quiet
    run georder audit verify --head --key "${new//[A-Z]/x}"
    [ "$status" = 10 ]
}

@test "a lost public key and a foreign one are told apart" {
    local new
    rotate "$(to second)" ES256
    record
    mv "audit/keys/$new.jwk" lost
    run georder audit verify
    [ "$status" = 10 ]
    [[ $output == "unknown_key: record "*" hands the log on to the key $new, whose public key is lost"* ]]
    mv lost "audit/keys/$new.jwk"
    verified
}

@test "what keeps the log from being handed on leaves the old key at work" {
    run --separate-stderr georder key rotate
    [ "$status" = 2 ]
    run --separate-stderr georder key rotate --to "$(to second)" --alg HS256
    [ "$status" != 0 ]
    run --separate-stderr georder key rotate --to "${where/token=georder/token=none}"
    [ "$status" = 9 ]
    run --separate-stderr georder key rotate --to "$where"
    [ "$status" = 2 ]
    [[ $stderr == *"signs this log already"* ]]
    record
    verified
    [ "$(georder key list --json | jq '.keys | length')" = 1 ]
}
