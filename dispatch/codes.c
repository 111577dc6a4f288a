/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/dispatch.h"

const struct tc_dispatch_code tc_dispatch_codes[] = {
    {NULL, NULL, NULL},
};
