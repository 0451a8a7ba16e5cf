/* SPDX-License-Identifier: MIT
 *
 * Zoomify: ImageProperties.xml tells the size, TileGroupG/Z-COL-ROW.jpg are
 * the tiles; G counts all tiles from the smallest level on, 256 a group.
 *
 *     <IMAGE_PROPERTIES WIDTH="9221" HEIGHT="7026" NUMTILES="1421" NUMIMAGES="1" VERSION="1.8" TILESIZE="256"/>
 */
#include "format.h"
#include "listed.h"
#include "markup.h"
#include "treelevels.h"

#include <string.h>

enum { GROUP = 256 };

typedef struct {
	int64_t tile, width, height, n_tiles;
} Zoomify;

/* The levels, smallest first. */
typedef struct {
	int n;
	int64_t width[TF_MAX_LEVELS], height[TF_MAX_LEVELS];
	int64_t cols[TF_MAX_LEVELS], rows[TF_MAX_LEVELS], before[TF_MAX_LEVELS];
	int64_t total;
} Tiers;

static bool is_properties(const char *name)
{
	return !g_ascii_strcasecmp(name, "ImageProperties.xml");
}

static bool zoomify_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_properties, "Zoomify files", path, error);
}

static bool zoomify_recognise(const char *name, const char *first_line, const char *head)
{
	return tf_markup_has_root(head, "IMAGE_PROPERTIES");
}

static bool on_begin(TfMarkup *markup, const char *element, void *data, GError **error)
{
	Zoomify *zoomify = data;
	if (*tf_markup_parent(markup, 1))
		return true;
	if (strcmp(element, "IMAGE_PROPERTIES"))
		return tf_markup_error(markup, error, "<%s>, expected <IMAGE_PROPERTIES> of Zoomify", element);
	return tf_markup_whole(markup, "WIDTH", 1, G_MAXINT32, &zoomify->width, error) &&
	       tf_markup_whole(markup, "HEIGHT", 1, G_MAXINT32, &zoomify->height, error) &&
	       tf_markup_whole(markup, "TILESIZE", 1, 1 << 20, &zoomify->tile, error) &&
	       tf_markup_whole(markup, "NUMTILES", 1, G_MAXINT64 / 2, &zoomify->n_tiles, error);
}

/* Some writers halve the sizes with truncation (Zoomify's own, libvips), some
 * round up; the number of tiles tells them apart. */
static void make_tiers(const Zoomify *zoomify, bool round_up, Tiers *tiers)
{
	int64_t w[TF_MAX_LEVELS], h[TF_MAX_LEVELS];
	int n = 0;
	w[0] = zoomify->width;
	h[0] = zoomify->height;
	while (MAX(w[n], h[n]) > zoomify->tile && n + 1 < TF_MAX_LEVELS) {
		w[n + 1] = MAX((w[n] + round_up) / 2, 1);
		h[n + 1] = MAX((h[n] + round_up) / 2, 1);
		n++;
	}
	*tiers = (Tiers){.n = n + 1};
	for (int i = 0; i <= n; i++) {
		tiers->width[i] = w[n - i];
		tiers->height[i] = h[n - i];
		tiers->cols[i] = tf_ceil_div(w[n - i], zoomify->tile);
		tiers->rows[i] = tf_ceil_div(h[n - i], zoomify->tile);
		tiers->before[i] = tiers->total;
		tiers->total += tiers->cols[i] * tiers->rows[i];
	}
}

static bool choose_tiers(const TfArrangement *arrangement, const Zoomify *zoomify, Tiers *tiers, GError **error)
{
	make_tiers(zoomify, false, tiers);
	int64_t total = tiers->total;
	if (total == zoomify->n_tiles)
		return true;
	make_tiers(zoomify, true, tiers);
	if (tiers->total == zoomify->n_tiles)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s: NUMTILES=\"%" G_GINT64_FORMAT "\", expected %" G_GINT64_FORMAT " for %" G_GINT64_FORMAT
		    " x %" G_GINT64_FORMAT " px in tiles of %" G_GINT64_FORMAT,
		    arrangement->origin, zoomify->n_tiles, total, zoomify->width, zoomify->height, zoomify->tile);
	return false;
}

static char *tile_name(int z, int64_t col, int64_t row, int64_t before, int64_t cols)
{
	return g_strdup_printf("TileGroup%" G_GINT64_FORMAT "/%d-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT ".jpg",
			       (before + row * cols + col) / GROUP, z, col, row);
}

static char *zoomify_path(const TfTileTree *tree, int level, int64_t col, int64_t row)
{
	int z = tree->top - level;
	g_autofree char *name = tile_name(z, col, row, tree->tiles_before[z], tree->cols[z]);
	return g_build_filename(tree->root, name, NULL);
}

static TfTileTree *make_tree(const TfArrangement *arrangement, const Zoomify *zoomify, const Tiers *tiers)
{
	TfTileTree *tree = g_new0(TfTileTree, 1);
	*tree = (TfTileTree){.tile = (int32_t)zoomify->tile,
			     .n_levels = 1,
			     .path = zoomify_path,
			     .root = g_path_get_dirname(arrangement->origin),
			     .top = tiers->n - 1};
	memcpy(tree->cols, tiers->cols, sizeof tree->cols);
	memcpy(tree->tiles_before, tiers->before, sizeof tree->tiles_before);
	/* Ours round up: the tree's levels are of use until they differ. */
	for (int z = tree->top; z > 0; z--) {
		if (tf_ceil_div(tiers->width[z], 2) != tiers->width[z - 1] ||
		    tf_ceil_div(tiers->height[z], 2) != tiers->height[z - 1])
			break;
		tree->n_levels++;
	}
	return tree;
}

static bool add_tiles(TfArrangement *arrangement, const Zoomify *zoomify, const Tiers *tiers, TfListed *listed,
		      GError **error)
{
	int z = tiers->n - 1;
	if (!tf_tree_check_count(arrangement->origin, tiers->cols[z], tiers->rows[z], error))
		return false;
	for (int64_t row = 0; row < tiers->rows[z]; row++)
		for (int64_t col = 0; col < tiers->cols[z]; col++) {
			TfPlace place = {.kind = TF_PLACE_POSITION,
					 .x = (double)(col * zoomify->tile),
					 .y = (double)(row * zoomify->tile)};
			place.width = MIN(zoomify->tile, zoomify->width - col * zoomify->tile);
			place.height = MIN(zoomify->tile, zoomify->height - row * zoomify->tile);
			g_autofree char *name = tile_name(z, col, row, tiers->before[z], tiers->cols[z]);
			if (!tf_listed_add(listed, name, place, error))
				return false;
		}
	return true;
}

static bool zoomify_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
			 GError **error)
{
	static const TfMarkupHandlers handlers = {.begin = on_begin};
	Zoomify zoomify = {0};
	Tiers tiers;
	if (!tf_markup_parse(arrangement->origin, &handlers, &zoomify, error) ||
	    !choose_tiers(arrangement, &zoomify, &tiers, error))
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	if (!add_tiles(arrangement, &zoomify, &tiers, listed, error))
		return false;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	arrangement->tree = make_tree(arrangement, &zoomify, &tiers);
	arrangement->summary = g_strdup_printf("Zoomify: %s of %" G_GINT64_FORMAT " px, level %d", tiles,
					       zoomify.tile, tiers.n - 1);
	return true;
}

const TfArrangeFormat tf_format_zoomify = {
	.name = "Zoomify",
	.find = zoomify_find,
	.recognise = zoomify_recognise,
	.read = zoomify_read,
};
