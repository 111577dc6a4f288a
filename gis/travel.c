/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/travel.h"

#include "core/base/mem.h"
#include "gis/gis_int.h"
#include "gis/roads_int.h"

#define SNAP_M_MAX     2000
#define SNAP_FREE_DM   1000 /* within this the point counts as on the road */
#define WALK_MS_PER_DM 72   /* 5 km/h */
#define HEAP_ARITY     4
#define NO_SEGMENT     UINT32_MAX
#define NO_NODE        UINT32_MAX
#define AT_NODE_DM     20 /* this near a segment's end the place is the crossing itself */

/** What lies between a node and the target. */
struct label {
    uint32_t time_ms;
    uint32_t length_dm;
    uint32_t next_segment; /* NO_SEGMENT: the target's own segment */
    uint32_t heap_place;   /* 1-based; 0 when not in the heap */
};

struct tc_travel {
    const struct tc_roads *roads;
    struct label *labels;
    uint32_t *heap; /* nodes, nearest first; room for all */
    uint32_t heap_count;
    struct tc_snap target;
    const struct tc_travel_query *query; /* of the search that runs */
};

tc_err tc_travel_create(const struct tc_roads *r, struct tc_travel **out)
{
    *out = NULL;
    struct tc_travel *t = tc_alloc(sizeof *t);
    if (!t) {
        return TC_ENOMEM;
    }
    t->roads = r;
    t->labels = tc_alloc(r->node_count * sizeof *t->labels);
    t->heap = tc_alloc(r->node_count * sizeof *t->heap);
    if (!t->labels || !t->heap) {
        tc_travel_destroy(t);
        return TC_ENOMEM;
    }
    *out = t;
    return TC_OK;
}

void tc_travel_destroy(struct tc_travel *t)
{
    if (!t) {
        return;
    }
    tc_free(t->labels);
    tc_free(t->heap);
    tc_free(t);
}

/** Order of the heap: time, then length, then node, so that equal ways are always told apart. */
static bool is_before(const struct tc_travel *t, uint32_t a, uint32_t b)
{
    const struct label *x = &t->labels[a];
    const struct label *y = &t->labels[b];
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

static uint32_t take_nearest(struct tc_travel *t)
{
    uint32_t nearest = t->heap[0];
    uint32_t last = t->heap[--t->heap_count];
    t->labels[nearest].heap_place = 0;
    if (t->heap_count > 0) {
        sink(t, last);
    }
    return nearest;
}

/** A way to the target from `node` was found; keep it if it is better than the one known. */
static void offer(struct tc_travel *t, uint32_t node, struct label way)
{
    struct label *known = &t->labels[node];
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

static uint32_t part_time_ms(const struct gis__segment *s, uint32_t part_dm)
{
    return s->length_dm ? (uint32_t)((uint64_t)s->time_ms * part_dm / s->length_dm) : 0;
}

static bool is_near_target(const struct tc_travel *t, const struct gis__segment *s)
{
    for (uint32_t i = 0; i + 1 < s->point_count; i++) {
        if (gis__distance_to_piece_m(s->points[i], s->points[i + 1], t->query->target) <=
            t->query->approach_m) {
            return true;
        }
    }
    return false;
}

static bool is_closed(const struct tc_travel *t, uint32_t segment)
{
    const struct tc_closures *c = t->query->closures;
    if (!c || !tc_closures_is_closed(c, segment)) {
        return false;
    }
    return t->query->approach_m == 0 || !is_near_target(t, &t->roads->segments[segment]);
}

/** The node that a place on a segment stands at; NO_NODE between them. */
static uint32_t node_of(const struct tc_travel *t, const struct tc_snap *place)
{
    const struct gis__segment *s = &t->roads->segments[place->segment];
    if (place->along_dm <= AT_NODE_DM) {
        return s->from;
    }
    return s->length_dm - place->along_dm <= AT_NODE_DM ? s->to : NO_NODE;
}

/** Where the way to the target ends: its crossing, or the last piece from the segment's ends. */
static void offer_target(struct tc_travel *t)
{
    const struct gis__segment *s = &t->roads->segments[t->target.segment];
    uint32_t node = node_of(t, &t->target);
    if (node != NO_NODE) {
        offer(t, node, (struct label){.next_segment = NO_SEGMENT});
        return;
    }
    uint32_t along_dm = t->target.along_dm;
    uint32_t rest_dm = s->length_dm - along_dm;
    offer(t, s->from,
          (struct label){.time_ms = part_time_ms(s, along_dm),
                         .length_dm = along_dm,
                         .next_segment = NO_SEGMENT});
    if (!s->is_oneway) {
        offer(t, s->to,
              (struct label){.time_ms = part_time_ms(s, rest_dm),
                             .length_dm = rest_dm,
                             .next_segment = NO_SEGMENT});
    }
}

/** Dijkstra from the target, against the direction of travel. */
static void search(struct tc_travel *t)
{
    const struct tc_roads *r = t->roads;
    for (uint32_t i = 0; i < r->node_count; i++) {
        t->labels[i] = (struct label){
            .time_ms = TC_TRAVEL_NONE, .length_dm = TC_TRAVEL_NONE, .next_segment = NO_SEGMENT};
    }
    t->heap_count = 0;
    offer_target(t);
    while (t->heap_count > 0) {
        uint32_t node = take_nearest(t);
        struct label here = t->labels[node];
        for (uint32_t i = r->arrival_starts[node]; i < r->arrival_starts[node + 1]; i++) {
            const struct gis__arrival *a = &r->arrivals[i];
            if (is_closed(t, a->segment)) {
                continue;
            }
            const struct gis__segment *via = &r->segments[a->segment];
            offer(t, a->node,
                  (struct label){.time_ms = here.time_ms + via->time_ms,
                                 .length_dm = here.length_dm + via->length_dm,
                                 .next_segment = a->segment});
        }
    }
}

enum start { START_NONE, START_AT_NODE, START_DIRECT, START_TO_END, START_TO_BEGIN };

/** The best way off the source's own segment. */
static enum start leave(const struct tc_travel *t, const struct tc_snap *from, uint32_t *time_ms,
                        uint32_t *length_dm)
{
    const struct gis__segment *s = &t->roads->segments[from->segment];
    enum start best = START_NONE;
    uint32_t node = node_of(t, from);
    if (node != NO_NODE) {
        *time_ms = t->labels[node].time_ms;
        *length_dm = t->labels[node].length_dm;
        return *time_ms == TC_TRAVEL_NONE ? START_NONE : START_AT_NODE;
    }
    *time_ms = TC_TRAVEL_NONE;
    *length_dm = TC_TRAVEL_NONE;
    bool is_ahead = t->target.along_dm >= from->along_dm;
    if (from->segment == t->target.segment && (is_ahead || !s->is_oneway)) {
        *length_dm =
            is_ahead ? t->target.along_dm - from->along_dm : from->along_dm - t->target.along_dm;
        *time_ms = part_time_ms(s, *length_dm);
        best = START_DIRECT;
    }
    const struct {
        enum start start;
        uint32_t node;
        uint32_t part_dm;
    } ways[2] = {{START_TO_END, s->to, s->length_dm - from->along_dm},
                 {START_TO_BEGIN, s->from, from->along_dm}};
    for (unsigned i = 0; i < (s->is_oneway ? 1 : 2); i++) {
        const struct label *l = &t->labels[ways[i].node];
        if (l->time_ms == TC_TRAVEL_NONE) {
            continue;
        }
        uint32_t ms = l->time_ms + part_time_ms(s, ways[i].part_dm);
        if (ms < *time_ms) {
            *time_ms = ms;
            *length_dm = l->length_dm + ways[i].part_dm;
            best = ways[i].start;
        }
    }
    return best;
}

static uint32_t gap_ms(uint32_t off_dm)
{
    return off_dm > SNAP_FREE_DM ? (off_dm - SNAP_FREE_DM) * WALK_MS_PER_DM : 0;
}

static struct tc_travel_result answer(const struct tc_travel *t, struct tc_lonlat source)
{
    struct tc_travel_result result = {
        .time_ms = TC_TRAVEL_NONE, .length_dm = TC_TRAVEL_NONE, .doubt = 0};
    struct tc_snap from;
    if (tc_roads_snap(t->roads, source, SNAP_M_MAX, &from) != TC_OK) {
        result.doubt = TC_TRAVEL_UNREACHABLE | TC_TRAVEL_SOURCE_FAR;
        return result;
    }
    const struct tc_closures *c = t->query->closures;
    result.doubt |= from.off_dm > SNAP_FREE_DM ? TC_TRAVEL_SOURCE_FAR : 0;
    result.doubt |= c && tc_closures_is_closed(c, from.segment) ? TC_TRAVEL_SOURCE_CLOSED : 0;
    uint32_t time_ms;
    uint32_t length_dm;
    if (leave(t, &from, &time_ms, &length_dm) == START_NONE) {
        result.doubt |= TC_TRAVEL_UNREACHABLE;
        return result;
    }
    uint32_t percent = t->query->speed_percent ? t->query->speed_percent : 100;
    uint64_t driven_ms = (uint64_t)time_ms * 100 / percent;
    uint64_t all_ms = driven_ms + gap_ms(from.off_dm) + gap_ms(t->target.off_dm);
    result.time_ms = all_ms < TC_TRAVEL_NONE ? (uint32_t)all_ms : TC_TRAVEL_NONE - 1;
    result.length_dm = length_dm;
    return result;
}

/** Doubts about the target; TC_TRAVEL_UNREACHABLE when no road is near it. */
static unsigned aim(struct tc_travel *t, const struct tc_travel_query *q)
{
    TC_REQUIRE(!q->closures || q->closures->roads == t->roads);
    t->query = q;
    if (tc_roads_snap(t->roads, q->target, SNAP_M_MAX, &t->target) != TC_OK) {
        return TC_TRAVEL_UNREACHABLE | TC_TRAVEL_TARGET_FAR;
    }
    unsigned doubt = t->target.off_dm > SNAP_FREE_DM ? TC_TRAVEL_TARGET_FAR : 0;
    if (q->closures && tc_closures_is_closed(q->closures, t->target.segment)) {
        doubt |= TC_TRAVEL_TARGET_CLOSED;
    }
    return doubt;
}

void tc_travel_to(struct tc_travel *t, const struct tc_travel_query *q,
                  const struct tc_lonlat *sources, size_t count, struct tc_travel_result *results)
{
    unsigned doubt = aim(t, q);
    if (doubt & TC_TRAVEL_UNREACHABLE) {
        for (size_t i = 0; i < count; i++) {
            results[i] = (struct tc_travel_result){
                .time_ms = TC_TRAVEL_NONE, .length_dm = TC_TRAVEL_NONE, .doubt = doubt};
        }
        return;
    }
    search(t);
    for (size_t i = 0; i < count; i++) {
        results[i] = answer(t, sources[i]);
        results[i].doubt |= doubt;
    }
}

struct line {
    struct tc_lonlat *points;
    size_t max;
    size_t count;
};

static void add_point(struct line *l, struct tc_lonlat p)
{
    if (l->count < l->max) {
        l->points[l->count] = p;
    }
    l->count++;
}

/** The inner points of a segment between two places on it, in the direction of travel. */
static void add_between(struct line *l, const struct gis__segment *s, uint32_t from_dm,
                        uint32_t to_dm)
{
    bool is_forward = from_dm <= to_dm;
    uint32_t low = is_forward ? from_dm : to_dm;
    uint32_t high = is_forward ? to_dm : from_dm;
    for (uint32_t i = 0; i < s->point_count; i++) {
        uint32_t k = is_forward ? i : s->point_count - 1 - i;
        uint32_t at_dm = (uint32_t)(gis__length_m(s->points, k + 1) * 10 + 0.5);
        if (at_dm > low && at_dm < high) {
            add_point(l, s->points[k]);
        }
    }
}

/** From a node along the labels to the target's segment, and on it to the target. */
static void follow(const struct tc_travel *t, uint32_t node, struct line *l)
{
    const struct tc_roads *r = t->roads;
    while (t->labels[node].next_segment != NO_SEGMENT) {
        const struct gis__segment *s = &r->segments[t->labels[node].next_segment];
        /* a two-way loop begins and ends at the node; either way round is right */
        bool is_forward = s->from == node;
        add_point(l, is_forward ? s->points[0] : s->points[s->point_count - 1]);
        add_between(l, s, is_forward ? 0 : s->length_dm, is_forward ? s->length_dm : 0);
        node = is_forward ? s->to : s->from;
    }
    const struct gis__segment *last = &r->segments[t->target.segment];
    if (node_of(t, &t->target) != NO_NODE) {
        return;
    }
    bool is_forward = last->from == node && (last->is_oneway || last->to != node ||
                                             t->target.along_dm * 2 <= last->length_dm);
    add_point(l, is_forward ? last->points[0] : last->points[last->point_count - 1]);
    add_between(l, last, is_forward ? 0 : last->length_dm, t->target.along_dm);
}

tc_err tc_travel_path(struct tc_travel *t, const struct tc_travel_query *q, struct tc_lonlat source,
                      struct tc_lonlat *points, size_t max, size_t *count)
{
    *count = 0;
    struct tc_snap from;
    if ((aim(t, q) & TC_TRAVEL_UNREACHABLE) ||
        tc_roads_snap(t->roads, source, SNAP_M_MAX, &from) != TC_OK) {
        return TC_ENOTFOUND;
    }
    search(t);
    uint32_t time_ms;
    uint32_t length_dm;
    enum start start = leave(t, &from, &time_ms, &length_dm);
    if (start == START_NONE) {
        return TC_ENOTFOUND;
    }
    struct line l = {.points = points, .max = max};
    const struct gis__segment *s = &t->roads->segments[from.segment];
    add_point(&l, from.at);
    if (start == START_DIRECT) {
        add_between(&l, s, from.along_dm, t->target.along_dm);
    } else if (start == START_AT_NODE) {
        follow(t, node_of(t, &from), &l);
    } else {
        bool to_end = start == START_TO_END;
        add_between(&l, s, from.along_dm, to_end ? s->length_dm : 0);
        follow(t, to_end ? s->to : s->from, &l);
    }
    add_point(&l, t->target.at);
    *count = l.count;
    return l.count <= max ? TC_OK : TC_EFULL;
}
