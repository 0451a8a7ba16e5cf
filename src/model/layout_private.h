/* SPDX-License-Identifier: MIT
 *
 * What the two orders of slots have in common, and the order of levels.
 */
#pragma once
#include <tiffuse/layout.h>

#define TF_LAYOUT_GAP (128 * TF_KIB)
enum { TF_LAYOUT_BLOCK_TILES = 4 };

static inline TfRegion tf_layout_hole(uint64_t start, uint64_t end)
{
	return (TfRegion){.kind = TF_REGION_HOLE, .start = start, .end = end};
}

/* The slot that starts at `start` or, behind its end, the rest of its stride. */
static inline TfRegion tf_layout_slot_region(const TfLayout *layout, TfRegionKind kind, uint64_t start, uint64_t offset)
{
	uint64_t end = start + layout->slot_bytes;
	if (offset >= end)
		return tf_layout_hole(end, start + layout->slot_stride);
	return (TfRegion){.kind = kind, .start = start, .end = end};
}

/* --- layout_levels.c: TF_ORDER_LEVELS ------------------------------------------ */
/* Sets everything but file_bytes, from the first slot on; false on overflow. */
bool tf_layout_levels_place(TfLayout *layout, uint64_t front);
uint64_t tf_layout_levels_offset(const TfLayout *layout, TfTile tile);
/* For offsets from the first level's start up to the tail. */
TfRegion tf_layout_levels_find(const TfLayout *layout, uint64_t offset);
TfTile tf_layout_levels_tile_at(const TfLayout *layout, uint64_t ordinal);
uint64_t tf_layout_levels_ordinal(const TfLayout *layout, TfTile tile);
TfBlock tf_layout_levels_block(const TfLayout *layout, int64_t index);
int64_t tf_layout_levels_block_of_ordinal(const TfLayout *layout, uint64_t ordinal);
