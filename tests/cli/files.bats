#!/usr/bin/env bats
# Files from outside: whose they are, how they are reached, what is in them. What is unsafe or not
# exactly right is refused, with the place and what to do. Nothing here needs the API.
# shellcheck disable=SC2016,SC2030,SC2031

load helper
load home

setup_file() {
    home_template
}

setup() {
    home_copy
    cd "$HOUSE" || return 1
    mkdir template
    jq --arg policy "$HOUSE/policy.json" '.policy = $policy' georder.json >template/config.json
    cp policy.json order.json template
}

# fresh KIND: sets DIRECTORY and FILE, a good file of that kind in a directory of its own.
fresh() {
    DIRECTORY=$HOUSE/$1 FILE=$HOUSE/$1/$1.json
    rm -rf "$DIRECTORY" "$DIRECTORY.real"
    mkdir "$DIRECTORY"
    cp "template/$1.json" "$FILE"
}

# The command that reads FILE as a config, a policy or an order. None may hang.
judge() { # KIND
    case $1 in
    config) run timeout 10 "$GEORDER" check --config "$FILE" --file order.json ;;
    policy) run timeout 10 "$GEORDER" check --policy "$FILE" --file order.json ;;
    order) run timeout 10 "$GEORDER" check --policy policy.json --file "$FILE" ;;
    esac
}

accepted() { # KIND
    judge "$1"
    [[ $status == 0 ]] || { echo "$1: exit $status: $output" >&2 && return 1; }
}

# refused KIND TEXT: exit 11, of an order 2, and one line that names the file and has TEXT.
refused() {
    local code=11
    [[ $1 != order ]] || code=2
    judge "$1"
    [[ $status == "$code" && ${#lines[@]} == 1 && $output == "georder check: $FILE:"*"$2"* ]] || {
        printf '%s: exit %s instead of %s, or no "%s" in: %s\n' "$1" "$status" "$code" "$2" "$output" >&2
        return 1
    }
}

# each CHANGE TEXT: all three kinds are refused after CHANGE, whose $FILE and $DIRECTORY they are.
each() {
    local kind text
    for kind in config policy order; do
        fresh "$kind"
        accepted "$kind"
        eval "$1"
        text=${2//FILE/$FILE}
        refused "$kind" "${text//DIRECTORY/$DIRECTORY}"
    done
}

as_root() {
    [ "$(id -u)" = 0 ] || skip 'only root can give files away'
}

@test "writable by group or others" {
    each 'chmod 620 "$FILE"' '"FILE" is writable by group or others (mode 0620): run chmod go-w FILE'
    each 'chmod 602 "$FILE"' '"FILE" is writable by group or others (mode 0602): run chmod go-w FILE'
}

@test "owned by another user" {
    as_root
    each 'chown 65534 "$FILE"' '"FILE" belongs to uid 65534, not to root or you (uid 0): run chown'
    each 'chown 65534 "$DIRECTORY"' '"DIRECTORY" belongs to uid 65534, not to root or you (uid 0): run chown'
}

@test "a symbolic link, as the file or on the way to it" {
    each 'mv "$FILE" "$FILE.real" && ln -s "$FILE.real" "$FILE"' '"FILE" is a symbolic link: give the real path'
    each 'mv "$DIRECTORY" "$DIRECTORY.real" && ln -s "$DIRECTORY.real" "$DIRECTORY"' \
        '"DIRECTORY" is a symbolic link: give the real path'
}

@test "a hard link" {
    each 'ln "$FILE" "$FILE.too"' '"FILE" has 2 names (hard links), not one: use a copy of its own'
}

@test "in a directory that group or others can write to" {
    each 'chmod 702 "$DIRECTORY"' \
        '"DIRECTORY" is writable by group or others (mode 0702): run chmod go-w DIRECTORY'
    each 'chmod 770 "$DIRECTORY"' \
        '"DIRECTORY" is writable by group or others (mode 0770): run chmod go-w DIRECTORY'
    each 'mkdir "$DIRECTORY.real" && chmod 777 "$DIRECTORY.real" && mv "$DIRECTORY" "$DIRECTORY.real/in" &&
        mv "$DIRECTORY.real" "$DIRECTORY" && FILE=$DIRECTORY/in/${FILE##*/}' \
        '"DIRECTORY" is writable by group or others (mode 0777): run chmod go-w DIRECTORY'
}

@test "a sticky directory: well if it is root's, as /tmp is; not if it is another's" {
    local kind
    as_root
    for kind in config policy order; do
        fresh "$kind"
        chmod 1777 "$DIRECTORY"
        accepted "$kind"
        chown 65534 "$DIRECTORY"
        refused "$kind" "\"$DIRECTORY\" belongs to uid 65534"
    done
}

@test "no regular file, or none: nothing hangs" {
    each 'rm "$FILE" && mkfifo "$FILE"' '"FILE" is not a regular file'
    each 'rm "$FILE" && mkdir "$FILE"' '"FILE" is not a regular file'
    each 'FILE=/dev/zero' '"/dev/zero" is not a regular file'
    each 'rm "$FILE"' '"FILE" does not exist'
    each 'FILE=$FILE/order.json' 'is not a directory'
}

@test "too large" {
    local kind
    for kind in config policy order; do
        fresh "$kind"
        head -c $((5 * 1024 * 1024)) /dev/zero | tr '\0' ' ' >>"$FILE"
        refused "$kind" ' larger than '
    done
}

# What every JSON file has to be. Text of the file (printf '%b'), where, why and what to do.
strict_json() {
    cat <<'END'
|1:1: the document is empty
 \n \n|3:1: the document is empty
{"a": 1,\n "a": 2}|2:2: /a: a second member of this name; keep one of them
{"a": {"b": [{"c": 1, "c": 1}]}}|1:23: /a/b/0/c: a second member of this name; keep one of them
{}x|1:3: nothing but white space may stand behind the document; found 'x'
{}\n{}|2:1: nothing but white space may stand behind the document; found '{'
{}\0000|1:3: nothing but white space may stand behind the document; found the byte 0x00
\xef\xbb\xbf{}|1:1: a byte order mark; save the document as UTF-8 without one
{"a": "b\\u0000"}|1:9: \u0000 is not allowed in a string; remove it
{"a": "\0000"}|1:8: control characters in strings must be escaped, as in \n; found the byte 0x00
{"a": "\n"}|1:8: control characters in strings must be escaped, as in \n; found the byte 0x0a
{"a": 014}|1:7: a number must not begin with a zero; write it without
{"a": -1}|1:7: numbers must not be negative here
{"a": 9.0}|1:7: numbers must be plain integers here, without fraction or exponent
{"a": 9e1}|1:7: numbers must be plain integers here, without fraction or exponent
{"a": 1000000000000000}|1:7: numbers must be below 10^15 here (15 digits)
{"a": "\xff"}|1:8: this is not valid UTF-8; save the document as UTF-8; found the byte 0xff
{"a": "\xc0\xaf"}|1:8: this is not valid UTF-8; save the document as UTF-8; found the byte 0xc0
{"a": "\\ud800"}|1:8: unpaired surrogate; write a high one (d800 to dbff) and a low one
{"a": 1,}|1:9: a member's name in double quotes must stand here; found '}'
{'a': 1}|1:2: a member's name in double quotes must stand here; found '''
// text\n{}|1:1: a value must stand here: an object, an array, a string in double quotes, a number
{"a": NaN}|1:7: a value must stand here
{"a": 1|1:8: a comma or } must stand here; the document ends
{"a": [[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]}|1:22: nested more than 16 deep
[]|1:1: must be an object, not an array
null|1:1: must be an object, not null
END
}

@test "strict JSON: the same faults are found in all of them, at line and column" {
    local kind text where
    for kind in config policy order; do
        fresh "$kind"
        while IFS='|' read -r text where; do
            printf %b "$text" >"$FILE"
            refused "$kind" "$where"
            [[ $output == "georder check: $FILE:$where"* ]]
        done < <(strict_json)
    done
}

# Members of each kind. A jq filter, the pointer, why and what to do.
wrong_members() {
    cat <<'END'
config|.surprise = 1|/surprise: unknown member "surprise"; known are "policy", "credential", "audit"
config|.Policy = .policy|/Policy: unknown member "Policy"; known are "policy"
config|.audit.surprise = 1|/audit/surprise: unknown member "surprise"; known are "directory"
config|del(.audit.origin)|/audit: member "origin" is missing
config|.audit = []|/audit: must be an object, not an array
config|.policy = 7|/policy: must be a string, not a number
config|.audit.origin = "a b"|/audit/origin: an origin has neither spaces nor "+"
config|.pkcs11.environment.LD_PRELOAD = "x"|/pkcs11/environment/LD_PRELOAD: not a name for a module's variable
config|.proxy = "https://x"|/proxy: write the proxy as http://HOST:PORT
policy|.surprise = 1|/surprise: unknown member "surprise"; known are "georder_policy"
policy|.rules[0].surprise = 1|/rules/0/surprise: unknown member "surprise"; known are "id"
policy|del(.rules[0].max_hosts)|/rules/0: member "max_hosts" is missing
policy|.rules = {}|/rules: must be an array, not an object
policy|.revision = "1"|/revision: must be an integer, not a string
policy|.rules[0].validity_days[1] = "90"|/rules/0/validity_days/1: must be one of 14, 30, 90, 365
policy|.rules[0].hosts = []|/rules/0/hosts: must have 1 to 1000 items, not 0
policy|.rules[0].effect = "allow"|/rules/0/effect: must be "permit" or "forbid"
policy|.rules[1].id = "eu-production"|/rules/1/id: "eu-production" stands here twice: keep one
policy|.api.spki_pins = []|/api/spki_pins: must have 1 to 64 items, not 0
policy|.api.spki_pins[0].sha256 = "x"|/api/spki_pins/0/sha256: is not the base64 of a SHA-256 digest
policy|.api.networks[0] = "127.0.0.1/33"|/api/networks/0: is not a network: write it as 104.16.0.0/13
policy|.api.base_url = "http://localhost"|/api/base_url: must begin with https://
policy|.expires = "soon"|/expires: is not a time in UTC by RFC 3339: write it as 2026-11-01T00:00:00Z
policy|.georder_policy = 2|/georder_policy: this program reads format 1 only
order|.surprise = 1|/surprise: unknown member "surprise"; known are "zone", "hosts"
order|.geo_restrictions.surprise = 1|/geo_restrictions/surprise: unknown member "surprise"; known are "label"
order|del(.hosts)|member "hosts" is missing
order|.hosts = "x"|/hosts: must be an array, not a string
order|.hosts[1] = 7|/hosts/1: must be a string, not a number
order|.hosts[1] = "Shop.example.com"|/hosts/1: "Shop.example.com": upper case: write it as "shop.example.com"
order|.validity_days = "90"|/validity_days: must be an integer, not a string
order|.validity_days = 15|/validity_days: 15 is not one of 14, 30, 90, 365
order|.cloudflare_branding = 0|/cloudflare_branding: must be true or false, not a number
order|.geo_restrictions = "eu"|/geo_restrictions: must be an object, not a string
order|.type = "universal"|/type: only "advanced" can be ordered: write that, or leave it out
END
}

@test "members: unknown, missing, of a wrong type or value, at line, column and pointer" {
    local kind change text
    while IFS='|' read -r kind change text; do
        fresh "$kind"
        jq "$change" "template/$kind.json" >"$FILE"
        refused "$kind" "$text"
        [[ $output =~ :[0-9]+:[0-9]+:\  ]]
    done < <(wrong_members)
}

@test "an order on standard input is as strict" {
    run -2 georder check --file - <<<'{"zone": 014}'
    [[ $output == 'georder check: standard input:1:10: a number must not begin with a zero'* ]]
    run -0 georder check --file - <order.json
}

# broken CODE TEXT COMMAND...: after COMMAND an order ends with CODE, and nothing was recorded.
broken() {
    home_copy_again
    "${@:3}"
    run timeout 20 "$GEORDER" order --config georder.json --file order.json
    [[ $status == "$1" && $output == *"$2"* ]] || {
        printf '%s: exit %s instead of %s, or no "%s" in: %s\n' "${*:3}" "$status" "$1" "$2" "$output" >&2
        return 1
    }
    [ "$(wc -l <audit/records/000000000000.jsonl)" = 1 ]
}

home_copy_again() {
    cd "$BATS_TEST_TMPDIR" && rm -rf "${BATS_TEST_TMPDIR:?}/home" && home_copy && cd "$HOUSE" || return 1
}

config_edit() {
    home_edit georder.json "$1"
}

@test "the home as it is orders, as far as it gets" {
    run -7 georder order --file order.json
    [ "$(events)" = 'log.created policy.changed order.intent order.not_sent' ]
}

@test "a PIN file that others may read, or that is not a plain one of its owner: exit 9" {
    broken 9 '"pin" is a secret open to group or others (mode 0644): run chmod go-rwx pin' chmod 644 pin
    broken 9 '"pin" is a secret open to group or others (mode 0640): run chmod go-rwx pin' chmod 640 pin
    broken 9 '"pin" is a symbolic link: give the real path' bash -c 'mv pin real && ln -s real pin'
    broken 9 '"pin" has 2 names (hard links)' ln pin other
    broken 9 '"pin" is not a regular file' bash -c 'rm pin && mkfifo -m 600 pin'
    broken 9 ': empty' truncate -s 0 pin
    broken 9 'more than one line, or a control character' bash -c 'printf "1234\n5678\n" >pin'
}

@test "a passphrase file or keystore that others may read: exit 9" {
    mkdir "$BATS_TEST_TMPDIR/keystore"
    BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR/keystore home_template keystore
    broken 9 '"passphrase" is a secret open to group or others (mode 0604): run chmod go-rwx ' chmod 604 passphrase
    broken 9 '"keystore.json" is a secret open to group or others (mode 0644): run chmod go-rwx ' chmod 644 keystore.json
    broken 9 '"keystore.json" has 2 names (hard links)' ln keystore.json other
}

@test "a CA file that others may write to: exit 11" {
    broken 11 '/roots.pem" is writable by group or others (mode 0666): run chmod go-w ' chmod 666 roots.pem
    broken 11 '/roots.pem" is a symbolic link' bash -c 'mv roots.pem real && ln -s real roots.pem'
}

@test "what authorities issue, beside the policy and writable by others: exit 11" {
    broken 11 'authorities.json" is writable by group or others (mode 0646): run chmod go-w ' \
        install -m 646 "$GEORDER_BUILD/share/georder/authorities.json" .
}

@test "an audit directory that others may write to, or that is a link: exit 10" {
    broken 10 '/audit" is writable by group or others (mode 0703): run chmod go-w ' chmod 703 audit
    broken 10 '/audit" is writable by group or others (mode 1777): run chmod go-w ' chmod 1777 audit
    broken 10 '/audit" is a symbolic link' bash -c 'mv audit real && ln -s real audit'
}

@test "a module that others may write to is not loaded: exit 9" {
    copy_module() {
        install -m 644 /usr/lib/softhsm/libsofthsm2.so module.so
        config_edit "walk(if type == \"string\" then sub(\"/usr/lib/softhsm/libsofthsm2.so\"; \"$HOUSE/module.so\") else . end)"
        chmod "$1" module.so
    }
    home_copy_again
    copy_module 644
    ln module.so other.so
    run -7 georder order --file order.json
    broken 9 '/module.so" is writable by group or others (mode 0666): run chmod go-w ' copy_module 666
}
