/* SPDX-License-Identifier: MIT
 *
 * The file: head, records, lengths of profiles, profiles, text, SHA-256 of all
 * that.  In the byte order of the machine, which the head tells.  The text is
 * the maker, the folder that all paths have in common, and the rests of the
 * paths, each with its final zero.
 *
 * A small database (SQLite) would take single changes; here all is read and
 * written in one go, and replacing a file needs no lock between daemons.
 */
#include <tiffuse/index.h>
#include <tiffuse/io.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC "tiffuse sources"
#define BYTE_ORDER_MARK UINT32_C(0x01020304)
#define MAX_FILE_BYTES (512 * TF_MIB)
#define SETTLED_NS (2 * INT64_C(1000000000)) /* the coarsest time stamps: FAT's */

enum { FORMAT = 5, DIGEST_BYTES = TF_DIGEST_BYTES };

typedef struct {
	char magic[16];
	uint32_t byte_order, format;
	uint32_t n_sources, n_profiles;
	uint64_t profile_bytes, text_bytes;
} Head;

typedef struct {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t path; /* offset in the text */
	uint32_t profile;
	int32_t width, height;
	float pixel_um_x, pixel_um_y;
	uint32_t stream_bytes, zeros;
	uint8_t codec, colour, bands, hsamp, vsamp, orientation, progressive, deep;
	uint8_t digest[DIGEST_BYTES]; /* zeros: none */
} Record;

/* A new field of an image's header must get its place in the record and a new FORMAT. */
_Static_assert(sizeof(TfImageInfo) == 80 && offsetof(TfImageInfo, identity) == 40, "Record keeps all of TfImageInfo");
_Static_assert(sizeof(Record) == 112 && sizeof(Head) == 48, "no padding in the file");

struct _TfIndex {
	uint8_t *file;
	size_t length;
	const Record *records; /* in `file`, as the paths are */
	const char *prefix;
	size_t prefix_bytes;
	bool same_maker;      /* otherwise only the digests count */
	GHashTable *by_path;  /* rest of the path -> Record */
	GPtrArray *profiles;  /* GBytes */
};

/* What is still to be taken. */
typedef struct {
	const uint8_t *at;
	size_t left;
} Bytes;

static const void *take(Bytes *bytes, uint64_t n)
{
	if (n > bytes->left)
		return NULL;
	const void *taken = bytes->at;
	bytes->at += n;
	bytes->left -= n;
	return taken;
}

static const char *take_text(Bytes *bytes)
{
	const void *end = bytes->left ? memchr(bytes->at, 0, bytes->left) : NULL;
	return end ? take(bytes, (uint64_t)((const uint8_t *)end + 1 - bytes->at)) : NULL;
}

static char *file_path(const TfIndexPlace *place)
{
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, place->origin, -1);
	g_autofree char *name = g_strconcat(hash, ".sources", NULL);
	return g_build_filename(place->folder, name, NULL);
}

static void digest(const void *data, size_t length, uint8_t result[DIGEST_BYTES])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize size = DIGEST_BYTES;
	g_checksum_update(sum, data, (gssize)length);
	g_checksum_get_digest(sum, result, &size);
}

/* --- loading ------------------------------------------------------------------ */

/* Not mapped: who cuts a mapped file kills who reads it.  What others may have
 * written is not believed, for sizes of images go unchecked from here on. */
static uint8_t *read_file(const char *path, size_t *length)
{
	struct stat st;
	tf_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) ||
	    st.st_size < (off_t)(sizeof(Head) + DIGEST_BYTES) || (uint64_t)st.st_size > MAX_FILE_BYTES)
		return NULL;
	g_autofree uint8_t *buffer = g_try_malloc((gsize)st.st_size);
	if (!buffer || !tf_pread_all(fd, buffer, (size_t)st.st_size, 0))
		return NULL;
	*length = (size_t)st.st_size;
	return g_steal_pointer(&buffer);
}

static bool is_ours(const uint8_t *file, size_t length)
{
	const Head *head = (const void *)file;
	uint8_t sum[DIGEST_BYTES];
	if (memcmp(head->magic, MAGIC, sizeof MAGIC) != 0 || head->byte_order != BYTE_ORDER_MARK ||
	    head->format != FORMAT)
		return false;
	digest(file, length - DIGEST_BYTES, sum);
	return memcmp(sum, file + length - DIGEST_BYTES, DIGEST_BYTES) == 0;
}

static bool is_sound(const Record *r, const Head *head)
{
	return r->width > 0 && r->height > 0 && r->profile < head->n_profiles && r->path < head->text_bytes &&
	       r->codec <= TF_CODEC_VIPS && r->colour <= TF_COLOUR_OTHER && r->orientation >= 1 && r->orientation <= 8 &&
	       r->progressive <= 1 && r->deep <= 1 && r->pixel_um_x >= 0 && r->pixel_um_y >= 0;
}

static bool take_profiles(TfIndex *index, Bytes *bytes, uint32_t n)
{
	const uint64_t *lengths = take(bytes, n * sizeof *lengths);
	for (uint32_t i = 0; lengths && i < n; i++) {
		const void *data = take(bytes, lengths[i]);
		if (!data)
			return false;
		g_ptr_array_add(index->profiles, i == 0 ? NULL : g_bytes_new(data, lengths[i]));
	}
	return lengths && n > 0;
}

/* The checksum vouches for what was written; the checks here are for a program
 * that wrote it wrongly. */
static bool parse(TfIndex *index, size_t length, const char *maker)
{
	Bytes bytes = {index->file, length - DIGEST_BYTES};
	const Head *head = take(&bytes, sizeof *head);
	index->records = take(&bytes, head->n_sources * sizeof *index->records);
	if (!index->records || !take_profiles(index, &bytes, head->n_profiles))
		return false;
	Bytes text = bytes;
	if (head->text_bytes != text.left || text.left == 0 || text.at[text.left - 1] != 0)
		return false;
	const char *made_by = take_text(&text);
	index->prefix = made_by ? take_text(&text) : NULL;
	if (!index->prefix)
		return false;
	index->same_maker = strcmp(made_by, maker) == 0;
	index->prefix_bytes = strlen(index->prefix);
	for (uint32_t i = 0; i < head->n_sources; i++) {
		const Record *record = &index->records[i];
		if (!is_sound(record, head))
			return false;
		g_hash_table_insert(index->by_path, (char *)bytes.at + record->path, (gpointer)record);
	}
	return true;
}

static void unref_profile(gpointer profile)
{
	if (profile)
		g_bytes_unref(profile);
}

TfIndex *tf_index_load(const TfIndexPlace *place)
{
	TfIndex *index = g_new0(TfIndex, 1);
	index->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	index->profiles = g_ptr_array_new_with_free_func(unref_profile);
	g_autofree char *path = file_path(place);
	index->file = read_file(path, &index->length);
	if (index->file && (!is_ours(index->file, index->length) || !parse(index, index->length, place->maker)))
		g_hash_table_remove_all(index->by_path);
	return index;
}

void tf_index_free(TfIndex *index)
{
	if (!index)
		return;
	g_hash_table_unref(index->by_path);
	g_ptr_array_unref(index->profiles);
	g_free(index->file);
	g_free(index);
}

uint32_t tf_index_n_sources(const TfIndex *index)
{
	return index->same_maker ? g_hash_table_size(index->by_path) : 0;
}

static const Record *find(const TfIndex *index, const char *path)
{
	if (g_hash_table_size(index->by_path) == 0 || strncmp(path, index->prefix, index->prefix_bytes) != 0)
		return NULL;
	return g_hash_table_lookup(index->by_path, path + index->prefix_bytes);
}

bool tf_index_digest(const TfIndex *index, const char *path, const TfIdentity *identity,
                     uint8_t digest[TF_DIGEST_BYTES])
{
	static const uint8_t none[DIGEST_BYTES];
	const Record *r = find(index, path);
	if (!r || r->size != identity->size || r->mtime_ns != identity->mtime_ns ||
	    memcmp(r->digest, none, DIGEST_BYTES) == 0)
		return false;
	memcpy(digest, r->digest, DIGEST_BYTES);
	return true;
}

bool tf_index_lookup(const TfIndex *index, const char *path, const TfIdentity *identity, TfImageInfo *info,
                     GBytes **profile)
{
	const Record *r = index->same_maker ? find(index, path) : NULL;
	if (!r || r->dev != identity->dev || r->ino != identity->ino || r->size != identity->size ||
	    r->mtime_ns != identity->mtime_ns || r->ctime_ns != identity->ctime_ns)
		return false;
	*info = (TfImageInfo){.codec = r->codec,
	                      .colour = r->colour,
	                      .width = r->width,
	                      .height = r->height,
	                      .bands = r->bands,
	                      .hsamp = r->hsamp,
	                      .vsamp = r->vsamp,
	                      .orientation = r->orientation,
	                      .progressive = r->progressive,
	                      .deep = r->deep,
	                      .pixel_um_x = r->pixel_um_x,
	                      .pixel_um_y = r->pixel_um_y,
	                      .stream_bytes = r->stream_bytes,
	                      .identity = *identity};
	*profile = g_ptr_array_index(index->profiles, r->profile);
	return true;
}

/* --- saving ------------------------------------------------------------------- */

static bool is_settled(const TfImageInfo *info, int64_t probed_ns)
{
	const TfIdentity *id = &info->identity;
	return info->width > 0 && MAX(id->mtime_ns, id->ctime_ns) < probed_ns - SETTLED_NS;
}

/* The folder that all paths share, with its final slash; "" if none. */
static char *common_folder(const char *const *paths, uint32_t n)
{
	size_t common = n ? strlen(paths[0]) : 0;
	for (uint32_t i = 1; i < n; i++) {
		size_t same = 0;
		while (same < common && paths[i][same] == paths[0][same])
			same++;
		common = same;
	}
	while (common > 0 && paths[0][common - 1] != '/')
		common--;
	return n ? g_strndup(paths[0], common) : g_strdup("");
}

static Record record_of(const TfImageInfo *info, size_t path)
{
	const TfIdentity *id = &info->identity;
	return (Record){.dev = id->dev,
	                .ino = id->ino,
	                .size = id->size,
	                .mtime_ns = id->mtime_ns,
	                .ctime_ns = id->ctime_ns,
	                .path = (uint32_t)path,
	                .profile = info->icc,
	                .width = info->width,
	                .height = info->height,
	                .stream_bytes = info->stream_bytes,
	                .codec = info->codec,
	                .colour = info->colour,
	                .bands = info->bands,
	                .hsamp = info->hsamp,
	                .vsamp = info->vsamp,
	                .orientation = info->orientation,
	                .progressive = info->progressive,
	                .deep = info->deep,
	                .pixel_um_x = info->pixel_um_x,
	                .pixel_um_y = info->pixel_um_y};
}

static void add_profiles(GByteArray *out, const GPtrArray *profiles)
{
	for (guint i = 0; i < profiles->len; i++) {
		GBytes *profile = g_ptr_array_index(profiles, i);
		uint64_t length = profile ? g_bytes_get_size(profile) : 0;
		g_byte_array_append(out, (const guint8 *)&length, sizeof length);
	}
	for (guint i = 0; i < profiles->len; i++) {
		GBytes *profile = g_ptr_array_index(profiles, i);
		if (profile)
			g_byte_array_append(out, g_bytes_get_data(profile, NULL), (guint)g_bytes_get_size(profile));
	}
}

/* NULL when it would be too large: GByteArray and the offsets of paths end at
 * 4 GiB, what is loaded at 512 MiB. */
static GByteArray *compose(const TfIndexPlace *place, const char *const *paths, const TfImageInfo *infos, uint32_t n,
                           const GPtrArray *profiles, int64_t probed_ns, const TfIndex *previous)
{
	g_autofree char *prefix = common_folder(paths, n);
	g_autoptr(GByteArray) text = g_byte_array_new(), out = g_byte_array_new();
	g_byte_array_append(text, (const guint8 *)place->maker, (guint)strlen(place->maker) + 1);
	g_byte_array_append(text, (const guint8 *)prefix, (guint)strlen(prefix) + 1);
	Head head = {.magic = MAGIC, .byte_order = BYTE_ORDER_MARK, .format = FORMAT, .n_profiles = profiles->len};
	g_byte_array_append(out, (const guint8 *)&head, sizeof head);
	for (uint32_t i = 0; i < n && text->len + (uint64_t)out->len < MAX_FILE_BYTES; i++) {
		Record record = record_of(&infos[i], text->len);
		const char *rest = paths[i] + strlen(prefix);
		bool digested = previous && tf_index_digest(previous, paths[i], &infos[i].identity, record.digest);
		if (!is_settled(&infos[i], probed_ns)) {
			if (infos[i].width == 0 || !digested)
				continue;
			record.ctime_ns = INT64_MIN; /* its header is not known, its digest still is */
		}
		g_byte_array_append(out, (const guint8 *)&record, sizeof record);
		g_byte_array_append(text, (const guint8 *)rest, (guint)strlen(rest) + 1);
		head.n_sources++;
	}
	head.text_bytes = text->len;
	for (guint i = 1; i < profiles->len; i++)
		head.profile_bytes += g_bytes_get_size(g_ptr_array_index(profiles, i)) + sizeof(uint64_t);
	if (text->len + out->len + head.profile_bytes + 2 * DIGEST_BYTES > MAX_FILE_BYTES)
		return NULL;
	memcpy(out->data, &head, sizeof head);
	add_profiles(out, profiles);
	g_byte_array_append(out, text->data, text->len);
	uint8_t sum[DIGEST_BYTES];
	digest(out->data, out->len, sum);
	return g_byte_array_append(g_steal_pointer(&out), sum, sizeof sum);
}

/* Without fsync: after a power failure the checksum tells. */
static bool replace_file(const char *path, const uint8_t *bytes, size_t length, GError **error)
{
	g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
	tf_autofd int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return tf_error_set_errno(error, errno, "%s", path);
	if (tf_pwrite_all(fd, bytes, length, 0) && rename(temporary, path) == 0)
		return true;
	int reason = errno;
	unlink(temporary);
	return tf_error_set_errno(error, reason, "%s", path);
}

bool tf_index_save(const TfIndexPlace *place, const char *const *paths, const TfImageInfo *infos, uint32_t n,
                   const GPtrArray *profiles, int64_t probed_ns, const TfIndex *previous, GError **error)
{
	if (g_mkdir_with_parents(place->folder, 0700) != 0)
		return tf_error_set_errno(error, errno, "%s", place->folder);
	g_autofree char *path = file_path(place);
	g_autoptr(GByteArray) bytes = compose(place, paths, infos, n, profiles, probed_ns, previous);
	if (bytes)
		return replace_file(path, bytes->data, bytes->len, error);
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: it would exceed 512 MiB", path);
	return false;
}

bool tf_index_keep_digests(const TfIndexPlace *place, const TfIndexDigest *digests, uint32_t n, uint32_t *n_kept,
                           GError **error)
{
	g_autoptr(TfIndex) index = tf_index_load(place);
	*n_kept = 0;
	for (uint32_t i = 0; i < n; i++) {
		Record *r = (Record *)find(index, digests[i].path); /* in index->file, which is ours alone */
		if (!r || r->size != digests[i].identity.size || r->mtime_ns != digests[i].identity.mtime_ns)
			continue;
		memcpy(r->digest, digests[i].digest, DIGEST_BYTES);
		++*n_kept;
	}
	if (*n_kept == 0)
		return true;
	g_autofree char *path = file_path(place);
	digest(index->file, index->length - DIGEST_BYTES, index->file + index->length - DIGEST_BYTES);
	return replace_file(path, index->file, index->length, error);
}
