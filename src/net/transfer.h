/* The HTTPS exchange itself: libcurl, every option of which is set explicitly. */
#ifndef GEORDER_NET_TRANSFER_H
#define GEORDER_NET_TRANSFER_H

#include <curl/curl.h>

#include "exchange.h"

/* Once a process, before the first fork: all that needs files, or time. */
MUST_USE enum result transfer_preload(struct err *err);
/* After it: TLS, request, answer. err says why when it is not NET_ANSWERED. */
MUST_USE enum net_outcome transfer_run(struct exchange *x, struct err *err);

/* options.c */
MUST_USE enum result options_set(CURL *easy, const struct exchange *x, struct curl_slist *headers,
                                 struct curl_slist *addresses, struct err *err);

#endif
