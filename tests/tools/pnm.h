/* SPDX-License-Identifier: MIT
 *
 * Binary PGM and PPM, the one form of uncompressed pixels that every tool of
 * the tests exchanges: a text header any program reads, and samples that can
 * be mapped.  Sizes are in px; samples have 8 bits; bands is 1 or 3.  A sample of
 * 16 bits (big-endian, as the format wants) counts as two bands: 2 or 6.
 *
 * Every function here ends the program with a message when it fails.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	int64_t width, height;
	int bands;
	const uint8_t *samples; /* rows without padding; borrowed from the mapping */
	void *map;
	size_t map_bytes;
} Pnm;

G_NORETURN G_GNUC_PRINTF(1, 2) static inline void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

/* libtiff alone warns of the tags of every GeoTIFF. */
static inline bool is_about_geotiff(const char *text)
{
	static const char *const tags[] = {"33550", "33922", "34735", "34736", "34737"};
	for (size_t i = 0; i < G_N_ELEMENTS(tags); i++)
		if (strstr(text, "Unknown field with tag") && strstr(text, tags[i]))
			return true;
	return false;
}

/* The next number of the header, past white space and comments. */
static inline int64_t pnm_number(const Pnm *pnm, const char *path, size_t *at)
{
	const char *text = pnm->map;
	while (*at < pnm->map_bytes && (g_ascii_isspace(text[*at]) || text[*at] == '#')) {
		if (text[*at] == '#')
			while (*at < pnm->map_bytes && text[*at] != '\n')
				++*at;
		else
			++*at;
	}
	int64_t number = 0;
	if (*at >= pnm->map_bytes || !g_ascii_isdigit(text[*at]))
		die("%s: not a binary PGM or PPM", path);
	while (*at < pnm->map_bytes && g_ascii_isdigit(text[*at]) && number < INT32_MAX)
		number = number * 10 + (text[(*at)++] - '0');
	return number;
}

static inline Pnm pnm_map(const char *path)
{
	Pnm pnm = {0};
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info) != 0)
		die("%s: %s", path, g_strerror(errno));
	pnm.map_bytes = (size_t)info.st_size;
	pnm.map = mmap(NULL, pnm.map_bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (pnm.map == MAP_FAILED)
		die("%s: %s", path, g_strerror(errno));
	const char *text = pnm.map;
	if (pnm.map_bytes < 8 || text[0] != 'P' || (text[1] != '5' && text[1] != '6'))
		die("%s: not a binary PGM or PPM", path);
	pnm.bands = text[1] == '5' ? 1 : 3;
	size_t at = 2;
	pnm.width = pnm_number(&pnm, path, &at);
	pnm.height = pnm_number(&pnm, path, &at);
	int64_t most = pnm_number(&pnm, path, &at);
	if (most != 255 && most != 65535)
		die("%s: samples must have 8 or 16 bits", path);
	pnm.bands *= most == 65535 ? 2 : 1;
	at++;
	if (pnm.map_bytes - at != (size_t)(pnm.width * pnm.height * pnm.bands))
		die("%s: %zu bytes of samples for %" PRId64 "x%" PRId64 "x%d", path, pnm.map_bytes - at, pnm.width,
		    pnm.height, pnm.bands);
	pnm.samples = (const uint8_t *)pnm.map + at;
	return pnm;
}

static inline void pnm_unmap(Pnm *pnm)
{
	munmap(pnm->map, pnm->map_bytes);
	*pnm = (Pnm){0};
}

static inline void pnm_write(const char *path, int64_t width, int64_t height, int bands, const uint8_t *samples)
{
	FILE *file = fopen(path, "wbe");
	size_t n = (size_t)(width * height * bands);
	if (!file)
		die("%s: %s", path, g_strerror(errno));
	fprintf(file, "P%c\n%" PRId64 " %" PRId64 "\n%d\n", bands < 3 ? '5' : '6', width, height,
	        bands % 2 ? 255 : 65535);
	if (fwrite(samples, 1, n, file) != n || fclose(file) != 0)
		die("%s: %s", path, g_strerror(errno));
}

/* What a comparison found, of one image or one level. */
typedef struct {
	uint64_t n_samples, n_different;
	int largest;
	double sum_of_squares;
	int64_t x, y; /* the first differing pixel in raster order of what was compared */
	int got[6], want[6];
} Difference;

static inline double difference_rms(const Difference *difference)
{
	return sqrt(difference->sum_of_squares / MAX(1, (double)difference->n_samples));
}

/* Adds one row of `n_px` pixels that starts at (x, y). */
static inline void difference_add_row(Difference *difference, const uint8_t *got, const uint8_t *want, int64_t n_px,
                                      int bands, int64_t x, int64_t y)
{
	difference->n_samples += (uint64_t)(n_px * bands);
	if (memcmp(got, want, (size_t)(n_px * bands)) == 0)
		return;
	for (int64_t i = 0; i < n_px * bands; i++) {
		int delta = abs(got[i] - want[i]);
		if (delta == 0)
			continue;
		if (difference->n_different++ == 0) {
			int64_t first = i / bands * bands;
			difference->x = x + i / bands;
			difference->y = y;
			for (int band = 0; band < bands; band++) {
				difference->got[band] = got[first + band];
				difference->want[band] = want[first + band];
			}
		}
		difference->largest = MAX(difference->largest, delta);
		difference->sum_of_squares += (double)delta * delta;
	}
}

/* "equal", or what differs and where, with the tile of that side if not 0. */
static inline void difference_print(const Difference *difference, int bands, int64_t tile_width, int64_t tile_height)
{
	if (difference->n_different == 0) {
		printf("equal\n");
		return;
	}
	printf("%" PRIu64 " of %" PRIu64 " samples differ, by up to %d, first at x=%" PRId64 " y=%" PRId64,
	       difference->n_different, difference->n_samples, difference->largest, difference->x, difference->y);
	if (tile_width > 0)
		printf(" (tile column %" PRId64 " row %" PRId64 ")", difference->x / tile_width,
		       difference->y / tile_height);
	printf(": got");
	for (int band = 0; band < bands; band++)
		printf(" %d", difference->got[band]);
	printf(", expected");
	for (int band = 0; band < bands; band++)
		printf(" %d", difference->want[band]);
	printf("\n");
}
