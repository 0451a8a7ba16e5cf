/* SPDX-License-Identifier: MIT */
#include <tiffuse/files.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

typedef struct {
	uint32_t index;
	int fd;
	unsigned users;
	GList link; /* in `idle` while nobody uses it */
} OpenFile;

struct _TfFiles {
	const TfScene *scene;
	TfDigests *digests; /* or NULL */
	GMutex lock;      /* guards what follows */
	unsigned max_open;
	GHashTable *open; /* index -> OpenFile */
	GQueue idle;      /* oldest first */
};

static void close_file(gpointer data)
{
	OpenFile *file = data;
	close(file->fd);
	g_free(file);
}

TfFiles *tf_files_new(const TfScene *scene, unsigned max_open)
{
	TfFiles *files = g_new0(TfFiles, 1);
	files->scene = scene;
	files->max_open = max_open;
	g_mutex_init(&files->lock);
	files->open = g_hash_table_new_full(NULL, NULL, NULL, close_file);
	return files;
}

void tf_files_free(TfFiles *files)
{
	if (!files)
		return;
	g_hash_table_unref(files->open);
	g_mutex_clear(&files->lock);
	g_free(files);
}

void tf_files_set_digests(TfFiles *files, TfDigests *digests)
{
	files->digests = digests;
}

TfDigests *tf_files_digests(const TfFiles *files)
{
	return files->digests;
}

static TfIdentity identity_of_stat(const struct stat *st)
{
	return (TfIdentity){
	        .dev = st->st_dev,
	        .ino = st->st_ino,
	        .size = (uint64_t)st->st_size,
	        .mtime_ns = st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec,
	        .ctime_ns = st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec,
	};
}

static bool require_regular(const char *path, const struct stat *st, GError **error)
{
	if (S_ISREG(st->st_mode))
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_ACCESS, "%s: not a regular file", path);
	return false;
}

bool tf_identity_of_path(const char *path, TfIdentity *identity, GError **error)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return tf_error_set_errno(error, errno, "%s", path);
	*identity = identity_of_stat(&st);
	return require_regular(path, &st, error);
}

int tf_open_regular(const char *path, TfIdentity *identity, GError **error)
{
	struct stat st;
	tf_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		tf_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	if (fstat(fd, &st) != 0) {
		tf_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	if (!require_regular(path, &st, error))
		return -1;
	*identity = identity_of_stat(&st);
	return tf_steal_fd(&fd);
}

static bool same_identity(const TfIdentity *a, const TfIdentity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

static bool check_identity(TfFiles *files, uint32_t index, const TfIdentity *now, GError **error)
{
	const TfSource *source = tf_scene_source(files->scene, index);
	if (same_identity(now, &source->info.identity))
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_CHANGED, "%s: the file changed since the mount", source->path);
	return false;
}

bool tf_files_verify(TfFiles *files, uint32_t index, int fd, GError **error)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return tf_error_set_errno(error, errno, "%s", tf_scene_source(files->scene, index)->path);
	TfIdentity now = identity_of_stat(&st);
	return check_identity(files, index, &now, error);
}

bool tf_files_settle(TfFiles *files, uint32_t index, int fd, bool ok, GError **error)
{
	g_autoptr(GError) changed = NULL;
	if (tf_files_verify(files, index, fd, &changed))
		return ok;
	g_clear_error(error);
	g_propagate_error(error, g_steal_pointer(&changed));
	return false;
}

bool tf_files_check(TfFiles *files, uint32_t index, int fd, GError **error)
{
	if (!files->digests || tf_digests_is_checked(files->digests, index))
		return true;
	const TfSource *source = tf_scene_source(files->scene, index);
	bool ok = tf_digests_check(files->digests, index, source->path, fd, source->info.identity.size, error);
	return tf_files_settle(files, index, fd, ok, error);
}

/* Closes idle files until at most `keep` are open. */
static void trim_locked(TfFiles *files, unsigned keep)
{
	while (g_hash_table_size(files->open) > keep) {
		GList *oldest = g_queue_pop_head_link(&files->idle);
		if (!oldest)
			return;
		OpenFile *file = oldest->data;
		g_hash_table_remove(files->open, GUINT_TO_POINTER(file->index));
	}
}

static int use_open_file_locked(TfFiles *files, uint32_t index)
{
	OpenFile *file = g_hash_table_lookup(files->open, GUINT_TO_POINTER(index));
	if (!file)
		return -1;
	if (file->users++ == 0)
		g_queue_unlink(&files->idle, &file->link);
	return file->fd;
}

static int open_source(TfFiles *files, uint32_t index, GError **error)
{
	TfIdentity now;
	const char *path = tf_scene_source(files->scene, index)->path;
	int fd = tf_open_regular(path, &now, error);
	/* Other threads may take what was closed here: so fewer are kept from now on. */
	for (int tries = 0; fd < 0 && (errno == EMFILE || errno == ENFILE) && tries < 16; tries++) {
		g_clear_error(error);
		g_mutex_lock(&files->lock);
		files->max_open = MAX(MIN(files->max_open, g_hash_table_size(files->open)) * 3 / 4, 4);
		trim_locked(files, 0);
		g_mutex_unlock(&files->lock);
		g_usleep((gulong)tries * 1000);
		fd = tf_open_regular(path, &now, error);
	}
	tf_autofd int owned = fd;
	if (fd < 0 || !check_identity(files, index, &now, error))
		return -1;
	return tf_steal_fd(&owned);
}

static int acquire(TfFiles *files, uint32_t index, GError **error)
{
	g_mutex_lock(&files->lock);
	int fd = use_open_file_locked(files, index);
	g_mutex_unlock(&files->lock);
	if (fd >= 0) {
		if (tf_files_verify(files, index, fd, error))
			return fd;
		tf_files_release(files, index, fd);
		return -1;
	}
	int opened = open_source(files, index, error);
	if (opened < 0)
		return -1;
	g_mutex_lock(&files->lock);
	fd = use_open_file_locked(files, index); /* another thread may have been faster */
	if (fd < 0) {
		OpenFile *file = g_new0(OpenFile, 1);
		*file = (OpenFile){.index = index, .fd = opened, .users = 1, .link = {.data = file}};
		g_hash_table_insert(files->open, GUINT_TO_POINTER(index), file);
		fd = tf_steal_fd(&opened);
	}
	trim_locked(files, files->max_open);
	g_mutex_unlock(&files->lock);
	tf_close(&opened);
	return fd;
}

int tf_files_acquire(TfFiles *files, uint32_t index, GError **error)
{
	int fd = acquire(files, index, error);
	if (fd < 0 || tf_files_check(files, index, fd, error))
		return fd;
	tf_files_release(files, index, fd);
	return -1;
}

/* A file that was found changed must not be handed out again: when its last
 * user leaves, it is closed, and the next one opens what stands there now. */
void tf_files_release(TfFiles *files, uint32_t index, int fd)
{
	bool still_good = tf_files_verify(files, index, fd, NULL);
	g_mutex_lock(&files->lock);
	OpenFile *file = g_hash_table_lookup(files->open, GUINT_TO_POINTER(index));
	g_assert(file && file->fd == fd && file->users > 0);
	if (--file->users == 0) {
		if (still_good)
			g_queue_push_tail_link(&files->idle, &file->link);
		else
			g_hash_table_remove(files->open, GUINT_TO_POINTER(index));
	}
	trim_locked(files, files->max_open);
	g_mutex_unlock(&files->lock);
}

unsigned tf_files_open_count(TfFiles *files)
{
	g_mutex_lock(&files->lock);
	unsigned count = g_hash_table_size(files->open);
	g_mutex_unlock(&files->lock);
	return count;
}
