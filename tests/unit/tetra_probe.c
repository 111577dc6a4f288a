/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tetra_probe.h"

static const char *kind_name(enum tc_obs_kind kind)
{
    static const char *const names[] = {
        "NONE",     "LINK_UP",   "LINK_DOWN",  "POSITION",    "HEARD",    "STATUS",
        "TEXT",     "EMERGENCY", "CALL_START", "CALL_TALKER", "CALL_END", "SENT",
        "DELIVERY", "READING",   "ALARM",      "CASE",        "REPORT",   "REJECTED"};
    return names[kind];
}

static void keep_bytes(void *ctx, const void *bytes, size_t len)
{
    struct probe *p = ctx;
    tc_buf_put(&p->wire, bytes, len);
}

static void put_text(struct tc_buf *b, const char *key, struct tc_str s)
{
    if (s.len) {
        assert_true(tc_str_is_utf8(s));
        tc_buf_format(b, " %s=\"%.*s\"", key, (int)s.len, s.at);
    }
}

static void put_number(struct tc_buf *b, const char *key, int64_t value, int64_t absent)
{
    if (value != absent) {
        tc_buf_format(b, " %s=%lld", key, (long long)value);
    }
}

static void keep_obs(void *ctx, const struct tc_obs *o)
{
    struct probe *p = ctx;
    struct tc_buf *b = &p->said;
    p->count++;
    tc_buf_text(b, kind_name(o->kind));
    put_text(b, "from", o->address);
    put_text(b, "to", o->group);
    if (o->has_position) {
        tc_buf_format(b, " at=%lld,%lld", (long long)o->x_e7, (long long)o->y_e7);
    }
    put_number(b, "speed", o->speed_cms, UINT32_MAX);
    put_number(b, "heading", o->heading_deg, UINT16_MAX);
    put_number(b, "reason", o->reason, UINT16_MAX);
    put_number(b, "error", o->error_m, 0);
    put_number(b, "age", o->age_s, 0);
    put_number(b, "occurred", o->occurred_us, 0);
    put_number(b, "code", o->code, 0);
    put_number(b, "cause", o->cause, 0);
    put_number(b, "ok", o->is_ok, 0);
    put_number(b, "sign", o->sign, 0);
    put_number(b, "inst", o->instance, 0);
    put_number(b, "prio", o->priority, 0);
    put_number(b, "window", o->key_window_us, 0);
    put_number(b, "ref", o->ref, 0);
    put_number(b, "message", o->message_ref, 0);
    put_text(b, "text", o->text);
    put_text(b, "network", o->network);
    put_text(b, "lenient", o->lenient);
    tc_buf_byte(b, '\n');
    p->last_key = o->key;
    if (o->kind == TC_OBS_TEXT || o->kind == TC_OBS_POSITION || o->kind == TC_OBS_HEARD) {
        p->last_ref = o->ref;
    }
    tc_buf_clear(&p->detail);
    tc_buf_put_str(&p->detail, o->detail);
}

struct probe *probe_create(const char *profile, const char *param, bool wants_detail)
{
    struct probe *p = tc_alloc(sizeof *p);
    p->driver = tc_driver_find(TC_STR("tetra_pei"));
    assert_non_null(p->driver);
    p->self = tc_alloc(p->driver->self_size);
    p->now_us = PROBE_START_US;
    p->options.profile = tc_str_of(profile);
    p->options.param = tc_str_of(param);
    p->out = (struct tc_driver_out){.ctx = p,
                                    .bytes = keep_bytes,
                                    .observe = keep_obs,
                                    .arena = &p->arena,
                                    .wants_detail = wants_detail};
    p->driver->open(p->self, &p->options, p->now_us, &p->out);
    return p;
}

void probe_destroy(struct probe *p)
{
    tc_buf_finish(&p->in);
    tc_buf_finish(&p->wire);
    tc_buf_finish(&p->said);
    tc_buf_finish(&p->detail);
    tc_arena_finish(&p->arena);
    tc_free(p->self);
    tc_free(p);
}

void probe_feed(struct probe *p, const char *bytes, size_t len)
{
    tc_buf_put(&p->in, bytes, len);
    for (;;) {
        struct tc_framed f = p->driver->frame(p->in.bytes, p->in.len);
        if (f.err == TC_EAGAIN) {
            tc_buf_drop(&p->in, f.skip);
            return;
        }
        assert_true(f.skip + f.total > 0);
        assert_true(f.skip + f.total <= p->in.len);
        if (f.err == TC_OK) {
            struct tc_str frame = {(const char *)p->in.bytes + f.skip, f.total};
            p->last_err = p->driver->decode(p->self, frame, p->now_us, &p->out);
            tc_arena_reset(&p->arena);
        }
        tc_buf_drop(&p->in, f.skip + f.total);
    }
}

void probe_line(struct probe *p, const char *line)
{
    probe_feed(p, "\r\n", 2);
    probe_feed(p, line, strlen(line));
    probe_feed(p, "\r\n", 2);
}

void probe_wait(struct probe *p, int64_t us)
{
    int64_t end = p->now_us + us;
    while (p->now_us < end) {
        p->now_us += 50 * TC_MS;
        int64_t due = p->driver->tick(p->self, p->now_us, &p->out);
        assert_true(due > p->now_us);
        tc_arena_reset(&p->arena);
    }
}

const char *probe_wire(struct probe *p)
{
    static char text[8192];
    tc_str_put(text, sizeof text, tc_buf_str(&p->wire));
    tc_buf_clear(&p->wire);
    return text;
}

const char *probe_said(struct probe *p)
{
    static char text[65536];
    tc_str_put(text, sizeof text, tc_buf_str(&p->said));
    return text;
}

bool probe_has(struct probe *p, const char *part)
{
    return strstr(probe_said(p), part) != NULL;
}

void probe_forget(struct probe *p)
{
    tc_buf_clear(&p->said);
    tc_buf_clear(&p->wire);
    p->count = 0;
}

void probe_set_up(struct probe *p, const struct probe_answer *answers, size_t count)
{
    for (int quiet = 0; quiet < 4;) {
        if (p->wire.len == 0) {
            quiet++;
            probe_wait(p, 50 * TC_MS);
            continue;
        }
        quiet = 0;
        char command[256];
        tc_str_put(command, sizeof command, tc_buf_str(&p->wire));
        tc_buf_clear(&p->wire);
        const char *answer = "\r\nOK\r\n";
        for (size_t i = 0; i < count; i++) {
            if (strncmp(command, answers[i].command, strlen(answers[i].command)) == 0) {
                answer = answers[i].answer;
            }
        }
        probe_feed(p, answer, strlen(answer));
    }
}
