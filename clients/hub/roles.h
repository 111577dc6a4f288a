/* SPDX-License-Identifier: Apache-2.0 */
/** clients/hub/roles.h - what a role may see and send; what it may give is tc_role_may. Pure; any
 * thread. */
#pragma once

#include "core/event/event.h"

/** A console's encoding: with or without personal fields. */
enum tc_view { TC_VIEW_PERSONAL, TC_VIEW_PLAIN, TC_VIEW_COUNT };

/** Names and telephones of callers are for those who handle incidents. */
enum tc_view tc_hub_role_view(enum tc_role role);
/** A role that a person or key can be given. */
TC_MUST_USE tc_err tc_hub_role_parse(struct tc_str name, enum tc_role *role);
const char *tc_hub_role_name(enum tc_role role);
/** Longest body a client of this role may send. */
size_t tc_hub_role_body_bytes_max(enum tc_role role);
