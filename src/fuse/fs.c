/* SPDX-License-Identifier: MIT */
#include "fs_private.h"

#include "fs_read.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/log.h>

enum { INO_ROOT = FUSE_ROOT_ID, INO_FILE, INO_DOT, INO_STATUS, INO_SOURCES, INO_LOG, INO_END };

/* What never changes may be remembered for as long as the mount stands. */
static const double FOREVER = 86400;

static const char *name_of(const TfFs *fs, fuse_ino_t ino)
{
	static const char *const names[INO_END] = {
	        [INO_DOT] = ".tiffuse", [INO_STATUS] = "status", [INO_SOURCES] = "sources.csv", [INO_LOG] = "log"};
	return ino == INO_FILE ? fs->file_name : names[ino];
}

static bool is_directory(fuse_ino_t ino)
{
	return ino == INO_ROOT || ino == INO_DOT;
}

static fuse_ino_t parent_of(fuse_ino_t ino)
{
	return ino <= INO_DOT ? INO_ROOT : INO_DOT;
}

static void fill_stat(const TfFs *fs, fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){.st_ino = ino, .st_uid = getuid(), .st_gid = getgid(), .st_nlink = 1, .st_blksize = 4096};
	st->st_mode = is_directory(ino) ? S_IFDIR | 0555 : S_IFREG | 0444;
	st->st_atim = st->st_mtim = st->st_ctim = fs->started;
	if (is_directory(ino))
		st->st_nlink = ino == INO_ROOT ? 3 : 2;
	if (ino != INO_FILE)
		return;
	st->st_size = (off_t)fs->mosaic->layout.file_bytes;
	/* cp looks for holes, and tar -S believes in them, only if this is less than
	 * the size and not 0. */
	st->st_blocks = (blkcnt_t)(tf_mosaic_estimate_bytes(fs->mosaic) / 512 + 1);
	st->st_blksize = 1 << 17;
}

TfFs *tf_fs_new(const TfMosaic *mosaic)
{
	TfFs *fs = g_new0(TfFs, 1);
	fs->mosaic = mosaic;
	fs->file_name = g_strconcat(mosaic->name, ".tif", NULL);
	clock_gettime(CLOCK_REALTIME, &fs->started);
	g_mutex_init(&fs->lock);
	fs->pending = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	return fs;
}

void tf_fs_set_engine(TfFs *fs, TfEngine *engine)
{
	fs->engine = engine;
}

void tf_fs_free(TfFs *fs)
{
	if (!fs)
		return;
	g_hash_table_unref(fs->pending);
	g_mutex_clear(&fs->lock);
	g_free(fs->file_name);
	g_free(fs);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	/* Lookups and reads of one directory or file may run side by side. */
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS)
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
	if (conn->capable & FUSE_CAP_ASYNC_READ)
		conn->want |= FUSE_CAP_ASYNC_READ;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	TfFs *fs = fuse_req_userdata(req);
	struct fuse_entry_param entry = {.attr_timeout = FOREVER, .entry_timeout = FOREVER};
	for (fuse_ino_t ino = INO_FILE; ino < INO_END; ino++) {
		if (parent_of(ino) != parent || strcmp(name, name_of(fs, ino)) != 0)
			continue;
		entry.ino = ino;
		fill_stat(fs, ino, &entry.attr);
		fuse_reply_entry(req, &entry);
		return;
	}
	fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	fill_stat(fuse_req_userdata(req), ino, &st);
	fuse_reply_attr(req, &st, FOREVER);
}

static void add_entry(fuse_req_t req, GByteArray *out, const char *name, fuse_ino_t ino)
{
	struct stat st = {.st_ino = ino, .st_mode = is_directory(ino) ? S_IFDIR : S_IFREG};
	size_t size = fuse_add_direntry(req, NULL, 0, name, NULL, 0);
	guint at = out->len;
	g_byte_array_set_size(out, at + (guint)size);
	fuse_add_direntry(req, (char *)out->data + at, size, name, &st, (off_t)out->len);
}

/* .tiffuse answers to its name but is not listed, so that cp -r takes the file
 * alone. */
static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	TfFs *fs = fuse_req_userdata(req);
	if (!is_directory(ino)) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	g_autoptr(GByteArray) out = g_byte_array_new();
	add_entry(req, out, ".", ino);
	add_entry(req, out, "..", INO_ROOT);
	if (ino == INO_ROOT)
		add_entry(req, out, fs->file_name, INO_FILE);
	for (fuse_ino_t i = INO_STATUS; ino == INO_DOT && i < INO_END; i++)
		add_entry(req, out, name_of(fs, i), i);
	if ((size_t)offset >= out->len)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, (char *)out->data + offset, MIN(size, out->len - (size_t)offset));
}

/* The small files are written anew at each open; fh owns the text. */
static GBytes *text_of(const TfFs *fs, fuse_ino_t ino)
{
	char *text = ino == INO_STATUS    ? tf_engine_status(fs->engine)
	             : ino == INO_SOURCES ? tf_mosaic_csv(fs->mosaic)
	                                  : tf_log_tail();
	return g_bytes_new_take(text, strlen(text));
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	TfFs *fs = fuse_req_userdata(req);
	if (is_directory(ino)) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	fi->keep_cache = ino == INO_FILE;
	fi->direct_io = ino != INO_FILE;
	fi->noflush = 1;
	fi->fh = ino == INO_FILE ? (uintptr_t)tf_reader_new(fs->engine) : (uintptr_t)text_of(fs, ino);
	if (fuse_reply_open(req, fi) != 0) /* the opener was killed: no release will come */
		tf_fs_close(ino == INO_FILE, fi->fh);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	tf_fs_close(ino == INO_FILE, fi->fh);
	fuse_reply_err(req, 0);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	TfFs *fs = fuse_req_userdata(req);
	if (ino == INO_FILE) {
		tf_fs_read(fs, req, (TfReader *)(uintptr_t)fi->fh, (uint64_t)offset, size);
		return;
	}
	/* Held until the reply is out: the file may be closed on another thread. */
	g_autoptr(GBytes) bytes = g_bytes_ref((GBytes *)(uintptr_t)fi->fh);
	gsize length;
	const char *text = g_bytes_get_data(bytes, &length);
	if ((size_t)offset >= length)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, text + offset, MIN(size, length - (size_t)offset));
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	if (ino != INO_FILE || offset < 0)
		fuse_reply_err(req, ENXIO);
	else
		tf_fs_seek(fuse_req_userdata(req), req, (TfReader *)(uintptr_t)fi->fh, (uint64_t)offset, whence);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	TfFs *fs = fuse_req_userdata(req);
	struct statvfs st = {.f_bsize = 4096,
	                     .f_frsize = 4096,
	                     .f_blocks = fs->mosaic->layout.file_bytes / 4096 + 1,
	                     .f_files = INO_END - 1,
	                     .f_namemax = 255};
	fuse_reply_statfs(req, &st);
}

static const struct {
	const char *name;
} attributes[] = {{"user.tiffuse.fingerprint"}};

static void reply_text(fuse_req_t req, const char *text, size_t length, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, length);
	else if (size < length)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, text, length);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	const TfFs *fs = fuse_req_userdata(req);
	if (ino == INO_FILE && strcmp(name, attributes[0].name) == 0)
		reply_text(req, fs->mosaic->fingerprint, strlen(fs->mosaic->fingerprint), size);
	else
		fuse_reply_err(req, ENODATA);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	g_autoptr(GString) list = g_string_new(NULL);
	for (gsize i = 0; ino == INO_FILE && i < G_N_ELEMENTS(attributes); i++)
		g_string_append_len(list, attributes[i].name, (gssize)strlen(attributes[i].name) + 1);
	reply_text(req, list->str, list->len, size);
}

/* --- what would write ------------------------------------------------------------ */

static void refuse_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                          const char *new_name, unsigned flags)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                         struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                          struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                            int flags)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fuse_reply_err(req, EROFS);
}

static void refuse_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                             struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

const struct fuse_lowlevel_ops tf_fs_operations = {
        .init = op_init,
        .lookup = op_lookup,
        .getattr = op_getattr,
        .readdir = op_readdir,
        .open = op_open,
        .release = op_release,
        .read = op_read,
        .lseek = op_lseek,
        .statfs = op_statfs,
        .getxattr = op_getxattr,
        .listxattr = op_listxattr,
        .setattr = refuse_setattr,
        .mknod = refuse_mknod,
        .mkdir = refuse_mkdir,
        .unlink = refuse_remove,
        .rmdir = refuse_remove,
        .symlink = refuse_symlink,
        .rename = refuse_rename,
        .link = refuse_link,
        .write = refuse_write,
        .create = refuse_create,
        .setxattr = refuse_setxattr,
        .removexattr = refuse_removexattr,
        .fallocate = refuse_fallocate,
};
