/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    const char *text;
} errs[] = {
#define X(id, text) {#id, text},
    TC_ERR_MAP(X)
#undef X
};

const char *tc_err_name(tc_err err)
{
    return (size_t)err < TC_COUNT_OF(errs) ? errs[err].name : "TC_E?";
}

const char *tc_err_text(tc_err err)
{
    return (size_t)err < TC_COUNT_OF(errs) ? errs[err].text : "unknown error";
}

void tc_require_failed(const char *expr, const char *file, int line)
{
    (void)fprintf(stderr, "tocsin: broken invariant: %s (%s:%d)\n", expr, file, line);
    abort();
}
