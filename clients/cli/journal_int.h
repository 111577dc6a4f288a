/* SPDX-License-Identifier: Apache-2.0 */
/** clients/cli/journal_int.h - what the files of `tocsin journal` share. */
#pragma once

#include "core/journal/journal.h"
#include "core/turn/model.h"

enum journal_exit { JOURNAL_DONE, JOURNAL_DAMAGED, JOURNAL_USAGE };

struct journal_args {
    bool is_zh;
    const char *dir;
    uint64_t from; /* 0: the beginning */
    uint64_t to;   /* UINT64_MAX: the end */
    enum tc_kind kind;
    bool has_subject;
    uint64_t subject;
    bool is_json;
    bool with_personal;
    bool is_full;
    const char *out;
};

/** Says what is wrong with the journal on standard error, in the user's language. */
int journal__complain(const struct journal_args *a, tc_err err, const char *why);
int journal__replay(const struct journal_args *a, const struct tc_section *const *sections);
