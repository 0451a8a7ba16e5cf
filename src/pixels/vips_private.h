/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <tiffuse/error.h>
#include <vips/vips.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VipsImage, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VipsRegion, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VipsSource, g_object_unref)

static inline void tf_vips_array_unref(VipsArrayDouble *array)
{
	vips_area_unref(VIPS_AREA(array));
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VipsArrayDouble, tf_vips_array_unref)

/* Turns libvips' error buffer (and clears it) into "PREFIX: text" on one line.
 * Always returns false. */
bool tf_vips_fail(GError **error, TfErrorCode code, const char *prefix);
