#!/usr/bin/env bats
# policy sign and verify, with the real ssh-keygen on the other side.
# shellcheck disable=SC2016,SC2154

load helper
load home

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 022
    jq '.effective = "2020-01-01T00:00:00Z" | .expires = "2099-01-01T00:00:00Z"' \
        "$GEORDER_SOURCE/policy/example.json" >policy.json
    key alice && key bob && key carol
    trust_list 1 2 alice bob >approvers.json
}

teardown() {
    [[ -z ${SSH_AGENT_PID:-} ]] || kill "$SSH_AGENT_PID"
}

key() { # NAME [ssh-keygen OPTION...]
    ssh-keygen -q -N '' -C "$1" -f "$1" -t ed25519 "${@:2}"
}

# trust_list REVISION THRESHOLD NAME...: each with NAME.pub
trust_list() {
    local name
    for name in "${@:3}"; do
        jq -n --arg name "$name" --arg key "$(cat "$name.pub")" \
            '{principal: "\($name)@example.com", users: [$name], groups: ["pki-oncall"], keys: [{key: $key}]}'
    done | jq -s --argjson revision "$1" --argjson threshold "$2" \
        '{georder_approvers: 1, revision: $revision, threshold: $threshold, approvers: .}'
}

# approve FILE NAMESPACE NAME [KEY]
approve() {
    mkdir -p "$1.sig"
    ssh-keygen -Y sign -q -n "$2" -f "${4:-$3}" <"$1" >"$1.sig/$3@example.com.sig"
}

policy() { # VERB ARGUMENT...
    run --separate-stderr env -i "$GEORDER" policy "$@"
}

verify() {
    policy verify "$@" --approvers approvers.json
}

# stock NAME FILE NAMESPACE [FILE OF KEY]: what an auditor without georder does
stock() {
    printf '%s@example.com namespaces="%s" %s\n' "$1" "$3" "$(cat "${4:-$1.pub}")" >allowed
    ssh-keygen -Y verify -f allowed -I "$1@example.com" -n "$3" -s "$2.sig/$1@example.com.sig" <"$2" >/dev/null
}

@test "sign tells the commands, which run as they are told, then checks what they made" {
    policy sign policy.json --principal alice@example.com --approvers approvers.json
    [ "$status" = 0 ]
    [ -z "$stderr" ]
    [[ $output == "policy.json: policy, revision 7, sha256 $(sha256sum policy.json | cut -d' ' -f1)"* ]]
    mkdir .ssh && cp alice .ssh/id_ed25519
    grep -E '^  (mkdir -p|ssh-keygen .*<) ' <<<"$output" >commands
    [ "$(wc -l <commands)" = 2 ]
    sed -i "s|~/.ssh|.ssh|" commands
    bash -eu commands
    stock alice policy.json georder-policy@georder
    policy sign policy.json --principal alice@example.com --approvers approvers.json
    [ "$status" = 0 ]
    [[ $output == *$'\n  alice@example.com.sig '*' valid: ssh-ed25519 '"$(ssh-keygen -l -f alice | cut -d' ' -f2)" ]]
}

@test "sign: a file's name is quoted for the shell, and a copy signed by its name is the same" {
    cp policy.json "it's a policy.json"
    policy sign "it's a policy.json" --principal bob@example.com --approvers approvers.json --json
    [ "$status" = 0 ]
    jq -r '.commands[]' <<<"$output" | sed 's|~/.ssh/id_ed25519|bob|' >commands
    bash -eu commands
    policy sign "it's a policy.json" --principal bob@example.com --approvers approvers.json --json
    jq -e '.exit == 0 and .signature.valid and .signature.principal == "bob@example.com" and .file.kind == "policy"
        and .file.namespace == "georder-policy@georder"' <<<"$output"
    # As on Windows: the file by its name, through no pipe.
    cp policy.json alice@example.com
    ssh-keygen -Y sign -q -f alice -n georder-policy@georder alice@example.com
    mkdir policy.json.sig && mv alice@example.com.sig policy.json.sig
    policy sign policy.json --principal alice@example.com --approvers approvers.json
    [ "$status" = 0 ]
}

@test "sign: a signature that does not count is exit 11 with the reason" {
    approve policy.json georder-order@georder alice
    policy sign policy.json --principal alice@example.com --approvers approvers.json
    [ "$status" = 11 ]
    [ "$stderr" = 'georder policy: policy.json.sig/alice@example.com.sig: not valid: was signed for "georder-order@georder", not for "georder-policy@georder": sign with -n georder-policy@georder' ]
    rm -r policy.json.sig
    approve policy.json georder-policy@georder alice bob
    policy sign policy.json --principal alice@example.com --approvers approvers.json --json
    [ "$status" = 11 ]
    jq -e '.exit == 11 and (.signature.valid | not) and (.signature.why | startswith("the key is not of alice@example.com but of bob@example.com"))' <<<"$output"
    approve policy.json georder-policy@georder carol
    policy sign policy.json --principal carol@example.com --approvers approvers.json
    [[ $status == 11 && $stderr == *'carol@example.com is not in approvers.json' ]]
}

@test "sign: who signs is found by the login name" {
    jq --arg user "$(id -un)" '.approvers[1].users += [$user]' approvers.json >list && mv list approvers.json
    policy sign policy.json --approvers approvers.json --json
    jq -e '.exit == 0 and .principal == "bob@example.com"' <<<"$output"
    jq --arg user "$(id -un)" '.approvers[0].users += [$user]' approvers.json >list && mv list approvers.json
    policy sign policy.json --approvers approvers.json
    [[ $status == 2 && $stderr == *'say --principal NAME, who signs'* ]]
    policy sign policy.json --approvers approvers.json --principal 'a; rm -rf /'
    [[ $status == 2 && $stderr == *'--principal: not a principal'* ]]
}

@test "only a valid policy, trust list or request is signed" {
    jq '.rules[0].colour = 1' policy.json >bad.json
    policy sign bad.json --principal alice@example.com
    [[ $status == 11 && $stderr == *'bad.json:'*'/rules/0/colour: unknown member'* ]]
    jq '.threshold = 3' approvers.json >bad.json
    policy sign bad.json --principal alice@example.com
    [[ $status == 11 && $stderr == *'/threshold: must be an integer from 1 to 2'* ]]
    echo '{"georder_request": 1}' >bad.json
    policy verify bad.json --approvers approvers.json
    [[ $status == 11 && $stderr == *'member "nonce" is missing'* ]]
    echo '{"zone": "example.com", "georder_policy": 1}' >bad.json
    policy sign bad.json --principal alice@example.com
    [[ $status == 11 && $stderr == *'its first member must be'* ]]
    policy sign
    [[ $status == 2 && $stderr == *'name a file'* ]]
    policy verify nothing.json
    [[ $status == 11 && $stderr == *'does not exist'* ]]
    policy verify policy.json --approvers "$(head -c 5000 /dev/zero | tr '\0' a)"
    [[ $status == 11 && $stderr == *'the path of the trust list is too long'* ]]
}

@test "verify: who approved what, and whether they are enough" {
    approve policy.json georder-policy@georder alice
    verify policy.json
    [ "$status" = 11 ]
    [ "$stderr" = 'georder policy: policy.json: approved by 1 of the 2 people needed' ]
    approve policy.json georder-policy@georder bob
    approve policy.json georder-policy@georder carol
    touch policy.json.sig/README
    verify policy.json
    [ "$status" = 0 ]
    [ "$stderr" = 'note: policy.json.sig: names that do not end in .sig: 1' ]
    [ "$(wc -l <<<"$output")" = 6 ]
    [[ $output == *$'\n  alice@example.com.sig '*'valid: ssh-ed25519 SHA256:'* ]]
    [[ $output == *'carol@example.com.sig '*'not valid: carol@example.com is not in approvers.json (ssh-ed25519 SHA256:'* ]]
    [[ $output == *$'\n  approved by 2 of 2 needed' ]]
    stock alice policy.json georder-policy@georder
    stock bob policy.json georder-policy@georder
    run ! stock alice policy.json georder-approvers@georder
}

@test "verify --json" {
    approve policy.json georder-policy@georder alice
    approve policy.json georder-policy@georder bob alice
    verify policy.json --json
    [ "$status" = 11 ]
    jq -es --arg sum "$(sha256sum policy.json | cut -d' ' -f1)" --arg list "$(sha256sum approvers.json | cut -d' ' -f1)" \
        'length == 1 and (.[0] | .exit == 11 and .result == "config" and .file.sha256 == $sum and .file.revision == 7
        and .approvers.sha256 == $list and .approvers.threshold == 2 and .approvers.people == 1 and (.approvers.met | not)
        and [.approvers.signatures[] | [.principal, .key_type, .valid]] == [["alice@example.com", "ssh-ed25519", true], ["bob@example.com", "ssh-ed25519", false]]
        and (.approvers.signatures[1].why | startswith("the key is not of bob@example.com")) and .approvers.signatures[0].why == null)' <<<"$output"
}

@test "verify: a changed byte of the policy takes all approvals away" {
    approve policy.json georder-policy@georder alice
    approve policy.json georder-policy@georder bob
    verify policy.json --quiet
    [[ $status == 0 && -z $output$stderr ]]
    echo >>policy.json
    verify policy.json
    [[ $status == 11 && $output == *'approved by 0 of 2 needed' ]]
    sed -i 's/$/\r/' policy.json
    verify policy.json
    [[ $status == 11 && $output == *'is not over these bytes'* ]]
}

@test "verify: a new trust list needs the threshold of the old one and its own" {
    trust_list 2 2 bob carol >new.json
    approve new.json georder-approvers@georder bob
    approve new.json georder-approvers@georder carol
    verify new.json
    [[ $status == 11 && $stderr == 'georder policy: new.json: the new trust list, by the list in force: approved by 1 of the 2'* ]]
    approve new.json georder-approvers@georder alice
    verify new.json --json
    [ "$status" = 0 ]
    jq -e '.in_force.people == 2 and .in_force.revision == 1 and .in_force.met and .approvers.people == 2 and .approvers.revision == 2 and .approvers.met' <<<"$output"
    rm new.json.sig/carol@example.com.sig
    verify new.json
    [[ $status == 11 && $stderr == 'georder policy: new.json: the new trust list, by itself: approved by 1 of the 2'* ]]
    trust_list 1 2 bob carol >new.json
    verify new.json
    [[ $status == 11 && $stderr == *'has revision 1, the one in force 1: a change needs a higher one' ]]
}

@test "verify: the first trust list by its own threshold" {
    approve approvers.json georder-approvers@georder alice
    verify approvers.json
    [[ $status == 11 && $stderr == *'by itself: approved by 1 of the 2'* ]]
    approve approvers.json georder-approvers@georder bob
    verify approvers.json
    [ "$status" = 0 ]
    policy verify approvers.json
    [ "$status" = 0 ]
}

@test "the trust list: named by the config, beside it, or none" {
    approve policy.json georder-policy@georder alice
    approve policy.json georder-policy@georder bob
    policy verify policy.json
    [[ $status == 11 && $stderr == *'there is no trust list to hold it against'* ]]
    jq -n '{policy: "policy.json", credential: "keystore:k?name=c",
            audit: {directory: "audit", origin: "a/b", signing_key: "keystore:k?name=s"}}' >georder.json
    policy verify policy.json --config georder.json
    [ "$status" = 0 ]
    mkdir lists && mv approvers.json lists/people.json
    policy verify policy.json --config georder.json
    [ "$status" = 11 ]
    jq '.approvers = "lists/people.json"' georder.json >new && mv new georder.json
    policy verify policy.json --config georder.json
    [[ $status == 0 && $output == *lists/people.json* ]]
}

@test "signatures that others could write, symbolic links and large files are refused" {
    approve policy.json georder-policy@georder alice
    chmod 777 policy.json.sig
    verify policy.json
    [[ $status == 11 && $stderr == *'policy.json.sig'*'writable'* ]]
    chmod 755 policy.json.sig
    chmod 666 policy.json.sig/alice@example.com.sig
    verify policy.json
    [[ $status == 11 && $stderr == *'alice@example.com.sig'*'writable'* ]]
    chmod 644 policy.json.sig/alice@example.com.sig
    ln -s alice@example.com.sig policy.json.sig/bob@example.com.sig
    verify policy.json
    [[ $status == 11 && $stderr == *'is a symbolic link'* ]]
    rm policy.json.sig/bob@example.com.sig
    head -c 20000 /dev/zero >policy.json.sig/bob@example.com.sig
    verify policy.json
    [[ $status == 11 && $stderr == *'larger than 16384 bytes'* ]]
    rm policy.json.sig/bob@example.com.sig
    chmod 666 approvers.json
    verify policy.json
    [[ $status == 11 && $stderr == *'approvers.json'*'writable'* ]]
}

@test "what a signature says of itself comes out inert on a terminal" {
    mkdir policy.json.sig
    ssh-keygen -Y sign -q -n $'\e]0;owned\a' -f alice <policy.json >policy.json.sig/alice@example.com.sig
    verify policy.json
    [[ $status == 11 && $output == *'was signed for'* && $output$stderr != *$'\e'* && $output$stderr != *$'\a'* ]]
    printf x >policy.json.sig/$'\e[31mred.sig'
    verify policy.json
    [[ $status == 11 && $output$stderr != *$'\e'* ]]
}

@test "every type of key, through an agent too, and ssh-keygen agrees" {
    local type
    rm alice bob carol
    key ecdsa256 -t ecdsa -b 256
    key ecdsa384 -t ecdsa -b 384
    key ecdsa521 -t ecdsa -b 521
    key rsa3072 -t rsa -b 3072
    key agent
    trust_list 1 5 ecdsa256 ecdsa384 ecdsa521 rsa3072 agent >approvers.json
    for type in ecdsa256 ecdsa384 ecdsa521 rsa3072; do
        approve policy.json georder-policy@georder "$type"
    done
    eval "$(ssh-agent -s)" >/dev/null
    ssh-add -q agent
    rm agent
    approve policy.json georder-policy@georder agent agent.pub
    verify policy.json
    [[ $status == 0 && $output == *'approved by 5 of 5 needed' ]]
    for type in ecdsa256 ecdsa384 ecdsa521 rsa3072 agent; do
        stock "$type" policy.json georder-policy@georder
    done
}

@test "a key that never leaves a PKCS#11 token, through ssh-agent" {
    local module
    module=$(realpath /usr/lib/softhsm/libsofthsm2.so)
    [ -e "$module" ]
    mkdir tokens
    echo "directories.tokendir = $PWD/tokens" >softhsm2.conf
    export SOFTHSM2_CONF=$PWD/softhsm2.conf SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force
    printf '#!/bin/sh\necho 1234\n' >askpass && chmod +x askpass
    softhsm2-util --init-token --free --label card --pin 1234 --so-pin 12345678 >/dev/null
    pkcs11-tool --module "$module" --token-label card --login --pin 1234 --keypairgen --key-type EC:prime256v1 --label c --id 01 >/dev/null 2>&1
    eval "$(ssh-agent -s -P "$module")" >/dev/null
    ssh-add -q -s "$module"
    ssh-keygen -D "$module" | head -n 1 >card.pub
    trust_list 1 1 card >approvers.json
    approve policy.json georder-policy@georder card card.pub
    verify policy.json
    [[ $status == 0 && $output == *'valid: ecdsa-sha2-nistp256 '* ]]
    stock card policy.json georder-policy@georder
}

# request_of USER: as `georder order --prepare` writes it, for a policy whose rule wants two people
request_of() {
    jq '.rules[0] += {approvals: {count: 2, from: ["pki-oncall"]}}' policy.json >dual.json
    local body='{"type":"advanced","hosts":["example.com"],"validation_method":"txt","validity_days":90,"certificate_authority":"google","cloudflare_branding":false}'
    jq -n --arg user "$1" --arg sum "$(sha256sum dual.json | cut -d' ' -f1)" --arg body "$(printf %s "$body" | sha256sum | cut -d' ' -f1)" \
        --arg created "$(date -u -d '1 hour ago' +%FT%TZ)" --arg expires "$(date -u -d '1 hour' +%FT%TZ)" \
        '{georder_request: 1, requester: $user, origin: "a/b", created: $created, expires: $expires,
          order: {zone: "example.com", hosts: ["example.com"], type: "advanced", certificate_authority: "google",
            validity_days: 90, validation_method: "txt", cloudflare_branding: false, geo_restrictions: {label: "eu"}},
          policy: {revision: 7, sha256: $sum}, zone_id: "023e105f4ecef8ad9ca31a8372d0c353",
          body_sha256: $body, nonce: "00112233445566778899aabbccddeeff"}' >request.json
    rm -rf request.json.sig
}

@test "verify: a request, by what the policy demands of its order; its requester does not count" {
    trust_list 1 1 alice bob carol >approvers.json
    request_of alice
    approve request.json georder-order@georder alice
    approve request.json georder-order@georder bob
    verify request.json --policy dual.json
    [ "$status" = 11 ]
    [[ $output == *'alice@example.com.sig '*'not valid: made the request, and nobody approves their own'* && $stderr == *'request.json: denied by policy'* ]]
    approve request.json georder-order@georder carol
    verify request.json --policy dual.json
    [ "$status" = 0 ]
    [[ $output == *'permitted by rule eu-production'* ]]
    stock carol request.json georder-order@georder
    # Also without a login name in the list, alice is who requested it.
    jq 'del(.approvers[].users)' approvers.json >list && mv list approvers.json
    rm request.json.sig/carol@example.com.sig
    verify request.json --policy dual.json
    [[ $status == 11 && $output == *'nobody approves their own'* ]]
    verify request.json --policy policy.json
    [[ $status == 11 && $stderr == *'was made under policy revision 7'* ]]
    verify request.json
    [[ $status == 11 && $stderr == *'no config'* ]]
}

@test "verify: a request that would send something else than its order is told: exit 11" {
    local member
    trust_list 1 1 alice bob carol >approvers.json
    for member in body_sha256 zone_id; do
        request_of alice
        jq --arg member "$member" '.[$member] |= sub("^."; "f")' request.json >new && mv new request.json
        approve request.json georder-order@georder bob
        approve request.json georder-order@georder carol
        verify request.json --policy dual.json
        [[ $status == 11 && $stderr == *'body_sha256 and zone_id are not those of its order'* ]]
    done
}

@test "verify: a request that is over, or that the policy denies for another reason" {
    trust_list 1 1 alice bob carol >approvers.json
    request_of alice
    jq --arg past "$(date -u -d '1 minute ago' +%FT%TZ)" '.expires = $past' request.json >new && mv new request.json
    approve request.json georder-order@georder bob
    approve request.json georder-order@georder carol
    verify request.json --policy dual.json
    [[ $status == 11 && $stderr == *'expired at '*'prepare another request' ]]
    request_of alice
    jq '.order.hosts += ["a.pay.example.com"]' request.json >new && mv new request.json
    approve request.json georder-order@georder bob
    approve request.json georder-order@georder carol
    verify request.json --policy dual.json
    [[ $status == 3 && $output == *"a.pay.example.com is covered by no permit rule"* ]]
}
