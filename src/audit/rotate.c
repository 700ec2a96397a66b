/*
 * The log is handed on to a new key. In this order, so that after a crash at any point the old key
 * or the new one can go on: the new public key into keys/, where without a rotation it counts for
 * nothing; the record, with which the old key's turn is over; the checkpoint by the new key, which
 * the next append of the new key makes good when it is not there.
 */
#include <string.h>

#include "log.h"
#include "rotation.h"

static enum result ring_add(struct audit *audit, const struct audit_signer *signer, struct err *err)
{
    struct keyring *ring = &audit->ring;
    struct key key = {0};

    if (key_from_spki(signer->alg, signer->spki, signer->spki_len, &key, err) != RESULT_OK)
        return err->result;
    audit->next_key = keyring_find(ring, key.kid);
    if (audit->next_key == NULL && ring->count < KEYS_MAX) {
        ring->key[ring->count] = key;
        audit->next_key = &ring->key[ring->count++];
        return checker_extend(&audit->checker, err);
    }
    key_free(&key);
    if (audit->next_key == NULL)
        return err_set(err, RESULT_AUDIT, "keys: a log has at most %d keys: begin a new log",
                       KEYS_MAX);
    return RESULT_OK;
}

/* Whom the log was handed on from would be trusted once more: nothing would have ended. */
static enum result next_is_new(struct audit *audit, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct succession keys;

    if (audit->next_key == audit->key)
        return err_set(err, RESULT_USAGE, "the key %s signs this log already: name another one",
                       audit->key->kid);
    if (snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK ||
        succession_load(&snapshot, audit->origin, &audit->ring, &keys, err) != RESULT_OK)
        return err->result;
    if (succession_has(&keys, audit->next_key->kid))
        return err_set(err, RESULT_USAGE,
                       "the key %s signed this log before, and its turn is over: name a new one",
                       audit->next_key->kid);
    return RESULT_OK;
}

static enum result rotation_make(struct audit *audit, const struct audit_successor *to,
                                 cJSON *detail, struct err *err)
{
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX);
    cJSON *rotation;

    if (to->agree(to->signer->context, audit->tree.size, audit->last_hash, audit->key->kid,
                  &signature, err) != RESULT_OK ||
        buf_check(&signature, "rotation", err) != RESULT_OK)
        return err->result;
    rotation = rotation_json(audit->key, audit->next_key, &signature);
    if (rotation != NULL && cJSON_AddItemToObject(detail, "rotation", rotation))
        return RESULT_OK;
    cJSON_Delete(rotation);
    return err_set(err, RESULT_INTERNAL, "audit record: out of memory");
}

static enum result rotation_append(struct audit *audit, const struct audit_successor *to,
                                   const struct audit_event *cause, uint64_t *index,
                                   struct err *err)
{
    AUTO_JSON *detail =
        cause->detail != NULL ? cJSON_Duplicate(cause->detail, true) : cJSON_CreateObject();
    struct audit_event event = *cause;

    if (rotation_make(audit, to, detail, err) != RESULT_OK)
        return err->result;
    event.event = ROTATION_EVENT;
    event.detail = detail;
    return log_append(audit, &event, index, err);
}

static void take_over(struct audit *audit)
{
    audit->signer = audit->next_signer;
    audit->key = audit->next_key;
}

static enum result rotation_find(struct audit *audit, uint64_t *index, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct succession keys;

    if (snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK ||
        succession_load(&snapshot, audit->origin, &audit->ring, &keys, err) != RESULT_OK)
        return err->result;
    if (keys.count < 2 || succession_now(&keys) != audit->key)
        return err_set(err, RESULT_AUDIT,
                       "no rotation leads to the key %s: run `georder audit "
                       "verify`",
                       audit->key->kid);
    *index = keys.first[keys.count - 1] - 1;
    return RESULT_OK;
}

static bool is_anchored(const struct audit *audit)
{
    struct checkpoint checkpoint;

    return note_read(buf_text(&audit->note), audit->note.len, audit->origin, &audit->ring,
                     &checkpoint) == NOTE_GOOD &&
           checkpoint.size == audit->tree.size;
}

/* The record is there, by a process that ended too soon. */
static enum result rotation_finish(struct audit *audit, const struct audit_event *cause,
                                   uint64_t *index, struct err *err)
{
    take_over(audit);
    if (rotation_find(audit, index, err) != RESULT_OK ||
        (!is_anchored(audit) && log_anchor(audit, err) != RESULT_OK))
        return err->result;
    audit->next_key = NULL;
    log_forget(audit); /* so that torn bytes are seen again */
    return log_ready(audit, cause, err);
}

static enum result locked_rotate(struct audit *audit, const struct audit_successor *to,
                                 const struct audit_event *cause, uint64_t *index, struct err *err)
{
    const struct key *next;
    AUTO_LOCK lock = {-1};
    AUTO_JSON *torn = NULL;
    enum result result;

    if (lock_enter(audit->dirfd, false, &lock, err) != RESULT_OK ||
        ring_add(audit, to->signer, err) != RESULT_OK ||
        log_observe(audit, &torn, err) != RESULT_OK)
        return err->result;
    next = audit->next_key;
    if (audit->turn == next && next != audit->key)
        return rotation_finish(audit, cause, index, err);
    audit->next_key = NULL;
    log_forget(audit);
    result = log_ready(audit, cause, err);
    audit->next_key = next;
    if (result != RESULT_OK || next_is_new(audit, err) != RESULT_OK ||
        key_store(audit->dirfd, next, err) != RESULT_OK ||
        rotation_append(audit, to, cause, index, err) != RESULT_OK)
        return err->result;
    take_over(audit);
    return RESULT_OK;
}

enum result audit_rotate(struct audit *audit, const struct audit_successor *to,
                         const struct audit_event *cause, uint64_t *index, struct err *err)
{
    enum result result;

    if (audit->signer == NULL || audit->broken)
        return err_set(err, RESULT_INTERNAL, "the audit log is not open for appending");
    audit->next_signer = to->signer;
    result = locked_rotate(audit, to, cause, index, err);
    audit->next_signer = NULL;
    audit->next_key = NULL;
    if (result != RESULT_OK)
        log_forget(audit);
    return result;
}
