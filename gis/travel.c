/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/travel.h"

#include "core/base/mem.h"
#include "gis/cover.h"
#include "gis/gis_int.h"
#include "gis/travel_int.h"

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
    t->origins = tc_alloc(TC_COVER_SOURCES_MAX * sizeof *t->origins);
    if (!t->labels || !t->heap || !t->origins) {
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
    tc_free(t->origins);
    tc_free(t);
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

/** Where the way to the target ends: its crossing, or the last piece from the segment's ends. */
static void offer_target(struct tc_travel *t)
{
    const struct gis__segment *s = &t->roads->segments[t->target.segment];
    uint32_t node = travel__node_of(t, &t->target);
    if (node != TRAVEL__NO_NODE) {
        travel__offer(t, node, (struct travel__label){.next_segment = TRAVEL__NO_SEGMENT});
        return;
    }
    uint32_t along_dm = t->target.along_dm;
    uint32_t rest_dm = s->length_dm - along_dm;
    travel__offer(t, s->from,
                  (struct travel__label){.time_ms = travel__part_time_ms(s, along_dm),
                                         .length_dm = along_dm,
                                         .next_segment = TRAVEL__NO_SEGMENT});
    if (!s->is_oneway) {
        travel__offer(t, s->to,
                      (struct travel__label){.time_ms = travel__part_time_ms(s, rest_dm),
                                             .length_dm = rest_dm,
                                             .next_segment = TRAVEL__NO_SEGMENT});
    }
}

/** Dijkstra from the target, against the direction of travel. */
static void search(struct tc_travel *t)
{
    const struct tc_roads *r = t->roads;
    travel__clear(t);
    offer_target(t);
    while (t->heap_count > 0) {
        uint32_t node = travel__take_nearest(t);
        struct travel__label here = t->labels[node];
        for (uint32_t i = r->arrivals.starts[node]; i < r->arrivals.starts[node + 1]; i++) {
            const struct gis__link *a = &r->arrivals.items[i];
            if (is_closed(t, a->segment)) {
                continue;
            }
            const struct gis__segment *via = &r->segments[a->segment];
            travel__offer(t, a->node,
                          (struct travel__label){.time_ms = here.time_ms + via->time_ms,
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
    uint32_t node = travel__node_of(t, from);
    if (node != TRAVEL__NO_NODE) {
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
        *time_ms = travel__part_time_ms(s, *length_dm);
        best = START_DIRECT;
    }
    const struct {
        enum start start;
        uint32_t node;
        uint32_t part_dm;
    } ways[2] = {{START_TO_END, s->to, s->length_dm - from->along_dm},
                 {START_TO_BEGIN, s->from, from->along_dm}};
    for (unsigned i = 0; i < (s->is_oneway ? 1 : 2); i++) {
        const struct travel__label *l = &t->labels[ways[i].node];
        if (l->time_ms == TC_TRAVEL_NONE) {
            continue;
        }
        uint32_t ms = l->time_ms + travel__part_time_ms(s, ways[i].part_dm);
        if (ms < *time_ms) {
            *time_ms = ms;
            *length_dm = l->length_dm + ways[i].part_dm;
            best = ways[i].start;
        }
    }
    return best;
}

static struct tc_travel_result answer(const struct tc_travel *t, struct tc_lonlat source)
{
    struct tc_travel_result result = {
        .time_ms = TC_TRAVEL_NONE, .length_dm = TC_TRAVEL_NONE, .doubt = 0};
    struct tc_snap from;
    if (tc_roads_snap(t->roads, source, TRAVEL__SNAP_M_MAX, &from) != TC_OK) {
        result.doubt = TC_TRAVEL_UNREACHABLE | TC_TRAVEL_SOURCE_FAR;
        return result;
    }
    const struct tc_closures *c = t->query->closures;
    result.doubt |= from.off_dm > TRAVEL__SNAP_FREE_DM ? TC_TRAVEL_SOURCE_FAR : 0;
    result.doubt |= c && tc_closures_is_closed(c, from.segment) ? TC_TRAVEL_SOURCE_CLOSED : 0;
    uint32_t time_ms;
    uint32_t length_dm;
    if (leave(t, &from, &time_ms, &length_dm) == START_NONE) {
        result.doubt |= TC_TRAVEL_UNREACHABLE;
        return result;
    }
    uint32_t percent = t->query->speed_percent ? t->query->speed_percent : 100;
    uint64_t driven_ms = (uint64_t)time_ms * 100 / percent;
    uint64_t all_ms = driven_ms + travel__gap_ms(from.off_dm) + travel__gap_ms(t->target.off_dm);
    result.time_ms = all_ms < TC_TRAVEL_NONE ? (uint32_t)all_ms : TC_TRAVEL_NONE - 1;
    result.length_dm = length_dm;
    return result;
}

/** Doubts about the target; TC_TRAVEL_UNREACHABLE when no road is near it. */
static unsigned aim(struct tc_travel *t, const struct tc_travel_query *q)
{
    TC_REQUIRE(!q->closures || q->closures->roads == t->roads);
    t->query = q;
    if (tc_roads_snap(t->roads, q->target, TRAVEL__SNAP_M_MAX, &t->target) != TC_OK) {
        return TC_TRAVEL_UNREACHABLE | TC_TRAVEL_TARGET_FAR;
    }
    unsigned doubt = t->target.off_dm > TRAVEL__SNAP_FREE_DM ? TC_TRAVEL_TARGET_FAR : 0;
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
    while (t->labels[node].next_segment != TRAVEL__NO_SEGMENT) {
        const struct gis__segment *s = &r->segments[t->labels[node].next_segment];
        /* a two-way loop begins and ends at the node; either way round is right */
        bool is_forward = s->from == node;
        add_point(l, is_forward ? s->points[0] : s->points[s->point_count - 1]);
        add_between(l, s, is_forward ? 0 : s->length_dm, is_forward ? s->length_dm : 0);
        node = is_forward ? s->to : s->from;
    }
    const struct gis__segment *last = &r->segments[t->target.segment];
    if (travel__node_of(t, &t->target) != TRAVEL__NO_NODE) {
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
        tc_roads_snap(t->roads, source, TRAVEL__SNAP_M_MAX, &from) != TC_OK) {
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
        follow(t, travel__node_of(t, &from), &l);
    } else {
        bool to_end = start == START_TO_END;
        add_between(&l, s, from.along_dm, to_end ? s->length_dm : 0);
        follow(t, to_end ? s->to : s->from, &l);
    }
    add_point(&l, t->target.at);
    *count = l.count;
    return l.count <= max ? TC_OK : TC_EFULL;
}
