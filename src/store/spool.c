/* SPDX-License-Identifier: MIT */
#include <tiffuse/spool.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <tiffuse/io.h>
#include <tiffuse/util.h>

enum { ALIGN = 4096 };

typedef struct {
	uint64_t id, offset, bytes; /* bytes as reserved */
	unsigned users;             /* reading or writing now: its place may not be given away */
	bool ready;
	GList link; /* in `order` */
} Entry;

typedef struct {
	uint64_t offset, bytes;
} Gap;

struct _TfSpool {
	char *dir;
	uint64_t max_bytes;
	GMutex lock;         /* guards what follows */
	int fd;              /* -1 until needed */
	bool off;
	GHashTable *entries; /* id -> Entry */
	GQueue order;        /* oldest first */
	GArray *gaps;        /* Gap, by offset, below `end` */
	uint64_t end, used;
};

TfSpool *tf_spool_new(const char *dir, uint64_t max_bytes)
{
	TfSpool *spool = g_new0(TfSpool, 1);
	spool->dir = g_strdup(dir);
	spool->max_bytes = max_bytes;
	spool->off = max_bytes == 0;
	spool->fd = -1;
	g_mutex_init(&spool->lock);
	spool->entries = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	spool->gaps = g_array_new(FALSE, FALSE, sizeof(Gap));
	return spool;
}

void tf_spool_free(TfSpool *spool)
{
	if (!spool)
		return;
	g_hash_table_unref(spool->entries);
	g_array_unref(spool->gaps);
	tf_close(&spool->fd);
	g_mutex_clear(&spool->lock);
	g_free(spool->dir);
	g_free(spool);
}

static int open_file(const char *dir, GError **error)
{
	int fd = tf_open_unlinked(dir);
	if (fd < 0)
		tf_error_set_errno(error, errno, "%s: the spool", dir);
	return fd;
}

/* --- places: first fit, neighbours merge ---------------------------------------- */

static bool take_gap_locked(TfSpool *spool, uint64_t bytes, uint64_t *offset)
{
	for (guint i = 0; i < spool->gaps->len; i++) {
		Gap *gap = &g_array_index(spool->gaps, Gap, i);
		if (gap->bytes < bytes)
			continue;
		*offset = gap->offset;
		gap->offset += bytes;
		gap->bytes -= bytes;
		if (gap->bytes == 0)
			g_array_remove_index(spool->gaps, i);
		return true;
	}
	if (spool->end + bytes > spool->max_bytes)
		return false;
	*offset = spool->end;
	spool->end += bytes;
	return true;
}

static void give_gap_locked(TfSpool *spool, uint64_t offset, uint64_t bytes)
{
	guint i = 0;
	while (i < spool->gaps->len && g_array_index(spool->gaps, Gap, i).offset < offset)
		i++;
	Gap gap = {offset, bytes};
	g_array_insert_val(spool->gaps, i, gap);
	for (guint j = i > 0 ? i - 1 : 0; j + 1 < spool->gaps->len && j <= i;) {
		Gap *a = &g_array_index(spool->gaps, Gap, j), *b = a + 1;
		if (a->offset + a->bytes != b->offset) {
			j++;
			continue;
		}
		a->bytes += b->bytes;
		g_array_remove_index(spool->gaps, j + 1);
	}
	Gap *last = &g_array_index(spool->gaps, Gap, spool->gaps->len - 1);
	if (last->offset + last->bytes == spool->end) {
		spool->end = last->offset;
		g_array_set_size(spool->gaps, spool->gaps->len - 1);
	}
}

static void remove_locked(TfSpool *spool, Entry *entry)
{
	g_queue_unlink(&spool->order, &entry->link);
	give_gap_locked(spool, entry->offset, entry->bytes);
	spool->used -= entry->bytes;
	g_hash_table_remove(spool->entries, GSIZE_TO_POINTER(entry->id));
}

static bool drop_oldest_locked(TfSpool *spool)
{
	for (GList *link = spool->order.head; link; link = link->next) {
		Entry *entry = link->data;
		if (entry->users > 0)
			continue;
		remove_locked(spool, entry);
		return true;
	}
	return false;
}

/* A new entry that its writer uses; NULL when it is there already, when the
 * spool is off, or when there is no room. */
static Entry *reserve_locked(TfSpool *spool, uint64_t id, uint64_t bytes)
{
	uint64_t offset;
	if (spool->off || g_hash_table_contains(spool->entries, GSIZE_TO_POINTER(id)))
		return NULL;
	while (!take_gap_locked(spool, bytes, &offset))
		if (!drop_oldest_locked(spool))
			return NULL;
	Entry *entry = g_new0(Entry, 1);
	*entry = (Entry){.id = id, .offset = offset, .bytes = bytes, .users = 1, .link = {.data = entry}};
	g_hash_table_insert(spool->entries, GSIZE_TO_POINTER(id), entry);
	g_queue_push_tail_link(&spool->order, &entry->link);
	spool->used += bytes;
	return entry;
}

/* --- writing and reading ---------------------------------------------------------- */

static bool open_locked(TfSpool *spool, GError **error)
{
	if (spool->fd < 0 && !spool->off)
		spool->fd = open_file(spool->dir, error);
	spool->off = spool->off || spool->fd < 0;
	return spool->fd >= 0;
}

bool tf_spool_put(TfSpool *spool, uint64_t id, const struct iovec *pieces, int n, GError **error)
{
	uint64_t bytes = 0, rounded;
	for (int i = 0; i < n; i++)
		bytes += pieces[i].iov_len;
	tf_round_up_u64(bytes, ALIGN, &rounded);
	g_mutex_lock(&spool->lock);
	bool known = g_hash_table_contains(spool->entries, GSIZE_TO_POINTER(id));
	bool opened = known || open_locked(spool, error);
	Entry *entry = opened && !known ? reserve_locked(spool, id, rounded) : NULL;
	g_mutex_unlock(&spool->lock);
	if (known)
		return true;
	if (!entry) {
		if (opened)
			g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: the spool is full", spool->dir);
		else if (error && !*error)
			g_set_error(error, TF_ERROR, TF_ERROR_UNSUPPORTED, "there is no spool");
		return false;
	}
	uint64_t at = entry->offset;
	bool ok = true;
	for (int i = 0; ok && i < n; at += pieces[i].iov_len, i++)
		ok = tf_pwrite_all(spool->fd, pieces[i].iov_base, pieces[i].iov_len, at);
	int errnum = errno;
	g_mutex_lock(&spool->lock);
	entry->users--;
	entry->ready = ok;
	spool->off = spool->off || !ok;
	if (!ok)
		remove_locked(spool, entry);
	g_mutex_unlock(&spool->lock);
	return ok || tf_error_set_errno(error, errnum, "%s: the spool", spool->dir);
}

bool tf_spool_contains(TfSpool *spool, uint64_t id)
{
	g_mutex_lock(&spool->lock);
	const Entry *entry = g_hash_table_lookup(spool->entries, GSIZE_TO_POINTER(id));
	bool ready = entry && entry->ready;
	g_mutex_unlock(&spool->lock);
	return ready;
}

static Entry *use_entry(TfSpool *spool, uint64_t id)
{
	g_mutex_lock(&spool->lock);
	Entry *entry = g_hash_table_lookup(spool->entries, GSIZE_TO_POINTER(id));
	if (entry && entry->ready) {
		entry->users++;
		g_queue_unlink(&spool->order, &entry->link);
		g_queue_push_tail_link(&spool->order, &entry->link);
	} else {
		entry = NULL;
	}
	g_mutex_unlock(&spool->lock);
	return entry;
}

bool tf_spool_read(TfSpool *spool, uint64_t id, uint64_t offset, uint64_t stride, size_t length, uint32_t rows,
                   uint8_t *to, ptrdiff_t to_stride, GError **error)
{
	Entry *entry = use_entry(spool, id);
	if (!entry) {
		g_set_error(error, TF_ERROR, TF_ERROR_MISSING, "the spool no longer has the entry");
		return false;
	}
	bool ok = offset + (rows ? (rows - 1) * stride + length : 0) <= entry->bytes;
	for (uint32_t i = 0; ok && i < rows; i++)
		ok = tf_pread_all(spool->fd, to + i * to_stride, length, entry->offset + offset + i * stride);
	int errnum = errno;
	g_mutex_lock(&spool->lock);
	entry->users--;
	g_mutex_unlock(&spool->lock);
	return ok || tf_error_set_errno(error, errnum, "%s: the spool", spool->dir);
}

uint64_t tf_spool_bytes(TfSpool *spool)
{
	g_mutex_lock(&spool->lock);
	uint64_t used = spool->used;
	g_mutex_unlock(&spool->lock);
	return used;
}
