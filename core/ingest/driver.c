/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/driver.h"

#include "core/base/hash.h"

#define X(name) extern const struct tc_driver tc_driver_##name;
#include "core/ingest/drivers.def"
#undef X

const struct tc_driver *const tc_drivers[] = {
#define X(name) &tc_driver_##name,
#include "core/ingest/drivers.def"
#undef X
    NULL};

const struct tc_driver *tc_driver_find(struct tc_str name)
{
    for (size_t i = 0; tc_drivers[i]; i++) {
        if (tc_str_is(name, tc_drivers[i]->name)) {
            return tc_drivers[i];
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

void tc_driver_open_nothing(void *self, const struct tc_driver_options *options, int64_t now_us,
                            struct tc_driver_out *out)
{
    (void)self;
    (void)options;
    (void)now_us;
    (void)out;
}

struct tc_framed tc_driver_frame_whole(const uint8_t *bytes, size_t len)
{
    (void)bytes;
    return (struct tc_framed){.err = len ? TC_OK : TC_EAGAIN, .total = len};
}
