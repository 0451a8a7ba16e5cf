/* SPDX-License-Identifier: MIT */
#pragma once
#include "colour.h"
#include "jpeg.h"
#include "vips_input.h"

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
	TfVipsInput input;
	int fd;           /* that libvips reads from */
	int32_t next_row;
};
