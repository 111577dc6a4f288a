/* SPDX-License-Identifier: Apache-2.0 */
/** core/base/log.h - lines for the operator on standard error. Any thread. Library code returns
 * errors instead. */
#pragma once

#include "core/base/err.h"

enum tc_log_level { TC_LOG_DEBUG, TC_LOG_INFO, TC_LOG_WARN, TC_LOG_ERROR };

void tc_log_set_level(enum tc_log_level least);
void tc_log(enum tc_log_level level, const char *area, const char *format, ...) TC_PRINTF(3, 4);

#define TC_LOG_I(area, ...) tc_log(TC_LOG_INFO, area, __VA_ARGS__)
#define TC_LOG_W(area, ...) tc_log(TC_LOG_WARN, area, __VA_ARGS__)
#define TC_LOG_E(area, ...) tc_log(TC_LOG_ERROR, area, __VA_ARGS__)
