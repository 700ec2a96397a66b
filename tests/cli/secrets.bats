#!/usr/bin/env bats
# The API token, the PIN and the passphrase are in no argument, environment, file, output or core,
# and each process is locked in as it should be. memory.bats searches the processes' memory.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

setup_file() {
    home_template
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    home_copy
    listen '{}'
    georder credential put --quiet <"$TOKEN_FILE"
}

teardown() {
    [[ -z ${ORDER:-} ]] || kill -KILL "$ORDER" 2>/dev/null || true
    rehearsal_stop
}

random() { # LENGTH
    head -c 512 /dev/urandom | base64 -w0 | tr -dc A-Za-z0-9 | head -c "$1"
}

# A token of this test's own, which the API knows. PATTERNS: a piece of each secret, one a line.
listen() { # SCENARIO
    TOKEN_FILE=$BATS_TEST_TMPDIR/token PATTERNS=$BATS_TEST_TMPDIR/patterns
    [[ -s $TOKEN_FILE ]] || printf 'cfut_%s' "$(random 48)" >"$TOKEN_FILE"
    cut -c 20-39 "$TOKEN_FILE" >"$PATTERNS"
    if [[ -e $HOUSE/pin ]]; then cat "$HOUSE/pin"; else cat "$HOUSE/passphrase"; fi >>"$PATTERNS"
    home_listen "$(jq --rawfile token "$TOKEN_FILE" '.tokens = [$token]' <<<"$1")"
}

again() { # SCENARIO
    rehearsal_stop
    listen "$1"
}

# Of FILEs and directories none holds a secret.
clean() { # FILE ...
    ! grep -rlF -f "$PATTERNS" -- "$@"
}

as_root() {
    [ "$(id -u)" = 0 ] || skip 'only root can look into these processes'
}

# stall: an order that waits for its answer. Sets ORDER, KEYS, SPARE, NET and WORKER, its processes.
stall() {
    again '{"orders": [{"answer": "stall", "seconds": 60}]}'
    "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json" "$@" \
        </dev/null >"$BATS_TEST_TMPDIR/printed" 2>&1 3>&- &
    ORDER=$!
    await grep -q '"POST"' "$REHEARSAL_DIR/log"
    KEYS=$(pgrep -o -P "$ORDER" georder-keys)
    SPARE=$(pgrep -n -P "$ORDER" georder-keys)
    NET=$(pgrep -P "$ORDER" georder-net)
    WORKER=$(pgrep -P "$NET" georder-net)
    ALL=("$ORDER" "$KEYS" "$SPARE" "$NET" "$WORKER")
}

gone() { # PROCESS ...
    local process
    for process; do
        [[ ! -e /proc/$process ]] || grep -q '^State:.*zombie' "/proc/$process/status" || return 1
    done
}

@test "while an order waits: no secret in arguments and environments; helpers have neither" {
    local process
    as_root
    stall
    for process in "${ALL[@]}"; do
        clean "/proc/$process/cmdline" "/proc/$process/environ"
    done
    [ "$(tr '\0' ' ' <"/proc/$KEYS/cmdline")" = 'georder-keys ' ]
    [ "$(tr '\0' ' ' <"/proc/$NET/cmdline")" = 'georder-net ' ]
    [ "$(tr '\0' ' ' <"/proc/$WORKER/cmdline")" = 'georder-net ' ]
}

# bats test_tags=sandbox
@test "while an order waits: the environments of the helpers are empty" {
    local process
    as_root
    stall
    for process in "$KEYS" "$NET" "$WORKER"; do
        [ "$(wc -c <"/proc/$process/environ")" = 0 ]
    done
}

@test "after orders, good and bad, and every other command: no secret in any file or output" {
    local out=$BATS_TEST_TMPDIR/out
    mkdir "$out"
    georder order --verbose --file "$HOUSE/order.json" >"$out/order" 2>&1
    georder order --verbose --json --again --file "$HOUSE/order.json" >"$out/json" 2>&1
    ! georder order --file "$HOUSE/denied.json" >"$out/denied" 2>&1 || false
    again '{"orders": [{"answer": "refuse", "status": 403}, {"answer": "drop"}, {"answer": "raw"}]}'
    ! georder order --verbose --again --file "$HOUSE/order.json" >"$out/refused" 2>&1 || false
    ! georder order --verbose --again --file "$HOUSE/order.json" >"$out/dropped" 2>&1 || false
    ! georder order --verbose --again --json --file "$HOUSE/order.json" >"$out/raw" 2>&1 || false
    georder credential verify --verbose --json >"$out/verify" 2>&1
    georder credential put --verbose --json <"$TOKEN_FILE" >"$out/put" 2>&1
    georder doctor --verbose --json >"$out/doctor" 2>&1
    georder audit list --json >"$out/list" 2>&1
    georder audit show 1 --json >"$out/show" 2>&1
    georder policy show --json >"$out/policy" 2>&1
    [ "$(find "$out" -size +0 | wc -l)" -ge 12 ]
    clean "$out" "$HOUSE/audit" "$HOUSE/tokens" "$HOUSE"/*.* "$REHEARSAL_DIR/log"
    # It can tell: these do hold them.
    ! clean "$TOKEN_FILE" || false
    ! clean "$HOUSE/pin" || false
}

@test "with a keystore: no token, and no passphrase but in its own file" {
    mkdir "$BATS_TEST_TMPDIR/keystore" out
    BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR/keystore home_template keystore
    again '{}'
    georder credential put --verbose <"$TOKEN_FILE" >out/put 2>&1
    georder order --verbose --json --file "$HOUSE/order.json" >out/order 2>&1
    georder doctor --verbose >out/doctor 2>&1
    [ "$(posts)" = 1 ]
    mv "$HOUSE/passphrase" .
    clean out "$HOUSE" "$REHEARSAL_DIR/log"
    ! clean passphrase || false
}

# refuses_silently [OPTION ...]: what is on standard input is no credential, and no eight characters
# of it come back.
refuses_silently() {
    local given=$BATS_TEST_TMPDIR/given
    cat >"$given"
    run georder credential put --verbose --json "$@" <"$given"
    [[ $status == 9 || $status == 2 ]] || { echo "exit $status: $output" >&2 && return 1; }
    silent_about "$(tr -d '\r\n' <"$given" | head -c 300)"
}

# No eight characters of TEXT are in the output.
silent_about() { # TEXT
    local at
    for ((at = 0; at + 8 <= ${#1}; at++)); do
        [[ $output != *"${1:at:8}"* ]] || { echo "repeats a piece of $1: $output" >&2 && return 1; }
    done
}

@test "what is no API token is refused without a word of it" {
    random 39 | refuses_silently
    random 256 | refuses_silently
    random 300 | refuses_silently
    random 5000 | refuses_silently
    printf '%s %s' "$(random 20)" "$(random 24)" | refuses_silently
    printf ' %s' "$(random 44)" | refuses_silently
    printf '%s\r\n' "$(random 44)" | refuses_silently
    printf '%s\n%s\n' "$(random 44)" "$(random 44)" | refuses_silently
    printf '%s"' "$(random 44)" | refuses_silently
    printf 'cfk_%s' "$(random 44)" | refuses_silently
    printf 'cfoat_%s' "$(random 44)" | refuses_silently
    printf 'Bearer %s' "$(random 44)" | refuses_silently
    printf '{"key": "%s"}' "$(random 44)" | refuses_silently
    printf '%s\303\251' "$(random 44)" | refuses_silently
    random 36 | refuses_silently --email operator@example.com
    printf 'cfut_%s' "$(random 44)" | refuses_silently --email operator@example.com
    printf '' | refuses_silently
    # The one that was there still is.
    run -0 georder credential verify
}

@test "secrets on the command line are refused without a word of them" {
    local secret word
    secret=$(random 44)
    for word in "put|$secret" "$secret|put" "put|--token=$secret" "put|--token|$secret" \
        "put|--api-token=$secret" "put|--key=$secret" "put|--pin=$secret" "put|--passphrase|$secret" \
        "put|-p$secret" "put|$secret|-pq" "put|$secret|--nothing" "put|--email|$secret" "$secret" \
        "put|--json=$secret"; do
        IFS='|' read -ra words <<<"$word"
        run georder credential "${words[@]}" <"$TOKEN_FILE"
        [[ $status == 2 || $word == *email* && $status == 9 ]] || { echo "$word: exit $status: $output" >&2 && return 1; }
        silent_about "$secret"
    done
    run -2 georder order --token="$secret" --file "$HOUSE/order.json"
    [[ $output == *'secrets are never given on the command line'* ]]
    silent_about "$secret"
    run -2 "$GEORDER" init "$BATS_TEST_TMPDIR/new" --keystore --passphrase="$secret"
    silent_about "$secret"
    run -2 "$GEORDER" init "$BATS_TEST_TMPDIR/new" --module module.so --token label --pin "$secret"
    [[ $output == *'--pin: secrets are never given on the command line'* ]]
    silent_about "$secret"
}

# May this host leave a core at all? Else there is nothing to see.
cores_possible() {
    ulimit -c unlimited 2>/dev/null || skip 'no core is permitted here'
    [[ $(</proc/sys/kernel/core_pattern) != [/\|]* ]] || skip 'cores go elsewhere here'
    (mkdir control && cd control && exec sh -c 'kill -ABRT $$') 3>&- || true
    compgen -G 'control/core*' >/dev/null || skip 'no core of a plain process either'
    rm -r control
}

# bats test_tags=sandbox
@test "no core of any process, though cores are unlimited" {
    local process which
    cores_possible
    for which in WORKER NET KEYS ORDER; do
        stall --again
        process=${!which}
        [[ $(grep 'core file' "/proc/$process/limits") =~ ^Max\ core\ file\ size\ +0\ +0\  ]]
        kill -ABRT "$process"
        await gone "$process"
        kill -KILL "$ORDER" || true
        await gone "${ALL[@]}"
    done
    [ "$(find "$BATS_TEST_TMPDIR" -name 'core*' | wc -l)" = 0 ]
    clean "$HOUSE/audit"
    run -0 georder audit list --json
    jq -e '[.records[].unmapped.georder.sandbox | select(.) | (.main, .keys, .net // empty)]
           | length > 4 and all(test("dumpable=0"))' <<<"$output"
}

# bats test_tags=sandbox
@test "each process is locked: seccomp, no new privileges; what it says of itself is in the record" {
    local process
    stall
    for process in "${ALL[@]}"; do
        grep -q '^NoNewPrivs:.*1$' "/proc/$process/status"
        # The parent of the worker only forks and waits; the spare one has opened nothing yet.
        [[ $process == "$NET" || $process == "$SPARE" ]] || grep -q '^Seccomp:.*2$' "/proc/$process/status"
    done
    kill -KILL "$WORKER"
    wait "$ORDER" || true
    again '{}'
    run -0 georder order --again --file "$HOUSE/order.json"
    [[ $(last_record .sandbox.main) =~ ^landlock=([1-9]|none)\ seccomp=kill\ no_new_privs=1\ dumpable=0$ ]]
    [[ $(last_record .sandbox.net) =~ ^landlock=([1-9]|none)\ seccomp=kill\ no_new_privs=1\ dumpable=0$ ]]
    [[ $(last_record .sandbox.keys) =~ seccomp=strict\ no_new_privs=1\ dumpable=0$ ]]
}

# What the descriptors of a process are, sorted.
descriptors() { # PROCESS
    find "/proc/$1/fd" -mindepth 1 -printf '%l\n' |
        sed "s/:\[[0-9]*\]$//; s/.*inode:\[\(.*\)\]$/\1/; s|^$HOUSE/||; s|^$BATS_TEST_TMPDIR/||" |
        LC_ALL=C sort | paste -sd' '
}

# bats test_tags=sandbox
@test "each process has the descriptors that it needs, and none of the caller's" {
    as_root
    exec 7<"$HOUSE/pin" 8<"$TOKEN_FILE" 9>"$BATS_TEST_TMPDIR/other"
    stall
    exec 7<&- 8<&- 9>&-
    [ "$(descriptors "$ORDER")" = '/dev/null audit audit/records audit/records/000000000000.jsonl printed printed socket socket socket' ]
    [ "$(descriptors "$KEYS")" = '/dev/null /dev/null printed socket' ]
    [ "$(descriptors "$SPARE")" = '/dev/null /dev/null printed socket' ]
    [ "$(descriptors "$NET")" = '/dev/null /dev/null pidfd printed socket' ]
    [ "$(descriptors "$WORKER")" = '/dev/null /dev/null printed socket socket' ]
}

@test "helpers die with their parent" {
    stall
    kill -KILL "$ORDER"
    wait "$ORDER" || true
    SECONDS=0
    await gone "${ALL[@]}"
    [ "$SECONDS" -le 20 ]
    stall --again
    kill -KILL "$NET"
    SECONDS=0
    await gone "$WORKER"
    [ "$SECONDS" -le 20 ]
}

@test "helpers that hang die with their parent, too" {
    stall
    kill -STOP "${ALL[@]}"
    kill -KILL "$ORDER"
    wait "$ORDER" || true
    SECONDS=0
    await gone "${ALL[@]}"
    [ "$SECONDS" -le 20 ]
}

# Whatever the caller's environment says of proxies, keys, files, modules: nothing changes.
hostile() { # COMMAND ...
    local bad=http://127.0.0.1:1
    cat >openssl.cnf <<'END'
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MaxProtocol = TLSv1.1
END
    printf 'proxy = "%s"\n' "$bad" >.curlrc
    printf 'default login mallory password mallory\n' >.netrc
    printf 'directories.tokendir = /nonexistent\n' >softhsm2.conf
    env HTTPS_PROXY="$bad" https_proxy="$bad" ALL_PROXY="$bad" all_proxy="$bad" HTTP_PROXY="$bad" \
        SSLKEYLOGFILE="$PWD/keylog" OPENSSL_CONF="$PWD/openssl.cnf" OPENSSL_MODULES="$PWD" \
        SSL_CERT_FILE="$REHEARSAL_CA/root.pem" CURL_CA_BUNDLE="$REHEARSAL_CA/root.pem" \
        SSL_CERT_DIR="$REHEARSAL_CA" CURL_HOME="$PWD" HOME="$PWD" SOFTHSM2_CONF="$PWD/softhsm2.conf" \
        GLIBC_TUNABLES=glibc.malloc.check=3 MALLOC_PERTURB_=165 RES_OPTIONS=attempts:0 \
        LOCALDOMAIN=mallory.example GEORDER_CONFIG=/nonexistent GCONV_PATH="$PWD" TMPDIR=/nonexistent "$@"
}

@test "a hostile environment changes nothing" {
    # It can tell: openssl does heed it.
    ! hostile openssl s_client -connect "localhost:$REHEARSAL_PORT" </dev/null || false
    run -0 hostile "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json"
    [ "$(posts)" = 1 ]
    [ "$(last_record .tls.version)" = TLSv1.3 ]
    [ ! -e keylog ]
    [ "$(rehearsal_log 'select(.event == "request") | .headers.authorization.kind')" = bearer ]
    # Certificates are the config's affair, too, when it names none.
    home_edit georder.json 'del(.ca_file)'
    run -6 hostile "$GEORDER" order --again --config "$HOUSE/georder.json" --file "$HOUSE/order.json"
    [ "$(posts)" = 1 ]
}
