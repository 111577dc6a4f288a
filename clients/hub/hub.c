/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "clients/hub/hub_int.h"
#include "core/base/thread.h"

#define START_MS_MAX  5000
#define FDS_LOOKED_AT 4096
#define NICE_LEVEL    (-5)

int64_t hub__now_us(void)
{
    return tc_clock_utc_us();
}

void hub__wake(void *hub)
{
    struct tc_hub *h = hub;
    (void)uv_async_send(&h->wake);
}

void hub__is_serving(struct tc_hub *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->is_up = true;
    (void)pthread_cond_broadcast(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
}

/* The loop's side */

static void on_tick(uv_timer_t *timer)
{
    struct tc_hub *h = timer->data;
    h->is_tick_armed = false;
    hub__fan_flush(h);
}

/** When very much changes, more of it goes into one delta: no console needs each step of it. */
void hub__arm_tick(struct tc_hub *h)
{
    if (!h->is_tick_armed) {
        size_t ms = h->fan.flushed_bytes / HUB_TICK_BYTES;
        ms = ms < HUB_TICK_MS ? HUB_TICK_MS : ms > HUB_TICK_MS_MAX ? HUB_TICK_MS_MAX : ms;
        h->is_tick_armed = true;
        (void)uv_timer_start(&h->tick, on_tick, ms, 0);
    }
}

static void on_second(uv_timer_t *timer)
{
    struct tc_hub *h = timer->data;
    hub__consoles_tick(h);
    hub__waiting_tick(h);
    hub__access_second(h);
}

/** Takes all that durable brought; true when the hub is to end. */
static bool take_inbox(struct tc_hub *h)
{
    (void)pthread_mutex_lock(&h->lock);
    if (!h->todo) {
        h->todo = h->inbox_first;
        h->inbox_first = NULL;
        h->inbox_last = NULL;
        h->inbox_count = 0;
        h->inbox_bytes = 0;
        tc_metric_set(&hub__m_inbox, 0);
        (void)pthread_cond_broadcast(&h->changed);
    }
    bool is_stopping = h->is_stopping;
    (void)pthread_mutex_unlock(&h->lock);
    return is_stopping;
}

static void close_handles(struct tc_hub *h)
{
    uv_close((uv_handle_t *)&h->tick, NULL);
    uv_close((uv_handle_t *)&h->second, NULL);
    uv_close((uv_handle_t *)&h->wake, NULL);
}

static void close_all(struct tc_hub *h)
{
    if (uv_is_closing((uv_handle_t *)&h->wake)) {
        return;
    }
    tc_hub_lane_stop(&h->reader_lane, h); /* they wake us: nobody may once that is closed */
    tc_hub_lane_stop(&h->access_lane, h);
    close_handles(h);
    lws_context_destroy(h->lws); /* its handles close as the loop goes round */
}

static void on_wake(uv_async_t *async)
{
    struct tc_hub *h = async->data;
    if (take_inbox(h)) {
        close_all(h);
        return;
    }
    tc_hub_lane_take_back(&h->access_lane, h);
    tc_hub_lane_take_back(&h->reader_lane, h);
    if (hub__follow(h)) {
        hub__wake(h); /* the sockets first, then the rest */
    }
}

/* Starting */

static void quiet(int level, const char *line)
{
    if (level & (LLL_ERR | LLL_WARN)) {
        size_t len = strlen(line);
        TC_LOG_W("hub", "libwebsockets: %.*s", (int)(len && line[len - 1] == '\n' ? len - 1 : len),
                 line);
    }
}

/** Does a listening socket of ours say `any` address at our port? Then the wrong one was bound. */
static bool listens_everywhere(const struct tc_hub *h)
{
    for (int fd = 0; fd < FDS_LOOKED_AT; fd++) {
        struct sockaddr_storage at = {0};
        socklen_t size = sizeof at;
        int is_listening = 0;
        socklen_t int_size = sizeof is_listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &int_size) != 0 ||
            !is_listening || getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
            continue;
        }
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        memcpy(&v4, &at, sizeof v4);
        memcpy(&v6, &at, sizeof v6);
        if ((at.ss_family == AF_INET && ntohs(v4.sin_port) == h->port &&
             v4.sin_addr.s_addr == htonl(INADDR_ANY)) ||
            (at.ss_family == AF_INET6 && ntohs(v6.sin6_port) == h->port &&
             IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))) {
            return true;
        }
    }
    return false;
}

static const lws_retry_bo_t idle = {.secs_since_valid_ping = 15, .secs_since_valid_hangup = 40};

static bool create_context(struct tc_hub *h)
{
    void *loops[1] = {&h->loop};
    struct lws_context_creation_info info = {0};
    lws_set_log_level(LLL_ERR, quiet);
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (h->tls_cert ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
    info.foreign_loops = loops;
    info.user = h;
    info.pcontext = &h->lws; /* NULL once it is wholly destroyed */
    info.timeout_secs = 10;
    info.keepalive_timeout = 30;
    info.max_http_header_data = 8192;
    info.max_http_header_pool = 128;
    info.pt_serv_buf_size = 16384;
    info.retry_and_idle_policy = &idle;
    info.uid = -1;
    info.gid = -1;
    h->lws = lws_create_context(&info);
    if (!h->lws) {
        (void)tc_str_format(h->why, sizeof h->why,
                            "libwebsockets cannot run on libuv: install the package "
                            "libwebsockets-evlib-uv");
        return false;
    }
    return true;
}

static bool create_vhost(struct tc_hub *h)
{
    struct lws_context_creation_info vhost = {0};
    vhost.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                    (h->tls_cert ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
    if (!strchr(h->address, ':')) {
        vhost.options |= LWS_SERVER_OPTION_DISABLE_IPV6; /* else an IPv4 address means "any" */
    }
    vhost.port = h->port;
    vhost.iface = h->address;
    vhost.protocols = hub__protocols();
    vhost.alpn = "http/1.1";
    vhost.timeout_secs = 10;
    vhost.keepalive_timeout = 30;
    vhost.retry_and_idle_policy = &idle;
    vhost.server_string = "tocsin";
    vhost.ssl_cert_filepath = h->tls_cert;
    vhost.ssl_private_key_filepath = h->tls_key;
    h->vhost = lws_create_vhost(h->lws, &vhost);
    if (!h->vhost) {
        (void)tc_str_format(h->why, sizeof h->why,
                            h->tls_cert ? "cannot listen on %s port %d, or the TLS certificate and "
                                          "key cannot be used"
                                        : "cannot listen on %s port %d: is it taken?",
                            h->address, h->port);
        return false;
    }
    h->port = lws_get_vhost_listen_port(h->vhost);
    if (!h->tls_cert && listens_everywhere(h)) {
        (void)tc_str_format(h->why, sizeof h->why,
                            "asked to listen on %s, but the library listens everywhere",
                            h->address);
        return false;
    }
    return true;
}

static void say_down(struct tc_hub *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->is_down = true;
    (void)pthread_cond_broadcast(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
}

static void *serve(void *arg)
{
    struct tc_hub *h = arg;
    tc_thread_name("hub");
    tc_thread_nice(NICE_LEVEL);
    if (create_context(h) && create_vhost(h)) {
        (void)uv_timer_start(&h->second, on_second, 1000, 1000);
        lws_cancel_service(h->lws); /* comes back as a callback when the library is on our loop */
        hub__wake(h);
    } else {
        say_down(h);
        close_handles(h);
        if (h->lws) {
            lws_context_destroy(h->lws);
        }
    }
    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
    if (h->lws) {
        lws_context_destroy(h->lws); /* its handles have closed: the rest of it */
    }
    return NULL;
}

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static const char *numeric(const char *address)
{
    return strcmp(address, "localhost") == 0 ? "127.0.0.1" : address;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tc_alloc(size);
    TC_REQUIRE(copy != NULL);
    memcpy(copy, text, size);
    return copy;
}

static tc_err check_options(const struct tc_hub_options *o, char why[static TC_WHY_MAX])
{
    if (!o->tls_cert != !o->tls_key) {
        (void)tc_str_format(why, TC_WHY_MAX, "TLS needs both a certificate and its key");
        return TC_EINVAL;
    }
    if (!o->tls_cert && !is_loopback(numeric(o->address))) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "listening on %s would carry passwords in the clear: give a TLS "
                            "certificate and key, or listen on 127.0.0.1",
                            o->address);
        return TC_EDENIED;
    }
    return TC_OK;
}

static void set_options(struct tc_hub *h, const struct tc_hub_options *o)
{
    (void)tc_str_put(h->address, sizeof h->address, tc_str_of(numeric(o->address)));
    h->port = o->port;
    h->tls_cert = o->tls_cert ? copy_text(o->tls_cert) : NULL;
    h->tls_key = o->tls_key ? copy_text(o->tls_key) : NULL;
    (void)tc_str_put(h->site_zh, sizeof h->site_zh, tc_str_of(o->site_zh));
    (void)tc_str_put(h->site_en, sizeof h->site_en, tc_str_of(o->site_en));
    (void)tc_str_put(h->access_db, sizeof h->access_db, tc_str_of(o->access_db));
    (void)tc_str_put(h->journal_dir, sizeof h->journal_dir, tc_str_of(o->journal_dir));
    h->is_sample = o->is_sample;
}

static tc_err start_parts(struct tc_hub *h, const struct tc_hub_options *o,
                          char why[static TC_WHY_MAX])
{
    if (uv_loop_init(&h->loop) != 0 || uv_async_init(&h->loop, &h->wake, on_wake) != 0 ||
        uv_timer_init(&h->loop, &h->tick) != 0 || uv_timer_init(&h->loop, &h->second) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "no event loop: too many open files?");
        return TC_EIO;
    }
    h->wake.data = h;
    h->tick.data = h;
    h->second.data = h;
    hub__follow_init(h);
    hub__fan_init(h);
    hub__waiting_init(h);
    h->caught_up_us = tc_clock_monotonic_us();
    tc_err err = hub__files_load(h, o->console_dir, why);
    if (err == TC_OK) {
        err = hub__access_start(h, why);
    }
    if (err == TC_OK && h->journal_dir[0]) {
        h->reader_lane.ctx = h;
        h->reader_lane.count_max = 64;
        h->reader_lane.on_done = hub__wake;
        h->reader_lane.on_done_arg = h;
        err = tc_hub_lane_start(&h->reader_lane);
    }
    return err;
}

/** After the hub thread has ended, or before it began. */
static void finish(struct tc_hub *h)
{
    tc_hub_lane_stop(&h->reader_lane, h);
    hub__access_stop(h);
    tc_journal_reader_close(h->reader);
    while (h->inbox_first) {
        struct tc_batch *next = h->inbox_first->next;
        tc_batch_destroy(h->inbox_first);
        h->inbox_first = next;
    }
    hub__follow_finish(h);
    hub__fan_finish(h);
    hub__files_finish(h);
    tc_blob_unref(h->tick_frame);
    tc_map_finish(&h->conn_by_id);
    tc_free(h->waiting);
    tc_free(h->tls_cert);
    tc_free(h->tls_key);
    tc_model_destroy(h->follower);
    (void)pthread_cond_destroy(&h->changed);
    (void)pthread_mutex_destroy(&h->lock);
    tc_free(h);
}

static void close_loop(struct tc_hub *h)
{
    if (uv_loop_close(&h->loop) == UV_EBUSY) {
        TC_LOG_E("hub", "handles were left open at the end");
    }
}

/** Waits until the library answered on the loop. */
static tc_err wait_until_up(struct tc_hub *h, char why[static TC_WHY_MAX])
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += START_MS_MAX / 1000;
    int rc = 0;
    (void)pthread_mutex_lock(&h->lock);
    while (!h->is_up && !h->is_down && rc == 0) {
        rc = pthread_cond_timedwait(&h->changed, &h->lock, &until);
    }
    bool is_up = h->is_up;
    if (!is_up) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s",
                            h->is_down
                                ? h->why
                                : "libwebsockets does not answer on the loop: is the package "
                                  "libwebsockets-evlib-uv whole?");
    }
    (void)pthread_mutex_unlock(&h->lock);
    return is_up ? TC_OK : TC_EIO;
}

static void drop_unstarted(struct tc_hub *h)
{
    tc_hub_lane_stop(&h->reader_lane, h);
    tc_hub_lane_stop(&h->access_lane, h);
    close_handles(h);
    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
    close_loop(h);
    finish(h);
}

tc_err tc_hub_start(const struct tc_hub_options *options, const struct tc_hub_ports *ports,
                    struct tc_model *follower, const struct tc_world *world, struct tc_hub **out,
                    char why[static TC_WHY_MAX])
{
    tc_err err = check_options(options, why);
    struct tc_hub *h = err == TC_OK ? tc_alloc(sizeof *h) : NULL;
    if (!h) {
        tc_model_destroy(follower);
        return err == TC_OK ? TC_ENOMEM : err;
    }
    hub__metrics_add();
    h->ports = *ports;
    h->world = *world;
    h->follower = follower;
    set_options(h, options);
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->changed, NULL);
    err = start_parts(h, options, why);
    if (err == TC_OK && pthread_create(&h->thread, NULL, serve, h) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "no thread for the hub");
        err = TC_ENOMEM;
    }
    if (err != TC_OK) {
        drop_unstarted(h);
        return err;
    }
    err = wait_until_up(h, why);
    if (err != TC_OK) {
        tc_hub_stop(h);
        return err;
    }
    *out = h;
    return TC_OK;
}

/* From other threads */

tc_err tc_hub_durable(struct tc_hub *h, struct tc_batch *batches)
{
    if (!batches) {
        return TC_OK;
    }
    size_t count = 1;
    size_t bytes = tc_batch_bytes(batches);
    struct tc_batch *last = batches;
    for (; last->next; last = last->next) {
        count++;
        bytes += tc_batch_bytes(last->next);
    }
    (void)pthread_mutex_lock(&h->lock);
    bool is_full = h->inbox_bytes + bytes > TC_HUB_INBOX_BYTES_MAX;
    tc_metric_inc(&hub__m_inbox_full, is_full);
    h->inbox_bytes += bytes;
    if (h->inbox_last) {
        h->inbox_last->next = batches;
    } else {
        h->inbox_first = batches;
    }
    h->inbox_last = last;
    h->inbox_count += count;
    tc_metric_set(&hub__m_inbox, (int64_t)h->inbox_count);
    if (!h->is_stopping) {
        hub__wake(h);
    }
    (void)pthread_mutex_unlock(&h->lock);
    return is_full ? TC_EFULL : TC_OK;
}

int tc_hub_port(const struct tc_hub *h)
{
    return h->port;
}

uint64_t tc_hub_applied_seq(const struct tc_hub *h)
{
    return atomic_load(&h->applied_seq);
}

void tc_hub_stop(struct tc_hub *h)
{
    if (!h) {
        return;
    }
    (void)pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    (void)pthread_cond_broadcast(&h->changed);
    if (!h->is_down) {
        hub__wake(h);
    }
    (void)pthread_mutex_unlock(&h->lock);
    (void)pthread_join(h->thread, NULL);
    close_loop(h);
    finish(h);
}
