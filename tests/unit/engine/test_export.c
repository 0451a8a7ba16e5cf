/* SPDX-License-Identifier: MIT
 *
 * The export: the same bytes however often it is ended and wherever, and
 * whatever happens to its journal.
 */
#include "mosaics.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <tiffuse/export.h>
#include <tiffuse/log.h>

typedef struct {
	Scratch *sources, *folder;
	TfMosaic *mosaic;
	char *path, *journal;
	GBytes *want;  /* the complete file */
	int left;      /* go_on() says yes so often */
} Setup;

static GBytes *read_whole(const char *path)
{
	char *content;
	gsize length;
	g_assert_true(g_file_get_contents(path, &content, &length, NULL));
	return g_bytes_new_take(content, length);
}

static bool go_on(void *data)
{
	Setup *s = data;
	return s->left-- > 0;
}

/* The code of the error, or -1. */
static int run(Setup *s, int tiles, bool overwrite)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfEngine) engine = new_engine(s->mosaic, 2);
	s->left = tiles;
	TfExportOptions options = {.path = s->path, .overwrite = overwrite, .quiet = true, .go_on = go_on, .data = s};
	bool ok = tf_export(engine, &options, &error);
	g_assert_true(ok == !error);
	/* A run decodes each source at most once, wherever it went on. */
	g_assert_cmpuint(status(engine, "pixels_decoded"), <=, s->mosaic->source_px);
	if (ok && tiles == G_MAXINT && !overwrite && !s->want)
		g_assert_cmpuint(status(engine, "tiles_made"), ==, s->mosaic->layout.n_slots - s->mosaic->blank_slots);
	return ok ? -1 : error->code;
}

static void set_up(Setup *s, gconstpointer data)
{
	tf_log_set_level(TF_LOG_ERROR);
	s->sources = make_grid("420", true);
	s->folder = scratch_new();
	s->mosaic = open_mosaic(s->sources, data);
	s->path = g_build_filename(s->folder, "out.tif", NULL);
	s->journal = g_strconcat(s->path, ".tiffuse-journal", NULL);
	g_assert_cmpint(run(s, G_MAXINT, false), ==, -1);
	s->want = read_whole(s->path);
	g_assert_cmpint(unlink(s->path), ==, 0);
}

static void tear_down(Setup *s, gconstpointer data)
{
	g_bytes_unref(s->want);
	tf_mosaic_free(s->mosaic);
	g_free(s->path);
	g_free(s->journal);
	scratch_remove(s->sources);
	scratch_remove(s->folder);
}

static void assert_complete(const Setup *s)
{
	g_autoptr(GBytes) got = read_whole(s->path);
	g_assert_true(g_bytes_equal(got, s->want));
	g_assert_false(g_file_test(s->journal, G_FILE_TEST_EXISTS));
}

static void assert_part(const Setup *s)
{
	static const uint8_t zeros[16];
	g_autoptr(GBytes) got = read_whole(s->path);
	g_assert_cmpmem(g_bytes_get_data(got, NULL), 16, zeros, 16);
	g_assert_true(g_file_test(s->journal, G_FILE_TEST_EXISTS));
}

/* Ended once, at each place. */
static void test_once(Setup *s, gconstpointer data)
{
	for (int tiles = 0; tiles < (int)s->mosaic->layout.n_slots; tiles += tiles < 24 ? 1 : 7) {
		g_assert_cmpint(run(s, tiles, false), ==, TF_ERROR_CANCELLED);
		assert_part(s);
		g_assert_cmpint(run(s, G_MAXINT, false), ==, -1);
		assert_complete(s);
		unlink(s->path);
	}
}

/* Ended again and again: it gets there. */
static void test_often(Setup *s, gconstpointer data)
{
	int runs = 1;
	while (run(s, 5, false) == TF_ERROR_CANCELLED) {
		assert_part(s);
		g_assert_cmpint(++runs, <, 200);
	}
	assert_complete(s);
	g_assert_cmpint(runs, >, 10);
}

/* What follows the last record is not vouched for. */
static void test_trailing_data(Setup *s, gconstpointer data)
{
	g_assert_cmpint(run(s, 40, false), ==, TF_ERROR_CANCELLED);
	FILE *file = fopen(s->path, "a");
	for (int i = 0; i < 300000; i++)
		fputc(i, file);
	fclose(file);
	file = fopen(s->journal, "a");
	fputs("half a record", file);
	fclose(file);
	g_assert_cmpint(run(s, G_MAXINT, false), ==, -1);
	assert_complete(s);
}

static void restore(const char *path, GBytes *content)
{
	gsize length;
	const void *data = g_bytes_get_data(content, &length);
	write_file(path, data, length);
}

/* Every byte of the journal damaged, and cut after every byte: a refusal, or
 * the right file. */
static void test_journal_damage(Setup *s, gconstpointer data)
{
	for (int i = 0; i < 4; i++)
		g_assert_cmpint(run(s, 9, false), ==, TF_ERROR_CANCELLED);
	g_autoptr(GBytes) part = read_whole(s->path), journal = read_whole(s->journal);
	gsize length;
	const uint8_t *good = g_bytes_get_data(journal, &length);
	int refused = 0, completed = 0;
	for (gsize i = 0; i < 2 * length; i += i % length < 300 ? 5 : 11) {
		g_autofree uint8_t *bad = g_memdup2(good, length);
		bad[i % length] ^= 0x10;
		restore(s->path, part);
		write_file(s->journal, bad, i < length ? length : i - length);
		int code = run(s, G_MAXINT, false);
		if (code == -1) {
			assert_complete(s);
			completed++;
			continue;
		}
		g_assert_cmpint(code, ==, TF_ERROR_USAGE);
		refused++;
		g_autoptr(GBytes) still = read_whole(s->path);
		g_assert_true(g_bytes_equal(still, part));
	}
	g_assert_cmpint(refused, >, 10);
	g_assert_cmpint(completed, >, 10);
	restore(s->path, part);
	write_file(s->journal, good, 20);
	g_assert_cmpint(run(s, G_MAXINT, true), ==, -1);
	assert_complete(s);
}

/* A file shorter than its journal says is not filled up with holes. */
static void test_cut_file(Setup *s, gconstpointer data)
{
	g_assert_cmpint(run(s, 60, false), ==, TF_ERROR_CANCELLED);
	struct stat st;
	g_assert_cmpint(stat(s->path, &st), ==, 0);
	g_assert_cmpint(truncate(s->path, st.st_size - 100), ==, 0);
	g_assert_cmpint(run(s, G_MAXINT, false), ==, TF_ERROR_USAGE);
	g_assert_cmpint(run(s, G_MAXINT, true), ==, -1);
	assert_complete(s);
	g_assert_cmpint(run(s, G_MAXINT, false), ==, TF_ERROR_USAGE);
	assert_complete(s);
	/* a journal without its file is begun anew */
	g_assert_cmpint(unlink(s->path), ==, 0);
	g_assert_cmpint(run(s, 60, false), ==, TF_ERROR_CANCELLED);
	g_assert_cmpint(unlink(s->path), ==, 0);
	g_assert_cmpint(run(s, G_MAXINT, false), ==, -1);
	assert_complete(s);
}

/* A source that fails long before the export comes to its tiles ends it there,
 * every time at the same tile. */
static void test_bad_source(Setup *s, gconstpointer data)
{
	g_autofree char *path = source_path(s->sources, ROWS - 1, COLS - 1);
	g_autoptr(GBytes) part = NULL;
	write_file(path, "no image", 8);
	for (int i = 0; i < 20; i++) {
		g_assert_cmpint(run(s, G_MAXINT, false), ==, TF_ERROR_CHANGED);
		assert_part(s);
		g_autoptr(GBytes) now = read_whole(s->path);
		g_assert_true(!part || g_bytes_equal(now, part));
		if (!part)
			part = g_bytes_ref(now);
		if (i % 2)
			unlink(s->path);
	}
	g_assert_cmpuint(g_bytes_get_size(part), >, g_bytes_get_size(s->want) / 8);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
#define CASE(name, overlap, func) g_test_add("/export/" name, Setup, overlap, set_up, func, tear_down)
	CASE("ended-once", NULL, test_once);
	CASE("ended-once-overlap", "17,9", test_once);
	CASE("ended-often", "17,9", test_often);
	CASE("trailing-data", NULL, test_trailing_data);
	CASE("journal-damage", NULL, test_journal_damage);
	CASE("cut-file", NULL, test_cut_file);
	CASE("bad-source", NULL, test_bad_source);
	CASE("bad-source-overlap", "17,9", test_bad_source);
	return g_test_run();
}
