/* SPDX-License-Identifier: Apache-2.0 */
#include "core/turn/turn.h"

/* A plan may do what an officer may. Planner, coordinator and gateway stand beside the ranks. */
static const int ranks[TC_ROLE_COUNT] = {
    [TC_ROLE_OBSERVER] = 1,   [TC_ROLE_OFFICER] = 2,     [TC_ROLE_PLAN] = 2,
    [TC_ROLE_SUPERVISOR] = 3, [TC_ROLE_DUTY_LEADER] = 4,
};

bool tc_role_may(enum tc_role role, enum tc_role least)
{
    if (role == TC_ROLE_SYSTEM || role == least) {
        return true;
    }
    return ranks[least] > 0 && ranks[role] >= ranks[least];
}
