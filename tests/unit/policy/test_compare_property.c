/*
 * policies_compare() against a second evaluator that shares no code with it: names, what a host
 * stands for and what a pattern holds are sets over a small universe; limits are tried at every
 * value. Random pairs, fixed seed: the verdict must be the same, and every witness confirmed.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper_model.h"

#define PAIRS 4000

static unsigned verdicts[4], witnesses;

static void side_check(const struct pair *pair, unsigned has, const struct difference *it,
                       unsigned number)
{
    struct expected expected;
    model_compare(pair, has, &expected);
    cr_assert_eq(it->found, expected.found, "pair %u, %s: found %d, the sets say %d\n%s\n---\n%s",
                 number, has == 1 ? "gained" : "lost", it->found, expected.found,
                 buf_text(&pair->text[0]), buf_text(&pair->text[1]));
    if (!it->found)
        return;
    cr_assert(model_confirms(pair, has, it), "pair %u, %s: the witness is refuted\n%s\n---\n%s",
              number, has == 1 ? "gained" : "lost", buf_text(&pair->text[0]),
              buf_text(&pair->text[1]));
    cr_assert_eq(it->order.hosts, expected.hosts, "pair %u, %s: %zu hosts, %u are enough", number,
                 has == 1 ? "gained" : "lost", it->order.hosts, expected.hosts);
    cr_assert_eq(it->cells, expected.cells, "pair %u, %s: %zu cells, the sets have %zu", number,
                 has == 1 ? "gained" : "lost", it->cells, expected.cells);
    cr_assert_eq(it->zones, expected.zones);
    cr_assert_eq(it->grants, expected.rules,
                 "pair %u, %s: %zu rules, the sets have %u\n%s\n---\n%s", number,
                 has == 1 ? "gained" : "lost", it->grants, expected.rules, buf_text(&pair->text[0]),
                 buf_text(&pair->text[1]));
    witnesses++;
}

Test(compare_property, the_verdict_is_that_of_the_sets)
{
    model_start(20261126);
    for (unsigned i = 0; i < PAIRS; i++) {
        __attribute__((cleanup(pair_free))) struct pair pair = {0};
        __attribute__((cleanup(comparison_free))) struct comparison out = {0};
        struct err err = {0};
        pair_draw(&pair);
        cr_assert_eq(policies_compare(pair.policy[0], pair.policy[1], &out, &err), RESULT_OK,
                     "pair %u: %s\n%s\n---\n%s", i, err.text, buf_text(&pair.text[0]),
                     buf_text(&pair.text[1]));
        side_check(&pair, 1, &out.gained, i);
        side_check(&pair, 0, &out.lost, i);
        cr_assert_eq(out.verdict, (out.gained.found ? WIDER : EQUIVALENT) |
                                      (out.lost.found ? NARROWER : EQUIVALENT));
        verdicts[out.verdict]++;
    }
    /* The pairs must not all be of one kind. */
    for (unsigned v = 0; v < 4; v++)
        cr_assert(verdicts[v] > PAIRS / 20, "%u of verdict %s", verdicts[v],
                  verdict_name((enum verdict)v));
    cr_assert(witnesses > PAIRS / 2, "%u witnesses", witnesses);
}
