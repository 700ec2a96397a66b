/* Trap (f): the trust list changes by the threshold of the old and of the new list. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_approval.h"

TestSuite(change, .init = house_make, .fini = house_remove);

#define PEOPLE 4
static const char *const people[PEOPLE] = {"alice", "bob", "carol", "dave"};

struct list {
    struct approvers *approvers;
    struct buf text;
};

/* names: "abc" for alice, bob and carol. */
static struct list list_of(int64_t revision, int threshold, const char *names)
{
    struct list out = {.text = BUF_INIT(16384)};
    struct row rows[PEOPLE];
    size_t count = 0;
    for (size_t i = 0; i < PEOPLE; i++)
        if (strchr(names, people[i][0]) != NULL)
            rows[count++] = (struct row){people[i], {key_line(people[i])}, NULL};
    out.approvers = approvers_make(revision, threshold, rows, count, &out.text);
    return out;
}

static void list_free(struct list *list)
{
    approvers_free(&list->approvers);
    buf_free(&list->text);
}

static void keys_make(void)
{
    for (size_t i = 0; i < PEOPLE; i++)
        key_make(people[i], "ed25519", "256");
}

/* Whether next may replace old when these people have signed it; if not, says why. */
static enum result change(const struct list *old, const struct list *next, const char *signers,
                          const char *namespace, struct err *err)
{
    struct buf sig[PEOPLE];
    char name[PEOPLE][16];
    struct signature_file files[PEOPLE];
    size_t count = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        if (strchr(signers, people[i][0]) == NULL)
            continue;
        sig[count] = (struct buf)BUF_INIT(SIGNATURE_MAX);
        key_sign_bytes(people[i], namespace, NULL, buf_text(&next->text), next->text.len,
                       &sig[count]);
        (void)snprintf(name[count], sizeof name[count], "%s.sig", people[i]);
        files[count] = (struct signature_file){name[count], buf_text(&sig[count]), sig[count].len};
        count++;
    }
    enum result result =
        approvers_change(old != NULL ? old->approvers : NULL, next->approvers,
                         buf_text(&next->text), next->text.len, files, count, NOW, err);
    while (count > 0)
        buf_free(&sig[--count]);
    return result;
}

static void permitted(const struct list *old, const struct list *next, const char *signers)
{
    struct err err = {0};
    cr_assert_eq(change(old, next, signers, APPROVAL_APPROVERS, &err), RESULT_OK, "%s: %s", signers,
                 err.text);
}

static void refused(const struct list *old, const struct list *next, const char *signers,
                    const char *why)
{
    struct err err = {0};
    cr_assert_eq(change(old, next, signers, APPROVAL_APPROVERS, &err), RESULT_CONFIG, "%s",
                 signers);
    cr_assert(strstr(err.text, why) == err.text, "%s", err.text);
}

Test(change, f_the_old_and_the_new_threshold)
{
    keys_make();
    struct list old = list_of(1, 2, "abc"), next = list_of(2, 2, "bcd");
    permitted(&old, &next, "bc");
    permitted(&old, &next, "abcd");
    permitted(&old, &next, "abd"); /* alice and bob by the old, bob and dave by the new */
    refused(&old, &next, "ab", "the new trust list, by itself: approved by 1 of the 2");
    refused(&old, &next, "bd", "the new trust list, by the list in force: approved by 1 of the 2");
    refused(&old, &next, "cd", "the new trust list, by the list in force: approved by 1 of the 2");
    refused(&old, &next, "",
            "the new trust list, by the list in force: approved by 0 of the 2 "
            "people needed: there is no signature");
    list_free(&old);
    list_free(&next);
}

Test(change, f_a_lower_threshold_needs_the_higher_one)
{
    keys_make();
    struct list old = list_of(1, 3, "abc"), next = list_of(2, 1, "abc");
    permitted(&old, &next, "abc");
    refused(&old, &next, "ab", "the new trust list, by the list in force: approved by 2 of the 3");
    refused(&next, &old, "abc", "the new trust list has revision 1, the one in force 2");
    list_free(&old);
    list_free(&next);
}

Test(change, f_the_revision_goes_up)
{
    keys_make();
    struct list old = list_of(5, 1, "ab"), same = list_of(5, 1, "abc"), lower = list_of(4, 1, "ab"),
                higher = list_of(9, 1, "abc");
    refused(&old, &same, "abc", "the new trust list has revision 5, the one in force 5: a change");
    refused(&old, &lower, "abc", "the new trust list has revision 4, the one in force 5: a change");
    permitted(&old, &higher, "a");
    permitted(&old, &old, ""); /* the same bytes are no change */
    list_free(&old);
    list_free(&same);
    list_free(&lower);
    list_free(&higher);
}

Test(change, f_the_first_list_needs_its_own_threshold)
{
    keys_make();
    struct list first = list_of(1, 2, "abc");
    permitted(NULL, &first, "ac");
    refused(NULL, &first, "a", "the new trust list, by itself: approved by 1 of the 2");
    refused(NULL, &first, "ad", "the new trust list, by itself: approved by 1 of the 2");
    list_free(&first);
}

Test(change, f_a_policys_signature_is_not_a_trust_lists)
{
    struct err err = {0};
    keys_make();
    struct list first = list_of(1, 2, "abc");
    cr_assert_eq(change(NULL, &first, "abc", APPROVAL_POLICY, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "approved by 0 of the 2"));
    list_free(&first);
}
