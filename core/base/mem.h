/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/mem.h - the only place that calls malloc, and the four lifetimes' allocators.
 *
 *   for ever  tc_alloc at start        model  tc_pool (base/pool.h)
 *   turn      tc_arena                 shared tc_blob, refcounted and immutable
 *
 * tc_alloc may return NULL; callers that start something return TC_ENOMEM. An arena or a pool that
 * cannot grow aborts: half an applied event is worse than a restart from the journal.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/err.h"

/** Zeroed memory or NULL. */
void *tc_alloc(size_t size_bytes);
void *tc_realloc(void *old, size_t size_bytes);
void tc_free(void *memory);

/** Tests: the n-th allocation from now fails once (1 = the next); 0 switches it off. */
void tc_mem_fail_at(uint64_t n);
uint64_t tc_mem_fails_count(void);

/** Bump allocator; all of it is freed at once. Not for threads. */
struct tc_arena {
    struct tc_arena_chunk *head;
    size_t used_bytes;     /* given out since the last reset */
    size_t reserved_bytes; /* held from the system */
};

/** Zeroed, aligned for anything. Never NULL. */
void *tc_arena_alloc(struct tc_arena *a, size_t size_bytes);
/** A NUL-terminated copy; never NULL. */
char *tc_arena_copy(struct tc_arena *a, const void *bytes, size_t len);
/** Forget everything, keep the first chunk. */
void tc_arena_reset(struct tc_arena *a);
void tc_arena_finish(struct tc_arena *a);

/** One encoded message for many readers. Any thread. */
struct tc_blob {
    _Atomic uint32_t count;
    size_t len;
    uint8_t bytes[];
};
/** Count 1; bytes are copied. NULL only when memory is out. */
struct tc_blob *tc_blob_create(const void *bytes, size_t len);
struct tc_blob *tc_blob_ref(struct tc_blob *b);
/** NULL is fine. */
void tc_blob_unref(struct tc_blob *b);
