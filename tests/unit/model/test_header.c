/* SPDX-License-Identifier: MIT
 *
 * libtiff reads back what libtiff wrote: a file is put together from header,
 * layout and one encoded tile that stands in all slots.
 */
#include <tiffuse/header.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <tiffio.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TIFF, TIFFClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TIFFOpenOptions, TIFFOpenOptionsFree)

static TfLayout layout_of(int64_t width, int64_t height, int32_t tile, bool whole_tiles, uint64_t slot, uint64_t extra)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	TfLayout layout = {0};
	TfLayoutParams params = {.slot_bytes = slot};
	bool made = tf_pyramid_init(&pyramid, width, height, tile, whole_tiles, &error) &&
	            tf_layout_header_bound(&pyramid, extra, &params.header_bytes, &error) &&
	            tf_layout_init(&layout, &pyramid, &params, &error);
	g_assert_no_error(error);
	g_assert_true(made);
	return layout;
}

static TfHeader *header_of(const TfLayout *layout, const TfImageDesc *desc, TfIsBlankFunc is_blank)
{
	g_autoptr(GError) error = NULL;
	TfHeader *header = tf_header_new(layout, desc, is_blank, (void *)layout, &error);
	g_assert_no_error(error);
	g_assert_nonnull(header);
	g_assert_cmpuint(tf_header_size(header), <=, layout->header_bytes);
	return header;
}

static bool some_are_blank(TfTile tile, void *data)
{
	return (tile.col * 7 + tile.row * 3 + tile.level) % 5 == 0;
}

static GBytes *read_header(const TfHeader *header, uint64_t offset, size_t length)
{
	g_autoptr(GError) error = NULL;
	uint8_t *bytes = g_malloc(length);
	memset(bytes, 0xAA, length);
	tf_header_read(header, offset, length, bytes, &error);
	g_assert_no_error(error);
	return g_bytes_new_take(bytes, length);
}

/* --- a file of header, layout and one tile ------------------------------------ */

typedef struct {
	const TfLayout *layout;
	const TfHeader *header;
	GBytes *tile;
	uint64_t position;
} VirtualFile;

static toff_t seek_proc(thandle_t handle, toff_t offset, int whence)
{
	VirtualFile *file = handle;
	g_assert_cmpint(whence, !=, SEEK_END);
	return file->position = offset + (whence == SEEK_CUR ? file->position : 0);
}

static tmsize_t read_proc(thandle_t handle, void *buffer, tmsize_t length)
{
	VirtualFile *file = handle;
	tmsize_t done = 0;
	while (done < length && file->position < file->layout->file_bytes) {
		TfRegion region = tf_layout_find(file->layout, file->position);
		size_t n = MIN((uint64_t)(length - done), region.end - file->position);
		uint8_t *to = (uint8_t *)buffer + done;
		memset(to, 0, n);
		gsize size = 0, from = file->position - region.start;
		const uint8_t *tile = file->tile ? g_bytes_get_data(file->tile, &size) : NULL;
		if (region.kind == TF_REGION_HEADER)
			g_assert_true(tf_header_read(file->header, file->position, n, to, NULL));
		else if (region.kind != TF_REGION_HOLE && from < size)
			memcpy(to, tile + from, MIN(n, size - from));
		file->position += n;
		done += n;
	}
	return done;
}

static tmsize_t write_proc(thandle_t handle, void *buffer, tmsize_t length)
{
	g_assert_not_reached();
}

static toff_t size_proc(thandle_t handle)
{
	return ((VirtualFile *)handle)->layout->file_bytes;
}

static int close_proc(thandle_t handle)
{
	return 0;
}

static int no_messages(TIFF *tif, void *data, const char *module, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	g_error("libtiff says: %s: %s", module, text);
	return 1;
}

/* A reader to whom any warning is a failure. */
static TIFF *open_virtual(VirtualFile *file)
{
	g_autoptr(TIFFOpenOptions) options = TIFFOpenOptionsAlloc();
	TIFFOpenOptionsSetErrorHandlerExtR(options, no_messages, NULL);
	TIFFOpenOptionsSetWarningHandlerExtR(options, no_messages, NULL);
	TIFF *tif = TIFFClientOpenExt("virtual", "rm", file, read_proc, write_proc, seek_proc, close_proc, size_proc,
	                              NULL, NULL, options);
	g_assert_nonnull(tif);
	return tif;
}

/* --- one encoded tile, by libtiff too ----------------------------------------- */

enum { TILE = 128 };

static const uint16_t schemes[] = {
	[TF_COMPRESSION_NONE] = COMPRESSION_NONE, [TF_COMPRESSION_JPEG] = COMPRESSION_JPEG,
	[TF_COMPRESSION_DEFLATE] = COMPRESSION_ADOBE_DEFLATE, [TF_COMPRESSION_LZW] = COMPRESSION_LZW,
	[TF_COMPRESSION_ZSTD] = COMPRESSION_ZSTD,
};

static uint16_t photometric_of(const TfImageDesc *desc)
{
	if (desc->bands == 1)
		return PHOTOMETRIC_MINISBLACK;
	return desc->compression == TF_COMPRESSION_JPEG ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB;
}

static uint8_t sample(int x, int y, int band)
{
	return band == 0 ? 40 + x : band == 1 ? 200 - y : 20 + (x + y) / 2;
}

static GBytes *encode_tile(const TfImageDesc *desc)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	close(g_file_open_tmp("tiffuse-test-XXXXXX", &path, &error));
	g_assert_no_error(error);
	uint8_t pixels[TILE * TILE * 3 * 2];
	int depth = desc->deep ? 2 : 1, row = desc->bands * depth;
	for (int i = 0; i < TILE * TILE; i++)
		for (int b = 0; b < row; b++)
			pixels[i * row + b] = sample(i % TILE, i / TILE, b / depth);
	g_autoptr(TIFF) out = TIFFOpen(path, "w");
	TIFFSetField(out, TIFFTAG_IMAGEWIDTH, TILE);
	TIFFSetField(out, TIFFTAG_IMAGELENGTH, TILE);
	TIFFSetField(out, TIFFTAG_TILEWIDTH, TILE);
	TIFFSetField(out, TIFFTAG_TILELENGTH, TILE);
	TIFFSetField(out, TIFFTAG_BITSPERSAMPLE, 8 * depth);
	TIFFSetField(out, TIFFTAG_SAMPLESPERPIXEL, desc->bands);
	TIFFSetField(out, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(out, TIFFTAG_COMPRESSION, schemes[desc->compression]);
	TIFFSetField(out, TIFFTAG_PHOTOMETRIC, photometric_of(desc));
	if (desc->compression == TF_COMPRESSION_JPEG) {
		TIFFSetField(out, TIFFTAG_JPEGTABLESMODE, 0);
		if (desc->bands == 3) {
			TIFFSetField(out, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
			TIFFSetField(out, TIFFTAG_YCBCRSUBSAMPLING, desc->hsamp, desc->vsamp);
		}
	}
	g_assert_cmpint(TIFFWriteEncodedTile(out, 0, pixels, TILE * TILE * row), >, 0);
	TIFFClose(g_steal_pointer(&out));
	g_autoptr(TIFF) in = TIFFOpen(path, "r");
	uint8_t raw[2 * sizeof pixels];
	tmsize_t size = TIFFReadRawTile(in, 0, raw, sizeof raw);
	g_assert_cmpint(size, >, 0);
	unlink(path);
	return g_bytes_new(raw, size);
}

static void check_pixels(TIFF *tif, const TfImageDesc *desc, uint32_t tile)
{
	bool jpeg = desc->compression == TF_COMPRESSION_JPEG;
	if (jpeg && desc->bands == 3)
		TIFFSetField(tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	uint8_t pixels[TILE * TILE * 3 * 2];
	int depth = desc->deep ? 2 : 1, row = desc->bands * depth;
	tmsize_t size = TILE * TILE * row;
	g_assert_cmpint(TIFFReadEncodedTile(tif, tile, pixels, size), ==, size);
	int largest = 0;
	for (int i = 0; i < TILE * TILE; i++)
		for (int b = 0; b < row; b++)
			largest = MAX(largest, ABS(pixels[i * row + b] - sample(i % TILE, i / TILE, b / depth)));
	g_assert_cmpint(largest, <=, jpeg ? 20 : 0);
}

/* --- what the header says ----------------------------------------------------- */

static uint32_t field32(TIFF *tif, uint32_t tag)
{
	uint32_t value = 0;
	g_assert_true(TIFFGetField(tif, tag, &value));
	return value;
}

static uint16_t field16(TIFF *tif, uint32_t tag)
{
	uint16_t value = 0;
	g_assert_true(TIFFGetField(tif, tag, &value));
	return value;
}

static void check_colour(TIFF *tif, const TfImageDesc *desc)
{
	g_assert_cmpint(field16(tif, TIFFTAG_COMPRESSION), ==, schemes[desc->compression]);
	g_assert_cmpint(field16(tif, TIFFTAG_PHOTOMETRIC), ==, photometric_of(desc));
	if (photometric_of(desc) == PHOTOMETRIC_YCBCR) {
		uint16_t hsamp, vsamp;
		float *reference, expected[] = {0, 255, 128, 255, 128, 255};
		g_assert_true(TIFFGetField(tif, TIFFTAG_YCBCRSUBSAMPLING, &hsamp, &vsamp));
		g_assert_cmpint(hsamp, ==, desc->hsamp);
		g_assert_cmpint(vsamp, ==, desc->vsamp);
		g_assert_true(TIFFGetField(tif, TIFFTAG_REFERENCEBLACKWHITE, &reference));
		g_assert_cmpmem(reference, sizeof expected, expected, sizeof expected);
	}
	uint32_t icc_size = 0;
	void *icc = NULL;
	g_assert_cmpint(TIFFGetField(tif, TIFFTAG_ICCPROFILE, &icc_size, &icc), ==, desc->icc ? 1 : 0);
	if (desc->icc)
		g_assert_cmpmem(icc, icc_size, g_bytes_get_data(desc->icc, NULL), g_bytes_get_size(desc->icc));
}

static void check_text(TIFF *tif, uint32_t tag, const char *expected)
{
	char *text = NULL;
	TIFFGetField(tif, tag, &text);
	g_assert_cmpstr(text, ==, expected);
}

static void check_tiles(TIFF *tif, const TfLayout *layout, int level, TfIsBlankFunc is_blank)
{
	const TfLevel *size = &layout->pyramid.level[level];
	g_assert_cmpuint(TIFFNumberOfTiles(tif), ==, size->cols * size->rows);
	for (int64_t i = 0; i < size->cols * size->rows; i++) {
		TfTile tile = {level, i % size->cols, i / size->cols};
		bool blank = is_blank && is_blank(tile, NULL);
		g_assert_cmpuint(TIFFGetStrileOffset(tif, i), ==,
		                 blank ? tf_layout_blank_offset(layout, level) : tf_layout_tile_offset(layout, tile));
		g_assert_cmpuint(TIFFGetStrileByteCount(tif, i), ==, layout->slot_bytes);
	}
}

static void check_resolution(TIFF *tif, const TfImageDesc *desc, int level)
{
	bool known = desc->pixel_um_x > 0;
	float x = 0, y = 0;
	g_assert_cmpint(field16(tif, TIFFTAG_RESOLUTIONUNIT), ==, known ? RESUNIT_CENTIMETER : RESUNIT_NONE);
	g_assert_cmpint(TIFFGetField(tif, TIFFTAG_XRESOLUTION, &x), ==, known);
	g_assert_cmpint(TIFFGetField(tif, TIFFTAG_YRESOLUTION, &y), ==, known);
	if (!known)
		return;
	double scale = (double)(1 << level);
	g_assert_cmpfloat_with_epsilon(10000 / (double)x, desc->pixel_um_x * scale, 1e-6 * scale);
	g_assert_cmpfloat_with_epsilon(10000 / (double)y, desc->pixel_um_y * scale, 1e-6 * scale);
}

/* OME-TIFF: the first directory names the others. */
static void go_to_level(TIFF *tif, const TfLayout *layout, const TfImageDesc *desc, int level)
{
	bool sub = desc->sub_ifds && level > 0;
	g_assert_true(TIFFSetDirectory(tif, (tdir_t)(sub ? 0 : level)));
	uint16_t n = 0;
	uint64_t *offsets = NULL;
	g_assert_cmpint(TIFFGetField(tif, TIFFTAG_SUBIFD, &n, &offsets), ==, desc->sub_ifds);
	if (!sub)
		return;
	g_assert_cmpint(n, ==, layout->pyramid.n_levels - 1);
	g_assert_true(TIFFSetSubDirectory(tif, offsets[level - 1]));
	g_assert_true(TIFFLastDirectory(tif));
}

static void check_level(TIFF *tif, const TfLayout *layout, const TfImageDesc *desc, int level)
{
	const TfLevel *size = &layout->pyramid.level[level];
	go_to_level(tif, layout, desc, level);
	g_assert_cmpuint(field32(tif, TIFFTAG_IMAGEWIDTH), ==, size->width);
	g_assert_cmpuint(field32(tif, TIFFTAG_IMAGELENGTH), ==, size->height);
	g_assert_cmpuint(field32(tif, TIFFTAG_TILEWIDTH), ==, layout->pyramid.tile);
	g_assert_cmpuint(field32(tif, TIFFTAG_TILELENGTH), ==, layout->pyramid.tile);
	g_assert_cmpint(field16(tif, TIFFTAG_BITSPERSAMPLE), ==, desc->deep ? 16 : 8);
	g_assert_cmpint(field16(tif, TIFFTAG_SAMPLESPERPIXEL), ==, desc->bands);
	g_assert_cmpint(field16(tif, TIFFTAG_PLANARCONFIG), ==, PLANARCONFIG_CONTIG);
	check_resolution(tif, desc, level);
	uint32_t subfile = 0;
	TIFFGetField(tif, TIFFTAG_SUBFILETYPE, &subfile);
	g_assert_cmpuint(subfile, ==, level == 0 ? 0 : FILETYPE_REDUCEDIMAGE);
	check_colour(tif, desc);
	check_text(tif, TIFFTAG_SOFTWARE, level == 0 ? desc->software : NULL);
	check_text(tif, TIFFTAG_IMAGEDESCRIPTION, level == 0 ? desc->description : NULL);
	check_text(tif, TIFFTAG_DATETIME, NULL);
}

/* libtiff fills in for missing tags, so look at the directory's own bytes.
 * (For tiles below 6.4 KiB libtiff makes the counts SHORT.) */
static void check_directory(const TfHeader *header, const TfImageDesc *desc)
{
	g_autoptr(GBytes) bytes = read_header(header, 0, 4096);
	const uint8_t *start = g_bytes_get_data(bytes, NULL);
	g_assert_cmpmem(start, 8, "II\x2b\0\x08\0\0\0", 8);
	uint64_t offset, n;
	memcpy(&offset, start + 8, 8);
	g_assert_cmpuint(offset, <, 2048);
	memcpy(&n, start + offset, 8);
	g_assert_cmpuint(n, <=, 25); /* what tf_layout_header_bound() counts on */
	GString *tags = g_string_new(NULL);
	for (uint64_t i = 0; i < n; i++) {
		uint16_t entry[2];
		memcpy(entry, start + offset + 8 + 20 * i, sizeof entry);
		g_string_append_printf(tags, "%u ", entry[0]);
		if (entry[0] == TIFFTAG_TILEOFFSETS)
			g_assert_cmpint(entry[1], ==, TIFF_LONG8);
		if (entry[0] == TIFFTAG_TILEBYTECOUNTS && desc->compression != TF_COMPRESSION_NONE)
			g_assert_cmpint(entry[1], ==, TIFF_LONG);
	}
	g_autofree char *got = g_string_free(tags, FALSE);
	g_autofree char *expected = g_strdup_printf(
		"256 257 258 259 262 %s277 %s284 296 %s322 323 324 325 %s%s%s", desc->description ? "270 " : "",
		desc->pixel_um_x > 0 ? "282 283 " : "", desc->software ? "305 " : "",
		desc->sub_ifds ? "330 " : "", photometric_of(desc) == PHOTOMETRIC_YCBCR ? "530 532 " : "",
		desc->icc ? "34675 " : "");
	g_assert_cmpstr(got, ==, expected);
}

static size_t extra_of(const TfImageDesc *desc)
{
	return (desc->icc ? g_bytes_get_size(desc->icc) : 0) + (desc->software ? strlen(desc->software) + 1 : 0) +
	       (desc->description ? strlen(desc->description) + 1 : 0);
}

static void check_image(const TfImageDesc *desc)
{
	bool whole = desc->compression != TF_COMPRESSION_JPEG;
	g_autoptr(GBytes) tile = encode_tile(desc);
	uint64_t slot = whole && desc->compression == TF_COMPRESSION_NONE ? TILE * TILE * desc->bands * (desc->deep ? 2 : 1) : 120000;
	g_assert_cmpuint(g_bytes_get_size(tile), <=, slot);
	TfLayout layout = layout_of(2000, 1400, TILE, whole, slot, extra_of(desc));
	g_autoptr(TfHeader) header = header_of(&layout, desc, some_are_blank);
	g_autoptr(TfHeader) again = header_of(&layout, desc, some_are_blank);
	g_autoptr(GBytes) bytes = read_header(header, 0, layout.header_bytes);
	g_autoptr(GBytes) same = read_header(again, 0, layout.header_bytes);
	g_assert_true(g_bytes_equal(bytes, same));
	check_directory(header, desc);
	VirtualFile file = {.layout = &layout, .header = header, .tile = tile};
	g_autoptr(TIFF) tif = open_virtual(&file);
	g_assert_cmpint(TIFFNumberOfDirectories(tif), ==, desc->sub_ifds ? 1 : layout.pyramid.n_levels);
	for (int level = 0; level < layout.pyramid.n_levels; level++) {
		check_level(tif, &layout, desc, level);
		check_tiles(tif, &layout, level, some_are_blank);
		uint32_t jpeg_tables_size;
		void *jpeg_tables;
		g_assert_false(TIFFGetField(tif, TIFFTAG_JPEGTABLES, &jpeg_tables_size, &jpeg_tables));
		check_pixels(tif, desc, 0); /* a blank one on level 0 */
		check_pixels(tif, desc, TIFFNumberOfTiles(tif) - 1);
	}
}

static void test_compressions(void)
{
	for (int compression = TF_COMPRESSION_NONE; compression <= TF_COMPRESSION_ZSTD; compression++)
		for (int bands = 1; bands <= 3; bands += 2)
			check_image(&(TfImageDesc){.compression = compression, .bands = bands, .hsamp = 2, .vsamp = 2});
}

/* 16 bits, of which both bytes are the same. */
static void test_depths(void)
{
	for (int compression = TF_COMPRESSION_NONE; compression <= TF_COMPRESSION_ZSTD; compression++)
		for (int bands = 1; bands <= 3 && compression != TF_COMPRESSION_JPEG; bands += 2)
			check_image(&(TfImageDesc){.compression = compression, .bands = bands, .deep = true});
}

static void test_subsamplings(void)
{
	static const int factors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}};
	for (gsize i = 0; i < G_N_ELEMENTS(factors); i++)
		check_image(&(TfImageDesc){.compression = TF_COMPRESSION_JPEG,
		                           .bands = 3,
		                           .hsamp = factors[i][0],
		                           .vsamp = factors[i][1]});
}

static void test_texts(void)
{
	g_autofree char *profile = g_malloc(300001);
	for (int i = 0; i < 300001; i++)
		profile[i] = i * 31;
	g_autoptr(GBytes) icc = g_bytes_new(profile, 300001);
	check_image(&(TfImageDesc){.compression = TF_COMPRESSION_JPEG,
	                           .bands = 3,
	                           .hsamp = 2,
	                           .vsamp = 2,
	                           .icc = icc,
	                           .software = "tiffuse 1.0",
	                           .description = "<a>mosaic</a> of 1000 x 700"});
}

static void test_sub_ifds(void)
{
	for (int compression = TF_COMPRESSION_NONE; compression <= TF_COMPRESSION_JPEG; compression++)
		check_image(&(TfImageDesc){.compression = compression,
		                           .bands = 3,
		                           .sub_ifds = true,
		                           .hsamp = 2,
		                           .vsamp = 2,
		                           .description = "<OME/>",
		                           .pixel_um_x = 1,
		                           .pixel_um_y = 1});
}

static void test_pixel_size(void)
{
	for (int compression = TF_COMPRESSION_NONE; compression <= TF_COMPRESSION_JPEG; compression++)
		check_image(&(TfImageDesc){.compression = compression,
		                           .bands = 3,
		                           .hsamp = 2,
		                           .vsamp = 2,
		                           .pixel_um_x = 0.2527,
		                           .pixel_um_y = 123.4});
}

/* --- large -------------------------------------------------------------------- */

static const TfImageDesc photo = {.compression = TF_COMPRESSION_JPEG,
                                  .bands = 3,
                                  .hsamp = 2,
                                  .vsamp = 2,
                                  .software = "tiffuse 1.0"};

static guint count_files(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint n = 0;
	while (g_dir_read_name(dir))
		n++;
	return n;
}

static void test_spool(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("tiffuse-test-XXXXXX", &error);
	g_assert_no_error(error);
	TfImageDesc desc = photo;
	desc.spool_dir = dir;
	TfLayout layout = layout_of(330000, 320000, 512, false, 131072, extra_of(&desc));
	g_assert_cmpuint(layout.header_bytes, >, 4 * TF_MIB);
	g_autoptr(TfHeader) header = header_of(&layout, &desc, some_are_blank);
	g_assert_cmpuint(count_files(dir), ==, 0);
	g_assert_cmpuint(tf_header_bytes(header), <, 1024);
	VirtualFile file = {.layout = &layout, .header = header};
	g_autoptr(TIFF) tif = open_virtual(&file);
	for (int level = 0; level < layout.pyramid.n_levels; level++) {
		check_level(tif, &layout, &desc, level);
		check_tiles(tif, &layout, level, some_are_blank);
	}
	g_autoptr(TfHeader) again = header_of(&layout, &desc, some_are_blank);
	g_autoptr(GBytes) bytes = read_header(header, 0, layout.header_bytes);
	g_autoptr(GBytes) same = read_header(again, 0, layout.header_bytes);
	g_assert_true(g_bytes_equal(bytes, same));
	g_autoptr(GBytes) part = read_header(header, 1234567, 100003);
	g_autoptr(GBytes) expected = g_bytes_new_from_bytes(bytes, 1234567, 100003);
	g_assert_true(g_bytes_equal(part, expected));
	g_assert_cmpint(rmdir(dir), ==, 0);
}

/* Bytes behind the end are zeros, in memory and in the file. */
static void check_end(const TfHeader *header)
{
	uint64_t size = tf_header_size(header);
	g_autoptr(GBytes) across = read_header(header, size - 10, 30), behind = read_header(header, size + 5000, 20);
	g_autoptr(GBytes) inside = read_header(header, size - 10, 10);
	static const uint8_t zeros[20];
	const uint8_t *data = g_bytes_get_data(across, NULL);
	g_assert_cmpmem(data, 10, g_bytes_get_data(inside, NULL), 10);
	g_assert_cmpmem(data + 10, 20, zeros, 20);
	g_assert_cmpmem(g_bytes_get_data(behind, NULL), 20, zeros, 20);
}

static void test_end(void)
{
	TfImageDesc desc = photo;
	desc.spool_dir = g_get_tmp_dir();
	TfLayout small = layout_of(3000, 2000, 512, false, 131072, 100);
	g_autoptr(TfHeader) in_memory = header_of(&small, &desc, NULL);
	check_end(in_memory);
	g_assert_cmpuint(tf_header_bytes(in_memory), >=, tf_header_size(in_memory));
	TfLayout large = layout_of(330000, 320000, 512, false, 131072, 100);
	g_autoptr(TfHeader) in_file = header_of(&large, &desc, NULL);
	check_end(in_file);
}

/* --- refused ------------------------------------------------------------------ */

static void assert_refused(const TfLayout *layout, const TfImageDesc *desc, TfErrorCode code, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(tf_header_new(layout, desc, NULL, NULL, &error));
	g_assert_error(error, TF_ERROR, (int)code);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, words));
}

static void test_refused(void)
{
	TfImageDesc desc = photo;
	TfLayout small = layout_of(3000, 2000, 512, false, 131072, 100);
	small.header_bytes = 600;
	assert_refused(&small, &desc, TF_ERROR_TOO_LARGE, "bound of 600 bytes");
	TfLayout tiny = layout_of(300, 200, 16, false, 70000, 100);
	assert_refused(&tiny, &desc, TF_ERROR_IO, "0xFFFF");
	TfLayout large = layout_of(330000, 320000, 512, false, 131072, 100);
	desc.spool_dir = "/nonexistent/spool";
	assert_refused(&large, &desc, TF_ERROR_MISSING, "/nonexistent/spool");
}

/* A disk that is full, as near as a limit on the file's size comes to it. */
static void test_full(void)
{
	TfImageDesc desc = photo;
	desc.spool_dir = g_get_tmp_dir();
	TfLayout large = layout_of(330000, 320000, 512, false, 131072, 100);
	struct rlimit old, limit;
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1 << 20;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	sigaction(SIGXFSZ, &ignore, &before);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	assert_refused(&large, &desc, TF_ERROR_TOO_LARGE, g_strerror(EFBIG));
	setrlimit(RLIMIT_FSIZE, &old);
	sigaction(SIGXFSZ, &before, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/header/compressions", test_compressions);
	g_test_add_func("/header/subsamplings", test_subsamplings);
	g_test_add_func("/header/texts", test_texts);
	g_test_add_func("/header/depths", test_depths);
	g_test_add_func("/header/pixel-size", test_pixel_size);
	g_test_add_func("/header/sub-ifds", test_sub_ifds);
	g_test_add_func("/header/spool", test_spool);
	g_test_add_func("/header/end", test_end);
	g_test_add_func("/header/refused", test_refused);
	g_test_add_func("/header/full", test_full);
	return g_test_run();
}
