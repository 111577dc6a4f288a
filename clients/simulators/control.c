/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/gateway.h"
#include "core/base/time.h"

#define LIP_FIX_LOST       21u
#define LIP_FIX_REGAINED   22u
#define LIP_EMERGENCY      2u
#define PRIORITY_EMERGENCY 15u

struct order {
    const char *name;
    const char *usage;
    bool needs_radio;
    bool (*run)(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest);
};

static bool number(struct tc_str *rest, int64_t *out)
{
    return tc_str_to_i64(sim__word(rest, ' '), out) == TC_OK;
}

static bool fixed(struct tc_str *rest, int decimals, int64_t *out)
{
    return tc_str_to_fixed(sim__word(rest, ' '), decimals, out) == TC_OK;
}

/** An optional port number, counted from 1; the first when absent. */
static bool port_named(const struct sim_gateway *g, struct tc_str *rest, size_t *port)
{
    int64_t value = 1;
    struct tc_str word = sim__word(rest, ' ');
    if (word.len && tc_str_to_i64(word, &value) != TC_OK) {
        return false;
    }
    *port = (size_t)value - 1;
    return value >= 1 && (size_t)value <= g->port_count;
}

static bool run_emergency(struct sim_gateway *g, int64_t now_us, struct sim_radio *r,
                          struct tc_str rest)
{
    (void)rest;
    sim__radio_status(&g->fleet, r, 0);
    sim__radio_lip(&g->fleet, r, LIP_EMERGENCY);
    sim__gateway_call(g, now_us, r, g->ports[0].pei.gssi, PRIORITY_EMERGENCY);
    return true;
}

static bool run_status(struct sim_gateway *g, int64_t now_us, struct sim_radio *r,
                       struct tc_str rest)
{
    (void)now_us;
    uint16_t value = 0;
    if (!sim__read_status(sim__word(&rest, ' '), &value)) {
        return false;
    }
    sim__radio_status(&g->fleet, r, value);
    return true;
}

static bool run_text(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    (void)now_us;
    sim__radio_text(&g->fleet, r, rest);
    return rest.len > 0;
}

static bool run_call(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    int64_t gssi = 0;
    int64_t priority = 0;
    if (!number(&rest, &gssi) || !number(&rest, &priority) || gssi < 1 || gssi > 0xFFFFFF ||
        priority < 0 || priority > 15) {
        return false;
    }
    sim__gateway_call(g, now_us, r, (uint32_t)gssi, (unsigned)priority);
    return true;
}

static bool run_move(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    (void)now_us;
    int64_t lon = 0;
    int64_t lat = 0;
    int64_t speed = 0;
    if (!fixed(&rest, 7, &lon) || !fixed(&rest, 7, &lat) || !fixed(&rest, 1, &speed) ||
        lon < -1800000000 || lon > 1800000000 || lat < -900000000 || lat > 900000000) {
        return false;
    }
    struct sim_place to = {.lon_e7 = (int32_t)lon, .lat_e7 = (int32_t)lat};
    r->is_parked = true;
    sim__radio_drive(&g->fleet, r, to, (double)speed / 10);
    return true;
}

static bool run_drop(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    (void)r;
    int64_t for_us = 0;
    size_t port = 0;
    if (!fixed(&rest, 6, &for_us) || for_us < 0 || !port_named(g, &rest, &port)) {
        return false;
    }
    sim__port_drop(&g->ports[port], now_us, for_us);
    return true;
}

static bool run_cut(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    (void)now_us;
    (void)r;
    (void)rest;
    g->cuts_next_line = true;
    return true;
}

static bool run_restart(struct sim_gateway *g, int64_t now_us, struct sim_radio *r,
                        struct tc_str rest)
{
    (void)r;
    size_t port = 0;
    if (!port_named(g, &rest, &port)) {
        return false;
    }
    sim__port_drop(&g->ports[port], now_us, 2 * TC_SEC);
    sim__pei_restart(&g->ports[port].pei);
    return true;
}

static bool run_fail(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    (void)now_us;
    (void)r;
    int64_t count = 0;
    int64_t cause = 5;
    if (!number(&rest, &count) || count < 0) {
        return false;
    }
    struct tc_str word = sim__word(&rest, ' ');
    bool is_cme = tc_str_is(word, "cme");
    if (is_cme ? !number(&rest, &cause) : tc_str_to_i64(word, &cause) != TC_OK) {
        return false;
    }
    for (size_t i = 0; i < g->port_count; i++) {
        g->ports[i].pei.faults.fail_next = count;
        g->ports[i].pei.faults.fail_cause = is_cme ? 1000 + (int)(cause % 1000) : 5;
    }
    return is_cme || cause == 5;
}

static bool run_silent(struct sim_gateway *g, int64_t now_us, struct sim_radio *r,
                       struct tc_str rest)
{
    (void)g;
    (void)now_us;
    r->is_silent = !tc_str_is(sim__word(&rest, ' '), "off");
    return true;
}

static bool run_fix(struct sim_gateway *g, int64_t now_us, struct sim_radio *r, struct tc_str rest)
{
    (void)now_us;
    static const char *const names[] = {"good", "old", "lost"};
    struct tc_str word = sim__word(&rest, ' ');
    for (unsigned i = 0; i < TC_COUNT_OF(names); i++) {
        if (tc_str_is(word, names[i])) {
            r->fix = (enum sim_fix_state)i;
            sim__radio_lip(&g->fleet, r, i == SIM_FIX_LOST ? LIP_FIX_LOST : LIP_FIX_REGAINED);
            return true;
        }
    }
    return false;
}

static bool run_burst(struct sim_gateway *g, int64_t now_us, struct sim_radio *r,
                      struct tc_str rest)
{
    (void)now_us;
    (void)r;
    int64_t count = 0;
    if (!number(&rest, &count) || count < 1 || count > 10000000) {
        return false;
    }
    g->fleet.burst_left += (uint32_t)count;
    return true;
}

static bool run_clear(struct sim_gateway *g, int64_t now_us, struct sim_radio *r,
                      struct tc_str rest)
{
    (void)now_us;
    (void)rest;
    sim__radio_clear(&g->fleet, r);
    return true;
}

static const struct order orders[] = {
    {"emergency", "emergency ISSI", true, run_emergency},
    {"status", "status ISSI 0xNNNN", true, run_status},
    {"text", "text ISSI utf8", true, run_text},
    {"call", "call ISSI GSSI PRIORITY", true, run_call},
    {"move", "move ISSI LON LAT SPEED_KMH", true, run_move},
    {"silent", "silent ISSI [off]", true, run_silent},
    {"clear", "clear ISSI", true, run_clear},
    {"fix", "fix ISSI good|old|lost", true, run_fix},
    {"burst", "burst N", false, run_burst},
    {"drop-link", "drop-link SECONDS [PORT]", false, run_drop},
    {"cut-line", "cut-line", false, run_cut},
    {"restart-radio", "restart-radio [PORT]", false, run_restart},
    {"fail-next-cmgs", "fail-next-cmgs N 5|cme NN", false, run_fail},
};

static void put_stats(const struct sim_gateway *g, struct tc_buf *out)
{
    uint64_t not_routed = 0;
    uint64_t commands = 0;
    unsigned connected = 0;
    for (size_t i = 0; i < g->port_count; i++) {
        not_routed += g->ports[i].pei.not_routed_count;
        commands += g->ports[i].pei.command_count;
        connected += g->ports[i].peer != NULL;
    }
    tc_buf_format(out, "ok connected=%u radios=%u sent=%llu delivered=%llu heard=%llu ", connected,
                  g->fleet.count, (unsigned long long)g->sent_count,
                  (unsigned long long)g->delivered_count, (unsigned long long)g->heard_count);
    tc_buf_format(out, "refused=%llu not_routed=%llu commands=%llu burst_left=%u\n",
                  (unsigned long long)g->refused_count, (unsigned long long)not_routed,
                  (unsigned long long)commands, g->fleet.burst_left);
}

static void put_radio(const struct sim_radio *r, struct tc_buf *out)
{
    static const char *const steps[] = {"idle", "ordered", "on_way", "on_scene"};
    tc_buf_format(out, "ok issi=%u name=%s lon_e7=%d lat_e7=%d speed_kmh=%.1f step=%s order=%lld\n",
                  r->issi, r->name, (int)r->place.lon_e7, (int)r->place.lat_e7, r->speed_kmh,
                  steps[r->step], (long long)r->order_number);
}

void sim__control(struct sim_gateway *g, int64_t now_us, struct tc_str line, struct tc_buf *out)
{
    struct tc_str rest = line;
    struct tc_str name = sim__word(&rest, ' ');
    struct sim_radio *r = NULL;
    if (tc_str_is(name, "stats")) {
        put_stats(g, out);
        return;
    }
    for (size_t i = 0; i < TC_COUNT_OF(orders); i++) {
        if (!tc_str_is(name, orders[i].name)) {
            continue;
        }
        int64_t issi = 0;
        if (orders[i].needs_radio && number(&rest, &issi)) {
            r = sim__fleet_find(&g->fleet, (uint32_t)issi);
        }
        if (orders[i].needs_radio && !r) {
            tc_buf_text(out, "error no such radio / 没有这部电台\n");
        } else if (orders[i].run(g, now_us, r, rest)) {
            tc_buf_text(out, "ok\n");
        } else {
            tc_buf_format(out, "error usage / 用法: %s\n", orders[i].usage);
        }
        return;
    }
    int64_t issi = 0;
    if (tc_str_is(name, "where") && number(&rest, &issi) &&
        (r = sim__fleet_find(&g->fleet, (uint32_t)issi)) != NULL) {
        put_radio(r, out);
        return;
    }
    tc_buf_text(out, "error unknown / 未知命令: stats where");
    for (size_t i = 0; i < TC_COUNT_OF(orders); i++) {
        tc_buf_format(out, " %s", orders[i].name);
    }
    tc_buf_text(out, "\n");
}
