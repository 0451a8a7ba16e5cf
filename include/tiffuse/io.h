/* SPDX-License-Identifier: MIT
 *
 * Reading and writing a range of a file as a whole: short transfers go on,
 * signals are passed over.
 *
 * Threads: any; the descriptor's own position is neither used nor moved.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false with errno set; ENODATA when the file ends before. */
bool tf_pread_all(int fd, void *to, size_t length, uint64_t offset);
bool tf_pwrite_all(int fd, const void *from, size_t length, uint64_t offset);

/* A file in the folder that nobody else can open and that goes with its
 * descriptor; -1 with errno set. */
int tf_open_unlinked(const char *folder);
