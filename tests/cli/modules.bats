#!/usr/bin/env bats
# Five PKCS#11 modules from Debian: what each can do by raw Cryptoki, and georder with each of them.
# setup_file leaves what was measured in BUILD/tests/modules.json and, as a table, modules.md.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

modules=(softhsm2 opencryptoki tpm2 nss p11-kit)
tools=$GEORDER_SOURCE/tests/modules

setup_file() {
    local module
    local -a files=()
    for module in "${modules[@]}"; do
        files+=("$BATS_FILE_TMPDIR/$module.json")
        "$tools/make-module" "$module" "$BATS_FILE_TMPDIR/$module"
        "$tools/measure-module" "$BATS_FILE_TMPDIR/$module" >"${files[-1]}"
    done
    jq -s . "${files[@]}" >"$GEORDER_BUILD/tests/modules.json"
    "$tools/table" "${files[@]}" >"$GEORDER_BUILD/tests/modules.md"
}

teardown_file() {
    local module
    for module in "${modules[@]}"; do
        "$tools/stop-module" "$module" "$BATS_FILE_TMPDIR/$module"
    done
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
    rehearsal_stop
}

use() { # MODULE token|probe ARGUMENT...
    "$tools/use-module" "$BATS_FILE_TMPDIR/$1" "${@:2}" 2>"$BATS_TEST_TMPDIR/errors"
}

about() { # MODULE FILTER
    jq -r "$2" "$BATS_FILE_TMPDIR/$1/module.json"
}

# --- what each module can do

# measured MODULE: lines "PART ROW RESULT" on standard input are what was measured
measured() {
    local part row result found failed=0
    while read -r part row result; do
        found=$(jq -r --arg part "$part" --arg row "$row" '.[$part][$row] // "not measured"' "$BATS_FILE_TMPDIR/$1.json")
        [ "$found" = "$result" ] || { echo "$1: $part $row: $found, not $result" >&2; failed=1; }
    done
    return $failed
}

# A key that the token made is sensitive, not extractable, can be destroyed, and shows its public half.
keys_are_safe() { # MODULE
    jq -e '[.[] | objects | select(.generate == "ok")]
        | length > 0 and all(.sensitive == "true" and .extractable == "false" and .destroy == "ok"
            and (.public | test("public")))' \
        "$BATS_FILE_TMPDIR/$1.json"
}

@test "SoftHSM2: everything but OAEP with SHA-256; a data object is never rewritten" {
    keys_are_safe softhsm2
    measured softhsm2 <<'END'
data create ok
data read ok
data rewrite C_SetAttributeValue: CKR_ATTRIBUTE_READ_ONLY
reread value the first
reread application ok
reread destroy ok
ec256 public public
ec256 ES256 ok
ec384 ES384 ok
ec256-derive ECDH ok
rsa2048 RS256 ok
rsa3072 RS256 ok
rsa3072 PS256 ok
rsa3072-decrypt OAEP_SHA256 C_DecryptInit: CKR_ARGUMENTS_BAD
rsa3072-decrypt OAEP_SHA1 ok
rsa3072-decrypt raw_RSA_decrypt ok
END
}

@test "opencryptoki's soft token: RSA only; a data object can be rewritten" {
    keys_are_safe opencryptoki
    measured opencryptoki <<'END'
data create ok
data read ok
data rewrite ok
reread value the later
reread application ok
reread destroy ok
ec256 generate C_GenerateKeyPair: CKR_MECHANISM_INVALID
ec384 generate C_GenerateKeyPair: CKR_MECHANISM_INVALID
ec256-derive generate C_GenerateKeyPair: CKR_MECHANISM_INVALID
rsa2048 RS256 ok
rsa3072 RS256 ok
rsa3072 RS256_token_hashes C_SignInit: CKR_MECHANISM_INVALID
rsa3072 PS256 ok
rsa3072-decrypt OAEP_SHA256 ok
END
}

# It says that it rewrote a data object, and shows the new value until the process ends.
@test "tpm2-pkcs11: everything but ECDH; a data object that it says to rewrite stays as it was" {
    keys_are_safe tpm2
    measured tpm2 <<'END'
data create ok
data read ok
data rewrite ok
reread value the first
reread application ok
reread destroy ok
ec256 public private and public
ec256 ES256 ok
ec384 ES384 ok
ec256-derive ECDH C_DeriveKey: CKR_FUNCTION_NOT_SUPPORTED
rsa2048 RS256 ok
rsa3072 RS256 ok
rsa3072 PS256 ok
rsa3072-decrypt OAEP_SHA256 ok
END
}

@test "NSS: every key, but no data object" {
    keys_are_safe nss
    measured nss <<'END'
data create C_CreateObject: CKR_ATTRIBUTE_VALUE_INVALID
reread find not found
ec256 public public
ec256 ES256 ok
ec384 ES384 ok
ec256-derive ECDH ok
rsa2048 RS256 ok
rsa3072 RS256 ok
rsa3072 PS256 ok
rsa3072-decrypt OAEP_SHA256 ok
END
}

@test "p11-kit: what SoftHSM2 can, but ECDH" {
    keys_are_safe p11-kit
    measured p11-kit <<'END'
data create ok
data read ok
data rewrite C_SetAttributeValue: CKR_ATTRIBUTE_READ_ONLY
reread value the first
reread application ok
reread destroy ok
ec256 public public
ec256 ES256 ok
ec384 ES384 ok
ec256-derive ECDH C_DeriveKey: CKR_MECHANISM_INVALID
rsa2048 RS256 ok
rsa3072 RS256 ok
rsa3072 PS256 ok
rsa3072-decrypt OAEP_SHA256 C_DecryptInit: CKR_ARGUMENTS_BAD
rsa3072-decrypt raw_RSA_decrypt ok
END
}

@test "the table has each module, and its cold start" {
    run -0 head -n 1 "$GEORDER_BUILD/tests/modules.md"
    [ "$output" = '| module | softhsm2 | opencryptoki | tpm2 | nss | p11-kit |' ]
    jq -e 'length == 5 and all(.start.ms > 0 and .start.key == if .name == "opencryptoki" then "rsa3072" else "ec256" end)' \
        "$GEORDER_BUILD/tests/modules.json"
}

# --- the tools that other tests use

@test "a wrong PIN locks opencryptoki's token at the third try and a TPM's, and no other's" {
    run -0 use opencryptoki token lock @token 4
    [ "$(cut -f1 <<<"$output" | uniq -c | xargs)" = '3 CKR_PIN_INCORRECT 1 CKR_PIN_LOCKED' ]
    [ "$(cut -f2 <<<"$output" | xargs)" = '0x1044d 0x2044d 0x4044d 0x4044d' ] # low, final try, locked
    run -1 use opencryptoki token objects @token @pin
    [ "$(<errors)" = 'C_Login: CKR_PIN_LOCKED' ]
    use opencryptoki token reset @token @so-pin @pin
    use opencryptoki token objects @token @pin
    run -0 use tpm2 token lock @token 4
    [ "$(tail -n 1 <<<"$output" | cut -f1)" = CKR_PIN_LOCKED ]
    [ "$(cut -f2 <<<"$output" | uniq)" = 0x40d ] # and no flag says so
    TPM2TOOLS_TCTI=$(about tpm2 .environment.TPM2_PKCS11_TCTI) tpm2_dictionarylockout --clear-lockout
    use tpm2 token objects @token @pin
    for module in softhsm2 nss p11-kit; do
        run -0 use "$module" token lock @token 8
        [ "$(cut -f1 <<<"$output" | uniq)" = CKR_PIN_INCORRECT ]
        use "$module" token objects @token @pin
    done
}

@test "an Ed25519 key, and two objects of one label, can be put on a token and taken away" {
    use softhsm2 token generate @token @pin ed25519 odd
    use softhsm2 token generate @token @pin ec256 twin
    use softhsm2 token generate @token @pin ec256 twin
    use softhsm2 token data @token @pin twin <<<secret
    run -0 use softhsm2 token objects @token @pin
    [ "$(sort <<<"$output")" = $'0\t-1\ttwin\n2\t3\ttwin\n2\t3\ttwin\n2\t64\todd\n3\t3\ttwin\n3\t3\ttwin\n3\t64\todd' ]
    use softhsm2 token destroy @token @pin twin
    run -0 use softhsm2 token objects @token @pin
    [ "$(sort <<<"$output")" = $'2\t64\todd\n3\t64\todd' ]
    use softhsm2 token destroy @token @pin
    run -0 use softhsm2 token objects @token @pin
    [ -z "$output" ]
}

@test "two tokens of one label" {
    "$tools/make-module" softhsm2 "$PWD/twins"
    "$tools/use-module" "$PWD/twins" token init @token @so-pin @pin
    run -1 "$tools/use-module" "$PWD/twins" token objects @token @pin
    [ "$output" = 'two tokens have the label georder' ]
}

@test "of opencryptoki there is one a machine: a second waits, and is told for whom" {
    OPENCRYPTOKI_WAIT=0 run -1 "$tools/make-module" opencryptoki "$PWD/second"
    [[ $output == "make-module opencryptoki: still in use: $BATS_FILE_TMPDIR/opencryptoki, pid "* ]]
    [ ! -e second/module.json ]
    "$tools/stop-module" opencryptoki "$PWD/second"
    use opencryptoki token objects @token @pin
}

@test "a stopped module leaves no process behind" {
    local module
    for module in tpm2 p11-kit; do
        "$tools/make-module" "$module" "$PWD/$module"
        [ -d "/proc/$(<"$module/daemon.pid")" ]
        cp "$module/daemon.pid" pid
        "$tools/stop-module" "$module" "$PWD/$module"
        [ ! -d "/proc/$(<pid)" ]
        "$tools/stop-module" "$module" "$PWD/$module"
    done
}

# --- georder with each of them

init_knows() { # OPTION
    "$GEORDER" init --help | grep -q -- "$1"
}

# init_on MODULE ALG: a home of that module's token; policy, roots and order as home_make has them.
init_on() {
    local option
    local -a options=()
    while IFS= read -r option; do
        options+=(--environment "$option")
    done < <(about "$1" '.environment | to_entries[] | "\(.key)=\(.value)"')
    if init_knows --pkcs11; then
        options+=(--pkcs11 "$(about "$1" .uri)&pin-source=file:pin" --alg "$2")
        [ "$(about "$1" .initialize)" = null ] || options+=(--initialize "$(about "$1" .initialize)")
    else
        options+=(--module "$(about "$1" .module)" --token "$(about "$1" .token)" --pin-source file:pin)
    fi
    export HOUSE=$PWD/$1-$2
    mkdir -m 700 "$HOUSE"
    cp "$BATS_FILE_TMPDIR/$1/pin" "$HOUSE/pin"
    "$GEORDER" init "$HOUSE" --quiet --policy home/policy.json --ca-file home/roots.pem \
        --origin rehearsal.example/georder --resolve 127.0.0.1 "${options[@]}"
}

# orders MODULE ALG: a whole order, its records signed by that token
orders() {
    init_on "$1" "$2"
    georder credential put --quiet <token
    georder order --quiet --file home/order.json
    verified
    [ "$(events)" = 'log.created order.intent order.response' ]
    [ "$(jq -r '.protected' "$HOUSE"/audit/records/*.jsonl | basenc --base64url -d 2>/dev/null | grep -o '"alg":"[A-Z0-9]*"' | sort -u)" = "\"alg\":\"$2\"" ]
    use "$1" token destroy @token @pin
}

# What a module cannot, georder cannot either, and gives the module's own code.
refuses() { # MODULE ALG CKR
    run --separate-stderr init_on "$1" "$2"
    [[ $status == 9 && $stderr == *"$3"* ]] || { echo "exit $status: $stderr" >&2 && return 1; }
}

# as_user MODULE: with each algorithm, what the measurement says
as_user() {
    local alg kind found
    home_start '' keystore
    for alg in ES256 ES384 RS256 PS256; do
        [ "$alg" = ES256 ] || init_knows --alg || continue
        case $alg in ES256) kind=ec256 ;; ES384) kind=ec384 ;; *) kind=rsa3072 ;; esac
        found=$(jq -r --arg kind $kind --arg alg $alg '.[$kind][$alg] // .[$kind].generate' "$BATS_FILE_TMPDIR/$1.json")
        if [ "$found" = ok ]; then
            orders "$1" "$alg"
        else
            refuses "$1" "$alg" "${found##* }"
        fi
    done
}

@test "georder with SoftHSM2" {
    as_user softhsm2
}

@test "georder with opencryptoki" {
    as_user opencryptoki
}

@test "georder with tpm2-pkcs11" {
    init_knows --pkcs11 || skip 'the sandbox of georder-keys does not let it reach a TPM on a port yet'
    as_user tpm2
}

@test "georder with NSS" {
    init_knows --initialize || skip 'georder has no way yet to give a module its arguments'
    as_user nss
}

@test "georder with p11-kit" {
    init_knows --pkcs11 || skip 'libp11 does not find the key that was just made'
    as_user p11-kit
}
