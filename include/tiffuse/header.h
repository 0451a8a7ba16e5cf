/* SPDX-License-Identifier: MIT
 *
 * The bytes at the front of the virtual file: BigTIFF header, IFDs, and the
 * arrays of offsets and counts, all authored by libtiff (never by hand)
 * through client procs that keep metadata and drop the payload of tiles.
 *
 * A header whose bound (TfLayout.header_bytes) is up to 4 MiB stays in memory;
 * a larger one lives in an unlinked file in `spool_dir` and is read from there.
 * libtiff needs 16 bytes per tile of a level, and for a moment up to 8 more,
 * while that level is written.
 *
 * Threads: tf_header_new() on one thread; a finished header may be read by all.
 */
#pragma once
#include <tiffuse/geo.h>
#include <tiffuse/layout.h>

typedef enum {
	TF_COMPRESSION_NONE,
	TF_COMPRESSION_JPEG,
	TF_COMPRESSION_DEFLATE,
	TF_COMPRESSION_LZW,
	TF_COMPRESSION_ZSTD
} TfCompression;

typedef struct {
	TfCompression compression;
	int bands;               /* 1 grey, 3 RGB or YCbCr */
	bool deep;               /* 16 bits a sample instead of 8; not with JPEG */
	bool sub_ifds;           /* reduced levels are SubIFDs of level 0, not a chain behind it */
	int hsamp, vsamp;        /* YCbCrSubSampling of JPEG with 3 bands; 1, 2 or 4 */
	GBytes *icc;             /* the sources' profile, for every level, or NULL; borrowed */
	const char *software;    /* Software of level 0, e.g. "tiffuse 1.0", or NULL; borrowed */
	const char *description; /* ImageDescription of level 0 or NULL; borrowed */
	double pixel_um_x, pixel_um_y; /* size of a pixel of level 0, micrometres; 0: unknown */
	const TfGeo *geo;        /* where level 0 lies on earth, or NULL; borrowed */
	const char *spool_dir;   /* where a large header's file goes */
} TfImageDesc;

/* Does the tile point to the blank slot?  Must be a pure function; called once
 * for each tile, level by level in raster order.  NULL: none does. */
typedef bool (*TfIsBlankFunc)(TfTile tile, void *data);

/* Where a tile's bytes stand when that is not in the layout's slots.  Called
 * as TfIsBlankFunc is. */
typedef struct {
	uint64_t offset, count;
} TfTilePlace;
typedef TfTilePlace (*TfTilePlaceFunc)(TfTile tile, void *data);

typedef struct _TfHeader TfHeader;

/* Fails with TOO_LARGE if libtiff's header exceeds the layout's bound (a bug),
 * with MISSING, ACCESS or IO if the spool file cannot be made or written, and
 * with IO and libtiff's words if libtiff refuses: it does so for a slot over
 * 64 KiB around a tile of less than 6.4 KiB, whose counts it makes SHORT. */
TfHeader *tf_header_new(const TfLayout *layout, const TfImageDesc *desc, TfIsBlankFunc is_blank, void *data,
                        GError **error);
/* The same where tiles are told one by one, in or out of the layout's slots:
 * every count is from 1 to its slot_bytes.  The bound of the size is the same, too. */
TfHeader *tf_header_new_compact(const TfLayout *layout, const TfImageDesc *desc, TfTilePlaceFunc place, void *data,
                                GError **error);
void tf_header_free(TfHeader *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfHeader, tf_header_free)

uint64_t tf_header_size(const TfHeader *header);

/* Copies [offset, offset + length) into buffer; bytes past the header's size
 * are zeros.  Fails with IO, and then the buffer's content is undefined. */
bool tf_header_read(const TfHeader *header, uint64_t offset, size_t length, void *buffer, GError **error);

/* Bytes held in memory. */
size_t tf_header_bytes(const TfHeader *header);
