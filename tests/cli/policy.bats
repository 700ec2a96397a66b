#!/usr/bin/env bats
# policy lint and show, as a reviewer uses them: with a file alone, offline, or with a config.
# shellcheck disable=SC2016

load helper
load home

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 022
    example=$GEORDER_SOURCE/policy/example.json
}

# changed FILTER: the example, altered by jq, in policy.json, in force for long.
changed() {
    jq ".effective = \"2020-01-01T00:00:00Z\" | .expires = \"2099-01-01T00:00:00Z\" | $1" \
        "$example" >policy.json
}

lint() {
    run --separate-stderr env -i "$GEORDER" policy lint policy.json "$@"
}

# invalid FILTER POINTER TEXT: so altered, the example is refused at this place for this reason
invalid() {
    changed "$1" || return 1
    lint
    [[ $status == 11 && -z $output && $stderr == 'georder policy: policy.json:'[0-9]*:[0-9]*": $2: "*"$3"* ]] ||
        { echo "$1: exit $status: $stderr" >&2 && return 1; }
}

# remark FILTER POINTER CODE: it is valid, but a reviewer is told
remark() {
    changed "$1" || return 1
    lint
    [[ $status == 0 && $'\n'$output == *$'\n'"$2: $3: "* ]] ||
        { echo "$1: exit $status: $output $stderr" >&2 && return 1; }
}

@test "the example that is installed is valid, and its remark is on the label" {
    run -0 --separate-stderr env -i "$GEORDER" policy lint "$example"
    [ -z "$stderr" ]
    [[ $output == *'/rules/0/geo_restrictions: geo_followed_up: '* ]]
    [[ $output == *"valid: policy example-corp-certificates, revision 7, rules: 3, remarks: "*", sha256 $(sha256sum "$example" | cut -d' ' -f1)" ]]
    cmp "$example" "$GEORDER_BUILD/share/georder/example.json"
}

@test "lint --json: the facts and the remarks" {
    changed .
    lint --json
    [ "$status" = 0 ]
    jq -es 'length == 1 and (.[0] | .command == "policy" and .exit == 0 and .result == "done"
        and .policy.name == "example-corp-certificates" and .policy.revision == 7 and .policy.rules == 3
        and .policy.zones == 2 and (.policy.sha256 | length) == 64 and .policy.expires == "2099-01-01T00:00:00Z"
        and ([.remarks[] | [.code, .rule, .pointer]] | contains([["geo_followed_up", "eu-production", "/rules/0/geo_restrictions"]]))
        and ([.remarks[].text | length > 20] | all))' <<<"$output"
    changed 'del(.owner)'
    lint --json
    [ "$status" = 11 ]
    jq -es 'length == 1 and (.[0] | .exit == 11 and .result == "config"
        and .error == "policy.json:1:1: member \"owner\" is missing")' <<<"$output"
}

@test "lint --quiet speaks by its exit code" {
    changed .
    lint --quiet
    [ "$status" = 0 ]
    [ -z "$output$stderr" ]
}

@test "a policy that is not exactly right is refused at the place" {
    invalid '.rules[0].colour = "red"' /rules/0/colour 'unknown member "colour"'
    invalid 'del(.rules[0].geo_restrictions)' /rules/0 'member "geo_restrictions" is missing'
    invalid '.rules[0].validity_days = []' /rules/0/validity_days 'must have 1 to'
    invalid '.rules[0].certificate_authorities[0] = "digicert"' /rules/0/certificate_authorities/0 'digicert is not one of google'
    invalid '.rules[0].hosts[1] = "*.*.example.com"' /rules/0/hosts/1 'nothing else stands for other names'
    invalid '.rules[0].hosts[1] = "Example.com"' /rules/0/hosts/1 'example.com'
    invalid '.rules[0].max_hosts = "20"' /rules/0/max_hosts 'integer'
    invalid '.rules[1].id = "eu-production"' /rules/1/id 'stands here twice'
    invalid '.rules[0].effect = "allow"' /rules/0/effect 'permit'
    invalid '.rules[2].hosts = ["example.org"]' /rules/2/hosts/0 'lies in no zone of the policy'
    invalid '.zones["example.com"] = "1234"' /zones/example.com 'is not a zone id'
    invalid '.revision = 0' /revision 'from 1 to'
    invalid '.expires = "2019-01-01T00:00:00Z"' /expires 'is not later than effective'
    invalid '.expires = "tomorrow"' /expires ''
    invalid '.api.base_url = "http://api.cloudflare.com/client/v4"' /api/base_url 'must begin with https://'
    invalid '.api.spki_pins[0].sha256 = "AAAA"' /api/spki_pins/0/sha256 ''
    invalid '.api.networks[0] = "104.16.0.1/13"' /api/networks/0 ''
    invalid '.api.minimum_tls = "1.1"' /api/minimum_tls ''
    invalid '.on_violation = "ignore"' /on_violation 'report'
}

@test "what is not strict JSON is refused with line and column" {
    printf '{"georder_policy": 1,\n "georder_policy": 1}' >policy.json
    lint
    [ "$status" = 11 ]
    [ "$stderr" = 'georder policy: policy.json:2:2: /georder_policy: a second member of this name; keep one of them' ]
    printf '\xef\xbb\xbf{}' >policy.json
    lint
    [[ $status == 11 && $stderr == *'policy.json:1:1: a byte order mark'* ]]
    { cat "$example" && echo '{}'; } >policy.json
    lint
    [[ $status == 11 && $stderr =~ policy\.json:[0-9]+:1:\  ]]
    : >policy.json
    lint
    [[ $status == 11 && $stderr == *policy.json:1:1:* ]]
    head -c 5000000 /dev/zero | tr '\0' ' ' >policy.json
    lint
    [[ $status == 11 && $stderr == *'larger than 4194304 bytes'* ]]
}

@test "remarks: what a reviewer should know of a valid policy" {
    remark '.rules[0] |= (.validity_days = [14] | .certificate_authorities = ["lets_encrypt"])' /rules/0/validity_days unissuable_validity
    remark '.api.spki_pins |= .[:1]' /api/spki_pins single_pin
    remark '.rules += [.rules[0] | .id = "copy"]' /rules/3 duplicate_rule
    remark . /expires long_lived
    remark '.expires = "2021-01-01T00:00:00Z"' /expires expired
    remark '.rules[0].validity_days = [365]' /rules/0 unissuable_rule
    remark '.rules[0].freeze = [{from: "2020-01-01T00:00:00Z", to: "2099-01-01T00:00:00Z", reason: "x"}]' /rules/0/freeze never_open
}

@test "remarks on pins: by the roots that are installed, or by those beside the policy" {
    remark . /api/spki_pins/0 pin_expires
    remark '.api.spki_pins[0].subject = "Mallory Root"' /api/spki_pins/0/subject pin_misnamed
    remark '.api.spki_pins[0].sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="' /api/spki_pins/0 pin_unknown
    jq '.roots[].not_after = "2100-01-01T00:00:00Z"' "$GEORDER_SOURCE/policy/cloudflare.json" >cloudflare.json
    changed .
    lint
    [[ $status == 0 && $output != *pin_* ]]
    echo '{"georder_cloudflare": 1}' >cloudflare.json
    lint
    [ "$status" = 11 ]
    [ "$stderr" = 'georder policy: cloudflare.json:1:1: member "roots" is missing' ]
    chmod go+w cloudflare.json
    lint
    [[ $status == 11 && $stderr == *'cloudflare.json" is writable by group or others'* ]]
}

@test "terminal escapes in a policy come out inert" {
    changed '.rules[0].reason = "\u001b]0;owned\u0007 \u202e" | .owner = "\u001b[31m"'
    run env -i "$GEORDER" policy show policy.json
    [[ $output != *$'\e'* && $output != *$'\a'* && $output != *$'\u202e'* ]]
    lint
    [[ $output$stderr != *$'\e'* ]]
}

@test "show says who may be asked for what, rule by rule" {
    changed .
    run -0 --separate-stderr env -i "$GEORDER" policy show policy.json
    [ -z "$stderr" ]
    [ "$(head -n 3 <<<"$output")" = "policy example-corp-certificates, revision 7, of pki-compliance@example.com
in force 2020-01-01T00:00:00Z to 2099-01-01T00:00:00Z, sha256 $(sha256sum policy.json | cut -d' ' -f1)
API https://api.cloudflare.com/client/v4, pins: 16, networks: 22, TLS 1.3 or newer; a violation is reported" ]
    [ "$(grep -c '^  id  ' <<<"$output")" = 3 ]
    [[ $output == *'  geo_restrictions         ["eu","highest_security"]'* ]]
    run -0 env -i "$GEORDER" policy show policy.json --json
    [ "$(jq -S .content <<<"$output")" = "$(jq -S . policy.json)" ]
}

@test "without a file: the config's policy" {
    changed .
    jq -n '{policy: "policy.json", credential: "keystore:k?name=c",
            audit: {directory: "audit", origin: "a/b", signing_key: "keystore:k?name=s"}}' >georder.json
    mkdir elsewhere
    cd elsewhere || return 1
    run -0 "$GEORDER" policy lint --config ../georder.json
    [[ $output == *'valid: policy example-corp-certificates'* ]]
    run -0 "$GEORDER" policy show --config ../georder.json
    [[ $output == 'policy example-corp-certificates, revision 7'* ]]
}

@test "wrong words: exit 2, or 11 for a file that is not there" {
    run -2 "$GEORDER" policy
    [[ $output == 'georder policy: say '*lint*' or '*'; see georder policy --help' ]]
    run -2 "$GEORDER" policy list
    [[ $output == 'georder policy: say '*lint*' or '*'; see georder policy --help' ]]
    run -2 "$GEORDER" policy lint a b
    [ "$output" = 'georder policy: b: one word too many; see georder policy lint --help' ]
    run -11 "$GEORDER" policy lint nothing.json
    [[ $output == *'"nothing.json" does not exist' ]]
    run -11 "$GEORDER" policy lint .
    [[ $output == *'not a regular file'* ]]
}

@test "too many different approvals to compare: valid, and lint says that it could not" {
    changed '.rules = [range(300) as $i | .rules[0] + {id: "r\($i)", approvals: {count: 9, from: [range(8) | "g\(. * 37 + $i)"]}}]'
    lint
    [ "$status" = 0 ]
    [[ -z $stderr && $output == */rules:\ not_compared:*:\ 300\;*$'\nvalid: '* ]]
    run --separate-stderr "$GEORDER" policy diff policy.json policy.json
    [ "$status" = 11 ]
    [[ $stderr == *'zone example.com demand too many different approvals'* ]]
}
