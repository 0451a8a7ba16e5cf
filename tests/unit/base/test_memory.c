/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <tiffuse/memory.h>
#include <unistd.h>

static void test_sizes(void)
{
	GRand *random = g_rand_new_with_seed(1);
	for (int spare = 0; spare < 2; spare++) {
		tf_memory_keep_spare(spare ? 8 << 20 : 0, 0);
		for (int i = 0; i < 2000; i++) {
			size_t bytes = (size_t)g_rand_int_range(random, 0, 2) << g_rand_int_range(random, 0, 22);
			bytes += (size_t)g_rand_int_range(random, 0, 40000);
			uint8_t *memory = tf_memory_alloc(TF_MEMORY_CANVASES, bytes, NULL);
			g_assert_nonnull(memory);
			g_assert_cmpuint((uintptr_t)memory % 64, ==, 0);
			memset(memory, i, bytes);
			g_assert_cmpuint(tf_memory_used(TF_MEMORY_CANVASES), >=, bytes);
			g_assert_cmpuint(tf_memory_used(TF_MEMORY_CANVASES), <=, (bytes + bytes / 8) * (spare ? 2 : 1) + 4096);
			tf_memory_free(TF_MEMORY_CANVASES, memory, bytes);
			g_assert_cmpuint(tf_memory_total(), ==, 0);
		}
	}
	tf_memory_keep_spare(0, 0);
	g_rand_free(random);
}

/* A larger spare serves, is counted as what it is, and comes back whole. */
static void test_larger(void)
{
	enum { BIG = 1 << 20, SMALL = 600 * 1000, TINY = 300 * 1000 };
	tf_memory_keep_spare(4 << 20, 0);
	uint8_t *big = tf_memory_alloc(TF_MEMORY_STRIPS, BIG, NULL);
	tf_memory_free(TF_MEMORY_STRIPS, big, BIG);
	uint8_t *small = tf_memory_alloc(TF_MEMORY_STRIPS, SMALL, NULL);
	g_assert_true(small == big);
	g_assert_cmpuint(tf_memory_total(), ==, BIG);
	tf_memory_free(TF_MEMORY_STRIPS, small, SMALL);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
	uint8_t *tiny = tf_memory_alloc(TF_MEMORY_STRIPS, TINY, NULL);
	g_assert_true(tiny != big); /* more than half of it would be wasted */
	uint8_t *again = tf_memory_alloc(TF_MEMORY_STRIPS, BIG, NULL);
	g_assert_true(again == big);
	memset(again, 1, BIG);
	tf_memory_free(TF_MEMORY_STRIPS, again, BIG);
	tf_memory_free(TF_MEMORY_STRIPS, tiny, TINY);
	tf_memory_keep_spare(0, 0);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
}

/* Live buffers never share memory, whatever is kept for reuse. */
static void test_reuse(void)
{
	enum { N = 40 };
	uint8_t *memory[N] = {0};
	size_t bytes[N] = {0};
	GRand *random = g_rand_new_with_seed(2);
	tf_memory_keep_spare(1 << 20, 0);
	for (int i = 0; i < 5000; i++) {
		int k = g_rand_int_range(random, 0, N);
		if (memory[k]) {
			for (size_t b = 0; b < bytes[k]; b += 997)
				g_assert_cmpint(memory[k][b], ==, k + 1);
			g_assert_cmpint(memory[k][bytes[k] - 1], ==, k + 1);
			tf_memory_free(TF_MEMORY_TILES, memory[k], bytes[k]);
			memory[k] = NULL;
			continue;
		}
		bytes[k] = (size_t)g_rand_int_range(random, 20000, 200000);
		memory[k] = tf_memory_alloc(TF_MEMORY_TILES, bytes[k], NULL);
		memset(memory[k], k + 1, bytes[k]);
	}
	for (int k = 0; k < N; k++)
		tf_memory_free(TF_MEMORY_TILES, memory[k], bytes[k]);
	tf_memory_keep_spare(0, 0);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
	g_rand_free(random);
}

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* whose own memory moves with ours */
static int64_t resident(void)
{
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents("/proc/self/statm", &text, NULL, NULL));
	return g_ascii_strtoll(strchr(text, ' '), NULL, 10) * sysconf(_SC_PAGESIZE);
}

static uint8_t *new_touched(size_t bytes)
{
	uint8_t *memory = tf_memory_alloc(TF_MEMORY_STRIPS, bytes, NULL);
	memset(memory, 1, bytes);
	return memory;
}

/* Spares may fill what is not live, and make way for what comes alive. */
static void test_room(void)
{
	enum { N = 8, SMALL = 2 << 20, BIG = 12 << 20, TOTAL = N * SMALL, SLACK = 1 << 20 };
	uint8_t *memory[N];
	tf_memory_keep_spare(SMALL, TOTAL);
	int64_t before = resident();
	for (int i = 0; i < N; i++)
		memory[i] = new_touched(SMALL);
	for (int i = 0; i < N; i++)
		tf_memory_free(TF_MEMORY_STRIPS, memory[i], SMALL);
	g_assert_cmpint(resident(), >, before + TOTAL - SLACK);
	uint8_t *big = new_touched(BIG);
	g_assert_cmpint(resident(), <, before + TOTAL + SLACK);
	g_assert_cmpint(resident(), >, before + TOTAL - SMALL - SLACK);
	tf_memory_free(TF_MEMORY_STRIPS, big, BIG);
	tf_memory_keep_spare(0, 0);
	g_assert_cmpint(resident(), <, before + SLACK);
}
#endif

static void test_absurd(void)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX - 4096, (size_t)1 << 62};
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(tf_memory_alloc(TF_MEMORY_STRIPS, sizes[i], &error));
		g_assert_error(error, TF_ERROR, TF_ERROR_NO_MEMORY);
		g_assert_cmpuint(tf_memory_total(), ==, 0);
	}
	tf_memory_free(TF_MEMORY_STRIPS, NULL, 100);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
}

static void test_books(void)
{
	tf_memory_count(TF_MEMORY_SCENE, 100);
	tf_memory_count(TF_MEMORY_HEADER, 1000);
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_SCENE), ==, 100);
	g_assert_cmpuint(tf_memory_total(), ==, 1100);
	tf_memory_count(TF_MEMORY_SCENE, -100);
	tf_memory_count(TF_MEMORY_HEADER, -1000);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
}

static gpointer memory_thread(gpointer data)
{
	GRand *random = g_rand_new_with_seed(GPOINTER_TO_UINT(data));
	for (int i = 0; i < 3000; i++) {
		size_t bytes = (size_t)g_rand_int_range(random, 30000, 70000);
		uint8_t *memory = tf_memory_alloc(TF_MEMORY_STRIPS, bytes, NULL);
		memory[0] = memory[bytes - 1] = (uint8_t)GPOINTER_TO_UINT(data);
		g_assert_cmpint(memory[0], ==, memory[bytes - 1]);
		tf_memory_free(TF_MEMORY_STRIPS, memory, bytes);
	}
	g_rand_free(random);
	return NULL;
}

static void test_threads(void)
{
	GThread *threads[4];
	tf_memory_keep_spare(1 << 18, 0);
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("memory", memory_thread, GUINT_TO_POINTER(i + 1));
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
	tf_memory_keep_spare(0, 0);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/memory/sizes", test_sizes);
	g_test_add_func("/memory/reuse", test_reuse);
	g_test_add_func("/memory/larger", test_larger);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
	g_test_add_func("/memory/room", test_room);
#endif
	g_test_add_func("/memory/absurd", test_absurd);
	g_test_add_func("/memory/books", test_books);
	g_test_add_func("/memory/threads", test_threads);
	return g_test_run();
}
