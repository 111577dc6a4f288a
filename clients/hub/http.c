/* SPDX-License-Identifier: Apache-2.0 */
#include <libwebsockets.h>
#include <strings.h>

#include "clients/hub/hub_int.h"

void hub__conn_writable(struct conn *c)
{
    (void)lws_callback_on_writable(c->wsi);
}

struct conn *hub__conn_find(struct tc_hub *h, uint64_t id)
{
    uint64_t at = 0;
    if (!tc_map_get(&h->conn_by_id, id, &at)) {
        return NULL;
    }
    return (struct conn *)(uintptr_t)at;
}

/* Connections */

static struct conn *conn_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

static struct conn *conn_create(struct tc_hub *h, struct lws *wsi)
{
    struct conn *c = tc_alloc(sizeof *c);
    if (!c) {
        return NULL;
    }
    c->hub = h;
    c->wsi = wsi;
    c->id = ++h->next_conn;
    char peer[64] = "";
    (void)lws_get_peer_simple(wsi, peer, sizeof peer);
    const char *plain = strncmp(peer, "::ffff:", 7) == 0 ? peer + 7 : peer; /* IPv4 in IPv6 */
    (void)tc_str_put(c->address, sizeof c->address, tc_str_of(plain));
    c->next = h->conns;
    if (h->conns) {
        h->conns->prev = c;
    }
    h->conns = c;
    tc_map_put(&h->conn_by_id, c->id, (uint64_t)(uintptr_t)c);
    lws_set_opaque_user_data(wsi, c);
    return c;
}

void hub__reset_request(struct conn *c)
{
    c->is_body_done = false;
    hub__waiting_forget(c);
    tc_blob_unref(c->answer.body);
    c->answer = (struct answer){0};
    tc_buf_clear(&c->in);
    tc_arena_reset(&c->arena);
    c->request = (struct tc_hub_request){0};
    c->intake = NULL;
    c->is_known = false;
    c->who = (struct tc_access_entry){0};
}

static void conn_destroy(struct lws *wsi)
{
    struct conn *c = conn_of(wsi);
    if (!c) {
        return;
    }
    struct tc_hub *h = c->hub;
    lws_set_opaque_user_data(wsi, NULL);
    hub__reset_request(c);
    if (c->is_console) {
        hub__console_close(c);
    }
    tc_map_remove(&h->conn_by_id, c->id);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        h->conns = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    tc_buf_finish(&c->in);
    tc_arena_finish(&c->arena);
    tc_free(c);
}

/* Who asks, and from which page */

static struct tc_str header(struct lws *wsi, enum lws_token_indexes token, char *to, int size)
{
    int n = lws_hdr_copy(wsi, to, size, token);
    return (struct tc_str){.at = to, .len = n > 0 ? (size_t)n : 0};
}

static struct tc_str cookie_token(struct tc_str cookies)
{
    static const struct tc_str name = {.at = "tocsin_session=", .len = 15};
    for (size_t i = 0; i + name.len <= cookies.len; i++) {
        bool is_start = i == 0 || cookies.at[i - 1] == ' ' || cookies.at[i - 1] == ';';
        if (is_start && memcmp(cookies.at + i, name.at, name.len) == 0) {
            const char *from = cookies.at + i + name.len;
            size_t len = 0;
            while (i + name.len + len < cookies.len && from[len] != ';' && from[len] != ' ') {
                len++;
            }
            return (struct tc_str){.at = from, .len = len};
        }
    }
    return (struct tc_str){0};
}

static bool find_who(struct tc_hub *h, struct lws *wsi, struct tc_access_entry *who)
{
    char text[1024];
    struct tc_str auth = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, sizeof text);
    if (auth.len > 7 && strncasecmp(auth.at, "Bearer ", 7) == 0) {
        auth = (struct tc_str){.at = auth.at + 7, .len = auth.len - 7};
        return hub__who_is(h, auth, who) && who->is_key;
    }
    struct tc_str token = cookie_token(header(wsi, WSI_TOKEN_HTTP_COOKIE, text, sizeof text));
    return token.len && hub__who_is(h, token, who) && !who->is_key;
}

enum origin { ORIGIN_ABSENT, ORIGIN_OURS, ORIGIN_FOREIGN };

static enum origin origin_of(struct lws *wsi)
{
    char origin_text[256];
    char host_text[256];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0) {
        return ORIGIN_ABSENT;
    }
    struct tc_str origin = header(wsi, WSI_TOKEN_ORIGIN, origin_text, sizeof origin_text);
    struct tc_str host = header(wsi, WSI_TOKEN_HOST, host_text, sizeof host_text);
    size_t skip = origin.len > 8 && strncmp(origin.at, "https://", 8) == 0  ? 8
                  : origin.len > 7 && strncmp(origin.at, "http://", 7) == 0 ? 7
                                                                            : 0;
    bool is_ours = skip > 0 && host.len > 0 && origin.len - skip == host.len &&
                   strncasecmp(origin.at + skip, host.at, host.len) == 0;
    return is_ours ? ORIGIN_OURS : ORIGIN_FOREIGN;
}

/** A cookie is only good with our own page's Origin; a key comes from no page. */
static bool is_origin_fine(struct lws *wsi, bool has_cookie)
{
    enum origin origin = origin_of(wsi);
    bool is_fine = origin == ORIGIN_OURS || (origin == ORIGIN_ABSENT && !has_cookie);
    if (!is_fine) {
        tc_metric_inc(&hub__m_origin, 1);
    }
    return is_fine;
}

/* Requests */

static void read_params(struct conn *c)
{
    char text[512];
    int n = 0;
    for (int i = 0;
         c->request.param_count < TC_INTAKE_PARAMS_MAX &&
         (n = lws_hdr_copy_fragment(c->wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
         i++) {
        const char *copy = tc_arena_copy(&c->arena, text, (size_t)n);
        const char *equals = strchr(copy, '=');
        size_t name_len = equals ? (size_t)(equals - copy) : (size_t)n;
        struct tc_hub_param *p = &c->request.params[c->request.param_count++];
        p->name = (struct tc_str){.at = copy, .len = name_len};
        p->value = tc_str_of(equals ? equals + 1 : "");
    }
}

static struct tc_str copy_header(struct conn *c, enum lws_token_indexes token)
{
    char text[256];
    struct tc_str s = header(c->wsi, token, text, sizeof text);
    s.at = tc_arena_copy(&c->arena, s.at, s.len);
    return s;
}

struct tc_str hub__if_none_match(struct conn *c)
{
    return copy_header(c, WSI_TOKEN_HTTP_IF_NONE_MATCH);
}

static const struct tc_hub_intake *find_intake(const struct tc_hub *h, const char *path)
{
    for (size_t i = 0; i < h->ports.intake_count; i++) {
        const struct tc_hub_intake *intake = &h->ports.intakes[i];
        if (strncmp(path, intake->prefix, strlen(intake->prefix)) == 0) {
            return intake;
        }
    }
    return NULL;
}

static void begin_request(struct conn *c, int method)
{
    struct tc_hub *h = c->hub;
    struct tc_hub_request *rq = &c->request;
    rq->is_post = method == LWSHUMETH_POST;
    c->is_head = method == LWSHUMETH_HEAD;
    rq->now_us = hub__now_us();
    rq->follower = h->follower;
    rq->world = &h->world;
    rq->arena = &c->arena;
    rq->keys = h;
    rq->role_of_key = hub__role_of_key;
    c->intake = find_intake(h, c->path);
    c->is_known = find_who(h, c->wsi, &c->who);
    rq->content_type = copy_header(c, WSI_TOKEN_HTTP_CONTENT_TYPE);
    rq->accept = copy_header(c, WSI_TOKEN_HTTP_ACCEPT);
    read_params(c);
    c->in_max = tc_hub_role_body_bytes_max(c->is_known ? c->who.role : TC_ROLE_NONE);
}

static bool is_too_long(struct conn *c)
{
    char text[32];
    struct tc_str s = header(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text);
    int64_t length = 0;
    return s.len && (tc_str_to_i64(s, &length) != TC_OK || length > (int64_t)c->in_max);
}

static int close_after(struct conn *c, int status, const char *why, const char *detail)
{
    c->is_closing = true;
    hub__answer_refusal(c, status, why, detail);
    return 0;
}

static int on_request(struct tc_hub *h, struct lws *wsi, const char *uri, size_t len)
{
    char *ignored = NULL;
    int ignored_len = 0;
    int method = lws_http_get_uri_and_method(wsi, &ignored, &ignored_len);
    struct conn *c = conn_of(wsi);
    if (!c) {
        c = conn_create(h, wsi);
    }
    if (!c) {
        return -1;
    }
    hub__reset_request(c);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, HUB_ANSWER_S_MAX);
    if (!tc_str_put(c->path, sizeof c->path, (struct tc_str){.at = uri, .len = len})) {
        return close_after(c, 414, "too_long", "the path is too long");
    }
    if (method != LWSHUMETH_GET && method != LWSHUMETH_POST && method != LWSHUMETH_HEAD) {
        return close_after(c, 405, "method", "only GET, HEAD and POST");
    }
    begin_request(c, method);
    if (!c->request.is_post) {
        hub__api(c);
        return 0;
    }
    if (is_too_long(c)) {
        tc_metric_inc(&hub__m_too_large, 1);
        return close_after(c, 413, "too_long", "the body is too long");
    }
    if (!c->intake && !is_origin_fine(wsi, c->is_known && !c->who.is_key)) {
        return close_after(c, 403, "origin", "asked for by another site's page");
    }
    return 0;
}

static int on_body(struct conn *c, const void *bytes, size_t len)
{
    if (c->answer.is_ready) {
        return 0;
    }
    if (c->in.len + len > c->in_max) {
        tc_metric_inc(&hub__m_too_large, 1);
        return close_after(c, 413, "too_long", "the body is too long");
    }
    tc_buf_put(&c->in, bytes, len);
    return 0;
}

/**
 * The library says it again for ever while bytes stand behind the body: the second time closes,
 * else one connection would hold the whole hub.
 */
static int on_body_done(struct conn *c)
{
    if (c->is_body_done) {
        return -1;
    }
    c->is_body_done = true;
    if (!c->answer.is_ready) {
        c->request.body = tc_buf_str(&c->in);
        hub__api(c);
    }
    return 0;
}

/* WebSocket */

/** May this request become a console? Non-zero: no. */
static int filter_console(struct tc_hub *h, struct lws *wsi)
{
    char path[64];
    struct tc_access_entry who;
    struct tc_str uri = header(wsi, WSI_TOKEN_GET_URI, path, sizeof path);
    unsigned status = 0;
    if (!tc_str_is(uri, "/ws")) {
        status = HTTP_STATUS_NOT_FOUND;
    } else if (!find_who(h, wsi, &who)) {
        status = HTTP_STATUS_UNAUTHORIZED;
    } else if (!is_origin_fine(wsi, !who.is_key)) {
        status = HTTP_STATUS_FORBIDDEN;
    }
    if (status) {
        (void)lws_return_http_status(wsi, status, NULL);
        return -1;
    }
    return 0;
}

static int on_established(struct tc_hub *h, struct lws *wsi)
{
    struct tc_access_entry who;
    if (!find_who(h, wsi, &who)) {
        return -1;
    }
    conn_destroy(wsi);
    struct conn *c = conn_create(h, wsi);
    if (!c) {
        return -1;
    }
    c->who = who;
    c->is_known = true;
    hub__console_open(c);
    return 0;
}

static int on_frame(struct conn *c, const void *bytes, size_t len)
{
    if (c->in.len + len > c->in_max || lws_frame_is_binary(c->wsi)) {
        tc_metric_inc(&hub__m_too_large, 1);
        lws_close_reason(c->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
        return -1;
    }
    tc_buf_put(&c->in, bytes, len);
    if (!lws_is_final_fragment(c->wsi) || lws_remaining_packet_payload(c->wsi) != 0) {
        return 0;
    }
    bool is_fine = hub__console_receive(c);
    tc_buf_clear(&c->in);
    if (!is_fine) {
        c->is_closing = true; /* nothing may follow the close frame */
        lws_close_reason(c->wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
    }
    return is_fine ? 0 : -1;
}

static int on_console_writable(struct conn *c)
{
    if (hub__console_writable(c)) {
        return 0;
    }
    lws_close_reason(c->wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
    return -1;
}

static int on_accepted(struct tc_hub *h)
{
    if (h->conn_count >= HUB_CONNECTIONS_MAX) {
        tc_metric_inc(&hub__m_refused, 1);
        return -1;
    }
    return 0;
}

static int serve(struct tc_hub *h, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                 size_t len)
{
    struct conn *c = conn_of(wsi);
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP: return on_request(h, wsi, in, len);
    case LWS_CALLBACK_HTTP_BODY: return c ? on_body(c, in, len) : -1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return c ? on_body_done(c) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE: return c ? hub__answer_writable(c) : 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return filter_console(h, wsi);
    case LWS_CALLBACK_ESTABLISHED: return on_established(h, wsi);
    case LWS_CALLBACK_RECEIVE: return c ? on_frame(c, in, len) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE: return c ? on_console_writable(c) : -1;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP: conn_destroy(wsi); return 0;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        h->conn_count++;
        tc_metric_set(&hub__m_connections, (int64_t)h->conn_count);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        conn_destroy(wsi);
        h->conn_count -= h->conn_count > 0;
        tc_metric_set(&hub__m_connections, (int64_t)h->conn_count);
        return 0;
    default: return 0;
    }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    struct tc_hub *h = lws_context_user(lws_get_context(wsi));
    if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION) {
        return on_accepted(h);
    }
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        hub__is_serving(h);
        return 0;
    }
    return serve(h, wsi, reason, in, len);
}

const struct lws_protocols *hub__protocols(void)
{
    static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = callback, .rx_buffer_size = 4096},
        {.name = NULL},
    };
    return protocols;
}
