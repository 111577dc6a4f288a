/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/nnsock.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>

#include "core/base/mem.h"
#include "core/base/metric.h"

/* Requests taken per round, so that one loud peer cannot starve the rest. */
#define DRAIN_MAX   64
#define WATCH_MS    1000u
#define LIMIT_SLACK ((size_t)4096)

struct tc_nn_rep {
    uv_poll_t poll;
    uv_timer_t watch;
    int nn;
    int open_handles;
    bool is_closing;
    tc_nn_request_fn on_request;
    void *ctx;
};

static struct tc_metric unanswered = {.name = "tocsin_nanomsg_replies_lost_total",
                                      .help = "Replies whose requester was gone.",
                                      .type = TC_COUNTER};
static struct tc_metric missed = {.name = "tocsin_nanomsg_missed_wakeups_total",
                                  .help = "Requests found by the watchdog, not by polling.",
                                  .type = TC_COUNTER};
static struct tc_metric not_published = {.name = "tocsin_nanomsg_publish_failed_total",
                                         .help = "Messages that could not be published.",
                                         .type = TC_COUNTER};

static bool receive_one(struct tc_nn_rep *rep)
{
    void *body = NULL;
    void *control = NULL;
    struct nn_iovec iov = {.iov_base = &body, .iov_len = NN_MSG};
    struct nn_msghdr head = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = NN_MSG};
    int len = nn_recvmsg(rep->nn, &head, NN_DONTWAIT);
    if (len < 0) {
        return false;
    }
    rep->on_request(rep->ctx, (struct tc_str){.at = body, .len = (size_t)len}, control);
    (void)nn_freemsg(body);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct tc_nn_rep *rep = poll->data;
    for (int i = 0; status == 0 && i < DRAIN_MAX && !rep->is_closing && receive_one(rep); i++) {
    }
}

static void on_watch(uv_timer_t *timer)
{
    struct tc_nn_rep *rep = timer->data;
    if (!rep->is_closing && receive_one(rep)) {
        tc_metric_inc(&missed, 1);
    }
}

static int open_socket(int domain, int protocol, const char *url, size_t max, char *why)
{
    int nn = nn_socket(domain, protocol);
    int limit = (int)(max + LIMIT_SLACK);
    if (nn >= 0 && nn_setsockopt(nn, NN_SOL_SOCKET, NN_RCVMAXSIZE, &limit, sizeof limit) == 0 &&
        nn_bind(nn, url) >= 0) {
        return nn;
    }
    (void)tc_str_format(why, TC_WHY_MAX, "cannot listen on %s: %s", url, nn_strerror(nn_errno()));
    if (nn >= 0) {
        (void)nn_close(nn);
    }
    return -1;
}

tc_err tc_nn_rep_open(uv_loop_t *loop, const char *url, tc_nn_request_fn on_request, void *ctx,
                      struct tc_nn_rep **out, char why[static TC_WHY_MAX])
{
    tc_metric_add(&unanswered);
    tc_metric_add(&missed);
    struct tc_nn_rep *rep = tc_alloc(sizeof *rep);
    if (!rep) {
        return TC_ENOMEM;
    }
    rep->nn = open_socket(AF_SP_RAW, NN_REP, url, TC_NN_REQUEST_MAX, why);
    int fd = -1;
    size_t size = sizeof fd;
    if (rep->nn < 0 || nn_getsockopt(rep->nn, NN_SOL_SOCKET, NN_RCVFD, &fd, &size) != 0 ||
        uv_poll_init(loop, &rep->poll, fd) != 0) {
        if (rep->nn >= 0) {
            (void)nn_close(rep->nn);
        }
        tc_free(rep);
        return TC_EIO;
    }
    TC_REQUIRE(uv_timer_init(loop, &rep->watch) == 0);
    rep->open_handles = 2;
    rep->on_request = on_request;
    rep->ctx = ctx;
    rep->poll.data = rep;
    rep->watch.data = rep;
    TC_REQUIRE(uv_poll_start(&rep->poll, UV_READABLE, on_readable) == 0);
    TC_REQUIRE(uv_timer_start(&rep->watch, on_watch, WATCH_MS, WATCH_MS) == 0);
    *out = rep;
    return TC_OK;
}

void tc_nn_reply(struct tc_nn_rep *rep, void *route, struct tc_str body)
{
    void *copy = rep->is_closing ? NULL : nn_allocmsg(body.len, 0);
    if (!copy) {
        tc_nn_drop(route);
        return;
    }
    memcpy(copy, body.at, body.len);
    struct nn_iovec iov = {.iov_base = &copy, .iov_len = NN_MSG};
    struct nn_msghdr head = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &route, .msg_controllen = NN_MSG};
    if (nn_sendmsg(rep->nn, &head, NN_DONTWAIT) < 0) {
        tc_metric_inc(&unanswered, 1);
        (void)nn_freemsg(copy);
        tc_nn_drop(route);
    }
}

void tc_nn_drop(void *route)
{
    if (route) {
        (void)nn_freemsg(route);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct tc_nn_rep *rep = handle->data;
    if (--rep->open_handles == 0) {
        tc_free(rep);
    }
}

void tc_nn_rep_close(struct tc_nn_rep *rep)
{
    if (rep && !rep->is_closing) {
        rep->is_closing = true;
        (void)uv_poll_stop(&rep->poll); /* before nn_close makes the descriptor invalid */
        (void)nn_close(rep->nn);
        uv_close((uv_handle_t *)&rep->poll, on_closed);
        uv_close((uv_handle_t *)&rep->watch, on_closed);
    }
}

struct tc_nn_pub {
    int nn;
};

tc_err tc_nn_pub_open(const char *url, struct tc_nn_pub **out, char why[static TC_WHY_MAX])
{
    tc_metric_add(&not_published);
    struct tc_nn_pub *pub = tc_alloc(sizeof *pub);
    if (!pub) {
        return TC_ENOMEM;
    }
    pub->nn = open_socket(AF_SP, NN_PUB, url, TC_NN_PUBLISH_MAX, why);
    if (pub->nn < 0) {
        tc_free(pub);
        return TC_EIO;
    }
    *out = pub;
    return TC_OK;
}

void tc_nn_publish(struct tc_nn_pub *pub, struct tc_str message)
{
    if (message.len > TC_NN_PUBLISH_MAX ||
        nn_send(pub->nn, message.at, message.len, NN_DONTWAIT) < 0) {
        tc_metric_inc(&not_published, 1);
    }
}

void tc_nn_pub_close(struct tc_nn_pub *pub)
{
    if (pub) {
        (void)nn_close(pub->nn);
        tc_free(pub);
    }
}
