#!/usr/bin/env bats
# The log for other tools: rows that name their records, and a manifest that vouches for the file.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder

setup_file() {
    home_template_recorded
}

setup() {
    home_copy
    records=$HOUSE/audit/records/000000000000.jsonl
    out=$BATS_TEST_TMPDIR/out
    count=$(wc -l <"$records")
}

# A log alone, as an auditor got it.
export_as() { # FORMAT ARGUMENT...
    env -i "$GEORDER" audit export --directory "$HOUSE/audit" --origin "$origin" --format "$@"
}

leaf() { # LINE: its RFC 6962 leaf hash, by openssl
    { printf '\0'; sed -n "$1p" "$records" | tr -d '\n'; } | openssl dgst -sha256 -r | cut -d' ' -f1
}

# "origin index leaf_hash checkpoint_size" of each record, by other tools
traced() {
    local i
    for ((i = 0; i < count; i++)); do
        echo "$origin $i $(leaf $((i + 1))) $count"
    done
}

@test "jsonl: the signed lines byte for byte, each with its place" {
    run -0 --separate-stderr export_as jsonl
    [[ $stderr == "$count rows of $count records, SHA-256 "*'; key not compared with one you trust: give --key' ]]
    [ "$(jq -r '[.origin, .index, .leaf_hash, .checkpoint_size] | map(tostring) | join(" ")' <<<"$output")" = "$(traced)" ]
    export_as jsonl --quiet >"$out"
    cmp <(sed 's/^.*,"record":\(.*\)}$/\1/' "$out") "$records"
    cmp <(jq -c .record <<<"$output") "$records"
}

@test "every format has a row a record, and each names origin, index, leaf hash and checkpoint" {
    local format
    for format in ocsf csv cef leef syslog otlp; do
        export_as "$format" --quiet >"$out.$format"
    done
    cmp <(traced) <(jq -r '.unmapped.georder.exported | "\(.origin) \(.index) \(.leaf_hash) \(.checkpoint_size)"' "$out.ocsf")
    cmp <(traced) <(sed 1d "$out.csv" | tr -d '"' | cut -d, -f1-4 | tr , ' ')
    cmp <(traced) <(sed 's/.* externalId=\([0-9]*\) cs1Label=origin cs1=\([^ ]*\) cs2Label=leafHash cs2=\([^ ]*\) cn1Label=checkpointSize cn1=\([0-9]*\) .*/\2 \1 \3 \4/' "$out.cef")
    cmp <(traced) <(sed 's/.*\torigin=\([^\t]*\)\tindex=\([^\t]*\)\tleafHash=\([^\t]*\)\tcheckpointSize=\([^\t]*\)\t.*/\1 \2 \3 \4/' "$out.leef")
    cmp <(traced) <(sed 's/.* origin="\([^"]*\)" index="\([^"]*\)" leafHash="\([^"]*\)" checkpointSize="\([^"]*\)".*/\1 \2 \3 \4/' "$out.syslog")
    cmp <(traced) <(jq -r '.resourceLogs[0].scopeLogs[0].logRecords[0].attributes | map({(.key): (.value.stringValue // .value.intValue)}) | add
        | "\(."georder.origin") \(."georder.index") \(."georder.leaf_hash") \(."georder.checkpoint_size")"' "$out.otlp")
}

@test "ocsf: the events as they were signed, with nothing but their trace added" {
    export_as ocsf --quiet | jq -c 'del(.unmapped.georder.exported)' >"$out"
    cmp "$out" <(georder audit list --json | jq -c '.records[]')
}

@test "csv: as many cells as the head has, by another reader" {
    export_as csv --quiet >"$out"
    run -0 python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline=""), strict=True))
assert all(None not in row and None not in row.values() for row in rows)
print(*[row["event"] for row in rows])' "$out"
    [ "$output" = 'log.created policy.changed order.intent order.not_sent order.denied' ]
    [ "$(grep -c $'\r$' "$out")" = $((count + 1)) ]
}

@test "--since, --until, --event and --zone choose rows" {
    local time before since
    time=$(georder audit list --json | jq -r '.records[2].time')
    # Two records may well be of one millisecond.
    before=$(georder audit list --json | jq -r --argjson time "$time" '.records[] | select(.time < $time) | .metadata.sequence' | xargs)
    since=$(georder audit list --json | jq -r --argjson time "$time" '.records[] | select(.time >= $time) | .metadata.sequence' | xargs)
    [[ $before == 0* && $since == *'2 3 4' ]]
    run -0 --separate-stderr export_as jsonl --event order.denied
    [ "$(jq .index <<<"$output")" = 4 ]
    [[ $stderr == "1 rows of $count records"* ]]
    run -0 --separate-stderr export_as jsonl --zone example.com
    [ "$(jq -r .index <<<"$output" | xargs)" = '2 3 4' ]
    run -0 --separate-stderr export_as jsonl --zone example.org
    [ -z "$output" ]
    time=$(date -u -d "@${time%???}.${time: -3}" +%Y-%m-%dT%H:%M:%S.%3NZ)
    run -0 --separate-stderr export_as jsonl --since "$time"
    [ "$(jq -r .index <<<"$output" | xargs)" = "$since" ]
    run -0 --separate-stderr export_as jsonl --until "$time"
    [ "$(jq -r .index <<<"$output" | xargs)" = "$before" ]
    run -0 --separate-stderr export_as jsonl --since 2000-01-01 --until 2001-01-01
    [ -z "$output" ]
}

@test "--out: a new file, and a manifest that vouches for its bytes and names the checkpoint" {
    run -0 --separate-stderr georder audit export --format csv --event order.denied --out "$out"
    [ -z "$output" ]
    jq -e --arg sha "$(sha256sum <"$out" | cut -d' ' -f1)" --argjson bytes "$(wc -c <"$out")" \
        --rawfile note "$HOUSE/audit/checkpoint" --argjson count "$count" '.complete and .file == "out" and .format == "csv"
        and .rows == 1 and .first_index == 4 and .last_index == 4 and .bytes == $bytes and .sha256 == $sha
        and .checkpoint == $note and .checkpoint_size == $count and .key_trusted and .signed == false
        and .filter == {"event": "order.denied"} and .records_behind_checkpoint == 0' "$out.manifest.json"
    [ "$(stat -c %a "$out" "$out.manifest.json" | xargs)" = '600 600' ]
    run -2 --separate-stderr georder audit export --format csv --out "$out"
    [[ $stderr == *'is there already: it is not overwritten' ]]
    rm "$out"
    run -2 --separate-stderr georder audit export --format csv --out "$out"
    [[ $stderr == *'out.manifest.json is there already'* && ! -e $out ]]
    run -0 --separate-stderr georder audit export --format jsonl --json --out "$out.2"
    jq -es --slurpfile manifest "$out.2.manifest.json" 'length == 1 and .[0].exit == 0 and .[0].manifest == $manifest[0]' <<<"$output"
}

@test "--sign: a record holds the digests of both files, and its receipt stands beside them" {
    local kid proof=$out.manifest.tlog-proof
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    run -0 --separate-stderr georder audit export --format csv --event order.denied --out "$out" --sign
    [ -z "$output" ]
    jq -e '.complete and .signed and .receipt == "out.manifest.tlog-proof"' "$out.manifest.json"
    [ "$(events)" = 'log.created policy.changed order.intent order.not_sent order.denied log.exported' ]
    [ "$(stat -c %a "$out" "$out.manifest.json" "$proof" | xargs)" = '600 600 600' ]
    # By other tools: the receipt alone, and two digests.
    env -i "$GEORDER" audit verify --receipt "$proof" --key "$kid" --json | jq -e --argjson count "$count" \
        --arg rows "$(sha256sum <"$out" | cut -d' ' -f1)" --arg manifest "$(sha256sum <"$out.manifest.json" | cut -d' ' -f1)" \
        '.verdict == "intact" and .record.metadata.event_code == "log.exported" and .record.activity_id == 2
        and (.record.unmapped.georder.export | .sha256 == $rows and .manifest_sha256 == $manifest and .file == "out"
        and .format == "csv" and .filter == {"event": "order.denied"} and .rows == 1 and .first_index == 4
        and .last_index == 4 and .checkpoint_size == $count)'
    run -0 env -i "$GEORDER" audit verify --manifest "$out.manifest.json" --key "$kid"
    [[ $output == "intact: $out and its manifest are what record $count says was exported"* ]]
    run -0 env -i "$GEORDER" audit verify --manifest "$out.manifest.json" --jwk "$HOUSE/audit/keys/$kid.jwk" --json
    jq -e --argjson count "$count" '.verdict == "intact" and .index == $count' <<<"$output"
    verified
}

@test "an export that was altered, or its manifest, or the receipt of another record: exit 10" {
    local kid
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    check() { run -10 --separate-stderr env -i "$GEORDER" audit verify --manifest "$out.manifest.json" --key "$kid"; }
    georder audit export --quiet --format csv --out "$out" --sign
    cp "$out" "$out.1"
    sed -i 's/order.denied/order.placed/' "$out"
    check
    [[ $stderr == *"$out is not the one that was exported: its SHA-256 is $(sha256sum <"$out" | cut -d' ' -f1), and"* ]]
    cp "$out.1" "$out"
    sed -i 's/"key_trusted":\ttrue/"key_trusted":\tfalse/; s/"key_trusted": true/"key_trusted": false/' "$out.manifest.json"
    check
    [[ $stderr == *'the manifest is not the one that was exported'* ]]
    georder audit prove 4 >"$out.manifest.tlog-proof"
    check
    [[ $stderr == *'record 4 is no log.exported, but order.denied'* ]]
    : >"$out.manifest.tlog-proof"
    check
    [[ $stderr == *"the manifest's receipt does not verify: malformed"* ]]
    georder audit export --quiet --format csv --out "$out.2" --sign
    run -0 env -i "$GEORDER" audit verify --quiet --manifest "$out.2.manifest.json" --key "$kid"
    run -10 --separate-stderr env -i "$GEORDER" audit verify --manifest "$out.2.manifest.json" --key "${kid//[A-Z]/x}"
    [[ $stderr == *"the manifest's receipt does not verify: unknown_key"* ]]
    run -2 env -i "$GEORDER" audit verify --manifest "$out" --key "$kid"
    run -2 env -i "$GEORDER" audit verify --manifest "$out.manifest.json"
}

@test "--sign without the audit key: no export; without --out or a config: wrong words" {
    run -2 --separate-stderr georder audit export --format csv --sign
    [[ $stderr == *'--sign needs --out FILE'* ]]
    run -2 export_as csv --out "$out" --sign
    rm "$HOUSE/pin"
    run -9 georder audit export --format csv --out "$out" --sign
    [ ! -s "$out.manifest.json" ]
    run -0 georder audit export --quiet --format csv --out "$out.2"
}

@test "an altered log exports nothing to be believed: exit 10, and the manifest says so" {
    sed -i '3s/"payload":"eyJ/"payload":"eyK/' "$records"
    run -10 --separate-stderr export_as jsonl --out "$out"
    [[ $stderr == *'the records are not those of the checkpoint: do not use what was exported'* ]]
    jq -e '.complete == false and (has("sha256") | not)' "$out.manifest.json"
    rm -r "$HOUSE" && home_copy
    sed -i '$d' "$records"
    run -10 --separate-stderr export_as csv
    [[ $stderr == *"the checkpoint is of $count records, but only $((count - 1)) are there"* ]]
    rm -r "$HOUSE" && home_copy
    sed -i 's/^5$/4/' "$HOUSE/audit/checkpoint"
    run -10 --separate-stderr export_as jsonl
    [[ $stderr == *'the checkpoint carries a wrong signature'* && -z $output ]]
    rm "$HOUSE/audit/checkpoint"
    run -10 --separate-stderr export_as jsonl
    [[ $stderr == *'the log has no checkpoint'* && -z $output ]]
}

@test "a checkpoint by a key that is not the one to trust: exit 10 before the first row" {
    local kid
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    run -0 --separate-stderr export_as jsonl --key "$kid"
    [[ $stderr != *'not compared'* ]]
    run -10 --separate-stderr export_as jsonl --key "${kid//[A-Z]/x}"
    [[ $stderr == *"the checkpoint is signed by the key $kid, not by"* && -z $output ]]
    home_edit georder.json '.audit.signing_key_thumbprint = "another"'
    run -10 --separate-stderr georder audit export --format jsonl
    [ -z "$output" ]
}

@test "records behind the checkpoint are left out, and counted" {
    cp "$HOUSE/audit/checkpoint" "$BATS_TEST_TMPDIR/checkpoint"
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    cp "$BATS_TEST_TMPDIR/checkpoint" "$HOUSE/audit/checkpoint"
    run -0 --separate-stderr export_as jsonl
    [[ $stderr == *'not exported: 1 records behind the checkpoint; see georder audit verify' ]]
    [ "$(wc -l <<<"$output")" = "$count" ]
}

@test "wrong words" {
    run -2 --separate-stderr georder audit export
    [[ $stderr == *'--format: say jsonl, ocsf, csv, cef, leef, syslog or otlp' ]]
    run -2 export_as xml
    run -2 --separate-stderr export_as csv --json
    [[ $(jq -r .error <<<"$output") == '--json prints the manifest, so the rows need --out FILE' ]]
    run -2 --separate-stderr export_as csv --since yesterday
    [[ $stderr == *'--since: write 2026-11-01 or 2026-11-01T08:00:00Z' ]]
    run -2 --separate-stderr export_as csv --since 2026-11-02 --until 2026-11-01
    [[ $stderr == *'--since must be before --until' ]]
    run -2 --separate-stderr export_as csv --out "$BATS_TEST_TMPDIR/no/such"
    run -2 export_as csv word
}

# bats test_tags=sandbox
@test "exporting asks no key, opens no socket, and starts nothing" {
    run -0 strace -f -qq -o "$HOUSE/trace" -e trace=network,process "$GEORDER" \
        audit export --directory "$HOUSE/audit" --origin "$origin" --format csv
    run -1 grep -E 'socket|connect|fork|clone' "$HOUSE/trace"
    [ "$(grep -c execve "$HOUSE/trace")" = 1 ]
}

@test "a full disk, or a reader that goes away, is told: never exit 0" {
    run -1 --separate-stderr sh -c '"$GEORDER" audit export --config "$HOUSE/georder.json" --format csv >/dev/full'
    [[ $stderr == *'standard output: cannot write'* ]]
}
