/* SPDX-License-Identifier: Apache-2.0 */
/** tests/fuzz/fuzz_gpkg.c - geometry blobs: what is read is whole, and survives a round trip. */
#include <stdlib.h>

#include "gis/gpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_round_trip(const struct gis__outline *o, enum gis__form form)
{
    struct tc_shape s = gis__outline_shape(o);
    if (s.part_count == 0 || s.part_ends[s.part_count - 1] != s.point_count) {
        abort();
    }
    struct tc_buf blob = {0};
    struct gis__outline again = {0};
    struct gis__reason reason;
    gis__gpkg_write(&s, form, true, &blob);
    if (gis__gpkg_read(tc_buf_str(&blob), form, &again, &reason) != TC_OK ||
        again.point_count != s.point_count ||
        memcmp(again.points, s.points, s.point_count * sizeof *s.points) != 0) {
        abort();
    }
    gis__outline_finish(&again);
    tc_buf_finish(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0) {
        return 0;
    }
    enum gis__form form = (enum gis__form)(bytes[0] % 3 + 1);
    struct gis__outline o = {0};
    struct gis__reason reason;
    struct tc_str blob = {.at = (const char *)bytes + 1, .len = len - 1};
    if (gis__gpkg_read(blob, form, &o, &reason) == TC_OK) {
        check_round_trip(&o, form);
    }
    gis__outline_finish(&o);
    return 0;
}
