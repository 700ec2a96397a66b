#!/usr/bin/env bats
# All that an auditor needs in one tar: the page, the log, its keys and anchors, the policy.
# shellcheck disable=SC2030,SC2031,SC2154

load helper
load home

origin=rehearsal.example/georder

setup_file() {
    home_template_recorded
}

setup() {
    home_copy
    page=$HOUSE/page.html
    tar=$HOUSE/bundle.tar
    there=$HOUSE/there
    mkdir "$there"
}

teardown() {
    ! mountpoint -q "$HOUSE/full" || umount "$HOUSE/full"
}

@test "a bundle has its sums, the page, and a log that verifies where it is unpacked" {
    local kid digest
    kid=$(jq -r .audit.signing_key_thumbprint "$HOUSE/georder.json")
    digest=$(sha256sum "$HOUSE/policy.json" | cut -d' ' -f1)
    run -0 georder audit report --quiet --out "$page" --bundle "$tar"
    tar -xf "$tar" -C "$there" --no-same-owner
    run -0 env -C "$there/georder-audit" sha256sum --strict -c SHA256SUMS
    [ "$(grep -c ': OK$' <<<"$output")" -eq "$(find "$there" -type f ! -name SHA256SUMS | wc -l)" ]
    cmp "$page" "$there/georder-audit/report.html"
    cmp "$HOUSE/policy.json" "$there/georder-audit/bodies/$digest"
    jq -e --arg digest "$digest" 'length == 1 and .[0].sha256 == $digest and .[0].file == "bodies/\($digest)"' "$there/georder-audit/policies.json"
    run -0 env -i "$GEORDER" audit verify --directory "$there/georder-audit" --origin "$origin" --key "$kid"
    [[ $output == 'intact: all 5 records are good'* ]]
}

@test "the same log gives the same bytes, by nobody and of no time" {
    run -0 georder audit report --quiet --out "$page" --bundle "$tar"
    run -0 tar -tvf "$tar" --numeric-owner --utc
    [ "$(grep -cv '^-rw-r--r-- 0/0 .* 1970-01-01 00:00 georder-audit/' <<<"$output")" -eq 0 ]
    run -0 georder audit report --quiet --out "$page.2" --bundle "$tar.2"
    mkdir "$there/2"
    tar -xf "$tar" -C "$there" && tar -xf "$tar.2" -C "$there/2"
    run -0 diff -rq "$there/georder-audit/records" "$there/2/georder-audit/records"
    [ "$(tar -tf "$tar")" = "$(tar -tf "$tar.2")" ]
    # The page tells when it was made, and nothing else does.
    run -0 diff <(grep -v report.html "$there/georder-audit/SHA256SUMS") <(grep -v report.html "$there/2/georder-audit/SHA256SUMS")
}

@test "each policy that was in force is in it, whichever is today" {
    policy_edit '.name = "another"'
    run -3 georder order --quiet --file "$HOUSE/denied.json"
    policy_edit '.name = "of today, and never used"'
    run -0 georder audit report --quiet --out "$page" --bundle "$tar"
    tar -xf "$tar" -C "$there"
    cd "$there/georder-audit" || return 1
    [ "$(jq -c 'map(.name)' policies.json)" = '["rehearsal","another"]' ]
    [ "$(jq -r '.[] | "\(.sha256)  \(.file)"' policies.json | sha256sum --strict -c | grep -c OK)" = 2 ]
    [ "$(jq -r .name "$(jq -r '.[1].file' policies.json)")" = another ]
}

@test "anchors and bodies come along, links and strangers do not" {
    mkdir -p "$HOUSE/audit/anchors"
    echo stamped >"$HOUSE/audit/anchors/000000000005.tsr"
    ln -s /etc/hostname "$HOUSE/audit/bodies/link"
    mkfifo "$HOUSE/audit/bodies/pipe"
    run -0 env -i "$GEORDER" audit report --quiet --directory "$HOUSE/audit" --origin "$origin" --out "$page" --bundle "$tar"
    run -0 tar -tf "$tar"
    [[ $output == *georder-audit/anchors/000000000005.tsr* && $output != *link* && $output != *pipe* ]]
}

@test "a bad log gives no bundle, and a file that is there is kept" {
    echo mine >"$tar"
    run -2 georder audit report --quiet --out "$page" --bundle "$tar"
    [[ $output == *"$tar is there already: it is not overwritten"* ]]
    [ "$(<"$tar")" = mine ]
    sed -i '2s/./x/9' "$HOUSE/audit/records/000000000000.jsonl"
    run -10 georder audit report --quiet --out "$page.2" --bundle "$tar.2"
    [ ! -s "$tar.2" ]
}

@test "a disk without room for it is told, and what is there is no whole tar" {
    mkdir "$HOUSE/full"
    mount -t tmpfs -o size=16k,mode=0700 tmpfs "$HOUSE/full" 2>/dev/null || skip 'cannot mount a small disk'
    run -1 georder audit report --quiet --out "$page" --bundle "$HOUSE/full/bundle.tar"
    [[ $output == *"bundle.tar: cannot write (Write error): No space left on device"* ]]
    run -2 tar -tf "$HOUSE/full/bundle.tar" 3>&1
}
