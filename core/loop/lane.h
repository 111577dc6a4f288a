/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/lane.h - one thread with one bounded inbox, for work too long for a loop. It owns its
 * own contexts (map, database); what it is handed it hands back through `work`.
 */
#pragma once

#include "core/loop/inbox.h"

struct tc_lane;
/** Lane thread: one item; ownership is the worker's. */
typedef void (*tc_lane_fn)(void *ctx, struct tc_inbox_item *item);

TC_MUST_USE tc_err tc_lane_start(size_t count_max, tc_lane_fn work, void *ctx,
                                 struct tc_lane **out);
/** Any thread. TC_EFULL: the item stays the caller's. */
TC_MUST_USE tc_err tc_lane_post(struct tc_lane *lane, struct tc_inbox_item *item);
/** Finishes the item in work, returns the rest undone. */
struct tc_inbox_item *tc_lane_stop(struct tc_lane *lane);
