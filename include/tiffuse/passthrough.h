/* SPDX-License-Identifier: MIT
 *
 * Source JPEGs that are handed out as tiles as they are, less their APPn and
 * COM segments.  They are not decoded: what of them is checked are the markers
 * (src/pixels/markers.h has the rules).
 *
 * Threads: any; tf_passthrough_probe() starts and joins its own.
 */
#pragma once
#include <tiffuse/source.h>

/* Is the file, as far as its header tells, a JPEG that could be handed out as a
 * tile of `side` px?  (Neither place nor colour is looked at.) */
bool tf_passthrough_may_fit(const TfImageInfo *info, int32_t side);

typedef struct {
	const char *path;
	TfImageInfo *info; /* as probed; gets its stream_bytes */
} TfPassthroughFile;

/* Looks through whole files.  One that cannot be read, or that is not the one
 * that was probed, stays TF_STREAM_UNKNOWN: who reads it is told why. */
void tf_passthrough_probe(const TfPassthroughFile *files, uint32_t n, unsigned threads);

/* The stream of a source whose stream_bytes are known, counted as
 * TF_MEMORY_TILES.  CHANGED; DAMAGED when its markers do not fit any more;
 * MISSING, ACCESS, IO, NO_MEMORY. */
GBytes *tf_passthrough_read(TfSources *sources, uint32_t index, GError **error);
