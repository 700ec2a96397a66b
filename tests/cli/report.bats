#!/usr/bin/env bats
# The page for people: headless Chromium opens it, and says what the page found.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder

# Records 0 to 4: created, policy, an order that ends as not sent, a denial.
setup_file() {
    home_template
    run -7 georder order --quiet --file "$HOUSE/order.json"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
}

setup() {
    home_copy
    page=$HOUSE/page.html
}

report() { # ARGUMENT...
    env -i "$GEORDER" audit report --directory "$HOUSE/audit" --origin "$origin" "$@"
}

# What the page is once its script ran: sets state and said.
look() { # FILE
    local dom
    command -v chromium >/dev/null || skip 'chromium is not installed: ./dev test does that'
    dom=$(timeout 60 chromium --headless=new --no-sandbox --disable-gpu --virtual-time-budget=10000 \
        --user-data-dir="$BATS_TEST_TMPDIR/profile" --dump-dom "file://$1" 2>/dev/null)
    state=$(sed -n 's/^<html.* data-state="\([a-z]*\)".*/\1/p' <<<"$dom")
    said=$(sed -n 's/^<p id="state"[^>]*>\(.*\)<\/p>$/\1/p' <<<"$dom")
    body=$dom
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
    local time
    time=$(georder audit list --json | jq -r '.records[2].time')
    report --quiet --since "$(date -u -d "@${time%???}.${time: -3}" +%Y-%m-%dT%H:%M:%S.%3NZ)" --out "$page"
    look "$page"
    [ "$state" = good ]
    [[ $said == *'All 3 records'* ]]
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
    edited 's/"x":"\(.\)\(.\)/"x":"\2\1/'
    [[ $state == bad && $said == *'the key '*' is none'* ]]
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
