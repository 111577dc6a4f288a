/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/time.h - microseconds since 1970 UTC, and their written forms.
 *
 * Only edges read the clock; everything else is handed the time. Local time is Asia/Shanghai, which
 * has kept UTC+8 without change since 1992; no time-zone database is consulted.
 */
#pragma once

#include "core/base/str.h"

#define TC_MS          ((int64_t)1000)
#define TC_SEC         ((int64_t)1000000)
#define TC_MIN         (60 * TC_SEC)
#define TC_HOUR        (60 * TC_MIN)
#define TC_DAY         (24 * TC_HOUR)
#define TC_SHANGHAI_US (8 * TC_HOUR)

/** Wall clock. Edges only. */
int64_t tc_clock_utc_us(void);
/** Never steps. Edges only. */
int64_t tc_clock_monotonic_us(void);

/** Calendar fields of an instant in the zone that `zone_us` east of UTC keeps. */
struct tc_date {
    int year, month, day, hour, minute, second, us, weekday; /* weekday 0 = Sunday */
};
struct tc_date tc_date_of(int64_t utc_us, int64_t zone_us);
/** Inverse; fields must be in range (see tc_date_is_valid). */
int64_t tc_date_to_utc(const struct tc_date *d, int64_t zone_us);
bool tc_date_is_valid(const struct tc_date *d);

#define TC_TIME_TEXT_SIZE 40
/** "2026-11-21T08:00:00.000000Z". */
void tc_time_utc_text(int64_t utc_us, char out[static TC_TIME_TEXT_SIZE]);
/** "2026-11-21T16:00:00+08:00", for people and for outside systems. */
void tc_time_local_text(int64_t utc_us, char out[static TC_TIME_TEXT_SIZE]);
/** RFC 3339 with any offset, fraction optional. */
TC_MUST_USE tc_err tc_time_parse(struct tc_str text, int64_t *utc_us);
/** Digits only, local time: YYYYMMDDhhmmss[fraction digits]; the field protocols' form. */
TC_MUST_USE tc_err tc_time_parse_compact(struct tc_str text, int64_t *utc_us);
