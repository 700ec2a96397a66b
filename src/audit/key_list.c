#include <stdio.h>
#include <string.h>

#include "succession.h"

static struct audit_key *key_put(struct audit_keys *out, const struct key *key)
{
    struct audit_key *one = &out->key[out->count++];

    *one = (struct audit_key){.first = 1};
    memcpy(one->kid, key->kid, sizeof one->kid);
    (void)snprintf(one->alg, sizeof one->alg, "%s", key->alg->name);
    return one;
}

static void list(const struct succession *keys, const struct keyring *ring, struct audit_keys *out)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct audit_key *one = key_put(out, keys->key[i]);
        uint64_t end = i + 1 < keys->count ? keys->first[i + 1] : out->records;

        if (end > keys->first[i]) {
            one->first = keys->first[i];
            one->last = end - 1;
        }
    }
    out->turns = out->count;
    for (size_t i = 0; i < ring->count; i++)
        if (!succession_has(keys, ring->key[i].kid))
            (void)key_put(out, &ring->key[i]);
}

enum result audit_keys(int dirfd, const char *origin, struct audit_keys *out, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct keyring ring = {.count = 0};
    struct succession keys;
    enum result result;

    *out = (struct audit_keys){0};
    if (origin_check(origin, err) != RESULT_OK ||
        snapshot_locked(dirfd, &snapshot, err) != RESULT_OK ||
        keyring_load(dirfd, &ring, err) != RESULT_OK ||
        succession_load(&snapshot, origin, &ring, &keys, err) != RESULT_OK ||
        records_count(&snapshot, &out->records, err) != RESULT_OK)
        result = err->result;
    else
        result = RESULT_OK;
    if (result == RESULT_OK)
        list(&keys, &ring, out);
    keyring_free(&ring);
    return result;
}
