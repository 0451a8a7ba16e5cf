/* SPDX-License-Identifier: MIT
 *
 * The first, second, ... open, read, stat, write and allocation fails, in a
 * scenario that opens a mosaic, reads all of it and keeps overviews: nothing
 * crashes, no byte is wrong, and afterwards all of it can be read.
 *
 * Of calls that come by the thousand a few are tried, at even distances;
 * FAULTS=all tries each.
 */
#include "failing.h"
#include "mosaics.h"
#include <tiffuse/log.h>

enum { PIECE = 64 * 1024, SOME = 4 };

typedef struct {
	const char *kind;
	Scratch *folder, *cache;
	uint8_t *all; /* the file as it must be */
	uint64_t bytes;
	unsigned answers, errors;
} Scenario;

/* --- once through --------------------------------------------------------------------- */

static TfMosaic *open_it(const Scenario *s, GError **error)
{
	TfMosaicOptions options = {.source = s->folder,
	                           .arrange = {.overlap = "17,9"},
	                           .name = "test",
	                           .tile = 2 * TILE, /* some buffers are mapped, others not */
	                           .compression = TF_COMPRESSION_JPEG,
	                           .quality = 85,
	                           .hsamp = 2,
	                           .vsamp = 2,
	                           .memory_bytes = 64 << 20,
	                           .threads = 2,
	                           .spool_dir = s->cache,
	                           .cache_dir = s->cache};
	return tf_mosaic_open(&options, error);
}

static TfEngine *start_it(const Scenario *s, const TfMosaic *mosaic)
{
	TfEngineOptions options = {.threads = 2,
	                           .spool_dir = s->cache,
	                           .spool_bytes = 1 << 20,
	                           .cache_dir = s->cache,
	                           .cache_bytes = 16 << 20};
	return tf_engine_new(mosaic, &options);
}

/* Every piece is right or an errno that says what failed. */
static void read_it(Scenario *s, TfEngine *engine, bool must_succeed)
{
	TfReader *reader = tf_reader_new(engine);
	g_autofree uint8_t *buffer = g_malloc(PIECE);
	for (uint64_t at = 0; at < s->bytes; at += PIECE) {
		size_t length = (size_t)MIN(PIECE, s->bytes - at);
		int errnum = read_at(engine, reader, s->bytes, at, length, buffer);
		s->answers++;
		s->errors += errnum != 0;
		if (must_succeed)
			g_assert_cmpint(errnum, ==, 0);
		if (errnum == 0)
			g_assert_cmpint(memcmp(buffer, s->all + at, length), ==, 0);
		else
			g_assert_true(errnum == EIO || errnum == ENOMEM || errnum == EMFILE);
	}
	tf_reader_free(reader);
}

static void empty_cache(const Scenario *s)
{
	g_autoptr(GDir) dir = g_dir_open(s->cache, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(s->cache, name, NULL);
		unlink(path);
	}
}

/* Was there an n-th call? */
static bool run_with_failure(Scenario *s, FailKind kind, int n, int errnum)
{
	g_autoptr(GError) error = NULL;
	if (n % 3 == 1)
		empty_cache(s); /* otherwise the index and the overviews of the time before are read */
	fail_nth(kind, n, errnum);
	g_autoptr(TfMosaic) mosaic = open_it(s, &error);
	if (!mosaic) {
		bool failed = fail_end();
		g_assert_nonnull(error);
		g_assert_true(failed); /* for nothing else was wrong */
		return true;
	}
	g_assert_no_error(error);
	g_assert_cmpuint(mosaic->layout.file_bytes, ==, s->bytes);
	TfEngine *engine = start_it(s, mosaic);
	read_it(s, engine, false);
	bool failed = fail_end();
	read_it(s, engine, true);
	tf_engine_free(engine);
	return failed;
}

/* How many such calls there are, about: threads share them differently each time. */
static int count_calls(Scenario *s, FailKind kind)
{
	enum { NEVER = 1 << 30 };
	empty_cache(s);
	fail_nth(kind, NEVER, EIO);
	g_autoptr(TfMosaic) mosaic = open_it(s, NULL);
	TfEngine *engine = start_it(s, mosaic);
	read_it(s, engine, true);
	int calls = NEVER - failing.countdown;
	fail_end();
	tf_engine_free(engine);
	return calls;
}

static bool tries_all(void)
{
	return g_strcmp0(g_getenv("FAULTS"), "all") == 0;
}

static void fail_each(Scenario *s, FailKind kind, int errnum)
{
	int calls = count_calls(s, kind), tried = 0, met = 0;
	int step = tries_all() ? 1 : MAX(1, calls / SOME);
	for (int n = 1; n <= calls; n += step, tried++)
		met += run_with_failure(s, kind, n, errnum);
	g_test_message("%s, %s (%s): %d calls, %d tried, %d failed; %u answers, %u of them errors", s->kind, fail_names[kind],
	               g_strerror(errnum), calls, tried, met, s->answers, s->errors);
	g_assert_true(calls == 0 || met > 0);
}

/* What the file must be; the engine's spare buffers go with it. */
static void read_reference(Scenario *s)
{
	g_autoptr(TfMosaic) mosaic = open_it(s, NULL);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 1);
	s->bytes = mosaic->layout.file_bytes;
	s->all = read_file(engine, s->bytes);
}

static void test_kind(gconstpointer data)
{
#ifdef __SANITIZE_THREAD__
	g_test_skip("ThreadSanitizer must see the calls that are replaced here");
	return;
#endif
	Scenario s = {.kind = data, .folder = make_grid(data, false), .cache = scratch_new()};
	read_reference(&s);
	for (int kind = 0; kind < FAIL_FIRST_UNUSABLE; kind++)
		fail_each(&s, (FailKind)kind, kind >= FAIL_MAP ? ENOMEM : EIO);
	fail_each(&s, FAIL_OPEN, EMFILE);
	fail_each(&s, FAIL_WRITE, ENOSPC);
	g_free(s.all);
	scratch_remove(s.cache);
	scratch_remove(s.folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	tf_log_set_level(TF_LOG_ERROR);
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* libvips warns when memory is short */
	g_test_add_data_func("/engine/faults/planar", "420", test_kind);
	g_test_add_data_func("/engine/faults/progressive", "420-progressive", test_kind);
	g_test_add_data_func("/engine/faults/rgb", "444", test_kind);
	if (tries_all()) /* colour management is slow to set up: 20 s for a few */
		g_test_add_data_func("/engine/faults/cmyk", "cmyk-adobe", test_kind);
	return g_test_run();
}
