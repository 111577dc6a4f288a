/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/thread.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void tc_thread_name(const char *name)
{
    (void)prctl(PR_SET_NAME, (unsigned long)name, 0ul, 0ul, 0ul);
}

void tc_thread_nice(int level)
{
    (void)setpriority(PRIO_PROCESS, 0, level); /* one thread only, on Linux */
}
