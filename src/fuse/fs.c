/* SPDX-License-Identifier: MIT */
#include "fs_read.h"
#include "fs_readonly.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/log.h>

enum { INO_ROOT = FUSE_ROOT_ID, INO_FILE, INO_DOT, INO_STATUS, INO_SOURCES, INO_LOG, INO_END };

/* What never changes may be remembered for as long as the mount stands. */
static const double FOREVER = 86400;

typedef struct {
	TfFs base;
	const TfMosaic *mosaic;
	TfEngine *engine;
	char *file_name; /* NAME.tif */
} OneFs;

static const char *name_of(const OneFs *fs, fuse_ino_t ino)
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

static struct stat stat_of(const OneFs *fs, fuse_ino_t ino)
{
	struct stat st = tf_stat_of(ino, is_directory(ino), fs->base.started);
	if (ino == INO_ROOT)
		st.st_nlink = 3;
	if (ino == INO_FILE)
		tf_stat_set_size(&st, fs->mosaic->layout.file_bytes, tf_mosaic_estimate_bytes(fs->mosaic));
	return st;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	OneFs *fs = fuse_req_userdata(req);
	struct fuse_entry_param entry = {.attr_timeout = FOREVER, .entry_timeout = FOREVER};
	for (fuse_ino_t ino = INO_FILE; ino < INO_END; ino++) {
		if (parent_of(ino) != parent || strcmp(name, name_of(fs, ino)) != 0)
			continue;
		entry.ino = ino;
		entry.attr = stat_of(fs, ino);
		fuse_reply_entry(req, &entry);
		return;
	}
	fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = stat_of(fuse_req_userdata(req), ino);
	fuse_reply_attr(req, &st, FOREVER);
}

/* .tiffuse answers to its name but is not listed, so that cp -r takes the file
 * alone. */
static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	OneFs *fs = fuse_req_userdata(req);
	if (!is_directory(ino)) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	g_autoptr(GByteArray) out = g_byte_array_new();
	tf_add_dirent(out, ".", ino, true);
	tf_add_dirent(out, "..", INO_ROOT, true);
	if (ino == INO_ROOT)
		tf_add_dirent(out, fs->file_name, INO_FILE, false);
	for (fuse_ino_t i = INO_STATUS; ino == INO_DOT && i < INO_END; i++)
		tf_add_dirent(out, name_of(fs, i), i, false);
	tf_reply_part(req, out->data, out->len, size, offset);
}

/* The small files are written anew at each open; fh owns the text. */
static GBytes *text_of(const OneFs *fs, fuse_ino_t ino)
{
	char *text = ino == INO_STATUS    ? tf_engine_status(fs->engine)
	             : ino == INO_SOURCES ? tf_mosaic_csv(fs->mosaic)
	                                  : tf_log_tail();
	return g_bytes_new_take(text, strlen(text));
}

/* fh is a TfReader of the big file or the GBytes of a small one. */
static void close_handle(fuse_ino_t ino, uint64_t fh)
{
	if (ino == INO_FILE)
		tf_reader_free((TfReader *)(uintptr_t)fh);
	else
		g_bytes_unref((GBytes *)(uintptr_t)fh);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	OneFs *fs = fuse_req_userdata(req);
	if (tf_reply_refusal(req, fi, is_directory(ino)))
		return;
	fi->keep_cache = ino == INO_FILE;
	fi->direct_io = ino != INO_FILE;
	fi->noflush = 1;
	fi->fh = ino == INO_FILE ? (uintptr_t)tf_reader_new(fs->engine) : (uintptr_t)text_of(fs, ino);
	if (fuse_reply_open(req, fi) != 0) /* the opener was killed: no release will come */
		close_handle(ino, fi->fh);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	close_handle(ino, fi->fh);
	fuse_reply_err(req, 0);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	OneFs *fs = fuse_req_userdata(req);
	if (ino == INO_FILE) {
		tf_fs_read(&fs->base, req, fs->engine, (TfReader *)(uintptr_t)fi->fh, (uint64_t)offset, size, NULL, NULL);
		return;
	}
	/* Held until the reply is out: the file may be closed on another thread. */
	g_autoptr(GBytes) bytes = g_bytes_ref((GBytes *)(uintptr_t)fi->fh);
	gsize length;
	const char *text = g_bytes_get_data(bytes, &length);
	tf_reply_part(req, text, length, size, offset);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	OneFs *fs = fuse_req_userdata(req);
	fs->base.asked = true;
	if (ino != INO_FILE || offset < 0)
		fuse_reply_err(req, ENXIO);
	else
		tf_fs_seek(&fs->base, req, fs->engine, (TfReader *)(uintptr_t)fi->fh, (uint64_t)offset, whence, NULL, NULL);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	OneFs *fs = fuse_req_userdata(req);
	struct statvfs st = {.f_bsize = 4096,
	                     .f_frsize = 4096,
	                     .f_blocks = fs->mosaic->layout.file_bytes / 4096 + 1,
	                     .f_files = INO_END - 1,
	                     .f_namemax = 255};
	fuse_reply_statfs(req, &st);
}

static char *fingerprint_text(const OneFs *fs)
{
	return g_strdup(fs->mosaic->fingerprint);
}

static char *damaged_text(const OneFs *fs)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, tf_engine_damaged_tiles(fs->engine));
}

static const struct {
	const char *name;
	char *(*text)(const OneFs *fs);
} attributes[] = {{"user.tiffuse.fingerprint", fingerprint_text}, {"user.tiffuse.damaged", damaged_text}};

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	for (gsize i = 0; ino == INO_FILE && i < G_N_ELEMENTS(attributes); i++) {
		if (strcmp(name, attributes[i].name) != 0)
			continue;
		g_autofree char *text = attributes[i].text(fuse_req_userdata(req));
		tf_reply_xattr(req, text, strlen(text), size);
		return;
	}
	fuse_reply_err(req, ENODATA);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	g_autoptr(GString) list = g_string_new(NULL);
	for (gsize i = 0; ino == INO_FILE && i < G_N_ELEMENTS(attributes); i++)
		g_string_append_len(list, attributes[i].name, (gssize)strlen(attributes[i].name) + 1);
	tf_reply_xattr(req, list->str, list->len, size);
}

static const struct fuse_lowlevel_ops operations = {
        .init = tf_fs_on_init,
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
        TF_FS_READ_ONLY,
};

static void stop(TfFs *base)
{
	tf_engine_stop(((OneFs *)base)->engine);
}

static char *status(TfFs *base)
{
	return tf_engine_status(((OneFs *)base)->engine);
}

static void free_fs(TfFs *base)
{
	OneFs *fs = (OneFs *)base;
	tf_fs_clear(base);
	g_free(fs->file_name);
	g_free(fs);
}

TfFs *tf_fs_new(const TfMosaic *mosaic)
{
	OneFs *fs = g_new0(OneFs, 1);
	fs->base = (TfFs){.operations = &operations, .stop = stop, .status = status, .free = free_fs};
	tf_fs_init(&fs->base);
	fs->mosaic = mosaic;
	fs->file_name = g_strconcat(mosaic->name, ".tif", NULL);
	return &fs->base;
}

void tf_fs_set_engine(TfFs *fs, TfEngine *engine)
{
	((OneFs *)fs)->engine = engine;
}
