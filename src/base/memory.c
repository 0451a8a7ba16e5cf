/* SPDX-License-Identifier: MIT */
#include <tiffuse/memory.h>

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic int64_t used[TF_MEMORY_CLASSES];

void *tf_memory_alloc(TfMemoryClass class, size_t bytes, GError **error)
{
	void *memory = NULL;
	if (posix_memalign(&memory, 64, MAX(bytes, 1)) != 0) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "cannot allocate %zu bytes", bytes);
		return NULL;
	}
	tf_memory_count(class, (int64_t)bytes);
	return memory;
}

void tf_memory_free(TfMemoryClass class, void *memory, size_t bytes)
{
	if (!memory)
		return;
	free(memory);
	tf_memory_count(class, -(int64_t)bytes);
}

void tf_memory_count(TfMemoryClass class, int64_t bytes)
{
	atomic_fetch_add_explicit(&used[class], bytes, memory_order_relaxed);
}

uint64_t tf_memory_used(TfMemoryClass class)
{
	return (uint64_t)atomic_load_explicit(&used[class], memory_order_relaxed);
}

uint64_t tf_memory_total(void)
{
	uint64_t total = 0;
	for (int i = 0; i < TF_MEMORY_CLASSES; i++)
		total += tf_memory_used(i);
	return total;
}
