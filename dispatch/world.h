/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dispatch/world.h - the world section's struct and its look-ups.
 *
 * decide and react look through these functions at the live model; plans and views may too. Only
 * the apply_*.c files change anything. What is not a table here is an index that after_load makes
 * again.
 */
#pragma once

#include "dispatch/dispatch.h"

/*     id, table name, most items, goes to consoles */
#define TC_WORLD_MAP(X)                           \
    X(UNIT, unit, 20000, true)                    \
    X(RECIPIENT, recipient, 5000, true)           \
    X(SENSOR, sensor, 100000, true)               \
    X(LIMIT, limit, 20000, true)                  \
    X(ALARM, alarm, 20000, true)                  \
    X(CASE, case, 20000, true)                    \
    X(REPORT, report, 20000, true)                \
    X(INCIDENT, incident, 5000, true)             \
    X(RECOMMENDATION, recommendation, 5000, true) \
    X(ASSIGNMENT, assignment, 20000, true)        \
    X(ORDER, order, 20000, true)                  \
    X(RUN_CARD, run_card, 1000, true)             \
    X(STATUS_MEANING, status_meaning, 2000, true) \
    X(INCIDENT_TYPE, incident_type, 500, true)    \
    X(SERVICE, service, 2000, true)               \
    X(CLOSURE, closure, 2000, true)               \
    X(CLOCK, clock, 20000, true)                  \
    X(CALL, call, 2000, true)                     \
    X(STRANGER, stranger, 4096, true)             \
    X(MAP_LAYER, map_layer, 64, true)             \
    X(COUNTER, counter, 64, false)

enum tc_world_table {
#define X(id, name, max, viewed) TC_WORLD_##id,
    TC_WORLD_MAP(X)
#undef X
        TC_WORLD_TABLES
};

struct tc_world_section {
    struct tc_table tables[TC_WORLD_TABLES];
    /* Indexes; a key is a hash that the item found must confirm. */
    struct tc_map unit_by_address;
    struct tc_map sensor_by_key;
    struct tc_map limit_by_key;
    struct tc_map meaning_by_key;
    struct tc_map emergency_by_address; /* newest emergency alarm of a radio */
    struct tc_map device_alarm_by_key;  /* open alarm that a device raised by itself */
    struct tc_map stranger_by_address;
    struct tc_map call_by_key;
    struct tc_map clock_by_timer;
    struct tc_map clock_by_key;
    uint64_t *open_incidents; /* ids, ascending */
    size_t open_count;
    size_t open_room;
};

/** The section of a model. */
const struct tc_world_section *tc_world_of(const struct tc_model *m);

#define X(id, name, max, viewed)                                                            \
    static inline const struct tc_##name *tc_world_##name(const struct tc_world_section *w, \
                                                          uint64_t item_id)                 \
    {                                                                                       \
        return tc_table_find(&w->tables[TC_WORLD_##id], item_id);                           \
    }
TC_WORLD_MAP(X)
#undef X

/** for (const struct tc_unit *u, in order of place): decide breaks ties by id, never by place. */
#define TC_WORLD_EACH(w, id, type, name) TC_POOL_EACH(&(w)->tables[id].pool, const type, name)

/** Room for `n` more? Ended items that apply would evict count as room. */
bool tc_world_has_room(const struct tc_world_section *w, enum tc_world_table table, size_t n);

/** By radio address: MCC MNC SSI or SSI; NULL when no unit carries it. */
const struct tc_unit *tc_world_unit_of(const struct tc_world_section *w, struct tc_str address);
const struct tc_unit *tc_world_unit_called(const struct tc_world_section *w, const char *call_sign);
/** The first registered sensor of a device and factor, whatever its source. */
const struct tc_sensor *tc_world_sensor_named(const struct tc_world_section *w,
                                              struct tc_str device, struct tc_str factor);
/** By the source's name, device and factor; a sensor without a source answers for any. */
const struct tc_sensor *tc_world_sensor_of(const struct tc_world_section *w, struct tc_str source,
                                           struct tc_str device, struct tc_str factor);
/** The n-th limit of a sensor (0 for those of a factor), NULL past the last. */
const struct tc_limit *tc_world_limit_at(const struct tc_world_section *w, uint64_t sensor,
                                         struct tc_str factor, uint32_t n);
/** The network's own meaning first, then the one for any network; NULL when none. */
const struct tc_status_meaning *tc_world_meaning_of(const struct tc_world_section *w,
                                                    struct tc_str network, uint32_t code);
/** Newest emergency of a radio, open or not. */
const struct tc_alarm *tc_world_emergency_of(const struct tc_world_section *w,
                                             struct tc_str address);
/** Open alarm that a device raised by itself. */
const struct tc_alarm *tc_world_device_alarm_of(const struct tc_world_section *w, uint64_t sensor,
                                                struct tc_str kind);
const struct tc_stranger *tc_world_stranger_of(const struct tc_world_section *w,
                                               struct tc_str address);
const struct tc_call *tc_world_call_of(const struct tc_world_section *w, uint64_t link,
                                       uint32_t instance);
const struct tc_clock *tc_world_clock_of_timer(const struct tc_world_section *w, uint64_t timer);
/** A running clock of the subject by name, or NULL. */
const struct tc_clock *tc_world_clock_of(const struct tc_world_section *w, uint64_t subject,
                                         struct tc_str name);
const struct tc_incident_type *tc_world_type_of(const struct tc_world_section *w,
                                                struct tc_str code);
const struct tc_service *tc_world_service_of(const struct tc_world_section *w, struct tc_str code);
/** The card for type and grade, else for the type with any grade; NULL when none. */
const struct tc_run_card *tc_world_run_card_of(const struct tc_world_section *w, struct tc_str type,
                                               enum tc_grade grade);
/** Last number given on local day YYYYMMDD. */
uint32_t tc_world_count_of(const struct tc_world_section *w, const char *name, uint32_t day);
/** YYYYMMDD in Asia/Shanghai. */
uint32_t tc_world_day(int64_t at_us);
/** Square of the straight-line distance in metres; good to 1 % within a city. */
double tc_world_distance2(int32_t lon_a_e7, int32_t lat_a_e7, int32_t lon_b_e7, int32_t lat_b_e7);
/** Free to be sent: on duty, no open assignment, state available or not known to be otherwise. */
bool tc_world_unit_is_free(const struct tc_unit *u);
