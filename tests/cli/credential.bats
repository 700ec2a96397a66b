#!/usr/bin/env bats
# The API credential: stored, asked about at the API, rotated, listed, removed; by standard input or a
# prompt; each with its records.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

user=cfut_rehearsal000000000000000000000000000000000000000
account=cfat_rehearsal000000000000000000000000000000000000000
key=0123456789abcdef0123456789abcdef01234

setup_file() {
    home_template
}

SECRETS=("$user" "$account" "$key")

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

tool() { # ARGUMENT...
    SOFTHSM2_CONF=softhsm2.conf PIN=$(<pin) pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so \
        --token-label georder --login --pin env:PIN --type data "$@" 2>/dev/null
}

# objects: the labels of the data objects on the token
objects() {
    tool --list-objects | sed -n "s/^  label: *'\(.*\)'/\1/p"
}

# applications: theirs
applications() {
    tool --list-objects | sed -n "s/^  application: *'\(.*\)'/\1/p" | sort
}

# stored: what is on the token, read by another program
stored() {
    tool --read-object --label cloudflare-api-token
}

# write_object SECRET APPLICATION: an object beside what is there, as a crash would leave it
write_object() {
    printf %s "$1" >object
    tool --write-object object --label cloudflare-api-token --application-label "$2" --private >/dev/null
    rm object
}

rotate() { # SECRET ARGUMENT...
    credential rotate "${@:2}" <<<"$1"
}

# record EVENT FILTER: of the last record of that event
record() {
    georder audit list --json | jq -rc --arg event "$1" \
        "[.records[] | select(.metadata.event_code == \$event)][-1] | $2"
}

# untold: no secret is in the log, nor anything that could be made from one
untold() {
    local secret log=$BATS_TEST_TMPDIR/log
    georder audit list --json >"$log"
    for secret in "${SECRETS[@]}"; do
        ! grep -qF "$secret" "$log" || return 1
        ! grep -qF "$(printf %s "$secret" | sha256sum | cut -c 1-64)" "$log" || return 1
        ! grep -qF "$(printf '%s\n' "$secret" | sha256sum | cut -c 1-64)" "$log" || return 1
    done
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
    verified
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
    [ "${lines[0]}" = 'the API accepts the credential: it may read zone example.com' ]
    [ "${lines[-1]}" = 'the API knows the token: status active, expires (not said)' ]
    run -0 put $key --email operator@example.com
    [[ $output == 'stored: global_key ('* && $output != *$key* ]]
    run -0 credential verify
    [ "$output" = 'the API accepts the credential: it may read zone example.com' ]
    run -0 rehearsal_log 'select(.event == "request") | .path'
    [ "$output" = "/client/v4/zones/$ZONE_ID
/client/v4/accounts/01a7362d577a6c3019a474fd6f485823/tokens/verify
/client/v4/zones/$ZONE_ID" ]
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

@test "each leaves its records, which name what and where and never the secret" {
    home_listen
    put $user --quiet
    rotate $account --quiet --no-verify
    credential list --quiet
    credential verify --quiet
    credential remove --quiet
    [ "$(events)" = 'log.created credential.change credential.changed credential.change credential.changed credential.listed policy.changed credential.verified credential.change credential.changed' ]
    run -0 record credential.verified '.status, .activity_name, .api.operation, .http_response.code, .dst_endpoint.ip, .http_request.url.url_string
        , (.unmapped.georder | .credential.verb, .credential.hint, .token.status, .tls.version, .response.status, .result, .policy.revision)'
    [ "$(jq -Rs . <<<"$output")" = "$(jq -Rs . <<<"Success
Read
GET /accounts/{account_id}/tokens/verify
200
127.0.0.1
$REHEARSAL_URL/accounts/01a7362d577a6c3019a474fd6f485823/tokens/verify
verify
account
active
TLSv1.3
200
done
2")" ]
    run -0 record credential.change '.status, .activity_name, .api.operation, (.unmapped.georder | .credential.verb, .credential.kind, .credential.where, (.policy | type))'
    [[ $output == "Unknown"$'\n'"Delete"$'\n'"georder credential remove"$'\n'"remove"$'\n'"token"$'\n'"pkcs11:token=georder;object=cloudflare-api-token;"*$'\n'"null" ]]
    run -0 record credential.changed '.status, .unmapped.georder.result'
    [ "$output" = $'Success\ndone' ]
    # The pairs belong together, and to nothing else.
    georder audit list --json | jq -e '[.records[] | select(.metadata.event_code | startswith("credential.change"))]
        | [.[].metadata.correlation_uid] | .[0] == .[1] and .[2] == .[3] and .[4] == .[5] and (unique | length == 3)'
    untold
    run -0 georder audit verify
    [[ $output != *unclosed* ]]
}

@test "without a record nothing is changed: exit 10" {
    local before
    put $user --quiet
    before=$(applications)
    rm -r audit/records
    run -10 put $account
    run -10 rotate $account --no-verify
    run -10 credential remove
    run -10 credential verify
    run -10 credential list
    [ "$(stored)" = $user ]
    [ "$(applications)" = "$before" ]
}

@test "killed between the two records, the change is noticed as unclosed" {
    home_listen '{"gets": [{"answer": "stall", "seconds": 30}]}'
    put $account --quiet
    "$GEORDER" credential rotate --config georder.json <<<$user >/dev/null 2>&1 3>&- &
    local process=$!
    await grep -q tokens/verify "$REHEARSAL_DIR/log"
    kill -KILL $process
    wait $process || true
    run -0 georder audit verify
    [[ $output == *'unclosed_intent: no outcome is recorded of the intent in record 4, of '* ]]
    [ "$(stored)" = $account ]
}

@test "Ctrl-C while the API is asked: nothing is changed, and recorded" {
    home_listen '{"gets": [{"answer": "stall", "seconds": 30}]}'
    put $account --quiet
    "$GEORDER" credential rotate --config georder.json <<<$user >said 2>&1 3>&- &
    local process=$! status=0
    await grep -q tokens/verify "$REHEARSAL_DIR/log"
    kill -INT $process || true
    kill -TERM $process
    wait $process || status=$?
    [ $status = 7 ]
    grep -q 'nothing was changed, the old credential is still stored: interrupted by SIG' said
    [ "$(events)" = 'log.created credential.change credential.changed policy.changed credential.change credential.verified credential.unchanged' ]
    run -0 georder audit verify
    [[ $output != *unclosed* ]]
}

@test "rotate: asks the API about the new one, stores it, and says what is left to do" {
    home_listen '{"tokens": ["cfut_rehearsal000000000000000000000000000000000000000"]}'
    put $account --quiet
    run -0 --separate-stderr rotate $user
    [ "${lines[-4]}" = 'the API knows the token: status active, expires (not said)' ]
    [[ ${lines[-3]} == 'rotated: token (user) in pkcs11:token=georder;object=cloudflare-api-token;'* ]]
    [[ ${lines[-2]} == 'the old one is still valid at Cloudflare:'* ]]
    [[ $output$stderr != *"$user"* && $output$stderr != *"$account"* ]]
    [ "$(stored)" = $user ]
    [ "$(objects)" = cloudflare-api-token ]
    [ "$(events)" = 'log.created credential.change credential.changed policy.changed credential.change credential.verified credential.changed' ]
    run -0 record credential.verified '.status, (.unmapped.georder | .credential.verb, .credential.hint)'
    [ "$output" = $'Success\nrotate\nuser' ]
    georder audit list --json | jq -e '[.records[-3:][].metadata.correlation_uid] | unique | length == 1'
    untold
    verified
    run -0 credential verify
}

@test "rotate: what the API refuses is not stored: exit 4" {
    home_listen '{"tokens": ["cfat_rehearsal000000000000000000000000000000000000000",
        {"token": "cfut_disabled0000000000000000000000000000000000000000", "status": "disabled"},
        {"token": "cfut_tomorrow0000000000000000000000000000000000000000", "not_before": "2098-01-01T00:00:00Z"}]}'
    put $account --quiet
    run -4 --separate-stderr rotate $user
    [ "$stderr" = 'georder credential: nothing was changed, the old credential is still stored: the API does not accept the credential: HTTP 401, Authentication error' ]
    [ "$(stored)" = $account ]
    run -0 record credential.unchanged '.status, .message, .unmapped.georder.result'
    [[ $output == $'Failure\nnothing was changed, the old credential is still stored: the API does not'*$'\nrefused' ]]
    run -4 rotate cfut_disabled0000000000000000000000000000000000000000
    [[ $output == *'nothing was changed'*'the API says that the token is disabled' ]]
    run -4 rotate cfut_tomorrow0000000000000000000000000000000000000000
    [[ $output == *'nothing was changed'*'the token is not valid before 2098-01-01T00:00:00Z' ]]
    [ "$(stored)" = $account ]
    [ "$(applications)" = 'georder 1' ]
    untold
    run -0 georder audit verify
    [[ $output != *unclosed* ]]
    run -0 credential verify
}

@test "rotate: the API is not reached: exit 7, unless it is not to be asked" {
    put $account --quiet
    run -7 rotate $user
    [[ $output == *'nothing was changed, the old credential is still stored: cannot connect to localhost port 1'* ]]
    [ "$(stored)" = $account ]
    rm policy.json
    run -0 rotate $user --no-verify
    [ "$(stored)" = $user ]
    run -0 rotate $key --email operator@example.com --no-verify --json
    jq -es 'length == 1 and (.[0] | .exit == 0 and .credential.kind == "global_key" and (.records | length == 2))' <<<"$output"
    untold
}

@test "rotate: the same one, or none that is stored, is refused before anything is asked or recorded" {
    put $user --quiet
    run -2 rotate $user --no-verify
    [[ $output == *'nothing to rotate: the same credential is stored already'* ]]
    credential remove --quiet
    run -9 rotate $user --no-verify
    [[ $output == *"store it with \`georder credential put\`"* ]]
    [ "$(events)" = 'log.created credential.change credential.changed credential.change credential.changed' ]
    [ -z "$(objects)" ]
}

@test "a rotation that was cut short leaves the new one in use; the next one tidies up" {
    credential remove --quiet
    put $user --quiet
    write_object $account 'georder 1'
    [ "$(objects | wc -l)" = 2 ]
    run -0 credential list --json
    jq -e '.credential | .hint == "account" and ([.stored[] | [.version, .application, .private, .current]] | sort)
        == [[0, "georder", true, false], [1, "georder 1", true, true]]' <<<"$output"
    run -0 credential list
    [[ $output == *'data object of the application "georder", private: not the current one; the next put or rotate removes it'* ]]
    [[ $output == *'data object of the application "georder 1", private: current, token (account)'* ]]
    run -2 rotate $account --no-verify
    run -0 rotate $user --no-verify
    [ "$(applications)" = 'georder 2' ]
    [ "$(stored)" = $user ]
    write_object $account 'georder 10'
    run -0 put $user
    [ "$(applications)" = 'georder 11' ]
}

@test "two of one version, or one that is not ours: ambiguous, and put leaves one" {
    local other
    for other in georder 'georder 01' 'georder x' another ''; do
        credential remove --quiet
        put $user --quiet
        write_object $account "$other"
        run -9 rotate $key --email operator@example.com --no-verify
        [[ $output == *'2 objects on token "georder" match pkcs11:'*', of the applications "'* ]]
        [[ $output == *'"georder"'* && $output == *"\"$other\""* ]]
        run -0 credential list
        [[ $output == *'it cannot be used: credential: store the credential again with'* ]]
        run -9 credential verify
        put $user --quiet
        [ "$(objects)" = cloudflare-api-token ]
        [ "$(stored)" = $user ]
    done
    # Alone, it is taken: it may have been made by the token's own tool.
    credential remove --quiet
    write_object $account another
    run -0 credential list
    [[ $output == *'"another", private: current, token (account)'* ]]
    run -0 rotate $user --no-verify
    [ "$(applications)" = georder ]
}

@test "list: nothing, one, and where; never the value" {
    credential remove --quiet
    run -0 credential list
    [[ $output == 'nothing is stored in pkcs11:token=georder;object=cloudflare-api-token;'* ]]
    put $key --quiet --email operator@example.com
    run -0 --separate-stderr credential list
    [[ ${lines[0]} == 'stored in pkcs11:token=georder;'* ]]
    [ "${lines[1]}" = '  data object of the application "georder", private: current, global_key (legacy)' ]
    [[ $output$stderr != *"$key"* ]]
    run -0 record credential.listed '.status, .unmapped.georder.credential.stored[0].application'
    [ "$output" = $'Success\ngeorder' ]
    untold
}

@test "verify: a token that soon expires is warned of" {
    local soon
    soon=$(date -u -d '+10 days' +%FT%TZ)
    home_listen "{\"tokens\": [{\"token\": \"$user\", \"expires_on\": \"$soon\", \"not_before\": \"2020-01-01T00:00:00Z\"}]}"
    put $user --quiet
    run -0 --separate-stderr credential verify
    [ "${lines[-1]}" = "the API knows the token: status active, expires $soon, not before 2020-01-01T00:00:00Z" ]
    [[ $stderr == 'warning: the token expires in 9 days: make a new one, then `georder credential rotate`' ]]
    run -0 --separate-stderr credential verify --json
    jq -e '.warnings | length == 1' <<<"$output"
    run -0 record credential.verified '.unmapped.georder.token | .expires_on, .not_before, (.id | length)'
    [ "$output" = "$soon"$'\n2020-01-01T00:00:00Z\n32' ]
}

@test "a keystore home stores, and says so" {
    "$GEORDER_SOURCE/tests/rehearsal/make-home" keystore "$REHEARSAL_CA" 1 keystore
    run -0 "$GEORDER" credential put --config keystore/georder.json <<<$user
    [[ $output == 'stored: token (user) in keystore:keystore.json?name=cloudflare-api-token'* ]]
    run -0 "$GEORDER" credential list --config keystore/georder.json
    [[ $output == 'stored in keystore:keystore.json?name=cloudflare-api-token'*'the secret "cloudflare-api-token": current, token (user)' ]]
    run -2 "$GEORDER" credential rotate --no-verify --config keystore/georder.json <<<$user
    run -0 "$GEORDER" credential rotate --no-verify --config keystore/georder.json <<<$account
    [[ $output == 'rotated: token (account) in keystore:keystore.json'* ]]
    run -0 "$GEORDER" credential remove --config keystore/georder.json
    run -0 "$GEORDER" credential list --config keystore/georder.json
    [[ $output == 'nothing is stored in keystore:keystore.json'* ]]
    run -0 "$GEORDER" audit verify --config keystore/georder.json
    [[ $output != *unclosed* ]]
    [ "$(jq -r '.secrets | keys | join(" ")' keystore/keystore.json)" = georder-audit ]
}

# typed COMMAND: runs it on a terminal; what is typed comes from descriptor 7, what is seen is in `seen`.
typed() {
    rm -f keyboard seen
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
    home_edit georder.json '(.credential, .audit.signing_key) |= sub("&pin-source=file:pin"; "")'
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

# script has taken what was typed, and waits for more: so it has given it to the terminal.
typed_all() {
    perl -e 'ioctl(STDIN, 0x541b, my $left = pack("i", 0)) or die; exit(unpack("i", $left) != 0)' <keyboard || return 1
    grep -q '^State:.*S' "/proc/$SCRIPT/status" # FIONREAD says that nothing is left
}

@test "a signal at the prompt ends it, with the terminal's echo on again and nothing typed left over" {
    local signal main keys
    for signal in HUP INT TERM; do
        rm -f before after rest
        terminal_after "'$GEORDER' credential put --config georder.json"
        await grep -q 'API token: ' seen
        main=$(pgrep -P "$(pgrep -P "$SCRIPT")" -x georder)
        keys=$(pgrep -o -P "$main" georder-keys)
        # However busy its helper is.
        kill -STOP "$keys"
        printf 'secret' >&7
        await typed_all
        sleep 0.2 # the kernel has a queue of its own between the two ends of a terminal
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
    home_edit georder.json '(.credential, .audit.signing_key) |= sub("&pin-source=file:pin"; "")'
    run -9 setsid -w "$GEORDER" credential put --config georder.json <<<$user
    [[ $output == *'nobody can be asked'* && $output == *'pin-source'* ]]
}

@test "wrong words: exit 2" {
    run -2 credential
    [ "$output" = 'georder credential: say put, verify, rotate, remove or list; see georder credential --help' ]
    run -2 credential revoke
    run -2 credential verify --email operator@example.com
    [[ $output == *'--email: only for put and rotate' ]]
    run -2 credential put --no-verify <<<$user
    [[ $output == *'--no-verify: only for rotate' ]]
    run -2 credential put word
    [[ $output == *'secrets are never given on the command line' ]]
    run -2 credential put --email
    [[ $output == *'--email needs a value' ]]
}
