#include "keys_client.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "terminal.h"

#define PATIENCE_MORE   5   /* seconds beyond those that a module has */
#define PATIENCE_PERSON 300 /* for a PIN */

static void modules_put(struct buf *body, const struct config *config)
{
    AUTO_BUF text = BUF_INIT(MSG_LIMIT);

    if (config->modules != NULL)
        json_put(&text, config->modules);
    put_text(body, buf_text(&text));
}

static void open_body(struct buf *body, const struct keys *keys, const struct config *config,
                      bool with_signing, uint32_t flags)
{
    put_text(body, config->directory);
    put_text(body, surroundings.credentials_directory);
    put_text(body, config->origin);
    put_text(body, with_signing ? config->signing_key : "");
    put_text(body,
             with_signing && config->signing_algorithm != NULL ? config->signing_algorithm : "");
    put_text(body, config->credential);
    put_text(body, keys->recipient);
    put_text(body, keys->next);
    put_text(body, config->head != NULL ? config->head : "");
    put_u32(body, flags);
    put_u32(body, config->module_timeout > 0 ? config->module_timeout : MODULE_TIMEOUT);
    modules_put(body, config);
    put_u32(body, (uint32_t)config->environment);
    for (size_t i = 0; i < config->environment; i++) {
        put_text(body, config->variable[i].name);
        put_text(body, config->variable[i].value);
    }
}

static enum result process_spawn(struct keys_process *process, struct err *err)
{
    AUTO_FD theirs = -1;
    int fds[2];

    if (ipc_pair(fds, err) != RESULT_OK)
        return err->result;
    theirs = fds[1];
    process->ipc = (struct ipc){.fd = fds[0], .self = ROLE_MAIN, .peer = ROLE_KEYS};
    return guard_spawn("georder-keys", theirs, &process->pid, err);
}

enum result keys_spawn(struct keys *keys, struct err *err)
{
    return process_spawn(&keys->now, err);
}

/* georder-keys ends by itself first: it watches its module (pkcs11.timeout). */
static int64_t patience_of(const struct config *config, bool interactive)
{
    return ((int64_t)config->module_timeout + PATIENCE_MORE + (interactive ? PATIENCE_PERSON : 0)) *
           1000;
}

enum result keys_open(struct keys *keys, const struct config *config, bool with_signing,
                      struct err *err)
{
    bool interactive = terminal_keep(keys->now.pid);

    keys->patience = patience_of(config, interactive);
    keys->opening = (struct buf)BUF_INIT(MSG_LIMIT);
    keys->has_head = config->head != NULL;
    open_body(&keys->opening, keys, config, with_signing,
              (interactive ? KEYS_INTERACTIVE : 0) | (keys->writes ? KEYS_WRITES : 0) |
                  (keys->may_unlocked ? KEYS_MAY_UNLOCKED : 0));
    if (ipc_send(&keys->now.ipc, MSG_KEYS_OPEN, &keys->opening, -1, err) != RESULT_OK)
        return err->result;
    /* While the first one works: once this process is locked it can start none. */
    return process_spawn(&keys->spare, err);
}

enum result keys_start(struct keys *keys, const struct config *config, bool with_signing,
                       struct err *err)
{
    if (keys_spawn(keys, err) != RESULT_OK)
        return err->result;
    return keys_open(keys, config, with_signing, err);
}

/* It is dead, or it hangs: some modules do, for ever, when their device has gone. */
static enum result give_up(struct keys *keys, struct err *err)
{
    struct err cause = *err, end = {0};

    (void)guard_reap("georder-keys", keys->now.pid, clock_monotonic() + 100, &end);
    terminal_restore();
    keys->now.pid = 0;
    keys->lost = keys->ready;
    return err_set(err, RESULT_KEY, "georder-keys gave no answer: %s%s%s", cause.text,
                   end.text[0] != '\0' ? "; " : "", end.text);
}

static enum result answer(struct keys *keys, enum msg_type wanted, struct msg *msg, struct err *err)
{
    if (ipc_receive(&keys->now.ipc, msg, clock_monotonic() + keys->patience, NULL, err) !=
        RESULT_OK)
        return give_up(keys, err);
    keys->lost = msg->type == MSG_KEYS_LOST;
    if (msg->type == MSG_KEYS_FAILED || msg->type == MSG_KEYS_LOST)
        return get_failure(msg, err);
    if (msg->type != wanted)
        return err_set(err, RESULT_INTERNAL, "georder-keys answered %s instead of %s",
                       msg_name(msg->type), msg_name(wanted));
    return RESULT_OK;
}

static enum result ask_once(struct keys *keys, enum msg_type type, const struct buf *body, int fd,
                            enum msg_type wanted, struct msg *msg, struct err *err)
{
    if (ipc_send(&keys->now.ipc, type, body, fd, err) != RESULT_OK)
        return give_up(keys, err);
    return answer(keys, wanted, msg, err);
}

static void process_stop(struct keys_process *process, int64_t patience)
{
    struct err err = {0};

    fd_close(&process->ipc.fd);
    if (process->pid > 0)
        (void)guard_reap("georder-keys", process->pid, clock_monotonic() + patience, &err);
    process->pid = 0;
}

static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

/* The other process opens the same: it must find the same key. */
static enum result reopen(struct keys *keys, struct err *err)
{
    AUTO_MSG msg = MSG_INIT;
    const char *alg, *spki;
    size_t len;

    if (ask_once(keys, MSG_KEYS_OPEN, &keys->opening, -1, MSG_KEYS_READY, &msg, err) != RESULT_OK)
        return err->result;
    alg = get_text(&msg);
    spki = get_bytes(&msg, &len);
    if (strcmp(alg, keys->alg) != 0 || len != keys->spki_len || memcmp(spki, keys->spki, len) != 0)
        return err_set(err, RESULT_KEY, "the audit key is another one now");
    return RESULT_OK;
}

/* A session is lost, the token was out for a moment, the module hangs or crashed. What it cannot
 * repair in its process another process can, once; what is being ordered does not notice. */
static enum result restart(struct keys *keys, struct err *err)
{
    struct err cause = *err, second = {0};

    process_stop(&keys->now, 100);
    keys->now = keys->spare;
    keys->spare = (struct keys_process)KEYS_PROCESS_INIT;
    (void)terminal_keep(keys->now.pid);
    if (reopen(keys, &second) != RESULT_OK)
        return err_set(err, RESULT_KEY, "%s; georder-keys was started anew, in vain: %s",
                       cause.text, second.text);
    copy_text(keys->restarted, sizeof keys->restarted, cause.text);
    return RESULT_OK;
}

/* May it be asked again? Whatever changes nothing, and the credential if none of it has left: of a
 * process that died nobody knows. */
static bool repeatable(const struct keys *keys, enum msg_type type, const struct msg *msg)
{
    if (!keys->lost || keys->spare.pid <= 0)
        return false;
    return type == MSG_KEYS_SIGN || type == MSG_KEYS_CHECKPOINT || type == MSG_KEYS_ROTATE ||
           type == MSG_KEYS_HEAD_READ || type == MSG_KEYS_HEAD_WRITE ||
           (type == MSG_KEYS_CREDENTIAL && msg->type == MSG_KEYS_LOST);
}

static enum result ask(struct keys *keys, enum msg_type type, const struct buf *body, int fd,
                       enum msg_type wanted, struct msg *msg, struct err *err)
{
    if (ask_once(keys, type, body, fd, wanted, msg, err) == RESULT_OK)
        return RESULT_OK;
    if (!repeatable(keys, type, msg) || restart(keys, err) != RESULT_OK)
        return err->result;
    return ask_once(keys, type, body, fd, wanted, msg, err);
}

static enum result signer_sign(void *context, const char *payload, size_t len, struct buf *line,
                               struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_MSG msg = MSG_INIT;
    struct keys *keys = context;
    const char *bytes;
    size_t got;

    put_bytes(&body, payload, len);
    if (ask(keys, MSG_KEYS_SIGN, &body, -1, MSG_KEYS_LINE, &msg, err) != RESULT_OK)
        return err->result;
    bytes = get_bytes(&msg, &got);
    buf_put(line, bytes, got);
    return msg_end(&msg, err) != RESULT_OK ? err->result : buf_check(line, "record", err);
}

static enum result signer_checkpoint(void *context, uint64_t size, const uint8_t root[SHA256_LEN],
                                     struct buf *out, struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_MSG msg = MSG_INIT;
    struct keys *keys = context;
    const char *bytes;
    size_t got;

    put_u64(&body, size);
    put_bytes(&body, root, SHA256_LEN);
    if (ask(keys, MSG_KEYS_CHECKPOINT, &body, -1, MSG_KEYS_NOTE, &msg, err) != RESULT_OK)
        return err->result;
    bytes = get_bytes(&msg, &got);
    buf_put(out, bytes, got);
    return msg_end(&msg, err) != RESULT_OK ? err->result : buf_check(out, "checkpoint", err);
}

enum result keys_ask(struct keys *keys, enum msg_type type, const struct buf *body, int fd,
                     cJSON **facts, struct err *err)
{
    AUTO_MSG msg = MSG_INIT;
    struct json_doc doc = {.name = "georder-keys", .result = RESULT_INTERNAL};

    if (ask(keys, type, body, fd, MSG_KEYS_DONE, &msg, err) != RESULT_OK)
        return err->result;
    doc.text = get_bytes(&msg, &doc.len);
    if (msg_end(&msg, err) != RESULT_OK)
        return err->result;
    if (facts == NULL)
        return RESULT_OK;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    *facts = doc.root;
    return RESULT_OK;
}

static enum result adopt_key(struct keys *keys, const cJSON *facts, struct err *err)
{
    const char *alg = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, "alg"));
    const char *spki = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, "spki"));
    AUTO_BUF bytes = BUF_INIT(sizeof keys->spki);

    if (alg == NULL || strlen(alg) >= sizeof keys->alg || spki == NULL ||
        !base64_get(spki, strlen(spki), &bytes))
        return err_set(err, RESULT_INTERNAL, "georder-keys does not say which key it made");
    memcpy(keys->alg, alg, strlen(alg) + 1);
    memcpy(keys->spki, bytes.data, bytes.len);
    keys->spki_len = keys->signer.spki_len = bytes.len;
    return RESULT_OK;
}

enum result keys_create(struct keys *keys, const char *alg, struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_JSON *facts = NULL;

    put_text(&body, alg);
    if (keys_ask(keys, MSG_KEYS_CREATE, &body, -1, &facts, err) != RESULT_OK)
        return err->result;
    return adopt_key(keys, facts, err);
}

static enum result successor_agree(void *context, uint64_t index,
                                   const uint8_t previous[SHA256_LEN], const char *from,
                                   struct buf *signature, struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_JSON *facts = NULL;
    const char *text;

    put_u64(&body, index);
    put_bytes(&body, previous, SHA256_LEN);
    put_text(&body, from);
    if (keys_ask(context, MSG_KEYS_ROTATE, &body, -1, &facts, err) != RESULT_OK)
        return err->result;
    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, "signature"));
    if (text == NULL || !base64url_get(text, strlen(text), signature))
        return err_set(err, RESULT_INTERNAL, "georder-keys does not say how it signed");
    return RESULT_OK;
}

enum result keys_head(struct keys *keys, struct buf *note, struct err *err)
{
    AUTO_MSG msg = MSG_INIT;
    const char *bytes;
    size_t got;

    if (ask(keys, MSG_KEYS_HEAD_READ, NULL, -1, MSG_KEYS_NOTE, &msg, err) != RESULT_OK)
        return err->result;
    bytes = get_bytes(&msg, &got);
    buf_put(note, bytes, got);
    return msg_end(&msg, err) != RESULT_OK ? err->result : buf_check(note, "audit.head", err);
}

static enum result signer_head(void *context, struct buf *note, struct err *err)
{
    return keys_head(context, note, err);
}

static enum result signer_head_put(void *context, const struct buf *note, struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);

    put_bytes(&body, buf_text(note), note->len);
    return keys_ask(context, MSG_KEYS_HEAD_WRITE, &body, -1, NULL, err);
}

enum result keys_ready(struct keys *keys, struct err *err)
{
    AUTO_MSG msg = MSG_INIT;
    const char *spki;

    if (answer(keys, MSG_KEYS_READY, &msg, err) != RESULT_OK)
        return err->result;
    copy_text(keys->alg, sizeof keys->alg, get_text(&msg));
    spki = get_bytes(&msg, &keys->spki_len);
    if (keys->spki_len > sizeof keys->spki)
        return err_set(err, RESULT_KEY, "the audit key's public key is too large");
    memcpy(keys->spki, spki, keys->spki_len);
    copy_text(keys->sandbox, sizeof keys->sandbox, get_text(&msg));
    copy_text(keys->note, sizeof keys->note, get_text(&msg));
    keys->signer = (struct audit_signer){.context = keys,
                                         .alg = keys->alg,
                                         .spki = keys->spki,
                                         .spki_len = keys->spki_len,
                                         .sign = signer_sign,
                                         .checkpoint = signer_checkpoint};
    keys->successor = (struct audit_successor){&keys->signer, successor_agree};
    if (keys->has_head) {
        keys->signer.head = signer_head;
        keys->signer.head_put = signer_head_put;
    }
    keys->ready = true;
    return msg_end(&msg, err);
}

enum result keys_pipe(int *read_end, int *write_end, struct err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_errno(err, RESULT_INTERNAL, "cannot make a pipe");
    *read_end = fds[0];
    *write_end = fds[1];
    return RESULT_OK;
}

enum result keys_credential(struct keys *keys, bool pending, int *write_end, cJSON **facts,
                            struct err *err)
{
    AUTO_BUF body = BUF_INIT(16);
    enum result result;

    put_u32(&body, pending);
    result = keys_ask(keys, MSG_KEYS_CREDENTIAL, &body, *write_end, facts, err);
    fd_close(write_end);
    return result;
}

void keys_stop(struct keys *keys)
{
    fd_close(&keys->spare.ipc.fd);
    process_stop(&keys->now, 2000);
    process_stop(&keys->spare, 2000);
    buf_free(&keys->opening);
    terminal_restore();
}
