/* SPDX-License-Identifier: MIT
 *
 * What can be had of a damaged source does not depend on what was read before:
 * however a strip is come by, if it can be read at all it is one of those that
 * salvaging finds good, and has the same bits.
 */
#include "placed.h"

#include <tiffuse/source.h>
#include <tiffuse/vips_env.h>
#include <vips/vips.h>

enum { WIDTH = 130, HEIGHT = 300, STRIPS = 6 };

static const uint8_t background[3] = {200, 30, 90};

typedef struct {
	TfSources *sources;
	TfRows rows[STRIPS];
	TfStrip *good[STRIPS]; /* what salvaging gave */
	uint32_t n_good;
} Case;

static void case_clear(Case *c)
{
	for (int i = 0; i < STRIPS; i++)
		g_clear_pointer(&c->good[i], tf_strip_unref);
	tf_sources_free(c->sources);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Case, case_clear)

static void assert_same(const TfStrip *a, const TfStrip *b, TfRows rows)
{
	for (int p = 0; p < tf_space_planes(a->samples->space); p++) {
		int vsamp = tf_space_vsamp(a->samples->space, p);
		const TfPlane *x = &a->samples->plane[p], *y = &b->samples->plane[p];
		gsize row = (gsize)(x->width * tf_space_pixel_bytes(a->samples->space));
		for (int32_t at = rows.y0 / vsamp; at < tf_ceil_div(rows.y1, vsamp); at++)
			g_assert_cmpmem(x->data + (at - a->y0 / vsamp) * x->stride, row,
			                y->data + (at - b->y0 / vsamp) * y->stride, row);
	}
}

static void salvage_all(Case *c)
{
	TfDecodeCount count = {0};
	for (uint32_t i = 0; i < STRIPS; i++) {
		g_autoptr(GError) error = NULL;
		uint32_t n_good;
		tf_source_salvage(c->sources, 0, c->rows, STRIPS, i, &c->good[i], &n_good, &count, &error);
		g_assert_no_error(error);
		if (i > 0)
			g_assert_cmpuint(n_good, ==, c->n_good);
		c->n_good = n_good;
		g_assert_cmpint(c->good[i] != NULL, ==, i < n_good);
	}
}

/* One cursor that begins somewhere and goes down, over some strips. */
static void walk(const Case *c, GRand *random)
{
	TfDecodeCount count = {0};
	uint32_t i = (uint32_t)g_rand_int_range(random, 0, STRIPS);
	g_autoptr(GError) error = NULL;
	g_autoptr(TfCursor) cursor = tf_cursor_open(c->sources, 0, c->rows[i].y0, &error);
	while (cursor && i < STRIPS) {
		g_autoptr(TfStrip) strip = tf_cursor_read(cursor, c->rows[i].y0, c->rows[i].y1, &count, &error);
		if (!strip)
			break;
		g_assert_cmpuint(i, <, c->n_good);
		assert_same(strip, c->good[i], c->rows[i]);
		i += (uint32_t)g_rand_int_range(random, 1, 3);
	}
	if (error)
		g_assert_error(error, TF_ERROR, TF_ERROR_DAMAGED);
}

static void check_painted(const Case *c)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfStrip) strip = tf_source_paint(c->sources, 0, c->rows[STRIPS - 1], &error);
	g_assert_no_error(error);
	const TfPlane *plane = &strip->samples->plane[0];
	g_assert_cmpint(strip->y0, <=, c->rows[STRIPS - 1].y0);
	g_assert_cmpint(strip->y0 + strip->samples->height, >=, c->rows[STRIPS - 1].y1);
	g_assert_cmpint(plane->width, ==, WIDTH);
	uint8_t first = plane->data[0], last = plane->data[(plane->height - 1) * plane->stride + (WIDTH - 1)];
	if (strip->samples->space.kind == TF_SPACE_RGB) {
		g_assert_cmpmem(plane->data + 3, 3, background, 3);
	} else {
		g_assert_cmpint(first, ==, 88); /* 0.299 R + 0.587 G + 0.114 B */
		g_assert_cmpint(last, ==, 88);
	}
}

/* Returns how many of the strips are good. */
static uint32_t check_file(const char *path, TfSpace space, GRand *random)
{
	g_auto(Placed) placed = {0};
	g_auto(Case) c = {0};
	/* A header that lies is another test's matter. */
	if (!place_file(path, false, &placed, NULL) || placed.info.width != WIDTH || placed.info.height != HEIGHT)
		return 0;
	TfSourcesOptions options = {.space = space, .max_open = 3, .in_order = true};
	memcpy(options.background, background, sizeof background);
	c.sources = tf_sources_new(placed.scene, placed.profiles, &options);
	int32_t first = g_rand_int_range(random, 1, HEIGHT / STRIPS);
	for (int i = 0; i < STRIPS; i++) /* as a row of tiles cuts a source: a rest, equal heights, a rest */
		c.rows[i] = (TfRows){i ? c.rows[i - 1].y1 : 0, i < STRIPS - 1 ? first + i * (HEIGHT / STRIPS) : HEIGHT};
	salvage_all(&c);
	for (int i = 0; i < 6 && !tf_source_is_whole(c.sources, 0); i++)
		walk(&c, random);
	check_painted(&c);
	return c.n_good;
}

/* Cut, or overwritten in one place, everywhere in turn. */
static void spoil(GRand *random, uint8_t *data, gsize *length, int i)
{
	gsize at = (gsize)g_rand_int_range(random, (gint32)*length / 20, (gint32)*length);
	if (i % 2)
		*length = at;
	for (gsize k = at; i % 2 == 0 && k < MIN(at + 40, *length); k++)
		data[k] = (uint8_t)(i % 4 ? 0xFF : g_rand_int(random));
}

static void check_spoilt(const char *name, GBytes *bytes, TfSpace space, int rounds)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, name, NULL);
	GRand *random = g_rand_new_with_seed(4711);
	uint32_t some = 0, all = 0;
	for (int i = 0; i < rounds; i++) {
		gsize length = g_bytes_get_size(bytes);
		g_autofree uint8_t *data = g_memdup2(g_bytes_get_data(bytes, NULL), length);
		if (i > 0)
			spoil(random, data, &length, i);
		unlink(path);
		write_file(path, data, length);
		uint32_t n_good = check_file(path, space, random);
		some += n_good > 0 && n_good < STRIPS;
		all += n_good == STRIPS;
		if (i == 0)
			g_assert_cmpuint(n_good, ==, STRIPS);
	}
	g_test_message("%s: %u of %d whole, %u in part", name, all, rounds, some);
	g_assert_cmpuint(all, <, (uint32_t)rounds);
	g_rand_free(random);
}

static void test_jpeg(gconstpointer data)
{
	const JpegKind *kind = data;
	g_autoptr(GBytes) bytes = jpeg_make(kind, WIDTH, HEIGHT, 11);
	TfSpace space = {kind->stored == JCS_GRAYSCALE ? TF_SPACE_GREY : TF_SPACE_RGB, 1, 1, false};
	check_spoilt("a.jpg", bytes, space, kind->in == JCS_CMYK ? 6 : 50); /* each strip loads a profile */
	if (kind->stored != JCS_YCbCr)
		return;
	space = (TfSpace){TF_SPACE_YCBCR, (uint8_t)kind->hsamp, (uint8_t)kind->vsamp, false};
	check_spoilt("a.jpg", bytes, space, 50);
}

/* The loader of tiles would decode those that are asked for and no other.  Not
 * deflate: libtiff with libdeflate hands out what was in memory before where a
 * damaged stream goes on beyond its tile. */
static void test_vips(gconstpointer data)
{
	static const struct {
		const char *suffix;
	} known[] = {{".png"}, {".tif"}, {".tif[tile,tile_width=64,tile_height=64,compression=lzw]"}};
	g_autoptr(GBytes) jpeg = jpeg_make(jpeg_kind("444"), WIDTH, HEIGHT, 11);
	gsize length;
	const void *bytes = g_bytes_get_data(jpeg, &length);
	VipsImage *image = vips_image_new_from_buffer(bytes, length, "", NULL);
	g_assert_nonnull(image);
	void *out;
	size_t out_length;
	const char *suffix = known[GPOINTER_TO_INT(data)].suffix;
	g_assert_cmpint(vips_image_write_to_buffer(image, suffix, &out, &out_length, NULL), ==, 0);
	g_object_unref(image);
	g_autoptr(GBytes) made = g_bytes_new_take(out, out_length);
	g_autofree char *name = g_strconcat("a", suffix, NULL);
	char *options = strchr(name, '[');
	if (options)
		*options = '\0';
	check_spoilt(name, made, (TfSpace){TF_SPACE_RGB, 1, 1, false}, 40);
}

/* What is no damage is an error here too. */
static void test_not_damage(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 60, 60, 3);
	g_autofree char *path = scratch_write(folder, "a.jpg", bytes);
	g_autoptr(GError) error = NULL, painting = NULL;
	g_auto(Placed) placed = {0};
	g_assert_true(place_file(path, false, &placed, NULL));
	TfSourcesOptions options = {.space = {TF_SPACE_RGB, 1, 1, false}, .max_open = 3, .in_order = true};
	g_autoptr(TfSources) sources = tf_sources_new(placed.scene, placed.profiles, &options);
	TfRows rows = {0, 60};
	TfStrip *strip;
	uint32_t n_good;
	TfDecodeCount count = {0};
	g_assert_cmpint(unlink(path), ==, 0);
	g_assert_false(tf_source_salvage(sources, 0, &rows, 1, 0, &strip, &n_good, &count, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
	g_assert_null(tf_source_paint(sources, 0, rows, &painting));
	g_assert_error(painting, TF_ERROR, TF_ERROR_MISSING);
}

/* A file that changes under a decoder looks damaged, and is not. */
static void test_settle(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, "a.jpg", NULL);
	g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind("420"), 60, 60, 3);
	write_file(path, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_auto(Placed) placed = {0};
	g_assert_true(place_file(path, false, &placed, NULL));
	g_autoptr(TfFiles) files = tf_files_new(placed.scene, 4);
	int fd = tf_files_acquire(files, 0, NULL);
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_DAMAGED, "a.jpg: ends early");
	g_assert_false(tf_files_settle(files, 0, fd, false, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_DAMAGED);
	g_assert_true(tf_files_settle(files, 0, fd, true, NULL));
	g_assert_cmpint(truncate(path, 100), ==, 0);
	g_assert_false(tf_files_settle(files, 0, fd, false, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_CHANGED);
	g_assert_false(tf_files_settle(files, 0, fd, true, NULL));
	tf_files_release(files, 0, fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* libvips warns of cut files */
	for (gsize i = 0; i < G_N_ELEMENTS(jpeg_kinds); i++) {
		g_autofree char *path = g_strdup_printf("/salvage/%s", jpeg_kinds[i].name);
		g_test_add_data_func(path, &jpeg_kinds[i], test_jpeg);
	}
	g_test_add_data_func("/salvage/png", GINT_TO_POINTER(0), test_vips);
	g_test_add_data_func("/salvage/tiff", GINT_TO_POINTER(1), test_vips);
	g_test_add_data_func("/salvage/tiled-tiff", GINT_TO_POINTER(2), test_vips);
	g_test_add_func("/salvage/not-damage", test_not_damage);
	g_test_add_func("/salvage/settle", test_settle);
	return g_test_run();
}
