/* The verbs of `georder key`, a file each: key_VERB.c. The table is in key.c. */
#ifndef GEORDER_KEY_VERB_H
#define GEORDER_KEY_VERB_H

#include "verb.h"

extern const struct verb key_list_verb, key_rotate_verb;

#endif
