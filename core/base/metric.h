/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/metric.h - counters, gauges and limits, written by any thread and read by /metrics.
 *
 * A metric is a static struct in the file that owns it, listed once with tc_metric_add. Names
 * follow Prometheus: snake_case, unit last, "_total" on counters.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/buf.h"

enum tc_metric_type { TC_COUNTER, TC_GAUGE };

struct tc_metric {
    const char *name; /* "tocsin_ingest_queue_full_total" */
    const char *help;
    enum tc_metric_type type;
    const char *labels; /* "" or "class=\"position\"" */
    _Atomic int64_t value;
    struct tc_metric *next; /* owned by the registry */
};

/** Start-up only, before threads. The metric must live for ever. Adding twice is harmless. */
void tc_metric_add(struct tc_metric *m);
static inline void tc_metric_inc(struct tc_metric *m, int64_t by)
{
    atomic_fetch_add_explicit(&m->value, by, memory_order_relaxed);
}
static inline void tc_metric_set(struct tc_metric *m, int64_t value)
{
    atomic_store_explicit(&m->value, value, memory_order_relaxed);
}
static inline int64_t tc_metric_get(const struct tc_metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}
/** All metrics in Prometheus text form. Any thread. */
void tc_metric_write(struct tc_buf *out);
