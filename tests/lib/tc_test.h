/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/lib/tc_test.h - cmocka with the headers that it needs in front; include it first. With
 * TC_TEST_ONLY in the environment only the tests whose names fit it run (* and ? mean any).
 */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

__attribute__((constructor)) static void tc_test_only(void)
{
    const char *only = getenv("TC_TEST_ONLY");
    if (only) {
        cmocka_set_test_filter(only);
    }
}
