/* SPDX-License-Identifier: MIT
 *
 * The list of placed images that the benchmark's programs share: a CSV with
 * lines `file,x,y` as mktiles --positions writes it (absolute paths without
 * commas or quotes).  Not the program's own reader, on purpose: a reference
 * must not repeat its faults.
 */
#pragma once
#include "vips_auto.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
	char *path;
	int64_t x, y, width, height;
} Placed;

typedef struct {
	Placed *item;
	int n;
	int64_t width, height; /* of the mosaic */
} Positions;

static inline void stop(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

static inline void stop(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_printerr("%s: %s\n", g_get_prgname(), message);
	exit(2);
}

static inline void stop_vips(const char *what)
{
	stop("%s: %s", what, vips_error_buffer());
}

/* The header is read, no pixel. */
static inline void position_size(Placed *p)
{
	g_autoptr(AutoImage) image = vips_image_new_from_file(p->path, NULL);
	if (!image)
		stop_vips(p->path);
	p->width = vips_image_get_width(image);
	p->height = vips_image_get_height(image);
}

static inline Positions positions_read(const char *csv)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(csv, &text, NULL, &error))
		stop("%s", error->message);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
	g_autoptr(GArray) items = g_array_new(FALSE, TRUE, sizeof(Placed));
	Positions p = {0};
	for (int i = 0; lines[i]; i++) {
		g_auto(GStrv) part = g_strsplit(g_strstrip(lines[i]), ",", 0);
		if (g_strv_length(part) == 0 || (i == 0 && strcmp(part[0], "file") == 0))
			continue;
		if (g_strv_length(part) < 3)
			stop("%s:%d: expected file,x,y", csv, i + 1);
		Placed item = {g_strdup(part[0]), strtoll(part[1], NULL, 10), strtoll(part[2], NULL, 10), 0,
			       0};
		position_size(&item);
		p.width = MAX(p.width, item.x + item.width);
		p.height = MAX(p.height, item.y + item.height);
		g_array_append_val(items, item);
	}
	p.n = (int)items->len;
	if (p.n == 0)
		stop("%s: no image in it", csv);
	p.item = (Placed *)g_array_free(g_steal_pointer(&items), FALSE);
	return p;
}
