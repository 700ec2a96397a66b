#!/usr/bin/env bats
# Which policy and trust list may be used: the log remembers what was in force (policy.changed,
# approvers.changed), and approvals are signatures of the real ssh-keygen.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helper
load home
load approve

setup_file() {
    home_template
    people_make alice bob carol dave
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
}

teardown() {
    rehearsal_stop
}

order() { # -EXIT
    run "$1" georder order --file order.json
}

# in_force EVENTS: policy.json is in force, by an order that it denies; and that is all there is.
in_force() {
    home_listen
    run -3 georder order --quiet --file denied.json
    [ "$(events)" = 'log.created policy.changed order.denied' ]
}

# refused TEXT [EVENTS]: an order ends with exit 11 and TEXT, nothing is sent, nothing is recorded.
refused() {
    local before
    before=$(events)
    order -11
    [[ $output == *"$1"* ]] || { echo "no \"$1\" in: $output" >&2 && return 1; }
    nothing_sent "$before${2:+ $2}"
}

# The last record of that event: its message's part, by a jq filter.
record() { # EVENT FILTER
    georder audit list --json | jq -c --arg event "$1" \
        "[.records[] | select(.metadata.event_code == \$event)][-1].unmapped.georder | $2"
}

sha256() {
    sha256sum "$1" | cut -d' ' -f1
}

# --- Without approvals ---------------------------------------------------------------------------

@test "each policy that was in force is kept in the log, byte for byte, and missed when it goes" {
    local digest
    in_force
    policy_edit '.name = "another"'
    run -3 georder order --quiet --file denied.json
    [ "$(georder audit list --json | jq -c '[.records[].unmapped.georder | select(.event == "policy.changed") | .body_file == "bodies/" + .policy.sha256]')" = '[true,true]' ]
    digest=$(sha256 policy.json)
    cmp policy.json "audit/bodies/$digest"
    [ "$(find audit/bodies -type f | wc -l)" = 2 ]
    verified
    echo >>"audit/bodies/$digest"
    run -10 georder audit verify
    [[ $output == *'altered: record 3 names a body that is missing from bodies/ or was altered there'* ]]
}

@test "the first use of a policy is recorded: which, and that nobody had to approve it" {
    home_listen
    order -0
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
    [ "$(record policy.changed .policy)" = "{\"name\":\"rehearsal\",\"revision\":2,\"sha256\":\"$(sha256 policy.json)\"}" ]
    [ "$(record policy.changed .policy_change)" = '{"approvals_required":false,"approvals":[]}' ]
    verified
}

@test "the same policy again is not recorded again" {
    in_force
    order -0
    run -3 georder order --quiet --file denied.json
    [ "$(events)" = 'log.created policy.changed order.denied order.intent order.response order.denied' ]
}

@test "a higher revision is recorded, with the one before" {
    local before
    in_force
    before=$(sha256 policy.json)
    policy_edit '.owner = "pki@example.com"'
    order -0
    [ "$(events)" = 'log.created policy.changed order.denied policy.changed order.intent order.response' ]
    [ "$(record policy.changed .policy_change.from)" = "{\"revision\":2,\"sha256\":\"$before\"}" ]
    [ "$(record policy.changed .policy)" = "{\"name\":\"rehearsal\",\"revision\":3,\"sha256\":\"$(sha256 policy.json)\"}" ]
}

@test "a lower revision: exit 11, no intent, nothing sent" {
    in_force
    cp policy.json before.json
    home_edit policy.json '.revision = 1'
    refused 'policy revision 1 is older than revision 2, which was in force'
    # Also behind a higher one, and byte for byte as it once was.
    cp before.json policy.json
    policy_edit .
    run -3 georder order --quiet --file denied.json
    cp before.json policy.json
    refused 'policy revision 2 is older than revision 3, which was in force'
}

@test "the same revision with other bytes, be it one space: exit 11, nothing sent" {
    local digest
    in_force
    digest=$(sha256 policy.json)
    cp policy.json before.json
    printf ' ' >>policy.json
    refused "policy revision 2 was in force with other bytes (sha256 $digest): a changed policy needs a higher revision"
    cp before.json policy.json
    order -0
}

@test "after its time, or before: exit 11 and order.denied; what only reads goes on" {
    in_force
    home_edit policy.json '.revision = 3 | .expires = "2026-01-02T00:00:00Z"'
    refused 'denied by policy' order.denied
    [ "$(last_record '.decision.reasons[0].code')" = policy_expired ]
    home_edit policy.json '.expires = "2099-01-01T00:00:00Z" | .effective = "2098-01-01T00:00:00Z"'
    refused 'denied by policy' order.denied
    [ "$(last_record '.decision.reasons[0].code')" = policy_not_effective ]
    run -0 georder policy show
    run -0 georder policy lint
    run -0 georder audit list
    run -0 georder audit verify
}

@test "what is not in force yet is not remembered: the one before may be put back" {
    in_force
    cp policy.json before.json
    policy_edit '.effective = "2098-01-01T00:00:00Z" | .expires = "2099-01-01T00:00:00Z"'
    refused 'denied by policy' order.denied
    cp before.json policy.json
    order -0
    [ "$(events)" = 'log.created policy.changed order.denied order.denied order.intent order.response' ]
}

@test "a first policy that was not in force when it was tried is no lost memory" {
    home_listen
    cp policy.json valid.json
    home_edit policy.json '.effective = "2098-01-01T00:00:00Z" | .expires = "2099-01-01T00:00:00Z"'
    refused 'denied by policy' order.denied
    cp valid.json policy.json
    order -0
    [ "$(events)" = 'log.created order.denied policy.changed order.intent order.response' ]
}

# A georder that records no policy.changed: this one, which calls it by a name of the same length.
forgetful_georder() {
    local old=$BATS_TEST_TMPDIR/old
    mkdir "$old"
    cp -a "$GEORDER_BUILD/libexec" "$GEORDER_BUILD/share" "$old"
    LC_ALL=C sed 's/policy\.changed/policy.forgets/g' "$GEORDER_BUILD/georder" >"$old/georder"
    chmod 755 "$old/georder"
    "$old/georder" "$@"
}

@test "a log that has orders, and remembers no policy: exit 11, until policy trust" {
    home_listen
    run -0 forgetful_georder order --config georder.json --file order.json
    [ "$(events)" = 'log.created policy.forgets order.intent order.response' ]
    run -11 georder order --again --file order.json
    [[ $output == *'the log has orders, and yet remembers no policy that was in force: look at what is there, then say so by `georder policy trust --reason TEXT`'* ]]
    run -11 georder credential verify
    [ "$(events)" = 'log.created policy.forgets order.intent order.response' ]
    [ "$(posts)" = 1 ]
    run -0 georder policy trust --reason 'made by an older georder'
    [ "$(record policy.changed .policy_change.trusted_because)" = '"made by an older georder"' ]
    run -0 georder order --again --file order.json
    [ "$(posts)" = 2 ]
    verified
}

@test "an older revision is not used because it is expired, either" {
    in_force
    home_edit policy.json '.revision = 1 | .expires = "2026-01-02T00:00:00Z"'
    refused 'policy revision 1 is older than revision 2'
}

@test "credential verify and rotate obey, and remember" {
    home_listen
    run -0 georder credential verify
    [ "$(events)" = 'log.created policy.changed credential.verified' ]
    home_edit policy.json '.revision = 1'
    run -11 georder credential verify
    [[ $output == *'policy revision 1 is older than revision 2'* ]]
    run -11 georder credential rotate <<<cfut_another00000000000000000000000000000000000000000
    [ "$(requests)" = 1 ]
    [ "$(events)" = 'log.created policy.changed credential.verified' ]
    home_edit policy.json '.revision = 2'
    run -0 georder credential verify
}

@test "policy trust: says why, is recorded with it, and only where the log does not remember" {
    run -2 georder policy trust
    [[ $output == *'--reason: say why'* ]]
    run -2 georder policy trust --reason ''
    run -2 georder policy trust --reason "$(printf 'a%.0s' {1..501})"
    run -2 georder policy trust --reason $'\xff'
    [ "$(events)" = log.created ]
    run -0 georder policy trust --reason 'a new host, CHG7'
    [ "$output" = 'recorded: policy rehearsal, revision 1' ]
    [ "$(events)" = 'log.created policy.changed' ]
    [ "$(record policy.changed .policy_change)" = '{"approvals_required":false,"approvals":[],"trusted_because":"a new host, CHG7"}' ]
    run -11 georder policy trust --reason again
    [[ $output == *'the log remembers what was in force'* ]]
    policy_edit .
    run -11 georder policy trust --reason 'a higher one, too'
    home_edit policy.json '.revision = 1 | .owner = "mallory@example.com"'
    run -11 georder policy trust --reason 'other bytes'
    [ "$(events)" = 'log.created policy.changed' ]
    verified
}

@test "policy trust does not trust what is not in force" {
    home_edit policy.json '.expires = "2026-01-02T00:00:00Z"'
    run -11 georder policy trust --reason 'why not'
    [[ $output == *'the policy is in force from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z: not now'* ]]
    [ "$(events)" = log.created ]
}

# A first order that waits for its turn, until descriptor 9 is closed: sets ORDER, its process.
waiting_order() { # ARGUMENT...
    exec 9>audit/orders.lock
    flock 9
    "$GEORDER" order --config georder.json "$@" >said 2>&1 3>&- 9>&- &
    ORDER=$!
    await turns_wait "$ORDER"
}

waited() { # EXIT
    local status=0
    exec 9>&-
    wait "$ORDER" || status=$?
    [ "$status" = "$1" ]
}

@test "a higher revision that came into force while an order waited: exit 11, nothing sent" {
    in_force
    waiting_order --file order.json
    policy_edit .
    georder credential verify --quiet
    waited 11
    grep -q 'another policy came into force while this order waited: nothing was sent' said
    [ "$(posts)" = 0 ]
    [ "$(events)" = 'log.created policy.changed order.denied policy.changed credential.verified' ]
    order -0
}

# --- With approvals ------------------------------------------------------------------------------

# The config demands approvals, two of alice, bob and carol; nothing is signed or trusted yet.
demanded() {
    home_listen
    home_edit georder.json '.require_approvals = true'
    approvers 1 2 alice bob carol
}

# They approved the list and revision 2, and a person trusted it.
trusted() {
    demanded
    list_signed alice bob
    policy_signed alice bob
    georder policy trust --quiet --reason 'the first list'
    [ "$(events)" = 'log.created approvers.changed policy.changed' ]
}

@test "approvals demanded, and no approvers.json: exit 11" {
    demanded
    list_signed alice bob
    policy_signed alice bob
    rm approvers.json
    refused 'approvals are demanded, and there is no trust list'
}

@test "a first trust list that nobody trusted: exit 11, until policy trust" {
    demanded
    list_signed alice bob
    policy_signed alice bob
    refused 'the log remembers no trust list, so nothing vouches for '
    run -0 georder policy trust --reason 'keys compared by telephone'
    [ "$output" = 'recorded: policy rehearsal, revision 2, and the trust list' ]
    [ "$(record approvers.changed '.approvers | [.revision, .threshold, .sha256, .trusted_because]')" = \
        "[1,2,\"$(sha256 approvers.json)\",\"keys compared by telephone\"]" ]
    [ "$(record approvers.changed '[.approvers.approvals[].principal]')" = '["alice@example.com","bob@example.com"]' ]
    record approvers.changed .approvers.text | jq -j . | cmp - approvers.json
    order -0
}

@test "policy trust wants the first list signed by its own threshold, and the policy approved" {
    demanded
    policy_signed alice bob
    run -11 georder policy trust --reason why
    [[ $output == *'the new trust list, by itself: approved by 0 of the 2 people needed: there is no signature'* ]]
    list_signed alice
    run -11 georder policy trust --reason why
    [[ $output == *'approved by 1 of the 2 people needed'* ]]
    [ "$(events)" = log.created ]
    list_signed alice bob
    policy_signed alice
    run -11 georder policy trust --reason why
    [[ $output == *'policy.json: approved by 1 of the 2 people needed'* ]]
    [[ $(events) != *policy.changed* ]]
}

@test "a policy that two approved is used, and policy.changed names both and their keys" {
    local name
    trusted
    policy_edit '.owner = "pki@example.com"'
    policy_signed bob carol
    order -0
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created approvers.changed policy.changed policy.changed order.intent order.response' ]
    [ "$(record policy.changed .policy_change.approvals_required)" = true ]
    for name in bob carol; do
        ssh-keygen -l -f "$PEOPLE/$name.pub" | jq -Rc --arg name "$name" \
            '{principal: "\($name)@example.com", key_type: "ssh-ed25519", fingerprint: (. / " ")[1]}'
    done | jq -sc . >expected
    [ "$(record policy.changed .policy_change.approvals)" = "$(<expected)" ]
}

@test "a policy that too few approved: exit 11, nothing sent" {
    trusted
    policy_edit .
    rm -r policy.json.sig
    refused 'approved by 0 of the 2 people needed: there is no signature'
    policy_signed alice
    refused 'approved by 1 of the 2 people needed'
    # The signatures of the revision before are over other bytes.
    policy_signed alice bob
    printf ' ' >>policy.json
    refused 'approved by 0 of the 2 people needed'
    policy_signed alice bob
    order -0
}

@test "signatures of one person do not make two" {
    trusted
    policy_edit .
    policy_signed alice
    cp policy.json.sig/alice@example.com.sig policy.json.sig/bob@example.com.sig
    refused 'approved by 1 of the 2 people needed; bob@example.com.sig: the key is not of bob@example.com but of alice@example.com'
    mv policy.json.sig/bob@example.com.sig policy.json.sig/alice.sig
    refused 'approved by 1 of the 2 people needed'
    # Nor do two keys of theirs.
    approvers 2 2 "$(person alice ".keys += [{key: \"$(cut -d' ' -f1,2 "$PEOPLE/dave.pub")\"}]")" bob carol
    list_signed alice bob
    policy_signed alice
    sign policy.json policy dave
    mv policy.json.sig/dave@example.com.sig policy.json.sig/bob@example.com.sig
    order -11
    [[ $output == *'approved by 1 of the 2 people needed; bob@example.com.sig: the key is not of bob@example.com but of alice@example.com'* ]]
    [ "$(connections)" = 0 ]
}

@test "a signature for something else, by a stranger, or by a key that is over, does not count" {
    trusted
    policy_edit .
    policy_signed alice
    sign policy.json order bob
    refused 'approved by 1 of the 2 people needed; bob@example.com.sig: '
    policy_signed alice dave
    refused 'approved by 1 of the 2 people needed; dave@example.com.sig: dave@example.com is not in approvers.json'
    policy_signed alice
    cp "$PEOPLE/bob.pub" policy.json.sig/bob@example.com.sig
    refused 'approved by 1 of the 2 people needed; bob@example.com.sig: '
    approvers 2 2 "$(person alice '.keys[0].valid_before = "2026-02-01T00:00:00Z"')" bob carol
    list_signed alice bob carol
    policy_signed alice bob
    order -11
    [[ $output == *'approved by 1 of the 2 people needed; alice@example.com.sig: the key was valid before 2026-02-01T00:00:00.000Z only'* ]]
    [ "$(connections)" = 0 ]
    policy_signed bob carol
    order -0
}

@test "another trust list needs the threshold of the old one and its own" {
    trusted
    approvers 2 2 carol dave
    policy_signed alice bob carol dave
    refused 'the new trust list, by the list in force: approved by 0 of the 2 people needed'
    list_signed carol dave
    refused 'the new trust list, by the list in force: approved by 1 of the 2 people needed'
    list_signed alice bob
    refused 'the new trust list, by itself: approved by 0 of the 2 people needed'
    list_signed alice carol
    refused 'the new trust list, by itself: approved by 1 of the 2 people needed'
    list_signed alice carol dave
    order -0
    [ "$(events)" = 'log.created approvers.changed policy.changed approvers.changed order.intent order.response' ]
    [ "$(record approvers.changed '.approvers | [.revision, .threshold, .sha256]')" = "[2,2,\"$(sha256 approvers.json)\"]" ]
    [ "$(record approvers.changed '[.approvers.approvals[].principal]')" = '["carol@example.com","dave@example.com"]' ]
    # Who is not in it any more approves nothing any more.
    policy_edit .
    policy_signed alice bob
    run -11 georder order --again --file order.json
    [[ $output == *'approved by 0 of the 2 people needed'* ]]
    [ "$(posts)" = 1 ]
}

@test "another trust list that came into force while an order waited: exit 11, nothing sent" {
    trusted
    waiting_order --file order.json
    approvers 2 1 bob
    list_signed alice bob
    georder credential verify --quiet
    waited 11
    grep -q 'another trust list came into force while this order waited: nothing was sent' said
    [ "$(posts)" = 0 ]
    order -0
}

@test "a trust list of a lower or the same revision: exit 11, whoever signed it" {
    trusted
    cp -a approvers.json first.json
    approvers 2 1 alice bob carol
    list_signed alice bob carol
    order -0
    printf ' ' >>approvers.json
    list_signed alice bob carol
    run -11 georder order --again --file order.json
    [[ $output == *'the new trust list has revision 2, the one in force 2: a change needs a higher one'* ]]
    cp first.json approvers.json
    list_signed alice bob carol
    run -11 georder order --again --file order.json
    [[ $output == *'the new trust list has revision 1, the one in force 2: a change needs a higher one'* ]]
    run -11 georder policy trust --reason 'the old one was better'
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created approvers.changed policy.changed approvers.changed order.intent order.response' ]
}

@test "approvals that the config does not demand any more: exit 11, until policy trust" {
    trusted
    home_edit georder.json '.require_approvals = false'
    refused 'the policy in force needed approvals, and the config does not require them any more'
    home_edit georder.json 'del(.require_approvals)'
    refused 'the policy in force needed approvals, and the config does not require them any more'
    # Not by a policy of a higher revision, either.
    policy_edit .
    refused 'the policy in force needed approvals, and the config does not require them any more'
    run -0 georder policy trust --reason 'one person runs this now'
    [ "$(record policy.changed '.policy_change | [.approvals_required, .trusted_because]')" = '[false,"one person runs this now"]' ]
    order -0
    # The way back is open, and is recorded.
    home_edit georder.json '.require_approvals = true'
    run -11 georder order --again --file order.json
    policy_signed alice bob
    run -0 georder order --again --file order.json
    [ "$(record policy.changed '.policy_change | [.approvals_required, (.approvals | length)]')" = '[true,2]' ]
}

@test "an approved policy is held against what was in force, too" {
    trusted
    cp policy.json second.json
    cp -a policy.json.sig second.sig
    policy_edit .
    policy_signed alice bob
    run -3 georder order --quiet --file denied.json
    rm -r policy.json.sig
    cp second.json policy.json
    mv second.sig policy.json.sig
    refused 'policy revision 2 is older than revision 3, which was in force'
    run -11 georder policy trust --reason 'it is approved'
}

@test "credential verify and rotate want the approvals, too" {
    trusted
    policy_edit .
    run -11 georder credential verify
    [[ $output == *'approved by 0 of the 2 people needed'* ]]
    run -11 georder credential rotate <<<cfut_another00000000000000000000000000000000000000000
    nothing_sent 'log.created approvers.changed policy.changed'
    policy_signed alice bob
    run -0 georder credential verify
    [ "$(events)" = 'log.created approvers.changed policy.changed policy.changed credential.verified' ]
}

@test "what only reads needs no approval" {
    demanded
    run -0 georder policy show
    run -0 georder policy lint
    run -0 georder check --file order.json
    run -0 georder order --dry-run --file order.json
    run -0 georder audit list
    nothing_sent log.created
}
