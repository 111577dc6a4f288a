/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/script.h - one plan text loaded in a sandbox, and its run as a coroutine that yields the
 * calls it makes. Knows no model and no events; used by the host and by the plan checker.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "scripts/sandbox.h"

struct script;

/** What the coroutine asked for; owned by the caller, used again and again. */
struct script_call {
    char name[41];
    struct tc_buf arguments; /* canonical JSON */
    uint64_t hash;           /* of name and arguments */
};
void script__call_finish(struct script_call *c);

/**
 * Load a text; `header` gets {"id","zh","en","starts":[…]} as JSON. `name` stands in messages.
 */
TC_MUST_USE tc_err script__load(const struct tc_sandbox_limits *limits, uint64_t seed,
                                const char *name, struct tc_str source, struct tc_buf *header,
                                struct script **out, char why[static TC_WHY_MAX]);
/** What a plan raised may be any bytes, and may have been cut: made UTF-8, for the record. */
void script__clean(char *text);
/** NULL is fine. */
void script__destroy(struct script *s);
/**
 * Go on: from the start with answer.at NULL, else the pending call returns `answer` (JSON).
 * TC_STEP_YIELDED fills `call`, TC_STEP_FAILED `why` ("file:line: message").
 */
enum tc_sandbox_step script__step(struct script *s, struct tc_str answer, struct script_call *call,
                                  char why[static TC_WHY_MAX]);
