/*
 * What a PKCS#11 module may reach: by its file's name up to ".so", as shipped for the modules that
 * were measured, and as the config's pkcs11.modules says (georder.json(5)).
 */
#ifndef GEORDER_KEYS_PROFILE_H
#define GEORDER_KEYS_PROFILE_H

#include "base.h"
#include "guard.h"

struct profiles { /* of the config */
    struct buf text;
    struct json_doc doc;
};

/* "" is none; the text is copied. RESULT_CONFIG. */
MUST_USE enum result profiles_take(struct profiles *profiles, const char *json, struct err *err);
void profiles_free(struct profiles *profiles);
/* What C_Initialize is given beside its flags (NSS wants it), or NULL. */
const char *profile_initialize(const struct profiles *profiles, const char *module);
/* Adds what this module needs. Its environment is set, the working directory is the config's. */
MUST_USE enum result profile_reach(const struct profiles *profiles, const char *module,
                                   struct guard_reach *reach, struct err *err);
/* What every module and the C library need. */
MUST_USE enum result profile_system(struct guard_reach *reach, struct err *err);

#endif
