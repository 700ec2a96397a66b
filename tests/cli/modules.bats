#!/usr/bin/env bats
# Five PKCS#11 modules from Debian: what each can do by raw Cryptoki, and georder with each of them.
# setup_file leaves what was measured in BUILD/tests/modules.json and, as a table, modules.md.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

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

pkcs11() { # MODULE [OBJECT]: the token, or an object of it, as a URI
    about "$1" .uri | sed "s|?|${2:+;object=$2}?|; s|\$|\&pin-source=file:pin|"
}

# init_on MODULE ALG [OPTION...]: a home of that module's token; policy, roots and order as home_make has them.
init_on() {
    local option
    local -a options=("${@:3}")
    while IFS= read -r option; do
        options+=(--environment "$option")
    done < <(about "$1" '.environment | to_entries[] | "\(.key)=\(.value)"')
    [ "$(about "$1" .initialize)" = null ] || options+=(--initialize "$(about "$1" .initialize)")
    export HOUSE=$PWD/$1-$2
    rm -rf "$HOUSE"
    mkdir -m 700 "$HOUSE"
    cp "$BATS_FILE_TMPDIR/$1/pin" "$HOUSE/pin"
    "$GEORDER" init "$HOUSE" --quiet --policy home/policy.json --ca-file home/roots.pem \
        --origin rehearsal.example/georder --resolve 127.0.0.1 --pkcs11 "$(pkcs11 "$1")" --alg "$2" "${options[@]}"
}

# What georder names in place of what a token cannot do.
declare -A ways=(
    [data]='`georder keystore create FILE --recipient URI`'
    [ES256]='take an RSA key: RS256'
    [ES384]='take an EC P-256 key (ES256) or an RSA key (RS256)'
    [RS256]='take an EC P-256 key: ES256'
    [PS256]='the same RSA key can sign by RS256 (audit.signing_algorithm)'
    [ECDH-ES]='make the recipient an RSA key: RSA-OAEP-256'
    [RSA-OAEP-256]='make the recipient an EC P-256 key: ECDH-ES+A256KW'
)

cell() { # MODULE ROW TEXT
    printf '%s\t%s\n' "$2" "$3" >>"$BATS_FILE_TMPDIR/$1.cells"
}

# attempt MODULE ROW COMMAND...: it works, or georder says which CKR and what works instead. Writes
# the cell, and fails like the command.
attempt() {
    local why
    if why=$("${@:3}" 2>&1 >/dev/null); then
        cell "$1" "$2" works
        return 0
    fi
    [[ $why == *"${ways[$2]}"* && $why =~ \((CKR_[A-Z0-9_]+)\) ]] ||
        { cell "$1" "$2" "$why" && echo "$2: $why" >&2 && return 1; }
    cell "$1" "$2" "${BASH_REMATCH[1]}"
    return 1
}

# ordered ALG: a whole order in this home, its records signed by that
ordered() {
    local before
    before=$(posts)
    georder order --quiet --again --file home/order.json
    [ "$(posts)" = $((before + 1)) ]
    verified
    [ "$(jq -r '.protected' "$HOUSE"/audit/records/*.jsonl | basenc --base64url -d 2>/dev/null |
        grep -o '"alg":"[A-Z0-9]*"' | sort -u)" = "\"alg\":\"$1\"" ]
}

store() {
    georder credential put --quiet <token
}

# signs MODULE: a home with each algorithm, and an order where the credential can be on the token
signs() {
    local alg
    for alg in ES256 ES384 RS256 PS256; do
        use "$1" token destroy @token @pin
        attempt "$1" "$alg" init_on "$1" "$alg" || continue
        export HOUSE=$PWD/$1-$alg # attempt has it in a subshell
        if [ "$1" = nss ]; then
            verified
        else
            store
            ordered "$alg"
        fi
    done
}

# sealed MODULE ALG: the credential in a keystore that a key of the token opens, and an order with it
sealed() {
    local row=${2%+*} signer=ES256
    [ "$1" != opencryptoki ] || signer=RS256
    use "$1" token destroy @token @pin
    init_on "$1" $signer --keystore
    attempt "$1" "$row" georder keystore create "$HOUSE/keystore.json" --recipient "$(pkcs11 "$1" seal)" \
        --generate "$2" || return 0
    store
    ordered $signer
    jq -e '.secrets | keys == ["cloudflare-api-token"]' "$HOUSE/keystore.json"
    cell "$1" sealed works
}

# as_user MODULE: everything; the cells that it measures are on standard input
as_user() {
    local signer=ES256
    [ "$1" != opencryptoki ] || signer=RS256
    home_start '' keystore
    : >"$BATS_FILE_TMPDIR/$1.cells"
    use "$1" token destroy @token @pin
    init_on "$1" $signer
    run --separate-stderr georder doctor --json
    jq -e '.checks[] | select(.check == "token").ok' <<<"$output"
    cell "$1" token works
    jq -e '.checks[] | select(.check == "signing_key").ok' <<<"$output"
    cell "$1" login works
    ! attempt "$1" data store || georder credential list --quiet
    signs "$1"
    sealed "$1" ECDH-ES+A256KW
    sealed "$1" RSA-OAEP-256
    use "$1" token destroy @token @pin
    diff <(sort -u "$BATS_FILE_TMPDIR/$1.cells" | tr '\t' ' ') <(sort -u)
}

# bats test_tags=sandbox
@test "georder with SoftHSM2" {
    as_user softhsm2 <<'END'
token works
login works
data works
sealed works
ES256 works
ES384 works
RS256 works
PS256 works
ECDH-ES works
RSA-OAEP-256 works
END
}

# bats test_tags=sandbox
@test "georder with opencryptoki" {
    as_user opencryptoki <<'END'
token works
login works
data works
sealed works
ES256 CKR_MECHANISM_INVALID
ES384 CKR_MECHANISM_INVALID
RS256 works
PS256 works
ECDH-ES CKR_MECHANISM_INVALID
RSA-OAEP-256 works
END
}

# bats test_tags=sandbox
@test "georder with tpm2-pkcs11" {
    as_user tpm2 <<'END'
token works
login works
data works
sealed works
ES256 works
ES384 works
RS256 works
PS256 works
ECDH-ES CKR_FUNCTION_NOT_SUPPORTED
RSA-OAEP-256 works
END
}

# bats test_tags=sandbox
@test "georder with NSS" {
    as_user nss <<'END'
token works
login works
data CKR_ATTRIBUTE_VALUE_INVALID
sealed works
ES256 works
ES384 works
RS256 works
PS256 works
ECDH-ES works
RSA-OAEP-256 works
END
}

# bats test_tags=sandbox
@test "georder with p11-kit" {
    as_user p11-kit <<'END'
token works
login works
data works
sealed works
ES256 works
ES384 works
RS256 works
PS256 works
ECDH-ES CKR_MECHANISM_INVALID
RSA-OAEP-256 works
END
}

# The token's flags as georder tells them: low, final try, locked. Nothing is tried in vain.
# bats test_tags=sandbox
@test "georder and a PIN that opencryptoki locks at the third wrong try" {
    home_start '' keystore
    use opencryptoki token destroy @token @pin
    init_on opencryptoki RS256
    store
    mv "$HOUSE/pin" "$HOUSE/right"
    (umask 077 && printf 00000000 >"$HOUSE/pin")
    order_says 'CKR_PIN_INCORRECT); it was tried once; now: a wrong PIN was tried before'
    order_says 'CKR_PIN_INCORRECT); it was tried once; now: '*'one try is left'
    order_says 'one try is left before the PIN is locked; nothing was tried: check the PIN and run this on a terminal'
    run -9 script -qec "'$GEORDER' order --config '$HOUSE/georder.json' --file home/order.json" /dev/null </dev/null
    [[ $output == *'it was tried once; now: '*'the PIN is locked'* ]]
    mv "$HOUSE/right" "$HOUSE/pin"
    order_says 'the PIN is locked; nothing was tried: the security officer must reset it'
    [ "$(posts)" = 0 ]
    use opencryptoki token reset @token @so-pin @pin
    ordered RS256
    use opencryptoki token destroy @token @pin
}

order_says() { # PATTERN, at the end
    run -9 --separate-stderr georder order --file home/order.json
    # shellcheck disable=SC2053
    [[ $stderr == *$1 ]] || { echo "$stderr" >&2 && return 1; }
}

# --- the table of all that

# georder_table: from the cells and, for raw RSA and the cold start, from what was measured
georder_table() {
    local module
    for module in "${modules[@]}"; do
        jq -Rn --slurpfile raw "$BATS_FILE_TMPDIR/$module.json" '[inputs / "\t" | {(.[0]): .[1]}] | add
            | if .["RSA-OAEP-256"] == "works" and $raw[0]["rsa3072-decrypt"].OAEP_SHA256 != "ok"
              then .["RSA-OAEP-256"] = "works, by raw RSA" else . end
            | .start = "\($raw[0].start.ms | floor) ms"' "$BATS_FILE_TMPDIR/$module.cells"
    done | jq -rs '
        . as $cells | ["token", "find token"], ["login", "login"], ["data", "credential as CKO_DATA"],
        ["sealed", "credential in a keystore sealed to the HSM"], (["ES256", "ES384", "RS256", "PS256",
        "ECDH-ES", "RSA-OAEP-256"][] | [., .]), ["start", "cold start"]
        | . as $row | "| " + ([$row[1]] + [$cells[] | .[$row[0]] // "?" | ltrimstr("CKR_")] | join(" | ")) + " |"'
}

between() { # FILE: the table in it, without the cold start, which is that of one machine
    sed -n '/<!-- modules -->/,/<!-- end of modules -->/p' "$1" | grep '^|' | grep -v '^| cold start'
}

# bats test_tags=sandbox
@test "the tables in README.md and georder-keys.7 are what was measured" {
    local table=$GEORDER_BUILD/tests/georder-modules.md
    {
        echo '| | SoftHSM 2 | opencryptoki | tpm2-pkcs11 | NSS | p11-kit |'
        echo '|---|---|---|---|---|---|'
        georder_table
    } >"$table"
    run -1 grep -F '?' "$table"
    diff <(between "$GEORDER_SOURCE/README.md") <(grep -v '^| cold start' "$table")
    diff <(man_table "$GEORDER_SOURCE/src/keys/georder-keys.7") <(narrow <"$table" | grep -v '^cold start')
}

# narrow: the table for a page of 80 columns, without the CKRs
narrow() {
    sed -e '/^|---/d; s/credential as CKO_DATA/data object/; s/credential in a [^|]*/sealed keystore /' \
        -e 's/works, by raw RSA/raw RSA/g; s/works/yes/g; s/[A-Z]*_[A-Z_]* /no /g' |
        awk -F ' *[|] *' '{ printf "%-15s %-9s %-12s %-11s %-5s %s\n", $2, $3, $4, $5, $6, $7 }'
}

man_table() { # FILE
    sed -n '/^\.\\" The table of/,/^\.Ed/p' "$1" | grep -v '^\.\|^cold start'
}
