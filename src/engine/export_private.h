/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/export.h>
#include "engine_private.h"

/* --- export_table.c: where the tiles went ----------------------------------------
 * Offsets follow from counts; one sum for each GROUP tiles keeps finding them
 * short.  4.1 bytes per tile: those of a million sources are 22 MB. */
typedef struct {
	uint32_t *counts; /* by ordinal; 0: blank */
	uint64_t *sums;   /* offset of each group's first tile */
	uint64_t n, n_known;
	uint64_t first_offset, end;
} TfExportTable;

bool tf_export_table_init(TfExportTable *table, uint64_t n_slots, uint64_t first_offset, GError **error);
void tf_export_table_clear(TfExportTable *table);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TfExportTable, tf_export_table_clear)

/* The next tile has this count; the result is its offset. */
uint64_t tf_export_table_add(TfExportTable *table, uint32_t count);
uint64_t tf_export_table_offset(const TfExportTable *table, uint64_t ordinal);
uint64_t tf_export_align(uint64_t offset);

/* --- export_journal.c: what survives ------------------------------------------------
 * Records, each with its checksum: a head that says which export it is, then
 * the counts of tiles, written after these tiles were synced.  A thread syncs
 * and writes, so that the others go on. */
typedef struct _TfExportJournal TfExportJournal;

/* Opens or makes the journal and the file beside it.  `head` tells this export
 * from others, `table` (borrowed, empty) gets what is known; what the file
 * holds beyond that is cut off. */
TfExportJournal *tf_export_journal_open(const TfExportOptions *options, const char *head, TfExportTable *table,
                                        GError **error);
void tf_export_journal_free(TfExportJournal *journal); /* waits for the thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfExportJournal, tf_export_journal_free)

int tf_export_journal_fd(const TfExportJournal *journal); /* of the file */

/* Has the thread nothing to do? */
bool tf_export_journal_is_idle(TfExportJournal *journal);

/* The first n tiles are written: syncs and records them, in the thread.  An
 * error is told by the next call. */
bool tf_export_journal_commit(TfExportJournal *journal, uint64_t n, GError **error);

/* Waits for the last commit. */
bool tf_export_journal_wait(TfExportJournal *journal, GError **error);

/* The file is complete and synced: removes the journal. */
bool tf_export_journal_finish(TfExportJournal *journal, GError **error);

/* --- export_progress.c ------------------------------------------------------------ */
typedef struct {
	bool quiet, terminal;
	gint64 begin_us, shown_us;
	gint64 start_us;                   /* of the first new tile */
	uint64_t start_tiles, start_bytes; /* of this run */
	uint64_t n_tiles;                  /* those that are not blank */
	double px_per_tile;                /* of level 0, on the average */
} TfExportProgress;

void tf_export_progress_start(TfExportProgress *progress, const TfMosaic *mosaic, bool quiet, uint64_t tiles,
                              uint64_t bytes);
/* Shows a line when it is time. */
void tf_export_progress_show(TfExportProgress *progress, uint64_t tiles, uint64_t bytes);
/* The same while what lies below upper tiles is read again. */
void tf_export_progress_catch_up(TfExportProgress *progress, double fraction);
void tf_export_progress_end(TfExportProgress *progress);
void tf_export_progress_summary(const TfExportProgress *progress, const TfMosaic *mosaic, const char *path,
                                uint64_t tiles, uint64_t bytes);
