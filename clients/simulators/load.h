/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/load.h - load for benchmarks: gateways that offer positions and statuses at a
 * rate, and stations that measure how long an acknowledgement takes. Open loop: what a peer does
 * not take in time is counted as held and never made up for.
 */
#pragma once

#include "clients/simulators/hj212.h"
#include "clients/simulators/net.h"
#include "clients/simulators/pei.h"

#define SIM_LOAD_LINKS_MAX    256
#define SIM_LOAD_STATIONS_MAX 2000
#define SIM_LOAD_UNITS_MAX    200000

/** So many a second, without a burst after a pause. */
struct sim_pace {
    double per_second;
    double owed;
    int64_t at_us;
};
/** How many are due now; at most a tenth of a second's worth at once. */
uint32_t sim__pace_take(struct sim_pace *p, int64_t now_us);

struct sim_load_unit {
    int32_t lon_e7;
    int32_t lat_e7;
    uint16_t heading_deg;
};

struct sim_load_link {
    struct sim_load *load;
    struct sim_server server;
    struct sim_stream *peer;
    struct sim_pei pei;
    int64_t ready_us; /* 0: nobody is connected */
    uint64_t sent_count;
};

struct sim_load_station {
    struct sim_load *load;
    struct sim_client client;
    char mn[40];
    char qn[SIM_HJ_QN_SIZE];
    int64_t sent_us; /* 0: nothing is out */
    int64_t last_qn_us;
    struct tc_buf in;
};

struct sim_load {
    struct sim_app app;
    struct sim_chance chance;
    struct sim_load_link *links;
    struct sim_load_unit *units;
    struct sim_load_station *stations;
    struct sim_pace positions;
    struct sim_pace statuses;
    struct sim_pace data;
    struct sim_pace alarms;
    int64_t started_us; /* 0: not all links are up */
    bool is_over;
    uint32_t next_unit;
    uint32_t next_status_unit;
    uint32_t next_station;
    uint32_t next_alarm_unit;
    uint64_t position_count;
    uint64_t status_count;
    uint64_t alarm_count;
    uint64_t held_count;
    uint64_t data_count;
    uint64_t data_held_count;
    uint64_t ack_count;
    struct tc_buf ack_us; /* uint32_t each */
    const char *listen;
    const char *hj212;
    int64_t link_count;
    int64_t unit_count;
    int64_t first_issi;
    int64_t own_issi;
    int64_t station_count;
    int64_t run_us;
    int64_t settle_us;
    bool stays;
    bool is_stamped; /* positions carry the time of their sending (stamp.h) */
};

void sim__load_position(struct sim_load *l);
void sim__load_status(struct sim_load *l);
/** An emergency key: a position with that reason. */
void sim__load_alarm(struct sim_load *l);
void sim__load_data(struct sim_load *l, int64_t now_us);
/** Writes what has gathered for each link. */
void sim__load_flush(struct sim_load *l);
TC_MUST_USE tc_err sim__load_open(struct sim_load *l);
void sim__load_close(struct sim_load *l);
/** One JSON line. */
void sim__load_summary(struct sim_load *l, int64_t now_us, struct tc_buf *out);
