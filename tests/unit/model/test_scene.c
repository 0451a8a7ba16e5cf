/* SPDX-License-Identifier: MIT
 *
 * The scene against a painter that paints every pixel.
 */
#include <tiffuse/scene.h>

#include <string.h>

static void add(TfScene *scene, int64_t x, int64_t y, int32_t width, int32_t height)
{
	TfSource source = {.path = "/tiles/a.jpg", .x = x, .y = y, .width = width, .height = height};
	tf_scene_add(scene, &source);
}

static void freeze(TfScene *scene)
{
	g_autoptr(GError) error = NULL;
	bool frozen = tf_scene_freeze(scene, &error);
	g_assert_no_error(error);
	g_assert_true(frozen);
}

/* --- against the painter ------------------------------------------------------ */

enum { SIDE = 96, MARGIN = 20 };

typedef struct {
	int64_t pixel[SIDE][SIDE]; /* the topmost source or -1 */
} Painting;

static void paint(const TfScene *scene, bool first_on_top, Painting *painting)
{
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			painting->pixel[y][x] = -1;
	int64_t n = tf_scene_n_sources(scene);
	for (int64_t k = 0; k < n; k++) {
		int64_t i = first_on_top ? n - 1 - k : k;
		const TfSource *source = tf_scene_source(scene, i);
		for (int64_t y = source->y; y < source->y + source->height; y++)
			for (int64_t x = source->x; x < source->x + source->width; x++)
				painting->pixel[y][x] = i;
	}
}

static int64_t painted(const Painting *painting, int64_t x, int64_t y)
{
	return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? -1 : painting->pixel[y][x];
}

/* Fragments are disjoint, cover exactly rect, and say what the painter says. */
static void check_visible(const TfScene *scene, const Painting *painting, TfRect rect)
{
	g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	TfFragment before = {77, {1, 2, 3, 4}}; /* what is in the array stays */
	g_array_append_val(out, before);
	tf_scene_visible(scene, rect, out);
	before = g_array_index(out, TfFragment, 0);
	g_assert_cmpint(before.source, ==, 77);
	g_assert_cmpint(before.rect.y1, ==, 4);
	int64_t width = MAX(rect.x1 - rect.x0, 0), height = MAX(rect.y1 - rect.y0, 0);
	g_autofree uint8_t *times = g_malloc0(width * height + 1);
	for (guint f = 1; f < out->len; f++) {
		TfFragment fragment = g_array_index(out, TfFragment, f);
		g_assert_false(tf_rect_is_empty(fragment.rect));
		TfRect common = tf_rect_intersect(rect, fragment.rect);
		g_assert_cmpmem(&common, sizeof common, &fragment.rect, sizeof common);
		for (int64_t y = common.y0; y < common.y1; y++)
			for (int64_t x = common.x0; x < common.x1; x++) {
				g_assert_cmpint(fragment.source, ==, painted(painting, x, y));
				times[(y - rect.y0) * width + x - rect.x0]++;
			}
	}
	for (int64_t i = 0; i < width * height; i++)
		g_assert_cmpint(times[i], ==, 1);
}

/* The smallest rectangle around all pixels that show the source. */
static void check_seen(const TfScene *scene, const Painting *painting, TfRect rect)
{
	for (uint32_t i = 0; i < tf_scene_n_sources(scene); i++) {
		TfRect r = tf_rect_intersect(rect, tf_scene_source_rect(scene, i)), want = {r.x1, r.y1, r.x0, r.y0};
		for (int64_t y = r.y0; y < r.y1; y++)
			for (int64_t x = r.x0; x < r.x1; x++)
				if (painted(painting, x, y) == (int)i)
					want = (TfRect){MIN(want.x0, x), MIN(want.y0, y), MAX(want.x1, x + 1), MAX(want.y1, y + 1)};
		TfRect seen = tf_scene_seen(scene, i, rect);
		g_assert_cmpint(tf_rect_is_empty(seen), ==, tf_rect_is_empty(want));
		if (!tf_rect_is_empty(want))
			g_assert_cmpmem(&seen, sizeof seen, &want, sizeof want);
	}
}

static void check_query(const TfScene *scene, bool first_on_top, TfRect rect)
{
	g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	uint32_t before = 77;
	g_array_append_val(out, before);
	tf_scene_query(scene, rect, out);
	g_assert_cmpuint(g_array_index(out, uint32_t, 0), ==, 77);
	guint place = 1;
	int64_t n = tf_scene_n_sources(scene);
	for (int64_t k = 0; k < n; k++) {
		int64_t i = first_on_top ? k : n - 1 - k;
		if (tf_rect_is_empty(rect) ||
		    tf_rect_is_empty(tf_rect_intersect(rect, tf_scene_source_rect(scene, i))))
			continue;
		g_assert_cmpuint(place, <, out->len);
		g_assert_cmpint(g_array_index(out, uint32_t, place++), ==, i);
	}
	g_assert_cmpuint(place, ==, out->len);
	g_assert_cmpint(tf_scene_touches(scene, rect), ==, out->len > 1);
	int64_t top = out->len > 1 ? (int64_t)g_array_index(out, uint32_t, 1) : -1;
	g_assert_cmpint(tf_scene_topmost(scene, rect), ==, top);
}

static void add_random_sources(TfScene *scene, GRand *rand)
{
	int shift = g_rand_int_range(rand, -1000, 1000), n = g_rand_int_range(rand, 1, 150);
	int largest = g_rand_boolean(rand) ? SIDE : 12;
	for (int i = 0; i < n; i++) {
		int width = g_rand_int_range(rand, 1, largest), height = g_rand_int_range(rand, 1, largest);
		add(scene, shift + g_rand_int_range(rand, 0, SIDE - width + 1),
		    g_rand_int_range(rand, 0, SIDE - height + 1) - shift, width, height);
	}
}

static void test_painter(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(20);
	g_autofree Painting *painting = g_new(Painting, 1);
	for (int round = 0; round < 300; round++) {
		bool first_on_top = round % 2;
		g_autoptr(TfScene) scene = tf_scene_new(first_on_top);
		add_random_sources(scene, rand);
		freeze(scene);
		paint(scene, first_on_top, painting);
		check_visible(scene, painting, (TfRect){-MARGIN, -MARGIN, SIDE + MARGIN, SIDE + MARGIN});
		for (int k = 0; k < 20; k++) {
			int64_t x = g_rand_int_range(rand, -MARGIN, SIDE), y = g_rand_int_range(rand, -MARGIN, SIDE);
			TfRect rect = {x, y, x + g_rand_int_range(rand, -2, 60), y + g_rand_int_range(rand, -2, 60)};
			check_visible(scene, painting, rect);
			check_seen(scene, painting, rect);
			check_query(scene, first_on_top, rect);
		}
	}
}

/* --- single points ------------------------------------------------------------ */

static void test_negative(void)
{
	g_autoptr(TfScene) scene = tf_scene_new(false);
	add(scene, -100, 50, 10, 20);
	add(scene, -70, -50, 30, 40);
	freeze(scene);
	g_assert_cmpint(tf_scene_width(scene), ==, 60);
	g_assert_cmpint(tf_scene_height(scene), ==, 120);
	g_assert_cmpint(tf_scene_source(scene, 0)->x, ==, 0);
	g_assert_cmpint(tf_scene_source(scene, 0)->y, ==, 100);
	g_assert_cmpint(tf_scene_source(scene, 1)->x, ==, 30);
	g_assert_cmpint(tf_scene_source(scene, 1)->y, ==, 0);
	g_assert_false(tf_scene_touches(scene, (TfRect){0, 0, 30, 100}));
	g_assert_true(tf_scene_touches(scene, (TfRect){9, 100, 10, 101}));
	g_assert_false(tf_scene_touches(scene, (TfRect){10, 100, 11, 101}));
	g_assert_false(tf_scene_touches(scene, (TfRect){INT64_MIN, INT64_MIN, 0, INT64_MAX}));
	g_assert_true(tf_scene_touches(scene, (TfRect){INT64_MIN, INT64_MIN, INT64_MAX, INT64_MAX}));
}

/* The scene keeps its own copy of what it is given. */
static void test_copies(void)
{
	g_autoptr(TfScene) scene = tf_scene_new(false);
	g_autofree char *path = g_strdup("/tiles/first.jpg");
	TfSource source = {.path = path, .width = 3, .height = 4, .orientation = 6, .info = {.bands = 3}};
	tf_scene_add(scene, &source);
	path[7] = 'X';
	freeze(scene);
	g_assert_cmpstr(tf_scene_source(scene, 0)->path, ==, "/tiles/first.jpg");
	g_assert_cmpint(tf_scene_source(scene, 0)->orientation, ==, 6);
	g_assert_cmpint(tf_scene_source(scene, 0)->info.bands, ==, 3);
}

static void assert_refused(TfScene *scene, TfErrorCode code, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(tf_scene_freeze(scene, &error));
	g_assert_error(error, TF_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, words));
}

static void test_refused(void)
{
	static const struct {
		int64_t x, y;
		int32_t width, height;
		TfErrorCode code;
	} cases[] = {
		{0, 0, 0, 5, TF_ERROR_ARRANGEMENT},
		{0, 0, 5, -1, TF_ERROR_ARRANGEMENT},
		{INT32_MAX - 9, 0, 10, 10, TF_ERROR_TOO_LARGE},
		{0, INT32_MAX - 9, 10, 10, TF_ERROR_TOO_LARGE},
		{INT64_MAX, 0, 10, 10, TF_ERROR_TOO_LARGE},
		{0, INT64_MIN, 10, 10, TF_ERROR_TOO_LARGE},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(TfScene) scene = tf_scene_new(false);
		add(scene, 0, 0, 10, 10);
		add(scene, cases[i].x, cases[i].y, cases[i].width, cases[i].height);
		assert_refused(scene, cases[i].code, "/tiles/a.jpg");
	}
	g_autoptr(TfScene) empty = tf_scene_new(false);
	assert_refused(empty, TF_ERROR_ARRANGEMENT, "no source");
	g_autoptr(TfScene) largest = tf_scene_new(false);
	add(largest, -5, 0, 10, 10);
	add(largest, INT32_MAX - 15, 0, 10, 10);
	freeze(largest);
	g_assert_cmpint(tf_scene_width(largest), ==, INT32_MAX);
}

/* --- many --------------------------------------------------------------------- */

static void test_million(void)
{
	enum { COLS = 1000, ROWS = 1000, PITCH = 900, WIDTH = 1000, HEIGHT = 1000 };
	g_autoptr(TfScene) scene = tf_scene_new(false);
	for (int64_t i = 0; i < COLS * ROWS; i++)
		add(scene, i % COLS * PITCH, i / COLS * PITCH, WIDTH, HEIGHT);
	gint64 start = g_get_monotonic_time();
	freeze(scene);
	double seconds = (g_get_monotonic_time() - start) / 1e6;
	g_test_message("freeze of a million sources: %.3f s, %" G_GSIZE_FORMAT " bytes each", seconds,
	               tf_scene_bytes(scene) / (COLS * ROWS));
	g_assert_cmpuint(tf_scene_bytes(scene), <, (gsize)200 * COLS * ROWS);
	g_assert_cmpint(tf_scene_width(scene), ==, (COLS - 1) * PITCH + WIDTH);
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	start = g_get_monotonic_time();
	for (int k = 0; k < 100000; k++) {
		int col = g_rand_int_range(rand, 1, COLS), row = g_rand_int_range(rand, 1, ROWS);
		int64_t x = (int64_t)col * PITCH + 20, y = (int64_t)row * PITCH + 20; /* where four overlap */
		g_array_set_size(found, 0);
		tf_scene_query(scene, (TfRect){x, y, x + 1, y + 1}, found);
		uint32_t top = row * COLS + col;
		uint32_t expected[] = {top, top - 1, top - COLS, top - COLS - 1};
		g_assert_cmpmem(found->data, found->len * sizeof(uint32_t), expected, sizeof expected);
	}
	g_test_message("query: %.2f us", (g_get_monotonic_time() - start) / 1e5);
}

/* The index stays small where a plain grid of buckets would explode. */
static void test_shapes(void)
{
	enum { N = 20000 };
	for (int shape = 0; shape < 5; shape++) {
		g_autoptr(TfScene) scene = tf_scene_new(false);
		for (int i = 0; i < N; i++)
			switch (shape) {
			case 0: /* one heap */
				add(scene, 0, 0, 30000, 20000);
				break;
			case 1: /* strips across the other */
				add(scene, i % 2 ? 0 : i * 10, i % 2 ? i * 10 : 0, i % 2 ? N * 10 : 10,
				    i % 2 ? 10 : N * 10);
				break;
			case 2: /* a few cover all the small ones */
				add(scene, i % 150 * 1000, i / 150 * 1000, i % 140 ? 10 : 1000000,
				    i % 140 ? 10 : 1000000);
				break;
			case 3: /* a line */
				add(scene, (int64_t)i * 100000, 0, 100, 1);
				break;
			case 4: /* one far away */
				add(scene, i ? i % 100 * 10 : 2000000000, i ? i / 100 * 10 : 2000000000, 10, 10);
				break;
			}
		freeze(scene);
		gsize index_bytes = tf_scene_bytes(scene) - N * (sizeof(TfSource) + strlen("/tiles/a.jpg") + 1);
		g_test_message("shape %d: index of %.1f bytes a source", shape, (double)index_bytes / N);
		g_assert_cmpuint(index_bytes, <, (gsize)60 * N);
		check_query(scene, false, (TfRect){950, 0, 1100, 30});
	}
}

/* What a tile of a mosaic with wide overlaps costs. */
static void test_visible_cost(void)
{
	enum { COLS = 30, ROWS = 60, CALLS = 200000 };
	g_autoptr(TfScene) scene = tf_scene_new(false);
	for (int64_t i = 0; i < COLS * ROWS; i++)
		add(scene, i % COLS * 400 + i % 7, i / COLS * 500 + i % 5, 800, 700);
	freeze(scene);
	g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	guint64 fragments = 0, sources = 0;
	gint64 start = g_get_monotonic_time();
	for (int64_t k = 0; k < CALLS; k++) {
		int64_t x = k * 512 % 11776, y = k * 131 % 28672;
		g_array_set_size(out, 0);
		tf_scene_visible(scene, (TfRect){x, y, x + 512, y + 512}, out);
		fragments += out->len;
	}
	double microseconds = (double)(g_get_monotonic_time() - start) / CALLS;
	for (int64_t k = 0; k < CALLS; k++) {
		int64_t x = k * 512 % 11776, y = k * 131 % 28672;
		tf_scene_query(scene, (TfRect){x, y, x + 512, y + 512}, found);
	}
	sources = found->len;
	g_test_message("visible: %.3f us; %.1f sources, %.1f fragments a tile", microseconds,
	               (double)sources / CALLS, (double)fragments / CALLS);
	g_assert_cmpuint(sources, >, 4 * CALLS);
}

/* With an extent, and parts of sources: the painter paints the whole plane, and
 * the scene must be its window. */
static void test_extent(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(7);
	for (int round = 0; round < 300; round++) {
		TfRect extent = {g_rand_int_range(random, -10, 40), g_rand_int_range(random, -10, 40), 0, 0};
		extent.x1 = extent.x0 + g_rand_int_range(random, 1, 60);
		extent.y1 = extent.y0 + g_rand_int_range(random, 1, 60);
		g_autoptr(TfScene) scene = tf_scene_new(TF_BLEND_LAST);
		Painting plane;
		memset(&plane, 0xff, sizeof plane);
		int64_t left = 0;
		for (int i = 0; i < 12; i++) {
			TfSource source = {.path = "/a", .width = g_rand_int_range(random, 5, 40), .height = 20};
			source.x = g_rand_int_range(random, 0, 50);
			source.y = g_rand_int_range(random, 0, 70);
			TfRect shown = {source.x, source.y, source.x + source.width, source.y + source.height};
			if (i % 3 == 0)
				source.part = shown = (TfRect){shown.x0 + 1, shown.y0 + 2, shown.x1 - 2, shown.y1 - 5};
			tf_scene_add(scene, &source);
			if (tf_rect_is_empty(tf_rect_intersect(shown, extent)))
				continue;
			for (int64_t y = shown.y0; y < shown.y1; y++)
				for (int64_t x = shown.x0; x < shown.x1; x++)
					plane.pixel[y][x] = left;
			left++;
		}
		tf_scene_set_extent(scene, extent);
		if (!left) {
			g_autoptr(GError) error = NULL;
			g_assert_false(tf_scene_freeze(scene, &error));
			g_assert_cmpstr(error->message, ==, "no source lies in the mosaic");
			continue;
		}
		freeze(scene);
		g_assert_cmpint(tf_scene_n_sources(scene), ==, left);
		g_assert_cmpint(tf_scene_width(scene), ==, extent.x1 - extent.x0);
		g_assert_cmpint(tf_scene_height(scene), ==, extent.y1 - extent.y0);
		g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(TfFragment));
		tf_scene_visible(scene, (TfRect){0, 0, extent.x1 - extent.x0, extent.y1 - extent.y0}, out);
		for (guint f = 0; f < out->len; f++) {
			const TfFragment *fragment = &g_array_index(out, TfFragment, f);
			TfRect r = fragment->rect;
			for (int64_t y = r.y0; y < r.y1; y++)
				for (int64_t x = r.x0; x < r.x1; x++)
					g_assert_cmpint(fragment->source, ==,
					                painted(&plane, x + extent.x0, y + extent.y0));
		}
	}
}

/* Levels with sources of their own: each answers in its own pixels, by a
 * numbering over all. */
static void test_levels(void)
{
	g_autoptr(GError) error = NULL;
	for (TfBlend blend = TF_BLEND_LAST; blend <= TF_BLEND_FIRST; blend++) {
		g_autoptr(TfScene) scene = tf_scene_new(blend);
		for (int i = 0; i < 4; i++)
			tf_scene_add(scene, &(TfSource){.path = "base", .x = i % 2 * 64, .y = i / 2 * 64, .width = 64, .height = 64});
		g_assert_true(tf_scene_freeze(scene, &error));
		size_t bytes = tf_scene_bytes(scene);
		TfSource above[] = {{.path = "above", .width = 40, .height = 64},
		                    {.path = "above", .x = 32, .width = 64, .height = 100}};
		g_assert_true(tf_scene_add_level(scene, 64, 64, above, 2, &error));
		TfSource top = {.path = "top", .width = 64, .height = 64};
		g_assert_true(tf_scene_add_level(scene, 32, 32, &top, 1, &error));
		g_assert_no_error(error);
		g_assert_cmpint(tf_scene_n_levels(scene), ==, 3);
		g_assert_cmpuint(tf_scene_n_sources(scene), ==, 7);
		g_assert_cmpuint(tf_scene_n_placed(scene), ==, 4);
		g_assert_cmpuint(tf_scene_bytes(scene), >, bytes + 3 * sizeof(TfSource));
		static const int64_t sides[] = {128, 64, 32};
		for (int k = 0; k < 3; k++) {
			const TfScene *level = tf_scene_at_level(scene, k);
			g_assert_cmpint(tf_scene_width(level), ==, sides[k]);
			g_assert_cmpint(tf_scene_blend(level), ==, blend);
			g_assert_cmpstr(tf_scene_source(level, 6)->path, ==, "top");
			g_assert_cmpuint(tf_scene_source(scene, 6)->level, ==, 2);
		}
		const TfScene *level = tf_scene_at_level(scene, 1);
		int64_t upper = blend == TF_BLEND_LAST ? 5 : 4;
		g_assert_cmpuint(tf_scene_n_placed(level), ==, 2);
		g_assert_cmpint(tf_scene_topmost(level, (TfRect){33, 5, 34, 6}), ==, upper);
		g_assert_cmpint(tf_scene_topmost(level, (TfRect){50, 5, 64, 6}), ==, 5);
		TfRect cut = tf_scene_source_rect(scene, 5);
		g_assert_true(cut.x0 == 32 && cut.y0 == 0 && cut.x1 == 64 && cut.y1 == 64);
		g_assert_cmpint(tf_scene_topmost(scene, (TfRect){64, 64, 65, 65}), ==, 3);
		g_assert_cmpint(tf_scene_topmost(tf_scene_at_level(scene, 2), (TfRect){31, 31, 32, 32}), ==, 6);
		g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
		tf_scene_visible(level, (TfRect){0, 0, 64, 64}, fragments);
		g_assert_cmpuint(fragments->len, ==, 2);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/scene/painter", test_painter);
	g_test_add_func("/scene/negative", test_negative);
	g_test_add_func("/scene/copies", test_copies);
	g_test_add_func("/scene/extent", test_extent);
	g_test_add_func("/scene/refused", test_refused);
	g_test_add_func("/scene/million", test_million);
	g_test_add_func("/scene/shapes", test_shapes);
	g_test_add_func("/scene/visible-cost", test_visible_cost);
	g_test_add_func("/scene/levels", test_levels);
	return g_test_run();
}
