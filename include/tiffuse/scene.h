/* SPDX-License-Identifier: MIT
 *
 * A scene is the resolved arrangement: which source lies where in the mosaic.
 * Pixels of the mosaic count from its top left corner, y down; the scene's
 * extent is [0, width) x [0, height).  A source's index is its place in the
 * list that the user gave; which of two overlapping sources is on top follows
 * from it, unless they are blended.
 *
 * Build with tf_scene_new(), tf_scene_add() for each source, perhaps
 * tf_scene_set_extent(), then tf_scene_freeze(), which computes the extent and the index for lookups (a
 * uniform grid of buckets, memory proportional to the number of sources).
 * A frozen scene is immutable.
 *
 * Threads: building is for one thread; a frozen scene may be read by all.
 */
#pragma once
#include <tiffuse/error.h>
#include <tiffuse/util.h>

/* How a source's samples are stored in its file. */
typedef enum {
	TF_COLOUR_GREY,
	TF_COLOUR_YCBCR,
	TF_COLOUR_RGB,
	TF_COLOUR_CMYK,
	TF_COLOUR_YCCK,
	TF_COLOUR_OTHER /* left to libvips */
} TfColour;

typedef enum { TF_CODEC_JPEG, TF_CODEC_VIPS } TfCodec;

/* What makes a file the same file: compared before and after each decoding. */
typedef struct {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
} TfIdentity;

/* Of a JPEG's stream, in place of its size. */
enum {
	TF_STREAM_UNKNOWN = 0, /* nobody has looked through the file */
	TF_STREAM_UNFIT = 1,   /* it cannot be handed out as it is */
};

/* What the header of an image file says. */
typedef struct {
	TfCodec codec;
	TfColour colour;
	int32_t width, height; /* as stored, before orientation, px */
	uint8_t bands;         /* samples per pixel as stored */
	uint8_t hsamp, vsamp;  /* JPEG chroma subsampling factors: 2,2 is 4:2:0 */
	uint8_t orientation;   /* EXIF, 1 to 8; 1 when unknown */
	bool progressive;      /* must be decoded as a whole: several scans, or a loader that holds the picture */
	bool deep;             /* 16 bits a sample, grey or RGB */
	uint32_t icc;          /* index into the probe's table of profiles, 0 none */
	float pixel_um_x, pixel_um_y; /* size of a stored pixel, micrometres, as the file says; 0 where it does not */
	uint32_t stream_bytes; /* what a JPEG that fills a tile is handed out as, or a TF_STREAM_ value */
	TfIdentity identity;
} TfImageInfo;

typedef struct {
	const char *path;      /* absolute; owned by the scene */
	TfImageInfo info;
	uint8_t orientation;   /* the orientation that is applied, 1 to 8 */
	uint8_t level;         /* of the pyramid; the next numbers are in px of it.  Set by the scene */
	int64_t x, y;          /* top left corner in the mosaic, px; negative where the extent cuts it */
	int32_t width, height; /* as placed, after orientation, px */
	TfRect part;           /* what is used of it, in the mosaic, px; empty: all, until it is added */
} TfSource;

/* What is seen where sources overlap: the later one in the list, the earlier
 * one, or a mean of all of them (pixels/blend.h). */
typedef enum { TF_BLEND_LAST, TF_BLEND_FIRST, TF_BLEND_FEATHER } TfBlend;

typedef struct _TfScene TfScene;

TfScene *tf_scene_new(TfBlend blend);
void tf_scene_free(TfScene *scene);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfScene, tf_scene_free)

/* That many sources will be added: saves the memory of growing. */
void tf_scene_reserve(TfScene *scene, uint32_t n);

/* Copies *source and its path.  Coordinates may be negative until the freeze. */
void tf_scene_add(TfScene *scene, const TfSource *source);

/* The mosaic is to be this rectangle of the plane that the sources lie in
 * instead of the smallest one that holds them all.  Sources outside are
 * left out, and others cut, at the freeze. */
void tf_scene_set_extent(TfScene *scene, TfRect extent);

/* The smallest rectangle that holds all that is shown of the sources; not
 * after the freeze. */
TfRect tf_scene_bounds(const TfScene *scene);

/* Moves the extent's top left corner to 0, computes the extent and the index.
 * Fails with TOO_LARGE when a side exceeds 2^31-1 px, with ARRANGEMENT when
 * there is no source or one without pixels. */
bool tf_scene_freeze(TfScene *scene, GError **error);

/* Gives the next level of the pyramid (1, then 2, ...) sources of its own, in px
 * of that level, of which it has width x height; each must show some of it.  For
 * a frozen scene, whose extent is that of level 0. TOO_LARGE, NO_MEMORY. */
bool tf_scene_add_level(TfScene *scene, int64_t width, int64_t height, const TfSource *sources, uint32_t n,
                        GError **error);

/* The levels that have sources of their own, level 0 included. */
int tf_scene_n_levels(const TfScene *scene);

/* The scene of level k < tf_scene_n_levels(): all that is asked below counts in
 * px of that level.  Sources have one numbering over all levels, those of
 * level 0 first; any of them can be asked for at any level.  Borrowed. */
const TfScene *tf_scene_at_level(const TfScene *scene, int k);

TfBlend tf_scene_blend(const TfScene *scene);
int64_t tf_scene_width(const TfScene *scene);
int64_t tf_scene_height(const TfScene *scene);
uint32_t tf_scene_n_sources(const TfScene *scene); /* of all levels */
uint32_t tf_scene_n_placed(const TfScene *scene);  /* of this level */
const TfSource *tf_scene_source(const TfScene *scene, uint32_t index); /* borrowed */
TfRect tf_scene_source_rect(const TfScene *scene, uint32_t index); /* what is shown of it, in its own level */

/* Is any source in the rectangle?  No allocation. */
bool tf_scene_touches(const TfScene *scene, TfRect rect);

/* The topmost source that intersects the rectangle, or -1.  No allocation. */
int64_t tf_scene_topmost(const TfScene *scene, TfRect rect);

/* One piece of a rectangle's decomposition. */
typedef struct {
	int64_t source; /* the topmost source there, or -1 for background */
	TfRect rect;    /* mosaic px; never empty */
} TfFragment;

/* Appends to `out` (a GArray of TfFragment) disjoint fragments that cover
 * exactly `rect`; sources that are hidden everywhere in it do not occur.  The
 * order is a pure function of scene and rect.  rect may lie partly outside
 * the extent; what is outside is background. */
void tf_scene_visible(const TfScene *scene, TfRect rect, GArray *out);

/* Appends to `out` (a GArray of TfFragment) what `rect` is composed from: the
 * fragments of tf_scene_visible(); with TF_BLEND_FEATHER one fragment for each
 * source that touches rect, its whole intersection, topmost first.  These may
 * overlap, and there are none for the background. */
void tf_scene_fragments(const TfScene *scene, TfRect rect, GArray *out);

/* The smallest rectangle around all places in `rect` (px of the source's own
 * level) that are composed from the source; empty if it is hidden there. */
TfRect tf_scene_seen(const TfScene *scene, uint32_t index, TfRect rect);

/* Appends to `out` (a GArray of uint32_t) the sources that intersect rect,
 * topmost first. */
void tf_scene_query(const TfScene *scene, TfRect rect, GArray *out);

/* Bytes held by the scene. */
size_t tf_scene_bytes(const TfScene *scene);
