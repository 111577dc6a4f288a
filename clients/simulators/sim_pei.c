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
    struct sim_gateway *g = ctx;
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
    struct sim_gateway *g = ctx;
    struct tc_buf *b = sim__trail_begin(&g->trail);
    tc_jw_pair_text(b, "dir", "command");
    tc_jw_pair_text(b, "line", line);
    sim__trail_end(&g->trail);
}

static void on_air(void *ctx, int64_t now_us, const struct sim_sds *sds)
{
    struct sim_gateway *g = ctx;
    sim__fleet_hear(&g->fleet, now_us, sds);
}

/** A radio sends: to the witness, and to the peer when there is one. */
static void on_send(void *ctx, const struct sim_sds *sds, const char *what)
{
    struct sim_gateway *g = ctx;
    bool is_lost = !g->peer || g->link_back_us != 0 ||
                   (sds->bytes[0] == 0x0A && sim__chance_is(&g->fleet.chance, g->lip_loss));
    if (g->cuts_next_line && !is_lost) {
        g->cuts_next_line = false;
        g->pei.faults.cut_line += 2;
    }
    bool is_delivered = !is_lost && sim__pei_receive(&g->pei, sds);
    if (g->pei.faults.cut_line >= 2) {
        g->pei.faults.cut_line -= 2;
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
    sim__pei_identity(&g->pei, r->issi, from, &type);
    sim__pei_identity(&g->pei, gssi, to, &type);
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

static void tick_calls(struct sim_gateway *g, int64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->later_count; i++) {
        struct sim_later *l = &g->later[i];
        if (l->due_us > now_us) {
            memmove(&g->later[kept++], l, sizeof *l);
        } else if (g->peer && (g->pei.routes_voice || g->pei.is_routing_all)) {
            sim__pei_line(&g->pei, l->text);
        }
    }
    g->later_count = kept;
}

/* The link */

static void flush(struct sim_gateway *g)
{
    bool is_down = !g->peer || g->link_back_us != 0;
    if (!is_down) {
        sim__stream_send(g->peer, g->pei.out.bytes, g->pei.out.len);
    }
    tc_buf_clear(&g->pei.out);
    if (g->pei.wants_cut && g->peer) {
        g->pei.wants_cut = false;
        sim__gateway_drop(g, sim__now_us(), 0);
    }
}

static void on_link_open(void *ctx, struct sim_stream *s)
{
    struct sim_gateway *g = ctx;
    g->peer = s;
    sim__pei_reconnected(&g->pei);
}

static void on_link_bytes(void *ctx, struct sim_stream *s, const uint8_t *bytes, size_t len)
{
    struct sim_gateway *g = ctx;
    if (s == g->peer && g->link_back_us == 0) {
        sim__pei_feed(&g->pei, sim__now_us(), bytes, len);
        flush(g);
    }
}

static void on_link_closed(void *ctx, struct sim_stream *s)
{
    struct sim_gateway *g = ctx;
    if (g->peer == s) {
        g->peer = NULL;
    }
}

void sim__gateway_drop(struct sim_gateway *g, int64_t now_us, int64_t for_us)
{
    if (g->pty) {
        g->link_back_us = now_us + for_us + 1;
        return;
    }
    if (for_us > 0) { /* the close needs a turn of the loop before the port can be opened again */
        g->link_back_us = now_us + (for_us > 50 * TC_MS ? for_us : 50 * TC_MS);
        sim__server_close(&g->link);
    } else if (g->peer) {
        sim__stream_close(g->peer);
    }
    g->peer = NULL;
}

static void tick_link(struct sim_gateway *g, int64_t now_us)
{
    if (g->link_back_us == 0 || now_us < g->link_back_us) {
        return;
    }
    g->link_back_us = 0;
    if (!g->pty && sim__server_open(&g->link, &g->app.loop, g->listen) != TC_OK) {
        (void)fprintf(stderr, "%s cannot be opened again / 无法重新监听\n", g->listen);
        sim__app_stop(&g->app);
    }
}

static void on_tick(void *ctx, int64_t now_us)
{
    struct sim_gateway *g = ctx;
    tick_link(g, now_us);
    sim__fleet_tick(&g->fleet, now_us);
    tick_calls(g, now_us);
    sim__pei_tick(&g->pei, now_us);
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
            g->pei.vendor = (enum sim_vendor)i;
            is_known = true;
        }
    }
    bool is_in_range = o->own_issi > 0 && o->own_issi <= 0xFFFFFF && o->count >= 0 &&
                       o->count <= SIM_RADIOS_MAX && o->first_issi > 0 &&
                       o->first_issi + o->count <= 0xFFFFFF && (g->listen || g->pty);
    g->pei.issi = (uint32_t)o->own_issi;
    g->pei.gssi = (uint32_t)o->gssi;
    g->pei.mcc = (unsigned)o->mcc;
    g->pei.mnc = (unsigned)o->mnc;
    g->pei.chance.state = (uint64_t)o->seed;
    g->fleet.chance.state = (uint64_t)o->seed + 1;
    g->fleet.habits.system_issi = g->pei.issi;
    g->fleet.send = on_send;
    g->fleet.send_ctx = g;
    g->pei.hooks = (struct sim_pei_hooks){g, on_message, on_air, on_command};
    return is_known && is_in_range;
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

static tc_err open_links(struct sim_gateway *g, const struct sim_settings *o, char why[TC_WHY_MAX])
{
    g->link.most = 1;
    g->link.events = (struct sim_stream_events){g, on_link_open, on_link_bytes, on_link_closed};
    g->control.events = (struct sim_stream_events){.ctx = g, .on_bytes = on_control_bytes};
    tc_err err = TC_OK;
    if (g->pty) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s", g->pty);
        err = sim__pty_open(&g->app.loop, g->pty, &g->link.events) ? TC_OK : TC_EIO;
    } else {
        (void)tc_str_format(why, TC_WHY_MAX, "%s", g->listen);
        err = sim__server_open(&g->link, &g->app.loop, g->listen);
    }
    if (err == TC_OK && o->control) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s", o->control);
        err = sim__server_open(&g->control, &g->app.loop, o->control);
    }
    return err;
}

static void finish(struct sim_gateway *g, bool is_linked)
{
    sim__server_close(&g->link);
    sim__server_close(&g->control);
    if (g->peer) {
        sim__stream_close(g->peer);
    }
    if (g->pty && is_linked) {
        (void)unlink(g->pty);
    }
    sim__app_finish(&g->app);
    sim__fleet_finish(&g->fleet);
    sim__pei_finish(&g->pei);
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
    g->pei.latency = (struct sim_span){5 * TC_MS, 30 * TC_MS};
    g->pei.faults.delay = (struct sim_span){200 * TC_MS, 900 * TC_MS};
    g->pei.faults.fail_cause = 5;
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
    sim__pei_restart(&g->pei);
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
