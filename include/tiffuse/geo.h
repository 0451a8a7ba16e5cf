/* SPDX-License-Identifier: MIT
 *
 * Where a picture lies on earth, and the tags of GeoTIFF that say so.
 *
 * Threads: a TfGeo is a plain value.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	/* The top left corner of pixel (col, row) is at x = t[0] + col t[1] + row t[2],
	 * y = t[3] + col t[4] + row t[5], as GDAL has it. */
	double transform[6];
	char *srs; /* the coordinate system as WKT without spaces around its tokens, or NULL: unknown */
} TfGeo;

void tf_geo_free(TfGeo *geo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfGeo, tf_geo_free)

/* What pixel (x, y) was becomes pixel (0, 0). */
void tf_geo_move(TfGeo *geo, double x, double y);

/* Takes a coordinate system's WKT, 1 or 2, into geo->srs.  ARRANGEMENT for what
 * is no WKT, or longer than GDAL reads from a TIFF (2300 bytes) and not
 * EPSG's; the message has no place in it. */
bool tf_geo_set_srs(TfGeo *geo, const char *wkt, GError **error);

/* A bound of what the header grows by, bytes. */
uint64_t tf_geo_header_bytes(const TfGeo *geo);
