/* SPDX-License-Identifier: MIT
 *
 * The engine as its readers see it: the same bytes in whatever order, from
 * however many, with whatever is evicted; each tile made once; every answer
 * given exactly once.
 */
#include "mosaics.h"

typedef struct {
	const char *name, *kind, *overlap;
	bool hole;
} Setup;

static const Setup setups[] = {
        {"planar", "420", NULL, false},
        {"planar-overlap-hole", "420", "17,9", true},
        {"progressive", "420-progressive", "17,9", false},
        {"rgb", "444", "17,9", true},
        {"grey", "grey", NULL, true},
};

/* --- the same bytes ---------------------------------------------------------------- */

typedef struct {
	TfEngine *engine;
	const uint8_t *all;
	uint64_t file_bytes, first;
	uint32_t seed;
	int reads;
} RandomReader;

static gpointer read_randomly(gpointer data)
{
	RandomReader *r = data;
	GRand *random = g_rand_new_with_seed(r->seed);
	TfReader *reader = tf_reader_new(r->engine);
	g_autofree uint8_t *buffer = g_malloc(1 << 20);
	for (int i = 0; i < r->reads; i++) {
		uint64_t offset = r->first + (uint64_t)(g_rand_double(random) * (double)(r->file_bytes - r->first));
		size_t length = (size_t)g_rand_int_range(random, 0, i % 8 == 0 ? 1 << 20 : 20000);
		g_assert_cmpint(read_at(r->engine, reader, r->file_bytes, offset, length, buffer), ==, 0);
		length = MIN(length, r->file_bytes - offset);
		g_assert_cmpint(memcmp(buffer, r->all + offset, length), ==, 0);
	}
	tf_reader_free(reader);
	g_rand_free(random);
	return NULL;
}

static void read_in_threads(TfEngine *engine, const TfMosaic *mosaic, const uint8_t *all, int reads)
{
	RandomReader readers[4];
	GThread *threads[4];
	for (int i = 0; i < 4; i++) {
		/* Two over the whole file, two over what is made. */
		readers[i] = (RandomReader){engine, all, mosaic->layout.file_bytes, 0, (uint32_t)i + 1, reads};
		readers[i].first = i % 2 ? 0 : mosaic->layout.blocks_offset - 100;
		threads[i] = g_thread_new("reader", read_randomly, &readers[i]);
	}
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
}

static void test_random_order(gconstpointer data)
{
	const Setup *setup = data;
	g_autoptr(Scratch) folder = make_grid(setup->kind, setup->hole);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, setup->overlap);
	g_autoptr(TfEngine) one = new_engine(mosaic, 1);
	g_autofree uint8_t *all = read_file(one, mosaic->layout.file_bytes);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 3);
	read_in_threads(engine, mosaic, all, 150);
	g_assert_cmpuint(status(engine, "errors"), ==, 0);
	g_assert_cmpuint(status(engine, "jobs_waiting"), ==, 0);
	g_autofree uint8_t *again = read_file(engine, mosaic->layout.file_bytes);
	g_assert_cmpint(memcmp(all, again, mosaic->layout.file_bytes), ==, 0);
}

/* Nothing may stay in a cache while the books say that the limit is exceeded. */
static void test_evicted(gconstpointer data)
{
	const Setup *setup = data;
	enum { MUCH = 1 << 30 };
	g_autoptr(Scratch) folder = make_grid(setup->kind, setup->hole);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, setup->overlap);
	g_autoptr(TfEngine) one = new_engine(mosaic, 1);
	g_autofree uint8_t *all = read_file(one, mosaic->layout.file_bytes);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 2);
	tf_memory_count(TF_MEMORY_SCENE, MUCH);
	read_in_threads(engine, mosaic, all, 25);
	uint64_t made = status(engine, "tiles_made");
	g_autofree uint8_t *again = read_file(engine, mosaic->layout.file_bytes);
	g_assert_cmpint(memcmp(all, again, mosaic->layout.file_bytes), ==, 0);
	g_assert_cmpuint(status(engine, "tiles_made"), >, made);
	tf_memory_count(TF_MEMORY_SCENE, -MUCH);
}

/* Slot by slot: a request of many small slots at once is many wishes, which
 * several workers may begin with in any order, skipping what is above. */
static void test_decodes_once(gconstpointer data)
{
	const Setup *setup = data;
	for (unsigned threads = 1; threads <= 4; threads += 3) {
		g_autoptr(Scratch) folder = make_grid(setup->kind, setup->hole);
		g_autoptr(TfMosaic) mosaic = open_mosaic(folder, setup->overlap);
		g_autoptr(TfEngine) engine = new_engine(mosaic, threads);
		g_free(read_file_by(engine, mosaic->layout.file_bytes, 4096));
		uint64_t decoded = status(engine, "pixels_decoded");
		if (setup->overlap) /* what others hide need not be decoded */
			g_assert_cmpuint(decoded, <=, status(engine, "pixels_sources"));
		else
			g_assert_cmpuint(decoded, ==, status(engine, "pixels_sources"));
		g_assert_cmpuint(status(engine, "pixels_skipped"), <=, status(engine, "pixels_sources") / 4);
		g_assert_cmpuint(status(engine, "tiles_made"), ==, mosaic->layout.n_slots - mosaic->blank_slots);
	}
}

/* --- one rendering -------------------------------------------------------------------- */

static gpointer read_tile(gpointer data)
{
	RandomReader *r = data;
	TfReader *reader = tf_reader_new(r->engine);
	g_autofree uint8_t *buffer = g_malloc(8192);
	g_assert_cmpint(read_at(r->engine, reader, r->file_bytes, r->first, 2000, buffer), ==, 0);
	tf_reader_free(reader);
	return NULL;
}

static void test_made_once(void)
{
	enum { N = 12 };
	g_autoptr(Scratch) folder = make_grid("420", false);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, NULL);
	for (int level = 0; level < mosaic->pyramid.n_levels; level++) {
		g_autoptr(TfEngine) engine = new_engine(mosaic, 3);
		uint64_t offset = tf_layout_tile_offset(&mosaic->layout, (TfTile){level, 0, 0});
		RandomReader reader = {.engine = engine, .file_bytes = mosaic->layout.file_bytes, .first = offset};
		GThread *threads[N];
		for (int i = 0; i < N; i++)
			threads[i] = g_thread_new("reader", read_tile, &reader);
		for (int i = 0; i < N; i++)
			g_thread_join(threads[i]);
		g_assert_cmpuint(status(engine, "tiles_made"), ==, 1);
	}
}

/* --- damage ----------------------------------------------------------------------------- */

/* Leaves the header and a little of the data. */
static void spoil(const char *path)
{
	g_autofree char *text = NULL;
	gsize length;
	g_assert_true(g_file_get_contents(path, &text, &length, NULL));
	for (gsize i = 0; i + 1 < length; i++)
		if ((uint8_t)text[i] == 0xFF && (uint8_t)text[i + 1] == 0xDA) {
			g_assert_cmpint(truncate(path, (off_t)i + 40), ==, 0);
			return;
		}
	g_assert_not_reached();
}

static void check_damaged(TfEngine *engine, const TfMosaic *mosaic, TfRect bad, const uint8_t *good)
{
	TfReader *reader = tf_reader_new(engine);
	g_autofree uint8_t *buffer = g_malloc(mosaic->layout.slot_bytes);
	unsigned failed = 0;
	for (uint64_t i = 0; i < mosaic->layout.n_slots; i++) {
		TfTile tile = tf_layout_tile_at(&mosaic->layout, i);
		uint64_t offset = tf_layout_tile_offset(&mosaic->layout, tile), length = mosaic->layout.slot_bytes;
		bool touches = !tf_rect_is_empty(tf_rect_intersect(bad, tf_pyramid_tile_base(&mosaic->pyramid, tile)));
		int errnum = read_at(engine, reader, mosaic->layout.file_bytes, offset, length, buffer);
		g_assert_cmpint(errnum, ==, touches ? EIO : 0);
		failed += touches;
		if (!touches)
			g_assert_cmpint(memcmp(buffer, good + offset, length), ==, 0);
	}
	g_assert_cmpuint(failed, >=, (unsigned)mosaic->pyramid.n_levels);
	tf_reader_free(reader);
}

static void test_damaged(gconstpointer data)
{
	const Setup *setup = data;
	g_autoptr(Scratch) folder = make_grid(setup->kind, false);
	g_autofree char *path = source_path(folder, 1, 1);
	g_autoptr(TfMosaic) sound = open_mosaic(folder, NULL);
	g_autoptr(TfEngine) first = new_engine(sound, 2);
	g_autofree uint8_t *good = read_file(first, sound->layout.file_bytes);
	spoil(path);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, NULL);
	g_assert_cmpuint(mosaic->layout.file_bytes, ==, sound->layout.file_bytes);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 2);
	TfRect bad = {WIDTH, HEIGHT, 2 * WIDTH, 2 * HEIGHT};
	for (int round = 0; round < 2; round++) /* an error is no data: the second reading gives it again */
		check_damaged(engine, mosaic, bad, good);
	g_assert_cmpuint(status(engine, "errors"), >, 0);
}

/* --- holes -------------------------------------------------------------------------------- */

static void test_seeks(gconstpointer data)
{
	const Setup *setup = data;
	g_autoptr(Scratch) folder = make_grid(setup->kind, setup->hole);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, setup->overlap);
	uint64_t size = mosaic->layout.file_bytes;
	g_autoptr(TfEngine) one = new_engine(mosaic, 1);
	g_autofree uint8_t *all = read_file(one, size), *copy = g_malloc0(size);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 2);
	TfReader *reader = tf_reader_new(engine);
	uint64_t at = 0, copied = 0;
	for (;;) {
		int64_t begin = tf_engine_seek_data(engine, at);
		if (begin < 0)
			break;
		g_assert_cmpuint((uint64_t)begin, >=, at);
		uint64_t end = seek_hole(engine, reader, (uint64_t)begin);
		g_assert_cmpuint(end, >, (uint64_t)begin);
		g_assert_cmpuint(end, <=, size);
		g_assert_cmpint(read_at(engine, reader, size, (uint64_t)begin, end - (uint64_t)begin, copy + begin), ==, 0);
		copied += end - (uint64_t)begin;
		at = end;
	}
	g_assert_cmpint(memcmp(copy, all, size), ==, 0);
	g_assert_cmpuint(copied, <, size / 4);
	g_assert_cmpint(tf_engine_seek_data(engine, size), ==, -1);
	g_assert_cmpint(tf_engine_seek_data(engine, UINT64_MAX), ==, -1);
	tf_reader_free(reader);
}

static void test_seek_past_the_end(void)
{
	g_autoptr(Scratch) folder = make_grid("420", false);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, NULL);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 1);
	TfReader *reader = tf_reader_new(engine);
	Answer answer;
	answer_init(&answer, NULL);
	tf_engine_seek_hole(engine, reader, mosaic->layout.file_bytes, on_seek, &answer);
	g_assert_cmpint(answer_wait(&answer), ==, ENXIO);
	uint8_t byte;
	g_assert_cmpint(read_at(engine, reader, mosaic->layout.file_bytes, mosaic->layout.file_bytes + 5, 10, &byte), ==, 0);
	g_assert_cmpint(read_at(engine, reader, mosaic->layout.file_bytes, UINT64_MAX - 5, 10, &byte), ==, 0);
	tf_reader_free(reader);
}

/* Without workers nothing is ever made. */
static void test_seek_is_patient_for_a_second(void)
{
	g_autoptr(Scratch) folder = make_grid("420", false);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, NULL);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 0);
	TfReader *reader = tf_reader_new(engine);
	uint64_t slot = tf_layout_tile_offset(&mosaic->layout, (TfTile){0, 1, 0});
	gint64 begin = g_get_monotonic_time();
	g_assert_cmpuint(seek_hole(engine, reader, slot + 10), ==, slot + mosaic->layout.slot_bytes);
	gint64 took = g_get_monotonic_time() - begin;
	g_assert_cmpint(took, >=, 900 * 1000);
	g_assert_cmpint(took, <=, 1800 * 1000);
	begin = g_get_monotonic_time();
	g_assert_cmpint(tf_engine_seek_data(engine, slot + 10), ==, (int64_t)slot + 10);
	g_assert_cmpint(g_get_monotonic_time() - begin, <=, 200 * 1000);
	tf_reader_free(reader);
}

static void add(const Setup *setup, const char *name, GTestDataFunc func)
{
	g_autofree char *path = g_strdup_printf("/engine/%s/%s", name, setup->name);
	g_test_add_data_func(path, setup, func);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(setups); i++) {
		add(&setups[i], "random-order", test_random_order);
		add(&setups[i], "evicted", test_evicted);
		add(&setups[i], "decodes-once", test_decodes_once);
		add(&setups[i], "damaged", test_damaged);
		add(&setups[i], "seeks", test_seeks);
	}
	g_test_add_func("/engine/made-once", test_made_once);
	g_test_add_func("/engine/seek/past-the-end", test_seek_past_the_end);
	g_test_add_func("/engine/seek/patience", test_seek_is_patient_for_a_second);
	return g_test_run();
}
