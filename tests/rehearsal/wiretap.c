/*
 * MHD tells nobody when a handshake ends or how many bytes of HTTP came in, and tests must be able
 * to prove that none did. So this program's own gnutls_handshake and gnutls_record_recv stand
 * before the library's, and note what passes.
 */
#include "rehearsal.h"

#include <dlfcn.h>
#include <stdlib.h>

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        abort();
    return function;
}

int gnutls_handshake(gnutls_session_t session)
{
    int (*handshake)(gnutls_session_t) = NULL;
    *(void **)&handshake = real("gnutls_handshake");
    int code = handshake(session);
    /* MHD just hangs up, which looks like a broken network; RFC 8446 section 6.2 wants an alert. */
    if (gnutls_error_is_fatal(code) && code != GNUTLS_E_FATAL_ALERT_RECEIVED)
        (void)gnutls_alert_send_appropriate(session, code);
    const struct connection *connection = gnutls_db_get_ptr(session);
    if (connection != NULL && (code == 0 || gnutls_error_is_fatal(code)))
        journal_handshake(connection, session, code);
    return code;
}

ssize_t gnutls_record_recv(gnutls_session_t session, void *data, size_t len)
{
    ssize_t (*record_recv)(gnutls_session_t, void *, size_t) = NULL;
    *(void **)&record_recv = real("gnutls_record_recv");
    ssize_t got = record_recv(session, data, len);
    struct connection *connection = gnutls_db_get_ptr(session);
    if (connection != NULL && got > 0)
        connection->bytes += (uint64_t)got;
    return got;
}
