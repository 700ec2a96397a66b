#!/usr/bin/env bats
# Receipts and checkpoints, as who trusts only the log's public key checks them.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder

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
    receipt=$BATS_TEST_TMPDIR/receipt.tlog-proof
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    jwk=$HOUSE/audit/keys/$kid.jwk
}

teardown() {
    rehearsal_stop
}

# Somebody with neither home nor log.
stranger() { # ARGUMENT...
    env -i "$GEORDER" audit "$@"
}

@test "prove: a receipt that verifies by the thumbprint, by the JWK, and without the log" {
    run -0 georder audit prove 4 --out "$receipt"
    [ "$output" = "record 4: its receipt is in $receipt" ]
    [ "$(stat -c %a "$receipt")" = 600 ]
    mv "$HOUSE/audit" "$HOUSE/gone"
    run -0 --separate-stderr stranger verify --receipt "$receipt" --key "$kid"
    [[ $output == 'intact: record 4 is in the log, among its first 11'*"origin $origin, root "*"key $kid (trusted)"* ]]
    [ -z "$stderr" ]
    run -0 stranger verify --receipt "$receipt" --jwk "$HOUSE/gone/keys/$kid.jwk" --json
    jq -es --arg kid "$kid" --rawfile lines "$HOUSE/gone/records/000000000000.jsonl" 'length == 1 and (.[0] |
        .exit == 0 and .verdict == "intact" and .index == 4 and .checkpoint_size == 11 and .key == $kid and .key_trusted
        and (($lines / "\n")[4] | fromjson | .payload | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson) == .record)' <<<"$output"
    run -10 --separate-stderr stranger verify --receipt "$receipt" --key "${kid//[A-Z]/x}"
    [[ -z $output && $stderr == *'unknown_key: the receipt is of a log with the key '* ]]
    run -2 --separate-stderr stranger verify --receipt "$receipt"
    [[ $stderr == *'give the key to trust'* ]]
}

@test "prove ORDER: the last record of the order; none, and a file that is there, are refused" {
    local order last
    order=$(georder audit list --json | jq -r '[.records[] | .metadata.correlation_uid // "" | select(. != "")][0]')
    last=$(georder audit list --json | jq --arg order "$order" '[.records[] | select(.metadata.correlation_uid == $order)][-1].metadata.sequence')
    run -0 --separate-stderr georder audit prove "$order"
    [[ $output == "c2sp.org/tlog-proof@v1"*$'\n'"index $last"$'\n'* ]]
    printf '%s\n' "$output" >"$receipt"
    run -0 stranger verify --receipt "$receipt" --key "$kid"
    run -2 georder audit prove "$order" --out "$receipt"
    [[ $output == *"$receipt is there already: it is not overwritten"* ]]
    run -2 georder audit prove 11
    [[ $output == *'there is no record 11 to be proved'* ]]
    run -2 georder audit prove 0192f3a1-7b2c-7def-8123-456789abcdef
    [[ $output == *'the log has no record or order'* ]]
}

@test "each line of a receipt counts" {
    local line count
    georder audit prove 6 >"$receipt"
    count=$(wc -l <"$receipt")
    for ((line = 1; line <= count; line++)); do
        sed "${line}d" "$receipt" >"$receipt.cut"
        run -10 stranger verify --receipt "$receipt.cut" --key "$kid"
        sed "${line}p" "$receipt" >"$receipt.twice"
        # the signature of a note may stand there twice
        [ "$line" = "$count" ] || run -10 stranger verify --receipt "$receipt.twice" --key "$kid"
    done
}

@test "a receipt is checked by Node's own crypto and another Merkle proof, and its faults found" {
    local index
    for index in 0 3 7 10; do
        georder audit prove "$index" >"$receipt"
        run -0 node "$GEORDER_SOURCE/tests/node/verify-receipt.mjs" "$receipt" "$jwk"
        [[ $output == *" $index $origin" ]]
    done
    sed 's/^index 10/index 9/' "$receipt" >"$receipt.other"
    run -1 node "$GEORDER_SOURCE/tests/node/verify-receipt.mjs" "$receipt.other" "$jwk"
    sed 's/^11$/12/' "$receipt" >"$receipt.other"
    run -1 node "$GEORDER_SOURCE/tests/node/verify-receipt.mjs" "$receipt.other" "$jwk"
    [ "$output" = 'the checkpoint does not fit its signature' ]
}

@test "openssl alone verifies the checkpoint of a receipt, and coreutils its record's leaf" {
    local part
    cd "$BATS_TEST_TMPDIR" || return 1
    georder audit prove 10 >"$receipt"
    tail -n 5 "$receipt" | head -n 3 >text
    tail -n 1 "$receipt" | cut -d' ' -f3 | base64 -d | tail -c +5 >signature.der
    { printf 3059301306072a8648ce3d020106082a8648ce3d03010703420004
      for part in x y; do jq -rj ".$part" "$jwk" | tr -- -_ +/ | sed 's/$/=/' | base64 -d | od -An -v -tx1 | tr -d ' \n'; done
    } | tr a-f A-F | basenc --base16 -d | openssl pkey -pubin -inform DER -out key.pem
    run -0 openssl dgst -sha256 -verify key.pem -signature signature.der text
    [ "$output" = 'Verified OK' ]
    sed -n 's/^extra //p' "$receipt" | base64 -d | head -n 1 | cmp - <(sed -n 11p "$records")
}

@test "a record exchanged in the log: no receipt; tiles gone: the same receipt" {
    georder audit prove 4 >"$receipt"
    rm -r "$HOUSE/audit/tile"
    run -0 georder audit prove 4
    [ "$output" = "$(cat "$receipt")" ]
    sed -i "5{$(spoil '"signature":"')}" "$records"
    run -10 georder audit prove 4
    [[ $output == *'the checkpoint is of other records than those that are there'* ]]
}

@test "checkpoint: shown, exported byte for byte, and an older one compared" {
    run -0 --separate-stderr georder audit checkpoint --export "$BATS_TEST_TMPDIR/head"
    cmp "$BATS_TEST_TMPDIR/head" "$HOUSE/audit/checkpoint"
    [[ $output == "$(cat "$HOUSE/audit/checkpoint")"$'\n'"key $kid (trusted)" ]]
    run -0 georder audit checkpoint --compare "$HOUSE/checkpoint.8"
    [[ $output == *'intact: the log of 11 records has grown out of its first '* ]]
    run -0 georder audit checkpoint --compare "$HOUSE/checkpoint.8" --json
    jq -es --rawfile old "$HOUSE/checkpoint.8" 'length == 1 and (.[0] | .exit == 0 and .verdict == "intact" and .checkpoint_size == 11
        and (.compared_size | tostring) == ($old / "\n")[1] and .compared_root == ($old / "\n")[2]
        and (.consistency_proof | length > 0 and all(test("^[A-Za-z0-9+/]{43}=$"))))' <<<"$output"
    cp "$HOUSE/checkpoint.8" "$BATS_TEST_TMPDIR/wrong"
    sed -i 2s/./9/ "$BATS_TEST_TMPDIR/wrong"
    run -10 georder audit checkpoint --compare "$BATS_TEST_TMPDIR/wrong"
    [[ $output == *'the checkpoints do not agree: altered: to compare with: the checkpoint carries a wrong signature'* ]]
}

@test "checkpoint --compare: an old log put in place is rolled back" {
    cp "$HOUSE/audit/checkpoint" "$BATS_TEST_TMPDIR/head"
    cp "$HOUSE/checkpoint.8" "$HOUSE/audit/checkpoint"
    run -10 georder audit checkpoint --compare "$BATS_TEST_TMPDIR/head" --json
    [[ $output == *'"verdict":"rolled_back"'* || $output == *'"verdict": "rolled_back"'* ]]
}

@test "order --receipt: of what came of it, placed or not; and never over a file" {
    run -7 georder order --quiet --again --file "$HOUSE/order.json" --receipt "$receipt"
    run -0 stranger verify --receipt "$receipt" --key "$kid" --json
    jq -es '.[0] | .record.metadata.event_code == "order.not_sent" and .index == 12 and .checkpoint_size == 13' <<<"$output"
    run -2 georder order --quiet --again --file "$HOUSE/order.json" --receipt "$receipt"
    [[ $output == *'is there already: it is not overwritten'* ]]
    [ "$(wc -l <"$records")" = 13 ]
    run -3 georder order --quiet --file "$HOUSE/denied.json" --receipt "$receipt.denied"
    run -0 stranger verify --receipt "$receipt.denied" --jwk "$jwk" --json
    jq -es '.[0].record.metadata.event_code == "order.denied"' <<<"$output"
    run -2 georder order --dry-run --file "$HOUSE/order.json" --receipt "$receipt.dry"
    [ ! -e "$receipt.dry" ]
}
