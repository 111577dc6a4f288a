/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/hub/lane.h - one thread with one bounded inbox: what may block, away from the hub's loop.
 *
 * A job runs on the lane, then waits until the hub's thread takes it back with tc_hub_lane_done.
 */
#pragma once

#include <pthread.h>

#include "core/base/err.h"

struct tc_hub_job {
    struct tc_hub_job *next;
    void (*run)(void *lane_ctx, struct tc_hub_job *job); /* lane thread */
    void (*done)(void *hub, struct tc_hub_job *job);     /* hub thread; frees the job */
};

struct tc_hub_lane {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct tc_hub_job *first, *last;           /* to run */
    struct tc_hub_job *done_first, *done_last; /* to take back */
    size_t count;
    size_t count_max;
    bool is_stopping;
    bool is_started;
    void *ctx;                  /* handed to run */
    void (*on_done)(void *arg); /* lane thread: something can be taken back */
    void *on_done_arg;
};

/** ctx, count_max and on_done are set by the caller before. */
TC_MUST_USE tc_err tc_hub_lane_start(struct tc_hub_lane *l);
/** TC_EFULL: not taken. Takes the job otherwise. */
TC_MUST_USE tc_err tc_hub_lane_post(struct tc_hub_lane *l, struct tc_hub_job *job);
/** Calls done of every finished job. Hub thread. */
void tc_hub_lane_take_back(struct tc_hub_lane *l, void *hub);
/** Runs what was posted, joins, and calls done of the rest. */
void tc_hub_lane_stop(struct tc_hub_lane *l, void *hub);
