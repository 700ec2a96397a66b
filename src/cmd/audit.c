#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "audit_verb.h"
#include "guard.h"

static const char help[] =
    "usage: georder audit verify [--key THUMBPRINT] [--from FILE]\n"
    "       georder audit verify --receipt FILE (--key THUMBPRINT | --jwk FILE)\n"
    "       georder audit verify --manifest FILE.manifest.json (--key THUMBPRINT | --jwk FILE)\n"
    "       georder audit list\n"
    "       georder audit show INDEX|ORDER\n"
    "       georder audit export --format FORMAT [--since T] [--until T] [--event NAME]\n"
    "                            [--zone ZONE] [--out FILE [--sign]] [--key THUMBPRINT]\n"
    "       georder audit export --format syslog --to HOST:PORT [--to-ca FILE] ...\n"
    "       georder audit report --out FILE.html [--bundle FILE.tar] [--since T] [--until T]\n"
    "                            [--key THUMBPRINT]\n"
    "       georder audit prove INDEX|ORDER [--out FILE]\n"
    "       georder audit checkpoint [--export FILE] [--compare FILE]\n"
    "       georder audit anchor [--witness] [--timestamp | --tsa URL [--tsa-ca FILE]]\n"
    "       georder audit head [--create]\n"
    "\n"
    "The log of signed records. georder audit VERB --help tells more. None of these needs keys\n"
    "(but head, and export --sign), the network (but anchor, and export --to), nor, with\n"
    "--directory and --origin, a config; list and show check no signature.\n"
    "\n" AUDIT_PLACE_HELP "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 10 the log is not good, or cannot be read\n";

static const struct verb *const verbs[] = {&audit_verify_verb, &audit_list_verb,
                                           &audit_show_verb,   &audit_export_verb,
                                           &audit_prove_verb,  &audit_checkpoint_verb,
                                           &audit_anchor_verb, &audit_head_verb,
                                           &audit_report_verb, NULL};

const char *audit_verb_value(const struct verb_call *call, int option)
{
    return call->value[option - OWN_OPTION];
}

enum result audit_verb_moment(const struct verb_call *call, int option, const char *name,
                              int64_t *out, struct err *err)
{
    const char *text = audit_verb_value(call, option);
    char whole[RFC3339_LEN + 1];

    if (text == NULL || time_parse(text, out))
        return RESULT_OK;
    (void)snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
    if (strlen(text) == strlen("2026-11-01") && time_parse(whole, out))
        return RESULT_OK;
    return err_set(err, RESULT_USAGE, "--%s: write 2026-11-01 or 2026-11-01T08:00:00Z", name);
}

const char *audit_verb_origin(const struct verb_call *call)
{
    const char *origin = audit_verb_value(call, AUDIT_ORIGIN);

    return origin != NULL ? origin : call->session->config.origin;
}

const char *audit_verb_key(const struct verb_call *call, int option)
{
    const char *key = audit_verb_value(call, option);

    if (key != NULL || audit_verb_value(call, AUDIT_DIRECTORY) != NULL)
        return key;
    return call->session->config.signing_key_thumbprint;
}

const char *audit_verb_text(const cJSON *payload, const char *first, const char *second)
{
    return member_text(cJSON_GetObjectItemCaseSensitive(payload, first), second);
}

enum result audit_verb_open(struct verb_call *call, struct err *err)
{
    const char *directory = audit_verb_value(call, AUDIT_DIRECTORY);
    struct session *session = call->session;

    if ((directory == NULL) != (audit_verb_value(call, AUDIT_ORIGIN) == NULL))
        return err_set(err, RESULT_USAGE, "--directory and --origin go together");
    if (directory != NULL)
        return guard_open_directory(directory, RESULT_AUDIT, &session->audit_fd, err);
    if (config_load(session->options.config, &session->config, err) != RESULT_OK)
        return err->result;
    return session_directory(session, err);
}

enum result audit_verb_locate(struct verb_call *call, struct err *err)
{
    if (audit_verb_open(call, err) != RESULT_OK)
        return err->result;
    return guard_lock_main(call->session->audit_fd, false, err);
}

enum result audit_verb_visit(struct verb_call *call, audit_visit *each, void *context,
                             struct err *err)
{
    struct session *session = call->session;

    if (audit_verb_locate(call, err) != RESULT_OK ||
        audit_open(session->audit_fd, audit_verb_origin(call), NULL, &session->audit, err) !=
            RESULT_OK)
        return err->result;
    return audit_each(session->audit, each, context, err);
}

enum result cmd_audit(int argc, char **argv)
{
    return verb_command("audit", verbs, help, argc, argv);
}
