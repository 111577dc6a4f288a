/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/hj212.h - packets of HJ/T 212-2005, HJ 212-2017 and HJ 212-2025: framing, check sums,
 * the parts of a segment, and the tables of factors. For the hj212 driver; knows no session.
 *
 *   ## LLLL segment CRC [CR][LF]     segment = QN=..;ST=..;CN=..;PW=..;MN=..;Flag=..;CP=&&...&&
 */
#pragma once

#include "core/ingest/driver.h"

#define TC_HJ212_SEGMENT_MAX  1024u /* by the standard */
#define TC_HJ212_LONG_MAX     4096u /* with the profile "long" */
#define TC_HJ212_OVERHEAD     12u   /* ##, length, CRC, CR LF */
#define TC_HJ212_FRAME_MAX    (TC_HJ212_LONG_MAX + TC_HJ212_OVERHEAD)
#define TC_HJ212_MN_MAX       40u
#define TC_HJ212_QN_MAX       24u
#define TC_HJ212_PASSWORD_MAX 24u
#define TC_HJ212_ITEMS_MAX    512u

/** What vendors do; bits of a profile and of what a frame turned out to use. */
enum {
    TC_HJ212_CRC = 1,              /* the standard's */
    TC_HJ212_CRC_MODBUS = 2,       /* CRC-16/MODBUS, high byte first */
    TC_HJ212_CRC_MODBUS_LE = 4,    /* CRC-16/MODBUS, low byte first */
    TC_HJ212_CRC_SWAPPED = 8,      /* the standard's, low byte first */
    TC_HJ212_CRC_ZERO = 16,        /* always 0000 */
    TC_HJ212_CRC_ANY = 31,         /* all of them */
    TC_HJ212_LENGTH_PLUS_SIX = 32, /* the length counts CRC, CR and LF */
    TC_HJ212_LONG = 64             /* segments up to 4096 bytes */
};

/** HJ 212-2017 annex A: not CRC-16/MODBUS, the register's low byte is thrown away per byte. */
uint16_t tc_hj212_crc(struct tc_str segment);
uint16_t tc_hj212_crc_modbus(struct tc_str segment);
/** The four digits that the variant (one bit) puts behind a segment. */
void tc_hj212_crc_text(uint32_t variant, struct tc_str segment, char out[static 5]);

/** "crc_modbus+len_plus6" to bits; `unknown` gets a word that is none. Empty: the standard's. */
uint32_t tc_hj212_profile(struct tc_str words, struct tc_str *unknown);

/** tc_driver.frame: by length, never by the tail. */
struct tc_framed tc_hj212_frame(const uint8_t *bytes, size_t len);

struct tc_hj212_frame {
    struct tc_str segment; /* empty when the length leads nowhere */
    uint32_t variants;     /* check sums that fit, and TC_HJ212_LENGTH_PLUS_SIX */
    bool is_lower_case;    /* CRC in lower-case digits */
};
void tc_hj212_open_frame(struct tc_str frame, struct tc_hj212_frame *f);

struct tc_hj212_item {
    struct tc_str key;
    struct tc_str value;
};

struct tc_hj212_packet {
    struct tc_str qn, st, cn, pw, mn, pnum, pno, flag_text;
    bool has_flag;
    uint32_t flag; /* V5..V0 D A */
    struct tc_hj212_item *items;
    size_t item_count;
    char lenient[96]; /* what was overlooked, or "" */
};

enum { TC_HJ212_WANTS_REPLY = 1, TC_HJ212_IS_SPLIT = 2, TC_HJ212_VERSION_SHIFT = 2 };

/** Texts are borrowed from `segment`, items from the arena. `why` is static. */
TC_MUST_USE tc_err tc_hj212_parse(struct tc_str segment, struct tc_arena *arena,
                                  struct tc_hj212_packet *p, const char **why);
/** Notes the first `limit` defects, separated by ", ". */
void tc_hj212_overlook(struct tc_hj212_packet *p, const char *what);
/** 2005, 2017, 2025; 0 when Flag is missing. */
unsigned tc_hj212_edition(const struct tc_hj212_packet *p);
/** The last item of that name, or empty. */
struct tc_str tc_hj212_value(const struct tc_hj212_packet *p, const char *key);

/** HJ 212-2017 annex B. The 2017 code of a 2005 code; any other code as it is. */
struct tc_str tc_hj212_factor(struct tc_str code);
/** Unit of measure by the table, or "". */
const char *tc_hj212_unit(struct tc_str factor);

/** All fields as one JSON object, passwords masked. */
struct tc_str tc_hj212_detail(const struct tc_hj212_packet *p, struct tc_arena *arena);
/** Bytes of a frame as they may be kept: printable, passwords masked. */
struct tc_str tc_hj212_evidence(struct tc_str frame, struct tc_arena *arena);
