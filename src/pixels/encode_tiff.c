/* SPDX-License-Identifier: MIT
 *
 * Deflate, LZW and zstd by libtiff: one tile is written to a TIFF in memory
 * and its payload taken out.
 */
#include "encode_private.h"

#include <string.h>
#include <tiffio.h>

typedef struct {
	uint8_t *data;
	uint64_t length, capacity, at;
	char reason[256];
} Memory;

static tmsize_t on_read(thandle_t handle, void *buffer, tmsize_t length)
{
	Memory *memory = handle;
	uint64_t n = memory->at < memory->length ? MIN((uint64_t)length, memory->length - memory->at) : 0;
	memcpy(buffer, memory->data + memory->at, n);
	memory->at += n;
	return (tmsize_t)n;
}

static tmsize_t on_write(thandle_t handle, void *buffer, tmsize_t length)
{
	Memory *memory = handle;
	if (memory->at + (uint64_t)length > memory->capacity)
		return 0;
	memcpy(memory->data + memory->at, buffer, (size_t)length);
	memory->at += (uint64_t)length;
	memory->length = MAX(memory->length, memory->at);
	return length;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
	Memory *memory = handle;
	memory->at = whence == SEEK_END ? memory->length + offset : whence == SEEK_CUR ? memory->at + offset : offset;
	return memory->at;
}

static toff_t on_size(thandle_t handle)
{
	return ((Memory *)handle)->length;
}

static int on_close(thandle_t handle)
{
	return 0;
}

static int on_error(TIFF *tif, void *data, const char *module, const char *format, va_list args)
{
	Memory *memory = data;
	g_vsnprintf(memory->reason, sizeof memory->reason, format, args);
	return 1;
}

static TIFF *open_memory(Memory *memory)
{
	TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
	TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, memory);
	TIFFOpenOptionsSetWarningHandlerExtR(options, on_error, memory);
	TIFF *tif = TIFFClientOpenExt("tile", "w8l", memory, on_read, on_write, on_seek, on_close, on_size, NULL, NULL,
	                              options);
	TIFFOpenOptionsFree(options);
	return tif;
}

static void set_tags(TIFF *tif, const TfEncoder *encoder)
{
	static const int schemes[] = {[TF_COMPRESSION_DEFLATE] = COMPRESSION_ADOBE_DEFLATE,
	                              [TF_COMPRESSION_LZW] = COMPRESSION_LZW,
	                              [TF_COMPRESSION_ZSTD] = COMPRESSION_ZSTD};
	int bands = tf_space_bands(encoder->space);
	TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, encoder->tile);
	TIFFSetField(tif, TIFFTAG_IMAGELENGTH, encoder->tile);
	TIFFSetField(tif, TIFFTAG_TILEWIDTH, encoder->tile);
	TIFFSetField(tif, TIFFTAG_TILELENGTH, encoder->tile);
	TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, encoder->space.deep ? 16 : 8);
	TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, bands);
	TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, bands == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
	TIFFSetField(tif, TIFFTAG_COMPRESSION, schemes[encoder->compression]);
}

/* A skippable frame (RFC 8878, 3.1.2) that spans the rest of the slot: readers
 * that decode the whole slot pass over its zeros. */
static size_t append_skippable_frame(const TfEncoder *encoder, uint8_t *room, size_t length)
{
	size_t rest = encoder->slot_bytes - length - TF_SKIPPABLE_HEAD;
	uint32_t head[2] = {GUINT32_TO_LE(0x184D2A50), GUINT32_TO_LE((uint32_t)rest)};
	G_STATIC_ASSERT(sizeof head == TF_SKIPPABLE_HEAD);
	memcpy(room + length, head, sizeof head);
	return length + sizeof head;
}

static size_t write_and_take(TIFF *tif, Memory *memory, const TfEncoder *encoder, uint8_t *samples, uint8_t *room)
{
	set_tags(tif, encoder);
	uint64_t before = memory->length;
	if (TIFFWriteEncodedTile(tif, 0, samples, -1) < 0 || !TIFFFlushData(tif))
		return 0;
	uint64_t length = memory->length - before;
	if (length == 0 || length + 8 > encoder->slot_bytes)
		return 0;
	memcpy(room, memory->data + before, length);
	return length;
}

size_t tf_encode_tiff(const TfEncoder *encoder, const TfPlane *planes, uint8_t *room, GError **error)
{
	size_t row = (size_t)encoder->tile * (size_t)tf_space_pixel_bytes(encoder->space);
	size_t bytes = row * (size_t)encoder->tile, capacity = encoder->slot_bytes + 64 * 1024;
	g_autofree uint8_t *packed = g_try_malloc(bytes);
	g_autofree uint8_t *file = g_try_malloc0(capacity);
	if (!packed || !file) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "cannot allocate %zu bytes", bytes + capacity);
		return 0;
	}
	for (int32_t y = 0; y < encoder->tile; y++)
		memcpy(packed + (size_t)y * row, planes[0].data + y * planes[0].stride, row);
	Memory memory = {.data = file, .capacity = capacity};
	TIFF *tif = open_memory(&memory);
	size_t length = tif ? write_and_take(tif, &memory, encoder, packed, room) : 0;
	if (tif)
		TIFFCleanup(tif);
	if (length == 0) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "a tile cannot be encoded: %s",
		            *memory.reason ? memory.reason : "it does not fit its slot");
		return 0;
	}
	return encoder->compression == TF_COMPRESSION_ZSTD ? append_skippable_frame(encoder, room, length) : length;
}
