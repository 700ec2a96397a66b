#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_BYTES (2 * (AUDIT_LINE_MAX + 1)) /* a torn line, and the whole one before it */
#define TAIL_MAX   (TORN_MAX + AUDIT_LINE_MAX + 1)
#define ADVICE     "run `georder audit verify`, and keep the directory as it is for inspection"

void log_forget(struct audit *audit)
{
    fd_close(&audit->segment);
    audit->known = audit->head_held = false;
}

static bool note_is_same(struct audit *audit)
{
    AUTO_FD fd = openat(audit->dirfd, "checkpoint", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char text[NOTE_MAX];
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text);

    return got >= 0 && (size_t)got == audit->note.len &&
           memcmp(text, audit->note.data, audit->note.len) == 0;
}

/* Whoever appended since has made the checkpoint another, or, if stopped half-way, the segment
 * longer, or a segment with the next name. */
static bool head_is_fresh(struct audit *audit)
{
    char name[NAME_MAX_LEN];
    struct stat ours, there;

    if (!audit->known || audit->segment < 0)
        return false;
    segment_name(audit->segment_first, name);
    if (fstat(audit->segment, &ours) != 0 || (uint64_t)ours.st_size != audit->segment_size ||
        fstatat(audit->records, name, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        there.st_ino != ours.st_ino || there.st_dev != ours.st_dev)
        return false;
    segment_name(audit->tree.size, name);
    return fstatat(audit->records, name, &there, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT &&
           note_is_same(audit);
}

enum result turn_fail(const struct audit *audit, uint64_t last, const struct key *turn,
                      struct err *err)
{
    return err_set(err, RESULT_AUDIT,
                   "by record %" PRIu64 " it is the turn of the key %s, not of %s, to sign: name "
                   "the one that `georder key rotate` made in audit.signing_key, and its "
                   "thumbprint in audit.signing_key_thumbprint; if nobody rotated the key, " ADVICE,
                   last, turn->kid, audit->key->kid);
}

static enum result suspect(struct err *err, uint64_t index, const char *why)
{
    return err_set(err, RESULT_AUDIT, "record %" PRIu64 " %s: nothing is appended; " ADVICE, index,
                   why);
}

/* Where the log ends: the last whole line, and the bytes behind it. */
struct tail {
    char *bytes; /* owned */
    size_t len;
    const char *line; /* in bytes; NULL: the log has no line */
    size_t line_len;
    uint64_t good, size; /* of the last segment, up to its last newline and in all */
};

static void tail_free(struct tail *tail)
{
    free(tail->bytes);
}

static enum result tail_load(int fd, uint64_t size, size_t most, struct tail *tail, struct err *err)
{
    char *bytes = realloc(tail->bytes, most);

    if (bytes == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    tail->bytes = bytes;
    tail->len = size < most ? (size_t)size : most;
    if (pread(fd, bytes, tail->len, (off_t)(size - tail->len)) == (ssize_t)tail->len)
        return RESULT_OK;
    return err_errno(err, RESULT_AUDIT, "records: cannot read the end of the log");
}

static bool tail_is_torn(const struct tail *tail)
{
    return tail->len > 0 &&
           (tail->bytes[tail->len - 1] != '\n' || memchr(tail->bytes, '\0', tail->len) != NULL);
}

/* The last newline in front of lost bytes. */
static const char *tail_newline(const struct tail *tail)
{
    const char *lost = memchr(tail->bytes, '\0', tail->len);

    return memrchr(tail->bytes, '\n', lost != NULL ? (size_t)(lost - tail->bytes) : tail->len);
}

/* The last whole line within the bytes that were loaded. */
static bool tail_split(struct tail *tail, uint64_t size, uint64_t *good)
{
    const char *newline = tail_newline(tail), *before;

    *good = 0;
    if (newline == NULL)
        return size <= TORN_MAX;
    *good = size - tail->len + (uint64_t)(newline + 1 - tail->bytes);
    before = memrchr(tail->bytes, '\n', (size_t)(newline - tail->bytes));
    if (before == NULL && size > tail->len)
        return false;
    tail->line = before != NULL ? before + 1 : tail->bytes;
    tail->line_len = (size_t)(newline - tail->line);
    return size - *good <= TORN_MAX;
}

static enum result segment_tail(int records, uint64_t first, size_t most, struct tail *tail,
                                uint64_t *size, uint64_t *good, struct err *err)
{
    char name[NAME_MAX_LEN];
    struct stat status;
    AUTO_FD fd = -1;

    segment_name(first, name);
    fd = openat(records, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot read", name);
    *size = (uint64_t)status.st_size;
    if (tail_load(fd, *size, most, tail, err) != RESULT_OK ||
        (tail_is_torn(tail) && tail_load(fd, *size, TAIL_MAX, tail, err) != RESULT_OK))
        return err->result;
    if (!tail_split(tail, *size, good))
        return err_set(err, RESULT_AUDIT, "records/%s ends with a line that is too long: " ADVICE,
                       name);
    return RESULT_OK;
}

/* A new segment may still be empty, or hold torn bytes only: then the line is in the one before. */
static enum result tail_find(const struct snapshot *snapshot, size_t most, struct tail *tail,
                             struct err *err)
{
    tail->line = NULL;
    for (size_t i = snapshot->count; i > 0 && tail->line == NULL; i--) {
        uint64_t size = 0, good = 0;

        if (segment_tail(snapshot->records, snapshot->first[i - 1], most, tail, &size, &good,
                         err) != RESULT_OK)
            return err->result;
        if (i == snapshot->count) {
            tail->size = size;
            tail->good = good;
        } else if (size != good) {
            return err_set(err, RESULT_AUDIT,
                           "records/%012" PRIu64 ".jsonl ends without a newline, though another "
                           "segment follows: " ADVICE,
                           snapshot->first[i - 1]);
        }
    }
    return RESULT_OK;
}

/* Whose turn comes behind a good record. */
static enum result turn_take(struct audit *audit, const struct line_facts *facts, struct err *err)
{
    audit->turn = facts->to[0] != '\0' ? keyring_find(&audit->ring, facts->to) : facts->key;
    if (audit->turn != NULL)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "record %" PRIu64 " hands the log on to the key %s, but keys/%s.jwk is missing: "
                   "restore it from a copy",
                   facts->payload.sequence, facts->to, facts->to);
}

/* How many records there are, by the last one's own word. */
static enum result count_take(struct audit *audit, const struct tail *tail, uint64_t *count,
                              struct err *err)
{
    struct line_facts facts;

    *count = 0;
    memset(audit->last_hash, 0, SHA256_LEN);
    audit->turn = NULL;
    audit->last_time = 0;
    if (tail->line == NULL)
        return RESULT_OK;
    checker_line(&audit->checker, tail->line, tail->line_len, &facts);
    if (facts.status != LINE_GOOD)
        return err_set(err, RESULT_AUDIT, "the last record %s: nothing is appended; " ADVICE,
                       line_status_text(facts.status));
    *count = facts.payload.sequence + 1;
    memcpy(audit->last_hash, facts.hash, SHA256_LEN);
    audit->last_time = facts.payload.time;
    return turn_take(audit, &facts, err);
}

/* What is behind the checkpoint was perhaps not flushed: there bytes may be lost before good lines.
 */
static enum result end_take(struct audit *audit, const struct snapshot *snapshot, struct tail *tail,
                            uint64_t *count, struct err *err)
{
    if (tail_find(snapshot, TAIL_BYTES, tail, err) != RESULT_OK ||
        count_take(audit, tail, count, err) != RESULT_OK)
        return err->result;
    if (*count <= snapshot->anchored)
        return RESULT_OK;
    if (tail_find(snapshot, TAIL_MAX, tail, err) != RESULT_OK)
        return err->result;
    return count_take(audit, tail, count, err);
}

static enum result checkpoint_take(struct audit *audit, const struct buf *note, uint64_t count,
                                   struct checkpoint *out, struct err *err)
{
    enum note_status status;

    *out = (struct checkpoint){0};
    /* A crash leaves the first record alone without a checkpoint; going on from more would put a
     * new seal on a log whose end was cut. */
    if (note->len == 0 && count > 1)
        return err_set(err, RESULT_AUDIT,
                       "the checkpoint is missing, though %" PRIu64
                       " records are there: restore it from a copy; " ADVICE,
                       count);
    if (note->len == 0)
        return RESULT_OK;
    status = note_read(note->data, note->len, audit->origin, &audit->ring, out);
    if (status != NOTE_GOOD)
        return err_set(err, RESULT_AUDIT, "the checkpoint %s: nothing is appended; " ADVICE,
                       note_status_text(status));
    if (out->size > count)
        return err_set(err, RESULT_AUDIT,
                       "the log was rolled back: its checkpoint is of %" PRIu64 " records, %" PRIu64
                       " are there: " ADVICE,
                       out->size, count);
    return RESULT_OK;
}

/* Going once more over records, to rebuild the tree or to anchor what a crash left unanchored. */
struct replay {
    struct audit *audit;
    const struct checkpoint *checkpoint;
    uint64_t saved; /* tree size that the tiles on disk have */
    uint64_t expected;
    uint8_t previous[SHA256_LEN];
    const struct key *key; /* whose turn it is; NULL: whoever begins */
};

static enum result tree_grow(struct replay *replay, const uint8_t leaf[SHA256_LEN], bool save,
                             struct err *err)
{
    struct audit *audit = replay->audit;

    tree_push(&audit->tree, &audit->checker.sha256, leaf);
    if (!save && audit->tree.size % TILE_WIDTH != 0)
        return RESULT_OK;
    if (tiles_save(audit->dirfd, &audit->tree, replay->saved, &audit->broken, err) != RESULT_OK)
        return err->result;
    replay->saved = audit->tree.size;
    return RESULT_OK;
}

static enum result root_check(struct replay *replay, struct err *err)
{
    uint8_t root[SHA256_LEN];

    if (replay->audit->tree.size != replay->checkpoint->size || replay->checkpoint->size == 0)
        return RESULT_OK;
    tree_root(&replay->audit->tree, &replay->audit->checker.sha256, root);
    if (memcmp(root, replay->checkpoint->root, SHA256_LEN) == 0)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "the records are not those of the checkpoint: nothing is appended; " ADVICE);
}

/* Behind the checkpoint its key goes on, up to a rotation. */
static bool turn_is_kept(struct replay *replay, const struct line_facts *facts)
{
    if (replay->key == NULL)
        replay->key = facts->key;
    if (facts->key != replay->key)
        return false;
    if (facts->to[0] != '\0')
        replay->key = keyring_find(&replay->audit->ring, facts->to);
    return true;
}

/* What the checkpoint covers needs no look: its root will tell. The rest is checked like any. */
static enum result replay_line(struct replay *replay, uint64_t index, const char *line, size_t len,
                               struct err *err)
{
    struct line_facts facts = {0};
    struct audit *audit = replay->audit;

    if (index < replay->checkpoint->size) {
        sha256(line, len, facts.hash);
        tree_leaf(&audit->checker.sha256, line, len, facts.leaf);
    } else {
        checker_line(&audit->checker, line, len, &facts);
        if (facts.status != LINE_GOOD)
            return suspect(err, index, line_status_text(facts.status));
        if (facts.payload.sequence != index ||
            memcmp(facts.payload.previous, replay->previous, SHA256_LEN) != 0)
            return suspect(err, index, "does not follow the one before");
        if (!turn_is_kept(replay, &facts))
            return suspect(err, index, "is signed by a key whose turn it was not");
    }
    memcpy(replay->previous, facts.hash, SHA256_LEN);
    if (index < replay->expected)
        return RESULT_OK;
    replay->expected++;
    if (tree_grow(replay, facts.leaf, false, err) != RESULT_OK)
        return err->result;
    return root_check(replay, err);
}

static enum result replay_run(struct replay *replay, const struct snapshot *snapshot,
                              struct err *err)
{
    uint64_t start = replay->expected;
    AUTO_READER reader = {.fd = -1};
    struct chunk *chunk = malloc(sizeof *chunk);
    enum result result = RESULT_OK;

    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    reader_open(&reader, snapshot, start > 0 ? start - 1 : 0);
    do {
        result = reader_next(&reader, chunk, err);
        for (size_t i = 0; result == RESULT_OK && i < chunk->lines; i++) {
            size_t len;
            const char *line = chunk_line(chunk, i, &len);

            result = replay_line(replay, chunk->index + i, line, len, err);
        }
    } while (result == RESULT_OK && chunk->lines > 0);
    free(chunk);
    return result;
}

/* The tree up to the checkpoint comes from the tiles if they fit its root, else from the records.
 */
static enum result tree_take(struct audit *audit, const struct snapshot *snapshot,
                             const struct checkpoint *checkpoint, uint64_t count, struct err *err)
{
    struct replay replay = {.audit = audit, .checkpoint = checkpoint, .key = checkpoint->key};
    struct err ignored = {0};

    if (!tiles_load(audit->dirfd, checkpoint->size, &audit->checker.sha256, &audit->tree) ||
        root_check(&replay, &ignored) != RESULT_OK)
        audit->tree.size = 0;
    replay.expected = replay.saved = audit->tree.size;
    if (checkpoint->size == count && checkpoint->key != audit->turn)
        return suspect(err, count, "would follow a checkpoint by a key whose turn it was not");
    if (audit->tree.size == count)
        return RESULT_OK;
    if (replay_run(&replay, snapshot, err) != RESULT_OK)
        return err->result;
    if (audit->tree.size != count)
        return err_set(err, RESULT_AUDIT,
                       "the last record says that it is number %" PRIu64
                       ", but it is number %" PRIu64 ": nothing is appended; " ADVICE,
                       count - 1, audit->tree.size - 1);
    return tiles_save(audit->dirfd, &audit->tree, replay.saved, &audit->broken, err);
}

static enum result segment_take(struct audit *audit, const struct snapshot *snapshot,
                                const struct tail *tail, struct err *err)
{
    char name[NAME_MAX_LEN];

    audit->segment_size = tail->good;
    if (snapshot->count == 0)
        return RESULT_OK;
    audit->segment_first = snapshot->first[snapshot->count - 1];
    segment_name(audit->segment_first, name);
    audit->segment = openat(audit->records, name, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (audit->segment < 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot open for appending", name);
    return RESULT_OK;
}

static enum result observe_anew(struct audit *audit, struct tail *tail, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct checkpoint checkpoint;
    uint64_t count = 0;

    if (snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK ||
        end_take(audit, &snapshot, tail, &count, err) != RESULT_OK ||
        checkpoint_take(audit, &snapshot.note, count, &checkpoint, err) != RESULT_OK)
        return err->result;
    /* Behind the last newline nothing is a record yet. */
    snapshot.last_size = tail->good;
    if (tree_take(audit, &snapshot, &checkpoint, count, err) != RESULT_OK ||
        segment_take(audit, &snapshot, tail, err) != RESULT_OK)
        return err->result;
    /* Who wrote a record and died before its checkpoint has perhaps not flushed it: this must be
     * done while the segment is the last. */
    if (checkpoint.size < count && log_flush(audit, audit->segment, "records", err) != RESULT_OK)
        return err->result;
    buf_reset(&audit->note);
    buf_put(&audit->note, buf_text(&snapshot.note), snapshot.note.len);
    return buf_check(&audit->note, "checkpoint", err);
}

/* Another process may have handed the log on to a key that this one has not seen. */
static bool keys_learn(struct audit *audit)
{
    struct keyring ring;
    size_t before = audit->ring.count;
    struct err err = {0};

    if (keyring_load(audit->dirfd, &ring, &err) != RESULT_OK)
        return false;
    for (size_t i = 0; i < ring.count && audit->ring.count < KEYS_MAX; i++)
        if (keyring_find(&audit->ring, ring.key[i].kid) == NULL) {
            audit->ring.key[audit->ring.count++] = ring.key[i];
            ring.key[i] = (struct key){0};
        }
    keyring_free(&ring);
    return audit->ring.count > before && checker_extend(&audit->checker, &err) == RESULT_OK;
}

static enum result observe_whole(struct audit *audit, struct tail *tail, struct err *err)
{
    if (observe_anew(audit, tail, err) == RESULT_OK)
        return RESULT_OK;
    if (!keys_learn(audit))
        return err->result;
    log_forget(audit);
    tail_free(tail);
    *tail = (struct tail){0};
    return observe_anew(audit, tail, err);
}

enum result log_observe(struct audit *audit, cJSON **torn, struct err *err)
{
    __attribute__((cleanup(tail_free))) struct tail tail = {0};

    *torn = NULL;
    if (head_is_fresh(audit))
        return RESULT_OK;
    log_forget(audit);
    if (observe_whole(audit, &tail, err) != RESULT_OK)
        return err->result;
    if (tail.size > tail.good && torn_move(audit, tail.good, tail.size, err) != RESULT_OK)
        return err->result;
    audit->known = true;
    return torn_list(audit, torn, err);
}
