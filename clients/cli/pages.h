/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/cli/pages.h - durable facts by the page, for subscribers that saw a gap in what was
 * published.
 *
 * A nanomsg REP socket on a thread of its own, which may wait for the disk; it reads the journal as
 * anybody could and knows nothing of the models.
 *
 *   {"id":"p-1","from":1200,"limit":100}
 *   {"id":"p-1","ok":true,"events":[{…},…],"next":1301}      "next" is absent at the end
 */
#pragma once

#include "core/base/err.h"

struct tc_pages;

/** `journal_dir` and `url` are borrowed for its life. */
TC_MUST_USE tc_err tc_pages_start(const char *journal_dir, const char *url, struct tc_pages **out,
                                  char why[static TC_WHY_MAX]);
/** NULL is fine. */
void tc_pages_stop(struct tc_pages *p);
