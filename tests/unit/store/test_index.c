/* SPDX-License-Identifier: MIT
 *
 * The index of headers: what was saved is found again, and nothing else,
 * whatever happens to the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/index.h>

enum { N = 5 };
#define SECOND INT64_C(1000000000)
#define PROBED (1000 * SECOND)

typedef struct {
	char *folder;
	TfIndexPlace place;
	char *paths[N];
	TfImageInfo infos[N];
	GPtrArray *profiles;
} Setup;

static void unref_profile(gpointer profile)
{
	if (profile)
		g_bytes_unref(profile);
}

static void set_up(Setup *s, gconstpointer data)
{
	g_autofree char *scratch = g_dir_make_tmp("tiffuse-index-XXXXXX", NULL);
	s->folder = g_build_filename(scratch, "a", "b", NULL); /* does not exist yet */
	s->place = (TfIndexPlace){s->folder, "/data/tiles", "maker 1"};
	s->profiles = g_ptr_array_new_with_free_func(unref_profile);
	g_ptr_array_add(s->profiles, NULL);
	g_ptr_array_add(s->profiles, g_bytes_new("first profile", 13));
	g_ptr_array_add(s->profiles, g_bytes_new("second", 6));
	for (int i = 0; i < N; i++) {
		s->paths[i] = g_strdup_printf("/data/tiles/%s%d.jpg", i % 2 ? "odd/" : "", i);
		s->infos[i] = (TfImageInfo){.codec = i % 2 ? TF_CODEC_JPEG : TF_CODEC_VIPS,
		                            .colour = (TfColour)i,
		                            .width = 100 + i,
		                            .height = INT32_MAX - i,
		                            .bands = (uint8_t)(250 + i),
		                            .hsamp = 2,
		                            .vsamp = 1,
		                            .orientation = (uint8_t)(i + 1),
		                            .progressive = i == 3,
		                            .deep = i == 2,
		                            .pixel_um_x = 0.25F * (float)i,
		                            .pixel_um_y = 1.5F,
		                            .icc = (uint32_t)i % 3,
		                            .stream_bytes = UINT32_MAX - (uint32_t)i,
		                            .identity = {1, UINT64_MAX - (uint64_t)i, 3 + (uint64_t)i, -4, 5 + i}};
	}
}

static void tear_down(Setup *s, gconstpointer data)
{
	g_autofree char *parent = g_path_get_dirname(s->folder), *scratch = g_path_get_dirname(parent);
	const char *argv[] = {"rm", "-rf", scratch, NULL};
	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
	for (int i = 0; i < N; i++)
		g_free(s->paths[i]);
	g_ptr_array_unref(s->profiles);
	g_free(s->folder);
}

static void save(Setup *s)
{
	g_autoptr(GError) error = NULL;
	g_assert_true(tf_index_save(&s->place, (const char *const *)s->paths, s->infos, N, s->profiles, PROBED, NULL, &error));
	g_assert_no_error(error);
}

/* The one file of the folder. */
static char *only_file(const Setup *s)
{
	g_autoptr(GDir) dir = g_dir_open(s->folder, 0, NULL);
	char *path = g_build_filename(s->folder, g_dir_read_name(dir), NULL);
	g_assert_null(g_dir_read_name(dir));
	return path;
}

/* Is source i known?  Then its answer must be the right one. */
static bool is_known(const Setup *s, const TfIndex *index, int i)
{
	TfImageInfo info;
	GBytes *profile;
	if (!tf_index_lookup(index, s->paths[i], &s->infos[i].identity, &info, &profile))
		return false;
	const TfImageInfo *want = &s->infos[i];
	g_assert_true(info.codec == want->codec && info.colour == want->colour && info.width == want->width &&
	              info.height == want->height && info.bands == want->bands && info.hsamp == want->hsamp &&
	              info.vsamp == want->vsamp && info.orientation == want->orientation &&
	              info.progressive == want->progressive && info.deep == want->deep &&
	              !(info.pixel_um_x < want->pixel_um_x) && !(info.pixel_um_x > want->pixel_um_x) &&
	              !(info.pixel_um_y < want->pixel_um_y) && !(info.pixel_um_y > want->pixel_um_y));
	g_assert_cmpmem(&info.identity, sizeof info.identity, &want->identity, sizeof want->identity);
	GBytes *expected = g_ptr_array_index(s->profiles, want->icc);
	g_assert_true(expected ? profile && g_bytes_equal(profile, expected) : !profile);
	return true;
}

static int count_known(const Setup *s)
{
	g_autoptr(TfIndex) index = tf_index_load(&s->place);
	int known = 0;
	for (int i = 0; i < N; i++)
		known += is_known(s, index, i);
	g_assert_cmpuint(tf_index_n_sources(index), ==, known);
	return known;
}

static void test_round_trip(Setup *s, gconstpointer data)
{
	g_assert_cmpint(count_known(s), ==, 0);
	save(s);
	g_assert_cmpint(count_known(s), ==, N);
	struct stat st;
	g_autofree char *file = only_file(s);
	g_assert_cmpint(stat(file, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0600);
	g_assert_cmpint(stat(s->folder, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0700);
	s->infos[2].width = 7;
	save(s);
	g_assert_cmpint(count_known(s), ==, N);
	g_autofree char *same = only_file(s);
	g_assert_cmpstr(file, ==, same);
}

static void test_identity(Setup *s, gconstpointer data)
{
	save(s);
	g_autoptr(TfIndex) index = tf_index_load(&s->place);
	TfImageInfo info;
	GBytes *profile;
	for (int field = 0; field < 5; field++)
		for (int bit = 0; bit < 64; bit += 21) {
			TfIdentity id = s->infos[1].identity;
			((uint64_t *)(void *)&id)[field] ^= UINT64_C(1) << bit;
			g_assert_false(tf_index_lookup(index, s->paths[1], &id, &info, &profile));
		}
	g_assert_cmpuint(sizeof(TfIdentity), ==, 5 * sizeof(uint64_t));
	const char *others[] = {"/data/tiles/0.jp", "/data/tiles/0.jpgx", "/data/tiles/odd/0.jpg", "/data/tiles/", "0.jpg", "", "/x"};
	for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
		g_assert_false(tf_index_lookup(index, others[i], &s->infos[0].identity, &info, &profile));
}

static void test_recent(Setup *s, gconstpointer data)
{
	s->infos[0].identity.mtime_ns = PROBED - 2 * SECOND; /* too fresh */
	s->infos[1].identity.ctime_ns = PROBED + 9 * SECOND; /* in the future */
	s->infos[2].identity.mtime_ns = PROBED - 2 * SECOND - 1;
	s->infos[3].width = 0; /* was not there */
	save(s);
	g_autoptr(TfIndex) index = tf_index_load(&s->place);
	bool known[N] = {false, false, true, false, true};
	for (int i = 0; i < N; i++)
		g_assert_true(is_known(s, index, i) == known[i]);
}

static void test_foreign(Setup *s, gconstpointer data)
{
	save(s);
	s->place.maker = "maker 2";
	g_assert_cmpint(count_known(s), ==, 0);
	s->place.maker = "maker 1";
	s->place.origin = "/data/tile";
	g_assert_cmpint(count_known(s), ==, 0);
	s->place.origin = "/data/tiles";
	g_assert_cmpint(count_known(s), ==, N);
	g_autofree char *file = only_file(s);
	g_assert_cmpint(chmod(file, 0622), ==, 0); /* others may have written it */
	g_assert_cmpint(count_known(s), ==, 0);
	g_autofree char *moved = g_strconcat(file, ".moved", NULL);
	g_assert_cmpint(chmod(file, 0600), ==, 0);
	g_assert_cmpint(rename(file, moved), ==, 0);
	g_assert_cmpint(symlink(moved, file), ==, 0);
	g_assert_cmpint(count_known(s), ==, 0);
	g_assert_cmpint(unlink(file), ==, 0);
	g_assert_cmpint(mkfifo(file, 0600), ==, 0); /* must not wait for a writer */
	g_assert_cmpint(count_known(s), ==, 0);
}

/* Damage at every byte and every length: ignored as a whole. */
static void test_damage(Setup *s, gconstpointer data)
{
	g_autofree char *good = NULL;
	gsize length;
	save(s);
	g_autofree char *file = only_file(s);
	g_assert_true(g_file_get_contents(file, &good, &length, NULL));
	int fd = open(file, O_RDWR | O_CLOEXEC);
	for (gsize i = 0; i < length; i++) {
		char bad[] = {(char)(good[i] ^ 1), (char)(good[i] ^ 0x80), (char)~good[i]};
		for (gsize k = 0; k < sizeof bad; k++) {
			g_assert_cmpint(pwrite(fd, &bad[k], 1, (off_t)i), ==, 1);
			g_assert_cmpint(count_known(s), ==, 0);
		}
		g_assert_cmpint(pwrite(fd, &good[i], 1, (off_t)i), ==, 1);
	}
	g_assert_cmpint(count_known(s), ==, N);
	for (gsize cut = length; cut-- > 0;) {
		g_assert_cmpint(ftruncate(fd, (off_t)cut), ==, 0);
		g_assert_cmpint(count_known(s), ==, 0);
	}
	g_assert_cmpint(pwrite(fd, good, length, 0), ==, (gssize)length);
	g_assert_cmpint(count_known(s), ==, N);
	g_assert_cmpint(ftruncate(fd, (off_t)length + 1), ==, 0);
	g_assert_cmpint(count_known(s), ==, 0);
	g_assert_cmpint(ftruncate(fd, INT64_C(1) << 40), ==, 0); /* sparse, but too large to read */
	g_assert_cmpint(count_known(s), ==, 0);
	close(fd);
}

/* Damage that the checksum does not tell: the numbers of a program that wrote
 * them wrongly.  Whatever is answered, nothing outside the file is read (which
 * the sanitizers of VARIANT=asan see). */
static void test_wrong_numbers(Setup *s, gconstpointer data)
{
	g_autofree char *good = NULL;
	gsize length, digest_bytes = 32;
	save(s);
	g_autofree char *file = only_file(s);
	g_assert_true(g_file_get_contents(file, &good, &length, NULL));
	for (gsize i = 0; i < length - 32; i++) {
		g_autofree char *bad = g_memdup2(good, length);
		bad[i] ^= (char)0xFF;
		g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
		g_checksum_update(sum, (guchar *)bad, (gssize)(length - 32));
		g_checksum_get_digest(sum, (guchar *)bad + length - 32, &digest_bytes);
		int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
		g_assert_cmpint(write(fd, bad, length), ==, (gssize)length);
		close(fd);
		g_autoptr(TfIndex) index = tf_index_load(&s->place);
		for (int k = 0; k < N; k++) {
			TfImageInfo info;
			GBytes *profile = NULL;
			if (!tf_index_lookup(index, s->paths[k], &s->infos[k].identity, &info, &profile))
				continue;
			g_assert_true(info.width > 0 && info.height > 0 && info.orientation >= 1 && info.orientation <= 8);
			if (profile)
				g_assert_cmpuint(g_bytes_hash(profile), !=, 0);
		}
	}
}

static void digest_of(int i, uint8_t digest[TF_DIGEST_BYTES])
{
	memset(digest, i + 1, TF_DIGEST_BYTES);
}

static void keep(Setup *s, int first, int n, uint32_t expected)
{
	g_autoptr(GError) error = NULL;
	TfIndexDigest digests[N];
	uint32_t kept;
	for (int i = 0; i < n; i++) {
		digests[i] = (TfIndexDigest){.path = s->paths[first + i], .identity = s->infos[first + i].identity};
		digest_of(first + i, digests[i].digest);
	}
	g_assert_true(tf_index_keep_digests(&s->place, digests, (uint32_t)n, &kept, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(kept, ==, expected);
}

static bool has_digest(const Setup *s, int i)
{
	g_autoptr(TfIndex) index = tf_index_load(&s->place);
	uint8_t got[TF_DIGEST_BYTES], want[TF_DIGEST_BYTES];
	if (!tf_index_digest(index, s->paths[i], &s->infos[i].identity, got))
		return false;
	digest_of(i, want);
	g_assert_cmpmem(got, sizeof got, want, sizeof want);
	return true;
}

static void test_digests(Setup *s, gconstpointer data)
{
	keep(s, 0, 1, 0); /* there is no index */
	save(s);
	g_assert_false(has_digest(s, 0));
	keep(s, 0, 2, 2);
	keep(s, 3, 1, 1);
	bool known[N] = {true, true, false, true, false};
	for (int i = 0; i < N; i++)
		g_assert_true(has_digest(s, i) == known[i]);
	g_assert_cmpint(count_known(s), ==, N);
	s->place.maker = "maker 2"; /* another version reads headers anew, and believes the digests */
	g_assert_true(has_digest(s, 1));
	g_assert_cmpint(count_known(s), ==, 0);
	s->infos[0].identity.ctime_ns++;
	s->infos[0].identity.ino++;
	g_assert_true(has_digest(s, 0)); /* a copy */
	s->infos[0].identity.mtime_ns++;
	s->infos[1].identity.size++;
	g_assert_false(has_digest(s, 0) || has_digest(s, 1)); /* other files */
	keep(s, 0, 2, 0);
	g_autoptr(TfIndex) previous = tf_index_load(&s->place);
	g_assert_true(tf_index_save(&s->place, (const char *const *)s->paths, s->infos, N, s->profiles, PROBED, previous, NULL));
	for (int i = 0; i < N; i++)
		g_assert_true(has_digest(s, i) == (i == 3));
	g_assert_cmpint(count_known(s), ==, N);
	/* A bit that flips may leave a fresh ctime. */
	s->infos[3].identity.ctime_ns = PROBED;
	g_autoptr(TfIndex) settled = tf_index_load(&s->place);
	g_assert_true(tf_index_save(&s->place, (const char *const *)s->paths, s->infos, N, s->profiles, PROBED, settled, NULL));
	g_autoptr(TfIndex) index = tf_index_load(&s->place);
	g_assert_true(has_digest(s, 3));
	g_assert_false(is_known(s, index, 3));
}

static gpointer save_often(gpointer data)
{
	for (int i = 0; i < 200; i++)
		save(data);
	return NULL;
}

/* Who loads while others save sees one or the other, whole. */
static void test_concurrent(Setup *s, gconstpointer data)
{
	save(s);
	GThread *writers[2];
	for (int i = 0; i < 2; i++)
		writers[i] = g_thread_new("writer", save_often, s);
	for (int i = 0; i < 300; i++)
		g_assert_cmpint(count_known(s), ==, N);
	for (int i = 0; i < 2; i++)
		g_thread_join(writers[i]);
	g_autofree char *file = only_file(s);
	g_assert_true(g_str_has_suffix(file, ".sources"));
}

static void test_unwritable(Setup *s, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *parent = g_path_get_dirname(s->folder);
	g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
	g_assert_true(g_file_set_contents(s->folder, "a file", -1, NULL));
	g_assert_cmpint(count_known(s), ==, 0);
	g_assert_false(tf_index_save(&s->place, (const char *const *)s->paths, s->infos, N, s->profiles, PROBED, NULL, &error));
	g_assert_true(error && error->domain == TF_ERROR);
	g_assert_nonnull(strstr(error->message, s->folder));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name, func) g_test_add("/index/" name, Setup, NULL, set_up, func, tear_down)
	CASE("round-trip", test_round_trip);
	CASE("identity", test_identity);
	CASE("recent", test_recent);
	CASE("foreign", test_foreign);
	CASE("damage", test_damage);
	CASE("wrong-numbers", test_wrong_numbers);
	CASE("digests", test_digests);
	CASE("concurrent", test_concurrent);
	CASE("unwritable", test_unwritable);
	return g_test_run();
}
