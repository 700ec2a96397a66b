/* What main asks of the credential: the pipe to georder-net, storing, removing, listing. */
#include <openssl/crypto.h>

#include "server.h"

static void credential_facts(struct buf *json, const struct server *server,
                             const struct credential *credential)
{
    buf_printf(json, "{\"kind\":\"%s\",\"hint\":\"%s\",\"where\":", credential_kind(credential),
               credential_hint(credential));
    json_put_string(json, server->credential.uri.text);
    buf_putc(json, '}');
}

enum { STORED = 0, PENDING = 1 }; /* which credential KEYS_CREDENTIAL asks for */

enum result credential_load(struct server *server, struct credential *credential, struct err *err)
{
    AUTO_BUF stored = BUF_SECRET(CREDENTIAL_MAX);

    if (source_read(&server->ring, &server->credential, &stored, err) != RESULT_OK)
        return err->result;
    return credential_parse(&stored, credential, err);
}

static enum result credential_send(const struct credential *credential, int *fd, struct err *err)
{
    AUTO_BUF pipe = BUF_SECRET(2 * CREDENTIAL_MAX);

    credential_put_pipe(&pipe, credential);
    if (buf_check(&pipe, "credential", err) != RESULT_OK ||
        file_write(*fd, "the pipe to georder-net", pipe.data, pipe.len, err) != RESULT_OK)
        return err->result;
    fd_close(fd);
    return RESULT_OK;
}

static enum result pending_needed(const struct server *server, struct err *err)
{
    if (server->pending.secret.len > 0)
        return RESULT_OK;
    return err_set(err, RESULT_KEY,
                   "no new credential is held (georder-keys may have been started anew): give it "
                   "again");
}

enum result handle_credential(struct server *server, struct msg *msg, struct answer *answer,
                              struct err *err)
{
    uint32_t which = get_u32(msg);
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);
    AUTO_CREDENTIAL stored = CREDENTIAL_INIT;
    const struct credential *credential = which == PENDING ? &server->pending : &stored;

    if (msg->fd < 0 || which > PENDING)
        msg->malformed = true;
    if (msg_end(msg, err) != RESULT_OK ||
        (which == PENDING ? pending_needed(server, err) : credential_load(server, &stored, err)) !=
            RESULT_OK ||
        credential_send(credential, &msg->fd, err) != RESULT_OK)
        return err->result;
    credential_facts(&json, server, credential);
    answer_done(answer, &json);
    return RESULT_OK;
}

static enum result credential_take(struct server *server, int fd, struct credential *credential,
                                   struct err *err)
{
    bool key = credential->email[0] != '\0';

    if (fd >= 0) {
        if (file_read(fd, "what was given as credential", &credential->secret, err) != RESULT_OK)
            return err->result = RESULT_KEY;
        return secret_line(&credential->secret, "what was given as credential", err);
    }
    if (!server->ring.place.interactive)
        return err_set(err, RESULT_USAGE,
                       "nobody can be asked for the credential: give it on standard input");
    return prompt_read(key ? "Global API key: " : "API token: ", &credential->secret, err);
}

/* A rotation that changes nothing would let people believe that the old token can go. */
static enum result differs(struct server *server, struct err *err)
{
    AUTO_BUF stored = BUF_SECRET(CREDENTIAL_MAX), pending = BUF_SECRET(2 * CREDENTIAL_MAX);

    if (source_read(&server->ring, &server->credential, &stored, err) != RESULT_OK)
        return err->result;
    credential_put_stored(&pending, &server->pending);
    if (stored.len == pending.len && CRYPTO_memcmp(stored.data, pending.data, stored.len) == 0)
        return err_set(err, RESULT_USAGE,
                       "nothing to rotate: the same credential is stored already; make a new token "
                       "first (dashboard, My Profile, API Tokens)");
    return RESULT_OK;
}

enum result handle_store(struct server *server, struct msg *msg, struct answer *answer,
                         struct err *err)
{
    struct credential *pending = &server->pending;
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);
    bool rotates;

    if (text_keep(msg, pending->email, sizeof pending->email, "e-mail", err) != RESULT_OK)
        return err->result;
    rotates = get_u32(msg) == 1;
    if (msg_end(msg, err) != RESULT_OK ||
        credential_take(server, msg->fd, pending, err) != RESULT_OK ||
        credential_check(pending, err) != RESULT_OK ||
        (rotates && differs(server, err) != RESULT_OK)) {
        credential_free(pending);
        return err->result;
    }
    credential_facts(&json, server, pending);
    answer_done(answer, &json);
    return RESULT_OK;
}

static void commit_facts(struct buf *json, const struct server *server, const struct err *left)
{
    AUTO_JSON *facts = cJSON_CreateObject();

    cJSON_AddStringToObject(facts, "kind", credential_kind(&server->pending));
    cJSON_AddStringToObject(facts, "hint", credential_hint(&server->pending));
    cJSON_AddStringToObject(facts, "where", server->credential.uri.text);
    if (left->result != RESULT_OK)
        cJSON_AddStringToObject(facts, "left", left->text);
    json_put(json, facts);
}

enum result handle_commit(struct server *server, struct msg *msg, struct answer *answer,
                          struct err *err)
{
    AUTO_BUF stored = BUF_SECRET(2 * CREDENTIAL_MAX);
    AUTO_BUF json = BUF_INIT(4 * URI_MAX);
    struct err left = {0};

    if (msg_end(msg, err) != RESULT_OK || pending_needed(server, err) != RESULT_OK)
        return err->result;
    credential_put_stored(&stored, &server->pending);
    if (buf_check(&stored, "credential", err) != RESULT_OK ||
        source_write(&server->ring, &server->credential, &stored, &left, err) != RESULT_OK)
        return err->result;
    commit_facts(&json, server, &left);
    credential_free(&server->pending);
    answer_done(answer, &json);
    return RESULT_OK;
}

enum result handle_remove(struct server *server, struct msg *msg, struct answer *answer,
                          struct err *err)
{
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);

    if (msg_end(msg, err) != RESULT_OK ||
        source_remove(&server->ring, &server->credential, err) != RESULT_OK)
        return err->result;
    buf_puts(&json, "{\"where\":");
    json_put_string(&json, server->credential.uri.text);
    buf_putc(&json, '}');
    answer_done(answer, &json);
    return RESULT_OK;
}

/* Of what is there; why the current one cannot be used is part of that, not a failure. */
static void list_current(struct server *server, cJSON *facts)
{
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;
    struct err err;

    if (credential_load(server, &credential, &err) != RESULT_OK) {
        cJSON_AddStringToObject(facts, "error", err.text);
        return;
    }
    cJSON_AddStringToObject(facts, "kind", credential_kind(&credential));
    cJSON_AddStringToObject(facts, "hint", credential_hint(&credential));
}

enum result handle_list(struct server *server, struct msg *msg, struct answer *answer,
                        struct err *err)
{
    AUTO_BUF json = BUF_INIT(30 * KIB);
    AUTO_JSON *facts = cJSON_CreateObject();
    cJSON *stored = cJSON_AddArrayToObject(facts, "stored");

    cJSON_AddStringToObject(facts, "where", server->credential.uri.text);
    if (msg_end(msg, err) != RESULT_OK ||
        source_list(&server->ring, &server->credential, stored, err) != RESULT_OK)
        return err->result;
    if (cJSON_GetArraySize(stored) > 0)
        list_current(server, facts);
    json_put(&json, facts);
    if (buf_check(&json, "list", err) != RESULT_OK)
        return err->result;
    answer_done(answer, &json);
    return RESULT_OK;
}
