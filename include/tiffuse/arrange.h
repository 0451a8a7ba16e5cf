/* SPDX-License-Identifier: MIT
 *
 * From the files that people have to placed sources, in two steps, because
 * the place of a grid's tile follows from sizes that only the image files
 * know: tf_arrange_read() finds and reads the arrangement and lists the files;
 * the caller probes their headers; tf_arrange_resolve() computes positions.
 *
 * Each format is one file in src/arrange with one TfArrangeFormat, listed in
 * the table of detect.c.
 *
 * Threads: one thread; nothing is shared.
 */
#pragma once
#include <tiffuse/error.h>
#include <tiffuse/geo.h>
#include <tiffuse/pyramid.h>
#include <tiffuse/util.h>

/* What the user said about the arrangement; NULL or 0 where he did not.  The
 * texts are as he wrote them; tf_arrange_read() checks them. */
typedef struct {
	const char *pattern; /* "tile_r{row}_c{col}.jpg" ... */
	int64_t columns;     /* with {i}: tiles in a row (or in a column with order=column) */
	const char *order;   /* "row", "column", "row-snake", "column-snake", with -left, -up */
	const char *overlap; /* "64", "10%", "64,32", "10%,5%": x then y */
	const char *tree;    /* of numbered folders: "xyz", "tms", "zyx" */
	bool flip_x, flip_y; /* the arrangement's x grows to the left, its y upwards */
	bool anchor_center;  /* positions are those of the tiles' centres */
	const char *pixel_size; /* positions are in micrometres: "0.25", "0.25,0.5": of a pixel, x then y */
	bool missing_fill;   /* missing=fill: a named file that does not exist is background */
	bool allow_escape;   /* lists and links may lead to files outside the folder */
} TfArrangeOptions;

typedef enum { TF_PLACE_CELL, TF_PLACE_POSITION } TfPlaceKind;

/* A tree of tiles has reduced levels beside the one that the places are of.
 * Level k of the pyramid and level k of the tree have the same size and, with
 * the same side of a tile, the same grid, for k below n_levels. */
typedef struct TfTileTree {
	int32_t tile;    /* side of a tile without the overlap, px; 0: that of the images */
	int32_t overlap; /* px that a tile has of each of its neighbours */
	int n_levels;    /* at least 1: level 0, which the places are of */
	/* for the format that made it: */
	char *(*path)(const struct TfTileTree *tree, int level, int64_t col, int64_t row);
	char *root, *extension;
	int top;                                 /* the number of level 0 in the tree */
	int64_t first_col, first_row;            /* of level 0 in the tree */
	int64_t cols[TF_MAX_LEVELS], tiles_before[TF_MAX_LEVELS];
} TfTileTree;

/* The path of a tile, which may not exist; the caller frees it. */
char *tf_tile_tree_path(const TfTileTree *tree, int level, int64_t col, int64_t row);

/* One named file.  Two places may name the same file. */
typedef struct {
	char *path;            /* absolute */
	TfPlaceKind kind;      /* the same for all places of an arrangement */
	int64_t col, row;      /* TF_PLACE_CELL: grid cell, from 0 */
	double x, y;           /* TF_PLACE_POSITION: px, any origin, fractions allowed, finite */
	int64_t width, height; /* what the arrangement says of the size, or 0; must agree */
	TfRect part;           /* the part of the image that is used, px; empty for all of it */
	int line;              /* in the arrangement file, or 0 */
	bool missing; /* did not exist (only with missing_fill): not to be probed, its size is 0 x 0 */
} TfPlace;

typedef struct {
	const char *format;      /* e.g. "Fiji TileConfiguration"; static */
	char *origin;            /* the arrangement file, or the directory of a name grid; absolute */
	char *default_name;      /* name for the mosaic's file, without .tif */
	GArray *places;          /* TfPlace, at least one: the lines of a file in their order, names sorted by
				    their numbers; who needs it no more may take it away (NULL) */
	bool ignore_orientation; /* orientation=auto means ignore: positions come from unrotated pixels */
	double overlap_x, overlap_y; /* of grids; in px, or in parts of the size (0.1 is 10%) if: */
	bool overlap_x_relative, overlap_y_relative;
	bool same_size_required; /* grids: all cells of a column share a width, of a row a height */
	int64_t n_holes;         /* cells of a grid without a file */
	int64_t width, height;   /* positions are from 0 in a mosaic of this size, px; 0: it holds all tiles */
	bool anchor_center;      /* positions are those of the tiles' centres */
	TfTileTree *tree;        /* or NULL */
	TfGeo *geo;              /* where pixel (0, 0) of the positions lies on earth, or NULL */
	double pixel_um_x, pixel_um_y; /* size of a pixel in micrometres, 0: not told */
	char *summary;           /* one line that says what was found */
} TfArrangement;

/* SOURCE is a directory (searched, in the order of docs/arrangements.md) or an
 * arrangement file.  Files that an arrangement file names are looked up here;
 * those of a name grid are not touched.  The caller frees the result.
 *
 * Errors: ARRANGEMENT with file, line, reason and what was expected, or with
 * the options that settle a doubt; USAGE for options that are wrong or have
 * no use here; MISSING for SOURCE or named files; ACCESS, also for what is no
 * regular file; TOO_LARGE. */
TfArrangement *tf_arrange_read(const char *source, const TfArrangeOptions *options, GError **error);
void tf_arrangement_free(TfArrangement *arrangement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfArrangement, tf_arrangement_free)

/* Do other tiles of its tree stay below its folder, as the places do without
 * allow_escape?  ARRANGEMENT for a link that leads elsewhere. */
bool tf_arrangement_holds(const TfArrangement *arrangement, const char *const *paths, guint n, GError **error);

typedef struct {
	int32_t width, height; /* after orientation, px; 0 x 0: left out (missing=fill) */
} TfSize;

typedef struct {
	int64_t x, y;
} TfPosition;

/* What became of the positions. */
typedef struct {
	double residual;           /* the largest distance that rounding moved a place, px */
	guint moved_most;          /* the place, when residual is not 0 */
	double origin_x, origin_y; /* the arrangement's coordinates, px, of the mosaic's top left corner */
} TfResolution;

/* Fills positions[i] for places[i] from sizes[i]; both arrays have one element
 * for each place.  Positions are from 0 to 2^31-1, or where the arrangement
 * says the mosaic's size and something sticks out of it, from -2^31+1.
 *
 * TF_PLACE_POSITION: the smallest x and y of (the used parts of) the places
 * that are not left out become 0, but where the arrangement says the size, and
 * fractions are then rounded to the nearest pixel.  TF_PLACE_CELL:
 * sums of the widths (heights) before, less the overlap; a relative overlap of
 * the largest width w is w - (int)(w * (1 - overlap)), as Fiji has it.
 * A place that is left out has a position without meaning.
 *
 * Errors: ARRANGEMENT for sizes that contradict the grid or the arrangement
 * file, USAGE for an overlap that is not smaller than the tiles, TOO_LARGE,
 * NO_MEMORY.  positions[] is then unspecified. */
bool tf_arrange_resolve(const TfArrangement *arrangement, const TfSize *sizes, TfPosition *positions,
			TfResolution *resolution, GError **error);
