/* SPDX-License-Identifier: MIT
 *
 * The compact file: the tiles of the mounted one, byte for byte, without slots
 * and gaps.  In file order:
 *
 *   header, zeros up to the bound of its size | the blank tile | tiles by ordinal
 *
 * each tile at a multiple of 16.  It is written in one forward pass.  Until it
 * is complete the header's place holds zeros, so that nobody takes a part for
 * the whole, and FILE.tiffuse-journal beside it says what is there; the same
 * export goes on from that after whatever ended it.
 *
 * Threads: tf_export() is for one thread; it starts and ends its own.
 */
#pragma once
#include <tiffuse/engine.h>

typedef struct {
	const char *path;
	bool overwrite;              /* replace a file that is not a part of this export */
	bool quiet;                  /* no progress on stderr */
	bool (*go_on)(void *data);   /* asked before each tile and while waiting for one; or NULL */
	void *data;
} TfExportOptions;

/* Is it sensible to write there?  USAGE when the file lies in the folder that
 * is the source, where the next look would take it for a tile. */
bool tf_export_check(const char *source, const char *path, GError **error);

/* The engine must be fresh: nobody else reads from it.
 *
 * USAGE: something stands at `path` that must not be replaced, or a journal of
 * another export.  CANCELLED: go_on() said no.  IO, TOO_LARGE, ACCESS: the file
 * cannot be written.  Otherwise the first error of a source in file order.
 * Except after USAGE, the same call goes on where this one ended. */
bool tf_export(TfEngine *engine, const TfExportOptions *options, GError **error);
