/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/lip.h - the location information protocol (TS 100 392-18-1), as carried in SDS with
 * protocol identifier 0x0A.
 *
 * Values stay raw; the helpers turn them into our units by integer arithmetic. Called by the TETRA
 * driver and its tests; knows nothing of lines, links or time zones.
 */
#pragma once

#include "core/base/json.h"
#include "core/ingest/bits.h"

enum { TC_LIP_SHORT, TC_LIP_EXTENDED };

/** Extended PDUs. */
enum {
    TC_LIP_IMMEDIATE = 1,
    TC_LIP_LONG = 3,
    TC_LIP_ACK = 4,
    TC_LIP_BASIC = 5,
    TC_LIP_TRIGGER_REPORT = 8
};

enum { TC_LIP_TIME_NONE, TC_LIP_TIME_ELAPSED, TC_LIP_TIME_OF_POSITION };

enum {
    TC_LIP_REASON_EMERGENCY = 2,
    TC_LIP_REASON_UNKNOWN = 0xFFFF,
    TC_LIP_SPEED_UNKNOWN = 127,
    TC_LIP_ERROR_UNKNOWN = 7,
    TC_LIP_ELAPSED_UNKNOWN = 3,
    TC_LIP_T5_MAX = 8
};

/** A type 5 element: an optional field named by its id, its length in bits. */
struct tc_lip_t5 {
    uint8_t id;
    uint8_t len;
    bool is_cut; /* fewer bits are there than `len` says; `left` of them */
    uint8_t left;
    uint32_t value; /* first 32 bits */
};

struct tc_lip {
    uint8_t type; /* TC_LIP_SHORT, TC_LIP_EXTENDED */
    uint8_t ext;
    bool has_direction_bit; /* request or response follows ext */
    bool is_response;
    uint8_t time_type;
    uint8_t elapsed;
    uint8_t day, hour, minute, second;
    uint8_t shape;
    bool has_point;
    int32_t lon_raw, lat_raw;
    bool has_error;
    uint8_t error;
    uint8_t uncertainty;
    uint8_t major, minor, angle;
    uint16_t altitude;
    uint8_t altitude_uncertainty, confidence;
    uint16_t inner, outer; /* arc radii */
    uint8_t start, stop;   /* arc angles */
    uint8_t velocity_type;
    bool has_speed, has_direction;
    uint8_t speed;
    uint8_t speed_uncertainty;
    uint8_t vertical_sign, vertical, vertical_uncertainty;
    uint8_t direction, direction_uncertainty;
    bool wants_ack;
    bool has_extra, is_user_data;
    uint8_t extra; /* reason, or user data */
    uint8_t result, flags, report_type, interval;
    struct tc_lip_t5 t5[TC_LIP_T5_MAX];
    uint8_t t5_count;
    const char *why; /* what is wrong, NULL when nothing */
};

/** Reads what follows the protocol identifier. TC_EMALFORMED: cut; what was read stays in `lip`. */
TC_MUST_USE tc_err tc_lip_decode(struct tc_bits *bits, struct tc_lip *lip);
/** Append the fields to an open JSON object. */
void tc_lip_detail(struct tc_buf *b, const struct tc_lip *lip);

/** A point at 0, 0 that the radio itself calls unknown, or no point at all. */
bool tc_lip_has_fix(const struct tc_lip *lip);
/** 25 and 24 bit angles to 1e-7 degree, rounded to nearest. */
int32_t tc_lip_lon_e7(int32_t raw);
int32_t tc_lip_lat_e7(int32_t raw);
/** Hundredths of km/h; UINT32_MAX unknown. 126, "more than 1043", gives 1043. */
uint32_t tc_lip_speed_x100(uint8_t raw);
uint32_t tc_lip_speed_cms(uint8_t raw);
/** Degrees 0..359; UINT16_MAX when there is none, or the speed is unknown. */
uint16_t tc_lip_heading_deg(const struct tc_lip *lip);
/** Bound of the position error in metres; 0 unknown. */
uint32_t tc_lip_error_m(const struct tc_lip *lip);
/** Upper bound of the age of the fix when it was sent, s. */
uint32_t tc_lip_age_s(const struct tc_lip *lip);
/** Reason for sending, TC_LIP_REASON_UNKNOWN when there is none. */
uint16_t tc_lip_reason(const struct tc_lip *lip);
/** `value` with seven or two decimals, as a JSON number. */
void tc_lip_put_decimal(struct tc_buf *b, const char *key, int64_t value, int decimals);
