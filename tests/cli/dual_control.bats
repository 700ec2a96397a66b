#!/usr/bin/env bats
# Orders that others approve before they are placed, once; and the limits of a rule that the log and
# the clock decide: orders a day, change windows, freezes.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home
load approve

setup_file() {
    home_template
    people_make alice bob carol dave "$(me)"
    cc -shared -fPIC -o "$BATS_FILE_TMPDIR/clock.so" "$GEORDER_SOURCE/tests/cli/clock.c"
}

setup() {
    home_copy
    home_listen
    cd "$HOUSE" || return 1
}

teardown() {
    rehearsal_stop
}

# For several processes at once: SoftHSM's tokens do not always open then.
keystore_home() {
    rehearsal_stop
    rm -r "$HOUSE"
    home_start '' keystore
    cd "$HOUSE" || return 1
}

# georder, that many seconds from now. The sanitizers want to be loaded first themselves: hence the tags.
georder_at() { # SECONDS COMMAND ARGUMENT...
    LD_PRELOAD=$BATS_FILE_TMPDIR/clock.so CLOCK_SHIFT=$1 georder "${@:2}"
}

# at_once PROCESS...: their turn comes, by descriptor 9, but no intent can be recorded for a while:
# were turns not kept, all would find that they are the first.
at_once() {
    await turns_wait "$@"
    exec 8<audit/lock
    flock -s 8
    exec 9>&-
    sleep 0.5
    exec 8>&-
}

start='log.created approvers.changed policy.changed'

# The rule demands two of the group pki-oncall: alice, bob, dave (a login name of whom is this
# user's), and who is called as this user is. carol is of another group.
dual() { # [POLICY FILTER]
    policy_edit ".rules[0].approvals = {count: 2, from: [\"pki-oncall\"]} | ${1:-.}"
    approvers 1 1 alice bob "$(person carol '.groups = ["network"]')" \
        "$(person dave ".users = [\"$(me)\"]")" "$(me)"
    list_signed alice
    georder policy trust --quiet --reason 'the first list'
    [ "$(events)" = "$start" ]
}

prepare() { # [FILE]
    georder order --prepare --file "${1:-order.json}" >request.json 2>said
}

approved_by() { # NAME...
    rm -rf request.json.sig
    sign request.json order "$@"
}

request() { # -EXIT [ARGUMENT...]
    run "$1" georder order --request request.json "${@:2}"
}

# denied TEXT: the request is not placed for that reason, which is recorded; no byte is sent.
denied() {
    local before posted
    before=$(events) posted=$(requests)
    request -3
    [[ $output == *"$1"* ]] || { echo "no \"$1\" in: $output" >&2 && return 1; }
    [ "$(events)" = "$before order.denied" ]
    [ "$(requests)" = "$posted" ]
    verified
}

# craft FILTER: the request as somebody might write it by hand, well signed.
craft() {
    jq "$1" request.json >crafted && mv crafted request.json
    approved_by alice bob
}

@test "a rule that demands approvals permits no plain order: exit 3, approvals_missing" {
    dual
    run -3 georder order --file order.json
    [[ $output == *'rule eu-production demands approvals, 2 from pki-oncall, and 0 of these are there: write a request by georder order --prepare'* ]]
    nothing_sent "$start order.denied"
    [ "$(last_record '[.decision.reasons[] | .code, .rule, .attribute] | @json')" = \
        '["approvals_missing","eu-production","approvals"]' ]
    run -3 georder check --file order.json
    [[ $output == *'rule eu-production demands approvals, 2 from pki-oncall, and 0 of these'* ]]
    run -3 georder order --dry-run --file order.json
}

@test "--prepare prints the request, and nothing else; it is recorded, and needs no approval yet" {
    policy_edit '.rules[0].approvals = {count: 2, from: ["pki-oncall"]}'
    prepare
    [ "$(events)" = 'log.created policy.changed order.prepared' ]
    [ "$(last_record .order_request.sha256)" = "$(sha256sum request.json | cut -d' ' -f1)" ]
    [ "$(head -c 1 request.json)$(tail -n 1 request.json)" = '{}' ]
    jq -es --arg user "$(me)" --arg zone "$ZONE_ID" --arg policy "$(sha256sum policy.json | cut -d' ' -f1)" \
        --slurpfile order order.json 'length == 1 and (.[0] | .georder_request == 1 and .requester == $user
        and .origin == "rehearsal.example/georder" and .zone_id == $zone and .order.hosts == $order[0].hosts
        and .policy == {revision: 3, sha256: $policy} and (.nonce | length) == 32
        and (.expires | sub("\\.000"; "") | fromdate) - (.created | sub("\\.000"; "") | fromdate) == 24 * 3600)' request.json
    [[ $(<said) == *'rule eu-production demands approvals: 2 from pki-oncall'*'ssh-keygen -Y sign -n georder-order@georder -f KEY'*'georder order --request REQUEST'* ]]
    [ "$(connections)" = 0 ]
    verified
    # Two of one order are two requests.
    cp request.json first.json
    prepare
    [ "$(jq -r .nonce first.json)" != "$(jq -r .nonce request.json)" ]
}

@test "who logged in made the request, although another runs it, as by sudo" {
    # shellcheck disable=SC2016
    run bash -c 'echo "$1" >/proc/self/loginuid' - "$(id -u nobody)"
    [ "$status" = 0 ] || skip 'the kernel lets nobody be logged in here'
    policy_edit '.rules[0].approvals = {count: 2, from: ["pki-oncall"]}'
    # shellcheck disable=SC2016
    bash -c 'echo "$1" >/proc/self/loginuid && exec "$GEORDER" order --config georder.json --prepare --file order.json' \
        - "$(id -u nobody)" >request.json
    [ "$(jq -r .requester request.json)" = nobody ]
    [ "$(last_record '[.login, .order_request.requester] | @json')" = '["nobody","nobody"]' ]
    verified
}

@test "--prepare of an order that the policy denies otherwise: exit 3, no request" {
    dual
    run -3 georder order --prepare --file denied.json
    [[ $output != *georder_request* && $output == *'denied by policy rehearsal'* ]]
    nothing_sent "$start order.denied"
}

@test "the request's body is the one that is sent" {
    dual
    prepare
    approved_by alice bob
    request -0
    [ "$(rehearsal_log 'select(.event == "request" and .method == "POST") | .body' | tr -d '\n' | sha256sum | cut -d' ' -f1)" = \
        "$(jq -r .body_sha256 request.json)" ]
}

@test "approved by two it is placed, and its records belong together and name both" {
    local approvals='[["alice@example.com","ssh-ed25519"],["bob@example.com","ssh-ed25519"]]'
    dual
    prepare
    approved_by alice bob
    request -0
    [[ $output == *'permitted by rule eu-production'*'pack '* ]]
    [ "$(posts)" = 1 ]
    [ "$(events)" = "$start order.prepared order.intent order.response" ]
    georder audit list --json | jq -e '[.records[-3:][].metadata.correlation_uid] | unique | length == 1 and (.[0] | length) == 36'
    [ "$(georder audit list --json | jq -c '.records[-2:][].unmapped.georder.order_request
        | [.approvals[] | [.principal, .key_type]]')" = "$approvals"$'\n'"$approvals" ]
    [ "$(last_record .order_request.approvals[1].fingerprint)" = "$(ssh-keygen -lf "$PEOPLE/bob.pub" | cut -d' ' -f2)" ]
    verified
}

@test "a request is placed once" {
    dual
    prepare
    approved_by alice bob
    request -0
    denied 'it has been used: a request places one order'
    run -3 georder order --again --request request.json
    [ "$(posts)" = 1 ]
}

@test "a request is used up also when nothing came of it: not sent, or refused" {
    dual
    prepare
    approved_by alice bob
    rehearsal_stop
    request -7
    [ "$(events)" = "$start order.prepared order.intent order.not_sent" ]
    rehearsal_start '{"orders": [{"answer": "refuse", "status": 400, "errors": [{"code": 1450, "message": "no"}]}]}' \
        --port "$REHEARSAL_PORT"
    denied 'it has been used'
    prepare
    approved_by alice bob
    request -4
    denied 'it has been used'
    [ "$(posts)" = 1 ]
}

@test "a 429 is tried again under the same request" {
    rehearsal_scenario '{"orders": [{"answer": "rate_limit", "retry_after": 1}, {"answer": "place", "geo_label": "eu"}]}'
    dual
    prepare
    approved_by alice bob
    request -0
    [ "$(posts)" = 2 ]
    denied 'it has been used'
}

@test "after a lost answer another request of the same order waits, as any order does" {
    rehearsal_scenario '{"orders": [{"answer": "drop"}, {"answer": "place"}]}'
    dual
    prepare
    approved_by alice bob
    request -8
    denied 'it has been used'
    prepare
    approved_by alice bob
    request -8
    [[ $output == *'an order of the same content'*'has an unknown outcome'* ]]
    [ "$(posts)" = 1 ]
    # It was not used by that.
    request -0 --again
    [ "$(posts)" = 2 ]
}

@test "one request from four processes at once is placed once" {
    local i pids=() statuses=()
    keystore_home
    dual
    prepare
    approved_by alice bob
    exec 9>audit/orders.lock
    flock 9
    for i in 1 2 3 4; do
        "$GEORDER" order --config georder.json --quiet --again --request request.json 2>/dev/null 3>&- 8>&- 9>&- &
        pids+=($!)
    done
    at_once "${pids[@]}"
    for i in "${pids[@]}"; do
        local status=0
        wait "$i" || status=$?
        statuses+=("$status")
    done
    [ "$(printf '%s\n' "${statuses[@]}" | sort | tr '\n' ' ')" = '0 3 3 3 ' ]
    [ "$(posts)" = 1 ]
    verified
}

@test "too few approvals: exit 3, nothing is sent" {
    dual
    prepare
    denied 'and 0 of these are there'
    approved_by alice
    denied 'and 1 of these are there'
    # One more file is not one more person.
    cp request.json.sig/alice@example.com.sig request.json.sig/bob@example.com.sig
    denied 'and 1 of these are there'
    [ "$(last_record '[.decision.reasons[].code] | @json')" = '["approvals_missing"]' ]
    approved_by alice bob
    request -0
}

@test "who made the request does not approve it, under whatever name" {
    dual
    prepare
    approved_by alice dave
    denied 'note: dave@example.com.sig does not count: made the request, and nobody approves their own'
    [[ $output == *'and 1 of these are there'* ]]
    approved_by alice "$(me)"
    denied "note: $(me)@example.com.sig does not count: made the request"
    [ "$(last_record '[.order_request.approvals[].principal] | @json')" = '["alice@example.com"]' ]
}

@test "approvals of another group, or for something else, do not count" {
    dual
    prepare
    approved_by alice carol
    denied 'and 1 of these are there'
    approved_by alice
    sign request.json policy bob
    denied 'note: bob@example.com.sig does not count: '
    [[ $output == *'and 1 of these are there'* ]]
}

@test "one more byte, behind the approvals: exit 3; before them: not what was prepared" {
    dual
    prepare
    approved_by alice bob
    printf ' ' >>request.json
    denied 'and 0 of these are there'
    approved_by alice bob
    denied 'the log does not know it: it was changed, or not prepared here'
}

@test "a request that is not for this host, policy, body or time, or was not prepared: exit 3" {
    dual
    prepare
    cp request.json good.json
    craft '.origin = "other.example/georder"'
    denied 'it is for the log of another host'
    cp good.json request.json
    craft '.policy.sha256 |= .[1:] + "0"'
    denied 'another policy is in force than the one it was prepared under'
    cp good.json request.json
    craft '.order.hosts[1] = "mail.example.com"'
    denied 'its order would not send the body that was approved'
    cp good.json request.json
    craft '.zone_id |= .[1:] + "0"'
    denied 'its order would not send the body that was approved'
    cp good.json request.json
    craft '.created = "2026-02-01T00:00:00Z" | .expires = "2026-02-01T12:00:00Z"'
    denied 'its time is over, or not yet come'
    cp good.json request.json
    craft '.created = "2098-02-01T00:00:00Z" | .expires = "2098-02-01T12:00:00Z"'
    denied 'its time is over, or not yet come'
    cp good.json request.json
    craft '.nonce |= .[1:] + "0"'
    denied 'the log does not know it'
    cp good.json request.json
    craft '.requester = "somebody"'
    denied 'the log does not know it'
    cp good.json request.json
    approved_by alice bob
    request -0
    [ "$(posts)" = 1 ]
}

# bats test_tags=sandbox
@test "a request whose time is over: exit 3, however well it is approved" {
    dual
    georder_at -7000 order --prepare --expires-in 1 --file order.json >request.json 2>said
    approved_by alice bob
    denied 'its time is over, or not yet come'
    georder_at -3500 order --prepare --expires-in 1 --file order.json >request.json 2>said
    approved_by alice bob
    request -0
}

@test "a policy that changed since: exit 3; its next request is placed" {
    dual
    prepare
    approved_by alice bob
    policy_edit .
    request -3
    [[ $output == *'another policy is in force than the one it was prepared under; prepare a new one by georder order --prepare'* ]]
    [ "$(posts)" = 0 ]
    prepare
    approved_by alice bob
    request -0
}

@test "a request needs a trust list that is in force: exit 11" {
    policy_edit '.rules[0].approvals = {count: 1, from: ["pki-oncall"]}'
    prepare
    approved_by alice
    request -11
    [[ $output == *'there is no trust list'* ]]
    approvers 1 1 alice
    list_signed alice
    request -11
    [[ $output == *'the log remembers no trust list'* ]]
    georder policy trust --quiet --reason 'the first list'
    request -0
}

@test "--request holds the whole order; what is no request is refused: exit 2" {
    dual
    prepare
    approved_by alice bob
    request -2 --file order.json
    request -2 --host example.com
    request -2 --prepare
    run -2 georder order --prepare --dry-run --file order.json
    run -2 georder order --prepare --expires-in 0 --file order.json
    run -2 georder order --prepare --expires-in 25 --file order.json
    run -2 georder order --expires-in 2 --file order.json
    run -2 georder order --request nothing.json
    run -2 georder order --request order.json
    jq '.expires = "2099-01-01T00:00:00Z"' request.json >long.json
    run -2 georder order --request long.json
    [[ $output == *'24 hours at most'* ]]
    jq '.colour = 1' request.json >more.json
    run -2 georder order --request more.json
    [ "$(events)" = "$start order.prepared" ]
    # What would be done with it can be seen first.
    request -0 --dry-run
    [[ $output == *'permitted by rule eu-production'*'POST https://'* ]]
    nothing_sent "$start order.prepared"
}

@test "--expires-in: fewer hours" {
    policy_edit .
    georder order --prepare --expires-in 1 --file order.json >request.json 2>said
    jq -e '(.expires | sub("\\.000"; "") | fromdate) - (.created | sub("\\.000"; "") | fromdate) == 3600' request.json
}

@test "--json: the request in its document, and the order's" {
    dual
    run -0 --separate-stderr georder order --prepare --json --file order.json
    jq -es 'length == 1 and (.[0] | .exit == 0 and .result == "done" and (.records | length) == 1
        and (.request | fromjson | .georder_request) == 1)' <<<"$output"
    jq -j .request <<<"$output" >request.json
    [ "$(jq -r .request_sha256 <<<"$output")" = "$(sha256sum request.json | cut -d' ' -f1)" ]
    run -3 --separate-stderr georder order --json --request request.json
    jq -es 'length == 1 and (.[0] | .exit == 3 and .decision.reasons[0].code == "approvals_missing")' <<<"$output"
    approved_by alice bob
    run -0 --separate-stderr georder order --json --request request.json
    jq -es 'length == 1 and (.[0] | .exit == 0 and .decision.permit and (.pack.id | length) == 36 and .http.status == 200)' <<<"$output"
}

# --- Orders a day --------------------------------------------------------------------------------

# place -EXIT NAME [ZONE]: an order for the zone and NAME below it.
place() {
    jq --arg name "$2" --arg zone "${3:-example.com}" \
        '.zone = $zone | .hosts = [$zone, "\($name).\($zone)"]' order.json >"$2.json"
    run "$1" georder order --file "$2.json"
}

limited() { # COUNT [POLICY FILTER]
    policy_edit ".rules[0].max_orders = $1 | ${2:-.}"
}

@test "max_orders: one more in a day: exit 3, nothing is sent, under whatever name of the rule" {
    one_day
    limited 2
    place -0 a
    place -0 b
    place -3 c
    [[ $output == *'2 orders were placed for the zone example.com on this day (UTC), and rule eu-production permits 2 a day'* ]]
    [ "$(grep -c '^denied by policy' <<<"$output")" = 1 ]
    [ "$(last_record '[.decision.reasons[] | .code, .rule, .attribute] | @json')" = \
        '["max_orders_reached","eu-production","max_orders"]' ]
    run -3 --separate-stderr georder order --json --file c.json
    jq -es 'length == 1 and (.[0] | (.decision.permit | not) and .decision.reasons[0].code == "max_orders_reached")' <<<"$output"
    [ "$(posts)" = 2 ]
    policy_edit '.rules[0].id = "another"'
    place -3 c
    [ "$(posts)" = 2 ]
    [[ $(events) == *' order.denied order.denied policy.changed order.denied' ]]
    limited 3
    place -0 c
    verified
}

@test "max_orders: what was refused or not sent does not count; an unknown outcome does" {
    one_day
    rehearsal_scenario '{"orders": [{"answer": "refuse", "status": 400, "errors": [{"code": 1450, "message": "no"}]},
        {"answer": "drop"}, {"answer": "place"}]}'
    limited 1
    place -4 a
    place -8 b
    place -3 c
    [ "$(posts)" = 2 ]
    limited 2
    local port=$REHEARSAL_PORT
    rehearsal_stop
    place -7 c
    rehearsal_start '' --port "$port"
    place -0 d
    place -3 e
    [ "$(posts)" = 1 ]
}

@test "max_orders: a 429 and what follows it are one order" {
    one_day
    rehearsal_scenario '{"orders": [{"answer": "rate_limit", "retry_after": 1}, {"answer": "place", "geo_label": "eu"}]}'
    limited 1
    place -0 a
    [ "$(posts)" = 2 ]
    place -3 b
}

@test "max_orders: each zone has its own count" {
    one_day
    limited 1 '.zones["example.org"] = "353c0d2738a1c9da8fdace4f5501e320" | .rules[0].zones += ["example.org"]
        | .rules[0].hosts += ["example.org", "*.example.org"]'
    place -0 a
    place -0 b example.org
    place -3 c
    place -3 d example.org
    [ "$(posts)" = 2 ]
}

# bats test_tags=sandbox
@test "max_orders: what was placed on another day does not count" {
    one_day
    limited 1
    jq '.hosts[1] = "a.example.com"' order.json >a.json
    run -0 georder_at -86400 order --file a.json
    run -3 georder_at -86400 order --file order.json
    place -0 b
    place -3 c
    [ "$(posts)" = 2 ]
}

@test "max_orders: of four processes with different orders one gets the last" {
    local i pids=() placed=0 refused=0
    one_day
    keystore_home
    limited 1
    run -3 georder order --quiet --file denied.json # the policy is recorded
    exec 9>audit/orders.lock
    flock 9
    for i in a b c d; do
        jq --arg name "$i" '.hosts = ["example.com", "\($name).example.com"]' order.json >"$i.json"
        "$GEORDER" order --config georder.json --quiet --file "$i.json" 2>/dev/null 3>&- 8>&- 9>&- &
        pids+=($!)
    done
    at_once "${pids[@]}"
    for i in "${pids[@]}"; do
        local status=0
        wait "$i" || status=$?
        [ "$status" != 0 ] || placed=$((placed + 1))
        [ "$status" != 3 ] || refused=$((refused + 1))
    done
    [ "$placed $refused" = '1 3' ]
    [ "$(posts)" = 1 ]
    verified
}

@test "max_orders is judged for a request, too" {
    one_day
    dual '.rules[0].max_orders = 1'
    prepare
    approved_by alice bob
    request -0
    jq '.hosts[1] = "a.example.com"' order.json >a.json
    prepare a.json
    approved_by alice bob
    request -3
    [ "$(last_record '[.decision.reasons[].code] | @json')" = '["max_orders_reached"]' ]
    [ "$(posts)" = 1 ]
}

@test "max_orders: check and --dry-run cannot know, and say so" {
    limited 1
    run -0 georder check --file order.json
    [[ $output == *'the orders of the day are counted from the log when it is ordered'* ]]
    run -0 georder order --dry-run --file order.json
    [[ $output == *'the orders of the day are counted from the log when it is ordered'* ]]
    run -0 georder order --file order.json
}

# --- Change windows and freezes ------------------------------------------------------------------

@test "change_windows: outside all of them: exit 3; inside one: permitted" {
    local other
    other=$(LC_ALL=C date -u -d '3 days' +%a | tr '[:upper:]' '[:lower:]')
    policy_edit ".rules[0].change_windows = [{weekdays: [\"$other\"], from: \"00:00\", to: \"24:00\", time_zone: \"UTC\"}]"
    run -3 georder check --file order.json
    [[ $output == *"$other 00:00-24:00 UTC"* ]]
    run -3 georder order --file order.json
    [ "$(last_record '[.decision.reasons[] | .code, .attribute] | @json')" = '["outside_change_window","change_windows"]' ]
    [ "$(connections)" = 0 ]
    policy_edit '.rules[0].change_windows += [{weekdays: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        from: "00:00", to: "24:00", time_zone: "UTC"}]'
    run -0 georder check --file order.json
    run -0 georder order --file order.json
}

# moment AWAY: a time in UTC, that far from now.
moment() {
    date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ
}

@test "freeze: within: exit 3 with its reason; before and after: permitted" {
    policy_edit ".rules[0].freeze = [{from: \"$(moment '-1 day')\", to: \"$(moment '1 day')\", reason: \"end of the quarter\"}]"
    run -3 georder check --file order.json
    [[ $output == *'rule eu-production permits no order from '*': end of the quarter'* ]]
    run -3 georder order --file order.json
    [ "$(last_record '[.decision.reasons[] | .code, .attribute] | @json')" = '["frozen","freeze"]' ]
    [ "$(connections)" = 0 ]
    policy_edit ".rules[0].freeze = [{from: \"$(moment '-2 days')\", to: \"$(moment '-1 day')\", reason: \"over\"},
        {from: \"$(moment '1 day')\", to: \"$(moment '2 days')\", reason: \"to come\"}]"
    run -0 georder check --file order.json
    run -0 georder order --file order.json
}

@test "freeze: a rule that forbids then, forbids then only" {
    policy_edit ".rules += [{id: \"holidays\", effect: \"forbid\", reason: \"nobody is here\",
        freeze: [{from: \"$(moment '-1 day')\", to: \"$(moment '1 day')\", reason: \"holidays\"}]}]"
    run -3 georder order --file order.json
    [ "$(last_record '[.decision.reasons[] | .code, .rule] | unique | @json')" = '["forbidden","holidays"]' ]
    policy_edit ".rules[2].freeze[0].to = \"$(moment '-1 hour')\""
    run -0 georder order --file order.json
}
