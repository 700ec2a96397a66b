# shellcheck shell=bash
# A georder home that orders from the rehearsal API: `load helper` and `load home`, home_start in
# setup or a test, rehearsal_stop in teardown. georder runs as a user runs it: the built program,
# sandbox on in release builds.

bats_require_minimum_version 1.5.0

GEORDER=$GEORDER_BUILD/georder
export GEORDER
ZONE_ID=023e105f4ecef8ad9ca31a8372d0c353
export ZONE_ID

# home_start [SCENARIO [pkcs11|keystore]]: sets HOUSE (the home) and TOKEN_FILE.
home_start() {
    rehearsal_start "${1:-}" || return 1
    home_make "${2:-pkcs11}"
}

home_make() { # pkcs11|keystore
    export HOUSE=$BATS_TEST_TMPDIR/home TOKEN_FILE=$BATS_TEST_TMPDIR/token
    printf %s cfut_rehearsal000000000000000000000000000000000000000 >"$TOKEN_FILE"
    FRESH_LOG=1 "$GEORDER_SOURCE/tests/rehearsal/make-home" "$HOUSE" "$REHEARSAL_CA" "$REHEARSAL_PORT" "$1"
}

# For files of many tests: home_template in setup_file, home_copy in setup. TOKEN_FILE stays one.
home_template() { # [pkcs11|keystore]
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR REHEARSAL_PORT=1
    rehearsal_ca && home_make "${1:-pkcs11}" && export HOUSE_TEMPLATE=$HOUSE
}

home_copy() {
    export HOUSE=$BATS_TEST_TMPDIR/home
    cp -a "$HOUSE_TEMPLATE" "$HOUSE" || return 1
    [[ ! -e $HOUSE/softhsm2.conf ]] || sed -i "s|$HOUSE_TEMPLATE|$HOUSE|" "$HOUSE/softhsm2.conf"
}

# home_listen [SCENARIO [ARGUMENT...]]: the rehearsal API, and a copied home that orders from it.
home_listen() {
    rehearsal_start "$@" && policy_edit ".api.base_url = \"$REHEARSAL_URL\""
}

# georder in this home. Standard error is kept apart, in $BATS_TEST_TMPDIR/errors.
georder() { # COMMAND ARGUMENT...
    "$GEORDER" "$1" --config "$HOUSE/georder.json" "${@:2}"
}

# A change of one of the home's JSON files: home_edit policy.json '.revision = 2'
home_edit() {
    local text
    text=$(jq "$2" "$HOUSE/$1") && printf '%s\n' "$text" >"$HOUSE/$1"
}

# A change of the policy, under a higher revision: policy_edit '.on_violation = "delete"'
policy_edit() {
    home_edit policy.json "($1) | .revision += 1"
}

# turns_wait PROCESS...: that each order waits for its turn, which another one, or a test, has. Before a
# process becomes georder it has the descriptors of the test, and perhaps the lock's among them.
turns_wait() {
    local process fd waits
    for process; do
        [ "/proc/$process/exe" -ef "$GEORDER" ] || return 1
        waits=0
        for fd in "/proc/$process/fd"/*; do
            [[ $(readlink "$fd") != */orders.lock ]] || waits=1
        done
        [ $waits = 1 ] || return 1
    done
}

# one_day: what follows is of one day (UTC), if it takes less than two minutes.
one_day() {
    local left=$((86400 - $(date +%s) % 86400))
    [ "$left" -gt 120 ] || sleep "$left"
}

posts() { # how many orders arrived
    rehearsal_log 'select(.event == "request" and .method == "POST") | .path' | wc -l
}

requests() { # how much HTTP arrived at all
    rehearsal_log 'select(.event == "request") | .path' | wc -l
}

connections() {
    rehearsal_log 'select(.event == "connection") | .event' | wc -l
}

# events: the names of the log's records, in one line.
events() {
    georder audit list --json | jq -r '[.records[].metadata.event_code] | join(" ")'
}

# The last record's unmapped.georder, or what a jq filter makes of it.
last_record() {
    georder audit list --json | jq -rc ".records[-1].unmapped.georder | ${1:-.}"
}

verified() {
    georder audit verify --quiet
}

# The template with records 0 to 4: created, policy, an order that ends as not sent, a denial.
home_template_recorded() {
    home_template pkcs11
    run -7 georder order --quiet --file "$HOUSE/order.json"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
}
