/* SPDX-License-Identifier: MIT
 *
 * Headers of all kinds of files, and of things that are none.
 */
#include "placed.h"

#include <sys/resource.h>
#include <tiffuse/vips_env.h>
#include <vips/vips.h>

static bool probe(const char *path, TfImageInfo *info, GError **error)
{
	TfProbeOptions options = {.threads = 2};
	g_autoptr(TfProfiles) profiles = NULL;
	return tf_probe_all(&path, 1, &options, info, &profiles, error);
}

static void test_jpegs(void)
{
	static const struct {
		const char *kind;
		TfColour colour;
		uint8_t bands, hsamp, vsamp;
	} expected[] = {{"420", TF_COLOUR_YCBCR, 3, 2, 2},        {"422", TF_COLOUR_YCBCR, 3, 2, 1},
	                {"444", TF_COLOUR_YCBCR, 3, 1, 1},        {"grey", TF_COLOUR_GREY, 1, 0, 0},
	                {"rgb-adobe", TF_COLOUR_RGB, 3, 0, 0},    {"cmyk-adobe", TF_COLOUR_CMYK, 4, 0, 0},
	                {"ycck-adobe", TF_COLOUR_YCCK, 4, 0, 0},  {"420-progressive", TF_COLOUR_YCBCR, 3, 2, 2},
	                {"grey-progressive", TF_COLOUR_GREY, 1, 0, 0}};
	g_autoptr(Scratch) folder = scratch_new();
	for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind(expected[i].kind), 71, 53, 1);
		g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
		TfImageInfo info;
		struct stat st;
		probe(path, &info, &error);
		g_assert_no_error(error);
		g_assert_cmpint(info.codec, ==, TF_CODEC_JPEG);
		g_assert_cmpint(info.colour, ==, expected[i].colour);
		g_assert_cmpint(info.width, ==, 71);
		g_assert_cmpint(info.height, ==, 53);
		g_assert_cmpint(info.bands, ==, expected[i].bands);
		g_assert_cmpint(info.progressive, ==, strstr(expected[i].kind, "progressive") != NULL);
		g_assert_cmpint(info.hsamp, ==, expected[i].hsamp);
		g_assert_cmpint(info.vsamp, ==, expected[i].vsamp);
		g_assert_cmpint(info.orientation, ==, 1);
		g_assert_cmpint(info.icc, ==, 0);
		g_assert_cmpint(stat(path, &st), ==, 0);
		g_assert_cmpuint(info.identity.ino, ==, st.st_ino);
		g_assert_cmpuint(info.identity.size, ==, (uint64_t)st.st_size);
	}
}

static void test_foreign(void)
{
	static const char *const names[] = {"a.png", "a.tif", "a.webp"};
	g_autoptr(Scratch) folder = scratch_new();
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *path = g_build_filename(folder, names[i], NULL);
		VipsImage *image;
		TfImageInfo info;
		g_assert_cmpint(vips_black(&image, 45, 67, "bands", 3, NULL), ==, 0);
		g_assert_cmpint(vips_image_write_to_file(image, path, NULL), ==, 0);
		g_object_unref(image);
		probe(path, &info, &error);
		g_assert_no_error(error);
		g_assert_cmpint(info.codec, ==, TF_CODEC_VIPS);
		g_assert_cmpint(info.width, ==, 45);
		g_assert_cmpint(info.height, ==, 67);
		g_assert_cmpint(info.bands, ==, 3);
		g_assert_cmpint(info.orientation, ==, 1);
	}
}

static void test_orientations(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	for (int orientation = 1; orientation <= 12; orientation++) {
		JpegExtras extras = {.orientation = orientation};
		g_autoptr(GBytes) bytes = jpeg_make_with(jpeg_kind("420"), 20, 10, 1, &extras);
		g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
		TfImageInfo info;
		g_assert_true(probe(path, &info, NULL));
		g_assert_cmpint(info.orientation, ==, orientation <= 8 ? orientation : 1);
		g_assert_cmpint(info.width, ==, 20); /* as stored */
	}
}

static void check_pixel_size(const char *path, double x, double y)
{
	TfImageInfo info;
	g_assert_true(probe(path, &info, NULL));
	g_assert_cmpfloat_with_epsilon((double)info.pixel_um_x, x, 1e-3);
	g_assert_cmpfloat_with_epsilon((double)info.pixel_um_y, y, 1e-3);
}

/* JFIF's density, which libjpeg writes at bytes 13 to 17, EXIF's, which goes
 * before it, and TIFF's, where libvips tells the unit. */
static void test_pixel_sizes(void)
{
	static const struct {
		uint8_t density[5];
		double x, y;
	} jfif[] = {{{0, 0, 4, 0, 5}, 0, 0}, {{1, 0, 100, 0, 200}, 254, 127}, {{2, 0x9C, 0x40, 0, 0}, 0.25, 0}};
	g_autoptr(Scratch) folder = scratch_new();
	for (gsize i = 0; i < G_N_ELEMENTS(jfif); i++) {
		g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 20, 10, 1);
		gsize length;
		g_autofree uint8_t *copy = g_bytes_unref_to_data(g_steal_pointer(&bytes), &length);
		memcpy(copy + 13, jfif[i].density, sizeof jfif[i].density);
		g_autoptr(GBytes) changed = g_bytes_new(copy, length);
		g_autofree char *path = scratch_write(folder, "a.jpg", changed);
		check_pixel_size(path, jfif[i].x, jfif[i].y);
	}
	VipsImage *image;
	g_autofree char *tiff = g_build_filename(folder, "a.tif", NULL), *png = g_build_filename(folder, "a.png", NULL);
	g_assert_cmpint(vips_black(&image, 45, 67, NULL), ==, 0);
	g_assert_cmpint(vips_tiffsave(image, tiff, "xres", 2000.0, "yres", 1000.0, NULL), ==, 0);
	g_assert_cmpint(vips_pngsave(image, png, NULL), ==, 0);
	g_object_unref(image);
	check_pixel_size(tiff, 0.5, 1);
	check_pixel_size(png, 0, 0);
}

/* Equal profiles are one entry, whatever the file and the thread. */
static void test_profiles(void)
{
	enum { N = 60 };
	static const char *const names[3] = {NULL, "srgb", "p3"};
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	for (int i = 0; i < N; i++) {
		JpegExtras extras = {0};
		VipsBlob *blob = NULL;
		if (names[i % 3]) {
			g_assert_cmpint(vips_profile_load(names[i % 3], &blob, NULL), ==, 0);
			extras.icc = vips_blob_get(blob, &extras.icc_bytes);
		}
		g_autoptr(GBytes) bytes = jpeg_make_with(jpeg_kind("420"), 20, 10, 1, &extras);
		g_autofree char *name = g_strdup_printf("%d.jpg", i);
		g_ptr_array_add(paths, scratch_write(folder, name, bytes));
		if (blob)
			vips_area_unref(VIPS_AREA(blob));
	}
	TfProbeOptions options = {.threads = 4};
	TfImageInfo infos[N];
	g_autoptr(TfProfiles) profiles = NULL;
	g_assert_true(tf_probe_all((const char *const *)paths->pdata, N, &options, infos, &profiles, NULL));
	g_assert_cmpuint(profiles->profiles->len, ==, 3);
	g_assert_null(g_ptr_array_index(profiles->profiles, 0));
	for (int i = 0; i < N; i++) {
		g_assert_cmpuint(infos[i].icc, ==, infos[i % 3].icc);
		g_assert_cmpint(infos[i].icc == 0, ==, (i % 3 == 0));
	}
	g_assert_cmpuint(infos[1].icc, !=, infos[2].icc);
}

/* --- what is no image ------------------------------------------------------------ */

static void check_refused(const char *path, TfErrorCode code)
{
	g_autoptr(GError) error = NULL;
	TfImageInfo info;
	gint64 begin = g_get_monotonic_time();
	g_assert_false(probe(path, &info, &error));
	g_assert_error(error, TF_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, path));
	g_assert_null(strchr(error->message, '\n'));
	g_assert_cmpint(g_get_monotonic_time() - begin, <, 2 * G_TIME_SPAN_SECOND);
}

static void test_refused(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, "thing.jpg", NULL);
	check_refused(path, TF_ERROR_MISSING);
	write_file(path, "", 0);
	check_refused(path, TF_ERROR_DAMAGED);
	write_file(path, "no image at all", 15);
	check_refused(path, TF_ERROR_UNSUPPORTED);
	write_file(path, "\xFF\xD8\xFF\xE0", 4);
	check_refused(path, TF_ERROR_DAMAGED);
	if (geteuid() != 0) {
		g_assert_cmpint(chmod(path, 0), ==, 0);
		check_refused(path, TF_ERROR_ACCESS);
	}
	g_assert_cmpint(unlink(path), ==, 0);
	g_assert_cmpint(mkfifo(path, 0600), ==, 0); /* nobody writes: must not block */
	check_refused(path, TF_ERROR_ACCESS);
	g_assert_cmpint(unlink(path), ==, 0);
	check_refused(folder, TF_ERROR_ACCESS);
	g_assert_cmpint(symlink("thing.jpg", path), ==, 0);
	check_refused(path, TF_ERROR_ACCESS); /* ELOOP */
	check_refused("/dev/null", TF_ERROR_ACCESS);
	check_refused("/dev/null/x", TF_ERROR_MISSING);
}

/* 12-bit, as a forged precision says. */
static void test_precision(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 20, 10, 1);
	gsize length;
	const uint8_t *data = g_bytes_get_data(bytes, &length);
	g_autofree uint8_t *forged = g_memdup2(data, length);
	for (gsize i = 0; i + 5 < length; i++)
		if (forged[i] == 0xFF && forged[i + 1] == 0xC0)
			forged[i + 4] = 12;
	g_autofree char *path = g_build_filename(folder, "deep.jpg", NULL);
	write_file(path, forged, length);
	check_refused(path, TF_ERROR_UNSUPPORTED);
}

static void test_first_ten(void)
{
	enum { N = 40 };
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 20, 10, 1);
	for (int i = 0; i < N; i++) {
		g_autofree char *name = g_strdup_printf("f%02d.jpg", i);
		if (i % 2 == 0)
			g_free(scratch_write(folder, name, bytes));
		g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	}
	TfProbeOptions options = {.threads = 2};
	TfImageInfo infos[N];
	g_autoptr(TfProfiles) profiles = NULL;
	g_autoptr(GError) error = NULL;
	const char *const *names = (const char *const *)paths->pdata;
	g_assert_false(tf_probe_all(names, N, &options, infos, &profiles, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
	g_autofree char *expected = g_strdup_printf(
	        "^[^;]*f01\\.jpg[^;]*; [^;]*f03.*f05.*f07.*f09.*f11.*f13.*f15.*f17.*f19\\.jpg[^;]*; and 10 more[^;\n]*$");
	g_assert_true(g_regex_match_simple(expected, error->message, 0, 0));
	g_assert_null(profiles);
	options.missing_fill = true;
	g_assert_true(tf_probe_all(names, N, &options, infos, &profiles, NULL));
	for (int i = 0; i < N; i++)
		g_assert_cmpint(infos[i].width, ==, i % 2 ? 0 : 20);
}

static void test_none(void)
{
	TfProbeOptions options = {.threads = 2};
	g_autoptr(TfProfiles) profiles = NULL;
	g_assert_true(tf_probe_all(NULL, 0, &options, NULL, &profiles, NULL));
	g_assert_cmpuint(profiles->profiles->len, ==, 1);
}

/* --- descriptors ---------------------------------------------------------------- */

static TfScene *scene_of_files(const Scratch *folder, int n)
{
	TfScene *scene = tf_scene_new(false);
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 20, 10, 1);
	for (int i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("%d.jpg", i), *path = scratch_write(folder, name, bytes);
		TfSource source = {.path = path, .orientation = 1, .x = 20 * i, .width = 20, .height = 10};
		g_assert_true(probe(path, &source.info, NULL));
		tf_scene_add(scene, &source);
	}
	g_assert_true(tf_scene_freeze(scene, NULL));
	return scene;
}

static void test_descriptors(void)
{
	enum { N = 60, MAX_OPEN = 8 };
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(TfScene) scene = scene_of_files(folder, N);
	g_autoptr(TfFiles) files = tf_files_new(scene, MAX_OPEN);
	int fds[N];
	for (uint32_t i = 0; i < N; i++) {
		int fd = tf_files_acquire(files, i, NULL), again = tf_files_acquire(files, i, NULL);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(again, ==, fd); /* shared */
		tf_files_release(files, i, fd);
		tf_files_release(files, i, again);
		g_assert_cmpuint(tf_files_open_count(files), <=, MAX_OPEN);
	}
	for (uint32_t i = 0; i < N; i++) /* what is in use is not closed */
		fds[i] = tf_files_acquire(files, i, NULL);
	g_assert_cmpuint(tf_files_open_count(files), ==, N);
	for (uint32_t i = 0; i < N; i++) {
		g_assert_true(tf_files_verify(files, i, fds[i], NULL));
		tf_files_release(files, i, fds[i]);
	}
	g_assert_cmpuint(tf_files_open_count(files), ==, MAX_OPEN);
}

/* No descriptor left: idle ones are closed and the file is opened all the same. */
static void test_emfile(void)
{
	enum { N = 40 };
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(TfScene) scene = scene_of_files(folder, N);
	g_autoptr(TfFiles) files = tf_files_new(scene, 1000);
	struct rlimit before, tight;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	int next = dup(0);
	close(next);
	tight = (struct rlimit){(rlim_t)next + 10, before.rlim_max};
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &tight), ==, 0);
	for (uint32_t i = 0; i < N; i++) {
		g_autoptr(GError) error = NULL;
		int fd = tf_files_acquire(files, i, &error);
		g_assert_no_error(error);
		tf_files_release(files, i, fd);
	}
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_test_add_func("/probe/jpegs", test_jpegs);
	g_test_add_func("/probe/foreign", test_foreign);
	g_test_add_func("/probe/orientations", test_orientations);
	g_test_add_func("/probe/pixel-sizes", test_pixel_sizes);
	g_test_add_func("/probe/profiles", test_profiles);
	g_test_add_func("/probe/refused", test_refused);
	g_test_add_func("/probe/precision", test_precision);
	g_test_add_func("/probe/first-ten", test_first_ten);
	g_test_add_func("/probe/none", test_none);
	g_test_add_func("/files/descriptors", test_descriptors);
	g_test_add_func("/files/emfile", test_emfile);
	return g_test_run();
}
