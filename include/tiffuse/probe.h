/* SPDX-License-Identifier: MIT
 *
 * What the headers of image files say, read in parallel and without decoding
 * a pixel: for a JPEG only the bytes up to its first scan are read.
 *
 * Threads: tf_probe_all() starts and joins its own; the result is the caller's.
 */
#pragma once
#include <tiffuse/scene.h>

/* The distinct ICC profiles that were met: index 0 is "none" and NULL. */
typedef struct {
	GPtrArray *profiles; /* GBytes, or NULL at index 0 */
} TfProfiles;

void tf_profiles_free(TfProfiles *profiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfProfiles, tf_profiles_free)

/* Is it known what the header of this file says?  Then fills *info but for its
 * icc, and *profile (borrowed until tf_probe_all() returns, or NULL).  Called
 * by all threads at once. */
typedef bool (*TfProbeLookup)(const char *path, const TfIdentity *identity, TfImageInfo *info, GBytes **profile,
                              void *data);

typedef struct {
	unsigned threads;
	int32_t max_side;     /* of an image, px; 0: no limit */
	bool missing_fill;    /* a file that does not exist gives width 0 instead of an error */
	TfProbeLookup lookup; /* or NULL: every file is opened */
	void *lookup_data;
	uint32_t *n_opened, *n_known; /* get the numbers of files that had to be opened or were known; or NULL */
} TfProbeOptions;

/* Fills infos[i] for paths[i].  *profiles is NULL or a table from an earlier
 * call, which gets what is new in this one.  On failure the error is the first ten that
 * occurred, in the order of the paths, on one line: MISSING, ACCESS, DAMAGED
 * (a header that is cut), UNSUPPORTED (not an image that libvips loads
 * safely) or TOO_LARGE. */
bool tf_probe_all(const char *const *paths, uint32_t n, const TfProbeOptions *options, TfImageInfo *infos,
                  TfProfiles **profiles, GError **error);
