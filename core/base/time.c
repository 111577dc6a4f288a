/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"

#include <time.h>

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    TC_REQUIRE(clock_gettime(clock, &t) == 0);
    return (int64_t)t.tv_sec * TC_SEC + t.tv_nsec / 1000;
}

int64_t tc_clock_utc_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t tc_clock_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/** Days from 1970-01-01 to the first day of a year counted from March (Gregorian). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * m + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct tc_date tc_date_of(int64_t utc_us, int64_t zone_us)
{
    int64_t local = utc_us + zone_us;
    int64_t days = local / TC_DAY - (local % TC_DAY < 0);
    int64_t rest = local - days * TC_DAY;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    struct tc_date d = {0};
    d.day = (int)(of_year - (153 * m + 2) / 5 + 1);
    d.month = (int)(m < 10 ? m + 3 : m - 9);
    d.year = (int)(y + era * 400 + (d.month <= 2));
    d.hour = (int)(rest / TC_HOUR);
    d.minute = (int)(rest / TC_MIN % 60);
    d.second = (int)(rest / TC_SEC % 60);
    d.us = (int)(rest % TC_SEC);
    d.weekday = (int)((days % 7 + 11) % 7);
    return d;
}

int64_t tc_date_to_utc(const struct tc_date *d, int64_t zone_us)
{
    return days_of(d->year, d->month, d->day) * TC_DAY + d->hour * TC_HOUR + d->minute * TC_MIN +
           d->second * TC_SEC + d->us - zone_us;
}

bool tc_date_is_valid(const struct tc_date *d)
{
    return d->year >= 1970 && d->year <= 9999 && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= days_in(d->year, d->month) && d->hour >= 0 && d->hour <= 23 &&
           d->minute >= 0 && d->minute <= 59 && d->second >= 0 && d->second <= 59;
}

void tc_time_utc_text(int64_t utc_us, char out[static TC_TIME_TEXT_SIZE])
{
    struct tc_date d = tc_date_of(utc_us, 0);
    (void)tc_str_format(out, TC_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", d.year,
                        d.month, d.day, d.hour, d.minute, d.second, d.us);
}

void tc_time_local_text(int64_t utc_us, char out[static TC_TIME_TEXT_SIZE])
{
    struct tc_date d = tc_date_of(utc_us, TC_SHANGHAI_US);
    (void)tc_str_format(out, TC_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d+08:00", d.year,
                        d.month, d.day, d.hour, d.minute, d.second);
}

/** Up to `max` digits at *s; moves past them. -1 when fewer than `min` stand there. */
static int take_digits(struct tc_str *s, int min, int max)
{
    int value = 0;
    int n = 0;
    while (n < max && s->len && s->at[0] >= '0' && s->at[0] <= '9') {
        value = value * 10 + (s->at[0] - '0');
        s->at++;
        s->len--;
        n++;
    }
    return n < min ? -1 : value;
}

static bool take_char(struct tc_str *s, const char *any)
{
    if (s->len && s->at[0] != '\0' && strchr(any, s->at[0])) {
        s->at++;
        s->len--;
        return true;
    }
    return false;
}

static int take_fraction_us(struct tc_str *s)
{
    int us = 0;
    int scale = 100000;
    while (s->len && s->at[0] >= '0' && s->at[0] <= '9') {
        us += (s->at[0] - '0') * scale;
        scale /= 10;
        s->at++;
        s->len--;
    }
    return us;
}

static tc_err take_zone(struct tc_str *s, int64_t *zone_us)
{
    *zone_us = 0;
    if (take_char(s, "Zz")) {
        return TC_OK;
    }
    bool is_west = s->len && s->at[0] == '-';
    if (!take_char(s, "+-")) {
        return TC_EMALFORMED;
    }
    int hour = take_digits(s, 2, 2);
    (void)take_char(s, ":");
    int minute = take_digits(s, 2, 2);
    if (hour < 0 || minute < 0 || hour > 23 || minute > 59) {
        return TC_EMALFORMED;
    }
    *zone_us = (is_west ? -1 : 1) * (hour * TC_HOUR + minute * TC_MIN);
    return TC_OK;
}

tc_err tc_time_parse(struct tc_str text, int64_t *utc_us)
{
    struct tc_date d = {0};
    int64_t zone_us = 0;
    bool ok = (d.year = take_digits(&text, 4, 4)) >= 0 && take_char(&text, "-") &&
              (d.month = take_digits(&text, 2, 2)) >= 0 && take_char(&text, "-") &&
              (d.day = take_digits(&text, 2, 2)) >= 0 && take_char(&text, "Tt ") &&
              (d.hour = take_digits(&text, 2, 2)) >= 0 && take_char(&text, ":") &&
              (d.minute = take_digits(&text, 2, 2)) >= 0 && take_char(&text, ":") &&
              (d.second = take_digits(&text, 2, 2)) >= 0;
    if (!ok) {
        return TC_EMALFORMED;
    }
    if (take_char(&text, ".")) {
        d.us = take_fraction_us(&text);
    }
    if (take_zone(&text, &zone_us) != TC_OK || text.len != 0 || !tc_date_is_valid(&d)) {
        return TC_EMALFORMED;
    }
    *utc_us = tc_date_to_utc(&d, zone_us);
    return TC_OK;
}

tc_err tc_time_parse_compact(struct tc_str text, int64_t *utc_us)
{
    struct tc_date d = {0};
    d.year = take_digits(&text, 4, 4);
    d.month = take_digits(&text, 2, 2);
    d.day = take_digits(&text, 2, 2);
    d.hour = take_digits(&text, 2, 2);
    d.minute = take_digits(&text, 2, 2);
    d.second = take_digits(&text, 2, 2);
    d.us = take_fraction_us(&text);
    if (text.len != 0 || !tc_date_is_valid(&d)) {
        return TC_EMALFORMED;
    }
    *utc_us = tc_date_to_utc(&d, TC_SHANGHAI_US);
    return TC_OK;
}
