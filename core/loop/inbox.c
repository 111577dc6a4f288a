/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/inbox.h"

struct tc_inbox_item *tc_inbox_take(struct tc_inbox *in)
{
    uv_mutex_lock(&in->mutex);
    struct tc_inbox_item *items = in->first;
    in->first = NULL;
    in->last = &in->first;
    in->count = 0;
    uv_mutex_unlock(&in->mutex);
    return items;
}

static void on_async(uv_async_t *async)
{
    struct tc_inbox *in = async->data;
    struct tc_inbox_item *items = tc_inbox_take(in);
    if (items) {
        in->on_items(in->ctx, items);
    }
}

tc_err tc_inbox_init(struct tc_inbox *in, uv_loop_t *loop, size_t count_max, tc_inbox_fn on_items,
                     void *ctx)
{
    in->first = NULL;
    in->last = &in->first;
    in->count = 0;
    in->count_max = count_max;
    in->is_closed = false;
    in->on_items = on_items;
    in->ctx = ctx;
    if (uv_mutex_init(&in->mutex) != 0) {
        return TC_ENOMEM;
    }
    if (uv_async_init(loop, &in->async, on_async) != 0) {
        uv_mutex_destroy(&in->mutex);
        return TC_ENOMEM;
    }
    in->async.data = in;
    return TC_OK;
}

tc_err tc_inbox_post(struct tc_inbox *in, struct tc_inbox_item *item)
{
    tc_err err = TC_EFULL;
    item->next = NULL;
    uv_mutex_lock(&in->mutex);
    if (in->count < in->count_max) {
        *in->last = item;
        in->last = &item->next;
        in->count++;
        err = TC_OK;
        if (!in->is_closed) {
            (void)uv_async_send(&in->async);
        }
    }
    uv_mutex_unlock(&in->mutex);
    return err;
}

size_t tc_inbox_count(struct tc_inbox *in)
{
    uv_mutex_lock(&in->mutex);
    size_t count = in->count;
    uv_mutex_unlock(&in->mutex);
    return count;
}

void tc_inbox_close(struct tc_inbox *in)
{
    uv_mutex_lock(&in->mutex);
    in->is_closed = true;
    uv_mutex_unlock(&in->mutex);
    if (!uv_is_closing((uv_handle_t *)&in->async)) {
        uv_close((uv_handle_t *)&in->async, NULL);
    }
}

struct tc_inbox_item *tc_inbox_finish(struct tc_inbox *in)
{
    struct tc_inbox_item *items = tc_inbox_take(in);
    uv_mutex_destroy(&in->mutex);
    return items;
}
