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
struct tc_locator;
struct tc_crs_table;

struct tc_world_section; /* the section's own struct: tables and indexes (dispatch/world.h) */
extern const struct tc_section tc_world_section_table;

/** What decide may look at besides the model. All borrowed; any may be NULL: places stay empty. */
struct tc_dispatch {
    const struct tc_gis *gis;
    struct tc_locator *locator; /* the ingest thread's own */
    const struct tc_crs_table *crs;
};
extern const struct tc_part tc_dispatch_part; /* self: struct tc_dispatch */

/** Every code that dispatch gives as a reason, a doubt or a refusal, with its words. */
struct tc_dispatch_code {
    const char *code;
    const char *zh;
    const char *en;
};
extern const struct tc_dispatch_code tc_dispatch_codes[]; /* code NULL at the end */
