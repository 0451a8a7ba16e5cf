/* SPDX-License-Identifier: MIT
 *
 * Open descriptors of sources: an LRU of at most a few hundred, never one for
 * each source.  Opening never blocks (O_NONBLOCK; regular files only) and
 * compares the file with the identity that the scene remembers.
 *
 * Threads: any.  Lock: the table's own, a leaf, not held across open().
 */
#pragma once
#include <tiffuse/digests.h>
#include <tiffuse/scene.h>

typedef struct _TfFiles TfFiles;

/* `scene` is borrowed and must outlive the table. */
TfFiles *tf_files_new(const TfScene *scene, unsigned max_open);
void tf_files_free(TfFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfFiles, tf_files_free)

/* From now on sources are digested at their first use; `digests` is borrowed.
 * Whoever reads one must then compare each block. */
void tf_files_set_digests(TfFiles *files, TfDigests *digests);
TfDigests *tf_files_digests(const TfFiles *files); /* or NULL */

/* Digests the source unless that was done; part of tf_files_acquire(). */
bool tf_files_check(TfFiles *files, uint32_t index, int fd, GError **error);

/* A descriptor for source `index`, kept open until tf_files_release().  Only
 * for pread and fstat: it is shared.  -1 with MISSING, ACCESS, CHANGED or IO. */
int tf_files_acquire(TfFiles *files, uint32_t index, GError **error);
void tf_files_release(TfFiles *files, uint32_t index, int fd);

/* Is the open file still what the scene remembers?  Else CHANGED. */
bool tf_files_verify(TfFiles *files, uint32_t index, int fd, GError **error);

/* To be called after every use of the file, with whether it succeeded: if the
 * file is another one now, the error is CHANGED whatever it was before, for a
 * file that changes under a decoder looks damaged. */
bool tf_files_settle(TfFiles *files, uint32_t index, int fd, bool ok, GError **error);

unsigned tf_files_open_count(TfFiles *files);

/* stat of `path` as an identity; refuses all but regular files (ACCESS). */
bool tf_identity_of_path(const char *path, TfIdentity *identity, GError **error);

/* Opens a regular file without ever blocking and tells its identity. */
int tf_open_regular(const char *path, TfIdentity *identity, GError **error);
