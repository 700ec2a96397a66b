/* Where secrets live: OpenSSL's secure heap, and cJSON's nodes while a secret is parsed. */
#ifndef GEORDER_KEYS_HEAP_H
#define GEORDER_KEYS_HEAP_H

#include "base.h"

/* Locked memory or a refusal: an unlocked heap would let the PIN reach the swap. may_unlocked: the
 * policy takes that. Once per process, after the last fork: a lock is not inherited. */
MUST_USE enum result heap_start(bool may_unlocked, bool *locked, struct err *err);
void heap_secret_json(bool on); /* from now on JSON trees are made in the secure heap, or are not */

#endif
