#include "heap.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define HEAP_SIZE  65536
#define HEAP_BLOCK 32

/* cJSON's hooks carry no context, so this cannot be anyone's but the process'. */
static bool secret_json;

static void *json_get_memory(size_t size)
{
    return secret_json ? OPENSSL_secure_malloc(size) : malloc(size);
}

static void json_give_back(void *memory)
{
    if (memory != NULL && CRYPTO_secure_allocated(memory))
        OPENSSL_secure_clear_free(memory, CRYPTO_secure_actual_size(memory));
    else
        free(memory);
}

void heap_secret_json(bool on)
{
    secret_json = on;
}

enum result heap_start(bool may_unlocked, bool *locked, struct err *err)
{
    cJSON_Hooks hooks = {.malloc_fn = json_get_memory, .free_fn = json_give_back};
    int state = CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_BLOCK);

    *locked = state == 1;
    if (state == 0 || (!*locked && !may_unlocked))
        return err_set(err, RESULT_KEY,
                       "the memory for secrets cannot be %s: raise the limit of locked memory "
                       "(ulimit -l, LimitMEMLOCK=) to %d KiB or more, or let the policy say "
                       "\"locked_memory\": \"preferred\"",
                       state == 0 ? "had" : "locked", HEAP_SIZE / 1024);
    cJSON_InitHooks(&hooks);
    return RESULT_OK;
}
