#!/usr/bin/env bats
# Deciding only: offline, no keys, no record; with --policy not even a config.
# shellcheck disable=SC2016

load helper
load home

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 022
    jq '.effective = "2020-01-01T00:00:00Z" | .expires = "2099-01-01T00:00:00Z"' \
        "$GEORDER_SOURCE/policy/example.json" >policy.json
    cat >order.json <<'END'
{"zone": "example.com", "hosts": ["example.com", "*.example.com"], "type": "advanced",
 "certificate_authority": "google", "validity_days": 90, "validation_method": "txt",
 "cloudflare_branding": false, "geo_restrictions": {"label": "eu"}, "reference": "CHG0012345"}
END
    cat >denied.json <<'END'
{"zone": "example.com", "type": "advanced", "certificate_authority": "lets_encrypt",
 "hosts": ["x.y.example.com", "example.com", "pay.eu.example.com", "b.a.example.com"],
 "validity_days": 14, "validation_method": "http", "cloudflare_branding": true,
 "geo_restrictions": {"label": "us"}}
END
}

# In an empty environment: no config can be found, and none is needed.
check() {
    env -i "$GEORDER" check --policy policy.json "$@"
}

# changed FILTER: the order, altered by jq, in changed.json
changed() {
    jq "$1" order.json >changed.json
}

words=(--zone example.com --host example.com --host '*.example.com' --ca google
    --validity-days 90 --validation-method txt)

@test "a permitted order: the rule, and how strong the evidence for the label is" {
    run -0 --separate-stderr check --file order.json
    [ "$output" = 'permitted by rule eu-production of policy example-corp-certificates, revision 7
geo label eu: Cloudflare'"'"'s order endpoint takes no label, so none is sent. The policy accepts evidence after issue: the order stays open until every certificate shows this label.' ]
    [ -z "$stderr" ]
    jq '.rules[0].geo_evidence = "existing"' policy.json >stricter.json
    run -0 env -i "$GEORDER" check --policy stricter.json --file order.json
    [[ $output == *'The policy demands evidence first: a live pack of the zone that shows this label.' ]]
}

@test "without a label nothing is said of evidence" {
    run -0 check --zone example.net --host example.net --ca google --validity-days 90 --validation-method txt
    [ "$output" = 'permitted by rule public-site of policy example-corp-certificates, revision 7' ]
}

@test "--json: one document with the decision" {
    run -0 --separate-stderr check --file order.json --json
    [ -z "$stderr" ]
    jq -es --arg digest "$(sha256sum policy.json | cut -d' ' -f1)" 'length == 1 and (.[0] |
        .command == "check" and .result == "done" and .exit == 0 and (has("error") | not)
        and .decision.permit and .decision.rules == ["eu-production"] and .decision.reasons == []
        and .geo_evidence == "issued"
        and .decision.policy == {name: "example-corp-certificates", revision: 7, sha256: $digest})' <<<"$output"
    run -3 --separate-stderr check --json --file denied.json
    [ "$stderr" = 'georder check: denied by policy example-corp-certificates, revision 7, for 8 reasons' ]
    jq -es 'length == 1 and (.[0] | .result == "denied" and .exit == 3 and (.decision.permit | not)
        and (.decision.reasons | length) == 8 and .error == "denied by policy example-corp-certificates, revision 7, for 8 reasons"
        and ([.decision.reasons[] | has("code") and has("text")] | all))' <<<"$output"
}

@test "a denial gives every reason, sorted, and the same whatever the order of the hosts" {
    run -3 --separate-stderr check --file denied.json
    local first=$output
    [ "$(grep -oE '^  - [^ ]+ ([^ ]+ )?is( not| forbidden| covered)' <<<"$output")" = \
        '  - certificate_authority lets_encrypt is not
  - cloudflare_branding true is not
  - geo_restrictions us is not
  - validation_method http is not
  - validity_days 14 is not
  - pay.eu.example.com is forbidden
  - b.a.example.com is covered
  - x.y.example.com is covered' ]
    [[ $output == *'geo_restrictions us is not permitted: rule eu-production came closest and permits eu, highest_security'* ]]
    [[ $output == *'forbidden by rule no-payments'*'PCI scope has its own team'* ]]
    [[ $output == *'warning: lets_encrypt is documented to issue 90 days only, not 14'* ]]
    jq '.hosts |= reverse' denied.json >reversed.json
    run -3 --separate-stderr check --file reversed.json
    [ "$output" = "$first" ]
}

@test "--quiet says nothing of a permit, and one line of a denial" {
    run -0 --separate-stderr check --quiet --file order.json
    [ -z "$output$stderr" ]
    run -3 --separate-stderr check --quiet --file denied.json
    [ -z "$output" ]
    [ "$stderr" = 'georder check: denied by policy example-corp-certificates, revision 7, for 8 reasons' ]
}

@test "nothing is coloured, on a terminal neither" {
    run -0 script -qec "'$GEORDER' check --policy policy.json --file order.json" /dev/null
    [[ $output == 'permitted by rule eu-production'* && $output != *$'\e'* ]]
    run -3 script -qec "NO_COLOR=1 '$GEORDER' check --policy policy.json --file denied.json" /dev/null
    [[ $output == *'denied by policy'* && $output != *$'\e'* ]]
}

@test "the order comes from standard input, a file, or flags; the zone by its name or id" {
    run -0 check --file - <order.json
    run -0 check --file=order.json
    run -0 check "${words[@]}" --geo eu --reference CHG1
    [[ $output == 'permitted by rule eu-production'* ]]
    run -0 check --zone "$ZONE_ID" "${words[@]:2}" --geo eu
    changed ".zone = \"$ZONE_ID\""
    run -0 check --file changed.json
    run -3 check "${words[@]}"
    [[ $output == *'geo_restrictions none is not permitted: rule eu-production came closest and permits eu, highest_security'* ]]
    run -3 check "${words[@]}" --geo eu --branding
    [[ $output == *'cloudflare_branding true is not permitted'* ]]
}

@test "a zone, an authority, a label that the policy does not know are denials with the known ones" {
    run -3 check --zone example.org --host example.org --ca google --validity-days 90 --validation-method txt
    [[ $output == *'zone example.org is not in the policy: name one of its zones (example.com, example.net)'* ]]
    run -3 check "${words[@]}" --geo mars
    [[ $output == *'geo_restrictions mars is not permitted'*'eu, highest_security'* ]]
    changed '.certificate_authority = "acme"'
    run -3 check --file changed.json
    [[ $output == *'certificate_authority acme is not permitted'* ]]
}

@test "invalid orders: exit 2, the place, and the right form" {
    changed '.hosts[1] = "Www.Example.com"'
    run -2 check --file changed.json
    [[ $output == *'changed.json:'*'/hosts/1: '*'www.example.com'* ]]
    changed '.hosts = ["www.example.com"]'
    run -2 check --file changed.json
    [[ $output == *'add example.com'* ]]
    changed '.validity_day = 90'
    run -2 check --file changed.json
    [[ $output == *'/validity_day: unknown member'* ]]
    changed 'del(.certificate_authority)'
    run -2 check --file changed.json
    [[ $output == *'"certificate_authority" is missing'* ]]
    changed '.hosts = ["example.com"] + [range(50) | "h\(.).example.com"]'
    run -2 check --file changed.json
    [[ $output == *50* ]]
    run -2 check --file - <<<'{"zone": "example.com",}'
    [[ $output == *'standard input:1:'* ]]
    run -2 check --file - </dev/null
    [[ $output == *'standard input'* ]]
    run -2 check --file nothing.json
    [[ $output == *'"nothing.json" does not exist'* ]]
    run -2 check --file .
    [[ $output == *'not a regular file'* ]]
}

@test "flags: each one that is missing, empty or wrong is named" {
    run -2 check
    [[ $output == *'--zone is missing: give the whole order by flags, or --file' ]]
    run -2 check "${words[@]:2}"
    [[ $output == *'--zone is missing'* ]]
    run -2 check "${words[@]:0:2}" "${words[@]:6}"
    [[ $output == *'--host is missing'* ]]
    run -2 check "${words[@]:0:6}" "${words[@]:8}"
    [[ $output == *'--ca is missing'* ]]
    run -2 check "${words[@]:0:8}" "${words[@]:10}"
    [[ $output == *'--validity-days is missing'* ]]
    run -2 check "${words[@]:0:10}"
    [[ $output == *'--validation-method is missing'* ]]
    run -2 check "${words[@]}" --validity-days ninety
    [[ $output == *'--validity-days: give a number of days, say 90' ]]
    run -2 check "${words[@]}" --host ''
    [[ $output == *'--host: give 1 to '* ]]
    run -2 check "${words[@]}" --file order.json
    [[ $output == *'give either' ]]
    run -2 check order.json
    [[ $output == *'order.json: unexpected word'* ]]
    run -2 --separate-stderr check --json "${words[@]}" --validity-days ninety
    jq -e '.command == "check" and .exit == 2 and .result == "usage" and (.error | startswith("--validity-days"))' <<<"$output"
}

@test "a policy that is invalid, expired or not there" {
    run -11 env -i "$GEORDER" check --policy nothing.json --file order.json
    [[ $output == *'"nothing.json" does not exist'* ]]
    echo '{"georder_policy": 1}' >broken.json
    run -11 env -i "$GEORDER" check --policy broken.json --file order.json --json
    jq -e '.exit == 11 and .result == "config" and (.error | startswith("broken.json:1:"))' <<<"$(sed '/^georder/d' <<<"$output")"
    jq '.expires = "2021-01-01T00:00:00Z"' policy.json >expired.json
    run -11 env -i "$GEORDER" check --policy expired.json --file order.json
    [[ $output == *expired* ]]
    jq '.effective = "2098-01-01T00:00:00Z"' policy.json >early.json
    run -11 env -i "$GEORDER" check --policy early.json --file order.json
    [[ $output == *2098-01-01* ]]
    chmod go+w policy.json
    run -11 check --file order.json
    [[ $output == *policy.json* ]]
}

@test "the config's policy; --policy judges by another" {
    mkdir home
    jq '.rules = [.rules[1]]' policy.json >home/policy.json
    jq -n '{policy: "policy.json", credential: "keystore:k?name=c",
            audit: {directory: "audit", origin: "a/b", signing_key: "keystore:k?name=s"}}' >home/georder.json
    run -3 "$GEORDER" check --config home/georder.json --file order.json
    run -0 "$GEORDER" check --config home/georder.json --policy policy.json --file order.json
    [ "$(ls home)" = $'georder.json\npolicy.json' ]
}

# bats test_tags=sandbox
@test "no socket, no process, no file for writing" {
    run -0 strace -f -qq -o trace -e trace=network,process,openat,open,creat "$GEORDER" \
        check --policy policy.json --file order.json
    [ -s trace ]
    run -1 grep -E 'socket|connect|fork|vfork|clone|O_WRONLY|O_RDWR|O_CREAT|creat\(' trace
    [ "$(grep -c execve trace)" = 1 ]
}
