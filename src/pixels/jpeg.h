/* SPDX-License-Identifier: MIT
 *
 * A JPEG cursor: an open decoder with its place in the file, which hands out
 * rows from the top down.  It works in *units* of rows: one row when the
 * samples are interleaved, one MCU row when they are planar, so that a
 * strip's chroma planes begin where its luma does.
 */
#pragma once
#include <tiffuse/files.h>
#include <tiffuse/samples.h>

typedef enum {
	TF_JPEG_INTERLEAVED, /* grey, RGB or CMYK rows, libjpeg's upsampling */
	TF_JPEG_PLANAR       /* YCbCr planes as stored */
} TfJpegOutput;

typedef struct _TfJpeg TfJpeg;

typedef struct {
	TfJpegOutput output;
	bool grey;          /* one band */
	int32_t first_row;  /* about where reading will begin */
	unsigned max_scans; /* beyond them UNSUPPORTED; 0: no limit */
	int32_t x0, x1;     /* the columns that are wanted; x1 of 0: all */
} TfJpegOptions;

/* Reads the file's header.  The files table is borrowed. */
TfJpeg *tf_jpeg_open(TfFiles *files, const TfScene *scene, uint32_t index, const TfJpegOptions *options,
                     GError **error);
void tf_jpeg_free(TfJpeg *jpeg);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfJpeg, tf_jpeg_free)

/* The columns that it hands out: those wanted, and some around them whose
 * samples mean nothing, so that blocks are whole. */
int32_t tf_jpeg_left(const TfJpeg *jpeg);
int32_t tf_jpeg_width(const TfJpeg *jpeg);

/* Rows of a unit, px. */
int32_t tf_jpeg_unit(const TfJpeg *jpeg);

/* Bands of interleaved output: 1, 3 or 4 (CMYK as Adobe stores it turned to
 * libvips' sense). */
int tf_jpeg_bands(const TfJpeg *jpeg);

/* Is it cheaper to go on with this cursor than to open another? */
bool tf_jpeg_suits(const TfJpeg *jpeg, int32_t row);

/* Rows that were decoded, and rows that were passed over without. */
typedef struct {
	int64_t decoded, skipped;
} TfJpegRows;

/* Reads units [unit, unit + n) into planes, whose first column is
 * tf_jpeg_left() and whose rows must have room for whole blocks.  DAMAGED,
 * CHANGED, IO; the cursor is then of no further use. */
bool tf_jpeg_read(TfJpeg *jpeg, int32_t unit, int32_t n, const TfPlane *planes, TfJpegRows *rows,
                  GError **error);

/* Bytes held, roughly. */
size_t tf_jpeg_bytes(const TfJpeg *jpeg);
