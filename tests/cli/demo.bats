#!/usr/bin/env bats
# The demo, in a copy of the build: what it says, what it leaves, and that it can be run again.
# shellcheck disable=SC2030,SC2031

load helper
load home

setup_file() {
    export BUILD=$BATS_FILE_TMPDIR/build
    mkdir -p "$BUILD/tests"
    cp -a "$GEORDER_BUILD/georder" "$GEORDER_BUILD/libexec" "$GEORDER_BUILD/share" "$BUILD"
    cp -a "$GEORDER_BUILD/tests/rehearsal-api" "$BUILD/tests"
    (cd "$BATS_FILE_TMPDIR" && "$GEORDER_SOURCE/tests/rehearsal/demo" build) >"$BATS_FILE_TMPDIR/said" 2>&1
}

setup() {
    export GEORDER=$BUILD/georder
    export HOUSE=$BUILD/demo
}

@test "it orders, denies, lists and verifies, and says where to look" {
    run -0 cat "$BATS_FILE_TMPDIR/said"
    [[ $output == *'permitted by rule eu-production of policy rehearsal, revision 1'*'pack '*'denied by policy rehearsal, revision 1:'*'order.intent'*'intact: all 7 records are good'*'Where to look: build/demo/georder.json'* ]]
    run -1 grep -nE 'Sanitizer|rror:|line [0-9]+:' "$BATS_FILE_TMPDIR/said"
}

@test "it leaves config, an order that wants the label eu, and a log" {
    [ "$(cd "$HOUSE" && echo *)" = 'audit denied.json georder.json order.json pin policy.json roots.pem softhsm2.conf tokens' ]
    [ "$(jq -r .geo_restrictions.label "$HOUSE/order.json")" = eu ]
    [ "$(jq -r '.policy, .audit.directory' "$HOUSE/georder.json")" = $'policy.json\naudit' ]
    [ "$(events)" = 'log.created credential.change credential.changed policy.changed order.intent order.response order.denied' ]
    [ "$(georder audit show 5 --json | jq -r .records[0].unmapped.georder.answer.outcome)" = placed ]
    run -0 georder check --file "$HOUSE/order.json"
    run -3 georder check --file "$HOUSE/denied.json"
}

@test "no absolute path but in softhsm2.conf, no secret in a readable file, nothing left running" {
    run -0 grep -rlF "$BATS_FILE_TMPDIR" "$HOUSE" --exclude-dir=tokens
    [ "$output" = "$HOUSE/softhsm2.conf" ]
    [ -z "$(find "$HOUSE" -type f -perm /077)" ]
    [ ! -e "$BUILD/token" ]
    await nothing_runs
}

nothing_runs() {
    ! pgrep -f "$BUILD/" >/dev/null
}

@test "its log is verified by georder and by npm jose" {
    local modules=$GEORDER_SOURCE/build/node/node_modules
    run -0 georder audit verify
    [[ $output == *'(trusted)' ]]
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    run -0 node "$GEORDER_SOURCE/tests/node/verify-log.mjs" "$HOUSE/audit" "$modules" \
        "$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")"
    [ "$output" = '7 records verified, rehearsal.example/georder' ]
}

@test "the home works elsewhere, once softhsm2.conf says where" {
    cp -a "$HOUSE" "$BATS_TEST_TMPDIR/elsewhere"
    sed -i "s|$HOUSE|$BATS_TEST_TMPDIR/elsewhere|" "$BATS_TEST_TMPDIR/elsewhere/softhsm2.conf"
    HOUSE=$BATS_TEST_TMPDIR/elsewhere
    run -0 georder doctor
}

@test "run again it works again, with a new key and a new log" {
    local before
    before=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    run -0 "$GEORDER_SOURCE/tests/rehearsal/demo" "$BUILD"
    [ "$(events)" = 'log.created credential.change credential.changed policy.changed order.intent order.response order.denied' ]
    [ "$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")" != "$before" ]
    run -0 georder doctor
}
