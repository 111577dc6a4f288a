/* SPDX-License-Identifier: Apache-2.0 */
/** clients/cli/plan_cmd.h - what planners do at the command line, without a running system. */
#pragma once

#include <stdbool.h>

/**
 * `tocsin plan check FILE…` reads plans; `tocsin plan test FILE…` plays test files in virtual time
 * (each finds its plan as ../ID.lua). argv[0] is "plan". 0: all well; 1: something is wrong;
 * 2: usage.
 */
int tc_cmd_plan(int argc, char **argv, bool is_zh);
