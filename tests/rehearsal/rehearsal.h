/*
 * The rehearsal API: a stand-in for the Cloudflare API that tests can script. README.md has the
 * scenario and the journal. One thread a connection; `struct api` belongs to whoever holds its
 * lock.
 */
#ifndef REHEARSAL_H
#define REHEARSAL_H

#include <cjson/cJSON.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define BODY_MAX    ((size_t)1 << 20)
#define ANSWER_MAX  ((size_t)64 << 20)
#define HEX_ID_LEN  32
#define PACK_ID_MAX 64
#define PARTS_MAX   2
#define PART_LEN    64

/* ---- text.c */

#define TIME_LEN   24
#define UUID_LEN   36
#define SHA256_HEX 64

int64_t now_ms(void);
void text_time(int64_t unix_ms, char out[TIME_LEN + 1]); /* 2026-11-23T18:20:00.123Z */
void text_sha256(const void *bytes, size_t len, char out[SHA256_HEX + 1]);
void text_random(char *out, size_t digits); /* lower-case hex, and a NUL */
void text_uuid(char out[UUID_LEN + 1]);
/* The first digits of a hash of what is formatted: the same text at each call. */
void text_derive(char *out, size_t digits, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
char *text_read(const char *path); /* a whole small file; NULL when it cannot be read */
char *text_copy(const char *bytes, size_t len); /* ends the program when there is no memory */

/* ---- members.c: what an object may hold */

struct member {
    const char *name;
    int types; /* cJSON's type bits */
    bool needed;
};

#define BOOL_TYPES (cJSON_True | cJSON_False)

struct fault {
    char pointer[96];
    char text[256];
};

/* Returns false, so that `return fault_set(...)` reads well. */
bool fault_set(struct fault *fault, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Fills fault and returns false for an unknown, repeated, missing or ill-typed member. */
bool members_check(const cJSON *object, const struct member *known, size_t count,
                   struct fault *fault);
const char *member_text(const cJSON *object, const char *name, const char *otherwise);
double member_number(const cJSON *object, const char *name, double otherwise);

/* ---- scenario.c */

enum list { LIST_ORDERS, LIST_GETS, LIST_PATCHES, LIST_DELETES, LIST_COUNT };

struct scenario {
    const char *path;
    struct stat seen;
    cJSON *root;
    int used[LIST_COUNT];
};

/* Reads the file if it is new or was changed; its lists then begin again. */
bool scenario_refresh(struct scenario *scenario, struct fault *fault);
/* What the next request of this kind meets; NULL: nothing unusual. */
const cJSON *scenario_peek(const struct scenario *scenario, enum list list);
void scenario_advance(struct scenario *scenario, enum list list);
bool progress_check(const cJSON *holder, struct fault *fault);    /* of its "progress", if any */
const char *scenario_priorities(const struct scenario *scenario); /* for GnuTLS */
/* The apex of a zone id, or NULL. */
const char *scenario_apex(const struct scenario *scenario, const char *zone_id);
const char *zone_id(const cJSON *zone);

/* ---- identity.c */

struct identity;
struct identity *identity_load(const char *certificates, const char *key); /* PEM; NULL: unfit */
void identity_free(struct identity *identity);
gnutls_certificate_retrieve_function2 identity_show;

/* ---- server.c */

struct request {
    bool begun, whole, journaled;
    char method[16];
    char *target; /* as received: path, and ?query */
    char path[512];
    cJSON *headers, *query; /* names to values; secrets are in here, not in the journal */
    char *body;
    size_t len;
    bool too_large;
    char part[PARTS_MAX][PART_LEN + 1]; /* what stood where the route has a star */
};

struct answer {
    unsigned status;
    const char *behaviour; /* for the journal */
    char content_type[128], cf_ray[32], location[1024];
    int retry_after; /* < 0: none */
    char *body;      /* owned */
    size_t len, cut; /* the connection ends after `cut` bytes when that is less than len */
    size_t piece;    /* 0: as fast as it goes */
    int piece_ms, delay_ms;
    bool chunked, drop;
};

struct api {
    pthread_mutex_t lock;
    struct scenario scenario;
    struct pack *pack;
    size_t packs;
    bool verbose;
};

struct server_options {
    const char *address;
    uint16_t port;
    struct identity *identity; /* outlives the server */
};

struct server;
struct server *server_start(struct api *api, const struct server_options *options);
uint16_t server_port(const struct server *server);
void server_stop(struct server *server);

/* ---- api.c, auth.c, behaviour.c: from a request to an answer, all under the lock */

/* At the headers: true when the scenario wants the connection dropped before anything was read. */
bool api_drops(struct api *api, const struct request *request);
void api_handle(struct api *api, struct request *request, struct answer *answer);

enum auth_for { AUTH_ZONES, AUTH_USER_VERIFY, AUTH_ACCOUNT_VERIFY };
/* False: the answer holds the refusal. *token: the scenario's entry, NULL for e-mail and key. */
bool auth_check(const struct scenario *scenario, const struct request *request, enum auth_for what,
                const cJSON **token, struct answer *answer);

bool behaviour_acts(const cJSON *behaviour); /* is what was asked done before it misbehaves? */
void behaviour_shape(const cJSON *behaviour, struct answer *answer);
bool behaviour_check(const cJSON *behaviour, struct fault *fault);

/* ---- answer.c: the envelope */

void answer_init(struct answer *answer);
void answer_free(struct answer *answer);
void answer_result(struct answer *answer, cJSON *result);                       /* takes it */
void answer_page(struct answer *answer, cJSON *result, int page, int per_page); /* a list, whole */
void answer_message(struct answer *answer, cJSON *result, int code, const char *message);
void answer_error(struct answer *answer, unsigned status, int code, const char *message);
void answer_error_at(struct answer *answer, unsigned status, int code, const struct fault *fault);
void answer_error_chain(struct answer *answer, unsigned status, int code, const char *message,
                        int inner_code, const char *inner);
void answer_errors(struct answer *answer, unsigned status, cJSON *errors); /* takes them */

/* ---- order.c: is this the body that the API documents, and no more? */

bool order_check(const cJSON *order, const char *apex, struct fault *fault);

/* ---- pack.c */

struct pack {
    char id[PACK_ID_MAX + 1], zone_id[HEX_ID_LEN + 1], apex[254];
    cJSON *order;    /* as asked; owned */
    cJSON *options;  /* of the behaviour that placed it, or NULL; owned */
    cJSON *progress; /* or NULL; owned */
    int64_t placed;  /* Unix ms; a restart counts as placing */
    int shown;
    bool deleted, restarted;
};

struct pack *pack_place(struct api *api, const char *id_of_zone, const cJSON *order,
                        const cJSON *options);
struct pack *pack_find(struct api *api, const char *id_of_zone, const char *id);
void pack_show(struct pack *pack); /* counts one more GET, by which packs move on */
const char *pack_status(const struct pack *pack);
cJSON *pack_render(const struct pack *pack);
void packs_free(struct api *api);

/* ---- journal.c: one JSON line for all that happens, each one write */

struct connection {
    unsigned id, requests;
    uint64_t bytes; /* plain text that came in */
    struct identity *identity;
};

bool journal_open(const char *path);
void journal_started(const char *address, uint16_t port);
void journal_connected(const struct connection *connection, const char *peer);
void journal_handshake(const struct connection *connection, gnutls_session_t session, int code);
void journal_closed(const struct connection *connection);
void journal_request(const struct connection *connection, const struct request *request,
                     const struct answer *answer); /* answer: NULL when it got none */
void journal_stopped(void);

#endif
