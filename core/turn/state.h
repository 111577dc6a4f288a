/* SPDX-License-Identifier: Apache-2.0 */
/** core/turn/state.h - inside of core/turn only: the turn section's struct and its look-ups. */
#pragma once

#include "core/turn/turn.gen.h"
#include "core/turn/turn.h"

enum { TURN_SOURCES, TURN_TIMERS, TURN_OUTBOX, TURN_SEEN, TURN_RESULTS, TURN_TABLES };

#define TURN_SOURCES_MAX 256u
#define TURN_TIMERS_MAX  200000u
#define TURN_OUTBOX_MAX  10000u
#define TURN_SEEN_MAX    32768u /* per source */
#define TURN_RESULTS_MAX 10000u

/** Ids in order of coming; the oldest goes first. */
struct id_queue {
    uint64_t *ids;
    size_t head, count, room;
};

struct seen_queue {
    uint64_t source;
    struct id_queue queue;
};

struct timer_entry {
    int64_t due_us;
    uint64_t id;
};

struct turn_state {
    struct tc_table tables[TURN_TABLES];
    /* indexes, rebuilt by after_load */
    struct tc_map seen_by_key;   /* hash of source and key -> newest item */
    struct tc_map result_by_key; /* hash of who and command id -> item */
    struct seen_queue seen[TURN_SOURCES_MAX];
    size_t seen_count;
    struct id_queue results;
    struct timer_entry *heap; /* earliest first; entries of removed timers are skipped */
    size_t heap_count, heap_room;
};

uint64_t turn__command_key(struct tc_str who, struct tc_str id);
const struct tc_seen_key *turn__find_seen(const struct turn_state *s, uint64_t source,
                                          uint64_t key);
const struct tc_command_result *turn__find_result(const struct turn_state *s, struct tc_str who,
                                                  struct tc_str id);
/** The earliest timer, or NULL. Drops dead heap entries. */
const struct tc_timer *turn__next_timer(struct turn_state *s);
const struct tc_source *turn__find_source(const struct turn_state *s, struct tc_str name);
/** Do two radio addresses mean the same radio? Digits; a short one is completed by the network. */
bool turn__same_address(struct tc_str a, struct tc_str b);
