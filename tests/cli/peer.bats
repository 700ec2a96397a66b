#!/usr/bin/env bats
# Not a byte of HTTP goes to a peer that is not the one that the policy names.

load helper
load home

setup_file() {
    home_template
}

setup() {
    home_copy
}

teardown() {
    rehearsal_stop
}

# A server that presents NAME's chain.
present() { # NAME [SCENARIO]
    home_listen "${2:-}" --certificate "$REHEARSAL_CA/$1.chain.pem" --key "$REHEARSAL_CA/$1.key"
}

order() {
    run "$1" georder order --timeout 30 --file "$HOUSE/order.json" "${@:2}"
}

# The peer saw a connection (without the sandbox, two), perhaps a handshake, and not a byte of HTTP.
saw_nothing() {
    await grep -q '"closed"' "$REHEARSAL_DIR/log"
    rehearsal_stop
    [ "$(connections)" -gt 0 ]
    [ "$(rehearsal_log 'select(.event == "closed") | [.requests, .bytes] | join(" ")' | sort -u)" = '0 0' ]
    [ "$(requests)" = 0 ]
}

# not_sent RESULT: the intent was recorded, and that nothing was sent.
not_sent() {
    [ "$(events)" = 'log.created policy.changed order.intent order.not_sent' ]
    [ "$(last_record .result)" = "$1" ]
    verified
}

@test "the peer that the policy names gets the order" {
    home_listen
    order -0
    rehearsal_stop
    [ "$(rehearsal_log 'select(.event == "closed") | .bytes' | sort -n | tail -n 1)" -gt 300 ]
    [ "$(posts)" = 1 ]
}

@test "a chain without a pinned key: exit 6, and both say which keys it showed" {
    local root intermediate
    present localhost
    root=$(<"$REHEARSAL_CA/root.pin") intermediate=$(<"$REHEARSAL_CA/intermediate.pin")
    policy_edit ".api.spki_pins[0].sha256 = \"$(<"$REHEARSAL_CA/decoy-root.pin")\""
    order -6
    [[ $output == *'none of the 1 keys that the policy pins'*"$intermediate"*"$root"*'nothing was sent'* ]]
    [[ $output == *'either Cloudflare has changed its CA (check with a second source, then add to api.spki_pins) or someone is in between'* ]]
    saw_nothing
    not_sent peer
    [ "$(last_record '[.tls.chain[].spki_sha256] | join(" ")')" = "$(<"$REHEARSAL_CA/localhost.pin") $intermediate $root" ]
    [ "$(last_record '[.tls.chain[] | select(.pinned)] | length')" = 0 ]
}

@test "the key of the server's own certificate is no pin: a policy pins authorities" {
    present localhost
    policy_edit ".api.spki_pins[0].sha256 = \"$(<"$REHEARSAL_CA/localhost.pin")\""
    order -6
    [[ $output == *'none of the 1 keys'* ]]
    saw_nothing
    not_sent peer
}

@test "an intermediate may be pinned" {
    present localhost
    policy_edit ".api.spki_pins[0].sha256 = \"$(<"$REHEARSAL_CA/intermediate.pin")\""
    order -0
    [ "$(last_record '[.tls.chain[] | .pinned == true] | map(tostring) | join(" ")')" = 'false true false' ]
}

@test "a certificate for another name: exit 6" {
    present other
    order -6
    [[ $output == *'its certificate is for other.rehearsal.test, not for localhost: nothing was sent'* ]]
    saw_nothing
    not_sent peer
}

@test "an expired certificate: exit 6, with its end and this host's clock" {
    present expired
    order -6
    [[ $output == *'expired at 2020-02-01T00:00:00'*"(this host's clock says 20"*'nothing was sent'* ]]
    saw_nothing
    not_sent peer
}

@test "another authority, with the right name: exit 6" {
    present decoy
    order -6
    [[ $output == *'Decoy Root'*'if Cloudflare has changed its CA, ca_file'*'nothing was sent'* ]]
    saw_nothing
    not_sent peer
}

@test "another authority that this host trusts: exit 6, for want of a pinned key" {
    present decoy
    cat "$REHEARSAL_CA/decoy-root.pem" >>"$HOUSE/roots.pem"
    order -6
    [[ $output == *'none of the 1 keys'*'Decoy Root'*"$(<"$REHEARSAL_CA/decoy-root.pin")"* ]]
    saw_nothing
    not_sent peer
}

@test "the pinned root sent along with another authority's chain: exit 6" {
    present stuffed
    order -6
    [[ $output == *'Decoy Root'* ]]
    saw_nothing
    not_sent peer
}

@test "the same from an authority that this host trusts: pins look at the chain that was verified" {
    present stuffed
    cat "$REHEARSAL_CA/decoy-root.pem" >>"$HOUSE/roots.pem"
    order -6
    [[ $output == *'none of the 1 keys'*"$(<"$REHEARSAL_CA/decoy-root.pin")"* ]]
    [[ $output != *"$(<"$REHEARSAL_CA/root.pin")"* ]]
    saw_nothing
    not_sent peer
}

@test "TLS 1.2 alone, where the policy demands 1.3: exit 6; where it permits 1.2: placed" {
    home_listen '{"tls": "1.2"}'
    order -6
    [[ $output == *'version 1.3 or later'*'nothing was sent'* ]]
    saw_nothing
    not_sent peer
    home_listen '{"tls": "1.2"}'
    policy_edit '.api.minimum_tls = "1.2"'
    order -0
    [ "$(last_record .tls.version)" = TLSv1.2 ]
}

@test "an address outside the policy's networks: exit 6, not even a connection" {
    home_listen
    policy_edit '.api.networks = ["127.0.1.0/24", "2001:db8::/32"]'
    order -6
    [[ $output == *'localhost is at 127.0.0.1, outside the policy'\''s networks (127.0.1.0/24, 2001:db8::/32): nothing was sent'* ]]
    rehearsal_stop
    [ "$(connections)" = 0 ]
    not_sent peer
    [ "$(last_record .tls)" = null ]
}

@test "what is not sent may be ordered again, without --again" {
    present other
    order -6
    rehearsal_stop
    home_listen
    order -0
    [ "$(posts)" = 1 ]
}

@test "nothing listens: exit 7" {
    home_listen
    rehearsal_stop
    order -7
    [[ $output == *"cannot connect to localhost port $REHEARSAL_PORT: 127.0.0.1: Connection refused"* ]]
    not_sent unreached
}

# A listener whose queue is full: the kernel answers no SYN any more.
deaf_listener() {
    perl -MIO::Socket::INET -e '
        my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
        my @waiting = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", Blocking => 0,
            PeerPort => $listener->sockport) } 1 .. 4;
        $| = 1;
        print $listener->sockport, "\n";
        sleep 60' >"$BATS_TEST_TMPDIR/port" 3>&- &
    DEAF=$!
    await test -s "$BATS_TEST_TMPDIR/port"
}

@test "a peer that does not take the connection: exit 7 within the time" {
    local start
    deaf_listener
    policy_edit ".api.base_url = \"https://localhost:$(<"$BATS_TEST_TMPDIR/port")/client/v4\""
    start=$SECONDS
    order -7 --timeout 2
    kill "$DEAF"
    [ $((SECONDS - start)) -lt 20 ] # not the 30 of order()
    [[ $output == *'cannot connect to localhost'*'Connection timed out'* ]]
    not_sent unreached
}

@test "a peer that takes the connection and says nothing: exit 7 within the time" {
    local start
    home_listen
    kill -STOP "$REHEARSAL_PID"
    start=$SECONDS
    order -7 --timeout 2
    kill -CONT "$REHEARSAL_PID"
    [ $((SECONDS - start)) -lt 20 ]
    saw_nothing
    not_sent unreached
}
