#!/usr/bin/env bats
# shellcheck disable=SC2154  # run --separate-stderr sets it
# Nothing is bought twice, and what is recorded is what happened.

load helper
load home

setup_file() {
    home_template
}

setup() {
    home_copy
}

teardown() {
    rehearsal_stop
}

recorded() { # EVENTS
    [ "$(events)" = "log.created policy.changed $1" ]
}

@test "the same order, placed by another process while a 429 is waited for, is not placed twice" {
    home_listen '{"orders": [{"answer": "rate_limit", "retry_after": 20}, {"answer": "place"}]}'
    georder order --file "$HOUSE/order.json" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local first=$! status=0
    await recorded 'order.intent order.response'
    run -0 georder order --file "$HOUSE/order.json"
    wait "$first" || status=$?
    [ "$status" = 8 ]
    [[ $(<"$BATS_TEST_TMPDIR/out") == *'an order of the same content'*'was placed and is still open'* ]]
    [ "$(posts)" = 2 ]
    recorded 'order.intent order.response order.intent order.response'
}

@test "a list instead of a pack: exit 8, and the record claims nothing" {
    home_listen '{"orders": [{"answer": "raw", "status": 200, "content_type": "application/json",
        "body": "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[]}"}]}'
    run -8 georder order --file "$HOUSE/order.json"
    [[ $output == *'HTTP 200 does not tell whether the order was placed (a list came, not one pack)'* ]]
    recorded 'order.intent order.unknown'
    [ "$(last_record '[.answer.outcome, .assessment] | @json')" = '["unclear",null]' ]
}

# delete_gives ANSWER: a violation that the policy wants deleted, and how the DELETE is answered.
delete_gives() {
    home_listen "{\"orders\": [{\"answer\": \"place\", \"status\": \"active\", \"geo_label\": \"us\"}], \"deletes\": [$1]}"
    policy_edit '.on_violation = "delete"'
    run -5 --separate-stderr georder order --json --file "$HOUSE/order.json"
}

# The last record's event, message, status, activity, and whether it speaks of an answer.
last_event() {
    georder audit list --json |
        jq -rc '.records[-1] | [.metadata.event_code, .message, .status_id, .activity_id, .unmapped.georder.answer]'
}

@test "a violation that is deleted is told and recorded as deleted" {
    delete_gives '{"answer": "normal"}'
    [ "$(jq .deleted <<<"$output")" = true ]
    recorded 'order.intent order.response pack.delete pack.deleted'
    [ "$(last_event)" = '["pack.deleted","deleted",1,4,null]' ]
}

@test "a violation that the API does not delete is told as such, and is not recorded as deleted" {
    delete_gives '{"answer": "refuse", "status": 403, "errors": [{"code": 9109, "message": "may not"}]}'
    [ "$(jq .deleted <<<"$output")" = false ]
    [[ $stderr == *'does not comply'*'deleting it, as the policy says, failed: the API refused: HTTP 403, may not'* ]]
    recorded 'order.intent order.response pack.delete pack.not_deleted'
    [ "$(last_event)" = '["pack.not_deleted","the API refused: HTTP 403, may not",2,4,null]' ]
}

@test "a deletion whose answer is lost is recorded as unknown" {
    delete_gives '{"answer": "drop"}'
    [ "$(jq .deleted <<<"$output")" = false ]
    [[ $stderr == *'deleting it, as the policy says, failed: the request was sent'* ]]
    recorded 'order.intent order.response pack.delete pack.unknown'
}

@test "the longest path that a policy may name is an order's, too" {
    home_edit policy.json ".api.base_url = \"https://api.example/$(printf 'a%.0s' {1..254})\""
    run -0 georder order --dry-run --file "$HOUSE/order.json"
    [[ $output == *"POST https://api.example:443/aaa"*"aaa/zones/$ZONE_ID/ssl/certificate_packs/order"* ]]
}

# Fifty hosts of 240 bytes below $1.example.com, and the apex.
long_hosts() {
    jq -c --arg below "$1" '.hosts = ["example.com"] + [range(10; 59) |
        "h\(.)\("a" * 50).\("b" * 60).\("c" * 60).\("d" * 40).\($below).example.com"]' \
        "$HOUSE/order.json" >"$HOUSE/long.json"
}

@test "a denial with more reasons than a record holds: exit 3, and every reason is kept" {
    local file
    long_hosts pay
    run -3 georder order --file "$HOUSE/long.json"
    [ "$(events)" = 'log.created policy.changed order.denied' ]
    [ "$(last_record '.decision | (.reasons | length) + .reasons_omitted')" = 99 ]
    file=$HOUSE/audit/$(last_record .body_file)
    [ "$(jq '.reasons | length' "$file")" = 99 ]
    [ "$(jq '[.reasons[] | select(.code == "forbidden")] | length' "$file")" = 49 ]
    verified
}

@test "an answer that says too much for a record is recorded, with its verdict" {
    home_listen "{\"orders\": [{\"answer\": \"place\", \"drop_host\": \"shop.example.com\",
        \"validation_errors\": $(jq -nc '[range(150) | {message: "SERVFAIL \(.) \("x" * 360)"}]')}]}"
    run -5 georder order --file "$HOUSE/order.json"
    recorded 'order.intent order.response'
    [ "$(last_record '.assessment | [.verdict, (.findings | length), ((.obligations | length) + .obligations_omitted > 120)] | @json')" = '["violation",1,true]' ]
    verified
}

@test "the longest order is placed and recorded" {
    home_listen
    home_edit policy.json '.rules[0].max_hosts = 50'
    long_hosts eu
    run -0 georder order --file "$HOUSE/long.json"
    recorded 'order.intent order.response'
    verified
}

@test "an answer that takes long, but not longer than the time that was given, is not lost" {
    home_listen '{"orders": [{"answer": "stall", "seconds": 23}]}'
    run -0 georder order --timeout 40 --file "$HOUSE/order.json"
    recorded 'order.intent order.response'
}

@test "a path with a tilde, and all that a module may get as its environment" {
    home_listen
    home_edit georder.json '.pkcs11.environment += ([range(15) | {key: "VARIABLE_\(.)", value: ("x" * 4000)}] | from_entries)'
    home_edit policy.json '.api.base_url |= sub("/client/v4"; "/~me")'
    run -4 georder order --file "$HOUSE/order.json"
    [ "$(rehearsal_log 'select(.event == "request") | .path')" = "/~me/zones/$ZONE_ID/ssl/certificate_packs/order" ]
}
