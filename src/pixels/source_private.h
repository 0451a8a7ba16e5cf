/* SPDX-License-Identifier: MIT */
#pragma once
#include "colour.h"
#include "jpeg.h"

#include <tiffuse/source.h>

struct _TfSources {
	const TfScene *scene;
	const TfProfiles *profiles;
	TfSourcesOptions options;
	TfFiles *files;
};

struct _TfCursor {
	TfSources *sources;
	uint32_t index;
	TfJpeg *jpeg;     /* or: */
	VipsImage *image; /* in the mosaic's space, sequential */
	int fd;           /* libvips reads through it */
	int32_t next_row;
};

/* Rows [top, top + to->height) of image, in full width. */
bool tf_vips_to_plane(VipsImage *image, const TfPlane *to, int32_t top, const char *path, GError **error);
