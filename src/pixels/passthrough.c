/* SPDX-License-Identifier: MIT */
#include "markers.h"
#include "source_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <tiffuse/encode.h>
#include <tiffuse/io.h>
#include <tiffuse/log.h>
#include <tiffuse/passthrough.h>

/* More than good streams have: the largest one makes all slots. */
static uint64_t max_stream_bytes(const TfImageInfo *info)
{
	return 2 * (uint64_t)info->width * (uint64_t)info->height * info->bands + 4 * TF_KIB;
}

/* A MiB for previews and metadata: the whole file is read at each look. */
static uint64_t max_file_bytes(const TfImageInfo *info)
{
	return max_stream_bytes(info) + TF_MIB;
}

bool tf_passthrough_may_fit(const TfImageInfo *info, int32_t side)
{
	bool colour = info->colour == TF_COLOUR_GREY || (info->colour == TF_COLOUR_YCBCR && info->hsamp > 0);
	return info->codec == TF_CODEC_JPEG && !info->progressive && colour && info->width == side &&
	       info->height == side && info->identity.size <= max_file_bytes(info);
}

/* The stream in a new buffer, and its size; NULL with an error.  `files` is
 * NULL where the file is not a source yet. */
static uint8_t *read_stream(int fd, const char *path, const TfImageInfo *info, const TfFiles *files, uint32_t index,
                            size_t *stream_bytes, GError **error)
{
	size_t length = info->identity.size;
	const char *reason;
	g_autofree uint8_t *room = g_try_malloc(length);
	if (!room) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "%s: cannot allocate %zu bytes", path, length);
		return NULL;
	}
	if (!tf_pread_all(fd, room, length, 0)) {
		tf_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	TfDigests *digests = files ? tf_files_digests(files) : NULL;
	if (digests && !tf_digests_check_bytes(digests, index, path, room, length, error))
		return NULL;
	*stream_bytes = tf_markers_scan(room, length, info, room, &reason);
	if (*stream_bytes > 0)
		return g_steal_pointer(&room);
	g_set_error(error, TF_ERROR, TF_ERROR_DAMAGED, "%s: it cannot be handed out as it is: %s", path, reason);
	return NULL;
}

/* --- at the mount ------------------------------------------------------------- */

typedef struct {
	const TfPassthroughFile *files;
	uint32_t n;
	_Atomic uint32_t next;
} Probe;

static void probe_file(const TfPassthroughFile *file)
{
	g_autoptr(GError) error = NULL;
	TfIdentity identity;
	size_t bytes = 0;
	tf_autofd int fd = tf_open_regular(file->path, &identity, NULL);
	if (fd < 0 || memcmp(&identity, &file->info->identity, sizeof identity) != 0)
		return;
	g_autofree uint8_t *stream = read_stream(fd, file->path, file->info, NULL, 0, &bytes, &error);
	if (stream && bytes <= max_stream_bytes(file->info))
		file->info->stream_bytes = (uint32_t)bytes;
	else if (stream || g_error_matches(error, TF_ERROR, TF_ERROR_DAMAGED))
		file->info->stream_bytes = TF_STREAM_UNFIT;
	if (error)
		tf_log(TF_LOG_DEBUG, "%s", error->message);
}

static gpointer probe_thread(gpointer data)
{
	Probe *probe = data;
	for (;;) {
		uint32_t i = atomic_fetch_add(&probe->next, 1);
		if (i >= probe->n)
			return NULL;
		probe_file(&probe->files[i]);
	}
}

void tf_passthrough_probe(const TfPassthroughFile *files, uint32_t n, unsigned threads)
{
	Probe probe = {.files = files, .n = n};
	unsigned n_threads = CLAMP(threads, 1, MAX(n / 16, 1));
	g_autofree GThread **started = g_new0(GThread *, n_threads);
	for (unsigned i = 0; i < n_threads; i++)
		started[i] = g_thread_new("probe", probe_thread, &probe);
	for (unsigned i = 0; i < n_threads; i++)
		g_thread_join(started[i]);
}

/* --- while mounted -------------------------------------------------------------- */

GBytes *tf_passthrough_read(TfSources *sources, uint32_t index, GError **error)
{
	const TfSource *source = tf_scene_source(sources->scene, index);
	size_t bytes = 0;
	int fd = tf_files_acquire(sources->files, index, error);
	if (fd < 0)
		return NULL;
	g_autoptr(GError) failure = NULL;
	g_autofree uint8_t *stream = read_stream(fd, source->path, &source->info, sources->files, index, &bytes, &failure);
	/* A file that is being written over explains all that is wrong with it. */
	bool same = tf_files_verify(sources->files, index, fd, error);
	tf_files_release(sources->files, index, fd);
	if (!same)
		return NULL;
	if (!stream) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return NULL;
	}
	if (bytes == source->info.stream_bytes)
		return tf_encode_counted(stream, bytes, error);
	g_set_error(error, TF_ERROR, TF_ERROR_CHANGED, "%s: its stream has %zu bytes, at the mount it had %u", source->path,
	            bytes, source->info.stream_bytes);
	return NULL;
}
