#!/usr/bin/env bats
# The examples: valid, tested by their own cases, and each of their cases is needed: whoever makes an
# example wider by one step makes one of its cases fail.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 022
    examples=$GEORDER_SOURCE/policy/examples
}

# for_each COMMAND: with the path of each example, example.json among them.
for_each() {
    local policy count=0
    for policy in "$GEORDER_SOURCE/policy/example.json" "$examples"/*.json; do
        [[ $policy == *.tests.json ]] && continue
        "$1" "$policy" || return 1
        count=$((count + 1))
    done
    [ "$count" = 5 ]
}

lints() {
    run -0 --separate-stderr "$GEORDER" policy lint "$1"
    [ -z "$stderr" ]
    # What may be remarked: that a label is followed up, and that a forbid rule is kept as a guard.
    run ! grep -vE ': (geo_followed_up|idle_forbid): |^valid: ' <<<"$output"
}

@test "each is valid, and what is remarked is meant" {
    for_each lints
}

covers() {
    run -0 --separate-stderr "$GEORDER" policy test "$1" --coverage
    [[ $output == 'cases: '*', failed: 0; rules: '*', decided no case: 0' ]]
}

@test "each passes its own cases, which cover every rule" {
    for_each covers
}

pins_and_networks() {
    diff <(jq .api "$1") <(jq .api "$GEORDER_SOURCE/policy/example.json")
}

@test "each has the pins and networks of example.json" {
    for_each pins_and_networks
}

installed() {
    local name=${1#"$GEORDER_SOURCE"/policy/}
    cmp "$1" "$GEORDER_BUILD/share/georder/$name"
    cmp "${1%.json}.tests.json" "$GEORDER_BUILD/share/georder/${name%.json}.tests.json"
}

@test "each is installed, and its cases beside it" {
    for_each installed
}

# Each step wider must be seen by a case.
narrow() {
    local what count=0 survivors=''
    jq -c -f "$GEORDER_SOURCE/tests/cli/policy_widen.jq" "$1" >steps
    cp "${1%.json}.tests.json" policy.tests.json
    while IFS= read -r step; do
        what=$(jq -r .what <<<"$step")
        jq .policy <<<"$step" >policy.json
        run "$GEORDER" policy test policy.json
        [[ $status == 1 && $output == *FAIL* ]] || survivors+="${1##*/}: $what: exit $status"$'\n'
        count=$((count + 1))
    done <steps
    [[ -z $survivors && $count -gt 5 ]] || { echo "$survivors" >&2 && return 1; }
}

@test "no rule can be dropped, no list or limit widened, without a case that fails" {
    for_each narrow
}
