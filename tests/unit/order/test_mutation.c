/* Bodies cut short and bodies with one wrong byte: no crash, and no order that was not placed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "helper_answers.h"

static const struct order asked = {.apex = "example.com",
                                   .hosts = 2,
                                   .host = {"*.example.com", "example.com"},
                                   .certificate_authority = "google",
                                   .validation_method = "txt",
                                   .validity_days = 90,
                                   .geo_label = "eu"};
static struct assessment assessment;

/* Says of a PLACED answer, from the tree alone, whether it is one. */
static bool truly_placed(const struct answer *answer)
{
    const cJSON *success = cJSON_GetObjectItemCaseSensitive(answer->doc.root, "success");
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(answer->doc.root, "result");
    if (!cJSON_IsTrue(success) || (!cJSON_IsObject(result) && !cJSON_IsArray(result)))
        return false;
    for (size_t i = 0; i < answer->packs; i++)
        if (!pack_id_valid(answer->pack[i].id))
            return false;
    return cJSON_IsArray(result) || answer->packs == 1;
}

static void judged(const struct example *example, int status, const char *text, size_t len,
                   size_t at)
{
    struct answer answer;
    struct err err = {0};
    cr_assert_eq(answer_decode(status, "application/json", text, len, &answer, &err), RESULT_OK);
    if (answer.outcome == ANSWER_PLACED) {
        cr_assert_eq(status, 200, "%s: byte %zu", example->file, at);
        cr_assert_neq(example->outcome, ANSWER_REFUSED, "%s: byte %zu", example->file, at);
        cr_assert(truly_placed(&answer), "%s: byte %zu", example->file, at);
    } else {
        cr_assert(answer.outcome == ANSWER_REFUSED || answer.why[0] != '\0', "%s: byte %zu",
                  example->file, at);
    }
    for (size_t i = 0; i < answer.packs; i++)
        pack_assess(&answer.pack[i], &asked, 1795458000000, &assessment);
    answer_free(&answer);
}

static bool is_new_file(size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(examples[i].file, examples[index].file) == 0)
            return false;
    return true;
}

Test(mutation, every_truncation)
{
    for (size_t i = 0; i < examples_count; i++) {
        AUTO_BODY body = body_load(examples[i].file);
        for (size_t len = 0; is_new_file(i) && len < body.len; len++) {
            /* The shorter body in memory of its own, so that a read behind it is seen. */
            char *text = malloc(len + 1);
            cr_assert_not_null(text);
            memcpy(text, body.text, len);
            text[len] = '\0';
            judged(&examples[i], 200, text, len, len);
            judged(&examples[i], 400, text, len, len);
            free(text);
        }
    }
}

static void bytes_changed(size_t first, size_t step)
{
    for (size_t i = first; i < examples_count; i += step) {
        AUTO_BODY body = body_load(examples[i].file);
        for (size_t at = 0; is_new_file(i) && at < body.len; at++) {
            char kept = body.text[at];
            for (int byte = 0; byte < 256; byte++) {
                body.text[at] = (char)byte;
                judged(&examples[i], byte % 2 == 0 ? 200 : 400, body.text, body.len, at);
            }
            body.text[at] = kept;
        }
    }
}

/* In four tests, each with its own time limit. */
Test(mutation, every_byte_changed_1)
{
    bytes_changed(0, 4);
}

Test(mutation, every_byte_changed_2)
{
    bytes_changed(1, 4);
}

Test(mutation, every_byte_changed_3)
{
    bytes_changed(2, 4);
}

Test(mutation, every_byte_changed_4)
{
    bytes_changed(3, 4);
}
