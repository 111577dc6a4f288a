/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/time.h"

int tc_tcp_connect(int port)
{
    return tc_tcp_connect_to("127.0.0.1", port);
}

int tc_tcp_connect_to(const char *address, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    (void)inet_pton(AF_INET, address, &to.sin_addr);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        return -1;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

bool tc_tcp_send(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/** More bytes into `in`: 1, 0 on time-out, -1 at the end. */
static int fill(int fd, struct tc_buf *in, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms);
    if (n <= 0) {
        return n < 0 ? -1 : 0;
    }
    if (!tc_buf_reserve(in, 65536)) {
        return -1;
    }
    ssize_t got = recv(fd, in->bytes + in->len, 65536, 0);
    if (got <= 0) {
        return -1;
    }
    in->len += (size_t)got;
    return 1;
}

/** Where the headers end (after the empty line), or 0. */
static size_t head_end(const struct tc_buf *in)
{
    for (size_t i = 3; i < in->len; i++) {
        if (memcmp(in->bytes + i - 3, "\r\n\r\n", 4) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static bool read_head(int fd, struct tc_buf *in, struct tc_buf *head, int *status)
{
    size_t end = 0;
    while ((end = head_end(in)) == 0) {
        if (fill(fd, in, 10000) != 1) {
            return false;
        }
    }
    tc_buf_put(head, in->bytes, end);
    tc_buf_byte(head, '\0');
    head->len--;
    tc_buf_drop(in, end);
    *status = head->len > 12 ? (int)strtol((const char *)head->bytes + 9, NULL, 10) : -1;
    return true;
}

bool tc_http_header(const struct tc_http_response *r, const char *name, char *to, size_t size)
{
    const char *at = (const char *)r->head.bytes;
    size_t len = strlen(name);
    while ((at = strstr(at, "\r\n")) != NULL) {
        at += 2;
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            at += len + 1;
            at += strspn(at, " ");
            return tc_str_put(to, size, (struct tc_str){.at = at, .len = strcspn(at, "\r")});
        }
    }
    return false;
}

bool tc_http_ask(int port, const char *method, const char *path, const char *headers,
                 struct tc_str body, struct tc_http_response *out)
{
    struct tc_buf ask = {0};
    *out = (struct tc_http_response){0};
    int fd = tc_tcp_connect(port);
    if (fd < 0) {
        return false;
    }
    tc_buf_format(&ask, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s", method,
                  path, port, headers ? headers : "");
    if (strcmp(method, "POST") == 0) {
        tc_buf_format(&ask, "Content-Length: %zu\r\n", body.len);
    }
    tc_buf_text(&ask, "\r\n");
    tc_buf_put_str(&ask, body);
    (void)tc_tcp_send(fd, ask.bytes, ask.len);
    tc_buf_finish(&ask);
    struct tc_buf in = {0};
    bool is_fine = read_head(fd, &in, &out->head, &out->status);
    char text[32] = "";
    size_t want = SIZE_MAX;
    if (is_fine && tc_http_header(out, "content-length", text, sizeof text)) {
        want = strtoul(text, NULL, 10);
    }
    if (strcmp(method, "HEAD") == 0 || out->status == 304) {
        want = 0;
    }
    while (is_fine && in.len < want && fill(fd, &in, 20000) == 1) {
    }
    tc_buf_put(&out->body, in.bytes, in.len);
    tc_buf_byte(&out->body, '\0');
    out->body.len--;
    tc_buf_finish(&in);
    (void)close(fd);
    return is_fine;
}

void tc_http_finish(struct tc_http_response *r)
{
    tc_buf_finish(&r->head);
    tc_buf_finish(&r->body);
}

int tc_ws_open(struct tc_ws *w, int port, const char *path, const char *headers)
{
    *w = (struct tc_ws){.fd = tc_tcp_connect(port)};
    if (w->fd < 0) {
        return -1;
    }
    struct tc_buf ask = {0};
    struct tc_buf head = {0};
    int status = -1;
    tc_buf_format(&ask,
                  "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  "Sec-WebSocket-Version: 13\r\n%s\r\n",
                  path, port, headers ? headers : "");
    (void)tc_tcp_send(w->fd, ask.bytes, ask.len);
    if (!read_head(w->fd, &w->in, &head, &status)) {
        status = -1;
    }
    /* RFC 6455 section 1.3: the answer to this very key */
    if (status == 101 && !strstr((const char *)head.bytes, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) {
        status = -1;
    }
    tc_buf_finish(&ask);
    tc_buf_finish(&head);
    if (status != 101) {
        tc_ws_close(w);
    }
    return status;
}

void tc_ws_close(struct tc_ws *w)
{
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
    w->fd = -1;
    tc_buf_finish(&w->in);
}

static bool send_frame(struct tc_ws *w, uint8_t opcode, struct tc_str text)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    struct tc_buf b = {0};
    tc_buf_byte(&b, (uint8_t)(0x80u | opcode));
    if (text.len < 126) {
        tc_buf_byte(&b, (uint8_t)(0x80u | text.len));
    } else {
        int width = text.len < 65536 ? 2 : 8;
        tc_buf_byte(&b, width == 2 ? 0xFE : 0xFF);
        for (int i = width - 1; i >= 0; i--) {
            tc_buf_byte(&b, (uint8_t)((uint64_t)text.len >> (8 * i)));
        }
    }
    tc_buf_put(&b, mask, 4);
    for (size_t i = 0; i < text.len; i++) {
        tc_buf_byte(&b, (uint8_t)((uint8_t)text.at[i] ^ mask[i & 3]));
    }
    bool is_sent = tc_tcp_send(w->fd, b.bytes, b.len);
    tc_buf_finish(&b);
    return is_sent;
}

bool tc_ws_send(struct tc_ws *w, struct tc_str text)
{
    return send_frame(w, 1, text);
}

struct frame {
    uint8_t opcode;
    bool is_final;
    size_t head;
    size_t len;
};

static bool find_frame(const struct tc_buf *in, struct frame *f)
{
    if (in->len < 2) {
        return false;
    }
    f->opcode = in->bytes[0] & 15;
    f->is_final = (in->bytes[0] & 0x80) != 0;
    f->len = in->bytes[1] & 127;
    size_t width = f->len == 126 ? 2 : f->len == 127 ? 8 : 0;
    f->head = 2 + width;
    if (in->len < f->head) {
        return false;
    }
    if (width) {
        f->len = 0;
        for (size_t i = 0; i < width; i++) {
            f->len = f->len << 8 | in->bytes[2 + i];
        }
    }
    return in->len >= f->head + f->len;
}

/** 1: a whole message is in `text`; 0: more frames are needed; -1: the server closed. */
static int take_frame(struct tc_ws *w, const struct frame *f, struct tc_buf *text)
{
    struct tc_str payload = {.at = (const char *)w->in.bytes + f->head, .len = f->len};
    int result = 0;
    if (f->opcode == 9) {
        (void)send_frame(w, 10, payload);
    } else if (f->opcode == 8) {
        result = -1;
    } else if (f->opcode <= 2) {
        tc_buf_put_str(text, payload);
        w->frames++;
        w->bytes += f->len;
        result = f->is_final;
    }
    tc_buf_drop(&w->in, f->head + f->len);
    return result;
}

int tc_ws_receive(struct tc_ws *w, struct tc_buf *text, int timeout_ms)
{
    int64_t until_us = tc_clock_monotonic_us() + timeout_ms * TC_MS;
    tc_buf_clear(text);
    for (;;) {
        struct frame f;
        while (find_frame(&w->in, &f)) {
            int got = take_frame(w, &f, text);
            if (got != 0) {
                tc_buf_byte(text, '\0');
                text->len--;
                return got;
            }
        }
        int64_t left_us = until_us - tc_clock_monotonic_us();
        int got = fill(w->fd, &w->in, left_us > 0 ? (int)(left_us / TC_MS) : 0);
        if (got != 1) {
            return got;
        }
    }
}
