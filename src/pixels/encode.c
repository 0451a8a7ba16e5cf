/* SPDX-License-Identifier: MIT */
#include "encode_private.h"

#include <string.h>

/* geotiff.js 2 fails at a tile that ends at a multiple of 64 KiB. */
enum { SHORT_OF_A_PAGE = 16 };

static uint64_t jpeg_slot_bytes(TfSpace space, int hsamp, int vsamp, int quality, uint64_t px)
{
	/* Bytes per pixel of 4:2:0, in halves (see docs/layout.md). */
	uint64_t halves = quality <= 85 ? 1 : quality <= 95 ? 2 : 4;
	uint64_t bytes = hsamp * vsamp == 2 ? halves * px * 3 / 4 : halves * px;
	if (space.kind == TF_SPACE_GREY || hsamp * vsamp == 4)
		bytes = halves * px / 2;
	return MAX(bytes, 4096) - SHORT_OF_A_PAGE;
}

uint64_t tf_encode_slot_bytes(TfCompression compression, TfSpace space, int hsamp, int vsamp, int quality,
                              int32_t tile)
{
	uint64_t px = (uint64_t)tile * (uint64_t)tile, raw = px * (uint64_t)tf_space_pixel_bytes(space);
	switch (compression) {
	case TF_COMPRESSION_JPEG:
		return jpeg_slot_bytes(space, hsamp, vsamp, quality, px);
	case TF_COMPRESSION_LZW:
		return raw + raw / 2 + 1024; /* incompressible bytes become codes of up to 12 bits */
	case TF_COMPRESSION_DEFLATE:
	case TF_COMPRESSION_ZSTD:
		return raw + raw / 128 + 1024;
	default:
		return raw;
	}
}

typedef struct {
	uint8_t *memory;
	size_t bytes;
} Counted;

static void free_counted(gpointer data)
{
	Counted *counted = data;
	tf_memory_free(TF_MEMORY_TILES, counted->memory, counted->bytes);
	g_free(counted);
}

/* Takes `memory`, which tf_memory_alloc() gave. */
static GBytes *bytes_of(uint8_t *memory, size_t length)
{
	Counted *counted = g_new(Counted, 1);
	*counted = (Counted){memory, length};
	return g_bytes_new_with_free_func(memory, length, free_counted, counted);
}

GBytes *tf_encode_counted(const void *data, size_t length, GError **error)
{
	uint8_t *memory = tf_memory_alloc(TF_MEMORY_TILES, length, error);
	if (!memory)
		return NULL;
	memcpy(memory, data, length);
	return bytes_of(memory, length);
}

/* The samples themselves, one row after the other. */
static GBytes *pack(const TfEncoder *encoder, const TfPlane *plane, GError **error)
{
	size_t row = (size_t)encoder->tile * (size_t)tf_space_pixel_bytes(encoder->space);
	size_t length = row * (size_t)encoder->tile;
	uint8_t *memory = tf_memory_alloc(TF_MEMORY_TILES, length, error);
	if (!memory)
		return NULL;
	for (int32_t y = 0; y < encoder->tile; y++)
		memcpy(memory + (size_t)y * row, plane->data + y * plane->stride, row);
	return bytes_of(memory, length);
}

GBytes *tf_encode_tile(const TfEncoder *encoder, const TfPlane *planes, bool *requantised, GError **error)
{
	*requantised = false;
	if (encoder->compression == TF_COMPRESSION_NONE)
		return pack(encoder, planes, error);
	g_autofree uint8_t *room = g_try_malloc(encoder->slot_bytes);
	if (!room) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "cannot allocate %" G_GUINT64_FORMAT " bytes",
		            encoder->slot_bytes);
		return NULL;
	}
	size_t length = encoder->compression == TF_COMPRESSION_JPEG
	                        ? tf_encode_jpeg(encoder, planes, room, requantised, error)
	                        : tf_encode_tiff(encoder, planes, room, error);
	return length > 0 ? tf_encode_counted(room, length, error) : NULL;
}

uint64_t tf_encode_stream_bytes(const TfEncoder *encoder, GBytes *tile)
{
	uint64_t length = g_bytes_get_size(tile);
	return encoder->compression == TF_COMPRESSION_ZSTD ? length - TF_SKIPPABLE_HEAD : length;
}
