/* SPDX-License-Identifier: Apache-2.0 */
/** scripts/api.h - the words of the plans' language, from api.def. */
#pragma once

#include <stddef.h>

struct tc_api_entry {
    const char *group; /* ctx, on, global */
    const char *name;
    const char *usage;
};
extern const struct tc_api_entry tc_api_entries[]; /* group NULL at the end */
