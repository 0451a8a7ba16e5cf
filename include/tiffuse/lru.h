/* SPDX-License-Identifier: MIT
 *
 * One list for everything that is kept because it may be wanted again: strips,
 * encoded tiles, resting cursors.  When the books (memory.h) stand above the
 * limit, what was used longest ago goes, whatever it is.  The lists of several
 * mosaics share the budget: what goes is the oldest of all of them.
 *
 * Threads: any.  Locks: that of all lists, then its own, leaves: values are
 * released outside them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <tiffuse/memory.h>

typedef struct {
	void *(*ref)(void *value);     /* NULL: entries are taken, never shared */
	void (*unref)(void *value);
	bool (*in_use)(void *value);   /* somebody else holds it, dropping frees nothing; or NULL */
	/* Entries of the class stay, however old, while this class of memory takes no
	 * more than so many percent of the limit, unless nothing else can go. */
	TfMemoryClass memory;
	unsigned kept_percent;
} TfLruClass;

typedef struct _TfLru TfLru;

/* `classes` is borrowed.  The limit is for tf_memory_total(), bytes. */
TfLru *tf_lru_new(const TfLruClass *classes, unsigned n_classes, uint64_t limit_bytes);
void tf_lru_free(TfLru *lru);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfLru, tf_lru_free)

/* `func` is told of each value of the class that tf_lru_trim() evicts, before
 * it is released and without the lock.  Set it before the list is used. */
typedef void (*TfLruEvictFunc)(uint64_t id, void *value, void *data);
void tf_lru_on_evict(TfLru *lru, unsigned class, TfLruEvictFunc func, void *data);

uint64_t tf_lru_limit(const TfLru *lru);

/* A new reference, or NULL. */
void *tf_lru_get(TfLru *lru, unsigned class, uint64_t id);

/* Removes the entry and gives its reference to the caller, or NULL. */
void *tf_lru_take(TfLru *lru, unsigned class, uint64_t id);

/* Takes the caller's reference; an older value of the same id is released. */
void tf_lru_put(TfLru *lru, unsigned class, uint64_t id, void *value);

/* Releases entries, oldest first, until the books are at or below the limit or
 * nothing can be had any more.  Called after memory was taken. */
void tf_lru_trim(TfLru *lru);

/* As tf_lru_trim(), for `bytes` that are about to be taken. */
void tf_lru_make_room(TfLru *lru, uint64_t bytes);

/* Releases everything of a class. */
void tf_lru_clear(TfLru *lru, unsigned class);

uint64_t tf_lru_count(TfLru *lru, unsigned class);
