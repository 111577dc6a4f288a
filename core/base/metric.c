/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/metric.h"

static struct tc_metric *first;

void tc_metric_add(struct tc_metric *m)
{
    struct tc_metric **at = &first;
    while (*at) {
        if (*at == m) {
            return;
        }
        at = &(*at)->next;
    }
    *at = m;
}

void tc_metric_write(struct tc_buf *out)
{
    const char *last = "";
    for (const struct tc_metric *m = first; m; m = m->next) {
        if (strcmp(last, m->name) != 0) {
            tc_buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                          m->type == TC_COUNTER ? "counter" : "gauge");
        }
        last = m->name;
        const char *labels = m->labels ? m->labels : "";
        tc_buf_format(out, "%s%s%s%s %lld\n", m->name, labels[0] ? "{" : "", labels,
                      labels[0] ? "}" : "", (long long)tc_metric_get(m));
    }
}
