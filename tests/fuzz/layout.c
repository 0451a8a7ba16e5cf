/* SPDX-License-Identifier: MIT
 *
 * Pyramids and layouts of any size: addresses are the inverse of each other,
 * regions cover the file without a gap, nothing overflows.
 */
#include "fuzz.h"
#include <tiffuse/layout.h>

/* Numbers of all magnitudes. */
static uint64_t any(FuzzInput *input, int max_bits)
{
	int bits = (int)(fuzz_number(input, 1) % (uint64_t)(max_bits + 1));
	uint64_t value = fuzz_number(input, 8);
	return bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1);
}

static void check_tile(const TfLayout *layout, TfTile tile)
{
	const TfLevel *level = &layout->pyramid.level[tile.level];
	fuzz_assert(tile.col >= 0 && tile.col < level->cols && tile.row >= 0 && tile.row < level->rows);
	uint64_t offset = tf_layout_tile_offset(layout, tile), ordinal = tf_layout_ordinal(layout, tile);
	fuzz_assert(offset >= layout->blocks_offset && offset % 4096 == 0);
	fuzz_assert(offset + layout->slot_stride <= layout->tail_offset);
	fuzz_assert(ordinal < layout->n_slots);
	TfTile same = tf_layout_tile_at(layout, ordinal);
	fuzz_assert(same.level == tile.level && same.col == tile.col && same.row == tile.row);
	TfRegion region = tf_layout_find(layout, offset + layout->slot_bytes - 1);
	fuzz_assert(region.kind == TF_REGION_TILE && region.start == offset && region.ordinal == ordinal);
	fuzz_assert(region.end == offset + layout->slot_bytes);
	int64_t index = tf_layout_block_of_tile(layout, tile);
	TfBlock block = tf_layout_block(layout, index);
	fuzz_assert(block.index == index && tf_layout_block_of_ordinal(layout, ordinal) == index);
	fuzz_assert(ordinal >= block.first_ordinal && ordinal - block.first_ordinal < block.n_slots);
	TfRect rect = tf_pyramid_tile_rect(&layout->pyramid, tile), base = tf_pyramid_tile_base(&layout->pyramid, tile);
	fuzz_assert(!tf_rect_is_empty(rect) && !tf_rect_is_empty(base));
	fuzz_assert(rect.x1 <= level->width && rect.y1 <= level->height);
}

/* The region at the offset, and those beside it. */
static void check_offset(const TfLayout *layout, uint64_t offset)
{
	TfRegion region = tf_layout_find(layout, offset);
	fuzz_assert(region.start <= offset && offset < region.end && region.end <= layout->file_bytes);
	if (region.kind == TF_REGION_TILE)
		fuzz_assert(tf_layout_tile_offset(layout, region.tile) == region.start);
	if (region.kind == TF_REGION_HEADER)
		fuzz_assert(region.start == 0 && region.end == layout->header_bytes);
	if (region.end < layout->file_bytes)
		fuzz_assert(tf_layout_find(layout, region.end).start == region.end);
	if (region.start > 0)
		fuzz_assert(tf_layout_find(layout, region.start - 1).end == region.start);
}

static void check_order(const TfLayout *layout, uint64_t ordinal)
{
	if (ordinal + 1 >= layout->n_slots)
		return;
	uint64_t a = tf_layout_tile_offset(layout, tf_layout_tile_at(layout, ordinal));
	uint64_t b = tf_layout_tile_offset(layout, tf_layout_tile_at(layout, ordinal + 1));
	fuzz_assert(a + layout->slot_stride <= b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput input = {data, size};
	TfPyramid pyramid;
	TfLayout layout;
	g_autoptr(GError) error = NULL;
	int64_t width = (int64_t)any(&input, 33), height = (int64_t)any(&input, 33);
	int32_t tile = (int32_t)any(&input, 14) & ~(fuzz_number(&input, 1) % 8 ? 15 : 0);
	bool ok = tf_pyramid_init(&pyramid, width, height, tile, fuzz_number(&input, 1) & 1, &error);
	fuzz_check_error(ok, error);
	if (!ok)
		return 0;
	TfLayoutParams params = {.slot_bytes = any(&input, 33)};
	ok = tf_layout_header_bound(&pyramid, any(&input, 30), &params.header_bytes, &error) &&
	     tf_layout_init(&layout, &pyramid, &params, &error);
	fuzz_check_error(ok, error);
	if (!ok)
		return 0;
	for (int i = 0; i < 24; i++) {
		uint64_t ordinal = any(&input, 64) % layout.n_slots, at = any(&input, 64);
		check_tile(&layout, tf_layout_tile_at(&layout, i == 0 ? layout.n_slots - 1 : ordinal));
		check_offset(&layout, i == 0 ? layout.file_bytes - 1 : at % layout.file_bytes);
		check_order(&layout, ordinal);
	}
	for (int k = 0; k < pyramid.n_levels; k++) {
		check_tile(&layout, (TfTile){k, 0, 0});
		check_tile(&layout, (TfTile){k, pyramid.level[k].cols - 1, pyramid.level[k].rows - 1});
	}
	return 0;
}
