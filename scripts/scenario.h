/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/scenario.h - plan tests: scenarios played in virtual time against the real turn, dispatch
 * and host, in memory. Only the command line calls it.
 */
#pragma once

#include "core/base/buf.h"

/** Reads the text of the plan with this id; false when there is none. */
typedef bool (*tc_plan_reader)(void *ctx, const char *plan, struct tc_buf *out);

struct tc_plan_test_result {
    unsigned passed;
    unsigned failed;
};

/**
 * Play every scenario of a test file; a line per scenario goes to `report`. TC_EINVAL with `why`
 * when the file itself cannot be read.
 */
TC_MUST_USE tc_err tc_plan_test(struct tc_str source, const char *file, tc_plan_reader read,
                                void *ctx, struct tc_buf *report,
                                struct tc_plan_test_result *result, char why[static TC_WHY_MAX]);
