/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/sample.h - builds the sample district's GeoPackage from the text files in gis/sample.
 *
 * Used by the set-up command, tests and exercises. Its features are typed by hand or invented and
 * say so; a real site imports its own survey.
 */
#pragma once

#include "core/base/str.h"

/** Reads dir/{subdistricts,communities,crossings,roads,sites}.tsv and replaces `path`. Blocks.
 *  The same files give the same contents. `why` names file and line; may be NULL. */
TC_MUST_USE tc_err tc_sample_build(const char *dir, const char *path, char why[TC_WHY_MAX]);
