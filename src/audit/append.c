#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "record.h"

/* A line without its payload: names and punctuation, and more than our protected header needs. */
#define LINE_FRAME 400

/* What is about to be written; nothing is on the disk yet. The tree with it is audit->next. */
struct pending {
    struct buf payload, line; /* of one record */
    struct buf lines;         /* of all, each with its newline */
    struct buf note;
    uint8_t last_hash[SHA256_LEN];
    uint64_t last_time;
};
#define AUTO_PENDING __attribute__((cleanup(pending_free))) struct pending

static void pending_free(struct pending *pending)
{
    buf_free(&pending->payload);
    buf_free(&pending->line);
    buf_free(&pending->lines);
    buf_free(&pending->note);
}

static size_t payload_max(const struct audit *audit)
{
    size_t signature = (size_t)EVP_PKEY_get_size(audit->key->pkey);

    return (AUDIT_LINE_MAX - LINE_FRAME - 2 * signature) / 4 * 3;
}

static enum result payload_build(struct audit *audit, const struct audit_event *event,
                                 const cJSON *detail, const char *body_file, struct pending *out,
                                 struct err *err)
{
    struct record_place place = {audit->origin, audit->next.size, out->last_hash, body_file,
                                 out->last_time};

    if (place.index >= INDEX_LIMIT)
        return err_set(err, RESULT_AUDIT, "the log is full: begin a new one");
    buf_reset(&out->payload);
    return record_build(event, &place, detail, &out->payload, err);
}

static enum result body_store(struct audit *audit, const char *body, size_t len,
                              char name[SHA256_HEX_LEN + 1], struct err *err)
{
    AUTO_FD bodies =
        openat(audit->dirfd, "bodies", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (bodies < 0)
        return err_errno(err, RESULT_AUDIT, "bodies: cannot open");
    if (len > AUDIT_BODY_MAX)
        return err_set(err, RESULT_AUDIT, "bodies: %zu bytes, %d are permitted", len,
                       AUDIT_BODY_MAX);
    AUTO_BUF bytes = BUF_INIT(AUDIT_BODY_MAX);
    buf_put(&bytes, body, len);
    sha256_hex(body, len, name);
    if (buf_check(&bytes, "audit record", err) != RESULT_OK)
        return err->result;
    if (log_put(audit, bodies, name, &bytes, err) != RESULT_OK)
        return err_prefix(err, "bodies");
    return log_flush_directory(audit, bodies, "bodies", err);
}

static enum result payload_with_file(struct audit *audit, const struct audit_entry *entry,
                                     struct pending *out, struct err *err)
{
    char path[sizeof "bodies/" + SHA256_HEX_LEN] = "bodies/";

    if (body_store(audit, entry->body, entry->body_len, path + strlen(path), err) != RESULT_OK)
        return err->result;
    return payload_build(audit, entry->event, entry->event->detail, path, out, err);
}

/* A body goes into the record when it is text and fits, else into a file that the record names. */
static enum result payload_make(struct audit *audit, const struct audit_entry *entry,
                                struct pending *out, struct err *err)
{
    const struct audit_event *event = entry->event;
    const char *body = entry->body;
    size_t len = entry->body_len;
    AUTO_JSON *detail = NULL;

    if (body == NULL)
        return payload_build(audit, event, event->detail, NULL, out, err);
    if (event->body_apart || len > out->payload.max || memchr(body, '\0', len) != NULL ||
        !utf8_valid(body, len))
        return payload_with_file(audit, entry, out, err);
    AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX);
    buf_put(&text, body, len);
    detail = record_with_body(event->detail, buf_text(&text));
    if (!buf_ok(&text) || detail == NULL)
        return err_set(err, RESULT_INTERNAL, "audit record: out of memory");
    if (payload_build(audit, event, detail, NULL, out, err) == RESULT_OK)
        return RESULT_OK;
    if (buf_ok(&out->payload))
        return err->result;
    return payload_with_file(audit, entry, out, err);
}

static bool line_carries(const struct buf *line, const struct buf *payload)
{
    AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX);
    struct jws jws;

    return jws_split(buf_text(line), line->len, &jws) &&
           base64url_get(jws.payload.at, jws.payload.len, &text) && text.len == payload->len &&
           memcmp(text.data, payload->data, text.len) == 0;
}

static const char *next_kid(const struct audit *audit)
{
    return audit->next_key != NULL ? audit->next_key->kid : "";
}

static enum result line_sign(struct audit *audit, struct pending *pending, struct line_facts *facts,
                             struct err *err)
{
    const struct audit_signer *signer = audit->signer;

    buf_reset(&pending->line);
    if (signer->sign(signer->context, pending->payload.data, pending->payload.len, &pending->line,
                     err) != RESULT_OK)
        return err->result;
    checker_line(&audit->checker, buf_text(&pending->line), pending->line.len, facts);
    if (!buf_ok(&pending->line) || facts->status != LINE_GOOD)
        return err_set(err, RESULT_AUDIT, "the signer's record %s: it was not written",
                       line_status_text(facts->status));
    if (facts->key != audit->key || strcmp(facts->to, next_kid(audit)) != 0 ||
        !line_carries(&pending->line, &pending->payload))
        return err_set(err, RESULT_AUDIT,
                       "the signer signed another record or by another key: it was not written");
    return RESULT_OK;
}

static enum result entry_add(struct audit *audit, const struct audit_entry *entry,
                             struct pending *pending, struct err *err)
{
    struct line_facts facts = {0};

    if (payload_make(audit, entry, pending, err) != RESULT_OK ||
        line_sign(audit, pending, &facts, err) != RESULT_OK)
        return err->result;
    tree_push(&audit->next, &audit->checker.sha256, facts.leaf);
    if (audit->next.size % TILE_WIDTH == 0)
        tree_copy(&audit->filled, &audit->next);
    memcpy(pending->last_hash, facts.hash, SHA256_LEN);
    pending->last_time = facts.payload.time;
    buf_put(&pending->lines, pending->line.data, pending->line.len);
    buf_putc(&pending->lines, '\n');
    return buf_check(&pending->lines, "audit record", err);
}

/* The head of the tree `next`. */
static enum result note_sign(struct audit *audit, struct buf *note, struct err *err)
{
    bool handed_on = audit->next_key != NULL;
    const struct audit_signer *signer = handed_on ? audit->next_signer : audit->signer;
    const struct key *key = handed_on ? audit->next_key : audit->key;
    struct checkpoint checkpoint;
    uint8_t root[SHA256_LEN];
    enum note_status status;

    tree_root(&audit->next, &audit->checker.sha256, root);
    if (signer->checkpoint(signer->context, audit->next.size, root, note, err) != RESULT_OK)
        return err->result;
    status = note_read(buf_text(note), note->len, audit->origin, &audit->ring, &checkpoint);
    if (status != NOTE_GOOD || checkpoint.key != key || checkpoint.size != audit->next.size ||
        memcmp(checkpoint.root, root, SHA256_LEN) != 0)
        return err_set(err, RESULT_AUDIT, "the signer's checkpoint %s: no record was written",
                       status != NOTE_GOOD ? note_status_text(status) : "is another one");
    return RESULT_OK;
}

static enum result segment_make(struct audit *audit, struct err *err)
{
    char name[NAME_MAX_LEN];

    fd_close(&audit->segment);
    segment_name(audit->tree.size, name);
    audit->segment = openat(audit->records, name,
                            O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (audit->segment < 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot make it", name);
    audit->segment_first = audit->tree.size;
    audit->segment_size = 0;
    return RESULT_OK;
}

/* Whoever made an empty segment may have been killed before its name was on the disk. */
static enum result segment_begin(struct audit *audit, struct err *err)
{
    bool begun = audit->segment >= 0;

    if (begun && audit->segment_size > 0 && audit->segment_size < audit->segment_max)
        return RESULT_OK;
    if (!(begun && audit->segment_size == 0 && audit->segment_first == audit->tree.size) &&
        segment_make(audit, err) != RESULT_OK)
        return err->result;
    return log_flush_directory(audit, audit->records, "records", err);
}

/* Keeps the promise that what failed is not in the log. */
static void lines_take_back(struct audit *audit, struct err *err)
{
    if (ftruncate(audit->segment, (off_t)audit->segment_size) == 0 &&
        fdatasync(audit->segment) == 0)
        return;
    audit->broken = true;
    (void)err_prefix(err, "the append failed and perhaps could not be taken back from the log");
}

static enum result lines_write(struct audit *audit, const struct buf *lines, struct err *err)
{
    ssize_t done;

    do
        done = write(audit->segment, lines->data, lines->len);
    while (done < 0 && errno == EINTR);
    if (done == (ssize_t)lines->len)
        return log_flush(audit, audit->segment, "records", err);
    if (done >= 0)
        errno = ENOSPC;
    return err_errno(err, RESULT_AUDIT,
                     "records: cannot write the whole record (%zd of %zu bytes): make room on the "
                     "audit directory's disk",
                     done < 0 ? 0 : done, lines->len);
}

/* Without a flush of the directory: after a power cut the old checkpoint may be there, which the
 * next append makes good; but never half of one, and none at all only in a log of one record. */
static enum result checkpoint_write(struct audit *audit, const struct buf *note, struct err *err)
{
    return log_put(audit, audit->dirfd, "checkpoint", note, err);
}

/* The next push is written over a full tile; a group fills one at most. */
static enum result group_tiles_save(struct audit *audit, struct err *err)
{
    uint64_t before = audit->tree.size;

    if (audit->filled.size > 0) {
        if (tiles_save(audit->dirfd, &audit->filled, before, &audit->broken, err) != RESULT_OK)
            return err->result;
        before = audit->filled.size;
    }
    return tiles_save(audit->dirfd, &audit->next, before, &audit->broken, err);
}

static enum result records_write(struct audit *audit, struct pending *pending, struct err *err)
{
    enum result result = lines_write(audit, &pending->lines, err);

    if (result == RESULT_OK)
        result = group_tiles_save(audit, err);
    if (result == RESULT_OK)
        result = checkpoint_write(audit, &pending->note, err);
    if (result != RESULT_OK)
        lines_take_back(audit, err);
    return result;
}

static enum result pending_write(struct audit *audit, struct pending *pending, struct err *err)
{
    if (segment_begin(audit, err) != RESULT_OK)
        return err->result;
    if (audit->tree.size == 1 &&
        log_flush_directory(audit, audit->dirfd, "checkpoint", err) != RESULT_OK)
        return err->result;
    return records_write(audit, pending, err);
}

static void note_keep(struct audit *audit, const struct buf *note)
{
    buf_reset(&audit->note);
    buf_put(&audit->note, note->data, note->len);
}

enum result log_anchor(struct audit *audit, struct err *err)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    tree_copy(&audit->next, &audit->tree);
    if (note_sign(audit, &note, err) != RESULT_OK ||
        checkpoint_write(audit, &note, err) != RESULT_OK)
        return err->result;
    note_keep(audit, &note);
    return RESULT_OK;
}

static enum result pending_make(struct audit *audit, const struct audit_entry *entries,
                                size_t count, struct pending *pending, struct err *err)
{
    tree_copy(&audit->next, &audit->tree);
    audit->filled.size = 0;
    memcpy(pending->last_hash, audit->last_hash, SHA256_LEN);
    pending->last_time = audit->last_time;
    for (size_t i = 0; i < count; i++)
        if (entry_add(audit, &entries[i], pending, err) != RESULT_OK)
            return err->result;
    return note_sign(audit, &pending->note, err);
}

static enum result entries_append(struct audit *audit, const struct audit_entry *entries,
                                  size_t count, uint64_t *first, struct err *err)
{
    AUTO_PENDING pending = {.payload = BUF_INIT(payload_max(audit)),
                            .line = BUF_INIT(AUDIT_LINE_MAX),
                            .lines = BUF_INIT(GROUP_MAX),
                            .note = BUF_INIT(NOTE_MAX)};

    if (pending_make(audit, entries, count, &pending, err) != RESULT_OK ||
        pending_write(audit, &pending, err) != RESULT_OK)
        return err->result;
    tiles_prune(audit->dirfd, &audit->next, audit->tree.size);
    if (first != NULL)
        *first = audit->tree.size;
    tree_copy(&audit->tree, &audit->next);
    audit->segment_size += pending.lines.len;
    memcpy(audit->last_hash, pending.last_hash, SHA256_LEN);
    audit->turn = audit->next_key != NULL ? audit->next_key : audit->key;
    audit->last_time = pending.last_time;
    note_keep(audit, &pending.note);
    head_replace(audit, &pending.note);
    return RESULT_OK;
}

/* By the caller of the append that found it. */
static enum result repair_append(struct audit *audit, const struct audit_event *cause, cJSON *moved,
                                 struct err *err)
{
    AUTO_JSON *detail = cJSON_CreateObject();
    struct audit_event event = *cause;

    if (detail == NULL || !cJSON_AddItemReferenceToObject(detail, "moved", moved))
        return err_set(err, RESULT_INTERNAL, "audit record: out of memory");
    event.event = "log.repaired";
    event.order_id = event.zone = event.zone_id = event.url = event.peer_address = "";
    event.activity = 3;
    event.severity = 3;
    event.status = 1;
    event.http_status = 0;
    event.message = "bytes of an incomplete record were moved aside";
    event.operation = "repair log";
    event.detail = detail;
    return entries_append(audit, &(struct audit_entry){.event = &event}, 1, NULL, err);
}

enum result log_append(struct audit *audit, const struct audit_event *event, uint64_t *index,
                       struct err *err)
{
    return entries_append(audit, &(struct audit_entry){.event = event}, 1, index, err);
}

/* A crash left the first record without a checkpoint: it gets one before there is a second, since
 * a log of more records without any is not gone on with. */
enum result log_ready(struct audit *audit, const struct audit_event *cause, struct err *err)
{
    AUTO_JSON *torn = NULL;

    if (log_observe(audit, &torn, err) != RESULT_OK)
        return err->result;
    if (audit->turn != NULL && audit->turn != audit->key)
        return turn_fail(audit, audit->tree.size - 1, audit->turn, err);
    if (audit->signer->head != NULL && head_hold(audit, err) != RESULT_OK)
        return err->result;
    if (audit->tree.size > 0 && audit->note.len == 0 && log_anchor(audit, err) != RESULT_OK)
        return err->result;
    return torn != NULL ? repair_append(audit, cause, torn, err) : RESULT_OK;
}

static enum result locked_append(struct audit *audit, const struct audit_entry *entries,
                                 size_t count, uint64_t *first, struct err *err)
{
    AUTO_LOCK lock = {-1};

    if (lock_enter(audit->dirfd, false, &lock, err) != RESULT_OK ||
        log_ready(audit, entries[0].event, err) != RESULT_OK)
        return err->result;
    return entries_append(audit, entries, count, first, err);
}

enum result audit_append_group(struct audit *audit, const struct audit_entry *entries, size_t count,
                               uint64_t *first, struct err *err)
{
    enum result result;

    if (audit->signer == NULL)
        return err_set(err, RESULT_INTERNAL, "the audit log was opened for reading only");
    if (count == 0 || count > AUDIT_GROUP_MAX)
        return err_set(err, RESULT_INTERNAL, "a group of %zu records: 1 to %d are permitted", count,
                       AUDIT_GROUP_MAX);
    if (audit->broken)
        return err_set(err, RESULT_AUDIT,
                       "a flush of the audit log failed earlier: nothing more is appended; start "
                       "again once the disk is well");
    result = locked_append(audit, entries, count, first, err);
    if (result != RESULT_OK)
        log_forget(audit);
    return result;
}

enum result audit_append(struct audit *audit, const struct audit_event *event, const char *body,
                         size_t body_len, uint64_t *index, struct err *err)
{
    const struct audit_entry entry = {event, body, body_len};

    return audit_append_group(audit, &entry, 1, index, err);
}
