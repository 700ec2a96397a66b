#!/usr/bin/env bats
# The keystore is JSON Web Encryption: npm jose opens what georder writes, and georder reads what
# jose wrote. Its recipients are a passphrase and keys on SoftHSM tokens.
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

jose() { # open|put NAME ALG=FILE...
    [[ -d $modules/jose ]] || skip 'npm jose is not installed: ./dev test does that'
    node "$GEORDER_SOURCE/tests/node/keystore.mjs" "$1" "${STORE:-keystore.json}" "$modules" "${@:2}"
}

words=PBES2-HS512+A256KW ecdh=ECDH-ES+A256KW oaep=RSA-OAEP-256
module=/usr/lib/softhsm/libsofthsm2.so

# A SoftHSM token beside the home's files, known to the config.
token() { # LABEL
    [[ -d tokens ]] || {
        mkdir tokens
        printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' \
            "$PWD" >softhsm2.conf
        (umask 077 && printf 87654321 >pin)
        home_edit georder.json '.pkcs11.environment.SOFTHSM2_CONF = "softhsm2.conf"'
    }
    SOFTHSM2_CONF=$PWD/softhsm2.conf softhsm2-util --init-token --free --label "$1" \
        --so-pin 12345678 --pin 87654321 >/dev/null
}

# By the whole label, with the blanks that fill it up: a few letters alone may be among what is encrypted there.
token_directory() { # LABEL
    dirname "$(grep -lF "$(printf '%-32s' "$1")" tokens/*/token.object)"
}

uri() { # TOKEN OBJECT
    echo "pkcs11:token=$1;object=$2?module-path=$module&pin-source=file:pin"
}

# A key that both a token and a file hold, so that jose can be who the token is.
key_for_both() { # TOKEN OBJECT ID P-256|P-384|RSA: leaves OBJECT.pem and OBJECT.public
    local use=--usage-derive what
    if [[ $4 == RSA ]]; then
        use=--usage-decrypt
        openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2.pem"
    else
        openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$4" -out "$2.pem"
    fi
    openssl pkey -in "$2.pem" -pubout -out "$2.public"
    openssl pkey -in "$2.pem" -outform DER -out "$2.priv"
    openssl pkey -in "$2.pem" -pubout -outform DER -out "$2.pub"
    for what in priv pub; do
        SOFTHSM2_CONF=$PWD/softhsm2.conf pkcs11-tool --module "$module" --token-label "$1" --login \
            --pin 87654321 --write-object "$2.$what" --type "${what}key" --label "$2" --id "$3" \
            "$use" >/dev/null
    done
    rm "$2.priv" "$2.pub"
}

kid_of() { # URI
    jq -r --arg uri "$1" '.recipients[] | select(.uri == $uri) | .kid' keystore.json
}

# No passphrase any more, in a file or from a person.
by_token() {
    home_edit georder.json '(.credential, .audit.signing_key) |= sub("&passphrase-source=.*"; "")'
    mv passphrase "$BATS_TEST_TMPDIR/passphrase"
}

@test "jose opens the credential and the audit key, which is the key of the log" {
    printf %s cfut_keystore0000000000000000000000000000000000000000 | georder credential put --quiet
    run -0 --separate-stderr jose open cloudflare-api-token $words=passphrase
    [ "$output" = cfut_keystore0000000000000000000000000000000000000000 ]
    run -0 --separate-stderr jose open georder-audit $words=passphrase
    [ "$(jq -cS '{crv, kty, x, y}' <<<"$output")" = "$(jq -cS '{crv, kty, x, y}' audit/keys/*.jwk)" ]
    jq -e '.d | length == 43' <<<"$output"
}

@test "jose opens nothing by another passphrase, nor what was altered" {
    printf wrong >wrong
    run -1 jose open cloudflare-api-token $words=wrong
    home_edit keystore.json '.secrets["cloudflare-api-token"].tag = .secrets["georder-audit"].tag'
    run -1 jose open cloudflare-api-token $words=passphrase
}

@test "georder reads a secret that jose wrote for two passphrases, by either" {
    home_listen
    printf escrow >escrow
    printf %s cfut_rehearsal000000000000000000000000000000000000000 |
        OPTIONS='{"p2c": 4096}' jose put cloudflare-api-token $words=passphrase $words=escrow
    jq -e '.secrets["cloudflare-api-token"].recipients | map(.header.p2c) == [4096, 4096]' keystore.json
    run -0 georder doctor --json
    jq -e '.checks[] | select(.check == "credential") | .ok and .facts.hint == "user"' <<<"$output"
    run -0 georder credential verify
    # The audit key is not for that passphrase.
    printf escrow >passphrase
    run -9 --separate-stderr georder doctor --json
    jq -e '.checks[] | select(.check == "credential") | .ok and .facts.hint == "user"' <<<"$output"
    printf another >passphrase
    run -9 --separate-stderr georder doctor --json
    jq -e '.checks[] | select(.check == "credential") | (.ok | not) and (.text | contains("the passphrase is wrong"))' <<<"$output"
}

@test "every kind of recipient: jose opens what georder wrote" {
    token hsm
    key_for_both hsm p256 01 P-256
    key_for_both hsm p384 02 P-384
    key_for_both hsm rsa 03 RSA
    for name in p256 p384 rsa; do
        run -0 georder keystore add-recipient --recipient "$(uri hsm $name)"
    done
    printf %s cfut_keystore0000000000000000000000000000000000000000 | georder credential put --quiet
    for key in $ecdh=p256.pem $ecdh=p384.pem $oaep=rsa.pem $words=passphrase; do
        run -0 --separate-stderr jose open cloudflare-api-token "$key"
        [ "$output" = cfut_keystore0000000000000000000000000000000000000000 ]
        run -0 --separate-stderr jose open check "$key"
        [ "$output" = 'georder keystore' ]
        run -0 --separate-stderr jose open georder-audit "$key"
        [ "$(jq -cS '{crv, kty, x, y}' <<<"$output")" = "$(jq -cS '{crv, kty, x, y}' audit/keys/*.jwk)" ]
    done
    jq -e '[.secrets[], .check | .recipients] | unique | length == 1' keystore.json
}

@test "every kind of recipient: georder opens what jose wrote, wherever it puts its headers" {
    token hsm
    key_for_both hsm p256 01 P-256
    key_for_both hsm p384 02 P-384
    key_for_both hsm rsa 03 RSA
    for name in p256 p384 rsa; do
        run -0 georder keystore add-recipient --recipient "$(uri hsm $name)"
    done
    by_token
    cp "$BATS_TEST_TMPDIR/passphrase" words
    secret=cfut_rehearsal000000000000000000000000000000000000000
    for key in $ecdh=p256.public $ecdh=p384.public $oaep=rsa.public; do
        for place in own shared protected; do
            printf %s $secret | OPTIONS='{"place": "'$place'", "apu": "Alice", "apv": "Bob"}' \
                jose put cloudflare-api-token "$key"
            run -0 georder doctor --json
            jq -e '.checks[] | select(.check == "credential") | .ok and .facts.hint == "user"' <<<"$output"
        done
    done
    printf %s $secret | jose put cloudflare-api-token $words=words $oaep=rsa.public $ecdh=p384.public $ecdh=p256.public
    jq -e '.secrets["cloudflare-api-token"].recipients | map(.header.kid) == [null, null, null, null]' keystore.json
    run -0 georder doctor --json
    jq -e '.checks[] | select(.check == "credential") | .ok' <<<"$output"
    # What was put in under a key of its own becomes one of the file's with the next recipient.
    token other
    run -0 georder keystore add-recipient --recipient "$(uri other x)" --generate $ecdh
    jq -e '[.secrets[], .check | .recipients] | unique | length == 1' keystore.json
    run -0 --separate-stderr jose open cloudflare-api-token $words=words
    [ "$output" = $secret ]
}

@test "a software audit key with an HSM recipient signs orders, and nobody is asked" {
    home_listen
    token hsm
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $ecdh
    by_token
    run -0 setsid -w "$GEORDER" order --config georder.json --file order.json
    [ "$(events)" = 'log.created keystore.change keystore.changed policy.changed order.intent order.response' ]
    verified
    run -0 setsid -w "$GEORDER" credential verify --config georder.json
}

@test "who may open a home's keystore is recorded, before and after; a failure, too" {
    printf 'another passphrase' >new
    chmod 600 new
    run -0 georder keystore change-passphrase --new-passphrase-source file:new
    cp new passphrase
    [ "$(events)" = 'log.created keystore.change keystore.changed' ]
    run -9 georder keystore remove-recipient --kid nobody
    [ "$(events)" = 'log.created keystore.change keystore.changed keystore.change keystore.unchanged' ]
    [ "$(last_record .keystore.verb)" = remove-recipient ]
    run -0 georder keystore list
    run -0 georder audit verify
    [[ $(events) != *listed* ]]
    run -1 grep -r 'another passphrase' audit
}

@test "break-glass: the HSM is gone, and the passphrase opens" {
    token hsm
    token spare
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $ecdh
    run -0 georder keystore add-recipient --recipient "$(uri spare box)" --generate $oaep
    by_token
    run -0 georder doctor
    mv "$(token_directory hsm)" gone
    run -0 georder doctor
    mv tokens gone.all && mkdir tokens
    run -9 georder order --file order.json
    [[ $output == *'no key that it is encrypted to opens it (its passphrase does: set passphrase-source=prompt'* ]]
    [[ $output == *'token=hsm'*'token=spare'* ]]
    home_edit georder.json '(.credential, .audit.signing_key) |= . + "&passphrase-source=file:words"'
    cp "$BATS_TEST_TMPDIR/passphrase" words
    run -0 georder doctor --json
    jq -e '.checks[] | select(.check == "signing key" or .check == "audit key" or .check == "credential") | .ok' <<<"$output"
    # The lost token's key leaves without it, and another comes.
    run -0 georder keystore remove-recipient --kid "$(kid_of "$(uri hsm box)")"
    run -0 georder keystore remove-recipient --kid "$(kid_of "$(uri spare box)")"
    token new
    run -0 georder keystore add-recipient --recipient "$(uri new box)" --generate $ecdh --passphrase-source file:words
    [ "$(jq -r '.recipients[].alg' keystore.json | xargs)" = "$words $ecdh" ]
}

@test "who is removed cannot open the file any more; the last one cannot be removed" {
    token hsm
    key_for_both hsm p256 01 P-256
    key_for_both hsm rsa 03 RSA
    run -0 georder keystore add-recipient --recipient "$(uri hsm p256)"
    run -0 georder keystore add-recipient --recipient "$(uri hsm rsa)"
    run -0 georder keystore remove-recipient --kid "$(kid_of "$(uri hsm p256)")"
    for name in check georder-audit cloudflare-api-token; do
        run -1 jose open $name $ecdh=p256.pem
        run -0 jose open $name $oaep=rsa.pem
    done
    cp keystore.json before.json
    run -0 georder keystore remove-recipient --passphrase
    by_token
    run -1 jose open georder-audit $words=passphrase
    run -0 jose open georder-audit $oaep=rsa.pem
    # Encrypted anew, not only no longer wrapped for who left.
    [ "$(jq -r '.secrets[].ciphertext' before.json keystore.json | sort -u | wc -l)" = 4 ]
    run -9 georder keystore remove-recipient --kid "$(kid_of "$(uri hsm rsa)")"
    [[ $output == *'that is its last recipient'* ]]
    run -9 georder keystore remove-recipient --passphrase
    [[ $output == *'it is not encrypted to a passphrase; it is to: '* ]]
    run -9 georder keystore remove-recipient --kid nobody
    [[ $output == *'it is not encrypted to key nobody; it is to: '* ]]
}

@test "who remains must be able to open it" {
    token hsm
    token other
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $ecdh
    run -0 georder keystore add-recipient --recipient "$(uri other box)" --generate $ecdh
    run -0 georder keystore remove-recipient --passphrase
    cp keystore.json before.json
    mv "$(token_directory other)" gone
    by_token
    run -9 georder keystore remove-recipient --kid "$(kid_of "$(uri hsm box)")"
    [[ $output == *'token=other'* ]]
    cmp before.json keystore.json
    run -0 georder keystore remove-recipient --kid "$(kid_of "$(uri other box)")"
}

@test "the passphrase is changed; the HSM is not needed for that" {
    token hsm
    key_for_both hsm p256 01 P-256
    run -0 georder keystore add-recipient --recipient "$(uri hsm p256)"
    mv tokens gone
    umask 077
    cp passphrase old
    printf 'another passphrase' >new
    printf 'wrong passphrase' >wrong
    run -9 georder keystore change-passphrase --passphrase-source file:wrong --new-passphrase-source file:new
    [[ $output == *'the passphrase is wrong'* ]]
    printf short >short
    run -9 georder keystore change-passphrase --new-passphrase-source file:short
    [[ $output == *'8 bytes or more'* ]]
    run -0 georder keystore change-passphrase --new-passphrase-source file:new
    run -1 jose open georder-audit $words=old
    run -0 jose open georder-audit $words=new
    run -0 jose open georder-audit $ecdh=p256.pem
    mv new passphrase
    run -0 georder doctor
}

@test "on a terminal a new passphrase is asked for twice, and is not shown" {
    answer() { # ANSWER... : what is typed at one prompt after the other
        # shellcheck disable=SC2016
        local command='"$GEORDER" keystore create t.json --passphrase'
        local line asked=0
        rm -f t.json seen keyboard
        mkfifo keyboard
        script -qefc "$command" seen <keyboard >/dev/null 2>&1 3>&- &
        exec 7>keyboard
        for line; do
            await prompts $((++asked))
            echo "$line" >&7
        done
        exec 7>&-
        wait $! || true
    }
    prompts() { # COUNT: so many were shown
        [ "$(grep -oE 'New passphrase of keystore|The same again: ' seen | wc -l)" = "$1" ]
    }
    answer 'correct horse' 'correct horsf'
    grep -q 'the two passphrases differ; nothing was changed' seen
    [ ! -e t.json ]
    answer 'correct horse' 'correct horse'
    grep -q 'New passphrase of keystore .*t.json: ' seen
    run -1 grep horse seen
    printf 'correct horse' >told
    printf %s x | STORE=t.json jose put x $words=told
    STORE=t.json run -0 jose open check $words=told
}

@test "one command makes a keystore that only an HSM opens, and init takes it" {
    mkdir new
    cd new
    (umask 077 && printf 87654321 >pin)
    ln -s ../softhsm2.conf .
    (cd .. && token hsm)
    cp ../softhsm2.conf ../new.conf && rm softhsm2.conf && mv ../new.conf softhsm2.conf
    run -0 "$GEORDER" keystore create keystore.json --recipient "$(uri hsm box)" --generate $ecdh \
        --environment SOFTHSM2_CONF=softhsm2.conf
    [[ $output == *"recipient  $ecdh"* ]]
    [ "$(stat -c %a keystore.json)" = 600 ]
    run -0 setsid -w "$GEORDER" init . --keystore --environment SOFTHSM2_CONF=softhsm2.conf --origin a/b
    printf %s cfut_keystore0000000000000000000000000000000000000000 |
        setsid -w "$GEORDER" credential put --config georder.json
    run -0 "$GEORDER" audit verify --config georder.json
    jq -e '(.secrets | length == 2) and (.recipients | length == 1)' keystore.json
    run -9 "$GEORDER" keystore create keystore.json --recipient "$(uri hsm box)" --config georder.json
    [[ $output == *'it is there already, and was left alone'* ]]
}

@test "create: several recipients and a passphrase at once" {
    token hsm
    token other
    run -0 georder keystore create b.json --recipient "$(uri hsm a)" --recipient "$(uri other b)" \
        --generate $ecdh --passphrase-source file:passphrase --json
    jq -e --arg a "$(uri hsm a)" --arg b "$(uri other b)" \
        '.keystore.recipients | map(.uri) == [$a, null, $b]' <<<"$output"
    run -9 georder keystore create c.json --recipient "$(uri hsm a)" --recipient "$(uri other none)"
    [[ $output == *'the keystore is made, for 1 of 2 recipients'*'add --generate'* ]]
    run -0 georder keystore add-recipient c.json --recipient "$(uri other b)"
}

@test "a recipient that cannot open is refused before anything is encrypted to it" {
    token hsm
    # An audit key signs; it neither decrypts nor agrees on a secret.
    SOFTHSM2_CONF=$PWD/softhsm2.conf pkcs11-tool --module $module --token-label hsm --login --pin 87654321 \
        --keypairgen --key-type EC:prime256v1 --label sign --id 05 --usage-sign >/dev/null
    cp keystore.json before.json
    run -9 georder keystore add-recipient --recipient "$(uri hsm sign)"
    [[ $output == *'recipient: '* ]]
    run -9 georder keystore add-recipient --recipient "$(uri hsm nothing)"
    [[ $output == *'; to make it, add --generate ECDH-ES+A256KW' ]]
    run -2 georder keystore add-recipient --recipient 'keystore:other.json?name=x'
    run -11 georder keystore add-recipient --recipient "$(uri hsm sign)&pin-value=87654321"
    [[ $output == *'pin-value is refused'* ]]
    cmp before.json keystore.json
}

@test "list needs no secret and no token" {
    token hsm
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $ecdh
    rm -r passphrase tokens
    run -0 georder keystore list --json
    jq -e --arg uri "$(uri hsm box)" '.keystore | .secrets == ["georder-audit", "cloudflare-api-token"] and
        (.recipients | map(.alg) == ["PBES2-HS512+A256KW", "ECDH-ES+A256KW"]) and .recipients[1].uri == $uri and
        (.recipients[1].kid | length == 43)' <<<"$output"
    run -0 georder keystore list keystore.json
    [[ $output == *"recipient  $words passphrase"*"recipient  $ecdh "*'secret     georder-audit'* ]]
    home_edit keystore.json 'del(.recipients, .check)'
    run -0 georder keystore list
    [[ $output == *"recipient  $words passphrase"* ]]
}

@test "a keystore of the first version opens, and is brought up to date when it is written" {
    home_edit keystore.json 'del(.recipients, .check)'
    run -0 georder doctor
    jq -e 'has("check") | not' keystore.json
    printf %s cfut_keystore0000000000000000000000000000000000000000 | georder credential put --quiet
    jq -e '[.secrets[], .check | .recipients] | unique | length == 1' keystore.json
    run -0 georder doctor
    home_edit keystore.json 'del(.recipients, .check)'
    token hsm
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $oaep
    by_token
    run -0 georder doctor
}

@test "hostile files are refused at once: exit 9, where and why" {
    token hsm
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $ecdh
    cp keystore.json good.json
    refused() { # FILTER TEXT: of what jq makes of the file
        jq "$1" good.json >keystore.json
        refused_file "$2"
    }
    refused_file() { # TEXT
        local verb
        for verb in 'credential verify' 'keystore remove-recipient --passphrase'; do
            # shellcheck disable=SC2086
            run -9 timeout 20 "$GEORDER" $verb --config georder.json
            [[ $output == *"$1"* ]] || { echo "\"$1\" is not in: $output" && return 1; }
        done
    }
    by_token
    cp "$BATS_TEST_TMPDIR/passphrase" passphrase
    run -0 timeout 20 "$GEORDER" doctor --config georder.json
    refused '.recipients |= [range(1000)]' /recipients:
    refused '.check.recipients += [range(1000)]' 'is not among /recipients'
    refused '.secrets[].recipients += [range(1000)]' /recipients:
    refused '.recipients += [.recipients[1]] | .check.recipients += [.check.recipients[1]]' '/recipients/2: stands there twice'
    refused '.recipients[1].jwk.y = .recipients[1].jwk.x' '/recipients/1/jwk: x and y are not a point on P-256'
    refused '.recipients[1].jwk.d = .recipients[1].jwk.x' '/recipients/1/jwk/d'
    refused '.recipients[1].kid |= (if .[:1] == "_" then "-" else "_" end) + .[1:]' '/recipients/1: kid or alg is not that of jwk'
    refused '.recipients[1].uri = "file:///etc/shadow"' '/recipients/1: uri is not a pkcs11: URI of a key'
    refused '.recipients[1].uri += "&pin-value=1"' 'pin-value is refused'
    refused '.recipients[1] = 5' '/recipients/1: must be an object'
    refused '.recipients |= reverse' '/check is not encrypted to it'
    refused 'del(.check)' check
    refused '.secrets = [range(65)]' /secrets
    refused '.secrets = ([range(65) | {("s\(.)"): 1}] | add)' 'at most 64 secrets'
    refused '.more = 1' /more
    sed 's/"secrets": {/&"georder-audit": 1,/' good.json >keystore.json
    refused_file georder-audit
    head -c 700 good.json >keystore.json
    refused_file keystore.json:
    { head -c 300000 /dev/zero | tr '\0' ' ' && cat good.json; } >keystore.json
    refused_file keystore.json
}

@test "hostile wrappings are refused at once, too" {
    token hsm
    run -0 georder keystore add-recipient --recipient "$(uri hsm box)" --generate $ecdh
    by_token
    cp keystore.json good.json
    cp "$BATS_TEST_TMPDIR/passphrase" words
    refused() { # FILTER TEXT [PASSPHRASE-SOURCE]: of the audit key's JWE
        jq "(.secrets[\"georder-audit\"], .check) |= ($1)" good.json >keystore.json
        jq --arg more "${3:+&passphrase-source=}${3-}" '.audit.signing_key += $more' georder.json >g.json
        run -9 timeout 20 "$GEORDER" order --config g.json --file order.json
        [[ $output == *"$2"* ]] || { echo "\"$2\" is not in: $output" && return 1; }
    }
    refused '.recipients[1].header.epk.y = .recipients[1].header.epk.x' 'header/epk: x and y are not a point on P-256'
    refused '.recipients[1].header.epk.crv = "P-521"' 'the curve is neither P-256 nor P-384'
    refused '.recipients[1].encrypted_key |= .[:20]' 'recipients/1/encrypted_key: is not base64url of 40 to 40 bytes'
    refused '.recipients[1].encrypted_key |= .[:-1] + "!"' 'recipients/1/encrypted_key'
    refused '.iv = "AAAA"' '/iv: is not base64url of 12 to 12 bytes'
    refused '.tag |= .[:-2]' '/tag: is not base64url of 16 to 16 bytes'
    refused '.recipients[0].header.p2c = 2147483648' header/p2c file:words
    refused '.recipients[0].header.p2c = -1' 'keystore.json:' file:words
    refused '.recipients[0].header.p2s = "AA"' header/p2s file:words
    refused '.unprotected = {"alg": "dir"}' 'alg stands in more than one of its headers' file:words
    refused '.protected = "eyJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0"' zip
}

@test "wrong usage: exit 2, and nothing is made" {
    for words in '' nonsense 'create x.json' 'add-recipient' 'remove-recipient' \
        'remove-recipient --kid a --passphrase' 'list --passphrase' 'list keystore.json one-too-many' \
        'create x.json --kid a' 'create x.json --passphrase --generate ECDH-ES+A256KW' \
        'change-passphrase --recipient pkcs11:token=a' 'list --environment A=b' 'create x.json --passphrase=hunter2' \
        'create x.json --passphrase --environment LD_PRELOAD=x'; do
        # shellcheck disable=SC2086
        run -2 georder keystore $words
        [[ $output != *one-too-many* && $output != *hunter2* ]]
    done
    [ ! -e x.json ]
    run -9 georder keystore list none.json
    [[ $output == *'none.json'* ]]
    run -0 georder keystore --help
    [[ $output == *'georder keystore remove-recipient'* ]]
}

@test "the file: strong parameters, one content key, fresh vectors, mode 0600, nothing in clear" {
    jq -e '.georder_keystore == 1 and (.secrets | keys == ["cloudflare-api-token", "georder-audit"])
        and .recipients == [{"alg": "PBES2-HS512+A256KW"}]
        and ([.secrets[], .check | .protected == "eyJlbmMiOiJBMjU2R0NNIn0"] | all)
        and ([.secrets[], .check | .recipients[].header | .alg == "PBES2-HS512+A256KW" and .p2c >= 210000] | all)
        and ([.secrets[], .check | .recipients[].encrypted_key] | unique | length == 1)
        and ([.secrets[], .check | .iv] | unique | length == 3)' keystore.json
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
