/* SPDX-License-Identifier: Apache-2.0 */
/** dispatch/world_int.h - what the apply_*.c files share. Nothing else of dispatch includes it. */
#pragma once

#include "core/base/hash.h"
#include "dispatch/world.h"

struct world__rule {
    enum tc_kind kind;
    void (*apply)(struct tc_world_section *w, const struct tc_event *e);
};
/* Each ends with kind TC_EV_NONE. */
extern const struct world__rule world__unit_rules[];
extern const struct world__rule world__alarm_rules[];
extern const struct world__rule world__incident_rules[];
extern const struct world__rule world__order_rules[];
extern const struct world__rule world__master_rules[];

/** A text of an event into a fixed array. */
#define WORLD__PUT(array, str) ((void)tc_str_put((array), sizeof(array), (str)))
/** Notes who changed what last: what a command may be stale against. */
#define WORLD__EDIT(item, e, who)                                          \
    do {                                                                   \
        (item)->edit_seq = (e)->seq;                                       \
        WORLD__PUT((item)->edit_kind, tc_str_of(tc_kind_name((e)->kind))); \
        WORLD__PUT((item)->edit_by, (who));                                \
    } while (0)

void *world__find(struct tc_world_section *w, enum tc_world_table table, uint64_t id);
/** A new item of the event, after evicting ended ones when the table is nearly full. */
void *world__add(struct tc_world_section *w, enum tc_world_table table, uint64_t id,
                 const struct tc_event *e);
void world__touch(struct tc_world_section *w, enum tc_world_table table, void *item,
                  const struct tc_event *e);
void world__remove(struct tc_world_section *w, enum tc_world_table table, uint64_t id,
                   const struct tc_event *e);
/** The named counter of the event's day is at least `value`. */
void world__count(struct tc_world_section *w, const char *name, uint32_t day, uint32_t value,
                  const struct tc_event *e);
/** Digits of the last part of "20261121-0042"; its day in *day. */
uint32_t world__number(struct tc_str number, uint32_t *day);

/* Index keys and upkeep (index.c). */
void world__index_unit(struct tc_world_section *w, const struct tc_unit *u);
void world__unindex_unit(struct tc_world_section *w, const struct tc_unit *u);
void world__index_sensor(struct tc_world_section *w, const struct tc_sensor *s);
void world__index_limit(struct tc_world_section *w, const struct tc_limit *l);
void world__index_meaning(struct tc_world_section *w, const struct tc_status_meaning *m);
void world__index_alarm(struct tc_world_section *w, const struct tc_alarm *a);
void world__index_stranger(struct tc_world_section *w, const struct tc_stranger *s);
void world__index_call(struct tc_world_section *w, const struct tc_call *c);
void world__unindex_call(struct tc_world_section *w, const struct tc_call *c);
void world__index_clock(struct tc_world_section *w, const struct tc_clock *c);
void world__unindex_clock(struct tc_world_section *w, const struct tc_clock *c);
void world__set_open(struct tc_world_section *w, uint64_t incident, bool is_open);
/** Everything again, from the tables. */
void world__index_all(struct tc_world_section *w);
void world__forget_indexes(struct tc_world_section *w);
/** Ended items leave, oldest first, when the table is past its high mark (evict.c). */
void world__evict(struct tc_world_section *w, enum tc_world_table table, uint64_t seq);
/** The table's item is over and may be forgotten. */
bool world__is_ended(const struct tc_world_section *w, enum tc_world_table table, const void *item);
