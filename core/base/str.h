/* SPDX-License-Identifier: Apache-2.0 */
/** core/base/str.h - text as a borrowed slice, and safe copies into fixed arrays. UTF-8 inside. */
#pragma once

#include <string.h>

#include "core/base/err.h"

/** Borrowed text, not NUL-terminated; {NULL, 0} is the empty text. */
struct tc_str {
    const char *at;
    size_t len;
};

#define TC_STR(literal) ((struct tc_str){.at = (literal), .len = sizeof(literal) - 1})

static inline struct tc_str tc_str_of(const char *text)
{
    return (struct tc_str){.at = text, .len = text ? strlen(text) : 0};
}

static inline bool tc_str_eq(struct tc_str a, struct tc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool tc_str_is(struct tc_str a, const char *text)
{
    return tc_str_eq(a, tc_str_of(text));
}

/** Copy into `size` bytes, always NUL-terminated, cut at a whole character. True when all fitted.
 */
bool tc_str_put(char *to, size_t size, struct tc_str from);
bool tc_str_is_utf8(struct tc_str s);
/** snprintf that is always terminated; returns the length written. */
size_t tc_str_format(char *to, size_t size, const char *format, ...) TC_PRINTF(3, 4);
/** Whole text as a decimal number; TC_EMALFORMED for blanks, signs alone, overflow. */
TC_MUST_USE tc_err tc_str_to_i64(struct tc_str s, int64_t *out);
/** "-12.345" with at most `decimals` digits kept, as an integer times 10^decimals. */
TC_MUST_USE tc_err tc_str_to_fixed(struct tc_str s, int decimals, int64_t *out);
/** One hexadecimal digit, or -1. */
int tc_hex_digit(char c);
