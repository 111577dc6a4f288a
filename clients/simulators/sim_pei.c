/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "clients/simulators/gateway.h"
#include "core/base/mem.h"
#include "core/base/time.h"

/* The witness */

static void trail_sds(struct tc_buf *b, const struct sim_sds *sds)
{
    tc_jw_pair_u64(b, "from", sds->from);
    tc_jw_pair_u64(b, "to", sds->to);
    tc_jw_pair_u64(b, "service", (uint64_t)sds->service);
    tc_jw_pair_u64(b, "bits", sds->bits);
    struct tc_buf hex = {0};
    sim__hex(&hex, sds->bytes, (sds->bits + 3) / 4);
    tc_jw_pair_str(b, "raw", tc_buf_str(&hex));
    tc_buf_finish(&hex);
    if (sds->service == SIM_STATUS) {
        char status[8];
        (void)tc_str_format(status, sizeof status, "0x%02X%02X", sds->bytes[0], sds->bytes[1]);
        tc_jw_pair_text(b, "status", status);
        return;
    }
    struct sim_heard heard;
    if (!sim__read(sds, &heard)) {
        return;
    }
    tc_jw_pair_u64(b, "pid", heard.pid);
    if (heard.is_transfer || heard.is_report) {
        tc_jw_pair_u64(b, "ref", heard.ref);
        tc_jw_pair_u64(b, "report", heard.report);
    }
    if (heard.parts) {
        tc_jw_pair_u64(b, "part", heard.part);
        tc_jw_pair_u64(b, "parts", heard.parts);
    }
    if (heard.has_text) {
        tc_jw_pair_text(b, "text", heard.text);
    }
}

static void on_message(void *ctx, const struct sim_sds *sds, enum sim_outcome outcome, unsigned ref)
{
    static const char *const names[] = {"on_air", "not_sent", "refused"};
    const struct sim_port *port = ctx;
    struct sim_gateway *g = port->gateway;
    struct tc_buf *b = sim__trail_begin(&g->trail);
    tc_jw_pair_text(b, "dir", "heard");
    tc_jw_pair_text(b, "outcome", names[outcome]);
    tc_jw_pair_u64(b, "pei_ref", ref);
    trail_sds(b, sds);
    sim__trail_end(&g->trail);
    g->heard_count += outcome == SIM_ON_AIR;
    g->refused_count += outcome == SIM_REFUSED;
}

static void on_command(void *ctx, const char *line)
{
    const struct sim_port *port = ctx;
    struct sim_gateway *g = port->gateway;
    struct tc_buf *b = sim__trail_begin(&g->trail);
    tc_jw_pair_text(b, "dir", "command");
    tc_jw_pair_text(b, "line", line);
    sim__trail_end(&g->trail);
}

static void on_air(void *ctx, int64_t now_us, const struct sim_sds *sds)
{
    const struct sim_port *port = ctx;
    struct sim_gateway *g = port->gateway;
    sim__fleet_hear(&g->fleet, now_us, sds);
}

/** True when the port's peer was given the message. */
static bool deliver(struct sim_port *p, const struct sim_sds *sds, bool is_cut)
{
    bool is_for_it = sds->to == p->pei.issi || sds->to == p->pei.gssi;
    if (!is_for_it || !p->peer || p->link_back_us != 0) {
        return false;
    }
    double cut_line = p->pei.faults.cut_line;
    p->pei.faults.cut_line = is_cut ? 1 : cut_line;
    bool is_delivered = sim__pei_receive(&p->pei, sds);
    p->pei.faults.cut_line = cut_line;
    return is_delivered;
}

/** A radio sends: to the peers that hear it, and to the witness. */
static void on_send(void *ctx, const struct sim_sds *sds, const char *what)
{
    struct sim_gateway *g = ctx;
    bool is_lip = sds->service == SIM_SDS4 && sds->bytes[0] == 0x0A;
    bool is_lost = is_lip && sim__chance_is(&g->fleet.chance, g->lip_loss);
    bool is_cut = g->cuts_next_line;
    bool is_delivered = false;
    g->cuts_next_line = false;
    for (size_t i = 0; !is_lost && i < g->port_count; i++) {
        is_delivered |= deliver(&g->ports[i], sds, is_cut && i == 0);
    }
    struct tc_buf *b = sim__trail_begin(&g->trail);
    tc_jw_pair_text(b, "dir", "sent");
    tc_jw_pair_text(b, "what", what);
    tc_jw_pair_bool(b, "delivered", is_delivered);
    trail_sds(b, sds);
    sim__trail_end(&g->trail);
    g->sent_count++;
    g->delivered_count += is_delivered;
}

/* Calls */

static void line_later(struct sim_gateway *g, int64_t due_us, const char *text)
{
    if (g->later_count < SIM_LATER_MAX) {
        struct sim_later *l = &g->later[g->later_count++];
        l->due_us = due_us;
        (void)tc_str_put(l->text, sizeof l->text, tc_str_of(text));
    }
}

void sim__gateway_call(struct sim_gateway *g, int64_t now_us, const struct sim_radio *r,
                       uint32_t gssi, unsigned priority)
{
    char from[24];
    char to[24];
    char text[96];
    unsigned type = 0;
    unsigned inst = g->call_inst = g->call_inst % 9 + 1;
    sim__pei_identity(&g->ports[0].pei, r->issi, from, &type);
    sim__pei_identity(&g->ports[0].pei, gssi, to, &type);
    struct tc_buf *b = sim__trail_begin(&g->trail);
    tc_jw_pair_text(b, "dir", "call");
    tc_jw_pair_u64(b, "from", r->issi);
    tc_jw_pair_u64(b, "to", gssi);
    tc_jw_pair_u64(b, "priority", priority);
    sim__trail_end(&g->trail);
    (void)tc_str_format(text, sizeof text, "+CTICN: %u,0,0,%u,%s,0,1,0,1,1,%u,%s,%u", inst, type,
                        from, type, to, priority);
    line_later(g, now_us, text);
    (void)tc_str_format(text, sizeof text, "+CTCC: %u,1,1,0,0,1,1,%u", inst, priority);
    line_later(g, now_us + 250 * TC_MS, text);
    (void)tc_str_format(text, sizeof text, "+CTXG: %u,3,0,0,%u,%s", inst, type ? 3 : 0, from);
    line_later(g, now_us + 300 * TC_MS, text);
    (void)tc_str_format(text, sizeof text, "+CDTXC: %u,0", inst);
    line_later(g, now_us + 6 * TC_SEC, text);
    (void)tc_str_format(text, sizeof text, "+CTCR: %u,13", inst);
    line_later(g, now_us + 12 * TC_SEC, text);
}

static void tell_call(struct sim_gateway *g, const char *text)
{
    for (size_t i = 0; i < g->port_count; i++) {
        struct sim_port *p = &g->ports[i];
        if (p->peer && (p->pei.routes_voice || p->pei.is_routing_all)) {
            sim__pei_line(&p->pei, text);
        }
    }
}

static void tick_calls(struct sim_gateway *g, int64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->later_count; i++) {
        struct sim_later *l = &g->later[i];
        if (l->due_us > now_us) {
            memmove(&g->later[kept++], l, sizeof *l);
        } else {
            tell_call(g, l->text);
        }
    }
    g->later_count = kept;
}

/* The links */

static void flush_port(struct sim_port *p)
{
    bool is_down = !p->peer || p->link_back_us != 0;
    if (!is_down) {
        sim__stream_send(p->peer, p->pei.out.bytes, p->pei.out.len);
    }
    tc_buf_clear(&p->pei.out);
    if (p->pei.wants_cut && p->peer) {
        p->pei.wants_cut = false;
        sim__port_drop(p, sim__now_us(), 0);
    }
}

static void flush(struct sim_gateway *g)
{
    for (size_t i = 0; i < g->port_count; i++) {
        flush_port(&g->ports[i]);
    }
}

static void on_link_open(void *ctx, struct sim_stream *s)
{
    struct sim_port *p = ctx;
    p->peer = s;
    sim__pei_reconnected(&p->pei);
}

static void on_link_bytes(void *ctx, struct sim_stream *s, const uint8_t *bytes, size_t len)
{
    struct sim_port *p = ctx;
    if (s == p->peer && p->link_back_us == 0) {
        sim__pei_feed(&p->pei, sim__now_us(), bytes, len);
        flush(p->gateway);
    }
}

static void on_link_closed(void *ctx, struct sim_stream *s)
{
    struct sim_port *p = ctx;
    if (p->peer == s) {
        p->peer = NULL;
    }
}

void sim__port_drop(struct sim_port *p, int64_t now_us, int64_t for_us)
{
    if (!p->listen) {
        p->link_back_us = now_us + for_us + 1;
        return;
    }
    if (for_us > 0) { /* the close needs a turn of the loop before the port can be opened again */
        p->link_back_us = now_us + (for_us > 50 * TC_MS ? for_us : 50 * TC_MS);
        sim__server_close(&p->link);
    } else if (p->peer) {
        sim__stream_close(p->peer);
    }
    p->peer = NULL;
}

static void tick_link(struct sim_port *p, int64_t now_us)
{
    if (p->link_back_us == 0 || now_us < p->link_back_us) {
        return;
    }
    p->link_back_us = 0;
    struct sim_app *app = &p->gateway->app;
    if (p->listen && sim__server_open(&p->link, &app->loop, p->listen) != TC_OK) {
        (void)fprintf(stderr, "%s cannot be opened again / 无法重新监听\n", p->listen);
        sim__app_stop(app);
    }
}

static void on_tick(void *ctx, int64_t now_us)
{
    struct sim_gateway *g = ctx;
    for (size_t i = 0; i < g->port_count; i++) {
        tick_link(&g->ports[i], now_us);
    }
    sim__fleet_tick(&g->fleet, now_us);
    tick_calls(g, now_us);
    for (size_t i = 0; i < g->port_count; i++) {
        sim__pei_tick(&g->ports[i].pei, now_us);
    }
    flush(g);
}

/* The control channel */

static void on_control_line(void *ctx, struct sim_stream *s, struct tc_str line)
{
    struct sim_gateway *g = ctx;
    struct tc_buf out = {0};
    sim__control(g, sim__now_us(), line, &out);
    sim__stream_send(s, out.bytes, out.len);
    tc_buf_finish(&out);
    flush(g);
}

static void on_control_bytes(void *ctx, struct sim_stream *s, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    sim__stream_lines(s, bytes, len, on_control_line);
}

/* Start */

static bool apply_settings(struct sim_gateway *g, const struct sim_settings *o)
{
    static const char *const vendors[] = {"plain", "motorola", "motorola88", "sepura"};
    bool is_known = false;
    for (unsigned i = 0; i < TC_COUNT_OF(vendors); i++) {
        if (strcmp(o->vendor, vendors[i]) == 0) {
            g->ports[0].pei.vendor = (enum sim_vendor)i;
            is_known = true;
        }
    }
    bool is_in_range = o->own_issi > 0 && o->own_issi <= 0xFFFFF0 && o->count >= 0 &&
                       o->count <= SIM_RADIOS_MAX && o->first_issi > 0 &&
                       o->first_issi + o->count <= 0xFFFFFF && o->report_to >= 0 &&
                       o->report_to <= 0xFFFFFF && g->listen.count <= SIM_PORTS_MAX &&
                       (g->listen.count > 0) != (g->pty != NULL);
    g->fleet.chance.state = (uint64_t)o->seed + 1;
    g->fleet.habits.system_issi = (uint32_t)(o->report_to ? o->report_to : o->own_issi);
    g->fleet.send = on_send;
    g->fleet.send_ctx = g;
    g->port_count = is_known && is_in_range ? g->listen.count + (g->pty != NULL) : 0;
    for (size_t i = 0; i < g->port_count; i++) {
        struct sim_port *p = &g->ports[i];
        p->pei = g->ports[0].pei; /* what the options said goes for all */
        p->gateway = g;
        p->listen = g->pty ? NULL : g->listen.items[i];
        p->pei.issi = (uint32_t)o->own_issi + (uint32_t)i;
        p->pei.gssi = (uint32_t)o->gssi;
        p->pei.mcc = (unsigned)o->mcc;
        p->pei.mnc = (unsigned)o->mnc;
        p->pei.chance.state = (uint64_t)o->seed + 100 + i;
        p->pei.hooks = (struct sim_pei_hooks){p, on_message, on_air, on_command};
        sim__pei_restart(&p->pei);
    }
    return g->port_count > 0;
}

static tc_err load(struct sim_gateway *g, const struct sim_settings *o, char why[TC_WHY_MAX])
{
    tc_err err = sim__roads_load(&g->fleet.roads, o->roads, why);
    if (err == TC_OK) {
        err = o->units ? sim__fleet_load(&g->fleet, o->units, why)
                       : sim__fleet_scatter(&g->fleet, (uint32_t)o->count, (uint32_t)o->first_issi);
    }
    if (err == TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s", o->air_log ? o->air_log : "");
        err = sim__trail_open(&g->trail, o->air_log, o->is_synced);
    }
    return err;
}

static tc_err open_port(struct sim_port *p, char why[TC_WHY_MAX])
{
    struct sim_gateway *g = p->gateway;
    p->link.most = 1;
    p->link.events = (struct sim_stream_events){p, on_link_open, on_link_bytes, on_link_closed};
    (void)tc_str_format(why, TC_WHY_MAX, "%s", p->listen ? p->listen : g->pty);
    if (p->listen) {
        return sim__server_open(&p->link, &g->app.loop, p->listen);
    }
    return sim__pty_open(&g->app.loop, g->pty, &p->link.events) ? TC_OK : TC_EIO;
}

static tc_err open_links(struct sim_gateway *g, const struct sim_settings *o, char why[TC_WHY_MAX])
{
    g->control.events = (struct sim_stream_events){.ctx = g, .on_bytes = on_control_bytes};
    tc_err err = TC_OK;
    for (size_t i = 0; err == TC_OK && i < g->port_count; i++) {
        err = open_port(&g->ports[i], why);
    }
    if (err == TC_OK && o->control) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s", o->control);
        err = sim__server_open(&g->control, &g->app.loop, o->control);
    }
    return err;
}

static void finish(struct sim_gateway *g, bool is_linked)
{
    for (size_t i = 0; i < g->port_count; i++) {
        sim__server_close(&g->ports[i].link);
        if (g->ports[i].peer) {
            sim__stream_close(g->ports[i].peer);
        }
    }
    sim__server_close(&g->control);
    if (g->pty && is_linked) {
        (void)unlink(g->pty);
    }
    sim__app_finish(&g->app);
    sim__fleet_finish(&g->fleet);
    for (size_t i = 0; i < g->port_count; i++) {
        sim__pei_finish(&g->ports[i].pei);
    }
    sim__trail_close(&g->trail);
    tc_free(g);
}

int main(int argc, char **argv)
{
    char why[TC_WHY_MAX] = "";
    struct sim_gateway *g = tc_alloc(sizeof *g);
    TC_REQUIRE(g != NULL);
    g->settings = (struct sim_settings){.vendor = "plain",
                                        .count = 20,
                                        .first_issi = 10001,
                                        .own_issi = 2001,
                                        .gssi = 3001,
                                        .mcc = 460,
                                        .mnc = 1001,
                                        .seed = 1};
    sim__habits_default(&g->fleet.habits);
    g->ports[0].pei.latency = (struct sim_span){5 * TC_MS, 30 * TC_MS};
    g->ports[0].pei.faults.delay = (struct sim_span){200 * TC_MS, 900 * TC_MS};
    g->ports[0].pei.faults.fail_cause = 5;
    sim__pei_options(g, argc, argv);
    if (!apply_settings(g, &g->settings)) {
        (void)fprintf(stderr, "tocsin-sim-pei: --listen or --pty, numbers in range (--help) / "
                              "需要 --listen 或 --pty，且号码在范围内\n");
        tc_free(g);
        return 2;
    }
    g->app.ctx = g;
    g->app.on_tick = on_tick;
    TC_REQUIRE(sim__app_init(&g->app, 10) == TC_OK);
    tc_err err = load(g, &g->settings, why);
    if (err == TC_OK) {
        err = open_links(g, &g->settings, why);
    }
    if (err == TC_OK) {
        sim__fleet_start(&g->fleet, sim__now_us());
        sim__app_run(&g->app);
    } else {
        (void)fprintf(stderr, "tocsin-sim-pei: %s: %s\n", why, tc_err_text(err));
    }
    finish(g, err == TC_OK);
    return err == TC_OK ? 0 : 1;
}
