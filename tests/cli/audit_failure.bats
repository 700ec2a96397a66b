#!/usr/bin/env bats
# What is not recorded is not sent: whatever keeps the log from being written, exit 10 (exit 9 when
# it is the key), and nothing reaches the API.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

setup_file() {
    home_template
    cc -shared -fPIC -o "$BATS_FILE_TMPDIR/fault.so" "$GEORDER_SOURCE/tests/cli/fault.c"
}

EIO=5 ENOSPC=28 EDQUOT=122

setup() {
    home_used
}

# A home whose policy is in force already: what fails from here on fails with the order's intent.
home_used() {
    home_copy
    home_listen
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    keep_log
}

home_fresh() {
    home_copy
    home_listen
    keep_log
}

keep_log() {
    before=$BATS_TEST_TMPDIR/before
    rm -rf "$before"
    cp -a "$HOUSE/audit" "$before"
}

teardown() {
    local place
    for place in "$HOUSE/audit/records" "$HOUSE/audit"; do
        ! mountpoint -q "$place" || umount "$place"
    done
    rehearsal_stop
}

order() {
    run "$1" georder order --file "$HOUSE/order.json"
}

# An order in the background: sets ORDER, its process.
background() {
    "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json" \
        >"$BATS_TEST_TMPDIR/printed" 2>&1 3>&- 9>&- &
    ORDER=$!
}

segment() {
    echo "$HOUSE/audit/records/000000000000.jsonl"
}

# It may have connected, but not a byte of HTTP came.
unsent() {
    await all_closed
    [ -z "$(rehearsal_log 'select(.event == "closed" and .bytes > 0) | .bytes')" ]
}

all_closed() {
    [ "$(connections)" = "$(rehearsal_log 'select(.event == "closed") | .event' | wc -l)" ]
}

# Nothing was sent, nothing that was there is changed, and nothing was added.
untouched() {
    unsent
    cmp "$before/records/000000000000.jsonl" "$(segment)"
    cmp "$before/checkpoint" "$HOUSE/audit/checkpoint"
}

# Once the cause is gone, the same order is placed, and the log is whole.
recovered() { # [EVENTS]
    order -0
    [ "$(posts)" = 1 ]
    [ "$(events)" = "log.created policy.changed order.denied ${1:-order.intent order.response}" ]
    verified
}

mounted() {
    mount "$@" 2>"$BATS_TEST_TMPDIR/mount" || skip "cannot mount: $(<"$BATS_TEST_TMPDIR/mount")"
}

# The log on a disk of its own.
small_disk() {
    mounted -t tmpfs -o size=256k,mode=0700 tmpfs "$HOUSE/audit"
    cp -a "$before/." "$HOUSE/audit"
}

fill_disk() {
    ! cat /dev/zero >"$HOUSE/audit/filler" 2>/dev/null
}

@test "a full disk: exit 10, no request; then room is made" {
    small_disk
    fill_disk
    order -10
    [[ $output == *'No space left on device'* || $output == *"make room on the audit directory's disk"* ]]
    untouched
    run -10 georder order --file "$HOUSE/denied.json"
    untouched
    rm "$HOUSE/audit/filler"
    recovered
}

@test "a disk that fills up while the answer is awaited: exit 10, the pack is printed, the order stays open" {
    small_disk
    rehearsal_scenario '{"orders": [{"answer": "stall", "seconds": 5}]}'
    background
    local status=0
    await grep -q '"POST"' "$REHEARSAL_DIR/log"
    fill_disk
    wait "$ORDER" || status=$?
    [ "$status" = 10 ]
    grep -q 'the API answered, but its answer could not be recorded' "$BATS_TEST_TMPDIR/printed"
    grep -Eq '^pack [0-9a-f-]{36}: ' "$BATS_TEST_TMPDIR/printed"
    rm "$HOUSE/audit/filler"
    order -8
    [ "$(posts)" = 1 ]
    [ "$(events)" = 'log.created policy.changed order.denied order.intent' ]
    verified
}

@test "a read-only audit directory: exit 10, no request" {
    small_disk
    mounted -o remount,ro "$HOUSE/audit"
    order -10
    [[ $output == *'Read-only file system'* ]]
    untouched
    mount -o remount,rw "$HOUSE/audit"
    recovered
}

@test "records that cannot be written: exit 10, no request" {
    if [ "$(id -u)" = 0 ]; then
        mounted --bind "$HOUSE/audit/records" "$HOUSE/audit/records"
        mount -o remount,bind,ro "$HOUSE/audit/records"
    else
        chmod 400 "$(segment)"
    fi
    order -10
    [[ $output == *records* ]]
    untouched
    umount "$HOUSE/audit/records" 2>/dev/null || chmod 600 "$(segment)"
    recovered
}

@test "no audit directory, an empty one, or another log's: exit 10, no request" {
    mv "$HOUSE/audit" "$HOUSE/kept"
    order -10
    [[ $output == *'/audit" does not exist'* ]]
    mkdir -m 700 "$HOUSE/audit"
    order -10
    [[ $output == *'holds no log'*'georder init'* ]]
    cp -a "$HOUSE/kept/." "$HOUSE/audit"
    rm "$HOUSE"/audit/keys/*
    order -10
    [[ $output == *'is not a key of this log'* ]]
    unsent
}

@test "a torn end of the log: moved aside, recorded, and the order goes on" {
    printf '{"payload":"eyJ0b3Ju' >>"$(segment)"
    recovered 'log.repaired order.intent order.response'
    run -0 cat "$HOUSE"/audit/records/torn-*
    [ "$output" = '{"payload":"eyJ0b3Ju' ]
    run -0 jq -r '.records[3].unmapped.georder.moved[0] | [.file, .bytes] | join(" ")' \
        <<<"$(georder audit list --json)"
    [[ $output == torn-000000000003-*' 20' ]]
}

@test "a log whose end was altered: exit 10, no request, nothing is appended" {
    sed -i "$(spoil '"signature":"')" "$(segment)"
    cp "$(segment)" "$BATS_TEST_TMPDIR/altered"
    order -10
    [[ $output == *'nothing is appended; run `georder audit verify`'* ]]
    unsent
    cmp "$(segment)" "$BATS_TEST_TMPDIR/altered"
}

# altered RECORD FILTER: its payload by a jq filter, its signature and all other records as they were.
altered() {
    local payload
    payload=$(sed -n "$(($1 + 1))p" "$(segment)" |
        jq -c ".payload | gsub(\"-\"; \"+\") | gsub(\"_\"; \"/\") | @base64d | fromjson | $2" |
        tr -d '\n' | basenc --base64url -w0 | tr -d =)
    jq -c --arg payload "$payload" --argjson record "$1" \
        'if input_line_number == $record + 1 then .payload = $payload else . end' "$(segment)" >"$BATS_TEST_TMPDIR/new"
    cat "$BATS_TEST_TMPDIR/new" >"$(segment)"
}

@test "a record that was altered long ago is not believed: exit 10, no request, nothing is appended" {
    [ "$(events)" = 'log.created policy.changed order.denied' ]
    altered 1 '.unmapped.georder.policy.revision = 1'
    cp "$(segment)" "$BATS_TEST_TMPDIR/altered"
    [ "$(georder audit list --json | jq '.records[1].unmapped.georder.policy.revision')" = 1 ]
    order -10
    [[ $output == *'record 2 does not follow the one before: nothing is appended; run `georder audit verify`'* ]]
    unsent
    cmp "$(segment)" "$BATS_TEST_TMPDIR/altered"
    # Nor the last one, which no other seals.
    cp "$before/records/000000000000.jsonl" "$(segment)"
    altered 2 '.unmapped.georder.event = "order.evidence"'
    order -10
    [[ $output == *'record 2 does not fit its signature: nothing is appended'* ]]
    unsent
}

@test "a log that was cut: exit 10, no request, nothing is appended" {
    order -0
    head -n 4 "$(segment)" >"$BATS_TEST_TMPDIR/cut"
    cat "$BATS_TEST_TMPDIR/cut" >"$(segment)"
    run -10 georder order --again --file "$HOUSE/order.json"
    [ "$(posts)" = 1 ]
    cmp "$(segment)" "$BATS_TEST_TMPDIR/cut"
}

@test "a wrong PIN, none, or no token: exit 9, no request" {
    printf 'not-the-pin' >"$HOUSE/pin"
    order -9
    [[ $output == *PIN* && $output != *not-the-pin* ]]
    untouched
    rm "$HOUSE/pin"
    order -9
    [[ $output == *'"pin" does not exist'* ]]
    untouched
    cp -a "$HOUSE_TEMPLATE/pin" "$HOUSE/pin"
    mv "$HOUSE/tokens" "$HOUSE/kept"
    mkdir "$HOUSE/tokens"
    order -9
    untouched
    rmdir "$HOUSE/tokens"
    order -9
    untouched
    mv "$HOUSE/kept" "$HOUSE/tokens"
    recovered
}

@test "an audit key that is gone: exit 9, no request" {
    home_edit georder.json '.audit.signing_key |= sub("object=georder-audit"; "object=another")'
    order -9
    untouched
}

# waiting_order: waits for the lock, with its keys open, until descriptor 9 is closed.
waiting_order() {
    exec 9>"$HOUSE/audit/orders.lock"
    flock 9
    background
    await turns_wait "$ORDER"
    await both_keys
}

both_keys() { # that which is open, and the spare one
    [ "$(pgrep -c -P "$ORDER" -x georder-keys)" = 2 ]
}

@test "georder-keys dies before it signs: another one takes over, the order is placed once" {
    waiting_order
    kill -KILL "$(pgrep -o -P "$ORDER" georder-keys)"
    exec 9>&-
    wait "$ORDER"
    grep -q 'note: georder-keys was started anew, once: georder-keys gave no answer: .*SIGKILL' "$BATS_TEST_TMPDIR/printed"
    [ "$(posts)" = 1 ]
    verified
}

@test "georder-keys dies twice before it signs: exit 9, no request" {
    local status=0 keys
    waiting_order
    mapfile -t keys < <(pgrep -P "$ORDER" georder-keys)
    [ "${#keys[@]}" = 2 ]
    kill -KILL "${keys[@]}"
    exec 9>&-
    wait "$ORDER" || status=$?
    [ "$status" = 9 ]
    grep -q 'georder-keys gave no answer: .*SIGKILL.*started anew, in vain' "$BATS_TEST_TMPDIR/printed"
    untouched
}

# faulty "NAME FIRST LAST ERRNO": an order on a disk that fails so, as fault.c says. The sanitizers
# want to be loaded first themselves: hence the tags.
faulty() {
    run env LD_PRELOAD="$BATS_FILE_TMPDIR/fault.so" FAULT="$1" \
        "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json"
}

# bats test_tags=sandbox
@test "a record that cannot be flushed: exit 10, no request, and the log is as it was" {
    faulty "fdatasync 1 1 $EIO"
    [ "$status" = 10 ]
    [[ $output == *'records: cannot flush to the disk; check the disk'*'Input/output error'* ]]
    untouched
    recovered
}

# bats test_tags=sandbox
@test "a record that cannot be written, or just half of it: exit 10, no request" {
    local number
    for number in "$ENOSPC" "$EDQUOT" "$EIO" 0; do
        faulty "write 1 1 $number"
        [ "$status" = 10 ]
        [[ $output == *'records: cannot write the whole record'*"make room on the audit directory's disk"* ]]
        untouched
    done
    recovered
}

# bats test_tags=sandbox
@test "a torn end that cannot be moved aside: exit 10, no request; the next order does it" {
    printf '{"payload' >>"$(segment)"
    faulty "ftruncate 1 9 $EIO"
    [ "$status" = 10 ]
    unsent
    recovered 'log.repaired order.intent order.response'
}

# Each call of a kind, failing alone, until the one that comes after the order was sent.
# bats test_tags=sandbox
@test "whichever write, flush, rename or lock fails before the order is sent: exit 10, no request" {
    local name number swept=0
    for name in write fdatasync renameat flock; do
        for ((number = 1; number < 20; number++)); do
            faulty "$name $number $number $EIO"
            [[ $output == *'fault: here'* ]]
            [ "$status" = 10 ]
            [ "$(posts)" = 0 ] || break
            untouched
            verified
            swept=$((swept + 1))
        done
        [ "$(posts)" = 1 ]
        rehearsal_stop
        rm -r "$HOUSE"
        home_used
    done
    [ "$swept" -ge 8 ]
}

# bats test_tags=sandbox
@test "whichever fails while the policy is first recorded: exit 10, no request, no intent" {
    local name
    for name in write fdatasync renameat flock; do
        rehearsal_stop
        rm -r "$HOUSE"
        home_fresh
        faulty "$name 1 1 $EIO"
        [[ $output == *'fault: here'* ]]
        [ "$status" = 10 ]
        untouched
        [ "$(events)" = log.created ]
        order -0
        [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
        verified
    done
}

# bats test_tags=sandbox
@test "the answer's record cannot be flushed: exit 10, and the order stays open" {
    faulty "fdatasync 3 99 $EIO"
    [ "$status" = 10 ]
    [[ $output == *'the API answered, but its answer could not be recorded (placed)'* ]]
    [ "$(posts)" = 1 ]
    order -8
    [ "$(posts)" = 1 ]
    verified
}
