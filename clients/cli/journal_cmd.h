/* SPDX-License-Identifier: Apache-2.0 */
/** clients/cli/journal_cmd.h - `tocsin journal …`: show, verify, export and replay a journal. */
#pragma once

#include "core/turn/model.h"

/**
 * argv[0] is the word "journal"; `sections` (NULL-terminated) make the model of `replay`. Returns
 * the process's exit status: 0 done, 1 damage or no such journal, 2 usage.
 */
int tc_cmd_journal(int argc, char **argv, const struct tc_section *const *sections);
