/* SPDX-License-Identifier: MIT
 *
 * The overview store in terms of tiles: which record is whose.
 *
 * First the tiles of level 3 and up, level by level in raster order, then the
 * halves of the tiles of level 3.  From these any upper tile can be averaged:
 * they are a 256th of the mosaic.
 */
#include "engine_private.h"

#include <string.h>
#include <tiffuse/log.h>

enum { K = TF_OVERVIEW_LEVEL };

static uint64_t n_tiles(const TfPyramid *pyramid, int below_level)
{
	uint64_t n = 0;
	for (int k = K; k < below_level; k++)
		n += (uint64_t)pyramid->level[k].cols * (uint64_t)pyramid->level[k].rows;
	return n;
}

static uint64_t tile_record(const TfPyramid *pyramid, TfTile tile)
{
	return n_tiles(pyramid, tile.level) + (uint64_t)(tile.row * pyramid->level[tile.level].cols + tile.col);
}

static uint64_t quarter_record(const TfPyramid *pyramid, TfTile tile)
{
	return n_tiles(pyramid, pyramid->n_levels) + (uint64_t)(tile.row * pyramid->level[K].cols + tile.col);
}

static size_t packed_bytes(const TfSamples *samples)
{
	size_t bytes = 0;
	for (int p = 0; p < tf_space_planes(samples->space); p++)
		bytes += (size_t)samples->plane[p].width * (size_t)samples->plane[p].height *
		         (size_t)tf_space_pixel_bytes(samples->space);
	return bytes;
}

void tf_overviews_open(TfEngine *engine, const TfEngineOptions *options)
{
	const TfMosaic *mosaic = engine->mosaic;
	const TfPyramid *pyramid = &mosaic->pyramid;
	if (mosaic->top_own_level > 0)
		return; /* what is handed out need not be kept, and little lies above */
	if (!options->cache_dir || options->cache_bytes == 0 || pyramid->n_levels <= K)
		return;
	uint64_t half = tf_samples_size(mosaic->encoder.space, pyramid->tile / 2, pyramid->tile / 2);
	TfOverviewPlan plan = {.folder = options->cache_dir,
	                       .fingerprint = mosaic->fingerprint,
	                       .max_bytes = options->cache_bytes,
	                       .n_records = n_tiles(pyramid, pyramid->n_levels) +
	                                    (uint64_t)(pyramid->level[K].cols * pyramid->level[K].rows),
	                       .record_bytes = MAX(mosaic->encoder.slot_bytes, half)};
	g_autoptr(GError) error = NULL;
	engine->overview = tf_overview_open(&plan, &error);
	if (!engine->overview)
		tf_log(TF_LOG_WARNING, "%s; upper tiles are not kept for the next mount", error->message);
}

/* A copy in memory that the books know. */
static GBytes *counted_copy(GBytes *bytes)
{
	gsize length;
	const void *data = g_bytes_get_data(bytes, &length);
	return tf_encode_counted(data, length, NULL);
}

GBytes *tf_overviews_tile(TfEngine *engine, TfTile tile)
{
	g_autoptr(GBytes) bytes = tf_overview_get(engine->overview, tile_record(&engine->mosaic->pyramid, tile));
	if (!bytes)
		return NULL;
	tf_count(&engine->counters.overview_hits, 1);
	return counted_copy(bytes);
}

TfSamples *tf_overviews_quarter(TfEngine *engine, TfTile tile)
{
	const TfMosaic *mosaic = engine->mosaic;
	g_autoptr(GBytes) bytes = tf_overview_get(engine->overview, quarter_record(&mosaic->pyramid, tile));
	TfRect r = tf_pyramid_tile_rect(&mosaic->pyramid, tile);
	g_autoptr(TfSamples) half =
	        bytes ? tf_samples_new(mosaic->encoder.space, (int32_t)tf_ceil_div(r.x1 - r.x0, 2),
	                               (int32_t)tf_ceil_div(r.y1 - r.y0, 2), 0, TF_MEMORY_CANVASES, NULL)
	              : NULL;
	gsize length = 0;
	const uint8_t *from = bytes ? g_bytes_get_data(bytes, &length) : NULL;
	if (!half || length != packed_bytes(half))
		return NULL;
	for (int p = 0; p < tf_space_planes(half->space); p++) {
		const TfPlane *plane = &half->plane[p];
		size_t row = (size_t)(plane->width * tf_space_pixel_bytes(half->space));
		for (int32_t y = 0; y < plane->height; y++, from += row)
			memcpy(plane->data + y * plane->stride, from, row);
	}
	tf_count(&engine->counters.overview_hits, 1);
	return g_steal_pointer(&half);
}

static bool keep_quarter(TfEngine *engine, TfTile tile, const TfSamples *quarter, GError **error)
{
	size_t length = packed_bytes(quarter);
	g_autofree uint8_t *packed = g_try_malloc(length);
	uint8_t *at = packed;
	for (int p = 0; packed && p < tf_space_planes(quarter->space); p++) {
		const TfPlane *plane = &quarter->plane[p];
		size_t row = (size_t)(plane->width * tf_space_pixel_bytes(quarter->space));
		for (int32_t y = 0; y < plane->height; y++, at += row)
			memcpy(at, plane->data + y * plane->stride, row);
	}
	return !packed || tf_overview_put(engine->overview, quarter_record(&engine->mosaic->pyramid, tile), packed, length, error);
}

void tf_overviews_keep(TfEngine *engine, TfTile tile, GBytes *bytes, const TfSamples *quarter)
{
	gsize length;
	g_autoptr(GError) error = NULL;
	const void *data = g_bytes_get_data(bytes, &length);
	bool ok = tf_overview_put(engine->overview, tile_record(&engine->mosaic->pyramid, tile), data, length, &error) &&
	          (!quarter || tile.level != K || keep_quarter(engine, tile, quarter, &error));
	if (!ok)
		tf_log_once(TF_LOG_WARNING, "overview", "%s; upper tiles are not kept any more", error->message);
}
