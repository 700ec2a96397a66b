/* Pieces of text that no strict reader of JSON may take, and where in a document each belongs. */
#ifndef HELPER_MUST_REJECT_H
#define HELPER_MUST_REJECT_H

#include <stddef.h>

enum place {
    PLACE_VALUE,  /* for a member's value */
    PLACE_MEMBER, /* for a member, name and value */
    PLACE_END,    /* for the document's last brace */
    PLACE_BEFORE, /* before the document */
    PLACE_BEHIND, /* behind it */
    PLACE_WHOLE,  /* for the document */
};

struct fragment {
    enum place place;
    const char *name, *text; /* text may hold NULs */
    size_t len;
    enum { NOT_JSON, NOT_OURS } why; /* by RFC 8259, or by what is asked beyond it */
};
extern const struct fragment fragments[];
extern const size_t fragments_count;

#endif
