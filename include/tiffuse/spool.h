/* SPDX-License-Identifier: MIT
 *
 * Decoded rows that do not fit in memory and cost too much to decode again:
 * an unlinked file in a folder on disk, bounded, with the entries that were
 * used longest ago given up when it is full.  Whatever fails here only costs
 * time: the rows can be decoded again.
 *
 * Threads: any.  Lock: its own, a leaf, not held while reading or writing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <tiffuse/error.h>

typedef struct _TfSpool TfSpool;

/* The file is made when it is first needed.  `dir` is copied; max_bytes 0
 * switches the spool off. */
TfSpool *tf_spool_new(const char *dir, uint64_t max_bytes);
void tf_spool_free(TfSpool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfSpool, tf_spool_free)

/* Keeps the pieces, one after the other, as `id`; does nothing and succeeds
 * when it is there already.  TOO_LARGE when it can never fit, IO when the disk
 * refuses (the spool is then switched off), UNSUPPORTED when it is off. */
bool tf_spool_put(TfSpool *spool, uint64_t id, const struct iovec *pieces, int n, GError **error);

bool tf_spool_contains(TfSpool *spool, uint64_t id);

/* Reads rows from an entry: `rows` pieces of `length` bytes, the first at
 * `offset`, each `stride` bytes after the one before, to `to` with to_stride.
 * MISSING when the entry is gone. */
bool tf_spool_read(TfSpool *spool, uint64_t id, uint64_t offset, uint64_t stride, size_t length, uint32_t rows,
                   uint8_t *to, ptrdiff_t to_stride, GError **error);

uint64_t tf_spool_bytes(TfSpool *spool);
