/* SPDX-License-Identifier: MIT */
#include "mosaic_private.h"

#include <string.h>

void tf_mosaic_note(TfMosaic *mosaic, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_ptr_array_add(mosaic->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

static const TfPlace *place_at(const TfMosaic *mosaic, guint i)
{
	return &g_array_index(mosaic->arrangement->places, TfPlace, i);
}

/* Headers of all files that exist; those of missing ones stay 0 x 0. */
static bool probe_places(TfMosaic *mosaic, const TfMosaicOptions *options, TfHeaders *headers, TfImageInfo *infos,
                         GError **error)
{
	guint n = mosaic->arrangement->places->len, n_present = 0;
	g_autofree const char **paths = g_new0(const char *, n + 1);
	for (guint i = 0; i < n; i++)
		if (!place_at(mosaic, i)->missing)
			paths[n_present++] = place_at(mosaic, i)->path;
	if (!tf_headers_probe(headers, paths, n_present, options->arrange.missing_fill, infos, error))
		return false;
	/* From the last on, so that each moves to its place before that is taken. */
	for (guint i = n, j = n_present; i > j; i--)
		infos[i - 1] = place_at(mosaic, i - 1)->missing ? (TfImageInfo){.orientation = 1} : infos[--j];
	return true;
}

static bool applies_orientation(const TfMosaic *mosaic, const TfMosaicOptions *options)
{
	if (options->orientation == TF_ORIENTATION_AUTO)
		return !mosaic->arrangement->ignore_orientation;
	return options->orientation == TF_ORIENTATION_APPLY;
}

static void note_orientations(TfMosaic *mosaic, const TfImageInfo *infos, guint n, bool apply)
{
	guint counts[9] = {0}, kinds = 0;
	for (guint i = 0; i < n; i++)
		counts[infos[i].orientation]++;
	g_autoptr(GString) text = g_string_new(NULL);
	for (int o = 1; o <= 8; o++) {
		if (counts[o] == 0)
			continue;
		g_string_append_printf(text, "%s%u with %d", kinds++ ? ", " : "", counts[o], o);
	}
	if (counts[1] == n)
		return;
	tf_mosaic_note(mosaic, "%sEXIF orientations (%s) are %s; orientation=%s does otherwise",
	               kinds > 1 ? "mixed " : "", text->str, apply ? "applied" : "ignored", apply ? "ignore" : "apply");
}

static void add_sources(TfMosaic *mosaic, const TfImageInfo *infos, const TfSize *sizes,
                        const TfPosition *positions, bool apply)
{
	for (guint i = 0; i < mosaic->arrangement->places->len; i++) {
		if (sizes[i].width == 0) {
			mosaic->n_missing++;
			continue;
		}
		TfSource source = {.path = place_at(mosaic, i)->path,
		                   .info = infos[i],
		                   .orientation = apply ? infos[i].orientation : 1,
		                   .x = positions[i].x,
		                   .y = positions[i].y,
		                   .width = sizes[i].width,
		                   .height = sizes[i].height};
		TfRect part = place_at(mosaic, i)->part;
		if (!tf_rect_is_empty(part))
			source.part = (TfRect){source.x + part.x0, source.y + part.y0, source.x + part.x1,
			                        source.y + part.y1};
		tf_scene_add(mosaic->scene, &source);
	}
}

/* crop= counts in the whole mosaic, which begins where the arrangement or the
 * leftmost and topmost source says. */
static bool set_extent(TfMosaic *mosaic, const TfMosaicOptions *options, GError **error)
{
	const TfArrangement *arrangement = mosaic->arrangement;
	TfRect whole = {0, 0, arrangement->width, arrangement->height}, crop = options->crop;
	if (tf_scene_n_sources(mosaic->scene) == 0)
		return true; /* the freeze says so */
	if (tf_rect_is_empty(whole))
		whole = tf_scene_bounds(mosaic->scene);
	if (tf_rect_is_empty(crop)) {
		if (arrangement->width)
			tf_scene_set_extent(mosaic->scene, whole);
		return true;
	}
	int64_t width = whole.x1 - whole.x0, height = whole.y1 - whole.y0;
	if (crop.x1 > width || crop.y1 > height) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
		            "crop: columns to %" G_GINT64_FORMAT " and rows to %" G_GINT64_FORMAT
		            ", expected a part of the mosaic, which has %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px",
		            crop.x1, crop.y1, width, height);
		return false;
	}
	tf_scene_set_extent(mosaic->scene, (TfRect){whole.x0 + crop.x0, whole.y0 + crop.y0, whole.x0 + crop.x1,
	                                            whole.y0 + crop.y1});
	return true;
}

static void take_resolution(TfMosaic *mosaic, const TfResolution *resolution, const TfMosaicOptions *options)
{
	mosaic->residual_px = resolution->residual;
	if (resolution->residual > 0)
		mosaic->moved_most = g_strdup(place_at(mosaic, resolution->moved_most)->path);
	if (!mosaic->arrangement->geo)
		return;
	mosaic->geo = g_new0(TfGeo, 1);
	*mosaic->geo = *mosaic->arrangement->geo;
	mosaic->geo->srs = g_strdup(mosaic->arrangement->geo->srs);
	tf_geo_move(mosaic->geo, resolution->origin_x + (double)options->crop.x0,
	            resolution->origin_y + (double)options->crop.y0);
}

/* --- sources that are tiles ------------------------------------------------------- */

enum { USUAL_TILE = 512, USUAL_SAMPLING = 2 };

/* What the user left open; and a hint where another tile would have saved work. */
static void settle_options(TfMosaic *mosaic, const TfPlacement *placements, guint n, TfMosaicOptions *options)
{
	int32_t side = tf_passthrough_is_wanted(options) ? tf_passthrough_side(placements, n) : 0;
	if (options->levels_of_source && mosaic->arrangement->tree)
		side = tf_mosaic_tree_side(mosaic, placements[0].info->width);
	int hsamp = USUAL_SAMPLING, vsamp = USUAL_SAMPLING;
	if (options->tile == 0 && side > 0)
		tf_passthrough_sampling(placements, n, side, &hsamp, &vsamp);
	else if (side > 0 && side != options->tile && !options->levels_of_source)
		tf_mosaic_note(mosaic, "the sources are tiles of %d px: tile=auto hands them out as they are", side);
	if (options->tile == 0)
		options->tile = side > 0 ? side : USUAL_TILE;
	if (options->hsamp == 0) {
		options->hsamp = hsamp;
		options->vsamp = vsamp;
	}
}

/* Where the mosaic's top left corner lies among the positions; as set_extent()
 * and the freeze have it. */
static TfPosition find_origin(const TfMosaic *mosaic, const TfImageInfo *infos, const TfPosition *positions,
                              const TfMosaicOptions *options)
{
	TfPosition origin = {INT64_MAX, INT64_MAX};
	for (guint i = 0; i < mosaic->arrangement->places->len; i++)
		if (infos[i].width > 0)
			origin = (TfPosition){MIN(origin.x, positions[i].x), MIN(origin.y, positions[i].y)};
	if (mosaic->arrangement->width > 0 || origin.x == INT64_MAX)
		origin = (TfPosition){0, 0};
	return (TfPosition){origin.x + options->crop.x0, origin.y + options->crop.y0};
}

/* The result is the number of files that were looked through. */
static uint32_t find_passable(TfMosaic *mosaic, TfImageInfo *infos, const TfPosition *positions, bool apply,
                              TfMosaicOptions *options)
{
	guint n = mosaic->arrangement->places->len;
	TfPosition origin = find_origin(mosaic, infos, positions, options);
	g_autofree TfPlacement *placements = g_new0(TfPlacement, n + 1);
	for (guint i = 0; i < n; i++)
		placements[i] = (TfPlacement){.path = place_at(mosaic, i)->path,
		                              .info = &infos[i],
		                              .position = {positions[i].x - origin.x, positions[i].y - origin.y},
		                              .orientation = apply ? infos[i].orientation : 1};
	settle_options(mosaic, placements, n, options);
	return tf_passthrough_is_wanted(options) ? tf_passthrough_scan(placements, n, options) : 0;
}

/* From the arrangement's places to the scene's sources.  Tables of a million
 * rows come and go here, so that they are gone when the scene is indexed. */
static bool fill_scene(TfMosaic *mosaic, TfMosaicOptions *options, TfHeaders *headers, GError **error)
{
	guint n = mosaic->arrangement->places->len;
	g_autofree TfImageInfo *infos = g_new0(TfImageInfo, n + 1);
	g_autofree TfSize *sizes = g_new0(TfSize, n + 1);
	g_autofree TfPosition *positions = g_new0(TfPosition, n + 1);
	if (!probe_places(mosaic, options, headers, infos, error))
		return false;
	bool apply = applies_orientation(mosaic, options);
	for (guint i = 0; i < n; i++) {
		bool turned = apply && infos[i].orientation >= 5;
		sizes[i].width = turned ? infos[i].height : infos[i].width;
		sizes[i].height = turned ? infos[i].width : infos[i].height;
	}
	note_orientations(mosaic, infos, n, apply);
	TfResolution resolution;
	bool resolved = tf_arrange_resolve(mosaic->arrangement, sizes, positions, &resolution, error);
	if (resolved)
		mosaic->streams_read = find_passable(mosaic, infos, positions, apply, options);
	if (resolved) {
		take_resolution(mosaic, &resolution, options);
		mosaic->scene = tf_scene_new(options->blend);
		tf_scene_reserve(mosaic->scene, n);
		add_sources(mosaic, infos, sizes, positions, apply);
	}
	for (guint i = 0; i < n; i++)
		tf_headers_keep(headers, g_steal_pointer(&g_array_index(mosaic->arrangement->places, TfPlace, i).path),
		                &infos[i]);
	g_clear_pointer(&mosaic->arrangement->places, g_array_unref);
	return resolved;
}

static bool place_sources(TfMosaic *mosaic, TfMosaicOptions *options, TfHeaders *headers, GError **error)
{
	mosaic->arrangement = tf_arrange_read(mosaic->source, &options->arrange, error);
	if (!mosaic->arrangement || !fill_scene(mosaic, options, headers, error))
		return false;
	uint32_t n_placed = tf_scene_n_placed(mosaic->scene);
	if (!set_extent(mosaic, options, error) || !tf_scene_freeze(mosaic->scene, error))
		return false;
	mosaic->n_outside = n_placed - tf_scene_n_placed(mosaic->scene);
	if (mosaic->n_missing > 0)
		tf_mosaic_note(mosaic, "%u files are missing; their places are background (missing=fill)", mosaic->n_missing);
	return tf_mosaic_add_levels(mosaic, options, headers, error);
}

bool tf_mosaic_place_sources(TfMosaic *mosaic, TfMosaicOptions *options, GError **error)
{
	g_autoptr(TfHeaders) headers = tf_headers_new(mosaic, options);
	bool placed = place_sources(mosaic, options, headers, error);
	tf_headers_save(headers);
	return placed;
}
