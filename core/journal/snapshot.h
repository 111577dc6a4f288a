/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/journal/snapshot.h - cache copies of the model that shorten a start. Never the truth.
 *
 * Files journal.cache-<seq> beside the segments. Each names the chain's hash of the commit that it
 * rests on: one that belongs to another history, is torn or was changed is passed over with a
 * warning. They may be deleted at any time.
 */
#pragma once

#include "core/journal/journal.h"

struct tc_journal_snapshot {
    uint64_t seq;
    uint64_t digest;
    struct tc_buf body; /* owned; tc_buf_finish */
};

#define TC_JOURNAL_SNAPSHOTS_KEPT 2u

/** Writes a snapshot of the model after the durable `seq`, drops all but the newest. May block. */
TC_MUST_USE tc_err tc_journal_snapshot_write(const char *dir, uint64_t seq, uint64_t digest,
                                             struct tc_str body, char why[static TC_WHY_MAX]);
/** The newest valid one at or before `seq_max`; TC_ENOTFOUND when there is none. */
TC_MUST_USE tc_err tc_journal_snapshot_read(const char *dir, uint64_t seq_max,
                                            struct tc_journal_snapshot *out);
