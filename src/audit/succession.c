#include "succession.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"

#define ADVICE "; run `georder audit verify`"

void succession_begin(struct succession *keys, const struct key *key)
{
    keys->count = 1;
    keys->key[0] = key;
    keys->first[0] = 0;
}

bool succession_add(struct succession *keys, const struct key *key, uint64_t first)
{
    if (keys->count == KEYS_MAX || succession_has(keys, key->kid))
        return false;
    keys->key[keys->count] = key;
    keys->first[keys->count++] = first;
    return true;
}

const struct key *succession_now(const struct succession *keys)
{
    return keys->count > 0 ? keys->key[keys->count - 1] : NULL;
}

const struct key *succession_at(const struct succession *keys, uint64_t index)
{
    size_t i = keys->count;

    while (i > 1 && keys->first[i - 1] > index)
        i--;
    return i > 0 ? keys->key[i - 1] : NULL;
}

bool succession_has(const struct succession *keys, const char *kid)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->key[i]->kid, kid) == 0)
            return true;
    return false;
}

bool succession_ended(const struct succession *keys, const struct key *key, uint64_t *rotation)
{
    for (size_t i = 0; i + 1 < keys->count; i++)
        if (keys->key[i] == key) {
            *rotation = keys->first[i + 1] - 1;
            return true;
        }
    return false;
}

void succession_cut(struct succession *keys, uint64_t size)
{
    while (keys->count > 1 && keys->first[keys->count - 1] > size)
        keys->count--;
}

/* --- of a log that is not read from end to end --- */

enum result records_count(const struct snapshot *snapshot, uint64_t *count, struct err *err)
{
    AUTO_READER reader = {.fd = -1};
    struct chunk *chunk = malloc(sizeof *chunk);
    enum result result;

    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    *count = snapshot->count > 0 ? snapshot->first[snapshot->count - 1] : 0;
    reader_open(&reader, snapshot, *count);
    do {
        result = reader_next(&reader, chunk, err);
        if (result == RESULT_OK)
            *count += chunk->lines;
    } while (result == RESULT_OK && chunk->lines > 0);
    free(chunk);
    return result;
}

struct loading {
    const struct snapshot *snapshot;
    struct checker checker;
    struct buf line;
    struct line_facts facts; /* of the last record that was looked at */
    uint64_t count;
};

static enum result look(struct loading *loading, uint64_t index, struct err *err)
{
    const struct line_facts *facts = &loading->facts;

    if (record_find(loading->snapshot, index, &loading->line, err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    checker_line(&loading->checker, buf_text(&loading->line), loading->line.len, &loading->facts);
    /* Bodies are not looked at. */
    if (facts->status == LINE_GOOD || facts->status == LINE_BODY)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT, "record %" PRIu64 " %s%s%s" ADVICE, index,
                   line_status_text(facts->status), facts->kid[0] != '\0' ? ": " : "", facts->kid);
}

/* Looks at the last record of the key whose turn it is, who has signed the record *last. */
static enum result turn_end(struct loading *loading, const struct key *key, uint64_t *last,
                            struct err *err)
{
    uint64_t other = loading->count;

    while (other - *last > 1) {
        uint64_t middle = *last + (other - *last) / 2;

        if (look(loading, middle, err) != RESULT_OK)
            return err->result;
        if (loading->facts.key == key)
            *last = middle;
        else
            other = middle;
    }
    return look(loading, *last, err);
}

static enum result hand_on(struct loading *loading, const struct keyring *ring, uint64_t last,
                           struct succession *out, struct err *err)
{
    const char *to = loading->facts.to;
    const struct key *next = to[0] != '\0' ? keyring_find(ring, to) : NULL;

    if (to[0] == '\0')
        return err_set(err, RESULT_AUDIT,
                       "behind record %" PRIu64 " another key signs, but no rotation leads to "
                       "it" ADVICE,
                       last);
    if (next == NULL)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " hands the log on to the key %s, but keys/%s.jwk is "
                       "missing: restore it from a copy",
                       last, to, to);
    if (!succession_add(out, next, last + 1))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " hands the log on to a key that had its turn" ADVICE,
                       last);
    return RESULT_OK;
}

static enum result turns_load(struct loading *loading, const struct keyring *ring,
                              struct succession *out, struct err *err)
{
    uint64_t last = 0;

    if (look(loading, 0, err) != RESULT_OK)
        return err->result;
    succession_begin(out, loading->facts.key);
    while (last < loading->count) {
        if (turn_end(loading, succession_now(out), &last, err) != RESULT_OK)
            return err->result;
        if (loading->facts.key != succession_now(out))
            return err_set(err, RESULT_AUDIT,
                           "record %" PRIu64 " is not signed by the key whose turn it is" ADVICE,
                           last);
        if (last + 1 == loading->count && loading->facts.to[0] == '\0')
            break;
        if (hand_on(loading, ring, last++, out, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

enum result succession_load(const struct snapshot *snapshot, const char *origin,
                            const struct keyring *ring, struct succession *out, struct err *err)
{
    struct loading loading = {.snapshot = snapshot, .line = BUF_INIT(AUDIT_LINE_MAX)};
    enum result result;

    *out = (struct succession){0};
    /* One key: there is nobody to hand on to. */
    if (ring->count == 1)
        succession_begin(out, &ring->key[0]);
    if (ring->count <= 1)
        return RESULT_OK;
    if (checker_open(&loading.checker, -1, origin, ring, err) != RESULT_OK ||
        records_count(snapshot, &loading.count, err) != RESULT_OK)
        result = err->result;
    else
        result = loading.count > 0 ? turns_load(&loading, ring, out, err) : RESULT_OK;
    checker_close(&loading.checker);
    buf_free(&loading.line);
    return result;
}

bool succession_signed(const struct succession *keys, const struct checkpoint *checkpoint,
                       const char *kid, char why[512])
{
    const char *by = checkpoint->key->kid;
    bool named = kid != NULL && strcmp(kid, by) == 0;
    const struct key *turn = succession_at(keys, checkpoint->size);
    uint64_t rotation = 0;

    /* What handed on to a key that is trusted may have been cut off. */
    if (named && !succession_has(keys, by))
        return true;
    if (keys->count == 0 || turn == checkpoint->key) {
        if (kid == NULL || succession_has(keys, kid))
            return true;
        (void)snprintf(why, 512, "the checkpoint is signed by the key %s, not by %s", by, kid);
    } else if (succession_ended(keys, checkpoint->key, &rotation)) {
        (void)snprintf(why, 512,
                       "the checkpoint is signed by the key %s, which record %" PRIu64 " retired",
                       by, rotation);
    } else {
        (void)snprintf(why, 512, "the checkpoint is signed by the key %s, not by %s", by,
                       kid != NULL ? kid : turn->kid);
    }
    return false;
}

bool succession_answers(const struct succession *keys, const struct checkpoint *checkpoint,
                        const char *kid, char why[512])
{
    if (!succession_signed(keys, checkpoint, kid, why))
        return false;
    for (size_t i = 0; kid != NULL && i < keys->count; i++) {
        if (strcmp(keys->key[i]->kid, kid) != 0 || keys->first[i] <= checkpoint->size)
            continue;
        (void)snprintf(why, 512,
                       "the checkpoint is signed by the key %s, whose turn was before %s, which "
                       "cannot answer for it" ADVICE,
                       checkpoint->key->kid, kid);
        return false;
    }
    return true;
}

enum result checkpoint_trust(const struct snapshot *snapshot, const char *origin,
                             const struct keyring *ring, const char *kid, struct checkpoint *out,
                             struct succession *keys, struct err *err)
{
    const struct buf *note = &snapshot->note;
    enum note_status status;
    char why[512];

    if (note->len == 0)
        return err_set(err, RESULT_AUDIT, "the log has no checkpoint" ADVICE);
    status = note_read(note->data, note->len, origin, ring, out);
    if (status != NOTE_GOOD)
        return err_set(err, RESULT_AUDIT, "the checkpoint %s" ADVICE, note_status_text(status));
    if (succession_load(snapshot, origin, ring, keys, err) != RESULT_OK)
        return err->result;
    if (succession_answers(keys, out, kid, why))
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT, "%s", why);
}
