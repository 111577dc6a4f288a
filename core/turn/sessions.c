/* SPDX-License-Identifier: Apache-2.0 */
/* The part that records who came and went at the consoles. */
#include "core/turn/turn.h"

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    (void)self;
    (void)live;
    if (in->kind != TC_INPUT_COMMAND) {
        return false;
    }
    if (in->command->name == TC_CMD_SESSION_OPEN) {
        const struct tc_cmd_session_open *c = in->command->body;
        struct tc_ev_user_logged_in *b = tc_emit(out, TC_EV_USER_LOGGED_IN, 0, NULL);
        b->user = tc_out_copy(out, c->user);
        b->role = c->role;
        b->address = tc_out_copy(out, c->address);
        return true;
    }
    if (in->command->name == TC_CMD_SESSION_CLOSE) {
        const struct tc_cmd_session_close *c = in->command->body;
        struct tc_ev_user_logged_out *b = tc_emit(out, TC_EV_USER_LOGGED_OUT, 0, NULL);
        b->user = tc_out_copy(out, c->user);
        b->why = tc_out_copy(out, c->why);
        return true;
    }
    return false;
}

const struct tc_part tc_sessions_part = {.name = "sessions", .decide = decide};
