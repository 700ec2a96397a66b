/* The order that a person gives: from a file or from flags, the same for `order` and `check`. */
#ifndef GEORDER_ORDER_INPUT_H
#define GEORDER_ORDER_INPUT_H

#include "options.h"
#include "order.h"

struct order_input {
    const char *file; /* --file; "-" is standard input */
    bool flags;       /* any of the others was given */
    struct order order;
};

enum {
    ORDER_FILE = OWN_OPTION,
    ORDER_ZONE,
    ORDER_HOST,
    ORDER_CA,
    ORDER_VALIDITY,
    ORDER_METHOD,
    ORDER_GEO,
    ORDER_BRANDING,
    ORDER_REFERENCE,
    ORDER_OPTIONS_END
};

#define ORDER_OPTIONS                                                                              \
    {"file", required_argument, NULL, ORDER_FILE}, {"zone", required_argument, NULL, ORDER_ZONE},  \
        {"host", required_argument, NULL, ORDER_HOST}, {"ca", required_argument, NULL, ORDER_CA},  \
        {"validity-days", required_argument, NULL, ORDER_VALIDITY},                                \
        {"validation-method", required_argument, NULL, ORDER_METHOD},                              \
        {"geo", required_argument, NULL, ORDER_GEO},                                               \
        {"branding", no_argument, NULL, ORDER_BRANDING},                                           \
    {                                                                                              \
        "reference", required_argument, NULL, ORDER_REFERENCE                                      \
    }

#define ORDER_OPTIONS_HELP                                                                         \
    "  --file FILE               an order file (\"-\": standard input), or:\n"                     \
    "  --zone ZONE               the zone's name in the policy, or its id\n"                       \
    "  --host HOST               once for each host, the zone's apex among them\n"                 \
    "  --ca CA                   google, lets_encrypt, ssl_com ...\n"                              \
    "  --validity-days N         14, 30, 90 or 365\n"                                              \
    "  --validation-method M     txt, http or email\n"                                             \
    "  --geo LABEL               us, eu, highest_security or none (the default)\n"                 \
    "  --branding                add a Cloudflare host as the common name\n"                       \
    "  --reference TEXT          your change number; recorded, never sent\n"

/* One option; false when it is not one of ORDER_OPTIONS. */
MUST_USE enum result order_input_option(struct order_input *input, int option, struct err *err);
/* After the last option: reads the file, or checks the flags. */
MUST_USE enum result order_input_finish(struct order_input *input, struct err *err);

#endif
