/* SPDX-License-Identifier: MIT
 *
 * The numbers of docs/layout.md.  In front of block `index` stand
 *
 *   plain(index)    slots of levels 0 and 1, side by side,
 *   guarded(index)  slots of levels 2 and up, each with a gap before it,
 *   index           gaps, one at the end of each block,
 *
 * and all three are closed forms, because a block's row and column say which
 * tiles are complete in front of it.  That makes addresses cheap in one
 * direction and a bisection in the other; a table of block starts would be
 * faster but grow with the mosaic.
 */
#include "layout_private.h"

#define ALIGNMENT (4 * TF_KIB)
#define GAP TF_LAYOUT_GAP
#define FRONT (8 * TF_MIB)
#define TAIL (8 * TF_MIB)
#define BLOCK_TILES TF_LAYOUT_BLOCK_TILES

typedef struct {
	uint64_t plain, guarded;
} Counts;

/* Tiles of a level with `side` tiles along a block's side that stand in the
 * blocks before (row, col). */
static uint64_t plain_before(const TfLevel *level, int64_t side, int64_t row, int64_t col)
{
	int64_t above = MIN(row * side, level->rows);
	int64_t height = MIN(side, level->rows - above);
	return above * level->cols + height * col * side;
}

/* Does block (row, col) complete a tile of level k >= 3?  Then it completes
 * one of each level between 3 and k too. */
static bool completes_row(const TfLayout *layout, int level, int64_t row)
{
	return (row + 1) % (INT64_C(1) << (level - 2)) == 0 || row == layout->block_rows - 1;
}

static bool completes_col(const TfLayout *layout, int level, int64_t col)
{
	return (col + 1) % (INT64_C(1) << (level - 2)) == 0 || col == layout->block_cols - 1;
}

/* Tiles of level k >= 3 that are complete before block (row, col), which may
 * be the end, (block_rows, 0). */
static uint64_t upper_before(const TfLayout *layout, int level, int64_t row, int64_t col)
{
	const TfLevel *tiles = &layout->pyramid.level[level];
	if (row == layout->block_rows)
		return tiles->rows * tiles->cols;
	uint64_t n = (row >> (level - 2)) * tiles->cols;
	if (completes_row(layout, level, row))
		n += col >> (level - 2);
	return n;
}

static Counts counts_before(const TfLayout *layout, int64_t index)
{
	const TfPyramid *pyramid = &layout->pyramid;
	int64_t row = index / layout->block_cols, col = index % layout->block_cols;
	Counts counts = {.plain = plain_before(&pyramid->level[0], BLOCK_TILES, row, col)};
	if (pyramid->n_levels > 1)
		counts.plain += plain_before(&pyramid->level[1], BLOCK_TILES / 2, row, col);
	if (pyramid->n_levels > 2)
		counts.guarded = index;
	for (int k = 3; k < pyramid->n_levels; k++)
		counts.guarded += upper_before(layout, k, row, col);
	return counts;
}

/* A block's tiles: cols[k] x rows[k] of level k = 0 and 1, then `guarded`
 * single ones of levels 2, 3, ... */
typedef struct {
	int64_t col, row;
	int64_t cols[2], rows[2];
	uint64_t plain, guarded;
} Shape;

static Shape block_shape(const TfLayout *layout, int64_t index)
{
	const TfPyramid *pyramid = &layout->pyramid;
	Shape shape = {.col = index % layout->block_cols, .row = index / layout->block_cols};
	for (int k = 0; k < MIN(2, pyramid->n_levels); k++) {
		int64_t side = BLOCK_TILES >> k;
		shape.cols[k] = MIN(side, pyramid->level[k].cols - shape.col * side);
		shape.rows[k] = MIN(side, pyramid->level[k].rows - shape.row * side);
		shape.plain += shape.cols[k] * shape.rows[k];
	}
	int k = 2;
	while (k < pyramid->n_levels &&
	       (k == 2 || (completes_row(layout, k, shape.row) && completes_col(layout, k, shape.col))))
		k++;
	shape.guarded = k - 2;
	return shape;
}

static uint64_t n_blocks(const TfLayout *layout)
{
	return layout->block_cols * layout->block_rows;
}

static uint64_t block_offset(const TfLayout *layout, int64_t index)
{
	Counts before = counts_before(layout, index);
	return layout->blocks_offset + before.plain * layout->slot_stride +
	       before.guarded * (layout->slot_stride + GAP) + index * GAP;
}

static uint64_t block_ordinal(const TfLayout *layout, int64_t index)
{
	Counts before = counts_before(layout, index);
	return before.plain + before.guarded;
}

/* The last block whose start (offset or ordinal) is not above `value`. */
static int64_t find_block(const TfLayout *layout, uint64_t (*start)(const TfLayout *, int64_t), uint64_t value)
{
	int64_t low = 0, high = n_blocks(layout);
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (start(layout, middle) <= value)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Slot `i` of a block, counted from its first. */
static TfTile tile_in_block(const Shape *shape, uint64_t i)
{
	if (i >= shape->plain) {
		int up = i - shape->plain;
		return (TfTile){2 + up, shape->col >> up, shape->row >> up};
	}
	int level = 0;
	uint64_t n0 = shape->cols[0] * shape->rows[0];
	if (i >= n0) {
		level = 1;
		i -= n0;
	}
	int64_t side = BLOCK_TILES >> level;
	return (TfTile){level, shape->col * side + (int64_t)i % shape->cols[level],
	                shape->row * side + (int64_t)i / shape->cols[level]};
}

static uint64_t place_in_block(const Shape *shape, TfTile tile)
{
	if (tile.level >= 2)
		return shape->plain + tile.level - 2;
	int64_t side = BLOCK_TILES >> tile.level;
	uint64_t before = tile.level == 1 ? shape->cols[0] * shape->rows[0] : 0;
	return before + (tile.row - shape->row * side) * shape->cols[tile.level] + (tile.col - shape->col * side);
}

bool tf_layout_header_bound(const TfPyramid *pyramid, uint64_t extra_bytes, uint64_t *bound, GError **error)
{
	/* The BigTIFF header is 16 bytes; an IFD has at most 25 entries of 20
	 * bytes, and 1 KiB leaves room for the small values outside of them. */
	uint64_t sum = 16;
	bool fits = true;
	if (pyramid->level[0].cols * pyramid->level[0].rows > UINT32_MAX) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " tiles: TIFF can count %u in a level",
		            pyramid->level[0].cols, pyramid->level[0].rows, UINT32_MAX);
		return false;
	}
	for (int k = 0; k < pyramid->n_levels; k++) {
		uint64_t tiles = pyramid->level[k].cols * pyramid->level[k].rows;
		fits = fits && tf_add_u64(sum, TF_KIB + tiles * (8 + 4), &sum) && tf_add_u64(sum, extra_bytes, &sum);
	}
	if (!fits || sum > INT64_MAX) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "the TIFF header would exceed 2^63-1 bytes (%" G_GUINT64_FORMAT
		            " bytes of profile and text in each level)",
		            extra_bytes);
		return false;
	}
	*bound = sum;
	return true;
}

/* Every later sum and product is part of one that is checked here: addresses
 * grow with the block's index, so none exceeds file_bytes <= 2^63-1, and the
 * counts of slots stay below 2^55 because a level has at most 2^27 x 2^27 tiles. */
static bool place_blocks(TfLayout *layout, uint64_t front)
{
	Counts all = counts_before(layout, n_blocks(layout));
	uint64_t plain, guarded, gaps;
	layout->blank_offset = front;
	layout->n_slots = all.plain + all.guarded;
	return tf_add_u64(layout->blank_offset, layout->slot_stride + GAP, &layout->blocks_offset) &&
	       tf_mul_u64(all.plain, layout->slot_stride, &plain) &&
	       tf_mul_u64(all.guarded, layout->slot_stride + GAP, &guarded) &&
	       tf_mul_u64(n_blocks(layout), GAP, &gaps) &&
	       tf_add_u64(layout->blocks_offset, plain, &layout->tail_offset) &&
	       tf_add_u64(layout->tail_offset, guarded, &layout->tail_offset) &&
	       tf_add_u64(layout->tail_offset, gaps, &layout->tail_offset);
}

static bool place_regions(TfLayout *layout, uint64_t header_bytes)
{
	uint64_t front;
	if (!tf_round_up_u64(header_bytes, ALIGNMENT, &front) ||
	    !tf_round_up_u64(layout->slot_bytes, ALIGNMENT, &layout->slot_stride))
		return false;
	front = MAX(front, FRONT);
	return (layout->order == TF_ORDER_LEVELS ? tf_layout_levels_place(layout, front) : place_blocks(layout, front)) &&
	       tf_add_u64(layout->tail_offset, TAIL, &layout->file_bytes) && layout->file_bytes <= INT64_MAX;
}

bool tf_layout_init(TfLayout *layout, const TfPyramid *pyramid, const TfLayoutParams *params, GError **error)
{
	if (params->slot_bytes < 1) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "slot=0: a tile needs at least one byte");
		return false;
	}
	if (params->slot_bytes > UINT32_MAX) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "slot=%" G_GUINT64_FORMAT ": TileByteCounts are 32 bit, at most %u", params->slot_bytes,
		            UINT32_MAX);
		return false;
	}
	*layout = (TfLayout){
		.pyramid = *pyramid,
		.order = params->order,
		.header_bytes = params->header_bytes,
		.slot_bytes = params->slot_bytes,
		.block_tiles = BLOCK_TILES,
		.block_tile_rows = BLOCK_TILES,
		.block_cols = tf_ceil_div(pyramid->level[0].cols, BLOCK_TILES),
		.block_rows = tf_ceil_div(pyramid->level[0].rows, BLOCK_TILES),
	};
	if (place_regions(layout, params->header_bytes))
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
	            "a mosaic of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " pixels in slots of %" G_GUINT64_FORMAT
	            " bytes: the file would exceed 2^63-1 bytes",
	            pyramid->level[0].width, pyramid->level[0].height, params->slot_bytes);
	return false;
}

uint64_t tf_layout_blank_offset(const TfLayout *layout, int level)
{
	return layout->order == TF_ORDER_LEVELS ? layout->level_offset[level] : layout->blank_offset;
}

uint64_t tf_layout_tile_offset(const TfLayout *layout, TfTile tile)
{
	if (layout->order == TF_ORDER_LEVELS)
		return tf_layout_levels_offset(layout, tile);
	int64_t index = tf_layout_block_of_tile(layout, tile);
	Shape shape = block_shape(layout, index);
	uint64_t i = place_in_block(&shape, tile);
	uint64_t offset = block_offset(layout, index) + i * layout->slot_stride;
	return i < shape.plain ? offset : offset + (i - shape.plain + 1) * GAP;
}

static TfRegion find_in_block(const TfLayout *layout, int64_t index, uint64_t offset)
{
	Shape shape = block_shape(layout, index);
	uint64_t start = block_offset(layout, index), i = (offset - start) / layout->slot_stride;
	if (i < shape.plain) {
		start += i * layout->slot_stride;
	} else {
		start += shape.plain * layout->slot_stride;
		uint64_t up = (offset - start) / (GAP + layout->slot_stride);
		start += up * (GAP + layout->slot_stride);
		if (offset < start + GAP) /* also the gap at the block's end */
			return tf_layout_hole(start, start + GAP);
		start += GAP;
		i = shape.plain + up;
	}
	TfRegion region = tf_layout_slot_region(layout, TF_REGION_TILE, start, offset);
	if (region.kind == TF_REGION_TILE) {
		region.tile = tile_in_block(&shape, i);
		region.ordinal = block_ordinal(layout, index) + i;
	}
	return region;
}

TfRegion tf_layout_find(const TfLayout *layout, uint64_t offset)
{
	g_assert(offset < layout->file_bytes);
	if (offset < layout->header_bytes)
		return (TfRegion){.kind = TF_REGION_HEADER, .start = 0, .end = layout->header_bytes};
	if (offset < layout->blank_offset)
		return tf_layout_hole(layout->header_bytes, layout->blank_offset);
	if (offset >= layout->tail_offset)
		return tf_layout_hole(layout->tail_offset, layout->file_bytes);
	if (layout->order == TF_ORDER_LEVELS)
		return tf_layout_levels_find(layout, offset);
	if (offset < layout->blank_offset + layout->slot_stride)
		return tf_layout_slot_region(layout, TF_REGION_BLANK, layout->blank_offset, offset);
	if (offset < layout->blocks_offset)
		return tf_layout_hole(layout->blank_offset + layout->slot_stride, layout->blocks_offset);
	return find_in_block(layout, find_block(layout, block_offset, offset), offset);
}

TfTile tf_layout_tile_at(const TfLayout *layout, uint64_t ordinal)
{
	if (layout->order == TF_ORDER_LEVELS)
		return tf_layout_levels_tile_at(layout, ordinal);
	int64_t index = tf_layout_block_of_ordinal(layout, ordinal);
	Shape shape = block_shape(layout, index);
	return tile_in_block(&shape, ordinal - block_ordinal(layout, index));
}

uint64_t tf_layout_ordinal(const TfLayout *layout, TfTile tile)
{
	if (layout->order == TF_ORDER_LEVELS)
		return tf_layout_levels_ordinal(layout, tile);
	int64_t index = tf_layout_block_of_tile(layout, tile);
	Shape shape = block_shape(layout, index);
	return block_ordinal(layout, index) + place_in_block(&shape, tile);
}

TfBlock tf_layout_block(const TfLayout *layout, int64_t index)
{
	g_assert(index >= 0 && (uint64_t)index < n_blocks(layout));
	if (layout->order == TF_ORDER_LEVELS)
		return tf_layout_levels_block(layout, index);
	Shape shape = block_shape(layout, index);
	return (TfBlock){.index = index,
	                 .col = shape.col,
	                 .row = shape.row,
	                 .first_ordinal = block_ordinal(layout, index),
	                 .n_slots = shape.plain + shape.guarded};
}

int64_t tf_layout_block_of_ordinal(const TfLayout *layout, uint64_t ordinal)
{
	g_assert(ordinal < layout->n_slots);
	if (layout->order == TF_ORDER_LEVELS)
		return tf_layout_levels_block_of_ordinal(layout, ordinal);
	return find_block(layout, block_ordinal, ordinal);
}

int64_t tf_layout_block_of_tile(const TfLayout *layout, TfTile tile)
{
	if (tile.level <= 2) {
		int down = 2 - tile.level;
		return (tile.row >> down) * layout->block_cols + (tile.col >> down);
	}
	int64_t f = INT64_C(1) << (tile.level - 2);
	int64_t row = MIN((tile.row + 1) * f, layout->block_rows) - 1;
	int64_t col = MIN((tile.col + 1) * f, layout->block_cols) - 1;
	return row * layout->block_cols + col;
}
