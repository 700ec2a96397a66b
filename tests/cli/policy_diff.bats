#!/usr/bin/env bats
# policy diff, as a reviewer and a pipeline use it: two files, offline, without a config.
# shellcheck disable=SC2015,SC2016,SC2154

load helper
load home

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 022
    cp "$GEORDER_SOURCE/policy/example.json" old.json
}

# changed FILTER: old.json altered by jq, as revision 8, in new.json
changed() {
    jq ".revision = 8 | $1" old.json >new.json
}

diff_() {
    run --separate-stderr env -i "$GEORDER" policy diff "$@"
}

# verdict FILTER VERDICT EXIT: of this change, and of its reverse what follows from that
verdict() {
    changed "$1" || return 1
    diff_ --json old.json new.json
    [ "$status" = "$3" ] && jq -es --arg verdict "$2" --argjson exit "$3" 'length == 1 and (.[0] |
        .command == "policy" and .verdict == $verdict and .exit == $exit
        and .result == (if $exit == 0 then "done" else "failed" end)
        and (.old.revision == 7) and (.new.revision == 8) and (.new.sha256 | length) == 64)' <<<"$output" >/dev/null ||
        { echo "$1: exit $status: $output $stderr" >&2 && return 1; }
}

@test "equivalent: another revision, reason, owner, order of a list" {
    verdict . equivalent 0
    verdict '.rules[0].reason = "other" | .owner = "ca@example.com"' equivalent 0
    verdict '.rules[0].validity_days |= reverse | .rules |= reverse' equivalent 0
    jq -e '.gained == null and .lost == null and .gained_when == null and .gained_by == []' <<<"$output"
}

@test "narrower: exit 0, and with --fail-on any 1" {
    verdict '.rules[0].validity_days = [90]' narrower 0
    jq -e '.gained == null and .lost.validity_days == 30 and .lost_by[0].rule == "eu-production"' <<<"$output"
    diff_ --fail-on any old.json new.json
    [ "$status" = 1 ]
    [[ $stderr == 'georder policy: narrower: policy example-corp-certificates, revision 8 '* ]]
    diff_ --fail-on wider old.json new.json
    [[ $status == 0 && -z $stderr ]]
    diff_ --fail-on any old.json old.json
    [[ $status == 0 && -z $stderr ]]
}

@test "wider: exit 1, the witness is an order that the new policy permits and the old one denies" {
    verdict '.rules[0].max_hosts = 22 | .effective = "2020-01-01T00:00:00Z" | .expires = "2099-01-01T00:00:00Z"' wider 1
    jq .gained <<<"$output" >order.json
    jq -e '(.hosts | length) == 21' order.json
    jq '.effective = "2020-01-01T00:00:00Z" | .expires = "2099-01-01T00:00:00Z"' old.json >then.json
    run -0 env -i "$GEORDER" check --policy new.json --file order.json
    run -3 env -i "$GEORDER" check --policy then.json --file order.json
    [[ $output == *'21 hosts are more than rule eu-production permits, 20'* ]]
}

@test "incomparable: exit 1, a witness for each direction" {
    verdict '.rules[0].validity_days = [30, 365]' incomparable 1
    jq -e '.gained.validity_days == 365 and .lost.validity_days == 90
        and (.gained_reasons | map(.code) == ["attribute_not_permitted"])
        and .gained_extent.zones == 1 and .gained_extent.attribute_cells > 0' <<<"$output"
}

@test "a wider pin, network, TLS version or on_violation is wider without any order" {
    verdict '.api.minimum_tls = "1.2"' wider 1
    verdict '.api.networks += ["192.0.2.0/24"]' wider 1
    verdict '.locked_memory = "preferred"' wider 1
    verdict '.audit.require = ["hsm-head"]' narrower 0
    verdict '.api.spki_pins += [.api.spki_pins[0] | .sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]' wider 1
    jq -e '.gained == null and (.changes | map(select(.direction == "wider")) | length) == 1' <<<"$output"
}

@test "the circumstances of a witness are said" {
    verdict '.rules[0].freeze = [{"from": "2026-12-18T00:00:00Z", "to": "2027-01-04T00:00:00Z", "reason": "holidays"}]
        | .rules[0].max_orders = 3' narrower 0
    jq -e '.lost_when.time == "2026-12-18T00:00:00.000Z" and .lost_when.orders_today == 0' <<<"$output"
    jq '.rules[0].approvals = {"count": 2, "from": ["pki-oncall"]}' old.json >strict.json
    diff_ --json --within strict.json old.json
    [ "$status" = 1 ]
    jq -e '.verdict == "wider" and .gained_when.approvals == []' <<<"$output"
    jq '.rules[0].approvals = {"count": 1, "from": ["pki-oncall"]}' old.json >new.json
    diff_ strict.json new.json
    [[ $status == 1 && $output == *'approved by approver1@example.com of pki-oncall'* ]]
}

@test "text for people: verdict, witness, why the old policy denies it, the rules, the changes" {
    changed '.rules[0].validity_days += [365]'
    diff_ old.json new.json
    [ "$status" = 1 ]
    [[ ${lines[0]} == 'wider: policy example-corp-certificates, revision 8 (sha256 '*') permits or trusts more than example-corp-certificates, revision 7 (sha256 '*'), and nothing less' ]]
    [[ $output == *'gained: zones: 1, classes of names: '*'  for example:'*'"validity_days":365'* ]]
    [[ $output == *'the old policy denies it:'*'- validity_days 365 is not permitted: rule eu-production came closest and permits 30, 90'* ]]
    [[ $output == *'- eu-production: zone example.com, for example example.com in an order of 1 or more; certificate_authorities '* ]]
    [[ $output == *'lost: no order'*'revision: 7 -> 8'*'rules.eu-production.validity_days: [30,90] -> [30,90,365]'* ]]
    diff_ --quiet old.json new.json
    [[ $status == 1 && -z $output && -n $stderr ]]
}

@test "--within: is the policy within a ceiling" {
    changed '.rules[0].validity_days = [90]'
    diff_ --within old.json new.json
    [[ $status == 0 && $output == 'narrower: '*'less than the ceiling example-corp-certificates, revision 7'* ]]
    diff_ --within new.json old.json
    [[ $status == 1 && $output == *'the ceiling policy denies it:'* && $output == *'rules of the given policy'* ]]
}

@test "--markdown: fences, tables, and nothing of the policy's text is markup" {
    changed '.rules[0].validity_days += [365] | .name = "n | `x` <b>b</b> @all" | .rules[0].reason = "a|b ```` c \\| <script> [l](http://x)"'
    diff_ --markdown old.json new.json
    [ "$status" = 1 ]
    [[ ${lines[0]} == '## Policy diff: wider' ]]
    printf '%s\n' "$output" >diff.md
    # The fenced order is a valid order file.
    sed -n '/^```json$/,/^```$/{/^```/!p}' diff.md >order.json
    jq -e '.validity_days == 365' order.json
    # Every row of a table has the cells of its head, whatever the policy says.
    awk '/^\|/ { n = gsub(/\|/, "|"); if (head == 0) head = n; if (n != head) exit 1; next } { head = 0 }' diff.md
    run ! grep -E '<script>|<b>|\[l\]' diff.md
    grep -q '&#60;script&#62;' diff.md
    # A back tick of the policy is inside a fence that is longer, or a reference.
    changed '.rules[0].reason = "one ` and two `` ticks"'
    diff_ --markdown old.json new.json
    [[ $output == *'``` "one ` and two `` ticks" ```'* ]]
}

@test "wrong words: exit 2; a wrong file: exit 11, with its place" {
    changed .
    local arguments
    for arguments in '' old.json '--within old.json' '--within old.json new.json old.json' '--fail-on all old.json new.json' \
        '--markdown --json old.json new.json' '--colour old.json new.json'; do
        # shellcheck disable=SC2086
        diff_ $arguments
        [[ $status == 2 ]] || { echo "$arguments: exit $status" >&2 && return 1; }
    done
    jq 'del(.owner)' old.json >bad.json
    diff_ old.json bad.json
    [[ $status == 11 && $stderr == 'georder policy: bad.json:'*'member "owner" is missing' ]]
    diff_ bad.json old.json
    [[ $status == 11 && $stderr == 'georder policy: bad.json:'* ]]
    diff_ old.json nothing.json
    [[ $status == 11 && $stderr == *nothing.json* ]]
    chmod 666 old.json
    diff_ old.json new.json
    [[ $status == 11 && $stderr == *old.json* ]]
}

@test "a policy out of force is compared all the same" {
    jq '.effective = "2001-01-01T00:00:00Z" | .expires = "2002-01-01T00:00:00Z"' old.json >past.json
    diff_ past.json old.json
    [[ $status == 0 && $output == equivalent:* ]]
    diff_ old.json past.json
    [[ $status == 0 && $output == equivalent:* ]]
}

@test "limits that are too many to be compared are an error, never a guess" {
    jq '.rules = [range(70) as $i | .rules[0] | .id = "r\($i)" | .approvals = {"count": 1, "from": ["g\($i)"]}]' old.json >many.json
    diff_ many.json many.json
    [[ $status == 11 && $stderr == *'too many different approvals to be compared exactly'* ]]
}

@test "help tells options and exits" {
    diff_ --help
    [[ $status == 0 && $output == 'usage: georder policy diff OLD NEW'* && $output == *'--within CEILING'*'--fail-on'*'exit: 0 '* ]]
    [ -z "$(awk 'length > 100' <<<"$output")" ]
}
