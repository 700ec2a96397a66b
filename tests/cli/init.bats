#!/usr/bin/env bats
# Making a home: on a token, in a keystore; and what is left when that fails: nothing.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

module=/usr/lib/softhsm/libsofthsm2.so

# A token that nobody has used, made by the script that makes homes, and its home taken away.
setup_file() {
    home_template
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
    cp policy.json "$BATS_TEST_TMPDIR/policy.json"
    cp roots.pem "$BATS_TEST_TMPDIR/roots.pem"
    rm -r georder.json policy.json roots.pem audit order.json denied.json
    token_tool --delete-object --type data --label cloudflare-api-token
    token_tool --delete-object --type privkey --label georder-audit
    token_tool --delete-object --type pubkey --label georder-audit
    fresh=$(everything)
}

token_tool() { # ARGUMENT...
    SOFTHSM2_CONF=$HOUSE/softhsm2.conf PIN=$(cat pin) pkcs11-tool --module $module --token-label georder \
        --login --pin env:PIN "$@" 2>/dev/null
}

# Every name, mode and content of the home, but of the token's own files.
everything() {
    find . -path ./tokens -prune -o -type f -printf '%m ' -exec sha256sum {} \; -o -printf '%m %p\n' | sort
}

# In an empty environment: nothing is taken from there.
init() { # ARGUMENT...
    run --separate-stderr env -i "$GEORDER" init . "$@"
}

token=(--module "$module" --token georder --pin-source file:pin --environment SOFTHSM2_CONF=softhsm2.conf)

# failed EXIT TEXT: so it ended, and left the home as it was
failed() {
    [[ $status == "$1" && -z $output && $stderr == 'georder init: '*"$2"* ]] ||
        { echo "exit $status: $output $stderr" >&2 && return 1; }
    [ "$(everything)" = "$fresh" ]
    [ -z "$(token_tool --list-objects --type privkey)" ]
}

@test "a home on a token: key, log, policy, roots and config" {
    init "${token[@]}" --origin host-17.example.com/georder
    [ "$status" = 0 ]
    [ -z "$stderr" ]
    [[ $output == "home $HOUSE is made"*'audit key '*'next: review policy.json, then `georder credential put --config ./georder.json`' ]]
    [ "$(jq -cS . georder.json)" = "$(jq -ncS --arg kid "$(sed -n 's/^audit key \([^:]*\):.*/\1/p' <<<"$output")" '
        "?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin" as $query |
        {policy: "policy.json", credential: "pkcs11:token=georder;object=cloudflare-api-token;type=data\($query)",
         audit: {directory: "audit", origin: "host-17.example.com/georder",
                 signing_key: "pkcs11:token=georder;object=georder-audit;type=private\($query)",
                 signing_key_thumbprint: $kid},
         pkcs11: {environment: {SOFTHSM2_CONF: "softhsm2.conf"}}, ca_file: "roots.pem"}')" ]
    cmp policy.json "$GEORDER_BUILD/share/georder/example.json"
    cmp roots.pem "$GEORDER_BUILD/share/georder/cloudflare-roots.pem"
    [ "$(events)" = log.created ]
    run -0 georder audit verify
    [[ $output == *'(trusted)' ]]
}

@test "the audit key never leaves the token" {
    init "${token[@]}"
    [ "$status" = 0 ]
    run -0 token_tool --list-objects --type privkey
    [[ $output == *'Private Key Object; EC'*'label:      georder-audit'*'Access:     sensitive, always sensitive, never extractable, local'* ]]
    [ "$(grep -c 'Private Key Object' <<<"$output")" = 1 ]
}

@test "files are 0600, directories 0700, and no absolute path but the module's" {
    init "${token[@]}" --policy "$BATS_TEST_TMPDIR/policy.json" --ca-file "$BATS_TEST_TMPDIR/roots.pem"
    [ "$status" = 0 ]
    [ -z "$(find . -path ./tokens -prune -o -type f ! -perm 0600 -print -o -type d ! -perm 0700 -print)" ]
    run -1 grep -rlF "$BATS_TEST_TMPDIR" georder.json policy.json audit
    [ "$(grep -o '[=":]/[^&"]*' georder.json | sort -u)" = "=$module" ]
    cmp policy.json "$BATS_TEST_TMPDIR/policy.json"
    cmp roots.pem "$BATS_TEST_TMPDIR/roots.pem"
}

@test "a second init refuses and changes nothing" {
    init "${token[@]}"
    [ "$status" = 0 ]
    local before
    before=$(everything)
    init "${token[@]}"
    [ "$status" = 2 ]
    [[ $stderr == 'georder init: . is a home already'* ]]
    [ "$(everything)" = "$before" ]
    rm georder.json
    before=$(everything)
    init "${token[@]}" --json
    [ "$status" = 2 ]
    jq -es 'length == 1 and (.[0] | .command == "init" and .exit == 2 and .result == "usage")' <<<"$output"
    [ "$(everything)" = "$before" ]
    [ "$(token_tool --list-objects --type privkey | grep -c 'Private Key')" = 1 ]
}

@test "a keystore home, which is made too when the directory is not there" {
    local passphrase=$BATS_TEST_TMPDIR/passphrase
    (umask 077 && echo 'correct horse battery staple' >"$passphrase")
    run -0 --separate-stderr env -i "$GEORDER" init "$HOUSE/new" --keystore --passphrase-source "file:$passphrase" --json
    jq -es 'length == 1 and (.[0] | .command == "init" and .exit == 0 and .directory == "'"$HOUSE/new"'"
        and (.signing_key_thumbprint | length) == 43)' <<<"$output"
    [ "$(cd new && echo ./*)" = './audit ./georder.json ./keystore.json ./policy.json ./roots.pem' ]
    [ -z "$(find new -type f ! -perm 0600 -o -type d ! -perm 0700)" ]
    run -0 "$GEORDER" audit verify --config new/georder.json
    [ "$(jq -r .audit.signing_key new/georder.json)" = "keystore:keystore.json?name=georder-audit&passphrase-source=file:$passphrase" ]
    [ "$(jq -r .audit.origin new/georder.json)" = "$(uname -n)/georder" ]
}

@test "what stands there already is used and kept, not overwritten" {
    cp "$BATS_TEST_TMPDIR/policy.json" "$BATS_TEST_TMPDIR/roots.pem" .
    fresh=$(everything)
    init "${token[@]}" --policy "$GEORDER_SOURCE/policy/example.json"
    failed 2 'has a policy.json or roots.pem already'
    init "${token[@]}"
    [ "$status" = 0 ]
    cmp policy.json "$BATS_TEST_TMPDIR/policy.json"
    cmp roots.pem "$BATS_TEST_TMPDIR/roots.pem"
}

@test "a policy, roots, an address, an origin that cannot be used: told before anything is made" {
    echo garbage >"$BATS_TEST_TMPDIR/garbage"
    chmod 600 "$BATS_TEST_TMPDIR/garbage"
    init "${token[@]}" --policy "$BATS_TEST_TMPDIR/garbage"
    failed 11 'garbage:1:1: '
    init "${token[@]}" --policy "$BATS_TEST_TMPDIR/nothing"
    failed 11 'does not exist'
    init "${token[@]}" --ca-file "$BATS_TEST_TMPDIR/garbage"
    failed 11 'it holds no certificate'
    init "${token[@]}" --resolve localhost
    failed 2 '--resolve: give an IPv4 or IPv6 address'
    init "${token[@]}" --origin 'a b'
    failed 11 'audit.origin must be'
}

@test "an unknown token: exit 9, and the ones there are" {
    init --module $module --token georderr --pin-source file:pin --environment SOFTHSM2_CONF=softhsm2.conf
    failed 9 'no token matches; there are: "georder" (serial '
}

@test "a module that is missing, or none: exit 9" {
    init --module /usr/lib/softhsm/nothing.so --token georder --pin-source file:pin
    failed 9 'PKCS#11 module /usr/lib/softhsm/nothing.so: No such file or directory'
    init --module "$(realpath /usr/bin/true)" --token georder --pin-source file:pin
    failed 9 "the PKCS#11 module could not be loaded: $(realpath /usr/bin/true)"
}

@test "a wrong PIN: exit 9, tried just once; none: nobody to ask" {
    cp pin right
    chmod 600 pin
    printf 000000000000 >pin
    init "${token[@]}"
    [ "$status" = 9 ]
    [[ $stderr == *'PIN incorrect'*'tried once'* && $stderr != *000000000000* ]]
    [ ! -e georder.json ]
    [ ! -e audit ]
    mv right pin
    run -9 env -i setsid -w "$GEORDER" init . "${token[@]:0:4}" --environment SOFTHSM2_CONF=softhsm2.conf
    [[ $output == *'nobody can be asked'* ]]
    chmod 644 pin
    init "${token[@]}"
    [[ $status == 9 && $stderr == *'mode 0644'* ]]
    chmod 600 pin
    fresh=$(everything)
    init "${token[@]}" --keystore
    failed 2 'give --pkcs11, or --module and --token, or --keystore'
    init "${token[@]}"
    [ "$status" = 0 ]
}

@test "after a failure the same command works, with the key that is there" {
    init "${token[@]:0:2}" --token nothing "${token[@]:4}"
    failed 9 'no token matches'
    init "${token[@]}"
    [ "$status" = 0 ]
    rm -r audit georder.json
    local kid
    kid=$(sed -n 's/^audit key \([^:]*\):.*/\1/p' <<<"$output")
    init "${token[@]}"
    [[ $status == 0 && $output == *"audit key $kid:"* ]]
}

@test "labels and paths with odd characters reach the config as a URI can carry them" {
    mv pin 'my pin?&'
    init --module $module --token georder --pin-source 'file:my pin?&' --environment SOFTHSM2_CONF=softhsm2.conf
    [ "$status" = 0 ]
    [[ $(jq -r .credential georder.json) == *'&pin-source=file:my%20pin%3F%26' ]]
    run -0 georder audit verify
}

@test "missing and needless options: exit 2, nothing made" {
    run -2 env -i "$GEORDER" init
    [[ $output == *'give the one directory that becomes the home'* ]]
    run -2 env -i "$GEORDER" init . elsewhere --keystore
    init
    failed 2 'give --pkcs11, or --module and --token, or --keystore'
    init --module $module
    failed 2 'give --pkcs11, or --module and --token, or --keystore'
    init --token georder
    failed 2 'give --pkcs11, or --module and --token, or --keystore'
    init --keystore --config x
    failed 2 '--config has no meaning here'
    init "${token[@]:0:6}" --environment SOFTHSM2_CONF
    failed 2 '--environment: give NAME=VALUE'
    init "${token[@]:0:6}" --environment LD_PRELOAD=x.so
    failed 2 'none that steers the loader'
    init --module
    failed 2 '--module needs a value'
    run -11 env -i "$GEORDER" init /proc/nothing --keystore
    [[ $output == *'/proc/nothing: cannot make it'* ]]
    run -11 env -i "$GEORDER" init pin --keystore
    [[ $output == *'is not a directory'* ]]
}

@test "several variables for the module; none that steers the loader" {
    init "${token[@]}" --environment A_B=1 --environment C=x=y
    [ "$status" = 0 ]
    [ "$(jq -c .pkcs11.environment georder.json)" = '{"SOFTHSM2_CONF":"softhsm2.conf","A_B":"1","C":"x=y"}' ]
}

@test "a variable of a bad name" {
    local bad
    for bad in LD_PRELOAD=/x GLIBC_TUNABLES=x a=b NOTHING =x; do
        init "${token[@]}" --environment "$bad"
        [ "$status" = 2 ]
        [[ $stderr == *'--environment: give NAME=VALUE'* ]]
    done
}

@test "one command makes a home that can order: the credential too, and nobody is asked" {
    local alg home=$BATS_TEST_TMPDIR/whole
    for alg in ES384 PS256; do
        run -0 setsid -w "$GEORDER" init "$home-$alg" --alg $alg --credential --origin "whole.example/$alg" \
            --pkcs11 "pkcs11:token=georder?module-path=$module&pin-source=file:$HOUSE/pin" \
            --environment "SOFTHSM2_CONF=$HOUSE/softhsm2.conf" <<<cfut_rehearsal000000000000000000000000000000000000000000
        [[ $output == *'stored: token (user) in pkcs11:token=georder;object=cloudflare-api-token;'* ]]
        [ "$(jq -r .audit.signing_algorithm "$home-$alg/georder.json")" = $alg ]
        run -0 "$GEORDER" audit list --json --config "$home-$alg/georder.json"
        [ "$(jq -r '[.records[].metadata.event_code] | join(" ")' <<<"$output")" = 'log.created credential.change credential.changed' ]
        run -0 "$GEORDER" audit verify --config "$home-$alg/georder.json"
        run -0 "$GEORDER" doctor --config "$home-$alg/georder.json"
        # It would be used for the next home.
        token_tool --delete-object --type privkey --label georder-audit
        token_tool --delete-object --type pubkey --label georder-audit
    done
    printf 'correct horse' >passphrase
    chmod 600 passphrase
    run -0 setsid -w "$GEORDER" init "$home" --keystore --passphrase-source "file:$PWD/passphrase" --credential \
        <<<cfut_rehearsal000000000000000000000000000000000000000000
    run -0 "$GEORDER" doctor --config "$home/georder.json"
    run -2 "$GEORDER" init "$home-2" --pkcs11 "pkcs11:token=georder;object=x?module-path=$module"
    [[ $output == *'--pkcs11: give the token, init adds object and type'* ]]
    for alg in ES384 PS256; do
        run -0 "$GEORDER" init "$home-in-$alg" --keystore --alg $alg --passphrase-source "file:$PWD/passphrase"
        run -0 "$GEORDER" audit verify --config "$home-in-$alg/georder.json"
    done
    run -2 "$GEORDER" init "$home-3" --keystore --alg HS256 --passphrase-source "file:$PWD/passphrase"
    [[ $output == *'there is no audit key for HS256: take ES256, ES384, RS256 or PS256'* ]]
}
