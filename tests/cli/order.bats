#!/usr/bin/env bats
# shellcheck disable=SC2154  # run --separate-stderr sets it
# One order, from the file to the record.

load helper
load home

teardown() {
    rehearsal_stop
}

@test "an order is placed, printed, recorded and verified" {
    home_start
    run -0 --separate-stderr georder order --file "$HOUSE/order.json"
    [[ $output == *'permitted by rule eu-production of policy rehearsal, revision 1'* ]]
    [[ $output == *'pack '*': initializing, pending'* ]]
    [[ $output == *'hosts '*'example.com'*'shop.example.com'* ]]
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
    [ "$(last_record .answer.outcome)" = placed ]
    [ "$(last_record .assessment.verdict)" = pending ]
    [ "$(last_record .tls.version)" = TLSv1.3 ]
    [ "$(last_record .tls.address)" = 127.0.0.1 ]
    verified
}

@test "the body that is sent is the order's, and nothing of ours is in it" {
    home_start
    run -0 georder order --file "$HOUSE/order.json"
    run -0 rehearsal_log 'select(.event == "request" and .method == "POST") | .body'
    [ "$output" = '{"type":"advanced","hosts":["example.com","shop.example.com"],"validation_method":"txt","validity_days":90,"certificate_authority":"google","cloudflare_branding":false}' ]
}

@test "--json gives one document with decision, pack, assessment and records" {
    home_start
    run -0 --separate-stderr georder order --json --file "$HOUSE/order.json"
    jq -e '.exit == 0 and .result == "done" and .decision.permit and (.pack.id | length) == 36
           and .assessment.verdict == "pending" and .records == [2, 3] and .http.status == 200' <<<"$output"
}

@test "the same order by flags" {
    home_start
    run -0 georder order --zone example.com --host shop.example.com --host example.com --ca google \
        --validity-days 90 --validation-method txt --geo eu --reference CHG1
    [ "$(posts)" = 1 ]
    [ "$(last_record .order.reference)" = CHG1 ]
}

@test "--dry-run prints the decision and the exact body, and leaves nothing" {
    home_start
    run -0 georder order --dry-run --file "$HOUSE/order.json"
    [[ $output == *"POST https://localhost:$REHEARSAL_PORT/client/v4/zones/$ZONE_ID/ssl/certificate_packs/order"* ]]
    [[ $output == *'{"type":"advanced","hosts":["example.com","shop.example.com"]'* ]]
    [ "$(connections)" = 0 ]
    [ "$(events)" = log.created ]
}

@test "a denied order: exit 3, no connection, a record with all reasons" {
    home_start
    run -3 georder order --file "$HOUSE/denied.json"
    [[ $output == *'denied by policy rehearsal, revision 1'* ]]
    [ "$(connections)" = 0 ]
    [ "$(events)" = 'log.created policy.changed order.denied' ]
    run -0 last_record '[.decision.reasons[] | .attribute, .rule] | unique | join(" ")'
    [[ $output == *certificate_authority*cloudflare_branding*eu-production*geo_restrictions*no-payments*validity_days* ]]
    verified
}

@test "a policy that is not in force: exit 11, no connection, recorded as a denial" {
    home_start
    home_edit policy.json '.expires = "2026-01-02T00:00:00Z"'
    run -11 georder order --file "$HOUSE/order.json"
    [ "$(connections)" = 0 ]
    [ "$(events)" = 'log.created order.denied' ]
    [ "$(last_record '.decision.reasons[0].code')" = policy_expired ]
}

@test "--verbose tells the records and the peer, on standard error alone" {
    home_start
    run -0 --separate-stderr georder order --verbose --file "$HOUSE/order.json"
    [[ $stderr == *'record 1: policy.changed'*'record 2: order.intent'*"peer 127.0.0.1 port $REHEARSAL_PORT: TLSv1.3 "*', certificate 3 of 3 is pinned'*'record 3: order.response'* ]]
    [[ $output != *'record 1'* ]]
}

@test "a lost answer: exit 8, exactly one POST, order.unknown" {
    home_start '{"orders": [{"answer": "drop"}]}'
    run -8 georder order --file "$HOUSE/order.json"
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown' ]
    verified
}

@test "a stalled answer: exit 8 within the time that was given, one POST, order.unknown" {
    home_start '{"orders": [{"answer": "stall", "seconds": 55}]}'
    local start=$SECONDS
    run -8 georder order --timeout 6 --file "$HOUSE/order.json"
    [ $((SECONDS - start)) -lt 30 ]
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown' ]
}

@test "answers that do not tell: exit 8, one POST, the answer is in the record" {
    home_start
    local behaviour
    for behaviour in '{"answer": "raw", "status": 502, "content_type": "text/html", "body": "<h1>bad gateway</h1>"}' \
        '{"answer": "empty"}' '{"answer": "truncate", "bytes": 40}' '{"answer": "huge", "bytes": 3000000}' \
        '{"answer": "redirect", "location": "https://localhost:1/"}' \
        '{"answer": "raw", "status": 200, "content_type": "text/html", "body": "<h1>hello</h1>"}'; do
        rehearsal_scenario "{\"orders\": [$behaviour]}"
        run -8 georder order --again --file "$HOUSE/order.json"
    done
    [ "$(posts)" = 6 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown order.intent order.unknown order.intent order.unknown order.intent order.unknown order.intent order.unknown order.intent order.unknown' ]
    verified
}

@test "a refusal: exit 4, the API's errors whole, in print and in the record" {
    home_start '{"orders": [{"answer": "refuse", "status": 400, "errors": [
        {"code": 1450, "message": "Advanced Certificate Manager is not bought",
         "documentation_url": "https://example.com/docs", "source": {"pointer": "/hosts/0"}},
        {"message": "an error without a code"},
        {"code": 6003, "message": "outer", "error_chain": [{"code": 6111, "message": "inner"}]}]}]}'
    run -4 georder order --file "$HOUSE/order.json"
    [[ $output == *'API error 1450: Advanced Certificate Manager is not bought (at /hosts/0) https://example.com/docs'* ]]
    [[ $output == *'API error: an error without a code'* ]]
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
    [[ $(last_record .response.body) == *inner* ]]
    run -4 --separate-stderr georder order --json --file "$HOUSE/order.json"
    jq -e '.errors[2].error_chain[0].message == "inner" and .exit == 4' <<<"$output"
}

@test "a 429 is tried again after its time, with a new intent; not past the time limit" {
    home_start '{"orders": [{"answer": "rate_limit", "retry_after": 1}, {"answer": "place", "geo_label": "eu"}]}'
    run -0 georder order --file "$HOUSE/order.json"
    [ "$(posts)" = 2 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.response order.intent order.response' ]
    rehearsal_scenario '{"orders": [{"answer": "rate_limit", "retry_after": 100}]}'
    run -4 georder order --again --time-limit 5 --file "$HOUSE/order.json"
    [ "$(posts)" = 3 ]
    verified
}

@test "a pack with another geo label, or with none: exit 5, a finding in the record" {
    home_start '{"orders": [{"answer": "place", "status": "active", "geo_label": "us"}]}'
    run -5 georder order --file "$HOUSE/order.json"
    [[ $output == *VIOLATION*us* ]]
    [ "$(last_record .assessment.verdict)" = violation ]
    rehearsal_scenario '{"orders": [{"answer": "place", "status": "active"}]}'
    run -5 georder order --again --file "$HOUSE/order.json"
    verified
}

@test "a pack that has all that was asked is compliant" {
    home_start '{"orders": [{"answer": "place", "status": "active", "geo_label": "eu"}]}'
    run -0 georder order --file "$HOUSE/order.json"
    [ "$(last_record .assessment.verdict)" = compliant ]
}

@test "a violation deletes the pack when the policy says so, and both are recorded" {
    home_start '{"orders": [{"answer": "place", "status": "active", "geo_label": "us"}]}'
    home_edit policy.json '.on_violation = "delete"'
    run -5 georder order --file "$HOUSE/order.json"
    [ "$(events)" = 'log.created policy.changed order.intent order.response pack.delete pack.deleted' ]
    run -0 rehearsal_log 'select(.event == "request") | .method'
    [ "$output" = $'POST\nDELETE' ]
}

@test "evidence first, when the rule demands it: without a live pack that shows the label, exit 3" {
    home_start
    home_edit policy.json '.rules[0].geo_evidence = "existing"'
    run -3 georder order --file "$HOUSE/order.json"
    [ "$(posts)" = 0 ]
    [ "$(events)" = 'log.created policy.changed order.evidence order.denied' ]
    policy_edit 'del(.rules[0].geo_evidence)'
    rehearsal_scenario '{"orders": [{"answer": "place", "status": "active", "geo_label": "eu"}]}'
    run -0 georder order --file "$HOUSE/order.json"
    policy_edit '.rules[0].geo_evidence = "existing"'
    run -0 georder order --again --file "$HOUSE/order.json"
    [ "$(posts)" = 2 ]
}

@test "nothing listens: exit 7, order.not_sent" {
    home_start
    rehearsal_stop
    run -7 georder order --file "$HOUSE/order.json"
    [ "$(events)" = 'log.created policy.changed order.intent order.not_sent' ]
    verified
}

@test "the same content again: exit 8 and no POST, until --again" {
    home_start
    run -0 georder order --file "$HOUSE/order.json"
    run -8 georder order --file "$HOUSE/order.json"
    [[ $output == *'an order of the same content'*'--again'* ]]
    [ "$(posts)" = 1 ]
    run -0 georder order --again --file "$HOUSE/order.json"
    [ "$(posts)" = 2 ]
}

@test "an unknown outcome also stops the same order" {
    home_start '{"orders": [{"answer": "drop"}, {"answer": "place"}]}'
    run -8 georder order --file "$HOUSE/order.json"
    run -8 georder order --file "$HOUSE/order.json"
    [[ $output == *'has an unknown outcome'* ]]
    [ "$(posts)" = 1 ]
}

# With a keystore: SoftHSM's tokens do not always open for several processes at once.
@test "the same order from eight processes at once buys once, and never forks the log" {
    home_start '' keystore
    local i pids=() placed=0
    for i in 1 2 3 4 5 6 7 8; do
        georder order --quiet --file "$HOUSE/order.json" 2>/dev/null 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" && placed=$((placed + 1)); done
    [ "$placed" = 1 ]
    [ "$(posts)" = 1 ]
    verified
}

@test "a keystore home orders just the same" {
    home_start '' keystore
    run -0 georder order --file "$HOUSE/order.json"
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
    verified
}

@test "e-mail and global key order just the same" {
    home_start
    printf %s 0123456789abcdef0123456789abcdef01234 |
        georder credential put --quiet --email operator@example.com
    run -0 georder order --file "$HOUSE/order.json"
    run -0 rehearsal_log 'select(.event == "request") | .headers | keys | map(select(startswith("x-auth"))) | join(" ")'
    [ "$output" = 'x-auth-email x-auth-key' ]
}

@test "a credential that the API does not know: exit 4" {
    home_start '{"tokens": ["another_token_000000000000000000000000000000"]}'
    run -4 georder order --file "$HOUSE/order.json"
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
}

@test "invalid orders: exit 2, no record" {
    home_start
    run -2 georder order --zone example.com --host shop.example.com --ca google --validity-days 90 --validation-method txt
    [[ $output == *'add example.com'* ]]
    run -2 georder order --zone example.com --host example.com --host Shop.example.com --ca google --validity-days 90 --validation-method txt
    [[ $output == *'shop.example.com'* ]]
    run -2 georder order --file "$HOUSE/order.json" --zone example.com
    run -2 georder order --file "$BATS_TEST_TMPDIR/nothing.json"
    run -2 georder order --token secret
    [[ $output != *secret* || $output == *'secrets are never given'* ]]
    [ "$(events)" = log.created ]
}

@test "an audit key that is not there: exit 9, nothing is sent, and it says which" {
    home_start
    home_edit georder.json '.audit.signing_key |= sub("object=georder-audit"; "object=another")'
    run -9 georder order --file "$HOUSE/order.json"
    [[ $output == *'audit.signing_key'*'another'* ]]
    [ "$(connections)" = 0 ]
}

@test "what the CA wants for validation is told, also by mail" {
    home_start '{"orders": [{"answer": "place", "status": "pending_validation"}]}'
    home_edit policy.json '.rules[0].validation_methods = ["txt", "email"]'
    run -0 georder order --file "$HOUSE/order.json"
    [[ $output == *'validation: TXT _acme-challenge.example.com = '* ]]
    home_edit order.json '.validation_method = "email"'
    run -0 georder order --file "$HOUSE/order.json"
    [[ $output == *'validation: mail to administrator@example.com'*'validation: mail to webmaster@example.com'* ]]
}

@test "a lost answer says what to do" {
    home_start '{"orders": [{"answer": "drop"}]}'
    run -8 georder order --file "$HOUSE/order.json"
    [[ $output == *"whether it took effect is not known: look at the zone's packs before you order again"* ]]
}
