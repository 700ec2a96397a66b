#include <openssl/crypto.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "heap.h"

/* Each block knows its size, in front of what libcurl sees; but for those in the secure heap. */
union header {
    size_t size;
    max_align_t align;
};

/* libcurl's functions carry no context, so this cannot be anyone's but the process'. */
static bool secret;

void heap_secret(bool on)
{
    secret = on && CRYPTO_secure_malloc_initialized();
}

static void *heap_get(size_t size)
{
    void *locked = secret ? OPENSSL_secure_malloc(size) : NULL;
    union header *header;

    if (locked != NULL)
        return locked;
    if (size > SIZE_MAX - sizeof *header)
        return NULL;
    header = malloc(sizeof *header + size);
    if (header == NULL)
        return NULL;
    header->size = size;
    return header + 1;
}

static void heap_free(void *block)
{
    union header *header = block;

    if (block == NULL)
        return;
    if (CRYPTO_secure_allocated(block)) {
        OPENSSL_secure_clear_free(block, CRYPTO_secure_actual_size(block));
        return;
    }
    header--;
    explicit_bzero(header, sizeof *header + header->size);
    free(header);
}

static size_t heap_size(void *block)
{
    if (block == NULL)
        return 0;
    return CRYPTO_secure_allocated(block) ? CRYPTO_secure_actual_size(block)
                                          : ((union header *)block)[-1].size;
}

static void *heap_resize(void *old, size_t size)
{
    size_t had = heap_size(old);
    void *block = heap_get(size);

    if (block == NULL)
        return NULL;
    if (had > 0)
        memcpy(block, old, had < size ? had : size);
    heap_free(old);
    return block;
}

static void *heap_get_zeroed(size_t count, size_t size)
{
    void *block;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    block = heap_get(count * size);
    if (block != NULL)
        memset(block, 0, count * size);
    return block;
}

static char *heap_copy(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = heap_get(len);

    if (copy != NULL)
        memcpy(copy, text, len);
    return copy;
}

CURLcode heap_curl_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_get, heap_free, heap_resize, heap_copy,
                                heap_get_zeroed);
}
