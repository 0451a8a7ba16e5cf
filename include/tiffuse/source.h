/* SPDX-License-Identifier: MIT
 *
 * The pixels of sources, as strips: some rows of one source, oriented,
 * converted to the mosaic's pixel space and divided by the flat field.
 *
 * A cursor is an open decoder that goes from the top down.  Some sources have
 * none (tf_source_is_whole()): progressive JPEGs and those that are turned
 * must be decoded as a whole, and give all wanted strips in one go.
 *
 * Rows and columns count in the placed source, after orientation.
 *
 * Threads: TfSources may be used by all; a cursor by one thread at a time (it
 * may wander); strips are immutable.
 */
#pragma once
#include <tiffuse/flat.h>
#include <tiffuse/digests.h>
#include <tiffuse/probe.h>
#include <tiffuse/samples.h>

/* Columns of a source, px. */
typedef struct {
	int32_t x0, x1;
} TfColumns;

/* Rows [y0, y0 + samples->height) and columns [x0, x0 + samples->width) of a
 * source; x0 and y0 are multiples of the space's chroma factors.  Columns that
 * are seen nowhere may be missing, or mean nothing. */
typedef struct {
	int32_t x0, y0;
	TfColumns all; /* of the strip that this one was cut from, or its own */
	TfSamples *samples;
	gatomicrefcount refs;
} TfStrip;

TfStrip *tf_strip_new(int32_t x0, int32_t y0, TfSamples *samples); /* takes samples */
TfStrip *tf_strip_ref(TfStrip *strip);
void tf_strip_unref(TfStrip *strip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfStrip, tf_strip_unref)

typedef struct _TfSources TfSources;

typedef struct {
	TfSpace space;
	bool to_srgb;          /* sources with an ICC profile are converted to sRGB */
	uint8_t background[3]; /* RGB, below transparent pixels */
	const TfFlat *flat;    /* borrowed; or NULL: sources are taken as they are */
	unsigned max_open;     /* descriptors */
	unsigned max_scans;    /* of a JPEG; one that has more is UNSUPPORTED; 0: no limit */
	TfDigests *digests;    /* borrowed, or NULL: sources are not verified */
	bool in_order;         /* no row is handed out before all rows above it were decoded, so that damage
				  there is met whatever is read first */
} TfSourcesOptions;

/* scene and profiles are borrowed and must outlive the result. */
TfSources *tf_sources_new(const TfScene *scene, const TfProfiles *profiles, const TfSourcesOptions *options);
void tf_sources_free(TfSources *sources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfSources, tf_sources_free)

unsigned tf_sources_open_files(TfSources *sources);

/* Reads the source and compares its digest, or takes it; with `digests` only. */
bool tf_sources_digest(TfSources *sources, uint32_t index, GError **error);

/* Must the source be decoded as a whole? */
bool tf_source_is_whole(const TfSources *sources, uint32_t index);

/* Memory that decoding it takes besides the strips: of a cursor, or of the
 * whole decoding; bytes. */
uint64_t tf_source_decode_bytes(const TfSources *sources, uint32_t index);

/* Pixels, added to by the functions below. */
typedef struct {
	uint64_t decoded_px, skipped_px;
} TfDecodeCount;

typedef struct _TfCursor TfCursor;

/* DAMAGED, CHANGED, MISSING, ACCESS, IO, NO_MEMORY, as all of these. */
TfCursor *tf_cursor_open(TfSources *sources, uint32_t index, int32_t first_row, GError **error);
void tf_cursor_free(TfCursor *cursor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfCursor, tf_cursor_free)

/* Is going on with this cursor the way to get at `row`? */
bool tf_cursor_suits(const TfCursor *cursor, int32_t row);
size_t tf_cursor_bytes(const TfCursor *cursor);

/* At least the rows [y0, y1), and all columns that are seen.  After an error the
 * cursor may only be freed. */
TfStrip *tf_cursor_read(TfCursor *cursor, int32_t y0, int32_t y1, TfDecodeCount *count, GError **error);

typedef struct {
	int32_t y0, y1;
} TfRows;

/* strips[i] gets at least the rows of ranges[i] (ascending, disjoint) of a
 * source that is whole.  All or nothing. */
bool tf_source_read_whole(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n,
                          TfStrip **strips, TfDecodeCount *count, GError **error);

/* How much of a damaged source can be had: *n_good gets the number of ranges
 * (ascending, disjoint) before the first that is damaged.  It is found by
 * reading from the top and is the same whatever was read before.  *strip gets
 * ranges[wanted] if it is good, otherwise NULL.  Fails with all errors but
 * DAMAGED.  Needs in_order. */
bool tf_source_salvage(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n, uint32_t wanted,
                       TfStrip **strip, uint32_t *n_good, TfDecodeCount *count, GError **error);

/* The background in place of rows.  Fails if the source cannot be opened or is
 * another file now. */
TfStrip *tf_source_paint(TfSources *sources, uint32_t index, TfRows rows, GError **error);
