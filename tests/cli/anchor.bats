#!/usr/bin/env bats
# What others say of the log: RFC 3161 time stamps, cosignatures of a C2SP witness, and the attacks that they show.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home
load anchors

origin=rehearsal.example/georder

setup_file() {
    home_template
    tsa_make "$BATS_FILE_TMPDIR/tsa"
    cc -shared -fPIC -o "$BATS_FILE_TMPDIR/clock.so" "$GEORDER_SOURCE/tests/cli/clock.c"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
}

setup() {
    home_copy
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    jwk=$HOUSE/audit/keys/$kid.jwk
}

teardown() {
    anchors_stop
    rehearsal_stop
}

tsa() { # [CA]
    tsa_start "$BATS_FILE_TMPDIR/tsa" "$@"
    cat "$TSA/stamp-root.pem" "$REHEARSAL_CA/root.pem" >"$HOUSE/stamp.pem"
    home_edit georder.json ".audit.timestamp = {url: \"http${1:+s}://localhost:$TSA_PORT/tsr\", ca_file: \"stamp.pem\"}"
}

witness() {
    witness_start "$origin" "$jwk"
    cp "$REHEARSAL_CA/root.pem" "$HOUSE/witness.pem"
    home_edit georder.json ".audit.witnesses = [{url: \"https://localhost:$WITNESS_PORT/w1\", key: \"$(cat "$WITNESS/vkey")\", ca_file: \"witness.pem\"}]"
}

append() { # [TIMES]: a denial each
    local time
    for ((time = 0; time < ${1:-1}; time++)); do
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
}

# That many seconds from now. The sanitizers want to be loaded first themselves: hence the tags.
shifted() { # SECONDS COMMAND ARGUMENT...
    LD_PRELOAD=$BATS_FILE_TMPDIR/clock.so CLOCK_SHIFT=$1 georder "${@:2}"
}

statuses() { # of all requests to the witness, in one line
    jq -r .status "$WITNESS/journal" | paste -sd' '
}

@test "anchor --timestamp: kept, told, and verified by openssl alone" {
    tsa
    run -0 --separate-stderr georder audit anchor --timestamp
    [[ $output == 'timestamp: 3 records are stamped by CN=stamp,O=Example at 20'* && -z $stderr ]]
    [ "$(stat -c %a "$HOUSE/audit/anchors" "$HOUSE/audit/anchors/000000000003.tsr" | paste -sd' ')" = '700 600' ]
    cmp "$HOUSE/audit/anchors/000000000003.checkpoint" "$HOUSE/audit/checkpoint"
    run -0 openssl ts -verify -in "$HOUSE/audit/anchors/000000000003.tsr" \
        -data "$HOUSE/audit/anchors/000000000003.checkpoint" -CAfile "$TSA/stamp-root.pem"
    [[ $output == *'Verification: OK'* ]]
    append 2
    run -0 georder audit verify
    [[ $output == 'intact: all 5 records are good'*'timestamp: 3 records are stamped by CN=stamp,O=Example at 20'* ]]
    run -0 --separate-stderr georder audit verify --json
    jq -es 'length == 1 and (.[0] | .verdict == "intact" and .anchors_good == 1 and .anchors_bad == 0 and .anchors_unchecked == 0
        and (.anchors | length == 1) and (.anchors[0] | .kind == "timestamp" and .verdict == "intact" and .size == 3
        and .by == "CN=stamp,O=Example" and ((.time | .[0:19] + "Z" | fromdate) - now | fabs) < 60))' <<<"$output"
    # Of the API's credential, of the host, of the log's content: nothing.
    run -0 jq -r '.headers | keys | join(" ")' "$TSA/journal"
    [ "$output" = 'accept content-length content-type host user-agent' ]
}

@test "anchor --tsa URL --tsa-ca FILE needs no config; without trust it is not checked" {
    tsa
    cd "$BATS_TEST_TMPDIR" || return 1
    run -0 env -i "$GEORDER" audit anchor --directory "$HOUSE/audit" --origin "$origin" \
        --tsa "http://localhost:$TSA_PORT/any/path" --tsa-ca "$TSA/stamp-root.pem"
    run -0 env -i "$GEORDER" audit verify --directory "$HOUSE/audit" --origin "$origin"
    [[ $output == *'anchors that were not checked: 1 (give'* ]]
    run -0 env -i "$GEORDER" audit verify --directory "$HOUSE/audit" --origin "$origin" --tsa-ca "$TSA/stamp-root.pem"
    [[ $output == *'timestamp: 3 records are stamped by '* && $output != *'not checked: 1 ('* ]]
    run -10 env -i "$GEORDER" audit verify --directory "$HOUSE/audit" --origin "$origin" --tsa-ca "$TSA/foreign-root.pem"
    [[ $output == *'timestamp: altered: the time stamp does not verify: certificate verify error'* ]]
    run -11 env -i "$GEORDER" audit anchor --directory "$HOUSE/audit" --origin "$origin" --tsa "http://localhost:$TSA_PORT/"
    [[ $output == *'needs the certificates that it is checked by: --tsa-ca FILE'* ]]
    for url in ftp://localhost/ http://user@localhost/ 'http://localhost/?x' http:// http://localhost:99999/ https://LOCALHOST/; do
        run -2 georder audit anchor --tsa "$url" --tsa-ca "$TSA/stamp-root.pem"
    done
    run -2 georder audit anchor --tsa "http://localhost:$TSA_PORT/" --timestamp
}

@test "a time stamping authority by https, and one whose TLS is another's" {
    tsa "$REHEARSAL_CA"
    run -0 georder audit anchor
    run -6 georder audit anchor --tsa "https://localhost:$TSA_PORT/" --tsa-ca "$TSA/stamp-root.pem"
    [[ $output == *'nothing was sent'* ]]
    [ "$(wc -l <"$TSA/journal")" = 1 ]
}

@test "bad answers of an authority: exit 10, and nothing is kept" {
    local how
    tsa
    declare -A says=([foreign]='certificate verify error' [strict]='was refused by the authority: status 2'
        [expired]='certificate has expired' [imprint]='message imprint mismatch' [replay]='nonce mismatch'
        [garbage]='is no RFC 3161 response' [usage]='unsuitable certificate purpose')
    run -0 openssl ts -query -data "$HOUSE/audit/checkpoint" -sha256 -cert -out "$TSA/q"
    for how in expired foreign strict imprint replay usage garbage; do
        echo "$how" >"$TSA/behaviour"
        run -10 georder audit anchor
        [[ $output == *"${says[$how]}"* ]] || { echo "$how: $output"; false; }
        [ ! -e "$HOUSE/audit/anchors" ]
    done
    echo large >"$TSA/behaviour"
    run -7 georder audit anchor
    [[ $output == *'larger than 64 KiB'* || $output == *'Maximum file size exceeded'* ]]
    echo html >"$TSA/behaviour"
    run -7 georder audit anchor
    [[ $output == *'HTTP 404: no time stamp'* ]]
    echo slow >"$TSA/behaviour"
    run -7 georder audit anchor --timeout 5
    [[ $output == *'the time stamping authority: the request was sent to localhost'*'no whole answer came'* ]]
    run -2 georder audit anchor --timeout 0
    anchors_stop
    run -7 georder audit anchor
    [[ $output == *'the time stamping authority: cannot connect to localhost'* ]]
    [ ! -e "$HOUSE/audit/anchors" ]
}

@test "a kept time stamp of other bytes, or of a checkpoint that is gone, is altered" {
    tsa
    georder audit anchor --quiet
    append
    georder audit anchor --quiet
    cd "$HOUSE/audit/anchors" || return 1
    cp 000000000003.tsr kept
    cp 000000000004.tsr 000000000003.tsr
    run -10 --separate-stderr georder audit verify --json
    jq -es '.[0] | .exit == 10 and .verdict == "altered" and .anchors_bad == 1 and .anchors_good == 1' <<<"$output"
    mv kept 000000000003.tsr
    georder audit verify --quiet
    mv 000000000003.checkpoint gone
    run -10 georder audit verify
    [[ $output == *'timestamp: altered: the checkpoint of 3 records, that was stamped, is not kept any more'* ]]
}

@test "anchor --witness: cosigned, grown with proof, kept until the next record, and in receipts" {
    local size
    witness
    run -0 --separate-stderr georder audit anchor --witness
    [[ $output == 'witness: 3 records are cosigned by witness.example/w1 at 20'* && -z $stderr ]]
    cmp "$HOUSE/audit/anchors/000000000003.checkpoint" "$HOUSE/audit/checkpoint"
    [ "$(wc -l <"$HOUSE/audit/checkpoint")" = 6 ]
    run -0 georder audit anchor --witness
    [ "$(wc -l <"$HOUSE/audit/checkpoint")" = 6 ]
    for size in 4 5 6 9 14; do
        append $((size - $(sed -n 2p "$HOUSE/audit/checkpoint")))
        [ "$(wc -l <"$HOUSE/audit/checkpoint")" = 5 ]
        run -0 georder audit anchor --witness
        [[ $output == "witness: $size records are cosigned by "* ]]
    done
    [ "$(statuses)" = '200 200 200 200 200 200 200' ]
    [ "$(jq -r .first "$WITNESS/journal" | paste -sd' ')" = 'old 0 old 3 old 3 old 4 old 5 old 6 old 9' ]
    run -0 --separate-stderr georder audit verify --json
    jq -es '.[0] | .verdict == "intact" and .anchors_good == 6 and .anchors[0].size == 14 and .anchors[0].by == "witness.example/w1"' <<<"$output"
    georder audit prove 7 --out "$BATS_TEST_TMPDIR/receipt"
    grep -q '^— witness.example/w1 ' "$BATS_TEST_TMPDIR/receipt"
    run -0 env -i "$GEORDER" audit verify --receipt "$BATS_TEST_TMPDIR/receipt" --key "$kid"
    run -0 node "$GEORDER_SOURCE/tests/node/verify-receipt.mjs" "$BATS_TEST_TMPDIR/receipt" "$jwk"
    run -0 env -i "$GEORDER" audit verify --directory "$HOUSE/audit" --origin "$origin" --witness-key "$(cat "$WITNESS/vkey")"
    [[ $output == *'witness: 14 records are cosigned by witness.example/w1 at '* ]]
}

@test "a witness that has seen more than we remember is asked once more, with the proof" {
    witness
    georder audit anchor --quiet
    append 3
    rm -r "$HOUSE/audit/anchors"
    run -0 georder audit anchor
    [ "$(statuses)" = '200 409 200' ]
    # And one that has forgotten: it begins again.
    rm "$WITNESS/state"
    run -0 georder audit anchor
    [ "$(statuses)" = '200 409 200 409 200' ]
}

@test "both at once: cosigned and stamped, and openssl verifies the stamp over the log's own lines" {
    witness
    tsa
    run -0 georder audit anchor
    [[ ${lines[0]} == 'witness: 3 records'* && ${lines[1]} == 'timestamp: 3 records'* ]]
    run -0 georder audit anchor --witness
    head -n 5 "$HOUSE/audit/anchors/000000000003.checkpoint" >"$BATS_TEST_TMPDIR/own"
    run -0 openssl ts -verify -in "$HOUSE/audit/anchors/000000000003.tsr" -data "$BATS_TEST_TMPDIR/own" -CAfile "$TSA/stamp-root.pem"
    run -0 --separate-stderr georder audit verify --json
    jq -es '.[0] | .anchors_good == 2 and .anchors_bad == 0' <<<"$output"
}

@test "bad answers of a witness: told for what they are, and nothing is kept" {
    witness
    local how result text
    while IFS='|' read -r how result text; do
        echo "$how" >"$WITNESS/behaviour"
        run "-$result" georder audit anchor --witness
        [[ $output == *"$text"* ]] || { echo "$how: $output"; false; }
        [ ! -e "$HOUSE/audit/anchors" ]
        rm -f "$WITNESS/state"
    done <<'END'
{"sign": "other"}|10|altered: the cosignature of the witness witness.example/w1 does not fit
{"sign": "text"}|10|altered: the cosignature of the witness witness.example/w1 does not fit
{"sign": "none"}|10|unknown_key: the witness witness.example/w1 answered without a cosignature
{"status": 400}|10|HTTP 400: it does not understand the checkpoint
{"status": 403}|10|HTTP 403: it does not trust the key of this log
{"status": 404}|10|HTTP 404: it does not know this log
{"status": 409}|10|HTTP 409, but without a size
{"status": 503}|7|HTTP 503: no answer of a witness
END
    home_edit georder.json '.audit.witnesses[0].ca_file = "georder.json"'
    run -11 georder audit anchor --witness
    home_edit georder.json ".audit.witnesses[0].ca_file = \"$REHEARSAL_CA/decoy-root.pem\""
    run -6 georder audit anchor --witness
    [[ $output == *'the witness witness.example/w1: TLS to localhost'* ]]
}

@test "attack: the end of the log is cut off together with its checkpoint: rolled back" {
    witness
    cp "$HOUSE/audit/checkpoint" "$BATS_TEST_TMPDIR/old"
    append 2
    georder audit anchor --quiet
    head -n 3 "$HOUSE/audit/records/000000000000.jsonl" >"$BATS_TEST_TMPDIR/cut"
    cat "$BATS_TEST_TMPDIR/cut" >"$HOUSE/audit/records/000000000000.jsonl"
    cp "$BATS_TEST_TMPDIR/old" "$HOUSE/audit/checkpoint"
    run -10 --separate-stderr georder audit verify --json
    jq -es '.[0] | .verdict == "rolled_back" and .anchors[0].verdict == "rolled_back"' <<<"$output"
    # Who removes the kept anchors, too, has the witness against him.
    rm -r "$HOUSE/audit/anchors"
    georder audit verify --quiet
    run -10 --separate-stderr georder audit anchor --json
    jq -es '.[0] | .exit == 10 and .anchors[0].verdict == "rolled_back"
        and (.error | test("^rolled_back: the witness witness.example/w1 has cosigned 5 records of this log, and only 3 are here"))' <<<"$output"
}

@test "attack: a snapshot of the whole home is put back: rolled back, then forked" {
    witness
    cp -a "$HOUSE/audit" "$BATS_TEST_TMPDIR/snapshot"
    append 2
    georder audit anchor --quiet
    rm -r "$HOUSE/audit"
    cp -a "$BATS_TEST_TMPDIR/snapshot" "$HOUSE/audit"
    georder audit verify --quiet
    run -10 georder audit anchor
    [[ $output == *'rolled_back: the witness witness.example/w1 has cosigned 5 records of this log, and only 3 are here'* ]]
    append 2
    run -10 georder audit anchor
    [[ $output == *'forked: the witness witness.example/w1 has seen another log of this name: what it saw of 5 records'* ]]
    append 2
    run -10 georder audit anchor
    [[ $output == *'forked: the witness witness.example/w1 has seen another log of this name: what it saw of 5 records'* ]]
    [ ! -e "$HOUSE/audit/anchors" ]
}

@test "attack: a clone of the host goes its own way: the second one is forked, at the same size and later" {
    witness
    georder audit anchor --quiet
    cp -a "$HOUSE/audit" "$BATS_TEST_TMPDIR/clone"
    append
    georder audit anchor --quiet
    rm -r "$HOUSE/audit"
    cp -a "$BATS_TEST_TMPDIR/clone" "$HOUSE/audit"
    append
    run -10 --separate-stderr georder audit anchor --json
    jq -es '.[0].anchors[0].verdict == "forked"' <<<"$output"
    append 3
    run -10 --separate-stderr georder audit anchor --json
    jq -es '.[0].anchors[0].verdict == "forked"' <<<"$output"
}

@test "attack: all of history is signed anew by the log's own key: forked" {
    witness
    append 3
    georder audit anchor --quiet
    cp -a "$HOUSE/audit/anchors" "$BATS_TEST_TMPDIR/anchors"
    # Of the old log only its first record is left; then it is written again, and longer.
    head -n 1 "$HOUSE/audit/records/000000000000.jsonl" >"$BATS_TEST_TMPDIR/first"
    cat "$BATS_TEST_TMPDIR/first" >"$HOUSE/audit/records/000000000000.jsonl"
    rm -r "$HOUSE/audit/checkpoint" "$HOUSE/audit/tile" "$HOUSE/audit/anchors"
    mkdir -m 700 "$HOUSE/audit/tile"
    append 7
    georder audit verify --quiet
    run -10 georder audit anchor
    [[ $output == *'forked: the witness witness.example/w1 has seen another log of this name'* ]]
    # An auditor who has kept the anchors needs no witness.
    cp -a "$BATS_TEST_TMPDIR/anchors" "$HOUSE/audit/anchors"
    run -10 --separate-stderr georder audit verify --json
    jq -es '.[0] | .verdict == "forked" and .anchors_bad == 1' <<<"$output"
}

# bats test_tags=sandbox
@test "attack: the clock is set back: told at once by who anchors, and later by verify" {
    witness
    run -10 shifted -7200 audit anchor
    [[ $output == *'clock_set_back: by witness.example/w1 it is 20'*"but this host's clock says 20"* ]]
    run -0 georder audit anchor
    run -0 georder audit verify --quiet
    run -3 shifted -7200 order --quiet --file "$HOUSE/denied.json"
    run -10 --separate-stderr georder audit verify --json
    jq -es '.[0] | .exit == 10 and .verdict == "clock_set_back" and (.text | test("^record 3 says that it was made at "))' <<<"$output"
    run -10 georder audit verify
    [[ $output == *'witness: clock_set_back: record 3 says that it was made at '*', but it was '*' when the first 3 records were anchored'* ]]
}

@test "a checkpoint by another key than the witness trusts, and one that was altered here" {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$BATS_TEST_TMPDIR/other.key"
    node -e "const c = require('crypto'), k = c.createPublicKey(require('fs').readFileSync(process.argv[1]));
        console.log(JSON.stringify(k.export({ format: 'jwk' })))" "$BATS_TEST_TMPDIR/other.key" >"$BATS_TEST_TMPDIR/other.jwk"
    jwk=$BATS_TEST_TMPDIR/other.jwk witness
    run -10 georder audit anchor
    [[ $output == *'HTTP 403: it does not trust the key of this log: give its operator the public key'* ]]
    sed -i '2s/.*/9/' "$HOUSE/audit/checkpoint"
    run -10 georder audit anchor
    [[ $output == *'the checkpoint does not verify: altered'* ]]
    [ "$(statuses)" = 403 ]
}

@test "anchors of before a rotation stay good, and the witness must be told of the new key" {
    local where said
    witness
    tsa
    georder audit anchor --quiet
    where=$(jq -r .audit.signing_key "$HOUSE/georder.json")
    said=$(georder key rotate --to "${where/object=georder-audit/object=next}" --alg ES256 --json)
    home_edit georder.json ".audit += $(jq -c .audit <<<"$said")"
    append
    run -10 --separate-stderr georder audit anchor
    [[ $stderr == *'HTTP 403: it does not trust the key of this log'* ]]
    run -0 --separate-stderr georder audit verify --json
    jq -es '.[0] | .verdict == "intact" and .anchors_good == 3 and .anchors_bad == 0' <<<"$output"
    anchors_stop
    jwk=$HOUSE/audit/keys/$(jq -r .key <<<"$said").jwk witness
    run -0 georder audit anchor --witness
    run -0 georder audit verify --key "$kid"
    [[ $output == *'witness: 5 records are cosigned by '* ]]
}

# With a keystore: SoftHSM's tokens do not always open for several processes at once.
@test "processes that append and anchor at once accuse nobody" {
    local i records pids=()
    rm -r "$HOUSE"
    REHEARSAL_PORT=1 home_make keystore
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    jwk=$HOUSE/audit/keys/$kid.jwk
    append
    witness
    records=$(cat "$HOUSE"/audit/records/*.jsonl | wc -l)
    for i in {1..12}; do
        { georder order --quiet --file "$HOUSE/denied.json" || [ $? -eq 3 ] && georder audit anchor --quiet
        } >"$BATS_TEST_TMPDIR/errors.$i" 2>&1 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || { cat "$BATS_TEST_TMPDIR"/errors.*; false; }; done
    run -0 --separate-stderr georder audit verify --json
    jq -es --argjson records $((records + 12)) '.[0] | .records == $records and .anchors_bad == 0 and .anchors_good >= 1' <<<"$output"
}

# What is appended while the witness is asked: it has more than the checkpoint that it was shown, and rightly so.
@test "a log that has grown while its witness was asked is not taken for one that was rolled back" {
    local pid
    witness
    georder audit anchor --quiet
    jq -nc --arg file "$BATS_TEST_TMPDIR/grown" '{ahead: 4, until: $file}' >"$WITNESS/behaviour"
    georder audit anchor --quiet 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
    pid=$!
    await test ! -e "$WITNESS/behaviour"
    append
    : >"$BATS_TEST_TMPDIR/grown"
    wait "$pid" || { cat "$BATS_TEST_TMPDIR/errors"; false; }
    [ "$(statuses)" = '200 409 409 200' ]
    run -0 georder audit verify
    [[ $output == *'witness: 4 records are cosigned by '* ]]
}

@test "the config's anchors are read strictly" {
    local bad
    local key
    witness
    key=$(cat "$WITNESS/vkey")
    while read -r bad; do
        cp "$HOUSE/georder.json" "$BATS_TEST_TMPDIR/good.json"
        home_edit georder.json ".audit += $bad"
        run -11 georder audit anchor
        cp "$BATS_TEST_TMPDIR/good.json" "$HOUSE/georder.json"
    done <<END
{"timestamp": {"url": "http://localhost/"}}
{"timestamp": {"url": "http://a b/", "ca_file": "witness.pem"}}
{"timestamp": {"url": "http://localhost/", "ca_file": "witness.pem", "more": 1}}
{"witnesses": []}
{"witnesses": [{"url": "http://localhost/", "key": "$key"}]}
{"witnesses": [{"url": "https://localhost/", "key": "${key/w1/w2}"}]}
{"witnesses": [{"url": "https://localhost/"}]}
{"witnesses": {"url": "https://localhost/", "key": "$key"}}
END
    home_edit georder.json 'del(.audit.witnesses)'
    run -11 georder audit anchor
    [[ $output == *'the config names no audit.witnesses nor audit.timestamp: give --tsa URL'* ]]
}

required() { # ANCHOR...: by the policy; and the rehearsal API listens
    home_listen
    policy_edit ".audit.require = $(jq -nc '$ARGS.positional' --args "$@")"
}

place() { # [ARGUMENT...]
    georder order --file "$HOUSE/order.json" "$@"
}

# That nothing was sent, and the record of it, which is good.
assert_not_sent() {
    [ "$(requests)" = 0 ]
    [[ $(events) == *'order.intent order.not_sent' ]]
    [ "$(last_record .result)" = audit ]
}

@test "policy: a witness and a time stamp are required and had, of the intent, before the request" {
    local size
    witness
    tsa
    required witness timestamp
    run -0 place
    [ "$(posts)" = 1 ]
    [[ $(events) == *'order.intent order.response' ]]
    size=$(georder audit list --json | jq '[.records[].metadata.event_code] | index("order.intent") + 1')
    [ -s "$HOUSE/audit/anchors/$(printf %012d "$size").tsr" ]
    run -0 --separate-stderr georder audit verify --json
    jq -es --argjson size "$size" '.[0] | .verdict == "intact" and .anchors_good == 2 and all(.anchors[]; .size == $size)' <<<"$output"
    # The witness has it before the API has its request; what it saw is no secret of the API's.
    run -1 grep -ri -e cfut_ -e authorization "$WITNESS/journal" "$TSA/journal"
}

@test "policy: all three, the head in the token among them; and an order under them after a snapshot" {
    witness
    tsa
    required hsm-head witness timestamp
    home_edit georder.json '.audit.head = "pkcs11:token=georder;object=georder-head;type=data?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin"'
    georder audit head --create --quiet
    cp -a "$HOUSE/audit" "$BATS_TEST_TMPDIR/snapshot"
    run -0 place
    run -0 georder audit verify
    [[ $output == *'witness: '*'timestamp: '* ]]
    rm -r "$HOUSE/audit"
    cp -a "$BATS_TEST_TMPDIR/snapshot" "$HOUSE/audit"
    run -10 --separate-stderr place
    [ "$(posts)" = 1 ]
}

@test "policy: no witness, or one that fails: exit 10, recorded, nothing is sent" {
    local how
    witness
    required witness
    for how in '{"status": 503}' '{"status": 403}' '{"sign": "other"}' '{"skew": 4000}'; do
        echo "$how" >"$WITNESS/behaviour"
        run -10 --separate-stderr place --again
        [[ $stderr == *"the policy requires the log's anchor witness (audit.require): "* ]]
        assert_not_sent
        rm -f "$WITNESS/behaviour"
    done
    anchors_stop
    run -10 --separate-stderr place --again
    [[ $stderr == *'anchor witness (audit.require): the witness witness.example/w1: cannot connect to localhost'* ]]
    assert_not_sent
    home_edit georder.json 'del(.audit.witnesses)'
    run -10 --separate-stderr place --again
    [[ $stderr == *'anchor witness (audit.require): the config names none'* ]]
    assert_not_sent
}

@test "policy: a time stamp that is not to be had, or no good: exit 10, recorded, nothing is sent" {
    local how
    tsa
    required timestamp
    for how in foreign strict expired imprint garbage large html; do
        echo "$how" >"$TSA/behaviour"
        run -10 --separate-stderr place --again
        [[ $stderr == *"the policy requires the log's anchor timestamp (audit.require): "* ]]
        assert_not_sent
    done
    [ ! -e "$HOUSE/audit/anchors" ]
    echo good >"$TSA/behaviour"
    run -0 place --again
    [ "$(posts)" = 1 ]
}

@test "policy: who orders from a snapshot or a clone is stopped by the witness" {
    witness
    required witness
    run -0 place
    cp -a "$HOUSE/audit" "$BATS_TEST_TMPDIR/snapshot"
    run -0 place --again
    [ "$(posts)" = 2 ]
    rm -r "$HOUSE/audit"
    cp -a "$BATS_TEST_TMPDIR/snapshot" "$HOUSE/audit"
    run -10 --separate-stderr place --again
    [[ $stderr == *'anchor witness (audit.require): forked: the witness witness.example/w1 has seen another log of this name'* ||
        $stderr == *'rolled_back: the witness witness.example/w1 has cosigned'* ]]
    run -10 place --again
    [ "$(posts)" = 2 ]
    [[ $(events) == *'order.intent order.not_sent' ]]
}

# bats test_tags=sandbox
@test "policy: who orders with the clock set back is stopped by the witness, and by the authority" {
    local anchor
    witness
    tsa
    for anchor in witness timestamp; do
        rehearsal_stop
        required "$anchor"
        run -10 --separate-stderr shifted -7200 order --again --file "$HOUSE/order.json"
        [[ $stderr == *"anchor $anchor (audit.require): clock_set_back: by "*' it is '* ]]
        assert_not_sent
    done
}

@test "policy: check, denials and --dry-run ask nobody" {
    witness
    required witness timestamp
    run -0 georder check --file "$HOUSE/order.json"
    run -0 place --dry-run
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    [ ! -e "$WITNESS/journal" ]
}
