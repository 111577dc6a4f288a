/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/bits.h - reads fields of any width, first bit most significant, with a sticky error.
 *
 * After the first short read every read yields zero; ask `bad` once. `end` never lies outside the
 * bytes it was made from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tc_bits {
    const uint8_t *at;
    size_t pos; /* bits read */
    size_t end; /* bits there are */
    bool bad;
};

static inline struct tc_bits tc_bits_init(const uint8_t *bytes, size_t count)
{
    return (struct tc_bits){.at = bytes, .end = count};
}

static inline size_t tc_bits_left(const struct tc_bits *b)
{
    return b->bad ? 0 : b->end - b->pos;
}

/** `width` at most 32. */
static inline uint32_t tc_bits_take(struct tc_bits *b, unsigned width)
{
    if (tc_bits_left(b) < width) {
        b->bad = true;
        return 0;
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < width; i++, b->pos++) {
        value = value << 1 | (uint32_t)(b->at[b->pos / 8] >> (7 - b->pos % 8) & 1);
    }
    return value;
}

static inline uint8_t tc_bits_take8(struct tc_bits *b, unsigned width)
{
    return (uint8_t)tc_bits_take(b, width);
}

/** Two's complement. */
static inline int32_t tc_bits_take_signed(struct tc_bits *b, unsigned width)
{
    uint32_t value = tc_bits_take(b, width);
    if (value >> (width - 1)) {
        return (int32_t)((int64_t)value - ((int64_t)1 << width));
    }
    return (int32_t)value;
}

static inline void tc_bits_skip(struct tc_bits *b, size_t count)
{
    if (tc_bits_left(b) < count) {
        b->bad = true;
        return;
    }
    b->pos += count;
}
