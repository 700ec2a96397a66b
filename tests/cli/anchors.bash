# shellcheck shell=bash
# A time stamping authority and a witness for tests: `load anchors`. Each is a process of Node; anchors_stop ends
# them. $TSA and $WITNESS are their directories (tests/node/tsa.mjs and witness.mjs say what is in them).

anchor_await() { # DIR PID
    local try
    for ((try = 0; try < 1200; try++)); do
        [[ ! -s $1/ready ]] || return 0
        kill -0 "$2" 2>/dev/null || break
        sleep 0.025
    done
    cat "$1/messages" >&2
    return 1
}

# The certificates, and what `openssl ts` signs by: in DIR, once for a file of tests.
tsa_make() { # DIR
    mkdir -p "$1"
    (cd "$1" && tsa_certificates && tsa_config) >"$1/made" 2>&1 || { cat "$1/made" >&2; return 1; }
}

tsa_certificates() {
    local name
    for name in stamp foreign; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name-root.key" -days 30 \
            -subj "/O=Example/CN=$name root" -addext basicConstraints=critical,CA:TRUE -out "$name-root.pem"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -days 30 \
            -subj "/O=Example/CN=$name" -CA "$name-root.pem" -CAkey "$name-root.key" \
            -addext extendedKeyUsage=critical,timeStamping -out "$name.pem"
    done
    openssl req -x509 -key stamp.key -days 30 -subj /CN=server -CA stamp-root.pem -CAkey stamp-root.key \
        -addext extendedKeyUsage=serverAuth -out server.pem
    : >database
    printf '[ca]\ndefault_ca=o\n[o]\ndatabase=database\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n' >ca.cnf
    printf 'x509_extensions=e\n[p]\ncommonName=supplied\n[e]\nextendedKeyUsage=critical,timeStamping\n' >>ca.cnf
    openssl req -new -key stamp.key -subj /CN=expired -out expired.csr
    openssl ca -config ca.cnf -batch -notext -in expired.csr -out expired.pem -cert stamp-root.pem \
        -keyfile stamp-root.key -startdate 20200101000000Z -enddate 20200201000000Z
}

tsa_section() { # NAME CERTIFICATE KEY DIGESTS
    printf '[%s]\nserial = serial\nsigner_cert = %s.pem\nsigner_key = %s.key\nsigner_digest = sha256\n' "$1" "$2" "$3"
    printf 'default_policy = 1.2.3.4.1\ndigests = %s\ness_cert_id_alg = sha256\n\n' "$4"
}

tsa_config() {
    printf 01 >serial
    { tsa_section good stamp stamp sha256
      tsa_section foreign foreign foreign sha256
      tsa_section strict stamp stamp sha512
      tsa_section expired expired stamp sha256
    } >tsa.cnf
}

tsa_start() { # TEMPLATE [CA]
    export TSA=$BATS_TEST_TMPDIR/tsa
    cp -a "$1" "$TSA"
    node "$GEORDER_SOURCE/tests/node/tsa.mjs" "$TSA" ${2:+"$2"} </dev/null >"$TSA/messages" 2>&1 3>&- &
    TSA_PID=$!
    anchor_await "$TSA" "$TSA_PID" || return 1
    export TSA_PORT
    TSA_PORT=$(<"$TSA/ready")
}

witness_start() { # ORIGIN JWK
    export WITNESS=$BATS_TEST_TMPDIR/witness
    mkdir -p "$WITNESS"
    rm -f "$WITNESS/ready"
    node "$GEORDER_SOURCE/tests/node/witness.mjs" "$WITNESS" "$REHEARSAL_CA" "$1" "$2" </dev/null \
        >"$WITNESS/messages" 2>&1 3>&- &
    WITNESS_PID=$!
    anchor_await "$WITNESS" "$WITNESS_PID" || return 1
    export WITNESS_PORT
    WITNESS_PORT=$(<"$WITNESS/ready")
}

anchors_stop() {
    local pid
    for pid in ${TSA_PID:-} ${WITNESS_PID:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    unset TSA_PID WITNESS_PID
}
