/* The trust list read: approvers.json. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define REVISION_MAX 999999999
#define KEY_TEXT_MAX 4096
#define GROUP_LEN    32 /* as in a rule of a policy */

static const char *const top_members[] = {"georder_approvers", "revision", "threshold", "approvers",
                                          NULL};
static const char *const approver_members[] = {"principal", "users", "groups", "keys", NULL};
static const char *const key_members[] = {"key", "valid_after", "valid_before", "user_verification",
                                          NULL};

/* A principal is a file's name and a word of a shell, too; and where file systems fold case, two
 * spellings would be one file. So there is one spelling, and nothing in it means anything. */
bool principal_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._@+-");
    return len > 0 && len <= PRINCIPAL_LEN && name[len] == '\0' && strchr("._@+-", name[0]) == NULL;
}

static bool login_valid(const char *name)
{
    size_t len = strlen(name);
    for (const char *at = name; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return false;
    return len <= LOGIN_LEN && name[0] != ' ' && name[len - 1] != ' ';
}

static bool group_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && len <= GROUP_LEN && name[len] == '\0' && name[0] != '-';
}

static enum result moment_opt(const struct json_doc *doc, const cJSON *object, const char *name,
                              int64_t *ms, struct err *err)
{
    if (cJSON_GetObjectItemCaseSensitive(object, name) == NULL)
        return RESULT_OK;
    return json_moment(doc, object, name, NULL, ms, err);
}

/* A list of names that may be left out. */
struct names {
    const char *member, *form;
    bool (*valid)(const char *);
    size_t max;
    const char **out;
};

static enum result name_read(const struct json_doc *doc, const cJSON *node,
                             const struct names *names, size_t count, struct err *err)
{
    TRY(json_text(doc, node, PRINCIPAL_LEN, &names->out[count], err));
    if (!names->valid(names->out[count]))
        return json_fail(doc, node, err, "%s", names->form);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names->out[i], names->out[count]) == 0)
            return json_fail(doc, node, err, "stands here twice: keep one");
    return RESULT_OK;
}

static enum result names_read(const struct json_doc *doc, const cJSON *object,
                              const struct names *names, size_t *count, struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    if (cJSON_GetObjectItemCaseSensitive(object, names->member) == NULL)
        return RESULT_OK;
    TRY(json_array(doc, object, names->member, 1, names->max, &list, err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(name_read(doc, item, names, *count, err));
        (*count)++;
    }
    return RESULT_OK;
}

/* A key of two people would make one person two. The same point or modulus is the same key, even
 * as another type or with another exponent. */
static enum result key_unique(const struct approvers *all, const struct json_doc *doc,
                              const cJSON *node, const struct ssh_key *key, struct err *err)
{
    for (size_t i = 0; i < all->facts.principals; i++)
        for (size_t k = 0; k < all->entry[i].view.keys; k++)
            if (slice_same(all->entry[i].ssh[k].material, key->material))
                return json_fail(doc, node, err,
                                 "is a key of %s already: one key, one person, once",
                                 all->entry[i].view.name);
    return RESULT_OK;
}

static enum result life_read(const struct json_doc *doc, const cJSON *node,
                             struct principal_key *key, struct err *err)
{
    key->valid_after = 0;
    key->valid_before = INT64_MAX;
    TRY(moment_opt(doc, node, "valid_after", &key->valid_after, err));
    TRY(moment_opt(doc, node, "valid_before", &key->valid_before, err));
    if (key->valid_after >= key->valid_before)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(node, "valid_before"), err,
                         "is not later than valid_after");
    return RESULT_OK;
}

static enum result verification_read(const struct json_doc *doc, const cJSON *node,
                                     struct principal_key *key, bool security_key, struct err *err)
{
    TRY(json_bool_opt(doc, node, "user_verification", &key->user_verification, err));
    if (key->user_verification && !security_key)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(node, "user_verification"), err,
                         "only a security key (sk-...) can show it");
    return RESULT_OK;
}

static enum result key_read(struct approvers *all, struct entry *entry, const cJSON *node,
                            struct err *err)
{
    const struct json_doc *doc = &all->doc;
    struct principal_key *key = &entry->key[entry->view.keys];
    struct ssh_key *ssh = &entry->ssh[entry->view.keys];
    const char *text = NULL;
    struct err why;
    TRY(json_object(doc, node, key_members, err));
    TRY(json_string(doc, node, "key", KEY_TEXT_MAX, &text, err));
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(node, "key");
    if (ssh_key_read(text, ssh, &why) != RESULT_OK)
        return json_fail(doc, at, err, "%s", why.text);
    TRY(key_unique(all, doc, at, ssh, err));
    key->type = ssh->type->name;
    ssh_fingerprint((struct slice){(const uint8_t *)ssh->blob.data, ssh->blob.len},
                    key->fingerprint);
    TRY(life_read(doc, node, key, err));
    TRY(verification_read(doc, node, key, ssh->type->security_key, err));
    entry->view.keys++;
    return RESULT_OK;
}

static enum result keys_read(struct approvers *all, struct entry *entry, const cJSON *node,
                             struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(&all->doc, node, "keys", 1, KEYS_MAX, &list, err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(key_read(all, entry, item, err));
    }
    return RESULT_OK;
}

static enum result principal_read(const struct approvers *all, const cJSON *node,
                                  struct principal *out, struct err *err)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(node, "principal");
    TRY(json_string(&all->doc, node, "principal", PRINCIPAL_LEN, &out->name, err));
    if (!principal_valid(out->name))
        return json_fail(&all->doc, at, err,
                         "is not a principal: lower-case letters, digits and . _ @ + - behind the "
                         "first, say alice@example.com; no patterns");
    /* This one's own entry does not count yet for what is there. */
    for (size_t i = 0; i + 1 < all->facts.principals; i++)
        if (strcmp(all->entry[i].view.name, out->name) == 0)
            return json_fail(&all->doc, at, err, "stands here twice: keep one");
    return RESULT_OK;
}

static enum result entry_read(struct approvers *all, const cJSON *node, struct err *err)
{
    const struct json_doc *doc = &all->doc;
    struct entry *entry = &all->entry[all->facts.principals++];
    const struct names users = {"users", "is not a login name", login_valid, USERS_MAX,
                                entry->user};
    const struct names groups = {
        "groups", "is not the name of a group: lower-case letters, digits and -, say pki-oncall",
        group_valid, GROUPS_MAX, entry->group};
    entry->view.user = entry->user;
    entry->view.group = entry->group;
    entry->view.key = entry->key;
    TRY(json_object(doc, node, approver_members, err));
    TRY(principal_read(all, node, &entry->view, err));
    TRY(names_read(doc, node, &users, &entry->view.users, err));
    TRY(names_read(doc, node, &groups, &entry->view.groups, err));
    return keys_read(all, entry, node, err);
}

static enum result head_read(struct approvers *all, struct err *err)
{
    const struct json_doc *doc = &all->doc;
    int64_t format = 0;
    TRY(json_object(doc, doc->root, top_members, err));
    TRY(json_int(doc, doc->root, "georder_approvers", 1, REVISION_MAX, &format, err));
    if (format != 1)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "georder_approvers"), err,
                         "this program reads format 1 only: write 1, or use a newer georder");
    return json_int(doc, doc->root, "revision", 1, REVISION_MAX, &all->facts.revision, err);
}

static enum result list_read(struct approvers *all, struct err *err)
{
    const struct json_doc *doc = &all->doc;
    const cJSON *list = NULL, *item = NULL;
    int64_t threshold = 0;
    TRY(json_array(doc, doc->root, "approvers", 1, SIGNATURES_MAX, &list, err));
    int count = cJSON_GetArraySize(list);
    TRY(json_int(doc, doc->root, "threshold", 1, count, &threshold, err));
    all->facts.threshold = (uint32_t)threshold;
    all->entry = calloc((size_t)count, sizeof *all->entry);
    if (all->entry == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    cJSON_ArrayForEach(item, list)
    {
        TRY(entry_read(all, item, err));
    }
    return RESULT_OK;
}

static enum result document_read(struct approvers *all, struct err *err)
{
    TRY(json_parse(&all->doc, JSON_OURS, err));
    TRY(head_read(all, err));
    return list_read(all, err);
}

enum result approvers_load(const char *name, const char *text, size_t len, struct approvers **out,
                           struct err *err)
{
    *out = NULL;
    if (len > APPROVERS_MAX)
        return err_set(err, RESULT_CONFIG, "%s: has %zu bytes; at most %d are allowed", name, len,
                       APPROVERS_MAX);
    struct approvers *all = calloc(1, sizeof *all);
    if (all == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", name);
    all->doc = (struct json_doc){.name = name, .text = text, .len = len, .result = RESULT_CONFIG};
    sha256_hex(text, len, all->facts.digest);
    enum result result = document_read(all, err);
    /* The name and the text are the caller's. */
    all->doc.name = all->doc.text = NULL;
    if (result == RESULT_OK)
        *out = all;
    else
        approvers_free(&all);
    return result;
}

void approvers_free(struct approvers **approvers)
{
    struct approvers *all = *approvers;
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->facts.principals; i++)
        for (size_t k = 0; k < KEYS_MAX; k++)
            ssh_key_free(&all->entry[i].ssh[k]);
    free(all->entry);
    json_free(&all->doc);
    free(all);
    *approvers = NULL;
}

void approvers_facts(const struct approvers *approvers, struct approvers_facts *out)
{
    *out = approvers->facts;
}

const struct principal *approvers_principal(const struct approvers *approvers, size_t index)
{
    return &approvers->entry[index].view;
}

const struct principal *approvers_find(const struct approvers *approvers, const char *name)
{
    for (size_t i = 0; i < approvers->facts.principals; i++)
        if (strcmp(approvers->entry[i].view.name, name) == 0)
            return &approvers->entry[i].view;
    return NULL;
}

bool principal_is_user(const struct principal *principal, const char *user)
{
    for (size_t i = 0; i < principal->users; i++)
        if (strcmp(principal->user[i], user) == 0)
            return true;
    return false;
}
