# shellcheck shell=bash
# People who approve, with keys of the real ssh-keygen: `load approve` after helper and home,
# people_make in setup_file. Approvals lie in FILE.sig/PRINCIPAL.sig.

# people_make NAME...: a key each, in $PEOPLE.
people_make() {
    local name
    export PEOPLE=$BATS_FILE_TMPDIR/people
    mkdir -p "$PEOPLE"
    for name; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$PEOPLE/$name" || return 1; done
}

# person NAME [MEMBERS]: what a trust list says of NAME@example.com, changed by a jq filter.
person() {
    jq -nc --arg name "$1" --arg key "$(cut -d' ' -f1,2 "$PEOPLE/$1.pub")" \
        "{principal: \"\(\$name)@example.com\", groups: [\"pki-oncall\"], keys: [{key: \$key}]} | ${2:-.}"
}

# approvers REVISION THRESHOLD NAME|OBJECT...: writes the home's trust list.
approvers() {
    local revision=$1 threshold=$2 one
    for one in "${@:3}"; do
        if [[ $one == '{'* ]]; then echo "$one"; else person "$one"; fi
    done | jq -s --argjson revision "$revision" --argjson threshold "$threshold" \
        '{georder_approvers: 1, revision: $revision, threshold: $threshold, approvers: .}' >"$HOUSE/approvers.json"
    rm -rf "$HOUSE/approvers.json.sig"
}

# sign FILE NAMESPACE NAME...: each signs the file as it is, for georder-NAMESPACE@georder.
sign() {
    local file=$1 namespace=$2 name
    mkdir -p "$file.sig"
    for name in "${@:3}"; do
        ssh-keygen -q -Y sign -n "georder-$namespace@georder" -f "$PEOPLE/$name" <"$file" \
            >"$file.sig/$name@example.com.sig" || return 1
    done
}

# As a person approves what they reviewed. policy_signed and list_signed take NAME...
policy_signed() {
    rm -rf "$HOUSE/policy.json.sig"
    sign "$HOUSE/policy.json" policy "$@"
}

list_signed() {
    rm -rf "$HOUSE/approvers.json.sig"
    sign "$HOUSE/approvers.json" approvers "$@"
}

# Nothing was tried: no connection, and the log is as it was, or has EVENTS more.
nothing_sent() { # EVENTS
    [ "$(connections)" = 0 ]
    [ "$(events)" = "$1" ]
    verified
}

# Who makes a request, by georder: whoever logged in, or else who runs this.
me() {
    local uid
    uid=$(cat /proc/self/loginuid 2>/dev/null) || uid=4294967295
    [[ $uid != 4294967295 ]] || uid=$(id -u)
    id -un "$uid"
}
