/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/mosaic.h>

/* Reads the arrangement, probes the sources, resolves positions and freezes
 * the scene.  What the options leave to the sources (tile=auto) is settled in
 * *options. */
bool tf_mosaic_place_sources(TfMosaic *mosaic, TfMosaicOptions *options, GError **error);

/* --- mosaic_passthrough.c: sources that are exactly one tile ---------------------- */
/* A place with what was found out of it; of a missing file the size is 0 x 0. */
typedef struct {
	const char *path;
	TfImageInfo *info;
	TfPosition position; /* in the mosaic; may lie outside */
	uint8_t orientation; /* that is applied */
} TfPlacement;

/* Do the options allow it? */
bool tf_passthrough_is_wanted(const TfMosaicOptions *options);

/* The side of a tile with which sources can be handed out as they are, or 0. */
int32_t tf_passthrough_side(const TfPlacement *placements, guint n);

/* The sampling that most sources of this side have; unchanged if none. */
void tf_passthrough_sampling(const TfPlacement *placements, guint n, int32_t side, int *hsamp, int *vsamp);

/* Looks through the files of which that is not done yet, and that may be tiles
 * by their place; the result is their number. */
uint32_t tf_passthrough_scan(const TfPlacement *placements, guint n, const TfMosaicOptions *options);

/* Fills max_stream_bytes and adapts the slots; encoder and pyramid are planned. */
void tf_mosaic_plan_passthrough(TfMosaic *mosaic, const TfMosaicOptions *options);

/* After the scene is frozen. */
void tf_mosaic_choose_pixel_size(TfMosaic *mosaic, const TfMosaicOptions *options);

/* tf_probe_all() for `paths`, with what the cache directory knows of them. */
bool tf_mosaic_probe(TfMosaic *mosaic, const char *const *paths, uint32_t n, TfProbeOptions *probe, TfImageInfo *infos,
                     GError **error);

/* Keeps them, if it can; infos[i] belongs to paths[i]. */
void tf_mosaic_save_index(TfMosaic *mosaic, const char *const *paths, const TfImageInfo *infos, uint32_t n,
                          int64_t probed_ns);

/* Sets up mosaic->digests with those that are known. */
void tf_mosaic_expect_digests(TfMosaic *mosaic);

/* Keeps those that were taken for the next mount. */
void tf_mosaic_keep_digests(const TfMosaic *mosaic);

/* Sizes, overlaps, holes, rounding: the lines of --check. */
void tf_mosaic_describe_survey(GString *out, const TfMosaic *mosaic);

void tf_mosaic_note(TfMosaic *mosaic, const char *format, ...) G_GNUC_PRINTF(2, 3);
