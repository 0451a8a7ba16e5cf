/* SPDX-License-Identifier: MIT
 *
 * The file systems: a root with NAME.tif, or the tree of a root with many; and
 * .tiffuse/ (not listed) with status, log, and sources.csv or errors.
 * Everything that would write gets EROFS.
 *
 * Threads: the session's; none of them computes or waits.
 */
#pragma once
#include <tiffuse/collection.h>

typedef struct _TfFs TfFs;

/* The mosaic is borrowed. */
TfFs *tf_fs_new(const TfMosaic *mosaic);

/* What makes its bytes, borrowed; before the first request is served. */
void tf_fs_set_engine(TfFs *fs, TfEngine *engine);

/* `root` is an absolute path without links. */
TfFs *tf_fs_new_tree(const char *root);

/* What opens its mosaics, taken; before the first request is served. */
void tf_fs_set_collection(TfFs *fs, TfCollection *collection);

/* Takes no more work and answers what waits, at once. */
void tf_fs_stop(TfFs *fs);

/* The text of .tiffuse/status. */
char *tf_fs_status(TfFs *fs);

/* Reads that are still pending must have been answered. */
void tf_fs_free(TfFs *fs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfFs, tf_fs_free)
