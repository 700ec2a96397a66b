/* Where libcurl's memory comes from; it is asked for through libcurl itself. */
#include <criterion/criterion.h>
#include <curl/mprintf.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base.h"
#include "heap.h"

static void start(void)
{
    cr_assert_eq(CRYPTO_secure_malloc_init(65536, 32), 1);
    cr_assert_eq(heap_curl_init(), CURLE_OK);
}

TestSuite(heap, .init = start);

static bool is_locked(const char *text)
{
    return CRYPTO_secure_allocated(text) == 1;
}

Test(heap, only_secrets_are_in_the_secure_heap)
{
    char *before = curl_maprintf("%s", "before"), *during, *after;

    heap_secret(true);
    during = curl_maprintf("%s", "during");
    heap_secret(false);
    after = curl_maprintf("%s", "after");
    cr_assert(!is_locked(before) && is_locked(during) && !is_locked(after));
    cr_assert_str_eq(during, "during");
    curl_free(before);
    curl_free(during);
    curl_free(after);
    cr_assert_eq(CRYPTO_secure_used(), 0);
}

Test(heap, what_grows_moves_and_is_whole_wherever_it_began)
{
    char *text = NULL;

    heap_secret(true);
    for (int len = 1; len <= 256 * 1024; len *= 4) {
        text = curl_maprintf("%*s", len, "x");
        cr_assert_not_null(text);
        cr_assert_eq(strlen(text), (size_t)len);
        cr_assert_eq(text[len - 1], 'x');
        cr_assert_eq(strspn(text, " "), (size_t)len - 1);
        cr_assert(is_locked(text) || len > 16 * 1024, "%d", len);
        curl_free(text);
    }
    cr_assert_eq(CRYPTO_secure_used(), 0, "what was left behind is given back");
}

Test(heap, what_is_given_back_is_wiped)
{
    static const char secret[] = "a secret of 25 characters";
    char *place;

    heap_secret(true);
    place = curl_maprintf("%s", secret);
    cr_assert(is_locked(place));
    curl_free(place);
    /* The secure heap stays mapped, and uses the first bytes of what is free. */
    for (size_t i = 2 * sizeof(void *); i < sizeof secret - 1; i++)
        cr_assert_neq(place[i], secret[i], "%zu", i);
}

Test(no_heap, without_a_secure_heap_there_is_ordinary_memory)
{
    char *text;

    cr_assert_eq(heap_curl_init(), CURLE_OK);
    heap_secret(true);
    text = curl_maprintf("%s", "text");
    cr_assert(!is_locked(text));
    curl_free(text);
}
