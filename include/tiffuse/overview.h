/* SPDX-License-Identifier: MIT
 *
 * What upper tiles cost to make is kept on disk for the next reader and the
 * next mount: encoded tiles, and samples that can be averaged further.  One
 * sparse file per fingerprint, records at fixed places, each with its length
 * and checksum, so that any number of daemons may share it: they write the
 * same bytes.  It only saves time: what is absent, torn or damaged is made
 * again, and what cannot be written is not kept.
 *
 * Threads: any, without locks.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <tiffuse/error.h>

typedef struct {
	const char *folder;      /* made if need be; mode 0700 */
	const char *fingerprint; /* names the file; NULL: it has no name and ends with the process */
	uint64_t max_bytes;      /* of all such files together; older ones go first */
	uint64_t n_records;
	uint64_t record_bytes;   /* the largest */
} TfOverviewPlan;

typedef struct _TfOverview TfOverview;

/* ACCESS, IO: then work without. */
TfOverview *tf_overview_open(const TfOverviewPlan *plan, GError **error);
void tf_overview_close(TfOverview *overview);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfOverview, tf_overview_close)

/* The record, or NULL when it is not there or not whole. */
GBytes *tf_overview_get(TfOverview *overview, uint64_t record);

/* Failure switches writing off; the first one is returned as an error. */
bool tf_overview_put(TfOverview *overview, uint64_t record, const void *data, size_t length, GError **error);

/* Disk used by this file, as far as this process knows. */
uint64_t tf_overview_bytes(TfOverview *overview);
