/* SPDX-License-Identifier: MIT
 *
 * The system calls and allocations of a test program, libraries included,
 * counted by kind, and the Nth of a kind fails.  They are defined here, in the
 * program, which the linker asks first.  Allocations fail only for those who
 * may be refused: this program, libjpeg, libtiff and libvips.  Not GLib, which
 * ends the process by contract, and not Little CMS, which goes on with a coarser
 * table instead of failing.
 */
#pragma once
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum {
	FAIL_OPEN,
	FAIL_READ,
	FAIL_STAT,
	FAIL_WRITE,
	FAIL_MAP,
	FAIL_TRY,      /* g_try_malloc() and its like */
	FAIL_MEMALIGN, /* posix_memalign() */
	FAIL_MALLOC,   /* of libjpeg, libtiff, libvips; not small ones */
	FAIL_KINDS
} FailKind;

static const char *const fail_names[FAIL_KINDS] = {"open", "read", "stat", "write", "mmap", "try-malloc", "memalign", "malloc"};

static struct {
	_Atomic int kind;     /* FAIL_KINDS: none */
	_Atomic int countdown, hits;
	_Atomic int errnum;
} failing = {FAIL_KINDS, 0, 0, EIO};

/* The n-th call of the kind from now on fails, n from 1. */
static inline void fail_nth(FailKind kind, int n, int errnum)
{
	failing.hits = 0;
	failing.errnum = errnum;
	failing.countdown = n;
	failing.kind = (int)kind;
}

/* Did it come to that? */
static inline bool fail_end(void)
{
	failing.kind = FAIL_KINDS;
	return failing.hits > 0;
}

static inline bool fails(FailKind kind)
{
	if (failing.kind != (int)kind || atomic_fetch_sub(&failing.countdown, 1) != 1)
		return false;
	atomic_fetch_add(&failing.hits, 1);
	errno = failing.errnum;
	return true;
}

/* --- who calls ---------------------------------------------------------------------- */

typedef struct {
	uintptr_t start, end;
} FailRange;

static FailRange fail_callers[16];
static int n_fail_callers;

static inline int fail_note_library(struct dl_phdr_info *info, size_t size, void *data)
{
	static const char *const names[] = {"libjpeg", "libtiff", "libvips"};
	bool wanted = !*info->dlpi_name;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		wanted = wanted || strstr(info->dlpi_name, names[i]);
	for (int i = 0; wanted && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;
		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X && n_fail_callers < (int)G_N_ELEMENTS(fail_callers))
			fail_callers[n_fail_callers++] = (FailRange){start, start + segment->p_memsz};
	}
	return 0;
}

__attribute__((constructor)) static void fail_find_callers(void)
{
	dl_iterate_phdr(fail_note_library, NULL);
}

/* Index 0 is this program. */
static inline bool fail_may_refuse(const void *caller, int first)
{
	for (int i = first; i < n_fail_callers; i++)
		if ((uintptr_t)caller >= fail_callers[i].start && (uintptr_t)caller < fail_callers[i].end)
			return true;
	return false;
}

static inline void *fail_real(const char *name)
{
	void *real = dlsym(RTLD_NEXT, name);
	g_assert_nonnull(real);
	return real;
}

/* --- in place of the real ones ---------------------------------------------------------
 * asm names, since the headers give several of these other names by themselves. */

#define FAIL_DEFINE(kind, result, name, alias, parameters, arguments, failure)                \
	result alias parameters __asm__(name);                                                     \
	result alias parameters                                                                    \
	{                                                                                          \
		static result(*_Atomic real) parameters;                                               \
		if (!real)                                                                             \
			real = (result(*) parameters)fail_real(name);                                      \
		return fails(kind) ? failure : real arguments;                                         \
	}

#ifndef __SANITIZE_THREAD__ /* which calls them before it is ready */
FAIL_DEFINE(FAIL_OPEN, int, "open", fail_open, (const char *path, int flags, mode_t mode), (path, flags, mode), -1)
FAIL_DEFINE(FAIL_OPEN, int, "open64", fail_open64, (const char *path, int flags, mode_t mode), (path, flags, mode), -1)
FAIL_DEFINE(FAIL_READ, ssize_t, "read", fail_read, (int fd, void *to, size_t n), (fd, to, n), -1)
FAIL_DEFINE(FAIL_READ, ssize_t, "pread", fail_pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), -1)
FAIL_DEFINE(FAIL_READ, ssize_t, "pread64", fail_pread64, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), -1)
FAIL_DEFINE(FAIL_WRITE, ssize_t, "pwrite", fail_pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), -1)
FAIL_DEFINE(FAIL_WRITE, ssize_t, "pwrite64", fail_pwrite64, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), -1)
FAIL_DEFINE(FAIL_STAT, int, "fstat", fail_fstat, (int fd, struct stat *st), (fd, st), -1)
FAIL_DEFINE(FAIL_STAT, int, "fstat64", fail_fstat64, (int fd, struct stat *st), (fd, st), -1)
FAIL_DEFINE(FAIL_STAT, int, "stat", fail_stat, (const char *path, struct stat *st), (path, st), -1)
FAIL_DEFINE(FAIL_STAT, int, "stat64", fail_stat64, (const char *path, struct stat *st), (path, st), -1)
FAIL_DEFINE(FAIL_STAT, int, "lstat", fail_lstat, (const char *path, struct stat *st), (path, st), -1)
FAIL_DEFINE(FAIL_STAT, int, "lstat64", fail_lstat64, (const char *path, struct stat *st), (path, st), -1)
FAIL_DEFINE(FAIL_MAP, void *, "mmap", fail_mmap, (void *at, size_t n, int prot, int flags, int fd, off_t offset),
            (at, n, prot, flags, fd, offset), MAP_FAILED)
FAIL_DEFINE(FAIL_MAP, void *, "mmap64", fail_mmap64, (void *at, size_t n, int prot, int flags, int fd, off_t offset),
            (at, n, prot, flags, fd, offset), MAP_FAILED)
FAIL_DEFINE(FAIL_TRY, gpointer, "g_try_malloc", fail_try_malloc, (gsize n), (n), NULL)
FAIL_DEFINE(FAIL_TRY, gpointer, "g_try_malloc0", fail_try_malloc0, (gsize n), (n), NULL)
FAIL_DEFINE(FAIL_TRY, gpointer, "g_try_malloc_n", fail_try_malloc_n, (gsize n, gsize size), (n, size), NULL)
FAIL_DEFINE(FAIL_TRY, gpointer, "g_try_malloc0_n", fail_try_malloc0_n, (gsize n, gsize size), (n, size), NULL)
FAIL_DEFINE(FAIL_TRY, gpointer, "g_try_realloc", fail_try_realloc, (gpointer old, gsize n), (old, n), NULL)

#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t n);
void *__libc_memalign(size_t alignment, size_t n);

/* Who cannot get a few hundred bytes cannot live on anyway: GLib would end it. */
enum { FAIL_BIG = 4096 };

void *malloc(size_t n)
{
	if (failing.kind == FAIL_MALLOC && n >= FAIL_BIG && fail_may_refuse(__builtin_return_address(0), 1) && fails(FAIL_MALLOC))
		return NULL;
	return __libc_malloc(n);
}

int posix_memalign(void **memory, size_t alignment, size_t n)
{
	if (failing.kind == FAIL_MEMALIGN && fail_may_refuse(__builtin_return_address(0), 0) && fails(FAIL_MEMALIGN))
		return ENOMEM;
	*memory = __libc_memalign(alignment, n);
	return *memory ? 0 : ENOMEM;
}
enum { FAIL_FIRST_UNUSABLE = FAIL_KINDS };
#else
enum { FAIL_FIRST_UNUSABLE = FAIL_MEMALIGN }; /* the sanitizer owns these */
#endif
