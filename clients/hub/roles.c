/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/roles.h"

enum tc_view tc_hub_role_view(enum tc_role role)
{
    switch (role) {
    case TC_ROLE_OFFICER:
    case TC_ROLE_SUPERVISOR:
    case TC_ROLE_DUTY_LEADER:
    case TC_ROLE_COORDINATOR: return TC_VIEW_PERSONAL;
    case TC_ROLE_NONE:
    case TC_ROLE_PLANNER:
    case TC_ROLE_OBSERVER:
    case TC_ROLE_GATEWAY:
    case TC_ROLE_PLAN:
    case TC_ROLE_SYSTEM:
    case TC_ROLE_COUNT: break;
    }
    return TC_VIEW_PLAIN;
}

tc_err tc_hub_role_parse(struct tc_str name, enum tc_role *role)
{
    int value = 0;
    if (tc_enum_value(&tc_enum_role, name, &value) != TC_OK || value == TC_ROLE_NONE ||
        value == TC_ROLE_PLAN || value == TC_ROLE_SYSTEM) {
        return TC_ENOTFOUND;
    }
    *role = (enum tc_role)value;
    return TC_OK;
}

const char *tc_hub_role_name(enum tc_role role)
{
    return tc_enum_name(&tc_enum_role, (int)role);
}

size_t tc_hub_role_body_bytes_max(enum tc_role role)
{
    bool is_long = role == TC_ROLE_GATEWAY || role == TC_ROLE_PLANNER ||
                   role == TC_ROLE_SUPERVISOR || role == TC_ROLE_DUTY_LEADER;
    return is_long ? (size_t)1024 * 1024 : (size_t)64 * 1024;
}
