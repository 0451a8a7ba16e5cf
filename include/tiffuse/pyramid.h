/* SPDX-License-Identifier: MIT
 *
 * The levels of the pyramid.  Level 0 is the mosaic; level k+1 has half the
 * size of level k, rounded up.  The last level is the first that fits one
 * tile; with `whole_tiles` (all but JPEG in colour: OpenSlide 3.4.1 corrupts
 * levels that are narrower or lower than a tile) the pyramid ends while a level
 * is still at least one tile wide and high, or with level 0; the last level may
 * have several tiles then.
 *
 * Threads: a TfPyramid is a plain value.
 */
#pragma once
#include <tiffuse/error.h>
#include <tiffuse/util.h>

enum { TF_MAX_LEVELS = 32 };

typedef struct {
	int64_t width, height; /* px of this level */
	int64_t cols, rows;    /* tiles across and down */
} TfLevel;

typedef struct {
	int32_t tile; /* side of a tile, px, a multiple of 16 */
	int n_levels; /* at least 1 */
	TfLevel level[TF_MAX_LEVELS];
} TfPyramid;

/* Fails with TOO_LARGE when a side is not in [1, 2^31-1] and with USAGE when
 * tile is not a multiple of 16 in [16, 8192]. */
bool tf_pyramid_init(TfPyramid *pyramid, int64_t width, int64_t height, int32_t tile, bool whole_tiles,
                     GError **error);

/* One tile of the pyramid. */
typedef struct {
	int level;
	int64_t col, row;
} TfTile;

/* The tile's pixels in its own level, clipped to the level. */
TfRect tf_pyramid_tile_rect(const TfPyramid *pyramid, TfTile tile);

/* The pixels of level 0 below the tile, clipped to the mosaic. */
TfRect tf_pyramid_tile_base(const TfPyramid *pyramid, TfTile tile);
