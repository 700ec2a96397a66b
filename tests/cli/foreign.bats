#!/usr/bin/env bats
# The log as others verify it, with none of georder's code: openssl and coreutils by the script that
# is installed as documentation, Go's sumdb, npm jose, Sigstore's verifier.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder
modules=$GEORDER_SOURCE/build/node/node_modules

# A log by each algorithm: records 0 to 10, and the checkpoint of the first eight.
setup_file() {
    local alg
    home_template
    for alg in ES256 ES384 PS256; do
        export HOUSE=$BATS_FILE_TMPDIR/$alg
        FRESH_LOG=1 AUDIT_ALG=$alg "$GEORDER_SOURCE/tests/rehearsal/make-home" "$HOUSE" "$REHEARSAL_CA" 1
        while [ "$(wc -l <"$HOUSE/audit/records/000000000000.jsonl")" -lt 11 ]; do
            run -3 georder order --quiet --file "$HOUSE/denied.json"
            cp "$HOUSE/audit/checkpoint" "$HOUSE/checkpoint.$(sed -n 2p "$HOUSE/audit/checkpoint")"
            [ "$alg/$(sed -n 2p "$HOUSE/audit/checkpoint")" != ES256/8 ] || fork_begin
        done
    done
    fork_end
    rotated_make
    go_build
}

# A log by three keys, each by another algorithm.
rotated_make() {
    local alg said
    export HOUSE=$BATS_FILE_TMPDIR/rotated
    FRESH_LOG=1 "$GEORDER_SOURCE/tests/rehearsal/make-home" "$HOUSE" "$REHEARSAL_CA" 1
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    for alg in ES384 PS256; do
        said=$(georder key rotate --alg "$alg" --json \
            --to "$(jq -r .audit.signing_key "$HOUSE/georder.json" | sed "s/object=[^;?]*/object=$alg/")")
        home_edit georder.json ".audit += $(jq -c .audit <<<"$said")"
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
}

# Another end of the same log, by the same key.
fork_begin() {
    cp -a "$HOUSE" "$BATS_FILE_TMPDIR/fork"
    sed -i "s|$HOUSE|$BATS_FILE_TMPDIR/fork|" "$BATS_FILE_TMPDIR/fork/softhsm2.conf"
}
fork_end() {
    local HOUSE=$BATS_FILE_TMPDIR/fork
    while [ "$(wc -l <"$HOUSE/audit/records/000000000000.jsonl")" -lt 11 ]; do
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
}

# Minutes on a slow machine: Go's own library is compiled, too.
go_build() {
    command -v go >/dev/null && [ -d /usr/share/gocode/src/golang.org/x/mod ] || return 0
    GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$BATS_RUN_TMPDIR/go GOFLAGS=-trimpath \
        go build -o "$BATS_FILE_TMPDIR/verify_log" "$GEORDER_SOURCE/tests/go/verify_log.go"
}

# What a POSIX system has, and openssl; nothing else is found.
tools() {
    local tool
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    for tool in openssl base64 cat cp cut head mktemp mv od rm sed tail tr wc; do
        ln -sf "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
    done
}

setup() {
    tools
    log_copy ES256
}

log_copy() { # ALG or "rotated": a copy of that log to tamper with
    rm -rf "${BATS_TEST_TMPDIR:?}/home"
    export HOUSE=$BATS_TEST_TMPDIR/home
    mkdir "$HOUSE" && cp -a "$BATS_FILE_TMPDIR/$1"/{audit,georder.json} "$HOUSE"
    [[ $1 == rotated ]] || cp -a "$BATS_FILE_TMPDIR/$1"/checkpoint.* "$HOUSE"
    log=$HOUSE/audit records=$HOUSE/audit/records/000000000000.jsonl receipt=$BATS_TEST_TMPDIR/receipt
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    jwk=$log/keys/$kid.jwk
}

prove() { # INDEX
    "$GEORDER" audit prove "$1" --directory "$log" --origin "$origin" >"$receipt"
}

# script ARGUMENT...: verify-log.sh by dash, in an environment without anything of ours
script() {
    env -i PATH="$BATS_TEST_TMPDIR/bin" /bin/sh "$GEORDER_SOURCE/doc/verify-log.sh" "$@"
}

refused() { # TEXT: by the script
    run -1 script "$log" "$kid"
    [[ $output == "does not verify: "*"$1"* ]] || { echo "$output" >&2 && return 1; }
}

@test "openssl and coreutils verify a log by ES256, ES384 and PS256, and receipts of it" {
    local alg
    for alg in ES256 ES384 PS256; do
        log_copy "$alg"
        [[ $(<"$jwk") == *"\"alg\":\"$alg\""* ]]
        run -0 script "$log" "$kid"
        [ "$output" = "11 records verified, $origin, key $kid" ]
        prove 4
        run -0 script --receipt "$receipt" "$kid"
        [ "$output" = "record 4 verified, order.denied, among the first 11 of $origin, key $kid" ]
        sed -i "4{$(spoil '"signature":"')}" "$records"
        refused 'record 3 does not fit its signature'
    done
}

@test "the script is told a thumbprint, or says which it found; it wants arguments" {
    run -0 script "$log"
    [ "$output" = "11 records verified, $origin, key $kid" ]
    run -1 script "$log" "${kid//[A-Z]/x}"
    [ "$output" = "does not verify: the key of the log is $kid, not ${kid//[A-Z]/x}" ]
    run -2 script
    [[ $output == *'verify-log.sh DIRECTORY [THUMBPRINT]'* ]]
}

@test "the script finds a record that is missing, twice, elsewhere, or the last ones" {
    sed -i 5d "$records"
    refused 'record 4 says that it is record 5'
    log_copy ES256
    sed -i 5p "$records"
    refused 'record 5 says that it is record 4'
    log_copy ES256
    sed -i -e '5{h;d}' -e '6G' "$records"
    refused 'record 4 says that it is record 5'
    log_copy ES256
    sed -i '$d' "$records"
    refused 'rolled back: 10 records, but the checkpoint is of 11'
    log_copy ES256
    truncate -s -1 "$records"
    refused 'the last record of records/000000000000.jsonl has no end'
}

@test "the script finds a checkpoint that is older, another's, altered, or of other records" {
    cp "$HOUSE/checkpoint.8" "$log/checkpoint"
    refused '3 good records follow the checkpoint of 8'
    log_copy ES256
    sed -i 's/^11$/12/' "$log/checkpoint"
    refused 'the checkpoint carries no good signature of the key'
    log_copy ES256
    cp "$BATS_FILE_TMPDIR/ES384/audit/checkpoint" "$log/checkpoint"
    refused 'the checkpoint carries no good signature of the key'
    log_copy ES256
    sed -i '4,$d' "$log/checkpoint"
    refused 'the checkpoint carries no good signature of the key'
}

@test "the script finds bytes that a shell would not see, and a key that is not its name's" {
    sed -i '3s/"protected"/\x00"protected"/' "$records"
    refused 'has bytes that no record has'
    log_copy ES256
    sed -i '3s/{"payload"/{ "payload"/' "$records"
    refused 'record 2 is no signed record'
    log_copy ES256
    cp "$BATS_FILE_TMPDIR/ES384/audit/keys/"*.jwk "$jwk"
    refused "not $kid"
    log_copy ES256
    cp "$BATS_FILE_TMPDIR/ES384/audit/keys/"*.jwk "$log/keys/"
    sed -n 4p "$BATS_FILE_TMPDIR/ES384/audit/records/000000000000.jsonl" >"$BATS_TEST_TMPDIR/line"
    sed -i -e "3r $BATS_TEST_TMPDIR/line" -e 4d "$records"
    refused "record 3 is signed by the key"
}

# As whoever has the key could: each record is well signed, and has the right number.
@test "the script finds a record of a fork, and a fork with the log's checkpoint" {
    local fork=$BATS_FILE_TMPDIR/fork/audit
    run -0 script "$fork" "$kid"
    sed -n 10p "$fork/records/000000000000.jsonl" >"$BATS_TEST_TMPDIR/line"
    sed -i -e "9r $BATS_TEST_TMPDIR/line" -e 10d "$records"
    refused 'record 9 does not follow the one before'
    cp "$fork/records/000000000000.jsonl" "$records"
    refused 'the checkpoint is of other records than those that are there'
}

@test "the script reads a receipt strictly: each line of it counts" {
    local line count
    prove 6
    run -0 script --receipt "$receipt" "$kid"
    run -1 script --receipt "$receipt" "${kid//[A-Z]/x}"
    [[ $output == *"the key has the thumbprint $kid, not "* ]]
    count=$(wc -l <"$receipt")
    for ((line = 1; line <= count; line++)); do
        sed "${line}d" "$receipt" >"$receipt.cut"
        run -1 script --receipt "$receipt.cut" "$kid"
        [[ $output == 'does not verify: '* ]] || { echo "line $line: $output" >&2 && return 1; }
    done
    sed 's/^index 6/index 7/' "$receipt" >"$receipt.other"
    run -1 script --receipt "$receipt.other" "$kid"
    [[ $output == *'the record says that it is 6' ]]
    sed "4{$(spoil ^)}" "$receipt" >"$receipt.other"
    run -1 script --receipt "$receipt.other" "$kid"
    [[ $output == *'the record is not in the tree of the checkpoint' ]]
    sed 's/^11$/12/' "$receipt" >"$receipt.other"
    run -1 script --receipt "$receipt.other" "$kid"
    [[ $output == *"the checkpoint carries no good signature of the key $kid" ]]
}

byte_change() { # FILE OFFSET: to another byte, whatever it is
    local byte=x
    [ "$(tail -c "+$(($2 + 1))" "$1" | head -c 1 | od -An -tx1)" != ' 78' ] || byte=y
    printf %s "$byte" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

go_verifies() { # ARGUMENT...
    [ -x "$BATS_FILE_TMPDIR/verify_log" ] || skip 'Go and golang-golang-x-mod-dev are not installed: ./dev test does that'
    run "$BATS_FILE_TMPDIR/verify_log" "$@"
}

@test "Go's sumdb reads the tiles and proves each record by them, and finds what was changed" {
    local alg
    for alg in ES256 ES384; do
        log_copy "$alg"
        go_verifies log "$log" "$jwk"
        [ "$status/$output" = '0/11 records are in the tree' ]
    done
    sed -i "4{$(spoil '"signature":"')}" "$records"
    go_verifies log "$log" "$jwk"
    [[ $status == 1 && $output == 'does not verify: '* ]]
    log_copy ES256
    byte_change "$log/tile/0/000.p/11" 40
    go_verifies log "$log" "$jwk"
    [[ $status == 1 && $output == 'does not verify: '* ]]
    log_copy ES256
    sed -i 's/^11$/10/' "$log/checkpoint"
    go_verifies log "$log" "$jwk"
    [[ $status == 1 && $output == *'invalid signature'* ]]
}

@test "Go's sumdb reads tiles above the first level, of some hundred records" {
    local made
    made=$("$GEORDER_BUILD/tests/bench/bench_log" make "$BATS_TEST_TMPDIR" 700)
    go_verifies log "${made% *}" "${made% *}/keys/${made#* }.jwk"
    [ "$status/$output" = '0/700 records are in the tree' ]
}

@test "Go's sumdb checks the inclusion proof of a receipt, and a consistency proof" {
    local index
    for index in 0 3 7 10; do
        prove "$index"
        go_verifies receipt "$receipt" "$jwk"
        [ "$status/$output" = "0/record $index is among the first 11" ]
        sed "s/^index $index/index 5/" "$receipt" >"$receipt.other"
        go_verifies receipt "$receipt.other" "$jwk"
        [ "$status" = 1 ]
    done
    run -0 --separate-stderr georder audit checkpoint --compare "$HOUSE/checkpoint.8" --json
    jq -r '.consistency_proof[]' <<<"$output" >"$BATS_TEST_TMPDIR/proof"
    go_verifies compare "$HOUSE/checkpoint.8" "$log/checkpoint" "$jwk" "$BATS_TEST_TMPDIR/proof"
    [ "$status/$output" = '0/the tree of 11 has grown out of that of 8' ]
    sed -i "$(spoil ^)" "$BATS_TEST_TMPDIR/proof"
    go_verifies compare "$HOUSE/checkpoint.8" "$log/checkpoint" "$jwk" "$BATS_TEST_TMPDIR/proof"
    [ "$status" = 1 ]
}

@test "npm jose verifies every record by ES256, ES384 and PS256" {
    local alg
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    for alg in ES256 ES384 PS256; do
        log_copy "$alg"
        run -0 node "$GEORDER_SOURCE/tests/node/verify-log.mjs" "$log" "$modules" "$kid"
        [ "$output" = "11 records verified, $origin" ]
        sed -i "4{$(spoil '"signature":"')}" "$records"
        run -1 node "$GEORDER_SOURCE/tests/node/verify-log.mjs" "$log" "$modules" "$kid"
        [[ $output == 'does not verify: signature verification failed' ]]
    done
}

@test "openssl and npm jose follow the log from key to key" {
    local first last line count jose=(node "$GEORDER_SOURCE/tests/node/verify-log.mjs")
    log_copy rotated
    first=$(head -n 1 "$records" | jq -r '.protected | @base64d | fromjson | .kid')
    last=$kid count=$(wc -l <"$records")
    [ "$first" != "$last" ]
    run -0 script "$log" "$first"
    [ "$output" = "$count records verified, $origin, key $last" ]
    run -0 script "$log" "$last"
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    mkdir "$BATS_TEST_TMPDIR/readme"
    ln -s "$modules" "$BATS_TEST_TMPDIR/readme/node_modules"
    sed -n '/^    \/\/ node verify.mjs/,/^## /s/^    //p' "$GEORDER_SOURCE/README.md" >"$BATS_TEST_TMPDIR/readme/verify.mjs"
    run -0 node "$BATS_TEST_TMPDIR/readme/verify.mjs" "$log" "$first"
    [ "$output" = "$(sed -n 2,3p "$log/checkpoint")"$'\n'"$last" ]
    run -0 "${jose[@]}" "$log" "$modules" "$last"
    [ "$output" = "$count records verified, $origin" ]
    for ((line = 1; line <= count; line++)); do
        log_copy rotated
        sed -i "$line{$(spoil '"signature":"')}" "$records"
        run -1 "${jose[@]}" "$log" "$modules" "$last"
        [[ $output == 'does not verify: signature verification failed' ]]
        run ! node "$BATS_TEST_TMPDIR/readme/verify.mjs" "$log" "$first"
        run -1 script "$log" "$last"
    done
}

@test "Sigstore's verifier checks the checkpoint and the inclusion proof of a receipt" {
    local alg
    [[ -d $modules/@sigstore/verify ]] || skip 'npm @sigstore/verify is not installed: ./dev test does that'
    sigstore() { run node "$GEORDER_SOURCE/tests/node/sigstore-receipt.mjs" "$1" "$jwk" "$modules"; }
    for alg in ES256 ES384; do
        log_copy "$alg"
        prove 6
        sigstore "$receipt"
        [ "$status/$output" = "0/record 6 of $origin, 11 records" ]
        sed 's/^index 6/index 4/' "$receipt" >"$receipt.other"
        sigstore "$receipt.other"
        [[ $status == 1 && $output == *'calculated root hash does not match inclusion proof' ]]
        sed 's/^11$/12/' "$receipt" >"$receipt.other"
        sigstore "$receipt.other"
        [[ $status == 1 && $output == *'invalid checkpoint signature' ]]
    done
}

# The blocks of the page that show commands, as one script; they go on from each other. Two need what is
# not here: a timestamp in anchors/, and a syslog server.
recipes() { # [left_out]: those two alone
    awk -v left_out="${1:+1}" '/^\.Bd -literal/ {block = ""; next}
        /^\.Ed/ {if (block ~ /^\$ / && (block ~ /anchors\/|--to /) == (left_out == 1)) printf "%s", block; block = ""; next}
        {block = block $0 "\n"}' "$GEORDER_SOURCE/src/audit/georder-audit.5" |
        sed -e 's/^\$ //' -e 's/\\e/\\/g' -e "s/THUMBPRINT/$kid/g" -e "s|/usr/share/doc/georder|$GEORDER_SOURCE/doc|" \
            -e "s|receipt FILE|receipt $receipt|"
}

root_of_two() {
    head -n 2 "$records" | node -e '
        const hash = (...parts) => require("crypto").createHash("sha256").update(Buffer.concat(parts)).digest();
        const [a, b] = require("fs").readFileSync(0, "utf8").split("\n").map((line) => hash(Buffer.of(0), Buffer.from(line)));
        console.log(hash(Buffer.of(1), a, b).toString("base64"))'
}

@test "every recipe of georder-audit(5) works as it stands there" {
    local hash
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    prove 5
    rm -r "$HOUSE" && cp -a "$BATS_FILE_TMPDIR/ES256" "$HOUSE"
    sed -i "s|$BATS_FILE_TMPDIR/ES256|$HOUSE|" "$HOUSE/softhsm2.conf"
    cd "$HOUSE" && ln -s "$modules" node_modules
    [ "$(recipes left_out | grep -c '^[^ ]')" = 3 ]
    { echo 'set -euo pipefail; georder() { "$GEORDER" "$@"; }' && recipes; } >recipes.bash
    [ "$(grep -c . recipes.bash)" -gt 40 ]
    GEORDER_CONFIG=$HOUSE/georder.json run -0 --separate-stderr bash recipes.bash
    [[ $output == "intact: record 5 is in the log"* ]]
    [[ $output == *$'\n'"11 records verified, $origin, key $kid"$'\n'* ]]
    [[ $output == *$'\n'"record 3 verified, order.denied, among the first 11 of $origin, key $kid"$'\n'"$kid"$'\n'* ]]
    [ "$(grep -c '^Verified OK$' <<<"$output")" = 2 ]
    hash=$(sed -n 2p "$records" | tr -d '\n' | sha256sum)
    [[ $output == *"\"previous\":\"${hash%% *}\""*"SHA2-256(stdin)= ${hash%% *}"* ]]
    [[ $output == *$'\n'"$(root_of_two)"$'\n'* ]]
    [[ $output == *$'\n'"11 records are signed by $kid"$'\n'* ]]
    [[ $output == *$'\n'"denied.csv: OK"$'\n'* ]]
    [[ $output == *"$(sed -n 11p "$records")"$'\n'* ]]
}

@test "the script is installed as documentation, and georder-audit(5) names it where it is" {
    run -0 cmake --install "$GEORDER_BUILD" --prefix "$BATS_TEST_TMPDIR/prefix"
    [ -x "$BATS_TEST_TMPDIR/prefix/share/doc/georder/verify-log.sh" ]
    grep -q '^\$ sh /usr/share/doc/georder/verify-log.sh audit THUMBPRINT$' "$GEORDER_SOURCE/src/audit/georder-audit.5"
}
