/* SPDX-License-Identifier: MIT
 *
 * Sources that are exactly one tile: which they are, the side of a tile that
 * makes them so, and what that does to the slots.
 */
#include "mosaic_private.h"

#include <tiffuse/passthrough.h>

bool tf_passthrough_is_wanted(const TfMosaicOptions *options)
{
	/* Who wants damage painted wants it found, and only decoding finds it. */
	return options->passthrough && options->compression == TF_COMPRESSION_JPEG && !options->flat &&
	       !options->paint_damage;
}

/* --- tile=auto ------------------------------------------------------------------ */

enum { MIN_TILE = 64, MAX_TILE = 4096 };

static bool is_placed(const TfPlacement *p)
{
	return p->info->width > 0;
}

static bool is_square_tile(const TfPlacement *p)
{
	int32_t side = p->info->width;
	return side >= MIN_TILE && side <= MAX_TILE && side % 16 == 0 && p->orientation == 1 &&
	       tf_passthrough_may_fit(p->info, side);
}

/* The key that occurs most often; of equals the larger one.  0 if there is none. */
static uint32_t most_frequent(GHashTable *counts)
{
	GHashTableIter iter;
	gpointer key, count;
	uint32_t best = 0, best_count = 0;
	g_hash_table_iter_init(&iter, counts);
	while (g_hash_table_iter_next(&iter, &key, &count)) {
		uint32_t k = GPOINTER_TO_UINT(key), n = GPOINTER_TO_UINT(count);
		if (n < best_count || (n == best_count && k < best))
			continue;
		best = k;
		best_count = n;
	}
	return best;
}

static void count_key(GHashTable *counts, uint32_t key)
{
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, GUINT_TO_POINTER(key)));
	g_hash_table_insert(counts, GUINT_TO_POINTER(key), GUINT_TO_POINTER(n + 1));
}

static bool is_on_grid(const TfPlacement *p, int32_t side)
{
	return p->position.x % side == 0 && p->position.y % side == 0;
}

/* One source is always on a grid, the one in the corner: nine tenths of all
 * must be, and none of these larger than a tile. */
static bool is_tiling(const TfPlacement *placements, guint n, int32_t side)
{
	uint64_t all = 0, fitting = 0;
	for (guint i = 0; i < n; i++) {
		const TfPlacement *p = &placements[i];
		all += is_placed(p);
		fitting += is_placed(p) && is_on_grid(p, side) && p->info->width <= side && p->info->height <= side;
	}
	return fitting * 10 >= all * 9;
}

int32_t tf_passthrough_side(const TfPlacement *placements, guint n)
{
	g_autoptr(GHashTable) sides = g_hash_table_new(NULL, NULL);
	for (guint i = 0; i < n; i++)
		if (is_square_tile(&placements[i]))
			count_key(sides, (uint32_t)placements[i].info->width);
	int32_t side = (int32_t)most_frequent(sides);
	return side > 0 && is_tiling(placements, n, side) ? side : 0;
}

void tf_passthrough_sampling(const TfPlacement *placements, guint n, int32_t side, int *hsamp, int *vsamp)
{
	g_autoptr(GHashTable) samplings = g_hash_table_new(NULL, NULL);
	for (guint i = 0; i < n; i++) {
		const TfImageInfo *info = placements[i].info;
		if (info->colour == TF_COLOUR_YCBCR && info->width == side && is_square_tile(&placements[i]))
			count_key(samplings, (uint32_t)info->hsamp << 8 | info->vsamp);
	}
	uint32_t sampling = most_frequent(samplings);
	if (sampling == 0)
		return;
	*hsamp = (int)(sampling >> 8);
	*vsamp = (int)(sampling & 0xFF);
}

/* Sources outside of crop= are no tiles of anything. */
static bool is_inside(const TfPlacement *p, TfRect crop)
{
	TfRect rect = {p->position.x, p->position.y, p->position.x + p->info->width, p->position.y + p->info->height};
	TfRect extent = {0, 0, crop.x1 - crop.x0, crop.y1 - crop.y0};
	return tf_rect_is_empty(crop) || !tf_rect_is_empty(tf_rect_intersect(rect, extent));
}

/* --- looking through files --------------------------------------------------------- */

uint32_t tf_passthrough_scan(const TfPlacement *placements, guint n, const TfMosaicOptions *options)
{
	g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(TfPassthroughFile));
	for (guint i = 0; i < n; i++) {
		const TfPlacement *p = &placements[i];
		const TfImageInfo *info = p->info;
		bool colour = info->colour == TF_COLOUR_GREY ||
		              (info->hsamp == options->hsamp && info->vsamp == options->vsamp);
		if (info->stream_bytes != TF_STREAM_UNKNOWN || !colour || p->orientation != 1 ||
		    !tf_passthrough_may_fit(info, options->tile) || !is_on_grid(p, options->tile) ||
		    !is_inside(p, options->crop))
			continue;
		TfPassthroughFile file = {p->path, p->info};
		g_array_append_val(files, file);
	}
	tf_passthrough_probe((const TfPassthroughFile *)(void *)files->data, files->len, options->threads);
	return files->len;
}

/* --- tiles --------------------------------------------------------------------------- */

static bool is_passable(const TfMosaic *mosaic, const TfSource *source)
{
	const TfEncoder *encoder = &mosaic->encoder;
	const TfImageInfo *info = &source->info;
	if (info->stream_bytes <= TF_STREAM_UNFIT || info->stream_bytes > mosaic->max_stream_bytes ||
	    source->orientation != 1 || (mosaic->to_srgb && info->icc != 0))
		return false;
	if (encoder->space.kind == TF_SPACE_GREY)
		return info->colour == TF_COLOUR_GREY;
	return info->colour == TF_COLOUR_YCBCR && info->hsamp == encoder->hsamp && info->vsamp == encoder->vsamp;
}

/* The source whose pixels alone are seen in the rectangle, if it covers it. */
static int64_t sole_source(const TfScene *scene, TfRect rect)
{
	if (tf_scene_blend(scene) != TF_BLEND_FEATHER)
		return tf_scene_topmost(scene, rect);
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	tf_scene_query(scene, rect, all);
	return all->len == 1 ? (int64_t)g_array_index(all, uint32_t, 0) : -1;
}

int64_t tf_mosaic_passed(const TfMosaic *mosaic, TfTile tile)
{
	if (mosaic->max_stream_bytes == 0 || tile.level > mosaic->top_own_level)
		return -1;
	int64_t side = mosaic->pyramid.tile;
	TfRect rect = tf_pyramid_tile_rect(&mosaic->pyramid, tile);
	int64_t index = sole_source(tf_scene_at_level(mosaic->scene, tile.level), rect);
	if (index < 0)
		return -1;
	const TfSource *source = tf_scene_source(mosaic->scene, (uint32_t)index);
	TfRect seen = tf_scene_source_rect(mosaic->scene, (uint32_t)index);
	bool exact = source->width == side && source->height == side && source->x == tile.col * side &&
	             source->y == tile.row * side && seen.x0 == rect.x0 && seen.y0 == rect.y0 && seen.x1 == rect.x1 &&
	             seen.y1 == rect.y1;
	return exact && is_passable(mosaic, source) ? index : -1;
}

uint64_t tf_mosaic_passed_bytes(const TfMosaic *mosaic, TfTile tile)
{
	int64_t index = tf_mosaic_passed(mosaic, tile);
	return index < 0 ? 0 : tf_scene_source(mosaic->scene, (uint32_t)index)->info.stream_bytes;
}

/* --- slots --------------------------------------------------------------------------- */

/* Room for the tile of background at any quality: a pixel of an even tile costs
 * a 36th of a byte at most, the header some 700 bytes.  16 less than a multiple
 * of 4 KiB, as tf_encode_slot_bytes() has it. */
static uint64_t blank_bytes(const TfEncoder *encoder)
{
	return MAX((uint64_t)encoder->tile * (uint64_t)encoder->tile / 16, 4 * TF_KIB) - 16;
}

/* The largest tile that is a source, and whether any is composed. */
static void look_at_level(const TfMosaic *mosaic, int level, uint64_t *largest, bool *composed)
{
	const TfLevel *size = &mosaic->pyramid.level[level];
	TfTile tile = {.level = level};
	for (tile.row = 0; tile.row < size->rows; tile.row++)
		for (tile.col = 0; tile.col < size->cols; tile.col++) {
			uint64_t bytes = tf_mosaic_passed_bytes(mosaic, tile);
			*largest = MAX(*largest, bytes);
			*composed = *composed || (bytes == 0 && !tf_mosaic_is_blank(mosaic, tile));
		}
}

void tf_mosaic_plan_passthrough(TfMosaic *mosaic, const TfMosaicOptions *options)
{
	TfEncoder *encoder = &mosaic->encoder;
	if (!tf_passthrough_is_wanted(options))
		return;
	mosaic->max_stream_bytes = options->slot_bytes ? MIN(options->slot_bytes, UINT32_MAX) : UINT32_MAX;
	bool composed = mosaic->pyramid.n_levels - 1 > mosaic->top_own_level;
	uint64_t largest = 0;
	for (int k = 0; k <= mosaic->top_own_level; k++)
		look_at_level(mosaic, k, &largest, &composed);
	if (largest == 0)
		mosaic->max_stream_bytes = 0;
	else if (!options->slot_bytes)
		encoder->slot_bytes = MAX(largest, composed ? encoder->slot_bytes : blank_bytes(encoder));
}
