/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/session.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/metric.h"
#include "core/base/time.h"

#define NOISE_BYTES_MAX     ((size_t)64 * 1024)
#define UNWRITTEN_BYTES_MAX ((size_t)256 * 1024)
#define HALF_FRAME_US       (10 * TC_SEC)
#define SEND_WAIT_US        (30 * TC_SEC)
#define CAUSE_BUSY          42u /* EN 300 392-5: MT busy with signalling */

static struct tc_metric frames_bad = {.name = "tocsin_frames_rejected_total",
                                      .help = "Frames that could not be used.",
                                      .type = TC_COUNTER};
static struct tc_metric frames_good = {
    .name = "tocsin_frames_total", .help = "Frames decoded.", .type = TC_COUNTER};
static struct tc_metric noise = {.name = "tocsin_noise_bytes_total",
                                 .help = "Bytes that belong to no frame.",
                                 .type = TC_COUNTER};

static int64_t (*clock_fn)(void *ctx);
static void *clock_ctx;

void session_set_clock(int64_t (*now_us)(void *ctx), void *ctx)
{
    clock_fn = now_us;
    clock_ctx = ctx;
    tc_metric_add(&frames_good);
    tc_metric_add(&frames_bad);
    tc_metric_add(&noise);
}

/* Writing */

struct write_request {
    uv_write_t uv;
    size_t len;
    uint8_t bytes[];
};

static void on_written(uv_write_t *uv, int status)
{
    struct write_request *w = (struct write_request *)(void *)uv;
    struct session *s = uv->data;
    s->unwritten_bytes -= w->len;
    tc_free(w);
    if (status < 0) {
        session_close(s, "write_failed");
    }
}

static void write_bytes(struct session *s, const void *bytes, size_t len)
{
    if (s->state != SESSION_OPEN || len == 0) {
        return;
    }
    size_t done = 0;
    if (s->unwritten_bytes == 0) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
        int n = uv_try_write(&s->uv.stream, &buf, 1);
        done = n > 0 ? (size_t)n : 0;
    }
    if (done == len) {
        return;
    }
    size_t rest = len - done;
    struct write_request *w =
        s->unwritten_bytes + rest > UNWRITTEN_BYTES_MAX ? NULL : tc_alloc(sizeof *w + rest);
    if (!w) {
        session_close(s, "peer_does_not_read");
        return;
    }
    w->len = rest;
    w->uv.data = s;
    memcpy(w->bytes, (const uint8_t *)bytes + done, rest);
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)rest);
    s->unwritten_bytes += rest;
    if (uv_write(&w->uv, &s->uv.stream, &buf, 1, on_written) != 0) {
        s->unwritten_bytes -= rest;
        tc_free(w);
        session_close(s, "write_failed");
    }
}

/* The driver */

static void out_bytes(void *ctx, const void *bytes, size_t len)
{
    struct session *s = ctx;
    if (s->is_message) {
        tc_buf_put(&s->reply, bytes, len);
    } else {
        write_bytes(s, bytes, len);
    }
}

static void out_observe(void *ctx, const struct tc_obs *obs)
{
    struct session *s = ctx;
    s->hooks->observe(s, obs);
}

struct call {
    struct tc_arena arena;
    struct tc_driver_out out;
};

static void call_begin(struct call *c, struct session *s, int64_t now_us)
{
    *c = (struct call){.out = {.ctx = s, .bytes = out_bytes, .observe = out_observe}};
    c->out.arena = &c->arena;
    s->now_us = now_us;
}

static void call_end(struct call *c)
{
    tc_arena_finish(&c->arena);
}

void session_begin(struct session *s, int64_t now_us)
{
    s->state = SESSION_OPEN;
    s->due_us = now_us;
    struct call c;
    call_begin(&c, s, now_us);
    s->driver->open(s->self, s->options, now_us, &c.out);
    call_end(&c);
}

/** Frames at the front of the buffer; returns how many bytes are done with. */
static size_t decode_all(struct session *s, int64_t now_us)
{
    size_t at = 0;
    struct call c;
    call_begin(&c, s, now_us);
    while (at < s->in.len && s->state == SESSION_OPEN) {
        struct tc_framed f = s->driver->frame(s->in.bytes + at, s->in.len - at);
        at += f.skip;
        s->noise_bytes += f.skip;
        tc_metric_inc(&noise, (int64_t)f.skip);
        if (f.err == TC_OK) {
            struct tc_str frame = {.at = (const char *)s->in.bytes + at, .len = f.total};
            tc_err err = s->driver->decode(s->self, frame, now_us, &c.out);
            tc_metric_inc(err == TC_OK ? &frames_good : &frames_bad, 1);
            s->noise_bytes = err == TC_OK ? 0 : s->noise_bytes + f.total;
            at += f.total;
            tc_arena_reset(&c.arena);
        } else if (f.err == TC_EAGAIN) {
            if (s->in.len - at <= s->driver->frame_max) {
                break;
            }
            at++; /* no frame is that long */
            s->noise_bytes++;
        } else if (f.skip == 0) {
            at++;
            s->noise_bytes++;
        }
        if (s->noise_bytes > NOISE_BYTES_MAX) {
            session_close(s, "noise");
        }
    }
    call_end(&c);
    return at;
}

void session_feed(struct session *s, const void *bytes, size_t len, int64_t now_us)
{
    if (s->state != SESSION_OPEN) {
        return;
    }
    tc_buf_put(&s->in, bytes, len);
    if (s->in.is_full) {
        session_close(s, "frame_too_long");
        return;
    }
    size_t done = decode_all(s, now_us);
    tc_buf_drop(&s->in, done > s->in.len ? s->in.len : done);
    s->half_since_us = s->in.len == 0 ? 0 : done || !s->half_since_us ? now_us : s->half_since_us;
}

void session_outcome(struct session *s, uint32_t ref, const struct tc_reply *reply, int64_t now_us)
{
    if (s->state != SESSION_OPEN || !s->driver->outcome) {
        return;
    }
    char why[64];
    (void)tc_str_put(why, sizeof why, reply->why);
    struct call c;
    call_begin(&c, s, now_us);
    s->driver->outcome(s->self,
                       &(struct tc_told){ref, reply->verdict != TC_REFUSED, reply->seq, why},
                       now_us, &c.out);
    call_end(&c);
}

static void observe_not_sent(struct session *s)
{
    struct tc_obs obs = tc_obs_init(TC_OBS_SENT);
    obs.message_ref = s->send.ref;
    obs.cause = CAUSE_BUSY;
    s->has_send = false;
    s->hooks->observe(s, &obs);
}

static void try_send(struct session *s, int64_t now_us)
{
    struct call c;
    call_begin(&c, s, now_us);
    tc_err err =
        s->driver->send ? s->driver->send(s->self, &s->send, now_us, &c.out) : TC_EUNSUPPORTED;
    call_end(&c);
    if (err == TC_OK) {
        s->has_send = false;
    } else if (err != TC_EAGAIN || now_us - s->send_since_us > SEND_WAIT_US) {
        observe_not_sent(s);
    }
}

void session_send(struct session *s, const struct tc_send *send, int64_t now_us)
{
    s->send = *send;
    (void)tc_str_put(s->send_text, sizeof s->send_text, send->text);
    (void)tc_str_put(s->send_address, sizeof s->send_address, send->address);
    s->send.text = tc_str_of(s->send_text);
    s->send.address = tc_str_of(s->send_address);
    s->send_since_us = now_us;
    s->has_send = true;
    if (s->state == SESSION_OPEN) {
        try_send(s, now_us);
    } else {
        observe_not_sent(s);
    }
}

void session_tick(struct session *s, int64_t now_us)
{
    if (s->state != SESSION_OPEN) {
        return;
    }
    if (s->has_send) {
        try_send(s, now_us);
    }
    if (s->driver->tick && now_us >= s->due_us) {
        struct call c;
        call_begin(&c, s, now_us);
        s->due_us = s->driver->tick(s->self, now_us, &c.out);
        call_end(&c);
    }
    if (s->half_since_us && now_us - s->half_since_us > HALF_FRAME_US) {
        tc_metric_inc(&noise, (int64_t)s->in.len);
        tc_buf_clear(&s->in);
        s->half_since_us = 0;
    }
}

/* libuv */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char shared[64 * 1024]; /* read callbacks run one after the other, on one thread */
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct session *s = stream->data;
    if (n < 0) {
        session_close(s, n == UV_EOF ? "closed_by_peer" : "connection_lost");
    } else if (n > 0) {
        session_feed(s, buf->base, (size_t)n, clock_fn(clock_ctx));
        /* bytes to the driver may shorten its wait */
        s->due_us = s->state == SESSION_OPEN && s->due_us > s->now_us ? s->now_us : s->due_us;
    }
}

static void start(struct session *s)
{
    s->uv.handle.data = s;
    if (uv_read_start(&s->uv.stream, on_alloc, on_read) != 0) {
        session_close(s, "cannot_read");
        return;
    }
    session_begin(s, clock_fn(clock_ctx));
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct session *s = connect->data;
    if (status == 0 && s->state == SESSION_DIALLING) {
        (void)uv_tcp_nodelay(&s->uv.tcp, 1);
        start(s);
    } else {
        session_close(s, "cannot_connect");
    }
}

tc_err session_dial(struct session *s, uv_loop_t *loop, const char *host, int port)
{
    struct sockaddr_in to4;
    struct sockaddr_in6 to6;
    const struct sockaddr *to = (const struct sockaddr *)&to4;
    if (uv_ip4_addr(host, port, &to4) != 0) {
        if (uv_ip6_addr(host, port, &to6) != 0) {
            return TC_EINVAL;
        }
        to = (const struct sockaddr *)&to6;
    }
    TC_REQUIRE(uv_tcp_init(loop, &s->uv.tcp) == 0);
    s->uv.handle.data = s;
    s->connect.data = s;
    s->state = SESSION_DIALLING;
    if (uv_tcp_connect(&s->connect, &s->uv.tcp, to, on_connected) != 0) {
        session_close(s, "cannot_connect");
    }
    return TC_OK;
}

tc_err session_accept(struct session *s, uv_loop_t *loop, uv_stream_t *listener)
{
    TC_REQUIRE(uv_tcp_init(loop, &s->uv.tcp) == 0);
    s->uv.handle.data = s;
    s->state = SESSION_DIALLING;
    if (uv_accept(listener, &s->uv.stream) != 0) {
        session_close(s, "cannot_accept");
        return TC_EIO;
    }
    (void)uv_tcp_nodelay(&s->uv.tcp, 1);
    (void)uv_tcp_keepalive(&s->uv.tcp, 1, 60);
    start(s);
    return TC_OK;
}

static speed_t speed_of(int baud)
{
    switch (baud) {
    case 9600: return B9600;
    case 19200: return B19200;
    case 57600: return B57600;
    case 115200: return B115200;
    default: return B38400;
    }
}

tc_err session_serial(struct session *s, uv_loop_t *loop, const char *path, int baud)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct termios line;
    if (fd < 0) {
        return TC_EIO;
    }
    if (tcgetattr(fd, &line) == 0) {
        line.c_iflag = 0; /* raw: no echo, no line editing, eight bits */
        line.c_oflag = 0;
        line.c_lflag = 0;
        line.c_cflag = CS8 | CLOCAL | CREAD;
        (void)cfsetispeed(&line, speed_of(baud));
        (void)cfsetospeed(&line, speed_of(baud));
        (void)tcsetattr(fd, TCSANOW, &line);
    }
    TC_REQUIRE(uv_pipe_init(loop, &s->uv.pipe, 0) == 0);
    s->uv.handle.data = s;
    s->state = SESSION_DIALLING;
    if (uv_pipe_open(&s->uv.pipe, fd) != 0) {
        (void)close(fd);
        session_close(s, "cannot_open");
        return TC_OK;
    }
    start(s);
    return TC_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct session *s = handle->data;
    session_release(s);
}

void session_close(struct session *s, const char *why)
{
    if (s->state == SESSION_FREE || s->state == SESSION_CLOSING) {
        return;
    }
    s->state = SESSION_CLOSING;
    s->hooks->closed(s, why);
    if (s->is_message) {
        session_release(s);
    } else {
        uv_close(&s->uv.handle, on_handle_closed);
    }
}

void session_release(struct session *s)
{
    tc_free(s->self);
    s->self = NULL;
    tc_buf_finish(&s->in);
    tc_buf_finish(&s->reply);
    s->generation++;
    s->state = SESSION_FREE;
}

void session_pause(struct session *s, bool pause)
{
    if (pause) {
        (void)uv_read_stop(&s->uv.stream);
    } else {
        (void)uv_read_start(&s->uv.stream, on_alloc, on_read);
    }
}
