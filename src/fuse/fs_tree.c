/* SPDX-License-Identifier: MIT
 *
 * A tree of mosaics: the folders of a root, with a .tif for each folder or
 * arrangement file that is a mosaic, and .tiffuse (not listed) with status,
 * errors and log.
 *
 * Whatever reads from the root's disk is a *task* on a thread of its own, and
 * opening a mosaic goes on on the collection's threads; who asked is answered
 * by the last of them, or at once when he is interrupted.
 */
#include "fs_tree_private.h"

#include "fs_read.h"
#include "fs_readonly.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/log.h>

enum { MAX_SCANNERS = 8 }; /* so that some may hang in a network that is gone */

/* Names and sizes may change while it is mounted. */
static const double TIMEOUT_S = 1;

/* --- tasks ----------------------------------------------------------------------------- */

static void free_task(Pending *pending)
{
	Task *task = (Task *)pending;
	g_free(task->path);
	g_free(task->name);
	g_free(task->access);
	g_free(task);
}

bool tf_task_claim(Task *task)
{
	if (atomic_exchange(&task->answered, true))
		return false;
	tf_pending_end(&task->pending);
	return true;
}

static void interrupt_task(Pending *pending)
{
	Task *task = (Task *)pending;
	if (tf_task_claim(task))
		fuse_reply_err(pending->req, EINTR);
}

/* EINVAL, which options and arrangements give, would blame the caller. */
static int errno_of(const GError *error)
{
	int errnum = tf_error_errno(error);
	return errnum == EINVAL ? EIO : errnum;
}

void tf_task_fail(Task *task, const GError *error)
{
	if (tf_task_claim(task))
		fuse_reply_err(task->pending.req, errno_of(error));
}

static void run_task(gpointer data, gpointer user_data)
{
	Task *task = data;
	task->run(task);
	tf_pending_unref(&task->pending);
}

/* `run` is called on another thread. */
Task *tf_task_new(fuse_req_t req, fuse_ino_t ino, void (*run)(Task *task))
{
	TreeFs *fs = fuse_req_userdata(req);
	Task *task = g_new0(Task, 1);
	task->fs = fs;
	task->ino = ino;
	task->run = run;
	task->member = tf_nodes_member(fs->nodes, ino);
	task->path = tf_nodes_folder(fs->nodes, ino);
	tf_pending_start(&task->pending, &fs->base, req, interrupt_task, free_task);
	return task;
}

void tf_task_push(Task *task)
{
	g_thread_pool_push(task->fs->scanners, task, NULL);
}

void tf_task_open(Task *task, TfMemberNeed need, TfMemberFunc func)
{
	tf_pending_ref(&task->pending);
	tf_member_open(task->member, need, func, task);
}

/* --- stat -------------------------------------------------------------------------------- */

static bool is_special(fuse_ino_t ino)
{
	return ino >= TF_INO_DOT && ino < TF_INO_END;
}

static void reply_stat(Task *task, struct stat *st)
{
	if (!tf_task_claim(task)) {
		if (task->name)
			tf_nodes_forget(task->fs->nodes, st->st_ino, 1);
		return;
	}
	if (!task->name) {
		fuse_reply_attr(task->pending.req, st, TIMEOUT_S);
		return;
	}
	struct fuse_entry_param entry = {.ino = st->st_ino, .attr = *st, .attr_timeout = TIMEOUT_S, .entry_timeout = TIMEOUT_S};
	if (fuse_reply_entry(task->pending.req, &entry) != 0)
		tf_nodes_forget(task->fs->nodes, st->st_ino, 1);
}

/* The kernel counts a lookup when it gets the reply. */
static fuse_ino_t number_for(Task *task, const char *path, const char *source)
{
	return task->name ? tf_nodes_add(task->fs->nodes, path, source, source ? task->member : NULL) : task->ino;
}

static bool reply_facts(Task *task)
{
	TfMemberFacts facts;
	if (!tf_member_facts(task->member, &facts))
		return false;
	struct stat st = tf_stat_of(number_for(task, NULL, task->source), false, facts.changed);
	tf_stat_set_size(&st, facts.file_bytes, facts.estimated_bytes);
	reply_stat(task, &st);
	return true;
}

static void on_open_for_stat(TfMember *member, const GError *error, void *data)
{
	Task *task = data;
	if (error) {
		tf_task_fail(task, error);
	} else {
		reply_facts(task);
		tf_member_unpin(member);
	}
	tf_pending_unref(&task->pending);
}

static void stat_member(Task *task)
{
	tf_member_look(task->member);
	if (!reply_facts(task))
		tf_task_open(task, TF_NEED_MOSAIC, on_open_for_stat);
}

static void stat_folder(Task *task, const char *path)
{
	g_autofree char *real = g_build_filename(task->fs->root, path, NULL);
	struct stat st;
	if (lstat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
		if (tf_task_claim(task))
			fuse_reply_err(task->pending.req, ENOENT);
		return;
	}
	st = tf_stat_of(number_for(task, path, NULL), true, st.st_mtim);
	reply_stat(task, &st);
}

static void run_getattr(Task *task)
{
	if (task->member)
		stat_member(task);
	else
		stat_folder(task, task->path);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	TreeFs *fs = fuse_req_userdata(req);
	if (is_special(ino)) {
		struct stat st = tf_stat_of(ino, ino == TF_INO_DOT, fs->base.started);
		fuse_reply_attr(req, &st, TIMEOUT_S);
		return;
	}
	Task *task = tf_task_new(req, ino, run_getattr);
	if (task->member || task->path)
		tf_task_push(task);
	else {
		if (tf_task_claim(task))
			fuse_reply_err(req, ENOENT);
		tf_pending_unref(&task->pending);
	}
}

/* --- names --------------------------------------------------------------------------------- */

static const char *special_name(fuse_ino_t ino)
{
	static const char *const names[TF_INO_END] = {[TF_INO_DOT] = ".tiffuse",
	                                              [TF_INO_STATUS] = "status",
	                                              [TF_INO_ERRORS] = "errors",
	                                              [TF_INO_LOG] = "log"};
	return names[ino];
}

static fuse_ino_t find_special(fuse_ino_t parent, const char *name)
{
	for (fuse_ino_t ino = TF_INO_DOT; ino < TF_INO_END; ino++) {
		fuse_ino_t folder = ino == TF_INO_DOT ? TF_INO_ROOT : TF_INO_DOT;
		if (folder == parent && strcmp(name, special_name(ino)) == 0)
			return ino;
	}
	return 0;
}

static void run_lookup(Task *task)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfCatalogueEntry) entry = tf_catalogue_find(task->fs->catalogue, task->path, task->name, &error);
	if (!entry) {
		bool missing = g_error_matches(error, TF_ERROR, TF_ERROR_MISSING);
		if (tf_task_claim(task))
			fuse_reply_err(task->pending.req, missing ? ENOENT : errno_of(error));
		return;
	}
	if (!entry->source) {
		g_autofree char *path = *task->path ? g_build_filename(task->path, task->name, NULL) : g_strdup(task->name);
		stat_folder(task, path);
		return;
	}
	task->member = tf_collection_member(task->fs->collection, entry->source);
	task->source = tf_member_source(task->member);
	stat_member(task);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	TreeFs *fs = fuse_req_userdata(req);
	fuse_ino_t special = find_special(parent, name);
	if (special) {
		struct fuse_entry_param entry = {.ino = special, .attr_timeout = TIMEOUT_S, .entry_timeout = TIMEOUT_S};
		entry.attr = tf_stat_of(special, special == TF_INO_DOT, fs->base.started);
		fuse_reply_entry(req, &entry);
		return;
	}
	Task *task = tf_task_new(req, parent, run_lookup);
	if (!task->path) {
		if (tf_task_claim(task))
			fuse_reply_err(req, ENOENT);
		tf_pending_unref(&task->pending);
		return;
	}
	task->name = g_strdup(name);
	tf_task_push(task);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	tf_nodes_forget(((TreeFs *)fuse_req_userdata(req))->nodes, ino, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		tf_nodes_forget(((TreeFs *)fuse_req_userdata(req))->nodes, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void reply_listing(Task *task, GByteArray *listing)
{
	struct fuse_file_info fi = {.fh = (uintptr_t)listing};
	if (!tf_task_claim(task) || fuse_reply_open(task->pending.req, &fi) != 0)
		g_byte_array_unref(listing);
}

static void run_opendir(Task *task)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = tf_catalogue_list(task->fs->catalogue, task->path, &error);
	if (!entries) {
		tf_task_fail(task, error);
		return;
	}
	GByteArray *listing = g_byte_array_new();
	tf_add_dirent(listing, ".", task->ino, true);
	tf_add_dirent(listing, "..", TF_INO_ROOT, true);
	for (guint i = 0; i < entries->len; i++) {
		const TfCatalogueEntry *entry = entries->pdata[i];
		g_autofree char *path = *task->path ? g_build_filename(task->path, entry->name, NULL) : g_strdup(entry->name);
		tf_add_dirent(listing, entry->name, tf_node_number(path, entry->source), !entry->source);
	}
	reply_listing(task, listing);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	Task *task = tf_task_new(req, ino, run_opendir);
	if (task->path) {
		tf_task_push(task);
		return;
	}
	if (ino == TF_INO_DOT) {
		GByteArray *listing = g_byte_array_new();
		tf_add_dirent(listing, ".", ino, true);
		tf_add_dirent(listing, "..", TF_INO_ROOT, true);
		for (fuse_ino_t i = TF_INO_STATUS; i < TF_INO_END; i++)
			tf_add_dirent(listing, special_name(i), i, false);
		reply_listing(task, listing);
	} else if (tf_task_claim(task)) {
		fuse_reply_err(req, ENOTDIR);
	}
	tf_pending_unref(&task->pending);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const GByteArray *listing = (GByteArray *)(uintptr_t)fi->fh;
	tf_reply_part(req, listing->data, listing->len, size, offset);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	g_byte_array_unref((GByteArray *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}

/* --- attributes ------------------------------------------------------------------------------ */

static char *fingerprint_text(TfMember *member)
{
	return g_strdup(tf_member_mosaic(member)->fingerprint);
}

static char *damaged_text(TfMember *member)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, tf_engine_damaged_tiles(tf_member_engine(member)));
}

static char *status_text(TfMember *member)
{
	return tf_engine_status(tf_member_engine(member));
}

static const struct Attribute {
	const char *name;
	TfMemberNeed need;
	char *(*text)(TfMember *member);
} attributes[] = {{"user.tiffuse.fingerprint", TF_NEED_MOSAIC, fingerprint_text},
                  {"user.tiffuse.damaged", TF_NEED_ENGINE, damaged_text},
                  {"user.tiffuse.status", TF_NEED_ENGINE, status_text}};

static void on_open_for_xattr(TfMember *member, const GError *error, void *data)
{
	Task *task = data;
	if (error) {
		tf_task_fail(task, error);
	} else {
		g_autofree char *text = task->attribute->text(member);
		if (tf_task_claim(task))
			tf_reply_xattr(task->pending.req, text, strlen(text), task->size);
		tf_member_unpin(member);
	}
	tf_pending_unref(&task->pending);
}

static void run_getxattr(Task *task)
{
	tf_member_look(task->member);
	tf_task_open(task, task->attribute->need, on_open_for_xattr);
}

/* The kernel asks for attributes of others all the time: these wait for nothing. */
static const struct Attribute *find_attribute(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(attributes); i++)
		if (strcmp(name, attributes[i].name) == 0)
			return &attributes[i];
	return NULL;
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	TreeFs *fs = fuse_req_userdata(req);
	const struct Attribute *attribute = find_attribute(name);
	if (!attribute || !tf_nodes_member(fs->nodes, ino)) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	Task *task = tf_task_new(req, ino, run_getxattr);
	task->size = size;
	task->attribute = attribute;
	tf_task_push(task);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	TreeFs *fs = fuse_req_userdata(req);
	g_autoptr(GString) list = g_string_new(NULL);
	for (gsize i = 0; tf_nodes_member(fs->nodes, ino) && i < G_N_ELEMENTS(attributes); i++)
		g_string_append_len(list, attributes[i].name, (gssize)strlen(attributes[i].name) + 1);
	tf_reply_xattr(req, list->str, list->len, size);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};
	fuse_reply_statfs(req, &st);
}

/* --- the whole ----------------------------------------------------------------------------- */

static const struct fuse_lowlevel_ops operations = {
        .init = tf_fs_on_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .releasedir = op_releasedir,
        .open = tf_tree_open,
        .release = tf_tree_release,
        .read = tf_tree_read,
        .lseek = tf_tree_lseek,
        .statfs = op_statfs,
        .getxattr = op_getxattr,
        .listxattr = op_listxattr,
        TF_FS_READ_ONLY,
};

static void stop(TfFs *base)
{
	tf_collection_stop(((TreeFs *)base)->collection);
}

static char *status(TfFs *base)
{
	return tf_collection_status(((TreeFs *)base)->collection);
}

/* Tasks first: they use the collection; then what it still answers. */
static void free_fs(TfFs *base)
{
	TreeFs *fs = (TreeFs *)base;
	if (fs->scanners)
		g_thread_pool_free(fs->scanners, FALSE, TRUE);
	tf_collection_free(fs->collection);
	tf_tree_forget_files(fs);
	tf_catalogue_free(fs->catalogue);
	tf_nodes_free(fs->nodes);
	tf_fs_clear(base);
	g_free(fs->root);
	g_free(fs);
}

TfFs *tf_fs_new_tree(const char *root)
{
	TreeFs *fs = g_new0(TreeFs, 1);
	fs->base = (TfFs){.operations = &operations, .stop = stop, .status = status, .free = free_fs};
	tf_fs_init(&fs->base);
	fs->root = g_strdup(root);
	fs->catalogue = tf_catalogue_new(root);
	fs->nodes = tf_nodes_new();
	return &fs->base;
}

void tf_fs_set_collection(TfFs *base, TfCollection *collection)
{
	TreeFs *fs = (TreeFs *)base;
	fs->collection = collection;
	fs->scanners = g_thread_pool_new(run_task, fs, MAX_SCANNERS, FALSE, NULL);
}
