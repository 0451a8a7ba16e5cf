/* SPDX-License-Identifier: MIT */
#include <tiffuse/pyramid.h>

static TfPyramid pyramid_of(int64_t width, int64_t height, int32_t tile, bool whole_tiles)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	bool made = tf_pyramid_init(&pyramid, width, height, tile, whole_tiles, &error);
	g_assert_no_error(error);
	g_assert_true(made);
	return pyramid;
}

static void assert_level(const TfPyramid *pyramid, int k, int64_t width, int64_t height, int64_t cols, int64_t rows)
{
	g_assert_cmpint(k, <, pyramid->n_levels);
	g_assert_cmpint(pyramid->level[k].width, ==, width);
	g_assert_cmpint(pyramid->level[k].height, ==, height);
	g_assert_cmpint(pyramid->level[k].cols, ==, cols);
	g_assert_cmpint(pyramid->level[k].rows, ==, rows);
}

static void test_levels(void)
{
	TfPyramid pyramid = pyramid_of(5001, 3000, 512, false);
	g_assert_cmpint(pyramid.n_levels, ==, 5);
	assert_level(&pyramid, 0, 5001, 3000, 10, 6);
	assert_level(&pyramid, 1, 2501, 1500, 5, 3);
	assert_level(&pyramid, 2, 1251, 750, 3, 2);
	assert_level(&pyramid, 3, 626, 375, 2, 1);
	assert_level(&pyramid, 4, 313, 188, 1, 1);
	g_assert_cmpint(pyramid_of(512, 512, 512, false).n_levels, ==, 1);
	g_assert_cmpint(pyramid_of(513, 1, 512, false).n_levels, ==, 2);
	g_assert_cmpint(pyramid_of(1, 1, 16, false).n_levels, ==, 1);
	g_assert_cmpint(pyramid_of(INT32_MAX, 1, 16, false).n_levels, ==, 28);
}

static void test_whole_tiles(void)
{
	TfPyramid pyramid = pyramid_of(5000, 3000, 512, true);
	g_assert_cmpint(pyramid.n_levels, ==, 3); /* 375 would be lower than a tile */
	assert_level(&pyramid, 2, 1250, 750, 3, 2);
	g_assert_cmpint(pyramid_of(512, 512, 512, true).n_levels, ==, 1);
	g_assert_cmpint(pyramid_of(100, 100000, 512, true).n_levels, ==, 1);
	g_assert_cmpint(pyramid_of(100000, 100, 512, true).n_levels, ==, 1);
	g_assert_cmpint(pyramid_of(1023, 1023, 512, true).n_levels, ==, 2); /* 512 is whole */
	g_assert_cmpint(pyramid_of(1022, 1024, 512, true).n_levels, ==, 1);
	g_assert_cmpint(pyramid_of(1024, 1022, 512, true).n_levels, ==, 1);
	/* a tall one ends with several tiles */
	pyramid = pyramid_of(1024, 100000, 512, true);
	g_assert_cmpint(pyramid.n_levels, ==, 2);
	assert_level(&pyramid, 1, 512, 50000, 1, 98);
}

static void test_every_size(void)
{
	for (int64_t width = 1; width < 300; width++)
		for (int whole = 0; whole < 2; whole++) {
			TfPyramid pyramid = pyramid_of(width, 77, 16, whole);
			for (int k = 0; k < pyramid.n_levels; k++) {
				const TfLevel *level = &pyramid.level[k];
				g_assert_cmpint(level->width, ==, (width + (1 << k) - 1) >> k);
				g_assert_cmpint(level->height, ==, (77 + (1 << k) - 1) >> k);
				g_assert_cmpint(level->cols, ==, (level->width + 15) / 16);
				g_assert_cmpint(level->rows, ==, (level->height + 15) / 16);
				bool one_tile = level->width <= 16 && level->height <= 16;
				bool next_narrow = whole && ((level->width + 1) / 2 < 16 || (level->height + 1) / 2 < 16);
				g_assert_cmpint(k == pyramid.n_levels - 1, ==, one_tile || next_narrow);
			}
		}
}

static void assert_rect(TfRect rect, int64_t x0, int64_t y0, int64_t x1, int64_t y1)
{
	g_assert_cmpint(rect.x0, ==, x0);
	g_assert_cmpint(rect.y0, ==, y0);
	g_assert_cmpint(rect.x1, ==, x1);
	g_assert_cmpint(rect.y1, ==, y1);
}

static void test_rects(void)
{
	TfPyramid pyramid = pyramid_of(5000, 3000, 512, false);
	assert_rect(tf_pyramid_tile_rect(&pyramid, (TfTile){0, 1, 2}), 512, 1024, 1024, 1536);
	assert_rect(tf_pyramid_tile_base(&pyramid, (TfTile){0, 9, 5}), 4608, 2560, 5000, 3000);
	assert_rect(tf_pyramid_tile_rect(&pyramid, (TfTile){3, 1, 0}), 512, 0, 625, 375);
	assert_rect(tf_pyramid_tile_base(&pyramid, (TfTile){3, 1, 0}), 4096, 0, 5000, 3000);
	assert_rect(tf_pyramid_tile_base(&pyramid, (TfTile){4, 0, 0}), 0, 0, 5000, 3000);
	pyramid = pyramid_of(INT32_MAX, INT32_MAX, 8192, false);
	int top = pyramid.n_levels - 1;
	assert_rect(tf_pyramid_tile_base(&pyramid, (TfTile){top, 0, 0}), 0, 0, INT32_MAX, INT32_MAX);
}

static void assert_refused(int64_t width, int64_t height, int32_t tile, TfErrorCode code, const char *words)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	g_assert_false(tf_pyramid_init(&pyramid, width, height, tile, false, &error));
	g_assert_error(error, TF_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, words));
}

static void test_refused(void)
{
	assert_refused(0, 5, 512, TF_ERROR_TOO_LARGE, "0 x 5");
	assert_refused(5, -1, 512, TF_ERROR_TOO_LARGE, "5 x -1");
	assert_refused(INT64_C(1) << 31, 5, 512, TF_ERROR_TOO_LARGE, "2147483648 x 5");
	assert_refused(5, INT64_MAX, 512, TF_ERROR_TOO_LARGE, "9223372036854775807");
	assert_refused(5, 5, 0, TF_ERROR_USAGE, "tile=0");
	assert_refused(5, 5, 24, TF_ERROR_USAGE, "tile=24");
	assert_refused(5, 5, 8208, TF_ERROR_USAGE, "multiple of 16");
	assert_refused(5, 5, -16, TF_ERROR_USAGE, "tile=-16");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pyramid/levels", test_levels);
	g_test_add_func("/pyramid/whole-tiles", test_whole_tiles);
	g_test_add_func("/pyramid/every-size", test_every_size);
	g_test_add_func("/pyramid/rects", test_rects);
	g_test_add_func("/pyramid/refused", test_refused);
	return g_test_run();
}
