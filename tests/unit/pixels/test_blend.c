/* SPDX-License-Identifier: MIT
 *
 * Blending against the formula of blend.h, pixel by pixel in 128-bit integers:
 * random scenes, and scenes as large and as deep as the sums allow.
 */
#include "../../../src/pixels/blend.h"

#include <string.h>

enum { SIDE = 48, MAX_SOURCES = 400 };

typedef struct {
	TfSpace space;
	TfScene *scene;
	TfRect rect; /* the tile */
	GArray *fragments;
	GPtrArray *strips; /* one for each fragment */
	uint16_t background[3]; /* or bytes */
} Case;

static void strip_clear(gpointer strip)
{
	tf_strip_unref(strip);
}

static int get_sample(const TfPlane *plane, TfSpace space, int64_t i, int64_t y)
{
	const uint8_t *row = plane->data + y * plane->stride;
	return space.deep ? ((const uint16_t *)(const void *)row)[i] : row[i];
}

static void set_sample(const TfPlane *plane, TfSpace space, int64_t i, int64_t y, int value)
{
	uint8_t *row = plane->data + y * plane->stride;
	if (space.deep)
		((uint16_t *)(void *)row)[i] = (uint16_t)value;
	else
		row[i] = (uint8_t)value;
}

/* `extreme`: of the two largest, where rounding up would show. */
static int random_sample(TfSpace space, bool extreme, GRand *random)
{
	int n = space.deep ? 65536 : 256;
	return g_rand_int_range(random, extreme ? n - 2 : 0, n);
}

/* A strip that holds the fragment and a little more. */
static TfStrip *strip_of(const Case *c, const TfFragment *fragment, bool extreme, GRand *random)
{
	const TfSource *source = tf_scene_source(c->scene, (uint32_t)fragment->source);
	int64_t x0 = fragment->rect.x0 - source->x, y0 = fragment->rect.y0 - source->y;
	int64_t before = MIN(x0, g_rand_int_range(random, 0, 3)), above = MIN(y0, g_rand_int_range(random, 0, 3));
	int32_t width = (int32_t)(fragment->rect.x1 - fragment->rect.x0 + before);
	int32_t height = (int32_t)(fragment->rect.y1 - fragment->rect.y0 + above);
	TfSamples *samples = tf_samples_new(c->space, width, height, 0, TF_MEMORY_STRIPS, NULL);
	for (int32_t y = 0; y < height; y++)
		for (int32_t i = 0; i < width * tf_space_bands(c->space); i++)
			set_sample(&samples->plane[0], c->space, i, y, random_sample(c->space, extreme, random));
	return tf_strip_new((int32_t)(x0 - before), (int32_t)(y0 - above), samples);
}

static int expected_at(const Case *c, int64_t x, int64_t y, int band)
{
	int bands = tf_space_bands(c->space);
	unsigned __int128 sum = 0, weights = 0;
	for (guint i = 0; i < c->fragments->len; i++) {
		const TfFragment *fragment = &g_array_index(c->fragments, TfFragment, i);
		const TfStrip *strip = g_ptr_array_index(c->strips, i);
		TfRect r = tf_scene_source_rect(c->scene, (uint32_t)fragment->source);
		if (x < r.x0 || x >= r.x1 || y < r.y0 || y >= r.y1)
			continue;
		uint64_t dx = (uint64_t)MIN(MIN(x - r.x0 + 1, r.x1 - x), 4096);
		uint64_t dy = (uint64_t)MIN(MIN(y - r.y0 + 1, r.y1 - y), 4096);
		const TfPlane *plane = &strip->samples->plane[0];
		int value = get_sample(plane, c->space, (x - r.x0 - strip->x0) * bands + band, y - r.y0 - strip->y0);
		sum += (unsigned __int128)(dx * dy) * (unsigned)value;
		weights += dx * dy;
	}
	TfPlane ink = {(uint8_t *)c->background, 0, 1, 1};
	return weights == 0 ? get_sample(&ink, c->space, band, 0) : (int)((2 * sum + weights) / (2 * weights));
}

static void check(const Case *c)
{
	int bands = tf_space_bands(c->space);
	g_autoptr(TfSamples) out = tf_samples_new(c->space, SIDE, SIDE, 0, TF_MEMORY_CANVASES, NULL);
	TfComposeTarget target = {c->scene, c->space, 0, c->rect.x0, c->rect.y0, out->plane[0],
	                          (const uint8_t *)c->background};
	TfTileInput input = {.fragments = (const TfFragment *)(void *)c->fragments->data,
	                     .strips = (TfStrip *const *)c->strips->pdata,
	                     .n_fragments = c->fragments->len};
	g_assert_true(tf_blend(&target, &input));
	for (int64_t y = 0; y < SIDE; y++)
		for (int64_t x = 0; x < SIDE; x++)
			for (int band = 0; band < bands; band++)
				g_assert_cmpint(get_sample(&out->plane[0], c->space, x * bands + band, y), ==,
				                expected_at(c, c->rect.x0 + x, c->rect.y0 + y, band));
}

/* `size` bounds the sources' sides; they lie around the middle of the extent. */
static void check_scene(TfSpace space, int n, int32_t size, bool extreme, GRand *random)
{
	Case c = {.space = space, .scene = tf_scene_new(TF_BLEND_FEATHER), .background = {1027, 200, 9037}};
	for (int i = 0; i < n; i++) {
		TfSource source = {.path = "/a.jpg",
		                   .orientation = 1,
		                   .width = g_rand_int_range(random, 1, size),
		                   .height = g_rand_int_range(random, 1, size)};
		source.x = size - source.width + g_rand_int_range(random, 0, MIN(source.width, 60));
		source.y = size - source.height + g_rand_int_range(random, 0, MIN(source.height, 60));
		tf_scene_add(c.scene, &source);
	}
	g_assert_true(tf_scene_freeze(c.scene, NULL));
	int64_t right = tf_scene_width(c.scene), below = tf_scene_height(c.scene);
	c.rect = (TfRect){MAX(right - 90, 0), MAX(below - 90, 0), 0, 0};
	c.rect.x1 = c.rect.x0 + SIDE;
	c.rect.y1 = c.rect.y0 + SIDE;
	c.fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	c.strips = g_ptr_array_new_with_free_func(strip_clear);
	tf_scene_fragments(c.scene, c.rect, c.fragments);
	for (guint i = 0; i < c.fragments->len; i++)
		g_ptr_array_add(c.strips, strip_of(&c, &g_array_index(c.fragments, TfFragment, i), extreme, random));
	check(&c);
	g_array_unref(c.fragments);
	g_ptr_array_unref(c.strips);
	tf_scene_free(c.scene);
}

static const TfSpace spaces[] = {{TF_SPACE_RGB, 1, 1, false}, {TF_SPACE_GREY, 1, 1, false}, {TF_SPACE_RGB, 1, 1, true}, {TF_SPACE_GREY, 1, 1, true}};

static void test_random(void)
{
	GRand *random = g_rand_new_with_seed(31);
	for (int i = 0; i < 60; i++)
		check_scene(spaces[i % 4], g_rand_int_range(random, 1, 12), 80, false, random);
	g_rand_free(random);
}

static void test_heap(void)
{
	GRand *random = g_rand_new_with_seed(32);
	check_scene(spaces[0], MAX_SOURCES, 100, false, random);
	check_scene(spaces[1], MAX_SOURCES, 100, true, random);
	check_scene(spaces[3], MAX_SOURCES, 100, true, random);
	g_rand_free(random);
}

/* Weights of 2^24 each. */
static void test_large(void)
{
	GRand *random = g_rand_new_with_seed(33);
	for (int i = 0; i < 10; i++)
		check_scene(spaces[i % 4], MAX_SOURCES, INT32_MAX / 2 - 100, true, random);
	g_rand_free(random);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/blend/random", test_random);
	g_test_add_func("/blend/heap", test_heap);
	g_test_add_func("/blend/large", test_large);
	return g_test_run();
}
