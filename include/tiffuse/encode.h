/* SPDX-License-Identifier: MIT
 *
 * From a tile's samples to the bytes in its slot.  JPEG is written by
 * libjpeg-turbo: baseline, self-contained, no JFIF marker; deflate, LZW and
 * zstd by libtiff; none is the samples themselves.
 *
 * Threads: a TfEncoder is read-only; each call stands for itself.
 */
#pragma once
#include <tiffuse/header.h>
#include <tiffuse/samples.h>

typedef struct {
	TfCompression compression;
	TfSpace space;
	int hsamp, vsamp; /* of the JPEG that is written */
	int quality;      /* 1 to 100 */
	int32_t tile;     /* side, px */
	uint64_t slot_bytes;
} TfEncoder;

/* The slot's size for a tile: for JPEG the size that natural tiles stay well
 * below at this quality and sampling (docs/layout.md has the figures), for none
 * the exact size, for the others what the worst tile needs. */
uint64_t tf_encode_slot_bytes(TfCompression compression, TfSpace space, int hsamp, int vsamp, int quality,
                              int32_t tile);

/* `planes` are tile x tile px of the encoder's space.  *requantised is set when
 * the tile did not fit at the encoder's quality and was encoded at the highest
 * lower one that fits.  The result is at most slot_bytes long, counted as
 * TF_MEMORY_TILES until its last reference goes.  NULL with NO_MEMORY, or
 * TOO_LARGE if no quality fits. */
GBytes *tf_encode_tile(const TfEncoder *encoder, const TfPlane *planes, bool *requantised, GError **error);

/* How many bytes of a tile from tf_encode_tile() are the tile itself.  For zstd
 * the head of a skippable frame follows, so that readers of a slot pass over
 * the zeros after it; a file without slots leaves it out. */
uint64_t tf_encode_stream_bytes(const TfEncoder *encoder, GBytes *tile);

/* A copy of an encoded tile's bytes, counted as those of tf_encode_tile().
 * NULL with NO_MEMORY. */
GBytes *tf_encode_counted(const void *data, size_t length, GError **error);
