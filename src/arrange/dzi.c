/* SPDX-License-Identifier: MIT
 *
 * Deep Zoom: n.dzi tells the size, n_files/LEVEL/COL_ROW.jpg are the tiles.
 *
 *     <Image TileSize="254" Overlap="1" Format="jpg"><Size Width="9221" Height="7026"/></Image>
 *
 * A tile has `Overlap` pixels of each neighbour; level ceil(log2(side)) is the
 * one with all pixels.
 */
#include "format.h"
#include "listed.h"
#include "markup.h"
#include "treelevels.h"

#include <string.h>

typedef struct {
	int64_t tile, overlap, width, height;
	char *extension;
} Dzi;

static void dzi_clear(Dzi *dzi)
{
	g_free(dzi->extension);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Dzi, dzi_clear)

static bool is_dzi(const char *name)
{
	return tf_has_suffix(name, ".dzi");
}

static bool dzi_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_dzi, ".dzi files", path, error);
}

static bool dzi_recognise(const char *name, const char *first_line, const char *head)
{
	return is_dzi(name) || (tf_markup_has_root(head, "Image") && strstr(head, "deepzoom"));
}

static bool on_begin(TfMarkup *markup, const char *element, void *data, GError **error)
{
	Dzi *dzi = data;
	if (!strcmp(element, "Size") && !strcmp(tf_markup_parent(markup, 1), "Image"))
		return tf_markup_whole(markup, "Width", 1, G_MAXINT32, &dzi->width, error) &&
		       tf_markup_whole(markup, "Height", 1, G_MAXINT32, &dzi->height, error);
	if (*tf_markup_parent(markup, 1))
		return true;
	const char *format = tf_markup_get(markup, "Format");
	if (strcmp(element, "Image"))
		return tf_markup_error(markup, error, "<%s>, expected <Image> of a Deep Zoom image", element);
	if (!format || !*format || strchr(format, '/'))
		return tf_markup_error(markup, error, "<Image> without Format, expected a file's extension");
	g_free(dzi->extension);
	dzi->extension = g_strdup(format);
	return tf_markup_whole(markup, "TileSize", 1, 1 << 20, &dzi->tile, error) &&
	       tf_markup_whole(markup, "Overlap", 0, dzi->tile, &dzi->overlap, error);
}

static char *dzi_path(const TfTileTree *tree, int level, int64_t col, int64_t row)
{
	return g_strdup_printf("%s/%d/%" G_GINT64_FORMAT "_%" G_GINT64_FORMAT ".%s", tree->root,
			       tree->top - level, col, row, tree->extension);
}

/* The folder of the levels: that of n.dzi is n_files. */
static char *levels_name(const char *origin)
{
	g_autofree char *name = g_path_get_basename(origin);
	char *dot = strrchr(name, '.');
	if (dot && dot > name)
		*dot = '\0';
	return g_strconcat(name, "_files", NULL);
}

static int top_level(const Dzi *dzi)
{
	int level = 0;
	while (INT64_C(1) << level < MAX(dzi->width, dzi->height))
		level++;
	return level;
}

/* Along one axis: where tile i begins, and its size in *size. */
static int64_t tile_span(int64_t i, int64_t whole, const Dzi *dzi, int64_t *size)
{
	int64_t begin = i * dzi->tile - (i ? dzi->overlap : 0);
	*size = MIN((i + 1) * dzi->tile + dzi->overlap, whole) - begin;
	return begin;
}

static bool add_tiles(TfArrangement *arrangement, const Dzi *dzi, TfListed *listed, GError **error)
{
	g_autofree char *levels = levels_name(arrangement->origin);
	int64_t cols = tf_ceil_div(dzi->width, dzi->tile), rows = tf_ceil_div(dzi->height, dzi->tile);
	if (!tf_tree_check_count(arrangement->origin, cols, rows, error))
		return false;
	for (int64_t row = 0; row < rows; row++)
		for (int64_t col = 0; col < cols; col++) {
			TfPlace place = {.kind = TF_PLACE_POSITION};
			place.x = tile_span(col, dzi->width, dzi, &place.width);
			place.y = tile_span(row, dzi->height, dzi, &place.height);
			g_autofree char *name =
				g_strdup_printf("%s/%d/%" G_GINT64_FORMAT "_%" G_GINT64_FORMAT ".%s", levels,
						top_level(dzi), col, row, dzi->extension);
			if (!tf_listed_add(listed, name, place, error))
				return false;
		}
	return true;
}

static TfTileTree *make_tree(const TfArrangement *arrangement, const Dzi *dzi)
{
	TfTileTree *tree = g_new0(TfTileTree, 1);
	g_autofree char *folder = g_path_get_dirname(arrangement->origin),
			*levels = levels_name(arrangement->origin);
	*tree = (TfTileTree){.tile = (int32_t)dzi->tile,
			     .overlap = (int32_t)dzi->overlap,
			     .n_levels = top_level(dzi) + 1,
			     .path = dzi_path,
			     .root = g_build_filename(folder, levels, NULL),
			     .extension = g_strdup(dzi->extension),
			     .top = top_level(dzi)};
	return tree;
}

static bool dzi_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		     GError **error)
{
	static const TfMarkupHandlers handlers = {.begin = on_begin};
	g_auto(Dzi) dzi = {0};
	if (!tf_markup_parse(arrangement->origin, &handlers, &dzi, error))
		return false;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	if (!dzi.width || !dzi.tile) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s: no size, expected <Size Width=... Height=...> in <Image>", arrangement->origin);
		return false;
	}
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	if (!add_tiles(arrangement, &dzi, listed, error))
		return false;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	arrangement->tree = make_tree(arrangement, &dzi);
	arrangement->summary = g_strdup_printf("Deep Zoom %s: %s of %" G_GINT64_FORMAT
					       " px with overlap %" G_GINT64_FORMAT ", level %d",
					       name, tiles, dzi.tile, dzi.overlap, top_level(&dzi));
	return true;
}

const TfArrangeFormat tf_format_dzi = {
	.name = "Deep Zoom",
	.find = dzi_find,
	.recognise = dzi_recognise,
	.read = dzi_read,
};
