/*
 * Private CKO_DATA objects: where a token keeps the credential, and the head of the log. libp11
 * does not know them.
 *
 * A value cannot be rewritten (SoftHSM refuses it), so a new one is a new object beside the old,
 * of a higher version, and only then the old one goes. Whoever reads takes the highest version. It
 * stands in CKA_APPLICATION: "georder" is version 0, then "georder 1" and so on.
 */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <string.h>

#include "cryptoki.h"

#define OWNER       "georder"
#define VERSION_MAX INT64_C(999999999)
#define NOT_OURS    INT64_C(-1)
#define LOOKS       10
#define LOOKS_EMPTY 3
#define LOOK_PAUSE  10 /* ms */
#define SHOWN_MAX   64

/* What to do when something is wrong with it. */
static const struct advice {
    const char *missing, *again, *public, *elsewhere, *rival;
} advices[] = {
    [URI_FOR_CREDENTIAL] =
        {"store it with `georder credential put`",
         "store the credential again with `georder credential put`, which leaves one",
         "it can be read without a PIN: revoke that credential, and store a new one with `georder "
         "credential put`",
         "the credential can be kept in a keystore that is sealed to a key of this token: `georder "
         "keystore create FILE --recipient URI`",
         "another process stores a credential at this moment; this one was not stored"},
    [URI_FOR_HEAD] = {"somebody has destroyed it, or it was never made: `georder audit head "
                      "--create` makes it, and records that",
                      "find out who else writes to this token: the log has one head",
                      "it can be written without a PIN, so by anybody: it is not believed; destroy "
                      "it, and find out who made it",
                      "name another token in audit.head",
                      "another process writes the log's head at this moment: two hosts have one "
                      "log, or two logs one head"},
};

static const struct advice *advice(const struct uri *uri)
{
    return &advices[uri->use];
}

struct data {
    CK_OBJECT_HANDLE handle;
    int64_t version;
    struct buf application;
};

/* All that a URI matches. */
struct data_set {
    size_t count, best;
    bool ambiguous; /* there is no telling which is the one */
    struct data data[OBJECTS_MAX];
};
#define AUTO_SET __attribute__((cleanup(set_free))) struct data_set

static void set_free(struct data_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        buf_free(&set->data[i].application);
    set->count = 0;
}

int64_t data_version(const char *application, size_t len)
{
    size_t at = strlen(OWNER);
    int64_t version = 0;

    if (len < at || memcmp(application, OWNER, at) != 0)
        return NOT_OURS;
    if (len == at)
        return 0;
    if (application[at++] != ' ' || at == len || application[at] == '0')
        return NOT_OURS;
    for (; at < len; at++) {
        if (application[at] < '0' || application[at] > '9')
            return NOT_OURS;
        version = version * 10 + (application[at] - '0');
        if (version > VERSION_MAX)
            return NOT_OURS;
    }
    return version;
}

/* Another process may destroy what was just found: that is how a rotation ends, and no reason to
 * believe that the module has lost its token. lost: whether it had before. */
static bool data_gone(struct token *token, CK_OBJECT_HANDLE handle, bool lost)
{
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE wanted = {CKA_CLASS, &class, sizeof class};
    CK_RV rv = token->module->f->C_GetAttributeValue(token->session, handle, &wanted, 1);

    if (rv == CKR_OBJECT_HANDLE_INVALID)
        token->module->lost = lost;
    return rv == CKR_OBJECT_HANDLE_INVALID;
}

static void set_judge(struct data_set *set)
{
    size_t ours = 0, equal = 0;

    set->best = 0;
    for (size_t i = 0; i < set->count; i++) {
        ours += set->data[i].version != NOT_OURS;
        if (set->data[i].version > set->data[set->best].version)
            set->best = i;
    }
    for (size_t i = 0; i < set->count; i++)
        equal += set->data[i].version == set->data[set->best].version;
    set->ambiguous = equal > 1 || (ours > 0 && ours < set->count);
}

static enum result set_look(struct token *token, const struct uri *uri, struct data_set *set,
                            struct err *err)
{
    struct objects found;

    set_free(set);
    if (objects_find(token, uri, CKO_DATA, &found, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < found.count; i++) {
        struct data *data = &set->data[set->count];

        bool lost = token->module->lost;

        *data = (struct data){.handle = found.handle[i], .application = BUF_INIT(1024)};
        if (object_bytes(token, data->handle, CKA_APPLICATION, &data->application, err) !=
            RESULT_OK) {
            buf_free(&data->application);
            if (!data_gone(token, data->handle, lost))
                return err->result;
            continue;
        }
        data->version = data_version(buf_text(&data->application), data->application.len);
        set->count++;
    }
    set_judge(set);
    return RESULT_OK;
}

static enum result data_missing(const struct token *token, const struct uri *uri, struct err *err)
{
    return err_set(err, RESULT_KEY, "token \"%s\" holds no data object that matches %s: %s",
                   token->label, uri->text, advice(uri)->missing);
}

static enum result data_ambiguous(const struct token *token, const struct uri *uri,
                                  const struct data_set *set, struct err *err)
{
    AUTO_BUF list = BUF_INIT(8192);

    for (size_t i = 0; i < set->count; i++) {
        const struct buf *application = &set->data[i].application;

        buf_puts(&list, i > 0 ? ", \"" : "\"");
        text_escape(&list, buf_text(application), application->len);
        buf_putc(&list, '"');
    }
    return err_set(err, RESULT_KEY,
                   "%s: %zu objects on token \"%s\" match %s, of the applications %s",
                   advice(uri)->again, set->count, token->label, uri->text, buf_text(&list));
}

/* While another process replaces it, none may be seen for an instant, or one too many. */
static enum result set_settled(struct token *token, const struct uri *uri, struct data_set *set,
                               bool *missing, struct err *err)
{
    *missing = false;
    for (int look = 1;; look++) {
        if (set_look(token, uri, set, err) != RESULT_OK)
            return err->result;
        if (set->count > 0 && !set->ambiguous)
            return RESULT_OK;
        *missing = set->count == 0 && look >= LOOKS_EMPTY;
        if (*missing)
            return data_missing(token, uri, err);
        if (look >= LOOKS)
            return data_ambiguous(token, uri, set, err);
        if (set->ambiguous)
            clock_sleep(LOOK_PAUSE);
    }
}

static enum result data_take(struct token *token, const struct uri *uri, const struct data *data,
                             struct buf *out, struct err *err)
{
    bool private;

    if (object_flag(token, data->handle, CKA_PRIVATE, &private, err) != RESULT_OK)
        return err->result;
    if (!private)
        return err_set(err, RESULT_KEY, "the data object that matches %s is not private, %s",
                       uri->text, advice(uri)->public);
    return object_bytes(token, data->handle, CKA_VALUE, out, err);
}

enum result data_read(struct token *token, const struct uri *uri, struct buf *out, bool *missing,
                      struct err *err)
{
    AUTO_SET set = {0};

    for (int look = 1;; look++) {
        bool lost = token->module->lost;
        const struct data *best;
        enum result result;

        if (set_settled(token, uri, &set, missing, err) != RESULT_OK)
            return err->result;
        best = &set.data[set.best];
        result = data_take(token, uri, best, out, err);
        if ((result == RESULT_OK && out->len > 0) || look >= LOOKS ||
            !data_gone(token, best->handle, lost))
            return result;
        buf_reset(out);
    }
}

/* What kind of "no" it is, where the credential can be kept elsewhere. */
static const char *refusal(const struct token *token, CK_RV rv)
{
    if (rv == CKR_TOKEN_WRITE_PROTECTED || rv == CKR_SESSION_READ_ONLY ||
        (token->info.flags & CKF_WRITE_PROTECTED) != 0)
        return "the token is read-only";
    if (rv == CKR_DEVICE_MEMORY)
        return "the token is full";
    if (rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_ATTRIBUTE_TYPE_INVALID ||
        rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_FUNCTION_NOT_SUPPORTED ||
        rv == CKR_ACTION_PROHIBITED)
        return "this token may take no data objects at all";
    return NULL;
}

static enum result data_refused(const struct token *token, const struct uri *uri, CK_RV rv,
                                struct err *err)
{
    const char *kind = refusal(token, rv);
    struct err why = {0};

    (void)err_ckr(token->module, &why, rv, "token \"%s\": cannot store a private data object",
                  token->label);
    if (kind == NULL)
        *err = why;
    else
        (void)err_set(err, RESULT_KEY, "%s: %s; %s", why.text, kind, advice(uri)->elsewhere);
    return RESULT_KEY;
}

static enum result data_session(struct token *token, const struct uri *uri,
                                CK_SESSION_HANDLE *session, struct err *err)
{
    CK_RV rv;

    if ((token->info.flags & CKF_WRITE_PROTECTED) != 0)
        return data_refused(token, uri, CKR_TOKEN_WRITE_PROTECTED, err);
    rv = token->module->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                         NULL, session);
    return rv == CKR_OK ? RESULT_OK : data_refused(token, uri, rv, err);
}

static void application_put(struct buf *out, int64_t version)
{
    buf_puts(out, OWNER);
    if (version > 0)
        buf_printf(out, " %" PRId64, version);
}

static enum result data_create(struct token *token, CK_SESSION_HANDLE session,
                               const struct uri *uri, const struct buf *application,
                               const struct buf *value, CK_OBJECT_HANDLE *object, struct err *err)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_APPLICATION, application->data, application->len},
        {CKA_VALUE, value->data, value->len},
        *uri_attribute(uri, CKA_LABEL),
    };
    CK_RV rv = token->module->f->C_CreateObject(session, template,
                                                sizeof template / sizeof template[0], object);

    return rv == CKR_OK ? RESULT_OK : data_refused(token, uri, rv, err);
}

static bool same(const struct buf *left, const struct buf *right)
{
    return left->len == right->len && CRYPTO_memcmp(left->data, right->data, left->len) == 0;
}

static enum result data_check(struct token *token, CK_OBJECT_HANDLE object,
                              const struct buf *application, const struct buf *value,
                              struct err *err)
{
    AUTO_BUF back = BUF_SECRET(4096), owner = BUF_INIT(1024);
    bool private;

    if (object_bytes(token, object, CKA_VALUE, &back, err) != RESULT_OK ||
        object_bytes(token, object, CKA_APPLICATION, &owner, err) != RESULT_OK ||
        object_flag(token, object, CKA_PRIVATE, &private, err) != RESULT_OK)
        return err->result;
    if (!same(&back, value) || !same(&owner, application) || !private)
        return err_set(err, RESULT_KEY,
                       "token \"%s\" gives back something else than was stored; what was there "
                       "before is untouched",
                       token->label);
    return RESULT_OK;
}

/* Of two processes that store at once, at least one sees the other's object here: it gives way. */
static enum result data_alone(struct token *token, const struct uri *uri, int64_t version,
                              struct err *err)
{
    AUTO_SET set = {0};
    size_t rivals = 0;

    if (set_look(token, uri, &set, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < set.count; i++)
        rivals += set.data[i].version >= version;
    if (rivals != 1)
        return err_set(err, RESULT_KEY, "token \"%s\": %s", token->label, advice(uri)->rival);
    return RESULT_OK;
}

/* That another process was quicker is well. */
static CK_RV data_destroy(struct token *token, CK_SESSION_HANDLE session, const struct data *data)
{
    CK_RV rv = token->module->f->C_DestroyObject(session, data->handle);

    if (rv == CKR_OBJECT_HANDLE_INVALID && data_gone(token, data->handle, token->module->lost))
        return CKR_OK;
    return rv;
}

/* After a failure; should it stay, it would be the credential. */
static enum result data_take_back(struct token *token, CK_SESSION_HANDLE session,
                                  const struct data *data, struct err *err)
{
    CK_RV rv = data_destroy(token, session, data);
    struct err why = *err;

    if (rv == CKR_OK)
        return err->result;
    (void)err_ckr(token->module, err, rv,
                  "%s; and the new object cannot be destroyed again (look at `georder credential "
                  "list`)",
                  why.text);
    return err->result = RESULT_UNKNOWN;
}

static enum result data_add(struct token *token, CK_SESSION_HANDLE session, const struct uri *uri,
                            int64_t version, const struct buf *value, struct err *err)
{
    AUTO_BUF application = BUF_INIT(64);
    struct data data = {.handle = CK_INVALID_HANDLE};

    if (version > VERSION_MAX)
        return err_set(err, RESULT_KEY, "%s was replaced too often: remove it, then put it anew",
                       uri->text);
    application_put(&application, version);
    if (data_create(token, session, uri, &application, value, &data.handle, err) != RESULT_OK)
        return err->result;
    if (data_check(token, data.handle, &application, value, err) == RESULT_OK &&
        data_alone(token, uri, version, err) == RESULT_OK)
        return RESULT_OK;
    return data_take_back(token, session, &data, err);
}

/* From here on the new one is the credential: what cannot be destroyed is left to the next time. */
static void set_destroy(struct token *token, CK_SESSION_HANDLE session, const struct data_set *set,
                        struct err *left)
{
    for (size_t i = 0; i < set->count; i++) {
        CK_RV rv = data_destroy(token, session, &set->data[i]);

        if (rv != CKR_OK)
            (void)err_ckr(token->module, left, rv, "token \"%s\": cannot destroy what was replaced",
                          token->label);
    }
}

enum result data_write(struct token *token, const struct uri *uri, const struct buf *value,
                       struct err *left, struct err *err)
{
    AUTO_SET older = {0};
    CK_SESSION_HANDLE session;
    enum result result;
    int64_t version;

    if (set_look(token, uri, &older, err) != RESULT_OK ||
        data_session(token, uri, &session, err) != RESULT_OK)
        return err->result;
    version = older.count > 0 ? older.data[older.best].version + 1 : 0;
    result = data_add(token, session, uri, version, value, err);
    if (result == RESULT_OK)
        set_destroy(token, session, &older, left);
    (void)token->module->f->C_CloseSession(session);
    return result;
}

/* The current one last: cut short, this leaves it, and not one that was replaced. */
static enum result set_remove(struct token *token, CK_SESSION_HANDLE session,
                              const struct data_set *set, struct err *err)
{
    CK_RV rv = CKR_OK;

    for (size_t i = 0; i < set->count && rv == CKR_OK; i++)
        if (i != set->best)
            rv = data_destroy(token, session, &set->data[i]);
    if (rv == CKR_OK)
        rv = data_destroy(token, session, &set->data[set->best]);
    return rv == CKR_OK ? RESULT_OK
                        : err_ckr(token->module, err, rv,
                                  "token \"%s\": cannot destroy a data object", token->label);
}

enum result data_remove(struct token *token, const struct uri *uri, struct err *err)
{
    AUTO_SET set = {0};
    CK_SESSION_HANDLE session;
    enum result result;

    if (set_look(token, uri, &set, err) != RESULT_OK)
        return err->result;
    if (set.count == 0)
        return data_missing(token, uri, err);
    if (token_writable(token, &session, err) != RESULT_OK)
        return err->result;
    result = set_remove(token, session, &set, err);
    (void)token->module->f->C_CloseSession(session);
    return result;
}

static enum result data_list_one(struct token *token, const struct data_set *set, size_t at,
                                 cJSON *out, struct err *err)
{
    const struct data *data = &set->data[at];
    AUTO_BUF shown = BUF_INIT(4096);
    bool private;
    cJSON *one;

    if (object_flag(token, data->handle, CKA_PRIVATE, &private, err) != RESULT_OK)
        return err->result;
    one = cJSON_CreateObject();
    text_escape(&shown, buf_text(&data->application),
                data->application.len < SHOWN_MAX ? data->application.len : SHOWN_MAX);
    cJSON_AddStringToObject(one, "application", buf_text(&shown));
    if (data->version != NOT_OURS)
        cJSON_AddNumberToObject(one, "version", (double)data->version);
    cJSON_AddBoolToObject(one, "private", private);
    cJSON_AddBoolToObject(one, "current", at == set->best && !set->ambiguous);
    cJSON_AddItemToArray(out, one);
    return RESULT_OK;
}

enum result data_list(struct token *token, const struct uri *uri, cJSON *out, struct err *err)
{
    AUTO_SET set = {0};

    if (set_look(token, uri, &set, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < set.count; i++)
        if (data_list_one(token, &set, i, out, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}
