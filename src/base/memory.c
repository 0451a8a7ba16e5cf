/* SPDX-License-Identifier: MIT */
#include <tiffuse/memory.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tiffuse/util.h>
#include <unistd.h>

static _Atomic int64_t used[TF_MEMORY_CLASSES];

/* Big buffers are mapped one by one: between the short-lived ones in malloc's
 * arenas, the long-lived ones would leave holes that cannot be given back
 * (measured with a copy of 845 Mpx: 284 MB resident for 208 MB in the books).
 * Some that were freed are kept for the next one of their size, since fresh
 * pages cost an eighth of the time. */
enum {
	MIN_MAPPED = 32 * 1024,
	CLASSES_PER_OCTAVE = 8,
	N_SIZES = 64 * CLASSES_PER_OCTAVE,
	MAX_STEPS_UP = 8, /* a spare that is larger, up to twice as large, serves as well */
};

typedef struct Spare {
	struct Spare *next;
	size_t size; /* only on its way to be unmapped */
} Spare;

static struct {
	GMutex lock; /* guards the rest; a leaf */
	Spare *free[N_SIZES];
	GHashTable *larger; /* live buffers that are larger than they need be -> their size */
	size_t bytes, min_bytes;
	uint64_t total_bytes; /* what is live and the spares above min_bytes share this */
	unsigned hand;        /* the size that gave room last */
} spares;

static bool is_mapped(size_t bytes)
{
	return bytes >= MIN_MAPPED;
}

/* Mapped sizes are rounded up to eight steps between powers of two, so that
 * strips of nearly the same height share their spares. */
static size_t rounded(size_t bytes)
{
	if (!is_mapped(bytes))
		return MAX(bytes, 1);
	size_t step = (size_t)1 << (63 - __builtin_clzl(bytes)) >> 3;
	return (bytes + step - 1) & ~(step - 1);
}

static unsigned size_index(size_t size)
{
	unsigned octave = 63 - (unsigned)__builtin_clzl(size);
	return octave * CLASSES_PER_OCTAVE + (unsigned)((size >> (octave - 3)) & 7);
}

static size_t size_of_index(unsigned index)
{
	return (size_t)(8 + index % CLASSES_PER_OCTAVE) << (index / CLASSES_PER_OCTAVE - 3);
}

/* A spare of *size or somewhat more, which *size becomes. */
static void *take_spare(size_t *size)
{
	unsigned first = size_index(*size);
	g_mutex_lock(&spares.lock);
	Spare *spare = NULL;
	for (unsigned i = first; !spare && i <= MIN(first + MAX_STEPS_UP, N_SIZES - 1); i++) {
		if (!(spare = spares.free[i]))
			continue;
		spares.free[i] = spare->next;
		spares.bytes -= size_of_index(i);
		if (i == first)
			continue;
		*size = size_of_index(i);
		if (!spares.larger)
			spares.larger = g_hash_table_new(NULL, NULL);
		g_hash_table_insert(spares.larger, spare, GSIZE_TO_POINTER(*size));
	}
	g_mutex_unlock(&spares.lock);
	return spare;
}

/* What a buffer takes, which was asked for as so many (rounded) bytes. */
static size_t forget_size(const void *memory, size_t asked)
{
	gpointer size = NULL;
	g_mutex_lock(&spares.lock);
	if (spares.larger)
		g_hash_table_steal_extended(spares.larger, memory, NULL, &size);
	g_mutex_unlock(&spares.lock);
	return size ? GPOINTER_TO_SIZE(size) : asked;
}

/* How many bytes of spares there may be while `live` bytes are in use. */
static uint64_t allowance_locked(uint64_t live)
{
	return MAX(spares.min_bytes, spares.total_bytes > live ? spares.total_bytes - live : 0);
}

/* Takes spares out, going round the sizes, until no more than `bytes` are left
 * or only those of the size `sparing` are; the chain is the caller's to unmap.
 * Otherwise sizes that were common once would keep the room from those that
 * are common now. */
static Spare *shed_locked(uint64_t bytes, unsigned sparing)
{
	Spare *chain = NULL;
	for (unsigned steps = 0; spares.bytes > bytes && steps < N_SIZES; steps++) {
		unsigned i = spares.hand = (spares.hand + 1) % N_SIZES;
		Spare *spare;
		while (i != sparing && spares.bytes > bytes && (spare = spares.free[i])) {
			spares.free[i] = spare->next;
			spares.bytes -= size_of_index(i);
			spare->size = size_of_index(i);
			spare->next = chain;
			chain = spare;
		}
	}
	return chain;
}

static void unmap_chain(Spare *chain)
{
	while (chain) {
		Spare *next = chain->next;
		munmap(chain, chain->size);
		chain = next;
	}
}

static bool keep_spare(void *memory, size_t size)
{
	Spare *spare = memory, **list = &spares.free[size_index(size)];
	g_mutex_lock(&spares.lock);
	uint64_t most = allowance_locked(tf_memory_total());
	Spare *chain = size <= most ? shed_locked(most - size, size_index(size)) : NULL;
	bool keep = spares.bytes + size <= most;
	if (keep) {
		spare->next = *list;
		*list = spare;
		spares.bytes += size;
	}
	g_mutex_unlock(&spares.lock);
	unmap_chain(chain);
	return keep;
}

void tf_memory_keep_spare(size_t min_bytes, uint64_t total_bytes)
{
	g_mutex_lock(&spares.lock);
	spares.min_bytes = min_bytes;
	spares.total_bytes = total_bytes;
	Spare *chain = min_bytes == 0 && total_bytes == 0 ? shed_locked(0, N_SIZES) : NULL;
	g_mutex_unlock(&spares.lock);
	unmap_chain(chain);
}

static void *map_pages(size_t *size)
{
	void *memory = take_spare(size);
	if (memory)
		return memory;
	g_mutex_lock(&spares.lock);
	Spare *chain = shed_locked(allowance_locked(tf_memory_total() + *size), N_SIZES);
	g_mutex_unlock(&spares.lock);
	unmap_chain(chain);
	memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void *tf_memory_alloc(TfMemoryClass class, size_t bytes, GError **error)
{
	void *memory = NULL;
	size_t size = rounded(bytes);
	if (is_mapped(bytes))
		memory = size >= bytes ? map_pages(&size) : NULL; /* rounding up may overflow */
	else if (posix_memalign(&memory, 64, size) != 0)
		memory = NULL;
	if (!memory) {
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
	size_t size = rounded(bytes);
	if (is_mapped(bytes))
		size = forget_size(memory, size);
	tf_memory_count(class, -(int64_t)size);
	if (!is_mapped(bytes))
		free(memory);
	else if (!keep_spare(memory, size))
		munmap(memory, size);
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

uint64_t tf_memory_peak_rss(void)
{
	static gsize once;
	char text[4096];
	if (g_once_init_enter(&once))
		g_once_init_leave(&once, (gsize)open("/proc/self/status", O_RDONLY | O_CLOEXEC) + 2); /* never 0 */
	ssize_t n = pread((int)once - 2, text, sizeof text - 1, 0);
	text[MAX(n, 0)] = '\0';
	const char *line = strstr(text, "VmHWM:");
	return line ? strtoul(line + 6, NULL, 10) * TF_KIB : 0;
}
