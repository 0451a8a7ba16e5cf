/* SPDX-License-Identifier: MIT */
#include <tiffuse/overview.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/io.h>
#include <tiffuse/util.h>
#include <zlib.h>

static const char PREFIX[] = "overview-";
enum { ALIGN = 4096 };

typedef struct {
	uint32_t magic, length;
	uint32_t checksum; /* CRC-32 over record number and data */
	uint32_t reserved;
} Head;

static const uint32_t MAGIC = 0x31564f54; /* "TOV1" */

struct _TfOverview {
	int fd;
	char *path;
	uint64_t n_records, record_bytes, stride, max_bytes;
	_Atomic uint64_t used;
	_Atomic bool full; /* no more writing */
};

static uint32_t checksum_of(uint64_t record, const void *data, size_t length)
{
	uLong sum = crc32(0, (const Bytef *)&record, sizeof record);
	return (uint32_t)crc32(sum, data, (uInt)length);
}

/* --- keeping the folder small ----------------------------------------------------- */

typedef struct {
	char *path;
	uint64_t bytes;
	gint64 used_at;
} OldFile;

static void old_file_clear(gpointer data)
{
	g_free(((OldFile *)data)->path);
}

static gint oldest_first(gconstpointer a, gconstpointer b)
{
	const OldFile *x = a, *y = b;
	return x->used_at < y->used_at ? -1 : x->used_at > y->used_at;
}

static GArray *list_others(const TfOverview *overview, const char *folder)
{
	GArray *files = g_array_new(FALSE, FALSE, sizeof(OldFile));
	g_array_set_clear_func(files, old_file_clear);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		struct stat st;
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (!g_str_has_prefix(name, PREFIX) || strcmp(path, overview->path) == 0 || lstat(path, &st) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		OldFile file = {g_steal_pointer(&path), (uint64_t)st.st_blocks * 512, st.st_mtime};
		g_array_append_val(files, file);
	}
	g_array_sort(files, oldest_first);
	return files;
}

/* A file that another daemon has open lives on until that one ends. */
static void remove_oldest(const TfOverview *overview, const char *folder)
{
	g_autoptr(GArray) files = list_others(overview, folder);
	uint64_t total = atomic_load(&overview->used);
	for (guint i = 0; i < files->len; i++)
		total += g_array_index(files, OldFile, i).bytes;
	for (guint i = 0; i < files->len && total > overview->max_bytes; i++) {
		const OldFile *file = &g_array_index(files, OldFile, i);
		if (unlink(file->path) == 0)
			total -= file->bytes;
	}
}

/* --- records ------------------------------------------------------------------------ */

TfOverview *tf_overview_open(const TfOverviewPlan *plan, GError **error)
{
	g_autoptr(TfOverview) overview = g_new0(TfOverview, 1);
	g_autofree char *name = g_strconcat(PREFIX, plan->fingerprint ? plan->fingerprint : "unnamed", NULL);
	overview->fd = -1;
	overview->path = g_build_filename(plan->folder, name, NULL);
	overview->n_records = plan->n_records;
	overview->record_bytes = plan->record_bytes;
	overview->max_bytes = plan->max_bytes;
	tf_round_up_u64(plan->record_bytes + sizeof(Head), ALIGN, &overview->stride);
	struct stat st;
	if ((plan->fingerprint && g_mkdir_with_parents(plan->folder, 0700) != 0) ||
	    (overview->fd = plan->fingerprint ? open(overview->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
	                                      : tf_open_unlinked(plan->folder)) < 0 ||
	    fstat(overview->fd, &st) != 0) {
		tf_error_set_errno(error, errno, "%s", overview->path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		g_set_error(error, TF_ERROR, TF_ERROR_ACCESS, "%s: not a file of ours", overview->path);
		return NULL;
	}
	atomic_store(&overview->used, (uint64_t)st.st_blocks * 512);
	if (plan->fingerprint) {
		futimens(overview->fd, NULL); /* used now: others are older */
		remove_oldest(overview, plan->folder);
	}
	return g_steal_pointer(&overview);
}

void tf_overview_close(TfOverview *overview)
{
	if (!overview)
		return;
	tf_close(&overview->fd);
	g_free(overview->path);
	g_free(overview);
}

GBytes *tf_overview_get(TfOverview *overview, uint64_t record)
{
	Head head;
	uint64_t at = record * overview->stride;
	if (record >= overview->n_records || !tf_pread_all(overview->fd, &head, sizeof head, at) || head.magic != MAGIC ||
	    head.length == 0 || head.length > overview->record_bytes)
		return NULL;
	g_autofree uint8_t *data = g_try_malloc(head.length);
	if (!data || !tf_pread_all(overview->fd, data, head.length, at + sizeof head) ||
	    checksum_of(record, data, head.length) != head.checksum)
		return NULL;
	return g_bytes_new_take(g_steal_pointer(&data), head.length);
}

bool tf_overview_put(TfOverview *overview, uint64_t record, const void *data, size_t length, GError **error)
{
	uint64_t at = record * overview->stride;
	if (atomic_load(&overview->full))
		return true;
	if (record >= overview->n_records || length > overview->record_bytes ||
	    atomic_load(&overview->used) + length + ALIGN > overview->max_bytes) {
		atomic_store(&overview->full, true);
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: it is full (cache-size=)", overview->path);
		return false;
	}
	Head head = {.magic = MAGIC, .length = (uint32_t)length, .checksum = checksum_of(record, data, length)};
	/* The head last: until then the record is absent.  A crash between leaves
	 * what the checksum refuses. */
	if (!tf_pwrite_all(overview->fd, data, length, at + sizeof head) || !tf_pwrite_all(overview->fd, &head, sizeof head, at)) {
		int errnum = errno;
		atomic_store(&overview->full, true);
		return tf_error_set_errno(error, errnum, "%s", overview->path);
	}
	atomic_fetch_add(&overview->used, (length + sizeof head + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
	return true;
}

uint64_t tf_overview_bytes(TfOverview *overview)
{
	return atomic_load(&overview->used);
}
