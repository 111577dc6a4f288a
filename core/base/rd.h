/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/rd.h - bounds-checked reader with a sticky error.
 *
 * Read a whole record without a branch per field, then ask once: `if (rd.bad) return
 * TC_EMALFORMED`. After the first short read every read yields zero, so the code in between cannot
 * misbehave.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tc_rd {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct tc_rd tc_rd_init(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    return (struct tc_rd){.at = p, .end = p + len, .bad = false};
}

static inline size_t tc_rd_left(const struct tc_rd *r)
{
    return (size_t)(r->end - r->at);
}

static inline const uint8_t *tc_rd_take(struct tc_rd *r, size_t n)
{
    if (r->bad || tc_rd_left(r) < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

static inline uint8_t tc_rd_u8(struct tc_rd *r)
{
    const uint8_t *p = tc_rd_take(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t tc_rd_u16be(struct tc_rd *r)
{
    const uint8_t *p = tc_rd_take(r, 2);
    return p ? (uint16_t)((unsigned)p[0] << 8 | p[1]) : 0;
}

static inline uint32_t tc_rd_u32be(struct tc_rd *r)
{
    const uint8_t *p = tc_rd_take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}
