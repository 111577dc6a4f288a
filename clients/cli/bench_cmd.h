/* SPDX-License-Identifier: Apache-2.0 */
/** clients/cli/bench_cmd.h - `tocsin bench`: the real program under load, measured from outside. */
#pragma once

#include "core/turn/model.h"

int tc_cmd_bench(int argc, char **argv, const struct tc_section *const *sections, bool is_zh);
