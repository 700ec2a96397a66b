#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# The log's head on a token, and policies that require it: what is seen of a log that was cut, rolled
# back, cloned or signed anew by who owns the disk and even the audit key's use.

bats_require_minimum_version 1.5.0

setup_file() {
    load helper
    load home
    home_template
}

setup() {
    load helper
    load home
    home_copy
}

teardown() {
    rehearsal_stop
}

order() { # [ARGUMENT...]
    georder order --file "$HOUSE/order.json" "$@"
}

@test "an anchor that the policy requires and the config does not have: exit 10, recorded, nothing is sent" {
    local anchor
    home_listen
    for anchor in hsm-head witness timestamp; do
        policy_edit ".audit.require = [\"$anchor\"]"
        run --separate-stderr -10 order --again
        [[ $stderr == *"the policy requires the log's anchor $anchor (audit.require): the config names none"* ]]
        [[ $(events) == *'order.intent order.not_sent' ]]
    done
    [ "$(requests)" = 0 ]
    verified
}

module=/usr/lib/softhsm/libsofthsm2.so

head_configure() { # a head on the home's token
    local uri="pkcs11:token=georder;object=georder-head;type=data?module-path=$module&pin-source=file:pin"
    home_edit georder.json ".audit.head = \"$uri\""
}

# A home that orders, with a head on its token, which the policy requires.
head_start() {
    home_listen
    policy_edit '.audit.require = ["hsm-head"]'
    head_configure
    georder audit head --create --quiet
}

# What an attacker with the PIN, or without it, has.
tool() { # ARGUMENT...
    SOFTHSM2_CONF=$HOUSE/softhsm2.conf pkcs11-tool --module "$module" --token-label georder "$@"
}

tool_logged_in() {
    PIN=$(<"$HOUSE/pin") tool --login --pin env:PIN "$@"
}

heads() { # how many objects there are
    tool_logged_in --list-objects --type data 2>/dev/null | grep -c 'label: *.georder-head'
}

head_size() {
    georder audit head --json | jq .head.size
}

# shim_head FAULT...: a token with faults (tests/shim). SoftHSM cannot be loaded twice, so all is on it.
shim_head() {
    local shim=$GEORDER_BUILD/tests/shim.so
    mkdir -p "$HOUSE/shim"
    : >"$HOUSE/shim/calls"
    printf '%s\n' "$@" >"$HOUSE/shim/faults"
    home_edit georder.json "(.credential, .audit.signing_key, .audit.head) |= sub(\"$module\"; \"$shim\")
        | .pkcs11.environment.SHIM_DIRECTORY = \"shim\"
        | .pkcs11.modules[\"shim.so\"] = {read: [\"softhsm2.conf\"], write: [\"shim\", \"tokens\"]}"
}

shim_end() {
    : >"$HOUSE/shim/faults"
}

# Everything but the token: what the disk's owner can bring back.
disk_save() { # NAME
    rm -rf "${BATS_TEST_TMPDIR:?}/$1"
    cp -a "$HOUSE/audit" "$BATS_TEST_TMPDIR/$1"
}

disk_restore() { # NAME
    rm -rf "$HOUSE/audit"
    cp -a "$BATS_TEST_TMPDIR/$1" "$HOUSE/audit"
}

token_save() {
    cp -a "$HOUSE/tokens" "$BATS_TEST_TMPDIR/tokens.saved"
}

token_restore() {
    rm -r "$HOUSE/tokens"
    cp -a "$BATS_TEST_TMPDIR/tokens.saved" "$HOUSE/tokens"
}

# The attacker's own run of georder, with the key but without the head.
headless() { # ARGUMENT...
    jq 'del(.audit.head)' "$HOUSE/georder.json" >"$HOUSE/headless.json"
    "$GEORDER" "$1" --config "$HOUSE/headless.json" "${@:2}"
}

# The verdict of whoever asks the head, and that nothing is appended or sent any more. Without the
# head, nobody would know: the log verifies.
refused() { # VERDICT
    local before
    verified
    run --separate-stderr -10 georder audit verify --head --json
    [ "$(jq -r .head.verdict <<<"$output")" = "$1" ]
    run --separate-stderr -10 georder audit head
    [[ $output == "head $1: "* ]]
    run --separate-stderr -10 georder doctor --json
    [[ $(jq -r '.checks[] | select(.ok | not) | "\(.check): \(.text)"' <<<"$output") == \
        "anchors: the log does not agree with its head: $1: "* ]]
    before=$(posts)
    disk_save before
    run --separate-stderr -10 order --again
    [[ $stderr == *"$1: "*'nothing is appended'* ]]
    [ "$(posts)" = "$before" ]
    diff -r "$HOUSE/audit" "$BATS_TEST_TMPDIR/before"
}

@test "each record has its checkpoint on the token, in one object" {
    head_start
    [ "$(events)" = 'log.created log.anchored' ]
    [ "$(head_size)" = 2 ]
    run -0 order
    [ "$(head_size)" = "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
    [ "$(heads)" = 1 ]
    run -0 georder audit verify --head
    [[ $output == *'head intact: the log'"'"'s head is of '*' records, and they are the first that are there'* ]]
    [ "$(georder audit head --json | jq -r .note)" = "$(<"$HOUSE/audit/checkpoint")" ]
}

@test "doctor reads the head, and names what the policy requires and the config lacks" {
    run -0 georder doctor
    [[ $output == *'ok   anchors     head on a token: none, witnesses: 0, timestamps: none'* ]]
    head_start
    run -0 georder doctor
    [[ $output == *'ok   anchors     head on a token: 2 records, witnesses: 0, timestamps: none'* ]]
    tool_logged_in --delete-object --type data --label georder-head >/dev/null
    run -10 georder doctor
    [[ $output == *"FAIL anchors     the log's head is gone: "* ]]
    home_edit georder.json '.audit.head |= sub("token=georder"; "token=nothing")'
    run -9 georder doctor
    [[ $output == *'FAIL anchors '*'no token matches'* ]]
    policy_edit '.audit.require = ["witness"]'
    run -10 georder doctor
    [[ $output == *"FAIL anchors     the policy requires the log's anchor witness (audit.require): the config names none"* ]]
}

@test "rolled back: records cut off at the end, checkpoint and all" {
    head_start
    disk_save early
    run -0 order
    disk_restore early
    refused rolled_back
}

@test "rolled back: the whole home but the token is an old snapshot" {
    head_start
    cp -a "$HOUSE" "$BATS_TEST_TMPDIR/snapshot"
    run -0 order
    rm -r "$BATS_TEST_TMPDIR/snapshot/tokens"
    mv "$HOUSE/tokens" "$BATS_TEST_TMPDIR/snapshot/"
    rm -r "$HOUSE"
    mv "$BATS_TEST_TMPDIR/snapshot" "$HOUSE"
    refused rolled_back
}

@test "forked: a clone of the host went on with the same token" {
    head_start
    run -0 order
    disk_save ours
    run -0 order --again
    disk_restore ours
    policy_edit 'del(.audit)'
    run -0 headless order --file "$HOUSE/order.json" --again
    policy_edit '.audit.require = ["hsm-head"]'
    refused forked
}

@test "forked: a longer log that the same key has signed anew" {
    local i
    head_start
    disk_save early
    run -0 order
    disk_restore early
    policy_edit 'del(.audit)'
    for i in 1 2 3; do
        run -0 headless order --file "$HOUSE/order.json" --again
    done
    policy_edit '.audit.require = ["hsm-head"]'
    refused forked
}

@test "forked: the last record is made once more, later, by the same key" {
    head_start
    policy_edit 'del(.audit)'
    disk_save early
    run -3 georder order --file "$HOUSE/denied.json"
    disk_restore early
    run -3 headless order --file "$HOUSE/denied.json"
    policy_edit '.audit.require = ["hsm-head"]'
    refused forked
}

@test "the head is destroyed: nothing is appended until somebody makes it anew, and that is recorded" {
    head_start
    run -0 order
    tool_logged_in --delete-object --type data --label georder-head >/dev/null
    run --separate-stderr -10 order --again
    [[ $stderr == *"the log's head is gone: "*'audit head --create'* ]]
    run -10 georder audit head
    run --separate-stderr -10 georder audit verify --head
    [ "$(posts)" = 1 ]
    run -0 georder audit head --create
    [[ $(events) == *' log.anchored' ]]
    run -0 order --again
    run -2 georder audit head --create
}

@test "somebody with the PIN writes something else: it is neither believed nor replaced" {
    local text
    head_start
    run -0 order
    for text in garbage $'other.example/log\n9\nAAAA\n\nx'; do
        tool_logged_in --delete-object --type data --label georder-head >/dev/null
        printf %s "$text" >"$BATS_TEST_TMPDIR/garbage"
        tool_logged_in --write-object "$BATS_TEST_TMPDIR/garbage" --type data --private \
            --label georder-head --application-label georder >/dev/null
        refused malformed
    done
}

@test "somebody without the PIN puts a public object beside it: it is not believed" {
    head_start
    run -0 order
    cp "$HOUSE/audit/checkpoint" "$BATS_TEST_TMPDIR/planted"
    run -0 order --again
    tool --write-object "$BATS_TEST_TMPDIR/planted" --type data --label georder-head \
        --application-label 'georder 999' >/dev/null
    run --separate-stderr -9 georder audit head
    [[ $stderr == *'not private, it can be written without a PIN'* ]]
    run --separate-stderr -10 order --again
    [[ $stderr == *"requires the log's anchor hsm-head"*'not private'* ]]
    [ "$(posts)" = 2 ]
}

@test "a head that is behind, as after a crash, is no fault, and the next append makes up for it" {
    head_start
    run -0 order
    token_save
    run -0 order --again
    token_restore
    [ "$(head_size)" -lt "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
    run -0 georder audit verify --head
    run -0 order --again
    [ "$(head_size)" = "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
}

@test "the head cannot be written: the intent is recorded, the order is not sent, and that is recorded too" {
    head_start
    shim_head 'C_CreateObject 1 0x31 sticky'
    run --separate-stderr -10 order
    [[ $stderr == *"the policy requires the log's anchor hsm-head (audit.require): audit.head: "*"the token is full; name another token in audit.head"* ]]
    [[ $(events) == *'order.intent order.not_sent' ]]
    [ "$(posts)" = 0 ]
    shim_end
    run -0 order
    [ "$(head_size)" = "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
}

@test "the head's token is out of reach: the same; without the policy's demand a note, and the order goes" {
    head_start
    home_edit georder.json '.audit.head |= sub("token=georder"; "token=elsewhere")'
    run --separate-stderr -10 order
    [[ $stderr == *"the policy requires the log's anchor hsm-head (audit.require): audit.head: no token matches"* ]]
    [[ $(events) == *'order.intent order.not_sent' ]]
    [ "$(posts)" = 0 ]
    run -9 georder audit verify --head
    policy_edit 'del(.audit)'
    run --separate-stderr -0 order
    [[ $stderr == *"note: the log's head is behind the log: audit.head: no token matches"* ]]
    [ "$(posts)" = 1 ]
    head_configure
    run -0 georder audit verify --head
}

# Of georder-keys there is a spare one, so it is killed twice.
@test "killed between the checkpoint and the head: the head is the one before, and is made up for" {
    head_start
    run -0 order
    shim_head 'C_CreateObject 1 crash' 'C_CreateObject 2 crash'
    run --separate-stderr -9 order --again
    [ "$(posts)" = 1 ]
    [[ $(events) == *' order.intent' ]]
    shim_end
    [ "$(head_size)" -lt "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
    run -0 georder audit verify --head
    run -0 order --again
    [ "$(head_size)" = "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
    [ "$(heads)" = 1 ]
}

@test "killed while the head is replaced, or before it is told so: one of the two is there, whole" {
    local fault
    head_start
    for fault in 'C_CreateObject 1 0x30 late' 'C_DestroyObject 1 crash' 'C_DestroyObject 1 0x30'; do
        shim_head "$fault"
        run --separate-stderr -0 order --again
        shim_end
        run -0 georder audit verify --head
        [ "$(head_size)" = "$(georder audit checkpoint --json | jq .checkpoint_size)" ]
        run -0 order --again
        [ "$(heads)" = 1 ]
    done
}

@test "processes that append at once never take the head for another's" {
    local i pids=()
    head_start
    for i in 1 2 3 4; do
        georder order --file "$HOUSE/denied.json" >"$BATS_TEST_TMPDIR/out.$i" 2>&1 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || true # 3, or 9: SoftHSM does not always open when several do so at once
    done
    [[ $(events) == *' order.denied'* ]]
    cat "$BATS_TEST_TMPDIR"/out.*
    run ! grep -l 'rolled\|forked\|behind' "$BATS_TEST_TMPDIR"/out.*
    run -0 georder audit verify --head
}

@test "a head that the config cannot mean: exit 11, or 9, and where" {
    head_configure
    home_edit georder.json '.audit.head = "keystore:keys.json?name=head"'
    run --separate-stderr ! georder audit head
    [[ $stderr == *"audit.head: the log's head has to be a data object on a token"* ]]
    home_edit georder.json 'del(.audit.head)'
    run --separate-stderr -11 georder audit head
    [[ $stderr == *'names no head for the log: write audit.head'* ]]
}
