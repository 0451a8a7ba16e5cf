/* SPDX-License-Identifier: MIT
 *
 * The bytes at the front of the virtual file: BigTIFF header, IFDs, and the
 * arrays of offsets and counts, all authored by libtiff (never by hand)
 * through client procs that keep metadata and drop the payload of tiles.
 *
 * Up to 4 MiB the bytes stay in memory; a larger header lives in an unlinked
 * file below `spool_dir` and is read from there.
 *
 * Threads: tf_header_new() on one thread; a finished header may be read by all.
 */
#pragma once
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
	int bands;               /* 1 grey, 3 RGB or YCbCr; 8 bits each */
	int hsamp, vsamp;        /* YCbCrSubSampling of JPEG with 3 bands; 1 or 2 */
	GBytes *icc;             /* the sources' profile or NULL; borrowed */
	const char *software;    /* e.g. "tiffuse 1.0"; borrowed */
	const char *description; /* ImageDescription of level 0 or NULL; borrowed */
	const char *spool_dir;   /* where a large header's file goes */
} TfImageDesc;

/* Does the tile point to the blank slot?  Must be a pure function. */
typedef bool (*TfIsBlankFunc)(TfTile tile, void *data);

typedef struct _TfHeader TfHeader;

/* Fails with TOO_LARGE if libtiff's header exceeds the layout's bound (a bug),
 * with IO if the spool file cannot be written. */
TfHeader *tf_header_new(const TfLayout *layout, const TfImageDesc *desc, TfIsBlankFunc is_blank, void *data,
                        GError **error);
void tf_header_free(TfHeader *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfHeader, tf_header_free)

uint64_t tf_header_size(const TfHeader *header);

/* Copies [offset, offset + length) into buffer; bytes past the header's size
 * are zeros. */
bool tf_header_read(const TfHeader *header, uint64_t offset, size_t length, void *buffer, GError **error);

/* Bytes held in memory. */
size_t tf_header_bytes(const TfHeader *header);
