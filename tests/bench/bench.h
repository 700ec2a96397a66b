/* What the benchmarks of policies share. */
#ifndef GEORDER_BENCH_H
#define GEORDER_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy.h"

/* All of a policy before "zones". */
#define POLICY_HEAD                                                                                \
    "{\"georder_policy\":1,\"name\":\"bench\",\"revision\":1,"                                     \
    "\"effective\":\"2026-11-01T00:00:00Z\",\"expires\":\"2027-11-01T00:00:00Z\","                 \
    "\"owner\":\"bench@example.com\",\"api\":{\"base_url\":"                                       \
    "\"https://api.cloudflare.com/client/v4\",\"spki_pins\":[{\"sha256\":"                         \
    "\"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=\",\"subject\":\"GTS Root R4\"}],"              \
    "\"networks\":[\"104.16.0.0/13\"],\"minimum_tls\":\"1.3\"},"

/* Of this process, and below the best of many samples: others on the machine must not count. */
static inline double seconds(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static inline void must(enum result result, const struct err *err)
{
    if (result == RESULT_OK)
        return;
    (void)fprintf(stderr, "benchmark: %s\n", err->text);
    exit(1);
}

static inline struct authorities *authorities_get(void)
{
    static const char path[] = SOURCE_DIR "/policy/authorities.json";
    AUTO_BUF text = BUF_INIT(65536);
    struct authorities *known = NULL;
    struct err err = {0};
    FILE *file = fopen(path, "re");
    must(file != NULL ? RESULT_OK : err_errno(&err, RESULT_INTERNAL, "%s", path), &err);
    must(file_read(fileno(file), path, &text, &err), &err);
    (void)fclose(file);
    must(authorities_load("authorities.json", buf_text(&text), text.len, &known, &err), &err);
    return known;
}

static inline struct policy *policy_get(const struct buf *text, const struct authorities *known)
{
    struct err err = {0};
    struct policy *policy = NULL;
    must(buf_check(text, "the policy", &err), &err);
    must(policy_load("bench.json", buf_text(text), text->len, known, &policy, &err), &err);
    return policy;
}

#endif
