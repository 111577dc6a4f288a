/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/cli/ws_client.h - a small HTTP and WebSocket client on blocking sockets (RFC 6455), for
 * tests and benches over loopback. It shares no code with the hub.
 */
#pragma once

#include "core/base/buf.h"

struct tc_ws {
    int fd;
    struct tc_buf in; /* bytes received, not yet taken */
    uint64_t frames;
    uint64_t bytes;
};

/** A connected TCP socket to 127.0.0.1, or -1. */
int tc_tcp_connect(int port);
/** To another IPv4 address. */
int tc_tcp_connect_to(const char *address, int port);
bool tc_tcp_send(int fd, const void *bytes, size_t len);

struct tc_http_response {
    int status;
    struct tc_buf head; /* status line and headers, NUL-terminated */
    struct tc_buf body; /* NUL-terminated; the NUL is not counted */
};
/** One request on a connection of its own. `headers` are whole lines or NULL. */
bool tc_http_ask(int port, const char *method, const char *path, const char *headers,
                 struct tc_str body, struct tc_http_response *out);
void tc_http_finish(struct tc_http_response *r);
/** The value of a header, cut at the line's end, in `to`. */
bool tc_http_header(const struct tc_http_response *r, const char *name, char *to, size_t size);

/** Returns 101 when it is open, another HTTP status when refused, -1 without an answer. */
int tc_ws_open(struct tc_ws *w, int port, const char *path, const char *headers);
void tc_ws_close(struct tc_ws *w);
bool tc_ws_send(struct tc_ws *w, struct tc_str text);
/** 1: a text frame in `text` (NUL-terminated); 0: none within the time; -1: closed. Pings are
 * answered. */
int tc_ws_receive(struct tc_ws *w, struct tc_buf *text, int timeout_ms);
