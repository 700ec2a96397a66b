# shellcheck shell=bash
# What processes and files keep of secrets: `load helper`, `load home`, `load memory`, memory_build in
# setup_file. A needle is a file that holds the secret: no secret is an argument.

memory_build() {
    export MEMSEARCH=$BATS_FILE_TMPDIR/memsearch
    cc -O2 -Wall -Wextra -Werror -o "$MEMSEARCH" "$GEORDER_SOURCE/tests/cli/memsearch.c"
}

# keeps PROCESS|PATH NEEDLE-FILE...: a line for each needle, form and mapping where one was found,
# "NEEDLE FORM WHOLE PARTS FLAGS OWNER". Fails when not all of it could be looked at.
#
# So it tells what a PKCS#11 module keeps, too: the same georder keeps nothing with a module that
# keeps nothing (SoftHSM), so that what there is with another one is that module's.
keeps() {
    local found status=0
    found=$("$MEMSEARCH" "$@") || status=$?
    [[ $status -le 1 ]] || return 1
    cut -f 1-4,6- <<<"$found" | tr '\t' ' ' | sed '/^$/d'
}

# keep_nothing PROCESS|PATH... -- NEEDLE-FILE...
keep_nothing() {
    local subjects=() subject found
    while [[ $1 != -- ]]; do subjects+=("$1") && shift; done
    shift
    for subject in "${subjects[@]}"; do
        found=$(keeps "$subject" "$@") || return 1
        [[ -z $found ]] || { echo "$subject $(name_of "$subject"): $found" >&2 && return 1; }
    done
}

# keeps_locked PROCESS NEEDLE-FILE...: it does keep some, and all in locked memory that no core has.
keeps_locked() {
    local found
    found=$(keeps "$@") || return 1
    [[ -n $found ]] || { echo "$1 $(name_of "$1"): nothing" >&2 && return 1; }
    ! grep -v ' locked,nodump anonymous$' <<<"$found" >&2 || return 1
}

name_of() { # PROCESS|PATH
    [[ ! -r /proc/$1/comm ]] || cat "/proc/$1/comm"
}

# held COMMAND...: runs it, with an output that takes nothing, and waits until it hangs there: it
# has done its work then, and its helpers are still alive. MAIN is its process.
held() {
    full
    "$@" >&8 2>&8 </dev/null 3>&- &
    MAIN=$!
    await writes "$MAIN"
}

# full: descriptor 8 is a pipe without room, `full` its name.
full() {
    rm -f full
    mkfifo full
    exec 8<>full
    head -c 65536 /dev/zero >&8
}

writes() { # PROCESS: it waits for a pipe to have room
    [[ $(<"/proc/$1/wchan") == *pipe_write ]]
}
