/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/ingest.h - the ingest thread: source sessions on a libuv loop, queues by class, turns,
 * and what may leave once a batch is durable.
 *
 * The program fills `tc_ingest_ports`; the engine never waits for any of them.
 */
#pragma once

#include "core/ingest/driver.h"
#include "core/turn/turn.h"

struct tc_ingest;

enum tc_transport { TC_TCP_CONNECT, TC_TCP_LISTEN, TC_SERIAL, TC_NANOMSG, TC_NO_TRANSPORT };

/** One configured source; all texts borrowed for ever. */
struct tc_source_config {
    const char *name;
    const struct tc_driver *driver;
    enum tc_transport transport;
    const char *host; /* address, device path, or nanomsg URL */
    int port;         /* or baud rate */
    struct tc_driver_options options;
};

struct tc_ingest_ports {
    void *ctx;
    /** Takes the batch. */
    tc_err (*append)(void *ctx, struct tc_batch *batch);
    size_t (*backlog)(void *ctx);
    /** Durable batches go on to the follower; taken. A failure ends the process. */
    tc_err (*forward)(void *ctx, struct tc_batch *batches);
    /** Takes the question; called when the batch that asked is durable. */
    void (*ask)(void *ctx, struct tc_travel_question *q);
    /** A durable fact or telemetry event, for subscribers. May be NULL. */
    void (*publish)(void *ctx, const struct tc_event *e);
    /** Storage failed: tell everybody and end the process. */
    void (*fatal)(void *ctx, const char *why);
};

struct tc_ingest_options {
    struct tc_model *live;
    struct tc_turn *turn;
    const struct tc_source_config *sources;
    size_t source_count;
    const char *version;
    struct tc_ingest_ports ports;
};

/** Tokens with this bit belong to the hub; the engine passes their replies on. */
#define TC_TOKEN_HUB (UINT64_C(1) << 63)

TC_MUST_USE tc_err tc_ingest_create(const struct tc_ingest_options *options, struct tc_ingest **out,
                                    char why[static TC_WHY_MAX]);
/** Opens the sources and runs until tc_ingest_stop. Ingest thread. */
void tc_ingest_run(struct tc_ingest *in);
/** After tc_ingest_run returned: forwards what the journal has made durable since. */
void tc_ingest_drain(struct tc_ingest *in);
void tc_ingest_destroy(struct tc_ingest *in);
/** Any thread, async-signal-safe. */
void tc_ingest_stop(struct tc_ingest *in);

/** Any thread: batches that are durable (or failed), in order; taken. */
void tc_ingest_durable(struct tc_ingest *in, struct tc_batch *batches, tc_err err);
/** Any thread: a lane's answer; taken. */
void tc_ingest_answer(struct tc_ingest *in, struct tc_travel_question *q);

/** A command, or an observation of an HTTP source, from another thread. */
struct tc_ingest_request {
    struct tc_ingest_request *next;
    const struct tc_command *command;
    const struct tc_obs *obs;
    struct tc_str source;
    uint64_t token;
    void *owner;
    void (*release)(void *owner); /* called on the ingest thread when it was decided */
};
/** Any thread. Takes `r` unless TC_EFULL. */
TC_MUST_USE tc_err tc_ingest_submit(struct tc_ingest *in, struct tc_ingest_request *r);
/** Last durable seq. Any thread. */
uint64_t tc_ingest_durable_seq(const struct tc_ingest *in);
