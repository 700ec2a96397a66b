/* What main asks of the credential: the pipe to georder-net, storing, removing. */
#include "credential.h"
#include "server.h"

static void credential_facts(struct buf *json, const struct server *server,
                             const struct credential *credential)
{
    buf_printf(json, "{\"kind\":\"%s\",\"hint\":\"%s\",\"where\":", credential_kind(credential),
               credential_hint(credential));
    json_put_string(json, server->credential.uri.text);
    buf_putc(json, '}');
}

enum result handle_credential(struct server *server, struct msg *msg, struct answer *answer,
                              struct err *err)
{
    AUTO_BUF stored = BUF_SECRET(CREDENTIAL_MAX);
    AUTO_BUF pipe = BUF_SECRET(2 * CREDENTIAL_MAX);
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;

    if (msg->fd < 0)
        msg->malformed = true;
    if (msg_end(msg, err) != RESULT_OK ||
        source_read(&server->ring, &server->credential, &stored, err) != RESULT_OK)
        return err->result;
    if (credential_parse(&stored, &credential, err) != RESULT_OK)
        return err->result;
    credential_put_pipe(&pipe, &credential);
    if (buf_check(&pipe, "credential", err) != RESULT_OK ||
        file_write(msg->fd, "the pipe to georder-net", pipe.data, pipe.len, err) != RESULT_OK)
        return err->result;
    fd_close(&msg->fd);
    credential_facts(&json, server, &credential);
    answer_done(answer, &json);
    return RESULT_OK;
}

static enum result credential_take(struct server *server, int fd, struct credential *credential,
                                   struct err *err)
{
    bool key = credential->email[0] != '\0';

    if (fd >= 0) {
        if (file_read(fd, "what was given as credential", &credential->secret, err) != RESULT_OK)
            return err->result = RESULT_KEY;
        return secret_line(&credential->secret, "what was given as credential", err);
    }
    if (!server->ring.place.interactive)
        return err_set(err, RESULT_USAGE,
                       "nobody can be asked for the credential: give it on standard input");
    return prompt_read(key ? "Global API key: " : "API token: ", &credential->secret, err);
}

enum result handle_store(struct server *server, struct msg *msg, struct answer *answer,
                         struct err *err)
{
    AUTO_BUF stored = BUF_SECRET(2 * CREDENTIAL_MAX);
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;

    if (text_keep(msg, credential.email, sizeof credential.email, "e-mail", err) != RESULT_OK ||
        msg_end(msg, err) != RESULT_OK ||
        credential_take(server, msg->fd, &credential, err) != RESULT_OK ||
        credential_check(&credential, err) != RESULT_OK)
        return err->result;
    credential_put_stored(&stored, &credential);
    if (buf_check(&stored, "credential", err) != RESULT_OK ||
        source_write(&server->ring, &server->credential, &stored, err) != RESULT_OK)
        return err->result;
    credential_facts(&json, server, &credential);
    answer_done(answer, &json);
    return RESULT_OK;
}

enum result handle_remove(struct server *server, struct msg *msg, struct answer *answer,
                          struct err *err)
{
    AUTO_BUF json = BUF_INIT(2 * URI_MAX);

    if (msg_end(msg, err) != RESULT_OK ||
        source_remove(&server->ring, &server->credential, err) != RESULT_OK)
        return err->result;
    buf_puts(&json, "{\"where\":");
    json_put_string(&json, server->credential.uri.text);
    buf_putc(&json, '}');
    answer_done(answer, &json);
    return RESULT_OK;
}
