/* SPDX-License-Identifier: MIT
 *
 * Where every byte of the virtual file stands.  The normative description,
 * with an example in numbers, is docs/layout.md.  In file order:
 *
 *   header | front hole | blank slot | blocks, upper tiles between | tail hole
 *
 * or, where the smallest level must come first (layout=cog),
 *
 *   header | front hole | level n-1 | ... | level 0 | tail hole
 *
 * each level with a blank slot of its own.
 *
 * A layout is a handful of numbers: all addresses are closed-form or found by
 * bisection over closed forms, nothing is kept per tile.  Slots have a number,
 * their *ordinal*, which counts them in file order from 0 (the blank slot has
 * none).
 *
 * Threads: a TfLayout is a plain value, read-only once initialised.
 */
#pragma once
#include <tiffuse/pyramid.h>

typedef enum { TF_ORDER_BLOCKS, TF_ORDER_LEVELS } TfLayoutOrder;

typedef struct {
	uint64_t header_bytes; /* upper bound of the header's size */
	uint64_t slot_bytes;   /* TileByteCounts of every tile, 1 to 2^32-1 */
	TfLayoutOrder order;
} TfLayoutParams;

typedef struct {
	TfPyramid pyramid;
	TfLayoutOrder order;
	uint64_t header_bytes; /* as given: the region of the header */
	uint64_t slot_bytes;   /* what TileByteCounts says */
	uint64_t slot_stride;  /* slot_bytes rounded up to 4 KiB */
	uint64_t blank_offset;  /* of the first blank slot */
	uint64_t blocks_offset; /* TF_ORDER_BLOCKS only */
	uint64_t tail_offset;
	uint64_t file_bytes; /* st_size */
	int64_t block_tiles; /* level-0 tiles across a block: 4, however few levels there are */
	int64_t block_tile_rows; /* and down: 4, or 1 with TF_ORDER_LEVELS */
	int64_t block_cols, block_rows;
	uint64_t n_slots;
	/* From here on to the end, slots come in the order of blocks: one pass over
	 * them makes them all.  What stands before are reduced levels. */
	uint64_t pass_ordinal;
	uint64_t level_offset[TF_MAX_LEVELS];  /* TF_ORDER_LEVELS: of the level's blank slot */
	uint64_t level_ordinal[TF_MAX_LEVELS]; /* TF_ORDER_LEVELS: of its first tile */
} TfLayout;

typedef enum {
	TF_REGION_HEADER, /* [0, header_bytes) */
	TF_REGION_HOLE,   /* zeros without work: front, gaps, padding to the stride, tail */
	TF_REGION_BLANK,  /* a blank slot, slot_bytes long */
	TF_REGION_TILE,   /* the slot of one tile, slot_bytes long */
} TfRegionKind;

/* A maximal run of bytes of one kind (a slot is one region; neighbouring
 * holes may be told as one or as several). */
typedef struct {
	TfRegionKind kind;
	uint64_t start, end; /* [start, end) */
	TfTile tile;         /* for TF_REGION_TILE */
	uint64_t ordinal;    /* for TF_REGION_TILE */
} TfRegion;

/* An upper bound of the header's size, for TfLayoutParams: libtiff's IFDs with
 * LONG8 offsets and LONG counts for every tile.  `extra_bytes` is the size of
 * the ICC profile plus the lengths of Software and ImageDescription (with
 * their final zeros); room for it is left in every level.  Fails with
 * TOO_LARGE, also when a level has over 2^32-1 tiles: libtiff's limit. */
bool tf_layout_header_bound(const TfPyramid *pyramid, uint64_t extra_bytes, uint64_t *bound, GError **error);

/* Fails with TOO_LARGE when the file would exceed 2^63-1 bytes or the slot
 * 2^32-1, and with USAGE when the slot is empty.  After that nothing here can
 * fail or overflow; tiles, ordinals and indices that do not exist must not be
 * asked for. */
bool tf_layout_init(TfLayout *layout, const TfPyramid *pyramid, const TfLayoutParams *params, GError **error);

/* The blank slot that blank tiles of the level share. */
uint64_t tf_layout_blank_offset(const TfLayout *layout, int level);

/* The offset of a tile's slot (also of tiles that are blank). */
uint64_t tf_layout_tile_offset(const TfLayout *layout, TfTile tile);

/* The region that holds `offset`, which must be below file_bytes.  Costs a
 * bisection over the blocks: some microseconds in the largest files. */
TfRegion tf_layout_find(const TfLayout *layout, uint64_t offset);

/* Slots by their place in file order. */
TfTile tf_layout_tile_at(const TfLayout *layout, uint64_t ordinal);
uint64_t tf_layout_ordinal(const TfLayout *layout, TfTile tile);

/* Blocks count in raster order.  With TF_ORDER_LEVELS only level 0 is in blocks. */
typedef struct {
	int64_t index;      /* raster order */
	int64_t col, row;   /* in blocks */
	uint64_t first_ordinal;
	uint64_t n_slots;   /* levels 0 to 2 of the block, then the upper tiles that follow it */
} TfBlock;

TfBlock tf_layout_block(const TfLayout *layout, int64_t index);
/* 0 for slots before pass_ordinal. */
int64_t tf_layout_block_of_ordinal(const TfLayout *layout, uint64_t ordinal);

/* The index of the block after which a tile of level >= 3 stands, or, for the
 * levels below, of the block that holds it.  TF_ORDER_BLOCKS only. */
int64_t tf_layout_block_of_tile(const TfLayout *layout, TfTile tile);
