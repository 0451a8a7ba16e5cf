/* SPDX-License-Identifier: MIT
 *
 * The engine alone (fakes.h), in rounds.  In each, threads read, go forward,
 * seek and cancel at random while memory runs short, sources fail and others
 * are slow, until the engine is stopped or freed under them.  Every answer is
 * right or an errno that has a cause, each comes once, nothing stays behind.
 *
 * STRESS_SECONDS (default 4) and STRESS_SEED say how long and which.
 */
#include "../jpegs.h"
#include "fakes.h"

#include <errno.h>
#include <tiffuse/engine.h>
#include <tiffuse/log.h>

enum { TILE = 64, MAX_READ = 200 * 1000, PATIENCE_S = 60 };

/* --- what the file must hold ------------------------------------------------------ */

typedef struct {
	Scratch *folder;
	TfMosaic *mosaic;
	uint8_t *all; /* the whole file */
} World;

static Scratch *make_folder(GRand *random, int cols, int rows)
{
	Scratch *folder = scratch_new();
	for (int i = 0; i < cols * rows; i++) {
		g_autofree char *path = g_strdup_printf("%s/r%02d_c%02d.jpg", folder, i / cols, i % cols);
		if (i == 0 || i == cols * rows - 1 || g_rand_int_range(random, 0, 12) > 0)
			write_file(path, "", 0);
	}
	return folder;
}

static void paint_level_0(const TfMosaic *mosaic, uint8_t *level, int64_t width, int64_t height)
{
	memset(level, FAKE_BACKGROUND, (gsize)(width * height));
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const TfSource *source = tf_scene_source(mosaic->scene, i);
		for (int32_t y = 0; y < source->height; y++)
			for (int32_t x = 0; x < source->width; x++)
				level[(source->y + y) * width + source->x + x] = fake_sample(i, x, y);
	}
}

static void put_tiles(World *world, int k, const uint8_t *samples)
{
	const TfMosaic *mosaic = world->mosaic;
	const TfLevel *level = &mosaic->pyramid.level[k];
	for (int64_t i = 0; i < level->cols * level->rows; i++) {
		TfTile tile = {k, i % level->cols, i / level->cols};
		if (tf_mosaic_is_blank(mosaic, tile))
			continue;
		TfRect rect = tf_pyramid_tile_rect(&mosaic->pyramid, tile);
		uint8_t *to = world->all + tf_layout_tile_offset(&mosaic->layout, tile);
		memset(to, FAKE_BACKGROUND, TILE * TILE);
		for (int64_t y = rect.y0; y < rect.y1; y++)
			memcpy(to + (y - rect.y0) * TILE, samples + y * level->width + rect.x0, (gsize)(rect.x1 - rect.x0));
	}
}

static void expect(World *world)
{
	const TfMosaic *mosaic = world->mosaic;
	const TfPyramid *pyramid = &mosaic->pyramid;
	world->all = g_malloc0(mosaic->layout.file_bytes);
	tf_header_read(mosaic->header, 0, mosaic->layout.header_bytes, world->all, NULL);
	memset(world->all + mosaic->layout.blank_offset, FAKE_BACKGROUND, TILE * TILE);
	g_autofree uint8_t *level = g_malloc((gsize)(pyramid->level[0].width * pyramid->level[0].height));
	paint_level_0(mosaic, level, pyramid->level[0].width, pyramid->level[0].height);
	for (int k = 0;; k++) {
		put_tiles(world, k, level);
		if (k + 1 == pyramid->n_levels)
			return;
		const TfLevel *from = &pyramid->level[k], *to = &pyramid->level[k + 1];
		uint8_t *halved = g_malloc((gsize)(to->width * to->height));
		fake_halve(level, from->width, from->width, from->height, halved, to->width);
		g_free(level);
		level = halved;
	}
}

static void world_init(World *world, GRand *random)
{
	g_autoptr(GError) error = NULL;
	int cols = g_rand_int_range(random, 6, 16), rows = g_rand_int_range(random, 4, 12);
	g_autofree char *overlap = g_strdup_printf("%d,%d", g_rand_int_range(random, 0, 30), g_rand_int_range(random, 0, 30));
	world->folder = make_folder(random, cols, rows);
	TfMosaicOptions options = {.source = world->folder,
	                           .arrange = {.overlap = overlap},
	                           .tile = TILE,
	                           .compression = TF_COMPRESSION_NONE,
	                           .quality = 85,
	                           .hsamp = 1,
	                           .vsamp = 1,
	                           .memory_bytes = 64 << 20,
	                           .threads = 2,
	                           .spool_dir = world->folder};
	world->mosaic = tf_mosaic_open(&options, &error);
	g_assert_no_error(error);
	expect(world);
}

static void world_clear(World *world)
{
	g_free(world->all);
	tf_mosaic_free(world->mosaic);
	scratch_remove(world->folder);
}

/* --- who disturbs ------------------------------------------------------------------ */

typedef struct {
	const World *world;
	TfEngine *engine;
	_Atomic bool quit, stopped; /* stopped: EINTR needs no cancel */
	bool may_fail;
} Round;

typedef struct {
	Round *round;
	TfRead *read;
	uint64_t offset;
	size_t length;
	_Atomic bool cancelled;
	_Atomic int calls;
} Request;

static void on_answer(const struct iovec *iov, int count, int errnum, void *data)
{
	Request *r = data;
	const uint8_t *expected = r->round->world->all + r->offset;
	size_t length = 0;
	for (int i = 0; i < count; i++) {
		g_assert_cmpint(memcmp(iov[i].iov_base, expected + length, iov[i].iov_len), ==, 0);
		length += iov[i].iov_len;
	}
	if (errnum == 0)
		g_assert_cmpuint(length, ==, r->length);
	else if (errnum == EINTR)
		g_assert_true(r->cancelled || r->round->stopped);
	else
		g_assert_true(errnum == EIO && r->round->may_fail);
	g_assert_cmpint(atomic_fetch_add(&r->calls, 1), ==, 0);
}

static void begin(Request *r, Round *round, TfReader *reader, uint64_t offset, size_t length)
{
	uint64_t size = round->world->mosaic->layout.file_bytes;
	*r = (Request){.round = round, .offset = offset, .length = MIN(length, size - offset)};
	r->read = tf_engine_read(round->engine, reader, offset, length, on_answer, r);
}

static void end(Request *r, bool cancel)
{
	gint64 limit = g_get_monotonic_time() + PATIENCE_S * G_TIME_SPAN_SECOND;
	r->cancelled = r->cancelled || cancel;
	if (cancel)
		tf_read_cancel(r->read);
	while (r->calls == 0) {
		g_assert_cmpint(g_get_monotonic_time(), <, limit);
		g_usleep(20);
	}
	tf_read_unref(r->read);
}

/* Mostly where tiles are. */
static uint64_t any_offset(const Round *round, GRand *random)
{
	const TfLayout *layout = &round->world->mosaic->layout;
	uint64_t ordinal = (uint64_t)(g_rand_double(random) * (double)layout->n_slots);
	if (g_rand_int_range(random, 0, 8) == 0)
		return (uint64_t)(g_rand_double(random) * (double)layout->file_bytes);
	return tf_layout_tile_offset(layout, tf_layout_tile_at(layout, ordinal)) + (uint64_t)g_rand_int_range(random, 0, 4096);
}

static void read_some(Round *round, GRand *random)
{
	enum { MOST = 8 };
	Request requests[MOST];
	int n = g_rand_int_range(random, 1, MOST + 1);
	TfReader *reader = tf_reader_new(round->engine);
	for (int i = 0; i < n; i++) {
		bool long_one = g_rand_int_range(random, 0, 6) == 0;
		begin(&requests[i], round, reader, any_offset(round, random),
		      (size_t)g_rand_int_range(random, 0, long_one ? MAX_READ : 9000));
	}
	for (int i = 0; i < n; i++)
		end(&requests[i], g_rand_boolean(random));
	tf_reader_free(reader);
}

static void go_forward(Round *round, GRand *random)
{
	TfReader *reader = tf_reader_new(round->engine);
	uint64_t offset = any_offset(round, random), size = round->world->mosaic->layout.file_bytes;
	for (int n = g_rand_int_range(random, 5, 120); n > 0 && offset < size && !round->quit; n--) {
		Request request;
		begin(&request, round, reader, offset, 16 * 1024);
		end(&request, g_rand_int_range(random, 0, 16) == 0);
		offset += 16 * 1024;
	}
	tf_reader_free(reader);
}

typedef struct {
	_Atomic int calls;
	uint64_t hole;
	int errnum;
} Seek;

static void on_seek(uint64_t hole, int errnum, void *data)
{
	Seek *seek = data;
	seek->hole = hole;
	seek->errnum = errnum;
	g_assert_cmpint(atomic_fetch_add(&seek->calls, 1), ==, 0);
}

static void seek_some(Round *round, GRand *random)
{
	const TfLayout *layout = &round->world->mosaic->layout;
	TfReader *reader = tf_reader_new(round->engine);
	uint64_t offset = any_offset(round, random);
	Seek seek = {0};
	tf_engine_seek_hole(round->engine, reader, offset, on_seek, &seek);
	int64_t data = tf_engine_seek_data(round->engine, offset);
	g_assert_true(data == -1 || data >= (int64_t)offset);
	gint64 limit = g_get_monotonic_time() + PATIENCE_S * G_TIME_SPAN_SECOND;
	while (seek.calls == 0) {
		g_assert_cmpint(g_get_monotonic_time(), <, limit);
		g_usleep(20);
	}
	if (seek.errnum == 0)
		g_assert_true(seek.hole >= offset && seek.hole <= tf_layout_find(layout, offset).end);
	else
		g_assert_true(seek.errnum == EINTR && round->stopped);
	tf_reader_free(reader);
}

/* Everything that can be evicted is, for a moment. */
static void squeeze(GRand *random)
{
	enum { MUCH = 1 << 30 };
	tf_memory_count(TF_MEMORY_SCENE, MUCH);
	g_usleep((gulong)g_rand_int_range(random, 0, 3000));
	tf_memory_count(TF_MEMORY_SCENE, -MUCH);
}

typedef struct {
	Round *round;
	guint32 seed;
} Actor;

static gpointer act(gpointer data)
{
	Actor *actor = data;
	GRand *random = g_rand_new_with_seed(actor->seed);
	while (!actor->round->quit) {
		int what = g_rand_int_range(random, 0, 20);
		if (what < 10)
			read_some(actor->round, random);
		else if (what < 14)
			go_forward(actor->round, random);
		else if (what < 17)
			seek_some(actor->round, random);
		else if (what < 18)
			squeeze(random);
		else
			g_free(tf_engine_status(actor->round->engine));
	}
	g_rand_free(random);
	return NULL;
}

/* --- rounds -------------------------------------------------------------------------- */

static TfEngine *new_engine(const World *world, GRand *random)
{
	TfEngineOptions options = {.threads = (unsigned)g_rand_int_range(random, 1, 5), .spool_dir = world->folder};
	if (g_rand_boolean(random))
		options.spool_bytes = 1 << g_rand_int_range(random, 10, 22);
	if (g_rand_boolean(random)) {
		options.cache_dir = world->folder;
		options.cache_bytes = 64 << 20;
		options.sweep = g_rand_boolean(random);
	}
	return tf_engine_new(world->mosaic, &options);
}

/* Reads that are left to the end of the engine. */
static void end_under_way(Round *round, GRand *random)
{
	enum { N = 12 };
	Request requests[N];
	TfReader *reader = tf_reader_new(round->engine); /* never released: a forced unmount */
	for (int i = 0; i < N; i++)
		begin(&requests[i], round, reader, any_offset(round, random), 20000);
	round->stopped = true;
	tf_engine_free(round->engine);
	for (int i = 0; i < N; i++)
		end(&requests[i], false);
}

/* Failures are not kept: all of it can be read now. */
static void read_all(Round *round)
{
	TfReader *reader = tf_reader_new(round->engine);
	fake.one_in = 0;
	for (uint64_t at = 0; at < round->world->mosaic->layout.file_bytes; at += 128 * 1024) {
		Request request;
		begin(&request, round, reader, at, 128 * 1024);
		end(&request, false);
	}
	tf_reader_free(reader);
}

static void run_round(const World *world, GRand *random)
{
	enum { N = 4 };
	Round round = {.world = world, .engine = new_engine(world, random), .may_fail = g_rand_boolean(random)};
	GThread *threads[N];
	Actor actors[N];
	fake.slow = g_rand_boolean(random) ? 10 : 0;
	fake.one_in = round.may_fail ? 40 : 0;
	for (int i = 0; i < N; i++) {
		actors[i] = (Actor){&round, g_rand_int(random)};
		threads[i] = g_thread_new("actor", act, &actors[i]);
	}
	g_usleep((gulong)g_rand_int_range(random, 20, 300) * 1000);
	bool stop_first = g_rand_boolean(random), to_the_end = !stop_first && g_rand_int_range(random, 0, 4) == 0;
	if (stop_first) {
		round.stopped = true;
		tf_engine_stop(round.engine);
		g_usleep(2000);
	}
	round.quit = true;
	for (int i = 0; i < N; i++)
		g_thread_join(threads[i]);
	if (to_the_end)
		read_all(&round);
	end_under_way(&round, random);
	g_assert_cmpuint(fake.cursors, ==, 0);
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_STRIPS), ==, 0);
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_CANVASES), ==, 0);
}

static guint64 from_environment(const char *name, guint64 otherwise)
{
	const char *value = g_getenv(name);
	return value ? g_ascii_strtoull(value, NULL, 10) : otherwise;
}

static void test_rounds(void)
{
	GRand *random = g_rand_new_with_seed((guint32)from_environment("STRESS_SEED", 1));
	gint64 limit = g_get_monotonic_time() + (gint64)from_environment("STRESS_SECONDS", 4) * G_TIME_SPAN_SECOND;
	int rounds = 0;
	do {
		World world;
		world_init(&world, random);
		uint64_t blank = tf_memory_used(TF_MEMORY_TILES);
		for (int i = 0; i < 4; i++, rounds++)
			run_round(&world, random);
		g_assert_cmpuint(tf_memory_used(TF_MEMORY_TILES), ==, blank);
		world_clear(&world);
	} while (g_get_monotonic_time() < limit);
	g_test_message("%d rounds", rounds);
	g_rand_free(random);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tf_log_set_level(TF_LOG_ERROR);
	g_test_add_func("/engine/stress/rounds", test_rounds);
	return g_test_run();
}
