/* SPDX-License-Identifier: MIT
 *
 * The mosaic as people make it with libvips today, for the benchmark:
 *   arrayjoin  one vips_arrayjoin() of all images (grids without overlap)
 *   insert     a loop of vips_insert()
 *   strips     insert within each row into a temporary .v file, then the rows
 *              on top of each other; the advice in libvips' discussions for
 *              many images
 */
#include "positions.h"
#include <glib/gstdio.h>
#include <locale.h>

static VipsImage *open_image(const char *path)
{
	VipsImage *image = vips_image_new_from_file(path, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!image)
		stop_vips(path);
	return image;
}

static VipsImage *join_array(const Positions *p)
{
	int across = 1;
	while (across < p->n && p->item[across].y == p->item[0].y)
		across++;
	const Placed *first = &p->item[0];
	g_autofree VipsImage **images = g_new0(VipsImage *, p->n);
	for (int i = 0; i < p->n; i++) {
		const Placed *item = &p->item[i];
		if (item->x != i % across * first->width || item->y != i / across * first->height)
			stop("%s: arrayjoin needs a grid without overlap", item->path);
		images[i] = open_image(item->path);
	}
	VipsImage *out = NULL;
	if (vips_arrayjoin(images, &out, p->n, "across", across, NULL))
		stop_vips("arrayjoin");
	for (int i = 0; i < p->n; i++)
		g_object_unref(images[i]);
	return out;
}

/* The images that touch rows [y0, y1), the later ones on top. */
static VipsImage *insert_all(const Positions *p, int64_t y0, int64_t y1)
{
	g_autoptr(AutoImage) black = NULL;
	VipsImage *out = NULL;
	if (vips_black(&black, (int)p->width, (int)(y1 - y0), "bands", 3, NULL) ||
	    vips_copy(black, &out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL))
		stop_vips("black");
	for (int i = 0; i < p->n; i++) {
		const Placed *item = &p->item[i];
		if (item->y >= y1 || item->y + item->height <= y0)
			continue;
		g_autoptr(AutoImage) below = out;
		g_autoptr(AutoImage) image = open_image(item->path);
		if (vips_insert(below, image, &out, (int)item->x, (int)(item->y - y0), NULL))
			stop_vips(item->path);
	}
	return out;
}

static int by_y(const void *a, const void *b)
{
	int64_t d = ((const Placed *)a)->y - ((const Placed *)b)->y;
	return d < 0 ? -1 : d > 0;
}

/* Cuts between rows of images: a new strip starts where an image starts half
 * a height below the strip's start or more.  Returns the number of cuts. */
static int cut_strips(const Positions *p, int64_t *cut)
{
	g_autofree Placed *sorted = g_memdup2(p->item, p->n * sizeof(Placed));
	qsort(sorted, p->n, sizeof(Placed), by_y);
	int n = 0;
	cut[n++] = 0;
	for (int i = 0; i < p->n; i++)
		if (sorted[i].y - cut[n - 1] > sorted[i].height / 2)
			cut[n++] = sorted[i].y;
	cut[n] = p->height;
	return n;
}

static VipsImage *join_strips(const Positions *p, const char *folder)
{
	g_autofree int64_t *cut = g_new(int64_t, p->n + 2);
	int n = cut_strips(p, cut);
	VipsImage *out = NULL;
	for (int i = 0; i < n; i++) {
		g_autofree char *path = g_strdup_printf("%s/strip%d.v", folder, i);
		g_autoptr(AutoImage) strip = insert_all(p, cut[i], cut[i + 1]);
		if (vips_image_write_to_file(strip, path, NULL))
			stop_vips(path);
		g_autoptr(AutoImage) above = out;
		g_autoptr(AutoImage) written = open_image(path);
		if (!above)
			out = g_steal_pointer(&written);
		else if (vips_join(above, written, &out, VIPS_DIRECTION_VERTICAL, NULL))
			stop_vips("join");
	}
	return out;
}

static void remove_strips(const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(folder);
}

static void save(VipsImage *image, const char *path, int quality)
{
	if (vips_tiffsave(image, path, "tile", TRUE, "tile_width", 512, "tile_height", 512, "pyramid", TRUE,
			  "compression", VIPS_FOREIGN_TIFF_COMPRESSION_JPEG, "Q", quality, "bigtiff", TRUE,
			  NULL))
		stop_vips(path);
}

int main(int argc, char **argv)
{
	setlocale(LC_NUMERIC, "C");
	g_set_prgname("peer_vips");
	if (argc < 4 || argc > 5)
		stop("usage: peer_vips arrayjoin|insert|strips POSITIONS.csv OUT.tif [QUALITY]");
	if (VIPS_INIT(argv[0]))
		stop_vips("libvips does not start");
	const char *method = argv[1], *out = argv[3];
	gint64 quality = 75;
	if (argc > 4 && !g_ascii_string_to_signed(argv[4], 10, 1, 100, &quality, NULL))
		stop("%s: expected a quality from 1 to 100", argv[4]);
	Positions p = positions_read(argv[2]);
	g_autoptr(AutoImage) image = NULL;
	g_autofree char *folder = g_strconcat(out, ".strips", NULL);
	if (strcmp(method, "arrayjoin") == 0) {
		image = join_array(&p);
	} else if (strcmp(method, "insert") == 0) {
		image = insert_all(&p, 0, p.height);
	} else if (strcmp(method, "strips") == 0) {
		if (g_mkdir(folder, 0777) != 0)
			stop("%s: cannot be made", folder);
		image = join_strips(&p, folder);
	} else {
		stop("%s: expected arrayjoin, insert or strips", method);
	}
	save(image, out, (int)quality);
	remove_strips(folder);
	return 0;
}
