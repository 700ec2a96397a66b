/* What the records of several commands are made of. */
#ifndef GEORDER_PARTS_H
#define GEORDER_PARTS_H

#include "session.h"

/* Each is the caller's. */
cJSON *sandbox_part(const struct session *session, const struct exchange *exchange); /* or NULL */
cJSON *tls_part(const struct net_peer *peer);
cJSON *response_part(const struct exchange *exchange);
/* Unless it is NULL or "". */
void add_given(cJSON *object, const char *name, const char *text);
/* The URL of a path of the API. */
void url_put(struct buf *out, const struct policy_facts *facts, const char *path);

/* An event of now and of who runs this, informational, about nothing yet. */
struct audit_event event_of(const struct session *session, const char *event,
                            const char *operation);
/* Appends it with detail, which is taken over; its index goes into records, unless that is NULL. */
MUST_USE enum result event_append(struct session *session, struct audit_event *event, cJSON *detail,
                                  const struct buf *body, cJSON *records, struct err *err);

#endif
