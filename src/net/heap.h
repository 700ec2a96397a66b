/* libcurl's memory: what it frees is wiped first, for it copies the credential (three times). */
#ifndef GEORDER_NET_HEAP_H
#define GEORDER_NET_HEAP_H

#include <curl/curl.h>

MUST_USE CURLcode heap_curl_init(void); /* curl_global_init_mem() */

#endif
