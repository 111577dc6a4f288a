/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clients/cli/bench_int.h"
#include "clients/simulators/stamp.h"
#include "core/base/json.h"
#include "core/base/time.h"

#define FRAME_MAX  ((size_t)256 * 1024 * 1024)
#define ACK_US     (5 * TC_SEC)
#define TAKE_BYTES ((size_t)256 * 1024)

static const char resume[] = "{\"t\":\"resume\",\"epoch\":1,\"seq\":0}";

tc_err bench__consoles_open(struct bench_consoles *c, int port, const char *headers, int count)
{
    *c = (struct bench_consoles){.frame = {.max = FRAME_MAX},
                                 .position_us = {.max = FRAME_MAX * 4},
                                 .alarm_us = {.max = FRAME_MAX}};
    c->prover.in.max = FRAME_MAX;
    c->others = tc_alloc((size_t)count * sizeof *c->others);
    TC_REQUIRE(c->others != NULL);
    if (tc_ws_open(&c->prover, port, "/ws", headers) != 101 ||
        !tc_ws_send(&c->prover, tc_str_of(resume))) {
        return TC_EIO;
    }
    for (int i = 1; i < count; i++) {
        struct tc_ws *w = &c->others[c->other_count++];
        if (tc_ws_open(w, port, "/ws", headers) != 101 || !tc_ws_send(w, tc_str_of(resume))) {
            return TC_EIO;
        }
    }
    return TC_OK;
}

void bench__consoles_close(struct bench_consoles *c)
{
    tc_ws_close(&c->prover);
    for (int i = 0; i < c->other_count; i++) {
        tc_ws_close(&c->others[i]);
    }
    tc_free(c->others);
    tc_free(c->unit);
    tc_map_finish(&c->units);
    tc_map_finish(&c->alarms);
    tc_buf_finish(&c->frame);
    tc_buf_finish(&c->position_us);
    tc_buf_finish(&c->alarm_us);
    tc_arena_finish(&c->scratch);
}

static void sample(struct tc_buf *to, int64_t age_us)
{
    uint32_t us = (uint32_t)age_us;
    tc_buf_put(to, &us, sizeof us);
}

/** The number behind `key`, which begins with the quote; 0 when absent. */
static int64_t number_of(struct tc_str item, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i + len < item.len; i++) {
        if (item.at[i] == '"' && memcmp(item.at + i, key, len) == 0) {
            return strtoll(item.at + i + len, NULL, 10);
        }
    }
    return 0;
}

static struct bench_unit *unit_of(struct bench_consoles *c, uint64_t id)
{
    uint64_t index = 0;
    if (tc_map_get(&c->units, id, &index)) {
        return &c->unit[index];
    }
    if (c->unit_count == c->unit_room) {
        c->unit_room = c->unit_room ? c->unit_room * 2 : 16384;
        c->unit = tc_realloc(c->unit, c->unit_room * sizeof *c->unit);
        TC_REQUIRE(c->unit != NULL);
    }
    tc_map_put(&c->units, id, c->unit_count);
    c->unit[c->unit_count] = (struct bench_unit){.id = id};
    return &c->unit[c->unit_count++];
}

static void take_unit(struct bench_consoles *c, struct tc_str item, int64_t now_us)
{
    struct bench_unit *u = unit_of(c, (uint64_t)number_of(item, "\"id\":"));
    int32_t lon_e7 = (int32_t)number_of(item, "\"lon_e7\":");
    int32_t lat_e7 = (int32_t)number_of(item, "\"lat_e7\":");
    if (lon_e7 == u->lon_e7 && lat_e7 == u->lat_e7) {
        return;
    }
    u->lon_e7 = lon_e7;
    u->lat_e7 = lat_e7;
    int64_t age_us = sim__stamp_age_us(now_us, lon_e7, lat_e7);
    if (c->is_sampling && age_us >= 0) {
        sample(&c->position_us, age_us);
    }
}

/** Only an alarm's first appearance counts. */
static void take_alarm(struct bench_consoles *c, struct tc_str item, int64_t now_us)
{
    uint64_t id = (uint64_t)number_of(item, "\"id\":");
    uint64_t known = 0;
    if (tc_map_get(&c->alarms, id, &known)) {
        return;
    }
    tc_map_put(&c->alarms, id, 1);
    int64_t age_us =
        sim__stamp_age_us(now_us, number_of(item, "\"lon_e7\":"), number_of(item, "\"lat_e7\":"));
    if (c->is_sampling && age_us >= 0) {
        sample(&c->alarm_us, age_us);
    }
}

static void take_items(struct bench_consoles *c, struct tc_str table, struct tc_jr *r,
                       int64_t now_us)
{
    bool is_unit = tc_str_is(table, "unit");
    bool is_alarm = tc_str_is(table, "alarm");
    if (!is_unit && !is_alarm) {
        (void)tc_jr_skip(r);
        return;
    }
    (void)tc_jr_open(r, '[');
    while (tc_jr_more(r, ']')) {
        struct tc_str item = tc_jr_skip(r);
        if (is_unit) {
            take_unit(c, item, now_us);
        } else {
            take_alarm(c, item, now_us);
        }
    }
}

static void take_set(struct bench_consoles *c, struct tc_jr *r, int64_t now_us)
{
    (void)tc_jr_open(r, '{');
    while (tc_jr_more(r, '}')) {
        struct tc_str table = tc_jr_key(r, &c->scratch);
        take_items(c, table, r, now_us);
    }
}

/** "t" always comes first. */
static void take_frame(struct bench_consoles *c, int64_t now_us)
{
    struct tc_jr r = tc_jr_init(tc_buf_str(&c->frame));
    struct tc_str t = {0};
    struct tc_str table = {0};
    uint64_t from = 0;
    uint64_t seq = 0;
    tc_arena_reset(&c->scratch);
    (void)tc_jr_open(&r, '{');
    while (tc_jr_more(&r, '}')) {
        struct tc_str key = tc_jr_key(&r, &c->scratch);
        if (tc_str_is(key, "t")) {
            t = tc_jr_str(&r, &c->scratch);
        } else if (tc_str_is(key, "table")) {
            table = tc_jr_str(&r, &c->scratch);
        } else if (tc_str_is(key, "from")) {
            from = tc_jr_u64(&r);
        } else if (tc_str_is(key, "seq")) {
            seq = tc_jr_u64(&r);
        } else if (tc_str_is(key, "durable")) {
            c->durable = tc_jr_u64(&r);
        } else if (tc_str_is(key, "items")) {
            take_items(c, table, &r, now_us);
        } else if (tc_str_is(key, "set")) {
            take_set(c, &r, now_us);
        } else {
            (void)tc_jr_skip(&r);
        }
    }
    if (tc_str_is(t, "ready")) {
        c->seq = seq;
        c->is_live = true;
    } else if (tc_str_is(t, "resync")) {
        c->resyncs++;
        c->is_live = false;
    } else if (tc_str_is(t, "delta")) {
        c->has_gap = c->has_gap || !c->is_live || from != c->seq || seq <= from;
        c->seq = seq;
        c->deltas++;
        c->changed_us = now_us;
    }
}

static void acknowledge(struct bench_consoles *c, int64_t now_us)
{
    char text[64];
    size_t len = tc_str_format(text, sizeof text, "{\"t\":\"ack\",\"seq\":%llu}",
                               (unsigned long long)c->seq);
    struct tc_str ack = {.at = text, .len = len};
    c->acked_us = now_us;
    (void)tc_ws_send(&c->prover, ack);
    for (int i = 0; i < c->other_count; i++) {
        (void)tc_ws_send(&c->others[i], ack);
    }
}

static void drain(struct bench_consoles *c, struct tc_ws *w)
{
    static uint8_t waste[TAKE_BYTES];
    ssize_t n = recv(w->fd, waste, sizeof waste, MSG_DONTWAIT);
    c->other_bytes += n > 0 ? (uint64_t)n : 0;
}

static void take_prover(struct bench_consoles *c)
{
    int got = 1;
    while (got == 1) {
        got = tc_ws_receive(&c->prover, &c->frame, 0);
        if (got == 1) {
            c->bytes += c->frame.len;
            take_frame(c, tc_clock_monotonic_us());
        }
    }
    c->is_lost = c->is_lost || got < 0;
}

void bench__consoles_poll(struct bench_consoles *c, int ms)
{
    struct pollfd fds[BENCH_CONSOLES_MAX + 1];
    int count = c->other_count < BENCH_CONSOLES_MAX ? c->other_count : BENCH_CONSOLES_MAX;
    fds[0] = (struct pollfd){.fd = c->is_lost ? -1 : c->prover.fd, .events = POLLIN};
    for (int i = 0; i < count; i++) {
        fds[i + 1] = (struct pollfd){.fd = c->others[i].fd, .events = POLLIN};
    }
    if (poll(fds, (nfds_t)count + 1, ms) > 0) {
        if (fds[0].revents) {
            take_prover(c);
        }
        for (int i = 0; i < count; i++) {
            if (fds[i + 1].revents & POLLIN) {
                drain(c, &c->others[i]);
            }
        }
    }
    int64_t now_us = tc_clock_monotonic_us();
    if (now_us - c->acked_us > ACK_US) {
        acknowledge(c, now_us);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t bench__share(struct tc_buf *samples_us, double share)
{
    size_t count = samples_us->len / sizeof(uint32_t);
    uint32_t value = 0;
    if (count) {
        qsort(samples_us->bytes, count, sizeof(uint32_t), by_size);
        size_t at = (size_t)(share * (double)(count - 1));
        memcpy(&value, samples_us->bytes + at * sizeof value, sizeof value);
    }
    return value;
}
