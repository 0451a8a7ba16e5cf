/* SPDX-License-Identifier: MIT
 *
 * From strips to the samples of tiles.  A level of the mosaic is one VipsImage
 * per plane of the pixel space, whose generate function composes strips (levels
 * that have sources, as level 0 does) or joins the halved tiles below; a tile is
 * vips_region_prepare() on each plane.  What the generate function needs
 * comes with the call; it never fetches, so it cannot block or fail.  A tile
 * that is only halved and lies in one source is read from the strip itself.
 *
 * Threads: a canvas is read-only; any number of threads may render.
 */
#pragma once
#include <tiffuse/encode.h>
#include <tiffuse/pyramid.h>
#include <tiffuse/scene.h>
#include <tiffuse/source.h>

typedef struct _TfCanvas TfCanvas;

/* scene is borrowed.  `background` is RGB.  TOO_LARGE beyond libvips' largest
 * image. */
TfCanvas *tf_canvas_new(const TfScene *scene, const TfPyramid *pyramid, const TfEncoder *encoder,
                        const uint8_t background[3], GError **error);
void tf_canvas_free(TfCanvas *canvas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfCanvas, tf_canvas_free)

typedef struct {
	TfTile tile;
	/* Levels with sources: what tf_scene_fragments() says of the tile's pixels, and for each
	 * fragment with a source the strip that holds its rows. */
	const TfFragment *fragments;
	TfStrip *const *strips;
	uint32_t n_fragments;
	/* Levels that are averaged: the halved tiles below, in raster order; NULL where there is
	 * none or nothing but background. */
	TfSamples *quarters[4];
} TfTileInput;

typedef struct {
	GBytes *bytes;      /* the encoded tile, if it was wanted */
	TfSamples *quarter; /* the tile halved, for the level above, if it was wanted */
	bool requantised;
	unsigned regions;   /* that were prepared */
} TfTileOutput;

/* On failure (NO_MEMORY, TOO_LARGE) nothing is in *out. */
bool tf_canvas_render(const TfCanvas *canvas, const TfTileInput *input, bool want_bytes, bool want_quarter,
                      TfTileOutput *out, GError **error);

/* The tile that all blank tiles share. */
GBytes *tf_canvas_blank(const TfCanvas *canvas, GError **error);

/* The background as one pixel of the canvas' space: 1 or 3 samples. */
void tf_background_samples(TfSpace space, const uint8_t rgb[3], uint8_t samples[TF_MAX_PIXEL_BYTES]);
