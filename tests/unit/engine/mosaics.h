/* SPDX-License-Identifier: MIT
 *
 * Small mosaics over real JPEGs, and reads that wait for their answer.
 * Included by one test program each.
 */
#pragma once
#include "../jpegs.h"

#include <errno.h>
#include <tiffuse/engine.h>
#include <tiffuse/vips_env.h>

enum { COLS = 4, ROWS = 3, WIDTH = 203, HEIGHT = 151, TILE = 64 };

static inline char *source_path(const Scratch *folder, int row, int col)
{
	return g_strdup_printf("%s/tile_r%d_c%d.jpg", folder, row, col);
}

/* A grid of JPEGs with one place left empty when `hole`. */
static inline Scratch *make_grid(const char *kind, bool hole)
{
	Scratch *folder = scratch_new();
	for (int row = 0; row < ROWS; row++)
		for (int col = 0; col < COLS; col++) {
			if (hole && row == 1 && col == 2)
				continue;
			g_autofree char *path = source_path(folder, row, col);
			g_autoptr(GBytes) bytes = jpeg_make(jpeg_kind(kind), WIDTH, HEIGHT, (uint32_t)(row * COLS + col));
			write_file(path, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
		}
	return folder;
}

static inline TfMosaic *open_mosaic(const Scratch *folder, const char *overlap)
{
	g_autoptr(GError) error = NULL;
	TfMosaicOptions options = {.source = folder,
	                           .arrange = {.overlap = overlap},
	                           .name = "test",
	                           .tile = TILE,
	                           .compression = TF_COMPRESSION_JPEG,
	                           .quality = 85,
	                           .hsamp = 2,
	                           .vsamp = 2,
	                           .background = {10, 200, 90},
	                           .memory_bytes = 64 << 20,
	                           .threads = 2,
	                           .spool_dir = folder};
	TfMosaic *mosaic = tf_mosaic_open(&options, &error);
	g_assert_no_error(error);
	return mosaic;
}

static inline TfEngine *new_engine(const TfMosaic *mosaic, unsigned threads)
{
	TfEngineOptions options = {.threads = threads};
	return tf_engine_new(mosaic, &options);
}

/* --- waiting for answers ---------------------------------------------------------- */

typedef struct {
	GMutex lock;
	GCond cond;
	int calls, errnum;
	uint8_t *to;
	uint64_t length; /* that came, or the answer of a seek */
} Answer;

static inline void answer_init(Answer *answer, uint8_t *to)
{
	*answer = (Answer){.to = to};
	g_mutex_init(&answer->lock);
	g_cond_init(&answer->cond);
}

static inline void answer_give(Answer *answer, uint64_t length, int errnum)
{
	g_mutex_lock(&answer->lock);
	answer->calls++;
	answer->length = length;
	answer->errnum = errnum;
	g_cond_broadcast(&answer->cond);
	g_mutex_unlock(&answer->lock);
}

/* The errno; a minute is a hang. */
static inline int answer_wait(Answer *answer)
{
	gint64 end = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
	g_mutex_lock(&answer->lock);
	while (answer->calls == 0)
		g_assert_true(g_cond_wait_until(&answer->cond, &answer->lock, end));
	g_assert_cmpint(answer->calls, ==, 1);
	g_mutex_unlock(&answer->lock);
	g_mutex_clear(&answer->lock);
	g_cond_clear(&answer->cond);
	return answer->errnum;
}

static inline void on_read(const struct iovec *iov, int count, int errnum, void *data)
{
	Answer *answer = data;
	uint64_t length = 0;
	for (int i = 0; i < count; i++) {
		memcpy(answer->to + length, iov[i].iov_base, iov[i].iov_len);
		length += iov[i].iov_len;
	}
	answer_give(answer, length, errnum);
}

/* 0 or an errno; an answer is of full length, but at the end of the file. */
static inline int read_at(TfEngine *engine, TfReader *reader, uint64_t file_bytes, uint64_t offset, size_t length,
                          uint8_t *to)
{
	Answer answer;
	answer_init(&answer, to);
	TfRead *read = tf_engine_read(engine, reader, offset, length, on_read, &answer);
	int errnum = answer_wait(&answer);
	tf_read_unref(read);
	if (errnum == 0)
		g_assert_cmpuint(answer.length, ==, offset < file_bytes ? MIN(length, file_bytes - offset) : 0);
	return errnum;
}

static inline void on_seek(uint64_t hole, int errnum, void *data)
{
	answer_give(data, hole, errnum);
}

static inline uint64_t seek_hole(TfEngine *engine, TfReader *reader, uint64_t offset)
{
	Answer answer;
	answer_init(&answer, NULL);
	tf_engine_seek_hole(engine, reader, offset, on_seek, &answer);
	g_assert_cmpint(answer_wait(&answer), ==, 0);
	return answer.length;
}

/* The whole file, read by one reader from the front. */
static inline uint8_t *read_file_by(TfEngine *engine, uint64_t file_bytes, size_t piece)
{
	TfReader *reader = tf_reader_new(engine);
	uint8_t *all = g_malloc(file_bytes);
	for (uint64_t at = 0; at < file_bytes; at += piece)
		g_assert_cmpint(read_at(engine, reader, file_bytes, at, piece, all + at), ==, 0);
	tf_reader_free(reader);
	return all;
}

/* As cp does. */
static inline uint8_t *read_file(TfEngine *engine, uint64_t file_bytes)
{
	return read_file_by(engine, file_bytes, 128 * 1024);
}

static inline uint64_t status(TfEngine *engine, const char *key)
{
	g_autofree char *text = tf_engine_status(engine), *line = g_strdup_printf("\n%s: ", key);
	const char *found = strstr(text, line);
	g_assert_nonnull(found);
	return g_ascii_strtoull(found + strlen(line), NULL, 10);
}
