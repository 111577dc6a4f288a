/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>

/** Bytes of the character that starts with `lead`; 0 for a byte that starts none. */
static size_t utf8_size(uint8_t lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        return 3;
    }
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

static bool utf8_second_is_valid(uint8_t lead, uint8_t second)
{
    switch (lead) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;
    case 0xED: return second >= 0x80 && second <= 0x9F; /* no surrogates */
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;
    default: return (second & 0xC0) == 0x80;
    }
}

bool tc_str_is_utf8(struct tc_str s)
{
    const uint8_t *p = (const uint8_t *)s.at;
    size_t i = 0;
    while (i < s.len) {
        size_t n = utf8_size(p[i]);
        if (n == 0 || n > s.len - i || (n > 1 && !utf8_second_is_valid(p[i], p[i + 1]))) {
            return false;
        }
        for (size_t k = 2; k < n; k++) {
            if ((p[i + k] & 0xC0) != 0x80) {
                return false;
            }
        }
        i += n;
    }
    return true;
}

bool tc_str_put(char *to, size_t size, struct tc_str from)
{
    TC_REQUIRE(size > 0);
    size_t len = from.len;
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((uint8_t)from.at[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    if (len) {
        memmove(to, from.at, len);
    }
    to[len] = '\0';
    return len == from.len;
}

size_t tc_str_format(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(to, size, format, args);
    va_end(args);
    if (n < 0) {
        to[0] = '\0';
        return 0;
    }
    return (size_t)n < size ? (size_t)n : size - 1;
}

tc_err tc_str_to_fixed(struct tc_str s, int decimals, int64_t *out)
{
    size_t i = 0;
    bool negative = s.len > 0 && s.at[0] == '-';
    if (s.len > 0 && (s.at[0] == '-' || s.at[0] == '+')) {
        i = 1;
    }
    int64_t value = 0;
    size_t digits = 0;
    int places = -1; /* digits seen after the point; -1 before it */
    for (; i < s.len; i++) {
        char c = s.at[i];
        if (c == '.' && places < 0) {
            places = 0;
            continue;
        }
        if (c < '0' || c > '9') {
            return TC_EMALFORMED;
        }
        digits++;
        if (places >= decimals) {
            continue; /* finer than we keep */
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, c - '0', &value)) {
            return TC_EMALFORMED;
        }
        places += places >= 0;
    }
    for (int k = places < 0 ? 0 : places; k < decimals; k++) {
        if (__builtin_mul_overflow(value, 10, &value)) {
            return TC_EMALFORMED;
        }
    }
    *out = negative ? -value : value;
    return digits ? TC_OK : TC_EMALFORMED;
}

tc_err tc_str_to_i64(struct tc_str s, int64_t *out)
{
    if (s.len && memchr(s.at, '.', s.len)) {
        return TC_EMALFORMED;
    }
    return tc_str_to_fixed(s, 0, out);
}

int tc_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
