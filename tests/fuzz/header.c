/* SPDX-License-Identifier: MIT
 *
 * The virtual file's header for pyramids and kinds of images of all sorts, read
 * back by libtiff: every offset, count and size is what the layout says.
 */
#include "fuzz.h"
#include <tiffio.h>
#include <tiffuse/header.h>

enum { MAX_TILES = 3000 };

typedef struct {
	const TfHeader *header;
	const TfLayout *layout;
	uint64_t at;
} File;

static tmsize_t read_proc(thandle_t handle, void *to, tmsize_t length)
{
	File *file = handle;
	fuzz_assert(length >= 0 && file->at + (uint64_t)length <= file->layout->header_bytes);
	fuzz_assert(tf_header_read(file->header, file->at, (size_t)length, to, NULL));
	file->at += (uint64_t)length;
	return length;
}

static tmsize_t write_proc(thandle_t handle, void *from, tmsize_t length)
{
	return -1;
}

static toff_t seek_proc(thandle_t handle, toff_t offset, int whence)
{
	File *file = handle;
	file->at = whence == SEEK_SET   ? offset
	           : whence == SEEK_CUR ? file->at + offset
	                                : file->layout->file_bytes + offset;
	return file->at;
}

static int close_proc(thandle_t handle)
{
	return 0;
}

static toff_t size_proc(thandle_t handle)
{
	return ((File *)handle)->layout->file_bytes;
}

static bool is_blank(TfTile tile, void *data)
{
	uint64_t seed = *(uint64_t *)data;
	return seed && (uint64_t)(tile.col * 7 + tile.row * 13 + tile.level) % seed == 0;
}

static void check_level(TIFF *tiff, const TfLayout *layout, int k, uint64_t seed)
{
	const TfLevel *level = &layout->pyramid.level[k];
	uint32_t width = 0, height = 0, tile = 0;
	fuzz_assert(TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) && width == level->width);
	fuzz_assert(TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) && height == level->height);
	fuzz_assert(TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile) && (int32_t)tile == layout->pyramid.tile);
	fuzz_assert(TIFFNumberOfTiles(tiff) == level->cols * level->rows);
	for (int64_t i = 0; i < level->cols * level->rows; i++) {
		TfTile at = {k, i % level->cols, i / level->cols};
		uint64_t expected = is_blank(at, &seed) ? layout->blank_offset : tf_layout_tile_offset(layout, at);
		fuzz_assert(TIFFGetStrileOffset(tiff, (uint32_t)i) == expected);
		fuzz_assert(TIFFGetStrileByteCount(tiff, (uint32_t)i) == layout->slot_bytes);
	}
}

static void check_file(const TfHeader *header, const TfLayout *layout, bool sub_ifds, uint64_t seed)
{
	File file = {header, layout, 0};
	TIFF *tiff = TIFFClientOpen("fuzz", "rm", &file, read_proc, write_proc, seek_proc, close_proc, size_proc, NULL, NULL);
	fuzz_assert(tiff);
	for (int k = 0; k < layout->pyramid.n_levels; k++) {
		uint16_t n = 0;
		uint64_t *offsets = NULL;
		if (k > 0 && sub_ifds) {
			fuzz_assert(TIFFSetDirectory(tiff, 0) && TIFFGetField(tiff, TIFFTAG_SUBIFD, &n, &offsets));
			fuzz_assert(n == layout->pyramid.n_levels - 1 && TIFFSetSubDirectory(tiff, offsets[k - 1]));
		} else {
			fuzz_assert(TIFFSetDirectory(tiff, (tdir_t)k));
		}
		check_level(tiff, layout, k, seed);
	}
	TIFFClose(tiff);
}

static bool plan(FuzzInput *input, TfLayout *layout, TfImageDesc *desc, uint64_t extra, GError **error)
{
	TfPyramid pyramid;
	int32_t tile = (int32_t)(fuzz_number(input, 1) % 64 + 1) * 16;
	int64_t width = (int64_t)fuzz_number(input, 2) + 1, height = (int64_t)fuzz_number(input, 2) + 1;
	if (!tf_pyramid_init(&pyramid, width, height, tile, desc->compression != TF_COMPRESSION_JPEG, error) ||
	    pyramid.level[0].cols * pyramid.level[0].rows > MAX_TILES)
		return false;
	uint64_t samples = (uint64_t)tile * (uint64_t)tile * (uint64_t)desc->bands * (desc->deep ? 2 : 1);
	TfLayoutParams params = {.slot_bytes = desc->compression == TF_COMPRESSION_NONE
	                                               ? samples
	                                               : fuzz_number(input, 2) % (2 * samples) + 700};
	return tf_layout_header_bound(&pyramid, extra, &params.header_bytes, error) &&
	       tf_layout_init(layout, &pyramid, &params, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput input = {data, size};
	static const char software[] = "tiffuse";
	uint64_t bits = fuzz_number(&input, 2), seed = fuzz_number(&input, 1), icc_bytes = bits & 1 ? fuzz_number(&input, 2) : 0;
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	TfImageDesc desc = {.compression = (TfCompression)(bits >> 1 & 7),
	                    .bands = bits & 16 ? 3 : 1,
	                    .sub_ifds = bits & 32,
	                    .hsamp = bits & 64 ? 2 : 1,
	                    .vsamp = bits & 128 && bits & 64 ? 2 : 1,
	                    .software = software,
	                    .pixel_um_x = bits & 256 ? 0.25 : 0,
	                    .pixel_um_y = bits & 256 ? 0.5 : 0,
	                    .spool_dir = fuzz_folder()};
	if (desc.compression > TF_COMPRESSION_ZSTD)
		return 0;
	desc.deep = bits & 512 && desc.compression != TF_COMPRESSION_JPEG;
	g_autofree uint8_t *profile = g_malloc0(icc_bytes + 1);
	g_autoptr(GBytes) icc = icc_bytes ? g_bytes_new_static(profile, icc_bytes) : NULL;
	desc.icc = icc;
	TfLayout layout;
	g_autoptr(GError) error = NULL;
	if (!plan(&input, &layout, &desc, icc_bytes + sizeof software, &error))
		return 0;
	g_autoptr(TfHeader) header = tf_header_new(&layout, &desc, is_blank, &seed, &error);
	fuzz_check_error(header != NULL, error);
	fuzz_assert(header || error->code == TF_ERROR_IO); /* TOO_LARGE: the bound is wrong */
	if (!header)
		return 0;
	fuzz_assert(tf_header_size(header) <= layout.header_bytes);
	check_file(header, &layout, desc.sub_ifds, seed);
	return 0;
}
