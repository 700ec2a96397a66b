#!/usr/bin/env bats
# A log of many kinds of records, in each format, as other readers than georder's see it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder
modules=$GEORDER_SOURCE/build/node/node_modules

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    home_template
    rehearsal_start '{"orders": [{"answer": "place", "status": "active", "geo_label": "us"}, {"answer": "drop"},
        {"answer": "refuse", "status": 400, "errors": [{"code": 1450, "message": "=cmd|x, \"a\" <b>\n\u001b[31m\u202e a=b \\ ] |"}]},
        {"answer": "place", "status": "active", "geo_label": "eu"}]}'
    policy_edit ".api.base_url = \"$REHEARSAL_URL\" | .on_violation = \"delete\""
    run -5 georder order --quiet --file "$HOUSE/order.json"
    run -8 georder order --quiet --again --file "$HOUSE/order.json"
    run -4 georder order --quiet --again --file "$HOUSE/order.json"
    home_edit order.json '.reference = "=HYPERLINK(1) | a=b \\ ]"'
    run -0 georder order --quiet --again --file "$HOUSE/order.json"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    policy_edit '.rules[0].geo_evidence = "existing"'
    run georder order --quiet --again --file "$HOUSE/order.json"
    run georder credential verify
    run georder credential list
    rehearsal_stop
    policy_edit 'del(.rules[0].geo_evidence)'
    run -7 georder order --quiet --again --file "$HOUSE/order.json"
    run -0 georder audit export --quiet --format csv --out "$BATS_FILE_TMPDIR/signed" --sign
    export LOG=$HOUSE/audit
}

export_as() { # FORMAT
    env -i "$GEORDER" audit export --quiet --directory "$LOG" --origin "$origin" --format "$1"
}

read_by() { # FORMAT: the rows as another reader has them, and what georder wrote in $rows
    rows=$BATS_TEST_TMPDIR/$1
    export_as "$1" >"$rows"
    run -0 --separate-stderr node "$GEORDER_SOURCE/tests/node/siem.mjs" "$1" "$modules" <"$rows"
}

# What the records themselves say, in the words of siem.mjs.
told() { # [plain]: with what acts on a terminal made visible, unless it is JSON
    export_as ocsf | jq -cS --arg plain "${1:-}" 'if $plain == "" then .message |= (gsub("\n"; "\\x0a") | gsub("\u001b"; "\\x1b") | gsub("\u202e"; "\\u{202e}")) else . end | {event: .metadata.event_code, origin: .unmapped.georder.exported.origin,
        index: (.metadata.sequence | tostring), leaf: .unmapped.georder.exported.leaf_hash,
        size: (.unmapped.georder.exported.checkpoint_size | tostring), time, message, order: .metadata.correlation_uid,
        status, operation: .api.operation, actor: .actor.user.name, host: .src_endpoint.hostname,
        zone: .resources[0].name, zoneId: .resources[0].uid, url: .http_request.url.url_string,
        http: (.http_response.code // "" | tostring), peer: .dst_endpoint.ip} | with_entries(select(.value != null and .value != ""))'
}

need_modules() {
    [[ -d $modules/csv-parse && -d $modules/@opentelemetry/otlp-transformer ]] ||
        skip 'the npm packages are not installed: ./dev test does that'
}

@test "every kind of record is an API Activity event of OCSF 1.8.0, with nothing that OCSF does not know" {
    run -0 node "$GEORDER_SOURCE/tests/node/ocsf.mjs" < <(export_as ocsf)
    for kind in log.created policy.changed order.intent order.response order.unknown order.denied order.not_sent \
        order.evidence pack.delete pack.deleted credential.verified log.exported; do
        [[ $output == *"$kind"* ]]
    done
}

@test "the table notices each kind of fault" {
    local first edit
    first=$(export_as ocsf | sed -n 4p)
    for edit in '.extra = 1' 'del(.time)' '.time = "1"' '.severity_id = 7' '.class_uid = 6002' '.type_uid = 600300' \
        '.metadata.extra = 1' 'del(.metadata.version)' '.metadata.version = "1.8.1"' 'del(.api.operation)' '.actor = {}' \
        '.actor.user = {"name": ""}' '.src_endpoint = {"port": 1}' '.src_endpoint.port = 65536' '.dst_endpoint = {"ip": "x"}' \
        '.http_request.http_method = "georder"' '.http_request.url.hostname = "a:1"' '.resources = {}' '.resources = [{}]' \
        '.http_response = {}' '.status = "Failure" | .status_id = 1' '.api.request = {}' '.metadata.sequence = 1.5' '.unmapped = []'; do
        run -1 node "$GEORDER_SOURCE/tests/node/ocsf.mjs" < <(jq -c "$edit" <<<"$first")
        [[ $output == *'1 events, 1 of them wrong'* ]] || { echo "$edit: $output" && return 1; }
    done
    run -0 node "$GEORDER_SOURCE/tests/node/ocsf.mjs" <<<"$first"
}

# But for what a format marks or leaves out, all read what the records say.
@test "csv by npm's csv-parse" {
    need_modules
    read_by csv
    diff <(jq -cS . <<<"$output" | sed "s/\"'/\"/g") <(told)
}

@test "cef by a reader made of the vendor's rules" {
    read_by cef
    diff <(jq -cS . <<<"$output") <(told)
}

@test "leef by a reader made of the vendor's rules" {
    read_by leef
    diff <(jq -cS . <<<"$output") <(told)
}

@test "syslog by a reader made of RFC 5424" {
    read_by syslog
    diff <(jq -cS . <<<"$output") <(told | jq -cS 'del(.url, .zoneId)')
}

@test "otlp by OpenTelemetry's own protobufs: what they do not know is not there" {
    need_modules
    read_by otlp
    diff <(jq -cS . <<<"$output") <(told plain)
}

@test "the readers notice what is not of their format" {
    local format edit
    while read -r format edit; do
        export_as "$format" | sed "3$edit" >"$BATS_TEST_TMPDIR/edited"
        run -1 --separate-stderr node "$GEORDER_SOURCE/tests/node/siem.mjs" "$format" "$modules" <"$BATS_TEST_TMPDIR/edited"
        [[ $stderr == "$format: "* ]]
    done <<'END'
cef s/ msg=/ msg=x msg=/
cef s/CEF:0/CEF:1/
cef s/|georder|/|/
leef s/\tcat=/\tcat=x\tcat=/
leef s/\tcat=/\tcat/
leef s/0x09/^/
syslog s/ index="/ index=""/
syslog s/>1 />2 /
END
}
