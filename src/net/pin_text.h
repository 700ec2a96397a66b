/* Why a peer was refused, so that an operator can tell a rotation or a slow clock from an attack.
 * Both fill x->err with RESULT_PEER. */
#ifndef GEORDER_NET_PIN_TEXT_H
#define GEORDER_NET_PIN_TEXT_H

#include "exchange.h"

void fail_verify(X509_STORE_CTX *store, struct exchange *x);
void fail_pin(const STACK_OF(X509) * chain, struct exchange *x);

#endif
