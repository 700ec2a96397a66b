/* The API credential, from the pipe of the keys process into the request's headers. */
#ifndef GEORDER_NET_CREDENTIAL_H
#define GEORDER_NET_CREDENTIAL_H

#include <curl/curl.h>

#include "base.h"

/* Reads the pipe to its end and closes it. `B` token: Authorization; `K` e-mail "\n" key: X-Auth-*.
 * The lines are added to *headers, in libcurl's (wiped) memory. Any failure is RESULT_KEY. */
MUST_USE enum result credential_take(int *pipe, int64_t deadline, struct curl_slist **headers,
                                     struct err *err);
MUST_USE enum result header_add(struct curl_slist **headers, const char *line, struct err *err);

#endif
