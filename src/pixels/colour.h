/* SPDX-License-Identifier: MIT */
#pragma once
#include "vips_private.h"

#include <tiffuse/samples.h>

/* `in` in the mosaic's interleaved space: grey or RGB in its depth, no alpha.  With
 * to_srgb an embedded ICC profile is applied.  NULL with DAMAGED (the error
 * may come from the pixels' source only when the result is computed). */
VipsImage *tf_colour_convert(VipsImage *in, TfSpace space, bool to_srgb, const uint8_t background[3],
                             const char *path, GError **error);
