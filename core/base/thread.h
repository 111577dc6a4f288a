/* SPDX-License-Identifier: Apache-2.0 */
/** core/base/thread.h - names of threads, as top and perf show them, and who comes first. */
#pragma once

/** Of the calling thread; at most 15 bytes are kept. */
void tc_thread_name(const char *name);
/** Of the calling thread: before others (below 0) when the system allows it, else as it was. */
void tc_thread_nice(int level);
