/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/pei.h - a radio's data port (PEI, EN 300 392-5): AT commands in, results and
 * unsolicited lines out, with the faults that real ones have. No socket and no clock in here.
 *
 * Bytes to be written gather in `out`; the caller takes them. When `wants_cut` is set the caller
 * writes what there is and closes the link.
 */
#pragma once

#include "clients/simulators/chance.h"
#include "clients/simulators/pdu.h"

#define SIM_PEI_LINE_MAX    1024
#define SIM_PEI_REPLIES_MAX 128
#define SIM_PEI_REPLY_MAX   192
#define SIM_PEI_BITS_MAX    1184 /* what AT+CMGS=? tells */

enum sim_vendor {
    SIM_PLAIN,      /* SSI, as many digits as the bits need */
    SIM_MOTOROLA,   /* 84 bits in 22 digits */
    SIM_MOTOROLA88, /* header says 88 for 84 */
    SIM_SEPURA      /* TSI, odd digits */
};

struct sim_pei_faults {
    double busy;           /* CME 42 instead of taking a message */
    double fail;           /* +CMGS: i,5 */
    double no_result;      /* the final +CMGS never comes */
    double cut_line;       /* link dies inside an unsolicited line */
    double header_only;    /* +CTSDSR without its payload line */
    double chatter;        /* a needless line before OK */
    struct sim_span delay; /* until +CMGS: i,4 */
    int64_t fail_next;     /* messages that fail from now on */
    int fail_cause;        /* 5: +CMGS: i,5; else 1000 + CME number */
};

/** What happened to a message of the system's. */
enum sim_outcome { SIM_ON_AIR, SIM_NOT_SENT, SIM_REFUSED };

struct sim_pei_hooks {
    void *ctx;
    /** Before anything is answered. */
    void (*on_message)(void *ctx, const struct sim_sds *sds, enum sim_outcome outcome,
                       unsigned ref);
    /** The air has it. */
    void (*on_air)(void *ctx, int64_t now_us, const struct sim_sds *sds);
    /** Any other command that changes something on the air: ATD, CTGS, CTXD ... */
    void (*on_command)(void *ctx, const char *line);
};

struct sim_pei_reply {
    int64_t due_us;
    char text[SIM_PEI_REPLY_MAX]; /* without line ends; "" for a bare pause */
};

struct sim_pei {
    struct sim_pei_hooks hooks;
    struct sim_pei_faults faults;
    struct sim_chance chance;
    struct sim_span latency; /* command to result */
    enum sim_vendor vendor;
    unsigned mcc;
    unsigned mnc;
    uint32_t issi;
    uint32_t gssi;
    bool is_prompting;
    bool is_routing_all; /* lines come without AT+CTSP */
    bool refuses_in_call;

    struct tc_buf out;
    bool wants_cut;
    char line[SIM_PEI_LINE_MAX];
    size_t line_len;
    bool is_echoing;
    int64_t error_form; /* +CMEE: 0 ERROR, 1 number, 2 text */
    enum sim_service service;
    bool has_service;
    bool is_taking_data;
    int64_t data_since_us;
    struct sim_sds data;
    uint64_t data_bits_said;
    size_t data_digits;
    bool data_is_bad;

    bool is_in_flight;
    int64_t flight_due_us;
    enum sim_outcome flight_outcome;
    struct sim_sds flight;
    unsigned message_ref; /* 1..255 */

    bool routes_pid[256];
    bool routes_status;
    bool routes_voice;
    bool routes_group;
    bool has_call;
    struct sim_pei_reply replies[SIM_PEI_REPLIES_MAX]; /* in order of due_us */
    size_t reply_count;
    int64_t last_reply_us;
    uint64_t not_routed_count;
    uint64_t command_count;
};

/** Keeps hooks, faults, identity and vendor; forgets the session, as after power on. */
void sim__pei_restart(struct sim_pei *p);
/** A new peer on the line: half lines are gone, registrations stay. */
void sim__pei_reconnected(struct sim_pei *p);
void sim__pei_finish(struct sim_pei *p);
void sim__pei_feed(struct sim_pei *p, int64_t now_us, const uint8_t *bytes, size_t len);
void sim__pei_tick(struct sim_pei *p, int64_t now_us);
/** A message from another radio reaches this one; false when it is not registered for it. */
bool sim__pei_receive(struct sim_pei *p, const struct sim_sds *sds);
/** Any unsolicited line, framed and sent at once. */
void sim__pei_line(struct sim_pei *p, const char *text);
/** "2045" or the full TSI, as the vendor writes it; *type is the number's type. */
void sim__pei_identity(const struct sim_pei *p, uint32_t ssi, char out[static 24], unsigned *type);
