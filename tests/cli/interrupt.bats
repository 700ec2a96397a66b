#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031  # bats runs each test in a subshell of its own
# A signal in the middle of an order: what is known is recorded, and nothing is left running.

load helper
load home

setup_file() {
    home_template
}

setup() {
    home_copy
}

teardown() {
    [[ -z ${GROUP:-} ]] || kill -KILL -- "-$GROUP" 2>/dev/null || true
    rehearsal_stop
}

# An order in a process group of its own, as a shell with job control starts it. GROUP is its id.
order_start() {
    env --default-signal=INT,TERM,HUP setsid "$GEORDER" order --config "$HOUSE/georder.json" \
        --file "$HOUSE/order.json" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/errors" \
        </dev/null 3>&- &
    GROUP=$!
}

posted() {
    [ "$(posts)" = "${1:-1}" ]
}

connected() {
    [ "$(connections)" = 1 ]
}

# order_end STATUS: it ends so, long before what it waited for, and so do its helpers.
order_end() {
    local start=$SECONDS status=0
    wait "$GROUP" || status=$?
    echo "status $status: $(cat "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/errors")"
    [ "$status" = "$1" ]
    [ $((SECONDS - start)) -le 20 ]
    await group_gone
}

group_gone() {
    ! kill -0 -- "-$GROUP" 2>/dev/null
}

@test "Ctrl-C while the answer is awaited: exit 8, order.unknown, and the same order waits" {
    home_listen '{"orders": [{"answer": "stall", "seconds": 50}, {"answer": "place"}]}'
    order_start
    await posted
    kill -INT -- "-$GROUP"
    order_end 8
    [[ $(<"$BATS_TEST_TMPDIR/errors") == *'SIGINT'*'may have been sent'* ]]
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown' ]
    verified
    run -8 georder order --file "$HOUSE/order.json"
    [[ $output == *'has an unknown outcome'* ]]
    posted 1
}

@test "the same on a terminal, which may be asked on, by its key" {
    local status=0
    home_listen '{"orders": [{"answer": "stall", "seconds": 50}]}'
    mkfifo "$BATS_TEST_TMPDIR/keyboard"
    script -qefc "env --default-signal=INT '$GEORDER' order --config '$HOUSE/georder.json' --file '$HOUSE/order.json'" \
        "$BATS_TEST_TMPDIR/seen" <"$BATS_TEST_TMPDIR/keyboard" >/dev/null 2>&1 3>&- &
    exec 7>"$BATS_TEST_TMPDIR/keyboard"
    await posted
    printf '\3' >&7
    wait $! || status=$?
    exec 7>&-
    [ "$status" = 8 ]
    grep -q 'SIGINT.*may have been sent' "$BATS_TEST_TMPDIR/seen"
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown' ]
}

@test "the same when a service is stopped, or the terminal goes away" {
    home_listen '{"orders": [{"answer": "stall", "seconds": 50}]}'
    local signal
    for signal in TERM HUP; do
        order_start --again
        await posted "$([ $signal = TERM ] && echo 1 || echo 2)"
        kill "-$signal" "$GROUP"
        order_end 8
        [[ $(<"$BATS_TEST_TMPDIR/errors") == *"SIG$signal"* ]]
    done
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown order.intent order.unknown' ]
    verified
}

@test "a signal that the caller ignores is ignored" {
    home_listen '{"orders": [{"answer": "stall", "seconds": 5}]}'
    env --ignore-signal=HUP setsid "$GEORDER" order --config "$HOUSE/georder.json" --quiet \
        --file "$HOUSE/order.json" </dev/null 3>&- &
    GROUP=$!
    await posted
    kill -HUP -- "-$GROUP"
    wait "$GROUP"
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
}

@test "Ctrl-C before the peer says anything: exit 8 at once, order.unknown" {
    home_listen
    kill -STOP "$REHEARSAL_PID"
    order_start
    await released
    kill -INT -- "-$GROUP"
    order_end 8
    kill -CONT "$REHEARSAL_PID"
    [ "$(events)" = 'log.created policy.changed order.intent order.unknown' ]
}

# The intent is recorded, and the pipe that was made for the credential before has been given away: from
# then on it may have been sent.
released() {
    local pipes
    [ "$(events)" = 'log.created policy.changed order.intent' ] &&
        pipes=$(find "/proc/$GROUP/fd" -lname 'pipe:*') && [ -z "$pipes" ]
}

@test "Ctrl-C while a 429 is waited for: exit 4, nothing is open, nothing more is sent" {
    home_listen '{"orders": [{"answer": "rate_limit", "retry_after": 50}, {"answer": "place"}]}'
    order_start
    await refused
    kill -INT -- "-$GROUP"
    order_end 4
    posted 1
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
    run -0 georder order --file "$HOUSE/order.json"
}

refused() {
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
}

@test "Ctrl-C while the intent is recorded: exit 7, order.not_sent, nothing was sent" {
    home_listen
    run -3 georder order --quiet --file "$HOUSE/denied.json" # the policy is recorded
    exec {lock}<"$HOUSE/audit/lock"
    flock -s "$lock"
    order_start
    await waits_for_lock
    await holds_signals
    kill -INT -- "-$GROUP"
    flock -u "$lock"
    exec {lock}>&-
    order_end 7
    [[ $(<"$BATS_TEST_TMPDIR/errors") == *'interrupted by SIGINT: nothing was sent'* ]]
    [ "$(events)" = 'log.created policy.changed order.denied order.intent order.not_sent' ]
    [ "$(requests)" = 0 ]
    verified
    run -0 georder order --file "$HOUSE/order.json"
}

# It has a handler for SIGINT (2), whose bit is the second: from just before the intent on.
holds_signals() {
    local mask
    mask=$(sed -n 's/^SigCgt:\t*//p' "/proc/$GROUP/status")
    (( 16#$mask & 2 ))
}

@test "Ctrl-C before the intent ends the program as any other; no order is recorded" {
    home_listen
    exec 8<>"$HOUSE/audit/orders.lock"
    flock 8
    order_start 8>&-
    await forced
    await waits_for_lock
    kill -INT -- "-$GROUP"
    order_end 130
    exec 8>&-
    [ "$(events)" = 'log.created policy.changed' ]
    [ "$(connections)" = 0 ]
}

forced() {
    [ "$(events)" = 'log.created policy.changed' ]
}

waits_for_lock() {
    local fd
    for fd in "/proc/$GROUP/fd"/*; do
        [[ $(readlink "$fd") != */orders.lock ]] || return 0
    done
    return 1
}

@test "on its way: whoever verifies the log meanwhile is told so, and nobody is accused" {
    home_listen '{"orders": [{"answer": "stall", "seconds": 50}]}'
    order_start
    await posted
    run -0 --separate-stderr georder audit verify
    [[ ${lines[0]} == 'intact: all 3 records are good' ]]
    [[ ${lines[1]} == 'unclosed_intent: '*' record 2, '*'Z, '*' s ago: it may be on its way)' ]]
    kill -KILL "$GROUP"
    order_end 137
}

@test "killed outright: the intent stays open in the log, and the same order waits" {
    home_listen '{"orders": [{"answer": "stall", "seconds": 50}, {"answer": "place"}]}'
    order_start
    await posted
    kill -KILL "$GROUP"
    order_end 137
    [ "$(events)" = 'log.created policy.changed order.intent' ]
    run -0 georder audit verify
    [[ $output == *'unclosed_intent: no outcome is recorded of the intent in record 2, of '*' ago: it may be on its way)'* ]]
    run -8 georder order --file "$HOUSE/order.json"
    [[ $output == *'has an intent without an outcome'* ]]
    posted 1
}
