/* SPDX-License-Identifier: MIT
 *
 * verify=digest: is what is read of a source what it was when its digest was
 * taken?  At the first use in a mount a source is read in whole: its SHA-256 must
 * be the one that is known from before, or is taken now.  The same reading leaves
 * a checksum (CRC-32) of each block in memory; whatever is read later is compared
 * with that, so that no second reading of the whole is needed, and none between
 * the look and the use escapes.
 *
 * Threads: any.  Lock: its own, a leaf, not held while reading.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <tiffuse/error.h>

enum { TF_DIGEST_BYTES = 32, TF_DIGEST_BLOCK = 64 * 1024 };

typedef struct _TfDigests TfDigests;

TfDigests *tf_digests_new(uint32_t n_sources);
void tf_digests_free(TfDigests *digests);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfDigests, tf_digests_free)

/* Memory for so many sources of so many bytes, when all are checked. */
uint64_t tf_digests_need(uint32_t n_sources, uint64_t source_bytes);

/* The digest that the source must have; before its first use. */
void tf_digests_expect(TfDigests *digests, uint32_t index, const uint8_t digest[TF_DIGEST_BYTES]);

typedef enum { TF_DIGEST_NONE, TF_DIGEST_EXPECTED, TF_DIGEST_TAKEN } TfDigestState;

/* EXPECTED and TAKEN: fills `digest`. */
TfDigestState tf_digests_get(TfDigests *digests, uint32_t index, uint8_t digest[TF_DIGEST_BYTES]);

/* Was the source read in whole, and found to be as expected? */
bool tf_digests_is_checked(TfDigests *digests, uint32_t index);

/* Reads the whole file, `size` bytes, unless that was done.  CHANGED when the
 * digest is another one; IO, NO_MEMORY.  Whether the file was replaced meanwhile
 * is for the caller to see. */
bool tf_digests_check(TfDigests *digests, uint32_t index, const char *path, int fd, uint64_t size, GError **error);

/* Reads a block of a source that is checked: its bytes (fewer at the end of the
 * file, 0 behind it) are what was digested.  Otherwise -1 with errno; EBADMSG
 * when they are not. */
ssize_t tf_digests_read_block(TfDigests *digests, uint32_t index, int fd, uint64_t block,
                              uint8_t room[TF_DIGEST_BLOCK]);

/* The same for a file that is in memory as a whole: CHANGED. */
bool tf_digests_check_bytes(TfDigests *digests, uint32_t index, const char *path, const uint8_t *bytes, size_t length,
                            GError **error);

/* What EBADMSG means; always returns false. */
bool tf_digests_fail(GError **error, const char *path);

typedef struct {
	uint32_t checked, taken, differing;
} TfDigestCounts; /* sources */

TfDigestCounts tf_digests_count(TfDigests *digests);
