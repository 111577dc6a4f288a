/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/pool.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

#define CHUNK_ITEMS ((size_t)256)

static size_t map_slot(const struct tc_map *m, uint64_t key)
{
    size_t at = (size_t)tc_hash_mix(0, key) & (m->room - 1);
    while (m->keys[at] != 0 && m->keys[at] != key) {
        at = (at + 1) & (m->room - 1);
    }
    return at;
}

static void map_grow(struct tc_map *m)
{
    struct tc_map bigger = {.room = m->room ? m->room * 2 : 64, .count = m->count};
    bigger.keys = tc_alloc(bigger.room * sizeof *bigger.keys);
    bigger.values = tc_alloc(bigger.room * sizeof *bigger.values);
    TC_REQUIRE(bigger.keys && bigger.values);
    for (size_t i = 0; i < m->room; i++) {
        if (m->keys[i] != 0) {
            size_t at = map_slot(&bigger, m->keys[i]);
            bigger.keys[at] = m->keys[i];
            bigger.values[at] = m->values[i];
        }
    }
    tc_free(m->keys);
    tc_free(m->values);
    *m = bigger;
}

void tc_map_put(struct tc_map *m, uint64_t key, uint64_t value)
{
    TC_REQUIRE(key != 0);
    if ((m->count + 1) * 4 > m->room * 3) {
        map_grow(m);
    }
    size_t at = map_slot(m, key);
    m->count += m->keys[at] == 0;
    m->keys[at] = key;
    m->values[at] = value;
}

bool tc_map_get(const struct tc_map *m, uint64_t key, uint64_t *value)
{
    if (m->room == 0 || key == 0) {
        return false;
    }
    size_t at = map_slot(m, key);
    if (m->keys[at] == 0) {
        return false;
    }
    *value = m->values[at];
    return true;
}

void tc_map_remove(struct tc_map *m, uint64_t key)
{
    if (m->room == 0 || key == 0) {
        return;
    }
    size_t hole = map_slot(m, key);
    if (m->keys[hole] == 0) {
        return;
    }
    m->count--;
    size_t at = hole;
    for (;;) { /* close the gap so that no search stops short */
        at = (at + 1) & (m->room - 1);
        if (m->keys[at] == 0) {
            break;
        }
        size_t home = (size_t)tc_hash_mix(0, m->keys[at]) & (m->room - 1);
        if (((at - home) & (m->room - 1)) >= ((at - hole) & (m->room - 1))) {
            m->keys[hole] = m->keys[at];
            m->values[hole] = m->values[at];
            hole = at;
        }
    }
    m->keys[hole] = 0;
}

void tc_map_finish(struct tc_map *m)
{
    tc_free(m->keys);
    tc_free(m->values);
    *m = (struct tc_map){0};
}

void tc_pool_init(struct tc_pool *p, size_t item_size, size_t count_max)
{
    TC_REQUIRE(item_size >= sizeof(uint64_t) && item_size % sizeof(uint64_t) == 0);
    *p = (struct tc_pool){.item_size = item_size, .count_max = count_max};
}

void tc_pool_finish(struct tc_pool *p)
{
    for (size_t i = 0; i < p->chunk_count; i++) {
        tc_free(p->chunks[i]);
    }
    tc_free(p->chunks);
    tc_free(p->spare);
    tc_map_finish(&p->by_id);
    *p = (struct tc_pool){.item_size = p->item_size, .count_max = p->count_max};
}

bool tc_pool_is_full(const struct tc_pool *p)
{
    return p->count >= p->count_max;
}

static void *place(const struct tc_pool *p, size_t i)
{
    return (uint8_t *)p->chunks[i / CHUNK_ITEMS] + (i % CHUNK_ITEMS) * p->item_size;
}

static size_t new_place(struct tc_pool *p)
{
    if (p->spare_count) {
        return p->spare[--p->spare_count];
    }
    if (p->top == p->chunk_count * CHUNK_ITEMS) {
        void **chunks = tc_realloc(p->chunks, (p->chunk_count + 1) * sizeof *chunks);
        TC_REQUIRE(chunks != NULL);
        p->chunks = chunks;
        p->chunks[p->chunk_count] = tc_alloc(CHUNK_ITEMS * p->item_size);
        TC_REQUIRE(p->chunks[p->chunk_count] != NULL);
        p->chunk_count++;
    }
    return p->top++;
}

void *tc_pool_add(struct tc_pool *p, uint64_t id)
{
    TC_REQUIRE(!tc_pool_is_full(p));
    uint64_t old = 0;
    TC_REQUIRE(!tc_map_get(&p->by_id, id, &old));
    size_t i = new_place(p);
    void *item = place(p, i);
    memset(item, 0, p->item_size);
    memcpy(item, &id, sizeof id);
    tc_map_put(&p->by_id, id, i);
    p->count++;
    return item;
}

void *tc_pool_find(const struct tc_pool *p, uint64_t id)
{
    uint64_t i = 0;
    return tc_map_get(&p->by_id, id, &i) ? place(p, (size_t)i) : NULL;
}

void tc_pool_remove(struct tc_pool *p, uint64_t id)
{
    uint64_t i = 0;
    if (!tc_map_get(&p->by_id, id, &i)) {
        return;
    }
    tc_map_remove(&p->by_id, id);
    memset(place(p, (size_t)i), 0, p->item_size);
    if (p->spare_count == p->spare_room) {
        size_t room = p->spare_room ? p->spare_room * 2 : 64;
        uint32_t *spare = tc_realloc(p->spare, room * sizeof *spare);
        TC_REQUIRE(spare != NULL);
        p->spare = spare;
        p->spare_room = room;
    }
    p->spare[p->spare_count++] = (uint32_t)i;
    p->count--;
}

void *tc_pool_at(const struct tc_pool *p, size_t i)
{
    TC_REQUIRE(i < p->top);
    void *item = place(p, i);
    uint64_t id = 0;
    memcpy(&id, item, sizeof id);
    return id ? item : NULL;
}
