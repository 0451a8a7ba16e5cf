/* SPDX-License-Identifier: MIT
 *
 * Tiles of random scenes against a painter that works pixel by pixel, with the
 * rules of chroma, of levels and of padding as docs/design.md states them.
 * Samples are compared through the encoder: the tile's bytes must be those of
 * the painter's samples.
 */
#include <string.h>
#include <tiffuse/canvas.h>
#include <tiffuse/vips_env.h>

enum { MAX_SOURCES = 9 };

typedef struct {
	TfScene *scene;
	TfPyramid pyramid;
	TfEncoder encoder;
	TfCanvas *canvas;
	TfSamples *sources[MAX_SOURCES];
	uint8_t ink[TF_MAX_PIXEL_BYTES];
	TfSamples *level[TF_MAX_LEVELS]; /* the painter's */
	bool first_on_top;
} Case;

static TfSamples *new_samples(TfSpace space, int64_t width, int64_t height)
{
	g_autoptr(GError) error = NULL;
	TfSamples *samples = tf_samples_new(space, (int32_t)width, (int32_t)height, 0, TF_MEMORY_STRIPS, &error);
	g_assert_no_error(error);
	return samples;
}

static uint8_t *at(const TfSamples *samples, int plane, int64_t x, int64_t y)
{
	const TfPlane *p = &samples->plane[plane];
	g_assert_true(x >= 0 && y >= 0 && x < p->width && y < p->height);
	return p->data + y * p->stride + x * tf_space_pixel_bytes(samples->space);
}

static unsigned component(const TfSamples *samples, int plane, int64_t x, int64_t y, int band)
{
	const uint8_t *pixel = at(samples, plane, x, y);
	uint16_t deep;
	if (!samples->space.deep)
		return pixel[band];
	memcpy(&deep, pixel + 2 * band, 2);
	return deep;
}

static void set_component(TfSamples *samples, int plane, int64_t x, int64_t y, int band, unsigned value)
{
	uint8_t *pixel = at(samples, plane, x, y);
	uint16_t deep = (uint16_t)value;
	if (samples->space.deep)
		memcpy(pixel + 2 * band, &deep, 2);
	else
		pixel[band] = (uint8_t)value;
}

static void fill_random(TfSamples *samples, GRand *random)
{
	for (int p = 0; p < tf_space_planes(samples->space); p++)
		for (int y = 0; y < samples->plane[p].height; y++)
			for (int i = 0; i < samples->plane[p].width * tf_space_pixel_bytes(samples->space); i++)
				samples->plane[p].data[y * samples->plane[p].stride + i] = (uint8_t)g_rand_int(random);
}

/* --- the painter ------------------------------------------------------------- */

static int topmost(const Case *c, int64_t x, int64_t y)
{
	int n = (int)tf_scene_n_sources(c->scene), found = -1;
	for (int i = 0; i < n; i++) {
		int s = c->first_on_top ? n - 1 - i : i;
		TfRect r = tf_scene_source_rect(c->scene, (uint32_t)s);
		if (x >= r.x0 && x < r.x1 && y >= r.y0 && y < r.y1)
			found = s;
	}
	return found;
}

/* The sample of `plane` that covers the pixel. */
static const uint8_t *sample_at(const Case *c, int plane, int64_t x, int64_t y)
{
	int s = topmost(c, x, y);
	if (s < 0)
		return c->ink + plane;
	const TfSource *source = tf_scene_source(c->scene, (uint32_t)s);
	TfSpace space = c->encoder.space;
	return at(c->sources[s], plane, (x - source->x) / tf_space_hsamp(space, plane),
	          (y - source->y) / tf_space_vsamp(space, plane));
}

static void paint_chroma(const Case *c, TfSamples *out, int plane)
{
	int h = tf_space_hsamp(out->space, plane), v = tf_space_vsamp(out->space, plane);
	for (int64_t y = 0; y < out->plane[plane].height; y++)
		for (int64_t x = 0; x < out->plane[plane].width; x++) {
			int sum = h * v / 2;
			for (int j = 0; j < v; j++)
				for (int i = 0; i < h; i++)
					sum += *sample_at(c, plane, MIN(x * h + i, out->width - 1),
					                  MIN(y * v + j, out->height - 1));
			*at(out, plane, x, y) = (uint8_t)(sum / (h * v));
		}
}

static TfSamples *paint_base(const Case *c)
{
	TfSamples *out = new_samples(c->encoder.space, tf_scene_width(c->scene), tf_scene_height(c->scene));
	for (int64_t y = 0; y < out->height; y++)
		for (int64_t x = 0; x < out->width; x++)
			memcpy(at(out, 0, x, y), sample_at(c, 0, x, y), (gsize)tf_space_pixel_bytes(out->space));
	for (int p = 1; p < tf_space_planes(out->space); p++)
		paint_chroma(c, out, p);
	return out;
}

static TfSamples *paint_halved(const TfSamples *in)
{
	TfSamples *out = new_samples(in->space, tf_ceil_div(in->width, 2), tf_ceil_div(in->height, 2));
	int bands = tf_space_bands(in->space);
	for (int p = 0; p < tf_space_planes(in->space); p++)
		for (int64_t y = 0; y < out->plane[p].height; y++)
			for (int64_t x = 0; x < out->plane[p].width; x++)
				for (int b = 0; b < bands; b++) {
					int64_t x1 = MIN(2 * x + 1, in->plane[p].width - 1);
					int64_t y1 = MIN(2 * y + 1, in->plane[p].height - 1);
					unsigned sum = component(in, p, 2 * x, 2 * y, b) + component(in, p, x1, 2 * y, b) +
					               component(in, p, 2 * x, y1, b) + component(in, p, x1, y1, b);
					set_component(out, p, x, y, b, (sum + 2) >> 2);
				}
	return out;
}

/* The tile cut out of its level, its edge repeated to the full size. */
static GBytes *paint_tile(const Case *c, TfTile tile)
{
	TfSpace space = c->encoder.space;
	int32_t side = c->encoder.tile;
	g_autoptr(TfSamples) out = new_samples(space, side, side);
	const TfSamples *level = c->level[tile.level];
	for (int p = 0; p < tf_space_planes(space); p++) {
		int64_t left = tile.col * side / tf_space_hsamp(space, p), top = tile.row * side / tf_space_vsamp(space, p);
		for (int64_t y = 0; y < out->plane[p].height; y++)
			for (int64_t x = 0; x < out->plane[p].width; x++)
				memcpy(at(out, p, x, y),
				       at(level, p, MIN(left + x, level->plane[p].width - 1),
				          MIN(top + y, level->plane[p].height - 1)),
				       (gsize)tf_space_pixel_bytes(space));
	}
	bool requantised;
	return tf_encode_tile(&c->encoder, out->plane, &requantised, NULL);
}

/* --- the canvas ---------------------------------------------------------------- */

/* A strip with the rows that the fragment needs, sometimes cropped on the left. */
static TfStrip *strip_of(const Case *c, const TfFragment *fragment, GRand *random)
{
	const TfSource *source = tf_scene_source(c->scene, (uint32_t)fragment->source);
	TfSpace space = c->encoder.space;
	int32_t x0 = (int32_t)(fragment->rect.x0 - source->x), y0 = (int32_t)(fragment->rect.y0 - source->y);
	int32_t y1 = (int32_t)(fragment->rect.y1 - source->y);
	x0 = g_rand_boolean(random) ? 0 : x0 / space.hsamp * space.hsamp;
	y0 = y0 / space.vsamp * space.vsamp;
	TfSamples *samples = new_samples(space, source->width - x0, y1 - y0);
	for (int p = 0; p < tf_space_planes(space); p++)
		for (int y = 0; y < samples->plane[p].height; y++)
			memcpy(at(samples, p, 0, y),
			       at(c->sources[fragment->source], p, x0 / tf_space_hsamp(space, p),
			          y0 / tf_space_vsamp(space, p) + y),
			       (gsize)samples->plane[p].width * (gsize)tf_space_pixel_bytes(space));
	return tf_strip_new(x0, y0, samples);
}

static void strip_clear(gpointer strip)
{
	tf_strip_unref(strip);
}

static unsigned n_in_place; /* tiles that were halved from their strip */

/* The quarter is the painter's next level there. */
static void check_quarter(const Case *c, const TfTileInput *input, const TfTileOutput *out)
{
	TfRect r = tf_pyramid_tile_rect(&c->pyramid, input->tile);
	g_autoptr(TfSamples) half = paint_halved(c->level[input->tile.level]);
	for (int p = 0; p < tf_space_planes(half->space); p++) {
		int64_t left = r.x0 / 2 / tf_space_hsamp(half->space, p), top = r.y0 / 2 / tf_space_vsamp(half->space, p);
		const TfPlane *plane = &out->quarter->plane[p];
		for (int y = 0; y < plane->height; y++)
			g_assert_cmpint(memcmp(at(out->quarter, p, 0, y), at(half, p, left, top + y),
			                       (gsize)plane->width * (gsize)tf_space_pixel_bytes(half->space)),
			                ==, 0);
	}
}

/* With the bytes and without: a tile that is only halved may be seen in place. */
static void render(const Case *c, TfTileInput *input, TfTileOutput *out)
{
	g_autoptr(GError) error = NULL;
	bool ok = tf_canvas_render(c->canvas, input, true, true, out, &error);
	g_assert_no_error(error);
	g_assert_true(ok);
	g_autoptr(GBytes) expected = paint_tile(c, input->tile);
	g_assert_true(g_bytes_equal(expected, out->bytes));
	g_assert_cmpuint(out->regions, ==, (unsigned)tf_space_planes(c->encoder.space));
	g_bytes_unref(out->bytes);
	check_quarter(c, input, out);
	tf_samples_unref(out->quarter);
	g_assert_true(tf_canvas_render(c->canvas, input, false, true, out, NULL));
	g_assert_null(out->bytes);
	check_quarter(c, input, out);
	n_in_place += out->regions == 0;
}

static TfSamples *render_base_tile(const Case *c, TfTile tile, GRand *random)
{
	g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	g_autoptr(GPtrArray) strips = g_ptr_array_new_with_free_func(strip_clear);
	tf_scene_visible(c->scene, tf_pyramid_tile_rect(&c->pyramid, tile), fragments);
	for (guint i = 0; i < fragments->len; i++) {
		const TfFragment *fragment = &g_array_index(fragments, TfFragment, i);
		g_ptr_array_add(strips, fragment->source < 0 ? NULL : strip_of(c, fragment, random));
	}
	TfTileInput input = {.tile = tile,
	                     .fragments = (const TfFragment *)(void *)fragments->data,
	                     .strips = (TfStrip *const *)strips->pdata,
	                     .n_fragments = fragments->len};
	TfTileOutput out;
	render(c, &input, &out);
	return out.quarter;
}

static bool touched(const Case *c, TfTile tile)
{
	return tf_scene_touches(c->scene, tf_pyramid_tile_base(&c->pyramid, tile));
}

/* Depth first; NULL for tiles that no source touches. */
static TfSamples *render_tree(const Case *c, TfTile tile, GRand *random)
{
	if (!touched(c, tile))
		return NULL;
	if (tile.level == 0)
		return render_base_tile(c, tile, random);
	TfTileInput input = {.tile = tile};
	const TfLevel *below = &c->pyramid.level[tile.level - 1];
	for (int i = 0; i < 4; i++) {
		TfTile child = {tile.level - 1, 2 * tile.col + i % 2, 2 * tile.row + i / 2};
		if (child.col < below->cols && child.row < below->rows)
			input.quarters[i] = render_tree(c, child, random);
	}
	TfTileOutput out;
	render(c, &input, &out);
	for (int i = 0; i < 4; i++)
		tf_samples_unref(input.quarters[i]);
	return out.quarter;
}

/* --- cases ---------------------------------------------------------------------- */

static void add_sources(Case *c, GRand *random, int spread)
{
	int n = g_rand_int_range(random, 1, MAX_SOURCES + 1);
	for (int i = 0; i < n; i++) {
		TfSource source = {.path = "/a.jpg",
		                   .orientation = 1,
		                   .x = g_rand_int_range(random, 0, spread),
		                   .y = g_rand_int_range(random, 0, spread),
		                   .width = g_rand_int_range(random, 1, 70),
		                   .height = g_rand_int_range(random, 1, 70)};
		tf_scene_add(c->scene, &source);
		c->sources[i] = new_samples(c->encoder.space, source.width, source.height);
		fill_random(c->sources[i], random);
	}
	g_assert_true(tf_scene_freeze(c->scene, NULL));
}

static void case_clear(Case *c)
{
	for (int i = 0; i < MAX_SOURCES; i++)
		tf_samples_unref(c->sources[i]);
	for (int k = 0; k < TF_MAX_LEVELS; k++)
		tf_samples_unref(c->level[k]);
	tf_canvas_free(c->canvas);
	tf_scene_free(c->scene);
}

static void check_case(TfSpace space, TfCompression compression, GRand *random)
{
	g_autoptr(GError) error = NULL;
	uint8_t background[3] = {(uint8_t)g_rand_int(random), (uint8_t)g_rand_int(random), (uint8_t)g_rand_int(random)};
	int32_t tile = g_rand_boolean(random) ? 32 : 16;
	Case c = {.first_on_top = g_rand_boolean(random)};
	c.encoder = (TfEncoder){compression, space, space.hsamp, space.vsamp, 95, tile, 16 * 1024};
	if (compression == TF_COMPRESSION_NONE)
		c.encoder.slot_bytes = tf_encode_slot_bytes(compression, space, 1, 1, 0, tile);
	c.scene = tf_scene_new(c.first_on_top);
	add_sources(&c, random, g_rand_boolean(random) ? 60 : 200);
	tf_background_samples(space, background, c.ink);
	g_assert_true(tf_pyramid_init(&c.pyramid, tf_scene_width(c.scene), tf_scene_height(c.scene), tile, false, NULL));
	c.canvas = tf_canvas_new(c.scene, &c.pyramid, &c.encoder, background, &error);
	g_assert_no_error(error);
	c.level[0] = paint_base(&c);
	for (int k = 1; k < c.pyramid.n_levels; k++)
		c.level[k] = paint_halved(c.level[k - 1]);
	TfTile top = {c.pyramid.n_levels - 1, 0, 0};
	tf_samples_unref(render_tree(&c, top, random));
	case_clear(&c);
}

typedef struct {
	const char *name;
	TfSpace space;
	TfCompression compression;
} Kind;

static const Kind kinds[] = {
        {"rgb", {TF_SPACE_RGB, 1, 1, false}, TF_COMPRESSION_NONE},
        {"grey", {TF_SPACE_GREY, 1, 1, false}, TF_COMPRESSION_NONE},
        {"rgb16", {TF_SPACE_RGB, 1, 1, true}, TF_COMPRESSION_NONE},
        {"grey16", {TF_SPACE_GREY, 1, 1, true}, TF_COMPRESSION_NONE},
        {"ycbcr-420", {TF_SPACE_YCBCR, 2, 2, false}, TF_COMPRESSION_JPEG},
        {"ycbcr-422", {TF_SPACE_YCBCR, 2, 1, false}, TF_COMPRESSION_JPEG},
        {"ycbcr-444", {TF_SPACE_YCBCR, 1, 1, false}, TF_COMPRESSION_JPEG},
};

static void test_scenes(gconstpointer data)
{
	const Kind *kind = data;
	GRand *random = g_rand_new_with_seed(4711);
	n_in_place = 0;
	for (int i = 0; i < 40; i++)
		check_case(kind->space, kind->compression, random);
	g_assert_cmpuint(n_in_place, >, 0);
	g_rand_free(random);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
}

static void test_blank(gconstpointer data)
{
	const Kind *kind = data;
	uint8_t background[3] = {200, 30, 90}, ink[TF_MAX_PIXEL_BYTES];
	g_autoptr(TfScene) scene = tf_scene_new(false);
	TfSource source = {.path = "/a", .orientation = 1, .width = 40, .height = 40};
	TfEncoder encoder = {kind->compression, kind->space, kind->space.hsamp, kind->space.vsamp, 90, 32, 6144};
	TfPyramid pyramid;
	tf_scene_add(scene, &source);
	g_assert_true(tf_scene_freeze(scene, NULL) && tf_pyramid_init(&pyramid, 40, 40, 32, false, NULL));
	g_autoptr(TfCanvas) canvas = tf_canvas_new(scene, &pyramid, &encoder, background, NULL);
	g_autoptr(GBytes) blank = tf_canvas_blank(canvas, NULL);
	g_autoptr(TfSamples) samples = new_samples(kind->space, 32, 32);
	tf_background_samples(kind->space, background, ink);
	for (int p = 0; p < tf_space_planes(kind->space); p++)
		for (int y = 0; y < samples->plane[p].height; y++)
			for (int x = 0; x < samples->plane[p].width; x++)
				memcpy(at(samples, p, x, y), ink + p, (gsize)tf_space_pixel_bytes(kind->space));
	bool requantised;
	g_autoptr(GBytes) expected = tf_encode_tile(&encoder, samples->plane, &requantised, NULL);
	g_assert_true(g_bytes_equal(blank, expected));
}

static void test_background(void)
{
	uint8_t samples[TF_MAX_PIXEL_BYTES], white[3] = {255, 255, 255}, red[3] = {255, 0, 0};
	tf_background_samples((TfSpace){TF_SPACE_RGB, 1, 1, false}, red, samples);
	g_assert_cmpmem(samples, 3, red, 3);
	tf_background_samples((TfSpace){TF_SPACE_YCBCR, 2, 2, false}, white, samples);
	g_assert_cmpmem(samples, 3, ((uint8_t[]){255, 128, 128}), 3);
	tf_background_samples((TfSpace){TF_SPACE_YCBCR, 2, 2, false}, red, samples); /* JFIF: 76, 85, 255 */
	g_assert_cmpmem(samples, 3, ((uint8_t[]){76, 85, 255}), 3);
	tf_background_samples((TfSpace){TF_SPACE_GREY, 1, 1, false}, red, samples);
	g_assert_cmpint(samples[0], ==, 76);
	uint16_t deep[3];
	tf_background_samples((TfSpace){TF_SPACE_RGB, 1, 1, true}, red, samples);
	memcpy(deep, samples, sizeof deep);
	g_assert_cmpint(deep[0], ==, 65535);
	g_assert_cmpint(deep[1], ==, 0);
	tf_background_samples((TfSpace){TF_SPACE_GREY, 1, 1, true}, red, samples);
	memcpy(deep, samples, sizeof deep);
	g_assert_cmpint(deep[0], ==, 19595); /* 0.299 * 65535 */
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *scenes = g_strdup_printf("/canvas/scenes/%s", kinds[i].name);
		g_autofree char *blank = g_strdup_printf("/canvas/blank/%s", kinds[i].name);
		g_test_add_data_func(scenes, &kinds[i], test_scenes);
		g_test_add_data_func(blank, &kinds[i], test_blank);
	}
	g_test_add_func("/canvas/background", test_background);
	return g_test_run();
}
