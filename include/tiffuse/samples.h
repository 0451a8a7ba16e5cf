/* SPDX-License-Identifier: MIT
 *
 * Rectangles of samples in the mosaic's pixel space.
 *
 * The space is chosen once per mount.  GREY is one plane of one sample a pixel,
 * RGB one plane of three interleaved samples, YCBCR three planes of one sample,
 * the second and third subsampled by hsamp x vsamp (JFIF full range).  A plane
 * p of a w x h px rectangle has ceil(w / hsamp_p) x ceil(h / vsamp_p) pixels.
 * A sample is a byte or, in deep spaces, two in the machine's order.
 *
 * Threads: samples are written by their maker, then immutable and shared by
 * reference.
 */
#pragma once
#include <tiffuse/memory.h>
#include <tiffuse/util.h>

typedef enum { TF_SPACE_GREY, TF_SPACE_RGB, TF_SPACE_YCBCR } TfSpaceKind;

typedef struct {
	TfSpaceKind kind;
	uint8_t hsamp, vsamp; /* chroma factors of YCBCR, 1 or 2; otherwise 1 */
	bool deep;            /* 16 bits a sample; not with YCBCR */
} TfSpace;

enum { TF_MAX_PLANES = 3 };

static inline int tf_space_planes(TfSpace space)
{
	return space.kind == TF_SPACE_YCBCR ? 3 : 1;
}

/* Interleaved samples per pixel of each plane. */
static inline int tf_space_bands(TfSpace space)
{
	return space.kind == TF_SPACE_RGB ? 3 : 1;
}

/* Bytes per pixel of each plane. */
static inline int tf_space_pixel_bytes(TfSpace space)
{
	return tf_space_bands(space) * (space.deep ? 2 : 1);
}

enum { TF_MAX_PIXEL_BYTES = 6 };

static inline int tf_space_hsamp(TfSpace space, int plane)
{
	return plane > 0 ? space.hsamp : 1;
}

static inline int tf_space_vsamp(TfSpace space, int plane)
{
	return plane > 0 ? space.vsamp : 1;
}

/* A view of one plane: width x height pixels, rows `stride` bytes apart; in
 * deep spaces data and stride are even. */
typedef struct {
	uint8_t *data;
	ptrdiff_t stride;
	int32_t width, height;
} TfPlane;

typedef struct {
	TfSpace space;
	int32_t width, height; /* px */
	TfPlane plane[TF_MAX_PLANES];
	TfMemoryClass class;
	size_t bytes;
	void *memory;
	gatomicrefcount refs;
} TfSamples;

/* Not initialised.  Rows are padded to 64 bytes and `spare_rows` px rows below
 * the last can be written (decoders write whole blocks).  NULL and NO_MEMORY. */
TfSamples *tf_samples_new(TfSpace space, int32_t width, int32_t height, int32_t spare_rows,
                          TfMemoryClass class, GError **error);
TfSamples *tf_samples_ref(TfSamples *samples);
void tf_samples_unref(TfSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfSamples, tf_samples_unref)

/* What tf_samples_new() would hold for such a rectangle, bytes. */
uint64_t tf_samples_size(TfSpace space, int32_t width, int32_t height);

/* The 2x2 mean, (a+b+c+d+2)>>2 per component; at an odd edge the last row or
 * column is repeated.  out must be ceil(in/2) in both directions. */
void tf_plane_halve(const TfPlane *in, TfSpace space, const TfPlane *out);

/* Copies in to the top left of out and repeats its last column and row over
 * the rest of out, which is at least as large. */
void tf_plane_pad(const TfPlane *in, TfSpace space, const TfPlane *out);
