/* SPDX-License-Identifier: MIT */
#include <tiffuse/text.h>

static void test_printable(void)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	        {"", ""},
	        {"/data/tile 1,2 \"x\" \\ .jpg", "/data/tile 1,2 \"x\" \\ .jpg"},
	        {"Zellkerne \xc3\xa4\xe2\x82\xac \xf0\x9f\x94\xac", "Zellkerne \xc3\xa4\xe2\x82\xac \xf0\x9f\x94\xac"},
	        {"a\nb\tc\x1b[2Jd\x7f", "a\\x0ab\\x09c\\x1b[2Jd\\x7f"},
	        {"csi \xc2\x9b", "csi \\xc2\\x9b"},             /* U+009B */
	        {"line \xe2\x80\xa8.", "line \\xe2\\x80\\xa8."}, /* U+2028 */
	        {"latin \xe4.jpg", "latin \\xe4.jpg"},
	        {"cut \xe2\x82", "cut \\xe2\\x82"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = tf_text_printable(cases[i].text);
		g_assert_cmpstr(got, ==, cases[i].expected);
	}
}

static void test_below(void)
{
	g_assert_true(tf_path_is_below("/a/b", "/a"));
	g_assert_true(tf_path_is_below("/a", "/a"));
	g_assert_true(tf_path_is_below("/a", "/"));
	g_assert_true(tf_path_is_below("/", "/"));
	g_assert_false(tf_path_is_below("/ab", "/a"));
	g_assert_false(tf_path_is_below("/a", "/a/b"));
	g_assert_false(tf_path_is_below("/", "/a"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text/printable", test_printable);
	g_test_add_func("/text/below", test_below);
	return g_test_run();
}
