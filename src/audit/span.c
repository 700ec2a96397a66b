#include "span.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX (8 * TREE_LEVELS)

/* The largest whole subtree with which the span begins, as a level of the binary tree. */
static unsigned level_of(const struct span *span)
{
    unsigned level = 0;

    while (level + 1 < LEVELS_MAX && (UINT64_C(2) << level) <= span->end - span->begin)
        level++;
    return level;
}

/* A span of a proof begins where its largest subtree may begin; the others follow, each smaller. */
bool tiles_span(int dirfd, uint64_t size, struct hasher *hasher, const struct span *span,
                uint8_t out[SHA256_LEN])
{
    uint8_t pair[2][SHA256_LEN], node[LEVELS_MAX][SHA256_LEN];
    struct span rest = *span;
    size_t count = 0;

    for (; rest.begin < rest.end && count < LEVELS_MAX; count++) {
        unsigned level = level_of(&rest);

        if (!tiles_node(dirfd, size, hasher, level, rest.begin >> level, node[count]))
            return false;
        rest.begin += UINT64_C(1) << level;
    }
    if (count == 0 || rest.begin < rest.end)
        return false;
    memcpy(out, node[--count], SHA256_LEN);
    while (count > 0) {
        memcpy(pair[0], node[--count], SHA256_LEN);
        memcpy(pair[1], out, SHA256_LEN);
        tree_node(hasher, pair, out);
    }
    return true;
}

bool tiles_proof(int dirfd, uint64_t size, struct hasher *hasher, const struct span *spans,
                 size_t count, struct proof *out)
{
    out->count = count;
    for (size_t i = 0; i < count; i++)
        if (!tiles_span(dirfd, size, hasher, &spans[i], out->hash[i]))
            return false;
    return true;
}

/* One span is complete before another begins: one tree does for all. */
struct survey {
    struct hasher *hasher;
    const struct span *spans;
    size_t count, done;
    struct proof *out;
    struct tree tree;
    struct chunk chunk;
};

static void line_take(struct survey *survey, uint64_t index, const char *line, size_t len)
{
    uint8_t leaf[SHA256_LEN];
    size_t i = 0;

    while (i < survey->count && (index < survey->spans[i].begin || index >= survey->spans[i].end))
        i++;
    if (i == survey->count)
        return;
    if (index == survey->spans[i].begin)
        survey->tree.size = 0;
    tree_leaf(survey->hasher, line, len, leaf);
    tree_push(&survey->tree, survey->hasher, leaf);
    if (index + 1 != survey->spans[i].end)
        return;
    tree_root(&survey->tree, survey->hasher, survey->out->hash[i]);
    survey->done++;
}

static enum result survey_run(struct survey *survey, const struct snapshot *snapshot,
                              struct err *err)
{
    AUTO_READER reader = {.fd = -1};

    reader_open(&reader, snapshot, 0);
    do {
        if (reader_next(&reader, &survey->chunk, err) != RESULT_OK)
            return err->result;
        for (size_t i = 0; i < survey->chunk.lines; i++) {
            size_t len;
            const char *line = chunk_line(&survey->chunk, i, &len);

            line_take(survey, survey->chunk.index + i, line, len);
        }
    } while (survey->chunk.lines > 0 && survey->done < survey->count);
    if (survey->done == survey->count)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "records are missing: the log ends at %" PRIu64 "; run `georder audit verify`",
                   reader.index);
}

enum result records_proof(const struct snapshot *snapshot, struct hasher *hasher,
                          const struct span *spans, size_t count, struct proof *out,
                          struct err *err)
{
    struct survey *survey = calloc(1, sizeof *survey);
    enum result result;

    if (survey == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    survey->hasher = hasher;
    survey->spans = spans;
    survey->count = count;
    survey->out = out;
    out->count = count;
    result = survey_run(survey, snapshot, err);
    free(survey);
    return result;
}
