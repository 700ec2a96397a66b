#!/usr/bin/env bats
# What a new user meets first: help, the version, wrong words, and the same in JSON.
# shellcheck disable=SC2016

load helper
load home

commands='init order check policy audit key credential keystore doctor'

# Exactly one JSON document on standard output, of this command and this exit code.
document() { # COMMAND EXIT FILTER
    jq -es --arg command "$1" --argjson exit "$2" \
        "length == 1 and (.[0] | .command == \$command and .exit == \$exit and ($3))" <<<"$output" >/dev/null
}

@test "georder help lists every command; --help and -h say the same" {
    run -0 --separate-stderr "$GEORDER" help
    local help=$output command
    [ -z "$stderr" ]
    for command in $commands; do
        grep -q "^  $command  *[a-z]" <<<"$help"
    done
    [[ $help == *'georder help exit-codes'* ]]
    run -0 "$GEORDER" --help
    [ "$output" = "$help" ]
    run -0 "$GEORDER" -h
    [ "$output" = "$help" ]
    run -0 "$GEORDER" help --json
    document help 0 '[.commands[] | .command] | join(" ") == "'"$commands"'"'
}

@test "each command's --help, -h and help COMMAND agree, name it and the options that all have" {
    local command help
    for command in $commands; do
        run -0 --separate-stderr "$GEORDER" "$command" --help
        help=$output
        [ -z "$stderr" ]
        [[ $help == "usage: georder $command"* ]]
        [[ $help == *--json*--quiet*--verbose*--help* && $help == *$'\nexit: '* ]]
        run -0 "$GEORDER" "$command" -h
        [ "$output" = "$help" ]
        run -0 "$GEORDER" help "$command"
        [ "$output" = "$help" ]
        [ -z "$(awk 'length > 100' <<<"$help")" ]
        run -0 --separate-stderr "$GEORDER" "$command" --help --json
        document "$command" 0 '.help | startswith("usage: georder '"$command"'")'
        run -0 --separate-stderr "$GEORDER" help "$command" --json
        document "$command" 0 '.result == "done" and (.help | length > 200)'
    done
}

@test "help exit-codes is the table that scripts rely on" {
    run -0 "$GEORDER" help exit-codes
    [ "$output" = 'exit  name        meaning
   0  done        done
   1  internal    internal error
   1  failed      a policy is wider than it may be, or fails its tests
   2  usage       wrong usage, or an invalid order
   3  denied      denied by policy
   4  refused     the API refused
   5  violation   the pack does not comply with the order or the policy
   6  peer        TLS, pin or network-range failure: the peer is not the Cloudflare that the policy names
   7  unreached   not reached: network or time-out, and it is certain that nothing was placed
   8  unknown     outcome unknown, or an earlier order is unsettled
   9  key         key, HSM, PIN or keystore trouble
  10  audit       the audit log cannot be written, or does not verify
  11  config      config or policy is invalid, expired, unsigned or unsafe' ]
    local table=$output
    run -0 "$GEORDER" help exit-codes --json
    document help 0 '[.exit_codes[].exit] == [0, 1, range(1; 12)]'
    [ "$(jq -r '.exit_codes[] | "\(.exit) \(.name) \(.meaning)"' <<<"$output")" = \
        "$(tail -n +2 <<<"$table" | sed -E 's/^ +//; s/  +/ /g')" ]
}

@test "--version is one line" {
    run -0 --separate-stderr "$GEORDER" --version
    [[ $output =~ ^georder\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [ -z "$stderr" ]
}

@test "no command, an unknown one, options before it: exit 2, and where to look" {
    run -2 --separate-stderr "$GEORDER"
    [ -z "$output" ]
    [[ $stderr == *'`georder help` lists them' ]]
    run -2 --separate-stderr "$GEORDER" ''
    [ -z "$output" ]
    run -2 --separate-stderr "$GEORDER" ordr --file x --colour
    [ -z "$output" ]
    [ "$stderr" = 'georder ordr: no such command; `georder help` lists them' ]
    run -2 --separate-stderr "$GEORDER" --json check
    [[ $stderr == *'the command comes first'* ]]
    run -2 --separate-stderr "$GEORDER" ordr --json
    document ordr 2 '.result == "usage" and .error == "no such command; `georder help` lists them"'
    run -2 "$GEORDER" help nonsense
    [[ $output == *'nonsense: no such topic'* ]]
    run -2 "$GEORDER" help check order
    [[ $output == *'order: one word too many'* ]]
}

@test "unknown options, missing and unwanted values: exit 2, in JSON wherever --json stands" {
    local command
    for command in $commands; do
        run -2 --separate-stderr "$GEORDER" "$command" --colour=always
        [ -z "$output" ]
        [ "$stderr" = "georder $command: --colour: unknown option, or one that takes no value; see georder $command --help" ]
        run -2 --separate-stderr "$GEORDER" "$command" --colour --json
        document "$command" 2 '.result == "usage" and (.error | startswith("--colour: unknown option"))'
        run -2 --separate-stderr "$GEORDER" "$command" --json -xq
        document "$command" 2 '.error == "-x: unknown option; see georder '"$command"' --help"'
        run -2 "$GEORDER" "$command" --quiet=yes
        [[ $output == *'--quiet: unknown option, or one that takes no value'* ]]
        run -2 "$GEORDER" "$command" --config
        [[ $output == *'--config needs a value' ]]
    done
    run -2 "$GEORDER" audit verify --key
    [ "$output" = 'georder audit: --key needs a value' ]
}

@test "a secret typed on the command line is refused, and not repeated" {
    local option command
    for command in order check policy credential doctor; do
        for option in --token --api-token --pin --passphrase --password --api-key; do
            run -2 "$GEORDER" "$command" "$option=SeCrEt"
            [[ $output == *"$option: secrets are never given on the command line"* ]]
            [[ $output != *SeCrEt* ]]
            run -2 "$GEORDER" "$command" "$option" SeCrEt --json
            [[ $output == *"$option: secrets are never given on the command line"* ]]
            [[ $output != *SeCrEt* ]]
        done
    done
    run -2 "$GEORDER" credential put SeCrEt
    [[ $output == *'secrets are never given on the command line'* && $output != *SeCrEt* ]]
    run -2 "$GEORDER" credential SeCrEt
    [[ $output != *SeCrEt* ]]
}

@test "words from outside come out inert" {
    run -2 "$GEORDER" $'\e]0;owned\a' --json
    [[ $output != *$'\e'* && $output != *$'\a'* ]]
    run -2 "$GEORDER" help $'\e[31m'
    [[ $output == *'\x1b[31m'* ]]
    run -2 "$GEORDER" check $'--\e[31m'
    [[ $output != *$'\e'* ]]
}

@test "a full disk below standard output is an error" {
    [ -c /dev/full ] || skip 'no /dev/full here'
    run -1 --separate-stderr bash -c '"$GEORDER" help >/dev/full'
    [[ $stderr == *'standard output cannot be written'* ]]
    run -1 bash -c '"$GEORDER" --version >/dev/full'
    run -1 bash -c '"$GEORDER" check --help --json >/dev/full'
}

@test "without any config: exit 11, and how to get one" {
    local command
    for command in order check doctor 'policy lint' 'audit verify' 'credential verify'; do
        # shellcheck disable=SC2086
        run -11 --separate-stderr env -i HOME="$BATS_TEST_TMPDIR" "$GEORDER" $command
        [[ $stderr == *'no config: neither --config nor $GEORDER_CONFIG'*'`georder init` makes one' ]]
        # shellcheck disable=SC2086
        run -11 --separate-stderr env -i HOME="$BATS_TEST_TMPDIR" "$GEORDER" $command --json
        document "${command%% *}" 11 '.result == "config" and (.error | startswith("no config"))'
    done
}

@test "the config is found by --config, GEORDER_CONFIG, XDG_CONFIG_HOME and HOME, in this order" {
    local root=$BATS_TEST_TMPDIR name
    umask 022
    mkdir -p "$root/xdg/georder" "$root/home/.config/georder"
    for name in option.json variable.json xdg/georder/georder.json home/.config/georder/georder.json; do
        echo '{}' >"$root/$name"
    done
    local all=(env -i GEORDER_CONFIG="$root/variable.json" XDG_CONFIG_HOME="$root/xdg" HOME="$root/home" "$GEORDER")
    run -11 "${all[@]}" policy show --config "$root/option.json"
    [[ $output == *"$root/option.json:1:1: "* ]]
    run -11 "${all[@]}" policy show
    [[ $output == *"$root/variable.json:1:1: "* ]]
    run -11 env -i XDG_CONFIG_HOME="$root/xdg" HOME="$root/home" "$GEORDER" policy show
    [[ $output == *"$root/xdg/georder/georder.json:1:1: "* ]]
    run -11 env -i HOME="$root/home" "$GEORDER" policy show
    [[ $output == *"$root/home/.config/georder/georder.json:1:1: "* ]]
    run -11 env -i GEORDER_CONFIG="$root/nothing" "$GEORDER" policy show
    [[ $output == *'"'"$root/nothing"'" does not exist'* ]]
}
