/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/roads.h - the roads that radios drive on, read from two text tables.
 *
 * crossings.tsv: id lon lat. roads.tsv: name_zh name_en class speed_kmh lanes oneway crossings,
 * where crossings are ids parted by commas or blanks. Both begin with a header line. Without files
 * there is a plain grid of streets. Read once at start, never changed.
 */
#pragma once

#include "clients/simulators/chance.h"

struct sim_place {
    int32_t lon_e7;
    int32_t lat_e7;
};

struct sim_edge {
    uint32_t to;
    float length_m;
    float speed_kmh;
};

struct sim_roads {
    struct sim_place *crossings;
    uint32_t *first_edge; /* crossing_count + 1 */
    struct sim_edge *edges;
    uint32_t crossing_count;
    uint32_t edge_count;
};

#define SIM_ROADS_CROSSINGS_MAX 200000u
#define SIM_ROUTE_MAX           256u

/** `folder` NULL: the built-in grid. `why` gets a sentence. */
TC_MUST_USE tc_err sim__roads_load(struct sim_roads *r, const char *folder, char why[TC_WHY_MAX]);
void sim__roads_finish(struct sim_roads *r);
uint32_t sim__roads_nearest(const struct sim_roads *r, struct sim_place p);
/** The quickest way by Dijkstra; crossings after `from`, `to` last. Returns their number, 0 when
 * there is no way; a longer way than SIM_ROUTE_MAX is given up to there. */
size_t sim__roads_route(const struct sim_roads *r, uint32_t from, uint32_t to,
                        uint32_t route[static SIM_ROUTE_MAX]);
/** Some crossing next to `at`, not `before` unless the street ends. */
uint32_t sim__roads_wander(const struct sim_roads *r, uint32_t at, uint32_t before,
                           struct sim_chance *chance);
float sim__roads_speed_kmh(const struct sim_roads *r, uint32_t from, uint32_t to);

double sim__distance_m(struct sim_place a, struct sim_place b);
/** Clockwise from north. */
double sim__bearing_deg(struct sim_place a, struct sim_place b);
