/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <tiffuse/error.h>
#include <tiffuse/util.h>

static void check_codes(TfErrorCode code, int errnum, int exit_code)
{
	g_autoptr(GError) error = g_error_new(TF_ERROR, (int)code, "x");
	g_assert_cmpint(tf_error_errno(error), ==, errnum);
	g_assert_cmpint(tf_error_exit_code(error), ==, exit_code);
}

static void test_codes(void)
{
	check_codes(TF_ERROR_USAGE, EINVAL, 1);
	check_codes(TF_ERROR_ARRANGEMENT, EINVAL, 2);
	check_codes(TF_ERROR_MISSING, EIO, 2);
	check_codes(TF_ERROR_DAMAGED, EIO, 2);
	check_codes(TF_ERROR_TOO_LARGE, EFBIG, 2);
	check_codes(TF_ERROR_MOUNT, EIO, 32);
	check_codes(TF_ERROR_CANCELLED, EINTR, 2);
	check_codes((TfErrorCode)1000, EIO, 2);
	check_codes((TfErrorCode)-1, EIO, 2);
	g_autoptr(GError) foreign = g_error_new(G_FILE_ERROR, G_FILE_ERROR_NOENT, "x");
	g_assert_cmpint(tf_error_errno(foreign), ==, EIO);
	g_assert_cmpint(tf_error_exit_code(foreign), ==, 2);
	for (int code = TF_ERROR_USAGE; code <= TF_ERROR_CANCELLED; code++) {
		g_autoptr(GError) error = g_error_new(TF_ERROR, code, "x");
		g_assert_cmpint(tf_error_errno(error), !=, 0);
		g_assert_cmpint(tf_error_exit_code(error), !=, 0);
	}
}

static void test_of_errno(void)
{
	static const struct {
		int errnum;
		TfErrorCode code;
	} known[] = {{ENOENT, TF_ERROR_MISSING},   {ENOTDIR, TF_ERROR_MISSING},   {EACCES, TF_ERROR_ACCESS},
	             {ELOOP, TF_ERROR_ACCESS},     {ENOMEM, TF_ERROR_NO_MEMORY},  {EOVERFLOW, TF_ERROR_TOO_LARGE},
	             {EIO, TF_ERROR_IO},           {ESTALE, TF_ERROR_IO},         {EMFILE, TF_ERROR_IO}};
	for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(tf_error_set_errno(&error, known[i].errnum, "%s line %d", "a.csv", 7));
		g_assert_error(error, TF_ERROR, (int)known[i].code);
		g_autofree char *text = g_strdup_printf("a.csv line 7: %s", g_strerror(known[i].errnum));
		g_assert_cmpstr(error->message, ==, text);
	}
	g_assert_false(tf_error_set_errno(NULL, EIO, "nobody asks"));
}

static void test_arithmetic(void)
{
	uint64_t out;
	g_assert_cmpint(tf_ceil_div(0, 5), ==, 0);
	g_assert_cmpint(tf_ceil_div(1, 5), ==, 1);
	g_assert_cmpint(tf_ceil_div(5, 5), ==, 1);
	g_assert_cmpint(tf_ceil_div(INT64_MAX, 2), ==, INT64_MAX / 2 + 1);
	g_assert_cmpint(tf_ceil_div(INT64_MAX, 1), ==, INT64_MAX);
	g_assert_true(tf_add_u64(UINT64_MAX - 1, 1, &out) && out == UINT64_MAX);
	g_assert_false(tf_add_u64(UINT64_MAX, 1, &out));
	g_assert_true(tf_mul_u64(UINT64_MAX / 3, 3, &out));
	g_assert_false(tf_mul_u64(UINT64_MAX / 3 + 1, 3, &out));
	g_assert_true(tf_round_up_u64(0, 4096, &out) && out == 0);
	g_assert_true(tf_round_up_u64(4097, 4096, &out) && out == 8192);
	g_assert_true(tf_round_up_u64(UINT64_MAX - 4095, 4096, &out) && out == UINT64_MAX - 4095);
	g_assert_false(tf_round_up_u64(UINT64_MAX - 4094, 4096, &out));
}

static void test_rectangles(void)
{
	TfRect a = {0, 0, 10, 10}, b = {10, 0, 20, 10}, c = {5, -5, 15, 5};
	g_assert_true(tf_rect_is_empty(tf_rect_intersect(a, b)));
	TfRect common = tf_rect_intersect(a, c), expected = {5, 0, 10, 5};
	g_assert_cmpmem(&common, sizeof common, &expected, sizeof expected);
	g_assert_true(tf_rect_is_empty((TfRect){3, 0, 3, 9}));
	g_assert_true(tf_rect_is_empty((TfRect){0, 9, 5, 3}));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/error/codes", test_codes);
	g_test_add_func("/error/of-errno", test_of_errno);
	g_test_add_func("/util/arithmetic", test_arithmetic);
	g_test_add_func("/util/rectangles", test_rectangles);
	return g_test_run();
}
