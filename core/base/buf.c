/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/mem.h"

bool tc_buf_reserve(struct tc_buf *b, size_t n)
{
    size_t max = b->max ? b->max : TC_BUF_MAX_DEFAULT;
    if (b->room - b->len >= n && b->len + n <= max && !b->is_full) {
        return true; /* nearly always */
    }
    if (b->is_full || n > max || b->len > max - n) {
        b->is_full = true;
        return false;
    }
    if (b->room - b->len >= n) {
        return true;
    }
    size_t room = b->room ? b->room : 256;
    while (room < b->len + n) {
        room *= 2;
    }
    uint8_t *bytes = tc_realloc(b->bytes, room);
    if (!bytes) {
        b->is_full = true;
        return false;
    }
    b->bytes = bytes;
    b->room = room;
    return true;
}

void tc_buf_put(struct tc_buf *b, const void *bytes, size_t len)
{
    if (len && tc_buf_reserve(b, len)) {
        memcpy(b->bytes + b->len, bytes, len);
        b->len += len;
    }
}

void tc_buf_put_str(struct tc_buf *b, struct tc_str s)
{
    tc_buf_put(b, s.at, s.len);
}

void tc_buf_text(struct tc_buf *b, const char *text)
{
    tc_buf_put(b, text, strlen(text));
}

void tc_buf_byte(struct tc_buf *b, uint8_t byte)
{
    if (tc_buf_reserve(b, 1)) {
        b->bytes[b->len++] = byte;
    }
}

void tc_buf_u64(struct tc_buf *b, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + value * 2, 2);
    } else {
        digits[--at] = (char)('0' + value);
    }
    tc_buf_put(b, digits + at, sizeof digits - at);
}

void tc_buf_i64(struct tc_buf *b, int64_t value)
{
    if (value < 0) {
        tc_buf_byte(b, '-');
        tc_buf_u64(b, (uint64_t)0 - (uint64_t)value);
    } else {
        tc_buf_u64(b, (uint64_t)value);
    }
}

void tc_buf_format(struct tc_buf *b, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) {
        b->is_full = true;
    } else if ((size_t)n < sizeof small) {
        tc_buf_put(b, small, (size_t)n);
    } else if (tc_buf_reserve(b, (size_t)n + 1)) {
        va_start(args, format);
        (void)vsnprintf((char *)b->bytes + b->len, (size_t)n + 1, format, args);
        va_end(args);
        b->len += (size_t)n;
    }
}

void tc_buf_drop(struct tc_buf *b, size_t n)
{
    TC_REQUIRE(n <= b->len);
    if (n) {
        memmove(b->bytes, b->bytes + n, b->len - n);
        b->len -= n;
    }
}

void tc_buf_clear(struct tc_buf *b)
{
    b->len = 0;
    b->is_full = false;
}

void tc_buf_finish(struct tc_buf *b)
{
    tc_free(b->bytes);
    *b = (struct tc_buf){.max = b->max};
}
