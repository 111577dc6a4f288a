/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients/simulators/load.h"
#include "clients/simulators/opts.h"
#include "core/base/time.h"

static bool are_all_ready(const struct sim_load *l, int64_t now_us)
{
    for (int64_t i = 0; i < l->link_count; i++) {
        if (l->links[i].ready_us == 0 || now_us < l->links[i].ready_us) {
            return false;
        }
    }
    return true;
}

static bool are_all_drained(const struct sim_load *l)
{
    for (int64_t i = 0; i < l->link_count; i++) {
        const struct sim_stream *peer = l->links[i].peer;
        if (peer && uv_stream_get_write_queue_size(&peer->uv.stream) > 0) {
            return false;
        }
    }
    return true;
}

static void tell(struct sim_load *l, int64_t now_us)
{
    struct tc_buf out = {0};
    sim__load_summary(l, now_us, &out);
    (void)fwrite(out.bytes, 1, out.len, stdout);
    (void)fflush(stdout);
    tc_buf_finish(&out);
}

static void offer_load(struct sim_load *l, int64_t now_us)
{
    for (uint32_t n = sim__pace_take(&l->positions, now_us); n > 0; n--) {
        sim__load_position(l);
    }
    for (uint32_t n = sim__pace_take(&l->statuses, now_us); n > 0; n--) {
        sim__load_status(l);
    }
    for (uint32_t n = sim__pace_take(&l->alarms, now_us); n > 0; n--) {
        sim__load_alarm(l);
    }
    for (uint32_t n = l->hj212 ? sim__pace_take(&l->data, now_us) : 0; n > 0; n--) {
        sim__load_data(l, now_us);
    }
}

static void on_tick(void *ctx, int64_t now_us)
{
    struct sim_load *l = ctx;
    if (l->started_us == 0 && are_all_ready(l, now_us)) {
        l->started_us = now_us;
    }
    bool is_running = l->started_us != 0 && now_us - l->started_us < l->run_us;
    if (is_running) {
        offer_load(l, now_us);
    }
    for (int64_t i = 0; i < l->link_count; i++) {
        sim__pei_tick(&l->links[i].pei, now_us);
    }
    sim__load_flush(l);
    bool may_wait = now_us - l->started_us < l->run_us + 10 * TC_SEC && !are_all_drained(l);
    if (l->started_us == 0 || is_running || l->is_over || may_wait) {
        return;
    }
    l->is_over = true;
    tell(l, l->started_us + l->run_us);
    if (!l->stays) {
        sim__app_stop(&l->app);
    }
}

#define AT(field) offsetof(struct sim_load, field)
static const struct sim_opt table[] = {
    {"listen", SIM_OPT_TEXT, AT(listen), "HOST:PORT",
     "first gateway; the others take the next ports", "首个网关地址，其余端口递增"},
    {"links", SIM_OPT_INT, AT(link_count), "K", "number of gateways", "网关数量"},
    {"units", SIM_OPT_INT, AT(unit_count), "U", "radios, shared among them",
     "电台数量（分摊到各网关）"},
    {"first-issi", SIM_OPT_INT, AT(first_issi), "I", "the first one's number", "首部电台号码"},
    {"own-issi", SIM_OPT_INT, AT(own_issi), "I", "the gateways' number", "网关电台号码"},
    {"rate", SIM_OPT_REAL, AT(positions.per_second), "R", "positions a second in all",
     "每秒位置总数"},
    {"status-rate", SIM_OPT_REAL, AT(statuses.per_second), "R", "statuses a second in all",
     "每秒状态总数"},
    {"alarm-rate", SIM_OPT_REAL, AT(alarms.per_second), "R", "emergency keys a second in all",
     "每秒紧急告警总数"},
    {"stamp", SIM_OPT_FLAG, AT(is_stamped), NULL,
     "positions carry the time of their sending (tocsin bench)", "位置中带发送时间（性能测试用）"},
    {"seconds", SIM_OPT_SECONDS, AT(run_us), "S", "how long, once all gateways are connected",
     "全部网关连通后的运行时长（秒）"},
    {"settle", SIM_OPT_SECONDS, AT(settle_us), "S",
     "seconds from a connection to the first position", "连接后等待初始化的时间（秒）"},
    {"stay", SIM_OPT_FLAG, AT(stays), NULL, "keep the links up afterwards", "结束后保持链路"},
    {"hj212", SIM_OPT_TEXT, AT(hj212), "HOST:PORT", "also send station data there",
     "同时向该地址发送监测数据"},
    {"hj-stations", SIM_OPT_INT, AT(station_count), "N", "stations", "站点数量"},
    {"hj-rate", SIM_OPT_REAL, AT(data.per_second), "R", "messages a second in all", "每秒数据总数"},
};

int main(int argc, char **argv)
{
    static struct sim_load l = {.listen = "127.0.0.1:7400",
                                .link_count = 1,
                                .unit_count = 1000,
                                .first_issi = 100001,
                                .own_issi = 2001,
                                .positions.per_second = 100,
                                .data.per_second = 10,
                                .station_count = 10,
                                .run_us = 10 * TC_SEC,
                                .settle_us = 3 * TC_SEC,
                                .chance.state = 1};
    const struct sim_opts opts = {.program = "tocsin-sim-load",
                                  .en = "load for benchmarks: radio gateways and stations",
                                  .zh = "性能测试负载：电台网关与监测站（模拟器）",
                                  .base = &l,
                                  .table = table,
                                  .count = TC_COUNT_OF(table)};
    sim__opts_parse(&opts, argc, argv);
    bool ok = l.link_count > 0 && l.link_count <= SIM_LOAD_LINKS_MAX && l.unit_count > 0 &&
              l.unit_count <= SIM_LOAD_UNITS_MAX && l.station_count > 0 &&
              l.station_count <= SIM_LOAD_STATIONS_MAX && l.first_issi > 0 &&
              l.first_issi + l.unit_count <= 0xFFFFFF && l.positions.per_second >= 0;
    if (!ok) {
        (void)fprintf(stderr,
                      "tocsin-sim-load: a number is out of range (--help) / 数值超出范围\n");
        return 2;
    }
    l.app.ctx = &l;
    l.app.on_tick = on_tick;
    TC_REQUIRE(sim__app_init(&l.app, 5) == TC_OK);
    tc_err err = sim__load_open(&l);
    if (err == TC_OK) {
        sim__app_run(&l.app);
        if (!l.is_over) {
            tell(&l, sim__now_us());
        }
    } else {
        (void)fprintf(stderr, "tocsin-sim-load: %s: %s\n", l.listen, tc_err_text(err));
    }
    sim__load_close(&l);
    return err == TC_OK ? 0 : 1;
}
