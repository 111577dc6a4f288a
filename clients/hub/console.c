/* SPDX-License-Identifier: Apache-2.0 */
#include <libwebsockets.h>

#include "clients/hub/hub_int.h"

#define FRAMES_PER_TURN  8 /* to one console, before the others get theirs */
#define SESSION_CHECK_US (10 * TC_SEC)
#define VERSION_TEXT     TOCSIN_VERSION

static enum tc_view view_of(const struct conn *c)
{
    return tc_hub_role_view(c->who.role);
}

void hub__console_open(struct conn *c)
{
    c->is_console = true;
    c->console = (struct console){.state = CONSOLE_NEW, .checked_us = tc_clock_monotonic_us()};
    c->in_max = tc_hub_role_body_bytes_max(c->who.role);
    tc_metric_inc(&hub__m_consoles, 1);
}

void hub__console_close(struct conn *c)
{
    struct console *k = &c->console;
    for (; k->out_count; k->out_count--) {
        tc_blob_unref(k->out[k->out_head]);
        k->out_head = (k->out_head + 1) % HUB_OUT_MAX;
    }
    hub__snapshot_drop(c->hub, k->snapshot);
    k->snapshot = NULL;
    tc_metric_inc(&hub__m_consoles, -1);
}

void hub__console_send(struct conn *c, struct tc_blob *frame)
{
    struct console *k = &c->console;
    if (!frame) {
        return;
    }
    if (k->out_count == HUB_OUT_MAX) {
        tc_blob_unref(frame);
        c->is_closing = true; /* answers must not be lost in silence */
    } else {
        k->out[(k->out_head + k->out_count++) % HUB_OUT_MAX] = frame;
    }
    hub__conn_writable(c);
}

static struct tc_blob *hello(struct conn *c)
{
    struct tc_hub *h = c->hub;
    struct tc_buf b = {0};
    hub__frame_begin(&b);
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "t", "hello");
    tc_jw_key(&b, "world");
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "uuid", h->world.uuid);
    tc_jw_pair_bool(&b, "is_exercise", h->world.is_exercise);
    tc_jw_close(&b, '}');
    tc_jw_pair_u64(&b, "epoch", h->world.epoch);
    tc_jw_pair_u64(&b, "seq", h->fan.flushed_seq);
    tc_jw_pair_text(&b, "user", c->who.name);
    tc_jw_pair_text(&b, "role", tc_hub_role_name(c->who.role));
    tc_jw_key(&b, "site");
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "zh", h->site_zh);
    tc_jw_pair_text(&b, "en", h->site_en);
    tc_jw_close(&b, '}');
    tc_jw_pair_bool(&b, "is_sample", h->is_sample);
    tc_jw_pair_text(&b, "version", VERSION_TEXT);
    tc_jw_pair_i64(&b, "now", hub__now_us());
    tc_jw_close(&b, '}');
    struct tc_blob *frame = hub__frame_end(&b);
    tc_buf_finish(&b);
    return frame;
}

static struct tc_blob *fault_frame(const char *what, uint64_t seq, const char *detail)
{
    struct tc_buf b = {0};
    hub__frame_begin(&b);
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "t", "fault");
    tc_jw_pair_text(&b, "what", what);
    tc_jw_pair_u64(&b, "seq", seq);
    tc_jw_pair_text(&b, "detail", detail);
    tc_jw_close(&b, '}');
    struct tc_blob *frame = hub__frame_end(&b);
    tc_buf_finish(&b);
    return frame;
}

static struct tc_blob *resync_frame(void)
{
    struct tc_buf b = {0};
    hub__frame_begin(&b);
    tc_buf_text(&b, "{\"t\":\"resync\"}");
    struct tc_blob *frame = hub__frame_end(&b);
    tc_buf_finish(&b);
    return frame;
}

static void begin_snapshot(struct conn *c)
{
    struct console *k = &c->console;
    hub__snapshot_drop(c->hub, k->snapshot);
    k->snapshot = hub__snapshot_take(c->hub, view_of(c));
    k->snapshot_at = 0;
    k->delta = k->snapshot->delta;
    k->state = CONSOLE_SNAPSHOT;
}

static void begin_resync(struct conn *c)
{
    tc_metric_inc(&hub__m_resync, 1);
    hub__console_send(c, resync_frame());
    begin_snapshot(c);
}

static void resume(struct conn *c, uint64_t epoch, uint64_t seq)
{
    struct tc_hub *h = c->hub;
    hub__fan_flush(h);
    hub__console_send(c, hello(c));
    if (h->fault[0]) {
        hub__console_send(c, fault_frame("digest", h->follower->seq, h->fault));
    }
    uint64_t index = 0;
    if (seq != 0 && epoch == h->world.epoch && hub__fan_find(h, seq, &index) &&
        !hub__fan_is_too_far(h, index, view_of(c))) {
        hub__snapshot_drop(h, c->console.snapshot);
        c->console.snapshot = NULL;
        c->console.delta = index;
        c->console.state = CONSOLE_LIVE;
    } else {
        begin_snapshot(c);
    }
    hub__conn_writable(c);
}

static bool receive(struct conn *c, struct tc_str text)
{
    struct tc_jr r = tc_jr_init(text);
    struct tc_str t = {0};
    uint64_t epoch = 0;
    uint64_t seq = 0;
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &c->arena);
            if (tc_str_is(key, "t")) {
                t = tc_jr_str(&r, &c->arena);
            } else if (tc_str_is(key, "epoch")) {
                epoch = tc_jr_u64(&r);
            } else if (tc_str_is(key, "seq")) {
                seq = tc_jr_u64(&r);
            } else {
                (void)tc_jr_skip(&r);
            }
        }
    }
    if (tc_str_is(t, "command")) {
        hub__command(c, text); /* says itself what is wrong with it */
        return true;
    }
    if (!tc_jr_is_done(&r)) {
        return false;
    }
    if (tc_str_is(t, "resume")) {
        resume(c, epoch, seq);
    }
    return tc_str_is(t, "resume") || tc_str_is(t, "ack");
}

bool hub__console_receive(struct conn *c)
{
    hub__who_used(c->hub, &c->who);
    tc_arena_reset(&c->arena);
    bool is_fine = receive(c, tc_buf_str(&c->in));
    if (!is_fine) {
        tc_metric_inc(&hub__m_bad_frames, 1);
    }
    return is_fine && !c->is_closing;
}

/** The next frame for this console, with one reference; NULL when it has all. */
static struct tc_blob *next_frame(struct conn *c)
{
    struct console *k = &c->console;
    struct tc_hub *h = c->hub;
    if (k->out_count) {
        struct tc_blob *frame = k->out[k->out_head];
        k->out_head = (k->out_head + 1) % HUB_OUT_MAX;
        k->out_count--;
        return frame;
    }
    if (k->is_tick_due && h->tick_frame && k->state != CONSOLE_NEW) {
        k->is_tick_due = false;
        return tc_blob_ref(h->tick_frame);
    }
    if (k->state == CONSOLE_SNAPSHOT) {
        struct tc_blob *frame = hub__snapshot_frame(h, k->snapshot, k->snapshot_at++);
        if (frame) {
            return tc_blob_ref(frame);
        }
        hub__snapshot_drop(h, k->snapshot);
        k->snapshot = NULL;
        k->state = CONSOLE_LIVE;
    }
    if (k->state != CONSOLE_LIVE || k->delta == h->fan.head) {
        return NULL;
    }
    if (hub__fan_is_too_far(h, k->delta, view_of(c))) {
        begin_resync(c);
        return next_frame(c);
    }
    return tc_blob_ref(h->fan.deltas[k->delta++ % HUB_DELTAS_MAX].frames[view_of(c)]);
}

bool hub__console_writable(struct conn *c)
{
    if (c->is_closing) {
        return false;
    }
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        if (i > 0 && lws_send_pipe_choked(c->wsi)) {
            break;
        }
        struct tc_blob *frame = next_frame(c);
        if (!frame) {
            return true;
        }
        /* The library writes the frame's header into the room in front: the same for everybody. */
        size_t len = frame->len - HUB_FRAME_ROOM;
        int sent = lws_write(c->wsi, frame->bytes + HUB_FRAME_ROOM, len, LWS_WRITE_TEXT);
        tc_blob_unref(frame);
        if (sent < (int)len) {
            return false;
        }
        tc_metric_inc(&hub__m_frames, 1);
        tc_metric_inc(&hub__m_bytes, (int64_t)len);
    }
    hub__conn_writable(c);
    return true;
}

void hub__consoles_changed(struct tc_hub *h)
{
    for (struct conn *c = h->conns; c; c = c->next) {
        if (c->is_console && c->console.state == CONSOLE_LIVE) {
            hub__conn_writable(c);
        }
    }
}

void hub__consoles_fault(struct tc_hub *h, const char *what, uint64_t seq, const char *detail)
{
    struct tc_blob *frame = fault_frame(what, seq, detail);
    for (struct conn *c = h->conns; c; c = c->next) {
        if (c->is_console && c->console.state != CONSOLE_NEW) {
            hub__console_send(c, tc_blob_ref(frame));
        }
    }
    tc_blob_unref(frame);
}

static struct tc_blob *tick_frame(struct tc_hub *h)
{
    struct tc_buf b = {0};
    hub__frame_begin(&b);
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "t", "tick");
    tc_jw_pair_i64(&b, "now", hub__now_us());
    tc_jw_pair_u64(&b, "seq", h->follower->seq);
    hub__health_refresh(h, &b);
    tc_jw_close(&b, '}');
    struct tc_blob *frame = hub__frame_end(&b);
    tc_buf_finish(&b);
    return frame;
}

void hub__consoles_tick(struct tc_hub *h)
{
    tc_blob_unref(h->tick_frame);
    h->tick_frame = tick_frame(h);
    int64_t now_us = tc_clock_monotonic_us();
    for (struct conn *c = h->conns; c; c = c->next) {
        if (!c->is_console) {
            continue;
        }
        c->console.is_tick_due = true;
        if (now_us - c->console.checked_us > SESSION_CHECK_US) {
            c->console.checked_us = now_us;
            struct tc_access_entry who;
            c->is_closing = c->is_closing || !hub__who_is_hash(h, c->who.hash, &who);
        }
        hub__conn_writable(c);
    }
}
