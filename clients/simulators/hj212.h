/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/hj212.h - frames of a pollution-source station (HJ 212-2005, -2017, -2025).
 * Written from the standard apart from the system's decoder.
 */
#pragma once

#include "core/base/buf.h"

#define SIM_HJ_QN_SIZE 18

enum sim_hj_crc { SIM_HJ_CRC, SIM_HJ_MODBUS, SIM_HJ_MODBUS_SWAPPED, SIM_HJ_WRONG };

struct sim_hj_factor {
    const char *code;
    double value;
    char flag; /* N, T, D ... */
};

/** Who speaks and how. */
struct sim_hj_station {
    const char *mn;
    const char *st;       /* "21" */
    const char *password; /* "123456" */
    int64_t edition;      /* 2005, 2017, 2025 */
};

uint16_t sim__hj_crc(const void *bytes, size_t len);
uint16_t sim__hj_crc_modbus(const void *bytes, size_t len);
/** "20261121083000123" in Shanghai time. */
void sim__hj_qn(int64_t utc_us, char out[static SIM_HJ_QN_SIZE]);
/** Real-time data 2011 that wants an answer. */
void sim__hj_data(struct tc_buf *segment, const struct sim_hj_station *s, const char *qn,
                  const struct sim_hj_factor *factors, size_t count);
/** A message without data, e.g. "9015" with `data` "" or "9012" with "ExeRtn=1". */
void sim__hj_plain(struct tc_buf *segment, const struct sim_hj_station *s, const char *qn,
                   const char *cn, const char *data, bool wants_answer);
/** `##LLLL` segment CRC CR LF. */
void sim__hj_frame(struct tc_buf *out, struct tc_str segment, enum sim_hj_crc crc);
/** Takes one frame from the front of `in` and gives its segment, valid until `in` changes; `used`
 * bytes may be dropped then. False when no whole frame is there. Broken ones are stepped over. */
bool sim__hj_take(const struct tc_buf *in, size_t *used, struct tc_str *segment);
/** Value of `key` in a segment, header or data area; empty when absent. */
struct tc_str sim__hj_value(struct tc_str segment, const char *key);
