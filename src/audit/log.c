#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const directories[] = {"records", "tile", "bodies", "keys"};

static enum result directories_make(int dirfd, struct err *err)
{
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        if (mkdirat(dirfd, directories[i], 0700) != 0 && errno != EEXIST)
            return err_errno(err, RESULT_AUDIT, "%s: cannot make this directory of the audit log",
                             directories[i]);
    return RESULT_OK;
}

enum result key_store(int dirfd, const struct key *key, struct err *err)
{
    AUTO_BUF text = BUF_INIT(KEY_MAX);
    char name[NAME_MAX_LEN];
    AUTO_FD keys = openat(dirfd, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (keys < 0)
        return err_errno(err, RESULT_AUDIT, "keys: cannot open");
    (void)snprintf(name, sizeof name, "%s.jwk", key->kid);
    if (key_jwk(key, &text, err) != RESULT_OK)
        return err->result;
    if (file_replace(keys, name, text.data, text.len, 0600, err) != RESULT_OK) {
        err->result = RESULT_AUDIT;
        return err_prefix(err, "keys");
    }
    return RESULT_OK;
}

static enum result line_look(const struct snapshot *snapshot, bool *none, struct err *err)
{
    AUTO_READER reader = {.fd = -1};
    struct chunk *chunk = malloc(sizeof *chunk);
    enum result result;

    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    reader_open(&reader, snapshot, 0);
    result = reader_next(&reader, chunk, err);
    *none = chunk->lines == 0 && reader.end != READER_BROKEN;
    free(chunk);
    return result;
}

/* A first attempt that failed half-way may have left directories, a key and the beginning of a
 * record, which the next append moves aside. */
static enum result nothing_there(int dirfd, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    bool none = false;

    if (snapshot_take(dirfd, &snapshot, err) != RESULT_OK ||
        line_look(&snapshot, &none, err) != RESULT_OK)
        return err->result;
    if (snapshot.count > 1 || !none || snapshot.note.len > 0)
        return err_set(err, RESULT_AUDIT,
                       "a log is already in the audit directory: it is never overwritten; name "
                       "another directory in the config, or keep this log");
    return RESULT_OK;
}

static enum result created_append(struct audit *audit, struct err *err)
{
    uid_t uid = geteuid();
    char user[32], host[HOST_NAME_MAX + 1] = "";
    AUTO_JSON *detail = cJSON_CreateObject();
    cJSON *key = cJSON_AddObjectToObject(detail, "key");

    (void)snprintf(user, sizeof user, uid == 0 ? "root" : "uid %u", uid);
    (void)gethostname(host, sizeof host - 1);
    if (cJSON_AddStringToObject(key, "alg", audit->key->alg->name) == NULL ||
        cJSON_AddStringToObject(key, "kid", audit->key->kid) == NULL)
        return err_set(err, RESULT_INTERNAL, "audit record: out of memory");
    const struct audit_event event = {.event = "log.created",
                                      .time = clock_now(),
                                      .activity = 1,
                                      .severity = 1,
                                      .status = 1,
                                      .message = "the audit log was created",
                                      .operation = "create log",
                                      .actor = user,
                                      .actor_uid = uid,
                                      .host = host,
                                      .detail = detail};
    return audit_append(audit, &event, NULL, 0, NULL, err);
}

static enum result place_make(int dirfd, const struct audit_signer *signer, struct err *err)
{
    AUTO_LOCK lock = {-1};
    struct key key = {0};
    enum result result;

    if (directories_make(dirfd, err) != RESULT_OK ||
        lock_enter(dirfd, false, &lock, err) != RESULT_OK ||
        nothing_there(dirfd, err) != RESULT_OK ||
        key_from_spki(signer->alg, signer->spki, signer->spki_len, &key, err) != RESULT_OK)
        return err->result;
    result = key_store(dirfd, &key, err);
    key_free(&key);
    if (result == RESULT_OK && file_sync_directory(dirfd, "audit directory", err) != RESULT_OK)
        result = err->result = RESULT_AUDIT;
    return result;
}

enum result audit_create(int dirfd, const char *origin, const struct audit_signer *signer,
                         struct err *err)
{
    struct audit *audit = NULL;
    enum result result;

    if (origin_check(origin, err) != RESULT_OK || place_make(dirfd, signer, err) != RESULT_OK ||
        audit_open(dirfd, origin, signer, &audit, err) != RESULT_OK)
        return err->result;
    audit_head_begin(audit);
    result = created_append(audit, err);
    audit_close(&audit);
    if (result == RESULT_OK && file_sync_directory(dirfd, "audit directory", err) != RESULT_OK)
        result = err->result = RESULT_AUDIT;
    return result;
}

static enum result signer_find(struct audit *audit, const struct audit_signer *signer,
                               struct err *err)
{
    struct key key = {0};

    if (key_from_spki(signer->alg, signer->spki, signer->spki_len, &key, err) != RESULT_OK)
        return err->result;
    audit->key = keyring_find(&audit->ring, key.kid);
    audit->signer = signer;
    (void)(audit->key == NULL &&
           err_set(err, RESULT_AUDIT,
                   "the signing key %s is not a key of this log (keys/%s.jwk is missing or "
                   "altered): check audit.signing_key and audit.directory in the config",
                   key.kid, key.kid));
    key_free(&key);
    return audit->key != NULL ? RESULT_OK : RESULT_AUDIT;
}

static enum result audit_start(struct audit *audit, const struct audit_signer *signer,
                               struct err *err)
{
    if (records_open(audit->dirfd, &audit->records, err) != RESULT_OK ||
        keyring_load(audit->dirfd, &audit->ring, err) != RESULT_OK ||
        checker_open(&audit->checker, audit->dirfd, audit->origin, &audit->ring, err) != RESULT_OK)
        return err->result;
    return signer != NULL ? signer_find(audit, signer, err) : RESULT_OK;
}

enum result audit_open(int dirfd, const char *origin, const struct audit_signer *signer,
                       struct audit **out, struct err *err)
{
    enum result result = origin_check(origin, err);
    struct audit *audit;

    *out = NULL;
    if (result != RESULT_OK)
        return result;
    audit = calloc(1, sizeof *audit);
    if (audit == NULL)
        return err_set(err, RESULT_INTERNAL, "audit log: out of memory");
    audit->dirfd = dirfd;
    audit->records = audit->segment = -1;
    audit->segment_max = SEGMENT_MAX;
    audit->note = (struct buf)BUF_INIT(NOTE_MAX);
    memcpy(audit->origin, origin, strlen(origin) + 1);
    result = audit_start(audit, signer, err);
    if (result != RESULT_OK) {
        audit_close(&audit);
        return result;
    }
    *out = audit;
    return RESULT_OK;
}

void audit_close(struct audit **audit)
{
    if (*audit == NULL)
        return;
    log_forget(*audit);
    checker_close(&(*audit)->checker);
    keyring_free(&(*audit)->ring);
    fd_close(&(*audit)->records);
    buf_free(&(*audit)->note);
    free(*audit);
    *audit = NULL;
}
