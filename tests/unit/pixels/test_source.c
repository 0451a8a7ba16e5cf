/* SPDX-License-Identifier: MIT
 *
 * Strips of turned, progressive, mirrored, CMYK and foreign sources against
 * what libvips makes of the same file.
 */
#include "placed.h"

#include <tiffuse/source.h>
#include <tiffuse/vips_env.h>
#include <vips/vips.h>

static const uint8_t background[3] = {200, 30, 90};

typedef struct {
	uint8_t *data;
	int width, height, bands;
} Pixels;

static void pixels_clear(Pixels *pixels)
{
	g_clear_pointer(&pixels->data, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pixels, pixels_clear)

static void replace(VipsImage **image, VipsImage *by)
{
	g_object_unref(*image);
	*image = by;
}

/* libvips' own turning, colours and flattening. */
static void ask_vips(const char *path, TfSpace space, bool to_srgb, Pixels *pixels)
{
	VipsImage *image = vips_image_new_from_file(path, NULL), *out = NULL;
	g_assert_nonnull(image);
	g_assert_cmpint(vips_autorot(image, &out, NULL), ==, 0);
	replace(&image, out);
	if (to_srgb && vips_image_get_typeof(image, VIPS_META_ICC_NAME)) {
		g_assert_cmpint(vips_icc_transform(image, &out, "srgb", "embedded", TRUE, NULL), ==, 0);
		replace(&image, out);
	}
	bool grey = space.kind == TF_SPACE_GREY;
	g_assert_cmpint(vips_colourspace(image, &out, grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
	                ==, 0);
	replace(&image, out);
	if (vips_image_hasalpha(image)) {
		uint8_t samples[3];
		memcpy(samples, background, sizeof samples);
		if (grey) /* ITU-T T.871 */
			samples[0] = (uint8_t)(0.299 * background[0] + 0.587 * background[1] + 0.114 * background[2] + 0.5);
		double ink[3] = {samples[0], samples[1], samples[2]};
		VipsArrayDouble *array = vips_array_double_new(ink, grey ? 1 : 3);
		g_assert_cmpint(vips_flatten(image, &out, "background", array, NULL), ==, 0);
		vips_area_unref(VIPS_AREA(array));
		replace(&image, out);
	}
	g_assert_cmpint(vips_cast(image, &out, VIPS_FORMAT_UCHAR, NULL), ==, 0);
	replace(&image, out);
	size_t length;
	pixels->width = vips_image_get_width(image);
	pixels->height = vips_image_get_height(image);
	pixels->bands = vips_image_get_bands(image);
	void *memory = vips_image_write_to_memory(image, &length);
	pixels->data = g_memdup2(memory, length);
	g_free(memory);
	g_object_unref(image);
}

static void check_strip(const TfStrip *strip, const Pixels *pixels, int32_t y0, int32_t y1)
{
	g_assert_cmpint(strip->y0, <=, y0);
	g_assert_cmpint(strip->y0 + strip->samples->height, >=, y1);
	const TfPlane *plane = &strip->samples->plane[0];
	gsize row = (gsize)pixels->width * (gsize)pixels->bands;
	g_assert_cmpint(plane->width, ==, pixels->width);
	for (int32_t y = y0; y < y1; y++)
		g_assert_cmpmem(plane->data + (y - strip->y0) * plane->stride, row, pixels->data + (gsize)y * row, row);
}

static void check_whole(TfSources *sources, const Pixels *pixels, GRand *random)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(TfRows));
	for (int32_t y = g_rand_int_range(random, 0, 3); y < pixels->height;) {
		TfRows rows = {y, g_rand_int_range(random, y + 1, pixels->height + 1)};
		g_array_append_val(ranges, rows);
		y = rows.y1 + g_rand_int_range(random, 0, 20);
	}
	TfStrip *strips[256];
	TfDecodeCount count = {0};
	const TfRows *wanted = (const TfRows *)(void *)ranges->data;
	bool ok = tf_source_read_whole(sources, 0, wanted, ranges->len, strips, &count, &error);
	g_assert_no_error(error);
	g_assert_true(ok);
	for (guint i = 0; i < ranges->len; i++) {
		check_strip(strips[i], pixels, wanted[i].y0, wanted[i].y1);
		tf_strip_unref(strips[i]);
	}
	g_assert_cmpuint(count.decoded_px, <=, (uint64_t)pixels->width * (uint64_t)pixels->height);
}

static void check_cursor(TfSources *sources, const Pixels *pixels, GRand *random)
{
	g_autoptr(GError) error = NULL;
	int32_t y = g_rand_boolean(random) ? 0 : g_rand_int_range(random, 0, pixels->height);
	g_autoptr(TfCursor) cursor = tf_cursor_open(sources, 0, y, &error);
	g_assert_no_error(error);
	TfDecodeCount count = {0};
	while (y < pixels->height) {
		int32_t end = g_rand_int_range(random, y + 1, pixels->height + 1);
		g_assert_true(tf_cursor_suits(cursor, y));
		g_autoptr(TfStrip) strip = tf_cursor_read(cursor, y, end, &count, &error);
		g_assert_no_error(error);
		check_strip(strip, pixels, y, end);
		y = end + (g_rand_boolean(random) ? 0 : g_rand_int_range(random, 0, 20));
	}
	g_assert_cmpuint(count.decoded_px, <=, (uint64_t)pixels->width * (uint64_t)pixels->height);
}

static void check_file(const char *path, TfSpace space, bool to_srgb)
{
	g_autoptr(GError) error = NULL;
	g_auto(Placed) placed = {0};
	g_auto(Pixels) pixels = {0};
	place_file(path, true, &placed, &error);
	g_assert_no_error(error);
	ask_vips(path, space, to_srgb, &pixels);
	TfSourcesOptions options = {.space = space, .to_srgb = to_srgb, .max_open = 3};
	memcpy(options.background, background, sizeof background);
	g_autoptr(TfSources) sources = tf_sources_new(placed.scene, placed.profiles, &options);
	GRand *random = g_rand_new_with_seed(1);
	const TfSource *source = tf_scene_source(placed.scene, 0);
	g_assert_cmpint(source->width, ==, pixels.width);
	g_assert_cmpint(source->height, ==, pixels.height);
	bool whole = placed.info.orientation > 2 || placed.info.progressive;
	g_assert_cmpint(tf_source_is_whole(sources, 0), ==, whole);
	for (int i = 0; i < 4; i++) {
		if (whole)
			check_whole(sources, &pixels, random);
		else
			check_cursor(sources, &pixels, random);
	}
	g_rand_free(random);
}

static const TfSpace RGB = {TF_SPACE_RGB, 1, 1, false}, GREY = {TF_SPACE_GREY, 1, 1, false};

/* --- JPEG ---------------------------------------------------------------------- */

static void check_jpeg(const char *kind, int orientation, const char *profile, TfSpace space, bool to_srgb)
{
	g_autoptr(Scratch) folder = scratch_new();
	JpegExtras extras = {.orientation = orientation};
	VipsBlob *blob = NULL;
	if (profile) {
		g_assert_cmpint(vips_profile_load(profile, &blob, NULL), ==, 0);
		extras.icc = vips_blob_get(blob, &extras.icc_bytes);
	}
	g_autoptr(GBytes) bytes = jpeg_make_with(jpeg_kind(kind), 157, 301, 5, &extras);
	g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
	check_file(path, space, to_srgb);
	if (blob)
		vips_area_unref(VIPS_AREA(blob));
}

static void test_orientations(void)
{
	for (int orientation = 1; orientation <= 8; orientation++) {
		check_jpeg("420", orientation, NULL, RGB, false);
		check_jpeg("420-progressive", orientation, NULL, RGB, false);
		check_jpeg("grey", orientation, NULL, GREY, false);
		check_jpeg("grey", orientation, NULL, RGB, false);
	}
}

static void test_cmyk(void)
{
	check_jpeg("cmyk-adobe", 0, NULL, RGB, true);
	check_jpeg("ycck-adobe", 0, NULL, RGB, true);
	check_jpeg("cmyk-adobe", 2, "cmyk", RGB, true);
	check_jpeg("ycck-adobe", 6, NULL, RGB, true);
}

static void test_icc(void)
{
	check_jpeg("420", 0, "p3", RGB, true);
	check_jpeg("444", 2, "p3", RGB, true);
	check_jpeg("444", 8, "p3", RGB, true);
	check_jpeg("420-progressive", 0, "p3", RGB, true);
	check_jpeg("420", 0, "p3", RGB, false); /* kept as it is */
	check_jpeg("rgb-adobe", 0, "srgb", RGB, true);
}

/* --- all else -------------------------------------------------------------------- */

/* 123 x 211 px; interpretation and bands by kind. */
static VipsImage *paint(int bands, bool wide, VipsInterpretation type)
{
	enum { W = 123, H = 211 };
	GRand *random = g_rand_new_with_seed(77);
	size_t n = (size_t)W * H * (size_t)bands;
	g_autofree uint16_t *two = g_new(uint16_t, n);
	g_autofree uint8_t *one = g_new(uint8_t, n);
	for (size_t i = 0; i < n; i++) {
		one[i] = (uint8_t)(i / 500 + (size_t)g_rand_int_range(random, 0, 50));
		two[i] = (uint16_t)(one[i] * 256 + g_rand_int_range(random, 0, 256));
	}
	g_rand_free(random);
	VipsImage *image = wide ? vips_image_new_from_memory_copy(two, n * 2, W, H, bands, VIPS_FORMAT_USHORT)
	                        : vips_image_new_from_memory_copy(one, n, W, H, bands, VIPS_FORMAT_UCHAR);
	image->Type = type;
	return image;
}

typedef struct {
	const char *name;
	int bands;
	bool wide;
	VipsInterpretation type;
	bool grey;
} Foreign;

static const Foreign foreigns[] = {
        {"rgb.png", 3, false, VIPS_INTERPRETATION_sRGB, false},
        {"rgba.png", 4, false, VIPS_INTERPRETATION_sRGB, false},
        {"rgb16.png", 3, true, VIPS_INTERPRETATION_RGB16, false},
        {"rgba16.png", 4, true, VIPS_INTERPRETATION_RGB16, false},
        {"grey.png", 1, false, VIPS_INTERPRETATION_B_W, true},
        {"greya.png", 2, false, VIPS_INTERPRETATION_B_W, true},
        {"grey16.png", 1, true, VIPS_INTERPRETATION_GREY16, true},
        {"palette.png[palette]", 3, false, VIPS_INTERPRETATION_sRGB, false},
        {"interlaced.png[interlace]", 3, false, VIPS_INTERPRETATION_sRGB, false},
        {"rgb.tif", 3, false, VIPS_INTERPRETATION_sRGB, false},
        {"rgba.tif[compression=deflate]", 4, false, VIPS_INTERPRETATION_sRGB, false},
        {"rgb16.tif[tile,tile-width=64,tile-height=64]", 3, true, VIPS_INTERPRETATION_RGB16, false},
        {"grey16.tif", 1, true, VIPS_INTERPRETATION_GREY16, true},
        {"cmyk.tif", 4, false, VIPS_INTERPRETATION_CMYK, false},
        {"rgb.webp", 3, false, VIPS_INTERPRETATION_sRGB, false},
        {"rgba.webp[lossless]", 4, false, VIPS_INTERPRETATION_sRGB, false},
};

static void test_foreign(gconstpointer data)
{
	const Foreign *kind = data;
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *target = g_build_filename(folder, kind->name, NULL), *path = g_strdup(target);
	if (strchr(path, '['))
		*strchr(path, '[') = '\0';
	VipsImage *image = paint(kind->bands, kind->wide, kind->type);
	g_assert_cmpint(vips_image_write_to_file(image, target, NULL), ==, 0);
	g_object_unref(image);
	check_file(path, RGB, false);
	if (kind->grey)
		check_file(path, GREY, false);
	if (kind->type == VIPS_INTERPRETATION_CMYK)
		check_file(path, RGB, true);
}

static void test_turned_tiff(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	for (int orientation = 1; orientation <= 8; orientation++) {
		g_autofree char *path = g_build_filename(folder, "turned.tif", NULL);
		VipsImage *image = paint(3, false, VIPS_INTERPRETATION_sRGB);
		vips_image_set_int(image, VIPS_META_ORIENTATION, orientation);
		g_assert_cmpint(vips_image_write_to_file(image, path, NULL), ==, 0);
		g_object_unref(image);
		check_file(path, RGB, false);
	}
}

/* A cut file is an error, on each read, and no black rows. */
static void test_cut(gconstpointer data)
{
	const Foreign *kind = data;
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, kind->name, NULL);
	VipsImage *image = paint(kind->bands, kind->wide, kind->type);
	g_assert_cmpint(vips_image_write_to_file(image, path, NULL), ==, 0);
	g_object_unref(image);
	struct stat st;
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpint(truncate(path, st.st_size / 2), ==, 0);
	g_auto(Placed) placed = {0};
	if (!place_file(path, false, &placed, NULL))
		return; /* a TIFF's directory stands at its end */
	TfSourcesOptions options = {.space = RGB, .max_open = 3};
	g_autoptr(TfSources) sources = tf_sources_new(placed.scene, placed.profiles, &options);
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(TfCursor) cursor = tf_cursor_open(sources, 0, 0, &error);
		TfDecodeCount count = {0};
		g_autoptr(TfStrip) strip = cursor ? tf_cursor_read(cursor, 0, 211, &count, &error) : NULL;
		g_assert_null(strip);
		g_assert_error(error, TF_ERROR, TF_ERROR_DAMAGED);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* libvips warns of cut files */
	for (gsize i = 0; i < G_N_ELEMENTS(foreigns); i++) {
		g_autofree char *path = g_strdup_printf("/source/foreign/%s", foreigns[i].name);
		g_autofree char *cut = g_strdup_printf("/source/cut/%s", foreigns[i].name);
		g_test_add_data_func(path, &foreigns[i], test_foreign);
		if (!strchr(foreigns[i].name, '['))
			g_test_add_data_func(cut, &foreigns[i], test_cut);
	}
	g_test_add_func("/source/orientations", test_orientations);
	g_test_add_func("/source/turned-tiff", test_turned_tiff);
	g_test_add_func("/source/cmyk", test_cmyk);
	g_test_add_func("/source/icc", test_icc);
	return g_test_run();
}
