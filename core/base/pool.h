/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/pool.h - the model's memory: equal items with stable addresses, found by id.
 *
 * An item begins with its id (uint64_t, the seq of the event that made it). Items are kept in the
 * order of their making; a removed item's place is used again. tc_map finds a number by a number.
 */
#pragma once

#include "core/base/err.h"

/** Open addressing; key 0 is not allowed. */
struct tc_map {
    uint64_t *keys;
    uint64_t *values;
    size_t room; /* power of two */
    size_t count;
};

/** Overwrites. */
void tc_map_put(struct tc_map *m, uint64_t key, uint64_t value);
/** False when absent; *value is then untouched. */
bool tc_map_get(const struct tc_map *m, uint64_t key, uint64_t *value);
void tc_map_remove(struct tc_map *m, uint64_t key);
void tc_map_finish(struct tc_map *m);

struct tc_pool {
    size_t item_size;
    size_t count_max; /* the limit; adding past it is TC_EFULL in decide, an abort in apply */
    size_t count;     /* items in use */
    size_t top;       /* places ever used: the bound for tc_pool_at */
    void **chunks;
    size_t chunk_count;
    uint32_t *spare; /* places to use again, last out first */
    size_t spare_count;
    size_t spare_room;
    struct tc_map by_id;
};

void tc_pool_init(struct tc_pool *p, size_t item_size, size_t count_max);
void tc_pool_finish(struct tc_pool *p);
bool tc_pool_is_full(const struct tc_pool *p);
/** Zeroed item with its id set. The id must be new and the pool not full. */
void *tc_pool_add(struct tc_pool *p, uint64_t id);
/** NULL when absent. */
void *tc_pool_find(const struct tc_pool *p, uint64_t id);
void tc_pool_remove(struct tc_pool *p, uint64_t id);
/** Place `i` < top; NULL when that place is free. */
void *tc_pool_at(const struct tc_pool *p, size_t i);

/** for (struct tc_unit *u; ...): every item in order of place. */
/* NOLINTBEGIN(bugprone-macro-parentheses): `type` and `name` declare a variable. */
#define TC_POOL_EACH(pool, type, name)                            \
    for (size_t name##_i = 0; name##_i < (pool)->top; name##_i++) \
        for (type *name = tc_pool_at((pool), name##_i); name != NULL; name = NULL)
/* NOLINTEND(bugprone-macro-parentheses) */
