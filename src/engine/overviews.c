/* SPDX-License-Identifier: MIT
 *
 * The overview store in terms of tiles: which record is whose.
 *
 * First the tiles of keep_level and up, level by level in raster order, then
 * the halves of the tiles of level 3.  From these any tile above can be averaged:
 * they are a 256th of the mosaic.
 */
#include "engine_private.h"

#include <string.h>
#include <tiffuse/log.h>

enum { K = TF_OVERVIEW_LEVEL };

static uint64_t n_tiles(const TfEngine *engine, int below_level)
{
	const TfPyramid *pyramid = &engine->mosaic->pyramid;
	uint64_t n = 0;
	for (int k = engine->keep_level; k < below_level; k++)
		n += (uint64_t)pyramid->level[k].cols * (uint64_t)pyramid->level[k].rows;
	return n;
}

static uint64_t tile_record(const TfEngine *engine, TfTile tile)
{
	const TfLevel *level = &engine->mosaic->pyramid.level[tile.level];
	return n_tiles(engine, tile.level) + (uint64_t)(tile.row * level->cols + tile.col);
}

static uint64_t quarter_record(const TfEngine *engine, TfTile tile)
{
	const TfPyramid *pyramid = &engine->mosaic->pyramid;
	return n_tiles(engine, pyramid->n_levels) + (uint64_t)(tile.row * pyramid->level[K].cols + tile.col);
}

static uint64_t n_quarters(const TfPyramid *pyramid)
{
	return pyramid->n_levels > K ? (uint64_t)(pyramid->level[K].cols * pyramid->level[K].rows) : 0;
}

static size_t packed_bytes(const TfSamples *samples)
{
	size_t bytes = 0;
	for (int p = 0; p < tf_space_planes(samples->space); p++)
		bytes += (size_t)samples->plane[p].width * (size_t)samples->plane[p].height *
		         (size_t)tf_space_pixel_bytes(samples->space);
	return bytes;
}

/* Who copies a file with the smallest level first would decode the sources for
 * each level anew. */
static void warn_if_small(const TfEngine *engine, const TfOverviewPlan *plan, uint64_t half)
{
	const TfMosaic *mosaic = engine->mosaic;
	double share = (double)mosaic->layout.pass_ordinal / (double)mosaic->layout.n_slots;
	uint64_t tiles = (uint64_t)(share * (double)tf_mosaic_estimate_bytes(mosaic));
	uint64_t need = tiles + n_quarters(&mosaic->pyramid) * half;
	if (mosaic->layout.pass_ordinal == 0 || need <= plan->max_bytes)
		return;
	g_autofree char *want = g_format_size_full(need, G_FORMAT_SIZE_IEC_UNITS);
	tf_log(TF_LOG_WARNING, "the reduced levels take about %s: give %s that much, or a copy decodes the sources once for each level",
	       want, plan->fingerprint ? "cache-size=" : "spool=");
}

void tf_overviews_open(TfEngine *engine, const TfEngineOptions *options)
{
	const TfMosaic *mosaic = engine->mosaic;
	const TfPyramid *pyramid = &mosaic->pyramid;
	if (mosaic->top_own_level > 0)
		return; /* what is handed out need not be kept, and little lies above */
	bool keeps_all = mosaic->layout.pass_ordinal > 0, named = options->cache_dir && options->cache_bytes > 0;
	engine->keep_level = keeps_all ? 1 : K;
	if (pyramid->n_levels <= engine->keep_level || (!named && !keeps_all))
		return;
	if (!named && options->spool_bytes == 0) {
		tf_log(TF_LOG_WARNING, "without cache-dir= or spool= a copy decodes the sources once for each level");
		return;
	}
	uint64_t half = tf_samples_size(mosaic->encoder.space, pyramid->tile / 2, pyramid->tile / 2);
	TfOverviewPlan plan = {.folder = named ? options->cache_dir : options->spool_dir,
	                       .fingerprint = named ? mosaic->fingerprint : NULL,
	                       .max_bytes = named ? options->cache_bytes : options->spool_bytes,
	                       .n_records = n_tiles(engine, pyramid->n_levels) + n_quarters(pyramid),
	                       .record_bytes = MAX(mosaic->encoder.slot_bytes, half)};
	g_autoptr(GError) error = NULL;
	engine->overview = tf_overview_open(&plan, &error);
	warn_if_small(engine, &plan, half);
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

bool tf_overviews_has(TfEngine *engine, TfTile tile)
{
	g_autoptr(GBytes) bytes = tf_overview_get(engine->overview, tile_record(engine, tile));
	return bytes != NULL;
}

GBytes *tf_overviews_tile(TfEngine *engine, TfTile tile)
{
	g_autoptr(GBytes) bytes = tf_overview_get(engine->overview, tile_record(engine, tile));
	if (!bytes)
		return NULL;
	tf_count(&engine->counters.overview_hits, 1);
	return counted_copy(bytes);
}

TfSamples *tf_overviews_quarter(TfEngine *engine, TfTile tile)
{
	const TfMosaic *mosaic = engine->mosaic;
	g_autoptr(GBytes) bytes = tf_overview_get(engine->overview, quarter_record(engine, tile));
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
	return !packed || tf_overview_put(engine->overview, quarter_record(engine, tile), packed, length, error);
}

void tf_overviews_keep(TfEngine *engine, TfTile tile, GBytes *bytes, const TfSamples *quarter)
{
	gsize length;
	g_autoptr(GError) error = NULL;
	const void *data = g_bytes_get_data(bytes, &length);
	bool ok = tf_overview_put(engine->overview, tile_record(engine, tile), data, length, &error) &&
	          (!quarter || tile.level != K || keep_quarter(engine, tile, quarter, &error));
	if (!ok)
		tf_log_once(TF_LOG_WARNING, "overview", "%s; upper tiles are not kept any more", error->message);
}
