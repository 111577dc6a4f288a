/* SPDX-License-Identifier: Apache-2.0 */
/** scripts/scenario_int.h - shared by scenario.c and expect.c. */
#pragma once

#include "core/turn/turn.h"
#include "scripts/host.h"
#include "scripts/scenario.h"

#define SCENARIO_BATCHES_MAX 16384u

/** One world, from its first event to its last. */
struct scenario {
    struct tc_model *model;
    struct tc_turn *turn;
    struct tc_script_host *host;
    struct tc_script_options options;
    uint64_t source; /* that readings come from */
    int64_t start_us;
    int64_t now_us;
    struct tc_batch *batches[SCENARIO_BATCHES_MAX];
    size_t batch_count;
    char why[TC_WHY_MAX]; /* the first thing that was not as it should be */
};

void scenario__fail(struct scenario *s, const char *format, ...) TC_PRINTF(2, 3);
/** Event `i` of all, in order, or NULL past the end. */
const struct tc_event *scenario__event(const struct scenario *s, size_t *batch, size_t *index);

/* expect.c */
/** One expectation, as JSON. */
void expect__check(struct scenario *s, struct tc_str expect);
/** Every run, executed again from every prefix of its history, asks the same calls. */
void expect__prefixes(struct scenario *s, struct tc_str plan_source);
