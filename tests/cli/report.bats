#!/usr/bin/env bats
# The page for people: headless Chromium opens it, and says what the page found.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home
load anchors

modules=$GEORDER_SOURCE/build/node/node_modules
origin=rehearsal.example/georder

setup_file() {
    home_template_recorded
    tsa_make "$BATS_FILE_TMPDIR/tsa"
}

setup() {
    home_copy
    page=$HOUSE/page.html
}

teardown() {
    anchors_stop
}

report() { # ARGUMENT...
    env -i "$GEORDER" audit report --directory "$HOUSE/audit" --origin "$origin" "$@"
}

# What Chromium is needed for is skipped without it.
chromium_needed() {
    command -v chromium >/dev/null || skip 'chromium is not installed: ./dev test does that'
    [ -d "$modules/puppeteer-core" ] || skip 'the libraries of tests/node are not installed: ./dev test does that'
}

# What the page is once its script ran: sets state, said and body.
look() { # FILE
    chromium_needed
    body=$(node "$GEORDER_SOURCE/tests/node/look.mjs" "$1" "$modules")
    state=$(sed -n 's/^<!DOCTYPE html><html.* data-state="\([a-z]*\)".*/\1/p' <<<"$body")
    said=$(sed -n 's/^<p id="state"[^>]*>\(.*\)<\/p>$/\1/p' <<<"$body")
}

# A copy of the page with its lines changed: edited SED
edited() {
    sed "$1" "$page" >"$page.edited.html"
    run -1 cmp -s "$page" "$page.edited.html"
    look "$page.edited.html"
}

@test "a page verifies itself, and shows orders and denials" {
    run -0 --separate-stderr report --out "$page"
    [[ $stderr == *"SHA-256 $(sha256sum "$page" | cut -d' ' -f1)"* ]]
    look "$page"
    [ "$state" = good ]
    [[ $said == '<strong>Verified.</strong> All 5 records'* && $body == *'<caption>Orders (1)</caption>'* ]]
    [[ $body == *'<caption>Denials (1)</caption>'* && $body == *"$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")"* ]]
}

@test "a part of the log is verified against the whole tree" {
    local time count
    time=$(georder audit list --json | jq -r '.records[2].time')
    count=$(georder audit list --json | jq --argjson time "$time" '[.records[] | select(.time >= $time)] | length')
    [ "$count" -lt 5 ] # two may be of one millisecond
    report --quiet --since "$(date -u -d "@${time%???}.${time: -3}" +%Y-%m-%dT%H:%M:%S.%3NZ)" --out "$page"
    look "$page"
    [ "$state" = good ]
    [[ $said == *"All $count records"* ]]
}

@test "a tampered page names what is broken, and shows nothing" {
    local first
    report --quiet --out "$page"
    first=$(grep -n '^{"payload":' "$page" | head -1 | cut -d: -f1)
    edited "$((first + 2))s/\"signature\":\"./&A/"
    [[ $state == bad && $said == *'record 2: '* && $body != *'<table'* ]]
    edited "$((first + 3))d"
    [[ $state == bad && $said == *'record 3: is missing, or in another place: here is record 4'* ]]
    edited "$((first + 1)){h;d};$((first + 2))G"
    [[ $state == bad && $said == *'record 1: is missing, or in another place: here is record 2'* ]]
    edited "$((first + 4))d"
    [[ $state == bad && $said == *'record 4: is missing: the checkpoint is of 5 records'* ]]
    edited 's/\(georder\\n\)5\\n/\14\\n/'
    [[ $state == bad && $said == *"the checkpoint's signature is wrong"* ]]
    edited "$(spoil '"x":"')"
    [[ $state == bad && $said == *'the key '*' is none'* ]]
}

# What tests/node/report.mjs does with logs by keys of its own.
node_task() { # TASK
    chromium_needed
    mkdir "$BATS_TEST_TMPDIR/pages"
    run -0 node "$GEORDER_SOURCE/tests/node/report.mjs" "$1" "$modules" "$BATS_TEST_TMPDIR/pages"
}

@test "ES256, ES384, RS256 and PS256 verify; a signature by another key of the same name does not" {
    node_task algorithms
}

@test "a well-signed record in a wrong place is named" {
    node_task places
}

@test "a checkpoint, tree or key that is not the log's is told" {
    node_task checkpoints
}

@test "rotations verify; one that nobody agreed to, a retired key and a foreign one are named" {
    node_task rotations
}

@test "no bit of a record or of the checkpoint can be turned unseen" {
    node_task flips
}

@test "hostile text in any field is text" {
    node_task hostile
}

@test "doubts, violations, denials, changes: each is in its table" {
    node_task events
}

@test "without WebCrypto, or without a script, nothing is green" {
    node_task unable
}

@test "the thumbprint that a reader knows is compared" {
    node_task thumbprint
}

@test "by day, by night and on paper: accessible by axe, in contrast, and not cut" {
    node_task access
}

@test "a log that was handed on twice on a token verifies, and a changed rotation is named" {
    local alg said where line
    where=$(jq -r .audit.signing_key "$HOUSE/georder.json")
    for alg in ES384 PS256; do
        said=$(georder key rotate --to "${where/object=georder-audit/object=$alg}" --alg $alg --json)
        home_edit georder.json ".audit += $(jq -c .audit <<<"$said")"
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
    report --quiet --out "$page"
    look "$page"
    [[ $state == good && $said == *'All 9 records'* && $body == *"$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")"* ]]
    line=$(grep -n '^{"payload":' "$page" | head -1 | cut -d: -f1)
    edited "$((line + 5)){$(spoil '"payload":".\{2000\}')}"
    [[ $state == bad && $said == *'record 5: '* ]]
}

@test "anchors are told as georder found them" {
    tsa_start "$BATS_FILE_TMPDIR/tsa"
    witness_start "$origin" "$HOUSE/audit/keys/$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json").jwk"
    cp "$TSA/stamp-root.pem" "$HOUSE/stamp.pem"
    cp "$REHEARSAL_CA/root.pem" "$HOUSE/witness.pem"
    home_edit georder.json ".audit.timestamp = {url: \"http://localhost:$TSA_PORT/tsr\", ca_file: \"stamp.pem\"}
        | .audit.witnesses = [{url: \"https://localhost:$WITNESS_PORT/w1\", key: \"$(cat "$WITNESS/vkey")\", ca_file: \"witness.pem\"}]"
    georder audit anchor --quiet
    run -0 georder audit report --quiet --out "$page"
    look "$page"
    [[ $state == good && $body == *'<caption>Anchors (2)</caption>'*'5 records are cosigned by witness.example/w1'* ]]
    [[ $body == *'5 records are stamped by CN=stamp,O=Example'* && $body == *'this page does not check them. 0 were not checked.'* ]]
    rm "$page"
    report --quiet --out "$page"
    look "$page"
    [[ $state == good && $body == *'2 were not checked.'*'Anchors: none.'* ]]
}

@test "a log that is not good gets no page that could be believed" {
    sed -i '$d' "$HOUSE/audit/records/000000000000.jsonl"
    run -10 --separate-stderr report --out "$page"
    [[ ! -s $page && $stderr == *'no page of this log: '* ]]
}

@test "wrong words" {
    run -2 --separate-stderr report
    [[ $stderr == *'--out FILE: say where the page goes' ]]
    run -2 report --out "$page" --since 2026-11-02 --until 2026-11-01
    run -2 --separate-stderr report --out "$page" --until 2001-01-01
    [[ $stderr == *'no record is of this time'* ]]
}
