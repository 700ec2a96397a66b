#!/usr/bin/env bats
# What may change while an order waits for a PIN, the lock or a 429: it is judged by what holds when
# it is sent, not when it was asked for.
# shellcheck disable=SC2154

load helper
load home
load approve

setup_file() {
    home_template
    people_make alice bob
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
}

teardown() {
    [[ -z ${HOLDER:-} ]] || kill "$HOLDER" 2>/dev/null || true
    rehearsal_stop
}

# turn_near SECONDS: TURN is so far away, as a time for a policy. Until then georder has to find out that it
# must wait: much for a test, but not for the sanitizers on a busy machine.
turn_near() {
    TURN_SECONDS=$(($(date +%s) + $1))
    TURN=$(date -u -d "@$TURN_SECONDS" +%Y-%m-%dT%H:%M:%SZ)
}

# lock_held: until just after the turn, as another order holds it, from its look at the log to its intent.
lock_held() {
    : >>audit/orders.lock
    # shellcheck disable=SC2016  # the inner shell expands it
    flock audit/orders.lock sh -c 'while [ "$(date +%s)" -le "$0" ]; do sleep 0.1; done' "$TURN_SECONDS" 3>&- &
    HOLDER=$!
    await lock_is_held
}

lock_is_held() {
    ! flock -n audit/orders.lock true
}

another_order() { # ARGUMENT...
    run "$1" georder order --quiet --again --file order.json "${@:2}"
}

recorded() { # EVENTS
    [ "$(events)" = "log.created policy.changed $1" ]
}

# waiting: an order was answered with 429, and waits to be sent again; its output goes to out.
waiting() {
    home_listen '{"orders": [{"answer": "rate_limit", "retry_after": 20}, {"answer": "place"}]}'
    georder order --file order.json >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    WAITING=$!
    await recorded 'order.intent order.response'
}

@test "a freeze that begins while an order waits for its turn: exit 3, nothing sent" {
    home_listen
    turn_near 15
    lock_held
    home_edit policy.json ".rules[0].freeze = [{\"from\": \"$TURN\", \"to\": \"2090-01-01T00:00:00Z\", \"reason\": \"year end\"}]"
    run -3 georder order --file order.json
    [[ $output == *'permitted by rule eu-production'*'denied by policy'*'year end'* ]]
    [ "$(posts)" = 0 ]
    recorded order.denied
    [ "$(last_record '.decision.reasons[0].code')" = frozen ]
    verified
}

@test "a policy that expires while an order waits for its turn: exit 11, nothing sent" {
    home_listen
    turn_near 15
    lock_held
    home_edit policy.json ".expires = \"$TURN\""
    run -11 georder order --file order.json
    [[ $output == *'permitted by rule eu-production'*'denied by policy'* ]]
    [ "$(posts)" = 0 ]
    recorded order.denied
    [ "$(last_record '.decision.reasons[0].code')" = policy_expired ]
}

@test "a newer policy that comes into force while a 429 is waited for: exit 11, not sent again" {
    local status=0
    waiting
    policy_edit '.rules[0].validity_days = [30]'
    another_order -3
    wait "$WAITING" || status=$?
    [ "$status" = 11 ]
    [[ $(<"$BATS_TEST_TMPDIR/out") == *'another policy came into force while this order waited'* ]]
    [ "$(posts)" = 1 ]
    recorded 'order.intent order.response policy.changed order.denied'
}

@test "max_orders: the orders of the day, with those of others while a 429 is waited for" {
    local status=0
    one_day
    home_edit policy.json '.rules[0].max_orders = 1'
    waiting
    run -0 georder order --quiet --file order.json
    another_order -3
    [ "$(last_record '.decision.reasons[0].code')" = max_orders_reached ]
    wait "$WAITING" || status=$?
    [ "$status" = 8 ]
    [ "$(posts)" = 2 ]
}

@test "with max_orders reached, a rule that demands evidence permits, and it is looked for" {
    one_day
    home_listen '{"orders": [{"answer": "place", "status": "active", "geo_label": "eu"}]}'
    home_edit policy.json '.rules[0].max_orders = 1 | .rules += [.rules[0] | .id = "with-evidence" | del(.max_orders) | .geo_evidence = "existing"]'
    another_order -0
    another_order -0 --verbose
    [ "$(events)" = 'log.created policy.changed order.intent order.response order.evidence order.intent order.response' ]
    [ "$(last_record .decision.rules)" = null ]
    [ "$(georder audit list --json | jq -c '[.records[].unmapped.georder | select(.event == "order.intent") | .decision.rules]')" = '[["eu-production"],["with-evidence"]]' ]
}

@test "a rule without evidence that is closed while an order waits does not hand over to one that demands it" {
    home_listen
    turn_near 15
    lock_held
    home_edit policy.json ".rules[0].freeze = [{\"from\": \"$TURN\", \"to\": \"2090-01-01T00:00:00Z\", \"reason\": \"year end\"}]
        | .rules += [.rules[0] | .id = \"with-evidence\" | del(.freeze) | .geo_evidence = \"existing\"]"
    run -3 georder order --file order.json
    [[ $output == *'only a rule that demands evidence first permits this order: order again'* ]]
    [ "$(posts)" = 0 ]
    recorded order.denied
}

@test "an approver's key that ends while an order waits takes the approval along: exit 3, nothing sent" {
    home_listen
    home_edit policy.json '.rules[0].approvals = {count: 1, from: ["pki-oncall"]}'
    turn_near 30
    approvers 1 1 bob "$(person alice ".keys[0].valid_before = \"$TURN\"")"
    list_signed bob
    run -0 georder policy trust --reason 'the first list'
    georder order --prepare --quiet --file order.json >request.json
    sign request.json order alice
    lock_held
    run -3 georder order --request request.json
    [[ $output == *'approved by alice@example.com'*'denied by policy'*'demands approvals, 1 from pki-oncall, and 0 of these are there'* ]]
    [ "$(posts)" = 0 ]
    [ "$(last_record '.decision.reasons[0].code')" = approvals_missing ]
}
