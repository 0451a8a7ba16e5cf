/* SPDX-License-Identifier: MIT
 *
 * Encoded tiles come back from libjpeg and libtiff, stay within their slot, and
 * do not depend on SIMD.
 */
#include "placed.h"

#include <tiffio.h>
#include <tiffuse/encode.h>
#include <tiffuse/source.h>
#include <tiffuse/vips_env.h>

enum { TILE = 64 };

static TfSamples *picture(TfSpace space, uint32_t seed, int noise)
{
	TfSamples *samples = tf_samples_new(space, TILE, TILE, 0, TF_MEMORY_CANVASES, NULL);
	GRand *random = g_rand_new_with_seed(seed);
	for (int p = 0; p < tf_space_planes(space); p++)
		for (int y = 0; y < samples->plane[p].height; y++)
			for (int i = 0; i < samples->plane[p].width * tf_space_pixel_bytes(space); i++)
				samples->plane[p].data[y * samples->plane[p].stride + i] =
				        (uint8_t)(60 + p * 20 + y + i / 3 + g_rand_int_range(random, 0, noise + 1));
	g_rand_free(random);
	return samples;
}

static TfEncoder encoder_of(TfCompression compression, TfSpace space, int quality)
{
	TfEncoder encoder = {compression, space, space.hsamp, space.vsamp, quality, TILE, 0};
	encoder.slot_bytes = tf_encode_slot_bytes(compression, space, space.hsamp, space.vsamp, quality, TILE);
	return encoder;
}

static GBytes *encode(const TfEncoder *encoder, const TfSamples *samples, bool *requantised)
{
	g_autoptr(GError) error = NULL;
	GBytes *bytes = tf_encode_tile(encoder, samples->plane, requantised, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(bytes), <=, encoder->slot_bytes);
	g_assert_cmpuint(g_bytes_get_size(bytes), >, 0);
	g_autoptr(GBytes) again = tf_encode_tile(encoder, samples->plane, requantised, NULL);
	g_assert_true(g_bytes_equal(bytes, again));
	return bytes;
}

/* --- JPEG ------------------------------------------------------------------------ */

static const TfSpace spaces[] = {{TF_SPACE_YCBCR, 2, 2, false}, {TF_SPACE_YCBCR, 2, 1, false}, {TF_SPACE_YCBCR, 1, 1, false},
                                 {TF_SPACE_RGB, 1, 1, false},   {TF_SPACE_GREY, 1, 1, false}};

/* Baseline, self-contained, no JFIF marker, sampled as said. */
static void check_stream(GBytes *bytes, const TfEncoder *encoder)
{
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr errors;
	gsize length;
	const uint8_t *data = g_bytes_get_data(bytes, &length);
	cinfo.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&cinfo);
	jpeg_mem_src(&cinfo, data, length);
	g_assert_cmpint(jpeg_read_header(&cinfo, TRUE), ==, JPEG_HEADER_OK);
	g_assert_false(cinfo.progressive_mode || cinfo.saw_JFIF_marker || cinfo.arith_code);
	g_assert_cmpint(cinfo.image_width, ==, TILE);
	g_assert_cmpint(cinfo.image_height, ==, TILE);
	g_assert_cmpint(cinfo.num_components, ==, encoder->space.kind == TF_SPACE_GREY ? 1 : 3);
	g_assert_cmpint(cinfo.comp_info[0].h_samp_factor, ==, encoder->hsamp);
	g_assert_cmpint(cinfo.comp_info[0].v_samp_factor, ==, encoder->vsamp);
	jpeg_destroy_decompress(&cinfo);
}

static void test_jpeg(gconstpointer data)
{
	const TfSpace *space = data;
	bool requantised, planar = space->kind == TF_SPACE_YCBCR;
	TfEncoder encoder = encoder_of(TF_COMPRESSION_JPEG, *space, 100);
	encoder.slot_bytes = 64 * 1024;
	g_autoptr(TfSamples) samples = picture(*space, 3, 3);
	g_autoptr(GBytes) bytes = encode(&encoder, samples, &requantised);
	g_assert_false(requantised);
	check_stream(bytes, &encoder);
	g_auto(Reference) back = {0};
	reference_decode(bytes, planar, space->kind == TF_SPACE_GREY ? JCS_GRAYSCALE : JCS_RGB, &back);
	for (int p = 0; p < tf_space_planes(*space); p++)
		for (int y = 0; y < samples->plane[p].height; y++)
			for (int i = 0; i < samples->plane[p].width * tf_space_bands(*space); i++)
				g_assert_cmpint(abs(back.data[p][(gsize)y * back.stride[p] + (gsize)i] -
				                    samples->plane[p].data[y * samples->plane[p].stride + i]),
				                <=, 4);
}

static void test_requantised(gconstpointer data)
{
	const TfSpace *space = data;
	g_autoptr(TfSamples) samples = picture(*space, 4, 120);
	TfEncoder roomy = encoder_of(TF_COMPRESSION_JPEG, *space, 90), tight = roomy;
	roomy.slot_bytes = 64 * 1024;
	bool requantised;
	for (tight.slot_bytes = 1200; tight.slot_bytes < 9000; tight.slot_bytes += 1111) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GBytes) bytes = tf_encode_tile(&tight, samples->plane, &requantised, &error);
		g_autoptr(GBytes) best = NULL;
		int quality = 91;
		do {
			g_clear_pointer(&best, g_bytes_unref);
			roomy.quality = --quality;
			best = encode(&roomy, samples, &(bool){false});
		} while (g_bytes_get_size(best) >= tight.slot_bytes && quality > 1);
		if (!bytes) {
			g_assert_error(error, TF_ERROR, TF_ERROR_TOO_LARGE);
			g_assert_cmpuint(g_bytes_get_size(best), >=, tight.slot_bytes);
			continue;
		}
		g_assert_true(g_bytes_equal(bytes, best));
		g_assert_cmpint(requantised, ==, (quality < 90));
	}
}

static void test_no_quality_fits(void)
{
	g_autoptr(GError) error = NULL;
	bool requantised;
	TfEncoder encoder = encoder_of(TF_COMPRESSION_JPEG, spaces[0], 85);
	g_autoptr(TfSamples) samples = picture(spaces[0], 4, 120);
	encoder.slot_bytes = 300;
	g_assert_null(tf_encode_tile(&encoder, samples->plane, &requantised, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_TOO_LARGE);
}

/* --- TIFF's own ------------------------------------------------------------------- */

typedef struct {
	TfCompression compression;
	int scheme;
	TfSpace space;
} Tiff;

static const Tiff tiffs[] = {{TF_COMPRESSION_NONE, COMPRESSION_NONE, {TF_SPACE_RGB, 1, 1, false}},
                             {TF_COMPRESSION_NONE, COMPRESSION_NONE, {TF_SPACE_GREY, 1, 1, false}},
                             {TF_COMPRESSION_DEFLATE, COMPRESSION_ADOBE_DEFLATE, {TF_SPACE_RGB, 1, 1, false}},
                             {TF_COMPRESSION_LZW, COMPRESSION_LZW, {TF_SPACE_RGB, 1, 1, false}},
                             {TF_COMPRESSION_LZW, COMPRESSION_LZW, {TF_SPACE_GREY, 1, 1, false}},
                             {TF_COMPRESSION_ZSTD, COMPRESSION_ZSTD, {TF_SPACE_RGB, 1, 1, false}},
                             {TF_COMPRESSION_ZSTD, COMPRESSION_ZSTD, {TF_SPACE_GREY, 1, 1, false}},
                             {TF_COMPRESSION_NONE, COMPRESSION_NONE, {TF_SPACE_RGB, 1, 1, true}},
                             {TF_COMPRESSION_DEFLATE, COMPRESSION_ADOBE_DEFLATE, {TF_SPACE_GREY, 1, 1, true}},
                             {TF_COMPRESSION_LZW, COMPRESSION_LZW, {TF_SPACE_RGB, 1, 1, true}},
                             {TF_COMPRESSION_ZSTD, COMPRESSION_ZSTD, {TF_SPACE_RGB, 1, 1, true}}};

/* The whole slot, with its zeros, as a reader takes it. */
static void check_slot(const char *path, const Tiff *kind, const uint8_t *slot, uint64_t slot_bytes,
                       const TfSamples *samples)
{
	TIFF *tif = TIFFOpen(path, "w8l");
	int bands = tf_space_bands(kind->space);
	TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, TILE);
	TIFFSetField(tif, TIFFTAG_IMAGELENGTH, TILE);
	TIFFSetField(tif, TIFFTAG_TILEWIDTH, TILE);
	TIFFSetField(tif, TIFFTAG_TILELENGTH, TILE);
	TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, kind->space.deep ? 16 : 8);
	TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, bands);
	TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, bands == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
	TIFFSetField(tif, TIFFTAG_COMPRESSION, kind->scheme);
	g_assert_cmpint(TIFFWriteRawTile(tif, 0, (void *)slot, (tmsize_t)slot_bytes), ==, (tmsize_t)slot_bytes);
	TIFFClose(tif);
	tif = TIFFOpen(path, "r");
	gsize row = (gsize)TILE * (gsize)tf_space_pixel_bytes(kind->space);
	g_autofree uint8_t *back = g_malloc(row * TILE);
	g_assert_cmpint(TIFFReadEncodedTile(tif, 0, back, (tmsize_t)(row * TILE)), ==, (tmsize_t)(row * TILE));
	TIFFClose(tif);
	for (int y = 0; y < TILE; y++)
		g_assert_cmpmem(back + (gsize)y * row, row, samples->plane[0].data + y * samples->plane[0].stride, row);
}

static void test_tiff(gconstpointer data)
{
	const Tiff *kind = data;
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, "slot.tif", NULL);
	TfEncoder encoder = encoder_of(kind->compression, kind->space, 85);
	static const int noises[] = {0, 5, 255}; /* the last is as bad as it can get */
	for (gsize i = 0; i < G_N_ELEMENTS(noises); i++) {
		bool requantised = true;
		g_autoptr(TfSamples) samples = picture(kind->space, (uint32_t)i, noises[i]);
		g_autoptr(GBytes) bytes = encode(&encoder, samples, &requantised);
		g_assert_false(requantised);
		g_autofree uint8_t *slot = g_malloc0(encoder.slot_bytes);
		memcpy(slot, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
		check_slot(path, kind, slot, encoder.slot_bytes, samples);
	}
}

/* RFC 8878: the frame spans exactly what is left of the slot. */
static void test_skippable_frame(void)
{
	bool requantised;
	TfEncoder encoder = encoder_of(TF_COMPRESSION_ZSTD, spaces[3], 85);
	g_autoptr(TfSamples) samples = picture(spaces[3], 1, 9);
	g_autoptr(GBytes) bytes = encode(&encoder, samples, &requantised);
	gsize length;
	const uint8_t *data = g_bytes_get_data(bytes, &length);
	uint32_t head[2];
	memcpy(head, data + length - 8, sizeof head);
	g_assert_cmphex(GUINT32_FROM_LE(head[0]) & 0xFFFFFFF0, ==, 0x184D2A50);
	g_assert_cmpuint(GUINT32_FROM_LE(head[1]), ==, encoder.slot_bytes - length);
}

/* --- SIMD --------------------------------------------------------------------------- */

/* Sums of what is encoded and decoded, for another process to compare. */
static void print_digest(void)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autoptr(Scratch) folder = scratch_new();
	bool requantised;
	for (gsize i = 0; i < G_N_ELEMENTS(spaces); i++) {
		TfEncoder encoder = encoder_of(TF_COMPRESSION_JPEG, spaces[i], 75);
		g_autoptr(TfSamples) samples = picture(spaces[i], 9, 60);
		g_autoptr(GBytes) bytes = encode(&encoder, samples, &requantised);
		g_checksum_update(sum, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
	}
	static const char *const kinds[] = {"420", "422", "444"};
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind(kinds[i]), 333, 222, 1);
		g_autofree char *path = scratch_write(folder, kinds[i], bytes);
		g_auto(Placed) placed = {0};
		g_assert_true(place_file(path, false, &placed, NULL));
		TfSourcesOptions options = {.space = {i == 0 ? TF_SPACE_YCBCR : TF_SPACE_RGB, i == 0 ? 2 : 1, i == 0 ? 2 : 1},
		                            .max_open = 2};
		g_autoptr(TfSources) sources = tf_sources_new(placed.scene, placed.profiles, &options);
		g_autoptr(TfCursor) cursor = tf_cursor_open(sources, 0, 0, NULL);
		TfDecodeCount count = {0};
		g_autoptr(TfStrip) strip = tf_cursor_read(cursor, 0, 222, &count, NULL);
		for (int p = 0; p < tf_space_planes(options.space); p++)
			for (int y = 0; y < strip->samples->plane[p].height; y++)
				g_checksum_update(sum, strip->samples->plane[p].data + y * strip->samples->plane[p].stride,
				                  strip->samples->plane[p].width * tf_space_bands(options.space));
	}
	puts(g_checksum_get_string(sum));
}

static char *digest(bool simd)
{
	g_autoptr(GError) error = NULL;
	char *out = NULL;
	int code;
	char *argv[] = {"/proc/self/exe", "--digest", NULL};
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	argv[0] = self;
	g_auto(GStrv) env = g_environ_setenv(g_get_environ(), simd ? "JSIMD_NONE" : "JSIMD_FORCENONE", "1", TRUE);
	g_assert_true(g_spawn_sync(NULL, argv, env, 0, NULL, NULL, &out, NULL, &code, &error));
	g_assert_cmpint(code, ==, 0);
	return out;
}

static void test_simd(void)
{
	g_autofree char *with = digest(true), *without = digest(false);
	g_assert_cmpuint(strlen(with), ==, 65);
	g_assert_cmpstr(with, ==, without);
}

/* No JPEG tile may end at a multiple of 64 KiB; slots start at multiples of 4. */
static void test_jpeg_ends(void)
{
	for (int32_t tile = 64; tile <= 4096; tile += 16)
		for (int quality = 1; quality <= 100; quality++)
			for (gsize i = 0; i < G_N_ELEMENTS(spaces); i++)
				for (int sampling = 1; sampling <= 4; sampling++) {
					int hsamp = sampling > 1 ? 2 : 1, vsamp = sampling > 2 ? 2 : 1;
					uint64_t bytes = tf_encode_slot_bytes(TF_COMPRESSION_JPEG, spaces[i], hsamp,
					                                      vsamp, quality, tile);
					g_assert_cmpuint(bytes % 4096, !=, 0);
				}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--digest") == 0) {
		g_assert_true(tf_vips_start(NULL));
		print_digest();
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(spaces); i++) {
		g_autofree char *jpeg = g_strdup_printf("/encode/jpeg/%zu", i);
		g_autofree char *requantised = g_strdup_printf("/encode/requantised/%zu", i);
		g_test_add_data_func(jpeg, &spaces[i], test_jpeg);
		g_test_add_data_func(requantised, &spaces[i], test_requantised);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(tiffs); i++) {
		g_autofree char *path = g_strdup_printf("/encode/tiff/%zu", i);
		g_test_add_data_func(path, &tiffs[i], test_tiff);
	}
	g_test_add_func("/encode/no-quality-fits", test_no_quality_fits);
	g_test_add_func("/encode/skippable-frame", test_skippable_frame);
	g_test_add_func("/encode/jpeg-ends", test_jpeg_ends);
	g_test_add_func("/encode/simd", test_simd);
	return g_test_run();
}
