/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/time.h"

static _Atomic int level_least = TC_LOG_INFO;

void tc_log_set_level(enum tc_log_level least)
{
    atomic_store(&level_least, (int)least);
}

void tc_log(enum tc_log_level level, const char *area, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if ((int)level < atomic_load(&level_least)) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char at[TC_TIME_TEXT_SIZE];
    tc_time_local_text(tc_clock_utc_us(), at);
    (void)fprintf(stderr, "%s %-5s %s: %s\n", at, names[level], area, text);
}
