#!/usr/bin/env bats
# The keystore is JSON Web Encryption: npm jose opens what georder writes, and georder reads what
# jose wrote. Passphrases come by descriptors and files, never as arguments.
# shellcheck disable=SC2030,SC2031

load helper
load home

setup_file() {
    home_template keystore
}

setup() {
    modules=$GEORDER_SOURCE/build/node/node_modules
    home_copy
    cd "$HOUSE" || return 1
}

teardown() {
    rehearsal_stop
}

jose() { # open|put NAME
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    node "$GEORDER_SOURCE/tests/node/keystore.mjs" "$1" keystore.json "$modules" "$2" 3<"${PASSPHRASE:-passphrase}"
}

@test "jose opens the credential and the audit key, which is the key of the log" {
    printf %s cfut_keystore0000000000000000000000000000000000000000 | georder credential put --quiet
    run -0 --separate-stderr jose open cloudflare-api-token
    [ "$output" = cfut_keystore0000000000000000000000000000000000000000 ]
    run -0 --separate-stderr jose open georder-audit
    [ "$(jq -cS '{crv, kty, x, y}' <<<"$output")" = "$(jq -cS '{crv, kty, x, y}' audit/keys/*.jwk)" ]
    jq -e '.d | length == 43' <<<"$output"
}

@test "jose opens nothing by another passphrase, nor what was altered" {
    printf wrong >wrong
    PASSPHRASE=wrong run -1 jose open cloudflare-api-token
    home_edit keystore.json '.secrets["cloudflare-api-token"].tag = .secrets["georder-audit"].tag'
    run -1 jose open cloudflare-api-token
}

@test "georder reads a secret that jose wrote for two passphrases, by either" {
    home_listen
    printf %s cfut_rehearsal000000000000000000000000000000000000000 | jose put cloudflare-api-token 4<<<escrow
    jq -e '.secrets["cloudflare-api-token"].recipients | length == 2' keystore.json
    run -0 georder doctor --json
    jq -e '.checks[] | select(.check == "credential") | .ok and .facts.hint == "user"' <<<"$output"
    run -0 georder credential verify
    printf escrow >passphrase
    run -0 georder credential verify
    printf another >passphrase
    run -9 georder credential verify
    [[ $output == *'the passphrase is wrong'* ]]
}

@test "the file: strong parameters, fresh salts, mode 0600, nothing in clear" {
    jq -e '.georder_keystore == 1 and (.secrets | keys == ["cloudflare-api-token", "georder-audit"])
        and ([.secrets[] | .protected == "eyJlbmMiOiJBMjU2R0NNIn0"] | all)
        and ([.secrets[].recipients[].header | .alg == "PBES2-HS512+A256KW" and .p2c >= 210000] | all)
        and ([.secrets[].recipients[].header.p2s] | unique | length == 2)
        and ([.secrets[].iv] | unique | length == 2)' keystore.json
    [ "$(stat -c %a keystore.json)" = 600 ]
    run -1 grep -F "$(head -c 12 "$TOKEN_FILE")" keystore.json
    run -1 grep -F "$(cat passphrase)" -r . --exclude=passphrase
}

@test "a wrong passphrase, a tampered or unsafe keystore: exit 9, and what is wrong" {
    cp passphrase right
    printf wrong >passphrase
    run -9 georder order --file order.json
    [[ $output == *'the passphrase is wrong'* ]]
    cp right passphrase
    chmod 644 keystore.json
    run -9 georder order --file order.json
    [[ $output == *'keystore.json'*'mode 0644'* ]]
    chmod 600 keystore.json
    home_edit keystore.json '.secrets["georder-audit"].tag = .secrets["cloudflare-api-token"].tag'
    run -9 georder order --file order.json
    [[ $output == *'was altered: its tag does not verify'* ]]
    home_edit keystore.json '.secrets["georder-audit"].recipients[0].header.p2c = 20000000'
    run -9 georder order --file order.json
    [[ $output == */p2c* ]]
    echo '{' >keystore.json
    run -9 georder order --file order.json
    [[ $output == *keystore.json:[12]:* ]]
    rm keystore.json
    run -9 georder order --file order.json
    [ "$(events)" = log.created ]
}
