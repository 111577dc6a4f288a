/* SPDX-License-Identifier: Apache-2.0 */
/** core/ingest/lip_int.h - what the reading and the showing of LIP share; nobody else. */
#pragma once

#include "core/ingest/lip.h"

/* Parts of a location shape. */
enum {
    PART_POINT = 1,
    PART_CIRCLE = 2,
    PART_ELLIPSE = 4,
    PART_ALTITUDE = 8,
    PART_ALTITUDE_UNCERTAINTY = 16,
    PART_CONFIDENCE = 32,
    PART_ARC = 64,
    PART_ERROR = 128,
    LIP_SHAPES_COUNT = 11
};
unsigned lip__shape_parts(uint8_t shape);
/** UINT32_MAX: best effort, no bound. */
uint32_t lip__uncertainty_cm(uint8_t raw);

/* Velocity types: 2, 4, 6, 7 carry uncertainties, 3, 4, 7 a vertical speed, 5 to 7 a direction. */
static inline bool lip__velocity_is_uncertain(uint8_t type)
{
    return type == 2 || type == 4 || type == 6 || type == 7;
}

static inline bool lip__velocity_is_vertical(uint8_t type)
{
    return type == 3 || type == 4 || type == 7;
}
