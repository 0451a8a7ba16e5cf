/* SPDX-License-Identifier: MIT
 *
 * World files: beside a.jpg stands a.jgw, a.jpgw or a.wld with six lines, in
 * the units of a map whose y points up:
 *
 *     0.5          width of a pixel
 *     0            rotation
 *     0            rotation
 *     -0.5         height of a pixel, negative
 *     500000.25    x of the centre of the upper left pixel
 *     4649775.75   y of it
 */
#include "format.h"
#include "lines.h"

#include <math.h>
#include <string.h>

#define SAME_SCALE 1e-6 /* relative: 0.003 px over a tile of 3200 */

typedef struct {
	char *name; /* of the world file */
	double scale_x, scale_y, x, y;
} World;

static void clear_world(gpointer world)
{
	g_free(((World *)world)->name);
}

/* The names, in lower case, of all files that are no images -> as they are. */
static GHashTable *index_names(const TfFolder *folder)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < folder->others->len; i++)
		g_hash_table_insert(names, g_ascii_strdown(folder->others->pdata[i], -1), folder->others->pdata[i]);
	return names;
}

/* jpg: jgw, jpgw, wld; NULL when there is none. */
static const char *world_of(GHashTable *names, const char *image)
{
	g_autofree char *lower = g_ascii_strdown(image, -1);
	char *extension = strrchr(lower, '.') + 1;
	g_autofree char *stem = g_strndup(lower, (gsize)(extension - lower));
	g_autofree char *first = g_strdup_printf("%s%c%cw", stem, extension[0], extension[strlen(extension) - 1]);
	g_autofree char *second = g_strdup_printf("%s%sw", stem, extension);
	g_autofree char *third = g_strdup_printf("%swld", stem);
	const char *found = g_hash_table_lookup(names, first);
	found = found ? found : g_hash_table_lookup(names, second);
	return found ? found : g_hash_table_lookup(names, third);
}

static bool world_find(const TfFolder *folder, char **path, GError **error)
{
	g_autoptr(GHashTable) names = index_names(folder);
	for (guint i = 0; i < folder->images->len && !*path; i++)
		if (world_of(names, folder->images->pdata[i]))
			*path = g_strdup(folder->path);
	return true;
}

static bool read_world(const TfFolder *folder, World *world, GError **error)
{
	g_autofree char *path = g_build_filename(folder->path, world->name, NULL);
	g_autoptr(TfLines) lines = tf_lines_open_head(path, error);
	if (!lines)
		return false;
	double v[6];
	for (int i = 0; i < 6; i++) {
		const char *line = tf_lines_next(lines);
		if (!line || !tf_parse_number(line, &v[i]))
			return tf_lines_error(lines, error, "%s%s%s, expected number %d of a world file's six",
					      line ? "'" : "", line ? line : "ends here", line ? "'" : "", i + 1);
	}
	if (v[1] != 0 || v[2] != 0)
		return tf_lines_error(lines, error, "rotated by %g and %g, expected 0 and 0", v[1], v[2]);
	if (!(v[0] > 0) || !(v[3] < 0))
		return tf_lines_error(lines, error,
				      "pixels of %g x %g, expected a positive width and a negative height", v[0], v[3]);
	world->scale_x = v[0];
	world->scale_y = -v[3];
	world->x = v[4];
	world->y = v[5];
	return true;
}

static bool differs(double a, double b)
{
	return fabs(a - b) > SAME_SCALE * b;
}

static GArray *read_worlds(const TfFolder *folder, GError **error)
{
	g_autoptr(GHashTable) names = index_names(folder);
	g_autoptr(GArray) worlds = g_array_new(FALSE, TRUE, sizeof(World));
	g_array_set_clear_func(worlds, clear_world);
	for (guint i = 0; i < folder->images->len; i++) {
		const char *image = folder->images->pdata[i], *name = world_of(names, image);
		if (!name) {
			g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
				    "%s: %s has no world file, expected one as other images here have it", folder->path,
				    image);
			return NULL;
		}
		World world = {.name = g_strdup(name)};
		g_array_append_val(worlds, world);
		World *read = &g_array_index(worlds, World, i), *first = &g_array_index(worlds, World, 0);
		if (!read_world(folder, read, error))
			return NULL;
		if (!differs(read->scale_x, first->scale_x) && !differs(read->scale_y, first->scale_y))
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s/%s: pixels of %g x %g, expected %g x %g as in %s: all images need the same scale",
			    folder->path, read->name, read->scale_x, read->scale_y, first->scale_x, first->scale_y,
			    first->name);
		return NULL;
	}
	return g_steal_pointer(&worlds);
}

static bool world_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		       GError **error)
{
	if (!options->allow_escape && !tf_folder_stays_below(folder, folder->path, error))
		return false;
	g_autoptr(GArray) worlds = read_worlds(folder, error);
	if (!worlds)
		return false;
	const World *first = &g_array_index(worlds, World, 0);
	double min_x = INFINITY, max_y = -INFINITY;
	for (guint i = 0; i < worlds->len; i++) {
		min_x = MIN(min_x, g_array_index(worlds, World, i).x);
		max_y = MAX(max_y, g_array_index(worlds, World, i).y);
	}
	for (guint i = 0; i < worlds->len; i++) {
		const World *world = &g_array_index(worlds, World, i);
		TfPlace place = {.kind = TF_PLACE_POSITION,
				 .path = g_build_filename(folder->path, folder->images->pdata[i], NULL),
				 .x = (world->x - min_x) / first->scale_x,
				 .y = (max_y - world->y) / first->scale_y};
		g_array_append_val(arrangement->places, place);
	}
	/* From the centre of a pixel to its corner. */
	arrangement->geo = g_new0(TfGeo, 1);
	double transform[] = {min_x - first->scale_x / 2, first->scale_x, 0, max_y + first->scale_y / 2, 0,
			      -first->scale_y};
	memcpy(arrangement->geo->transform, transform, sizeof transform);
	arrangement->ignore_orientation = true;
	arrangement->summary = g_strdup_printf("world files: %u tile%s, pixels of %g x %g map units", worlds->len,
					       worlds->len == 1 ? "" : "s", first->scale_x, first->scale_y);
	return true;
}

const TfArrangeFormat tf_format_world = {
	.name = "world files",
	.find = world_find,
	.read = world_read,
};
