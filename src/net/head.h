/* The few headers of an answer that we keep. Everything in them is a stranger's text. */
#ifndef GEORDER_NET_HEAD_H
#define GEORDER_NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc.h"

#define HEAD_BYTES_MAX (64 * KIB) /* of all header lines, interim answers and trailers included */
#define HEAD_VALUE_MAX 127

struct head {
    size_t bytes;
    bool open; /* between a status line and the empty line */
    /* Its body has an announced length, or comes in chunks. Else it ends with the connection, and
     * libcurl takes one that was cut for one that was ended: over OpenSSL 3.0 its own BIO does not
     * tell an end of file from TLS' close_notify. */
    bool delimited;
    char cf_ray[HEAD_VALUE_MAX + 1], content_type[HEAD_VALUE_MAX + 1];
    char retry_after[HEAD_VALUE_MAX + 1], date[HEAD_VALUE_MAX + 1];
};

/* One header line, as it came. False when there are too many bytes of them. */
MUST_USE bool head_line(struct head *head, const char *line, size_t len);
struct net_head head_facts(const struct head *head, uint32_t status); /* points into head */

#endif
