/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/turn/model.h - the model as a list of sections, and the tables that sections are made of.
 *
 * Two models live in the process: the live one, which decide looks at, and the follower's, which
 * applies durable events only. Both are the same sections, applied in registered order.
 */
#pragma once

#include "core/base/pool.h"
#include "core/event/event.h"

/**
 * One kind of item. Items are generated `model` structs: id, changed_seq, then the fields.
 * `changed` lists ids touched since it was last cleared; it is a projection (the follower's views
 * use it) and in no digest.
 */
struct tc_table {
    const char *name; /* "unit": as in views, plans and snapshots */
    const struct tc_record *record;
    struct tc_pool pool;
    bool is_viewed;   /* goes to consoles */
    bool keeps_track; /* fill `changed` */
    uint64_t *changed;
    size_t changed_count;
    size_t changed_room;
    uint64_t touched_last; /* newest seq that touched it */
};

void tc_table_init(struct tc_table *t, const char *name, const struct tc_record *record,
                   size_t count_max, bool is_viewed);
void tc_table_finish(struct tc_table *t);
/** For apply: a new zeroed item, touched. */
void *tc_table_add(struct tc_table *t, uint64_t id, uint64_t seq);
/** NULL when absent. Const look-ups are for decide; apply casts nothing, it has the table. */
void *tc_table_find(const struct tc_table *t, uint64_t id);
/** For apply: the item changed in event `seq`. */
void tc_table_touch(struct tc_table *t, void *item, uint64_t seq);
void tc_table_remove(struct tc_table *t, uint64_t id, uint64_t seq);
void tc_table_clear_changed(struct tc_table *t);
/** Independent of the order of items. */
uint64_t tc_table_digest(const struct tc_table *t);
/** Lines "name<TAB>{json}\n". */
void tc_table_save(const struct tc_table *t, struct tc_buf *out);
TC_MUST_USE tc_err tc_table_load_item(struct tc_table *t, struct tc_str json, struct tc_arena *a,
                                      char why[static TC_WHY_MAX]);

/**
 * A part of the state. `self` is the section's own struct; one per model. A section is its tables:
 * digest, save and load are the same for all of them (model.c), and `after_load` rebuilds indexes.
 */
struct tc_section {
    const char *name;
    size_t self_size;
    void (*init)(void *self);
    void (*finish)(void *self);
    /** Pure: no clock, no I/O, no libm; never refuses. */
    void (*apply)(void *self, const struct tc_event *e);
    /** The section's tables, in fixed order. */
    struct tc_table *(*tables)(void *self, size_t *count);
    void (*after_load)(void *self); /* may be NULL */
};

#define TC_SECTIONS_MAX 4u

struct tc_model {
    const struct tc_section *sections[TC_SECTIONS_MAX];
    void *selves[TC_SECTIONS_MAX];
    size_t section_count;
    uint64_t seq;  /* last event applied */
    int64_t at_us; /* its time */
};

/** `sections` is NULL-terminated and borrowed for ever. */
struct tc_model *tc_model_create(const struct tc_section *const *sections);
void tc_model_destroy(struct tc_model *m);
/** Events in order, without a gap. */
void tc_model_apply(struct tc_model *m, const struct tc_event *e);
uint64_t tc_model_digest(const struct tc_model *m);
/** The named table of any section, or NULL. */
struct tc_table *tc_model_table(const struct tc_model *m, const char *name);
/** The section's struct; the name must exist. */
void *tc_model_self(const struct tc_model *m, const char *section);
/** Calls `each` for every table of every section. */
void tc_model_tables(const struct tc_model *m, void (*each)(void *ctx, struct tc_table *t),
                     void *ctx);
/** Text form for checkpoints and snapshots. */
void tc_model_save(const struct tc_model *m, struct tc_buf *out);
/** Into a fresh model. */
TC_MUST_USE tc_err tc_model_load(struct tc_model *m, struct tc_str text,
                                 char why[static TC_WHY_MAX]);
