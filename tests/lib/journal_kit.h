/* SPDX-License-Identifier: Apache-2.0 */
/** tests/lib/journal_kit.h - directories, random events and an owner for journal tests. */
#pragma once

#include <pthread.h>

#include "core/journal/journal.h"

#define KIT_AT_US INT64_C(1795219200000000) /* 2026-11-21 00:00 UTC */

/** A new empty directory under /tmp, removed with everything in it by kit_dir_remove. */
void kit_dir_make(char out[static 64]);
void kit_dir_remove(const char *dir);

uint64_t kit_random(uint64_t *state);
/** A body of any kind, every field drawn, within its limits. */
void *kit_body(uint64_t *state, enum tc_kind kind, struct tc_arena *a);
/** `count` events from `first_seq` on: kinds drawn, or all `kind` when it is not 0. */
struct tc_batch *kit_batch(uint64_t *state, uint64_t first_seq, size_t count, enum tc_kind kind,
                           int64_t at_us);
/** Whole event as text, header, key and personal fields too. */
void kit_event_text(struct tc_buf *b, const struct tc_event *e);

/** An owner that waits for what it appended. */
struct kit_owner {
    struct tc_journal *journal;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t durable_seq;
    size_t batches_back;
    size_t appended;
    size_t failures; /* calls with an error */
    size_t calls_after_failure;
    bool is_in_order;
    uint64_t ended_seq; /* last event of the last batch that ended a segment */
    size_t ended_count;
    void (*on_seq)(void *ctx, uint64_t seq); /* may be NULL; journal thread */
    void *ctx;
};
/** Opens and starts; asserts that it worked. */
void kit_open(struct kit_owner *o, const char *dir, int64_t segment_bytes_max);
TC_MUST_USE tc_err kit_try_open(struct kit_owner *o, const char *dir, int64_t segment_bytes_max,
                                char why[static TC_WHY_MAX]);
/** Appends; destroys the batch when refused. */
TC_MUST_USE tc_err kit_append(struct kit_owner *o, struct tc_batch *b);
/** Until everything appended came back, one way or the other. */
void kit_wait(struct kit_owner *o);
void kit_close(struct kit_owner *o);
/** Appends `events` random events in batches of up to 7, waits. Fills `texts` when not NULL. */
void kit_fill(struct kit_owner *o, uint64_t *state, uint64_t first_seq, size_t events,
              struct tc_buf *texts);
/** Every event after `after`, as text; returns the last seq. Asserts that there is no gap. */
uint64_t kit_read_all(const char *dir, uint64_t after, struct tc_buf *texts);
