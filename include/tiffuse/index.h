/* SPDX-License-Identifier: MIT
 *
 * What the headers of sources said the last time, kept in a file so that the
 * next mount reads no image; and the digests of sources (verify=digest).  There is one file for each arrangement's origin,
 * replaced as a whole.  But for the digests it only saves time: one that is absent, damaged, torn,
 * too large, of another version or of another user is as good as none.
 *
 * Threads: a loaded index is immutable and may be used by all.  Processes may
 * load and save at the same time; the last to save wins.
 */
#pragma once
#include <tiffuse/digests.h>
#include <tiffuse/scene.h>

typedef struct _TfIndex TfIndex;

/* Which file: `folder` need not exist yet, `origin` is the absolute path of
 * what the sources were found by, and `maker` names the versions that the
 * answers depend on: of an index of another maker only the digests count. */
typedef struct {
	const char *folder, *origin, *maker;
} TfIndexPlace;

/* Never fails: there may be nothing in it. */
TfIndex *tf_index_load(const TfIndexPlace *place);
void tf_index_free(TfIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfIndex, tf_index_free)

uint32_t tf_index_n_sources(const TfIndex *index);

/* Fills *info but for its icc, which counts in a table of the caller's, if the
 * path is known and the identity is exactly the same.  *profile is the ICC
 * profile, borrowed from the index, or NULL. */
bool tf_index_lookup(const TfIndex *index, const char *path, const TfIdentity *identity, TfImageInfo *info,
                     GBytes **profile);

/* The digest of the file of this path, size and mtime.  The rest of its identity
 * may be another one: a copy of the file must have the same bytes, too. */
bool tf_index_digest(const TfIndex *index, const char *path, const TfIdentity *identity,
                     uint8_t digest[TF_DIGEST_BYTES]);

/* infos[i] belongs to paths[i]; those of width 0 are left out.  info.icc counts
 * in `profiles` (GBytes, NULL at index 0).  `probed_ns` is the time (since the
 * epoch) before the first header was read: files that changed less than two
 * seconds before it are left out, for the next change could bear the same
 * time.  Digests are taken over from `previous`.  ACCESS, MISSING, IO or
 * TOO_LARGE; the older file then stays. */
bool tf_index_save(const TfIndexPlace *place, const char *const *paths, const TfImageInfo *infos, uint32_t n,
                   const GPtrArray *profiles, int64_t probed_ns, const TfIndex *previous, GError **error);

typedef struct {
	const char *path;
	TfIdentity identity;
	uint8_t digest[TF_DIGEST_BYTES];
} TfIndexDigest;

/* Enters digests for sources that the saved index has; the others are left
 * out.  *n_kept gets the number of those that it had.  Errors as above. */
bool tf_index_keep_digests(const TfIndexPlace *place, const TfIndexDigest *digests, uint32_t n, uint32_t *n_kept,
                           GError **error);
