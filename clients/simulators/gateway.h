/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/gateway.h - one radio gateway: the radio on the data port, the radios behind
 * it, the witness and the hand that steers it all through the control channel.
 */
#pragma once

#include "clients/simulators/net.h"
#include "clients/simulators/pei.h"
#include "clients/simulators/radio.h"
#include "clients/simulators/trail.h"

#define SIM_LATER_MAX 512

/** A line of a call that is still to come. */
struct sim_later {
    int64_t due_us;
    char text[96];
};

/** What the command line says before the parts exist. */
struct sim_settings {
    const char *control;
    const char *units;
    const char *roads;
    const char *air_log;
    const char *vendor;
    int64_t count;
    int64_t first_issi;
    int64_t own_issi;
    int64_t report_to; /* 0: own_issi */
    int64_t gssi;
    int64_t mcc;
    int64_t mnc;
    int64_t seed;
    bool is_synced;
};

#define SIM_PORTS_MAX 4

/** One radio on a data port. All ports share the air: each hears what is sent to it or its group.
 */
struct sim_port {
    struct sim_gateway *gateway;
    struct sim_pei pei;
    struct sim_server link;
    struct sim_stream *peer; /* NULL: nobody is connected */
    const char *listen;      /* NULL: on the pseudo terminal */
    int64_t link_back_us;    /* the link is down until then; 0: it is up */
};

struct sim_gateway {
    struct sim_settings settings;
    struct sim_app app;
    struct sim_fleet fleet;
    struct sim_port ports[SIM_PORTS_MAX];
    size_t port_count;
    struct sim_trail trail;
    struct sim_server control;
    struct sim_list listen;
    const char *pty;
    double lip_loss;
    struct sim_later later[SIM_LATER_MAX];
    size_t later_count;
    unsigned call_inst;
    bool cuts_next_line;
    uint64_t sent_count;
    uint64_t delivered_count;
    uint64_t heard_count;
    uint64_t refused_count;
};

/** Answers one line of the control channel into `out`; never fails, says what is wrong. */
void sim__control(struct sim_gateway *g, int64_t now_us, struct tc_str line, struct tc_buf *out);
/** A group call from a radio: set up, talk for a while, release. */
void sim__gateway_call(struct sim_gateway *g, int64_t now_us, const struct sim_radio *r,
                       uint32_t gssi, unsigned priority);
void sim__port_drop(struct sim_port *p, int64_t now_us, int64_t for_us);
/** The command line; wrong words end the program. */
void sim__pei_options(struct sim_gateway *g, int argc, char **argv);
