/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dispatch/dispatch.h - the world section and the part that decides about it.
 *
 * Everything a duty officer handles: units, reports, incidents, alarms, cases, orders, roads. The
 * section's apply is pure; decide and react look at the live world, the map and the clock they are
 * handed, and emit events.
 */
#pragma once

#include "core/turn/turn.h"
#include "dispatch/world.gen.h"

struct tc_gis;
struct tc_crs_table;

struct tc_world_section; /* the section's own struct: tables and indexes (dispatch/world.h) */
extern const struct tc_section tc_world_section_table;

/** What decide may look at besides the model. All borrowed; NULL gis: no map, places stay empty. */
struct tc_dispatch {
    const struct tc_gis *gis;
    struct tc_crs_table *crs;
};
extern const struct tc_part tc_dispatch_part; /* self: struct tc_dispatch */

/** Units and doubts, roads closed: answered on a lane with its own copy of the map. */
extern const char
    *const tc_dispatch_reason_codes[]; /* every code, NULL-terminated: for translation */
