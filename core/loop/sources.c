/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, dialling, accepting and losing the configured sources. */
#include "core/base/log.h"
#include "core/loop/ingest_int.h"
#include "core/turn/turn.gen.h"

#define REDIAL_US_MIN TC_SEC
#define REDIAL_US_MAX (30 * TC_SEC)
#define BACKLOG       128

static struct tc_metric sessions_open = {
    .name = "tocsin_sessions", .help = "Open source sessions.", .type = TC_GAUGE};
static struct tc_metric sessions_refused = {.name = "tocsin_sessions_refused_total",
                                            .help = "Connections over the limit.",
                                            .type = TC_COUNTER};
static struct tc_metric verdicts_lost = {.name = "tocsin_verdicts_untracked_total",
                                         .help = "Observations whose verdict could not be tracked.",
                                         .type = TC_COUNTER};

static void on_observe(struct session *s, const struct tc_obs *obs);
static void on_closed(struct session *s, const char *why);
static const struct session_hooks hooks = {.observe = on_observe, .closed = on_closed};

struct session *ingest__session(struct tc_ingest *in, uint32_t index, uint32_t generation)
{
    struct session *s = index < in->session_count ? in->sessions[index] : NULL;
    return s && s->generation == generation && s->state == SESSION_OPEN ? s : NULL;
}

static struct session *new_session(struct source *source)
{
    struct tc_ingest *in = source->in;
    struct session *s = NULL;
    for (uint32_t i = in->free_count; i > 0 && !s; i--) {
        struct session *spare = in->sessions[in->free_sessions[i - 1]];
        if (spare->state == SESSION_FREE) {
            in->free_sessions[i - 1] = in->free_sessions[--in->free_count];
            s = spare;
        }
    }
    if (!s && in->session_count < SESSIONS_MAX) {
        s = tc_alloc(sizeof *s);
        if (s) {
            s->index = in->session_count;
            in->sessions[in->session_count++] = s;
        }
    }
    void *self = s ? tc_alloc(source->config->driver->self_size) : NULL;
    if (!self) {
        tc_metric_inc(&sessions_refused, 1);
        return NULL;
    }
    uint32_t index = s->index;
    uint32_t generation = s->generation;
    *s = (struct session){.index = index,
                          .generation = generation,
                          .owner = source,
                          .hooks = &hooks,
                          .driver = source->config->driver,
                          .options = &source->config->options,
                          .self = self};
    s->in.max = (size_t)source->config->driver->frame_max * 2 + 64 * 1024;
    tc_metric_inc(&sessions_open, 1);
    return s;
}

static uint64_t new_token(struct session *s, uint32_t ref)
{
    struct tc_ingest *in = ((struct source *)s->owner)->in;
    uint32_t i = in->pending_free;
    if (i) {
        in->pending_free = in->pending[i - 1].next_free;
    } else if (in->pending_count < PENDING_MAX) {
        i = ++in->pending_count;
    } else {
        tc_metric_inc(&verdicts_lost, 1);
        return 0;
    }
    in->pending[i - 1] =
        (struct pending){.session = s->index, .generation = s->generation, .ref = ref};
    return i;
}

static void on_observe(struct session *s, const struct tc_obs *obs)
{
    struct source *source = s->owner;
    uint64_t token = obs->ref ? new_token(s, obs->ref) : 0;
    struct tc_ingest *in = source->in;
    bool is_kept = queue_observation(&in->queue, obs, source->id, token, tc_clock_monotonic_us());
    if (!is_kept && token && in->lost_count < TC_COUNT_OF(in->lost)) {
        in->lost[in->lost_count++] = token; /* told at the next pulse: the driver is at work now */
    }
    if (queue_is_high(&source->in->queue)) {
        ingest__slow(source->in, true);
    }
}

void ingest__observe_link(struct source *s, enum tc_obs_kind kind, const char *text)
{
    struct tc_obs obs = tc_obs_init(kind);
    obs.text = tc_str_of(text);
    (void)queue_observation(&s->in->queue, &obs, s->id, 0, tc_clock_monotonic_us());
}

static void on_closed(struct session *s, const char *why)
{
    struct source *source = s->owner;
    struct tc_ingest *in = source->in;
    tc_metric_inc(&sessions_open, -1);
    in->free_sessions[in->free_count++] = s->index;
    if (source->link == s) {
        source->link = NULL;
        source->redial_us = tc_clock_monotonic_us() + source->redial_pause_us;
        source->redial_pause_us = source->redial_pause_us * 2 > REDIAL_US_MAX
                                      ? REDIAL_US_MAX
                                      : source->redial_pause_us * 2;
        ingest__observe_link(source, TC_OBS_LINK_DOWN, why);
    }
}

static void dial(struct source *source)
{
    const struct tc_source_config *c = source->config;
    struct session *s = new_session(source);
    if (!s) {
        return;
    }
    source->link = s;
    tc_err err = c->transport == TC_SERIAL ? session_serial(s, &source->in->loop, c->host, c->port)
                                           : session_dial(s, &source->in->loop, c->host, c->port);
    if (err != TC_OK) {
        on_closed(s, "cannot_open");
        session_release(s);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct source *source = listener->data;
    struct session *s = status == 0 ? new_session(source) : NULL;
    if (s) {
        if (session_accept(s, &source->in->loop, listener) != TC_OK) {
            tc_metric_inc(&sessions_refused, 1);
        }
    }
}

static void listen_on(struct source *source)
{
    const struct tc_source_config *c = source->config;
    struct sockaddr_in at;
    TC_REQUIRE(uv_tcp_init(&source->in->loop, &source->listener) == 0);
    source->listener.data = source;
    source->is_listening = true;
    int rc = uv_ip4_addr(c->host, c->port, &at);
    rc = rc ? rc : uv_tcp_bind(&source->listener, (const struct sockaddr *)&at, 0);
    rc = rc ? rc : uv_listen((uv_stream_t *)&source->listener, BACKLOG, on_connection);
    if (rc == 0) {
        char text[96];
        (void)tc_str_format(text, sizeof text, "%s:%d", c->host, c->port);
        ingest__observe_link(source, TC_OBS_LINK_UP, text);
    } else {
        TC_LOG_E("source", "%s cannot listen on %s:%d: %s", c->name, c->host, c->port,
                 uv_strerror(rc));
        ingest__observe_link(source, TC_OBS_LINK_DOWN, "cannot_listen");
    }
}

/* One request over nanomsg: a session of its own that ends with the first bytes out. */

static void finish_message(struct session *s)
{
    struct source *source = s->owner;
    if (s->state != SESSION_OPEN || s->reply.len == 0) {
        return;
    }
    tc_nn_reply(source->rep, s->route, tc_buf_str(&s->reply));
    s->route = NULL;
    session_close(s, "answered");
}

static void on_request(void *ctx, struct tc_str body, void *route)
{
    struct source *source = ctx;
    struct session *s = new_session(source);
    if (!s) {
        tc_nn_drop(route);
        return;
    }
    int64_t now_us = ingest__now_us(source->in);
    s->is_message = true;
    s->route = route;
    session_begin(s, now_us);
    session_feed(s, body.at, body.len, now_us);
    finish_message(s);
}

static void open_messages(struct source *source)
{
    char why[TC_WHY_MAX] = "";
    const char *url = source->config->host;
    if (tc_nn_rep_open(&source->in->loop, url, on_request, source, &source->rep, why) == TC_OK) {
        ingest__observe_link(source, TC_OBS_LINK_UP, url);
    } else {
        TC_LOG_E("source", "%s: %s", source->config->name, why);
        ingest__observe_link(source, TC_OBS_LINK_DOWN, "cannot_listen");
    }
}

void ingest__open_source(struct source *s)
{
    tc_metric_add(&sessions_open);
    tc_metric_add(&sessions_refused);
    tc_metric_add(&verdicts_lost);
    s->redial_pause_us = REDIAL_US_MIN;
    switch (s->config->transport) {
    case TC_TCP_CONNECT:
    case TC_SERIAL: dial(s); break;
    case TC_TCP_LISTEN: listen_on(s); break;
    case TC_NANOMSG: open_messages(s); break;
    case TC_NO_TRANSPORT: ingest__observe_link(s, TC_OBS_LINK_UP, "http"); break;
    }
}

void ingest__pulse_sources(struct tc_ingest *in)
{
    int64_t now_us = ingest__now_us(in);
    int64_t monotonic_us = tc_clock_monotonic_us();
    for (size_t i = 0; i < in->options.source_count; i++) {
        struct source *s = &in->sources[i];
        bool dials = s->config->transport == TC_TCP_CONNECT || s->config->transport == TC_SERIAL;
        if (dials && !s->link && monotonic_us >= s->redial_us) {
            dial(s);
        } else if (s->link && s->link->state == SESSION_OPEN) {
            s->redial_pause_us = REDIAL_US_MIN;
        }
    }
    for (uint32_t i = 0; i < in->session_count; i++) {
        session_tick(in->sessions[i], now_us);
    }
}

void ingest__slow(struct tc_ingest *in, bool slow)
{
    if (in->is_slowed == slow) {
        return;
    }
    in->is_slowed = slow;
    for (uint32_t i = 0; i < in->session_count; i++) {
        struct session *s = in->sessions[i];
        if (s->state == SESSION_OPEN && !s->is_message) {
            session_pause(s, slow);
        }
    }
}

void ingest__close_sources(struct tc_ingest *in)
{
    for (size_t i = 0; i < in->options.source_count; i++) {
        struct source *s = &in->sources[i];
        if (s->is_listening) {
            uv_close((uv_handle_t *)&s->listener, NULL);
        }
        tc_nn_rep_close(s->rep);
    }
    for (uint32_t i = 0; i < in->session_count; i++) {
        struct session *s = in->sessions[i];
        if (s->is_message && s->state == SESSION_OPEN) {
            tc_nn_drop(s->route);
        }
        session_close(s, "stopping");
    }
}

/* What a durable batch lets out */

static void tell_verdict(struct tc_ingest *in, const struct tc_reply *reply)
{
    if (reply->token == 0 || (reply->token & TC_TOKEN_HUB) || reply->token > in->pending_count) {
        return;
    }
    uint32_t i = (uint32_t)reply->token;
    struct pending p = in->pending[i - 1];
    in->pending[i - 1].next_free = in->pending_free;
    in->pending_free = i;
    struct session *s = ingest__session(in, p.session, p.generation);
    if (s) {
        session_outcome(s, p.ref, reply, ingest__now_us(in));
        if (s->is_message) {
            finish_message(s);
        }
    }
}

static struct source *source_of(struct tc_ingest *in, uint64_t id)
{
    for (size_t i = 0; i < in->options.source_count; i++) {
        if (in->sources[i].id == id) {
            return &in->sources[i];
        }
    }
    return NULL;
}

static void send_attempt(struct tc_ingest *in, const struct tc_event *e)
{
    const struct tc_ev_order_attempted *b = e->body;
    const struct tc_outbox *o =
        tc_table_find(tc_model_table(in->options.live, "outbox"), e->subject);
    struct source *source = source_of(in, b->link);
    if (!o || !source) {
        return;
    }
    if (!source->link) {
        struct tc_obs obs = tc_obs_init(TC_OBS_SENT);
        obs.message_ref = b->ref;
        obs.cause = 30; /* out of service: nothing left */
        (void)queue_observation(&in->queue, &obs, source->id, 0, tc_clock_monotonic_us());
        return;
    }
    char text[700];
    struct tc_send send = {.ref = b->ref,
                           .address = tc_str_of(o->address),
                           .is_status = o->is_status,
                           .status = o->status,
                           .priority = o->priority};
    send.text.at = text;
    send.text.len =
        tc_str_format(text, sizeof text, "%s%s", b->is_repeat ? "【重发】" : "", o->text);
    session_send(source->link, &send, ingest__now_us(in));
}

void ingest__tell_lost(struct tc_ingest *in)
{
    for (size_t i = 0; i < in->lost_count; i++) {
        const struct tc_reply full = {
            .token = in->lost[i], .verdict = TC_REFUSED, .why = TC_STR("full")};
        tell_verdict(in, &full);
    }
    in->lost_count = 0;
}

void ingest__release(struct tc_ingest *in, const struct tc_batch *batch)
{
    for (size_t i = 0; i < batch->reply_count; i++) {
        tell_verdict(in, &batch->replies[i]);
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct tc_event *e = &batch->events[i];
        if (e->kind == TC_EV_ORDER_ATTEMPTED) {
            send_attempt(in, e);
        }
        if (in->options.ports.publish) {
            in->options.ports.publish(in->options.ports.ctx, e);
        }
    }
}
