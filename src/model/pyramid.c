/* SPDX-License-Identifier: MIT */
#include <tiffuse/pyramid.h>

bool tf_pyramid_init(TfPyramid *pyramid, int64_t width, int64_t height, int32_t tile, bool whole_tiles,
                     GError **error)
{
	if (tile < 16 || tile > 8192 || tile % 16 != 0) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
		            "tile=%" G_GINT32_FORMAT ": expected a multiple of 16 from 16 to 8192", tile);
		return false;
	}
	if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "a mosaic of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
		            " pixels: each side must be from 1 to %d",
		            width, height, INT32_MAX);
		return false;
	}
	*pyramid = (TfPyramid){.tile = tile};
	for (;;) {
		g_assert(pyramid->n_levels < TF_MAX_LEVELS); /* 28 levels halve 2^31 down to a tile of 16 */
		pyramid->level[pyramid->n_levels++] =
		        (TfLevel){width, height, tf_ceil_div(width, tile), tf_ceil_div(height, tile)};
		if (width <= tile && height <= tile)
			return true;
		width = tf_ceil_div(width, 2);
		height = tf_ceil_div(height, 2);
		if (whole_tiles && (width < tile || height < tile))
			return true;
	}
}

TfRect tf_pyramid_tile_rect(const TfPyramid *pyramid, TfTile tile)
{
	const TfLevel *level = &pyramid->level[tile.level];
	int64_t side = pyramid->tile;
	TfRect rect = {tile.col * side, tile.row * side, (tile.col + 1) * side, (tile.row + 1) * side};
	return tf_rect_intersect(rect, (TfRect){0, 0, level->width, level->height});
}

TfRect tf_pyramid_tile_base(const TfPyramid *pyramid, TfTile tile)
{
	const TfLevel *base = &pyramid->level[0];
	int64_t side = (int64_t)pyramid->tile << tile.level;
	TfRect rect = {tile.col * side, tile.row * side, (tile.col + 1) * side, (tile.row + 1) * side};
	return tf_rect_intersect(rect, (TfRect){0, 0, base->width, base->height});
}
