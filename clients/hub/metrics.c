/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/hub_int.h"

#define COUNTER(id, text, about) \
    struct tc_metric id = {.name = text, .help = about, .type = TC_COUNTER, .labels = ""}
#define GAUGE(id, text, about) \
    struct tc_metric id = {.name = text, .help = about, .type = TC_GAUGE, .labels = ""}

GAUGE(hub__m_connections, "tocsin_hub_connections", "Open HTTP and WebSocket connections");
COUNTER(hub__m_refused, "tocsin_hub_connections_refused_total", "Connections past the limit");
GAUGE(hub__m_consoles, "tocsin_hub_consoles", "Open WebSocket connections");
COUNTER(hub__m_resync, "tocsin_hub_resyncs_total", "Consoles that were too slow for the deltas");
COUNTER(hub__m_snapshots, "tocsin_hub_snapshots_total", "Snapshots encoded");
COUNTER(hub__m_frames, "tocsin_hub_frames_total", "WebSocket frames sent");
COUNTER(hub__m_bytes, "tocsin_hub_frame_bytes_total", "WebSocket payload sent");
COUNTER(hub__m_deltas, "tocsin_hub_deltas_total", "Deltas made");
GAUGE(hub__m_inbox, "tocsin_hub_inbox_batches", "Durable batches not yet taken by the hub");
COUNTER(hub__m_inbox_full, "tocsin_hub_inbox_full_total", "Times the follower was too far behind");
COUNTER(hub__m_digest, "tocsin_hub_digest_mismatches_total",
        "Follower and live model found to differ");
GAUGE(hub__m_applied, "tocsin_hub_applied_seq", "Last event the follower applied");
COUNTER(hub__m_commands, "tocsin_hub_commands_total", "Commands and observations submitted");
COUNTER(hub__m_commands_full, "tocsin_hub_commands_full_total",
        "Commands turned away because a queue was full");
COUNTER(hub__m_timeouts, "tocsin_hub_command_timeouts_total", "Commands without a verdict in time");
COUNTER(hub__m_too_large, "tocsin_hub_too_large_total", "Requests and frames past the size limit");
COUNTER(hub__m_bad_frames, "tocsin_hub_bad_frames_total", "WebSocket frames not understood");
COUNTER(hub__m_logins_failed, "tocsin_hub_logins_failed_total", "Wrong names or passwords");
COUNTER(hub__m_logins_limited, "tocsin_hub_logins_limited_total", "Log-ins refused by rate");
COUNTER(hub__m_origin, "tocsin_hub_origin_refused_total", "Requests from another site's page");

void hub__metrics_add(void)
{
    static struct tc_metric *const all[] = {
        &hub__m_connections, &hub__m_refused,       &hub__m_consoles,       &hub__m_resync,
        &hub__m_snapshots,   &hub__m_frames,        &hub__m_bytes,          &hub__m_deltas,
        &hub__m_inbox,       &hub__m_inbox_full,    &hub__m_digest,         &hub__m_applied,
        &hub__m_commands,    &hub__m_commands_full, &hub__m_timeouts,       &hub__m_too_large,
        &hub__m_bad_frames,  &hub__m_logins_failed, &hub__m_logins_limited, &hub__m_origin,
    };
    for (size_t i = 0; i < TC_COUNT_OF(all); i++) {
        tc_metric_add(all[i]);
    }
}
