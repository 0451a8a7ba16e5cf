/* SPDX-License-Identifier: MIT */
#pragma once
#include "engine_private.h"

#include <sys/types.h>
#include <tiffuse/collection.h>

/* By what a changed source is known. */
typedef struct {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, changed;
} Stamp;

struct _TfMember {
	TfCollection *collection;
	char *source;
	/* guarded by collection->lock: */
	TfMosaic *mosaic;   /* NULL: closed */
	TfEngine *engine;   /* or NULL */
	uint64_t generation;
	unsigned pins;      /* who works with it: it must not be closed */
	unsigned holders;   /* who has its file open */
	bool opening;       /* an opener has it: it must not be closed */
	bool stale;         /* open, but the source changed: to be opened anew */
	GQueue waiters;
	gint64 last_us;     /* when it was used last */
	GList link;         /* in collection->open while it has a mosaic */
	GError *error;      /* why it could not be opened when it was tried last */
	gint64 error_us;
	bool has_facts;
	TfMemberFacts facts;
	char *origin;       /* the arrangement file, or the source; of the last opening */
	Stamp source_stamp, origin_stamp; /* at the last opening */
};

struct _TfCollection {
	TfCollectionOptions options;
	char *root;
	GThreadPool *openers;
	GThread *janitor;
	GMutex lock;         /* guards what follows; before engine->lock */
	GCond tick;          /* for the janitor */
	bool stopping;
	GHashTable *members; /* source -> TfMember */
	GQueue open;         /* TfMember, the one that was used longest ago first */
	unsigned n_loading;  /* members that are about to have a mosaic */
	uint64_t n_opened, n_closed, n_failed;
	struct {
		uint64_t tiles_made, decoded_px, reads, errors;
	} past;              /* counters of engines that are closed */
};

/* What was detached from a member, to be freed without the lock. */
typedef struct {
	TfMosaic *mosaic;
	TfEngine *engine;
} Closing;
void tf_closing_finish(Closing closing);
