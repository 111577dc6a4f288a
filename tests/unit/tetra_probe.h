/* SPDX-License-Identifier: Apache-2.0 */
/** tests/unit/tetra_probe.h - a driver on the bench: bytes in, what it said kept as text. */
#pragma once

#include "core/base/time.h"
#include "core/ingest/driver.h"
#include "tests/lib/tc_test.h"

#define PROBE_START_US (INT64_C(1795000000) * TC_SEC) /* 2026-11-18T11:06:40Z */

struct probe {
    const struct tc_driver *driver;
    void *self;
    struct tc_arena arena;
    struct tc_driver_out out;
    struct tc_driver_options options;
    int64_t now_us;
    struct tc_buf in;     /* bytes not yet framed */
    struct tc_buf wire;   /* what the driver wrote */
    struct tc_buf said;   /* one line per observation */
    struct tc_buf detail; /* of the last observation */
    int count;
    uint32_t last_ref; /* of the last text or position that wants an outcome */
    uint64_t last_key;
    tc_err last_err;
};

struct probe *probe_create(const char *profile, const char *param, bool wants_detail);
void probe_destroy(struct probe *p);
/** Bytes from the peer, as one read. */
void probe_feed(struct probe *p, const char *bytes, size_t len);
void probe_line(struct probe *p, const char *line);
/** Let time pass in steps of 50 ms, ticking. */
void probe_wait(struct probe *p, int64_t us);
/** What was written since the last call, up to the next one. Borrowed until then. */
const char *probe_wire(struct probe *p);
const char *probe_said(struct probe *p);
bool probe_has(struct probe *p, const char *part);
void probe_forget(struct probe *p);
/** Answer OK to everything the driver writes until it is quiet; special answers for commands that
 * begin with a given text. */
struct probe_answer {
    const char *command;
    const char *answer;
};
void probe_set_up(struct probe *p, const struct probe_answer *answers, size_t count);
