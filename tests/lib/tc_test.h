/* SPDX-License-Identifier: Apache-2.0 */
/** tests/lib/tc_test.h - cmocka with the headers that it needs in front; include it first. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
