#include "cmd.h"

#include <string.h>

#include "guard.h"
#include "session.h"

static const char help[] =
    "usage: georder audit verify [--key THUMBPRINT]\n"
    "       georder audit list\n"
    "       georder audit show INDEX|ORDER\n"
    "\n"
    "verify checks every signature, the chain, the tree and the checkpoint. list shows a line a\n"
    "record, show one record whole, or all records of an order; these two check no signature. "
    "None\n"
    "needs keys or the network, nor, with --directory and --origin, a config.\n"
    "\n"
    "  --directory DIR           the log, say audit in a home; goes with --origin\n"
    "  --origin ORIGIN           the log's name, which its checkpoint must bear\n"
    "  --key THUMBPRINT          the RFC 7638 thumbprint of the only key to trust\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 the log is good, 10 it is not, or cannot be read\n";

enum { DIRECTORY = OWN_OPTION, ORIGIN, KEY };

static const struct option own[] = {{"directory", required_argument, NULL, DIRECTORY},
                                    {"origin", required_argument, NULL, ORIGIN},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

struct wish {
    const char *directory, *origin, *key;
    const char *which; /* INDEX or ORDER */
    struct session *session;
    cJSON *list;
    uint64_t shown;
};

static enum result arguments(struct wish *wish, int argc, char **argv, struct err *err)
{
    int option;

    while ((option = options_next(&wish->session->options, argc, argv, own, err)) > 0) {
        if (option == DIRECTORY)
            wish->directory = optarg;
        else if (option == ORIGIN)
            wish->origin = optarg;
        else
            wish->key = optarg;
    }
    if (option == OPTIONS_BAD)
        return err->result;
    if ((wish->directory == NULL) != (wish->origin == NULL))
        return err_set(err, RESULT_USAGE, "--directory and --origin go together");
    return RESULT_OK;
}

static enum result locate(struct wish *wish, struct err *err)
{
    struct session *session = wish->session;

    if (wish->directory == NULL) {
        if (config_load(session->options.config, &session->config, err) != RESULT_OK)
            return err->result;
        wish->origin = session->config.origin;
        if (wish->key == NULL)
            wish->key = session->config.signing_key_thumbprint;
        if (session_directory(session, err) != RESULT_OK)
            return err->result;
    } else if (guard_open_directory(wish->directory, RESULT_AUDIT, &session->audit_fd, err) !=
               RESULT_OK) {
        return err->result;
    }
    return guard_lock_main(session->audit_fd, false, err);
}

static void verify_tell(struct wish *wish, const struct audit_report *report)
{
    struct output *output = &wish->session->output;

    say(output, "%s: %s\n", audit_verdict_name(report->verdict), shown(report->text));
    say(output, "records %llu, checkpoint at %llu, root %s\n", (unsigned long long)report->records,
        (unsigned long long)report->checkpoint_size, shown(report->root));
    if (audit_verdict_good(report->verdict))
        say(output, "key %s%s\n", shown(report->kid),
            wish->key == NULL ? " (not compared with a key you trust: give --key)" : " (trusted)");
    if (report->unclosed > 0)
        say(output, "unclosed intents: %llu, the first is record %llu\n",
            (unsigned long long)report->unclosed, (unsigned long long)report->unclosed_first);
}

static void verify_document(struct wish *wish, const struct audit_report *report)
{
    struct output *output = &wish->session->output;

    output_add_text(output, "verdict", audit_verdict_name(report->verdict));
    output_add_text(output, "text", report->text);
    output_add_text(output, "origin", wish->origin);
    output_add_text(output, "root", report->root);
    output_add_text(output, "key", report->kid);
    output_add(output, "key_trusted", cJSON_CreateBool(wish->key != NULL));
    output_add(output, "records", cJSON_CreateNumber((double)report->records));
    output_add(output, "checkpoint_size", cJSON_CreateNumber((double)report->checkpoint_size));
    output_add(output, "unclosed_intents", cJSON_CreateNumber((double)report->unclosed));
    if (!audit_verdict_good(report->verdict))
        output_add(output, "where", cJSON_CreateNumber((double)report->where));
}

static enum result verify(struct wish *wish, struct err *err)
{
    struct audit_report report = {0};

    if (locate(wish, err) != RESULT_OK ||
        audit_verify(wish->session->audit_fd, wish->origin, wish->key, &report, err) != RESULT_OK)
        return err->result;
    verify_tell(wish, &report);
    verify_document(wish, &report);
    if (audit_verdict_good(report.verdict))
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT, "the log does not verify: %s: %s",
                   audit_verdict_name(report.verdict), report.text);
}

static const cJSON *at(const cJSON *object, const char *first, const char *second)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(object, first),
                                            second);
}

static const char *text_of(const cJSON *node)
{
    const char *text = cJSON_GetStringValue(node);

    return text != NULL ? text : "";
}

static bool list_one(void *context, uint64_t index, const char *line, size_t len,
                     const cJSON *payload)
{
    struct wish *wish = context;
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(payload, "time");
    char when[RFC3339_LEN + 1];

    (void)line;
    (void)len;
    time_format(cJSON_IsNumber(time) ? (int64_t)time->valuedouble : 0, when);
    say(&wish->session->output, "%6llu  %s  %-15s %-36s  %s\n", (unsigned long long)index, when,
        shown(text_of(at(payload, "metadata", "event_code"))),
        shown(text_of(at(payload, "metadata", "correlation_uid"))),
        shown(text_of(cJSON_GetObjectItemCaseSensitive(payload, "message"))));
    if (wish->list != NULL)
        cJSON_AddItemToArray(wish->list, cJSON_Duplicate(payload, true));
    return true;
}

static bool wanted(const struct wish *wish, uint64_t index, const cJSON *payload)
{
    int64_t number;

    if (number_parse(wish->which, INT64_MAX / 10, &number))
        return (uint64_t)number == index;
    return strcmp(wish->which, text_of(at(payload, "metadata", "correlation_uid"))) == 0;
}

static bool show_one(void *context, uint64_t index, const char *line, size_t len,
                     const cJSON *payload)
{
    struct wish *wish = context;
    AUTO_BUF text = BUF_INIT(4096 * KIB), safe = BUF_INIT(16384 * KIB);

    (void)line;
    (void)len;
    if (!wanted(wish, index, payload))
        return true;
    wish->shown++;
    json_put_pretty(&text, payload);
    for (const char *from = buf_text(&text), *end; *from != '\0'; from = end) {
        end = from + strcspn(from, "\n");
        text_escape(&safe, from, (size_t)(end - from));
        buf_putc(&safe, '\n');
        end += *end == '\n';
    }
    say(&wish->session->output, "record %llu\n%s", (unsigned long long)index, buf_text(&safe));
    if (wish->list != NULL)
        cJSON_AddItemToArray(wish->list, cJSON_Duplicate(payload, true));
    return true;
}

static enum result visit(struct wish *wish, audit_visit *each, struct err *err)
{
    struct session *session = wish->session;
    enum result result;

    if (locate(wish, err) != RESULT_OK ||
        audit_open(session->audit_fd, wish->origin, NULL, &session->audit, err) != RESULT_OK)
        return err->result;
    if (session->options.json)
        wish->list = cJSON_CreateArray();
    result = audit_each(session->audit, each, wish, err);
    output_add(&session->output, "records", wish->list);
    return result;
}

static enum result show(struct wish *wish, struct err *err)
{
    if (wish->which == NULL)
        return err_set(err, RESULT_USAGE, "show: give a record's index or an order's id");
    if (visit(wish, show_one, err) != RESULT_OK)
        return err->result;
    if (wish->shown == 0)
        return err_set(err, RESULT_USAGE, "the log has no record or order %s", wish->which);
    return RESULT_OK;
}

static enum result dispatch(struct wish *wish, int argc, char **argv, struct err *err)
{
    const char *verb = optind < argc ? argv[optind] : "";
    bool takes_word = strcmp(verb, "show") == 0;

    if (argc - optind > 1 + takes_word)
        return err_set(err, RESULT_USAGE, "%s: one word too many; see georder audit --help",
                       argv[argc - 1]);
    if (takes_word)
        wish->which = argv[optind + 1];
    if (strcmp(verb, "verify") == 0)
        return verify(wish, err);
    if (strcmp(verb, "list") == 0)
        return visit(wish, list_one, err);
    if (takes_word)
        return show(wish, err);
    return err_set(err, RESULT_USAGE, "say verify, list or show; see georder audit --help");
}

enum result cmd_audit(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct wish wish = {.session = &session};
    struct err err = {0};
    enum result result = arguments(&wish, argc, argv, &err);

    output_start(&session.output, "audit", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)dispatch(&wish, argc, argv, &err);
    return output_end(&session.output, &err);
}
