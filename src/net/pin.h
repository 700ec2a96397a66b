/*
 * Is this peer the one that the policy names? Checked inside the handshake, over the chain that
 * OpenSSL verified (never the one that was presented), and once more before the first request byte.
 */
#ifndef GEORDER_NET_PIN_H
#define GEORDER_NET_PIN_H

#include "exchange.h"

/* Sets up a client's SSL_CTX: trust store, callback, name, versions, no tickets,
 * no resumption, no key log. */
MUST_USE bool pin_install(SSL_CTX *ctx, struct exchange *x);
/* After the handshake: not resumed, verified, and pins again. Fills x->err when false. */
MUST_USE bool pin_confirm(SSL *ssl, struct exchange *x);

#endif
