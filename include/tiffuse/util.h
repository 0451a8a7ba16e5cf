/* SPDX-License-Identifier: MIT
 *
 * Arithmetic that rounds and arithmetic that notices overflow, and the
 * ownership of descriptors.  Everything is inline and pure but tf_close().
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#define TF_KIB UINT64_C(1024)
#define TF_MIB (UINT64_C(1024) * TF_KIB)
#define TF_GIB (UINT64_C(1024) * TF_MIB)

/* a / b rounded up, for a >= 0 and b > 0, without overflow. */
static inline int64_t tf_ceil_div(int64_t a, int64_t b)
{
	return a / b + (a % b != 0);
}

/* false and *out unspecified when the result does not fit. */
static inline bool tf_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

static inline bool tf_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	return !__builtin_mul_overflow(a, b, out);
}

/* The next multiple of `unit` (a power of two) at or above a. */
static inline bool tf_round_up_u64(uint64_t a, uint64_t unit, uint64_t *out)
{
	if (!tf_add_u64(a, unit - 1, out))
		return false;
	*out &= ~(unit - 1);
	return true;
}

/* A rectangle of pixels, [x0, x1) x [y0, y1); empty when x0 >= x1 or y0 >= y1. */
typedef struct {
	int64_t x0, y0, x1, y1;
} TfRect;

static inline bool tf_rect_is_empty(TfRect r)
{
	return r.x0 >= r.x1 || r.y0 >= r.y1;
}

static inline TfRect tf_rect_intersect(TfRect a, TfRect b)
{
	return (TfRect){MAX(a.x0, b.x0), MAX(a.y0, b.y0), MIN(a.x1, b.x1), MIN(a.y1, b.y1)};
}

/* A file descriptor that closes itself: `tf_autofd int fd = open(...)`.
 * Initialise it, with -1 where there is none yet. */
static inline void tf_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define tf_autofd __attribute__((cleanup(tf_close)))

static inline int tf_steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}
