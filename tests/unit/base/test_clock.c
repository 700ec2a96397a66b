#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "base.h"

static const struct {
    const char *text;
    int64_t ms;
} moments[] = {
    {"1970-01-01T00:00:00.000Z", 0},
    {"1970-01-01T00:00:00.001Z", 1},
    {"2000-02-29T23:59:59.999Z", INT64_C(951868799999)},
    {"2026-11-23T18:20:00.123Z", INT64_C(1795458000123)},
    {"2038-01-19T03:14:08.000Z", INT64_C(2147483648000)},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
};

Test(clock, formats_and_parses_the_same_moment)
{
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        char text[RFC3339_LEN + 1];
        int64_t ms = -1;
        time_format(moments[i].ms, text);
        cr_assert_str_eq(text, moments[i].text);
        cr_assert(time_parse(text, &ms), "%s", text);
        cr_assert_eq(ms, moments[i].ms, "%s", text);
    }
}

Test(clock, formats_no_moment_as_zeros)
{
    char text[RFC3339_LEN + 1];
    time_format(-1, text);
    cr_assert_str_eq(text, "0000-00-00T00:00:00.000Z");
    time_format(INT64_C(253402300800000), text);
    cr_assert_str_eq(text, "0000-00-00T00:00:00.000Z");
    time_format(INT64_MAX, text);
    cr_assert_str_eq(text, "0000-00-00T00:00:00.000Z");
}

static void check_parsed(const char *text, int64_t wanted)
{
    int64_t ms = -1;
    cr_assert(time_parse(text, &ms), "%s", text);
    cr_assert_eq(ms, wanted, "%s", text);
}

Test(clock, parses_offsets_and_fractions)
{
    check_parsed("2026-11-23T18:20:00Z", INT64_C(1795458000000));
    check_parsed("2026-11-23T19:20:00+01:00", INT64_C(1795458000000));
    check_parsed("2026-11-23T12:50:00-05:30", INT64_C(1795458000000));
    check_parsed("2026-11-24T00:00:00+05:40", INT64_C(1795458000000));
    check_parsed("2026-11-23T18:20:00-00:00", INT64_C(1795458000000));
    check_parsed("2026-11-23T18:20:00.1Z", INT64_C(1795458000100));
    check_parsed("2026-11-23T18:20:00.12Z", INT64_C(1795458000120));
    check_parsed("2026-11-23T18:20:00.123999999999999Z", INT64_C(1795458000123));
}

Test(clock, refuses_what_is_no_time)
{
    static const char *const bad[] = {
        "",
        "2026-11-23",
        "2026-11-23T18:20Z",
        "2026-11-23T18:20:00",
        "2026-11-23 18:20:00Z",
        "2026-11-23T18:20:00Zx",
        "2026-11-23T18:20:00.Z",
        "2026-11-23T18:20:00,5Z",
        "2026-11-23T18:20:00+0100",
        "2026-11-23T18:20:00+01",
        "2026-11-23T18:20:00+24:00",
        "2026-11-23T18:20:00+01:60",
        "2026-11-23T24:00:00Z",
        "2026-11-23T18:60:00Z",
        "2026-11-23T18:20:61Z",
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "+026-11-23T18:20:00Z",
        "2026-1-23T18:20:00Z",
        " 2026-11-23T18:20:00Z",
        "12026-11-23T18:20:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms = -1;
        cr_assert_not(time_parse(bad[i], &ms), "took %s as %lld", bad[i], (long long)ms);
    }
}

Test(clock, now_is_unix_milliseconds)
{
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = clock_now();
    cr_assert_geq(now, before - 1000);
    cr_assert_lt(now, before + 5000);
}

Test(clock, sleep_lasts_and_monotonic_shows_it)
{
    int64_t before = clock_monotonic();
    clock_sleep(30);
    int64_t slept = clock_monotonic() - before;
    cr_assert_geq(slept, 29);
    cr_assert_lt(slept, 10000);
    before = clock_monotonic();
    clock_sleep(0);
    clock_sleep(-60000);
    cr_assert_lt(clock_monotonic() - before, 30000);
}
