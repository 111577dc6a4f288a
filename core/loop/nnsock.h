/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/nnsock.h - nanomsg sockets on a libuv loop. The only place that includes nanomsg.
 *
 * A raw REP socket takes requests in any number and answers them in any order; a PUB socket tells
 * what is so. The receive descriptor is only ever polled. Trusted local peers: nanomsg aborts on
 * surprises (see docs/protocols.md).
 */
#pragma once

#include <uv.h>

#include "core/base/str.h"

/* Far below what a peer accepts: one message over the peer's limit ends a link for good. */
#define TC_NN_PUBLISH_MAX ((size_t)256 * 1024)
#define TC_NN_REQUEST_MAX ((size_t)1024 * 1024)

struct tc_nn_rep;
/** Loop thread. `route` must come back in tc_nn_reply exactly once (or be dropped with it). */
typedef void (*tc_nn_request_fn)(void *ctx, struct tc_str body, void *route);

TC_MUST_USE tc_err tc_nn_rep_open(uv_loop_t *loop, const char *url, tc_nn_request_fn on_request,
                                  void *ctx, struct tc_nn_rep **out, char why[static TC_WHY_MAX]);
/** Takes `route`. Never blocks; a peer that is gone is counted and forgotten. */
void tc_nn_reply(struct tc_nn_rep *rep, void *route, struct tc_str body);
/** Forgets a request without an answer. */
void tc_nn_drop(void *route);
/** Asynchronous: run the loop afterwards. */
void tc_nn_rep_close(struct tc_nn_rep *rep);

struct tc_nn_pub;
TC_MUST_USE tc_err tc_nn_pub_open(const char *url, struct tc_nn_pub **out,
                                  char why[static TC_WHY_MAX]);
/** Drops for subscribers that do not read; they see the gap in seq. */
void tc_nn_publish(struct tc_nn_pub *pub, struct tc_str message);
void tc_nn_pub_close(struct tc_nn_pub *pub);
