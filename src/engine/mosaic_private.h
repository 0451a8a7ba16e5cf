/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/mosaic.h>

/* Reads the arrangement, probes the sources, resolves positions and freezes
 * the scene.  What the options leave to the sources (tile=auto) is settled in
 * *options. */
bool tf_mosaic_place_sources(TfMosaic *mosaic, TfMosaicOptions *options, GError **error);

/* --- mosaic_headers.c: what is found out of files, for this mount and the next --- */
typedef struct _TfHeaders TfHeaders;

/* The mosaic is borrowed. */
TfHeaders *tf_headers_new(TfMosaic *mosaic, const TfMosaicOptions *options);
void tf_headers_free(TfHeaders *headers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfHeaders, tf_headers_free)

/* As tf_mosaic_probe(); adds to the mosaic's numbers of headers. */
bool tf_headers_probe(TfHeaders *headers, const char *const *paths, uint32_t n, bool missing_fill, TfImageInfo *infos,
                      GError **error);

/* What was found out of this file shall be kept for the next mount.  Takes path. */
void tf_headers_keep(TfHeaders *headers, char *path, const TfImageInfo *info);

/* Keeps it, if anything of it is new and it can. */
void tf_headers_save(TfHeaders *headers);

/* --- mosaic_levels.c: levels=source ------------------------------------------------- */
/* The side of a tree's tiles, px; 0 if there is no tree. */
int32_t tf_mosaic_tree_side(const TfMosaic *mosaic, int32_t width_of_tile);

/* Adds what the tree has to the frozen scene, as far up as it is complete. */
bool tf_mosaic_add_levels(TfMosaic *mosaic, const TfMosaicOptions *options, TfHeaders *headers, GError **error);

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
