/*
 * What the API answers. Strings belong to the answer's tree and live as long as it; "" and NULL
 * both mean that a member was not there. Unknown members and enumeration values are kept in `raw`.
 */
#ifndef GEORDER_PACK_H
#define GEORDER_PACK_H

#define PACK_ID_LEN     36 /* a UUID, or 32 hex digits */
#define ANSWER_LIST_MAX 256

struct api_message {
    int64_t code; /* 0: the answer had none */
    const char *message, *documentation_url, *pointer;
    const cJSON *raw; /* with error_chain, if any */
};

struct validation_record {
    const char *status, *txt_name, *txt_value, *cname, *cname_target, *http_url, *http_body;
    const cJSON *emails; /* array or NULL */
};

struct certificate {
    const char *id, *status, *issuer, *signature, *bundle_method, *expires_on, *uploaded_on,
        *modified_on, *zone_id;
    const char *geo_label; /* geo_restrictions.label, or NULL: not shown */
    double priority;       /* NAN: not there */
    const cJSON *hosts;
};

struct pack {
    const char *id, *type, *status, *certificate_authority, *validation_method,
        *primary_certificate;
    int64_t validity_days;   /* 0: not there */
    int cloudflare_branding; /* -1: not there */
    const cJSON *hosts;
    size_t certificates, validation_records, dcv_delegation_records, validation_errors;
    struct certificate *certificate;                                     /* owned */
    struct validation_record *validation_record, *dcv_delegation_record; /* owned */
    const char **validation_error;                                       /* owned; messages */
    const cJSON *raw;
};

/* How the whole answer reads. The outcome decides: placed, refused, or not to be known. */
enum answer_outcome {
    ANSWER_PLACED,  /* 2xx, success, a pack with an id (or, for a list, packs that all have one) */
    ANSWER_REFUSED, /* 4xx but not 408, or 2xx with success:false: nothing was placed */
    ANSWER_UNCLEAR, /* anything else, a 4xx that claims success too: the packs must be listed */
};

struct answer {
    enum answer_outcome outcome;
    bool envelope;       /* false: HTML, empty, or not the API's JSON; then `why` says what */
    bool success;        /* 2xx and success:true, whatever the result is: for all that is no pack */
    char why[256];       /* of UNCLEAR, and of a refusal that could not be read whole; else "" */
    struct json_doc doc; /* owns the tree; text is the caller's and must outlive it */
    size_t errors, messages;
    struct api_message *error, *message; /* owned */
    size_t packs;                        /* 1 for order, get; 0.. for list */
    struct pack *pack;                   /* owned */
    int64_t total_pages;                 /* result_info, 1 when absent */
};

/* Never fails for what the API says, however odd: outcome and why tell. RESULT_INTERNAL: memory.
 * A NUL must stand behind the body, as in a struct buf. */
MUST_USE enum result answer_decode(int http_status, const char *content_type, const char *body,
                                   size_t len, struct answer *answer, struct err *err);
void answer_free(struct answer *answer);
/* The pack of an answer about one pack, or NULL. An order without it is UNCLEAR, also where a list
 * came and the outcome is therefore PLACED. */
const struct pack *answer_pack(const struct answer *answer);
MUST_USE bool pack_id_valid(const char *id);

enum assessment_verdict { PACK_COMPLIANT, PACK_PENDING, PACK_VIOLATION };
#define ASSESSMENT_ITEMS_MAX 128

struct assessment_item {
    const char *code; /* "host_missing", "geo_label_unseen": stable, static storage */
    char pointer[64]; /* into the pack: "/certificates/0/geo_restrictions/label" */
    char text[400];
};

struct assessment {
    enum assessment_verdict verdict;
    size_t findings, obligations; /* any finding: violation; else any obligation: pending */
    struct assessment_item finding[ASSESSMENT_ITEMS_MAX], obligation[ASSESSMENT_ITEMS_MAX];
};

/* The pack held against the order. The answer may add the apex and, with branding, a host below
 * cloudflaressl.com, and reorder; validity may be shorter, never longer. now: Unix ms. */
void pack_assess(const struct pack *pack, const struct order *order, int64_t now,
                 struct assessment *out);
const char *assessment_verdict_name(enum assessment_verdict verdict); /* "compliant" ... */
/* {"verdict": ..., "findings": [{code, pointer, text}], "obligations": [...]}; owned by the caller.
 */
cJSON *assessment_json(const struct assessment *assessment);

#endif
