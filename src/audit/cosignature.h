/* Signature lines of a note: the log's own come first, cosignatures behind them. */
#ifndef GEORDER_AUDIT_COSIGNATURE_H
#define GEORDER_AUDIT_COSIGNATURE_H

#include "note.h"

#define SIGNATURES_MAX 16 /* C2SP signed-note: what every reader must take */

/* Of a note that note_read() took: where its text ends, and its own signatures. */
size_t note_text_len(const char *note, size_t len);
size_t note_own_len(const char *note, size_t len);
size_t lines_count(const char *lines, size_t len);

enum cosignature_status {
    COSIGNATURE_NONE, /* no line by this key */
    COSIGNATURE_GOOD,
    COSIGNATURE_BAD,
};
struct cosignature {
    int64_t time; /* Unix ms */
    const char *line;
    size_t len; /* without the newline */
};
/* Every line by this witness must be good; out is the newest. text: that of the note. */
enum cosignature_status cosignature_find(const struct witness *witness, const char *text,
                                         size_t text_len, const char *lines, size_t len,
                                         struct cosignature *out);
/* Copies the lines that are not by this witness. */
void cosignatures_of_others(struct buf *out, const struct witness *witness, const char *lines,
                            size_t len);

#endif
