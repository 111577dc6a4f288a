/* SPDX-License-Identifier: Apache-2.0 */
/** clients/cli/user_cmd.h - `tocsin user …`: who may log in at the consoles, and API keys. */
#pragma once

/** argv[0] is the word "user". Returns the process's exit status: 0 done, 1 refused, 2 usage. */
int tc_cmd_user(int argc, char **argv);
