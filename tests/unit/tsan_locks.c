/* SPDX-License-Identifier: MIT
 *
 * Linked with unit programs that are built for ThreadSanitizer.  GLib's locks
 * sit on futexes inside a library that is not instrumented, so that TSan sees
 * no order between threads and calls everything a race.  Here GLib's own
 * functions are replaced by the same on pthreads, which TSan knows.
 * References are counted in GLib, too: here they are counted where TSan sees
 * it, and the last release of GBytes is told to it.  Run with
 * G_SLICE=always-malloc: memory that GLib hands from thread to thread by itself
 * looks like a race otherwise.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#include <stdbool.h>
#include <stdlib.h>

static pthread_mutex_t *tsan_mutex(GMutex *mutex)
{
	pthread_mutex_t *made = __atomic_load_n((pthread_mutex_t **)&mutex->p, __ATOMIC_ACQUIRE);
	if (made)
		return made;
	pthread_mutex_t *fresh = calloc(1, sizeof *fresh), *none = NULL;
	pthread_mutex_init(fresh, NULL);
	if (__atomic_compare_exchange_n((pthread_mutex_t **)&mutex->p, &none, fresh, false, __ATOMIC_ACQ_REL,
	                                __ATOMIC_ACQUIRE))
		return fresh;
	free(fresh);
	return none;
}

static pthread_cond_t *tsan_cond(GCond *cond)
{
	pthread_cond_t *made = __atomic_load_n((pthread_cond_t **)&cond->p, __ATOMIC_ACQUIRE);
	if (made)
		return made;
	pthread_cond_t *fresh = calloc(1, sizeof *fresh), *none = NULL;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(fresh, &attr);
	if (__atomic_compare_exchange_n((pthread_cond_t **)&cond->p, &none, fresh, false, __ATOMIC_ACQ_REL,
	                                __ATOMIC_ACQUIRE))
		return fresh;
	free(fresh);
	return none;
}

void g_mutex_init(GMutex *mutex)
{
	mutex->p = NULL;
}

void g_mutex_clear(GMutex *mutex)
{
	pthread_mutex_destroy(tsan_mutex(mutex));
	free(mutex->p);
	mutex->p = NULL;
}

void g_mutex_lock(GMutex *mutex)
{
	pthread_mutex_lock(tsan_mutex(mutex));
}

void g_mutex_unlock(GMutex *mutex)
{
	pthread_mutex_unlock(tsan_mutex(mutex));
}

gboolean g_mutex_trylock(GMutex *mutex)
{
	return pthread_mutex_trylock(tsan_mutex(mutex)) == 0;
}

void g_cond_init(GCond *cond)
{
	cond->p = NULL;
}

void g_cond_clear(GCond *cond)
{
	pthread_cond_destroy(tsan_cond(cond));
	free(cond->p);
	cond->p = NULL;
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
	pthread_cond_wait(tsan_cond(cond), tsan_mutex(mutex));
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_us)
{
	struct timespec end = {end_us / 1000000, end_us % 1000000 * 1000};
	return pthread_cond_timedwait(tsan_cond(cond), tsan_mutex(mutex), &end) != ETIMEDOUT;
}

void g_cond_signal(GCond *cond)
{
	pthread_cond_signal(tsan_cond(cond));
}

void g_cond_broadcast(GCond *cond)
{
	pthread_cond_broadcast(tsan_cond(cond));
}

void(g_atomic_ref_count_inc)(gatomicrefcount *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_ACQ_REL);
}

gboolean(g_atomic_ref_count_dec)(gatomicrefcount *count)
{
	return __atomic_fetch_sub(count, 1, __ATOMIC_ACQ_REL) == 1;
}

/* One place for all GBytes: TSan then orders a release before what follows it. */
static char tsan_bytes;
typedef GBytes *BytesNew(gconstpointer data, gsize size, GDestroyNotify func, gpointer user_data);
typedef void BytesUnref(GBytes *bytes);
static BytesNew *real_bytes_new;
static BytesUnref *real_bytes_unref;

__attribute__((constructor)) static void find_real(void)
{
	*(void **)&real_bytes_new = dlsym(RTLD_NEXT, "g_bytes_new_with_free_func");
	*(void **)&real_bytes_unref = dlsym(RTLD_NEXT, "g_bytes_unref");
}

typedef struct {
	GDestroyNotify func;
	gpointer data;
} TsanFree;

static void tsan_free(gpointer data)
{
	TsanFree *wrapped = data;
	__tsan_acquire(&tsan_bytes);
	wrapped->func(wrapped->data);
	free(wrapped);
}

GBytes *g_bytes_new_with_free_func(gconstpointer data, gsize size, GDestroyNotify func, gpointer user_data)
{
	TsanFree *wrapped = malloc(sizeof *wrapped);
	*wrapped = (TsanFree){func, user_data};
	return real_bytes_new(data, size, tsan_free, wrapped);
}

void g_bytes_unref(GBytes *bytes)
{
	__tsan_release(&tsan_bytes);
	real_bytes_unref(bytes);
}
