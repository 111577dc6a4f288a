/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/radio.h - the subscribers' radios: they drive, report their place, answer
 * texts, take orders and send statuses. Time is an argument; what they send goes to one function.
 *
 * An order is a text that holds `@LON,LAT` or `#NUMBER`. The radio accepts by status, drives there,
 * and says so at each step; an order number heard again is answered with the state it is in.
 */
#pragma once

#include "clients/simulators/pdu.h"
#include "clients/simulators/roads.h"

#define SIM_RADIOS_MAX  20000u
#define SIM_PENDING_MAX 65536u
#define SIM_NAME_MAX    32

enum sim_step { SIM_IDLE, SIM_ORDERED, SIM_ON_WAY, SIM_ON_SCENE };

/** A stretch of the way ahead. */
struct sim_leg {
    struct sim_place to;
    double speed_kmh;
};

enum sim_fix_state { SIM_FIX_GOOD, SIM_FIX_OLD, SIM_FIX_LOST };

struct sim_radio {
    uint32_t issi;
    char name[SIM_NAME_MAX];
    char capability[SIM_NAME_MAX];
    struct sim_place place;
    double speed_kmh; /* now */
    double direction_deg;
    uint32_t crossing; /* last one passed, or aimed at */
    uint32_t crossing_before;
    struct sim_leg *way; /* NULL when it stands */
    size_t way_count;
    size_t way_index;
    int64_t moved_at_us;
    int64_t report_due_us;
    enum sim_step step;
    int64_t order_number; /* 0: none yet */
    struct sim_place target;
    bool has_target;
    enum sim_fix_state fix;
    bool is_silent;
    bool is_parked; /* moved by hand: stays where it was put */
    uint8_t ref;
    unsigned part_ref; /* long text being put together */
    unsigned part_next;
    char part_text[2048];
};

/** What the radios do and how often it goes wrong. */
struct sim_habits {
    int64_t lip_interval_us;
    double wander; /* share of idle radios that patrol */
    uint16_t status_accept;
    uint16_t status_onway;
    uint16_t status_onscene;
    uint16_t status_clear;
    uint16_t status_refuse;
    double accept_chance;
    double read_chance;
    struct sim_span report_delay; /* "received" after a text */
    struct sim_span read_delay;   /* "consumed" after "received" */
    struct sim_span accept_delay; /* status after "consumed" */
    int64_t scene_us;             /* time on scene; 0 waits for `clear` */
    double report_loss;
    double report_twice;
    double report_swap; /* consumed before received */
    bool is_long_report;
    double speed_factor;
    uint32_t system_issi; /* whom they report to */
};

enum sim_act {
    SIM_ACT_SEND,   /* the message is ready */
    SIM_ACT_STATUS, /* a step of the job */
    SIM_ACT_DRIVE,
    SIM_ACT_CLEAR
};

struct sim_pending {
    int64_t due_us;
    uint64_t order; /* equal times keep their order */
    uint32_t radio;
    enum sim_act act;
    const char *what; /* for the trail: "report", "status" */
    struct sim_sds sds;
};

/** Everything a radio sends; `what` names it. Borrowed for the call. */
typedef void (*sim_send_fn)(void *ctx, const struct sim_sds *sds, const char *what);

struct sim_fleet {
    struct sim_radio *radios;
    uint32_t count;
    struct sim_roads roads;
    struct sim_habits habits;
    struct sim_chance chance;
    struct sim_pending *pending; /* heap by due_us */
    uint32_t pending_count;
    uint64_t pending_order;
    uint64_t pending_lost_count;
    uint32_t burst_left;
    uint32_t burst_next;
    sim_send_fn send;
    void *send_ctx;
};

void sim__habits_default(struct sim_habits *h);
/** The table issi, name, lon, lat, capability; without coordinates the radio is put at chance. */
TC_MUST_USE tc_err sim__fleet_load(struct sim_fleet *f, const char *path, char why[TC_WHY_MAX]);
/** `count` radios from `first_issi` on, scattered on the roads. Roads first. */
TC_MUST_USE tc_err sim__fleet_scatter(struct sim_fleet *f, uint32_t count, uint32_t first_issi);
void sim__fleet_start(struct sim_fleet *f, int64_t now_us);
void sim__fleet_tick(struct sim_fleet *f, int64_t now_us);
void sim__fleet_finish(struct sim_fleet *f);
/** NULL when absent. */
struct sim_radio *sim__fleet_find(struct sim_fleet *f, uint32_t issi);
/** A message from the system was heard on the air. */
void sim__fleet_hear(struct sim_fleet *f, int64_t now_us, const struct sim_sds *sds);
/** By hand. */
void sim__radio_lip(struct sim_fleet *f, struct sim_radio *r, unsigned reason);
void sim__radio_status(struct sim_fleet *f, struct sim_radio *r, uint16_t value);
void sim__radio_text(struct sim_fleet *f, struct sim_radio *r, struct tc_str utf8);
void sim__radio_clear(struct sim_fleet *f, struct sim_radio *r);
/** By road, then straight; speed 0: the street's own. */
void sim__radio_drive(struct sim_fleet *f, struct sim_radio *r, struct sim_place to,
                      double speed_kmh);
/** The place an order names: `@LON,LAT`, and its `#NUMBER`. False when it is no order. */
bool sim__read_order(struct tc_str text, struct sim_place *to, bool *has_place, int64_t *number);
