/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/sds.h - short data of TETRA (EN 300 392-2, clauses 14 and 29): status values, and SDS
 * type 4 with or without the transport layer SDS-TL.
 *
 * Reads into plain structs and writes into byte arrays; decides nothing.
 */
#pragma once

#include "core/base/json.h"
#include "core/ingest/sds_text.h"

/** AI service of +CTSDSR and +CTSDS. */
enum {
    TC_SDS_TYPE1 = 9,
    TC_SDS_TYPE2 = 10,
    TC_SDS_TYPE3 = 11,
    TC_SDS_TYPE4 = 12,
    TC_SDS_STATUS = 13
};

enum {
    TC_SDS_BITS_MAX = 2047,
    TC_SDS_BYTES_MAX = 256,
    TC_SDS_PID_TEXT_SIMPLE = 0x02,
    TC_SDS_PID_LOCATION_SIMPLE = 0x03,
    TC_SDS_PID_IMMEDIATE_SIMPLE = 0x09,
    TC_SDS_PID_LIP = 0x0A,
    TC_SDS_PID_CONCAT_SIMPLE = 0x0C,
    TC_SDS_PID_TEXT = 0x82,
    TC_SDS_PID_LOCATION = 0x83,
    TC_SDS_PID_IMMEDIATE = 0x89,
    TC_SDS_PID_UDH = 0x8A,
    TC_SDS_PID_CONCAT = 0x8C
};

enum tc_sds_kind {
    TC_SDS_IS_STATUS,
    TC_SDS_IS_SHORT_REPORT, /* a status value that is an SDS-TL report */
    TC_SDS_IS_SIMPLE,       /* type 4 without transport layer */
    TC_SDS_IS_TRANSFER,
    TC_SDS_IS_REPORT,
    TC_SDS_IS_ACK,
    TC_SDS_IS_DATA /* types 1 to 3: user defined bits */
};

enum {
    TC_SDS_REPORT_RECEIVED = 1, /* bits of a report request */
    TC_SDS_REPORT_CONSUMED = 2,
    TC_SDS_DELIVERY_RECEIVED = 0x00,
    TC_SDS_DELIVERY_CONSUMED = 0x02,
    TC_SDS_DELIVERY_NO_PROTOCOL = 0x50,
    TC_SDS_DELIVERY_MEMORY_FULL = 0x52,
    TC_SDS_DELIVERY_REFUSED = 0x59
};

struct tc_sds {
    enum tc_sds_kind kind;
    uint16_t status; /* status value */
    uint8_t pid;
    uint8_t report_request;
    bool is_short_refused; /* only the standard form of a report is wanted */
    bool wants_ack;
    uint8_t ref;
    uint8_t delivery; /* REPORT, ACK: delivery status; of a short report by its meaning */
    uint8_t short_type;
    bool has_forward; /* store and forward control */
    uint8_t validity;
    uint8_t forward_type;
    uint32_t forward_ssi;
    struct tc_bits body; /* user data */
    const char *why;     /* what is wrong, or NULL */
};

/** A text with what stands before it. */
struct tc_sds_text {
    uint8_t coding;
    bool has_stamp;
    uint8_t frame, month, day, hour, minute; /* frame: 1 UTC, else local */
    bool has_udh;
    uint8_t udh_iei, parts, part;
    uint16_t part_ref;
    size_t len;
    const char *guess; /* why the text may be wrong, or NULL */
    char text[TC_SDS_TEXT_SIZE];
};

TC_MUST_USE tc_err tc_sds_decode(uint8_t ai_service, const uint8_t *bytes, size_t bits,
                                 struct tc_sds *sds);
/** Does the body hold characters? */
bool tc_sds_is_text(const struct tc_sds *sds);
TC_MUST_USE tc_err tc_sds_read_text(const struct tc_sds *sds, struct tc_sds_text *text,
                                    const char **why);
/** Append the fields to an open JSON object. */
void tc_sds_detail(struct tc_buf *b, const struct tc_sds *sds);
void tc_sds_text_detail(struct tc_buf *b, const struct tc_sds_text *text);

/** One part of a text, UTF-16BE, with receipt and reading reports asked for when `wants_report`. */
struct tc_sds_part {
    uint8_t ref; /* SDS-TL message reference */
    bool wants_report;
    uint8_t udh_ref;
    uint8_t part;  /* from 1 */
    uint8_t parts; /* 1: no user data header */
    const uint16_t *units;
    size_t count;
};
enum { TC_SDS_UNITS_MAX = 72, TC_SDS_UNITS_PART_MAX = 69 };
/** Bytes written; `out` has TC_SDS_BYTES_MAX. */
size_t tc_sds_write_text(const struct tc_sds_part *part, uint8_t *out);
/** Four bytes. */
void tc_sds_write_report(uint8_t pid, uint8_t delivery, uint8_t ref, uint8_t out[4]);
/** The status value that reports "received" in short form. */
static inline uint16_t tc_sds_short_received(uint8_t ref)
{
    return (uint16_t)(0x7C00 | 2U << 8 | ref);
}
