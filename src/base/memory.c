/* SPDX-License-Identifier: MIT */
#include <tiffuse/memory.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Atomic int64_t used[TF_MEMORY_CLASSES];

/* Big buffers are mapped one by one: between the short-lived ones in malloc's
 * arenas, the long-lived ones would leave holes that cannot be given back
 * (measured with a copy of 845 Mpx: 284 MB resident for 208 MB in the books). */
static bool is_mapped(size_t bytes)
{
	return bytes >= 32 * 1024;
}

static size_t rounded(size_t bytes)
{
	return is_mapped(bytes) ? (bytes + 4095) & ~(size_t)4095 : MAX(bytes, 1);
}

void *tf_memory_alloc(TfMemoryClass class, size_t bytes, GError **error)
{
	void *memory = NULL;
	size_t size = rounded(bytes);
	if (is_mapped(bytes))
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (posix_memalign(&memory, 64, size) != 0)
		memory = NULL;
	if (!memory || memory == MAP_FAILED) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "cannot allocate %zu bytes", bytes);
		return NULL;
	}
	tf_memory_count(class, (int64_t)size);
	return memory;
}

void tf_memory_free(TfMemoryClass class, void *memory, size_t bytes)
{
	if (!memory)
		return;
	if (is_mapped(bytes))
		munmap(memory, rounded(bytes));
	else
		free(memory);
	tf_memory_count(class, -(int64_t)rounded(bytes));
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
