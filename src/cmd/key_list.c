#include "key_verb.h"

#include <string.h>

#include "audit_verb.h"

static const char help[] =
    "usage: georder key list\n"
    "\n"
    "The keys of the log: which signed from which record to which, and which is current. Checks\n"
    "the rotations between them, and not every record: that is for georder audit verify. Needs\n"
    "neither keys nor the network nor, with --directory and --origin, a config.\n"
    "\n" AUDIT_PLACE_HELP "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 listed, 10 the log is not good, or cannot be read\n";

static const struct option own[] = {AUDIT_PLACE, {NULL, 0, NULL, 0}};

static const char *state_of(const struct audit_keys *keys, size_t i)
{
    return i + 1 == keys->turns ? "current" : i < keys->turns ? "retired" : "unused";
}

static bool has_signed(const struct audit_key *key)
{
    return key->first <= key->last;
}

/* Where the current key is, the config alone knows; of an old one nobody does. */
static const char *where_of(const struct verb_call *call, const struct audit_key *key)
{
    const struct config *config = &call->session->config;

    if (config->signing_key_thumbprint == NULL ||
        strcmp(config->signing_key_thumbprint, key->kid) != 0)
        return NULL;
    return config->signing_key;
}

static void tell(const struct verb_call *call, const struct audit_keys *keys, size_t i)
{
    const struct output *output = &call->session->output;
    const struct audit_key *key = &keys->key[i];
    const char *where = where_of(call, key);

    say(output, "%s %s %s", key->kid, key->alg, state_of(keys, i));
    if (has_signed(key))
        say(output, ", records %llu to %llu", (unsigned long long)key->first,
            (unsigned long long)key->last);
    else
        say(output, i < keys->turns ? ", no record yet" : ", no rotation leads to it");
    say(output, where != NULL ? ", %s\n" : "%s\n", where != NULL ? shown(where) : "");
}

static cJSON *document(const struct verb_call *call, const struct audit_keys *keys, size_t i)
{
    const struct audit_key *key = &keys->key[i];
    cJSON *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "key", key->kid);
    cJSON_AddStringToObject(one, "alg", key->alg);
    cJSON_AddStringToObject(one, "state", state_of(keys, i));
    if (has_signed(key)) {
        cJSON_AddNumberToObject(one, "first", (double)key->first);
        cJSON_AddNumberToObject(one, "last", (double)key->last);
    }
    if (where_of(call, key) != NULL)
        cJSON_AddStringToObject(one, "where", where_of(call, key));
    return one;
}

/* After a rotation the config is its owner's to change. */
static void config_tell(const struct verb_call *call, const struct audit_keys *keys)
{
    const char *named = call->session->config.signing_key_thumbprint;
    const char *current = keys->turns > 0 ? keys->key[keys->turns - 1].kid : NULL;

    if (named != NULL && current != NULL && strcmp(named, current) != 0)
        note(&call->session->output,
             "note: the config names the key %s; the current one is %s: see audit.signing_key and "
             "audit.signing_key_thumbprint\n",
             shown(named), current);
}

static enum result run(struct verb_call *call, struct err *err)
{
    struct audit_keys keys;
    cJSON *list = cJSON_CreateArray();

    output_add(&call->session->output, "keys", list);
    if (audit_verb_locate(call, err) != RESULT_OK ||
        audit_keys(call->session->audit_fd, audit_verb_origin(call), &keys, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < keys.count; i++) {
        tell(call, &keys, i);
        if (call->session->output.document != NULL)
            cJSON_AddItemToArray(list, document(call, &keys, i));
    }
    output_add(&call->session->output, "records", cJSON_CreateNumber((double)keys.records));
    config_tell(call, &keys);
    return RESULT_OK;
}

const struct verb key_list_verb = {"list", help, own, 0, run};
