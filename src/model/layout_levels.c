/* SPDX-License-Identifier: MIT
 *
 * Levels one after the other, the smallest first, each
 *
 *   blank slot | gap | tiles in raster order | gap
 *
 * with a gap behind each tile of level 2 and up (docs/layout.md).  Every level
 * has a blank slot of its own, because readers that want this order compare
 * where the first tiles of the levels stand, and those may be blank.
 */
#include "layout_private.h"

static uint64_t n_tiles(const TfLayout *layout, int level)
{
	return (uint64_t)(layout->pyramid.level[level].cols * layout->pyramid.level[level].rows);
}

static uint64_t pitch(const TfLayout *layout, int level)
{
	return layout->slot_stride + (level >= 2 ? TF_LAYOUT_GAP : 0);
}

static uint64_t first_tile(const TfLayout *layout, int level)
{
	return layout->level_offset[level] + layout->slot_stride + TF_LAYOUT_GAP;
}

bool tf_layout_levels_place(TfLayout *layout, uint64_t front)
{
	uint64_t at = front;
	layout->blank_offset = front;
	for (int k = layout->pyramid.n_levels - 1; k >= 0; k--) {
		uint64_t tiles;
		layout->level_offset[k] = at;
		layout->level_ordinal[k] = layout->n_slots;
		layout->n_slots += n_tiles(layout, k);
		if (!tf_add_u64(at, layout->slot_stride + TF_LAYOUT_GAP, &at) ||
		    !tf_mul_u64(n_tiles(layout, k), pitch(layout, k), &tiles) || !tf_add_u64(at, tiles, &at) ||
		    !tf_add_u64(at, k < 2 ? TF_LAYOUT_GAP : 0, &at))
			return false;
	}
	layout->tail_offset = at;
	layout->pass_ordinal = layout->level_ordinal[0];
	layout->block_tile_rows = 1;
	layout->block_rows = layout->pyramid.level[0].rows;
	return true;
}

uint64_t tf_layout_levels_offset(const TfLayout *layout, TfTile tile)
{
	uint64_t index = tf_layout_levels_ordinal(layout, tile) - layout->level_ordinal[tile.level];
	return first_tile(layout, tile.level) + index * pitch(layout, tile.level);
}

uint64_t tf_layout_levels_ordinal(const TfLayout *layout, TfTile tile)
{
	return layout->level_ordinal[tile.level] +
	       (uint64_t)(tile.row * layout->pyramid.level[tile.level].cols + tile.col);
}

TfTile tf_layout_levels_tile_at(const TfLayout *layout, uint64_t ordinal)
{
	int level = layout->pyramid.n_levels - 1;
	while (level > 0 && ordinal >= layout->level_ordinal[level - 1])
		level--;
	int64_t index = (int64_t)(ordinal - layout->level_ordinal[level]), cols = layout->pyramid.level[level].cols;
	return (TfTile){level, index % cols, index / cols};
}

TfRegion tf_layout_levels_find(const TfLayout *layout, uint64_t offset)
{
	int level = layout->pyramid.n_levels - 1;
	while (level > 0 && offset >= layout->level_offset[level - 1])
		level--;
	uint64_t blank = layout->level_offset[level], first = first_tile(layout, level), step = pitch(layout, level);
	uint64_t end = first + n_tiles(layout, level) * step;
	if (offset < blank + layout->slot_stride)
		return tf_layout_slot_region(layout, TF_REGION_BLANK, blank, offset);
	if (offset < first)
		return tf_layout_hole(blank + layout->slot_stride, first);
	if (offset >= end)
		return tf_layout_hole(end, end + TF_LAYOUT_GAP);
	uint64_t index = (offset - first) / step, start = first + index * step;
	if (offset >= start + layout->slot_stride)
		return tf_layout_hole(start + layout->slot_stride, start + step);
	TfRegion region = tf_layout_slot_region(layout, TF_REGION_TILE, start, offset);
	if (region.kind == TF_REGION_TILE) {
		region.ordinal = layout->level_ordinal[level] + index;
		region.tile = tf_layout_levels_tile_at(layout, region.ordinal);
	}
	return region;
}

/* A block is a piece of one row of level 0. */
TfBlock tf_layout_levels_block(const TfLayout *layout, int64_t index)
{
	const TfLevel *base = &layout->pyramid.level[0];
	int64_t col = index % layout->block_cols, row = index / layout->block_cols;
	int64_t first = col * TF_LAYOUT_BLOCK_TILES;
	return (TfBlock){.index = index,
	                 .col = col,
	                 .row = row,
	                 .first_ordinal = layout->level_ordinal[0] + (uint64_t)(row * base->cols + first),
	                 .n_slots = (uint64_t)MIN(TF_LAYOUT_BLOCK_TILES, base->cols - first)};
}

int64_t tf_layout_levels_block_of_ordinal(const TfLayout *layout, uint64_t ordinal)
{
	if (ordinal < layout->level_ordinal[0])
		return 0;
	TfTile tile = tf_layout_levels_tile_at(layout, ordinal);
	return tile.row * layout->block_cols + tile.col / TF_LAYOUT_BLOCK_TILES;
}
