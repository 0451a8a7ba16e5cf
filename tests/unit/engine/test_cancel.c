/* SPDX-License-Identifier: MIT
 *
 * Storms of reads that are cancelled at random moments, readers that leave in
 * the middle of a forward pass, engines that end with work queued: every read is
 * answered exactly once, and only those who cancelled are told EINTR.
 */
#include "mosaics.h"

#include <stdatomic.h>

enum { MAX_LENGTH = 300 * 1000 };

typedef struct {
	TfEngine *engine;
	const TfMosaic *mosaic;
	const uint8_t *all;
	uint32_t seed;
	int rounds;
	_Atomic int *stopped; /* reads that were cut off by the engine's end are told EINTR too */
} Storm;

typedef struct {
	const Storm *storm;
	TfRead *read;
	uint64_t offset;
	size_t length;
	bool cancelled;
	_Atomic int calls;
} Request;

static void on_answer(const struct iovec *iov, int count, int errnum, void *data)
{
	Request *r = data;
	const uint8_t *expected = r->storm->all + r->offset;
	size_t length = 0;
	for (int i = 0; i < count; i++) {
		g_assert_cmpint(memcmp(iov[i].iov_base, expected + length, iov[i].iov_len), ==, 0);
		length += iov[i].iov_len;
	}
	if (errnum == 0)
		g_assert_cmpuint(length, ==, r->length);
	else
		g_assert_cmpint(errnum, ==, EINTR);
	if (errnum && !*r->storm->stopped)
		g_assert_true(r->cancelled);
	g_assert_cmpint(atomic_fetch_add(&r->calls, 1), ==, 0);
}

static void start(Request *r, const Storm *storm, TfReader *reader, uint64_t offset, size_t length)
{
	uint64_t size = storm->mosaic->layout.file_bytes;
	offset = MIN(offset, size - 1);
	*r = (Request){.storm = storm, .offset = offset, .length = MIN(length, size - offset)};
	r->read = tf_engine_read(storm->engine, reader, offset, r->length, on_answer, r);
}

static void cancel(Request *r)
{
	r->cancelled = true;
	tf_read_cancel(r->read);
	/* It was answered before or is just being answered. */
	gint64 end = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
	while (r->calls == 0 && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_cmpint(r->calls, ==, 1);
}

static void finish(Request *r)
{
	gint64 end = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
	while (r->calls == 0) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(50);
	}
	tf_read_unref(r->read);
	r->read = NULL;
}

static uint64_t random_offset(const Storm *storm, GRand *random)
{
	uint64_t first = storm->mosaic->layout.blocks_offset, end = storm->mosaic->layout.tail_offset;
	return first + (uint64_t)(g_rand_double(random) * (double)(end - first));
}

/* Some reads side by side, most of them cancelled sooner or later. */
static void storm_once(const Storm *storm, GRand *random)
{
	enum { N = 6 };
	Request requests[N];
	TfReader *reader = tf_reader_new(storm->engine);
	for (int i = 0; i < N; i++)
		start(&requests[i], storm, reader, random_offset(storm, random),
		      (size_t)g_rand_int_range(random, 1, i == 0 ? MAX_LENGTH : 9000));
	if (g_rand_boolean(random))
		g_usleep((gulong)g_rand_int_range(random, 0, 3000));
	for (int i = 0; i < N; i++)
		if (g_rand_int_range(random, 0, 3) > 0)
			cancel(&requests[i]);
	for (int i = 0; i < N; i++)
		finish(&requests[i]);
	tf_reader_free(reader);
}

/* Goes forward for a while, then leaves, with a pass that runs ahead. */
static void go_forward(const Storm *storm, GRand *random)
{
	TfReader *reader = tf_reader_new(storm->engine);
	uint64_t offset = random_offset(storm, random);
	for (int n = g_rand_int_range(random, 5, 60); n > 0; n--) {
		Request request;
		start(&request, storm, reader, offset, 16 * 1024);
		if (g_rand_int_range(random, 0, 10) == 0)
			cancel(&request);
		finish(&request);
		offset += 16 * 1024;
	}
	tf_reader_free(reader);
}

static gpointer storm_thread(gpointer data)
{
	const Storm *storm = data;
	GRand *random = g_rand_new_with_seed(storm->seed);
	for (int i = 0; i < storm->rounds; i++) {
		if (g_rand_int_range(random, 0, 4) == 0)
			go_forward(storm, random);
		else
			storm_once(storm, random);
	}
	g_rand_free(random);
	return NULL;
}

static void run_storm(const char *kind, bool evict)
{
	enum { N = 4, MUCH = 1 << 30 };
	_Atomic int stopped = 0;
	g_autoptr(Scratch) folder = make_grid(kind, false);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, "17,9");
	g_autoptr(TfEngine) one = new_engine(mosaic, 1);
	g_autofree uint8_t *all = read_file(one, mosaic->layout.file_bytes);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 3);
	Storm storms[N];
	GThread *threads[N];
	if (evict)
		tf_memory_count(TF_MEMORY_SCENE, MUCH);
	for (int i = 0; i < N; i++) {
		storms[i] = (Storm){engine, mosaic, all, (uint32_t)(i + 1), 40, &stopped};
		threads[i] = g_thread_new("storm", storm_thread, &storms[i]);
	}
	for (int i = 0; i < N; i++)
		g_thread_join(threads[i]);
	if (evict)
		tf_memory_count(TF_MEMORY_SCENE, -MUCH);
	g_assert_cmpuint(status(engine, "readers"), ==, 0);
	g_autofree uint8_t *again = read_file(engine, mosaic->layout.file_bytes); /* it still works */
	g_assert_cmpint(memcmp(all, again, mosaic->layout.file_bytes), ==, 0);
}

static void test_storm(void)
{
	run_storm("420", false);
}

static void test_storm_evicting(void)
{
	run_storm("420", true);
	run_storm("420-progressive", true);
}

/* --- the end ---------------------------------------------------------------------- */

typedef enum { FREED, STOPPED_BEFORE, CANCELLED_FIRST, N_ENDS } End;

static void end_with_work(const Storm *storm, GRand *random, End how)
{
	enum { N = 20 };
	TfEngine *engine = storm->engine;
	Request requests[N];
	Answer seeks[3];
	TfReader *reader = tf_reader_new(engine); /* left open, as an unmount by force does */
	uint64_t first = storm->mosaic->layout.blocks_offset;
	for (int i = 0; i < 12; i++) /* makes a forward pass begin */
		start(&requests[i], storm, reader, first + (uint64_t)i * 8192, 8192);
	for (int i = 12; i < N; i++)
		start(&requests[i], storm, reader, random_offset(storm, random), 20000);
	*storm->stopped = 1;
	if (how == STOPPED_BEFORE)
		tf_engine_stop(engine);
	for (int i = 0; i < 3; i++) {
		answer_init(&seeks[i], NULL);
		tf_engine_seek_hole(engine, reader, tf_layout_tile_offset(&storm->mosaic->layout, (TfTile){i, 0, 0}), on_seek,
		                    &seeks[i]);
	}
	if (how == CANCELLED_FIRST)
		for (int i = 0; i < N; i += 2)
			cancel(&requests[i]);
	g_usleep((gulong)g_rand_int_range(random, 0, 4000));
	tf_engine_free(engine);
	for (int i = 0; i < 3; i++) {
		int errnum = answer_wait(&seeks[i]);
		g_assert_true(errnum == 0 || errnum == EINTR);
	}
	for (int i = 0; i < N; i++) {
		g_assert_cmpint(requests[i].calls, ==, 1);
		tf_read_unref(requests[i].read);
	}
}

static void test_end(void)
{
	g_autoptr(Scratch) folder = make_grid("420", false);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, "17,9");
	g_autoptr(TfEngine) one = new_engine(mosaic, 1);
	g_autofree uint8_t *all = read_file(one, mosaic->layout.file_bytes);
	GRand *random = g_rand_new_with_seed(8);
	for (int i = 0; i < 60; i++) {
		_Atomic int stopped = 0;
		Storm storm = {new_engine(mosaic, (unsigned)i % 4), mosaic, all, 0, 0, &stopped};
		end_with_work(&storm, random, (End)(i % N_ENDS));
	}
	g_rand_free(random);
}

static void test_reads_after_the_stop(void)
{
	g_autoptr(Scratch) folder = make_grid("420", false);
	g_autoptr(TfMosaic) mosaic = open_mosaic(folder, NULL);
	g_autoptr(TfEngine) engine = new_engine(mosaic, 2);
	TfReader *reader = tf_reader_new(engine);
	g_autofree uint8_t *buffer = g_malloc(1 << 16);
	uint64_t size = mosaic->layout.file_bytes, first = mosaic->layout.blocks_offset;
	tf_engine_stop(engine);
	for (int i = 0; i < 20; i++)
		g_assert_cmpint(read_at(engine, reader, size, first + (uint64_t)i * 4096, 4096, buffer), ==, EINTR);
	g_usleep(50 * 1000); /* the timer has ended, too */
	for (int i = 0; i < 3; i++) {
		Answer answer;
		answer_init(&answer, NULL);
		tf_engine_seek_hole(engine, reader, first + (uint64_t)i * 4096, on_seek, &answer);
		g_assert_cmpint(answer_wait(&answer), ==, EINTR);
	}
	tf_reader_free(reader);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_true(tf_vips_start(NULL));
	g_test_add_func("/engine/cancel/storm", test_storm);
	g_test_add_func("/engine/cancel/storm-evicting", test_storm_evicting);
	g_test_add_func("/engine/end/with-work", test_end);
	g_test_add_func("/engine/end/reads-after-the-stop", test_reads_after_the_stop);
	return g_test_run();
}
