/* A scratch home with SoftHSM tokens, and the role in a forked child, spoken to as main does. */
#ifndef HELPER_KEYS_H
#define HELPER_KEYS_H

#include <criterion/criterion.h>

#include "base.h"
#include "ipc.h"

#define MODULE  "/usr/lib/softhsm/libsofthsm2.so"
#define PIN     "12345678"
#define ORIGIN  "host-17.example.com/georder"
#define TOKEN   "cfut_0123456789abcdefghijABCDEFGHIJ0123456789"
#define QUERY   "?module-path=" MODULE "&pin-source=file:pin"
#define KEY     "pkcs11:token=main;object=audit;type=private" QUERY
#define SECRET  "pkcs11:token=main;object=api-token;type=data" QUERY
#define ZEROS64 "0000000000000000000000000000000000000000000000000000000000000000"

extern char home[64]; /* set by home_make() */

void home_make(void);
void home_remove(void);
void home_file(const char *name, const char *text, mode_t mode);
void token_make(const char *label);
/* Runs a program with SOFTHSM2_CONF set; it must end well. */
void tool_run(const char *const argv[]);
void pkcs11_tool(const char *token, const char *const argv[]);

struct child {
    struct ipc ipc;
    pid_t pid;
};
struct child role_start(void);
void role_end(struct child *role); /* closes, and demands a clean end without leaks */

/* One question. The answer's type must be `expected`, else its failure is shown. */
void ask(struct child *role, enum msg_type type, const struct buf *body, int fd,
         enum msg_type expected, struct msg *answer);
extern const char *helper_head; /* audit.head, unless a test sets it: "" */
void open_body(struct buf *body, const char *key, const char *alg, const char *credential);
/* KEYS_OPEN with the usual surroundings. */
void role_open(struct child *role, const char *key, const char *credential, enum msg_type expected,
               struct msg *answer);
void role_open_alg(struct child *role, const char *key, const char *alg, enum msg_type expected,
                   struct msg *answer);
void role_create(struct child *role);
/* The text of the failure that KEYS_OPEN must give, its result checked. */
void open_fails(const char *key, const char *credential, enum result result, const char *text);
void fails_with(struct msg *answer, enum result result, const char *text);
void contains(const char *text, const char *part);

void record_text(struct buf *out, unsigned sequence, const char *previous);
/* Asks for a signature; expected MSG_KEYS_LINE or MSG_KEYS_FAILED. */
void sign_ask(struct child *role, unsigned sequence, const char *previous, enum msg_type expected,
              struct msg *answer);

#endif
