/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/lane.h"

#include "core/base/mem.h"
#include "core/base/thread.h"

struct tc_lane {
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct tc_inbox_item *first;
    struct tc_inbox_item **last;
    size_t count;
    size_t count_max;
    bool stops;
    tc_lane_fn work;
    void *ctx;
};

static struct tc_inbox_item *next_item(struct tc_lane *lane)
{
    uv_mutex_lock(&lane->mutex);
    while (!lane->first && !lane->stops) {
        uv_cond_wait(&lane->wake, &lane->mutex);
    }
    struct tc_inbox_item *item = lane->stops ? NULL : lane->first;
    if (item) {
        lane->first = item->next;
        lane->count--;
        if (!lane->first) {
            lane->last = &lane->first;
        }
    }
    uv_mutex_unlock(&lane->mutex);
    return item;
}

static void run(void *arg)
{
    tc_thread_name("lane");
    struct tc_lane *lane = arg;
    struct tc_inbox_item *item = NULL;
    while ((item = next_item(lane)) != NULL) {
        lane->work(lane->ctx, item);
    }
}

tc_err tc_lane_start(size_t count_max, tc_lane_fn work, void *ctx, struct tc_lane **out)
{
    struct tc_lane *lane = tc_alloc(sizeof *lane);
    if (!lane) {
        return TC_ENOMEM;
    }
    lane->last = &lane->first;
    lane->count_max = count_max;
    lane->work = work;
    lane->ctx = ctx;
    TC_REQUIRE(uv_mutex_init(&lane->mutex) == 0 && uv_cond_init(&lane->wake) == 0);
    if (uv_thread_create(&lane->thread, run, lane) != 0) {
        uv_cond_destroy(&lane->wake);
        uv_mutex_destroy(&lane->mutex);
        tc_free(lane);
        return TC_ENOMEM;
    }
    *out = lane;
    return TC_OK;
}

tc_err tc_lane_post(struct tc_lane *lane, struct tc_inbox_item *item)
{
    tc_err err = TC_EFULL;
    item->next = NULL;
    uv_mutex_lock(&lane->mutex);
    if (lane->count < lane->count_max) {
        *lane->last = item;
        lane->last = &item->next;
        lane->count++;
        err = TC_OK;
        uv_cond_signal(&lane->wake);
    }
    uv_mutex_unlock(&lane->mutex);
    return err;
}

struct tc_inbox_item *tc_lane_stop(struct tc_lane *lane)
{
    if (!lane) {
        return NULL;
    }
    uv_mutex_lock(&lane->mutex);
    lane->stops = true;
    uv_cond_signal(&lane->wake);
    uv_mutex_unlock(&lane->mutex);
    (void)uv_thread_join(&lane->thread);
    struct tc_inbox_item *rest = lane->first;
    uv_cond_destroy(&lane->wake);
    uv_mutex_destroy(&lane->mutex);
    tc_free(lane);
    return rest;
}
