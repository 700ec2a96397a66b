/* PINs and passphrases: from a file, a systemd credential, or the terminal. */
#ifndef GEORDER_KEYS_SECRET_H
#define GEORDER_KEYS_SECRET_H

#include "base.h"
#include "uri.h"

#define SECRET_MAX 1024

/* What KEYS_OPEN says about where we are. The working directory is the base of relative paths. */
struct place {
    char credentials[1024]; /* systemd's directory, or "" */
    bool interactive;
};

/* One line, without its newline. `attribute` is the URI's name for it ("pin-source"), `prompt` what
 * the terminal shows. */
MUST_USE enum result secret_get(const struct secret_source *source, const struct place *place,
                                const char *attribute, const char *prompt, struct buf *out,
                                struct err *err);
/* Strips one newline; refuses what is then empty, or not one line of text. */
MUST_USE enum result secret_line(struct buf *secret, const char *name, struct err *err);
/* Reads one line from /dev/tty, without echo. */
MUST_USE enum result prompt_read(const char *prompt, struct buf *out, struct err *err);

#endif
