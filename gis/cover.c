/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/cover.h"

#include "gis/travel_int.h"

#define NO_ROAD UINT32_MAX

/** Snap all sources; those without a road are marked. */
static void snap_sources(struct tc_travel *t, const struct tc_cover_query *q)
{
    for (size_t i = 0; i < q->source_count; i++) {
        if (tc_roads_snap(t->roads, q->sources[i], TRAVEL__SNAP_M_MAX, &t->origins[i])) {
            t->origins[i].segment = NO_ROAD;
        }
    }
}

/** The walk to the road, in driving time at the table's speeds. */
static uint32_t walk_ms(const struct tc_snap *place, uint32_t percent)
{
    return (uint32_t)((uint64_t)travel__gap_ms(place->off_dm) * percent / 100);
}

static void offer_source(struct tc_travel *t, uint32_t source, uint32_t percent)
{
    const struct tc_snap *from = &t->origins[source];
    if (from->segment == NO_ROAD) {
        return;
    }
    const struct gis__segment *s = &t->roads->segments[from->segment];
    struct travel__label way = {
        .time_ms = walk_ms(from, percent), .next_segment = TRAVEL__NO_SEGMENT, .origin = source};
    uint32_t node = travel__node_of(t, from);
    if (node != TRAVEL__NO_NODE) {
        travel__offer(t, node, way);
        return;
    }
    struct travel__label ahead = way;
    ahead.length_dm = s->length_dm - from->along_dm;
    ahead.time_ms += travel__part_time_ms(s, ahead.length_dm);
    travel__offer(t, s->to, ahead);
    if (!s->is_oneway) {
        way.length_dm = from->along_dm;
        way.time_ms += travel__part_time_ms(s, way.length_dm);
        travel__offer(t, s->from, way);
    }
}

/** Dijkstra from all sources at once, in the direction of travel. */
static void spread(struct tc_travel *t, const struct tc_closures *closures)
{
    const struct gis__links *links = &t->roads->departures;
    while (t->heap_count > 0) {
        uint32_t node = travel__take_nearest(t);
        struct travel__label way = t->labels[node];
        for (uint32_t i = links->starts[node]; i < links->starts[node + 1]; i++) {
            const struct gis__link *link = &links->items[i];
            if (closures && tc_closures_is_closed(closures, link->segment)) {
                continue;
            }
            const struct gis__segment *via = &t->roads->segments[link->segment];
            travel__offer(t, link->node,
                          (struct travel__label){.time_ms = way.time_ms + via->time_ms,
                                                 .length_dm = way.length_dm + via->length_dm,
                                                 .next_segment = link->segment,
                                                 .origin = way.origin});
        }
    }
}

static void improve(struct tc_cover *best, uint32_t source, uint64_t time_ms)
{
    if (time_ms < best->time_ms || (time_ms == best->time_ms && source < best->source)) {
        *best = (struct tc_cover){.time_ms = (uint32_t)time_ms, .source = source};
    }
}

static void improve_by_node(const struct tc_travel *t, struct tc_cover *best, uint32_t node,
                            uint32_t rest_ms)
{
    const struct travel__label *l = &t->labels[node];
    if (l->time_ms != TC_TRAVEL_NONE) {
        improve(best, l->origin, (uint64_t)l->time_ms + rest_ms);
    }
}

/** Sources that stand on the target's own segment need not come by its ends. */
static void improve_on_segment(const struct tc_travel *t, const struct tc_cover_query *q,
                               const struct tc_snap *to, struct tc_cover *best)
{
    const struct gis__segment *s = &t->roads->segments[to->segment];
    uint32_t percent = q->speed_percent ? q->speed_percent : 100;
    for (uint32_t i = 0; i < q->source_count; i++) {
        const struct tc_snap *from = &t->origins[i];
        bool is_ahead = to->along_dm >= from->along_dm;
        if (from->segment != to->segment || (s->is_oneway && !is_ahead) ||
            travel__node_of(t, from) != TRAVEL__NO_NODE) {
            continue;
        }
        uint32_t part_dm = is_ahead ? to->along_dm - from->along_dm : from->along_dm - to->along_dm;
        improve(best, i, (uint64_t)walk_ms(from, percent) + travel__part_time_ms(s, part_dm));
    }
}

static struct tc_cover answer(const struct tc_travel *t, const struct tc_cover_query *q,
                              struct tc_lonlat target)
{
    struct tc_cover best = {.time_ms = TC_TRAVEL_NONE, .source = UINT32_MAX};
    struct tc_snap to;
    if (tc_roads_snap(t->roads, target, TRAVEL__SNAP_M_MAX, &to)) {
        return best;
    }
    const struct gis__segment *s = &t->roads->segments[to.segment];
    uint32_t node = travel__node_of(t, &to);
    if (node != TRAVEL__NO_NODE) {
        improve_by_node(t, &best, node, 0);
    } else {
        improve_by_node(t, &best, s->from, travel__part_time_ms(s, to.along_dm));
        if (!s->is_oneway) {
            improve_by_node(t, &best, s->to, travel__part_time_ms(s, s->length_dm - to.along_dm));
        }
        improve_on_segment(t, q, &to, &best);
    }
    if (best.source != UINT32_MAX) {
        uint32_t percent = q->speed_percent ? q->speed_percent : 100;
        uint64_t ms = (uint64_t)best.time_ms * 100 / percent + travel__gap_ms(to.off_dm);
        best.time_ms = ms < TC_TRAVEL_NONE ? (uint32_t)ms : TC_TRAVEL_NONE - 1;
    }
    return best;
}

tc_err tc_travel_cover(struct tc_travel *t, const struct tc_cover_query *q,
                       const struct tc_lonlat *targets, size_t count, struct tc_cover *covers)
{
    TC_REQUIRE(!q->closures || q->closures->roads == t->roads);
    if (q->source_count > TC_COVER_SOURCES_MAX) {
        return TC_EFULL;
    }
    travel__clear(t);
    snap_sources(t, q);
    for (uint32_t i = 0; i < q->source_count; i++) {
        offer_source(t, i, q->speed_percent ? q->speed_percent : 100);
    }
    spread(t, q->closures);
    for (size_t i = 0; i < count; i++) {
        covers[i] = answer(t, q, targets[i]);
    }
    return TC_OK;
}
