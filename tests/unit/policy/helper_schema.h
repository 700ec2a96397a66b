/* A JSON Schema of policy/ held against a loader: documents are written to a folder of the build,
 * and a script, which shares no code with the loader, judges them by the schema. */
#ifndef HELPER_SCHEMA_H
#define HELPER_SCHEMA_H

enum schema {
    REFUSES = 'r',    /* no good document, and the schema says so */
    CANNOT_SAY = 'c', /* none, but a schema cannot say why */
    TAKES = 'g',
};

void schema_start(const char *folder); /* below the build's; emptied */
void schema_case(const char *folder, enum schema verdict, const char *text);
/* Skips the test where node is not installed. example: a good file of policy/. */
void schema_agrees(const char *folder, const char *schema, const char *example);

#endif
