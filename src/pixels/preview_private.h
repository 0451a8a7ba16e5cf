/* SPDX-License-Identifier: MIT */
#pragma once
#include "preview_draw.h"

#include <tiffuse/preview.h>

typedef struct {
	const TfScene *scene;
	double scale;        /* picture px per mosaic px */
	int width, height;   /* of the picture */
	uint8_t *rgb;        /* the small mosaic */
	uint32_t *owner;     /* the topmost source of each pixel, or UINT32_MAX */
	int32_t *layers;     /* sources over each pixel; rows of width + 1 */
	bool *owns, *failed; /* for each source */
} TfPreview;

/* A rectangle of the mosaic in the picture, clipped to it. */
TfRect tf_preview_rect(const TfPreview *preview, TfRect rect);

/* Is the source an upright JPEG that is not to be enlarged?  Then its pixels in
 * this size, RGB, or NULL when it cannot be read; the caller frees them. */
bool tf_preview_takes_jpeg(const TfSource *source, int width, int height);
uint8_t *tf_preview_jpeg(const TfSource *source, int width, int height);

/* The whole page: texts, the picture with tints, outlines and numbers, and the
 * legend.  The caller frees page->rgb. */
bool tf_preview_compose(const TfPreview *preview, const TfPreviewOptions *options, const TfPreviewResult *result,
                        TfPage *page, GError **error);
