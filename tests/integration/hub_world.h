/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/integration/hub_world.h - what stands behind the hub in its tests: a real turn with a small
 * world of its own on a thread of its own, whose batches count as durable at once.
 */
#pragma once

#include <pthread.h>

#include "clients/hub/hub.h"

enum world_deed { DEED_UNIT = 1, DEED_POSITION, DEED_ALARM, DEED_QUESTION, DEED_UNIT_GONE };

struct world_input {
    struct world_input *next;
    struct tc_hub_command *command; /* or a deed: */
    enum world_deed deed;
    uint64_t unit;
    int32_t lon_e7;
};

struct hub_world {
    struct tc_hub *hub;
    struct tc_world world;
    struct tc_model *live;
    struct tc_turn *turn;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct world_input *first, *last;
    size_t count;
    size_t count_max; /* past it submit says TC_EFULL */
    bool is_stopping;
    bool is_busy;
    uint64_t batches;
    bool spoils_digest; /* the next batch carries a wrong one */
    bool is_deaf;       /* takes commands and never answers */
    _Atomic uint64_t seq;
    char stopped[64]; /* told by health */
    struct tc_blob *layer;
};

/** Makes models and ports, starts hub and thread. */
tc_err hub_world_start(struct hub_world *w, const struct tc_hub_options *options,
                       const struct tc_hub_intake *intakes, size_t intake_count,
                       char why[static TC_WHY_MAX]);
void hub_world_stop(struct hub_world *w);
void hub_world_do(struct hub_world *w, enum world_deed deed, uint64_t unit, int32_t lon_e7);
/** Until every input given so far was applied by the hub's follower. */
void hub_world_settle(struct hub_world *w);
