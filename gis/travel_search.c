/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/travel_int.h"

#define HEAP_ARITY     4
#define WALK_MS_PER_DM 72 /* 5 km/h */
#define AT_NODE_DM     20 /* this near a segment's end the place is the crossing itself */

void travel__clear(struct tc_travel *t)
{
    for (uint32_t i = 0; i < t->roads->node_count; i++) {
        t->labels[i] = (struct travel__label){.time_ms = TC_TRAVEL_NONE,
                                              .length_dm = TC_TRAVEL_NONE,
                                              .next_segment = TRAVEL__NO_SEGMENT};
    }
    t->heap_count = 0;
}

/** Order of the heap: time, then length, then node, so that equal ways are always told apart. */
static bool is_before(const struct tc_travel *t, uint32_t a, uint32_t b)
{
    const struct travel__label *x = &t->labels[a];
    const struct travel__label *y = &t->labels[b];
    if (x->time_ms != y->time_ms) {
        return x->time_ms < y->time_ms;
    }
    return x->length_dm != y->length_dm ? x->length_dm < y->length_dm : a < b;
}

static void put_in_heap(struct tc_travel *t, uint32_t place, uint32_t node)
{
    t->heap[place] = node;
    t->labels[node].heap_place = place + 1;
}

static void rise(struct tc_travel *t, uint32_t node)
{
    uint32_t place = t->labels[node].heap_place - 1;
    while (place > 0) {
        uint32_t parent = (place - 1) / HEAP_ARITY;
        if (!is_before(t, node, t->heap[parent])) {
            break;
        }
        put_in_heap(t, place, t->heap[parent]);
        place = parent;
    }
    put_in_heap(t, place, node);
}

static void sink(struct tc_travel *t, uint32_t node)
{
    uint32_t place = 0;
    for (;;) {
        uint32_t first = place * HEAP_ARITY + 1;
        uint32_t end = first + HEAP_ARITY < t->heap_count ? first + HEAP_ARITY : t->heap_count;
        uint32_t best = node;
        uint32_t best_place = place;
        for (uint32_t i = first; i < end; i++) {
            if (is_before(t, t->heap[i], best)) {
                best = t->heap[i];
                best_place = i;
            }
        }
        if (best_place == place) {
            break;
        }
        put_in_heap(t, place, best);
        place = best_place;
    }
    put_in_heap(t, place, node);
}

uint32_t travel__take_nearest(struct tc_travel *t)
{
    uint32_t nearest = t->heap[0];
    uint32_t last = t->heap[--t->heap_count];
    t->labels[nearest].heap_place = 0;
    if (t->heap_count > 0) {
        sink(t, last);
    }
    return nearest;
}

void travel__offer(struct tc_travel *t, uint32_t node, struct travel__label way)
{
    struct travel__label *known = &t->labels[node];
    if (way.time_ms > known->time_ms ||
        (way.time_ms == known->time_ms && way.length_dm >= known->length_dm)) {
        return;
    }
    way.heap_place = known->heap_place;
    *known = way;
    if (!way.heap_place) {
        known->heap_place = ++t->heap_count;
    }
    rise(t, node);
}

uint32_t travel__part_time_ms(const struct gis__segment *s, uint32_t part_dm)
{
    return s->length_dm ? (uint32_t)((uint64_t)s->time_ms * part_dm / s->length_dm) : 0;
}

uint32_t travel__node_of(const struct tc_travel *t, const struct tc_snap *place)
{
    const struct gis__segment *s = &t->roads->segments[place->segment];
    if (place->along_dm <= AT_NODE_DM) {
        return s->from;
    }
    return s->length_dm - place->along_dm <= AT_NODE_DM ? s->to : TRAVEL__NO_NODE;
}

uint32_t travel__gap_ms(uint32_t off_dm)
{
    return off_dm > TRAVEL__SNAP_FREE_DM ? (off_dm - TRAVEL__SNAP_FREE_DM) * WALK_MS_PER_DM : 0;
}
