/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/hash.h - a fast 64-bit hash for tables, de-duplication keys and state digests.
 *
 * The same bytes give the same value on every machine and in every release: digests depend on it.
 * It is no protection against a forger; the journal's chain uses BLAKE2b (core/journal).
 */
#pragma once

#include "core/base/str.h"

/** Mix one word into a running hash. */
static inline uint64_t tc_hash_mix(uint64_t hash, uint64_t word)
{
    hash ^= word;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
    hash *= UINT64_C(0xBF58476D1CE4E5B9);
    return hash ^ (hash >> 32);
}

static inline uint64_t tc_hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    hash = tc_hash_mix(hash, len);
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; i++) {
            word |= (uint64_t)p[i] << (8 * i);
        }
        hash = tc_hash_mix(hash, word);
    }
    uint64_t tail = 0;
    for (unsigned i = 0; i < len; i++) {
        tail |= (uint64_t)p[i] << (8 * i);
    }
    return tc_hash_mix(hash, tail);
}

static inline uint64_t tc_hash_str(uint64_t hash, struct tc_str s)
{
    return tc_hash_bytes(hash, s.at, s.len);
}
