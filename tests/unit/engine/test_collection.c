/* SPDX-License-Identifier: MIT
 *
 * Many mosaics of which few are open: pins, generations, failures, changes,
 * the end while somebody waits.
 */
#include "mosaics.h"

#include <glib/gstdio.h>
#include <tiffuse/collection.h>

enum { N_FOLDERS = 6, PATIENCE_S = 20 };

typedef struct {
	GMutex lock;
	GCond cond;
	int calls, code; /* -1: it is open */
} Opening;

static void opening_init(Opening *opening)
{
	*opening = (Opening){.code = -1};
	g_mutex_init(&opening->lock);
	g_cond_init(&opening->cond);
}

static void on_open(TfMember *member, const GError *error, void *data)
{
	Opening *opening = data;
	g_mutex_lock(&opening->lock);
	opening->calls++;
	opening->code = error ? error->code : -1;
	g_cond_signal(&opening->cond);
	g_mutex_unlock(&opening->lock);
}

static int opening_wait(Opening *opening)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
	g_mutex_lock(&opening->lock);
	while (opening->calls == 0)
		g_assert_true(g_cond_wait_until(&opening->cond, &opening->lock, end));
	g_assert_cmpint(opening->calls, ==, 1);
	int code = opening->code;
	g_mutex_unlock(&opening->lock);
	return code;
}

/* Opens and waits; the result is pinned when -1 is returned. */
static int open_member(TfMember *member, TfMemberNeed need)
{
	Opening opening;
	opening_init(&opening);
	tf_member_open(member, need, on_open, &opening);
	return opening_wait(&opening);
}

static TfCollection *new_collection(const char *root, unsigned max_open, unsigned idle_s)
{
	TfCollectionOptions options = {.root = root,
	                               .mosaic = {.tile = TILE,
	                                          .compression = TF_COMPRESSION_JPEG,
	                                          .quality = 85,
	                                          .hsamp = 2,
	                                          .vsamp = 2,
	                                          .memory_bytes = 64 << 20,
	                                          .threads = 1,
	                                          .spool_dir = root},
	                               .engine = {.threads = 2},
	                               .max_open = max_open,
	                               .idle_s = idle_s};
	return tf_collection_new(&options);
}

static uint64_t status_of(TfCollection *collection, const char *key)
{
	g_autofree char *status = tf_collection_status(collection), *line = g_strconcat("\n", key, ": ", NULL);
	const char *at = strstr(status, line);
	g_assert_nonnull(at);
	return g_ascii_strtoull(at + strlen(line), NULL, 10);
}

static void wait_for(TfCollection *collection, const char *key, uint64_t value)
{
	for (int i = 0; i < PATIENCE_S * 50 && status_of(collection, key) != value; i++)
		g_usleep(20000);
	g_assert_cmpuint(status_of(collection, key), ==, value);
}

/* --- cases ------------------------------------------------------------------------------ */

static void test_open_and_close(void)
{
	g_autoptr(Scratch) folder = make_grid("420", false);
	g_autoptr(TfCollection) collection = new_collection("/", 2, 1);
	TfMember *member = tf_collection_member(collection, folder);
	g_assert_true(tf_collection_member(collection, folder) == member);
	TfMemberFacts facts;
	g_assert_false(tf_member_facts(member, &facts));
	g_assert_cmpint(open_member(member, TF_NEED_MOSAIC), ==, -1);
	g_assert_null(tf_member_engine(member));
	g_assert_cmpuint(tf_member_generation(member), ==, 1);
	g_assert_true(tf_member_facts(member, &facts));
	g_assert_cmpuint(facts.file_bytes, ==, tf_member_mosaic(member)->layout.file_bytes);
	g_assert_cmpstr(facts.fingerprint, ==, tf_member_mosaic(member)->fingerprint);
	g_assert_false(tf_member_pin_same(member, 1)); /* no engine: there can be no reader */
	g_assert_cmpint(open_member(member, TF_NEED_ENGINE), ==, -1);
	g_assert_nonnull(tf_member_engine(member));
	g_assert_true(tf_member_pin_same(member, 1));
	g_usleep(1500000);
	g_assert_cmpuint(status_of(collection, "mosaics_open"), ==, 1); /* pinned */
	for (int i = 0; i < 3; i++)
		tf_member_unpin(member);
	wait_for(collection, "mosaics_open", 0);
	g_assert_false(tf_member_pin_same(member, 1));
	g_assert_true(tf_member_facts(member, &facts));
	g_assert_cmpint(open_member(member, TF_NEED_ENGINE), ==, -1);
	g_assert_cmpuint(tf_member_generation(member), ==, 2);
	g_assert_cmpstr(facts.fingerprint, ==, tf_member_mosaic(member)->fingerprint);
	tf_member_unpin(member);
}

static void test_limit(void)
{
	g_autoptr(TfCollection) collection = new_collection("/", 2, 1000);
	Scratch *folders[N_FOLDERS];
	TfMember *members[N_FOLDERS];
	for (int i = 0; i < N_FOLDERS; i++) {
		folders[i] = make_grid("420", false);
		members[i] = tf_collection_member(collection, folders[i]);
		g_assert_cmpint(open_member(members[i], i % 2 ? TF_NEED_ENGINE : TF_NEED_MOSAIC), ==, -1);
		tf_member_unpin(members[i]);
		g_assert_cmpuint(status_of(collection, "mosaics_open"), <=, 2);
	}
	/* Pinned ones are not closed, even if that makes more than the limit. */
	for (int i = 0; i < N_FOLDERS; i++)
		g_assert_cmpint(open_member(members[i], TF_NEED_ENGINE), ==, -1);
	g_assert_cmpuint(status_of(collection, "mosaics_open"), ==, N_FOLDERS);
	for (int i = 0; i < N_FOLDERS; i++)
		tf_member_unpin(members[i]);
	for (int i = 0; i < N_FOLDERS; i++)
		scratch_remove(folders[i]);
}

static void test_failure(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(TfCollection) collection = new_collection(folder, 2, 1000);
	g_autofree char *source = g_build_filename(folder, "none", NULL);
	TfMember *member = tf_collection_member(collection, source);
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(open_member(member, TF_NEED_ENGINE), ==, TF_ERROR_MISSING);
	g_assert_cmpuint(status_of(collection, "failed"), ==, 1); /* not tried again at once */
	g_autofree char *gone = tf_collection_errors(collection);
	g_assert_cmpstr(gone, ==, ""); /* nothing is there that could be broken */
	g_assert_cmpint(g_mkdir(source, 0700), ==, 0);
	g_assert_cmpint(open_member(member, TF_NEED_ENGINE), ==, TF_ERROR_ARRANGEMENT);
	g_autofree char *errors = tf_collection_errors(collection);
	g_assert_true(g_str_has_prefix(errors, "none: "));
	g_assert_nonnull(strstr(errors, source));
	g_assert_cmpint(g_rmdir(source), ==, 0);
	g_autoptr(Scratch) grid = make_grid("420", false);
	g_assert_cmpint(g_rename(grid, source), ==, 0);
	tf_member_look(member);
	g_assert_cmpint(open_member(member, TF_NEED_MOSAIC), ==, -1);
	tf_member_unpin(member);
	g_autofree char *none = tf_collection_errors(collection);
	g_assert_cmpstr(none, ==, "");
	g_assert_cmpint(g_rename(source, grid), ==, 0);
}

/* A changed source makes another mosaic of it, but not while somebody holds it. */
static void test_change(void)
{
	g_autoptr(Scratch) folder = make_grid("420", true);
	g_autoptr(TfCollection) collection = new_collection("/", 2, 1000);
	TfMember *member = tf_collection_member(collection, folder);
	TfMemberFacts facts;
	g_assert_cmpint(open_member(member, TF_NEED_MOSAIC), ==, -1);
	tf_member_hold(member);
	tf_member_unpin(member);
	g_usleep(20000); /* the folder gets another time */
	g_autofree char *from = source_path(folder, 0, 0), *to = source_path(folder, ROWS, 0), *bytes = NULL;
	gsize length;
	g_assert_true(g_file_get_contents(from, &bytes, &length, NULL));
	write_file(to, bytes, length);
	tf_member_look(member);
	g_assert_true(tf_member_facts(member, &facts));
	g_assert_cmpint(open_member(member, TF_NEED_MOSAIC), ==, -1);
	g_assert_cmpuint(tf_member_generation(member), ==, 1);
	tf_member_unpin(member);
	tf_member_unhold(member);
	tf_member_look(member);
	g_assert_false(tf_member_facts(member, &facts));
	g_assert_cmpint(open_member(member, TF_NEED_MOSAIC), ==, -1);
	g_assert_cmpuint(tf_member_generation(member), ==, 2);
	g_assert_cmpint(tf_member_mosaic(member)->pyramid.level[0].height, ==, (ROWS + 1) * HEIGHT);
	tf_member_unpin(member);
}

/* --- all at once -------------------------------------------------------------------------- */

typedef struct {
	TfCollection *collection;
	Scratch **folders;
	uint8_t *expected[N_FOLDERS];
	uint32_t seed;
} Crowd;

static gpointer visitor(gpointer data)
{
	const Crowd *crowd = data;
	GRand *random = g_rand_new_with_seed(crowd->seed);
	for (int i = 0; i < 25; i++) {
		int k = g_rand_int_range(random, 0, N_FOLDERS);
		TfMember *member = tf_collection_member(crowd->collection, crowd->folders[k]);
		tf_member_look(member);
		g_assert_cmpint(open_member(member, TF_NEED_ENGINE), ==, -1);
		TfEngine *engine = tf_member_engine(member);
		TfReader *reader = tf_reader_new(engine);
		uint64_t size = tf_member_mosaic(member)->layout.file_bytes;
		uint64_t at = g_rand_int(random) % size, length = MIN(size - at, 50000);
		g_autofree uint8_t *got = g_malloc(length);
		g_assert_cmpint(read_at(engine, reader, size, at, length, got), ==, 0);
		g_assert_cmpmem(got, length, crowd->expected[k] + at, length);
		tf_reader_free(reader);
		tf_member_unpin(member);
	}
	g_rand_free(random);
	return NULL;
}

static uint8_t *read_all(TfCollection *collection, const char *folder)
{
	TfMember *member = tf_collection_member(collection, folder);
	g_assert_cmpint(open_member(member, TF_NEED_ENGINE), ==, -1);
	uint8_t *bytes = read_file(tf_member_engine(member), tf_member_mosaic(member)->layout.file_bytes);
	tf_member_unpin(member);
	return bytes;
}

static void test_crowd(void)
{
	enum { VISITORS = 6 };
	g_autoptr(TfCollection) collection = new_collection("/", 2, 1);
	Scratch *folders[N_FOLDERS];
	Crowd crowds[VISITORS];
	GThread *threads[VISITORS];
	crowds[0] = (Crowd){.collection = collection, .folders = folders};
	for (int i = 0; i < N_FOLDERS; i++) {
		folders[i] = make_grid(i % 2 ? "444" : "420", i % 3 == 0);
		crowds[0].expected[i] = read_all(collection, folders[i]);
	}
	for (int i = 0; i < VISITORS; i++) {
		crowds[i] = crowds[0];
		crowds[i].seed = (uint32_t)i;
		threads[i] = g_thread_new("visitor", visitor, &crowds[i]);
	}
	for (int i = 0; i < VISITORS; i++)
		g_thread_join(threads[i]);
	for (int i = 0; i < N_FOLDERS; i++) {
		g_free(crowds[0].expected[i]);
		scratch_remove(folders[i]);
	}
}

/* Who waits is told at once, each once; what was being opened is taken apart. */
static void test_stop(void)
{
	for (int round = 0; round < 20; round++) {
		g_autoptr(Scratch) folder = make_grid("420", false);
		g_autoptr(TfCollection) collection = new_collection("/", 2, 1000);
		Opening openings[8];
		TfMember *member = tf_collection_member(collection, folder);
		for (int i = 0; i < 8; i++) {
			opening_init(&openings[i]);
			tf_member_open(member, i % 2 ? TF_NEED_ENGINE : TF_NEED_MOSAIC, on_open, &openings[i]);
		}
		g_usleep((gulong)round * 300);
		tf_collection_stop(collection);
		for (int i = 0; i < 8; i++)
			if (opening_wait(&openings[i]) == -1)
				tf_member_unpin(member);
			else
				g_assert_cmpint(openings[i].code, ==, TF_ERROR_CANCELLED);
		g_assert_cmpint(open_member(member, TF_NEED_MOSAIC), ==, TF_ERROR_CANCELLED);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_test_add_func("/collection/open-and-close", test_open_and_close);
	g_test_add_func("/collection/limit", test_limit);
	g_test_add_func("/collection/failure", test_failure);
	g_test_add_func("/collection/change", test_change);
	g_test_add_func("/collection/crowd", test_crowd);
	g_test_add_func("/collection/stop", test_stop);
	return g_test_run();
}
