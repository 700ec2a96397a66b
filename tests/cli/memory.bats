#!/usr/bin/env bats
# What is left of the token, the PIN and the passphrase once they have been used: nothing, in the
# memory of any process and in any file; raw, in base64, hex or UTF-16, whole or in part. Sanitizers
# keep what was freed, and hosts without root cannot look: hence the tags and the skips.
# shellcheck disable=SC2154,SC2030,SC2031

load helper
load home
load memory

setup_file() {
    memory_build
    mkdir "$BATS_FILE_TMPDIR/keystore" "$BATS_FILE_TMPDIR/pkcs11"
    BATS_FILE_TMPDIR=$BATS_FILE_TMPDIR/keystore home_template keystore
    KEYSTORE_TEMPLATE=$HOUSE_TEMPLATE
    BATS_FILE_TMPDIR=$BATS_FILE_TMPDIR/pkcs11 home_template
    TOKEN_TEMPLATE=$HOUSE_TEMPLATE
    export KEYSTORE_TEMPLATE TOKEN_TEMPLATE
    pin_lengthen
}

# Of a freed block the allocator overwrites 16 bytes: a PIN of 12 could hide there.
pin_lengthen() {
    local pin
    pin=$(random 40)
    OLD=$(<"$HOUSE/pin") NEW=$pin SOFTHSM2_CONF=$HOUSE/softhsm2.conf pkcs11-tool \
        --module /usr/lib/softhsm/libsofthsm2.so --token-label georder --login --pin env:OLD \
        --new-pin env:NEW --change-pin >/dev/null
    printf %s "$pin" >"$HOUSE/pin"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    printf 'cfut_%s' "$(random 48)" >token
    # What each process does know, so that finding nothing means something.
    printf rehearsal.example/georder >origin
    printf 'Rehearsal root' >root
}

teardown() {
    local process
    for process in ${MAIN:-} ${SCRIPT:-}; do
        kill -KILL "$process" 2>/dev/null || true
    done
    exec 8>&-
    rehearsal_stop
}

random() { # LENGTH
    head -c 512 /dev/urandom | base64 -w0 | tr -dc A-Za-z0-9 | head -c "$1"
}

as_root() {
    [ "$(id -u)" = 0 ] || skip 'only root can look into these processes'
}

# home pkcs11|keystore: a home with the token stored. SECRETS: copies of what nobody may keep.
home() {
    as_root
    HOUSE_TEMPLATE=$TOKEN_TEMPLATE SECRETS=(token pin)
    [[ $1 == pkcs11 ]] || HOUSE_TEMPLATE=$KEYSTORE_TEMPLATE SECRETS=(token passphrase)
    rm -rf "${BATS_TEST_TMPDIR:?}/home"
    home_copy
    cp "$HOUSE/${SECRETS[1]}" .
    georder credential put --quiet <token
}

listen() { # [SCENARIO]
    home_listen "$(jq --rawfile token token '.tokens = [$token]' <<<"${1:-"{}"}")"
}

# helpers: KEYS, and NET and its WORKER if there are such.
helpers() {
    KEYS=$(pgrep -o -P "$MAIN" georder-keys)
    NET=$(pgrep -P "$MAIN" georder-net) || true
    WORKER=$(pgrep -P "${NET:-$MAIN}" georder-net) || true
    [[ -n $(keeps "$MAIN" origin) && -n $(keeps "$KEYS" origin) ]]
    [[ -z $NET || -n $(keeps "$NET" root) ]]
    [[ -z $WORKER || $WORKER == "$NET" || -n $(keeps "$WORKER" root) ]]
}

# Nobody keeps a secret.
used_up() {
    helpers
    keep_nothing "$MAIN" "$KEYS" ${NET:+"$NET"} -- "${SECRETS[@]}"
}

end() {
    kill -KILL "$MAIN"
    wait "$MAIN" || true
    exec 8>&-
}

@test "the search finds what is planted, in every place and form, and nothing once it is wiped" {
    as_root
    cc -O2 -Wall -Wextra -Werror -o planted "$GEORDER_SOURCE/tests/cli/planted.c"
    mkfifo input
    ./planted token <input >said 3>&- &
    MAIN=$!
    exec 8>input
    await grep -q planted said
    [ "$(keeps "$MAIN" token origin)" = 'token raw 1 1 - [heap]
token raw 1 0 locked,nodump anonymous
token raw 1 0 - [stack]' ]
    ! keep_nothing "$MAIN" -- token || false
    ! keeps_locked "$MAIN" token || false
    echo >&8
    await grep -q wiped said
    keep_nothing "$MAIN" -- token origin
    ! keeps_locked "$MAIN" token || false
    exec 8>&-
    wait "$MAIN"
    # A process that is gone is not one that keeps nothing.
    run -1 keep_nothing "$MAIN" -- token
    MAIN=
}

@test "the search knows base64 at every alignment, hex, UTF-16, and what is left of a copy" {
    local needle
    needle=$(<token)
    for before in '' x xx; do
        printf '%s%s behind' "$before" "$needle" | base64 -w0 >form
        [ "$(keeps ./form token)" = 'token base64 1 0 - ./form' ]
        printf '%s%s?>?>' "$before" "$needle" | basenc --base64url -w0 >form
        [ "$(keeps ./form token)" = 'token base64 1 0 - ./form' ]
    done
    od -An -v -tx1 token | tr -d ' \n' >form
    [ "$(keeps ./form token)" = 'token hex 1 0 - ./form' ]
    tr a-f A-F <form >upper
    [ "$(keeps ./upper token)" = 'token hex 1 0 - ./upper' ]
    sed 's/./&\x00/g' token >form
    [ "$(keeps ./form token)" = 'token utf16 1 0 - ./form' ]
    printf '%s, %s, %s' "${needle:1}" "${needle:0:-1}" "${needle:20:16}" >form
    [ "$(keeps ./form token)" = 'token raw 0 3 - ./form' ]
    printf '%s' "${needle:20:15}" >form
    [ -z "$(keeps ./form token)" ]
    # Of a short one, three quarters.
    printf 12345678 >short
    printf 'a 123456, a 345678, a 45678' >form
    [ "$(keeps ./form short)" = 'short raw 0 2 - ./form' ]
    run -1 keeps ./nothing token
}

# order_waits: for an answer that does not come. MAIN is its process.
order_waits() {
    listen '{"orders": [{"answer": "stall", "seconds": 60}]}'
    "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json" </dev/null >printed 2>&1 3>&- &
    MAIN=$!
    await grep -q '"POST"' "$REHEARSAL_DIR/log"
}

# The header's line, and what libcurl sent: both in the secure heap.
worker_keeps_token() {
    [ -n "$WORKER" ]
    [ "$(keeps "$WORKER" "${SECRETS[@]}")" = 'token raw 2 0 locked,nodump anonymous' ]
}

# bats test_tags=sandbox
@test "while the answer is awaited: the token is where it is sent from, in locked memory" {
    home pkcs11
    order_waits
    used_up
    worker_keeps_token
}

# bats test_tags=sandbox
@test "the same with a keystore" {
    home keystore
    order_waits
    used_up
    worker_keeps_token
}

# bats test_tags=sandbox
@test "the same with the largest order, of which the memory for secrets cannot hold all at once" {
    home pkcs11
    jq -c '.hosts = ["example.com"] + [range(10; 59) |
        "h\(.)\("a" * 50).\("b" * 60).\("c" * 60).\("d" * 40).eu.example.com"]' "$HOUSE/order.json" >long.json
    home_edit policy.json '.rules[0].max_hosts = 50'
    mv long.json "$HOUSE/order.json"
    order_waits
    used_up
    worker_keeps_token
}

# bats test_tags=sandbox
@test "while a 429 is waited for: nobody keeps anything" {
    local kind
    for kind in pkcs11 keystore; do
        home $kind
        listen '{"orders": [{"answer": "rate_limit", "retry_after": 50}]}'
        rm -f printed
        "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json" </dev/null >printed 2>&1 3>&- &
        MAIN=$!
        await grep -q 'rate limited' printed
        used_up
        [ -z "$WORKER" ]
        end
        rehearsal_stop
    done
}

# used_up_after COMMAND ARGUMENT...: once it has done its work
used_up_after() {
    held "$GEORDER" "$1" --config "$HOUSE/georder.json" "${@:2}"
    used_up
    [ -z "$WORKER" ]
    end
}

# bats test_tags=sandbox
@test "after an order, a verification, a report: nobody keeps anything" {
    local kind
    for kind in pkcs11 keystore; do
        home $kind
        listen
        used_up_after order --file "$HOUSE/order.json"
        [ "$(posts)" = 1 ]
        used_up_after credential verify
        used_up_after doctor
        rehearsal_stop
    done
}

# bats test_tags=sandbox
@test "after a token was put: nobody keeps anything" {
    local kind
    for kind in pkcs11 keystore; do
        home $kind
        random 50 >token
        full
        "$GEORDER" credential put --config "$HOUSE/georder.json" <token >&8 3>&- &
        MAIN=$!
        await writes "$MAIN"
        used_up
        end
        listen
        run -0 georder credential verify
        rehearsal_stop
    done
}

# bats test_tags=sandbox
@test "while a token is put: the process that was given it never reads it" {
    home pkcs11
    random 50 >token
    mkfifo given
    "$GEORDER" credential put --config "$HOUSE/georder.json" <given >/dev/null 3>&- &
    MAIN=$!
    exec 9>given
    cat token >&9
    await helper_keeps token
    helpers
    keep_nothing "$MAIN" -- "${SECRETS[@]}"
    exec 9>&-
    wait "$MAIN"
    MAIN=
}

helper_keeps() { # NEEDLE-FILE
    local keys
    keys=$(pgrep -o -P "$MAIN" georder-keys) && [[ -n $(keeps "$keys" "$1") ]]
}

# bats test_tags=sandbox
@test "after a home was made: nobody keeps anything" {
    local again=(--policy policy.json --ca-file roots.pem --origin rehearsal.example/georder)
    home keystore
    cp "$HOUSE"/{policy.json,roots.pem} .
    mkdir -m 700 new
    cp passphrase new
    held "$GEORDER" init new --keystore --passphrase-source file:passphrase "${again[@]}"
    used_up
    end
    home pkcs11
    rm -r "$HOUSE"/{georder.json,audit,policy.json,roots.pem}
    held "$GEORDER" init "$HOUSE" --module /usr/lib/softhsm/libsofthsm2.so --token georder \
        --pin-source file:pin --environment SOFTHSM2_CONF=softhsm2.conf "${again[@]}"
    used_up
    end
}

# bats test_tags=sandbox
@test "after a wrong PIN, a wrong passphrase, and what is no token: nobody keeps anything" {
    home pkcs11
    random 40 >pin
    cat pin >"$HOUSE/pin"
    used_up_after credential verify
    home keystore
    random 30 >passphrase
    cat passphrase >"$HOUSE/passphrase"
    used_up_after credential verify
    home pkcs11
    printf 'cfoat_%s' "$(random 50)" >token
    full
    "$GEORDER" credential put --config "$HOUSE/georder.json" <token >&8 2>&8 3>&- &
    MAIN=$!
    await writes "$MAIN"
    used_up
    end
}

# bats test_tags=sandbox
@test "a global API key, whose e-mail stands beside it in JSON: nobody keeps it" {
    local kind
    for kind in pkcs11 keystore; do
        home $kind
        random 40 >token
        georder credential put --quiet --email operator@example.com <token
        home_listen "$(jq -n --rawfile key token '{tokens: [], email: "operator@example.com", key: $key}')"
        used_up_after credential verify
        run -0 georder credential verify
        rehearsal_stop
    done
}

# bats test_tags=sandbox
@test "the audit key of a keystore is in the keys' process alone, in locked memory" {
    local modules=$GEORDER_SOURCE/build/node/node_modules
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    home keystore
    listen
    node "$GEORDER_SOURCE/tests/node/keystore.mjs" open "$HOUSE/keystore.json" "$modules" georder-audit 3<passphrase |
        jq -j .d >audit-text
    # OpenSSL keeps numbers with the last byte first.
    { tr -- -_ +/ <audit-text && echo "="; } | base64 -d >audit-key
    [ "$(wc -c <audit-key)" = 32 ]
    perl -0777 -pe '$_ = reverse' audit-key >audit-number
    held "$GEORDER" order --config "$HOUSE/georder.json" --file "$HOUSE/order.json"
    helpers
    keep_nothing "$MAIN" "$NET" -- audit-key audit-number
    keep_nothing "$KEYS" -- audit-key
    keeps_locked "$KEYS" audit-number
}

# traced COMMAND ARGUMENT...: georder; what its processes open is in traces/, what it says in output.
traced() {
    strace -ff -qq -yy -o "traces/$((++TRACES))" -e trace=open,openat,openat2,creat,memfd_create \
        "$GEORDER" "$1" --config "$HOUSE/georder.json" "${@:2}" >>output 2>&1
}

# written: what was opened for writing, by its path, and files without one.
written() {
    sed -n -E '/memfd_create/p; /O_WRONLY|O_RDWR|O_CREAT|creat\(/s/.* = [0-9]+<(.*)>$/\1/p' traces/* | sort -u
}

# bats test_tags=sandbox
@test "no file that any process writes has a secret, in whatever form, nor the output; all files are in the home" {
    local kind file
    for kind in pkcs11 keystore; do
        home $kind
        listen
        rm -rf traces output
        mkdir traces
        traced credential put --verbose <token
        traced order --verbose --file "$HOUSE/order.json"
        traced order --verbose --json --again --file "$HOUSE/order.json"
        traced credential verify --verbose --json
        traced doctor --verbose --json
        written >files
        grep -qxF "$HOUSE/audit/records/000000000000.jsonl" files
        run -1 grep -vE "^($HOUSE/.*|/dev/(null|tty)<char .*>)$" files
        rm "$HOUSE/${SECRETS[1]}"
        while IFS= read -r -d '' file; do
            keep_nothing "$file" -- "${SECRETS[@]}"
        done < <(find "$HOUSE" "$PWD/output" "$REHEARSAL_DIR/log" -type f -size +0 -print0)
        rehearsal_stop
    done
}

# typed ARGUMENT...: georder on a terminal, its output held. What is typed comes from descriptor 9.
typed() {
    full
    mkfifo keyboard
    script -qefc "exec '$GEORDER' $* >full" seen <keyboard >/dev/null 2>&1 3>&- 8>&- &
    SCRIPT=$!
    exec 9>keyboard
}

answer() { # PROMPT FILE: types what the file holds
    await grep -q "$1" seen
    cat "$2" >&9
    printf '\r' >&9
}

# bats test_tags=sandbox
@test "what was typed at the prompts for token and PIN: nobody keeps it" {
    home pkcs11
    home_edit georder.json '(.credential, .audit.signing_key) |= sub("&pin-source=file:pin"; "")'
    random 50 >token
    typed credential put --config "$HOUSE/georder.json"
    answer 'PIN of token "georder"' pin
    answer 'API token: ' token
    MAIN=$(pgrep -P "$SCRIPT" -x georder)
    await writes "$MAIN"
    exec 9>&-
    used_up
}

# bats test_tags=sandbox
@test "what was typed at the prompt for the passphrase: the keys' process alone, locked" {
    home keystore
    home_edit georder.json '.credential |= sub("&passphrase-source=file:passphrase"; "")'
    typed credential put --config "$HOUSE/georder.json"
    answer 'API token: ' token
    answer 'Passphrase of keystore' passphrase
    MAIN=$(pgrep -P "$SCRIPT" -x georder)
    await writes "$MAIN"
    exec 9>&-
    helpers
    # While it lives: the next step may need it, and nobody wants to type it twice.
    keep_nothing "$MAIN" -- "${SECRETS[@]}"
    keep_nothing "$KEYS" -- token
    keeps_locked "$KEYS" passphrase
}

# unlocked ARGUMENT...: georder where no memory can be locked, not even by root.
unlocked() {
    setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock prlimit --memlock=0 \
        "$GEORDER" "$1" --config "$HOUSE/georder.json" "${@:2}"
}

# bats test_tags=sandbox
@test "memory that cannot be locked: exit 9, unless the policy takes it, and then the record says so" {
    home pkcs11
    listen
    run -9 --separate-stderr unlocked order --file "$HOUSE/order.json"
    [[ $stderr == *'the memory for secrets cannot be locked: raise the limit of locked memory'* ]]
    [ "$(requests)" = 0 ]
    home_edit policy.json '.locked_memory = "preferred"'
    run -0 unlocked order --file "$HOUSE/order.json"
    [[ $(last_record .sandbox.keys) == memory=unlocked\ * ]]
    run -0 georder order --again --file "$HOUSE/order.json"
    [[ $(last_record .sandbox.keys) == memory=locked\ * ]]
    home_edit policy.json '.locked_memory = "no"'
    run -11 georder order --file "$HOUSE/order.json"
    [[ $output == *'/locked_memory: must be required (the default) or preferred' ]]
}
