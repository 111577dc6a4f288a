/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/pei_session.h - one radio on its peripheral equipment interface.
 *
 *   PROBE --answer--> SETUP --last step--> UP --3 keep-alives lost--> PROBE
 *
 * Happy path: `AT` until the radio answers, the set-up commands one by one, then a keep-alive every
 * ten seconds, orders and receipts in between. One command is outstanding at any time; results that
 * nobody asked for may stand between a command and its result.
 * Failure modes: a set-up command that is refused is noted and passed over; three time-outs on end
 * start again from PROBE; a radio that missed keep-alives but came back is set up again, because a
 * restarted radio has forgotten its subscriptions.
 *
 * Called by drv_tetra_pei.c only. Fixed size, no pointers but to the options.
 */
#pragma once

#include "core/base/time.h"
#include "core/ingest/pei_line.h"
#include "core/ingest/tetra.h"

enum {
    TC_PEI_CALLS_MAX = 8,
    TC_PEI_ACKS_MAX = 16,
    TC_PEI_PARTS_MAX = 11, /* 759 characters: more than an order's text has bytes */
    TC_PEI_UNITS_MAX = TC_PEI_PARTS_MAX * TC_SDS_UNITS_PART_MAX,
    TC_PEI_EXTRA_PIDS_MAX = 16,
    TC_PEI_TRIES_MAX = 4,    /* of one message that the radio would not take */
    TC_PEI_ACK_REF = 0x10000 /* references of texts start here, above any order's */
};

#define TC_PEI_GUARD_US     (2 * TC_SEC)
#define TC_PEI_COMMAND_US   (3 * TC_SEC)
#define TC_PEI_FINAL_US     (30 * TC_SEC)
#define TC_PEI_HELD_US      (12 * TC_SEC)
#define TC_PEI_ALIVE_US     (10 * TC_SEC)
#define TC_PEI_GAP_US       (100 * TC_MS)
#define TC_PEI_CALL_LOST_US (300 * TC_SEC)

/**
 * tc_obs.cause of a TC_OBS_SENT that failed: a CME error below 256, or one of these. When a message
 * was handed to the radio and its word is missing, nothing is told: the outcome is unknown.
 */
enum {
    TC_PEI_CAUSE_ERROR = 256, /* ERROR without a number */
    TC_PEI_CAUSE_NOT_SENT,    /* +CMGS: n,5 */
    TC_PEI_CAUSE_NO_ANSWER,   /* nothing came back; the message was not handed over */
    TC_PEI_CAUSE_LINK_LOST,   /* before it was handed over */
    TC_PEI_CAUSE_HELD         /* calls or receipts came first for too long; never handed over */
};

enum tc_pei_profile { TC_PEI_GENERIC, TC_PEI_MOTOROLA, TC_PEI_SEPURA };
enum tc_pei_phase { TC_PEI_PROBE, TC_PEI_SETUP, TC_PEI_UP };
enum tc_pei_command {
    TC_PEI_NONE,
    TC_PEI_DO_PROBE,
    TC_PEI_DO_STEP,
    TC_PEI_DO_RESYNC,
    TC_PEI_DO_ALIVE,
    TC_PEI_DO_CTSDS,
    TC_PEI_DO_CMGS
};

/** A +CTSDSR header that waits for its payload line. */
struct tc_pei_header {
    bool is_open;
    uint8_t service;
    char calling[TC_TETRA_ADDRESS_SIZE];
    char called[TC_TETRA_ADDRESS_SIZE];
    size_t bits;
    size_t bits_other; /* second reading of a doubtful header, or 0 */
    const char *lenient;
    int64_t due_us;
};

struct tc_pei_call {
    bool is_open;
    bool is_emergency;
    uint32_t instance;
    uint32_t priority;
    char caller[TC_TETRA_ADDRESS_SIZE];
    char group[TC_TETRA_ADDRESS_SIZE];
    int64_t heard_us;
};

enum tc_pei_ack_kind { TC_PEI_ACK_FREE, TC_PEI_ACK_SDS, TC_PEI_ACK_LIP };
/** A receipt owed to a radio, sent once what it sent is durable. */
struct tc_pei_ack {
    enum tc_pei_ack_kind kind;
    uint32_t ref;
    bool is_due; /* the verdict is there */
    bool is_short;
    uint8_t pid, tl_ref, delivery;
    char to[TC_TETRA_ADDRESS_SIZE];
    int64_t since_us;
};

struct tc_pei_order {
    bool is_open;
    uint32_t ref;
    enum tc_priority priority;
    bool is_status;
    uint16_t status;
    uint8_t parts, part; /* part: the one on its way, from 0 */
    size_t count;
    uint16_t units[TC_PEI_UNITS_MAX];
    int64_t since_us;
    char to[TC_TETRA_ADDRESS_SIZE];
};

/** The message that is being sent: a receipt, or one part of the order. */
struct tc_pei_message {
    bool is_open;
    bool is_ack;
    bool is_urgent;
    uint8_t ack_index;
    uint8_t service;
    uint8_t called_type; /* 0 SSI, 1 TSI */
    char to[TC_TETRA_ADDRESS_SIZE];
    uint8_t bytes[TC_SDS_BYTES_MAX];
    size_t bits;
    uint8_t tries;
    int64_t not_before_us;
    bool is_accepted; /* OK came */
    bool has_final, is_sent;
};

struct tc_pei {
    const struct tc_driver_options *options; /* borrowed */
    enum tc_pei_phase phase;
    enum tc_pei_profile profile;
    bool is_told_up;
    uint8_t step;
    bool is_step_second; /* the step's second wording is tried */
    uint8_t resync_tries;
    uint8_t timeouts;
    uint8_t lost; /* keep-alives on end */
    enum tc_pei_command pending;
    int64_t due_us;        /* of the pending command */
    int64_t not_before_us; /* next command */
    int64_t alive_due_us;
    char maker[48], model[48], version[48];
    char refused[128]; /* subscriptions the radio would not take */
    uint8_t pids[TC_PEI_EXTRA_PIDS_MAX];
    uint8_t pid_count;
    bool is_e2ee;
    struct tc_tetra_network own;
    char own_address[TC_TETRA_ADDRESS_SIZE];
    struct tc_pei_header header;
    struct tc_pei_call calls[TC_PEI_CALLS_MAX];
    struct tc_pei_ack acks[TC_PEI_ACKS_MAX];
    uint32_t next_ack_ref;
    int ctsds; /* last value set, -1 not known */
    struct tc_pei_order order;
    struct tc_pei_message message;
};

/** The instant and the outlet, handed through a call. */
struct tc_pei_now {
    int64_t us;
    struct tc_driver_out *out;
};

/* pei_session.c */
void pei__open(struct tc_pei *s, const struct tc_driver_options *options, struct tc_pei_now now);
tc_err pei__line(struct tc_pei *s, struct tc_str line, struct tc_pei_now now);
int64_t pei__tick(struct tc_pei *s, struct tc_pei_now now);
void pei__pump(struct tc_pei *s, struct tc_pei_now now);

/* pei_receive.c */
/** `frame` is kept as evidence. */
void pei__reject(const struct tc_pei *s, const char *why, struct tc_str frame,
                 struct tc_pei_now now);
/** +CTSDSR: opens the header, or takes the payload too when it is glued on. */
tc_err pei__header(struct tc_pei *s, struct tc_pei_line *line, struct tc_pei_now now);
/** The line after a header. */
tc_err pei__payload(struct tc_pei *s, struct tc_str hex, struct tc_pei_now now);
/** +CNUMF, +GPSPOS: the attached radio itself. */
void pei__own_number(struct tc_pei *s, const struct tc_pei_line *line);
void pei__own_position(struct tc_pei *s, const struct tc_pei_line *line, struct tc_pei_now now);

/* pei_setup.c */
void pei__setup_command(struct tc_pei *s, char *text, size_t size);
bool pei__setup_is_done(const struct tc_pei *s);
/** Result of the step: -1 is OK, else the cause. */
void pei__setup_result(struct tc_pei *s, int cause);
void pei__setup_info(struct tc_pei *s, struct tc_str line);
void pei__options(struct tc_pei *s);

/* pei_call.c */
void pei__call_line(struct tc_pei *s, const struct tc_pei_line *line, struct tc_pei_now now);
bool pei__call_is_any(const struct tc_pei *s);
void pei__call_lost(struct tc_pei *s, struct tc_pei_now now, int64_t silent_us);

/* pei_send.c */
tc_err pei__send(struct tc_pei *s, const struct tc_send *request, struct tc_pei_now now);
void pei__outcome(struct tc_pei *s, uint32_t ref, bool is_taken);
/** A reference for a receipt, or 0 when too many are owed. */
uint32_t pei__owe(struct tc_pei *s, const struct tc_pei_ack *ack);
/** Next command for the message on its way; TC_PEI_NONE when there is nothing to send now. */
enum tc_pei_command pei__send_next(struct tc_pei *s, struct tc_pei_now now);
/** Result of CTSDS or CMGS: -1 is OK, else the cause. True: the command is over. */
bool pei__send_result(struct tc_pei *s, int cause, struct tc_pei_now now);
void pei__send_final(struct tc_pei *s, const struct tc_pei_line *line, struct tc_pei_now now);
/** An order that could not be handed over in time is given back. */
void pei__send_expire(struct tc_pei *s, struct tc_pei_now now);
void pei__send_drop(struct tc_pei *s, struct tc_pei_now now);
void pei__write(struct tc_pei_now now, const char *text);
