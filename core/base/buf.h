/* SPDX-License-Identifier: Apache-2.0 */
/** core/base/buf.h - a byte buffer that grows to a stated limit. Sticky error: ask `is_full` once.
 */
#pragma once

#include "core/base/str.h"

struct tc_buf {
    uint8_t *bytes;
    size_t len;
    size_t room;
    size_t max;   /* 0 means TC_BUF_MAX_DEFAULT */
    bool is_full; /* something did not fit; it was not written */
};

#define TC_BUF_MAX_DEFAULT ((size_t)64 * 1024 * 1024)

void tc_buf_put(struct tc_buf *b, const void *bytes, size_t len);
void tc_buf_put_str(struct tc_buf *b, struct tc_str s);
void tc_buf_text(struct tc_buf *b, const char *text);
void tc_buf_byte(struct tc_buf *b, uint8_t byte);
void tc_buf_i64(struct tc_buf *b, int64_t value);
void tc_buf_u64(struct tc_buf *b, uint64_t value);
void tc_buf_format(struct tc_buf *b, const char *format, ...) TC_PRINTF(2, 3);
/** Drop `n` bytes from the front. */
void tc_buf_drop(struct tc_buf *b, size_t n);
/** Make room for `n` more bytes without writing; false past the limit. */
bool tc_buf_reserve(struct tc_buf *b, size_t n);
void tc_buf_clear(struct tc_buf *b);
void tc_buf_finish(struct tc_buf *b);

static inline struct tc_str tc_buf_str(const struct tc_buf *b)
{
    return (struct tc_str){.at = (const char *)b->bytes, .len = b->len};
}
