#include "uri.h"

#include <string.h>
#include <strings.h>

#define PKCS11_SAMPLE                                                                              \
    "pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source="      \
    "file:PATH"
#define KEYSTORE_SAMPLE "keystore:FILE?name=NAME&passphrase-source=file:PATH"

enum part { PATH, QUERY };
enum attribute_id {
    TOKEN,
    SERIAL,
    SLOT_ID,
    OBJECT,
    ID,
    TYPE,
    OTHER_PATH, /* what p11-kit matches and nothing here looks at */
    MODULE_PATH = OTHER_PATH + 7,
    MODULE_NAME,
    PIN_SOURCE,
    NAME,
    PASSPHRASE_SOURCE,
};

struct known {
    const char *name;
    enum part part;
    unsigned id;
};
static const struct known pkcs11_known[] = {
    {"token", PATH, TOKEN},
    {"serial", PATH, SERIAL},
    {"slot-id", PATH, SLOT_ID},
    {"object", PATH, OBJECT},
    {"id", PATH, ID},
    {"type", PATH, TYPE},
    {"manufacturer", PATH, OTHER_PATH},
    {"model", PATH, OTHER_PATH + 1},
    {"library-manufacturer", PATH, OTHER_PATH + 2},
    {"library-description", PATH, OTHER_PATH + 3},
    {"library-version", PATH, OTHER_PATH + 4},
    {"slot-manufacturer", PATH, OTHER_PATH + 5},
    {"slot-description", PATH, OTHER_PATH + 6},
    {"module-path", QUERY, MODULE_PATH},
    {"module-name", QUERY, MODULE_NAME},
    {"pin-source", QUERY, PIN_SOURCE},
    {NULL, PATH, 0},
};
static const struct known keystore_known[] = {
    {"name", QUERY, NAME},
    {"passphrase-source", QUERY, PASSPHRASE_SOURCE},
    {NULL, PATH, 0},
};

struct scan {
    const struct known *known;
    enum uri_use use;
    struct uri *out;
    unsigned seen; /* one bit an attribute_id */
};

static bool seen(const struct scan *scan, unsigned id)
{
    return (scan->seen & 1U << id) != 0;
}

/* Percent-decodes; false when it is not well-formed, too long, or holds a NUL though it is a text.
 */
static bool decode(const char *text, size_t len, bool is_text, char *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++, n++) {
        uint8_t byte = (uint8_t)text[i];

        if (n == max)
            return false;
        if (byte == '%') {
            if (len - i < 3)
                return false;
            char pair[2] = {text[i + 1], text[i + 2]};

            for (size_t k = 0; k < 2; k++)
                if (pair[k] >= 'A' && pair[k] <= 'F')
                    pair[k] = (char)(pair[k] - 'A' + 'a');
            if (!hex_get(pair, 2, &byte) || (byte == 0 && is_text))
                return false;
            i += 2;
        }
        out[n] = (char)byte;
    }
    out[n] = '\0';
    return true;
}

static bool name_valid(const char *name, size_t max)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);

    return len > 0 && len <= max && name[0] != '.' && strspn(name, known) == len;
}

/* Values are never shown: a secret may stand where it should not. */
static enum result secret_source_parse(const char *name, const char *value,
                                       struct secret_source *out, struct err *err)
{
    static const char file[] = "file:", credential[] = "credential:";

    if (strncmp(value, file, sizeof file - 1) == 0) {
        value += sizeof file - 1;
        if (strncmp(value, "///", 3) == 0)
            value += 2;
        out->from = SECRET_FILE;
        (void)memcpy(out->name, value, strlen(value) + 1);
        if (value[0] != '\0' && strncmp(value, "//", 2) != 0)
            return RESULT_OK;
        return err_set(err, RESULT_CONFIG, "%s=file: has no path: write %s=file:PATH", name, name);
    }
    if (strncmp(value, credential, sizeof credential - 1) == 0) {
        value += sizeof credential - 1;
        out->from = SECRET_CREDENTIAL;
        (void)memcpy(out->name, value, strlen(value) + 1);
        if (name_valid(value, 255))
            return RESULT_OK;
        return err_set(err, RESULT_CONFIG,
                       "%s=credential: needs the name of a systemd credential (LoadCredential=): "
                       "letters, digits, \".\", \"_\", \"-\"",
                       name);
    }
    return err_set(err, RESULT_CONFIG,
                   "%s is neither a file nor a systemd credential: write %s=file:PATH or "
                   "%s=credential:NAME, or leave it out to be asked on the terminal",
                   name, name, name);
}

static enum result type_check(const struct scan *scan, const char *value, struct err *err)
{
    const char *wanted = scan->use == URI_FOR_KEY ? "private" : "data";

    if (strcmp(value, wanted) == 0)
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG, "type is not %s: write type=%s, or leave it out", wanted,
                   wanted);
}

static enum result module_check(struct uri *out, bool named, const char *value, struct err *err)
{
    out->module_named = named;
    (void)memcpy(out->module, value, strlen(value) + 1);
    if (named && !name_valid(value, 255))
        return err_set(err, RESULT_CONFIG,
                       "module-name must be a name such as softhsm2 (for a path write "
                       "module-path=/...)");
    if (!named && value[0] != '/')
        return err_set(err, RESULT_CONFIG, "module-path must be absolute: write module-path=/...");
    return RESULT_OK;
}

static enum result attribute_take(struct scan *scan, const struct known *known, const char *value,
                                  struct err *err)
{
    switch (known->id) {
    case TYPE:
        return type_check(scan, value, err);
    case MODULE_PATH:
    case MODULE_NAME:
        return module_check(scan->out, known->id == MODULE_NAME, value, err);
    case PIN_SOURCE:
        return secret_source_parse(known->name, value, &scan->out->secret, err);
    case PASSPHRASE_SOURCE:
        scan->out->secret_named = true;
        if (strcmp(value, "prompt") == 0)
            return RESULT_OK;
        return secret_source_parse(known->name, value, &scan->out->secret, err);
    case NAME:
        if (!name_valid(value, SECRET_NAME_MAX))
            return err_set(err, RESULT_CONFIG,
                           "name must be 1 to %d letters, digits, \".\", \"_\" or \"-\"",
                           SECRET_NAME_MAX);
        (void)memcpy(scan->out->name, value, strlen(value) + 1);
        return RESULT_OK;
    default:
        return RESULT_OK;
    }
}

static const struct known *known_find(const struct known *known, const char *name, size_t len)
{
    for (; known->name != NULL; known++)
        if (strlen(known->name) == len && memcmp(known->name, name, len) == 0)
            return known;
    return NULL;
}

static enum result unknown_name(const struct scan *scan, const char *name, size_t len,
                                struct err *err)
{
    AUTO_BUF list = BUF_INIT(512);

    if (len == 9 && memcmp(name, "pin-value", 9) == 0)
        return err_set(err, RESULT_CONFIG,
                       "pin-value is refused, a PIN must not stand in a URI: write "
                       "pin-source=file:PATH or pin-source=credential:NAME");
    for (const struct known *known = scan->known; known->name != NULL; known++)
        buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", known->name);
    return err_set(err, RESULT_CONFIG, "unknown attribute \"%.*s\"; there are: %s",
                   (int)(len < 40 ? len : 40), name, buf_text(&list));
}

static enum result attribute_scan(struct scan *scan, enum part part, const char *text, size_t len,
                                  struct err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
    const struct known *known = known_find(scan->known, text, name_len);
    char value[URI_MAX + 1];

    if (known == NULL)
        return unknown_name(scan, text, name_len, err);
    if (known->part != part)
        return err_set(err, RESULT_CONFIG, "%s belongs %s the \"?\"", known->name,
                       known->part == QUERY ? "behind" : "before");
    if (seen(scan, known->id))
        return err_set(err, RESULT_CONFIG, "%s stands there twice", known->name);
    scan->seen |= 1U << known->id;
    if (equals == NULL || name_len + 1 == len)
        return err_set(err, RESULT_CONFIG, "%s has no value: write %s=..., or leave it out",
                       known->name, known->name);
    /* Of all values a CKA_ID alone is bytes: one that was made by chance may well have a NUL. */
    if (!decode(equals + 1, len - name_len - 1, known->id != ID, value, URI_MAX))
        return err_set(err, RESULT_CONFIG, "%s: %% must be followed by two hex digits%s",
                       known->name, known->id != ID ? ", not 00" : "");
    return attribute_take(scan, known, value, err);
}

static enum result part_scan(struct scan *scan, enum part part, const char *text, size_t len,
                             struct err *err)
{
    char separator = part == PATH ? ';' : '&';

    for (;;) {
        const char *end = memchr(text, separator, len);
        size_t one = end != NULL ? (size_t)(end - text) : len;

        if (one == 0)
            return err_set(err, RESULT_CONFIG, "an attribute is empty: remove a \"%c\" or \"?\"",
                           separator);
        if (attribute_scan(scan, part, text, one, err) != RESULT_OK)
            return err->result;
        if (end == NULL)
            return RESULT_OK;
        text += one + 1;
        len -= one + 1;
    }
}

static enum result pkcs11_match(struct scan *scan, struct err *err)
{
    struct uri *out = scan->out;
    int code;

    out->match = p11_kit_uri_new();
    if (out->match == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory");
    code = p11_kit_uri_parse(out->text, P11_KIT_URI_FOR_ANY, out->match);
    if (code != P11_KIT_URI_OK)
        return err_set(err, RESULT_CONFIG, "not a PKCS#11 URI (RFC 7512): %s",
                       p11_kit_uri_message(code));
    if (p11_kit_uri_any_unrecognized(out->match))
        return err_set(err, RESULT_CONFIG,
                       "a value is not possible: a token's label has at most 32 bytes, a serial "
                       "number 16");
    return RESULT_OK;
}

static enum result pkcs11_check(const struct scan *scan, struct err *err)
{
    if (!seen(scan, TOKEN) && !seen(scan, SERIAL) && !seen(scan, SLOT_ID))
        return err_set(err, RESULT_CONFIG, "no token is named: add token=LABEL or serial=NUMBER");
    if (seen(scan, MODULE_PATH) == seen(scan, MODULE_NAME))
        return err_set(err, RESULT_CONFIG,
                       seen(scan, MODULE_PATH)
                           ? "module-path and module-name: leave one out"
                           : "no module is named: add \"?module-path=/...\", the PKCS#11 library");
    if (scan->use != URI_FOR_KEY && seen(scan, ID))
        return err_set(err, RESULT_CONFIG, "id: a data object has none, name it by object=LABEL");
    if (scan->use != URI_FOR_KEY && !seen(scan, OBJECT))
        return err_set(err, RESULT_CONFIG, "no object is named: add object=LABEL");
    return RESULT_OK;
}

static enum result pkcs11_parse(struct scan *scan, const char *rest, struct err *err)
{
    size_t path = strcspn(rest, "?");

    if (rest[0] == '\0' || path == 0)
        return err_set(err, RESULT_CONFIG, "names nothing: write " PKCS11_SAMPLE);
    scan->known = pkcs11_known;
    scan->out->scheme = URI_PKCS11;
    if (part_scan(scan, PATH, rest, path, err) != RESULT_OK)
        return err->result;
    if (rest[path] == '?' &&
        part_scan(scan, QUERY, rest + path + 1, strlen(rest + path + 1), err) != RESULT_OK)
        return err->result;
    if (pkcs11_check(scan, err) != RESULT_OK)
        return err->result;
    return pkcs11_match(scan, err);
}

static enum result keystore_parse(struct scan *scan, const char *rest, struct err *err)
{
    size_t path = strcspn(rest, "?");

    scan->known = keystore_known;
    scan->out->scheme = URI_KEYSTORE;
    if (path == 0 || rest[path] != '?' || rest[path - 1] == '/' ||
        !decode(rest, path, true, scan->out->file, URI_MAX))
        return err_set(err, RESULT_CONFIG, "no file or no name: write " KEYSTORE_SAMPLE);
    if (part_scan(scan, QUERY, rest + path + 1, strlen(rest + path + 1), err) != RESULT_OK)
        return err->result;
    if (!seen(scan, NAME))
        return err_set(err, RESULT_CONFIG, "no name: write " KEYSTORE_SAMPLE);
    return RESULT_OK;
}

static enum result bytes_check(const char *text, struct err *err)
{
    size_t len = strlen(text);

    if (len > URI_MAX)
        return err_set(err, RESULT_CONFIG, "longer than %d bytes", URI_MAX);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '#')
            return err_set(err, RESULT_CONFIG,
                           "byte %zu (0x%02x) cannot stand in a URI: write it as %%%02X", i + 1,
                           (unsigned)(unsigned char)text[i], (unsigned)(unsigned char)text[i]);
    return RESULT_OK;
}

enum result uri_parse(const char *text, enum uri_use use, struct uri *out, struct err *err)
{
    struct scan scan = {.use = use, .out = out};

    memset(out, 0, sizeof *out);
    out->use = use;
    if (bytes_check(text, err) != RESULT_OK)
        return err->result;
    (void)memcpy(out->text, text, strlen(text) + 1);
    if (strncmp(text, "pkcs11:", 7) == 0)
        return pkcs11_parse(&scan, text + 7, err);
    if (use == URI_FOR_HEAD)
        return err_set(err, RESULT_CONFIG,
                       "the log's head has to be a data object on a token: write " PKCS11_SAMPLE);
    if (strncmp(text, "keystore:", 9) == 0)
        return keystore_parse(&scan, text + 9, err);
    if (strncasecmp(text, "pkcs11:", 7) == 0 || strncasecmp(text, "keystore:", 9) == 0)
        return err_set(err, RESULT_CONFIG, "write the scheme in lower case: \"%s\"",
                       strncasecmp(text, "pkcs11:", 7) == 0 ? "pkcs11:" : "keystore:");
    return err_set(err, RESULT_CONFIG,
                   "not a key source: write " PKCS11_SAMPLE " or " KEYSTORE_SAMPLE);
}

void uri_free(struct uri *uri)
{
    p11_kit_uri_free(uri->match);
    uri->match = NULL;
}

const CK_ATTRIBUTE *uri_attribute(const struct uri *uri, CK_ATTRIBUTE_TYPE type)
{
    return p11_kit_uri_get_attribute(uri->match, type);
}
