/* SPDX-License-Identifier: MIT
 *
 * levels=source: the reduced levels that a tree of tiles has beside the largest
 * one become sources of the same levels of the pyramid.
 */
#include "mosaic_private.h"

/* One level of the tree. */
typedef struct {
	int number;
	int64_t width, height; /* px */
	guint first, n;        /* of its tiles */
} TreeLevel;

/* All levels above 0 that the tree and the pyramid have. */
typedef struct {
	TreeLevel level[TF_MAX_LEVELS];
	int n;
	GArray *tiles;    /* TfTile: those that the mosaic does not leave blank */
	GPtrArray *paths; /* of the tiles */
	TfImageInfo *infos;
} Tree;

static void tree_clear(Tree *tree)
{
	g_array_unref(tree->tiles);
	g_ptr_array_unref(tree->paths);
	g_free(tree->infos);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)

int32_t tf_mosaic_tree_side(const TfMosaic *mosaic, int32_t width_of_tile)
{
	const TfTileTree *tree = mosaic->arrangement->tree;
	return !tree ? 0 : tree->tile > 0 ? tree->tile : width_of_tile;
}

static bool check(const TfMosaic *mosaic, const TfMosaicOptions *options, GError **error)
{
	int32_t side = tf_mosaic_tree_side(mosaic, tf_scene_source(mosaic->scene, 0)->info.width);
	if (side == 0)
		return tf_error_refuse(error, TF_ERROR_USAGE,
		                       "levels=source: %s has no reduced levels, as Deep Zoom, Zoomify and trees of tiles have",
		                       mosaic->arrangement->origin);
	if (side != options->tile)
		return tf_error_refuse(error, TF_ERROR_USAGE, "levels=source: it needs the tiles of the source: tile=%d",
		                       side);
	if (!tf_rect_is_empty(options->crop) || options->arrange.flip_x || options->arrange.flip_y)
		return tf_error_refuse(error, TF_ERROR_USAGE,
		                       "levels=source: it does not go together with crop=, flip-x= and flip-y=");
	return true;
}

static void list_level(const TfMosaic *mosaic, int32_t side, Tree *tree, TreeLevel *level)
{
	TfTile tile = {.level = level->number};
	int64_t below = (int64_t)side << level->number;
	level->first = tree->tiles->len;
	for (tile.row = 0; tile.row * side < level->height; tile.row++)
		for (tile.col = 0; tile.col * side < level->width; tile.col++) {
			TfRect base = {tile.col * below, tile.row * below, (tile.col + 1) * below, (tile.row + 1) * below};
			if (!tf_scene_touches(mosaic->scene, base))
				continue;
			g_array_append_val(tree->tiles, tile);
			g_ptr_array_add(tree->paths, tf_tile_tree_path(mosaic->arrangement->tree, tile.level, tile.col, tile.row));
		}
	level->n = tree->tiles->len - level->first;
}

static void list_levels(const TfMosaic *mosaic, int32_t side, Tree *tree)
{
	int64_t width = tf_scene_width(mosaic->scene), height = tf_scene_height(mosaic->scene);
	for (int k = 1; k < mosaic->arrangement->tree->n_levels && MAX(width, height) > side; k++) {
		width = tf_ceil_div(width, 2);
		height = tf_ceil_div(height, 2);
		TreeLevel *level = &tree->level[tree->n++];
		*level = (TreeLevel){.number = k, .width = width, .height = height};
		list_level(mosaic, side, tree, level);
	}
	tree->infos = g_new0(TfImageInfo, tree->tiles->len + 1);
}

/* Where the tile stands, and whether it covers its part of the level. */
static TfPlacement place_tile(const TfMosaic *mosaic, const Tree *tree, const TreeLevel *level, int32_t side, guint i,
                              bool *covers)
{
	TfTile tile = g_array_index(tree->tiles, TfTile, i);
	TfImageInfo *info = &tree->infos[i];
	int64_t overlap = mosaic->arrangement->tree->overlap;
	TfPosition at = {tile.col * side - (tile.col > 0 ? overlap : 0), tile.row * side - (tile.row > 0 ? overlap : 0)};
	*covers = at.x + info->width >= MIN((tile.col + 1) * side, level->width) &&
	          at.y + info->height >= MIN((tile.row + 1) * side, level->height);
	return (TfPlacement){g_ptr_array_index(tree->paths, i), info, at, 1};
}

static bool add_level(TfMosaic *mosaic, const TreeLevel *level, const TfPlacement *placements, GError **error)
{
	g_autofree TfSource *sources = g_new0(TfSource, level->n);
	for (guint i = 0; i < level->n; i++) {
		const TfPlacement *p = &placements[i];
		sources[i] = (TfSource){.path = p->path,
		                        .info = *p->info,
		                        .orientation = 1,
		                        .x = p->position.x,
		                        .y = p->position.y,
		                        .width = p->info->width,
		                        .height = p->info->height};
	}
	return tf_scene_add_level(mosaic->scene, level->width, level->height, sources, level->n, error);
}

/* *complete tells whether the level can be used. */
static bool take_level(TfMosaic *mosaic, const TfMosaicOptions *options, TfHeaders *headers, Tree *tree,
                       const TreeLevel *level, bool *complete, GError **error)
{
	g_autofree TfPlacement *placements = g_new0(TfPlacement, level->n + 1);
	*complete = false;
	for (guint i = 0; i < level->n; i++) {
		bool covers;
		TfPlacement *p = &placements[i];
		*p = place_tile(mosaic, tree, level, options->tile, level->first + i, &covers);
		if (covers)
			continue;
		tf_mosaic_note(mosaic, "levels=source: %s %s; the levels from %d on are averaged", p->path,
		               p->info->width > 0 ? "is too small" : "is missing", level->number);
		return true;
	}
	if (tf_passthrough_is_wanted(options))
		mosaic->streams_read += tf_passthrough_scan(placements, level->n, options);
	for (guint i = 0; i < level->n; i++)
		tf_headers_keep(headers, g_strdup(placements[i].path), placements[i].info);
	*complete = true;
	return add_level(mosaic, level, placements, error);
}

bool tf_mosaic_add_levels(TfMosaic *mosaic, const TfMosaicOptions *options, TfHeaders *headers, GError **error)
{
	if (!options->levels_of_source || options->pyramid == TF_PYRAMID_NONE)
		return true;
	if (!check(mosaic, options, error))
		return false;
	g_auto(Tree) tree = {.tiles = g_array_new(FALSE, FALSE, sizeof(TfTile)),
	                     .paths = g_ptr_array_new_with_free_func(g_free)};
	list_levels(mosaic, options->tile, &tree);
	const char *const *paths = (const char *const *)tree.paths->pdata;
	if (!options->arrange.allow_escape && !tf_arrangement_holds(mosaic->arrangement, paths, tree.paths->len, error))
		return false;
	if (!tf_headers_probe(headers, paths, tree.paths->len, true, tree.infos, error))
		return false;
	bool complete = true;
	for (int i = 0; i < tree.n && complete; i++)
		if (!take_level(mosaic, options, headers, &tree, &tree.level[i], &complete, error))
			return false;
	return true;
}
