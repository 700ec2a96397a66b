#!/usr/bin/env bats
# The API credential: stored, asked about at the API, removed; by standard input or a prompt.
# shellcheck disable=SC2030,SC2031

load helper
load home

user=cfut_rehearsal000000000000000000000000000000000000000
account=cfat_rehearsal000000000000000000000000000000000000000
key=0123456789abcdef0123456789abcdef01234

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

credential() { # VERB ARGUMENT...
    georder credential "$@"
}

put() { # SECRET ARGUMENT...
    credential put "${@:2}" <<<"$1"
}

# objects: the labels of the data objects on the token
objects() {
    SOFTHSM2_CONF=softhsm2.conf PIN=$(<pin) pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so \
        --token-label georder --login --pin env:PIN --list-objects --type data | sed -n "s/^  label: *'\(.*\)'/\1/p"
}

# stored: what is on the token, read by another program
stored() {
    SOFTHSM2_CONF=softhsm2.conf PIN=$(<pin) pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so \
        --token-label georder --login --pin env:PIN --read-object --type data \
        --label cloudflare-api-token 2>/dev/null
}

@test "put stores what standard input gives, says where, and never shows it" {
    run -0 --separate-stderr put $user
    [[ $output == 'stored: token (user) in pkcs11:token=georder;object=cloudflare-api-token;type=data?'* ]]
    [[ $output$stderr != *$user* ]]
    [ "$(stored)" = $user ]
    run -0 --separate-stderr put $account --json
    jq -es 'length == 1 and (.[0] | .command == "credential" and .exit == 0 and .credential.kind == "token"
        and .credential.hint == "account" and (.credential.where | startswith("pkcs11:token=georder;")))' <<<"$output"
    [[ $output$stderr != *$account* ]]
    run -0 --separate-stderr put $user --quiet
    [ -z "$output$stderr" ]
}

@test "with and without the newline it is the same secret" {
    printf %s $user | credential put --quiet
    [ "$(stored)" = $user ]
    printf '%s\n' $account | credential put --quiet
    [ "$(stored)" = $account ]
}

@test "put again and again leaves exactly one object, remove none" {
    put $user --quiet
    put $account --quiet
    put $key --quiet --email operator@example.com
    [ "$(objects)" = cloudflare-api-token ]
    run -0 credential remove
    [[ $output == 'removed from pkcs11:token=georder;object=cloudflare-api-token;'* ]]
    [ -z "$(objects)" ]
    run -9 --separate-stderr credential remove --json
    jq -es 'length == 1 and (.[0] | .exit == 9 and .result == "key" and (.error | contains("`georder credential put`")))' <<<"$output"
    put $user --quiet
    [ "$(objects)" = cloudflare-api-token ]
}

@test "what is no token is refused with exit 9, not repeated, and the old one stays" {
    put $user --quiet
    local secret
    for secret in short "two words $account" "$account"$'\r' $'\n'"$account" "$account "; do
        run -9 put "$secret"
        [[ $output != *"$account"* && $output != *short* ]]
    done
    run -9 credential put </dev/null
    [[ $output == *empty* ]]
    run -9 put "$(head -c 4000 /dev/zero | tr '\0' a)"
    run -9 credential put < <(printf '%s\0' $account)
    run -9 put $key
    run -9 put $key --email 'not an address'
    run -9 put 'no key' --email operator@example.com
    run -2 put $key --email ''
    [[ $output == *"--email: give the account's address" ]]
    [ "$(stored)" = $user ]
    [ "$(objects)" = cloudflare-api-token ]
}

@test "verify: user tokens are asked for by themselves" {
    home_listen '{"tokens": ["cfut_rehearsal000000000000000000000000000000000000000",
        {"token": "cfut_expiring0000000000000000000000000000000000000000", "expires_on": "2098-01-01T00:00:00Z"}]}'
    put $user --quiet
    run -0 --separate-stderr credential verify
    [ "${lines[-1]}" = 'the API knows the token: status active, expires (not said)' ]
    [ -z "$stderr" ]
    run -0 rehearsal_log 'select(.event == "request") | "\(.method) \(.path)"'
    [ "$output" = 'GET /client/v4/user/tokens/verify' ]
    put cfut_expiring0000000000000000000000000000000000000000 --quiet
    run -0 credential verify
    [ "${lines[-1]}" = 'the API knows the token: status active, expires 2098-01-01T00:00:00Z' ]
    run -0 --separate-stderr credential verify --json
    jq -es 'length == 1 and (.[0] | .exit == 0 and .api.status == "active" and .http.status == 200
        and .credential.hint == "user")' <<<"$output"
    [[ $output$stderr != *expiring* ]]
    [ "$(events)" = log.created ]
}

@test "verify: a disabled, an expired, an unknown token: exit 4, in the API's words" {
    home_listen '{"tokens": [{"token": "cfut_disabled0000000000000000000000000000000000000000", "status": "disabled"},
        {"token": "cfut_expired00000000000000000000000000000000000000000", "status": "expired", "expires_on": "2020-01-01T00:00:00Z"}]}'
    put cfut_disabled0000000000000000000000000000000000000000 --quiet
    run -4 credential verify
    [[ $output == *disabled* || $output == *HTTP\ 40* ]]
    put cfut_expired00000000000000000000000000000000000000000 --quiet
    run -4 credential verify
    [[ $output == *expired* ]]
    put $user --quiet
    run -4 --separate-stderr credential verify
    [[ $output == *'API error '*'Authentication error'* ]]
    [ "$stderr" = 'georder credential: the API does not accept the credential: HTTP 401, Authentication error' ]
    run -4 --separate-stderr credential verify --json
    jq -es 'length == 1 and (.[0] | .exit == 4 and .result == "refused" and (.errors | length) > 0 and .http.status == 401)' <<<"$output"
}

@test "verify: account tokens and the global key read a zone" {
    home_listen
    put $account --quiet
    run -0 credential verify
    [ "$output" = 'the API accepts the credential: it may read zone example.com' ]
    run -0 put $key --email operator@example.com
    [[ $output == 'stored: global_key ('* && $output != *$key* ]]
    run -0 credential verify
    [ "$output" = 'the API accepts the credential: it may read zone example.com' ]
    run -0 rehearsal_log 'select(.event == "request") | .path'
    [ "$output" = "/client/v4/zones/$ZONE_ID"$'\n'"/client/v4/zones/$ZONE_ID" ]
}

@test "verify without a credential: exit 9; without the API: exit 7" {
    put $user --quiet
    run -7 credential verify
    [[ $output == *'cannot connect to localhost port 1'* ]]
    credential remove --quiet
    run -9 credential verify
    [[ $output == *"store it with \`georder credential put\`"* ]]
}

@test "put and remove need no policy, which may be broken; verify does" {
    rm policy.json
    put $user --quiet
    run -11 credential verify
    credential remove --quiet
    [ -z "$(objects)" ]
}

@test "a keystore home stores, and says so" {
    "$GEORDER_SOURCE/tests/rehearsal/make-home" keystore "$REHEARSAL_CA" 1 keystore
    run -0 "$GEORDER" credential put --config keystore/georder.json <<<$user
    [[ $output == 'stored: token (user) in keystore:keystore.json?name=cloudflare-api-token'* ]]
    run -0 "$GEORDER" credential remove --config keystore/georder.json
    [ "$(jq -r '.secrets | keys | join(" ")' keystore/keystore.json)" = georder-audit ]
}

# typed COMMAND: runs it on a terminal; what is typed comes from descriptor 7, what is seen is in `seen`.
typed() {
    mkfifo keyboard
    script -qefc "$1" seen <keyboard >/dev/null 2>&1 3>&- &
    SCRIPT=$!
    exec 7>keyboard
}

ended() { # EXIT
    local status=0
    exec 7>&-
    wait "$SCRIPT" || status=$?
    [ "$status" = "$1" ] || { cat seen >&2 && return 1; }
}

@test "on a terminal put asks, and what is typed is not shown" {
    typed "'$GEORDER' credential put --config georder.json"
    await grep -q 'API token: ' seen
    printf 'x\b\25%s\r' $account >&7
    await grep -q stored: seen
    ended 0
    run -1 grep -a cfat_ seen
    [ "$(stored)" = $account ]
}

@test "on a terminal the PIN is asked for too, when no source is named" {
    home_edit georder.json '.credential |= sub("&pin-source=file:pin"; "")'
    typed "'$GEORDER' credential remove --config georder.json"
    await grep -q 'PIN of token "georder"' seen
    cat pin >&7
    printf '\r' >&7
    await grep -q 'removed from' seen
    ended 0
    run -1 grep -aF "$(cat pin)" seen
    [ -z "$(objects)" ]
}

@test "Ctrl-C at the prompt ends it, with the terminal's echo on again" {
    typed "stty -a >before; '$GEORDER' credential put --config georder.json; status=\$?; stty -a >after; exit \$status"
    await grep -q 'API token: ' seen
    printf '\3' >&7
    await test -s after
    ended 9
    grep -q 'given up at the prompt' seen
    cmp before after
}

# terminal_after COMMAND: runs it on a terminal, and notes what that was like before and after, and
# whether what was typed is left over for the shell.
terminal_after() {
    typed "stty -a >before; env --default-signal=INT,TERM,HUP $1; status=\$?; stty -a >after
           IFS= read -r -t 0.3 rest; echo \"\$rest\" >rest; exit \$status"
}

@test "a signal at the prompt ends it, with the terminal's echo on again and nothing typed left over" {
    local signal main keys
    for signal in HUP INT TERM; do
        rm -f keyboard before after rest
        terminal_after "'$GEORDER' credential put --config georder.json"
        await grep -q 'API token: ' seen
        main=$(pgrep -P "$(pgrep -P "$SCRIPT")" -x georder)
        keys=$(pgrep -o -P "$main" georder-keys)
        # However busy its helper is.
        kill -STOP "$keys"
        printf 'secret' >&7
        sleep 0.2
        kill "-$signal" "$main"
        await test -s rest
        cmp before after
        [ -z "$(cat rest)" ]
        [ ! -e "/proc/$keys" ]
        ended $((128 + $(kill -l $signal)))
    done
}

@test "a signal that the caller ignores is ignored at the prompt, too" {
    typed "trap '' HUP; '$GEORDER' credential put --config georder.json; exit \$?"
    await grep -q 'API token: ' seen
    kill -HUP "$(pgrep -P "$(pgrep -P "$SCRIPT")" -x georder)"
    sleep 0.3
    printf '%s\r' $user >&7
    await grep -q stored: seen
    ended 0
}

@test "an error while a helper asks leaves the terminal as it was" {
    home_edit georder.json '.audit.signing_key |= sub("&pin-source=file:pin"; "")'
    rm roots.pem
    terminal_after "'$GEORDER' order --config georder.json --file order.json"
    await test -s rest
    grep -q 'PIN of token "georder"' seen
    cmp before after
    ended 11
}

@test "nobody to ask: exit 9, and what to do" {
    home_edit georder.json '.credential |= sub("&pin-source=file:pin"; "")'
    run -9 setsid -w "$GEORDER" credential put --config georder.json <<<$user
    [[ $output == *'nobody can be asked'* && $output == *'pin-source'* ]]
}

@test "wrong words: exit 2" {
    run -2 credential
    [ "$output" = 'georder credential: say put, verify or remove; see georder credential --help' ]
    run -2 credential rotate
    run -2 credential put word
    [[ $output == *'secrets are never given on the command line' ]]
    run -2 credential put --email
    [[ $output == *'--email needs a value' ]]
}
