/* SPDX-License-Identifier: MIT
 *
 * The inodes of a tree that the kernel knows.  An inode's number is a checksum
 * of what it stands for, so it stays the same when the kernel forgets it, and
 * in the next mount.
 *
 * Threads: any.  Lock: its own, a leaf.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <tiffuse/collection.h>

enum { TF_INO_ROOT = FUSE_ROOT_ID, TF_INO_DOT, TF_INO_STATUS, TF_INO_ERRORS, TF_INO_LOG, TF_INO_END };

typedef struct _Nodes Nodes;

Nodes *tf_nodes_new(void);
void tf_nodes_free(Nodes *nodes);

/* The number of a folder (by its path in the mount) or a mosaic (by its source). */
fuse_ino_t tf_node_number(const char *folder, const char *source);

/* Counts a lookup of a folder (member NULL) or a mosaic. */
fuse_ino_t tf_nodes_add(Nodes *nodes, const char *path, const char *source, TfMember *member);
void tf_nodes_forget(Nodes *nodes, fuse_ino_t ino, uint64_t n);

/* What the kernel asks for by number: a folder's path (the caller frees it), a
 * member, or neither when there is no such node. */
char *tf_nodes_folder(Nodes *nodes, fuse_ino_t ino);
TfMember *tf_nodes_member(Nodes *nodes, fuse_ino_t ino);

/* May the kernel keep the pages that it has of the file, or are they of another
 * fingerprint? */
bool tf_nodes_keep_pages(Nodes *nodes, fuse_ino_t ino, const char *fingerprint);
