/* SPDX-License-Identifier: MIT
 *
 * libjpeg-turbo reading from a descriptor through a small window, with errors
 * as GErrors.  Shared by the probe and the decoder.
 */
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <tiffuse/digests.h>
#include <jpeglib.h>

typedef struct {
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr input;
	struct jpeg_progress_mgr progress;
	jmp_buf escape;        /* valid inside tf_jpeg_stream_try() only */
	const char *path;      /* for messages; borrowed */
	int fd;                /* borrowed; set before each try */
	TfDigests *digests;    /* or NULL: what is read need not be compared; borrowed */
	uint32_t index;        /* of the source there */
	uint64_t offset;       /* of the window's end in the file */
	size_t window_bytes;
	uint8_t *window;
	int read_errno;        /* of the pread that failed, or 0 */
	unsigned max_scans;    /* 0: no limit */
	bool too_many_scans;
	bool created;
	char reason[JMSG_LENGTH_MAX];
} TfJpegStream;

/* `path` is borrowed and must outlive the stream. */
void tf_jpeg_stream_init(TfJpegStream *stream, const char *path, int fd, size_t window_bytes);
void tf_jpeg_stream_clear(TfJpegStream *stream);

/* A file of more scans is UNSUPPORTED: each can cost as much as all the
 * picture, for a few bytes.  0: no limit. */
void tf_jpeg_stream_limit(TfJpegStream *stream, unsigned max_scans);

/* What is read will be compared with the digested blocks (NULL: not); the window
 * must have their size. */
void tf_jpeg_stream_verify(TfJpegStream *stream, TfDigests *digests, uint32_t index);

/* Runs step(stream, data), which may call libjpeg; it must own nothing that
 * needs cleaning up, since an error leaves it by longjmp.  Fails with IO,
 * NO_MEMORY, UNSUPPORTED or DAMAGED, also at the first warning in the data:
 * libjpeg would go on with made-up pixels, be it for hours. */
bool tf_jpeg_stream_try(TfJpegStream *stream, void (*step)(TfJpegStream *stream, void *data), void *data,
                        GError **error);
