/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/mosaic.h>

/* Reads the arrangement, probes the sources, resolves positions and freezes
 * the scene. */
bool tf_mosaic_place_sources(TfMosaic *mosaic, const TfMosaicOptions *options, GError **error);

/* After the scene is frozen. */
void tf_mosaic_choose_pixel_size(TfMosaic *mosaic, const TfMosaicOptions *options);

void tf_mosaic_note(TfMosaic *mosaic, const char *format, ...) G_GNUC_PRINTF(2, 3);
