/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/cli/decode_cmd.h - `tocsin decode DRIVER [--hex] [--profile P] [FILE]`.
 *
 * Shows what a driver makes of recorded bytes: one JSON line for each frame. The session stands at
 * time zero, writes nowhere and is told no verdicts. DEPS tc_ingest.
 */
#pragma once

/** `argv[0]` is "decode". Returns the exit code: 0 done, 1 some frame was rejected, 2 misuse. */
int tc_decode_cmd(int argc, char **argv);
