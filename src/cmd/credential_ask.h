/* What the API says of a credential: GET /user/tokens/verify, or for an account token the zone's
 * account and GET /accounts/{account_id}/tokens/verify, or for a global key a zone. */
#ifndef GEORDER_CREDENTIAL_ASK_H
#define GEORDER_CREDENTIAL_ASK_H

#include "change.h"

struct asking {
    struct session *session;  /* with policy and net */
    bool pending;             /* the credential that keys has not stored yet */
    cJSON *facts;             /* owned: kind, hint, where; NULL before keys told them */
    cJSON *token;             /* owned: id, status, expires_on, not_before; NULL: it did not say */
    struct exchange exchange; /* the last one */
    const char *operation;    /* of that; NULL: there was none */
    char path[512];
};
#define ASKING_INIT                                                                                \
    {                                                                                              \
        .exchange = EXCHANGE_INIT                                                                  \
    }
#define AUTO_ASKING __attribute__((cleanup(asking_free))) struct asking
void asking_free(struct asking *asking);

/* Tells people as it goes. how: RESULT_OK, or RESULT_REFUSED when the API does not take it, or not
 * now, or why it was not asked. */
void credential_ask(struct asking *asking, struct err *how);
/* NOUN.verified; how: what credential_ask() came to. */
MUST_USE enum result credential_asked(struct change *change, const struct asking *asking,
                                      const struct err *how, struct err *err);

#endif
