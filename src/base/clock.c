#include "clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_read(clockid_t which)
{
    struct timespec now;

    if (clock_gettime(which, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now(void)
{
    return clock_read(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

void clock_sleep(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (ms > 0 && nanosleep(&left, &left) != 0)
        continue;
}

void time_format(int64_t unix_ms, char out[RFC3339_LEN + 1])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    char whole[32];

    if (unix_ms < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900 ||
        strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm) != 19) {
        memcpy(out, "0000-00-00T00:00:00.000Z", RFC3339_LEN + 1);
        return;
    }
    (void)snprintf(out, RFC3339_LEN + 1, "%.19s.%03dZ", whole, (int)(unix_ms % 1000));
}

/* Exactly `digits` decimal digits. */
static bool take_number(const char **at, int digits, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, char c)
{
    return *(*at)++ == c;
}

static bool take_fraction(const char **at, int *ms)
{
    int scale = 100;

    *ms = 0;
    if (**at != '.')
        return true;
    (*at)++;
    if (!isdigit((unsigned char)**at))
        return false;
    for (; isdigit((unsigned char)**at); (*at)++, scale /= 10)
        *ms += (**at - '0') * scale;
    return true;
}

static bool take_offset(const char **at, int *minutes)
{
    int hour, minute, sign = **at == '-' ? -1 : 1;

    *minutes = 0;
    if (**at == 'Z')
        return take_char(at, 'Z');
    if (**at != '+' && **at != '-')
        return false;
    (*at)++;
    if (!take_number(at, 2, &hour) || !take_char(at, ':') || !take_number(at, 2, &minute) ||
        hour > 23 || minute > 59)
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

static bool take_date(const char **at, struct tm *tm)
{
    if (!take_number(at, 4, &tm->tm_year) || !take_char(at, '-') ||
        !take_number(at, 2, &tm->tm_mon) || !take_char(at, '-') ||
        !take_number(at, 2, &tm->tm_mday) || !take_char(at, 'T'))
        return false;
    return take_number(at, 2, &tm->tm_hour) && take_char(at, ':') &&
           take_number(at, 2, &tm->tm_min) && take_char(at, ':') && take_number(at, 2, &tm->tm_sec);
}

bool time_parse(const char *text, int64_t *unix_ms)
{
    struct tm tm = {0}, same;
    int ms, minutes;
    time_t seconds;

    if (!take_date(&text, &tm) || !take_fraction(&text, &ms) || !take_offset(&text, &minutes) ||
        *text != '\0' || tm.tm_year < 1970 || tm.tm_sec > 59)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    same = tm;
    seconds = timegm(&same);
    /* timegm() repairs 31 February; a date that it had to change was none. */
    if (same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon || same.tm_hour != tm.tm_hour ||
        same.tm_min != tm.tm_min)
        return false;
    *unix_ms = ((int64_t)seconds - (int64_t)minutes * 60) * 1000 + ms;
    return *unix_ms >= 0;
}
