/*
 * The head of the log: its newest checkpoint in a data object of a token, where who has the log's
 * disk, an older copy of it or a clone of the host cannot bring back an older one.
 */
#include <string.h>

#include "server.h"

static enum result head_needed(const struct server *server, struct err *err)
{
    if (server->no_head.result == RESULT_OK)
        return RESULT_OK;
    *err = server->no_head;
    return err->result;
}

/* Empty: there is none. */
static enum result head_load(struct server *server, struct buf *note, struct err *err)
{
    bool missing = false;

    if (head_needed(server, err) != RESULT_OK)
        return err->result;
    if (source_find(&server->ring, &server->head, note, &missing, err) == RESULT_OK)
        return buf_check(note, server->head.what, err);
    if (!missing)
        return err->result;
    *err = (struct err){0};
    return RESULT_OK;
}

/* Two heads are the same when their text is: it is signed anew, and then by other bytes. */
static void head_see(struct server *server, const struct buf *note, size_t text)
{
    buf_reset(&server->head_seen);
    buf_put(&server->head_seen, buf_text(note), text);
}

static bool head_is(const struct buf *seen, const struct buf *note, size_t text)
{
    return seen->len == text && memcmp(buf_text(seen), buf_text(note), text) == 0;
}

/* The second line of a checkpoint of this log. */
static bool head_size(const struct server *server, const struct buf *note, uint64_t *size)
{
    const char *origin = server->signer.state.origin, *at = buf_text(note);
    size_t len = strlen(origin), digits;

    *size = 0;
    if (strncmp(at, origin, len) != 0 || at[len] != '\n')
        return false;
    at += len + 1;
    digits = strspn(at, "0123456789");
    if (digits == 0 || digits > 15 || at[digits] != '\n')
        return false;
    for (; *at != '\n'; at++)
        *size = *size * 10 + (uint64_t)(*at - '0');
    return true;
}

static size_t text_of(const struct buf *note)
{
    const char *text = buf_text(note), *blank = strstr(text, "\n\n");

    return blank != NULL ? (size_t)(blank - text) + 1 : note->len;
}

enum result handle_head_read(struct server *server, struct msg *msg, struct answer *answer,
                             struct err *err)
{
    AUTO_BUF note = BUF_INIT(HEAD_MAX);

    if (msg_end(msg, err) != RESULT_OK || head_load(server, &note, err) != RESULT_OK)
        return err->result;
    head_see(server, &note, text_of(&note));
    answer->type = MSG_KEYS_NOTE;
    put_bytes(&answer->body, buf_text(&note), note.len);
    return RESULT_OK;
}

/* May the one that is there go? */
static enum result head_check(const struct server *server, const struct buf *now,
                              const struct buf *next, struct err *err)
{
    const struct buf *seen = &server->head_seen;
    uint64_t old = 0, size = 0;

    if (seen->len > 0 && !head_is(seen, now, text_of(now)))
        return err_set(err, RESULT_AUDIT,
                       "audit.head: somebody else has %s it meanwhile: run `georder audit verify "
                       "--head`, and look whether another host has a copy of this log",
                       now->len > 0 ? "replaced" : "destroyed");
    if (now->len > 0 && !head_size(server, now, &old))
        return err_set(
            err, RESULT_AUDIT,
            "audit.head: what is there is no checkpoint of this log, and was left alone");
    if (!head_size(server, next, &size) || (now->len > 0 && size <= old))
        return err_set(err, RESULT_AUDIT,
                       "audit.head: the log was rolled back or forked: its head is of %llu "
                       "records, and is not replaced by one of %llu",
                       (unsigned long long)old, (unsigned long long)size);
    return RESULT_OK;
}

static enum result head_replace(struct server *server, const struct buf *next, size_t text,
                                struct err *err)
{
    AUTO_BUF now = BUF_INIT(HEAD_MAX);
    struct err left = {0};

    if (head_load(server, &now, err) != RESULT_OK)
        return err->result;
    if (now.len > 0 && text_of(&now) == text && memcmp(now.data, next->data, text) == 0)
        return RESULT_OK;
    if (head_check(server, &now, next, err) != RESULT_OK)
        return err->result;
    return source_write(&server->ring, &server->head, next, &left, err);
}

enum result handle_head_write(struct server *server, struct msg *msg, struct answer *answer,
                              struct err *err)
{
    AUTO_BUF next = BUF_INIT(HEAD_MAX), none = BUF_INIT(8);
    size_t len, text = 0;
    const char *note = get_bytes(msg, &len);

    buf_put(&next, note, len);
    if (msg_end(msg, err) != RESULT_OK || buf_check(&next, "audit.head", err) != RESULT_OK)
        return err->result;
    if (!server->has_signer || !signer_signed(&server->signer, &next, &text))
        return err_set(err, RESULT_KEY,
                       "audit.head: refused to store what is no checkpoint by the audit key");
    if (head_replace(server, &next, text, err) != RESULT_OK)
        return err->result;
    head_see(server, &next, text);
    buf_puts(&none, "{}");
    answer_done(answer, &none);
    return RESULT_OK;
}
