#include <string.h>

#include "cryptoki.h"

/* Cryptoki pads with blanks and ends with nothing; tpm2-pkcs11 pads with NULs. */
static void padded_text(const CK_UTF8CHAR *text, size_t len, char *out, size_t size)
{
    AUTO_BUF escaped = BUF_INIT(size - 1);

    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
        len--;
    text_escape(&escaped, (const char *)text, len);
    memcpy(out, buf_text(&escaped), escaped.len + 1);
}

static enum result slot_matches(const struct uri *uri, const struct token *token, bool *matches,
                                struct err *err)
{
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri->match);
    CK_SLOT_INFO slot;
    CK_RV rv;

    *matches = (wanted == (CK_SLOT_ID)-1 || wanted == token->slot) &&
               p11_kit_uri_match_token_info(uri->match, &token->info) &&
               p11_kit_uri_match_module_info(uri->match, &token->module->info);
    if (!*matches)
        return RESULT_OK;
    rv = token->module->f->C_GetSlotInfo(token->slot, &slot);
    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot look at its slot",
                       token->label);
    *matches = p11_kit_uri_match_slot_info(uri->match, &slot);
    return RESULT_OK;
}

static void token_look(struct module *module, CK_ULONG index, struct token *token)
{
    const CK_TOKEN_INFO *info = &module->token[index];

    *token = (struct token){.module = module,
                            .slot = module->slot[index],
                            .info = *info,
                            .pin = BUF_SECRET(SECRET_MAX)};
    padded_text(info->label, sizeof info->label, token->label, sizeof token->label);
    padded_text(info->serialNumber, sizeof info->serialNumber, token->serial, sizeof token->serial);
}

static void candidate_add(struct buf *list, const struct token *token)
{
    buf_printf(list, "%s\"%s\" (serial %s, slot-id %lu)", list->len > 0 ? ", " : "", token->label,
               token->serial, token->slot);
}

static void silent_add(struct buf *list, const struct module *module, CK_ULONG index)
{
    char room[160];

    buf_printf(list, "%sslot-id %lu, whose token gives no answer: %s", list->len > 0 ? ", " : "",
               module->slot[index], ckr_text(module->state[index], room, sizeof room));
}

/* The one token of the module that matches; the error lists what there is. */
static enum result token_choose(struct module *module, const struct uri *uri, struct token *out,
                                struct err *err)
{
    size_t matching = 0;
    struct token token;
    bool matches;
    AUTO_BUF all = BUF_INIT(8192);
    AUTO_BUF matched = BUF_INIT(8192);

    for (CK_ULONG i = 0; i < module->slots; i++) {
        if (module->state[i] != CKR_OK) {
            silent_add(&all, module, i);
            continue;
        }
        token_look(module, i, &token);
        candidate_add(&all, &token);
        if (slot_matches(uri, &token, &matches, err) != RESULT_OK)
            return err->result;
        if (!matches)
            continue;
        candidate_add(&matched, &token);
        *out = token;
        matching++;
    }
    if (matching == 1)
        return RESULT_OK;
    if (matching > 1)
        return err_set(err, RESULT_KEY, "%zu tokens match, add serial=...: %s (module %s)",
                       matching, buf_text(&matched), module->path);
    return err_set(err, RESULT_KEY, "no token matches; there are: %s (module %s)",
                   all.len > 0 ? buf_text(&all) : "none", module->path);
}

enum result token_get(struct ring *ring, const struct uri *uri, struct token **out, struct err *err)
{
    struct module *module = NULL;
    struct token token = {0};
    CK_RV rv;

    if (module_get(ring, uri, &module, err) != RESULT_OK ||
        token_choose(module, uri, &token, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < ring->tokens; i++)
        if (ring->token[i].module == module && ring->token[i].slot == token.slot) {
            *out = &ring->token[i];
            return RESULT_OK;
        }
    rv = module->f->C_OpenSession(token.slot, CKF_SERIAL_SESSION, NULL, NULL, &token.session);
    if (rv != CKR_OK)
        return err_ckr(module, err, rv, "token \"%s\": no session", token.label);
    token.open = true;
    *out = &ring->token[ring->tokens++];
    **out = token;
    return RESULT_OK;
}

enum result token_writable(struct token *token, CK_SESSION_HANDLE *session, struct err *err)
{
    CK_RV rv = token->module->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                               NULL, NULL, session);

    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": no session for writing",
                       token->label);
    return RESULT_OK;
}

static enum result login_possible(const struct token *token, const struct place *place,
                                  struct err *err)
{
    CK_FLAGS flags = token->info.flags;

    if ((flags & CKF_USER_PIN_LOCKED) != 0)
        return err_set(err, RESULT_KEY,
                       "token \"%s\": the PIN is locked; nothing was tried: the security officer "
                       "must reset it",
                       token->label);
    if ((flags & CKF_USER_PIN_INITIALIZED) == 0)
        return err_set(err, RESULT_KEY,
                       "token \"%s\" has no user PIN yet: set one with the token's tool",
                       token->label);
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0 && !place->interactive)
        return err_set(err, RESULT_KEY,
                       "token \"%s\": one try is left before the PIN is locked; nothing was "
                       "tried: check the PIN and run this on a terminal",
                       token->label);
    return RESULT_OK;
}

static enum result pin_get(const struct ring *ring, struct token *token, const struct uri *uri,
                           struct err *err)
{
    AUTO_BUF prompt = BUF_INIT(512);
    AUTO_BUF state = BUF_INIT(256);

    token_pin_state(token, &state);
    buf_printf(&prompt, "PIN of token \"%s\"%s%s%s: ", token->label, state.len > 0 ? " (" : "",
               buf_text(&state), state.len > 0 ? ")" : "");
    if (secret_get(&uri->secret, &ring->place, "pin-source", buf_text(&prompt), &token->pin, err) !=
        RESULT_OK)
        return err_prefix(err, "PIN of token \"%s\"", token->label);
    /* A PIN of impossible length would cost a try. */
    if (token->info.ulMaxPinLen != 0 &&
        (token->pin.len < token->info.ulMinPinLen || token->pin.len > token->info.ulMaxPinLen))
        return err_set(err, RESULT_KEY,
                       "token \"%s\": its PINs have %lu to %lu bytes, this one has not; it was "
                       "not tried",
                       token->label, token->info.ulMinPinLen, token->info.ulMaxPinLen);
    return RESULT_OK;
}

/* What the token says about its PIN now, after the try. */
static enum result login_refused(struct token *token, CK_RV rv, struct err *err)
{
    AUTO_BUF state = BUF_INIT(256);
    char room[160];

    if (token->module->f->C_GetTokenInfo(token->slot, &token->info) == CKR_OK)
        token_pin_state(token, &state);
    return err_set(err, RESULT_KEY, "token \"%s\": %s; it was tried once%s%s", token->label,
                   ckr_text(rv, room, sizeof room), state.len > 0 ? "; now: " : "",
                   buf_text(&state));
}

/* At the prompt a person sees it anyway. */
static void pin_state_note(struct ring *ring, const struct token *token, const struct uri *uri)
{
    AUTO_BUF state = BUF_INIT(256);

    token_pin_state(token, &state);
    if (state.len > 0 && uri->secret.from != SECRET_PROMPT)
        buf_printf(&ring->note, "%stoken \"%s\": %s", ring->note.len > 0 ? "; " : "", token->label,
                   buf_text(&state));
}

static enum result login_try(struct ring *ring, struct token *token, const struct uri *uri,
                             struct err *err)
{
    bool pad = (token->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0 &&
               uri->secret.from == SECRET_PROMPT;
    CK_RV rv;

    if ((token->info.flags & CKF_LOGIN_REQUIRED) == 0)
        return RESULT_OK;
    if (login_possible(token, &ring->place, err) != RESULT_OK)
        return err->result;
    pin_state_note(ring, token, uri);
    if (!pad && pin_get(ring, token, uri, err) != RESULT_OK)
        return err->result;
    rv = token->module->f->C_Login(token->session, CKU_USER,
                                   pad ? NULL : (CK_UTF8CHAR *)token->pin.data,
                                   pad ? 0 : token->pin.len);
    token->logged_in = rv == CKR_OK;
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        return login_refused(token, rv, err);
    return RESULT_OK;
}

enum result token_login(struct ring *ring, struct token *token, const struct uri *uri,
                        struct err *err)
{
    if (token->logged_in)
        return RESULT_OK;
    if (token->refusal.result == RESULT_OK && login_try(ring, token, uri, err) != RESULT_OK) {
        token->refusal = *err;
        token_forget_pin(token);
    }
    *err = token->refusal;
    return token->refusal.result;
}

void token_forget_pin(struct token *token)
{
    if (!token->pin_needed)
        buf_free(&token->pin);
}
