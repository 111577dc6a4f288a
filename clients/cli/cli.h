/* SPDX-License-Identifier: Apache-2.0 */
/** clients/cli/cli.h - the command line: which words there are, and small help for all of them. */
#pragma once

#include "core/base/err.h"

/** zh when --lang zh, else by LANG. */
bool tc_cli_is_zh(int argc, char **argv);
/** Removes --lang and its value, for commands that do not read it themselves. */
void tc_cli_drop_lang(int *argc, char **argv);
/** The words' list. */
void tc_cli_usage(bool is_zh);
/** `tocsin locate LON LAT [--crs NAME] [--district FILE]`. */
int tc_cmd_locate(int argc, char **argv, bool is_zh);
/** `tocsin district build DIR FILE`: a GeoPackage from a district's text files. */
int tc_cmd_district(int argc, char **argv, bool is_zh);
