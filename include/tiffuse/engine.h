/* SPDX-License-Identifier: MIT
 *
 * Bytes of the virtual file on demand.  Requests are queued and answered by
 * callbacks; worker threads decode, compose and encode; each tile is made once
 * however many want it.
 *
 * Threads: all functions may be called from any thread and never wait for
 * pixels.  Callbacks run on the calling thread when the answer is at hand, on
 * a worker otherwise; they must not block.
 */
#pragma once
#include <sys/uio.h>
#include <tiffuse/mosaic.h>

typedef struct _TfEngine TfEngine;

typedef struct {
	unsigned threads;
	const char *spool_dir; /* copied */
	uint64_t spool_bytes;  /* bound of the spool; 0: none */
	const char *cache_dir; /* of the overview store, or NULL: none */
	uint64_t cache_bytes;  /* bound of all overview stores in cache_dir */
	bool sweep;            /* make what the store lacks, behind all readers */
} TfEngineOptions;

/* Starts the workers.  The mosaic is borrowed. */
TfEngine *tf_engine_new(const TfMosaic *mosaic, const TfEngineOptions *options);

/* Fails what is queued with CANCELLED, waits for what is running, ends. */
void tf_engine_free(TfEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfEngine, tf_engine_free)

/* Takes no more work and fails what is queued with CANCELLED, at once. */
void tf_engine_stop(TfEngine *engine);

/* One open file.  Readers that move forward get what lies ahead of them made
 * by all cores. */
typedef struct _TfReader TfReader;
TfReader *tf_reader_new(TfEngine *engine);
void tf_reader_free(TfReader *reader); /* none of its reads may be pending */

/* A read in progress. */
typedef struct _TfRead TfRead;

/* The answer: either iov with `count` pieces that make exactly the length asked
 * for (clipped at the end of the file), valid until the callback returns; or an
 * errno.  Called exactly once. */
typedef void (*TfReadDone)(const struct iovec *iov, int count, int errnum, void *data);

/* The result may be cancelled until it is answered; release it with
 * tf_read_unref() in any case. */
TfRead *tf_engine_read(TfEngine *engine, TfReader *reader, uint64_t offset, size_t length, TfReadDone done,
                       void *data);

/* Answers with EINTR if it has not been answered yet. */
void tf_read_cancel(TfRead *read);
void tf_read_unref(TfRead *read);

/* SEEK_DATA: the first offset at or after `offset` that is not in a hole, or
 * -1 (ENXIO).  Answers at once. */
int64_t tf_engine_seek_data(TfEngine *engine, uint64_t offset);

/* SEEK_HOLE: the end of the data at `offset`, through `done`, at the latest
 * after a second: then the end of the slot, which is legal, only less sparse. */
typedef void (*TfSeekDone)(uint64_t hole, int errnum, void *data);
void tf_engine_seek_hole(TfEngine *engine, TfReader *reader, uint64_t offset, TfSeekDone done, void *data);

/* Tiles with pixels that were painted because a source is damaged
 * (on-error=fill), as far as is known. */
uint64_t tf_engine_damaged_tiles(TfEngine *engine);

/* The text of .tiffuse/status: "key: value" lines. */
char *tf_engine_status(TfEngine *engine);
