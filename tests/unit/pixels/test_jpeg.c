/* SPDX-License-Identifier: MIT
 *
 * JPEG cursors against a plain full decode by libjpeg: the same bits wherever
 * one starts, skips and cuts; never wrong pixels from damaged files.
 */
#include "../../../src/pixels/jpeg.h"
#include "placed.h"

#include <sys/time.h>
#include <tiffuse/vips_env.h>

/* How a kind of file is read. */
typedef struct {
	TfJpegOutput output;
	bool grey;
	J_COLOR_SPACE out;
} Reading;

static guint readings_of(const JpegKind *kind, Reading readings[3])
{
	guint n = 0;
	if (kind->stored == JCS_YCbCr) {
		if (kind->vsamp <= kind->hsamp && kind->hsamp <= 2) /* others go through RGB */
			readings[n++] = (Reading){TF_JPEG_PLANAR, false, JCS_YCbCr};
		readings[n++] = (Reading){TF_JPEG_INTERLEAVED, false, JCS_RGB};
	} else if (kind->in == JCS_CMYK) {
		readings[n++] = (Reading){TF_JPEG_INTERLEAVED, false, JCS_CMYK};
	} else {
		readings[n++] = (Reading){TF_JPEG_INTERLEAVED, false, JCS_RGB};
	}
	if (kind->stored == JCS_GRAYSCALE)
		readings[n++] = (Reading){TF_JPEG_INTERLEAVED, true, JCS_GRAYSCALE};
	return n;
}

/* --- the same bits ---------------------------------------------------------- */

static TfSamples *strip_for(const TfJpeg *jpeg, const Placed *placed, int32_t n_units)
{
	g_autoptr(GError) error = NULL;
	bool planar = tf_jpeg_unit(jpeg) > 1;
	TfSpace space = {TF_SPACE_RGB, 1, 1, false};
	if (planar)
		space = (TfSpace){TF_SPACE_YCBCR, placed->info.hsamp, placed->info.vsamp, false};
	/* Four bands of CMYK: a third wider. */
	int32_t width = planar ? placed->info.width : placed->info.width * 4 / 3 + 2;
	TfSamples *strip = tf_samples_new(space, width, n_units * tf_jpeg_unit(jpeg), 0, TF_MEMORY_STRIPS, &error);
	g_assert_no_error(error);
	for (int p = 0; p < tf_space_planes(space); p++)
		for (int y = 0; y < strip->plane[p].height; y++)
			memset(strip->plane[p].data + y * strip->plane[p].stride, 0x5A, (gsize)strip->plane[p].width);
	return strip;
}

/* Are the columns [x0, x1) of the strip, whose first column is `left`, right? */
static bool same_rows(const TfSamples *strip, const Reference *reference, int32_t top, int unit, int32_t left,
                      int32_t x0, int32_t x1)
{
	for (int p = 0; p < 3 && reference->data[p]; p++) {
		int vsamp = unit > 1 ? tf_space_vsamp(strip->space, p) : 1, hsamp = unit > 1 ? tf_space_hsamp(strip->space, p) : 1;
		int first = top / vsamp, rows = MIN(strip->plane[p].height, reference->height[p] - first);
		int32_t bands = reference->bands, from = x0 / hsamp;
		int32_t n = MIN((int32_t)tf_ceil_div(x1, hsamp), reference->width[p]) - from;
		for (int y = 0; y < rows; y++)
			if (memcmp(strip->plane[p].data + y * strip->plane[p].stride + (from - left / hsamp) * bands,
			           reference->data[p] + (gsize)(first + y) * reference->stride[p] + from * bands,
			           (gsize)(n * bands)) != 0)
				return false;
	}
	return true;
}

/* Walks down from first_row in strips of random heights; `gaps`: some rows are
 * passed over, some strips overlap by the unit that their border cuts; `some`:
 * only some columns are wanted. */
static void walk(const Placed *placed, const Reading *reading, const Reference *reference, GRand *random,
                 int32_t first_row, bool gaps, bool some)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfFiles) files = tf_files_new(placed->scene, 4);
	int32_t width = placed->info.width, x0 = some ? g_rand_int_range(random, 0, width) : 0;
	int32_t x1 = some ? g_rand_int_range(random, x0 + 1, width + 1) : width;
	TfJpegOptions options = {reading->output, reading->grey, first_row, 0, x0, some ? x1 : 0};
	g_autoptr(TfJpeg) jpeg = tf_jpeg_open(files, placed->scene, 0, &options, &error);
	g_assert_no_error(error);
	int32_t left = tf_jpeg_left(jpeg), right = left + tf_jpeg_width(jpeg);
	g_assert_true(left <= x0 && x1 <= right && right <= width);
	g_assert_true(x0 - left < 64 && right - x1 < 64); /* two blocks of 4:1:1 */
	int32_t unit = tf_jpeg_unit(jpeg), n_units = (int32_t)tf_ceil_div(placed->info.height, unit);
	TfJpegRows counted = {0};
	int32_t at = first_row / unit;
	while (at < n_units) {
		int32_t n = g_rand_int_range(random, 1, MIN(unit > 1 ? 4 : 40, n_units - at + 1));
		g_autoptr(TfSamples) strip = strip_for(jpeg, placed, n);
		bool read = tf_jpeg_read(jpeg, at, n, strip->plane, &counted, &error);
		g_assert_no_error(error);
		g_assert_true(read);
		g_assert_true(same_rows(strip, reference, at * unit, unit, left, x0, x1));
		at += n;
		if (gaps && at < n_units)
			at = g_rand_int_range(random, unit > 1 ? at - 1 : at, MIN(at + (unit > 1 ? 3 : 30), n_units));
	}
	g_assert_cmpint(counted.decoded, <=, (n_units + 1) * unit);
	if (!gaps && first_row == 0) {
		g_assert_cmpint(counted.decoded, ==, placed->info.height);
		g_assert_cmpint(counted.skipped, ==, 0);
	}
}

static void check_kind(const Scratch *folder, const JpegKind *kind, int width, int height, GRand *random)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = jpeg_make(kind, width, height, g_rand_int(random));
	g_autofree char *path = scratch_write(folder, kind->name, bytes);
	g_auto(Placed) placed = {0};
	place_file(path, false, &placed, &error);
	g_assert_no_error(error);
	Reading readings[3];
	for (guint i = 0, n = readings_of(kind, readings); i < n; i++) {
		g_auto(Reference) reference = {0};
		reference_decode(bytes, readings[i].output == TF_JPEG_PLANAR, readings[i].out, &reference);
		for (int k = 0; k < 4; k++)
			walk(&placed, &readings[i], &reference, random, 0, k % 2, k / 2);
		for (int k = 0; k < 10; k++)
			walk(&placed, &readings[i], &reference, random, g_rand_int_range(random, 0, height), k % 2, k / 2 % 2);
	}
}

static void test_rows(gconstpointer data)
{
	static const int sizes[][2] = {{1, 1}, {2, 3}, {4, 150}, {7, 9}, {16, 16}, {17, 33}, {31, 65}, {64, 48}, {129, 200}};
	g_autoptr(Scratch) folder = scratch_new();
	GRand *random = g_rand_new_with_seed(20261);
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
		check_kind(folder, data, sizes[i][0], sizes[i][1], random);
	for (int i = 0; i < 12; i++)
		check_kind(folder, data, g_rand_int_range(random, 1, 150), g_rand_int_range(random, 1, 300), random);
	check_kind(folder, data, 700, 500, random);
	g_rand_free(random);
}

/* --- damage ------------------------------------------------------------------- */

typedef struct {
	unsigned refused, right, wrong;
} Verdicts;

/* Reads all in strips from first_row on; false at the first error. */
static bool read_all(const Placed *placed, const Reading *reading, const Reference *reference, int32_t first_row,
                     int32_t strip_units, Verdicts *verdicts, GError **error)
{
	g_autoptr(TfFiles) files = tf_files_new(placed->scene, 4);
	TfJpegOptions options = {reading->output, reading->grey, first_row, 0, 0, 0};
	g_autoptr(TfJpeg) jpeg = tf_jpeg_open(files, placed->scene, 0, &options, error);
	if (!jpeg)
		return false;
	int32_t unit = tf_jpeg_unit(jpeg), n_units = (int32_t)tf_ceil_div(placed->info.height, unit);
	TfJpegRows counted = {0};
	for (int32_t at = first_row / unit; at < n_units; at += strip_units) {
		int32_t n = MIN(strip_units, n_units - at);
		g_autoptr(TfSamples) strip = strip_for(jpeg, placed, n);
		if (!tf_jpeg_read(jpeg, at, n, strip->plane, &counted, error))
			return false;
		if (reference && !same_rows(strip, reference, at * unit, unit, 0, 0, placed->info.width))
			verdicts->wrong++;
	}
	return true;
}

/* One file that may be damaged, opened and read twice: with a fresh cursor it
 * must fail again in the same way. */
static void judge(const char *path, const Reading *reading, const Reference *reference, int32_t first_row,
                  int32_t strip_units, Verdicts *verdicts)
{
	g_autoptr(GError) error = NULL, again = NULL;
	g_auto(Placed) placed = {0};
	if (!place_file(path, false, &placed, &error)) {
		g_assert_true(error->code == TF_ERROR_DAMAGED || error->code == TF_ERROR_UNSUPPORTED);
		verdicts->refused++;
		return;
	}
	bool first = read_all(&placed, reading, reference, first_row, strip_units, verdicts, &error);
	bool second = read_all(&placed, reading, reference, first_row, strip_units, verdicts, &again);
	g_assert_cmpint(first, ==, second);
	if (first) {
		verdicts->right++;
		return;
	}
	g_assert_error(error, TF_ERROR, TF_ERROR_DAMAGED);
	g_assert_cmpstr(error->message, ==, again->message);
	verdicts->refused++;
}

static void cut_file(const Scratch *folder, const JpegKind *kind, int width, int height, gsize step,
                     const JpegExtras *extras)
{
	g_autoptr(GBytes) bytes = jpeg_make_with(kind, width, height, 5, extras);
	g_autofree char *path = scratch_write(folder, "cut.jpg", bytes);
	gsize length = g_bytes_get_size(bytes);
	Reading readings[3];
	for (guint i = 0, n = readings_of(kind, readings); i < n; i++) {
		g_auto(Reference) reference = {0};
		Verdicts verdicts = {0};
		reference_decode(bytes, readings[i].output == TF_JPEG_PLANAR, readings[i].out, &reference);
		/* Shorter ones are for libvips to judge. */
		for (gsize cut = length; cut > 2; cut -= MIN(cut == length ? i + 1 : step * n, cut)) {
			unlink(path); /* ext4 writes a file out that was truncated and written again */
			write_file(path, g_bytes_get_data(bytes, NULL), cut);
			int32_t first = (int32_t)(cut % 3 == 0 ? (gsize)height * 3 / 4 : 0);
			judge(path, &readings[i], &reference, first, (int32_t)(cut % 5) * 4 + 1, &verdicts);
		}
		g_assert_cmpuint(verdicts.wrong, ==, 0);
		g_assert_cmpuint(verdicts.right, >=, 1);
		/* Only what stands after the picture may be missing without notice. */
		g_assert_cmpuint(verdicts.right, <=, 12);
	}
}

static void test_cuts(gconstpointer data)
{
	g_autoptr(Scratch) folder = scratch_new();
	cut_file(folder, data, 25, 27, 1, NULL);
	cut_file(folder, data, 210, 300, 97, NULL);
}

/* Cut among EXIF and a profile, too. */
static void test_cuts_of_extras(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree uint8_t *profile = g_malloc0(70000); /* two segments; what is in it does not matter here */
	const char *kinds[] = {"420", "444-progressive-restart", "grey", "cmyk-adobe"};
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		cut_file(folder, jpeg_kind(kinds[i]), 25, 27, 1, &(JpegExtras){.icc = profile, .icc_bytes = 300, .orientation = 6});
		cut_file(folder, jpeg_kind(kinds[i]), 70, 50, 131, &(JpegExtras){.icc = profile, .icc_bytes = 70000});
	}
}

static void test_flips(gconstpointer data)
{
	const JpegKind *kind = data;
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = jpeg_make(kind, 61, 83, 7);
	g_autofree char *path = scratch_write(folder, "flipped.jpg", bytes);
	gsize length;
	const uint8_t *good = g_bytes_get_data(bytes, &length);
	g_autofree uint8_t *bad = g_malloc(length);
	GRand *random = g_rand_new_with_seed(99);
	Reading readings[3];
	guint n = readings_of(kind, readings);
	for (int i = 0; i < 500; i++) {
		memcpy(bad, good, length);
		gsize limit = i % 2 ? length : MIN(length, 700); /* headers more often */
		for (int k = g_rand_int_range(random, 1, 4); k > 0; k--)
			bad[g_rand_int_range(random, 0, (gint32)limit)] ^= (uint8_t)(1 << g_rand_int_range(random, 0, 8));
		unlink(path);
		write_file(path, bad, length);
		g_auto(Placed) placed = {0};
		Verdicts verdicts = {0};
		if (!place_file(path, false, &placed, NULL) || placed.info.codec != TF_CODEC_JPEG ||
		    (int64_t)placed.info.width * placed.info.height > 1000 * 1000)
			continue;
		Reading reading = readings[i % (int)n];
		if (reading.output == TF_JPEG_PLANAR && placed.info.hsamp == 0)
			continue; /* the engine goes through RGB then */
		if (reading.out == JCS_CMYK && placed.info.bands != 4)
			continue;
		g_autoptr(GError) error = NULL;
		if (!read_all(&placed, &reading, NULL, (i % 3) * 25, 1 + i % 7, &verdicts, &error))
			g_assert_true(error->code == TF_ERROR_DAMAGED || error->code == TF_ERROR_UNSUPPORTED);
	}
	g_rand_free(random);
}

/* --- bombs ---------------------------------------------------------------------- */

/* Each coefficient of each component in a scan of its own: 190 legal scans. */
static GBytes *make_many_scans(void)
{
	static jpeg_scan_info scans[1 + 3 * 63] = {{3, {0, 1, 2}, 0, 0, 0, 0}};
	for (int i = 1; i < (int)G_N_ELEMENTS(scans); i++)
		scans[i] = (jpeg_scan_info){1, {(i - 1) / 63}, 1 + (i - 1) % 63, 1 + (i - 1) % 63, 0, 0};
	return jpeg_make_with(jpeg_kind("420-progressive"), 100, 100, 3,
	                      &(JpegExtras){.scans = scans, .n_scans = G_N_ELEMENTS(scans)});
}

static void test_scans(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = make_many_scans();
	g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
	g_auto(Placed) placed = {0};
	g_assert_true(place_file(path, false, &placed, NULL));
	g_autoptr(TfFiles) files = tf_files_new(placed.scene, 4);
	for (unsigned limit = 0; limit < 250; limit += 10) {
		g_autoptr(GError) error = NULL;
		TfJpegOptions options = {TF_JPEG_PLANAR, false, 0, limit, 0, 0};
		g_autoptr(TfJpeg) jpeg = tf_jpeg_open(files, placed.scene, 0, &options, &error);
		g_assert_no_error(error);
		TfJpegRows rows = {0};
		g_autoptr(TfSamples) strip = strip_for(jpeg, &placed, 7);
		bool ok = tf_jpeg_read(jpeg, 0, 7, strip->plane, &rows, &error);
		g_assert_cmpint(ok, ==, limit == 0 || limit >= 190);
		if (!ok)
			g_assert_error(error, TF_ERROR, TF_ERROR_UNSUPPORTED);
	}
}

/* A header that promises more rows than there are: libjpeg would make them up. */
static void test_forged_height(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 64, 64, 3);
	gsize length;
	g_autofree uint8_t *data = g_memdup2(g_bytes_get_data(bytes, &length), g_bytes_get_size(bytes));
	for (gsize i = 0; i + 9 < length; i++)
		if (data[i] == 0xFF && data[i + 1] == 0xC0)
			memcpy(data + i + 5, "\xFF\xDC\xFF\xDC", 4); /* 65500 x 65500, libjpeg's most */
	g_autoptr(GBytes) forged = g_bytes_new(data, length);
	g_autofree char *path = scratch_write(folder, "a.jpg", forged);
	g_auto(Placed) placed = {0};
	g_autoptr(GError) error = NULL;
	g_assert_true(place_file(path, false, &placed, &error));
	g_autoptr(TfFiles) files = tf_files_new(placed.scene, 4);
	TfJpegOptions options = {TF_JPEG_PLANAR, false, 60000, 0, 0, 0};
	g_autoptr(TfJpeg) jpeg = tf_jpeg_open(files, placed.scene, 0, &options, &error);
	g_assert_no_error(error);
	TfJpegRows rows = {0};
	g_autoptr(TfSamples) strip = strip_for(jpeg, &placed, 1);
	g_assert_false(tf_jpeg_read(jpeg, 60000 / 16, 1, strip->plane, &rows, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_DAMAGED);
	g_assert_cmpint(rows.decoded + rows.skipped, ==, 0); /* it gave up where the data ended, not below */
}

/* --- a file that is another one now ------------------------------------------- */

static const TfJpegOptions planar = {TF_JPEG_PLANAR, false, 0, 0, 0, 0};

typedef enum { REPLACED, TRUNCATED, GROWN, REWRITTEN, TOUCHED, N_CHANGES } Change;

static void change(const char *path, GBytes *bytes, Change how)
{
	gsize length;
	const void *data = g_bytes_get_data(bytes, &length);
	g_autofree char *other = g_strconcat(path, ".new", NULL);
	switch (how) {
	case REPLACED:
		write_file(other, data, length);
		g_assert_cmpint(rename(other, path), ==, 0);
		break;
	case TRUNCATED:
		g_assert_cmpint(truncate(path, (off_t)length / 2), ==, 0);
		break;
	case GROWN:
		g_assert_cmpint(truncate(path, (off_t)length + 1), ==, 0);
		break;
	case REWRITTEN:
		write_file(path, data, length);
		break;
	default:
		g_assert_cmpint(utimes(path, NULL), ==, 0);
	}
}

static void test_changed(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 600, 600, 3);
	for (Change how = 0; how < N_CHANGES; how++) {
		g_autoptr(GError) error = NULL, on_open = NULL;
		g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
		g_auto(Placed) placed = {0};
		g_assert_true(place_file(path, false, &placed, NULL));
		g_autoptr(TfFiles) files = tf_files_new(placed.scene, 4);
		g_autoptr(TfJpeg) jpeg = tf_jpeg_open(files, placed.scene, 0, &planar, &error);
		g_assert_no_error(error);
		TfJpegRows rows = {0};
		g_autoptr(TfSamples) strip = strip_for(jpeg, &placed, 4);
		g_assert_true(tf_jpeg_read(jpeg, 0, 4, strip->plane, &rows, NULL));
		g_usleep(20 * 1000); /* beyond the clock tick of the file system */
		change(path, bytes, how);
		g_assert_false(tf_jpeg_read(jpeg, 4, 4, strip->plane, &rows, &error));
		g_assert_error(error, TF_ERROR, TF_ERROR_CHANGED);
		g_assert_null(tf_jpeg_open(files, placed.scene, 0, &planar, &on_open));
		g_assert_error(on_open, TF_ERROR, TF_ERROR_CHANGED);
		g_assert_nonnull(strstr(on_open->message, "a.jpg"));
	}
}

static void test_vanished(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 60, 60, 3);
	g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
	g_autoptr(GError) error = NULL;
	g_auto(Placed) placed = {0};
	g_assert_true(place_file(path, false, &placed, NULL));
	g_autoptr(TfFiles) files = tf_files_new(placed.scene, 4);
	g_assert_cmpint(unlink(path), ==, 0);
	g_assert_null(tf_jpeg_open(files, placed.scene, 0, &planar, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
}

static void test_no_leak_in_the_books(void)
{
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_STRIPS), ==, 0);
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_CURSORS), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* libvips warns of cut files */
	for (gsize i = 0; i < G_N_ELEMENTS(jpeg_kinds); i++) {
		const JpegKind *kind = &jpeg_kinds[i];
		g_autofree char *rows = g_strdup_printf("/jpeg/rows/%s", kind->name);
		g_autofree char *cuts = g_strdup_printf("/jpeg/cuts/%s", kind->name);
		g_autofree char *flips = g_strdup_printf("/jpeg/flips/%s", kind->name);
		g_test_add_data_func(rows, kind, test_rows);
		g_test_add_data_func(cuts, kind, test_cuts);
		g_test_add_data_func(flips, kind, test_flips);
	}
	g_test_add_func("/jpeg/cuts-of-extras", test_cuts_of_extras);
	g_test_add_func("/jpeg/scans", test_scans);
	g_test_add_func("/jpeg/forged-height", test_forged_height);
	g_test_add_func("/jpeg/changed", test_changed);
	g_test_add_func("/jpeg/vanished", test_vanished);
	g_test_add_func("/jpeg/books", test_no_leak_in_the_books);
	return g_test_run();
}
