/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/travel_worker.h"

#include "dispatch/world.gen.h"
#include "gis/travel.h"

#define FEATURE_WITHIN_M 60u  /* roads this near a closed feature are closed */
#define APPROACH_M       400u /* at most from the target, inside the incident's own closure */

struct tc_travel_worker {
    const struct tc_gis *gis;
    struct tc_roads *roads;
    struct tc_travel *travel;
};

/** Of the road table's speeds. */
static const uint8_t speed_percent[TC_UNIT_KIND_COUNT] = {
    [TC_UNIT_KIND_FIRE_ENGINE] = 95,
    [TC_UNIT_KIND_AMBULANCE] = 110,
    [TC_UNIT_KIND_PATROL] = 110,
    [TC_UNIT_KIND_PUMP_TRUCK] = 80,
};

tc_err tc_travel_worker_create(const struct tc_gis *gis, struct tc_travel_worker **out,
                               char why[static TC_WHY_MAX])
{
    struct tc_travel_worker *w = tc_alloc(sizeof *w);
    if (!w) {
        return TC_ENOMEM;
    }
    w->gis = gis;
    tc_err err = tc_roads_create(gis, NULL, 0, &w->roads, why);
    err = err ? err : tc_travel_create(w->roads, &w->travel);
    if (err != TC_OK) {
        tc_travel_worker_destroy(w);
        return err;
    }
    *out = w;
    return TC_OK;
}

void tc_travel_worker_destroy(struct tc_travel_worker *w)
{
    if (w) {
        tc_travel_destroy(w->travel);
        tc_roads_destroy(w->roads);
        tc_free(w);
    }
}

struct tc_travel_closure *tc_travel_closures(const struct tc_table *closures, size_t *count)
{
    struct tc_travel_closure *list = tc_alloc((closures->pool.count + 1) * sizeof *list);
    TC_REQUIRE(list != NULL);
    *count = 0;
    TC_POOL_EACH(&closures->pool, const struct tc_closure, c)
    {
        struct tc_travel_closure *to = &list[(*count)++];
        (void)tc_str_put(to->layer, sizeof to->layer, tc_str_of(c->layer));
        (void)tc_str_put(to->feature, sizeof to->feature, tc_str_of(c->feature));
        to->lon_e7 = c->lon_e7;
        to->lat_e7 = c->lat_e7;
        to->radius_m = c->radius_m;
        to->incident = c->incident;
    }
    return list;
}

static struct tc_closures *closed_roads(const struct tc_travel_worker *w, uint64_t as_of,
                                        const struct tc_travel_closure *list, size_t count)
{
    struct tc_closures *closed = NULL;
    TC_REQUIRE(tc_closures_create(w->roads, as_of, &closed) == TC_OK);
    for (size_t i = 0; i < count; i++) {
        enum tc_layer layer = tc_layer_parse(tc_str_of(list[i].layer));
        const struct tc_feature *f =
            list[i].feature[0] ? tc_gis_find(w->gis, layer, tc_str_of(list[i].feature)) : NULL;
        if (f) {
            (void)tc_closures_add_feature(closed, f, FEATURE_WITHIN_M);
        }
        if (list[i].radius_m) {
            struct tc_lonlat at = {.lon_e7 = list[i].lon_e7, .lat_e7 = list[i].lat_e7};
            (void)tc_closures_add_circle(closed, at, list[i].radius_m);
        }
    }
    return closed;
}

static const char *doubt_code(unsigned doubt)
{
    static const struct {
        unsigned bit;
        const char *code;
    } codes[] = {{TC_TRAVEL_UNREACHABLE, "unreachable"},
                 {TC_TRAVEL_SOURCE_FAR, "far_from_road"},
                 {TC_TRAVEL_TARGET_FAR, "target_far_from_road"},
                 {TC_TRAVEL_SOURCE_CLOSED, "on_closed_road"},
                 {TC_TRAVEL_TARGET_CLOSED, "target_closed"}};
    for (size_t i = 0; i < TC_COUNT_OF(codes); i++) {
        if (doubt & codes[i].bit) {
            return codes[i].code;
        }
    }
    return "";
}

/** Help goes into the closed area that it is sent to, and into no other. */
static uint32_t approach_m(const struct tc_travel_question *q, const struct tc_travel_closure *list,
                           size_t count)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t reach = list[i].feature[0] ? APPROACH_M : list[i].radius_m + FEATURE_WITHIN_M;
        if (list[i].incident == q->subject && reach > most) {
            most = reach;
        }
    }
    return most < APPROACH_M ? most : APPROACH_M;
}

/** The sources of one class of unit. */
static void answer_class(struct tc_travel_worker *w, struct tc_travel_question *q,
                         const struct tc_travel_query *common, unsigned unit_class)
{
    struct tc_lonlat *from = tc_alloc(q->source_count * sizeof *from);
    struct tc_travel_result *results = tc_alloc(q->source_count * sizeof *results);
    TC_REQUIRE(from && results);
    size_t n = 0;
    for (size_t i = 0; i < q->source_count; i++) {
        if (q->sources[i].unit_class == unit_class) {
            from[n++] = (struct tc_lonlat){q->sources[i].lon_e7, q->sources[i].lat_e7};
        }
    }
    struct tc_travel_query query = *common;
    query.speed_percent = speed_percent[unit_class];
    if (n) {
        tc_travel_to(w->travel, &query, from, n, results);
    }
    n = 0;
    for (size_t i = 0; i < q->source_count; i++) {
        if (q->sources[i].unit_class != unit_class) {
            continue;
        }
        const struct tc_travel_result *r = &results[n++];
        bool none = r->time_ms == TC_TRAVEL_NONE;
        q->results[i] =
            (struct tc_travel_answer){.unit = q->sources[i].unit,
                                      .seconds = none ? UINT32_MAX : (r->time_ms + 500) / 1000,
                                      .metres = none ? UINT32_MAX : (r->length_dm + 5) / 10,
                                      .doubt = doubt_code(r->doubt)};
    }
    tc_free(from);
    tc_free(results);
}

void tc_travel_worker_answer(struct tc_travel_worker *w, struct tc_travel_question *q,
                             const struct tc_travel_closure *closures, size_t count)
{
    struct tc_closures *closed = closed_roads(w, q->as_of, closures, count);
    const struct tc_travel_query query = {.target = {q->lon_e7, q->lat_e7},
                                          .closures = closed,
                                          .approach_m = approach_m(q, closures, count)};
    for (unsigned c = 0; c < TC_UNIT_KIND_COUNT; c++) {
        answer_class(w, q, &query, c);
    }
    tc_closures_destroy(closed);
}
