/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/tetra.h - from one short data message of TETRA to observations.
 *
 * Called by the PEI session for what a radio received, and by `tocsin decode` for bare payloads.
 * Knows addresses, status values, LIP and texts; knows nothing of lines and commands.
 */
#pragma once

#include "core/ingest/driver.h"
#include "core/ingest/lip.h"
#include "core/ingest/sds.h"

enum { TC_TETRA_ADDRESS_SIZE = 32 };
#define TC_TETRA_KEY_WINDOW_US (2 * TC_SEC)
#define TC_TETRA_FIX_SPAN_US   (48 * TC_HOUR)

/** The network a link belongs to, from its own identity. */
struct tc_tetra_network {
    bool is_known;
    uint16_t mcc;
    uint16_t mnc;
    uint32_t ssi;  /* the link's own */
    uint8_t width; /* digits of its own identity: 15, 16 or 17 */
};

/** Identity digits of 15, 16 or 17; false when they are none. */
bool tc_tetra_identity(struct tc_str digits, struct tc_tetra_network *network);
/**
 * The written form used everywhere: MCC3 MNC5 SSI8, the SSI alone while the network is not known,
 * and the digits as they came for what is no TETRA address. Returns the length.
 */
size_t tc_tetra_address(struct tc_str digits, const struct tc_tetra_network *own,
                        char out[static TC_TETRA_ADDRESS_SIZE]);

struct tc_tetra_message {
    uint8_t ai_service;
    struct tc_str calling; /* digits as received, "" not told */
    struct tc_str called;
    struct tc_str hex;
    size_t bits;    /* 0: four for each digit */
    int64_t now_us; /* 0: not known, times in the message are not judged */
    const struct tc_tetra_network *network;
    const char *lenient; /* what had to be overlooked already, or NULL */
};

/** A message taken apart. */
struct tc_tetra_pdu {
    uint8_t bytes[TC_SDS_BYTES_MAX];
    size_t bits;
    struct tc_sds sds;
    bool is_text, is_lip;
    struct tc_sds_text text;
    struct tc_lip lip;
    const char *why;     /* what is wrong, or NULL */
    const char *lenient; /* what was overlooked, or NULL */
};

/** Take apart. TC_EMALFORMED: pdu->why tells; what could be read is in `pdu`. */
TC_MUST_USE tc_err tc_tetra_read(const struct tc_tetra_message *m, struct tc_tetra_pdu *pdu);
/** Put out what was read; the first observation carries `ref`. */
void tc_tetra_observe(const struct tc_tetra_message *m, const struct tc_tetra_pdu *pdu,
                      uint32_t ref, struct tc_driver_out *out);
/** Both, with TC_OBS_REJECTED when it cannot be used. */
TC_MUST_USE tc_err tc_tetra_decode_payload(const struct tc_tetra_message *m,
                                           struct tc_driver_out *out);
/** A buffer in the arena for a detail object, already opened. */
struct tc_buf tc_tetra_detail_open(struct tc_driver_out *out);
struct tc_str tc_tetra_detail_close(struct tc_buf *b);
