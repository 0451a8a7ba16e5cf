/* SPDX-License-Identifier: MIT
 *
 * How the engine works, for its own files:
 *
 * A *pass* is an ordered walk over blocks of the mosaic that makes tiles: a
 * single tile that somebody reads, an upper tile with all that lies below it,
 * or everything ahead of a forward reader.  A pass is planned in *groups* of
 * some blocks; a group falls into jobs: strip jobs (decode one strip of one
 * source) and tile jobs (compose, encode and halve one tile).  A tile job of
 * level 0 waits for its strips; a tile of a level above is made by the worker
 * that delivers its last quarter.
 *
 * Locks, in this order: engine->lock, then the leaves (LRU, flight, log).
 * engine->lock guards passes, groups, jobs and queues; it is never held while
 * decoding, composing, encoding, reading, replying or logging.
 */
#pragma once
#include <stdatomic.h>
#include <tiffuse/engine.h>
#include <tiffuse/flight.h>
#include <tiffuse/lru.h>
#include <tiffuse/overview.h>
#include <tiffuse/spool.h>

enum { TF_LRU_STRIPS, TF_LRU_TILES, TF_LRU_CURSORS, TF_LRU_CLASSES };
typedef enum { TF_URGENT, TF_FORWARD, TF_SWEEP, TF_PRIORITIES } TfPriority;

typedef struct _Pass Pass;
typedef struct _Group Group;
typedef struct _TileJob TileJob;
typedef struct _StripJob StripJob;

/* A rectangle of tiles of a level, [c0, c1) x [r0, r1). */
typedef struct {
	int64_t c0, r0, c1, r1;
} TileRange;

struct _Pass {
	gatomicrefcount refs;
	TfEngine *engine;
	TfPriority priority;
	TileRange range;   /* what it walks over, in tiles of: */
	int base_level;    /* 0, or for a single tile of a level with sources of its own, and above, that level */
	int top_level;     /* the highest level it makes */
	bool encodes_all;  /* a forward pass; otherwise only the target */
	uint64_t target;   /* ordinal; only without encodes_all */
	bool exclusive;    /* an export: whoever waits for a tile waits for this pass */
	GHashTable *failed; /* ordinal -> GError, of an export that had not come to it; under engine->lock */
	uint64_t wanted_from; /* tiles before it are not encoded; they are made for those above them */
	int64_t block_rows;   /* rows of tiles in a block */
	int64_t max_blocks;   /* most blocks that are planned at a time */
	int64_t first_block;  /* raster index; tiles whose blocks began before it cannot be completed */

	/* guarded by engine->lock: */
	int64_t next_col, next_row; /* of the next group, in tiles */
	int64_t group_blocks;       /* blocks of the next group */
	bool exhausted;             /* all groups are planned */
	bool looked_up;             /* in the overview store; its planner's */
	bool widens;                /* it will make all of its top level; its planner's */
	bool planning, queued;      /* a worker plans / it is in the plan queue */
	bool cancelled;
	unsigned open_groups;
	GHashTable *parents; /* ordinal -> Parent: tiles whose quarters are coming in */
	GHashTable *held;    /* strip key -> TfStrip that later groups of this block row want */
	GHashTable *promised; /* ordinals whose flights we joined and whose jobs are still to come */
	GHashTable *fed;     /* ordinals of level 3 whose halves came from the overview store */
	GHashTable *ahead;   /* ordinal -> GBytes that the reader has not come to yet */
	uint64_t reader_ordinal;
	int64_t reader_block;
};

struct _Group {
	Pass *pass;
	TileRange range;
	unsigned open_jobs;
};

/* A tile above level 0 on its way. */
typedef struct {
	TfSamples *quarters[4];
	int missing;
	GError *error;
} Parent;

struct _TileJob {
	Group *group;
	TfTile tile;
	uint64_t ordinal;
	bool want_bytes;   /* we land its flight */
	bool keep;         /* it is encoded for the overview store in any case */
	TfSamples *stored; /* its half, from the overview store: nothing is to be made */
	int64_t passed;    /* the source that is handed out as this tile, or -1 */
	GArray *fragments; /* levels with sources: TfFragment; NULL when only a source is to be handed out */
	TfStrip **strips;  /* one per fragment, NULL for background */
	unsigned pending;  /* strips that are still missing */
	TfSamples *quarters[4];
	GError *error;     /* of a source or of a tile below */
};

/* A worker waits for a source. */
typedef struct {
	uint32_t source;
	gint64 since_us;
	bool told; /* in the log */
	GList link; /* in engine->watches */
} TfWatch;

struct _StripJob {
	uint64_t key;
	uint32_t source;
	TfRows rows;
	TfPriority priority;
	bool running, parked;  /* parked: waits for the source's other strip */
	GList link;            /* in strip_queue[priority] while neither */
	GPtrArray *dependents; /* TileJob, once for each that waits */
	TfWatch watch;         /* while it runs */
};

typedef struct {
	_Atomic uint64_t tiles_made[TF_MAX_LEVELS], tile_hits, requantised, hole_reads, reads;
	_Atomic uint64_t overview_hits, passed;
	_Atomic uint64_t decoded_px, skipped_px, encoded_px, encoded_bytes, regions, errors;
} TfCounters;

struct _TfEngine {
	const TfMosaic *mosaic;
	TfLru *lru;
	TfSpool *spool;
	TfOverview *overview; /* or NULL */
	int keep_level;       /* the lowest level whose encoded tiles are kept there */
	Pass *sweep;          /* or NULL; guarded by lock */
	TfFlight *flight;
	struct _Damage *damage;
	TfCounters counters;
	bool keeps_walked; /* strips that a walk decodes stay in the LRU: there is room for all */
	unsigned n_threads;
	GThread **threads;
	GThread *timer;

	GMutex lock;
	GCond work;                  /* there may be something for a worker */
	GCond tick;                  /* the timer's list changed */
	bool stopping;
	GQueue tile_queue[TF_PRIORITIES];  /* TileJob that can run */
	GQueue strip_queue[TF_PRIORITIES]; /* StripJob */
	GQueue plan_queue[TF_PRIORITIES];  /* Pass */
	GHashTable *strip_jobs;      /* key -> StripJob that is queued or running */
	GHashTable *busy_sources;    /* source -> GQueue of parked StripJob */
	GHashTable *demands;         /* ordinal -> Pass that makes one tile for readers */
	GQueue readers;              /* TfReader */
	GQueue seeks;                /* pending SEEK_HOLE, oldest first */
	GQueue watches;              /* TfWatch, oldest first */
	uint8_t *seen;               /* a bit per slot: encoded before */
};

/* --- pool.c: the workers and their queues ------------------------------------ */
bool tf_pool_start(TfEngine *engine, unsigned threads);
void tf_pool_stop(TfEngine *engine);
void tf_pool_push_tile_locked(TfEngine *engine, TileJob *job);
void tf_pool_push_plan_locked(TfEngine *engine, Pass *pass);

/* --- strips.c: strips of sources ---------------------------------------------- */
/* A strip's key: its source, and its tile row counted from the source's first. */
enum { TF_STRIP_BITS = 24 };
static inline uint32_t tf_strip_source(uint64_t key)
{
	return (uint32_t)(key >> TF_STRIP_BITS);
}
uint64_t tf_strip_key(const TfEngine *engine, uint32_t source, int64_t tile_row);

/* Gives the job the strips that are at hand and queues jobs for the others. */
void tf_strips_request_locked(TfEngine *engine, TileJob *job);
void tf_strip_job_run(TfEngine *engine, StripJob *job);
/* One line in the log for a source and a cause. */
void tf_source_note_failure(TfEngine *engine, uint32_t source, const GError *error);
void tf_strip_job_fail_locked(TfEngine *engine, StripJob *job, const GError *error);

/* --- pass.c: walks -------------------------------------------------------------- */
/* A pass that makes one tile (with all below it) for somebody who waits. */
Pass *tf_pass_demand_locked(TfEngine *engine, TfTile tile);
/* A pass over everything from block `first` on. */
Pass *tf_pass_forward_locked(TfEngine *engine, int64_t first_block, uint64_t reader_ordinal);
/* A pass from the first block on that makes all tiles from `ordinal` on, for
 * the only reader there is. */
Pass *tf_pass_export_locked(TfEngine *engine, uint64_t ordinal);
/* A pass over everything that makes what the overview store lacks. */
Pass *tf_pass_sweep_locked(TfEngine *engine);
Pass *tf_pass_ref(Pass *pass);
void tf_pass_unref(Pass *pass);
/* Its queued work is dropped; tiles that others wait for are asked for anew. */
void tf_pass_cancel_locked(Pass *pass);
void tf_pass_reader_at_locked(Pass *pass, uint64_t ordinal);
/* Plans the next group: called by a worker, without the lock. */
void tf_pass_plan(Pass *pass);
bool tf_pass_may_plan_locked(const Pass *pass);
/* Runs a tile job and those above it that it completes. */
void tf_tile_job_run(TfEngine *engine, TileJob *job);

/* --- requests.c ------------------------------------------------------------------ */
/* Asks for a tile's bytes; func is called at once or later. */
void tf_tile_request(TfEngine *engine, TfTile tile, uint64_t ordinal, TfFlightFunc func, void *data);
/* The tile's bytes if they are at hand, a new reference, or NULL. */
GBytes *tf_tile_find(TfEngine *engine, uint64_t ordinal);
/* The last who waited for the tile has left its flight. */
void tf_tile_abandon(TfEngine *engine, uint64_t ordinal);

/* --- overviews.c: upper tiles on disk ------------------------------------------------ */
/* The halves of its tiles are kept, and the tiles from it on: below, a tile
 * costs little.  With the smallest level first in the file, who copies it wants all
 * reduced levels before level 0, so all are kept. */
enum { TF_OVERVIEW_LEVEL = 3 };
void tf_overviews_open(TfEngine *engine, const TfEngineOptions *options);
bool tf_overviews_has(TfEngine *engine, TfTile tile); /* reads from disk, as the next two */
/* A tile's bytes, counted as TF_MEMORY_TILES, or NULL. */
GBytes *tf_overviews_tile(TfEngine *engine, TfTile tile);
/* The half of a tile of TF_OVERVIEW_LEVEL, or NULL. */
TfSamples *tf_overviews_quarter(TfEngine *engine, TfTile tile);
void tf_overviews_keep(TfEngine *engine, TfTile tile, GBytes *bytes, const TfSamples *quarter);

/* --- status.c: parts of a status ------------------------------------------------------- */
void tf_status_add(GString *out, const char *key, uint64_t value);
void tf_status_add_text(GString *out, const char *key, const char *value);
/* What all mosaics of the process hold together, and what the process may do. */
void tf_status_add_process(GString *out);

/* --- watch.c: sources that do not answer ------------------------------------------- */
void tf_watch_begin_locked(TfEngine *engine, TfWatch *watch, uint32_t source);
void tf_watch_end_locked(TfEngine *engine, TfWatch *watch);
void tf_watch_add_status(TfEngine *engine, GString *out);
/* The path of a source that got stuck and was not told yet, or NULL; borrowed
 * from the mosaic. */
const char *tf_watch_news_locked(TfEngine *engine);

/* --- seek.c: the thread that answers SEEK_HOLE in time, and looks for stuck sources -- */
gpointer tf_seek_timer(gpointer engine);

/* --- readahead.c ------------------------------------------------------------------ */
struct _TfReader {
	TfEngine *engine;
	/* guarded by engine->lock: */
	uint64_t next_ordinal; /* after the last slot that was read */
	unsigned run;          /* slots read one after the other */
	Pass *pass;            /* what makes the tiles ahead of it, or NULL */
	gint64 last_us;
};

/* The reader wants the slot; starts, moves or ends its pass. */
void tf_reader_at(TfReader *reader, uint64_t ordinal);

static inline void tf_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}
