/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <tiffuse/spool.h>

enum { KIB = 1024 };

static void fill(uint8_t *data, size_t length, uint64_t id)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(id * 31 + i * 7 + (i >> 8));
}

static bool put(TfSpool *spool, uint64_t id, size_t length, GError **error)
{
	g_autofree uint8_t *data = g_malloc(length);
	fill(data, length, id);
	struct iovec pieces[2] = {{data, length / 3}, {data + length / 3, length - length / 3}};
	return tf_spool_put(spool, id, pieces, 2, error);
}

/* The entry, if it is there, is what was put. */
static bool check(TfSpool *spool, uint64_t id, size_t length)
{
	g_autofree uint8_t *wanted = g_malloc(length), *got = g_malloc0(length);
	g_autoptr(GError) error = NULL;
	fill(wanted, length, id);
	if (!tf_spool_read(spool, id, 0, 0, length, 1, got, 0, &error)) {
		g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
		return false;
	}
	g_assert_cmpmem(got, length, wanted, length);
	return true;
}

static void test_rows(void)
{
	g_autoptr(TfSpool) spool = tf_spool_new(g_get_tmp_dir(), 1 << 20);
	g_assert_true(put(spool, 5, 10000, NULL));
	g_assert_true(tf_spool_contains(spool, 5));
	uint8_t wanted[10000], got[4 * 50] = {0};
	fill(wanted, sizeof wanted, 5);
	g_assert_true(tf_spool_read(spool, 5, 100, 1000, 40, 4, got, 50, NULL));
	for (int row = 0; row < 4; row++) {
		g_assert_cmpmem(got + 50 * row, 40, wanted + 100 + 1000 * row, 40);
		g_assert_cmpint(got[50 * row + 40], ==, 0);
	}
	g_autoptr(GError) error = NULL;
	g_assert_false(tf_spool_read(spool, 6, 0, 0, 1, 1, got, 0, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
}

/* Entries of random sizes come and go; what is there is right, what is not was
 * given up for room, and the bound holds. */
static void test_random(void)
{
	enum { BOUND = 300 * KIB, IDS = 60 };
	g_autoptr(TfSpool) spool = tf_spool_new(g_get_tmp_dir(), BOUND);
	size_t lengths[IDS] = {0};
	unsigned found = 0, gone = 0;
	for (int i = 0; i < 5000; i++) {
		uint64_t id = (uint64_t)g_test_rand_int_range(0, IDS);
		if (lengths[id] == 0 || !tf_spool_contains(spool, id)) {
			lengths[id] = (size_t)g_test_rand_int_range(1, 40 * KIB);
			g_assert_true(put(spool, id, lengths[id], NULL));
		}
		g_assert_cmpuint(tf_spool_bytes(spool), <=, BOUND);
		uint64_t other = (uint64_t)g_test_rand_int_range(0, IDS);
		if (lengths[other] > 0)
			*(check(spool, other, lengths[other]) ? &found : &gone) += 1;
	}
	g_assert_cmpuint(found, >, 100);
	g_assert_cmpuint(gone, >, 100);
}

static void test_refusals(void)
{
	g_autoptr(TfSpool) spool = tf_spool_new(g_get_tmp_dir(), 100 * KIB);
	g_autoptr(GError) error = NULL;
	g_assert_false(put(spool, 1, 200 * KIB, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_TOO_LARGE);
	g_clear_error(&error);
	g_assert_true(put(spool, 2, 50 * KIB, &error));
	g_autoptr(TfSpool) off = tf_spool_new(g_get_tmp_dir(), 0);
	g_assert_false(put(off, 1, 10, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_UNSUPPORTED);
	g_clear_error(&error);
	g_autoptr(TfSpool) nowhere = tf_spool_new("/nowhere/at/all", 1 << 20);
	g_assert_false(put(nowhere, 1, 10, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
	g_clear_error(&error);
	g_assert_false(put(nowhere, 1, 10, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_UNSUPPORTED);
}

static gpointer worker(gpointer data)
{
	TfSpool *spool = data;
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t id = i * 7 % 23;
		g_autoptr(GError) error = NULL;
		put(spool, id, 1000 + 700 * id, NULL);
		check(spool, (i * 5 + 3) % 23, 1000 + 700 * ((i * 5 + 3) % 23));
	}
	return NULL;
}

static void test_threads(void)
{
	g_autoptr(TfSpool) spool = tf_spool_new(g_get_tmp_dir(), 100 * KIB);
	GThread *threads[4];
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("spool", worker, spool);
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spool/rows", test_rows);
	g_test_add_func("/spool/random", test_random);
	g_test_add_func("/spool/refusals", test_refusals);
	g_test_add_func("/spool/threads", test_threads);
	return g_test_run();
}
