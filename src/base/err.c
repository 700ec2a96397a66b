#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The one table of results: exit code, stable name, meaning. `help exit-codes` prints it. */
static const struct {
    const char *name, *meaning;
} results[RESULT_COUNT] = {
    [RESULT_OK] = {"done", "done"},
    [RESULT_INTERNAL] = {"internal", "internal error"},
    [RESULT_USAGE] = {"usage", "wrong usage, or an invalid order"},
    [RESULT_DENIED] = {"denied", "denied by policy"},
    [RESULT_REFUSED] = {"refused", "the API refused"},
    [RESULT_VIOLATION] = {"violation", "the pack does not comply with the order or the policy"},
    [RESULT_PEER] = {"peer", "TLS, pin or network-range failure: the peer is not the Cloudflare "
                             "that the policy names"},
    [RESULT_UNREACHED] = {"unreached", "not reached: network or time-out, and it is certain that "
                                       "nothing was placed"},
    [RESULT_UNKNOWN] = {"unknown", "outcome unknown, or an earlier order is unsettled"},
    [RESULT_KEY] = {"key", "key, HSM, PIN or keystore trouble"},
    [RESULT_AUDIT] = {"audit", "the audit log cannot be written, or does not verify"},
    [RESULT_CONFIG] = {"config", "config or policy is invalid, expired, unsigned or unsafe"},
    [RESULT_FAILED] = {"failed", "a policy is wider than it may be, or fails its tests"},
};

const char *result_name(enum result result)
{
    return result < RESULT_COUNT ? results[result].name : "internal";
}

const char *result_meaning(enum result result)
{
    return result < RESULT_COUNT ? results[result].meaning : "internal error";
}

int result_exit(enum result result)
{
    return result == RESULT_FAILED ? RESULT_INTERNAL : (int)result;
}

static void text_cut(struct err *err, int wanted)
{
    static const char dots[] = "...";
    size_t end = sizeof err->text - sizeof dots;

    if (wanted < (int)sizeof err->text)
        return;
    while (end > 0 && ((unsigned char)err->text[end] & 0xC0) == 0x80)
        end--;
    memcpy(err->text + end, dots, sizeof dots);
}

enum result err_fill(struct err *err, enum result result, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    err->result = result;
    text_cut(err, vsnprintf(err->text, sizeof err->text, fmt, args));
    va_end(args);
    return result;
}

enum result err_prefix(struct err *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    char before[sizeof err->text];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(before, sizeof before, fmt, args);
    va_end(args);
    memcpy(text, err->text, sizeof text);
    return err_set(err, err->result, "%s: %s", before, text);
}

enum result err_errno(struct err *err, enum result result, const char *fmt, ...)
{
    int number = errno;
    char before[sizeof err->text];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(before, sizeof before, fmt, args);
    va_end(args);
    return err_set(err, result, "%s: %s", before, strerror(number));
}
