/*
 * Signatures that were checked already, of tests that verify the same records thousands of times:
 * the same key, signature and signed bytes are asked of OpenSSL once, and its answer is kept. Any
 * other is checked as ever. Of EC keys alone: their check hangs on nothing else.
 */
#ifndef HELPER_MEMO_H
#define HELPER_MEMO_H

#include <stdbool.h>
#include <stdint.h>

struct memo {
    bool on;
    uint64_t asked, checked; /* since the program began */
};
extern struct memo memo;

#endif
