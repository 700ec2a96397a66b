#include "server.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "heap.h"
#include "keys.h"

#define ENVIRONMENT_MAX 64
#define TIMEOUT         30 /* seconds, until KEYS_OPEN was read */

enum result text_keep(struct msg *msg, char *out, size_t size, const char *what, struct err *err)
{
    const char *text = get_text(msg);

    if (strlen(text) >= size)
        return err_set(err, RESULT_CONFIG, "%s: longer than %zu bytes", what, size - 1);
    memcpy(out, text, strlen(text) + 1);
    return RESULT_OK;
}

/* The module reads its environment; paths in it, and in the URIs, are relative to `base`. */
static enum result surroundings_take(struct msg *msg, const char *base, struct err *err)
{
    uint32_t count = get_u32(msg);

    if (count > ENVIRONMENT_MAX)
        return err_set(err, RESULT_CONFIG, "pkcs11.environment: more than %d", ENVIRONMENT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = get_text(msg), *value = get_text(msg);

        if (!msg->malformed && setenv(name, value, 1) != 0)
            return err_errno(err, RESULT_CONFIG, "pkcs11.environment");
    }
    if (msg_end(msg, err) != RESULT_OK)
        return err->result;
    if (base[0] != '/' || chdir(base) != 0)
        return err_errno(err, RESULT_CONFIG, "%s: cannot go there", base);
    return RESULT_OK;
}

/* As they were sent; "" where there is none. */
struct uris {
    const char *key, *credential, *recipient, *next, *head;
};

static enum result sources_parse(struct server *server, const struct uris *uris, struct err *err)
{
    const struct {
        struct source *source;
        const char *what, *text;
        enum uri_use use;
    } all[] = {{&server->key, "audit.signing_key", uris->key, URI_FOR_KEY},
               {&server->recipient, "recipient", uris->recipient, URI_FOR_KEY},
               {&server->next, "new passphrase", uris->next, URI_FOR_CREDENTIAL},
               {&server->head, "audit.head", uris->head, URI_FOR_HEAD},
               {&server->credential, "credential", uris->credential, URI_FOR_CREDENTIAL}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (source_parse(all[i].source, all[i].what, all[i].text, all[i].use, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

static enum result open_parse(struct server *server, struct msg *msg, struct err *err)
{
    const char *base = get_text(msg), *modules;
    struct uris uris;

    if (text_keep(msg, server->ring.place.credentials, sizeof server->ring.place.credentials,
                  "$CREDENTIALS_DIRECTORY", err) != RESULT_OK ||
        text_keep(msg, server->signer.state.origin, sizeof server->signer.state.origin,
                  "audit.origin", err) != RESULT_OK)
        return err->result;
    uris.key = get_text(msg);
    if (text_keep(msg, server->algorithm, sizeof server->algorithm, "audit.signing_algorithm",
                  err) != RESULT_OK)
        return err->result;
    uris.credential = get_text(msg);
    uris.recipient = get_text(msg);
    uris.next = get_text(msg);
    uris.head = get_text(msg);
    server->flags = get_u32(msg);
    server->ring.place.interactive = (server->flags & KEYS_INTERACTIVE) != 0;
    server->timeout = get_u32(msg);
    (void)alarm(server->timeout);
    modules = get_text(msg);
    if (profiles_take(&server->ring.profiles, modules, err) != RESULT_OK ||
        surroundings_take(msg, base, err) != RESULT_OK)
        return err->result;
    if (uris.key[0] != '\0' && !origin_valid(server->signer.state.origin))
        return err_set(err, RESULT_CONFIG,
                       "audit.origin must be printable ASCII without blanks or \"+\", say "
                       "host-17.example.com/georder");
    return sources_parse(server, &uris, err);
}

static enum result signer_open(struct server *server, bool *missing, struct err *err)
{
    AUTO_PRIVATE key = {0};

    if (source_key(&server->ring, &server->key, &key, missing, err) != RESULT_OK)
        return err->result;
    if (signer_start(&server->signer, &key, server->algorithm, err) != RESULT_OK)
        return err_prefix(err, "%s", server->key.what);
    server->has_signer = true;
    return RESULT_OK;
}

/* A key that is not there yet may be made by KEYS_CREATE, so only the first KEYS_SIGN says so. */
static enum result signer_try(struct server *server, struct err *err)
{
    bool missing = false;

    if (server->key.uri.scheme == URI_NONE) {
        (void)err_set(&server->no_signer, RESULT_CONFIG,
                      "audit.signing_key: the config names none");
        return RESULT_OK;
    }
    if (signer_open(server, &missing, err) == RESULT_OK)
        return RESULT_OK;
    server->no_signer = *err;
    return missing ? RESULT_OK : err->result;
}

/* Before the first module is loaded: what runs in its constructors is a stranger's, too. */
static enum result lock_once(struct server *server, struct err *err)
{
    struct source *all[] = {&server->key,  &server->credential, &server->recipient,
                            &server->next, &server->head,       NULL};
    AUTO_REACH reach = {0};

    if (server->locked)
        return RESULT_OK;
    server->locked = true;
    if (sources_reach(&server->ring, all, (server->flags & KEYS_WRITES) != 0, &reach, err) !=
        RESULT_OK)
        return err->result;
    return guard_lock_keys(&reach, err);
}

static enum result heap_take(struct server *server, struct err *err)
{
    enum result result =
        heap_start((server->flags & KEYS_MAY_UNLOCKED) != 0, &server->heap_locked, err);

    server->heap = result == RESULT_OK;
    return result;
}

/* A log without its head is still to be written: it says so. */
static void head_try(struct server *server)
{
    if (server->head.uri.scheme == URI_NONE)
        (void)err_set(&server->no_head, RESULT_CONFIG, "audit.head: the config names none");
    else
        (void)!source_open(&server->ring, &server->head, &server->no_head);
}

static enum result handle_open(struct server *server, struct msg *msg, struct answer *answer,
                               struct err *err)
{
    AUTO_BUF level = BUF_INIT(256);

    if (open_parse(server, msg, err) != RESULT_OK || heap_take(server, err) != RESULT_OK ||
        lock_once(server, err) != RESULT_OK ||
        source_open(&server->ring, &server->key, err) != RESULT_OK ||
        source_open(&server->ring, &server->credential, err) != RESULT_OK ||
        source_open(&server->ring, &server->recipient, err) != RESULT_OK ||
        signer_try(server, err) != RESULT_OK)
        return err->result;
    head_try(server);
    server->opened = true;
    answer->type = MSG_KEYS_READY;
    put_text(&answer->body, server->has_signer ? server->signer.algorithm->name : "");
    put_bytes(&answer->body, buf_text(&server->signer.spki), server->signer.spki.len);
    buf_printf(&level, "memory=%s %s", server->heap_locked ? "locked" : "unlocked",
               guard_level_text());
    put_text(&answer->body, buf_text(&level));
    put_text(&answer->body, buf_text(&server->ring.note));
    return RESULT_OK;
}

static enum result signer_needed(const struct server *server, struct err *err)
{
    if (server->has_signer)
        return RESULT_OK;
    *err = server->no_signer;
    return err->result;
}

static enum result handle_sign(struct server *server, struct msg *msg, struct answer *answer,
                               struct err *err)
{
    size_t len;
    const char *payload = get_bytes(msg, &len);
    AUTO_BUF line = BUF_INIT(LINE_MAX_LEN);

    if (msg_end(msg, err) != RESULT_OK || signer_needed(server, err) != RESULT_OK ||
        signer_line(&server->signer, payload, len, &line, err) != RESULT_OK)
        return err->result;
    answer->type = MSG_KEYS_LINE;
    put_bytes(&answer->body, line.data, line.len);
    return RESULT_OK;
}

static enum result handle_checkpoint(struct server *server, struct msg *msg, struct answer *answer,
                                     struct err *err)
{
    uint64_t size = get_u64(msg);
    size_t len;
    const char *root = get_bytes(msg, &len);
    AUTO_BUF note = BUF_INIT(2048);

    if (len != SHA256_LEN)
        msg->malformed = true;
    if (msg_end(msg, err) != RESULT_OK || signer_needed(server, err) != RESULT_OK ||
        signer_note(&server->signer, size, (const uint8_t *)root, &note, err) != RESULT_OK)
        return err->result;
    answer->type = MSG_KEYS_NOTE;
    put_bytes(&answer->body, note.data, note.len);
    return RESULT_OK;
}

void answer_done(struct answer *answer, const struct buf *json)
{
    answer->type = MSG_KEYS_DONE;
    put_bytes(&answer->body, buf_text(json), json->len);
}

static enum result key_create(struct server *server, const char *alg, struct err *err)
{
    bool missing;

    if (server->has_signer)
        return err_set(err, RESULT_KEY, "%s: the key is there already; it was left alone",
                       server->key.what);
    if (source_key_create(&server->ring, &server->key, alg, err) != RESULT_OK)
        return err->result;
    return signer_open(server, &missing, err);
}

static enum result handle_create(struct server *server, struct msg *msg, struct answer *answer,
                                 struct err *err)
{
    const char *alg = get_text(msg);
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);

    if (msg_end(msg, err) != RESULT_OK || key_create(server, alg, err) != RESULT_OK)
        return err->result;
    buf_printf(&json, "{\"alg\":\"%s\",\"where\":", server->signer.algorithm->name);
    json_put_string(&json, server->key.uri.text);
    buf_puts(&json, ",\"spki\":\"");
    base64_put(&json, server->signer.spki.data, server->signer.spki.len);
    buf_puts(&json, "\"}");
    answer_done(answer, &json);
    return RESULT_OK;
}

static enum result handle_rotate(struct server *server, struct msg *msg, struct answer *answer,
                                 struct err *err)
{
    uint64_t index = get_u64(msg);
    size_t len;
    const char *previous = get_bytes(msg, &len), *from = get_text(msg);
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF json = BUF_INIT(2 * SIGNATURE_MAX);

    if (len != SHA256_LEN)
        msg->malformed = true;
    if (msg_end(msg, err) != RESULT_OK || signer_needed(server, err) != RESULT_OK ||
        signer_agree(&server->signer, index, (const uint8_t *)previous, from, &signature, err) !=
            RESULT_OK)
        return err->result;
    buf_puts(&json, "{\"signature\":\"");
    base64url_put(&json, signature.data, signature.len);
    buf_puts(&json, "\"}");
    if (buf_check(&json, "rotation", err) != RESULT_OK)
        return err->result;
    answer_done(answer, &json);
    return RESULT_OK;
}

static enum result handle_keystore(struct server *server, struct msg *msg, struct answer *answer,
                                   struct err *err)
{
    AUTO_BUF json = BUF_INIT(30 * KIB);

    if (serve_keystore(server, msg, &json, err) != RESULT_OK)
        return err->result;
    answer_done(answer, &json);
    return RESULT_OK;
}

static enum result handle_report(struct server *server, struct msg *msg, struct answer *answer,
                                 struct err *err)
{
    AUTO_BUF json = BUF_INIT(30 * KIB);

    if (msg_end(msg, err) != RESULT_OK || lock_once(server, err) != RESULT_OK)
        return err->result;
    report_put(server, &json);
    if (buf_check(&json, "report", err) != RESULT_OK)
        return err->result;
    answer_done(answer, &json);
    return RESULT_OK;
}

static handler *const handlers[MSG_COUNT] = {
    [MSG_KEYS_OPEN] = handle_open,
    [MSG_KEYS_SIGN] = handle_sign,
    [MSG_KEYS_CHECKPOINT] = handle_checkpoint,
    [MSG_KEYS_HEAD_READ] = handle_head_read,
    [MSG_KEYS_HEAD_WRITE] = handle_head_write,
    [MSG_KEYS_CREDENTIAL] = handle_credential,
    [MSG_KEYS_STORE] = handle_store,
    [MSG_KEYS_COMMIT] = handle_commit,
    [MSG_KEYS_REMOVE] = handle_remove,
    [MSG_KEYS_LIST] = handle_list,
    [MSG_KEYS_CREATE] = handle_create,
    [MSG_KEYS_ROTATE] = handle_rotate,
    [MSG_KEYS_KEYSTORE] = handle_keystore,
    [MSG_KEYS_REPORT] = handle_report,
};

/* After a KEYS_OPEN that failed there is only a report to be had: it says what is wrong. */
static enum result handle(struct server *server, struct msg *msg, struct answer *answer,
                          struct err *err)
{
    if (!server->opened && msg->type != MSG_KEYS_OPEN && msg->type != MSG_KEYS_REPORT)
        return err_set(err, RESULT_KEY, "the key sources are not open");
    return handlers[msg->type](server, msg, answer, err);
}

/* A module may hang for ever. While a person is asked, prompt_read() stops the clock. */
static enum result handle_in_time(struct server *server, struct msg *msg, struct answer *answer,
                                  struct err *err)
{
    enum result result;

    (void)alarm(server->timeout != 0 ? server->timeout : TIMEOUT);
    result = handle(server, msg, answer, err);
    (void)alarm(0);
    return result;
}

static enum msg_type failure_type(const struct server *server, bool *open)
{
    for (size_t i = 0; server->opened && i < server->ring.modules; i++)
        if (server->ring.module[i].lost) {
            *open = false;
            return MSG_KEYS_LOST;
        }
    return MSG_KEYS_FAILED;
}

static enum result serve_one(struct server *server, struct msg *msg, bool *open, struct err *err)
{
    struct answer answer = {.body = BUF_INIT(MSG_LIMIT)};
    struct err failure;
    enum result result;

    if (ipc_receive(&server->ipc, msg, -1, open, err) != RESULT_OK)
        return err->result;
    if (!*open)
        return RESULT_OK;
    if (handle_in_time(server, msg, &answer, &failure) != RESULT_OK) {
        buf_reset(&answer.body);
        answer.type = failure_type(server, open);
        put_failure(&answer.body, &failure);
    }
    result = ipc_send(&server->ipc, answer.type, &answer.body, -1, err);
    buf_free(&answer.body);
    return result;
}

static void server_end(struct server *server)
{
    signer_free(&server->signer);
    source_free(&server->key);
    source_free(&server->credential);
    source_free(&server->recipient);
    source_free(&server->head);
    buf_free(&server->head_seen);
    credential_free(&server->pending);
    ring_close(&server->ring);
    fd_close(&server->ipc.fd);
}

int keys_run(int channel)
{
    struct server server = {.ipc = {.fd = channel, .self = ROLE_KEYS, .peer = ROLE_MAIN},
                            .ring = {.note = BUF_INIT(512)},
                            .pending = CREDENTIAL_INIT,
                            .head_seen = BUF_INIT(HEAD_MAX)};
    AUTO_MSG msg = MSG_INIT;
    struct err err = {0};
    enum result result;
    bool open = true;

    (void)signal(SIGALRM, SIG_DFL);
    server.key.other = &server.credential;
    server.credential.other = &server.key;
    do
        result = serve_one(&server, &msg, &open, &err);
    while (result == RESULT_OK && open);
    server_end(&server);
    return result == RESULT_OK ? 0 : RESULT_INTERNAL;
}
