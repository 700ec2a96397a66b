#!/usr/bin/env bats
# Verification by someone who kept a checkpoint, what it finds beside its verdict, and its progress.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder

# One template for all: records 0 to 10, and checkpoints of 8 and 11. Nothing listens.
setup_file() {
    home_template
    local round
    for round in 1 2 3; do
        [ "$round" != 3 ] || cp "$HOUSE/audit/checkpoint" "$HOUSE/checkpoint.8"
        run -7 georder order --quiet --again --file "$HOUSE/order.json"
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
    cp "$HOUSE/audit/checkpoint" "$HOUSE/checkpoint.11"
    cc -shared -fPIC -o "$BATS_FILE_TMPDIR/clock.so" "$GEORDER_SOURCE/tests/cli/clock.c"
}

setup() {
    home_copy
    records=$HOUSE/audit/records/000000000000.jsonl
}

stranger() { # VERB ARGUMENT...
    env -i "$GEORDER" audit "$1" --directory "$HOUSE/audit" --origin "$origin" "${@:2}"
}

# from_bad CHECKPOINT VERDICT WHERE TEXT
from_bad() {
    run -10 --separate-stderr stranger verify --from "$1"
    [[ $output == "$2: $4"* && $stderr == "georder audit: the log does not verify: $2: $4"* ]] ||
        { echo "$output $stderr" >&2 && return 1; }
    run -10 --separate-stderr stranger verify --from "$1" --json
    jq -es --arg verdict "$2" --argjson where "$3" 'length == 1 and (.[0] | .exit == 10 and .verdict == $verdict
        and .where == $where and .findings[0] == {code: .verdict, where: .where, text: .text})' <<<"$output" >/dev/null ||
        { echo "$output" >&2 && return 1; }
}

@test "--from: a log that has grown out of a kept checkpoint, by its config and without" {
    local kid
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    run -0 --separate-stderr georder audit verify --from "$HOUSE/checkpoint.8"
    [[ $output == 'intact: all 11 records are good; the first 8 are those of the checkpoint that was kept'*"key $kid (trusted)" ]]
    [ -z "$stderr" ]
    run -0 stranger verify --from "$HOUSE/checkpoint.11"
    [[ $output == *"key $kid (that of the kept checkpoint)" ]]
    run -0 stranger verify --from "$HOUSE/checkpoint.8" --json
    jq -es 'length == 1 and (.[0] | .verdict == "intact" and .from_size == 8 and .records == 11
        and .findings == [] and .findings_omitted == 0)' <<<"$output"
}

@test "--from: rolled back with its own old checkpoint, which alone looks intact" {
    sed -i '9,$d' "$records"
    cp "$HOUSE/checkpoint.8" "$HOUSE/audit/checkpoint"
    run -0 stranger verify
    [[ $output == 'intact: all 8 records are good'* ]]
    from_bad "$HOUSE/checkpoint.11" rolled_back 8 'the checkpoint that was kept is of 11 records, but only 8 are there'
    run -0 stranger verify --from "$HOUSE/checkpoint.8"
}

@test "--from: forked, where the operator has gone on from an old state by the log's own key" {
    sed -i '9,$d' "$records"
    cp "$HOUSE/checkpoint.8" "$HOUSE/audit/checkpoint"
    local round
    for round in 1 2 3 4; do
        run -3 georder order --quiet --file "$HOUSE/denied.json"
    done
    run -0 georder audit verify
    [[ $output == 'intact: all 12 records are good'* ]]
    from_bad "$HOUSE/checkpoint.11" forked 10 'the first 11 records are other ones than those of the checkpoint that was kept'
    run -0 stranger verify --from "$HOUSE/checkpoint.8"
}

@test "--from: an altered record is named, before the kept checkpoint and behind it" {
    sed -i "3{$(spoil '"signature":".\{8\}')}" "$records"
    from_bad "$HOUSE/checkpoint.8" altered 2 'record 2 does not fit its signature'
    cp "$HOUSE_TEMPLATE/audit/records/000000000000.jsonl" "$records"
    sed -i "10{$(spoil '"signature":".\{8\}')}" "$records"
    from_bad "$HOUSE/checkpoint.8" altered 9 'record 9 does not fit its signature'
}

@test "--from: a checkpoint that is forged, foreign, empty or not there" {
    local file=$BATS_TEST_TMPDIR/kept
    sed 's/^8$/7/' "$HOUSE/checkpoint.8" >"$file"
    from_bad "$file" altered 0 'the checkpoint that was kept carries a wrong signature: the log was not looked at'
    sed 's|^rehearsal|another|' "$HOUSE/checkpoint.8" >"$file"
    from_bad "$file" malformed 0 'the checkpoint that was kept is of another log'
    : >"$file"
    run -10 stranger verify --from "$file"
    [[ $output == 'malformed: the checkpoint that was kept'* ]]
    run -2 stranger verify --from "$BATS_TEST_TMPDIR/nowhere"
    run -2 "$GEORDER" audit verify --receipt "$file" --key x --from "$file"
    [[ $output == *'--from is for the log: not with --receipt' ]]
}

# The sanitizers do not go with a preloaded clock.
# bats test_tags=sandbox
@test "unclosed_intent: its own line and code, with the age; the log stays good" {
    # As if georder was killed behind record 8, an intent; the next append goes on from there.
    sed -i '10,$d' "$records"
    cp "$HOUSE/checkpoint.8" "$HOUSE/audit/checkpoint"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    run -0 --separate-stderr georder audit verify
    [[ ${lines[0]} == 'intact: all 10 records are good' ]]
    [[ ${lines[1]} =~ ^unclosed_intent:\ no\ outcome\ is\ recorded\ of\ the\ intent\ in\ record\ 8,\ of\ [0-9a-f-]{36}\ \(20[0-9T:.-]+Z,\ [0-9]+\ s\ ago:\ it\ may\ be\ on\ its\ way\)$ ]]
    run -0 georder audit verify --json
    jq -es '.[0] | .verdict == "intact" and .exit == 0 and .unclosed_intents == 1 and (.findings | length) == 1
        and (.findings[0] | .code == "unclosed_intent" and .where == 8 and (.time | startswith("20"))
        and (.text | startswith("no outcome is recorded of the intent in record 8, of ")))' <<<"$output"
    LD_PRELOAD=$BATS_FILE_TMPDIR/clock.so CLOCK_SHIFT=3600 run -0 georder audit verify
    [[ $output == *'unclosed_intent: '*'Z)'* && $output != *'on its way'* ]]
}

# bats test_tags=sandbox
@test "clock_set_back: its own line and code, and the record says so itself" {
    export LD_PRELOAD=$BATS_FILE_TMPDIR/clock.so
    CLOCK_SHIFT=-86400 run -3 georder order --quiet --file "$HOUSE/denied.json"
    unset LD_PRELOAD
    run -0 georder audit verify
    [[ ${lines[0]} == 'intact: all 12 records are good' ]]
    [[ ${lines[1]} =~ ^clock_set_back:\ record\ 11\ was\ made\ 86[0-9]{6}\ ms\ before\ the\ record\ before\ it,\ by\ its\ own\ clock\ \(20.*Z\)$ ]]
    run -0 georder audit verify --json
    jq -es '.[0] | .verdict == "intact" and (.findings | length) == 1 and .findings[0].code == "clock_set_back"
        and .findings[0].where == 11' <<<"$output"
    run -0 georder audit show 11 --json
    jq -es '.[0].records[0].unmapped.georder.clock_set_back_ms | . > 86000000 and . < 87000000' <<<"$output"
}

@test "several faults are told at once, the verdict first" {
    sed -i 5d "$records"
    sed -i 's/^11$/12/' "$HOUSE/audit/checkpoint"
    run -10 --separate-stderr stranger verify
    [[ ${lines[0]} == 'gap: 1 records are missing'* ]]
    [[ ${lines[1]} == 'altered: the checkpoint does not fit its signature' ]]
    run -10 --separate-stderr stranger verify --json
    jq -es '.[0] | .verdict == "gap" and ([.findings[].code] == ["gap", "altered"])' <<<"$output"
}

# A log that takes one core a second or two: long_log sets LOG.
long_log() {
    mkdir "$BATS_TEST_TMPDIR/long"
    read -r LOG _ <<<"$("$GEORDER_BUILD/tests/bench/bench_log" make "$BATS_TEST_TMPDIR/long" 40000)"
}

@test "progress: a bar on a terminal's standard error, that is wiped away at the end" {
    long_log
    local cpu verify
    cpu=$(sed -n 's/^Cpus_allowed_list:\t\([0-9]*\).*/\1/p' /proc/self/status)
    verify="taskset -c $cpu '$GEORDER' audit verify --directory '$LOG' --origin bench.example.com/georder"
    run -0 script -qec "$verify >'$BATS_TEST_TMPDIR/out'" /dev/null </dev/null
    [[ $output == *$'\r['*'] '*' %  '*' records, '*' s left'* ]]
    [[ $output != *$'\e'* ]]
    [[ $output =~ $'\r'\ {78}$'\r'$ ]]
    [[ $(<"$BATS_TEST_TMPDIR/out") == 'intact: all 40000 records are good'* ]]
    local quiet
    for quiet in --quiet --json; do
        run -0 script -qec "$verify $quiet >'$BATS_TEST_TMPDIR/out'" /dev/null </dev/null
        [ -z "$output" ]
    done
    run -0 script -qec "NO_COLOR=1 $verify >'$BATS_TEST_TMPDIR/out'" /dev/null </dev/null
    [ -z "$output" ]
    run -0 script -qec "NO_COLOR= $verify >'$BATS_TEST_TMPDIR/out'" /dev/null </dev/null
    [ -n "$output" ]
    eval "run -0 --separate-stderr $verify"
    [ -z "$stderr" ]
}
