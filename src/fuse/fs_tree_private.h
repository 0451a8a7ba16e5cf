/* SPDX-License-Identifier: MIT */
#pragma once
#include "fs_nodes.h"
#include "fs_private.h"

#include <stdatomic.h>
#include <tiffuse/catalogue.h>
#include <tiffuse/collection.h>

typedef struct {
	TfFs base;
	char *root;
	TfCatalogue *catalogue;
	Nodes *nodes;
	TfCollection *collection;
	GThreadPool *scanners; /* run tasks */
	GQueue handles;        /* of open files; guarded by base.lock */
} TreeFs;

/* A request that reads from the root's disk or waits for a mosaic. */
typedef struct _Task Task;
struct _Task {
	Pending pending;
	TreeFs *fs;
	void (*run)(Task *task);
	_Atomic bool answered;
	fuse_ino_t ino;
	TfMember *member;    /* of a mosaic */
	const char *source;  /* of the mosaic that was looked up; the member's */
	char *path;          /* of a folder, in the mount */
	char *name;          /* looked up in the folder; else NULL */
	size_t size;         /* of an attribute's buffer */
	const struct Attribute *attribute; /* that is asked for */
	struct Access *access; /* to an open file; fs_tree_file.c's */
};

/* True for the one who may answer. */
bool tf_task_claim(Task *task);
void tf_task_fail(Task *task, const GError *error);
/* func gets the task as data, with a reference of its own. */
void tf_task_open(Task *task, TfMemberNeed need, TfMemberFunc func);
Task *tf_task_new(fuse_req_t req, fuse_ino_t ino, void (*run)(Task *task));
void tf_task_push(Task *task);

/* --- fs_tree_file.c: open files ---------------------------------------------------- */
void tf_tree_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* Those whose release never came, after the collection was freed. */
void tf_tree_forget_files(TreeFs *fs);
void tf_tree_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void tf_tree_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void tf_tree_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
