#!/usr/bin/env bats
# policy test, as a reviewer and a CI system use it: offline, by its exit code and its reports.
# shellcheck disable=SC2016,SC2154

load helper
load home

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 022
    cp "$GEORDER_SOURCE/policy/example.json" policy.json
    cp "$GEORDER_SOURCE/policy/example.tests.json" policy.tests.json
}

# edit FILTER: the cases, altered by jq.
edit() {
    jq "$1" "$GEORDER_SOURCE/policy/example.tests.json" >policy.tests.json
}

policy_test() {
    run --separate-stderr env -i "$GEORDER" policy test policy.json "$@"
}

@test "the example passes its own cases, which cover each rule" {
    policy_test --coverage
    [[ $status == 0 && -z $stderr ]]
    count=$(jq '.cases | length' policy.tests.json)
    [ "$output" = "cases: $count, failed: 0; rules: 3, decided no case: 0" ]
    cmp policy.tests.json "$GEORDER_BUILD/share/georder/example.tests.json"
    policy_test --verbose
    [ "$(grep -c '^pass  ' <<<"$output")" = "$count" ]
}

@test "the right decision for another reason fails, and says what was expected and what came" {
    edit '(.cases[] | select(.expect == "deny")) |= (.reasons = [{code: "zone_unknown"}])'
    policy_test
    [ "$status" = 1 ]
    [[ $output == *$'\nFAIL  '* || $output == 'FAIL  '* ]]
    [[ $output == *$'\n      expected deny: zone_unknown\n      came     deny: forbidden (rule no-payments, host pay.eu.example.com'* ]]
    [[ $stderr == 'georder policy: '[0-9]*' of '[0-9]*' cases failed' ]]
}

@test "a permit by another rule, a denial, a permit: each fails" {
    for change in '.cases[0].rules = ["public-site"]' '.cases[0].rules += ["public-site"]' \
        '.cases[0] |= (del(.rules) | .expect = "deny" | .reasons = [{code: "forbidden"}])' \
        '.cases[0] |= (del(.rules) | .expect = "invalid" | .text = "a")' \
        '.cases[0].order.hosts = ["www.example.com"]' '.cases[0].at = "2027-11-01T00:00:00Z"'; do
        edit "$change"
        policy_test --json
        [ "$status" = 1 ]
        jq -e '.result == "failed" and .exit == 1 and ([.cases[] | select(.passed | not)] | length == 1)' <<<"$output"
    done
}

@test "a change of the policy makes its cases fail" {
    for change in 'del(.rules[2])' '.rules[0].validity_days += [365]' '.rules[1].max_hosts = 20' \
        '.rules[0].geo_restrictions += ["none"]' 'del(.rules[1])'; do
        jq "$change" "$GEORDER_SOURCE/policy/example.json" >policy.json
        policy_test
        [[ $status == 1 && $output == *FAIL* ]] || { echo "$change: exit $status: $output" >&2 && return 1; }
    done
}

@test "rules that decided no case are told; with --coverage they are a failure" {
    edit '.cases |= [.[0]]'
    policy_test
    [ "$status" = 0 ]
    [ "$output" = 'uncovered  rule public-site decided no case
uncovered  rule no-payments decided no case
cases: 1, failed: 0; rules: 3, decided no case: 2' ]
    policy_test --coverage
    [ "$status" = 1 ]
    [ "$stderr" = 'georder policy: 0 of 1 cases failed; 2 of 3 rules decided no case' ]
    policy_test --json
    jq -e '.uncovered == ["public-site", "no-payments"]' <<<"$output"
}

@test "no file and no cases are failures" {
    rm policy.tests.json
    policy_test
    [ "$status" = 1 ]
    [ "$stderr" = 'georder policy: "policy.tests.json" does not exist: no cases found; write some, or name another file by --tests' ]
    policy_test --json
    jq -e '.result == "failed" and .exit == 1' <<<"$output"
    edit '.cases = []'
    policy_test
    [[ $status == 1 && $stderr == *'policy.tests.json: no cases found'* ]]
}

@test "cases that are no cases: exit 11, at line, column and pointer" {
    edit '.cases[0].expect = "allow"'
    policy_test
    [ "$status" = 11 ]
    [[ $stderr =~ ^'georder policy: policy.tests.json:'[0-9]+:[0-9]+': /cases/0/expect: must be "permit", "deny" or "invalid"'$ ]]
    printf '{"georder_policy_tests": 1, "cases": [],}' >policy.tests.json
    policy_test
    [[ $status == 11 && $stderr == *'policy.tests.json:1:41: '* ]]
    edit . && chmod go+w policy.tests.json
    policy_test
    [[ $status == 11 && $stderr == *'is writable by group or others'* ]]
}

@test "--json: every case, what was expected and what came" {
    policy_test --json --coverage
    [ "$status" = 0 ]
    jq -e --slurpfile cases policy.tests.json '.result == "done" and .exit == 0 and .tests == "policy.tests.json"
        and [.cases[].name] == [$cases[0].cases[].name] and ([.cases[].passed] | all) and .uncovered == []
        and .policy.revision == 7 and ([.cases[] | .expected, .actual | length > 5] | all)' <<<"$output"
}

# A value of the report, by a real reader of XML.
xpath() {
    xmllint --nonet --xpath "string($1)" report.xml
}

@test "--junit: XML that a reader of XML takes, with the same counts and all text escaped" {
    edit '.cases[0] |= (.name = "<a> & \"b\" ]]> \u00fc \uffff" | .rules = ["x"])
        | .cases[1].order.hosts[1] = "<&>\u0001.example.com" | .cases |= .[:3]'
    policy_test --junit report.xml --coverage
    [ "$status" = 1 ]
    xmllint --noout --nonet report.xml
    [ "$(xpath /testsuites/@tests)" = 6 ]
    [ "$(xpath '/testsuites/testsuite[@name="cases"]/@tests')" = 3 ]
    [ "$(xpath 'count(//testsuite[@name="cases"]/testcase)')" = 3 ]
    [ "$(xpath '//testsuite[@name="cases"]/@failures')" = "$(xpath 'count(//testsuite[@name="cases"]//failure)')" ]
    [ "$(xpath '//testcase[1]/@name')" = $'<a> & "b" ]]> \u00fc \ufffd' ]
    [[ $(xpath '//testcase[1]/failure') == 'expected permit by x | came permit by eu-production' ]]
    [[ $(xpath '//testcase[2]/failure') == *'"<&>\x01.example.com"'* ]]
    [ "$(xpath '//testsuite[@name="coverage"]/@failures')" = "$(grep -c '^uncovered' <<<"$output")" ]
}

@test "--junit of a run that passes; a place that cannot be written" {
    policy_test --junit report.xml
    [ "$status" = 0 ]
    [ "$(xpath /testsuites/@failures)" = 0 ]
    [ "$(xpath /testsuites/@tests)" = "$(jq '.cases | length' policy.tests.json)" ]
    policy_test --junit nowhere/report.xml
    [[ $status == 2 && $stderr == *'--junit nowhere/report.xml: No such file'* ]]
    policy_test --junit
    [ "$status" = 2 ]
}

@test "--tests names other cases; without a policy, the config's" {
    mkdir home
    mv policy.json home/p.json
    mv policy.tests.json home/p.tests.json
    jq -n '{policy: "p.json", credential: "keystore:k?name=c",
            audit: {directory: "audit", origin: "a/b", signing_key: "keystore:k?name=s"}}' >home/georder.json
    run -0 "$GEORDER" policy test --config home/georder.json --coverage
    mv home/p.tests.json other
    run -1 "$GEORDER" policy test --config home/georder.json
    [[ $output == *'/home/p.tests.json" does not exist'* ]]
    run -0 "$GEORDER" policy test --config home/georder.json --tests other
    run -0 "$GEORDER" policy test home/p.json --tests other
}

@test "terminal escapes in cases come out inert" {
    edit '.cases[0] |= (.order.hosts = ["\u001b[31mred"])'
    policy_test
    [ "$status" = 1 ]
    [[ $output$stderr != *$'\e'* && $output == *'\x1b[31mred'* ]]
}

# bats test_tags=sandbox
@test "no socket, no process; the report is the only file that is written" {
    run -0 strace -f -qq -o trace -e trace=network,process,openat,open,creat "$GEORDER" \
        policy test policy.json --junit report.xml
    run -1 grep -E 'socket|connect|fork|vfork|clone' trace
    [ "$(grep -cE 'O_WRONLY|O_RDWR|O_CREAT' trace)" = 1 ]
    grep -q '"report.xml", O_WRONLY' trace
}
