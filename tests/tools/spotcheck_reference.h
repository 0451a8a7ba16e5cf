/* SPDX-License-Identifier: MIT
 *
 * What a rectangle of any pyramid level should show, computed from the sources
 * that touch it and from nothing else: libvips decodes and inserts, then level
 * by level the 2x2 mean.  Whole images are kept, up to a budget; names that
 * are linked to one file are one image.
 */
#pragma once
#include "positions.h"
#include <string.h>
#include <sys/stat.h>

typedef struct {
	dev_t dev;
	ino_t ino;
	AutoImage *image;
	uint64_t used;
} Kept;

typedef struct {
	const Positions *positions;
	GArray *kept; /* Kept */
	uint64_t clock, bytes, budget;
} Reference;

/* Packed pixels of three bands. */
typedef struct {
	int width, height;
	uint8_t *pixels;
} Raster;

static inline void raster_clear(Raster *r)
{
	g_clear_pointer(&r->pixels, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Raster, raster_clear)

/* Decoded as a whole and brought to three bands of 8 bits. */
static inline VipsImage *reference_decode(const char *path)
{
	g_autoptr(AutoImage) file = vips_image_new_from_file(path, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	g_autoptr(AutoImage) rgb = NULL;
	if (!file || vips_colourspace(file, &rgb, VIPS_INTERPRETATION_sRGB, NULL))
		stop_vips(path);
	VipsImage *whole = vips_image_copy_memory(rgb);
	if (!whole)
		stop_vips(path);
	return whole;
}

static inline void reference_make_room(Reference *ref)
{
	while (ref->bytes > ref->budget && ref->kept->len > 1) {
		guint oldest = 0;
		for (guint i = 1; i < ref->kept->len; i++)
			if (g_array_index(ref->kept, Kept, i).used <
			    g_array_index(ref->kept, Kept, oldest).used)
				oldest = i;
		AutoImage *image = g_array_index(ref->kept, Kept, oldest).image;
		ref->bytes -= VIPS_IMAGE_SIZEOF_IMAGE(image);
		g_object_unref(image);
		g_array_remove_index_fast(ref->kept, oldest);
	}
}

/* Borrowed until the next call. */
static inline VipsImage *reference_image(Reference *ref, const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		stop("%s: cannot be found", path);
	for (guint i = 0; i < ref->kept->len; i++) {
		Kept *kept = &g_array_index(ref->kept, Kept, i);
		if (kept->dev == st.st_dev && kept->ino == st.st_ino) {
			kept->used = ++ref->clock;
			return kept->image;
		}
	}
	Kept kept = {st.st_dev, st.st_ino, reference_decode(path), ++ref->clock};
	ref->bytes += VIPS_IMAGE_SIZEOF_IMAGE(kept.image);
	g_array_append_val(ref->kept, kept);
	reference_make_room(ref);
	return kept.image;
}

/* A rectangle of level 0, black where no source is, later sources on top. */
static inline Raster reference_crop(Reference *ref, int64_t x, int64_t y, int width, int height)
{
	g_autoptr(AutoImage) out = NULL;
	if (vips_black(&out, width, height, "bands", 3, NULL))
		stop_vips("black");
	for (int i = 0; i < ref->positions->n; i++) {
		const Placed *p = &ref->positions->item[i];
		if (p->x >= x + width || p->y >= y + height || p->x + p->width <= x || p->y + p->height <= y)
			continue;
		g_autoptr(AutoImage) below = g_steal_pointer(&out);
		if (vips_insert(below, reference_image(ref, p->path), &out, (int)(p->x - x), (int)(p->y - y),
				NULL))
			stop_vips(p->path);
	}
	size_t size = 0;
	Raster raster = {width, height, vips_image_write_to_memory(out, &size)};
	if (!raster.pixels || size != (size_t)3 * width * height)
		stop_vips("insert");
	return raster;
}

/* The next level: (a+b+c+d+2)>>2, the last column or row of an odd size
 * counted twice. */
static inline void raster_halve(Raster *r)
{
	int width = (r->width + 1) / 2, height = (r->height + 1) / 2;
	uint8_t *half = g_malloc((size_t)3 * width * height);
	for (int y = 0; y < height; y++) {
		const uint8_t *above = r->pixels + (size_t)2 * y * r->width * 3;
		const uint8_t *below = r->pixels + (size_t)MIN(2 * y + 1, r->height - 1) * r->width * 3;
		for (int x = 0; x < width; x++) {
			int left = 6 * x, right = 3 * MIN(2 * x + 1, r->width - 1);
			for (int b = 0; b < 3; b++)
				half[((size_t)y * width + x) * 3 + b] =
					(uint8_t)((above[left + b] + above[right + b] + below[left + b] +
						   below[right + b] + 2) >>
						  2);
		}
	}
	g_free(r->pixels);
	*r = (Raster){width, height, half};
}

/* [x, x+width) x [y, y+height) of a level, which must lie inside it. */
static inline Raster reference_level(Reference *ref, int level, int64_t x, int64_t y, int width, int height)
{
	int64_t x0 = x << level, y0 = y << level;
	int64_t x1 = MIN((x + width) << level, ref->positions->width);
	int64_t y1 = MIN((y + height) << level, ref->positions->height);
	Raster r = reference_crop(ref, x0, y0, (int)(x1 - x0), (int)(y1 - y0));
	for (int i = 0; i < level; i++)
		raster_halve(&r);
	return r;
}
