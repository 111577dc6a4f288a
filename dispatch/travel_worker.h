/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dispatch/travel_worker.h - answers travel questions on a lane: its own road graph and scratch
 * over the immutable map, and the closures that were in force when the question was let go.
 */
#pragma once

#include "core/turn/turn.h"

struct tc_gis;
struct tc_travel_worker;

/** A road closure as the lane needs it; texts are owned by the struct. */
struct tc_travel_closure {
    char layer[33];
    char feature[49];
    int32_t lon_e7;
    int32_t lat_e7;
    uint32_t radius_m;
    uint64_t incident; /* whose closure it is: help sent to that incident may enter it */
};

/** Start-up: some ms. `gis` is borrowed. */
TC_MUST_USE tc_err tc_travel_worker_create(const struct tc_gis *gis, struct tc_travel_worker **out,
                                           char why[static TC_WHY_MAX]);
void tc_travel_worker_destroy(struct tc_travel_worker *w);
/** Fills q->results. One thread. */
void tc_travel_worker_answer(struct tc_travel_worker *w, struct tc_travel_question *q,
                             const struct tc_travel_closure *closures, size_t count);
/** Closures out of the live table; returned, freed with tc_free. */
struct tc_travel_closure *tc_travel_closures(const struct tc_table *closures, size_t *count);
