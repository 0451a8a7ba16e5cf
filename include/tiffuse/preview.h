/* SPDX-License-Identifier: MIT
 *
 * A picture of an arrangement: each source's outline and number over a small
 * mosaic of the real images, overlaps and holes tinted.  It is for looking,
 * not for measuring: sources go through libvips' thumbnails, at their place
 * rounded to the pixels of the picture.
 *
 * Memory: some 30 MB for the picture, whatever the mosaic, and what the
 * decoders of `threads` sources take.
 *
 * Threads: one caller; starts and joins its own.
 */
#pragma once
#include <tiffuse/scene.h>

typedef struct {
	const char *const *lines; /* texts above the picture, up to NULL; ASCII, shown in capitals */
	double pixel_um;          /* for the scale bar; 0: it counts pixels */
	TfRect hole, overlap;     /* the worst of each, marked when large enough; or empty */
	uint8_t background[3];
	unsigned threads;
	double seconds; /* no image is begun after this time: the rest stays grey */
} TfPreviewOptions;

typedef struct {
	uint32_t n_shown, n_late, n_failed; /* images decoded, left out for lack of time, not readable */
} TfPreviewResult;

/* Writes a PNG, over a file that stands there.  ACCESS, IO and their like for
 * the file, NO_MEMORY; sources that cannot be read are crossed out. */
bool tf_preview_write(const TfScene *scene, const char *path, const TfPreviewOptions *options,
                      TfPreviewResult *result, GError **error);
