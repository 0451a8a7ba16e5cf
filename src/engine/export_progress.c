/* SPDX-License-Identifier: MIT */
#include "export_private.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 24 };

void tf_export_progress_start(TfExportProgress *progress, const TfMosaic *mosaic, bool quiet, uint64_t tiles,
                              uint64_t bytes)
{
	const TfLevel *base = &mosaic->pyramid.level[0];
	uint64_t n_tiles = MAX(mosaic->layout.n_slots - mosaic->blank_slots, 1);
	gint64 now = g_get_monotonic_time();
	*progress = (TfExportProgress){.quiet = quiet,
	                               .terminal = isatty(STDERR_FILENO),
	                               .begin_us = now,
	                               .start_us = now,
	                               .shown_us = now,
	                               .start_tiles = tiles,
	                               .start_bytes = bytes,
	                               .n_tiles = n_tiles};
	double share = (double)n_tiles / (double)mosaic->layout.n_slots;
	progress->px_per_tile = (double)base->width * (double)base->height * share / (double)n_tiles;
}

static double seconds_since(gint64 us)
{
	return MAX((double)(g_get_monotonic_time() - us) / 1e6, 1e-3);
}

/* A bar several times a second on a terminal, a line now and then elsewhere. */
static bool is_time(TfExportProgress *progress)
{
	gint64 now = g_get_monotonic_time();
	if (progress->quiet || now - progress->shown_us < (progress->terminal ? 200 : 10000) * 1000)
		return false;
	progress->shown_us = now;
	return true;
}

static void show(const TfExportProgress *progress, double fraction, const char *text)
{
	if (!progress->terminal) {
		fprintf(stderr, "tiffuse: %.1f%%, %s\n", fraction * 100, text);
		return;
	}
	char bar[BAR + 1] = {0};
	for (int i = 0; i < BAR; i++)
		bar[i] = i < fraction * BAR ? '#' : '-';
	fprintf(stderr, "\r[%s] %5.1f%%  %s\033[K", bar, fraction * 100, text);
	fflush(stderr);
}

static char *duration(double s)
{
	uint64_t n = (uint64_t)s;
	if (n < 3600)
		return g_strdup_printf("%u:%02u", (unsigned)(n / 60), (unsigned)(n % 60));
	return g_strdup_printf("%" G_GUINT64_FORMAT ":%02u:%02u", n / 3600, (unsigned)(n / 60 % 60), (unsigned)(n % 60));
}

void tf_export_progress_show(TfExportProgress *progress, uint64_t tiles, uint64_t bytes)
{
	if (tiles <= progress->start_tiles || !is_time(progress))
		return;
	double elapsed = seconds_since(progress->start_us), done = (double)(tiles - progress->start_tiles);
	g_autofree char *left = duration(elapsed * (double)(progress->n_tiles - tiles) / done);
	g_autofree char *text =
	        g_strdup_printf("%.1f MB/s, %.0f Mpx/s, %s left", (double)(bytes - progress->start_bytes) / elapsed / 1e6,
	                        done * progress->px_per_tile / elapsed / 1e6, left);
	show(progress, (double)tiles / (double)progress->n_tiles, text);
}

void tf_export_progress_catch_up(TfExportProgress *progress, double fraction)
{
	if (is_time(progress))
		show(progress, fraction, "reading again what the upper levels need");
	if (fraction < 1)
		progress->start_us = g_get_monotonic_time(); /* the rate is that of new tiles */
}

void tf_export_progress_end(TfExportProgress *progress)
{
	if (!progress->quiet && progress->terminal)
		fputs("\r\033[K", stderr);
	progress->quiet = true;
}

void tf_export_progress_summary(const TfExportProgress *progress, const TfMosaic *mosaic, const char *path,
                                uint64_t tiles, uint64_t bytes)
{
	double elapsed = seconds_since(progress->begin_us), made = (double)(tiles - progress->start_tiles);
	g_autofree char *size = g_format_size(bytes), *time = duration(elapsed);
	fprintf(stderr,
	        "tiffuse: %s: %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px, %d levels, %" G_GUINT64_FORMAT
	        " tiles, %s in %s (%.1f MB/s, %.0f Mpx/s)\n",
	        path, mosaic->pyramid.level[0].width, mosaic->pyramid.level[0].height, mosaic->pyramid.n_levels, tiles,
	        size, time, (double)(bytes - progress->start_bytes) / elapsed / 1e6,
	        made * progress->px_per_tile / elapsed / 1e6);
}
