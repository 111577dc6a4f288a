/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/check.h - reads a plan without running it: what will not work, and what an author forgot.
 */
#pragma once

#include "core/base/str.h"

struct tc_plan_remark {
    int line;      /* 0: the file as a whole */
    bool is_error; /* else advice */
    char zh[256];
    char en[256];
};

/** Fills at most `room` remarks in order of lines; returns their number. */
size_t tc_plan_check(struct tc_str source, const char *file, struct tc_plan_remark *out,
                     size_t room);
