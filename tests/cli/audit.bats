#!/usr/bin/env bats
# The audit log as an auditor meets it: intact, tampered with, foreign; by georder and by others.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

origin=rehearsal.example/georder

# One template for all: records 0 to 10. Nothing listens, so that orders end as not sent.
setup_file() {
    home_template
    local round
    for round in 1 2 3; do
        [ "$round" != 3 ] || cp "$HOUSE/audit/checkpoint" "$HOUSE/checkpoint.8"
        run -7 georder order --quiet --again --file "$HOUSE/order.json"
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
}

setup() {
    home_copy
    records=$HOUSE/audit/records/000000000000.jsonl
}

teardown() {
    rehearsal_stop
}

# A log alone, as an auditor got it.
stranger() { # VERB ARGUMENT...
    env -i "$GEORDER" audit "$1" --directory "$HOUSE/audit" --origin "$origin" "${@:2}"
}

# bad VERDICT WHERE TEXT: that is what is found, by the program and by its JSON
bad() {
    run --separate-stderr stranger verify
    [[ $status == 10 && $output == "$1: "*"$3"* && $stderr == "georder audit: the log does not verify: $1: "*"$3"* ]] ||
        { echo "exit $status: $output $stderr" >&2 && return 1; }
    run --separate-stderr stranger verify --json
    jq -es --arg verdict "$1" --argjson where "$2" 'length == 1 and (.[0] | .command == "audit"
        and .exit == 10 and .result == "audit" and .verdict == $verdict and .where == $where
        and .error == "the log does not verify: \($verdict): \(.text)")' <<<"$output" >/dev/null ||
        { echo "$output" >&2 && return 1; }
}

jose() {
    local modules=$GEORDER_SOURCE/build/node/node_modules
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    run node "$GEORDER_SOURCE/tests/node/verify-log.mjs" "$HOUSE/audit" "$modules" "$@"
}

@test "an intact log: exit 0, by its config and by directory and origin alone" {
    run -0 --separate-stderr georder audit verify
    [ -z "$stderr" ]
    [[ $output == 'intact: all 11 records are good'*'records 11, checkpoint at 11, root '*' (trusted)' ]]
    run -0 --separate-stderr stranger verify
    [[ $output == *' (not compared with a key you trust: give --key)' ]]
    run -0 stranger verify --quiet
    [ -z "$output" ]
    run -0 stranger verify --json
    jq -es --rawfile note "$HOUSE/audit/checkpoint" 'length == 1 and (.[0] | .verdict == "intact"
        and .exit == 0 and .records == 11 and .checkpoint_size == 11 and .unclosed_intents == 0
        and (.key_trusted | not) and (has("where") | not) and .root == ($note / "\n")[2])' <<<"$output"
}

@test "--key: the thumbprint of the only key to trust" {
    local kid
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    run -0 stranger verify --key "$kid"
    [[ $output == *"key $kid (trusted)" ]]
    run -10 --separate-stderr stranger verify --key "${kid//[A-Z]/x}"
    [[ $output == "unknown_key: record 0 is signed by the key $kid, not by ${kid//[A-Z]/x}"* ]]
    [[ $output != *trusted* ]]
    home_edit georder.json '.audit.signing_key_thumbprint = "another"'
    run -10 georder audit verify
    [[ $output == *unknown_key* ]]
    run -0 georder audit verify --key "$kid"
}

@test "one changed byte of a payload, a header or a signature: altered, at that record" {
    sed -i '4s/"payload":"eyJ/"payload":"eyK/' "$records"
    bad altered 3 'record 3 does not fit its signature'
    home_copy_again
    sed -i '$s/"signature":"./"signature":"/' "$records"
    run -10 stranger verify
    [[ $output == *'record 10'* ]]
    home_copy_again
    flip 1 signature
    bad altered 0 'record 0 does not fit its signature'
    home_copy_again
    flip 11 signature
    bad altered 10 'record 10 does not fit its signature'
    home_copy_again
    flip 6 payload
    run -10 stranger verify
    [[ $output == *'record 5'* ]]
}

# flip LINE MEMBER: another digit in the middle of it
flip() {
    local line=$1 member=$2 at
    at=$(sed -n "${line}p" "$records" | grep -ob "\"$member\":\"" | cut -d: -f1)
    sed -i "${line}s/^\(.\{$((at + 40))\}\)A/\1B/;t;${line}s/^\(.\{$((at + 40))\}\)./\1A/" "$records"
}

home_copy_again() {
    rm -rf "$HOUSE"
    home_copy
}

@test "a record deleted: gap; the last one: rolled back" {
    sed -i 5d "$records"
    bad gap 4 '1 records are missing: record 5 stands where 4 should be'
    home_copy_again
    sed -i '3,6d' "$records"
    bad gap 2 '4 records are missing'
    home_copy_again
    sed -i '$d' "$records"
    bad rolled_back 10 'the checkpoint is of 11 records, but only 10 are there'
    home_copy_again
    rm "$records"
    bad rolled_back 0 'only 0 are there'
}

@test "a record twice: duplicate; two swapped: altered" {
    sed -i 5p "$records"
    bad duplicate 5 'record 4 is there twice'
    home_copy_again
    sed -i '5{h;d};6{G}' "$records"
    bad altered 4 'out of order: record 5 stands in the place of 4'
}

@test "the end cut off, or grown: rolled back, torn tail, malformed" {
    truncate -s -20 "$records"
    bad rolled_back 10 'only 10 are there'
    home_copy_again
    printf garbage >>"$records"
    bad torn_tail 11 '7 bytes of a record that was never completed'
    home_copy_again
    echo garbage >>"$records"
    bad malformed 11 'record 11 is not a signed record'
    home_copy_again
    printf '{"payload":"e30","protected":"e30","signature":"AAAA"}\n' >>"$records"
    run -10 stranger verify
}

@test "a torn tail is moved aside by the next append, and the record of it makes the log good again" {
    printf garbage >>"$records"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    run -0 georder audit verify
    [[ $output == 'repaired: '* ]]
    [[ $(events) == *' log.repaired order.denied' ]]
}

@test "the checkpoint: rolled back, removed, forged, of another log" {
    cp "$HOUSE/checkpoint.8" "$HOUSE/audit/checkpoint"
    bad unanchored_tail 8 '3 good records follow the checkpoint of 8'
    rm "$HOUSE/audit/checkpoint"
    bad unanchored_tail 0 'no checkpoint'
    echo x >"$HOUSE/audit/checkpoint"
    run -10 stranger verify
    [[ $output == 'malformed: the checkpoint'* ]]
    home_copy_again
    sed -i 's/^11$/12/' "$HOUSE/audit/checkpoint"
    run -10 stranger verify
    [[ $output == 'altered: the checkpoint does not fit its signature'* ]]
    home_copy_again
    sed -i "s|$origin|other/log|" "$HOUSE/audit/checkpoint"
    run -10 stranger verify
    home_copy_again
    run -10 env -i "$GEORDER" audit verify --directory "$HOUSE/audit" --origin other/log
    [[ $output == *'belongs to another log'* ]]
}

@test "a rolled back checkpoint is anchored anew by the next append" {
    cp "$HOUSE/checkpoint.8" "$HOUSE/audit/checkpoint"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    run -0 georder audit verify
    [[ $output == 'intact: all 12 records are good'* ]]
}

@test "a record, a checkpoint, a whole log of a foreign key: unknown key" {
    local foreign=$BATS_TEST_TMPDIR/foreign
    "$GEORDER_SOURCE/tests/rehearsal/make-home" "$foreign" "$REHEARSAL_CA" 1 keystore
    sed -i -e "5r $foreign/audit/records/000000000000.jsonl" -e 5d "$records"
    bad unknown_key 4 ', whose public key is not in keys/'
    cp "$HOUSE_TEMPLATE/audit/records/000000000000.jsonl" "$records"
    cp "$foreign/audit/checkpoint" "$HOUSE/audit/checkpoint"
    run -10 stranger verify
    [[ $output == 'unknown_key: the checkpoint'* ]]
    rm -r "$HOUSE/audit"
    cp -a "$foreign/audit" "$HOUSE/audit"
    run -0 stranger verify
    run -10 georder audit verify
    [[ $output == *'unknown_key: record 0'* ]]
    rm "$HOUSE/audit/keys"/*
    bad unknown_key 0 'record 0'
}

@test "a log is verified, listed and shown from a directory that cannot be written" {
    local before
    chmod -R a-w "$HOUSE/audit"
    before=$(find "$HOUSE" -printf '%p %s %T@\n' | sort | sha256sum)
    run -0 stranger verify
    run -0 stranger list
    run -0 stranger show 3
    [ "$(find "$HOUSE" -printf '%p %s %T@\n' | sort | sha256sum)" = "$before" ]
    chmod -R u+w "$HOUSE/audit"
}

# bats test_tags=sandbox
@test "verifying opens no file for writing, no socket, and starts nothing" {
    run -0 strace -f -qq -o "$HOUSE/trace" -e trace=network,process,openat,open,creat "$GEORDER" \
        audit verify --directory "$HOUSE/audit" --origin "$origin"
    [ -s "$HOUSE/trace" ]
    run -1 grep -E 'socket|connect|fork|O_WRONLY|O_RDWR|O_CREAT' "$HOUSE/trace"
    [ "$(grep -c execve "$HOUSE/trace")" = 1 ]
}

@test "list: a line a record; --json: the whole events" {
    run -0 --separate-stderr georder audit list
    [ "${#lines[@]}" = 11 ]
    [[ ${lines[0]} =~ ^\ +0\ \ 20[0-9-]+T[0-9:.]+Z\ \ log.created\ +the\ audit\ log\ was\ created$ ]]
    [[ ${lines[1]} == *'policy.changed'*'another policy is in force from here on' ]]
    [[ ${lines[4]} == *'order.denied'*'denied by policy rehearsal, revision 1, for 5 reasons' ]]
    run -0 georder audit list --json
    jq -es 'length == 1 and (.[0] | .exit == 0 and [.records[].metadata.sequence] == [range(11)]
        and ([.records[] | .class_uid == 6003 and .metadata.version == "1.8.0"] | all))' <<<"$output"
    run -0 --separate-stderr georder audit list --quiet
    [ -z "$output$stderr" ]
}

@test "show: one record by its index, or all of an order" {
    run -0 georder audit show 4
    [[ ${lines[0]} == 'record 4' ]]
    [ "$(tail -n +2 <<<"$output" | jq -r .metadata.event_code)" = order.denied ]
    local id
    id=$(georder audit list --json | jq -r '.records[2].metadata.correlation_uid')
    run -0 georder audit show "$id"
    [ "$(grep '^record ' <<<"$output")" = $'record 2\nrecord 3' ]
    run -0 georder audit show "$id" --json
    [ "$(jq -r '[.records[].metadata.event_code] | join(" ")' <<<"$output")" = 'order.intent order.not_sent' ]
}

@test "wrong words and logs that are not there" {
    run -2 georder audit show
    [[ $output == *"give a record's index or an order's id" ]]
    run -2 georder audit show 11
    [[ $output == *'the log has no record or order 11' ]]
    run -2 georder audit show 99999999999999999999999999
    run -2 georder audit show -- -1
    run -2 georder audit show 1 2
    [[ $output == *'2: one word too many'* ]]
    run -2 georder audit verify 1
    run -2 georder audit
    [ "$output" = 'georder audit: say verify, list, show, export, prove, checkpoint, anchor, head or report; see georder audit --help' ]
    run -2 georder audit prove
    run -2 georder audit verify --directory "$HOUSE/audit"
    [[ $output == *'--directory and --origin go together' ]]
    run -10 env -i "$GEORDER" audit verify --directory "$HOUSE/nothing" --origin a
    [[ $output == *'does not exist'* ]]
    run -10 env -i "$GEORDER" audit verify --directory "$HOUSE" --origin a
    [[ $output == *'holds no log'* ]]
    run -10 env -i "$GEORDER" audit list --json --directory "$HOUSE" --origin a
    [[ $output == *'"exit": 10'* ]]
}

@test "what the API sends is inert on a terminal, and exact in JSON" {
    home_listen '{"orders": [{"answer": "refuse", "status": 400, "errors":
        [{"code": 1450, "message": "\u001b]0;owned\u0007\u202e red \u001b[31m"}]}]}'
    run -4 georder order --again --file "$HOUSE/order.json"
    [[ $output != *$'\e'* && $output != *$'\a'* && $output == *'\x1b]0;owned\x07'* ]]
    run -0 georder audit list
    [[ $output != *$'\e'* && $output != *$'\u202e'* ]]
    run -0 georder audit show 13
    [[ $output != *$'\e'* && $output != *$'\u202e'* && $output == *owned* ]]
    run -0 georder audit show 13 --json
    [[ $output != *$'\e'* ]]
    jq -e '.records[0] | tostring | contains("owned")' <<<"$output"
}

@test "a foreign verifier agrees: npm jose, WebCrypto, RFC 6962" {
    jose "$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")"
    [ "$status" = 0 ]
    [ "$output" = "11 records verified, $origin" ]
    sed -i '4s/"signature":"./"signature":"/' "$records"
    jose
    [ "$status" = 1 ]
    home_copy_again
    sed -i 5d "$records"
    jose
    [[ $status == 1 && $output == *"record 4 says it is 5" ]]
    home_copy_again
    sed -i '$d' "$records"
    jose
    [[ $status == 1 && $output == *'the checkpoint is for 11 records, not 10' ]]
    home_copy_again
    sed -i 's/^11$/12/' "$HOUSE/audit/checkpoint"
    jose
    [[ $status == 1 && $output == *'the signature of the checkpoint is wrong' ]]
}

@test "openssl alone verifies one record" {
    local part hex
    cd "$BATS_TEST_TMPDIR" || return 1
    for part in protected payload signature; do
        sed -n 4p "$records" | jq -rj ".$part" >"$part"
    done
    { cat protected && printf . && cat payload; } >input
    # r || s, base64url, becomes the DER that openssl wants
    hex=$(tr -- -_ +/ <signature | sed 's/$/==/' | base64 -d | od -An -v -tx1 | tr -d ' \n')
    [ "${#hex}" = 128 ]
    printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "${hex:0:64}" "${hex:64}" >der.conf
    openssl asn1parse -genconf der.conf -out signature.der >/dev/null
    # a P-256 key in SubjectPublicKeyInfo: 26 bytes, then 4, x, y
    { printf 3059301306072a8648ce3d020106082a8648ce3d03010703420004
      for part in x y; do jq -rj ".$part" "$HOUSE/audit/keys"/*.jwk | tr -- -_ +/ | sed 's/$/=/' | base64 -d | od -An -v -tx1 | tr -d ' \n'; done
    } | tr a-f A-F | basenc --base16 -d | openssl pkey -pubin -inform DER -out key.pem
    run -0 openssl dgst -sha256 -verify key.pem -signature signature.der input
    [ "$output" = 'Verified OK' ]
    printf x >>input
    run -1 openssl dgst -sha256 -verify key.pem -signature signature.der input
}

# bats test_tags=sandbox
@test "list --json: 80,000 records are one document, printed as it is read" {
    local made log
    made=$("$GEORDER_BUILD/tests/bench/bench_log" make "$BATS_TEST_TMPDIR" 80000)
    log=${made% *}
    (ulimit -v 60000 && env -i "$GEORDER" audit list --json --directory "$log" --origin bench.example.com/georder) \
        >"$BATS_TEST_TMPDIR/list"
    [ "$(stat -c %s "$BATS_TEST_TMPDIR/list")" -gt $((64 * 1024 * 1024)) ]
    [ "$(tail -c 60 "$BATS_TEST_TMPDIR/list" | tr -d ' \n')" = '],"command":"audit","result":"done","exit":0}' ]
    [ "$(grep -c '^{"class_uid":6003,' "$BATS_TEST_TMPDIR/list")" = 80000 ]
    jq -e '.exit == 0 and (.records | length == 80000) and .records[79999].metadata.sequence == 79999' "$BATS_TEST_TMPDIR/list"
}
