/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/pdu.h - what radios put on the air: LIP short reports, SDS-TL, status, text.
 *
 * Written from the standards (EN 300 392-2, TS 100 392-18-1) apart from the system's own decoders,
 * so that the two check each other. Never fails: what does not fit is cut.
 */
#pragma once

#include "core/base/buf.h"

#define SIM_SDS_BYTES_MAX 256 /* 2047 bits */
#define SIM_SDS_BITS_MAX  2047u

enum sim_service { SIM_SDS4 = 12, SIM_STATUS = 13 };

/** One short data message; `bits` counts from the first bit of bytes[0]. */
struct sim_sds {
    uint32_t from;
    uint32_t to;
    enum sim_service service;
    unsigned bits;
    uint8_t bytes[SIM_SDS_BYTES_MAX];
};

/** Append the low `width` bits of `value`, most significant first. */
void sim__put_bits(struct sim_sds *s, uint32_t value, unsigned width);

/** What a radio knows when it reports its place. */
struct sim_fix {
    int32_t lon_e7;
    int32_t lat_e7;
    double speed_kmh;     /* below 0: unknown */
    double direction_deg; /* clockwise from north */
    unsigned elapsed;     /* 0 <5 s, 1 <5 min, 2 <30 min, 3 unknown */
    unsigned error;       /* 0 <2 m .. 7 unknown */
    unsigned reason;
};
/** PID 0x0A and the 76 bits of a short location report. */
void sim__put_lip(struct sim_sds *s, const struct sim_fix *fix);
/** The 7-bit speed field for km/h. */
unsigned sim__lip_speed(double speed_kmh);

void sim__put_status(struct sim_sds *s, uint16_t value);
/** SDS-TL TRANSFER of UTF-16BE text; `report` 0 none, 1 received, 2 consumed, 3 both. */
void sim__put_text(struct sim_sds *s, uint8_t ref, unsigned report, struct tc_str utf8);
/** Answer to TRANSFER `ref`: 0 received, 2 consumed. Short form is a status, long form a REPORT. */
void sim__put_report(struct sim_sds *s, uint8_t pid, uint8_t ref, uint8_t delivery, bool is_short);

/** What could be read from a message; text is UTF-8. */
struct sim_heard {
    uint8_t pid;
    bool is_transfer; /* SDS-TL TRANSFER: ref, report, is_short_allowed hold */
    bool is_report;   /* SDS-TL REPORT */
    uint8_t ref;
    unsigned report;
    bool is_short_allowed;
    unsigned part;  /* 1.. of a long text, 0 when whole */
    unsigned parts; /* 0 when whole */
    unsigned part_ref;
    bool has_text;
    char text[1024];
};
/** True when the message could be taken apart; text may still be absent. */
bool sim__read(const struct sim_sds *s, struct sim_heard *out);

void sim__hex(struct tc_buf *out, const uint8_t *bytes, size_t digits);
