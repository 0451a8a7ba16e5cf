/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/geo.h>

struct tiff;

/* Sets GeoTIFF's tags in the directory that is being made; false when libtiff
 * refuses. */
bool tf_geo_set_tags(struct tiff *tif, const TfGeo *geo);
