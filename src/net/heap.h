/* libcurl's memory: what it frees is wiped first, for it copies the credential (three times). */
#ifndef GEORDER_NET_HEAP_H
#define GEORDER_NET_HEAP_H

#include <curl/curl.h>

MUST_USE CURLcode heap_curl_init(void); /* curl_global_init_mem() */
/* While on, what libcurl asks for comes from the secure heap, as long as that has room: it takes a
 * request of some 16 KiB. What it has no room for is wiped, too, but not locked. */
void heap_secret(bool on);

#endif
