/* SPDX-License-Identifier: MIT
 *
 * Digests: every bit that flips is noticed, at the first reading and later.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tiffuse/digests.h>
#include <tiffuse/memory.h>
#include <tiffuse/util.h>
#include <unistd.h>

static const char path[] = "picture.jpg";

/* An unlinked file with these bytes. */
static int file_of(const uint8_t *bytes, size_t length)
{
	g_autofree char *name = NULL;
	int fd = g_file_open_tmp("tiffuse-digests-XXXXXX", &name, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, bytes, length, 0), ==, (gssize)length);
	g_assert_cmpint(unlink(name), ==, 0);
	return fd;
}

static uint8_t *random_bytes(size_t length)
{
	uint8_t *bytes = g_malloc(length + 1);
	GRand *random = g_rand_new_with_seed((guint32)length);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)g_rand_int(random);
	g_rand_free(random);
	return bytes;
}

/* SHA-256 of "abc", FIPS 180-2: the digest is of the bytes and nothing else. */
static void test_known(void)
{
	static const uint8_t want[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
	                               0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
	                               0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	uint8_t digest[TF_DIGEST_BYTES];
	tf_autofd int fd = file_of((const uint8_t *)"abc", 3);
	g_autoptr(TfDigests) digests = tf_digests_new(2);
	g_assert_cmpint(tf_digests_get(digests, 1, digest), ==, TF_DIGEST_NONE);
	g_assert_true(tf_digests_check(digests, 1, path, fd, 3, NULL));
	g_assert_cmpint(tf_digests_get(digests, 1, digest), ==, TF_DIGEST_TAKEN);
	g_assert_cmpmem(digest, sizeof digest, want, sizeof want);
	g_assert_false(tf_digests_is_checked(digests, 0));
	g_autoptr(TfDigests) next = tf_digests_new(1);
	tf_digests_expect(next, 0, digest);
	g_assert_true(tf_digests_check(next, 0, path, fd, 3, NULL));
	g_assert_cmpint(tf_digests_get(next, 0, digest), ==, TF_DIGEST_EXPECTED);
	TfDigestCounts counts = tf_digests_count(next);
	g_assert_cmpuint(counts.checked, ==, 1);
	g_assert_cmpuint(counts.taken + counts.differing, ==, 0);
}

static void check_blocks(TfDigests *digests, int fd, const uint8_t *bytes, size_t length)
{
	g_autofree uint8_t *room = g_malloc(TF_DIGEST_BLOCK);
	for (size_t at = 0; at <= length + TF_DIGEST_BLOCK; at += TF_DIGEST_BLOCK) {
		size_t want = at < length ? MIN(TF_DIGEST_BLOCK, length - at) : 0;
		g_assert_cmpint(tf_digests_read_block(digests, 0, fd, at / TF_DIGEST_BLOCK, room), ==, (gssize)want);
		g_assert_cmpmem(room, want, bytes + MIN(at, length), want);
	}
	g_assert_true(tf_digests_check_bytes(digests, 0, path, bytes, length, NULL));
}

/* Is the flipped bit noticed at a first reading, and by one after a good one? */
static void check_flip(const uint8_t digest[TF_DIGEST_BYTES], TfDigests *good, uint8_t *bytes, size_t length, size_t bit)
{
	g_autoptr(GError) first = NULL, later = NULL;
	g_autofree uint8_t *room = g_malloc(TF_DIGEST_BLOCK);
	bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	tf_autofd int fd = file_of(bytes, length);
	g_autoptr(TfDigests) digests = tf_digests_new(1);
	tf_digests_expect(digests, 0, digest);
	g_assert_false(tf_digests_check(digests, 0, path, fd, length, &first));
	g_assert_error(first, TF_ERROR, TF_ERROR_CHANGED);
	g_assert_nonnull(strstr(first->message, path));
	g_assert_false(tf_digests_is_checked(digests, 0));
	g_assert_cmpuint(tf_digests_count(digests).differing, ==, 1);
	g_assert_cmpint(tf_digests_read_block(good, 0, fd, bit / 8 / TF_DIGEST_BLOCK, room), ==, -1);
	g_assert_cmpint(errno, ==, EBADMSG);
	g_assert_false(tf_digests_check_bytes(good, 0, path, bytes, length, &later));
	g_assert_error(later, TF_ERROR, TF_ERROR_CHANGED);
	bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void test_flips(void)
{
	static const size_t lengths[] = {1, 100, TF_DIGEST_BLOCK - 1, TF_DIGEST_BLOCK, TF_DIGEST_BLOCK + 1,
	                                 3 * TF_DIGEST_BLOCK + 777};
	GRand *random = g_rand_new_with_seed(5);
	for (gsize k = 0; k < G_N_ELEMENTS(lengths); k++) {
		size_t length = lengths[k];
		g_autofree uint8_t *bytes = random_bytes(length);
		uint8_t digest[TF_DIGEST_BYTES];
		tf_autofd int fd = file_of(bytes, length);
		g_autoptr(TfDigests) digests = tf_digests_new(1);
		g_assert_true(tf_digests_check(digests, 0, path, fd, length, NULL));
		tf_digests_get(digests, 0, digest);
		check_blocks(digests, fd, bytes, length);
		for (size_t bit = 0; bit < 8 && length == 1; bit++)
			check_flip(digest, digests, bytes, length, bit);
		for (int i = 0; i < 60; i++)
			check_flip(digest, digests, bytes, length, (size_t)g_rand_int_range(random, 0, (gint32)(8 * length)));
		check_flip(digest, digests, bytes, length, 8 * length - 1);
	}
	g_rand_free(random);
}

static void test_other_length(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree uint8_t *bytes = random_bytes(TF_DIGEST_BLOCK + 9), *room = g_malloc(TF_DIGEST_BLOCK);
	tf_autofd int fd = file_of(bytes, TF_DIGEST_BLOCK + 9);
	g_autoptr(TfDigests) digests = tf_digests_new(1);
	g_assert_false(tf_digests_check(digests, 0, path, fd, TF_DIGEST_BLOCK + 10, &error)); /* ends early */
	g_assert_error(error, TF_ERROR, TF_ERROR_IO);
	g_assert_true(tf_digests_check(digests, 0, path, fd, TF_DIGEST_BLOCK + 9, NULL));
	g_assert_cmpint(ftruncate(fd, TF_DIGEST_BLOCK + 8), ==, 0);
	g_assert_cmpint(tf_digests_read_block(digests, 0, fd, 1, room), ==, -1);
	g_assert_cmpint(ftruncate(fd, TF_DIGEST_BLOCK), ==, 0);
	g_assert_cmpint(tf_digests_read_block(digests, 0, fd, 1, room), ==, -1);
	g_assert_cmpint(ftruncate(fd, 2 * TF_DIGEST_BLOCK + 1), ==, 0);
	g_assert_cmpint(tf_digests_read_block(digests, 0, fd, 2, room), ==, -1);
	g_assert_false(tf_digests_check_bytes(digests, 0, path, bytes, TF_DIGEST_BLOCK, NULL));
}

static void test_books(void)
{
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_SCENE), ==, 0);
	g_autofree uint8_t *bytes = random_bytes(5 * TF_DIGEST_BLOCK);
	tf_autofd int fd = file_of(bytes, 5 * TF_DIGEST_BLOCK);
	TfDigests *digests = tf_digests_new(3);
	for (uint32_t i = 0; i < 3; i++)
		g_assert_true(tf_digests_check(digests, i, path, fd, 5 * TF_DIGEST_BLOCK, NULL));
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_SCENE), <=, tf_digests_need(3, 15 * TF_DIGEST_BLOCK));
	tf_digests_free(digests);
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_SCENE), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/digests/known", test_known);
	g_test_add_func("/digests/flips", test_flips);
	g_test_add_func("/digests/other-length", test_other_length);
	g_test_add_func("/digests/books", test_books);
	return g_test_run();
}
