/* SPDX-License-Identifier: MIT
 *
 * What can be had of a source that is damaged.  A decoder may meet damage a
 * few rows early, depending on where it began: libjpeg looks one MCU row ahead
 * for its upsampling, further after a jump.  So one way of reading decides:
 * from the top, strip by strip.  It looks ahead least, and so finds good what
 * any other way can read.
 */
#include "source_private.h"

#include <string.h>
#include <tiffuse/canvas.h>

/* All strips hang together: there is nothing between all and none. */
static bool salvage_whole(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n, uint32_t wanted,
                          TfStrip **strip, TfDecodeCount *count, GError **error)
{
	g_autofree TfStrip **strips = g_new0(TfStrip *, n);
	if (!tf_source_read_whole(sources, index, ranges, n, strips, count, error))
		return false;
	*strip = tf_strip_ref(strips[wanted]);
	for (uint32_t i = 0; i < n; i++)
		tf_strip_unref(strips[i]);
	return true;
}

static bool salvage_rows(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n, uint32_t wanted,
                         TfStrip **strip, uint32_t *n_good, TfDecodeCount *count, GError **error)
{
	g_autoptr(TfCursor) cursor = tf_cursor_open(sources, index, 0, error);
	if (!cursor)
		return false;
	for (*n_good = 0; *n_good < n; ++*n_good) {
		TfRows rows = ranges[*n_good];
		g_autoptr(TfStrip) read = tf_cursor_read(cursor, rows.y0, rows.y1, count, error);
		if (!read)
			return false;
		if (*n_good == wanted)
			*strip = g_steal_pointer(&read);
	}
	return true;
}

bool tf_source_salvage(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n, uint32_t wanted,
                       TfStrip **strip, uint32_t *n_good, TfDecodeCount *count, GError **error)
{
	g_autoptr(GError) failure = NULL;
	*strip = NULL;
	*n_good = 0;
	bool whole = tf_source_is_whole(sources, index);
	bool ok = whole ? salvage_whole(sources, index, ranges, n, wanted, strip, count, &failure)
	                : salvage_rows(sources, index, ranges, n, wanted, strip, n_good, count, &failure);
	if (ok)
		*n_good = n;
	if (ok || g_error_matches(failure, TF_ERROR, TF_ERROR_DAMAGED))
		return true;
	g_clear_pointer(strip, tf_strip_unref);
	g_propagate_error(error, g_steal_pointer(&failure));
	return false;
}

static void paint(const TfSources *sources, const TfSamples *samples)
{
	uint8_t ink[TF_MAX_PIXEL_BYTES];
	int size = tf_space_pixel_bytes(samples->space);
	tf_background_samples(samples->space, sources->options.background, ink);
	for (int p = 0; p < tf_space_planes(samples->space); p++) {
		const TfPlane *plane = &samples->plane[p];
		for (int32_t x = 0; x < plane->width; x++)
			memcpy(plane->data + x * size, ink + p, (size_t)size);
		for (int32_t y = 1; y < plane->height; y++)
			memcpy(plane->data + y * plane->stride, plane->data, (size_t)(plane->width * size));
	}
}

TfStrip *tf_source_paint(TfSources *sources, uint32_t index, TfRows rows, GError **error)
{
	const TfSource *source = tf_scene_source(sources->scene, index);
	TfSpace space = sources->options.space;
	int fd = tf_files_acquire(sources->files, index, error);
	if (fd < 0)
		return NULL;
	tf_files_release(sources->files, index, fd);
	int32_t y0 = rows.y0 / space.vsamp * space.vsamp;
	TfSamples *samples = tf_samples_new(space, source->width, rows.y1 - y0, 0, TF_MEMORY_STRIPS, error);
	if (!samples)
		return NULL;
	paint(sources, samples);
	return tf_strip_new(0, y0, samples);
}
