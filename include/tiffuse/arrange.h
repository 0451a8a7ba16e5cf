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
#include <tiffuse/util.h>

/* What the user said about the arrangement; NULL or 0 where he did not. */
typedef struct {
	const char *pattern;  /* "tile_r{row}_c{col}.jpg" ... */
	int64_t columns;      /* with {i}: tiles in a row (or in a column with order=column) */
	const char *order;    /* "row", "column", "row-snake", "column-snake", with -left, -up */
	const char *overlap;  /* "64", "10%", "64,32", "10%,5%": x then y */
	bool missing_fill;    /* missing=fill: a named file that does not exist is background */
	bool allow_escape;    /* an arrangement file may name files outside its folder */
} TfArrangeOptions;

typedef enum { TF_PLACE_CELL, TF_PLACE_POSITION } TfPlaceKind;

/* One named file. */
typedef struct {
	char *path;          /* absolute */
	TfPlaceKind kind;
	int64_t col, row;    /* TF_PLACE_CELL: grid cell, from 0 */
	double x, y;         /* TF_PLACE_POSITION: px, any origin, fractions allowed */
	int64_t width, height; /* what the arrangement says of the size, or 0; must agree */
	int line;            /* in the arrangement file, or 0 */
	bool missing;        /* did not exist (only with missing_fill): do not probe it, size 0 x 0 */
} TfPlace;

typedef struct {
	const char *format;     /* e.g. "Fiji TileConfiguration"; static */
	char *origin;           /* the arrangement file, or the directory of a name grid; absolute */
	char *default_name;     /* name for the mosaic's file, without .tif */
	GArray *places;         /* TfPlace, in the order in which the user lists them */
	bool ignore_orientation;/* orientation=auto means ignore: positions come from unrotated pixels */
	double overlap_x, overlap_y;           /* of grids; in px, or in parts of the size if: */
	bool overlap_x_relative, overlap_y_relative;
	bool same_size_required; /* grids: all cells of a column share a width, of a row a height */
	int64_t n_holes;        /* cells of a grid without a file */
	char *summary;          /* one line that says what was found */
} TfArrangement;

/* SOURCE is a directory (searched, in the order of docs/arrangements) or an
 * arrangement file.  Errors: ARRANGEMENT with file, line, reason and what was
 * expected; MISSING or ACCESS. */
TfArrangement *tf_arrange_read(const char *source, const TfArrangeOptions *options, GError **error);
void tf_arrangement_free(TfArrangement *arrangement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfArrangement, tf_arrangement_free)

typedef struct {
	int32_t width, height; /* after orientation, px; 0 x 0: left out (missing=fill) */
} TfSize;

typedef struct {
	int64_t x, y;
} TfPosition;

/* Fills positions[i] for places[i] from sizes[i].  Fractions are rounded to
 * the nearest pixel after the smallest x and y became 0; the largest
 * residual, in px, goes to *residual. */
bool tf_arrange_resolve(const TfArrangement *arrangement, const TfSize *sizes, TfPosition *positions,
                        double *residual, GError **error);
