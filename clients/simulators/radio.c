/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/radio.h"

#include <math.h>

#include "core/base/mem.h"
#include "core/base/time.h"

#define DELIVERED 0
#define CONSUMED  2

#define SIDE_STREET_KMH 40

enum lip_reason { LIP_STATUS = 4, LIP_AT_DESTINATION = 16, LIP_ASKED = 32, LIP_INTERVAL = 129 };

void sim__habits_default(struct sim_habits *h)
{
    *h = (struct sim_habits){.lip_interval_us = 10 * TC_SEC,
                             .wander = 1,
                             .status_accept = 0x8003,
                             .status_onway = 0x8004,
                             .status_onscene = 0x8005,
                             .status_clear = 0x8002,
                             .status_refuse = 0x8006,
                             .accept_chance = 1,
                             .read_chance = 1,
                             .report_delay = {300 * TC_MS, 1500 * TC_MS},
                             .read_delay = {2 * TC_SEC, 6 * TC_SEC},
                             .accept_delay = {1 * TC_SEC, 4 * TC_SEC},
                             .scene_us = 0,
                             .speed_factor = 1,
                             .system_issi = 2001};
}

struct sim_radio *sim__fleet_find(struct sim_fleet *f, uint32_t issi)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->radios[i].issi == issi) {
            return &f->radios[i];
        }
    }
    return NULL;
}

/* What waits for its time: a heap, so that equal seeds give equal runs. */

static bool is_before(const struct sim_pending *a, const struct sim_pending *b)
{
    return a->due_us < b->due_us || (a->due_us == b->due_us && a->order < b->order);
}

static void push(struct sim_fleet *f, struct sim_pending item)
{
    if (f->pending_count == SIM_PENDING_MAX) {
        f->pending_lost_count++;
        return;
    }
    item.order = f->pending_order++;
    uint32_t i = f->pending_count++;
    for (; i > 0 && is_before(&item, &f->pending[(i - 1) / 2]); i = (i - 1) / 2) {
        f->pending[i] = f->pending[(i - 1) / 2];
    }
    f->pending[i] = item;
}

static void pop(struct sim_fleet *f, struct sim_pending *out)
{
    *out = f->pending[0];
    const struct sim_pending *last = &f->pending[--f->pending_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < f->pending_count && is_before(&f->pending[child + 1], &f->pending[child])) {
            child++;
        }
        if (child >= f->pending_count || !is_before(&f->pending[child], last)) {
            break;
        }
        f->pending[i] = f->pending[child];
        i = child;
    }
    f->pending[i] = *last;
}

static uint32_t index_of(const struct sim_fleet *f, const struct sim_radio *r)
{
    return (uint32_t)(r - f->radios);
}

static struct sim_sds blank(const struct sim_fleet *f, const struct sim_radio *r)
{
    return (struct sim_sds){.from = r->issi, .to = f->habits.system_issi};
}

static void send_now(struct sim_fleet *f, const struct sim_radio *r, const struct sim_sds *sds,
                     const char *what)
{
    if (!r->is_silent) {
        f->send(f->send_ctx, sds, what);
    }
}

void sim__radio_lip(struct sim_fleet *f, struct sim_radio *r, unsigned reason)
{
    struct sim_sds sds = blank(f, r);
    struct sim_fix fix = {.lon_e7 = r->place.lon_e7,
                          .lat_e7 = r->place.lat_e7,
                          .speed_kmh = r->speed_kmh,
                          .direction_deg = r->direction_deg,
                          .error = 1,
                          .elapsed = r->fix == SIM_FIX_OLD ? 2 : 0,
                          .reason = reason};
    if (r->fix == SIM_FIX_LOST) {
        fix = (struct sim_fix){.speed_kmh = -1, .elapsed = 3, .error = 7, .reason = reason};
    }
    sim__put_lip(&sds, &fix);
    send_now(f, r, &sds, "lip");
}

void sim__radio_status(struct sim_fleet *f, struct sim_radio *r, uint16_t value)
{
    struct sim_sds sds = blank(f, r);
    sim__put_status(&sds, value);
    send_now(f, r, &sds, "status");
}

void sim__radio_text(struct sim_fleet *f, struct sim_radio *r, struct tc_str utf8)
{
    struct sim_sds sds = blank(f, r);
    r->ref = r->ref == 255 ? 1 : (uint8_t)(r->ref + 1);
    sim__put_text(&sds, r->ref, 1, utf8);
    send_now(f, r, &sds, "text");
}

/* Driving */

static void forget_way(struct sim_radio *r)
{
    tc_free(r->way);
    r->way = NULL;
    r->way_count = 0;
    r->way_index = 0;
}

static void add_leg(struct sim_radio *r, struct sim_place to, double speed_kmh)
{
    r->way[r->way_count++] = (struct sim_leg){.to = to, .speed_kmh = speed_kmh};
}

void sim__radio_drive(struct sim_fleet *f, struct sim_radio *r, struct sim_place to,
                      double speed_kmh)
{
    uint32_t route[SIM_ROUTE_MAX];
    const struct sim_roads *roads = &f->roads;
    uint32_t end = sim__roads_nearest(roads, to);
    size_t count = sim__roads_route(roads, r->crossing, end, route);
    double side_kmh = speed_kmh > 0 ? speed_kmh : SIDE_STREET_KMH;
    forget_way(r);
    r->way = tc_alloc(sizeof *r->way * (count + 2));
    TC_REQUIRE(r->way != NULL);
    add_leg(r, roads->crossings[r->crossing], side_kmh);
    uint32_t before = r->crossing;
    for (size_t i = 0; i < count; i++) {
        double street_kmh = (double)sim__roads_speed_kmh(roads, before, route[i]);
        add_leg(r, roads->crossings[route[i]], speed_kmh > 0 ? speed_kmh : street_kmh);
        before = route[i];
    }
    add_leg(r, to, side_kmh);
    r->crossing_before = r->crossing;
    r->crossing = count ? route[count - 1] : end;
}

static bool is_patrolling(const struct sim_fleet *f, const struct sim_radio *r)
{
    double share = (double)(r->issi * 2654435761U >> 16 & 0xFFFF) / 65536.0;
    bool is_mobile = r->capability[0] == '\0' || strstr(r->capability, "patrol") ||
                     strstr(r->capability, "grid"); /* engines and ambulances wait at their post */
    return is_mobile && !r->is_parked && r->step == SIM_IDLE && share < f->habits.wander;
}

static void wander_on(struct sim_fleet *f, struct sim_radio *r)
{
    uint32_t to = sim__roads_wander(&f->roads, r->crossing, r->crossing_before, &f->chance);
    forget_way(r);
    if (to == r->crossing) {
        return; /* a crossing without streets */
    }
    r->way = tc_alloc(sizeof *r->way);
    TC_REQUIRE(r->way != NULL);
    add_leg(r, f->roads.crossings[to],
            0.7 * (double)sim__roads_speed_kmh(&f->roads, r->crossing, to));
    r->crossing_before = r->crossing;
    r->crossing = to;
}

static void arrive(struct sim_fleet *f, struct sim_radio *r, int64_t now_us)
{
    forget_way(r);
    r->speed_kmh = 0;
    if (r->step != SIM_ON_WAY) {
        return;
    }
    r->step = SIM_ON_SCENE;
    sim__radio_status(f, r, f->habits.status_onscene);
    sim__radio_lip(f, r, LIP_AT_DESTINATION);
    if (f->habits.scene_us > 0) {
        push(f, (struct sim_pending){.due_us = now_us + f->habits.scene_us,
                                     .radio = index_of(f, r),
                                     .act = SIM_ACT_CLEAR,
                                     .what = "clear"});
    }
}

/** Go on for `left_s` along the way; true when its end was reached. */
static bool go(struct sim_radio *r, double left_s, double factor)
{
    while (r->way_index < r->way_count) {
        const struct sim_leg *leg = &r->way[r->way_index];
        double gap_m = sim__distance_m(r->place, leg->to);
        double gap_s = gap_m / (leg->speed_kmh * factor / 3.6);
        r->speed_kmh = leg->speed_kmh;
        if (gap_m > 0.5) {
            r->direction_deg = sim__bearing_deg(r->place, leg->to);
        }
        if (gap_s > left_s) {
            double part = left_s / gap_s;
            r->place.lon_e7 += (int32_t)lround(part * (leg->to.lon_e7 - r->place.lon_e7));
            r->place.lat_e7 += (int32_t)lround(part * (leg->to.lat_e7 - r->place.lat_e7));
            return false;
        }
        left_s -= gap_s;
        r->place = leg->to;
        r->way_index++;
    }
    return true;
}

static void move(struct sim_fleet *f, struct sim_radio *r, int64_t now_us)
{
    double seconds = (double)(now_us - r->moved_at_us) / 1e6;
    if (seconds < 0.2) {
        return; /* a metre or two is enough of a step */
    }
    r->moved_at_us = now_us;
    if (!r->way && is_patrolling(f, r)) {
        wander_on(f, r);
    }
    if (!r->way) {
        r->speed_kmh = 0;
        return;
    }
    if (go(r, seconds, f->habits.speed_factor)) {
        arrive(f, r, now_us);
    }
}

/* Answering */

static void push_sds(struct sim_fleet *f, const struct sim_radio *r, int64_t due_us,
                     const struct sim_sds *sds)
{
    if (sim__chance_is(&f->chance, f->habits.report_loss)) {
        return;
    }
    struct sim_pending item = {.due_us = due_us,
                               .radio = index_of(f, r),
                               .act = SIM_ACT_SEND,
                               .what = "report",
                               .sds = *sds};
    push(f, item);
    if (sim__chance_is(&f->chance, f->habits.report_twice)) {
        item.due_us += 700 * TC_MS;
        push(f, item);
    }
}

static void push_act(struct sim_fleet *f, const struct sim_radio *r, int64_t due_us,
                     enum sim_act act)
{
    push(f, (struct sim_pending){
                .due_us = due_us, .radio = index_of(f, r), .act = act, .what = "status"});
}

/** Delivery reports for a text; returns when the crew has read it, or -1 when it does not. */
static int64_t push_reports(struct sim_fleet *f, const struct sim_radio *r, int64_t now_us,
                            uint32_t sender, const struct sim_heard *heard)
{
    const struct sim_habits *h = &f->habits;
    bool is_short = heard->is_short_allowed && !h->is_long_report;
    int64_t received_us = now_us + sim__chance_in(&f->chance, h->report_delay);
    int64_t read_us = received_us + sim__chance_in(&f->chance, h->read_delay);
    bool is_read = sim__chance_is(&f->chance, h->read_chance);
    bool is_swapped = sim__chance_is(&f->chance, h->report_swap);
    if (heard->report & 1) {
        struct sim_sds sds = {.from = r->issi, .to = sender};
        sim__put_report(&sds, heard->pid, heard->ref, DELIVERED, is_short);
        push_sds(f, r, is_swapped && is_read ? read_us + TC_SEC : received_us, &sds);
    }
    if (is_read && (heard->report & 2)) {
        struct sim_sds sds = {.from = r->issi, .to = sender};
        sim__put_report(&sds, heard->pid, heard->ref, CONSUMED, is_short);
        push_sds(f, r, read_us, &sds);
    }
    return is_read ? read_us : -1;
}

static bool take_number(struct tc_str s, int64_t *out)
{
    size_t n = 0;
    while (n < s.len && n < 18 && ((s.at[n] >= '0' && s.at[n] <= '9') || s.at[n] == '-')) {
        n++;
    }
    int64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = s.at[i] == '-' ? value : value * 10 + (s.at[i] - '0');
    }
    *out = value;
    return value > 0;
}

static bool take_place(struct tc_str s, struct sim_place *out)
{
    int64_t lon = 0;
    int64_t lat = 0;
    struct tc_str first = sim__word(&s, ',');
    size_t n = 0;
    while (n < s.len && ((s.at[n] >= '0' && s.at[n] <= '9') || s.at[n] == '.' || s.at[n] == '-')) {
        n++;
    }
    s.len = n;
    if (tc_str_to_fixed(first, 7, &lon) != TC_OK || tc_str_to_fixed(s, 7, &lat) != TC_OK ||
        lon < -1800000000 || lon > 1800000000 || lat < -900000000 || lat > 900000000) {
        return false;
    }
    *out = (struct sim_place){.lon_e7 = (int32_t)lon, .lat_e7 = (int32_t)lat};
    return true;
}

bool sim__read_order(struct tc_str text, struct sim_place *to, bool *has_place, int64_t *number)
{
    *has_place = false;
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        struct tc_str rest = {.at = text.at + i + 1, .len = text.len - i - 1};
        if (text.at[i] == '@' && !*has_place) {
            *has_place = take_place(rest, to);
        } else if (text.at[i] == '#' && *number == 0) {
            (void)take_number(rest, number);
        }
    }
    return *has_place || *number != 0;
}

static uint16_t status_of_step(const struct sim_fleet *f, enum sim_step step)
{
    switch (step) {
    case SIM_ON_WAY: return f->habits.status_onway;
    case SIM_ON_SCENE: return f->habits.status_onscene;
    case SIM_ORDERED: return f->habits.status_accept;
    case SIM_IDLE: break;
    }
    return f->habits.status_clear;
}

static void push_status(struct sim_fleet *f, const struct sim_radio *r, int64_t due_us,
                        uint16_t value)
{
    struct sim_pending item = {.due_us = due_us,
                               .radio = index_of(f, r),
                               .act = SIM_ACT_SEND,
                               .what = "status",
                               .sds = blank(f, r)};
    sim__put_status(&item.sds, value);
    push(f, item);
}

/** The crew has read `text` at `read_us`. */
static void obey(struct sim_fleet *f, struct sim_radio *r, int64_t read_us, struct tc_str text)
{
    struct sim_place to = r->place;
    bool has_place = false;
    int64_t number = 0;
    if (!sim__read_order(text, &to, &has_place, &number)) {
        return;
    }
    int64_t due_us = read_us + sim__chance_in(&f->chance, f->habits.accept_delay);
    if (number != 0 && number == r->order_number) {
        push_status(f, r, due_us, status_of_step(f, r->step));
        return;
    }
    if (!sim__chance_is(&f->chance, f->habits.accept_chance)) {
        push_status(f, r, due_us, f->habits.status_refuse);
        return;
    }
    r->order_number = number;
    r->has_target = has_place;
    r->target = to;
    push_act(f, r, due_us, SIM_ACT_STATUS);
    push_act(f, r, due_us + 2 * TC_SEC, SIM_ACT_DRIVE);
}

/** Parts of a long text in their order; true when the whole is in part_text. */
static bool join(struct sim_radio *r, const struct sim_heard *heard)
{
    size_t len = strlen(r->part_text);
    if (heard->part == 1) {
        r->part_ref = heard->part_ref;
        r->part_next = 1;
        len = 0;
    }
    if (heard->part_ref != r->part_ref || heard->part != r->part_next) {
        return false;
    }
    (void)tc_str_put(r->part_text + len, sizeof r->part_text - len, tc_str_of(heard->text));
    r->part_next++;
    return heard->part == heard->parts;
}

void sim__fleet_hear(struct sim_fleet *f, int64_t now_us, const struct sim_sds *sds)
{
    struct sim_radio *r = sim__fleet_find(f, sds->to);
    struct sim_heard heard;
    if (!r || r->is_silent || sds->service != SIM_SDS4 || !sim__read(sds, &heard)) {
        return;
    }
    bool asks_place = heard.pid == 0x0A && sds->bits >= 15 && (sds->bytes[1] & 0xFE) == 0x44;
    if (asks_place) {
        sim__radio_lip(f, r, LIP_ASKED);
        return;
    }
    if (!heard.has_text) {
        return;
    }
    int64_t read_us = push_reports(f, r, now_us, sds->from, &heard);
    bool is_whole = heard.parts == 0 || join(r, &heard);
    if (is_whole && read_us >= 0) {
        obey(f, r, read_us, tc_str_of(heard.parts ? r->part_text : heard.text));
    }
}

void sim__radio_clear(struct sim_fleet *f, struct sim_radio *r)
{
    r->step = SIM_IDLE;
    r->has_target = false;
    r->is_parked = false;
    forget_way(r);
    sim__radio_status(f, r, f->habits.status_clear);
}

static void start_driving(struct sim_fleet *f, struct sim_radio *r)
{
    if (r->step == SIM_IDLE) {
        return; /* cleared in between */
    }
    r->step = SIM_ON_WAY;
    sim__radio_status(f, r, f->habits.status_onway);
    struct sim_place to = r->target;
    if (!r->has_target) { /* a number alone: the crew knows where, we take some crossing */
        to = f->roads.crossings[(uint64_t)r->order_number % f->roads.crossing_count];
    }
    sim__radio_drive(f, r, to, 0);
}

static void act(struct sim_fleet *f, const struct sim_pending *p)
{
    struct sim_radio *r = &f->radios[p->radio];
    switch (p->act) {
    case SIM_ACT_SEND: send_now(f, r, &p->sds, p->what); break;
    case SIM_ACT_STATUS:
        r->step = SIM_ORDERED;
        sim__radio_status(f, r, f->habits.status_accept);
        break;
    case SIM_ACT_DRIVE: start_driving(f, r); break;
    case SIM_ACT_CLEAR:
        if (r->step == SIM_ON_SCENE) {
            sim__radio_clear(f, r);
        }
        break;
    }
}

void sim__fleet_tick(struct sim_fleet *f, int64_t now_us)
{
    while (f->pending_count && f->pending[0].due_us <= now_us) {
        struct sim_pending p;
        pop(f, &p);
        act(f, &p);
    }
    for (uint32_t i = 0; i < f->count; i++) {
        struct sim_radio *r = &f->radios[i];
        move(f, r, now_us);
        if (f->habits.lip_interval_us > 0 && now_us >= r->report_due_us) {
            sim__radio_lip(f, r, LIP_INTERVAL);
            r->report_due_us = now_us + f->habits.lip_interval_us;
        }
    }
    for (uint32_t n = 0; n < 256 && f->burst_left && f->count; n++, f->burst_left--) {
        sim__radio_lip(f, &f->radios[f->burst_next++ % f->count], LIP_INTERVAL);
    }
}
