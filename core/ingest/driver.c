/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/driver.h"

#include "core/base/hash.h"

const struct tc_driver *const tc_drivers[] = {NULL};

const struct tc_driver *tc_driver_find(struct tc_str name)
{
    for (const struct tc_driver *const *d = tc_drivers; *d; d++) {
        if (tc_str_is(name, (*d)->name)) {
            return *d;
        }
    }
    return NULL;
}

uint64_t tc_obs_key(struct tc_str a, struct tc_str b, struct tc_str c)
{
    uint64_t key = tc_hash_str(tc_hash_str(tc_hash_str(3, a), b), c);
    return key ? key : 1;
}

struct tc_obs tc_obs_init(enum tc_obs_kind kind)
{
    return (struct tc_obs){
        .kind = kind, .speed_cms = UINT32_MAX, .heading_deg = UINT16_MAX, .reason = UINT16_MAX};
}
