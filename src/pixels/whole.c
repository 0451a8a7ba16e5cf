/* SPDX-License-Identifier: MIT
 *
 * Sources that are decoded as a whole: progressive JPEGs, whose coefficients
 * are complete only after the last scan, and those that are turned, whose last
 * row may be needed first.  The source is decoded once, from the top, in
 * chunks; each chunk is turned and dealt out to the strips that it touches.
 */
#include "source_private.h"

#include <errno.h>
#include <string.h>

enum { CHUNK_ROWS = 256 };

typedef struct {
	const TfSource *source;
	const TfRows *ranges;
	uint32_t n;
	TfStrip **strips;
	int size; /* bytes per pixel: turning moves them as so many bands */
} Deal;

/* Where rows [y0, y1) of the stored image lie in the placed one. */
static TfRect turned_rect(const TfSource *source, int32_t y0, int32_t y1)
{
	int32_t w = source->width, h = source->height;
	switch (source->orientation) {
	case 3:
	case 4:
		return (TfRect){0, h - y1, w, h - y0};
	case 5:
	case 8: /* stored rows become columns, from the left */
		return (TfRect){y0, 0, y1, h};
	case 6:
	case 7: /* ... from the right */
		return (TfRect){w - y1, 0, w - y0, h};
	default:
		return (TfRect){0, y0, w, y1};
	}
}

/* EXIF 2.32, tag 0x0112: what must be done to the stored image to show it. */
static VipsImage *turn(VipsImage *in, int orientation)
{
	static const struct {
		VipsAngle angle;
		bool mirror; /* left to right, after the rotation */
	} steps[9] = {
	        [1] = {VIPS_ANGLE_D0, false},  [2] = {VIPS_ANGLE_D0, true},   [3] = {VIPS_ANGLE_D180, false},
	        [4] = {VIPS_ANGLE_D180, true}, [5] = {VIPS_ANGLE_D90, true},  [6] = {VIPS_ANGLE_D90, false},
	        [7] = {VIPS_ANGLE_D270, true}, [8] = {VIPS_ANGLE_D270, false},
	};
	VipsImage *rotated = NULL, *mirrored = NULL;
	if (vips_rot(in, &rotated, steps[orientation].angle, NULL) || !steps[orientation].mirror)
		return rotated;
	int failed = vips_flip(rotated, &mirrored, VIPS_DIRECTION_HORIZONTAL, NULL);
	g_object_unref(rotated);
	return failed ? NULL : mirrored;
}

static void deal_out(const Deal *deal, const VipsRegion *region, TfRect at)
{
	for (uint32_t i = 0; i < deal->n; i++) {
		TfSamples *to = deal->strips[i]->samples;
		int32_t top = deal->strips[i]->y0;
		int64_t y0 = MAX(at.y0, top), y1 = MIN(at.y1, top + to->height);
		for (int64_t y = y0; y < y1; y++)
			memcpy(to->plane[0].data + (y - top) * to->plane[0].stride + at.x0 * deal->size,
			       VIPS_REGION_ADDR(region, 0, y - at.y0), (size_t)((at.x1 - at.x0) * deal->size));
	}
}

static bool deal_chunk(const Deal *deal, const TfStrip *chunk, GError **error)
{
	const TfPlane *plane = &chunk->samples->plane[0];
	TfRect at = turned_rect(deal->source, chunk->y0, chunk->y0 + plane->height);
	g_autofree uint8_t *packed = g_try_malloc((size_t)plane->width * deal->size * plane->height);
	if (!packed)
		return tf_error_set_errno(error, ENOMEM, "%s", deal->source->path);
	for (int32_t y = 0; y < plane->height; y++)
		memcpy(packed + (size_t)y * plane->width * deal->size, plane->data + y * plane->stride,
		       (size_t)plane->width * deal->size);
	g_autoptr(VipsImage) image = vips_image_new_from_memory(
	        packed, (size_t)plane->width * deal->size * plane->height, plane->width, plane->height, deal->size,
	        VIPS_FORMAT_UCHAR);
	g_autoptr(VipsImage) turned = image ? turn(image, deal->source->orientation) : NULL;
	g_autoptr(VipsRegion) region = turned ? vips_region_new(turned) : NULL;
	VipsRect all = {0, 0, (int)(at.x1 - at.x0), (int)(at.y1 - at.y0)};
	if (!region || vips_region_prepare(region, &all))
		return tf_vips_fail(error, TF_ERROR_NO_MEMORY, deal->source->path);
	deal_out(deal, region, at);
	return true;
}

static bool read_turned(TfCursor *cursor, const Deal *deal, TfDecodeCount *count, GError **error)
{
	for (int32_t y = 0; y < deal->source->info.height; y += CHUNK_ROWS) {
		int32_t end = MIN(y + CHUNK_ROWS, deal->source->info.height);
		g_autoptr(TfStrip) chunk = tf_cursor_read(cursor, y, end, count, error);
		if (!chunk || !deal_chunk(deal, chunk, error))
			return false;
	}
	return true;
}

static bool allocate_strips(TfSources *sources, const Deal *deal, GError **error)
{
	for (uint32_t i = 0; i < deal->n; i++) {
		TfSamples *samples =
		        tf_samples_new(sources->options.space, deal->source->width,
		                       deal->ranges[i].y1 - deal->ranges[i].y0, 0, TF_MEMORY_STRIPS, error);
		if (!samples)
			return false;
		deal->strips[i] = tf_strip_new(0, deal->ranges[i].y0, samples);
	}
	return true;
}

static bool read_upright(TfCursor *cursor, const Deal *deal, TfDecodeCount *count, GError **error)
{
	for (uint32_t i = 0; i < deal->n; i++) {
		deal->strips[i] = tf_cursor_read(cursor, deal->ranges[i].y0, deal->ranges[i].y1, count, error);
		if (!deal->strips[i])
			return false;
	}
	return true;
}

bool tf_source_read_whole(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n,
                          TfStrip **strips, TfDecodeCount *count, GError **error)
{
	const TfSource *source = tf_scene_source(sources->scene, index);
	g_autoptr(TfCursor) cursor = tf_cursor_open(sources, index, 0, error);
	if (!cursor)
		return false;
	memset(strips, 0, n * sizeof *strips);
	Deal deal = {source, ranges, n, strips, tf_space_pixel_bytes(sources->options.space)};
	bool ok = source->orientation > 2
	                  ? allocate_strips(sources, &deal, error) && read_turned(cursor, &deal, count, error)
	                  : read_upright(cursor, &deal, count, error);
	for (uint32_t i = 0; !ok && i < n; i++)
		g_clear_pointer(&strips[i], tf_strip_unref);
	return ok;
}
