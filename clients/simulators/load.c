/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/load.h"

#include <math.h>
#include <stdlib.h>

#include "clients/simulators/stamp.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/time.h"

#define LINK_QUEUE_MAX ((size_t)256 * 1024)
#define STEP_E7        1800 /* about 20 m */
#define WEST_E7        1140100000
#define EAST_E7        1140980000
#define SOUTH_E7       225100000
#define NORTH_E7       225850000
#define REASON_HELP    2
#define REASON_TIMER   129

uint32_t sim__pace_take(struct sim_pace *p, int64_t now_us)
{
    if (p->at_us == 0) {
        p->at_us = now_us;
    }
    p->owed += p->per_second * (double)(now_us - p->at_us) / 1e6;
    p->at_us = now_us;
    double most = p->per_second / 10 + 1;
    p->owed = p->owed > most ? most : p->owed;
    uint32_t due = (uint32_t)p->owed;
    p->owed -= due;
    return due;
}

/* Radio links */

static bool is_full(const struct sim_load_link *k)
{
    return !k->peer || k->pei.out.len > LINK_QUEUE_MAX ||
           uv_stream_get_write_queue_size(&k->peer->uv.stream) > LINK_QUEUE_MAX;
}

static bool offer(struct sim_load *l, uint32_t unit, const struct sim_sds *sds)
{
    struct sim_load_link *k = &l->links[unit % (uint32_t)l->link_count];
    if (is_full(k)) {
        l->held_count++;
        return false;
    }
    k->sent_count++;
    return sim__pei_receive(&k->pei, sds);
}

static void step(struct sim_load *l, struct sim_load_unit *u)
{
    double rad = (double)u->heading_deg * 0.017453292519943295;
    u->lon_e7 += (int32_t)(sin(rad) * STEP_E7 * 1.08);
    u->lat_e7 += (int32_t)(cos(rad) * STEP_E7);
    bool is_out =
        u->lon_e7 < WEST_E7 || u->lon_e7 > EAST_E7 || u->lat_e7 < SOUTH_E7 || u->lat_e7 > NORTH_E7;
    if (is_out) {
        u->heading_deg =
            (uint16_t)((u->heading_deg + 120 + sim__chance_below(&l->chance, 120)) % 360);
        u->lon_e7 = u->lon_e7 < WEST_E7 ? WEST_E7 : u->lon_e7 > EAST_E7 ? EAST_E7 : u->lon_e7;
        u->lat_e7 = u->lat_e7 < SOUTH_E7 ? SOUTH_E7 : u->lat_e7 > NORTH_E7 ? NORTH_E7 : u->lat_e7;
    }
}

static struct sim_sds from_unit(const struct sim_load *l, uint32_t unit)
{
    return (struct sim_sds){.from = (uint32_t)l->first_issi + unit, .to = (uint32_t)l->own_issi};
}

static bool offer_position(struct sim_load *l, uint32_t unit, uint8_t reason)
{
    struct sim_load_unit *u = &l->units[unit];
    struct sim_sds sds = from_unit(l, unit);
    struct sim_fix fix = {.lon_e7 = u->lon_e7,
                          .lat_e7 = u->lat_e7,
                          .speed_kmh = 40,
                          .direction_deg = u->heading_deg,
                          .error = 1,
                          .reason = reason};
    if (l->is_stamped) {
        sim__stamp_put(sim__now_us(), &fix.lon_e7, &fix.lat_e7);
    }
    sim__put_lip(&sds, &fix);
    return offer(l, unit, &sds);
}

void sim__load_position(struct sim_load *l)
{
    uint32_t unit = l->next_unit;
    l->next_unit = (unit + 1) % (uint32_t)l->unit_count;
    step(l, &l->units[unit]);
    l->position_count += offer_position(l, unit, REASON_TIMER);
}

void sim__load_alarm(struct sim_load *l)
{
    uint32_t unit = l->next_alarm_unit;
    l->next_alarm_unit = (unit + 1) % (uint32_t)l->unit_count;
    l->alarm_count += offer_position(l, unit, REASON_HELP);
}

void sim__load_status(struct sim_load *l)
{
    uint32_t unit = l->next_status_unit;
    l->next_status_unit = (unit + 1) % (uint32_t)l->unit_count;
    struct sim_sds sds = from_unit(l, unit);
    sim__put_status(&sds, (uint16_t)(0x8002 + sim__chance_below(&l->chance, 4)));
    l->status_count += offer(l, unit, &sds);
}

void sim__load_flush(struct sim_load *l)
{
    for (int64_t i = 0; i < l->link_count; i++) {
        struct sim_load_link *k = &l->links[i];
        if (k->peer) {
            sim__stream_send(k->peer, k->pei.out.bytes, k->pei.out.len);
        }
        tc_buf_clear(&k->pei.out);
    }
}

static void on_link_open(void *ctx, struct sim_stream *s)
{
    struct sim_load_link *k = ctx;
    k->peer = s;
    k->ready_us = sim__now_us() + k->load->settle_us;
    sim__pei_reconnected(&k->pei);
}

static void on_link_bytes(void *ctx, struct sim_stream *s, const uint8_t *bytes, size_t len)
{
    struct sim_load_link *k = ctx;
    if (s == k->peer) {
        sim__pei_feed(&k->pei, sim__now_us(), bytes, len);
    }
}

static void on_link_closed(void *ctx, struct sim_stream *s)
{
    struct sim_load_link *k = ctx;
    if (k->peer == s) {
        k->peer = NULL;
        k->ready_us = 0;
    }
}

static void on_message(void *ctx, const struct sim_sds *sds, enum sim_outcome outcome, unsigned ref)
{
    (void)ctx;
    (void)sds;
    (void)outcome;
    (void)ref;
}

static void on_air(void *ctx, int64_t now_us, const struct sim_sds *sds)
{
    (void)ctx;
    (void)now_us;
    (void)sds;
}

static void on_command(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

/** "127.0.0.1:7400" and 3 give "127.0.0.1:7403". */
static bool address_of(const char *first, int64_t index, char out[static 80])
{
    struct tc_str s = tc_str_of(first);
    int64_t port = 0;
    size_t at = s.len;
    while (at > 0 && s.at[at - 1] != ':') {
        at--;
    }
    if (at == 0 || tc_str_to_i64((struct tc_str){s.at + at, s.len - at}, &port) != TC_OK) {
        return false;
    }
    (void)tc_str_format(out, 80, "%.*s%lld", (int)at, s.at, (long long)port + (long long)index);
    return true;
}

static tc_err open_link(struct sim_load *l, int64_t index)
{
    char address[80];
    struct sim_load_link *k = &l->links[index];
    k->load = l;
    k->pei.hooks = (struct sim_pei_hooks){k, on_message, on_air, on_command};
    k->pei.is_routing_all = true;
    k->pei.issi = (uint32_t)l->own_issi;
    k->pei.gssi = 3001;
    k->pei.mcc = 460;
    k->pei.mnc = 1001;
    k->pei.latency = (struct sim_span){TC_MS, 5 * TC_MS};
    sim__pei_restart(&k->pei);
    k->server.most = 1;
    k->server.events = (struct sim_stream_events){k, on_link_open, on_link_bytes, on_link_closed};
    return address_of(l->listen, index, address)
               ? sim__server_open(&k->server, &l->app.loop, address)
               : TC_EMALFORMED;
}

/* Stations */

static void take_ack(struct sim_load_station *s, struct tc_str segment)
{
    bool is_ours = s->sent_us != 0 && tc_str_is(sim__hj_value(segment, "CN"), "9014") &&
                   tc_str_is(sim__hj_value(segment, "QN"), s->qn);
    if (is_ours) {
        uint32_t took_us = (uint32_t)(sim__now_us() - s->sent_us);
        tc_buf_put(&s->load->ack_us, &took_us, sizeof took_us);
        s->load->ack_count++;
        s->sent_us = 0;
    }
}

static void on_station_bytes(void *ctx, struct sim_stream *stream, const uint8_t *bytes, size_t len)
{
    (void)stream;
    struct sim_load_station *s = ctx;
    struct tc_str segment;
    size_t used = 0;
    tc_buf_put(&s->in, bytes, len);
    while (sim__hj_take(&s->in, &used, &segment)) {
        take_ack(s, segment);
        tc_buf_drop(&s->in, used);
    }
    tc_buf_drop(&s->in, used);
}

static void on_station_open(void *ctx, struct sim_stream *stream)
{
    (void)stream;
    struct sim_load_station *s = ctx;
    tc_buf_clear(&s->in);
    s->sent_us = 0;
}

void sim__load_data(struct sim_load *l, int64_t now_us)
{
    struct sim_load_station *s = &l->stations[l->next_station];
    l->next_station = (l->next_station + 1) % (uint32_t)l->station_count;
    bool is_stuck = s->sent_us != 0 && now_us - s->sent_us > 10 * TC_SEC;
    if (!s->client.stream || !s->client.stream->is_open || (s->sent_us != 0 && !is_stuck)) {
        l->data_held_count++;
        return;
    }
    struct sim_hj_factor factors[] = {{"w01001", 7.2, 'N'}, {"w01018", 18.5, 'N'}};
    struct sim_hj_station who = {s->mn, "21", "123456", 2017};
    struct tc_buf segment = {0};
    struct tc_buf frame = {0};
    int64_t utc_us = tc_clock_utc_us() / 1000 * 1000;
    utc_us = utc_us > s->last_qn_us ? utc_us : s->last_qn_us + 1000;
    s->last_qn_us = utc_us;
    sim__hj_qn(utc_us, s->qn);
    sim__hj_data(&segment, &who, s->qn, factors, TC_COUNT_OF(factors));
    sim__hj_frame(&frame, tc_buf_str(&segment), SIM_HJ_CRC);
    s->sent_us = sim__now_us();
    sim__stream_send(s->client.stream, frame.bytes, frame.len);
    tc_buf_finish(&segment);
    tc_buf_finish(&frame);
    l->data_count++;
}

static tc_err open_station(struct sim_load *l, int64_t index)
{
    struct sim_load_station *s = &l->stations[index];
    s->load = l;
    s->in.max = 65536;
    (void)tc_str_format(s->mn, sizeof s->mn, "440304A8900016F00016%04lld", (long long)index);
    s->client.events = (struct sim_stream_events){
        .ctx = s, .on_open = on_station_open, .on_bytes = on_station_bytes};
    return sim__client_open(&s->client, &l->app.loop, l->hj212);
}

tc_err sim__load_open(struct sim_load *l)
{
    tc_err err = TC_OK;
    l->links = tc_alloc(sizeof *l->links * (size_t)l->link_count);
    l->units = tc_alloc(sizeof *l->units * (size_t)l->unit_count);
    l->stations = tc_alloc(sizeof *l->stations * (size_t)(l->station_count + 1));
    if (!l->links || !l->units || !l->stations) {
        return TC_ENOMEM;
    }
    for (int64_t i = 0; i < l->unit_count; i++) {
        l->units[i] = (struct sim_load_unit){
            .lon_e7 = WEST_E7 + (int32_t)sim__chance_below(&l->chance, EAST_E7 - WEST_E7),
            .lat_e7 = SOUTH_E7 + (int32_t)sim__chance_below(&l->chance, NORTH_E7 - SOUTH_E7),
            .heading_deg = (uint16_t)sim__chance_below(&l->chance, 360)};
    }
    for (int64_t i = 0; err == TC_OK && i < l->link_count; i++) {
        err = open_link(l, i);
    }
    for (int64_t i = 0; err == TC_OK && l->hj212 && i < l->station_count; i++) {
        err = open_station(l, i);
    }
    return err;
}

void sim__load_close(struct sim_load *l)
{
    for (int64_t i = 0; l->links && i < l->link_count; i++) {
        sim__server_close(&l->links[i].server);
    }
    for (int64_t i = 0; l->stations && i < l->station_count; i++) {
        sim__client_close(&l->stations[i].client);
    }
    sim__app_finish(&l->app);
    for (int64_t i = 0; l->links && i < l->link_count; i++) {
        sim__pei_finish(&l->links[i].pei);
    }
    for (int64_t i = 0; l->stations && i < l->station_count; i++) {
        tc_buf_finish(&l->stations[i].in);
    }
    tc_free(l->links);
    tc_free(l->units);
    tc_free(l->stations);
    tc_buf_finish(&l->ack_us);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t share_of(const struct sim_load *l, double share)
{
    size_t count = l->ack_us.len / sizeof(uint32_t);
    uint32_t value = 0;
    if (count) {
        size_t at = (size_t)(share * (double)(count - 1));
        memcpy(&value, l->ack_us.bytes + at * sizeof value, sizeof value);
    }
    return value;
}

void sim__load_summary(struct sim_load *l, int64_t now_us, struct tc_buf *out)
{
    size_t count = l->ack_us.len / sizeof(uint32_t);
    if (count) {
        qsort(l->ack_us.bytes, count, sizeof(uint32_t), by_size);
    }
    tc_jw_open(out, '{');
    tc_jw_pair_i64(out, "links", l->link_count);
    tc_jw_pair_i64(out, "units", l->unit_count);
    tc_jw_pair_i64(out, "ms", l->started_us ? (now_us - l->started_us) / TC_MS : 0);
    tc_jw_pair_u64(out, "positions", l->position_count);
    tc_jw_pair_u64(out, "statuses", l->status_count);
    tc_jw_pair_u64(out, "held", l->held_count);
    tc_jw_pair_u64(out, "data", l->data_count);
    tc_jw_pair_u64(out, "data_held", l->data_held_count);
    tc_jw_pair_u64(out, "acks", l->ack_count);
    tc_jw_pair_u64(out, "ack_p50_us", share_of(l, 0.5));
    tc_jw_pair_u64(out, "ack_p99_us", share_of(l, 0.99));
    tc_jw_pair_u64(out, "ack_max_us", share_of(l, 1));
    tc_jw_pair_u64(out, "alarms", l->alarm_count);
    tc_jw_close(out, '}');
    tc_buf_byte(out, '\n');
}
