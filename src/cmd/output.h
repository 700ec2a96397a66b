/*
 * What a command says. Results go to stdout, all else to stderr; with --json stdout gets one JSON
 * document, at the end, on success and on failure alike.
 */
#ifndef GEORDER_OUTPUT_H
#define GEORDER_OUTPUT_H

#include "base.h"
#include "options.h"

struct output {
    const char *command;
    const struct options *options;
    cJSON *document;  /* owned; NULL without --json */
    const char *list; /* the array that output_item() has begun, or NULL */
};

void output_start(struct output *output, const char *command, const struct options *options);
/* Ends the command: prints the document, or the error (its text escaped); returns err->result, or
 * RESULT_INTERNAL of a document over 64 MiB, which is left out. */
enum result output_end(struct output *output, const struct err *err);

/* For people: nothing with --json or --quiet. Text from outside must come through %s of
 * shown(): escaped for the terminal. */
void say(const struct output *output, const char *fmt, ...) PRINTF(2, 3);
/* To stderr, unless --quiet. */
void note(const struct output *output, const char *fmt, ...) PRINTF(2, 3);
/* Escaped for a terminal; one of eight rotating buffers of 1 KiB, longer text is cut. */
const char *shown(const char *text);
/* Puts value (taken over) into the document, in place of one of that name, or frees it without a
 * document. */
void output_add(struct output *output, const char *name, cJSON *value);
void output_add_text(struct output *output, const char *name, const char *text);
/* Prints one more item of the document's array of this name at once, for what may be long: what was
 * added stands behind it. Nothing without --json. */
void output_item(struct output *output, const char *name, const cJSON *item);
/* Ends the command, with its help. */
enum result output_help(struct output *output, const char *text);

#endif
