/* SPDX-License-Identifier: MIT
 *
 * For latency.c: where the tiles of a TIFF stand, reads of them by the clock,
 * and quantiles.  Every function here ends the program when it fails.
 */
#pragma once
#include "pnm.h"
#include <tiffio.h>
#include <time.h>

typedef struct {
	uint32_t columns, rows, width, height, tile; /* width, height and tile in px */
	uint64_t *offsets, *counts;
} Level;

typedef struct {
	int fd;
	int n_levels;
	Level level[32];
} Slots;

typedef struct {
	int level;
	uint32_t column, row;
} Tile;

static inline Slots slots_read(const char *path)
{
	Slots slots = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
	TIFF *tiff = TIFFOpen(path, "rm");
	if (!tiff || slots.fd < 0)
		die("%s: cannot be opened", path);
	slots.n_levels = MIN((int)TIFFNumberOfDirectories(tiff), 32);
	for (int k = 0; k < slots.n_levels; k++) {
		Level *level = &slots.level[k];
		if (!TIFFSetDirectory(tiff, (tdir_t)k))
			die("%s: no directory %d", path, k);
		TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &level->width);
		TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &level->height);
		TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &level->tile);
		if (level->width == 0 || level->tile == 0)
			die("%s: level %d has no tiles", path, k);
		level->columns = (level->width + level->tile - 1) / level->tile;
		uint32_t n = TIFFNumberOfTiles(tiff);
		level->rows = n / level->columns;
		level->offsets = g_new(uint64_t, n);
		level->counts = g_new(uint64_t, n);
		for (uint32_t i = 0; i < n; i++) {
			level->offsets[i] = TIFFGetStrileOffset(tiff, i);
			level->counts[i] = TIFFGetStrileByteCount(tiff, i);
		}
	}
	TIFFClose(tiff);
	return slots;
}

static inline void slots_clear(Slots *slots)
{
	for (int k = 0; k < slots->n_levels; k++) {
		g_free(slots->level[k].offsets);
		g_free(slots->level[k].counts);
	}
	close(slots->fd);
}

static inline uint32_t slot_index(const Slots *slots, Tile tile)
{
	return tile.row * slots->level[tile.level].columns + tile.column;
}

static inline double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Reads the whole slot, as libtiff does; `drop`: not from the page cache.
 * Milliseconds. */
static inline double read_slot(const Slots *slots, Tile tile, bool drop)
{
	const Level *level = &slots->level[tile.level];
	uint32_t i = slot_index(slots, tile);
	size_t count = (size_t)level->counts[i];
	off_t offset = (off_t)level->offsets[i];
	g_autofree uint8_t *buffer = g_malloc(count);
	if (drop)
		posix_fadvise(slots->fd, offset, (off_t)count, POSIX_FADV_DONTNEED);
	double start = now_ms();
	ssize_t got = pread(slots->fd, buffer, count, offset);
	double ms = now_ms() - start;
	if (got < 0 || (size_t)got != count)
		die("level %d column %u row %u: %zd of %zu bytes, %s", tile.level, tile.column, tile.row, got, count,
		    g_strerror(errno));
	if (count < 2 || buffer[0] != 0xFF || buffer[1] != 0xD8)
		die("level %d column %u row %u is no JPEG", tile.level, tile.column, tile.row);
	return ms;
}

static inline int compare_ms(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Of a GArray of doubles, which it sorts; the nearest rank. */
static inline double quantile(GArray *values, double q)
{
	if (values->len == 0)
		return -1;
	g_array_sort(values, compare_ms);
	guint rank = (guint)ceil(q * values->len);
	return g_array_index(values, double, CLAMP(rank, 1, values->len) - 1);
}
