/* SPDX-License-Identifier: MIT
 *
 * Open files of a tree.  A handle does not keep its mosaic open: each request
 * opens it again where it was closed, and goes on only if it is the same
 * mosaic by its fingerprint, since a file must not change under its reader.
 */
#include "fs_read.h"
#include "fs_tree_private.h"

#include <errno.h>
#include <string.h>
#include <tiffuse/log.h>

typedef struct {
	TfMember *member; /* or NULL: a small file */
	GBytes *text;     /* of a small file */
	char *fingerprint;
	GList link;       /* in fs->handles */
	GMutex lock;      /* guards what follows; before the engine's */
	uint64_t generation;
	TfReader *reader; /* of the engine of that generation, which frees it when it ends */
} Handle;

static Handle *new_handle(TreeFs *fs, TfMember *member, char *text)
{
	Handle *handle = g_new0(Handle, 1);
	handle->member = member;
	handle->text = text ? g_bytes_new_take(text, strlen(text)) : NULL;
	g_mutex_init(&handle->lock);
	if (member) {
		tf_member_hold(member);
		handle->fingerprint = g_strdup(tf_member_mosaic(member)->fingerprint);
	}
	handle->link.data = handle;
	g_mutex_lock(&fs->base.lock);
	g_queue_push_tail_link(&fs->handles, &handle->link);
	g_mutex_unlock(&fs->base.lock);
	return handle;
}

static void forget_handle(Handle *handle)
{
	g_clear_pointer(&handle->text, g_bytes_unref);
	g_mutex_clear(&handle->lock);
	g_free(handle->fingerprint);
	g_free(handle);
}

static void free_handle(TreeFs *fs, Handle *handle)
{
	g_mutex_lock(&fs->base.lock);
	g_queue_unlink(&fs->handles, &handle->link);
	g_mutex_unlock(&fs->base.lock);
	if (handle->reader && tf_member_pin_same(handle->member, handle->generation)) {
		tf_reader_free(handle->reader);
		tf_member_unpin(handle->member);
	}
	if (handle->member)
		tf_member_unhold(handle->member);
	forget_handle(handle);
}

void tf_tree_forget_files(TreeFs *fs)
{
	Handle *handle;
	while ((handle = g_queue_peek_head(&fs->handles))) {
		g_queue_unlink(&fs->handles, &handle->link);
		forget_handle(handle);
	}
}

/* The reader in the engine that is pinned. */
static TfReader *reader_of(Handle *handle)
{
	uint64_t generation = tf_member_generation(handle->member);
	g_mutex_lock(&handle->lock);
	if (handle->generation != generation) {
		handle->reader = tf_reader_new(tf_member_engine(handle->member));
		handle->generation = generation;
	}
	TfReader *reader = handle->reader;
	g_mutex_unlock(&handle->lock);
	return reader;
}

/* --- opening ------------------------------------------------------------------------------- */

static void reply_open(fuse_req_t req, Handle *handle, bool keep_cache)
{
	TreeFs *fs = fuse_req_userdata(req); /* the reply frees req */
	struct fuse_file_info fi = {
	        .fh = (uintptr_t)handle, .keep_cache = keep_cache, .direct_io = handle->text != NULL, .noflush = 1};
	if (fuse_reply_open(req, &fi) != 0) /* the opener was killed: no release will come */
		free_handle(fs, handle);
}

static void on_open(TfMember *member, const GError *error, void *data)
{
	Task *task = data;
	if (error) {
		tf_task_fail(task, error);
	} else {
		if (tf_task_claim(task)) {
			Handle *handle = new_handle(task->fs, member, NULL);
			bool keep = tf_nodes_keep_pages(task->fs->nodes, task->ino, handle->fingerprint);
			reply_open(task->pending.req, handle, keep);
		}
		tf_member_unpin(member);
	}
	tf_pending_unref(&task->pending);
}

static void run_open_errors(Task *task)
{
	char *text = tf_collection_errors(task->fs->collection);
	if (tf_task_claim(task))
		reply_open(task->pending.req, new_handle(task->fs, NULL, text), false);
	else
		g_free(text);
}

static void run_open(Task *task)
{
	tf_member_look(task->member);
	tf_task_open(task, TF_NEED_ENGINE, on_open);
}

void tf_tree_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	TreeFs *fs = fuse_req_userdata(req);
	char *text = NULL;
	bool is_file = ino == TF_INO_STATUS || ino == TF_INO_ERRORS || ino == TF_INO_LOG || tf_nodes_member(fs->nodes, ino);
	if (tf_reply_refusal(req, fi, !is_file))
		return;
	if (ino == TF_INO_STATUS)
		text = tf_collection_status(fs->collection);
	else if (ino == TF_INO_LOG)
		text = tf_log_tail();
	if (text)
		reply_open(req, new_handle(fs, NULL, text), false);
	else
		tf_task_push(tf_task_new(req, ino, ino == TF_INO_ERRORS ? run_open_errors : run_open));
}

void tf_tree_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	free_handle(fuse_req_userdata(req), (Handle *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}

/* --- reading ------------------------------------------------------------------------------- */

static void unpin(void *member)
{
	tf_member_unpin(member);
}

typedef struct Access {
	Handle *handle; /* stays until the request is answered */
	off_t offset;
	size_t size;
	int whence;
	bool seeks;
} Access;

static bool is_same(const TfMember *member, const Handle *handle)
{
	if (strcmp(tf_member_mosaic(member)->fingerprint, handle->fingerprint) == 0)
		return true;
	tf_log_once(TF_LOG_WARNING, tf_member_source(member),
	            "%s: the sources changed while the mosaic was open; who has it open must open it again",
	            tf_member_source(member));
	return false;
}

/* The member is pinned, and nobody else answers. */
static void go_on(Task *task, TfMember *member, const Access *access)
{
	TfEngine *engine = tf_member_engine(member);
	fuse_req_t req = task->pending.req;
	if (!is_same(member, access->handle)) {
		fuse_reply_err(req, ESTALE);
		tf_member_unpin(member);
		return;
	}
	TfReader *reader = reader_of(access->handle);
	if (access->seeks)
		tf_fs_seek(&task->fs->base, req, engine, reader, (uint64_t)access->offset, access->whence, unpin, member);
	else
		tf_fs_read(&task->fs->base, req, engine, reader, (uint64_t)access->offset, access->size, unpin, member);
}

static void on_access(TfMember *member, const GError *error, void *data)
{
	Task *task = data;
	if (error)
		tf_task_fail(task, error);
	else if (tf_task_claim(task))
		go_on(task, member, task->access);
	else
		tf_member_unpin(member);
	tf_pending_unref(&task->pending);
}

static void start_access(fuse_req_t req, fuse_ino_t ino, const Access *access)
{
	Task *task = tf_task_new(req, ino, NULL);
	task->access = g_memdup2(access, sizeof *access);
	task->member = access->handle->member;
	tf_task_open(task, TF_NEED_ENGINE, on_access);
	tf_pending_unref(&task->pending);
}

void tf_tree_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	Handle *handle = (Handle *)(uintptr_t)fi->fh;
	if (handle->member) {
		start_access(req, ino, &(Access){.handle = handle, .offset = offset, .size = size});
		return;
	}
	/* Held until the reply is out: the file may be closed on another thread. */
	g_autoptr(GBytes) text = g_bytes_ref(handle->text);
	gsize length;
	const void *bytes = g_bytes_get_data(text, &length);
	tf_reply_part(req, bytes, length, size, offset);
}

void tf_tree_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	Handle *handle = (Handle *)(uintptr_t)fi->fh;
	((TreeFs *)fuse_req_userdata(req))->base.asked = true;
	if (handle->member && offset >= 0)
		start_access(req, ino, &(Access){.handle = handle, .offset = offset, .whence = whence, .seeks = true});
	else
		fuse_reply_err(req, ENXIO);
}
