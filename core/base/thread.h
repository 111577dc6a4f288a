/* SPDX-License-Identifier: Apache-2.0 */
/** core/base/thread.h - names of threads, as top and perf show them. */
#pragma once

/** Of the calling thread; at most 15 bytes are kept. */
void tc_thread_name(const char *name);
