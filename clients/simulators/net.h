/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/net.h - the loop of a simulator, and its byte streams: servers, clients that
 * come back by themselves, and a pseudo terminal. One thread. Callbacks only store and call on.
 *
 * A peer that does not read is cut off when SIM_NET_QUEUE_MAX bytes wait for it.
 */
#pragma once

#include <uv.h>

#include "core/base/str.h"

#define SIM_NET_QUEUE_MAX ((size_t)16 * 1024 * 1024)
#define SIM_NET_CONNS_MAX 16

struct sim_stream;

/** Told about a stream; any may be NULL. `stream` is borrowed and dies after on_closed. */
struct sim_stream_events {
    void *ctx;
    void (*on_open)(void *ctx, struct sim_stream *stream);
    void (*on_bytes)(void *ctx, struct sim_stream *stream, const uint8_t *bytes, size_t len);
    void (*on_closed)(void *ctx, struct sim_stream *stream);
};

struct sim_stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct sim_stream_events events;
    struct sim_server *server; /* NULL for clients and terminals */
    struct sim_client *client;
    uint8_t room[4096];
    char line[4096]; /* for those that read lines */
    size_t line_len;
    bool is_open;
    void *tag; /* the user's */
};

struct sim_server {
    uv_tcp_t tcp;
    struct sim_stream_events events;
    struct sim_stream *streams[SIM_NET_CONNS_MAX];
    size_t most; /* a newcomer past this replaces the first */
    bool is_open;
};

struct sim_client {
    uv_loop_t *loop;
    struct sockaddr_storage to;
    struct sim_stream_events events;
    struct sim_stream *stream; /* NULL between attempts */
    uv_connect_t request;
    uv_timer_t wait;
    uint64_t wait_ms;
    bool is_closing;
    bool is_once; /* does not come back */
};

/** What every simulator has: a loop, a tick, an end. */
struct sim_app {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t on_int;
    uv_signal_t on_term;
    void *ctx;
    void (*on_tick)(void *ctx, int64_t now_us);
};

/** Monotonic microseconds. */
int64_t sim__now_us(void);
TC_MUST_USE tc_err sim__app_init(struct sim_app *a, uint64_t tick_ms);
/** Runs until a signal or sim__app_stop; then the caller closes its own things. */
void sim__app_run(struct sim_app *a);
void sim__app_stop(struct sim_app *a);
/** Closes what is left and waits for it. */
void sim__app_finish(struct sim_app *a);

/** "127.0.0.1:5000" or "[::1]:5000"; numbers only. */
TC_MUST_USE tc_err sim__address(const char *text, struct sockaddr_storage *out);
TC_MUST_USE tc_err sim__server_open(struct sim_server *s, uv_loop_t *loop, const char *address);
void sim__server_close(struct sim_server *s);
TC_MUST_USE tc_err sim__client_open(struct sim_client *c, uv_loop_t *loop, const char *address);
void sim__client_close(struct sim_client *c);
/** A pseudo terminal; its other end gets the name `link`. NULL when it cannot be had. */
struct sim_stream *sim__pty_open(uv_loop_t *loop, const char *link,
                                 const struct sim_stream_events *events);

/** An open character device as a stream; the file is taken. */
struct sim_stream *sim__stream_of_file(uv_loop_t *loop, int file,
                                       const struct sim_stream_events *events);

void sim__stream_send(struct sim_stream *s, const void *bytes, size_t len);
void sim__stream_close(struct sim_stream *s);
/** Feeds `line` and calls `on_line` for each whole line, without its end. */
void sim__stream_lines(struct sim_stream *s, const uint8_t *bytes, size_t len,
                       void (*on_line)(void *ctx, struct sim_stream *s, struct tc_str line));
