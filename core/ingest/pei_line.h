/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/pei_line.h - lines of the peripheral equipment interface (EN 300 392-5): where one
 * ends, what it is called and which parameters it has.
 *
 * Pure functions over borrowed text.
 */
#pragma once

#include "core/ingest/driver.h"

enum { TC_PEI_LINE_MAX = 1024, TC_PEI_FIELDS_MAX = 16 };

enum tc_pei_name {
    TC_PEI_OTHER,
    TC_PEI_OK,
    TC_PEI_ERROR, /* ERROR, +CME ERROR, +CMS ERROR */
    TC_PEI_ECHO,  /* AT... */
    TC_PEI_CTSDSR,
    TC_PEI_CTICN,
    TC_PEI_CTCC,
    TC_PEI_CTOCP,
    TC_PEI_CTXG,
    TC_PEI_CDTXC,
    TC_PEI_CTCR,
    TC_PEI_CMGS,
    TC_PEI_CNUMF,
    TC_PEI_GPSPOS,
    TC_PEI_IGNORED /* known, of no use here */
};

struct tc_pei_line {
    enum tc_pei_name name;
    struct tc_str rest; /* after the colon */
    struct tc_str field[TC_PEI_FIELDS_MAX];
    size_t count;
};

/** Find one line: bytes up to CR or LF. Blank bytes in front are skipped. */
struct tc_framed tc_pei_frame(const uint8_t *bytes, size_t len);
/** The line in plain ASCII, without control characters, prompt and outer blanks; `out` has
 * TC_PEI_LINE_MAX. */
struct tc_str tc_pei_clean(struct tc_str frame, char *out);
/** Length of the first result in `line`: less than all when another is glued to its end. */
size_t tc_pei_first_len(struct tc_str line);
struct tc_pei_line tc_pei_parse(struct tc_str line);
bool tc_pei_is_hex(struct tc_str s);
/** Field as a number; `otherwise` when it is absent, empty or no number. */
int64_t tc_pei_number(const struct tc_pei_line *line, size_t index, int64_t otherwise);
/** Field's text, "" when absent. */
struct tc_str tc_pei_field(const struct tc_pei_line *line, size_t index);
/** "name=value" in a blank-separated list, or "". */
struct tc_str tc_pei_option(struct tc_str list, const char *name);
/** Does `text` contain `word` (lower case), in any case? */
bool tc_pei_mentions(struct tc_str text, const char *word);
