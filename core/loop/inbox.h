/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/inbox.h - how one thread hands work to another: a bounded list behind a mutex and one
 * uv_async. Calls of uv_async_send merge, so the receiver always takes everything.
 */
#pragma once

#include <uv.h>

#include "core/base/err.h"

/** First member of whatever is handed over. */
struct tc_inbox_item {
    struct tc_inbox_item *next;
};

struct tc_inbox;
typedef void (*tc_inbox_fn)(void *ctx, struct tc_inbox_item *items);

struct tc_inbox {
    uv_async_t async;
    uv_mutex_t mutex;
    struct tc_inbox_item *first;
    struct tc_inbox_item **last;
    size_t count;
    size_t count_max;
    bool is_closed;       /* posting is still fine; tc_inbox_finish returns what came */
    tc_inbox_fn on_items; /* loop thread: owns the list from then on, in order of posting */
    void *ctx;
};

TC_MUST_USE tc_err tc_inbox_init(struct tc_inbox *in, uv_loop_t *loop, size_t count_max,
                                 tc_inbox_fn on_items, void *ctx);
/** Any thread. TC_EFULL past the limit: the item stays the caller's. */
TC_MUST_USE tc_err tc_inbox_post(struct tc_inbox *in, struct tc_inbox_item *item);
/** What waits, in order; the caller's from then on. Any thread, but on_items may run too. */
struct tc_inbox_item *tc_inbox_take(struct tc_inbox *in);
size_t tc_inbox_count(struct tc_inbox *in);
/** Loop thread; then run the loop until its handles are closed, then tc_inbox_finish. */
void tc_inbox_close(struct tc_inbox *in);
/** Frees the mutex; returns what nobody took. */
struct tc_inbox_item *tc_inbox_finish(struct tc_inbox *in);
