/* SPDX-License-Identifier: Apache-2.0 */
/** tests/unit/feed_probe.h - any receiving driver on the bench: bytes in, what it said kept. */
#pragma once

#include "core/base/json.h"
#include "core/base/time.h"
#include "core/ingest/driver.h"
#include "tests/lib/tc_test.h"

#define FEED_NOW_US INT64_C(1795222800000000) /* 2026-11-21T01:00:00Z, 09:00 in Shanghai */

struct feed {
    const struct tc_driver *driver;
    void *self;
    struct tc_arena arena;
    struct tc_driver_out out;
    struct tc_driver_options options;
    struct tc_buf in;      /* bytes not yet framed */
    struct tc_buf wire;    /* what the driver wrote */
    struct tc_buf said;    /* one line per observation */
    struct tc_buf detail;  /* of the first observation since feed_forget */
    struct tc_buf lenient; /* likewise */
    size_t frames, taken, rejected;
    uint32_t refs[64];
    size_t ref_count;
    uint64_t keys[64];
    size_t key_count;
};

struct feed *feed_create(const char *driver, const char *profile);
void feed_destroy(struct feed *f);
void feed_bytes(struct feed *f, const void *bytes, size_t len);
/** One verdict for every observation that asked for one, then none is owed. */
void feed_verdicts(struct feed *f, bool is_taken, const char *why);
const char *feed_said(struct feed *f);
const char *feed_wire(struct feed *f);
void feed_forget(struct feed *f);
/** Path of a file beside the project, or NULL with the reason printed. Static buffer. */
const char *feed_shared(const char *name);
/** A whole file; free with tc_buf_finish. */
bool feed_read(const char *path, struct tc_buf *b);
/** Value of a member of a JSON object as text, unescaped. */
bool feed_member(struct tc_str json, const char *key, struct tc_str *value, struct tc_arena *a);
