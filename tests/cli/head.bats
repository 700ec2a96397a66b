#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
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
