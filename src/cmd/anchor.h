/*
 * Anchors of the log: other places than its own disk that know its newest checkpoint, and so show
 * when it was rolled back, cut or forked. A policy may require them (audit.require).
 */
#ifndef GEORDER_CMD_ANCHOR_H
#define GEORDER_CMD_ANCHOR_H

#include "session.h"

/* The head as the token has it; RESULT_AUDIT: there is none. It is read before the log is looked
 * at, which may grow meanwhile, and its head with it. */
MUST_USE enum result anchor_head(struct session *session, struct buf *note, struct err *err);
/* The error of a head that is not the log's. */
MUST_USE enum result anchor_head_agrees(const struct audit_checkpoint *head, struct err *err);
/* Does the config name each anchor that the policy requires? */
MUST_USE enum result anchor_named(const struct session *session, struct err *err);
/* Before the lock, with policy and directory: what it takes to ask those that the policy requires.
 */
MUST_USE enum result anchor_prepare(struct session *session, struct err *err);
/* Between a durable intent and the credential: does each anchor that the policy requires hold the
 * log's newest checkpoint? RESULT_AUDIT: one does not, or the config has none; send nothing. */
MUST_USE enum result anchor_demand(struct session *session, struct err *err);

#endif
