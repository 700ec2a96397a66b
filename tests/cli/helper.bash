# shellcheck shell=bash
# What the command line tests share: `load helper`, rehearsal_start in a test or in setup,
# rehearsal_stop in teardown. tests/rehearsal/README.md has the scenario and the journal.

GEORDER_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
GEORDER_BUILD=$(cd "${GEORDER_BUILD:-$GEORDER_SOURCE/build}" && pwd) || exit 1
export GEORDER_SOURCE GEORDER_BUILD

# The certificates, made once for all tests of a run: $REHEARSAL_CA/root.pem, root.pin, ...
rehearsal_ca() {
    export REHEARSAL_CA=$BATS_RUN_TMPDIR/rehearsal-ca
    local new
    [[ ! -d $REHEARSAL_CA ]] || return 0
    new=$(mktemp -d "$BATS_RUN_TMPDIR/rehearsal-ca.XXXXXX")
    "$GEORDER_SOURCE/tests/rehearsal/make-ca" "$new" || return 1
    # Of tests that run at once, the first wins.
    mv -T "$new" "$REHEARSAL_CA" 2>/dev/null || rm -r "$new"
}

# await COMMAND ...: until it succeeds, or a minute is over: much for a test, but not for
# the sanitizers on a busy machine.
await() {
    local try
    for ((try = 0; try < 2400; try++)); do
        ! "$@" || return 0
        sleep 0.025
    done
    echo "in vain: $*" >&2
    return 1
}

# rehearsal_scenario JSON: from the next request on. What it leaves out is as in
# tests/rehearsal/scenario.json; the lists begin again, the packs stay.
rehearsal_scenario() {
    jq --argjson changes "${1:-"{}"}" '. * $changes' "$GEORDER_SOURCE/tests/rehearsal/scenario.json" \
        >"$REHEARSAL_DIR/scenario.new" || return 1
    mv "$REHEARSAL_DIR/scenario.new" "$REHEARSAL_DIR/scenario.json"
}

# rehearsal_start [JSON [ARGUMENT...]]: sets REHEARSAL_PORT, _URL, _CA, _DIR and _PID. Not in a
# subshell: the variables and the process would be lost with it.
rehearsal_start() {
    rehearsal_ca || return 1
    export REHEARSAL_DIR=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/rehearsal
    mkdir -p "$REHEARSAL_DIR"
    rm -f "$REHEARSAL_DIR/ready" "$REHEARSAL_DIR/log"
    rehearsal_scenario "${1:-}" || return 1
    "$GEORDER_BUILD/tests/rehearsal-api" --directory "$REHEARSAL_CA" --verbose \
        --scenario "$REHEARSAL_DIR/scenario.json" --ready "$REHEARSAL_DIR/ready" \
        --log "$REHEARSAL_DIR/log" "${@:2}" </dev/null >"$REHEARSAL_DIR/messages" 2>&1 3>&- &
    export REHEARSAL_PID=$!
    rehearsal_await || return 1
    REHEARSAL_PORT=$(<"$REHEARSAL_DIR/ready")
    export REHEARSAL_PORT REHEARSAL_URL=https://localhost:$REHEARSAL_PORT/client/v4
}

rehearsal_await() {
    local try
    for ((try = 0; try < 1200; try++)); do
        [[ ! -s $REHEARSAL_DIR/ready ]] || return 0
        kill -0 "$REHEARSAL_PID" 2>/dev/null || break
        sleep 0.025
    done
    cat "$REHEARSAL_DIR/messages" >&2
    rehearsal_stop
    return 1
}

# Fails when the program did not end well: a sanitizer's finding, say.
rehearsal_stop() {
    local pid=${REHEARSAL_PID:-} try status=0
    unset REHEARSAL_PID
    [[ -n $pid ]] || return 0
    kill "$pid" 2>/dev/null || true
    for ((try = 0; try < 1200; try++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.025
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" || status=$?
    [[ $status -eq 0 ]] || cat "$REHEARSAL_DIR/messages" >&2
    return "$status"
}

# rehearsal_log [FILTER]: the journal, or what a jq filter makes of each of its lines.
rehearsal_log() {
    jq -rc "${1:-.}" "$REHEARSAL_DIR/log"
}

# spoil WHERE: for sed, another first character of the base64 that follows, whatever it is.
spoil() {
    printf '%s' "s/\($1\)A/\1!/;s/\($1\)[^!]/\1A/;s/\($1\)!/\1B/"
}
