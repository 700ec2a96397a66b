/*
 * georder-keys: the only process that holds the PIN, the passphrase, the audit key and, for a
 * moment, the API credential. Loads PKCS#11 modules after exec and never forks. Key sources:
 * `pkcs11:` (RFC 7512) and `keystore:` (a JSON file of JWEs, RFC 7516). DESIGN section 5.
 */
#ifndef GEORDER_KEYS_H
#define GEORDER_KEYS_H

#include "base.h"
#include "ipc.h"

/* Serves `channel` (an ipc of ROLE_KEYS) until it closes. The process' exit status. */
int keys_run(int channel);

/*
 * Bodies, in order of their fields (roles.h has sizes and directions):
 *
 * KEYS_OPEN        text base (absolute directory that relative paths start at), text credentials
 *                  (systemd's $CREDENTIALS_DIRECTORY or ""), text origin (of the log), text
 *                  signing_key URI or "", text signing_algorithm (RFC 7518's name, or "": as the
 *                  key is), text credential URI or "", text recipient URI or "" (pkcs11:, of a
 *                  keystore), text next ("", or the credential's keystore: URI with the
 *                  passphrase-source of the passphrase that it gets), text head URI or "" (of the
 *                  log, pkcs11:), u32 flags (roles.h), u32
 * timeout (seconds that a module may take for one message), text modules (the config's
 * pkcs11.modules, a JSON object), u32 n, n times text name, text value (all the environment that a
 * module gets)
 *   -> KEYS_READY  text alg ("" without a signing key), bytes spki (DER), text sandbox level, text
 *                  note ("" or what a person should know, say that few tries of the PIN are left).
 *                  Does not touch the credential yet. With `create` to follow, signing_key may not
 *                  exist yet: a missing key is reported by the first KEYS_SIGN, not here.
 * KEYS_SIGN        bytes payload: the JSON of an event that is the next record of this log
 *   -> KEYS_LINE   bytes line: {"payload":"..","protected":"..","signature":".."}
 * KEYS_CHECKPOINT  u64 size, bytes root
 *   -> KEYS_NOTE   bytes note (signed note, C2SP; key name = origin, type 0x02 for ECDSA)
 * KEYS_HEAD_READ   -> KEYS_NOTE  bytes note: the head of the log on its token; empty: there is none
 * KEYS_HEAD_WRITE  bytes note: a checkpoint by this key, of this log, that is on the disk; goes
 * into the place of an older one, or of none. RESULT_AUDIT when what is there is of as many records
 * or more, of another log, or not what was read or written last.
 *   -> KEYS_DONE   {}
 * KEYS_CREDENTIAL  u32 which (0: the stored one, 1: the pending one); carries the write end of the
 *                  pipe to net
 *   -> KEYS_DONE   {"kind": "token"|"global_key", "hint": "user"|"account"|"legacy", "where"}
 *                  What goes down the pipe: "B" token, or "K" e-mail "\n" key; then it is closed.
 * KEYS_STORE       text email ("": an API token; else the global key's), u32 rotates (1: another
 *                  one must be stored), carries a descriptor from which the secret is read (or
 * none: prompt on /dev/tty). It is checked and then pending, in memory.
 *   -> KEYS_DONE   {"kind", "hint", "where"}
 * KEYS_COMMIT      stores what is pending, in place of what is stored
 *   -> KEYS_DONE   {"kind", "hint", "where", "left": why what was replaced is still there too}
 * KEYS_REMOVE      -> KEYS_DONE {"where"}
 * KEYS_LIST        -> KEYS_DONE {"where", "stored": [of a token {"application", "version",
 *                  "private", "current"}, of a keystore {"name", "current"}], and of the current
 *                  one "kind", "hint", or else "error"}
 * KEYS_CREATE      text alg (ES256, ES384, RS256, PS256): makes the audit key where signing_key
 *                  says, not extractable; an existing one is an error. Then KEYS_SIGN works.
 *   -> KEYS_DONE   {"alg", "where", "spki": base64}
 * KEYS_ROTATE      u64 index, bytes previous, text from: signing_key is the new key of this log,
 * which takes over from the key `from` by the record of this index, behind the line with the
 * SHA-256 `previous`. It signs the text of that rotation, which is made here.
 *   -> KEYS_DONE   {"signature": base64url, as in a JWS}
 * KEYS_KEYSTORE    about the keystore that KEYS_OPEN's credential names, whose passphrase-source
 *                  says what opens it: text verb (create, add-recipient, remove-recipient,
 *                  change-passphrase, list), text kid (who is removed; "": the passphrase), text
 *                  alg (what to make KEYS_OPEN's recipient for when there is no such key; "": it
 *                  must be there)
 *   -> KEYS_DONE   {"file", "recipients": [{"alg", "kid", "uri"}], "secrets": [names]}
 *
 * Any of them may be answered by KEYS_FAILED, or by KEYS_LOST: the module says that the session,
 * the objects or the token are gone, and this process ends; a new one may find them again. A module
 * that takes longer than KEYS_OPEN's timeout ends the process by SIGALRM.
 *
 * KEYS_REPORT      -> KEYS_DONE {"module": {...}, "token": {...}, "signing_key": {...},
 *                  "credential": {...}, "secure_heap": "locked"} as far as each could be had; a
 *                  part with a fault has a member "error". Answered after a failed KEYS_OPEN too.
 */

#endif
