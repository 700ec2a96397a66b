/* Where an anchor is: "https://witness.example/w1". */
#ifndef GEORDER_URL_H
#define GEORDER_URL_H

#include "base.h"

struct url {
    bool plain;     /* http */
    char host[254]; /* lower case */
    uint16_t port;
    char path[512]; /* from "/" */
};

/* No user, no query, no fragment, nothing that would have to be escaped. */
MUST_USE bool url_parse(const char *text, struct url *out);

#endif
