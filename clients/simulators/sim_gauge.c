/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An underpass level gauge behind a nanomsg gateway. One request is out at a time; without an
 * answer it goes out again with the same id and the same bytes, until the answer with that id
 * comes. Readings made meanwhile wait and go together.
 */
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>

#include "clients/simulators/gauge.h"
#include "clients/simulators/net.h"
#include "clients/simulators/opts.h"
#include "clients/simulators/trail.h"
#include "core/base/time.h"

#define READINGS_MAX 4096
#define TOGETHER_MAX 16

struct gauge {
    struct sim_app app;
    struct sim_trail trail;
    struct sim_profile profile;
    uv_poll_t poll;
    int nn;
    bool is_polled;
    int64_t started_us;
    int64_t started_utc_us;
    int64_t read_due_us;
    int64_t resend_due_us;
    struct sim_reading readings[READINGS_MAX]; /* a ring */
    size_t first;
    size_t count;
    size_t out_count; /* readings in the request that is out; 0: none */
    unsigned sends;
    uint64_t request_count;
    char id[96];
    struct tc_buf request;
    const char *url;
    const char *device;
    const char *profile_text;
    const char *ack_log;
    int64_t every_us;
    int64_t wait_us;
    int64_t run_us;
    bool is_looping;
};

static void note(struct gauge *g, const char *event, const struct sim_gauge_answer *a)
{
    struct tc_buf *b = sim__trail_begin(&g->trail);
    tc_jw_pair_text(b, "event", event);
    tc_jw_pair_text(b, "id", g->id);
    tc_jw_pair_u64(b, "readings", g->out_count);
    tc_jw_pair_u64(b, "sends", g->sends);
    if (a) {
        tc_jw_pair_bool(b, "ok", a->is_ok);
        tc_jw_pair_u64(b, "stored", a->taken_count);
        tc_jw_pair_u64(b, "duplicate", a->duplicate_count);
        tc_jw_pair_u64(b, "refused", a->refused_count);
        tc_jw_pair_text(b, "why", a->why);
    }
    sim__trail_end(&g->trail);
}

static void make_reading(struct gauge *g, int64_t now_us)
{
    int64_t at_us = now_us - g->started_us;
    int64_t span_us = g->profile.points[g->profile.count - 1].at_us;
    if (g->is_looping && span_us > 0) {
        at_us %= span_us;
    }
    if (g->count == READINGS_MAX) {
        return; /* a real gauge's memory is full at some time, too */
    }
    g->readings[(g->first + g->count++) % READINGS_MAX] = (struct sim_reading){
        .level_um = sim__profile_level_um(&g->profile, at_us), .utc_us = tc_clock_utc_us()};
}

static void send_request(struct gauge *g, int64_t now_us)
{
    g->sends++;
    g->resend_due_us = now_us + g->wait_us;
    (void)nn_send(g->nn, g->request.bytes, g->request.len, NN_DONTWAIT); /* lost: sent again */
}

static void new_request(struct gauge *g, int64_t now_us)
{
    struct sim_reading together[TOGETHER_MAX];
    size_t count = g->count < TOGETHER_MAX ? g->count : TOGETHER_MAX;
    for (size_t i = 0; i < count; i++) {
        together[i] = g->readings[(g->first + i) % READINGS_MAX];
    }
    (void)tc_str_format(g->id, sizeof g->id, "%s-%lld-%llu", g->device,
                        (long long)(g->started_utc_us / 1000),
                        (unsigned long long)++g->request_count);
    tc_buf_clear(&g->request);
    sim__gauge_request(&g->request, g->id, g->device, together, count);
    g->out_count = count;
    g->sends = 0;
    note(g, "made", NULL);
    send_request(g, now_us);
}

static void take_answer(struct gauge *g, struct tc_str text)
{
    struct sim_gauge_answer a;
    if (!sim__gauge_answer(text, &a) || strcmp(a.id, g->id) != 0 || g->out_count == 0) {
        return; /* a late answer to an earlier sending */
    }
    note(g, a.refused_count || !a.is_ok ? "refused" : "acked", &a);
    g->first = (g->first + g->out_count) % READINGS_MAX;
    g->count -= g->out_count;
    g->out_count = 0;
}

static void receive(struct gauge *g)
{
    for (int i = 0; i < 64; i++) {
        void *msg = NULL;
        int n = nn_recv(g->nn, &msg, NN_MSG, NN_DONTWAIT);
        if (n < 0) {
            return;
        }
        take_answer(g, (struct tc_str){.at = msg, .len = (size_t)n});
        (void)nn_freemsg(msg);
    }
}

static void on_tick(void *ctx, int64_t now_us)
{
    struct gauge *g = ctx;
    if (now_us >= g->read_due_us) {
        g->read_due_us += g->every_us;
        make_reading(g, now_us);
    }
    receive(g);
    if (g->out_count && now_us >= g->resend_due_us) {
        send_request(g, now_us);
    }
    if (g->out_count == 0 && g->count) {
        new_request(g, now_us);
    }
    if (g->run_us > 0 && now_us - g->started_us > g->run_us && g->count == 0) {
        sim__app_stop(&g->app);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    receive(poll->data);
}

static tc_err open_socket(struct gauge *g)
{
    int fd = -1;
    size_t size = sizeof fd;
    int never_ms = 24 * 3600 * 1000; /* sending again is ours */
    g->nn = nn_socket(AF_SP, NN_REQ);
    if (g->nn < 0 ||
        nn_setsockopt(g->nn, NN_REQ, NN_REQ_RESEND_IVL, &never_ms, sizeof never_ms) != 0 ||
        nn_connect(g->nn, g->url) < 0 ||
        nn_getsockopt(g->nn, NN_SOL_SOCKET, NN_RCVFD, &fd, &size) != 0 ||
        uv_poll_init(&g->app.loop, &g->poll, fd) != 0) {
        return TC_EIO;
    }
    g->is_polled = true;
    g->poll.data = g;
    return uv_poll_start(&g->poll, UV_READABLE, on_readable) == 0 ? TC_OK : TC_EIO;
}

static void finish(struct gauge *g)
{
    if (g->is_polled) {
        (void)uv_poll_stop(&g->poll); /* before nn_close: it closes the file */
    }
    if (g->nn >= 0) {
        (void)nn_close(g->nn);
    }
    if (g->is_polled) {
        uv_close((uv_handle_t *)&g->poll, NULL);
    }
    sim__app_finish(&g->app);
    tc_buf_finish(&g->request);
    sim__trail_close(&g->trail);
}

#define AT(field) offsetof(struct gauge, field)
static const struct sim_opt table[] = {
    {"url", SIM_OPT_TEXT, AT(url), "URL", "ipc://… or tcp://… of the gateway",
     "网关地址 ipc://… 或 tcp://…"},
    {"device", SIM_OPT_TEXT, AT(device), "NAME", "name of the gauge", "水位计名称"},
    {"profile", SIM_OPT_TEXT, AT(profile_text), "S:M,S:M…",
     "level over time, straight between points", "水位过程：秒:米，点间线性"},
    {"loop", SIM_OPT_FLAG, AT(is_looping), NULL, "begin again at its end", "过程结束后重复"},
    {"interval", SIM_OPT_SECONDS, AT(every_us), "S", "seconds between readings", "读数间隔（秒）"},
    {"timeout", SIM_OPT_SECONDS, AT(wait_us), "S", "seconds until it is sent again",
     "超时重发（秒）"},
    {"seconds", SIM_OPT_SECONDS, AT(run_us), "S", "end after this time, when all is acknowledged",
     "运行时长（秒），全部应答后退出"},
    {"ack-log", SIM_OPT_TEXT, AT(ack_log), "FILE", "JSON line for each request and answer",
     "请求与应答记录（每条一行 JSON）"},
};

int main(int argc, char **argv)
{
    static struct gauge g = {.device = "gauge-caitian",
                             .profile_text = "0:0.05,30:0.05,60:0.45,180:0.45,300:0.05",
                             .every_us = 5 * TC_SEC,
                             .wait_us = 3 * TC_SEC,
                             .nn = -1};
    const struct sim_opts opts = {.program = "tocsin-sim-gauge",
                                  .en = "an underpass level gauge behind a nanomsg gateway",
                                  .zh = "下穿通道水位计及其 nanomsg 网关（模拟器）",
                                  .base = &g,
                                  .table = table,
                                  .count = TC_COUNT_OF(table)};
    sim__opts_parse(&opts, argc, argv);
    if (!g.url || !sim__profile_read(&g.profile, g.profile_text) || g.every_us <= 0 ||
        g.wait_us <= 0 || strlen(g.device) > 60) {
        (void)fprintf(stderr, "tocsin-sim-gauge: --url and a --profile of S:M pairs (--help) / "
                              "需要 --url，--profile 为 秒:米\n");
        return 2;
    }
    g.app.ctx = &g;
    g.app.on_tick = on_tick;
    g.started_us = g.read_due_us = sim__now_us();
    g.started_utc_us = tc_clock_utc_us();
    TC_REQUIRE(sim__app_init(&g.app, 20) == TC_OK);
    tc_err err = sim__trail_open(&g.trail, g.ack_log, false);
    if (err == TC_OK) {
        err = open_socket(&g);
    }
    if (err == TC_OK) {
        sim__app_run(&g.app);
    } else {
        (void)fprintf(stderr, "tocsin-sim-gauge: %s: %s\n", g.url, tc_err_text(err));
    }
    finish(&g);
    return err == TC_OK ? 0 : 1;
}
