/* SPDX-License-Identifier: MIT
 *
 * A mosaic: everything that is decided before the first pixel is read.  The
 * arrangement is read, the sources' headers are probed, positions, pixel
 * space, pyramid, layout and header follow; nothing changes afterwards.
 *
 * Threads: opened by one thread, then read by all.
 */
#pragma once
#include <tiffuse/arrange.h>
#include <tiffuse/canvas.h>
#include <tiffuse/header.h>
#include <tiffuse/layout.h>
#include <tiffuse/source.h>

/* Resident after vips_init(), measured: of memory=, what is not ours to fill. */
enum { TF_LIBRARIES_BYTES = 30 << 20 };

/* Where the reduced levels stand: each in an IFD of its own, in the SubIFDs of
 * an OME-TIFF, or nowhere. */
typedef enum { TF_PYRAMID_IFD, TF_PYRAMID_OME, TF_PYRAMID_NONE } TfPyramidMode;

typedef enum { TF_ORIENTATION_AUTO, TF_ORIENTATION_APPLY, TF_ORIENTATION_IGNORE } TfOrientationMode;

/* What the user asked for; the strings are borrowed for the time of the call. */
typedef struct {
	const char *source; /* directory or arrangement file */
	TfArrangeOptions arrange;
	const char *name;       /* of the virtual file, without .tif or .ome.tif; or NULL */
	int32_t tile;           /* px, or 0: as the sources are, if they are tiles */
	bool levels_of_source;  /* levels=source: reduced levels that the source has are not averaged */
	bool passthrough;       /* sources that are exactly one tile are handed out as they are */
	TfPyramidMode pyramid;
	TfLayoutOrder order;    /* of the slots in the file */
	TfCompression compression;
	bool depth_8;           /* deeper sources are reduced to 8 bits */
	int quality;            /* 1 to 100 */
	int hsamp, vsamp;       /* of JPEG output: 2,2 is 420; 0,0: that, or with tile 0 as the sources have it */
	uint8_t background[3];  /* RGB */
	TfBlend blend;
	bool paint_damage;      /* on-error=fill: background from a source's first damaged strip on */
	const char *flat;       /* an image file that each source is divided by; or NULL */
	TfRect crop;            /* the part of the mosaic that is shown, px; empty: all of it */
	TfOrientationMode orientation;
	double pixel_um_x, pixel_um_y; /* size of a pixel, micrometres; 0: as arrangement or sources say */
	uint64_t slot_bytes;    /* 0: by quality and sampling */
	uint64_t memory_bytes;  /* target for the peak resident memory */
	unsigned threads;
	unsigned max_files;     /* descriptors of sources that are open at a time; 0: 256 */
	const char *spool_dir;
	const char *cache_dir;  /* or NULL: nothing is kept for the next mount */
	/* What a source may be, so that no file can take the machine: */
	int32_t max_side;       /* px; 0: no limit */
	uint64_t max_decode_bytes; /* of one that is decoded as a whole; 0: as memory_bytes */
	unsigned max_scans;     /* of a JPEG; 0: no limit */
	bool verify_digest;     /* verify=digest */
} TfMosaicOptions;

typedef struct {
	char *source, *name, *fingerprint, *spool_dir;
	char *cache_dir;        /* or NULL */
	TfArrangement *arrangement;
	TfProfiles *profiles;
	TfScene *scene;
	TfPyramid pyramid;
	TfLayout layout;
	TfEncoder encoder;
	TfImageDesc image;      /* what the header says of the picture; it borrows from the mosaic */
	TfHeader *header;
	TfFlat *flat;           /* or NULL */
	TfDigests *digests;     /* or NULL: sources are not verified */
	TfSources *sources;
	TfCanvas *canvas;
	GBytes *blank;          /* the tile that all blank tiles share */
	double residual_px;     /* the largest rounding of a position */
	char *moved_most;       /* path of the source that it moved, or NULL */
	TfGeo *geo;             /* where pixel (0, 0) lies on earth, or NULL */
	uint32_t n_outside;     /* sources outside the mosaic's extent, which are left out */
	double pixel_um_x, pixel_um_y; /* size of a pixel of level 0, micrometres; 0: unknown */
	const char *pixel_size_from;   /* who said so, or NULL; static */
	char *description;      /* ImageDescription */
	uint32_t headers_read, headers_known; /* files that were opened to learn their size, or were in the index */
	uint32_t streams_read;  /* files that were looked through, because they may be tiles */
	uint32_t n_missing;     /* named files that do not exist (missing=fill) */
	bool to_srgb;           /* sources with a profile are converted */
	int top_own_level;      /* the highest that has sources of its own (levels=source); those above are means */
	uint32_t max_stream_bytes; /* of a source that is handed out as it is; 0: none is */
	uint64_t passed_slots, passed_bytes; /* tiles that are sources as they are */
	uint64_t blank_slots;   /* slots that are holes because no source touches them */
	bool paint_damage;      /* as asked for */
	uint64_t source_px, source_bytes; /* sums over all sources */
	uint64_t memory_bytes;  /* as asked for */
	uint64_t fixed_bytes;   /* what cannot be evicted: tables and the canvases of a pass */
	GPtrArray *notes;       /* lines that the user should be told */
} TfMosaic;

TfMosaic *tf_mosaic_open(const TfMosaicOptions *options, GError **error);
void tf_mosaic_free(TfMosaic *mosaic);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfMosaic, tf_mosaic_free)

/* No source touches the tile: it points to the blank slot. */
bool tf_mosaic_is_blank(const TfMosaic *mosaic, TfTile tile);

/* The source that is handed out as this tile, or -1; and the bytes of that, or 0. */
int64_t tf_mosaic_passed(const TfMosaic *mosaic, TfTile tile);
uint64_t tf_mosaic_passed_bytes(const TfMosaic *mosaic, TfTile tile);

/* Bytes that a copy of the file will take on disk, estimated from the sources'
 * sizes; at least 1, below the apparent size. */
uint64_t tf_mosaic_estimate_bytes(const TfMosaic *mosaic);

/* "ycbcr-420", "rgb", "grey", "rgb16", "grey16"; static. */
const char *tf_mosaic_space_name(const TfMosaic *mosaic);
const char *tf_compression_name(TfCompression compression);
const char *tf_layout_order_name(TfLayoutOrder order); /* as in layout= */
const char *tf_blend_name(TfBlend blend);

/* "0.25 x 0.25 um", or NULL when it is unknown. */
char *tf_mosaic_pixel_size_text(const TfMosaic *mosaic);

/* The resolved arrangement: file,x,y,width,height with a header line. */
char *tf_mosaic_csv(const TfMosaic *mosaic);

/* Reads all sources and compares their digests with those that are known;
 * *text says what was done, the error (CHANGED) names the first ten that differ
 * or cannot be read.  With verify_digest only. */
bool tf_mosaic_check_digests(TfMosaic *mosaic, unsigned threads, char **text, GError **error);

/* What --check prints: the plan in plain lines. */
char *tf_mosaic_describe(const TfMosaic *mosaic);

/* Draws the arrangement (preview.h) into a PNG, and appends a line that says
 * so.  Takes at most about half a minute. */
bool tf_mosaic_preview(const TfMosaic *mosaic, const char *path, unsigned threads, const uint8_t background[3],
                       GString *out, GError **error);
