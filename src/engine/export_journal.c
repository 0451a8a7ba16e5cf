/* SPDX-License-Identifier: MIT
 *
 * FILE.tiffuse-journal.  In the byte order of the machine: one of another order
 * is as good as none.  Who exports holds a lock on it.
 *
 * Data is synced before the record that speaks of it is written, so the journal
 * never promises what a power failure took.  Half a second of work or 64 MiB go
 * into one record: that much is made again, at most.
 */
#include "export_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tiffuse/io.h>

#define MAGIC UINT32_C(0x4a664954)

enum { SUM_BYTES = 32, MAX_HEAD = 64 * 1024 };

typedef struct {
	uint32_t magic, length; /* of the payload that follows */
	uint8_t sum[SUM_BYTES]; /* of the payload */
} Frame;

/* The payload of all records but the first; counts follow. */
typedef struct {
	uint64_t first, end; /* ordinal of the first count; where the file ends then */
} Batch;

struct _TfExportJournal {
	char *path, *journal_path;
	int file_fd, fd;
	uint64_t length;             /* of the valid part */
	const TfExportTable *table;
	uint64_t n_recorded;         /* of the thread, while it works */
	GThread *thread;
	GMutex lock;                 /* guards what follows */
	GCond changed;
	bool busy, quit;
	uint64_t wanted;             /* tiles to be recorded */
	GError *error;               /* of the thread; not told yet */
};

typedef enum { NO_JOURNAL, OUR_JOURNAL, OTHER_JOURNAL } Found;

static void digest(const void *data, size_t length, uint8_t result[SUM_BYTES])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize size = SUM_BYTES;
	g_checksum_update(sum, data, (gssize)length);
	g_checksum_get_digest(sum, result, &size);
}

/* A new name is safe only when its folder is synced. */
static void sync_folder(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	tf_autofd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

/* --- records -------------------------------------------------------------------- */

static bool append(TfExportJournal *journal, const void *payload, uint32_t length)
{
	g_autofree uint8_t *record = g_malloc(sizeof(Frame) + length);
	Frame frame = {.magic = MAGIC, .length = length};
	digest(payload, length, frame.sum);
	memcpy(record, &frame, sizeof frame);
	memcpy(record + sizeof frame, payload, length);
	if (!tf_pwrite_all(journal->fd, record, sizeof frame + length, journal->length) || fdatasync(journal->fd) != 0)
		return false;
	journal->length += sizeof frame + length;
	return true;
}

/* The next payload, or NULL where the valid part ends; *at moves behind it. */
static const uint8_t *next_record(const uint8_t **at, const uint8_t *end, uint32_t *length)
{
	Frame frame;
	uint8_t sum[SUM_BYTES];
	if ((size_t)(end - *at) < sizeof frame)
		return NULL;
	memcpy(&frame, *at, sizeof frame);
	const uint8_t *payload = *at + sizeof frame;
	if (frame.magic != MAGIC || frame.length > (size_t)(end - payload))
		return NULL;
	digest(payload, frame.length, sum);
	if (memcmp(sum, frame.sum, sizeof sum) != 0)
		return NULL;
	*at = payload + frame.length;
	*length = frame.length;
	return payload;
}

/* Takes the batch over if it is the one that comes next and adds up. */
static bool take_batch(TfExportTable *table, const uint8_t *payload, uint32_t length)
{
	Batch batch;
	if (length < sizeof batch)
		return false;
	memcpy(&batch, payload, sizeof batch);
	uint64_t n = (length - sizeof batch) / sizeof(uint32_t), end = table->end;
	if (batch.first != table->n_known || n > table->n - table->n_known)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		memcpy(&table->counts[batch.first + i], payload + sizeof batch + i * sizeof(uint32_t), sizeof(uint32_t));
		end = tf_export_align(end + table->counts[batch.first + i]);
	}
	if (end != batch.end)
		return false;
	for (uint64_t i = 0; i < n; i++)
		tf_export_table_add(table, table->counts[batch.first + i]);
	return true;
}

/* What the journal says; *length is that of its valid part and *found_head
 * what it is about. */
static Found parse(const char *content, size_t size, const char *head, TfExportTable *table, uint64_t *length,
                   char **found_head)
{
	const uint8_t *start = (const uint8_t *)content, *at = start, *end = start + size;
	uint32_t n;
	const uint8_t *payload = next_record(&at, end, &n);
	if (!payload || n > MAX_HEAD)
		return NO_JOURNAL;
	*found_head = g_strndup((const char *)payload, n);
	if (strcmp(*found_head, head) != 0)
		return OTHER_JOURNAL;
	*length = (uint64_t)(at - start);
	while ((payload = next_record(&at, end, &n)) && take_batch(table, payload, n))
		*length = (uint64_t)(at - start);
	return OUR_JOURNAL;
}

/* --- the thread ------------------------------------------------------------------- */

static bool record(TfExportJournal *journal, uint64_t upto, GError **error)
{
	const TfExportTable *table = journal->table;
	uint64_t n = upto - journal->n_recorded;
	g_autoptr(GByteArray) payload = g_byte_array_new();
	uint64_t last_end = upto == 0 ? table->first_offset
	                              : tf_export_align(tf_export_table_offset(table, upto - 1) + table->counts[upto - 1]);
	Batch batch = {journal->n_recorded, last_end};
	g_byte_array_append(payload, (const guint8 *)&batch, sizeof batch);
	g_byte_array_append(payload, (const guint8 *)(table->counts + journal->n_recorded), (guint)(n * sizeof(uint32_t)));
	if (fdatasync(journal->file_fd) != 0)
		return tf_error_set_errno(error, errno, "%s", journal->path);
	if (!append(journal, payload->data, payload->len))
		return tf_error_set_errno(error, errno, "%s", journal->journal_path);
	journal->n_recorded = upto;
	return true;
}

static gpointer journal_thread(gpointer data)
{
	TfExportJournal *journal = data;
	g_mutex_lock(&journal->lock);
	for (;;) {
		while (!journal->busy && !journal->quit)
			g_cond_wait(&journal->changed, &journal->lock);
		if (!journal->busy)
			break;
		uint64_t wanted = journal->wanted;
		GError *error = NULL;
		g_mutex_unlock(&journal->lock);
		bool ok = wanted == journal->n_recorded || record(journal, wanted, &error);
		g_mutex_lock(&journal->lock);
		if (!ok && !journal->error)
			journal->error = g_steal_pointer(&error);
		g_clear_error(&error);
		journal->busy = false;
		g_cond_broadcast(&journal->changed);
	}
	g_mutex_unlock(&journal->lock);
	return NULL;
}

static bool take_error_locked(TfExportJournal *journal, GError **error)
{
	if (!journal->error)
		return true;
	g_propagate_error(error, g_steal_pointer(&journal->error));
	return false;
}

bool tf_export_journal_is_idle(TfExportJournal *journal)
{
	g_mutex_lock(&journal->lock);
	bool idle = !journal->busy;
	g_mutex_unlock(&journal->lock);
	return idle;
}

bool tf_export_journal_wait(TfExportJournal *journal, GError **error)
{
	g_mutex_lock(&journal->lock);
	while (journal->busy)
		g_cond_wait(&journal->changed, &journal->lock);
	bool ok = take_error_locked(journal, error);
	g_mutex_unlock(&journal->lock);
	return ok;
}

bool tf_export_journal_commit(TfExportJournal *journal, uint64_t n, GError **error)
{
	if (!tf_export_journal_wait(journal, error))
		return false;
	g_mutex_lock(&journal->lock);
	journal->wanted = n;
	journal->busy = true;
	g_cond_broadcast(&journal->changed);
	g_mutex_unlock(&journal->lock);
	return true;
}

/* --- opening ----------------------------------------------------------------------- */

/* Opens and locks it.  Who held the lock before may have removed it since: then
 * it is another file that has the name. */
static int open_locked(const char *path, GError **error)
{
	for (;;) {
		struct stat mine, named;
		tf_autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
		if (fd < 0 || fstat(fd, &mine) != 0) {
			tf_error_set_errno(error, errno, "%s", path);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s: another export is writing this file", path);
			return -1;
		}
		if (stat(path, &named) == 0 && named.st_ino == mine.st_ino && named.st_dev == mine.st_dev)
			return tf_steal_fd(&fd);
	}
}

/* "jpeg quality 85 ..." from the head's second line. */
static char *about(const char *head)
{
	g_auto(GStrv) lines = g_strsplit(head, "\n", 0);
	return g_strdup(g_strv_length(lines) > 1 ? lines[1] : "?");
}

/* May the file be made anew?  `st` is NULL when there is none. */
static bool may_replace(const TfExportJournal *journal, bool overwrite, Found found, const char *head,
                        const struct stat *st, GError **error)
{
	if (!st)
		return true;
	if (!S_ISREG(st->st_mode))
		return tf_error_refuse(error, TF_ERROR_USAGE, "%s: not a regular file", journal->path);
	if (overwrite)
		return true;
	if (found == NO_JOURNAL)
		return tf_error_refuse(error, TF_ERROR_USAGE, "%s: the file exists; overwrite=yes replaces it",
		                       journal->path);
	if (found == OUR_JOURNAL)
		return tf_error_refuse(error, TF_ERROR_USAGE,
		                       "%s: shorter than its journal says; overwrite=yes begins anew", journal->path);
	g_autofree char *what = about(head);
	return tf_error_refuse(error, TF_ERROR_USAGE,
	                       "%s: a part of another export (%s; its sources or options differ): overwrite=yes begins "
	                       "anew, or remove it and %s",
	                       journal->path, what, journal->journal_path);
}

static bool begin(TfExportJournal *journal, const char *head, bool exists, GError **error)
{
	if (exists && unlink(journal->path) != 0)
		return tf_error_set_errno(error, errno, "%s", journal->path);
	journal->length = 0;
	if (ftruncate(journal->fd, 0) != 0 || !append(journal, head, (uint32_t)strlen(head)))
		return tf_error_set_errno(error, errno, "%s", journal->journal_path);
	journal->file_fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (journal->file_fd < 0)
		return tf_error_set_errno(error, errno, "%s", journal->path);
	sync_folder(journal->path);
	return true;
}

static bool resume(TfExportJournal *journal, const TfExportTable *table, GError **error)
{
	journal->file_fd = open(journal->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (journal->file_fd < 0 || ftruncate(journal->file_fd, (off_t)table->end) != 0)
		return tf_error_set_errno(error, errno, "%s", journal->path);
	if (ftruncate(journal->fd, (off_t)journal->length) != 0)
		return tf_error_set_errno(error, errno, "%s", journal->journal_path);
	journal->n_recorded = table->n_known;
	return true;
}

static bool read_content(const TfExportJournal *journal, char **content, size_t *size, GError **error)
{
	struct stat st;
	if (fstat(journal->fd, &st) != 0)
		return tf_error_set_errno(error, errno, "%s", journal->journal_path);
	*content = g_try_malloc((gsize)st.st_size + 1);
	for (*size = 0; *content && *size < (size_t)st.st_size;) {
		ssize_t got = pread(journal->fd, *content + *size, (size_t)st.st_size - *size, (off_t)*size);
		if (got < 0 && errno != EINTR)
			return tf_error_set_errno(error, errno, "%s", journal->journal_path);
		if (got == 0)
			break;
		*size += got > 0 ? (size_t)got : 0;
	}
	return *content || tf_error_set_errno(error, ENOMEM, "%s", journal->journal_path);
}

static bool open_both(TfExportJournal *journal, bool overwrite, const char *head, TfExportTable *table,
                      GError **error)
{
	struct stat st;
	size_t size = 0;
	g_autofree char *content = NULL, *found_head = NULL;
	if (!read_content(journal, &content, &size, error))
		return false;
	Found found = parse(content, size, head, table, &journal->length, &found_head);
	bool exists = lstat(journal->path, &st) == 0;
	if (found == OUR_JOURNAL && exists && S_ISREG(st.st_mode) &&
	    (table->n_known == 0 || (uint64_t)st.st_size >= table->end))
		return resume(journal, table, error);
	table->n_known = 0;
	table->end = table->first_offset;
	if (may_replace(journal, overwrite, found, found_head ? found_head : "", exists ? &st : NULL, error))
		return begin(journal, head, exists, error);
	if (size == 0)
		unlink(journal->journal_path); /* we just made it */
	return false;
}

TfExportJournal *tf_export_journal_open(const TfExportOptions *options, const char *head, TfExportTable *table,
                                        GError **error)
{
	g_autoptr(TfExportJournal) journal = g_new0(TfExportJournal, 1);
	journal->file_fd = journal->fd = -1;
	journal->table = table;
	journal->path = g_strdup(options->path);
	journal->journal_path = g_strconcat(options->path, ".tiffuse-journal", NULL);
	g_mutex_init(&journal->lock);
	g_cond_init(&journal->changed);
	journal->fd = open_locked(journal->journal_path, error);
	if (journal->fd < 0 || !open_both(journal, options->overwrite, head, table, error))
		return NULL;
	/* So that a full disk does not keep us from recording what is there. */
	(void)!fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(table->n * sizeof(uint32_t) + MAX_HEAD));
	journal->thread = g_thread_new("journal", journal_thread, journal);
	return g_steal_pointer(&journal);
}

void tf_export_journal_free(TfExportJournal *journal)
{
	if (!journal)
		return;
	g_mutex_lock(&journal->lock);
	journal->quit = true;
	g_cond_broadcast(&journal->changed);
	g_mutex_unlock(&journal->lock);
	if (journal->thread)
		g_thread_join(journal->thread);
	g_clear_error(&journal->error);
	tf_close(&journal->file_fd);
	tf_close(&journal->fd);
	g_mutex_clear(&journal->lock);
	g_cond_clear(&journal->changed);
	g_free(journal->path);
	g_free(journal->journal_path);
	g_free(journal);
}

int tf_export_journal_fd(const TfExportJournal *journal)
{
	return journal->file_fd;
}

bool tf_export_journal_finish(TfExportJournal *journal, GError **error)
{
	if (unlink(journal->journal_path) != 0)
		return tf_error_set_errno(error, errno, "%s", journal->journal_path);
	sync_folder(journal->path);
	return true;
}
