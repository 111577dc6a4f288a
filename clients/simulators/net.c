/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/net.h"

#include <signal.h>

#include "clients/simulators/opts.h"
#include "core/base/mem.h"
#include "core/base/time.h"

struct sending {
    uv_write_t request;
    uint8_t bytes[];
};

int64_t sim__now_us(void)
{
    return tc_clock_monotonic_us();
}

static void on_timer(uv_timer_t *timer)
{
    struct sim_app *a = timer->data;
    a->on_tick(a->ctx, sim__now_us());
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

tc_err sim__app_init(struct sim_app *a, uint64_t tick_ms)
{
    if (uv_loop_init(&a->loop) != 0) {
        return TC_EIO;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    a->timer.data = a;
    bool ok = uv_timer_init(&a->loop, &a->timer) == 0 &&
              uv_signal_init(&a->loop, &a->on_int) == 0 &&
              uv_signal_init(&a->loop, &a->on_term) == 0 &&
              uv_signal_start(&a->on_int, on_signal, SIGINT) == 0 &&
              uv_signal_start(&a->on_term, on_signal, SIGTERM) == 0 &&
              uv_timer_start(&a->timer, on_timer, tick_ms, tick_ms) == 0;
    a->timer.data = a;
    return ok ? TC_OK : TC_EIO;
}

void sim__app_run(struct sim_app *a)
{
    (void)uv_run(&a->loop, UV_RUN_DEFAULT);
}

void sim__app_stop(struct sim_app *a)
{
    uv_stop(&a->loop);
}

void sim__app_finish(struct sim_app *a)
{
    uv_close((uv_handle_t *)&a->timer, NULL);
    uv_close((uv_handle_t *)&a->on_int, NULL);
    uv_close((uv_handle_t *)&a->on_term, NULL);
    (void)uv_run(&a->loop, UV_RUN_DEFAULT);
    TC_REQUIRE(uv_loop_close(&a->loop) == 0);
}

tc_err sim__address(const char *text, struct sockaddr_storage *out)
{
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    char host[64];
    if (!colon || tc_str_to_i64(tc_str_of(colon + 1), &port) != TC_OK || port < 0 || port > 65535) {
        return TC_EMALFORMED;
    }
    bool is_six = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    struct tc_str name = {.at = text + is_six, .len = (size_t)(colon - text) - 2 * (size_t)is_six};
    if (!tc_str_put(host, sizeof host, name)) {
        return TC_EMALFORMED;
    }
    int rc = is_six ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out)
                    : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out);
    return rc == 0 ? TC_OK : TC_EMALFORMED;
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct sim_stream *s = handle->data;
    if (s->events.on_closed && s->is_open) {
        s->events.on_closed(s->events.ctx, s);
    }
    tc_free(s);
}

static void retry_later(struct sim_client *c);

void sim__stream_close(struct sim_stream *s)
{
    if (uv_is_closing(&s->uv.handle)) {
        return;
    }
    for (size_t i = 0; s->server && i < SIM_NET_CONNS_MAX; i++) {
        if (s->server->streams[i] == s) {
            s->server->streams[i] = NULL;
        }
    }
    if (s->client) {
        s->client->stream = NULL;
        retry_later(s->client);
    }
    uv_close(&s->uv.handle, on_stream_closed);
}

static void on_sent(uv_write_t *request, int status)
{
    (void)status; /* a broken stream shows when it is read */
    tc_free(request->data);
}

void sim__stream_send(struct sim_stream *s, const void *bytes, size_t len)
{
    if (len == 0 || uv_is_closing(&s->uv.handle)) {
        return;
    }
    struct sending *w = tc_alloc(sizeof *w + len);
    if (!w || uv_stream_get_write_queue_size(&s->uv.stream) > SIM_NET_QUEUE_MAX) {
        tc_free(w);
        sim__stream_close(s);
        return;
    }
    memcpy(w->bytes, bytes, len);
    w->request.data = w;
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)len);
    if (uv_write(&w->request, &s->uv.stream, &buf, 1, on_sent) != 0) {
        tc_free(w);
        sim__stream_close(s);
    }
}

void sim__stream_lines(struct sim_stream *s, const uint8_t *bytes, size_t len,
                       void (*on_line)(void *ctx, struct sim_stream *s, struct tc_str line))
{
    for (size_t i = 0; i < len && !uv_is_closing(&s->uv.handle); i++) {
        if (bytes[i] == '\n') {
            size_t n = s->line_len;
            s->line_len = 0;
            n -= n > 0 && s->line[n - 1] == '\r';
            on_line(s->events.ctx, s, (struct tc_str){s->line, n});
        } else if (s->line_len < sizeof s->line) {
            s->line[s->line_len++] = (char)bytes[i];
        }
    }
}

static void on_room_wanted(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)size;
    struct sim_stream *s = handle->data;
    *buf = uv_buf_init((char *)s->room, sizeof s->room);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct sim_stream *s = stream->data;
    if (n < 0) {
        sim__stream_close(s);
    } else if (n > 0 && s->events.on_bytes) {
        s->events.on_bytes(s->events.ctx, s, (const uint8_t *)buf->base, (size_t)n);
    }
}

static void start(struct sim_stream *s)
{
    s->is_open = true;
    if (s->events.on_open) {
        s->events.on_open(s->events.ctx, s);
    }
    if (!uv_is_closing(&s->uv.handle) &&
        uv_read_start(&s->uv.stream, on_room_wanted, on_read) != 0) {
        sim__stream_close(s);
    }
}

static struct sim_stream *create_stream(const struct sim_stream_events *events)
{
    struct sim_stream *s = tc_alloc(sizeof *s);
    TC_REQUIRE(s != NULL);
    s->events = *events;
    return s;
}

/* Servers */

static void accept_one(struct sim_server *server)
{
    struct sim_stream *s = create_stream(&server->events);
    TC_REQUIRE(uv_tcp_init(server->tcp.loop, &s->uv.tcp) == 0);
    s->uv.handle.data = s;
    s->server = server;
    if (uv_accept((uv_stream_t *)&server->tcp, &s->uv.stream) != 0) {
        sim__stream_close(s);
        return;
    }
    (void)uv_tcp_nodelay(&s->uv.tcp, 1);
    size_t at = 0;
    while (at < server->most && server->streams[at]) {
        at++;
    }
    if (at == server->most) {
        at = 0;
        sim__stream_close(server->streams[0]);
    }
    server->streams[at] = s;
    start(s);
}

static void on_connection(uv_stream_t *stream, int status)
{
    if (status == 0) {
        accept_one(stream->data);
    }
}

tc_err sim__server_open(struct sim_server *s, uv_loop_t *loop, const char *address)
{
    struct sockaddr_storage at;
    tc_err err = sim__address(address, &at);
    if (err != TC_OK) {
        return err;
    }
    if (uv_tcp_init(loop, &s->tcp) != 0) {
        return TC_EIO;
    }
    s->is_open = true;
    s->tcp.data = s;
    s->most = s->most ? s->most : SIM_NET_CONNS_MAX;
    bool ok = uv_tcp_bind(&s->tcp, (const struct sockaddr *)&at, 0) == 0 &&
              uv_listen((uv_stream_t *)&s->tcp, 16, on_connection) == 0;
    return ok ? TC_OK : TC_EIO;
}

void sim__server_close(struct sim_server *s)
{
    for (size_t i = 0; i < SIM_NET_CONNS_MAX; i++) {
        if (s->streams[i]) {
            sim__stream_close(s->streams[i]);
        }
    }
    if (s->is_open) {
        s->is_open = false;
        uv_close((uv_handle_t *)&s->tcp, NULL);
    }
}

/* Clients */

static void on_connected(uv_connect_t *request, int status)
{
    struct sim_client *c = request->data;
    if (status == UV_ECANCELED || !c->stream) {
        return;
    }
    if (status != 0) {
        sim__stream_close(c->stream);
        return;
    }
    (void)uv_tcp_nodelay(&c->stream->uv.tcp, 1);
    start(c->stream);
}

static void try_once(struct sim_client *c)
{
    struct sim_stream *s = create_stream(&c->events);
    TC_REQUIRE(uv_tcp_init(c->loop, &s->uv.tcp) == 0);
    s->uv.handle.data = s;
    s->client = c;
    c->stream = s;
    c->request.data = c;
    if (uv_tcp_connect(&c->request, &s->uv.tcp, (const struct sockaddr *)&c->to, on_connected) !=
        0) {
        sim__stream_close(s);
    }
}

static void on_wait_over(uv_timer_t *timer)
{
    struct sim_client *c = timer->data;
    try_once(c);
}

static void retry_later(struct sim_client *c)
{
    if (!c->is_closing && !c->is_once) {
        (void)uv_timer_start(&c->wait, on_wait_over, c->wait_ms, 0);
    }
}

tc_err sim__client_open(struct sim_client *c, uv_loop_t *loop, const char *address)
{
    tc_err err = sim__address(address, &c->to);
    if (err != TC_OK) {
        return err;
    }
    c->loop = loop;
    c->wait_ms = c->wait_ms ? c->wait_ms : 1000;
    if (uv_timer_init(loop, &c->wait) != 0) {
        return TC_EIO;
    }
    c->wait.data = c;
    try_once(c);
    return TC_OK;
}

void sim__client_close(struct sim_client *c)
{
    if (c->is_closing || !c->loop) {
        return;
    }
    c->is_closing = true;
    uv_close((uv_handle_t *)&c->wait, NULL);
    if (c->stream) {
        sim__stream_close(c->stream);
    }
}

struct sim_stream *sim__stream_of_file(uv_loop_t *loop, int file,
                                       const struct sim_stream_events *events)
{
    struct sim_stream *s = create_stream(events);
    TC_REQUIRE(uv_pipe_init(loop, &s->uv.pipe, 0) == 0);
    s->uv.handle.data = s;
    if (uv_pipe_open(&s->uv.pipe, file) != 0) {
        sim__stream_close(s);
        return NULL;
    }
    start(s);
    return s;
}
