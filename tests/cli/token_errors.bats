#!/usr/bin/env bats
# What can be wrong with a token, as a person sees it: exit 9, one message that says what to do, and
# nothing sent. tests/shim stands between georder and SoftHSM where SoftHSM is too well-behaved.
# shellcheck disable=SC2016,SC2154  # run --separate-stderr sets stderr

load helper
load home

softhsm=/usr/lib/softhsm/libsofthsm2.so

setup_file() {
    home_template
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
}

teardown() {
    rehearsal_stop
}

# faults [LINE...]: from now on georder sees the token through the shim, which fails like that.
faults() {
    mkdir -p shim
    : >shim/calls
    printf '%s\n' "$@" >shim/faults
    home_edit georder.json "(.credential, .audit.signing_key) |= sub(\"$softhsm\"; \"$GEORDER_BUILD/tests/shim.so\")
        | .pkcs11.environment.SHIM_DIRECTORY = \"shim\"
        | .pkcs11.modules[\"shim.so\"] = {read: [\"softhsm2.conf\"], write: [\"shim\", \"tokens\"]}"
}

calls() { # FUNCTION: how often it was called
    grep -c "^$1\\b" shim/calls || true
}

# order_says MESSAGE [MESSAGE]: an order ends with exit 9 and this message, or that one, and nothing was sent.
order_says() {
    [[ -n ${REHEARSAL_PID:-} ]] || home_listen
    run -9 --separate-stderr timeout 60 "$GEORDER" order --config georder.json --file order.json
    [[ $stderr == "georder order: $1" || $stderr == "georder order: ${2:-$1}" ]] || { echo "$stderr" >&2 && return 1; }
    [ "$(requests)" = 0 ]
}

put_says() {
    run -9 --separate-stderr timeout 60 "$GEORDER" credential put --config georder.json <"$TOKEN_FILE"
    [ "$stderr" = "georder credential: $1" ] || { echo "$stderr" >&2 && return 1; }
    [ -z "$output" ]
}

tool() { # ARGUMENT...: pkcs11-tool on the token
    SOFTHSM2_CONF=softhsm2.conf PIN=$(<pin) pkcs11-tool --module "$softhsm" --token-label georder \
        --login --pin env:PIN "$@" >/dev/null 2>&1
}

# Each token as georder names it: "LABEL" (serial N, slot-id N), in the order of the slots
tokens() {
    SOFTHSM2_CONF=softhsm2.conf softhsm2-util --show-slots | awk '
        /^Slot / { slot = $2 }
        /Serial number:/ { serial = $3 }
        /Label:/ && $2 != "" { printf "%s\"%s\" (serial %s, slot-id %s)", n++ ? ", " : "", $2, serial, slot }'
}

# The slots, as georder names them when none of their tokens gives an answer.
silent() {
    SOFTHSM2_CONF=softhsm2.conf softhsm2-util --show-slots | awk '
        /^Slot [0-9]/ { printf "%sslot-id %s, whose token gives no answer: the device was removed (CKR_DEVICE_REMOVED)", n++ ? ", " : "", $2 }'
}

ids() { # of the private keys, in the token's order
    SOFTHSM2_CONF=softhsm2.conf PIN=$(<pin) pkcs11-tool --module "$softhsm" --token-label georder \
        --login --pin env:PIN --list-objects --type privkey | sed -n 's/^  ID: *//p'
}

key_uri() { jq -r .audit.signing_key georder.json; }
secret_uri() { jq -r .credential georder.json; }

@test "two tokens with one label: both are named, and what tells them apart" {
    local one
    one=$(tokens | sed 's/.*(serial \([0-9a-f]*\),.*/\1/')
    SOFTHSM2_CONF=softhsm2.conf softhsm2-util --init-token --free --label georder --so-pin 87654321 --pin 123456 >/dev/null
    order_says "audit.signing_key: 2 tokens match, add serial=...: $(tokens) (module $(realpath "$softhsm"))"
    home_edit georder.json "(.credential, .audit.signing_key) |= sub(\"token=georder\"; \"token=georder;serial=$one\")"
    run -0 georder order --file order.json
}

@test "two private keys with one label: both are named, with their ids" {
    local first before
    first=$(ids | sed 's/../%&/g')
    tool --keypairgen --key-type EC:prime256v1 --label georder-audit --id 0b
    before="audit.signing_key: 2 private keys on token \"georder\" match $(key_uri):"
    # SoftHSM lists its objects in any order.
    order_says "$before \"georder-audit\" (id $first), \"georder-audit\" (id %0b)" \
        "$before \"georder-audit\" (id %0b), \"georder-audit\" (id $first)"
    home_edit georder.json ".audit.signing_key |= sub(\"object=georder-audit\"; \"id=$first\")"
    run -0 georder order --file order.json
}

@test "two data objects with one label: put leaves one" {
    tool --write-object "$TOKEN_FILE" --type data --label cloudflare-api-token --private
    order_says "credential: store the credential again with \`georder credential put\`, which leaves one: 2 objects on token \"georder\" match $(secret_uri), of the applications \"georder\", \"\"" \
        "credential: store the credential again with \`georder credential put\`, which leaves one: 2 objects on token \"georder\" match $(secret_uri), of the applications \"\", \"georder\""
    georder credential put --quiet <"$TOKEN_FILE"
    run -0 georder order --file order.json
}

@test "an Ed25519 key on the token does no harm" {
    tool --keypairgen --key-type EC:edwards25519 --label ssh --id 0b
    home_listen
    run -0 georder order --file order.json
}

@test "an Ed25519 key as the audit key is refused" {
    tool --keypairgen --key-type EC:edwards25519 --label ssh --id 0b
    home_edit georder.json '.audit.signing_key |= sub("object=georder-audit"; "object=ssh")'
    order_says "audit.signing_key: the key that matches $(key_uri) is of type Ed25519: it must be EC P-256 or P-384, or RSA of 2048 to 4096 bits"
}

# An order is placed, once, though georder-keys had to be started anew for this reason.
order_recovers() {
    home_listen
    run -0 --separate-stderr timeout 60 "$GEORDER" order --config georder.json --file order.json
    [[ $stderr == *"note: georder-keys was started anew, once: $1"* ]] || { echo "$stderr" >&2 && return 1; }
    [ "$(posts)" = 1 ]
    [ "$(calls C_Initialize)" = 2 ]
    [ "$(calls C_Login)" = 2 ]
    [ "$(events)" = 'log.created policy.changed order.intent order.response' ]
    verified
}

@test "a token that is removed between login and signing, and is there again" {
    faults 'C_SignInit 1 0x32 all'
    order_recovers 'token "georder": cannot sign (ES256): the device was removed (CKR_DEVICE_REMOVED)'
}

@test "a token that is removed between login and signing, and stays away" {
    local tokens
    tokens=$(silent)
    faults 'C_SignInit 1 0x32 all' 'C_GetTokenInfo 3 0x32 sticky'
    order_says "token \"georder\": cannot sign (ES256): the device was removed (CKR_DEVICE_REMOVED); georder-keys was started anew, in vain: audit.signing_key: no token matches; there are: $tokens (module $GEORDER_BUILD/tests/shim.so)"
    [ "$(calls C_Login)" = 1 ]
}

# What changes the token is not done a second time: nobody knows how far the first one came.
@test "a token that is removed while the credential is stored: the one before stays" {
    faults 'C_CreateObject 1 0x32 all'
    run -8 --separate-stderr timeout 50 "$GEORDER" credential put --config georder.json <"$TOKEN_FILE"
    [ "${stderr_lines[0]}" = 'georder credential: credential: token "georder": cannot store a private data object: the device was removed (CKR_DEVICE_REMOVED); whether it was changed is not known: see `georder credential list`' ]
    [ "$(calls C_CreateObject)" = 1 ]
    home_listen
    run -0 georder order --file order.json
}

@test "a token that is removed while the credential is removed" {
    faults 'C_DestroyObject 1 0x32 all late'
    run -8 --separate-stderr georder credential remove
    [ "${stderr_lines[0]}" = 'georder credential: credential: token "georder": cannot destroy a data object: the device was removed (CKR_DEVICE_REMOVED); whether it was changed is not known: see `georder credential list`' ]
    [ "$(calls C_DestroyObject)" = 1 ]
}

@test "a token that gives no session" {
    local code words
    while read -r code words; do
        faults "C_OpenSession 1 $code sticky"
        order_says "audit.signing_key: token \"georder\": no session: $words"
        [ "$(calls C_Login)" = 0 ]
    done <<'END'
0x32 the device was removed (CKR_DEVICE_REMOVED)
0xb1 the token gives no further session (CKR_SESSION_COUNT)
0xe0 there is no token in the slot (CKR_TOKEN_NOT_PRESENT)
0xe1 the module does not know this token (CKR_TOKEN_NOT_RECOGNIZED)
END
}

@test "a wrong PIN is tried once" {
    faults
    printf 000000000000 >pin
    order_says 'audit.signing_key: token "georder": PIN incorrect (CKR_PIN_INCORRECT); it was tried once; now: a wrong PIN was tried before'
    [ "$(calls C_Login)" = 1 ]
}

@test "doctor tries a wrong PIN no second time, for all the checks it makes" {
    faults
    printf 000000000000 >pin
    run -9 georder doctor
    [ "$(calls C_Login)" = 1 ]
}

@test "an expired PIN" {
    faults 'C_Login 1 0xa3 sticky'
    order_says "audit.signing_key: token \"georder\": the PIN has expired: change it with the token's tool (CKR_PIN_EXPIRED); it was tried once"
    [ "$(calls C_Login)" = 1 ]
}

@test "a token that has gone when it is looked at is named" {
    faults 'C_GetTokenInfo 1 0x32 sticky'
    order_says "audit.signing_key: no token matches; there are: $(silent) (module $GEORDER_BUILD/tests/shim.so)"
}

@test "a PIN that the try locked" {
    faults 'C_Login 1 0xa4 sticky'
    order_says 'audit.signing_key: token "georder": the PIN is locked: the security officer must reset it (CKR_PIN_LOCKED); it was tried once'
    [ "$(calls C_Login)" = 1 ]
}

@test "a locked PIN is not tried" {
    faults 'flags +0x40000'
    order_says 'audit.signing_key: token "georder": the PIN is locked; nothing was tried: the security officer must reset it'
    [ "$(calls C_Login)" = 0 ]
}

@test "the last try is left to a person at a terminal" {
    faults 'flags +0x20000'
    home_listen
    order_says 'audit.signing_key: token "georder": one try is left before the PIN is locked; nothing was tried: check the PIN and run this on a terminal'
    [ "$(calls C_Login)" = 0 ]
    run -0 script -qec "'$GEORDER' order --config georder.json --file order.json" /dev/null </dev/null
    [ "$(calls C_Login)" = 1 ]
}

@test "a token without a user PIN" {
    faults 'flags -0x8'
    order_says "audit.signing_key: token \"georder\" has no user PIN yet: set one with the token's tool"
    [ "$(calls C_Login)" = 0 ]
}

@test "a write-protected token takes no credential, and signs" {
    faults 'flags +0x2'
    put_says 'credential: token "georder": cannot store a private data object: the token is write-protected (CKR_TOKEN_WRITE_PROTECTED): the token is read-only; the credential can be kept in a keystore that is sealed to a key of this token: `georder keystore create FILE --recipient URI`'
    home_listen
    run -0 georder order --file order.json
}

@test "a module that crashes when it is opened" {
    faults 'C_Login 1 crash'
    order_says 'georder-keys gave no answer: the other process has ended; georder-keys was ended by signal 4 (SIGILL): it crashed; please report this'
    [ "$(calls C_Login)" = 1 ]
}

@test "a module that crashes when it signs: another process signs" {
    faults 'C_Sign 1 crash'
    order_recovers 'georder-keys gave no answer: the other process has ended; georder-keys was ended by signal 4 (SIGILL): it crashed; please report this'
}

@test "a module that hangs when it is opened" {
    faults 'C_Login 1 hang'
    home_edit georder.json '.pkcs11.timeout = 5'
    order_says 'georder-keys gave no answer: the other process has ended; georder-keys was ended by signal 14 (SIGALRM): a PKCS#11 module gave no answer in time (pkcs11.timeout in the config)'
    [ "$(calls C_Login)" = 1 ]
}

@test "a module that hangs when it signs: another process signs" {
    faults 'C_Sign 1 hang'
    home_edit georder.json '.pkcs11.timeout = 5'
    order_recovers 'georder-keys gave no answer: the other process has ended; georder-keys was ended by signal 14 (SIGALRM): a PKCS#11 module gave no answer in time (pkcs11.timeout in the config)'
}

@test "a module that hangs again and again: no third process" {
    local why='georder-keys gave no answer: the other process has ended; georder-keys was ended by signal 14 (SIGALRM): a PKCS#11 module gave no answer in time (pkcs11.timeout in the config)'
    faults 'C_Sign 1 hang sticky'
    home_edit georder.json '.pkcs11.timeout = 5'
    order_says "$why"$'\n'"note: georder-keys was started anew, once: $why"
    [ "$(calls C_Sign)" = 2 ]
}
