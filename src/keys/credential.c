#include "credential.h"

#include <string.h>

#include "heap.h"

#define ALNUM     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define TOKEN_MIN 40
#define KEY_MIN   37
#define TEXT_MAX  255

void credential_free(struct credential *credential)
{
    buf_free(&credential->secret);
}

static bool starts(const struct buf *text, const char *prefix)
{
    return strncmp(buf_text(text), prefix, strlen(prefix)) == 0;
}

static bool made_of(const struct buf *text, size_t min, const char *known)
{
    return text->len >= min && text->len <= TEXT_MAX && strspn(buf_text(text), known) == text->len;
}

static bool email_valid(const char *email)
{
    size_t local = strspn(email, ALNUM "._%+-");
    size_t domain = email[local] == '@' ? strspn(email + local + 1, ALNUM ".-") : 0;

    return local > 0 && domain > 0 && strlen(email) <= EMAIL_MAX &&
           email[local + 1 + domain] == '\0' && strchr(email + local, '.') != NULL;
}

static enum result token_check(const struct buf *token, struct err *err)
{
    if (starts(token, "cfk_"))
        return err_set(err, RESULT_KEY,
                       "this is a global API key (cfk_), not an API token: give its e-mail with "
                       "--email, or better make an API token with as few permissions as needed");
    if (starts(token, "cfoat_"))
        return err_set(err, RESULT_KEY,
                       "this is an OAuth access token (cfoat_), which soon expires: make an API "
                       "token (dashboard, My Profile, API Tokens)");
    if (!made_of(token, TOKEN_MIN, ALNUM "_-"))
        return err_set(err, RESULT_KEY,
                       "this is not an API token: that has %d to %d letters, digits, \"_\" and "
                       "\"-\", nothing before or behind it",
                       TOKEN_MIN, TEXT_MAX);
    return RESULT_OK;
}

enum result credential_check(const struct credential *credential, struct err *err)
{
    if (credential->email[0] == '\0')
        return token_check(&credential->secret, err);
    if (!email_valid(credential->email))
        return err_set(err, RESULT_KEY,
                       "the e-mail of the global API key is not an e-mail address");
    if (starts(&credential->secret, "cfut_") || starts(&credential->secret, "cfat_"))
        return err_set(err, RESULT_KEY,
                       "this is an API token, not the global API key: leave --email out");
    if (!made_of(&credential->secret, KEY_MIN, ALNUM "_-"))
        return err_set(err, RESULT_KEY,
                       "this is not a global API key: that has %d to %d letters, digits, \"_\" "
                       "and \"-\", nothing before or behind it",
                       KEY_MIN, TEXT_MAX);
    return RESULT_OK;
}

static enum result global_key_get(const struct json_doc *doc, struct credential *out,
                                  struct err *err)
{
    static const char *const known[] = {"email", "key", NULL};
    const char *email, *key;

    if (json_object(doc, doc->root, known, err) != RESULT_OK ||
        json_string(doc, doc->root, "email", EMAIL_MAX, &email, err) != RESULT_OK ||
        json_string(doc, doc->root, "key", TEXT_MAX, &key, err) != RESULT_OK)
        return err->result;
    memcpy(out->email, email, strlen(email) + 1);
    buf_puts(&out->secret, key);
    return buf_check(&out->secret, "credential", err);
}

static enum result global_key_parse(const struct buf *stored, struct credential *out,
                                    struct err *err)
{
    struct json_doc doc = {
        .name = "global API key", .text = stored->data, .len = stored->len, .result = RESULT_KEY};
    enum result result;

    heap_secret_json(true);
    result = json_parse(&doc, JSON_OURS, err);
    if (result == RESULT_OK)
        result = global_key_get(&doc, out, err);
    json_free(&doc);
    heap_secret_json(false);
    /* A parser's text may quote what it stumbled over. */
    if (result != RESULT_OK)
        return err_set(err, RESULT_KEY, "it is not {\"email\": \"...\", \"key\": \"...\"}");
    return RESULT_OK;
}

enum result credential_parse(const struct buf *stored, struct credential *out, struct err *err)
{
    if (stored->len > 0 && stored->data[0] == '{') {
        if (global_key_parse(stored, out, err) != RESULT_OK)
            return err_prefix(err, "the stored credential");
    } else {
        buf_put(&out->secret, buf_text(stored), stored->len);
    }
    if (buf_check(&out->secret, "credential", err) != RESULT_OK ||
        credential_check(out, err) != RESULT_OK)
        return err_prefix(err, "the stored credential");
    return RESULT_OK;
}

void credential_put_stored(struct buf *out, const struct credential *credential)
{
    if (credential->email[0] != '\0')
        buf_printf(out, "{\"email\":\"%s\",\"key\":\"", credential->email);
    buf_put(out, buf_text(&credential->secret), credential->secret.len);
    if (credential->email[0] != '\0')
        buf_puts(out, "\"}");
}

void credential_put_pipe(struct buf *out, const struct credential *credential)
{
    if (credential->email[0] != '\0')
        buf_printf(out, "K%s\n", credential->email);
    else
        buf_putc(out, 'B');
    buf_put(out, buf_text(&credential->secret), credential->secret.len);
}

const char *credential_kind(const struct credential *credential)
{
    return credential->email[0] != '\0' ? "global_key" : "token";
}

const char *credential_hint(const struct credential *credential)
{
    if (starts(&credential->secret, "cfut_") || starts(&credential->secret, "cfk_"))
        return "user";
    return starts(&credential->secret, "cfat_") ? "account" : "legacy";
}
