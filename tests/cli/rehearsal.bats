#!/usr/bin/env bats
# The rehearsal API itself: what the other tests rely on.

bats_require_minimum_version 1.5.0
load helper

TOKEN=rehearsal_old_token_0123456789_ABCDEFGHI
ACCOUNT_TOKEN=cfat_rehearsal000000000000000000000000000000000000000
ZONE=023e105f4ecef8ad9ca31a8372d0c353
PACKS=/zones/$ZONE/ssl/certificate_packs
ORDER='{"type":"advanced","hosts":["example.com","*.example.com"],"validation_method":"txt",
        "validity_days":90,"certificate_authority":"google","cloudflare_branding":false}'

teardown() {
    rehearsal_stop
}

# call METHOD PATH [CURL OPTION...]: sets status, headers and body; exit status of curl. AUTH: the
# token; empty: none.
call() {
    local code=0 token=${AUTH-$TOKEN}
    rm -f "$BATS_TEST_TMPDIR/body" "$BATS_TEST_TMPDIR/headers"
    status=$(curl -sS --max-time 30 --cacert "$REHEARSAL_CA/root.pem" -X "$1" \
        -o "$BATS_TEST_TMPDIR/body" -D "$BATS_TEST_TMPDIR/headers" -w '%{http_code}' \
        ${token:+-H "Authorization: Bearer $token"} "${@:3}" "$REHEARSAL_URL$2" \
        2>"$BATS_TEST_TMPDIR/error") || code=$?
    body=$(cat "$BATS_TEST_TMPDIR/body" 2>/dev/null) || true
    headers=$(tr -d '\r' <"$BATS_TEST_TMPDIR/headers" 2>/dev/null) || true
    return "$code"
}

# send METHOD PATH JSON [CURL OPTION...]
send() {
    call "$1" "$2" -H 'Content-Type: application/json' -d "$3" "${@:4}"
}

order() {
    send POST "$PACKS/order" "${1:-$ORDER}" "${@:2}"
}

# changed JQ: the order, altered
changed() {
    jq -c "$1" <<<"$ORDER"
}

# is STATUS JQ EXPECTED: of the last answer
is() {
    local got
    got=$(jq -rc "$2" <<<"$body")
    [[ $status == "$1" && $got == "$3" ]] || {
        echo "status $status instead of $1, or $2: '$got' instead of '$3' in: $body" >&2
        return 1
    }
}

# equal GOT EXPECTED
equal() {
    [[ $1 == "$2" ]] || {
        printf 'got:      %s\nexpected: %s\n' "$1" "$2" >&2
        return 1
    }
}

packs_placed() {
    call GET "$PACKS?status=all"
    jq '.result_info.total_count' <<<"$body"
}

# What the peer of a connection sees of its end may come before the journal tells of it.
closed() { # COUNT
    [[ $(rehearsal_log 'select(.event=="closed")|.event' | wc -l) -eq $1 ]]
}

@test "GnuTLS answers, not OpenSSL, and only with TLS that the scenario permits" {
    run -0 ldd "$GEORDER_BUILD/tests/rehearsal-api"
    [[ $output == *libgnutls* && $output == *libmicrohttpd* ]]
    [[ $output != *libssl* && $output != *libcurl* ]]
    rehearsal_start '{"tls":"1.3"}'
    call GET /ips --tlsv1.3
    equal "$status" 200
    run -35 call GET /ips --tls-max 1.2
    rehearsal_scenario '{"tls":"1.2"}'
    call GET /ips
    equal "$status" 200
    run -35 call GET /ips --tlsv1.3
    await closed 4
    equal "$(rehearsal_log 'select(.event|startswith("handshake"))|[.event,.version]')" \
        $'["handshake","TLS1.3"]\n["handshake_failed",null]\n["handshake","TLS1.2"]\n["handshake_failed",null]'
}

@test "it stops on SIGTERM, also while an answer stalls, and leaves no process" {
    rehearsal_start '{"orders":[{"answer":"stall","seconds":60}]}'
    local pid=$REHEARSAL_PID started
    order "$ORDER" --max-time 60 &
    await grep -q '"request"' "$REHEARSAL_DIR/log"
    started=$SECONDS
    rehearsal_stop
    wait $! || true
    ((SECONDS - started < 30))
    run ! kill -0 "$pid"
    equal "$(rehearsal_log 'select(.event=="stopped")|.event')" stopped
}

@test "without --verbose it holds no stream of its caller" {
    rehearsal_ca
    local dir=$BATS_TEST_TMPDIR
    # shellcheck disable=SC2016 # the inner shell expands these
    run -0 timeout 60 bash -c '"$0" --directory "$1" --scenario "$2" --ready "$3/ready" \
        --log "$3/log" 2>&1 & echo $! >"$3/pid"; until [ -s "$3/ready" ]; do sleep 0.05; done' \
        "$GEORDER_BUILD/tests/rehearsal-api" "$REHEARSAL_CA" \
        "$GEORDER_SOURCE/tests/rehearsal/scenario.json" "$dir"
    kill "$(<"$dir/pid")"
    equal "$output" ""
}

@test "a bad scenario or argument is refused with the place" {
    run -1 rehearsal_start '{"orders":[{"answer":"place"},{"answer":"explode"}]}'
    [[ $output == *'/orders/1/answer: "explode" is not a known answer'* ]]
    run -1 rehearsal_start '{"orders":[{"answer":"place","gio_label":"eu"}]}'
    [[ $output == *'/orders/0/gio_label: "gio_label" is not a known member'* ]]
    run -1 rehearsal_start '{"orders":[{"answer":"drop","progress":{"active":1}}]}'
    [[ $output == *'/orders/0/active: "active" is not a known member'* ]]
    run -1 rehearsal_start '{"zones":{"example.com":"1"}}'
    [[ $output == *'/zones: each zone is an id of 32 hex digits'* ]]
    run -1 rehearsal_start '{}' --address 0.0.0.0
    [[ $output == *'only 127.0.0.1 and ::1 can be'* ]]
    run -1 rehearsal_start '{}' --port 70000
    [[ $output == *'--port 70000: a number from 0 to 65535 is wanted'* ]]
}

@test "a scenario that is broken later shows in the answer, and a changed one counts at once" {
    rehearsal_start
    echo '{' >"$REHEARSAL_DIR/scenario.json"
    call GET /ips
    is 500 '.errors[0].message' 'the scenario is not JSON'
    rehearsal_scenario '{"ips":{"ipv4_cidrs":["127.0.0.0/8"]}}'
    call GET /ips
    is 200 '.result' '{"ipv4_cidrs":["127.0.0.0/8"]}'
}

@test "the certificates verify or fail as their names say" {
    local name code
    rehearsal_ca
    for name in expired:60 other:60 decoy:60 stuffed:60; do
        code=${name#*:} name=${name%:*}
        rehearsal_start '{}' --certificate "$REHEARSAL_CA/$name.chain.pem" \
            --key "$REHEARSAL_CA/$name.key"
        run "-$code" call GET /ips
        rehearsal_stop
        equal "$(rehearsal_log 'select(.event=="closed")|[.requests,.bytes]')" '[0,0]'
    done
    rehearsal_start '{}' --certificate "$REHEARSAL_CA/stuffed.chain.pem" \
        --key "$REHEARSAL_CA/stuffed.key"
    call GET /ips --cacert "$REHEARSAL_CA/decoy-root.pem"
    equal "$status" 200
    run -0 openssl s_client -connect "localhost:$REHEARSAL_PORT" -showcerts \
        -CAfile "$REHEARSAL_CA/decoy-root.pem" </dev/null
    [[ $output == *'i:O = Rehearsal, CN = Rehearsal Root'* ]]
    [[ $output == *'Verify return code: 0 (ok)'* ]]
}

@test "pins are those that curl computes" {
    rehearsal_start
    call GET /ips --pinnedpubkey "sha256//$(<"$REHEARSAL_CA/localhost.pin")"
    equal "$status" 200
    run -90 call GET /ips --pinnedpubkey "sha256//$(<"$REHEARSAL_CA/root.pin")"
    await closed 2
    equal "$(rehearsal_log 'select(.event=="closed" and .connection==2)|.requests')" 0
}

@test "the journal tells connections and handshakes from requests" {
    rehearsal_start
    exec {socket}<>"/dev/tcp/127.0.0.1/$REHEARSAL_PORT"
    exec {socket}>&-
    call GET /ips --cacert "$REHEARSAL_CA/decoy-root.pem" || true
    call GET /ips
    await closed 3
    equal "$(rehearsal_log 'select(.connection==1)|.event' | paste -sd' ')" 'connection handshake_failed closed'
    equal "$(rehearsal_log 'select(.connection==2)|.event' | paste -sd' ')" 'connection handshake_failed closed'
    equal "$(rehearsal_log 'select(.connection==3)|.event' | paste -sd' ')" 'connection handshake request closed'
    equal "$(rehearsal_log 'select(.event=="closed")|[.requests,.bytes>0]' | paste -sd' ')" \
        '[0,false] [0,false] [1,true]'
}

@test "the journal has the whole request and no secret" {
    rehearsal_start
    order "$ORDER" -H 'X-Auth-Key: geheim' -H 'Cookie: keks'
    run -1 grep -E "$TOKEN|geheim|keks" "$REHEARSAL_DIR/log"
    local request digest
    request=$(rehearsal_log 'select(.event=="request")')
    digest=$(printf %s "$TOKEN" | sha256sum | cut -d' ' -f1)
    equal "$(jq -c .headers.authorization <<<"$request")" "{\"kind\":\"bearer\",\"sha256\":\"$digest\"}"
    equal "$(jq -r .body <<<"$request")" "$ORDER"
    equal "$(jq -c '[.method,.path,.complete,.answer.status]' <<<"$request")" \
        "[\"POST\",\"/client/v4$PACKS/order\",true,200]"
    equal "$(sed -n 's/^CF-RAY: //p' <<<"$headers")" "$(jq -r .answer.cf_ray <<<"$request")"
    equal "$(printf %s "$body" | sha256sum | cut -d' ' -f1)" "$(jq -r .answer.sha256 <<<"$request")"
}

@test "every answer has the headers that the real API sends" {
    rehearsal_start
    call GET /ips
    grep -qxE 'CF-RAY: [0-9a-f]{16}-[A-Z]{3}' <<<"$headers"
    grep -qxE 'Date: .* GMT' <<<"$headers"
    grep -qx 'Content-Type: application/json' <<<"$headers"
    grep -q '^Set-Cookie: __cflb=' <<<"$headers"
    grep -q '^Ratelimit: "default";r=' <<<"$headers"
    run -1 grep -i '^Retry-After' <<<"$headers"
}

@test "tokens: right, wrong, malformed, missing, disabled, of an account" {
    rehearsal_start '{"tokens":["'$TOKEN'","'$ACCOUNT_TOKEN'",
        {"token":"off","status":"disabled","id":"0123"},
        {"token":"soon","expires_on":"2027-01-01T00:00:00Z"}]}'
    call GET /user/tokens/verify
    is 200 '[.success,.result.status,.messages[0]]' \
        '[true,"active",{"code":10000,"message":"This API Token is valid and active","type":null}]'
    AUTH=soon call GET /user/tokens/verify
    is 200 .result.expires_on 2027-01-01T00:00:00Z
    AUTH=off call GET /user/tokens/verify
    is 200 '[.result.status,.result.id,.messages]' '["disabled","0123",[]]'
    AUTH=off call GET "$PACKS"
    is 403 .errors[0].code 10000
    AUTH=wrong call GET /user/tokens/verify
    is 401 '[.success,.result,.errors]' '[false,null,[{"code":10000,"message":"Authentication error"}]]'
    AUTH=wrong call GET "$PACKS"
    is 403 .errors[0].code 10000
    AUTH='a b' call GET "$PACKS"
    is 400 '[.errors[0].code,.errors[0].error_chain[0].code]' '[6003,6111]'
    AUTH='' call GET "$PACKS"
    is 401 '[.errors[0].code,.errors[0].message]' '[1001,"Missing \"Authorization\" header"]'
    AUTH=$ACCOUNT_TOKEN call GET /user/tokens/verify
    is 403 .errors[0].code 1001
    AUTH=$ACCOUNT_TOKEN call GET /accounts/0a/tokens/verify
    is 200 .result.status active
    call GET /accounts/0a/tokens/verify
    is 403 .errors[0].code 10000
}

@test "e-mail and key: right, wrong, malformed, and not for a token's own page" {
    local key=0123456789abcdef0123456789abcdef01234
    local -a with=(-H 'X-Auth-Email: operator@example.com')
    local AUTH=
    rehearsal_start
    call GET "$PACKS" "${with[@]}" -H "X-Auth-Key: $key"
    is 200 .success true
    call GET "$PACKS" "${with[@]}" -H "X-Auth-Key: ${key}5"
    is 403 .errors[0].code 10000
    call GET "$PACKS" "${with[@]}" -H 'X-Auth-Key: a b'
    is 400 .errors[0].error_chain[0].code 6103
    call GET "$PACKS" -H 'X-Auth-Email: operator' -H "X-Auth-Key: $key"
    is 400 .errors[0].error_chain[0].code 6102
    call GET /user/tokens/verify "${with[@]}" -H "X-Auth-Key: $key"
    is 400 '.errors[0]|[.code,.message]' '[1001,"Missing \"Authorization\" header"]'
}

@test "zones: by id, by name, by account; unknown ones and unknown routes" {
    rehearsal_start '{"zones":{"example.net":{"id":"0123456789abcdef0123456789abcdef",
        "status":"pending","account_id":"f0"}}}'
    call GET "/zones/$ZONE"
    is 200 '.result|[.name,.status]' '["example.com","active"]'
    call GET "/zones?name=example.net&match=all"
    is 200 '[.result_info.total_count,.result[0].status,.result[0].account.id]' '[1,"pending","f0"]'
    call GET "/zones?name=example.net&account.id=0a"
    is 200 .result_info.total_count 0
    call GET "/zones?name=contains:example"
    is 400 .errors[0].code 1434
    call GET /zones/00000000000000000000000000000000
    is 404 .errors[0].code 7003
    call GET /nothing
    is 404 '[.success,.errors[0].code]' '[false,7003]'
    call DELETE "$PACKS"
    is 405 .errors[0].code 7001
}

@test "an order goes from initializing to pending_validation to active" {
    rehearsal_start '{"progress":{"pending_gets":1,"active_gets":3}}'
    order
    is 200 '.result|[.status,.type,.hosts,.certificate_authority,.validity_days,.validation_method,
        .cloudflare_branding,.certificates,.validation_records]' \
        '["initializing","advanced",["example.com","*.example.com"],"google",90,"txt",false,[],null]'
    local id
    id=$(jq -r .result.id <<<"$body")
    [[ $id =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$ ]]
    call GET "$PACKS/$id"
    is 200 '.result|[.status,(.validation_records|length),.validation_records[0].txt_name,
        .dcv_delegation_records[0].cname]' \
        '["pending_validation",2,"_acme-challenge.example.com","_acme-challenge.example.com"]'
    local value
    value=$(jq -r '.result.validation_records[].txt_value' <<<"$body")
    [[ $(sort -u <<<"$value" | wc -l) == 2 ]]
    call GET "$PACKS/$id"
    equal "$(jq -r '.result.validation_records[].txt_value' <<<"$body")" "$value"
    call GET "$PACKS/$id"
    is 200 '.result|[.status,.validation_records,[.certificates[]|.signature],
        [.certificates[]|.geo_restrictions.label],.primary_certificate==.certificates[0].id]' \
        '["active",null,["ECDSAWithSHA256","SHA256WithRSA"],["eu","eu"],true]'
}

@test "packs move on with time too, or never" {
    rehearsal_start '{"orders":[{"answer":"place","progress":{"pending_ms":0,"active_ms":1500}},
        {"answer":"place","progress":{}}]}'
    order
    is 200 .result.status pending_validation
    local id
    id=$(jq -r .result.id <<<"$body")
    sleep 1.6
    call GET "$PACKS/$id"
    is 200 .result.status active
    order
    id=$(jq -r .result.id <<<"$body")
    for _ in 1 2 3 4; do call GET "$PACKS/$id"; done
    is 200 .result.status initializing
}

@test "validation records by authority and method" {
    local place='{"orders":[{"answer":"place","status":"pending_validation"}]}'
    rehearsal_start "$place"
    order "$(changed '.certificate_authority="ssl_com"')"
    is 200 '.result.validation_records|[length,(map(.txt_value)|unique|length)]' '[4,4]'
    order "$(changed '.validation_method="http"|.hosts=["example.com"]')"
    is 200 '.result.validation_records|[length,(.[0].http_url|startswith("http://example.com/.well-known/")),(.[0].http_body|length)]' '[1,true,32]'
    order "$(changed '.validation_method="email"')"
    is 200 '.result.validation_records[0].emails' '["administrator@example.com","webmaster@example.com"]'
}

# refused JQ POINTER: the order, so altered, is refused at this place
refused() {
    order "$(changed "$1")" || return 1
    is 400 '.errors[0]|[.code,.source.pointer]' "[1434,\"$2\"]"
}

@test "orders that the schema does not permit are refused at the place" {
    rehearsal_start
    refused '.geo_restrictions={"label":"eu"}' /geo_restrictions
    is 400 '.errors[0].message' '"geo_restrictions" is not a known member'
    refused 'del(.type)' /type
    refused '.type="universal"' /type
    refused '.certificate_authority="digicert"' /certificate_authority
    refused '.validation_method="cname"' /validation_method
    refused '.validity_days=91' /validity_days
    refused '.validity_days="90"' /validity_days
    refused '.cloudflare_branding="no"' /cloudflare_branding
    refused '.hosts=[]' /hosts
    refused '.hosts=["www.example.com"]' /hosts
    is 400 '.errors[0].message' 'hosts must contain the zone apex example.com'
    refused '.hosts=["example.com"]+[range(50)|"h\(.).example.com"]' /hosts
    refused '.hosts=["example.com","example.org"]' /hosts/1
    refused '.hosts=["example.com","Www.example.com"]' /hosts/1
    refused '.hosts=["example.com","*.*.example.com"]' /hosts/1
    refused '.hosts=["example.com","a.example.com","a.example.com"]' /hosts/1
    refused '.validation_method="http"' /validation_method
    order "$(changed '.hosts=["example.com"]+[range(49)|"h\(.).example.com"]')"
    is 200 '.result.hosts|length' 50
    equal "$(packs_placed)" 1
}

@test "bodies that are no JSON, twice the same, or of another type are refused" {
    rehearsal_start
    order '{"type":'
    is 400 .errors[0].code 1400
    order "$ORDER{}"
    is 400 .errors[0].code 1400
    order '{"type":"advanced","type":"advanced"}'
    is 400 '.errors[0]|[.message,.source.pointer]' '["\"type\" stands there twice","/type"]'
    call POST "$PACKS/order" -d "$ORDER"
    is 400 '[.errors[0].code,.errors[0].error_chain[0].code]' '[6003,6105]'
    equal "$(packs_placed)" 0
}

@test "the list shows active packs, or all, in pages; the quota counts" {
    rehearsal_start '{"quota":7,"orders":[{"answer":"place","status":"active"},
        {"answer":"place","status":"initializing"}]}'
    for _ in 1 2 3 4 5 6; do order; done
    call GET "$PACKS"
    is 200 '[.result_info.total_count,.result[0].status]' '[1,"active"]'
    call GET "$PACKS?status=all&per_page=5&page=2"
    is 200 '[(.result|length),.result_info]' \
        '[1,{"page":2,"per_page":5,"count":1,"total_count":6,"total_pages":2}]'
    call GET "$PACKS?status=all&per_page=4"
    is 400 .errors[0].message 'per_page is not 5 to 50'
    call GET "$PACKS?status=all&per_page=51"
    is 400 .errors[0].code 1434
    call GET "$PACKS?status=active"
    is 400 .errors[0].code 1434
    call GET "$PACKS?state=all"
    is 400 .errors[0].message 'a query parameter is not known'
    call GET "$PACKS/quota"
    is 200 .result '{"advanced":{"allocated":7,"used":6}}'
    call GET /zones/353c0d2738a1c9da8fdace4f5501e320/ssl/certificate_packs?status=all
    is 200 .result_info.total_count 0
}

@test "deleted packs are gone, or leave a tombstone" {
    rehearsal_start
    order
    local id
    id=$(jq -r .result.id <<<"$body")
    call DELETE "$PACKS/$id"
    is 200 .result "{\"id\":\"$id\"}"
    call GET "$PACKS/$id"
    is 404 '[.result,.errors[0].code]' '[null,1408]'
    call DELETE "$PACKS/$id"
    is 404 .errors[0].code 1408
    rehearsal_scenario '{"deleted":"tombstone"}'
    call GET "$PACKS/$id"
    is 200 .result.status deleted
    call DELETE "$PACKS/$id"
    is 400 '.errors[0]|[.code,.message]' '[1406,"Bad response certificate service"]'
    equal "$(packs_placed)" 1
}

@test "a PATCH restarts a validation that timed out, or adds branding" {
    rehearsal_start '{"orders":[{"answer":"place","status":"validation_timed_out"},{"answer":"place"}]}'
    order
    local id
    id=$(jq -r .result.id <<<"$body")
    send PATCH "$PACKS/$id" '{"cloudflare_branding":true}'
    is 200 '.result|[.cloudflare_branding,.status]' '[true,"validation_timed_out"]'
    send PATCH "$PACKS/$id" '{"hosts":[]}'
    is 400 .errors[0].source.pointer /hosts
    send PATCH "$PACKS/$id" '{}'
    is 200 .result.status pending_validation
    send PATCH "$PACKS/$id" '{}'
    is 400 .errors[0].code 1434
}

@test "place: each option shows in the pack" {
    rehearsal_start '{"orders":[{"answer":"place","status":"active","geo_label":["us",null],
        "expires_days":3,"extra_host":["sni.cloudflaressl.com","a.example.com"],
        "drop_host":"example.com","shuffle":true,"certificate_authority":"lets_encrypt",
        "validity_days":14,"validation_method":"http","type":"universal","cloudflare_branding":true,
        "validation_errors":[{"message":"SERVFAIL"}],"id_form":"hex","unknown_fields":true}]}'
    order "$(changed '.hosts+=["b.example.com"]')"
    is 200 '.result|[.status,.hosts,.certificate_authority,.validity_days,.validation_method,.type,
        .cloudflare_branding,.validation_errors,.x_rehearsal]' \
        '["active",["b.example.com","*.example.com","sni.cloudflaressl.com","a.example.com"],"lets_encrypt",14,"http","universal",true,[{"message":"SERVFAIL"}],{"new":"member"}]'
    is 200 '.result.certificates|map(.geo_restrictions.label)' '["us",null]'
    is 200 '.result.certificates[0]|(.expires_on|.[:19]+"Z"|fromdate)-(.uploaded_on|.[:19]+"Z"|fromdate)' 259200
    is 200 '.result.id|test("^[0-9a-f]{32}$")' true
    rehearsal_scenario '{"orders":[{"answer":"place","id_form":"../x"}]}'
    order
    is 200 .result.id ../x
}

@test "behaviours come one after another; the last goes on; faulty orders use up none" {
    rehearsal_start '{"orders":[{"answer":"refuse"},{"answer":"place","id_form":"hex"}]}'
    order '{}'
    is 400 .errors[0].code 1434
    AUTH=wrong order
    is 403 .errors[0].code 10000
    order
    is 400 '.errors[0].code' 1450
    for _ in 1 2; do
        order
        is 200 '.result.id|length' 32
    done
    equal "$(packs_placed)" 2
}

@test "refuse, raw, redirect and rate_limit place nothing" {
    rehearsal_start '{"orders":[
        {"answer":"refuse","status":409,"errors":[{"code":1413,"message":"no"},{"message":"codeless"}]},
        {"answer":"raw","status":502,"content_type":"text/html","body":"<h1>Bad</h1>"},
        {"answer":"redirect","location":"https://elsewhere.example/"},
        {"answer":"rate_limit","retry_after":7}]}'
    order
    is 409 '[.success,.result,.errors]' \
        '[false,null,[{"code":1413,"message":"no"},{"message":"codeless"}]]'
    order
    equal "$status $body" '502 <h1>Bad</h1>'
    grep -qx 'Content-Type: text/html' <<<"$headers"
    order
    equal "$status $body" '302 '
    grep -qx 'Location: https://elsewhere.example/' <<<"$headers"
    order
    is 429 .errors[0].code 10100
    grep -qx 'Retry-After: 7' <<<"$headers"
    equal "$(packs_placed)" 0
}

@test "done makes a 502 after the pack was placed, and an empty answer without" {
    rehearsal_start '{"orders":[{"answer":"raw","done":true},{"answer":"empty","done":false},
        {"answer":"empty"}]}'
    order
    equal "$status" 502
    equal "$(packs_placed)" 1
    order
    equal "$status $body" '200 '
    equal "$(packs_placed)" 1
    order
    equal "$status $body" '200 '
    equal "$(packs_placed)" 2
}

@test "drop places the pack and says nothing; drop_before places nothing" {
    rehearsal_start '{"orders":[{"answer":"drop","id_form":"hex"},{"answer":"drop_before"},
        {"answer":"place"}]}'
    run order
    [[ $status == 52 || $status == 56 ]]
    call GET "$PACKS?status=all"
    is 200 '.result|map(.id|length)' '[32]'
    run order
    [[ $status == 52 || $status == 56 ]]
    equal "$(packs_placed)" 1
    order
    equal "$(packs_placed)" 2
    equal "$(rehearsal_log 'select(.method=="POST")|[.complete,.answer.behaviour,.answer.status]' | paste -sd' ')" \
        '[true,"drop",null] [false,"drop_before",null] [true,"place",200]'
}

@test "truncate cuts the body short, announced or chunked" {
    rehearsal_start '{"orders":[{"answer":"truncate","bytes":30},
        {"answer":"truncate","bytes":31,"chunked":true}]}'
    run -18 order
    equal "$(wc -c <"$BATS_TEST_TMPDIR/body")" 30
    run order
    [[ $status == 18 || $status == 56 ]]
    equal "$(wc -c <"$BATS_TEST_TMPDIR/body")" 31
    grep -qi '^Transfer-Encoding: chunked' "$BATS_TEST_TMPDIR/headers"
    equal "$(packs_placed)" 2
}

@test "stall answers too late; the pack is there at once" {
    rehearsal_start '{"orders":[{"answer":"stall","seconds":20},{"answer":"stall","seconds":1.5}]}'
    run -28 order "$ORDER" --max-time 5
    equal "$(packs_placed)" 1
    order
    is 200 .success true
}

@test "huge is of the size asked for and still JSON; trickle comes slowly but whole" {
    rehearsal_start '{"orders":[{"answer":"huge","bytes":1500000},
        {"answer":"trickle","bytes":50,"every_ms":100},{"answer":"huge","bytes":100000,"chunked":true}]}'
    order
    equal "$(wc -c <"$BATS_TEST_TMPDIR/body")" 1500000
    is 200 '.result.status' initializing
    order "$ORDER" -w '%{time_total} '
    local seconds=${status% *}
    status=${status#* }
    [[ $(jq -n "$seconds >= 0.5") == true ]]
    is "$status" '.success' true
    order
    equal "$(wc -c <"$BATS_TEST_TMPDIR/body")" 100000
    equal "$(packs_placed)" 3
}

@test "gets, patches and deletes have lists of their own" {
    rehearsal_start '{"gets":[{"answer":"raw","status":503},{"answer":"normal"}],
        "deletes":[{"answer":"drop"},{"answer":"normal"}]}'
    order
    local id
    id=$(jq -r .result.id <<<"$body")
    call GET "$PACKS/$id"
    equal "$status" 503
    call GET "$PACKS/$id"
    is 200 .result.status pending_validation
    run call DELETE "$PACKS/$id"
    [[ $status == 52 || $status == 56 ]]
    call DELETE "$PACKS/$id"
    is 404 .errors[0].code 1408
}

@test "a body of more than a mebibyte is refused" {
    rehearsal_start
    head -c 1100000 /dev/zero >"$BATS_TEST_TMPDIR/large"
    call POST "$PACKS/order" -H 'Content-Type: application/json' -H Expect: \
        --data-binary "@$BATS_TEST_TMPDIR/large"
    is 413 .errors[0].message 'The body is too large'
}

@test "it listens on ::1 too" {
    [[ -s /proc/net/if_inet6 ]] || skip "no IPv6 here"
    rehearsal_start '{}' --address ::1
    run -0 curl -sS --cacert "$REHEARSAL_CA/root.pem" "https://[::1]:$REHEARSAL_PORT/client/v4/ips"
    [[ $output == *'"success":true'* ]]
}
