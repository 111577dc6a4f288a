/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/queue.h - inside of core/loop: inputs that wait for a turn, by class. A higher class
 * goes first; only positions are coalesced, and only under pressure.
 */
#pragma once

#include "core/base/metric.h"
#include "core/turn/turn.h"

enum input_class { CLASS_EMERGENCY, CLASS_ORDER, CLASS_READING, CLASS_POSITION, CLASSES };

struct queued {
    struct queued *next;
    struct tc_input input;
    struct tc_obs obs; /* texts stand behind this struct */
    uint64_t place;    /* hash of source and address, for coalescing */
    struct tc_ingest_request *request;
    struct tc_travel_question *answer;
    char text[];
};

struct input_queue {
    struct {
        struct queued *first;
        struct queued **last;
        size_t count;
    } classes[CLASSES];
    struct tc_map latest; /* positions under pressure: place -> struct queued */
    size_t count;
    int64_t oldest_us; /* monotonic, when the oldest input came in; 0 when empty */
};

void queue_init(struct input_queue *q);
void queue_finish(struct input_queue *q);
/** Copies the observation. False when its class is full: counted, lost. */
bool queue_observation(struct input_queue *q, const struct tc_obs *obs, uint64_t source,
                       uint64_t token, int64_t monotonic_us);
bool queue_request(struct input_queue *q, struct tc_ingest_request *r, uint64_t source,
                   int64_t monotonic_us);
void queue_answer(struct input_queue *q, struct tc_travel_question *answer, int64_t monotonic_us);
/** The most urgent input, or NULL; freed with queue_free. */
struct queued *queue_take(struct input_queue *q);
void queue_free(struct queued *item);
/** Sources that can be slowed should be. */
bool queue_is_high(const struct input_queue *q);
bool queue_is_low(const struct input_queue *q);
