/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/sds_text.h - the character codings of SDS text (EN 300 392-2, table 29.29) to UTF-8
 * and, for what we send, UTF-8 to UTF-16BE.
 *
 * A coding that is not known is read as ISO 8859-1 and said to be a guess. What is put out is
 * always UTF-8 without control characters other than tab and line feed.
 */
#pragma once

#include "core/base/str.h"
#include "core/ingest/bits.h"

enum {
    TC_SDS_CODING_7BIT = 0,
    TC_SDS_CODING_LATIN1 = 1,
    TC_SDS_CODING_UTF16 = 26,
    TC_SDS_TEXT_SIZE = 1024 /* 255 octets of any coding as UTF-8, and the end */
};

/** Reads `bits` to its end. `out` has TC_SDS_TEXT_SIZE bytes; `guess` is set to why, or NULL. */
size_t tc_sds_text_decode(struct tc_bits *bits, uint8_t coding, char *out, const char **guess);
/** UTF-16 units of `text`, characters above U+FFFF left out; TC_EFULL when more than `max`. */
TC_MUST_USE tc_err tc_sds_text_encode(struct tc_str text, uint16_t *units, size_t max,
                                      size_t *count);
