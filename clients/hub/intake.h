/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/hub/intake.h - sources that speak HTTP to the hub, e.g. Open311: a table of functions.
 *
 * An intake owns one path prefix. For each request `handle` either fills the response at once
 * (service lists, look-ups: from the follower's tables) or says what was observed; the hub submits
 * the observation and, once its verdict is durable, asks `reply` for the response:
 *
 *   request ─► handle ─┬─ TC_INTAKE_ANSWER ─► response
 *                      └─ TC_INTAKE_SUBMIT ─► ingest … batch durable, follower applied ─► reply ─►
 * response
 *
 * Both run on the hub thread and must not block. The follower passed to `reply` has already
 * applied the events that the observation led to, so an id can be looked up by reply->seq.
 */
#pragma once

#include "core/ingest/driver.h"
#include "core/turn/model.h"

struct tc_world;

/** A query parameter, decoded. */
struct tc_hub_param {
    struct tc_str name;
    struct tc_str value;
};

#define TC_INTAKE_PARAMS_MAX 32u

/** All texts are borrowed for the call. */
struct tc_hub_request {
    bool is_post;       /* otherwise GET; other methods never arrive here */
    struct tc_str tail; /* path after the prefix, decoded: "requests.json" */
    struct tc_hub_param params[TC_INTAKE_PARAMS_MAX];
    size_t param_count;
    struct tc_str content_type; /* of the body */
    struct tc_str accept;
    struct tc_str body;
    enum tc_role role; /* of the API key in the Authorization header or api_key parameter; NONE */
    struct tc_str who; /* its name */
    int64_t now_us;
    const struct tc_model *follower; /* what may be told */
    const struct tc_world *world;
    struct tc_arena *arena; /* for the response and the observation; lives until the answer left */
    /** For a key that comes in the body (Open311's form field api_key). NONE when unknown. */
    enum tc_role (*role_of_key)(void *keys, struct tc_str key, struct tc_str *who);
    void *keys;
};

struct tc_hub_response {
    int status;               /* 200 when left 0 */
    const char *content_type; /* static; "application/json" when NULL */
    struct tc_buf body;       /* the hub frees it */
};

/** What was observed; everything lies in the request's arena. */
struct tc_hub_submission {
    struct tc_obs obs;    /* its key recognises a redelivery */
    struct tc_str source; /* name of the source it counts for, e.g. "open311" */
    void *memory;         /* given back to reply: format wanted and the like; may be NULL */
};

enum tc_intake_next { TC_INTAKE_ANSWER, TC_INTAKE_SUBMIT };

struct tc_hub_intake {
    const char *prefix; /* "/open311/v2/": with both slashes */
    void *ctx;
    enum tc_intake_next (*handle)(void *ctx, const struct tc_hub_request *rq,
                                  struct tc_hub_response *rs, struct tc_hub_submission *sub);
    /** `reply` is NULL when no verdict came in time or the queue was full: say 503, come again. */
    void (*reply)(void *ctx, void *memory, const struct tc_reply *reply,
                  const struct tc_model *follower, struct tc_hub_response *rs);
};
