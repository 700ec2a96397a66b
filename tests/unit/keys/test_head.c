/* The head of the log on a token: what georder-keys lets be written over it. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_keys.h"

#define HEAD "pkcs11:token=main;object=head;type=data" QUERY

static struct child head_role(void)
{
    struct child role = role_start();
    AUTO_MSG answer = MSG_INIT;

    helper_head = HEAD;
    role_open(&role, KEY, "", MSG_KEYS_READY, &answer);
    return role;
}

static struct child head_first(void)
{
    home_make();
    token_make("main");
    struct child role = head_role();

    role_create(&role);
    return role;
}

/* A checkpoint by the audit key. */
static void note_of(struct child *role, uint64_t size, char fill, struct buf *note)
{
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG answer = MSG_INIT;
    char root[SHA256_LEN];
    const char *bytes;
    size_t len;

    memset(root, fill, sizeof root);
    put_u64(&body, size);
    put_bytes(&body, root, sizeof root);
    ask(role, MSG_KEYS_CHECKPOINT, &body, -1, MSG_KEYS_NOTE, &answer);
    bytes = get_bytes(&answer, &len);
    buf_reset(note);
    buf_put(note, bytes, len);
}

static void head_write(struct child *role, const struct buf *note, const char *refusal)
{
    AUTO_BUF body = BUF_INIT(4096);
    AUTO_MSG answer = MSG_INIT;

    put_bytes(&body, buf_text(note), note->len);
    ask(role, MSG_KEYS_HEAD_WRITE, &body, -1, refusal == NULL ? MSG_KEYS_DONE : MSG_KEYS_FAILED,
        &answer);
    if (refusal != NULL) {
        struct err err;

        (void)get_failure(&answer, &err);
        contains(err.text, refusal);
    }
}

static void head_expect(struct child *role, const struct buf *note)
{
    AUTO_MSG answer = MSG_INIT;
    const char *bytes;
    size_t len;

    ask(role, MSG_KEYS_HEAD_READ, NULL, -1, MSG_KEYS_NOTE, &answer);
    bytes = get_bytes(&answer, &len);
    cr_assert_eq(len, note->len);
    cr_assert_eq(memcmp(bytes, buf_text(note), len), 0);
}

Test(head, is_what_was_written_last_and_private, .fini = home_remove)
{
    struct child role = head_first();
    AUTO_BUF note = BUF_INIT(4096), none = BUF_INIT(1);

    head_expect(&role, &none);
    for (uint64_t size = 1; size < 12; size++) {
        note_of(&role, size, 'a', &note);
        head_write(&role, &note, NULL);
        head_expect(&role, &note);
    }
    head_write(&role, &note, NULL);
    role_end(&role);
    role = head_role();
    head_expect(&role, &note);
    role_end(&role);
}

Test(head, never_goes_back_nor_to_another_of_its_size, .fini = home_remove)
{
    struct child role = head_first();
    AUTO_BUF old = BUF_INIT(4096), other = BUF_INIT(4096), again = BUF_INIT(4096),
             now = BUF_INIT(4096);

    note_of(&role, 4, 'a', &old);
    note_of(&role, 5, 'a', &now);
    note_of(&role, 5, 'b', &other);
    note_of(&role, 5, 'a', &again);
    head_write(&role, &now, NULL);
    head_write(&role, &old, "its head is of 5 records, and is not replaced by one of 4");
    head_write(&role, &other, "its head is of 5 records, and is not replaced by one of 5");
    head_write(&role, &again, NULL); /* the same, signed once more */
    head_expect(&role, &now);
    role_end(&role);
}

Test(head, is_a_checkpoint_by_this_key_and_no_other_text, .fini = home_remove)
{
    struct child role = head_first();
    AUTO_BUF note = BUF_INIT(4096), bad = BUF_INIT(4096), none = BUF_INIT(1);
    const char *text;

    note_of(&role, 5, 'a', &note);
    text = strstr(buf_text(&note), "\n\n");
    cr_assert_not_null(text);
    for (size_t i = 0; i < (size_t)(text - buf_text(&note)); i++) {
        buf_reset(&bad);
        buf_put(&bad, note.data, note.len);
        bad.data[i] ^= 1;
        head_write(&role, &bad, "refused to store what is no checkpoint by the audit key");
    }
    head_write(&role, &none, "refused to store what is no checkpoint by the audit key");
    head_expect(&role, &none);
    role_end(&role);
}

/* A clone of the host, or who has the PIN. */
Test(head, that_somebody_else_has_replaced_or_destroyed_is_left_alone, .fini = home_remove)
{
    struct child ours = head_first(), theirs = head_role();
    AUTO_BUF first = BUF_INIT(4096), second = BUF_INIT(4096), third = BUF_INIT(4096);

    note_of(&ours, 1, 'a', &first);
    note_of(&theirs, 2, 'b', &second);
    note_of(&ours, 3, 'a', &third);
    head_write(&ours, &first, NULL);
    head_write(&theirs, &second, NULL);
    head_write(&ours, &third, "somebody else has replaced it meanwhile");
    head_expect(&ours, &second);
    head_write(&ours, &third, NULL);
    pkcs11_tool("main", (const char *const[]){"--delete-object", "--type", "data", "--label",
                                              "head", NULL});
    note_of(&ours, 4, 'a', &third);
    head_write(&ours, &third, "somebody else has destroyed it meanwhile");
    role_end(&theirs);
    role_end(&ours);
}

Test(head, needs_to_be_in_the_config, .fini = home_remove)
{
    home_make();
    token_make("main");
    struct child role = role_start();
    AUTO_MSG ready = MSG_INIT, answer = MSG_INIT;

    role_open(&role, KEY, "", MSG_KEYS_READY, &ready);
    ask(&role, MSG_KEYS_HEAD_READ, NULL, -1, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_CONFIG, "audit.head: the config names none");
    role_end(&role);
}
