#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "policy_signed.h"

static const char help[] =
    "usage: georder policy sign FILE [--principal NAME] [--approvers FILE]\n"
    "\n"
    "Says how to approve a policy, a trust list (approvers.json) or a request with ssh-keygen: it\n"
    "alone touches your key. Once FILE.sig/NAME.sig is there, checks it.\n"
    "\n"
    "  --principal NAME          who signs, as in the trust list, say alice@example.com; else who\n"
    "                            has your login name there\n"
    "  --approvers FILE          the trust list, instead of the config's, approvers.json beside\n"
    "                            the config, or /etc/georder/approvers.json\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 the commands are told or the signature is valid, 11 it is not\n";

enum { SIGN_PRINCIPAL = OWN_OPTION, SIGN_APPROVERS };

static const struct option own[] = {{"principal", required_argument, NULL, SIGN_PRINCIPAL},
                                    {"approvers", required_argument, NULL, SIGN_APPROVERS},
                                    {NULL, 0, NULL, 0}};

/* A word for a shell. */
static void word_put(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._/@+:=,";

    if (text[0] == '-')
        buf_puts(out, "./");
    if (text[strspn(text, plain)] == '\0') {
        buf_puts(out, text);
        return;
    }
    buf_putc(out, '\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *text);
    buf_putc(out, '\'');
}

static void command_tell(struct session *session, cJSON *commands, const char *command)
{
    say(&session->output, "  %s\n", shown(command));
    if (commands != NULL)
        cJSON_AddItemToArray(commands, cJSON_CreateString(command));
}

/* Not by name: ssh-keygen would write FILE.sig, which is the directory. */
static void commands_tell(struct session *session, const struct signed_file *file,
                          const char *principal)
{
    AUTO_BUF path = BUF_INIT(8 * PATH_MAX), directory = BUF_INIT(8 * PATH_MAX);
    AUTO_BUF name = BUF_INIT(PATH_MAX + 8), line = BUF_INIT(32 * PATH_MAX);
    cJSON *commands = cJSON_CreateArray();

    word_put(&path, file->path);
    buf_printf(&name, "%s.sig", file->path);
    word_put(&directory, buf_text(&name));
    say(&session->output,
        "read it, then sign these very bytes, with your own key for id_ed25519:\n");
    buf_printf(&line, "mkdir -p %s", buf_text(&directory));
    command_tell(session, commands, buf_text(&line));
    buf_reset(&line);
    buf_printf(&line, "ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n %s < %s > %s/%s.sig",
               file->message.namespace, buf_text(&path), buf_text(&directory), principal);
    command_tell(session, commands, buf_text(&line));
    output_add(&session->output, "commands", commands);
    say(&session->output,
        "on Windows, where a pipe changes line ends, sign a copy by its name, and move what that "
        "makes:\n  copy FILE %s\n  ssh-keygen -Y sign -f KEY -n %s %s\n",
        principal, file->message.namespace, principal);
}

static size_t principals_of(const struct approvers *list, const char *login, const char **name)
{
    struct approvers_facts facts;
    size_t count = 0;

    approvers_facts(list, &facts);
    for (size_t i = 0; i < facts.principals; i++) {
        const struct principal *principal = approvers_principal(list, i);

        if (!principal_is_user(principal, login))
            continue;
        *name = principal->name;
        count++;
    }
    return count;
}

/* The list to be signed may know people whom the one in force does not, and the reverse. */
static const char *principal_by_login(const struct signed_file *file)
{
    const struct passwd *user = getpwuid(getuid());
    const char *name = NULL;

    if (user == NULL)
        return NULL;
    if (file->list != NULL && principals_of(file->list, user->pw_name, &name) == 1)
        return name;
    if (file->trust.approvers != NULL &&
        principals_of(file->trust.approvers, user->pw_name, &name) == 1)
        return name;
    return NULL;
}

static enum result principal_find(const struct signed_file *file, const char *option,
                                  const char **out, struct err *err)
{
    *out = option != NULL ? option : principal_by_login(file);
    if (*out == NULL)
        return err_set(err, RESULT_USAGE,
                       "say --principal NAME, who signs: no one in the trust list has your login "
                       "name alone");
    if (!principal_valid(*out))
        return err_set(err, RESULT_USAGE,
                       "--principal: not a principal; write it as in the trust list, say "
                       "alice@example.com");
    return RESULT_OK;
}

static const struct signature_file *signature_find(const struct signed_file *file,
                                                   const char *principal)
{
    size_t len = strlen(principal);

    for (size_t i = 0; i < file->signatures.count; i++) {
        const char *name = file->signatures.file[i].name;

        if (strncmp(name, principal, len) == 0 && strcmp(name + len, ".sig") == 0)
            return &file->signatures.file[i];
    }
    return NULL;
}

/* A trust list is signed by people of the old list and of the new one: either may know them. */
static enum result signature_check(const struct signed_file *file,
                                   const struct signature_file *signature, struct approval *out,
                                   struct err *err)
{
    const struct approvers *lists[2] = {file->list, file->trust.approvers};

    if (lists[0] == NULL && lists[1] == NULL)
        return err_set(err, RESULT_CONFIG,
                       "%s.sig/%s is there, but no trust list to hold it against: give --approvers "
                       "FILE",
                       file->path, signature->name);
    *out = (struct approval){.type = ""};
    for (size_t i = 0; i < 2 && !out->valid; i++)
        if (lists[i] != NULL)
            approval_check(lists[i], &file->message, signature, clock_now(), out);
    return RESULT_OK;
}

static enum result signature_tell(struct session *session, const struct signed_file *file,
                                  const struct signature_file *signature, struct err *err)
{
    struct approval approval;

    if (signature_check(file, signature, &approval, err) != RESULT_OK)
        return err->result;
    approval_tell(session, &approval);
    output_add(&session->output, "signature", approval_json(&approval));
    if (!approval.valid)
        return err_set(err, RESULT_CONFIG, "%s.sig/%s: not valid: %s", file->path, approval.file,
                       approval.why);
    return RESULT_OK;
}

static enum result sign(struct verb_call *call, struct err *err)
{
    struct session *session = call->session;
    AUTO_SIGNED file = SIGNED_FILE_INIT;
    const struct signature_file *signature;
    const char *principal;

    if (signed_file_read(session, call->word[0], call->value[SIGN_APPROVERS - OWN_OPTION], &file,
                         err) != RESULT_OK ||
        principal_find(&file, call->value[SIGN_PRINCIPAL - OWN_OPTION], &principal, err) !=
            RESULT_OK ||
        guard_lock_main(-1, false, err) != RESULT_OK)
        return err->result;
    signed_file_tell(session, &file);
    output_add_text(&session->output, "principal", principal);
    signature = signature_find(&file, principal);
    if (signature != NULL)
        return signature_tell(session, &file, signature, err);
    commands_tell(session, &file, principal);
    return RESULT_OK;
}

const struct verb policy_sign_verb = {"sign", help, own, 1, sign};
