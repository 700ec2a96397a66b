/*
 * What main and net say to each other, as structs. Strings point into the message they were read
 * from, or are the caller's when sending.
 */
#ifndef GEORDER_NET_MSG_H
#define GEORDER_NET_MSG_H

#define NET_ANSWER_MAX   (1024 * KIB) /* DESIGN section 4 */
#define NET_PINS_MAX     64
#define NET_NETWORKS_MAX 256
#define NET_CHAIN_MAX    16

enum net_method { NET_GET, NET_POST, NET_DELETE };

struct net_request {
    enum net_method method;
    const char *host; /* of the API, lower case */
    uint32_t port;
    const char *path;     /* from "/", built by main from checked ids only */
    const char *body;     /* JSON, or "" */
    size_t body_len;      /* of an anchor's; else it is a text */
    const char *resolve;  /* fixed address for host, or "" */
    const char *proxy;    /* "http://host:port", or "" */
    uint32_t minimum_tls; /* 0x0303 or 0x0304 */
    uint32_t connect_ms, total_ms;
    uint32_t pins;
    uint8_t pin[NET_PINS_MAX][SHA256_LEN]; /* SHA-256 of an SPKI in the verified chain */
    uint32_t networks;
    const char *network[NET_NETWORKS_MAX]; /* "104.16.0.0/13", "2606:4700::/32" */

    /* A POST to an anchor of the log, which the config names and not the policy: no pins, no
     * networks, no credential; any certificate that NET_TRUST's bundle vouches for. */
    bool anchor;
    bool plain;               /* http: only for what is signed on its own */
    const char *content_type; /* "application/timestamp-query" */
    uint32_t answer_max;      /* bytes, at most NET_ANSWER_MAX */
};
#define NET_ANCHOR_BODY_MAX (24 * KIB)

/* What the peer and its TLS showed, as far as it came. */
struct net_peer {
    const char *address; /* "104.19.192.29", or "" */
    uint32_t port;
    const char *proxy;       /* as asked, or "" */
    const char *tls_version; /* "TLSv1.3", or "" */
    const char *cipher;
    uint32_t chain; /* certificates in the verified chain, leaf first */
    uint8_t spki[NET_CHAIN_MAX][SHA256_LEN];
    uint32_t pin_matched; /* index into the chain, or UINT32_MAX */
    const char *sandbox;  /* the level net reached, guard_level_text() */
};

struct net_head {
    uint32_t status;
    const char *cf_ray, *content_type, *retry_after, *date; /* "" when absent; printable ASCII */
};

enum net_outcome {
    NET_ANSWERED, /* head and whole body came; of a stream: all of it was handed to TLS */
    NET_UNSENT,   /* it is certain that no byte of the request was sent */
    NET_LOST,     /* the request was, or may have been, sent, and no whole answer came */
};

void put_net_request(struct buf *body, const struct net_request *request);
void get_net_request(struct msg *msg, struct net_request *request);
/* NET_ANCHOR: of the above host, port, path, body, proxy, times, and what is an anchor's. */
void put_net_anchor(struct buf *body, const struct net_request *request);
void get_net_anchor(struct msg *msg, struct net_request *request);
/* NET_STREAM: of the above host, port and times; to a syslog server, which is an anchor's like. */
void put_net_stream(struct buf *body, const struct net_request *request);
void get_net_stream(struct msg *msg, struct net_request *request);
void put_net_peer(struct buf *body, const struct net_peer *peer);
void get_net_peer(struct msg *msg, struct net_peer *peer);
void put_net_head(struct buf *body, const struct net_head *head);
void get_net_head(struct msg *msg, struct net_head *head);
/* err: RESULT_OK, or why (RESULT_PEER, RESULT_UNREACHED, RESULT_UNKNOWN, RESULT_KEY). */
void put_net_end(struct buf *body, enum net_outcome outcome, const struct err *err);
enum net_outcome get_net_end(struct msg *msg, struct err *err);

#endif
