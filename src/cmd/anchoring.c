#include "anchoring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "guard.h"
#include "interrupt.h"
#include "url.h"

#define CONNECT_MS    (10 * 1000)
#define TOTAL_MS      (30 * 1000)
#define TLS_1_2       0x0303
#define TRIES         4 /* for a log that grows meanwhile */
#define LOCK_PATIENCE (60 * 1000)
#define LOCK_PAUSE    20
#define QUERY_MAX     NET_ANCHOR_BODY_MAX

static enum result pem_read(const struct config *config, const char *file, struct buf *out,
                            struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);

    guard_path(&path, config->directory, file);
    return guard_read(buf_text(&path), GUARD_PUBLIC, RESULT_CONFIG, out, err);
}

enum result anchoring_config(struct anchoring *anchoring, const struct config *config,
                             struct err *err)
{
    anchoring->proxy = config->proxy;
    anchoring->stamp_url = config->timestamp_url;
    if (config->timestamp_ca_file != NULL &&
        pem_read(config, config->timestamp_ca_file, &anchoring->stamp_trust, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < config->witnesses; i++) {
        const char *ca_file = config->witness[i].ca_file;

        anchoring->witness[i].url = config->witness[i].url;
        anchoring->witness[i].trust = (struct buf)BUF_INIT(AUTHORITIES_PEM_MAX);
        anchoring->witnesses++;
        if (witness_parse(config->witness[i].key, &anchoring->witness[i].key, err) != RESULT_OK ||
            (ca_file != NULL &&
             pem_read(config, ca_file, &anchoring->witness[i].trust, err) != RESULT_OK))
            return err->result;
    }
    return RESULT_OK;
}

enum result anchoring_authority(struct anchoring *anchoring, const char *url, const char *ca_file,
                                struct err *err)
{
    struct url parsed;

    if (url != NULL && !url_parse(url, &parsed))
        return err_set(err, RESULT_USAGE,
                       "--tsa: write it as http://HOST/PATH or https://HOST/PATH");
    if (url != NULL)
        anchoring->stamp_url = url;
    if (ca_file == NULL)
        return RESULT_OK;
    buf_reset(&anchoring->stamp_trust);
    return guard_read(ca_file, GUARD_PUBLIC, RESULT_USAGE, &anchoring->stamp_trust, err);
}

enum result anchoring_start(struct anchoring *anchoring, struct err *err)
{
    return net_start(&anchoring->net, err);
}

void anchoring_free(struct anchoring *anchoring)
{
    net_stop(&anchoring->net);
    buf_free(&anchoring->stamp_trust);
    for (size_t i = 0; i < anchoring->witnesses; i++)
        buf_free(&anchoring->witness[i].trust);
}

/* One POST. */
struct post {
    struct url url;
    const struct buf *trust;
    const char *content_type;
    const struct buf *body;
    uint32_t answer_max;
};

static enum result post(struct anchoring *anchoring, const struct post *what, struct exchange *out,
                        struct err *err)
{
    int no_credential = -1;
    struct net_request request = {.method = NET_POST,
                                  .anchor = true,
                                  .plain = what->url.plain,
                                  .host = what->url.host,
                                  .port = what->url.port,
                                  .path = what->url.path,
                                  .content_type = what->content_type,
                                  .body = buf_text(what->body),
                                  .body_len = what->body->len,
                                  .proxy = anchoring->proxy != NULL ? anchoring->proxy : "",
                                  .minimum_tls = TLS_1_2,
                                  .connect_ms = CONNECT_MS,
                                  .total_ms =
                                      anchoring->timeout_ms != 0 ? anchoring->timeout_ms : TOTAL_MS,
                                  .answer_max = what->answer_max};

    if (!what->url.plain && net_trust(&anchoring->net, what->trust, err) != RESULT_OK)
        return err->result;
    net_exchange(&anchoring->net, &request, &no_credential, out);
    if (out->outcome == NET_ANSWERED)
        return RESULT_OK;
    *err = out->why;
    return err->result;
}

static enum result stamp_post(struct anchoring *anchoring, const struct buf *query,
                              struct exchange *exchange, struct err *err)
{
    struct post what = {.trust = &anchoring->stamp_trust,
                        .content_type = "application/timestamp-query",
                        .body = query,
                        .answer_max = TIMESTAMP_ANSWER_MAX};

    if (!url_parse(anchoring->stamp_url, &what.url))
        return err_set(err, RESULT_CONFIG, "audit.timestamp: not a URL");
    if (post(anchoring, &what, exchange, err) != RESULT_OK)
        return err_prefix(err, "the time stamping authority");
    if (exchange->head.status != 200)
        return err_set(err, RESULT_UNREACHED, "%s: HTTP %u: no time stamp", anchoring->stamp_url,
                       exchange->head.status);
    return RESULT_OK;
}

enum result anchoring_timestamp(struct anchoring *anchoring, struct anchor *out, struct err *err)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    AUTO_BUF query = BUF_INIT(QUERY_MAX);
    AUTO_EXCHANGE exchange = EXCHANGE_INIT;

    *out = (struct anchor){.kind = ANCHOR_STAMP};
    if (anchoring->stamp_trust.len == 0)
        return err_set(err, RESULT_CONFIG,
                       "a time stamp needs the certificates that it is checked by: --tsa-ca FILE, "
                       "or audit.timestamp.ca_file in the config");
    if (anchor_head_read(anchoring->audit_fd, anchoring->origin, anchoring->kid, &head, err) !=
            RESULT_OK ||
        timestamp_query(&head, &query, err) != RESULT_OK ||
        stamp_post(anchoring, &query, &exchange, err) != RESULT_OK)
        return err->result;
    return timestamp_take(anchoring->audit_fd, &head, &query, &anchoring->stamp_trust,
                          buf_text(&exchange.body), exchange.body.len, out, err);
}

/* The submission prefix, and behind it the call. */
static bool witness_url(const char *prefix, struct url *out)
{
    size_t len;

    if (!url_parse(prefix, out) || out->plain)
        return false;
    len = strlen(out->path);
    if (len > 0 && out->path[len - 1] == '/')
        out->path[--len] = '\0';
    if (len + sizeof "/add-checkpoint" > sizeof out->path)
        return false;
    memcpy(out->path + len, "/add-checkpoint", sizeof "/add-checkpoint");
    return true;
}

/* A conversation with one witness. */
struct asking {
    struct anchoring *anchoring;
    size_t which;
    struct anchor_head head;
    uint64_t old;
    bool done;
};

static enum result ask(struct asking *asking, struct anchor *out, struct err *err)
{
    struct anchoring *anchoring = asking->anchoring;
    const struct witness *witness = &anchoring->witness[asking->which].key;
    AUTO_EXCHANGE exchange = EXCHANGE_INIT;
    AUTO_BUF body = BUF_INIT(QUERY_MAX);
    struct post what = {.trust = &anchoring->witness[asking->which].trust,
                        .content_type = "text/plain",
                        .body = &body,
                        .answer_max = WITNESS_ANSWER_MAX};
    uint64_t old = asking->old;

    /* What an earlier answer said is not said again by one that does not come. */
    *out = (struct anchor){.kind = ANCHOR_COSIGNATURE};
    if (!witness_url(anchoring->witness[asking->which].url, &what.url))
        return err_set(err, RESULT_CONFIG, "audit.witnesses: not an https URL");
    if (witness_query(anchoring->audit_fd, &asking->head, old, &body, err) != RESULT_OK)
        return err->result;
    if (post(anchoring, &what, &exchange, err) != RESULT_OK)
        return err_prefix(err, "the witness %s", witness->name);
    asking->done = exchange.head.status == 200;
    return witness_take(anchoring->audit_fd, &asking->head, witness,
                        &(struct witness_answer){old, (int)exchange.head.status,
                                                 exchange.head.content_type,
                                                 buf_text(&exchange.body), exchange.body.len},
                        &asking->old, out, err);
}

static enum result head_refresh(struct asking *asking, struct err *err)
{
    const struct anchoring *anchoring = asking->anchoring;

    return anchor_head_read(anchoring->audit_fd, anchoring->origin, anchoring->kid, &asking->head,
                            err);
}

/* What the witness has seen of a larger log may be what another process has appended since. */
static bool has_grown(struct asking *asking, const struct anchor *out)
{
    struct err ignored = {0};

    return out->verdict == AUDIT_ROLLED_BACK && head_refresh(asking, &ignored) == RESULT_OK &&
           asking->head.size >= asking->old;
}

static enum result ask_on(struct asking *asking, struct anchor *out, struct err *err)
{
    for (int i = 0; i < TRIES; i++) {
        if (ask(asking, out, err) != RESULT_OK && !has_grown(asking, out))
            return err->result;
        if (asking->done)
            return RESULT_OK;
        *err = (struct err){0};
    }
    return err_set(err, RESULT_AUDIT,
                   "the witness %s has said %d times that it has seen another "
                   "number of records than it said before",
                   asking->anchoring->witness[asking->which].key.name, TRIES);
}

/* Of the processes of this host one asks at a time: a witness takes but one step from what it has
 * seen, and would send the others back again and again. */
static enum result turn_await(const struct anchoring *anchoring, int *fd, struct err *err)
{
    int64_t deadline = clock_monotonic() + LOCK_PATIENCE;

    *fd = openat(anchoring->audit_fd, "anchors.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                 0600);
    if (*fd < 0)
        return err_errno(err, RESULT_AUDIT, "the audit directory's anchors.lock cannot be opened");
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(err, RESULT_AUDIT, "the audit directory's anchors.lock gives no lock");
        if (clock_monotonic() >= deadline)
            return err_set(err, RESULT_AUDIT,
                           "other processes have asked witnesses for a minute: see anchors.lock in "
                           "the audit directory");
        if (!interrupt_wait(-1, clock_monotonic() + LOCK_PAUSE))
            return err_set(err, RESULT_UNREACHED, "interrupted by %s: nothing was sent",
                           interrupt_name());
    }
    return RESULT_OK;
}

enum result anchoring_witness(struct anchoring *anchoring, size_t which, struct anchor *out,
                              struct err *err)
{
    struct asking asking = {.anchoring = anchoring, .which = which, .head = ANCHOR_HEAD_INIT};
    AUTO_FD turn = -1;
    enum result result = turn_await(anchoring, &turn, err);

    *out = (struct anchor){.kind = ANCHOR_COSIGNATURE};
    if (result == RESULT_OK)
        result = head_refresh(&asking, err);
    if (result == RESULT_OK)
        result = witness_seen(anchoring->audit_fd, &asking.head, &anchoring->witness[which].key,
                              &asking.old, err);
    if (result == RESULT_OK)
        result = ask_on(&asking, out, err);
    anchor_head_free(&asking.head);
    return result;
}

cJSON *anchor_json(const struct anchor *anchor)
{
    cJSON *part = cJSON_CreateObject();
    char time[RFC3339_LEN + 1];

    time_format(anchor->time, time);
    cJSON_AddStringToObject(part, "kind", anchor_kind_name(anchor->kind));
    cJSON_AddStringToObject(part, "verdict", audit_verdict_name(anchor->verdict));
    cJSON_AddStringToObject(part, "by", anchor->by);
    cJSON_AddNumberToObject(part, "size", (double)anchor->size);
    if (anchor->time > 0)
        cJSON_AddStringToObject(part, "time", time);
    cJSON_AddStringToObject(part, "text", anchor->text);
    return part;
}
