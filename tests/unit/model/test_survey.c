/* SPDX-License-Identifier: MIT
 *
 * The survey against counting every pixel.
 */
#include <tiffuse/survey.h>

#include <string.h>

enum { SIDE = 90 };

static void add(TfScene *scene, int64_t x, int64_t y, int32_t width, int32_t height)
{
	TfSource source = {.path = "/a", .x = x, .y = y, .width = width, .height = height};
	tf_scene_add(scene, &source);
}

static TfScene *frozen(TfScene *scene)
{
	g_autoptr(GError) error = NULL;
	tf_scene_freeze(scene, &error);
	g_assert_no_error(error);
	return scene;
}

static void test_counting(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(3);
	for (int round = 0; round < 200; round++) {
		g_autoptr(TfScene) scene = tf_scene_new(TF_BLEND_LAST);
		for (int i = g_rand_int_range(random, 1, 20); i > 0; i--)
			add(scene, g_rand_int_range(random, 0, 60), g_rand_int_range(random, 0, 60),
			    g_rand_int_range(random, 1, 30), g_rand_int_range(random, 1, 30));
		frozen(scene);
		uint8_t count[SIDE][SIDE];
		memset(count, 0, sizeof count);
		TfRect all = {0, 0, tf_scene_width(scene), tf_scene_height(scene)};
		uint32_t n = tf_scene_n_sources(scene), hidden = 0;
		bool seen[20] = {false};
		for (uint32_t i = 0; i < n; i++) {
			TfRect r = tf_scene_source_rect(scene, i);
			for (int64_t y = r.y0; y < r.y1; y++)
				for (int64_t x = r.x0; x < r.x1; x++)
					count[y][x]++;
		}
		g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
		tf_scene_visible(scene, all, fragments);
		for (guint f = 0; f < fragments->len; f++)
			if (g_array_index(fragments, TfFragment, f).source >= 0)
				seen[g_array_index(fragments, TfFragment, f).source] = true;
		for (uint32_t i = 0; i < n; i++)
			hidden += !seen[i];
		uint64_t covered = 0, overlap = 0;
		for (int64_t y = 0; y < all.y1; y++)
			for (int64_t x = 0; x < all.x1; x++) {
				covered += count[y][x] > 0;
				overlap += count[y][x] > 1;
			}
		TfSurvey survey;
		tf_survey(scene, &survey);
		g_assert_cmpuint(survey.covered_px, ==, covered);
		g_assert_cmpuint(survey.overlap_px, ==, overlap);
		g_assert_cmpuint(survey.hole_px, ==, (uint64_t)(all.x1 * all.y1) - covered);
		g_assert_cmpuint(survey.n_hidden, ==, hidden);
		g_assert_true(survey.has_overlap == (overlap > 0));
		g_assert_false(survey.partly);
	}
}

static void test_worst(void)
{
	g_autoptr(TfScene) scene = tf_scene_new(TF_BLEND_LAST);
	add(scene, 0, 0, 100, 100);
	add(scene, 90, 0, 100, 100);  /* shares 10 x 100 with the first */
	add(scene, 0, 70, 100, 100);  /* shares 30 x 100 with it */
	add(scene, 110, 20, 20, 20);  /* on top of the second */
	add(scene, 20, 100, 30, 30);  /* on the third */
	add(scene, 20, 100, 30, 30);  /* hides the one before */
	frozen(scene);
	TfSurvey survey;
	tf_survey(scene, &survey);
	g_assert_cmpuint(survey.overlap_a, ==, 0);
	g_assert_cmpuint(survey.overlap_b, ==, 2);
	g_assert_cmpint(survey.overlap.y0, ==, 70);
	g_assert_cmpuint(survey.n_hidden, ==, 1);
	g_assert_cmpuint(survey.hidden, ==, 4);
	g_assert_cmpuint(survey.n_usual, ==, 3);
	g_assert_cmpint(survey.usual_width, ==, 100);
	g_assert_cmpuint(survey.smallest, ==, 3);
	g_assert_cmpint(survey.hole.x0, ==, 100);
	g_assert_cmpint(survey.hole.y0, ==, 100);
	g_assert_cmpint(survey.hole.x1, ==, 190);
	g_assert_cmpint(survey.hole.y1, ==, 170);
	g_assert_cmpuint(survey.hole_px, ==, 90 * 70);
}

/* A heap: everything lies on everything. */
static void test_heap(void)
{
	enum { N = 100000 };
	g_autoptr(TfScene) scene = tf_scene_new(TF_BLEND_LAST);
	for (int i = 0; i < N; i++)
		add(scene, i % 7, i % 11, 1000, 1000);
	frozen(scene);
	TfSurvey survey;
	gint64 start = g_get_monotonic_time();
	tf_survey(scene, &survey);
	g_test_message("%d sources on a heap in %.0f ms", N, (double)(g_get_monotonic_time() - start) / 1000);
	g_assert_true(survey.partly);
	g_assert_cmpuint(survey.covered_px, ==, 1006 * 1010);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/survey/counting", test_counting);
	g_test_add_func("/survey/worst", test_worst);
	g_test_add_func("/survey/heap", test_heap);
	return g_test_run();
}
