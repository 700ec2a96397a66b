/* KEYS_KEYSTORE: who a keystore is encrypted to. */
#include <string.h>

#include "keystore.h"
#include "server.h"

struct request {
    struct server *server;
    struct source *store; /* the keystore is that of the credential */
    struct source *next;  /* the same, with the source of the passphrase that it gets */
    const char *verb, *kid, *generate;
};

static enum result request_take(struct request *request, struct msg *msg, struct err *err)
{
    request->verb = get_text(msg);
    request->kid = get_text(msg);
    request->generate = get_text(msg);
    if (msg_end(msg, err) != RESULT_OK)
        return err->result;
    if (request->store->uri.scheme != URI_KEYSTORE)
        return err_set(err, RESULT_USAGE, "no keystore is named: give its file");
    return RESULT_OK;
}

static enum result key_missing(struct request *request, struct err *err)
{
    struct source *source = &request->server->recipient;

    struct err missing = *err;

    if (request->generate[0] == '\0')
        return err_set(err, RESULT_KEY, "%s; to make it, add --generate " ALG_ECDH, missing.text);
    return source_key_create(&request->server->ring, source, request->generate, err);
}

/* The public half of the recipient's key, once it has shown that it can open what is encrypted to
 * it. */
static enum result token_recipient(struct request *request, struct recipient *out, struct err *err)
{
    struct source *source = &request->server->recipient;
    struct ring *ring = &request->server->ring;
    AUTO_PRIVATE key = {0};
    bool missing = false;

    if (source->uri.scheme != URI_PKCS11)
        return err_set(err, RESULT_USAGE, "a recipient is a pkcs11: URI of a private key");
    if (source_open(ring, source, err) != RESULT_OK)
        return err->result;
    if (source_key(ring, source, &key, &missing, err) != RESULT_OK &&
        (!missing || key_missing(request, err) != RESULT_OK ||
         source_key(ring, source, &key, &missing, err) != RESULT_OK))
        return err->result;
    if (recipient_of(key.public, source->uri.text, out, err) != RESULT_OK ||
        jwe_prove(out, &key, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return RESULT_OK;
}

static enum result passphrase_recipient(struct request *request, struct recipient *out,
                                        struct err *err)
{
    *out = (struct recipient){.alg = ALG_PASSPHRASE, .passphrase = &request->next->passphrase};
    return passphrase_new(&request->next->uri.secret, &request->server->ring.place,
                          request->store->uri.file, &request->next->passphrase, err);
}

static enum result create(struct request *request, struct err *err)
{
    struct recipient to[2] = {{0}, {0}};
    bool by_key = request->server->recipient.uri.scheme != URI_NONE;
    size_t count = 0;
    enum result result = RESULT_OK;

    if (keystore_absent(request->store->uri.file, err) != RESULT_OK)
        return err->result;
    if (by_key)
        result = token_recipient(request, &to[count++], err);
    if (result == RESULT_OK && request->next->uri.secret_named)
        result = passphrase_recipient(request, &to[count++], err);
    if (result == RESULT_OK && count == 0)
        result = err_set(err, RESULT_USAGE, "a keystore needs a recipient, or a passphrase");
    if (result == RESULT_OK)
        result = keystore_create(request->store->uri.file, to, count, err);
    recipient_free(&to[0]);
    recipient_free(&to[1]);
    return result;
}

static enum result add(struct request *request, struct err *err)
{
    struct unlock unlock = source_unlock(&request->server->ring, request->store);
    bool by_key = request->server->recipient.uri.scheme != URI_NONE;
    AUTO_RECIPIENT to = {0};

    if ((by_key ? token_recipient : passphrase_recipient)(request, &to, err) != RESULT_OK)
        return err->result;
    return keystore_add(&unlock, &to, err);
}

static enum result drop(struct request *request, struct err *err)
{
    struct unlock unlock = source_unlock(&request->server->ring, request->store);

    return keystore_drop(&unlock, request->kid, err);
}

static enum result change(struct request *request, struct err *err)
{
    struct unlock unlock = source_unlock(&request->server->ring, request->store);

    return keystore_change_passphrase(&unlock, &request->next->uri.secret,
                                      &request->next->passphrase, err);
}

static enum result look(struct request *request, struct err *err)
{
    (void)request;
    (void)err;
    return RESULT_OK;
}

static enum result perform(struct request *request, struct err *err)
{
    static const struct {
        const char *verb;
        enum result (*run)(struct request *request, struct err *err);
    } verbs[] = {{"create", create},
                 {"add-recipient", add},
                 {"remove-recipient", drop},
                 {"change-passphrase", change},
                 {"list", look}};

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].verb, request->verb) == 0)
            return verbs[i].run(request, err);
    return err_set(err, RESULT_USAGE, "keystore: no such verb");
}

static void member_put(struct buf *json, const cJSON *recipient, const char *member)
{
    if (keystore_text(recipient, member)[0] == '\0')
        return;
    buf_printf(json, ",\"%s\":", member);
    json_put_string(json, keystore_text(recipient, member));
}

static void recipients_put(struct buf *json, const struct keystore *store)
{
    const cJSON *recipient;

    if (store->recipients == NULL) { /* the first version */
        buf_puts(json, "{\"alg\":\"" ALG_PASSPHRASE "\"}");
        return;
    }
    cJSON_ArrayForEach(recipient, store->recipients)
    {
        buf_puts(json, recipient != store->recipients->child ? ",{\"alg\":" : "{\"alg\":");
        json_put_string(json, keystore_text(recipient, "alg"));
        member_put(json, recipient, "kid");
        member_put(json, recipient, "uri");
        buf_putc(json, '}');
    }
}

/* What is in the file now; nothing of it needs to be opened. */
static enum result facts_put(const struct request *request, struct buf *json, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    const cJSON *secret;

    if (keystore_read(request->store->uri.file, &store, err) != RESULT_OK)
        return err->result;
    buf_puts(json, "{\"file\":");
    json_put_string(json, request->store->uri.file);
    buf_puts(json, ",\"recipients\":[");
    recipients_put(json, &store);
    buf_puts(json, "],\"secrets\":[");
    cJSON_ArrayForEach(secret, store.secrets)
    {
        buf_puts(json, secret != store.secrets->child ? "," : "");
        json_put_string(json, secret->string);
    }
    buf_puts(json, "]}");
    return buf_check(json, request->store->uri.file, err);
}

enum result serve_keystore(struct server *server, struct msg *msg, struct buf *json,
                           struct err *err)
{
    struct request request = {
        .server = server, .store = &server->credential, .next = &server->next};
    enum result result = request_take(&request, msg, err);

    if (result == RESULT_OK)
        result = passphrase_used(request.store, perform(&request, err));
    buf_free(&request.next->passphrase);
    return result == RESULT_OK ? facts_put(&request, json, err) : result;
}
