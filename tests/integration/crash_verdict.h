/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/integration/crash_verdict.h - what outside processes wrote down while the system was
 * killed again and again, compared with the record.
 */
#pragma once

#include "tests/lib/system.h"

#define NOTES_MAX 200000

enum asked {
    ASKED_READING,
    ASKED_ALARM,
    ASKED_CLEAR,
    ASKED_NOTE,
    ASKED_ORDER,
    ASKED_UNITS,
    ASKED_CLOCK
};

/** One answer that somebody was given. */
struct noted {
    enum asked what;
    bool is_ok;
    uint64_t seq;
    uint32_t n; /* its number: in the id, the text and the value */
};

struct notes {
    struct noted *list; /* NOTES_MAX */
    size_t count;
};

struct verdict {
    size_t events;
    size_t gateway; /* acknowledgements compared */
    size_t commands;
    size_t gauge; /* readings that the gauge was told are kept */
    size_t alarms;
    size_t sds;
    size_t repeats; /* of them with the mark */
    size_t timers;
};

/** Fails the test at the first thing that is not as it was told. */
void crash_verdict(struct sys *s, const struct notes *gateway, const struct notes *commands,
                   struct verdict *out);
