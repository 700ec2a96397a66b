/*
 * What is not strict JSON, fed to every parser of georder's own files. Each fragment is planted
 * into a document that the parser takes, and the refusal must be that of the JSON reader, word for
 * word: so it is refused for the JSON and not for what the member means.
 */
#include "helper_must_reject.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "approval.h"
#include "config.h"
#include "policy.h"

#define NAME "doc.json"

static char scratch[] = "/tmp/georder-must-reject.XXXXXX";

static void enter(void)
{
    cr_assert_not_null(mkdtemp(scratch));
    cr_assert_eq(chdir(scratch), 0);
    (void)umask(077);
}

static void leave(void)
{
    (void)unlink(NAME);
    if (chdir("/") == 0)
        (void)rmdir(scratch);
}

TestSuite(must_reject, .init = enter, .fini = leave);

static const char authorities_text[] =
    "{\"georder_authorities\": 1, \"about\": [\"test\"], \"source\": \"page\", \"read\": "
    "\"2026-11-23\", \"baseline_requirements\": {\"source\": \"page\", \"version\": \"1\", "
    "\"validity_limits\": [{\"from\": \"2020-09-01\", \"days\": 398}], \"method_ends\": {}}, "
    "\"authorities\": {\"google\": {\"title\": \"G\", \"source\": \"page\", \"validity_days\": "
    "[90], \"validation_methods\": [\"txt\"], \"wildcard_methods\": [\"txt\"], \"punycode\": true, "
    "\"note\": \"why\"}}}";

static enum result authorities_read(const char *text, size_t len, struct err *err)
{
    struct authorities *known = NULL;
    enum result result = authorities_load(NAME, text, len, &known, err);

    authorities_free(&known);
    return result;
}

static enum result policy_read(const char *text, size_t len, struct err *err)
{
    struct authorities *known = NULL;
    struct policy *policy = NULL;

    cr_assert_eq(authorities_load(NAME, authorities_text, strlen(authorities_text), &known, err),
                 RESULT_OK, "%s", err->text);
    enum result result = policy_load(NAME, text, len, known, &policy, err);
    policy_free(&policy);
    authorities_free(&known);
    return result;
}

static enum result order_read(const char *text, size_t len, struct err *err)
{
    struct order order;

    return order_parse(NAME, text, len, &order, err);
}

static enum result tests_read(const char *text, size_t len, struct err *err)
{
    struct cases *cases = NULL;
    enum result result = cases_load(NAME, text, len, &cases, err);

    cases_free(&cases);
    return result;
}

static enum result roots_read(const char *text, size_t len, struct err *err)
{
    struct roots *roots = NULL;
    enum result result = roots_load(NAME, text, len, &roots, err);

    roots_free(&roots);
    return result;
}

static enum result approvers_read(const char *text, size_t len, struct err *err)
{
    struct approvers *approvers = NULL;
    enum result result = approvers_load(NAME, text, len, &approvers, err);

    approvers_free(&approvers);
    return result;
}

static enum result request_read(const char *text, size_t len, struct err *err)
{
    AUTO_REQUEST request = REQUEST_INIT;

    return request_parse(NAME, text, len, &request, err);
}

static enum result config_read(const char *text, size_t len, struct err *err)
{
    AUTO_CONFIG config = {0};
    AUTO_FD fd = open(NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert_eq(file_write(fd, NAME, text, len, err), RESULT_OK, "%s", err->text);
    return config_load(NAME, &config, err);
}

static const struct reader {
    const char *what, *text, *mark; /* mark: a member of the text, its value being of text */
    enum result result;
    enum result (*read)(const char *text, size_t len, struct err *err);
} readers[] = {
    {"policy",
     "{\"georder_policy\": 1, \"name\": \"test\", \"revision\": 7, \"effective\": "
     "\"2026-11-01T00:00:00Z\", \"expires\": \"2027-11-01T00:00:00Z\", \"owner\": "
     "\"pki@example.com\", \"api\": {\"base_url\": \"https://api.cloudflare.com/client/v4\", "
     "\"spki_pins\": [{\"sha256\": \"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=\", "
     "\"subject\": \"GTS Root R4\"}], \"networks\": [\"104.16.0.0/13\"], \"minimum_tls\": "
     "\"1.3\"}, \"zones\": {\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\"}, \"rules\": "
     "[{\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"why\", \"hosts\": "
     "[\"example.com\"]}], \"on_violation\": \"report\"}",
     "\"reason\": \"why\"", RESULT_CONFIG, policy_read},
    {"authorities", authorities_text, "\"title\": \"G\"", RESULT_CONFIG, authorities_read},
    {"policy tests",
     "{\"georder_policy_tests\": 1, \"cases\": [{\"name\": \"why\", \"order\": {\"zone\": "
     "\"example.com\"}, \"expect\": \"permit\", \"rules\": [\"p\"]}]}",
     "\"name\": \"why\"", RESULT_CONFIG, tests_read},
    {"roots",
     "{\"georder_cloudflare\": 1, \"roots\": [{\"name\": \"why\", \"spki_sha256\": "
     "\"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=\", \"not_after\": "
     "\"2036-06-22T00:00:00Z\"}]}",
     "\"name\": \"why\"", RESULT_CONFIG, roots_read},
    {"order",
     "{\"zone\": \"example.com\", \"hosts\": [\"example.com\"], \"reference\": \"why\", "
     "\"certificate_authority\": \"google\", \"validity_days\": 90, \"validation_method\": "
     "\"txt\", \"geo_restrictions\": {\"label\": \"eu\"}}",
     "\"reference\": \"why\"", RESULT_USAGE, order_read},
    {"config",
     "{\"policy\": \"policy.json\", \"credential\": \"keystore:k?name=c\", \"audit\": "
     "{\"directory\": \"audit\", \"origin\": \"a/b\", \"signing_key\": \"keystore:k?name=s\"}}",
     "\"origin\": \"a/b\"", RESULT_CONFIG, config_read},
    {"approvers",
     "{\"georder_approvers\": 1, \"revision\": 1, \"threshold\": 1, \"approvers\": "
     "[{\"principal\": \"alice@example.com\", \"users\": [\"alice\"], \"groups\": "
     "[\"pki-oncall\"], \"keys\": [{\"key\": \"ssh-ed25519 "
     "AAAAC3NzaC1lZDI1NTE5AAAAIDgD/irZNoWl6ffdcHr2Xrn1MT8FSpP4gxUEWpMc4QKn\"}]}]}",
     "\"principal\": \"alice@example.com\"", RESULT_CONFIG, approvers_read},
    {"request",
     "{\"georder_request\": 1, \"requester\": \"alice\", \"origin\": \"a/b\", \"created\": "
     "\"2026-11-26T16:00:00Z\", \"expires\": \"2026-11-26T17:00:00Z\", \"order\": {\"zone\": "
     "\"example.com\"}, \"policy\": {\"revision\": 7, \"sha256\": "
     "\"0000000000000000000000000000000000000000000000000000000000000000\"}, \"zone_id\": "
     "\"023e105f4ecef8ad9ca31a8372d0c353\", \"body_sha256\": "
     "\"0000000000000000000000000000000000000000000000000000000000000000\", \"nonce\": "
     "\"00000000000000000000000000000000\"}",
     "\"requester\": \"alice\"", RESULT_CONFIG, request_read},
};

/* The document with this text (len bytes) for what stands at `at` and has `gone` bytes. */
static void document_edit(const char *document, size_t at, size_t gone, const char *text,
                          size_t len, struct buf *out)
{
    buf_put(out, document, at);
    buf_put(out, text, len);
    buf_puts(out, document + at + gone);
}

static void plant(const struct reader *reader, enum place place, const char *text, size_t len,
                  struct buf *out)
{
    const char *document = reader->text;
    size_t whole = strlen(document);
    size_t member = (size_t)(strstr(document, reader->mark) - document);
    size_t value = strcspn(reader->mark, ":") + 2;
    const struct {
        size_t at, gone;
    } where[] = {
        [PLACE_VALUE] = {member + value, strlen(reader->mark) - value},
        [PLACE_MEMBER] = {member, strlen(reader->mark)},
        [PLACE_END] = {whole - 1, 1},
        [PLACE_BEFORE] = {0, 0},
        [PLACE_BEHIND] = {whole, 0},
        [PLACE_WHOLE] = {0, whole},
    };

    document_edit(document, where[place].at, where[place].gone, text, len, out);
    cr_assert(buf_ok(out));
}

static void json_refuses(const char *text, size_t len, struct err *err)
{
    struct json_doc doc = {.name = NAME, .text = text, .len = len, .result = RESULT_CONFIG};
    enum result result = json_parse(&doc, JSON_OURS, err);

    json_free(&doc);
    cr_assert_eq(result, RESULT_CONFIG, "%.200s", text);
}

static void refused(const struct reader *reader, const char *what, const struct buf *text)
{
    struct err err = {0}, json = {0};

    cr_assert_eq(reader->read(buf_text(text), text->len, &err), reader->result, "%s takes %s",
                 reader->what, what);
    json_refuses(buf_text(text), text->len, &json);
    cr_assert_str_eq(err.text, json.text, "%s, %s", reader->what, what);
    cr_assert_eq(strncmp(err.text, NAME ":", sizeof NAME), 0, "%s", err.text);
}

/* What may stand there. Without these a refusal would prove nothing. */
static const struct fragment good[] = {
    {PLACE_BEFORE, "white space", " \t\r\n", 4, NOT_JSON},
    {PLACE_BEHIND, "white space", " \t\r\n", 4, NOT_JSON},
    {PLACE_BEHIND, "nothing", "", 0, NOT_JSON},
    {PLACE_END, "white space", "\n}", 2, NOT_JSON},
};

Test(must_reject, the_documents_are_good)
{
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            AUTO_BUF text = BUF_INIT(65536);
            struct err err = {0};

            plant(&readers[r], good[i].place, good[i].text, good[i].len, &text);
            cr_assert_eq(readers[r].read(buf_text(&text), text.len, &err), RESULT_OK, "%s: %s",
                         readers[r].what, err.text);
        }
        AUTO_BUF text = BUF_INIT(65536), value = BUF_INIT(1024);
        const char *mark = strstr(readers[r].mark, ": \"") + 3;
        struct err err = {0};

        /* Escapes and white space are no fault, in the very places where the fragments go. */
        buf_printf(&value, " \"\\u%04x%s ", (unsigned)mark[0], mark + 1);
        plant(&readers[r], PLACE_VALUE, buf_text(&value), value.len, &text);
        cr_assert_eq(readers[r].read(buf_text(&text), text.len, &err), RESULT_OK, "%s: %s",
                     readers[r].what, err.text);
    }
}

Test(must_reject, every_fragment_by_every_reader)
{
    cr_assert_geq(fragments_count, 190);
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++)
        for (size_t i = 0; i < fragments_count; i++) {
            const struct fragment *fragment = &fragments[i];
            AUTO_BUF text = BUF_INIT(65536);

            plant(&readers[r], fragment->place, fragment->text, fragment->len, &text);
            refused(&readers[r], fragment->name, &text);
        }
}

/* The document's own members, twice: beside the first, and by an escape at the object's end. */
Test(must_reject, a_member_of_the_document_twice)
{
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        const struct reader *reader = &readers[r];
        AUTO_BUF plain = BUF_INIT(65536), escaped = BUF_INIT(65536), member = BUF_INIT(1024);

        buf_printf(&member, "%s, %s", reader->mark, reader->mark);
        plant(reader, PLACE_MEMBER, buf_text(&member), member.len, &plain);
        refused(reader, "a member twice", &plain);
        buf_reset(&member);
        buf_printf(&member, "%s, \"\\u%04x%s", reader->mark, (unsigned)reader->mark[1],
                   reader->mark + 2);
        plant(reader, PLACE_MEMBER, buf_text(&member), member.len, &escaped);
        refused(reader, "a member twice, once by escape", &escaped);
    }
}

static void deep_refused(const char *open, size_t times)
{
    AUTO_BUF text = BUF_INIT(1 << 20);

    for (size_t i = 0; i < times; i++)
        buf_puts(&text, open);
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++)
        refused(&readers[r], "brackets without end", &text);
}

Test(must_reject, brackets_without_end)
{
    deep_refused("[", 24000); /* less than any of them may have */
    deep_refused("[{\"\":", 4800);
}

/* Every prefix of a document, and each of its bytes made a NUL or no UTF-8. */
Test(must_reject, documents_cut_short_or_with_a_broken_byte)
{
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        size_t whole = strlen(readers[r].text);

        for (size_t at = 0; at < whole; at++) {
            AUTO_BUF cut = BUF_INIT(65536), nul = BUF_INIT(65536), high = BUF_INIT(65536);

            buf_put(&cut, readers[r].text, at);
            refused(&readers[r], "a document cut short", &cut);
            document_edit(readers[r].text, at, 1, "\0", 1, &nul);
            refused(&readers[r], "a NUL for a byte", &nul);
            document_edit(readers[r].text, at, 1, "\xFF", 1, &high);
            refused(&readers[r], "0xff for a byte", &high);
        }
    }
}

#define CASES BINARY_DIR "/must-reject"

static void case_write(size_t index)
{
    static const char why[] = {[NOT_JSON] = 'n', [NOT_OURS] = 's'};
    const struct fragment *fragment = &fragments[index];
    AUTO_BUF text = BUF_INIT(65536);
    char path[512];
    struct err err = {0};

    plant(&readers[0], fragment->place, fragment->text, fragment->len, &text);
    (void)snprintf(path, sizeof path, CASES "/%c%03zu.json", why[fragment->why], index);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    cr_assert_eq(file_write(fd, path, text.data, text.len, &err), RESULT_OK, "%s", err.text);
}

static void cases_clear(void)
{
    DIR *dir = opendir(CASES);

    cr_assert_not_null(dir);
    for (const struct dirent *at; (at = readdir(dir)) != NULL;)
        if (at->d_name[0] != '.')
            cr_assert_eq(unlinkat(dirfd(dir), at->d_name, 0), 0, "%s", at->d_name);
    (void)closedir(dir);
}

/* Another reader of JSON says of each whether it is JSON: the table must not err either. */
Test(must_reject, the_table_is_right)
{
    static char node[] = "node", script[] = SOURCE_DIR "/tests/node/must_reject.mjs";
    static char cases[] = CASES;
    char *command[] = {node, script, cases, NULL};
    pid_t child;
    int status = -1;

    (void)mkdir(CASES, 0777);
    cases_clear();
    for (size_t i = 0; i < fragments_count; i++)
        case_write(i);
    if (posix_spawnp(&child, node, NULL, NULL, command, environ) != 0)
        cr_skip_test("node is not installed");
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the script says what differs");
}
