#!/usr/bin/env bats
# The log to a real rsyslog over TLS (RFC 5425), and to peers that are not the server that was named.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helper
load home

setup_file() {
    home_template_recorded
}

setup() {
    home_copy
    records=$HOUSE/audit/records/000000000000.jsonl
    count=$(wc -l <"$records")
    work=$BATS_TEST_TMPDIR/syslog
    received=$work/received
    mkdir "$work"
}

teardown() {
    [[ ! -s $work/pid ]] || kill "$(<"$work/pid")"
    [[ -z ${PEER_PID:-} ]] || kill "$PEER_PID" 2>/dev/null || true
}

# rsyslog_start NAME [MODE [DRIVER [ADDRESS]]]: with this certificate of the rehearsal's; mode 0 of
# ptcp is plain TCP. Sets PORT.
rsyslog_start() {
    cat >"$work/conf" <<END
global(workDirectory="$work" defaultNetstreamDriverCAFile="$REHEARSAL_CA/root.pem"
    defaultNetstreamDriverCertFile="$REHEARSAL_CA/$1.chain.pem" defaultNetstreamDriverKeyFile="$REHEARSAL_CA/$1.key")
module(load="imtcp" streamDriver.name="${3:-ossl}" streamDriver.mode="${2:-1}" streamDriver.authMode="anon")
input(type="imtcp" address="${4:-127.0.0.1}" port="0" listenPortFileName="$work/port")
template(name="whole" type="string" string="%rawmsg%\n")
template(name="message" type="string" string="%msg%\n")
template(name="facts" type="string" string="%pri% %timestamp:::date-rfc3339% %hostname% %app-name% %msgid% %structured-data%\n")
action(type="omfile" file="$received" template="whole")
action(type="omfile" file="$received.message" template="message")
action(type="omfile" file="$received.facts" template="facts")
END
    rsyslogd -n -f "$work/conf" -i "$work/pid" >"$work/log" 2>&1 3>&- &
    await test -s "$work/port"
    await test -s "$work/pid"
    PORT=$(<"$work/port")
}

rsyslog_stop() {
    kill "$(<"$work/pid")"
    await test ! -e "$work/pid"
    rm "$work/port"
}

# A peer that knows TLS and no syslog: reads this many bytes, then resets the connection.
peer_start() { # BYTES
    python3 -c 'import socket, ssl, struct, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/localhost.chain.pem", sys.argv[1] + "/localhost.key")
listener = socket.create_server(("127.0.0.1", 0))
open(sys.argv[3], "w").write(str(listener.getsockname()[1]))
peer, _ = listener.accept()
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
tls = context.wrap_socket(peer, server_side=True)
left = int(sys.argv[2])
while left > 0: left -= len(tls.recv(left))
tls.close()' "$REHEARSAL_CA" "$1" "$work/port" 3>&- &
    PEER_PID=$!
    await test -s "$work/port"
    PORT=$(<"$work/port")
}

send_to() { # HOST ARGUMENT...
    run --separate-stderr georder audit export --format syslog --to "$1:$PORT" --to-ca "$REHEARSAL_CA/root.pem" "${@:2}"
}

lines_are() { # FILE COUNT
    [ "$(wc -l <"$1" 2>/dev/null)" = "$2" ]
}

@test "rsyslog receives every signed record byte for byte, with its place in the log" {
    rsyslog_start localhost
    send_to localhost
    [ "$status" = 0 ] && [ -z "$output" ]
    [[ $stderr == "$count rows of $count records were handed to TLS for localhost port $PORT; syslog has no acknowledgement, so that this is no proof that they were received" ]]
    await lines_are "$received.message" "$count"
    cmp "$received.message" "$records"
    await lines_are "$received.facts" "$count"
    for ((i = 0; i < count; i++)); do
        leaf=$({ printf '\0'; sed -n "$((i + 1))p" "$records" | tr -d '\n'; } | openssl dgst -sha256 -r | cut -d' ' -f1)
        sed -n "$((i + 1))p" "$received.facts" | grep -F " georder " | grep -F "origin=\"rehearsal.example/georder\" index=\"$i\" leafHash=\"$leaf\" checkpointSize=\"$count\""
    done
}

@test "--json says what was handed over, and that nothing acknowledged it; filters choose rows" {
    rsyslog_start localhost
    send_to 127.0.0.1 --json --event order.denied
    [ "$status" = 0 ]
    jq -e --argjson port "$PORT" --argjson count "$count" '.exit == 0 and (.sent | .host == "127.0.0.1" and .port == $port
        and .rows == 1 and .first_index == 4 and .acknowledged == false and .checkpoint_size == $count)' <<<"$output"
    await lines_are "$received.message" 1
    cmp "$received.message" <(sed -n 5p "$records")
}

@test "an IPv6 address, in brackets" {
    python3 -c 'import socket; socket.create_server(("::1", 0), family=socket.AF_INET6)' 2>/dev/null ||
        skip 'this host has no IPv6'
    rsyslog_start localhost 1 ossl ::1
    send_to '[::1]' --quiet
    [ "$status" = 0 ] && [ -z "$stderr" ]
    await lines_are "$received.message" "$count"
}

@test "needs neither keys nor a config" {
    rsyslog_start localhost
    rm -r "$HOUSE/pin"
    run -0 env -i "$GEORDER" audit export --quiet --directory "$HOUSE/audit" --origin rehearsal.example/georder \
        --format syslog --to "localhost:$PORT" --to-ca "$REHEARSAL_CA/root.pem"
    await lines_are "$received.message" "$count"
}

refused() { # TEXT: exit 6, and the server has got nothing
    [ "$status" = 6 ] || return 1
    [[ $stderr == *"$1"* && $stderr == *'nothing was sent'* ]] || return 1
    [ ! -s "$received" ]
}

@test "a certificate of another CA, for another name, or expired: exit 6, nothing is sent" {
    rsyslog_start decoy
    send_to localhost
    refused 'self-signed certificate in certificate chain'
    rsyslog_stop
    rsyslog_start other
    send_to localhost
    refused 'its certificate is for other.rehearsal.test, not for localhost'
    rsyslog_stop
    rsyslog_start expired
    send_to localhost
    refused 'expired'
}

@test "without --to-ca: the system's CAs, which do not know this one" {
    rsyslog_start localhost
    run -6 --separate-stderr georder audit export --format syslog --to "localhost:$PORT"
    [[ $stderr == *"the CA file that was given, or this host's CA bundle, must hold its CA"* ]]
}

@test "a syslog server without TLS gets no record" {
    rsyslog_start localhost 0 ptcp
    send_to localhost
    [ "$status" = 7 ]
    [[ $stderr == *"no TLS to localhost (127.0.0.1) port $PORT"* ]]
    await test -s "$received" # the greeting of TLS, for what rsyslog takes it
    run -1 grep -aq -e index= -e leafHash "$received"
}

@test "nobody there: exit 7" {
    PORT=1
    send_to localhost
    [ "$status" = 7 ]
    [[ $stderr == *'cannot connect to localhost port 1'* ]]
}

# After how many bytes the last message has just begun: a reset before that could keep georder from making it.
last_begins() { # a length of four digits and a blank is before each, where the file has a newline behind it
    georder audit export --quiet --format syslog | head -n -1 | wc -c | { read -r bytes && echo $((bytes + 5 * count)); }
}

@test "a peer that resets the connection mid-way: exit 8, and what is not known is said" {
    peer_start "$(last_begins)"
    send_to localhost
    [ "$status" = 8 ]
    [[ $stderr == *"the connection broke to localhost (127.0.0.1) port $PORT: "*": no record after 4 was sent; whether any of records 0 to 4 was received is not known, for syslog has no acknowledgement: export them again" ]]
}

@test "an altered log: exit 10, and not one record has left" {
    rsyslog_start localhost
    sed -i '3s/"payload":"eyJ/"payload":"eyK/' "$records"
    send_to localhost
    [ "$status" = 10 ]
    [[ $stderr == *'the records are not those of the checkpoint'* ]]
    [ ! -s "$received" ]
}

@test "wrong words" {
    run -2 --separate-stderr georder audit export --format csv --to localhost:6514
    [[ $stderr == *'--to: only with --format syslog' ]]
    run -2 --separate-stderr georder audit export --format syslog --to localhost:6514 --out "$work/out"
    [[ $stderr == *'--to and --out exclude each other' ]]
    run -2 --separate-stderr georder audit export --format syslog --to-ca "$REHEARSAL_CA/root.pem"
    [[ $stderr == *'--to-ca: only with --to HOST:PORT' ]]
    local server
    for server in localhost localhost: :6514 localhost:0 localhost:65536 localhost:x ::1:6514; do
        run -2 --separate-stderr georder audit export --format syslog --to "$server"
        [[ $stderr == *'--to: write HOST:PORT'* ]]
    done
    run -2 --separate-stderr georder audit export --format syslog --to 'Local_host:6514'
    [[ $stderr == *"the syslog server's host and port are not well-formed"* ]]
}
