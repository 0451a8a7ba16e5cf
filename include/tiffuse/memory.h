/* SPDX-License-Identifier: MIT
 *
 * The books of big memory.  Whatever grows with input or load is allocated
 * here or entered here, by class, so that the caches can keep the sum below
 * the budget and the status can show it.  The figures are bytes that are live
 * now, not what an allocator keeps in reserve.
 *
 * Threads: any; the counters are atomic.
 */
#pragma once
#include <tiffuse/error.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
	TF_MEMORY_STRIPS,   /* decoded rows of sources */
	TF_MEMORY_TILES,    /* encoded tiles */
	TF_MEMORY_CURSORS,  /* open decoders */
	TF_MEMORY_CANVASES, /* samples on their way up the pyramid */
	TF_MEMORY_SCENE,    /* the table of sources */
	TF_MEMORY_HEADER,   /* the TIFF header */
	TF_MEMORY_FLAT,     /* the flat field */
	TF_MEMORY_CLASSES
} TfMemoryClass;

/* NULL and NO_MEMORY when it cannot be had; 64-byte aligned, not zeroed. */
void *tf_memory_alloc(TfMemoryClass class, size_t bytes, GError **error);
void tf_memory_free(TfMemoryClass class, void *memory, size_t bytes);

/* Freed big buffers are kept for reuse: up to min_bytes of them in any case, and
 * more while they and what is live are at most total_bytes together.  They are
 * not in the books.  0 and 0 (as at the start) keeps none and gives back those
 * there are. */
void tf_memory_keep_spare(size_t min_bytes, uint64_t total_bytes);

/* Enter memory that another allocator holds; negative when it is given back. */
void tf_memory_count(TfMemoryClass class, int64_t bytes);

uint64_t tf_memory_used(TfMemoryClass class);
uint64_t tf_memory_total(void);

/* The largest resident size of the process so far (VmHWM), 0 if it cannot be
 * had.  The first call opens a file in /proc, which stays open. */
uint64_t tf_memory_peak_rss(void);
