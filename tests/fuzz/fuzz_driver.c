/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any driver against any bytes: no crash, framing makes progress, texts are UTF-8, time goes on.
 * The first byte chooses the driver and the cut of the reads, the second the profile and the mode.
 */
#include <stdlib.h>

#include "core/base/time.h"
#include "core/ingest/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    const struct tc_driver *driver;
    void *self;
    struct tc_driver_out *out;
    int64_t now_us;
    uint32_t refs[8]; /* verdicts owed */
    size_t ref_count;
};

static void take_bytes(void *ctx, const void *bytes, size_t len)
{
    (void)ctx;
    TC_REQUIRE(bytes != NULL || len == 0);
}

static void check_text(struct tc_str s)
{
    TC_REQUIRE(s.len == 0 || s.at != NULL);
}

static void take_obs(void *ctx, const struct tc_obs *obs)
{
    struct bench *b = ctx;
    check_text(obs->detail);
    check_text(obs->group);
    check_text(obs->lenient);
    TC_REQUIRE(obs->kind == TC_OBS_REJECTED || tc_str_is_utf8(obs->text));
    if (obs->ref && b->ref_count < TC_COUNT_OF(b->refs)) {
        b->refs[b->ref_count++] = obs->ref;
    }
}

static void give_verdicts(struct bench *b)
{
    while (b->ref_count > 0 && b->driver->outcome) {
        uint32_t ref = b->refs[--b->ref_count];
        b->driver->outcome(b->self, &(struct tc_told){ref, ref % 3 != 0, 7, ""}, b->now_us, b->out);
    }
    b->ref_count = 0;
}

static void pass_time(struct bench *b, int64_t us)
{
    b->now_us += us;
    if (b->driver->tick) {
        TC_REQUIRE(b->driver->tick(b->self, b->now_us, b->out) > b->now_us);
    }
}

/* Frames at the front of `bytes`; returns how many bytes are used. */
static size_t decode_all(struct bench *b, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint8_t *copy = malloc(len - at); /* exact: reading behind the end is seen */
        TC_REQUIRE(copy != NULL);
        memcpy(copy, bytes + at, len - at);
        struct tc_framed f = b->driver->frame(copy, len - at);
        TC_REQUIRE(f.skip + f.total <= len - at || f.err != TC_OK);
        TC_REQUIRE(f.skip <= len - at);
        TC_REQUIRE(f.err == TC_EAGAIN || f.skip + f.total > 0);
        if (f.err == TC_OK) {
            struct tc_str frame = {(const char *)copy + f.skip, f.total};
            (void)b->driver->decode(b->self, frame, b->now_us, b->out);
            at += f.skip + f.total;
        } else {
            at += f.skip;
        }
        free(copy);
        if (f.err == TC_EAGAIN) {
            break;
        }
    }
    return at;
}

static void send_something(struct bench *b, const uint8_t *data, size_t size)
{
    struct tc_send send = {.ref = data[0] ? data[0] : 1,
                           .address = TC_STR("1001"),
                           .text = {(const char *)data, size},
                           .is_status = data[0] & 1,
                           .status = 0x8002};
    if (b->driver->send) {
        (void)b->driver->send(b->self, &send, b->now_us, b->out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const radios[] = {"", "motorola", "sepura", "generic"};
    static const char *const stations[] = {"", "crc_zero", "crc_zero+len_plus6", "crc_zero long"};
    size_t drivers = 0;
    while (tc_drivers[drivers]) {
        drivers++;
    }
    if (size < 4 || drivers == 0) {
        return 0;
    }
    struct tc_arena arena = {0};
    struct bench b = {.driver = tc_drivers[data[0] % drivers], .now_us = TC_DAY};
    struct tc_driver_out out = {.ctx = &b,
                                .bytes = take_bytes,
                                .observe = take_obs,
                                .arena = &arena,
                                .wants_detail = data[1] & 1};
    bool is_station = strcmp(b.driver->name, "hj212") == 0;
    const char *const *profiles = is_station ? stations : radios;
    struct tc_driver_options options = {.profile = tc_str_of(profiles[data[1] >> 1 & 3])};
    b.out = &out;
    b.self = tc_alloc(b.driver->self_size);
    TC_REQUIRE(b.self != NULL);
    b.driver->open(b.self, &options, b.now_us, &out);
    size_t step = data[0] / drivers + 1;
    size_t from = 2;
    if (b.driver->decode_line && (data[1] & 8)) {
        struct tc_str line = {(const char *)data + 2, size - 2};
        (void)b.driver->decode_line(b.self, line, &out);
    }
    for (size_t end = from; end < size;) {
        end = end + step < size ? end + step : size;
        from += decode_all(&b, data + from, end - from);
        give_verdicts(&b);
        pass_time(&b, data[1] & 16 ? TC_SEC : 20 * TC_MS);
        if (end % 5 == 0) {
            send_something(&b, data + 2, size - 2 < 300 ? size - 2 : 300);
        }
        tc_arena_reset(&arena);
    }
    pass_time(&b, TC_HOUR);
    tc_arena_finish(&arena);
    tc_free(b.self);
    return 0;
}
