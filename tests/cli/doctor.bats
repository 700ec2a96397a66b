#!/usr/bin/env bats
# doctor looks at everything, names what is broken, and goes on to the next check.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

setup_file() {
    home_template
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
}

# finds EXIT CHECK...: just these checks fail; the first of them gives exit code and error
finds() {
    local exit=$1 first
    shift
    run --separate-stderr georder doctor --json
    first=$(jq -r '[.checks[] | select(.ok | not) | .text][0]' <<<"$output")
    jq -es --argjson exit "$exit" --arg checks "$*" --arg first "$first" 'length == 1 and (.[0] |
        .command == "doctor" and .exit == $exit and .error == $first
        and ([.checks[] | select(.ok | not) | .check] | join(" ")) == $checks)' <<<"$output" >/dev/null ||
        { echo "exit $status: $output $stderr" >&2 && return 1; }
    [ "$status" = "$exit" ]
    [[ $stderr == "georder doctor: ${first:0:200}"* ]]
}

made() { # CHECK...: these were made, in this order
    [ "$(jq -r '[.checks[].check] | join(" ")' <<<"$output")" = "$*" ]
}

all=(versions config policy trust module token signing_key credential secure_heap log anchors approvals sandbox)

@test "a good home: every check is ok, exit 0, one line each, nothing changed" {
    local before
    before=$(find . -path ./tokens -prune -o -type f -exec sha256sum {} + | sort)
    run -0 --separate-stderr georder doctor
    [ -z "$stderr" ]
    [ "$(awk '{print $1, $2}' <<<"$output")" = "$(printf 'ok %s\n' "${all[@]}")" ]
    [[ $output == *'policy      rehearsal, revision 1, rules: 2, expires 2036-01-01T00:00:00Z, TLS 1.3, pins: 1'* ]]
    [[ $output == *'extractable no'*'test_signature verified'* ]]
    [[ $output == *'log         intact, records: 1, intents without an outcome: 0'* ]]
    [[ $output != *"$(cat pin)"* && $output != *"$(cat "$TOKEN_FILE")"* ]]
    [ "$(find . -path ./tokens -prune -o -type f -exec sha256sum {} + | sort)" = "$before" ]
    run -0 --separate-stderr georder doctor --quiet
    [ -z "$output$stderr" ]
}

@test "--json: each check with its facts" {
    run -0 --separate-stderr georder doctor --json
    made "${all[@]}"
    jq -es 'length == 1 and (.[0] | .exit == 0 and .result == "done" and ([.checks[].ok] | all)
        and (.checks[] | select(.check == "signing_key") | .facts.sensitive and (.facts.extractable | not))
        and (.checks[] | select(.check == "token") | .facts.label == "georder"))' <<<"$output"
}

# bats test_tags=sandbox
@test "it tells how hardened the processes are" {
    run -0 georder doctor --json
    jq -e '.checks[] | select(.check == "sandbox").text | test("main: landlock=[0-9a-z]+ seccomp=kill no_new_privs=1 dumpable=0; keys: .*no_new_privs=1 dumpable=0")' <<<"$output"
}

@test "a keystore home has no module and no token to look at" {
    "$GEORDER_SOURCE/tests/rehearsal/make-home" keystore "$REHEARSAL_CA" 1 keystore
    run -0 --separate-stderr "$GEORDER" doctor --config keystore/georder.json --json
    made versions config policy trust signing_key credential secure_heap log anchors approvals sandbox
}

@test "config: nothing else can be looked at" {
    home_edit georder.json '.colour = "red"'
    finds 11 config
    made versions config
    home_edit georder.json 'del(.colour) | .resolve = "localhost"'
    finds 11 config
    rm georder.json
    finds 11 config
}

@test "policy: expired, not yet in force, invalid, missing" {
    home_edit policy.json '.expires = "2026-01-02T00:00:00Z"'
    finds 11 policy
    made "${all[@]}"
    [[ $output == *'policy rehearsal, revision 1 is in force from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z'* ]]
    home_edit policy.json '.expires = "2099-01-01T00:00:00Z" | .effective = "2098-01-01T00:00:00Z"'
    finds 11 policy
    home_edit policy.json 'del(.rules)'
    finds 11 policy
    rm policy.json
    finds 11 policy
    made versions config policy trust module token signing_key credential secure_heap log anchors sandbox
}

@test "trust: roots that are missing, or none" {
    echo garbage >roots.pem
    finds 11 trust
    rm roots.pem
    finds 11 trust
    made "${all[@]}"
    home_edit georder.json 'del(.ca_file)'
    run -0 georder doctor
    [[ $output == *"trust       the system's certificates"* ]]
}

@test "token: another label, a wrong PIN, a PIN that others can read, no module" {
    home_edit georder.json '.audit.signing_key |= sub("token=georder"; "token=nothing")'
    finds 9 keys signing_key credential
    made versions config policy trust keys module signing_key credential secure_heap log anchors approvals sandbox
    [[ $output == *'no token matches; there are: \"georder\"'* ]]
    home_edit georder.json '.audit.signing_key |= sub("token=nothing"; "token=georder")'
    chmod 644 pin
    finds 9 keys signing_key credential
    chmod 600 pin
    home_edit georder.json '.audit.signing_key |= sub("libsofthsm2"; "nothing")'
    finds 9 keys signing_key credential
    home_edit georder.json '.audit.signing_key |= sub("nothing"; "libsofthsm2")'
    printf 000000000000 >pin
    finds 9 keys signing_key credential
    [[ $output != *000000000000* ]]
}

@test "signing key: not there, or another than the log's" {
    home_edit georder.json '.audit.signing_key |= sub("georder-audit"; "nothing")'
    finds 9 signing_key
    made "${all[@]}"
    [[ $output == *'there are: \"georder-audit\"'* ]]
    home_edit georder.json '.audit.signing_key |= sub("nothing"; "georder-audit") | .audit.signing_key_thumbprint = "another"'
    finds 9 signing_key log
    made "${all[@]}"
}

@test "credential: not there" {
    georder credential remove --quiet
    finds 9 credential
    made "${all[@]}"
    [[ $output == *'`georder credential put`'* ]]
}

@test "log: tampered with, missing, of another name" {
    sed -i "$(spoil '"signature":"')" audit/records/*
    finds 10 log
    made "${all[@]}"
    [[ $output == *'altered: record 0'* ]]
    rm -r audit
    finds 10 log
}

@test "several things broken: all are named, and the exit code is the first one's" {
    rm policy.json
    georder credential remove --quiet # which needs no policy
    echo garbage >>audit/records/000000000000.jsonl
    finds 11 policy credential log
    made versions config policy trust module token signing_key credential secure_heap log anchors sandbox
    run -11 --separate-stderr georder doctor
    [ "$(grep -c '^FAIL ' <<<"$output")" = 3 ]
    [ "$(grep -c '^ok ' <<<"$output")" = 9 ]
}

@test "wrong words: exit 2" {
    run -2 georder doctor now
    [ "$output" = 'georder doctor: now: one word too many; see georder doctor --help' ]
}

@test "approvals: demanded without a trust list, and a policy older than the log remembers" {
    home_edit georder.json '.require_approvals = true'
    finds 11 approvals
    [[ $output == *'there is no trust list'* ]]
    home_edit georder.json '.require_approvals = false'
    home_edit policy.json '.revision = 7'
    run -3 georder order --file denied.json
    run -0 georder doctor
    [[ $output == *'approvals   revision 7 may be used; approvals are not required'* ]]
    home_edit policy.json '.revision = 6'
    finds 11 approvals
    [[ $output == *'revision 6 is older than revision 7'* ]]
}
