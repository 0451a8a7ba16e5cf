/* SPDX-License-Identifier: MIT
 *
 * Trees of numbered folders: LEVEL/X/Y.jpg as web maps have them (tree=xyz),
 * with Y from the bottom (tms), or LEVEL/Y/X.jpg as libvips writes "google"
 * trees (zyx).  The largest LEVEL is the source; a tile that is not there is
 * blank.  Numbers alone do not tell which it is, so that without a mark of the
 * writer tree= must.
 */
#include "format.h"
#include "gridoptions.h"
#include "treelevels.h"

#include <string.h>

#define MAX_NUMBER (INT64_C(1) << 31)

typedef enum { NO_AXES, XYZ, TMS, ZYX } Axes;

static const char *const axes_names[] = {[XYZ] = "xyz", [TMS] = "tms", [ZYX] = "zyx"};

typedef struct {
	int64_t col, row;
	char *path;
} Tile;

static void clear_tile(gpointer tile)
{
	g_free(((Tile *)tile)->path);
}

/* Decimal digits alone, without zeros in front, as all writers have it. */
static bool read_number(const char *name, size_t length, int64_t *number)
{
	if (!length || length > 10 || (length > 1 && *name == '0') || strspn(name, "0123456789") < length)
		return false;
	*number = 0;
	for (size_t i = 0; i < length; i++)
		*number = *number * 10 + (name[i] - '0');
	return *number < MAX_NUMBER;
}

static bool read_image_number(const char *name, int64_t *number)
{
	const char *dot = strchr(name, '.');
	return dot && read_number(name, (size_t)(dot - name), number);
}

/* The largest number among names, or -1. */
static int64_t largest(const GPtrArray *names)
{
	int64_t best = -1, number;
	for (guint i = 0; i < names->len; i++)
		if (read_number(names->pdata[i], strlen(names->pdata[i]), &number))
			best = MAX(best, number);
	return best;
}

static TfFolder *read_below(const TfFolder *folder, int64_t number, GError **error)
{
	g_autofree char *path = g_strdup_printf("%s/%" G_GINT64_FORMAT, folder->path, number);
	return tf_folder_read(path, error);
}

/* Folders numbered from somewhere without a gap, the last of which holds
 * numbered folders with numbered images; images beside them would be a
 * mosaic of their own. */
static bool tree_find(const TfFolder *folder, char **path, GError **error)
{
	int64_t top = largest(folder->folders), column, number;
	if (top < 0 || top >= TF_MAX_LEVELS || folder->images->len > 1 ||
	    (folder->images->len == 1 && !g_str_has_prefix(folder->images->pdata[0], "blank.")))
		return true;
	g_autoptr(TfFolder) level = read_below(folder, top, NULL);
	if (!level || (column = largest(level->folders)) < 0)
		return true;
	g_autoptr(TfFolder) last = read_below(level, column, NULL);
	for (guint i = 0; last && i < last->images->len && !*path; i++)
		if (read_image_number(last->images->pdata[i], &number))
			*path = g_strdup(folder->path);
	return true;
}

static bool has_file(const TfFolder *folder, const char *name)
{
	return g_ptr_array_find_with_equal_func(folder->others, name, g_str_equal, NULL) ||
	       g_ptr_array_find_with_equal_func(folder->images, name, g_str_equal, NULL);
}

/* Which axes: as the user says, else by the files that writers put beside. */
static bool choose_axes(const TfFolder *folder, const TfArrangeOptions *options, Axes *axes, GError **error)
{
	*axes = NO_AXES;
	for (int i = XYZ; options->tree && i <= ZYX; i++)
		if (!strcmp(options->tree, axes_names[i]))
			*axes = (Axes)i;
	if (options->tree && !*axes) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "tree=%s: expected xyz, tms or zyx", options->tree);
		return false;
	}
	if (!*axes && has_file(folder, "vips-properties.xml"))
		*axes = ZYX;
	if (!*axes && has_file(folder, "tilemapresource.xml"))
		*axes = TMS;
	if (*axes)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s: folders of numbered tiles, but the numbers do not tell the axes: say tree=xyz "
		    "(LEVEL/X/Y), tree=tms (LEVEL/X/Y, y from the bottom) or tree=zyx (LEVEL/Y/X)",
		    folder->path);
	return false;
}

static void add_tile(GArray *tiles, const TfFolder *folder, const char *name, Axes axes, int64_t outer,
		     int64_t inner)
{
	Tile tile = {.path = g_build_filename(folder->path, name, NULL)};
	tile.col = axes == ZYX ? inner : outer;
	tile.row = axes == ZYX ? outer : axes == TMS ? -inner : inner;
	g_array_append_val(tiles, tile);
}

/* root: where links may lead, or NULL, anywhere. */
static bool list_tiles(const TfFolder *level, const char *root, Axes axes, GArray *tiles, GError **error)
{
	for (guint i = 0; i < level->folders->len; i++) {
		int64_t outer, inner;
		const char *name = level->folders->pdata[i];
		if (!read_number(name, strlen(name), &outer))
			continue;
		g_autoptr(TfFolder) folder = read_below(level, outer, error);
		if (!folder || (root && !tf_folder_stays_below(folder, root, error)))
			return false;
		for (guint j = 0; j < folder->images->len; j++)
			if (read_image_number(folder->images->pdata[j], &inner))
				add_tile(tiles, folder, folder->images->pdata[j], axes, outer, inner);
	}
	if (tiles->len)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s: no tiles, expected NUMBER/NUMBER.jpg and the like below it", level->path);
	return false;
}

static const Tile *tile_at(const GArray *tiles, guint i)
{
	return &g_array_index(tiles, Tile, i);
}

static int compare_tiles(gconstpointer a, gconstpointer b)
{
	const Tile *first = a, *second = b;
	int64_t order = first->row != second->row ? first->row - second->row : first->col - second->col;
	return (order > 0) - (order < 0);
}

static bool check_distinct(const TfFolder *folder, const GArray *tiles, GError **error)
{
	for (guint i = 1; i < tiles->len; i++) {
		if (compare_tiles(tile_at(tiles, i - 1), tile_at(tiles, i)))
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: %s and %s are for the same tile",
			    folder->path, tile_at(tiles, i - 1)->path, tile_at(tiles, i)->path);
		return false;
	}
	return true;
}

static bool add_places(TfArrangement *arrangement, const GArray *tiles, Axes axes, GError **error)
{
	int64_t min_col = INT64_MAX, max_col = INT64_MIN, first_row = tile_at(tiles, 0)->row;
	int64_t rows = tile_at(tiles, tiles->len - 1)->row - first_row + 1;
	for (guint i = 0; i < tiles->len; i++) {
		min_col = MIN(min_col, tile_at(tiles, i)->col);
		max_col = MAX(max_col, tile_at(tiles, i)->col);
	}
	int64_t cols = max_col - min_col + 1;
	if (!tf_tree_check_extent(arrangement->origin, cols, rows, error))
		return false;
	for (guint i = 0; i < tiles->len; i++) {
		const Tile *tile = tile_at(tiles, i);
		TfPlace place = {.kind = TF_PLACE_CELL,
				 .path = g_strdup(tile->path),
				 .col = tile->col - min_col,
				 .row = tile->row - first_row};
		g_array_append_val(arrangement->places, place);
	}
	arrangement->same_size_required = true;
	arrangement->n_holes = cols * rows - tiles->len;
	arrangement->tree->first_col = min_col;
	arrangement->tree->first_row = axes == TMS ? 1 - first_row : first_row;
	return true;
}

static char *number_path(const TfTileTree *tree, int level, int64_t outer, int64_t inner)
{
	return g_strdup_printf("%s/%d/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "%s", tree->root, tree->top - level,
			       outer, inner, tree->extension);
}

static char *path_xyz(const TfTileTree *tree, int level, int64_t col, int64_t row)
{
	return number_path(tree, level, (tree->first_col >> level) + col, (tree->first_row >> level) + row);
}

static char *path_zyx(const TfTileTree *tree, int level, int64_t col, int64_t row)
{
	return number_path(tree, level, (tree->first_row >> level) + row, (tree->first_col >> level) + col);
}

/* first_row is the number of the row above the topmost one. */
static char *path_tms(const TfTileTree *tree, int level, int64_t col, int64_t row)
{
	return number_path(tree, level, (tree->first_col >> level) + col,
			   (tree->first_row >> level) - 1 - row);
}

/* A level is of use while the mosaic's first tile begins with one of the
 * level's, and while its folder is there. */
static void count_levels(TfTileTree *tree, const TfFolder *folder)
{
	for (int level = 1; level <= tree->top; level++) {
		g_autofree char *name = g_strdup_printf("%d", tree->top - level);
		if (((tree->first_col | tree->first_row) & ((INT64_C(1) << level) - 1)) ||
		    !g_ptr_array_find_with_equal_func(folder->folders, name, g_str_equal, NULL))
			return;
		tree->n_levels = level + 1;
	}
}

static bool tree_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		      GError **error)
{
	Axes axes;
	int64_t top = largest(folder->folders);
	if (!choose_axes(folder, options, &axes, error))
		return false;
	if (top < 0 || top >= TF_MAX_LEVELS) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s: no levels, expected folders named 0 to %d", folder->path, TF_MAX_LEVELS - 1);
		return false;
	}
	g_autoptr(TfFolder) level = read_below(folder, top, error);
	g_autoptr(GArray) tiles = g_array_new(FALSE, FALSE, sizeof(Tile));
	g_array_set_clear_func(tiles, clear_tile);
	if (!level || !list_tiles(level, options->allow_escape ? NULL : folder->path, axes, tiles, error))
		return false;
	g_array_sort(tiles, compare_tiles);
	static char *(*const paths[])(const TfTileTree *, int, int64_t, int64_t) = {
		[XYZ] = path_xyz, [TMS] = path_tms, [ZYX] = path_zyx};
	const char *dot = strrchr(tile_at(tiles, 0)->path, '.');
	TfTileTree *tree = arrangement->tree = g_new0(TfTileTree, 1);
	*tree = (TfTileTree){.n_levels = 1,
			     .path = paths[axes],
			     .root = g_strdup(folder->path),
			     .extension = g_strdup(dot),
			     .top = (int)top};
	if (!check_distinct(folder, tiles, error) || !add_places(arrangement, tiles, axes, error))
		return false;
	count_levels(tree, folder);
	arrangement->ignore_orientation = true;
	arrangement->summary = g_strdup_printf(
		"tree of tiles (%s): %u in level %d, %" G_GINT64_FORMAT " hole%s", axes_names[axes], tiles->len,
		(int)top, arrangement->n_holes, arrangement->n_holes == 1 ? "" : "s");
	return true;
}

const TfArrangeFormat tf_format_tree = {
	.name = "tree of tiles",
	.takes_tree = true,
	.find = tree_find,
	.read = tree_read,
};
