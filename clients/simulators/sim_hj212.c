/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Water-quality stations. Each keeps its records in a queue: the first is sent and waits for 9014;
 * no answer in time, it is sent again; after the last try the line is taken down and dialled anew,
 * and what has gathered meanwhile is sent in order with the numbers it first had.
 */
#include <math.h>
#include <stdio.h>

#include "clients/simulators/chance.h"
#include "clients/simulators/hj212.h"
#include "clients/simulators/net.h"
#include "clients/simulators/trail.h"
#include "core/base/mem.h"
#include "core/base/time.h"

#define STATIONS_MAX 2000
#define QUEUE_MAX    512
#define EXCEEDS_MAX  16
#define FACTORS      4

struct record {
    char qn[SIM_HJ_QN_SIZE];
    unsigned sends;
    bool is_wrong; /* goes out with a wrong CRC the first time */
    char segment[512];
};

struct exceed {
    int64_t from_us;
    int64_t to_us;
    char code[16];
    double value;
};

struct lab;
struct station {
    struct lab *lab;
    struct sim_client client;
    char mn[40];
    struct sim_hj_station who;
    struct record *queue; /* a ring */
    size_t first;
    size_t count;
    int64_t made_due_us;
    int64_t beat_due_us;
    int64_t resend_due_us; /* 0: the first record is not on its way */
    int64_t last_qn_us;
    struct tc_buf in;
};

struct lab {
    struct sim_app app;
    struct sim_trail trail;
    struct sim_chance chance;
    struct exceed exceeds[EXCEEDS_MAX];
    size_t exceed_count;
    int64_t started_us;
    enum sim_hj_crc crc;
    const char *connect;
    const char *mn;
    const char *st;
    const char *password;
    const char *crc_name;
    const char *ack_log;
    struct sim_list exceed_texts;
    int64_t station_count;
    int64_t edition;
    int64_t every_us;
    int64_t beat_us;
    int64_t wait_us;
    int64_t resends;
    int64_t split;
    int64_t seed;
    int64_t run_us;
    double bad_crc;
    struct station stations[STATIONS_MAX];
};

static void note(struct station *s, const char *event, const char *qn, unsigned sends)
{
    struct tc_buf *b = sim__trail_begin(&s->lab->trail);
    tc_jw_pair_text(b, "event", event);
    tc_jw_pair_text(b, "mn", s->mn);
    tc_jw_pair_text(b, "qn", qn);
    tc_jw_pair_u64(b, "sends", sends);
    tc_jw_pair_u64(b, "waiting", s->count);
    sim__trail_end(&s->lab->trail);
}

/* Making records */

static struct record *add_record(struct station *s)
{
    if (s->count == QUEUE_MAX) {
        note(s, "dropped", s->queue[s->first].qn, s->queue[s->first].sends);
        s->first = (s->first + 1) % QUEUE_MAX;
        s->count--;
        s->resend_due_us = 0;
    }
    struct record *r = &s->queue[(s->first + s->count++) % QUEUE_MAX];
    *r = (struct record){0};
    int64_t utc_us = tc_clock_utc_us() / 1000 * 1000;
    utc_us = utc_us > s->last_qn_us ? utc_us : s->last_qn_us + 1000; /* a number is used once */
    s->last_qn_us = utc_us;
    sim__hj_qn(utc_us, r->qn);
    r->is_wrong = sim__chance_is(&s->lab->chance, s->lab->bad_crc);
    return r;
}

static void keep_segment(struct station *s, struct record *r, struct tc_buf *segment)
{
    (void)tc_str_put(r->segment, sizeof r->segment, tc_buf_str(segment));
    tc_buf_finish(segment);
    note(s, "made", r->qn, 0);
}

static double value_now(const struct lab *lab, const char *code, double usual, int64_t now_us)
{
    int64_t at_us = now_us - lab->started_us;
    for (size_t i = 0; i < lab->exceed_count; i++) {
        const struct exceed *e = &lab->exceeds[i];
        if (at_us >= e->from_us && at_us < e->to_us && strcmp(code, e->code) == 0) {
            return e->value;
        }
    }
    return usual * (1 + 0.05 * sin((double)at_us / 47e6));
}

static void make_data(struct station *s, int64_t now_us)
{
    static const struct {
        const char *code;
        const char *code_2005;
        double usual;
    } factors[FACTORS] = {{"w01001", "001", 7.2},
                          {"w01018", "011", 18.5},
                          {"w21003", "060", 0.62},
                          {"w01009", NULL, 6.4}};
    struct sim_hj_factor now[FACTORS];
    struct tc_buf segment = {0};
    size_t count = 0;
    for (size_t i = 0; i < FACTORS; i++) {
        const char *code = s->who.edition == 2005 ? factors[i].code_2005 : factors[i].code;
        if (code) {
            double value = value_now(s->lab, factors[i].code, factors[i].usual, now_us);
            now[count++] = (struct sim_hj_factor){.code = code, .value = value, .flag = 'N'};
        }
    }
    struct record *r = add_record(s);
    sim__hj_data(&segment, &s->who, r->qn, now, count);
    keep_segment(s, r, &segment);
}

static void make_beat(struct station *s)
{
    struct tc_buf segment = {0};
    struct record *r = add_record(s);
    sim__hj_plain(&segment, &s->who, r->qn, "9015", "", true);
    keep_segment(s, r, &segment);
}

/* Sending */

static void send_frame(struct station *s, struct tc_str segment, enum sim_hj_crc crc)
{
    struct tc_buf frame = {0};
    size_t step = s->lab->split > 0 ? (size_t)s->lab->split : SIZE_MAX;
    sim__hj_frame(&frame, segment, crc);
    for (size_t at = 0; at < frame.len && s->client.stream; at += step) {
        size_t left = frame.len - at;
        sim__stream_send(s->client.stream, frame.bytes + at, left < step ? left : step);
        if (left <= step) {
            break;
        }
    }
    tc_buf_finish(&frame);
}

static bool is_connected(const struct station *s)
{
    return s->client.stream && s->client.stream->is_open;
}

static void send_first(struct station *s, int64_t now_us)
{
    struct record *r = &s->queue[s->first];
    bool is_wrong = r->is_wrong && r->sends == 0;
    r->sends++;
    s->resend_due_us = now_us + s->lab->wait_us;
    send_frame(s, tc_str_of(r->segment), is_wrong ? SIM_HJ_WRONG : s->lab->crc);
}

static void tick_sending(struct station *s, int64_t now_us)
{
    if (!is_connected(s)) {
        s->resend_due_us = 0;
        return;
    }
    if (s->count == 0 || (s->resend_due_us != 0 && now_us < s->resend_due_us)) {
        return;
    }
    struct record *r = &s->queue[s->first];
    unsigned most = (unsigned)s->lab->resends + 1;
    if (s->resend_due_us != 0 && r->sends % most == 0) {
        note(s, "gave up", r->qn, r->sends);
        s->resend_due_us = 0;
        sim__stream_close(s->client.stream);
        return;
    }
    send_first(s, now_us);
}

/* Hearing */

static void take_answer(struct station *s, struct tc_str qn)
{
    if (s->count == 0 || !tc_str_is(qn, s->queue[s->first].qn)) {
        char text[SIM_HJ_QN_SIZE];
        (void)tc_str_put(text, sizeof text, qn);
        note(s, "acked again", text, 0);
        return;
    }
    struct record *r = &s->queue[s->first];
    s->first = (s->first + 1) % QUEUE_MAX;
    s->count--;
    s->resend_due_us = 0;
    note(s, "acked", r->qn, r->sends);
}

static void answer_request(struct station *s, struct tc_str qn_text)
{
    char qn[SIM_HJ_QN_SIZE];
    (void)tc_str_put(qn, sizeof qn, qn_text);
    static const char *const answers[][2] = {{"9011", "QnRtn=1"}, {"9012", "ExeRtn=1"}};
    note(s, "request", qn, 0);
    for (size_t i = 0; i < TC_COUNT_OF(answers); i++) {
        struct tc_buf segment = {0};
        sim__hj_plain(&segment, &s->who, qn, answers[i][0], answers[i][1], false);
        send_frame(s, tc_buf_str(&segment), s->lab->crc);
        tc_buf_finish(&segment);
    }
}

static void take_segment(struct station *s, struct tc_str segment)
{
    struct tc_str cn = sim__hj_value(segment, "CN");
    struct tc_str qn = sim__hj_value(segment, "QN");
    if (tc_str_is(cn, "9014") || tc_str_is(cn, "9013")) {
        take_answer(s, qn);
    } else if (cn.len == 4 && cn.at[0] >= '1' && cn.at[0] <= '3') {
        answer_request(s, qn);
    }
}

static void on_bytes(void *ctx, struct sim_stream *stream, const uint8_t *bytes, size_t len)
{
    (void)stream;
    struct station *s = ctx;
    struct tc_str segment;
    size_t used = 0;
    tc_buf_put(&s->in, bytes, len);
    while (sim__hj_take(&s->in, &used, &segment)) {
        take_segment(s, segment);
        tc_buf_drop(&s->in, used);
    }
    tc_buf_drop(&s->in, used);
}

static void on_open(void *ctx, struct sim_stream *stream)
{
    (void)stream;
    struct station *s = ctx;
    tc_buf_clear(&s->in);
    s->resend_due_us = 0;
}

static void on_tick(void *ctx, int64_t now_us)
{
    struct lab *lab = ctx;
    for (int64_t i = 0; i < lab->station_count; i++) {
        struct station *s = &lab->stations[i];
        if (now_us >= s->made_due_us) {
            s->made_due_us += lab->every_us;
            make_data(s, now_us);
        }
        if (lab->beat_us > 0 && now_us >= s->beat_due_us) {
            s->beat_due_us = now_us + lab->beat_us;
            make_beat(s);
        }
        tick_sending(s, now_us);
    }
    if (lab->run_us > 0 && now_us - lab->started_us > lab->run_us) {
        sim__app_stop(&lab->app);
    }
}

/* Start */

#define AT(field) offsetof(struct lab, field)
static const struct sim_opt table[] = {
    {"connect", SIM_OPT_TEXT, AT(connect), "HOST:PORT", "the centre", "监控中心地址"},
    {"mn", SIM_OPT_TEXT, AT(mn), "MN", "device id; with several, the last four are counted up",
     "设备编码；多台时末四位递增"},
    {"st", SIM_OPT_TEXT, AT(st), "NN", "system type (21 surface water)", "系统编码（21 地表水）"},
    {"password", SIM_OPT_TEXT, AT(password), "PW", "access password", "访问密码"},
    {"count", SIM_OPT_INT, AT(station_count), "N", "number of stations", "站点数量"},
    {"edition", SIM_OPT_INT, AT(edition), "YEAR", "2005, 2017 or 2025",
     "标准版本：2005、2017、2025"},
    {"interval", SIM_OPT_SECONDS, AT(every_us), "S", "seconds between data", "数据间隔（秒）"},
    {"heartbeat", SIM_OPT_SECONDS, AT(beat_us), "S", "seconds between 9015 (2025); 0 none",
     "9015 心跳间隔（秒），0 为不发"},
    {"timeout", SIM_OPT_SECONDS, AT(wait_us), "S", "seconds to wait for 9014",
     "等待 9014 的时间（秒）"},
    {"resends", SIM_OPT_INT, AT(resends), "N", "times to send again", "重发次数"},
    {"exceed", SIM_OPT_LIST, AT(exceed_texts), "FROM:TO:CODE:VALUE",
     "between these seconds the factor (2017 code) has this value; repeatable",
     "在该时段（秒）内因子取该值，可重复"},
    {"crc", SIM_OPT_TEXT, AT(crc_name), "NAME", "hj212, modbus, modbus-swapped",
     "校验方式：hj212、modbus、modbus-swapped"},
    {"bad-crc", SIM_OPT_REAL, AT(bad_crc), "P", "chance of a wrong CRC on the first sending",
     "首次发送校验错误的概率"},
    {"split", SIM_OPT_INT, AT(split), "N", "write N bytes at a time", "每次写出 N 字节"},
    {"ack-log", SIM_OPT_TEXT, AT(ack_log), "FILE", "JSON line for each record and answer",
     "数据与应答记录（每条一行 JSON）"},
    {"seconds", SIM_OPT_SECONDS, AT(run_us), "S", "end after this time", "运行时长（秒）"},
    {"seed", SIM_OPT_INT, AT(seed), "N", "same seed, same run", "随机种子"},
};

static bool read_exceed(const char *text, struct exceed *e)
{
    struct tc_str s = tc_str_of(text);
    int64_t value = 0;
    bool ok = tc_str_to_fixed(sim__word(&s, ':'), 6, &e->from_us) == TC_OK &&
              tc_str_to_fixed(sim__word(&s, ':'), 6, &e->to_us) == TC_OK &&
              tc_str_put(e->code, sizeof e->code, sim__word(&s, ':')) &&
              tc_str_to_fixed(s, 6, &value) == TC_OK;
    e->value = (double)value / 1e6;
    return ok;
}

static bool apply_settings(struct lab *lab)
{
    static const char *const names[] = {"hj212", "modbus", "modbus-swapped"};
    bool is_known = false;
    for (unsigned i = 0; i < TC_COUNT_OF(names); i++) {
        if (strcmp(lab->crc_name, names[i]) == 0) {
            lab->crc = (enum sim_hj_crc)i;
            is_known = true;
        }
    }
    for (size_t i = 0; i < lab->exceed_texts.count; i++) {
        is_known = is_known && i < EXCEEDS_MAX &&
                   read_exceed(lab->exceed_texts.items[i], &lab->exceeds[lab->exceed_count++]);
    }
    lab->chance.state = (uint64_t)lab->seed;
    return is_known && lab->connect && strlen(lab->mn) < 36 && strlen(lab->mn) > 4 &&
           lab->station_count > 0 && lab->station_count <= STATIONS_MAX && lab->every_us > 0 &&
           lab->wait_us > 0 && lab->resends >= 0;
}

static tc_err open_station(struct lab *lab, int64_t index)
{
    struct station *s = &lab->stations[index];
    s->lab = lab;
    s->in.max = 65536;
    (void)tc_str_put(s->mn, sizeof s->mn, tc_str_of(lab->mn));
    if (lab->station_count > 1) {
        (void)tc_str_format(s->mn + strlen(s->mn) - 4, 5, "%04d", (int)(index % 10000));
    }
    s->who = (struct sim_hj_station){s->mn, lab->st, lab->password, lab->edition};
    s->queue = tc_alloc(sizeof *s->queue * QUEUE_MAX);
    s->made_due_us = lab->started_us + lab->every_us * index / lab->station_count;
    s->client.events =
        (struct sim_stream_events){.ctx = s, .on_open = on_open, .on_bytes = on_bytes};
    return s->queue ? sim__client_open(&s->client, &lab->app.loop, lab->connect) : TC_ENOMEM;
}

static void finish(struct lab *lab)
{
    for (int64_t i = 0; i < lab->station_count; i++) {
        sim__client_close(&lab->stations[i].client);
    }
    sim__app_finish(&lab->app);
    for (int64_t i = 0; i < lab->station_count; i++) {
        tc_buf_finish(&lab->stations[i].in);
        tc_free(lab->stations[i].queue);
    }
    sim__trail_close(&lab->trail);
}

int main(int argc, char **argv)
{
    static struct lab lab = {.mn = "440304A8900016F000169DC0",
                             .st = "21",
                             .password = "123456",
                             .crc_name = "hj212",
                             .station_count = 1,
                             .edition = 2017,
                             .every_us = 30 * TC_SEC,
                             .wait_us = 10 * TC_SEC,
                             .resends = 3,
                             .seed = 1};
    const struct sim_opts opts = {.program = "tocsin-sim-hj212",
                                  .en = "water-quality stations (HJ 212)",
                                  .zh = "水质自动监测站（HJ 212，模拟器）",
                                  .base = &lab,
                                  .table = table,
                                  .count = TC_COUNT_OF(table)};
    sim__opts_parse(&opts, argc, argv);
    if (!apply_settings(&lab)) {
        (void)fprintf(stderr, "tocsin-sim-hj212: --connect, values in range (--help) / "
                              "需要 --connect，且取值在范围内\n");
        return 2;
    }
    lab.app.ctx = &lab;
    lab.app.on_tick = on_tick;
    lab.started_us = sim__now_us();
    TC_REQUIRE(sim__app_init(&lab.app, 20) == TC_OK);
    tc_err err = sim__trail_open(&lab.trail, lab.ack_log, false);
    for (int64_t i = 0; err == TC_OK && i < lab.station_count; i++) {
        err = open_station(&lab, i);
    }
    if (err == TC_OK) {
        sim__app_run(&lab.app);
    } else {
        (void)fprintf(stderr, "tocsin-sim-hj212: %s: %s\n", lab.connect, tc_err_text(err));
    }
    finish(&lab);
    return err == TC_OK ? 0 : 1;
}
