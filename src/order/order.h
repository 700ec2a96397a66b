/*
 * The order, the API's request and answer, the pack, the assessment. Pure: no I/O, no clock.
 * Source: POST /zones/{zone_id}/ssl/certificate_packs/order and the schema of its answer
 * (tls-certificates-and-hostnames_certificate_pack); names are the API's own.
 */
#ifndef GEORDER_ORDER_H
#define GEORDER_ORDER_H

#include "base.h"

#define HOSTS_MAX     50
#define HOST_LEN      253
#define NAME_LEN      63 /* of a CA, method, label: what an enumeration may hold */
#define REFERENCE_LEN 128

struct order {
    char zone[HOST_LEN + 1]; /* the apex, as the policy names it, or 32 hex digits */
    char zone_id[32 + 1];    /* filled in from the policy; "" before */
    char apex[HOST_LEN + 1]; /* likewise */
    size_t hosts;
    char host[HOSTS_MAX][HOST_LEN + 1]; /* lower-case A-labels, sorted, none twice */
    char certificate_authority[NAME_LEN + 1];
    char validation_method[NAME_LEN + 1];
    int validity_days;
    bool cloudflare_branding;
    char geo_label[NAME_LEN + 1];      /* "us", "eu", "highest_security" or "none" */
    char reference[REFERENCE_LEN + 1]; /* printable; "" when none; never sent */
};

/* A name by the strict grammar: lower-case LDH labels, 2..10 of them, 253 bytes, no final dot, no
 * IP address; `wildcard` permits one leading "*.". Refuses and says the right form, never repairs.
 */
MUST_USE enum result host_check(const char *name, bool wildcard, struct err *err);

/* Reads an order file. */
MUST_USE enum result order_parse(const char *name, const char *text, size_t len,
                                 struct order *order, struct err *err);
/* Checks what was put together from flags, or parsed: enumerations, names, counts; sorts hosts. */
MUST_USE enum result order_check(struct order *order, struct err *err);
/* With zone_id and apex known: apex among the hosts, every host in the zone, methods that a
 * wildcard allows. Called by the policy once it knows the zone. */
MUST_USE enum result order_check_zone(const struct order *order, struct err *err);
/* The exact body of the POST, from the very struct that was judged. */
void order_body(struct buf *out, const struct order *order);
/* The same order file back (also the canonical form whose SHA-256 tells two orders apart: with
 * `identity` it has the zone's id for its name once that is known, and no reference). */
void order_json(struct buf *out, const struct order *order, bool identity);
/* The order file as a tree, through its own text; the caller's. NULL: no memory. */
cJSON *order_tree(const struct order *order);

#include "pack.h"

#endif
