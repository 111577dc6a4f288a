/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/session.h - inside of core/loop: a byte stream with a driver on it.
 *
 * Happy path: open (dialled, accepted, or a serial line) -> driver.open -> bytes -> frame, decode
 * -> observations; writes bounded. Failure modes: peer gone, half a frame for ever, 64 KiB of
 * noise, a peer that does not read: the session is closed on purpose, with a code, and counted.
 */
#pragma once

#include <uv.h>

#include "core/loop/ingest.h"

struct session;
struct session_hooks {
    /** An observation of the session's driver. */
    void (*observe)(struct session *s, const struct tc_obs *obs);
    /** The session ended; its place may be used again once its handle is closed. */
    void (*closed)(struct session *s, const char *why);
};

enum session_state { SESSION_FREE, SESSION_DIALLING, SESSION_OPEN, SESSION_CLOSING };

struct session {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe; /* a serial line's descriptor */
    } uv;
    uv_connect_t connect;
    enum session_state state;
    uint32_t generation;
    uint32_t index;
    void *owner; /* struct source */
    const struct session_hooks *hooks;
    const struct tc_driver *driver;
    const struct tc_driver_options *options;
    void *self;
    struct tc_buf in;
    size_t noise_bytes; /* since the last good frame */
    size_t unwritten_bytes;
    int64_t due_us;        /* driver's next tick */
    int64_t half_since_us; /* a frame is incomplete since; 0 none */
    int64_t now_us;        /* time handed to the driver in the running call */
    bool is_message;       /* one request over a message socket: the first bytes out end it */
    void *route;
    struct tc_buf reply;
    bool has_send; /* a send the driver was not ready for */
    struct tc_send send;
    char send_text[700];
    char send_address[40];
    int64_t send_since_us;
};

TC_MUST_USE tc_err session_dial(struct session *s, uv_loop_t *loop, const char *host, int port);
TC_MUST_USE tc_err session_accept(struct session *s, uv_loop_t *loop, uv_stream_t *listener);
TC_MUST_USE tc_err session_serial(struct session *s, uv_loop_t *loop, const char *path, int baud);
/** The driver begins. */
void session_begin(struct session *s, int64_t now_us);
/** Feed bytes that came by another way (a message). */
void session_feed(struct session *s, const void *bytes, size_t len, int64_t now_us);
void session_outcome(struct session *s, uint32_t ref, const struct tc_reply *reply, int64_t now_us);
/** Hand an attempt to the driver; kept and tried again while it is not ready. */
void session_send(struct session *s, const struct tc_send *send, int64_t now_us);
void session_tick(struct session *s, int64_t now_us);
/** Stop or go on reading an open stream. */
void session_pause(struct session *s, bool pause);
/** Idempotent. `why` is a static code. */
void session_close(struct session *s, const char *why);
/** Frees what a closed session holds. */
void session_release(struct session *s);
/** Time source of the callbacks; set once. */
void session_set_clock(int64_t (*now_us)(void *ctx), void *ctx);
