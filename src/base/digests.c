/* SPDX-License-Identifier: MIT
 *
 * Alternatives: the SHA-256 at every opening costs a whole reading each time,
 * and says nothing of the reading that follows; a tree of hashes on disk takes
 * a kilobyte for each source.  CRC-32 finds every change of one to three bits
 * in a block and every burst of up to 32; what it may miss, one in 2^32 of the
 * rest, can only arise after the SHA-256 was right in the same mount.
 */
#include <tiffuse/digests.h>

#include <errno.h>
#include <string.h>
#include <tiffuse/io.h>
#include <tiffuse/memory.h>
#include <tiffuse/util.h>
#include <zlib.h>

typedef struct {
	uint32_t n;
	uint32_t crc[];
} Sums;

struct _TfDigests {
	uint32_t n_sources;
	GMutex lock; /* guards what follows; a Sums is immutable once it is there */
	uint8_t (*digest)[TF_DIGEST_BYTES];
	uint8_t *state; /* TfDigestState */
	Sums **sums;    /* NULL: not checked yet */
	size_t bytes;
	TfDigestCounts counts;
};

TfDigests *tf_digests_new(uint32_t n_sources)
{
	TfDigests *digests = g_new0(TfDigests, 1);
	digests->n_sources = n_sources;
	g_mutex_init(&digests->lock);
	digests->digest = g_malloc0_n(n_sources, TF_DIGEST_BYTES);
	digests->state = g_new0(uint8_t, n_sources);
	digests->sums = g_new0(Sums *, n_sources);
	digests->bytes = n_sources * (TF_DIGEST_BYTES + 1 + sizeof(Sums *)); /* the sums come later */
	tf_memory_count(TF_MEMORY_SCENE, (int64_t)digests->bytes);
	return digests;
}

uint64_t tf_digests_need(uint32_t n_sources, uint64_t source_bytes)
{
	return n_sources * (TF_DIGEST_BYTES + 1 + sizeof(Sums *) + sizeof(Sums)) +
	       (source_bytes / TF_DIGEST_BLOCK + n_sources) * sizeof(uint32_t);
}

void tf_digests_free(TfDigests *digests)
{
	if (!digests)
		return;
	for (uint32_t i = 0; i < digests->n_sources; i++)
		g_free(digests->sums[i]);
	tf_memory_count(TF_MEMORY_SCENE, -(int64_t)digests->bytes);
	g_free(digests->sums);
	g_free(digests->state);
	g_free(digests->digest);
	g_mutex_clear(&digests->lock);
	g_free(digests);
}

void tf_digests_expect(TfDigests *digests, uint32_t index, const uint8_t digest[TF_DIGEST_BYTES])
{
	g_mutex_lock(&digests->lock);
	memcpy(digests->digest[index], digest, TF_DIGEST_BYTES);
	digests->state[index] = TF_DIGEST_EXPECTED;
	g_mutex_unlock(&digests->lock);
}

TfDigestState tf_digests_get(TfDigests *digests, uint32_t index, uint8_t digest[TF_DIGEST_BYTES])
{
	g_mutex_lock(&digests->lock);
	TfDigestState state = digests->state[index];
	memcpy(digest, digests->digest[index], TF_DIGEST_BYTES);
	g_mutex_unlock(&digests->lock);
	return state;
}

static const Sums *get_sums(TfDigests *digests, uint32_t index)
{
	g_mutex_lock(&digests->lock);
	const Sums *sums = digests->sums[index];
	g_mutex_unlock(&digests->lock);
	return sums;
}

bool tf_digests_is_checked(TfDigests *digests, uint32_t index)
{
	return get_sums(digests, index) != NULL;
}

static uint32_t crc_of(const uint8_t *bytes, size_t length)
{
	return (uint32_t)crc32(0, bytes, (uInt)length);
}

static Sums *new_sums(uint64_t size, const char *path, GError **error)
{
	uint64_t n = size / TF_DIGEST_BLOCK + (size % TF_DIGEST_BLOCK > 0);
	Sums *sums = n <= UINT32_MAX ? g_try_malloc(sizeof *sums + n * sizeof sums->crc[0]) : NULL;
	if (sums)
		sums->n = (uint32_t)n;
	else
		tf_error_set_errno(error, ENOMEM, "%s", path);
	return sums;
}

/* One reading gives both. */
static bool digest_file(int fd, const char *path, uint64_t size, Sums *sums, uint8_t digest[TF_DIGEST_BYTES],
                        GError **error)
{
	g_autofree uint8_t *block = g_malloc(TF_DIGEST_BLOCK);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	for (uint32_t i = 0; i < sums->n; i++) {
		uint64_t offset = (uint64_t)i * TF_DIGEST_BLOCK;
		size_t length = (size_t)MIN(TF_DIGEST_BLOCK, size - offset);
		if (!tf_pread_all(fd, block, length, offset))
			return tf_error_set_errno(error, errno, "%s", path);
		g_checksum_update(sum, block, (gssize)length);
		sums->crc[i] = crc_of(block, length);
	}
	gsize bytes = TF_DIGEST_BYTES;
	g_checksum_get_digest(sum, digest, &bytes);
	return true;
}

/* false: another digest was expected.  Takes *sums unless somebody was faster. */
static bool settle_locked(TfDigests *digests, uint32_t index, const uint8_t digest[TF_DIGEST_BYTES], Sums **sums)
{
	bool taken = digests->state[index] == TF_DIGEST_NONE;
	if (!taken && memcmp(digest, digests->digest[index], TF_DIGEST_BYTES) != 0) {
		digests->counts.differing++;
		return false;
	}
	if (digests->sums[index])
		return true;
	memcpy(digests->digest[index], digest, TF_DIGEST_BYTES);
	if (taken)
		digests->state[index] = TF_DIGEST_TAKEN;
	digests->counts.checked++;
	digests->counts.taken += taken;
	digests->bytes += (*sums)->n * sizeof(*sums)->crc[0];
	tf_memory_count(TF_MEMORY_SCENE, (int64_t)((*sums)->n * sizeof(*sums)->crc[0]));
	digests->sums[index] = g_steal_pointer(sums);
	return true;
}

bool tf_digests_check(TfDigests *digests, uint32_t index, const char *path, int fd, uint64_t size, GError **error)
{
	uint8_t digest[TF_DIGEST_BYTES];
	if (tf_digests_is_checked(digests, index))
		return true;
	g_autofree Sums *sums = new_sums(size, path, error);
	if (!sums || !digest_file(fd, path, size, sums, digest, error))
		return false;
	g_mutex_lock(&digests->lock);
	bool same = settle_locked(digests, index, digest, &sums);
	g_mutex_unlock(&digests->lock);
	if (same)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_CHANGED,
	            "%s: its bytes are not those that its digest was taken of, though size and time are the same: restore the "
	            "file, or touch it if it is meant to be so",
	            path);
	return false;
}

ssize_t tf_digests_read_block(TfDigests *digests, uint32_t index, int fd, uint64_t block,
                              uint8_t room[TF_DIGEST_BLOCK])
{
	const Sums *sums = get_sums(digests, index);
	g_return_val_if_fail(sums != NULL, -1);
	size_t length = 0;
	while (length < TF_DIGEST_BLOCK) {
		ssize_t n = pread(fd, room + length, TF_DIGEST_BLOCK - length, (off_t)(block * TF_DIGEST_BLOCK + length));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	bool same = block < sums->n ? crc_of(room, length) == sums->crc[block] : length == 0;
	if (same)
		return (ssize_t)length;
	errno = EBADMSG;
	return -1;
}

bool tf_digests_check_bytes(TfDigests *digests, uint32_t index, const char *path, const uint8_t *bytes, size_t length,
                            GError **error)
{
	const Sums *sums = get_sums(digests, index);
	g_return_val_if_fail(sums != NULL, false);
	bool same = tf_ceil_div((int64_t)length, TF_DIGEST_BLOCK) == sums->n;
	for (uint32_t i = 0; same && i < sums->n; i++) {
		size_t at = (size_t)i * TF_DIGEST_BLOCK;
		same = crc_of(bytes + at, MIN(TF_DIGEST_BLOCK, length - at)) == sums->crc[i];
	}
	return same || tf_digests_fail(error, path);
}

bool tf_digests_fail(GError **error, const char *path)
{
	g_set_error(error, TF_ERROR, TF_ERROR_CHANGED,
	            "%s: a second reading gave other bytes than the one its digest was taken of", path);
	return false;
}

TfDigestCounts tf_digests_count(TfDigests *digests)
{
	g_mutex_lock(&digests->lock);
	TfDigestCounts counts = digests->counts;
	g_mutex_unlock(&digests->lock);
	return counts;
}
