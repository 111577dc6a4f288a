/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/feed_probe.h"

#include <stdio.h>
#include <stdlib.h>

static void keep_bytes(void *ctx, const void *bytes, size_t len)
{
    struct feed *f = ctx;
    tc_buf_put(&f->wire, bytes, len);
}

static void put_text(struct tc_buf *b, const char *key, struct tc_str s)
{
    assert_true(tc_str_is_utf8(s));
    if (s.len) {
        tc_buf_format(b, " %s=%.*s", key, (int)s.len, s.at);
    }
}

static void describe(struct tc_buf *b, const struct tc_obs *o)
{
    static const char *const names[] = {
        "NONE",     "LINK_UP",   "LINK_DOWN",  "POSITION",    "HEARD",    "STATUS",
        "TEXT",     "EMERGENCY", "CALL_START", "CALL_TALKER", "CALL_END", "SENT",
        "DELIVERY", "READING",   "ALARM",      "CASE",        "REPORT",   "REJECTED"};
    tc_buf_text(b, names[o->kind]);
    put_text(b, "from", o->address);
    put_text(b, "factor", o->factor);
    if (o->kind == TC_OBS_READING) {
        tc_buf_format(b, " value=%lld quality=%s", (long long)o->value_e6,
                      tc_enum_name(&tc_enum_quality, (int)o->quality));
    }
    put_text(b, "unit", o->unit_text);
    if (o->kind == TC_OBS_DEVICE_ALARM) {
        tc_buf_format(b, " %s level=%s", o->is_cleared ? "cleared" : "raised",
                      tc_enum_name(&tc_enum_alarm_level, (int)o->level));
    }
    if (o->has_position) {
        tc_buf_format(b, " at=%lld,%lld", (long long)o->x_e7, (long long)o->y_e7);
    }
    if (o->occurred_us) {
        char when[TC_TIME_TEXT_SIZE];
        tc_time_local_text(o->occurred_us, when);
        put_text(b, "occurred", tc_str_of(when));
    }
    put_text(b, "service", o->service_code);
    put_text(b, "text", o->text);
    put_text(b, "address_text", o->address_text);
    put_text(b, "media", o->media_url);
    put_text(b, "name", o->caller_name);
    put_text(b, "phone", o->caller_phone);
    put_text(b, "foreign", o->foreign_id);
    put_text(b, "type", o->type);
    put_text(b, "detail", o->kind == TC_OBS_REJECTED ? o->detail : (struct tc_str){0});
    tc_buf_byte(b, '\n');
}

static void keep_obs(void *ctx, const struct tc_obs *o)
{
    struct feed *f = ctx;
    describe(&f->said, o);
    *(o->kind == TC_OBS_REJECTED ? &f->rejected : &f->taken) += 1;
    if (o->ref && f->ref_count < TC_COUNT_OF(f->refs)) {
        f->refs[f->ref_count++] = o->ref;
    }
    if (f->key_count < TC_COUNT_OF(f->keys)) {
        f->keys[f->key_count++] = o->key;
    }
    if (f->detail.len == 0) {
        tc_buf_put_str(&f->detail, o->detail);
    }
    if (f->lenient.len == 0) {
        tc_buf_put_str(&f->lenient, o->lenient);
    }
}

struct feed *feed_create(const char *driver, const char *profile)
{
    struct feed *f = tc_alloc(sizeof *f);
    assert_non_null(f);
    f->driver = tc_driver_find(tc_str_of(driver));
    assert_non_null(f->driver);
    f->self = tc_alloc(f->driver->self_size);
    f->options.profile = tc_str_of(profile);
    f->out = (struct tc_driver_out){.ctx = f,
                                    .bytes = keep_bytes,
                                    .observe = keep_obs,
                                    .arena = &f->arena,
                                    .wants_detail = true};
    f->driver->open(f->self, &f->options, FEED_NOW_US, &f->out);
    return f;
}

void feed_destroy(struct feed *f)
{
    struct tc_buf *const bufs[] = {&f->in, &f->wire, &f->said, &f->detail, &f->lenient};
    for (size_t i = 0; i < TC_COUNT_OF(bufs); i++) {
        tc_buf_finish(bufs[i]);
    }
    tc_arena_finish(&f->arena);
    tc_free(f->self);
    tc_free(f);
}

void feed_bytes(struct feed *f, const void *bytes, size_t len)
{
    tc_buf_put(&f->in, bytes, len);
    while (f->in.len) {
        uint8_t *exact = malloc(f->in.len); /* reading behind the end is seen */
        assert_non_null(exact);
        memcpy(exact, f->in.bytes, f->in.len);
        struct tc_framed framed = f->driver->frame(exact, f->in.len);
        assert_true(framed.err == TC_EAGAIN || framed.skip + framed.total > 0);
        if (framed.err == TC_OK) {
            assert_true(framed.skip + framed.total <= f->in.len);
            struct tc_str frame = {(const char *)exact + framed.skip, framed.total};
            f->frames += f->driver->decode(f->self, frame, FEED_NOW_US, &f->out) == TC_OK;
            tc_arena_reset(&f->arena);
        }
        free(exact);
        tc_buf_drop(&f->in, framed.err == TC_OK ? framed.skip + framed.total : framed.skip);
        if (framed.err == TC_EAGAIN) {
            return;
        }
    }
}

void feed_verdicts(struct feed *f, bool is_taken, const char *why)
{
    size_t count = f->ref_count;
    f->ref_count = 0;
    for (size_t i = 0; i < count; i++) {
        f->driver->outcome(f->self, &(struct tc_told){f->refs[i], is_taken, 7, why}, FEED_NOW_US,
                           &f->out);
    }
}

const char *feed_said(struct feed *f)
{
    tc_buf_byte(&f->said, '\0');
    f->said.len--;
    return (const char *)f->said.bytes;
}

const char *feed_wire(struct feed *f)
{
    tc_buf_byte(&f->wire, '\0');
    f->wire.len--;
    return (const char *)f->wire.bytes;
}

void feed_forget(struct feed *f)
{
    tc_buf_clear(&f->wire);
    tc_buf_clear(&f->said);
    tc_buf_clear(&f->detail);
    tc_buf_clear(&f->lenient);
    f->frames = f->taken = f->rejected = f->ref_count = f->key_count = 0;
}

const char *feed_shared(const char *name)
{
    static char path[512];
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread */
    const char *const roots[] = {getenv("TOCSIN_SHARED"), "../shared", "../../shared"};
    for (size_t i = 0; i < TC_COUNT_OF(roots); i++) {
        tc_str_format(path, sizeof path, "%s/protocols/vectors/%s", roots[i] ? roots[i] : ".",
                      name);
        FILE *file = fopen(path, "rb");
        if (file) {
            (void)fclose(file);
            return path;
        }
    }
    print_message("skipped: %s is not beside the project; set TOCSIN_SHARED\n", name);
    return NULL;
}

bool feed_read(const char *path, struct tc_buf *b)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    uint8_t part[4096];
    size_t n = 0;
    while ((n = fread(part, 1, sizeof part, file)) > 0) {
        tc_buf_put(b, part, n);
    }
    (void)fclose(file);
    return true;
}

bool feed_member(struct tc_str json, const char *key, struct tc_str *value, struct tc_arena *a)
{
    struct tc_jr r = tc_jr_init(json);
    bool is_found = false;
    if (!tc_jr_open(&r, '{')) {
        return false;
    }
    while (tc_jr_more(&r, '}')) {
        bool is_it = tc_str_is(tc_jr_key(&r, a), key);
        if (is_it && tc_jr_peek(&r) == '"') {
            *value = tc_jr_str(&r, a); /* the last of a repeated key */
        } else {
            struct tc_str raw = tc_jr_skip(&r);
            *value = is_it ? raw : *value;
        }
        is_found = is_found || is_it;
    }
    return is_found && tc_jr_is_done(&r);
}
