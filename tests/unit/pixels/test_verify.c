/* SPDX-License-Identifier: MIT
 *
 * verify=digest: of a source in which a single bit flipped no row is handed
 * out, whichever bit, be it before the first use or between two readings.
 */
#include "placed.h"

#include <tiffuse/source.h>
#include <tiffuse/vips_env.h>
#include <vips/vips.h>

enum { WIDTH = 150, HEIGHT = 130 };

/* 0 or the code of the error. */
static int read_all(TfSources *sources, uint8_t *pixels, gsize *n)
{
	g_autoptr(GError) error = NULL;
	TfDecodeCount count = {0};
	g_autoptr(TfStrip) strip = NULL;
	TfRows rows = {0, HEIGHT};
	if (tf_source_is_whole(sources, 0)) {
		tf_source_read_whole(sources, 0, &rows, 1, &strip, &count, &error);
	} else {
		g_autoptr(TfCursor) cursor = tf_cursor_open(sources, 0, 0, &error);
		strip = cursor ? tf_cursor_read(cursor, 0, HEIGHT, &count, &error) : NULL;
	}
	if (!strip) {
		g_assert_cmpint(error->domain, ==, TF_ERROR);
		return error->code;
	}
	const TfPlane *plane = &strip->samples->plane[0];
	*n = (gsize)(plane->width * tf_space_pixel_bytes(strip->samples->space));
	for (int y = 0; y < HEIGHT; y++)
		memcpy(pixels + (gsize)y * *n, plane->data + y * plane->stride, *n);
	return 0;
}

/* Reads the file at path; `good` is another with the bytes that it should have. */
static int read_verified(const char *path, const char *good, bool good_first, uint8_t *pixels, gsize *n)
{
	g_auto(Placed) placed = {0};
	uint8_t digest[TF_DIGEST_BYTES];
	if (!place_file(path, false, &placed, NULL) || placed.info.width != WIDTH || placed.info.height != HEIGHT)
		return -1; /* the header; the index would know better, or grids refuse it */
	g_autoptr(TfDigests) digests = tf_digests_new(1), taken = tf_digests_new(1);
	tf_autofd int fd = open(good, O_RDONLY);
	uint64_t size = (uint64_t)lseek(fd, 0, SEEK_END);
	g_assert_true(tf_digests_check(good_first ? digests : taken, 0, good, fd, size, NULL));
	tf_digests_get(taken, 0, digest);
	if (!good_first)
		tf_digests_expect(digests, 0, digest);
	TfSourcesOptions options = {.space = {TF_SPACE_RGB, 1, 1, false}, .max_open = 3, .digests = digests};
	g_autoptr(TfSources) sources = tf_sources_new(placed.scene, placed.profiles, &options);
	return read_all(sources, pixels, n);
}

static void check_flips(const char *name, GBytes *bytes, int flips)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *good = scratch_write(folder, "good", bytes), *path = g_build_filename(folder, name, NULL);
	gsize length = g_bytes_get_size(bytes), n, n_good;
	g_autofree uint8_t *data = g_memdup2(g_bytes_get_data(bytes, NULL), length);
	g_autofree uint8_t *pixels = g_malloc(WIDTH * HEIGHT * 3), *want = g_malloc(WIDTH * HEIGHT * 3);
	GRand *random = g_rand_new_with_seed(31);
	write_file(path, data, length);
	g_assert_cmpint(read_verified(path, good, true, want, &n_good), ==, 0);
	g_assert_cmpint(read_verified(path, good, false, pixels, &n), ==, 0);
	g_assert_cmpmem(pixels, n * HEIGHT, want, n_good * HEIGHT);
	unsigned headers = 0, noticed = 0;
	for (int i = 0; i < flips; i++) {
		size_t bit = (size_t)g_rand_int_range(random, 0, (gint32)(8 * length));
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		unlink(path);
		write_file(path, data, length);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		int code = read_verified(path, good, i % 2, pixels, &n);
		headers += code < 0;
		noticed += code == TF_ERROR_CHANGED;
	}
	g_test_message("%s: %u flips noticed, %u in the header", name, noticed, headers);
	g_assert_cmpuint(headers + noticed, ==, (unsigned)flips);
	g_assert_cmpuint(noticed, >, (unsigned)flips / 2);
	g_rand_free(random);
}

static void test_jpeg(gconstpointer data)
{
	g_autoptr(GBytes) bytes = jpeg_make(data, WIDTH, HEIGHT, 17);
	check_flips("a.jpg", bytes, 200);
}

/* Without compression: any bit decodes. */
static void test_tiff(void)
{
	g_autoptr(GBytes) jpeg = jpeg_make(jpeg_kind("444"), WIDTH, HEIGHT, 17);
	gsize length;
	const void *in = g_bytes_get_data(jpeg, &length);
	VipsImage *image = vips_image_new_from_buffer(in, length, "", NULL);
	void *out;
	size_t out_length;
	g_assert_cmpint(vips_tiffsave_buffer(image, &out, &out_length, NULL), ==, 0);
	g_object_unref(image);
	g_autoptr(GBytes) tiff = g_bytes_new_take(out, out_length);
	check_flips("a.tif", tiff, 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	for (gsize i = 0; i < G_N_ELEMENTS(jpeg_kinds); i++) {
		g_autofree char *path = g_strdup_printf("/verify/%s", jpeg_kinds[i].name);
		if (jpeg_kinds[i].in != JCS_CMYK) /* each strip loads a profile */
			g_test_add_data_func(path, &jpeg_kinds[i], test_jpeg);
	}
	g_test_add_func("/verify/tiff", test_tiff);
	return g_test_run();
}
