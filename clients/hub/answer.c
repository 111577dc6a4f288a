/* SPDX-License-Identifier: Apache-2.0 */
#include <libwebsockets.h>

#include "clients/hub/hub_int.h"

#define BODY_CHUNK_BYTES ((size_t)32 * 1024)
#define HEADERS_MAX      2048u

/* The map library sets styles inline; scripts never are. */
static const char content_policy[] =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

void hub__answer(struct conn *c, int status, const char *type, struct tc_str body)
{
    if (c->answer.is_ready) {
        return;
    }
    c->answer.status = status;
    c->answer.type = type;
    c->answer.body = tc_blob_create(body.at, body.len);
    TC_REQUIRE(c->answer.body != NULL);
    c->answer.is_ready = true;
    hub__conn_writable(c);
}

void hub__answer_buf(struct conn *c, int status, struct tc_buf *json)
{
    hub__answer(c, status, "application/json", tc_buf_str(json));
    tc_buf_finish(json);
}

void hub__answer_refusal(struct conn *c, int status, const char *why, const char *detail)
{
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_bool(&b, "ok", false);
    tc_jw_pair_text(&b, "why", why);
    tc_jw_pair_text(&b, "detail", detail);
    tc_jw_close(&b, '}');
    hub__answer_buf(c, status, &b);
}

struct headers {
    struct lws *wsi;
    unsigned char *at;
    unsigned char *end;
    bool bad;
};

static void add_header(struct headers *w, const char *name, const char *value)
{
    if (value && value[0] &&
        lws_add_http_header_by_name(w->wsi, (const unsigned char *)name,
                                    (const unsigned char *)value, (int)strlen(value), &w->at,
                                    w->end) != 0) {
        w->bad = true;
    }
}

static bool write_headers(struct conn *c)
{
    unsigned char room[LWS_PRE + HEADERS_MAX];
    unsigned char *start = room + LWS_PRE;
    struct headers w = {.wsi = c->wsi, .at = start, .end = room + sizeof room - 1};
    struct answer *a = &c->answer;
    char number[16];
    if (lws_add_http_header_status(c->wsi, (unsigned)a->status, &w.at, w.end) != 0 ||
        lws_add_http_header_content_length(c->wsi, a->body->len, &w.at, w.end) != 0) {
        return false;
    }
    add_header(&w, "content-type:", a->type);
    add_header(&w, "content-security-policy:", content_policy);
    add_header(&w, "x-content-type-options:", "nosniff");
    add_header(&w, "x-frame-options:", "DENY");
    add_header(&w, "referrer-policy:", "no-referrer");
    add_header(&w, "cache-control:", a->etag[0] ? "no-cache" : "no-store");
    add_header(&w, "etag:", a->etag);
    add_header(&w, "set-cookie:", a->cookie);
    if (a->retry_after_s) {
        (void)tc_str_format(number, sizeof number, "%d", a->retry_after_s);
        add_header(&w, "retry-after:", number);
    }
    if (c->is_closing) {
        add_header(&w, "connection:", "close");
    }
    return !w.bad && lws_finalize_write_http_header(c->wsi, start, &w.at, w.end) == 0;
}

/** Non-zero closes the connection. */
static int answer_done(struct conn *c)
{
    struct lws *wsi = c->wsi;
    bool is_closing = c->is_closing;
    hub__reset_request(c);
    return is_closing || lws_http_transaction_completed(wsi) ? -1 : 0;
}

int hub__answer_writable(struct conn *c)
{
    struct answer *a = &c->answer;
    if (!a->is_ready) {
        return 0;
    }
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, HUB_ANSWER_S_MAX);
    if (!a->has_headers_sent) {
        a->has_headers_sent = true;
        if (!write_headers(c)) {
            return -1;
        }
        if (c->is_head || a->body->len == 0) {
            return answer_done(c);
        }
        hub__conn_writable(c);
        return 0;
    }
    size_t left = a->body->len - a->at;
    size_t n = left < BODY_CHUNK_BYTES ? left : BODY_CHUNK_BYTES;
    bool is_last = n == left;
    if (lws_write(c->wsi, a->body->bytes + a->at, n,
                  is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)n) {
        return -1;
    }
    a->at += n;
    if (is_last) {
        return answer_done(c);
    }
    hub__conn_writable(c);
    return 0;
}
