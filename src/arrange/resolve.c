/* SPDX-License-Identifier: MIT */
#include <tiffuse/arrange.h>

#include <math.h>

/* One direction of a grid: all columns, or all rows. */
typedef struct {
	bool vertical;
	int64_t n;
	int32_t *extent; /* the largest width in a column, 0 where there is none */
	int32_t usual;   /* the largest of all */
	double *start;
} Axis;

static void axis_clear(Axis *axis)
{
	g_free(axis->extent);
	g_free(axis->start);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Axis, axis_clear)

static const TfPlace *place_at(const TfArrangement *arrangement, guint i)
{
	return &g_array_index(arrangement->places, TfPlace, i);
}

static int64_t cell(const Axis *axis, const TfPlace *place)
{
	return axis->vertical ? place->row : place->col;
}

static int32_t extent(const Axis *axis, TfSize size)
{
	return axis->vertical ? size.height : size.width;
}

static bool measure(Axis *axis, const TfArrangement *arrangement, const TfSize *sizes, GError **error)
{
	for (guint i = 0; i < arrangement->places->len; i++)
		axis->n = MAX(axis->n, cell(axis, place_at(arrangement, i)) + 1);
	axis->extent = g_try_new0(int32_t, axis->n);
	axis->start = g_try_new0(double, axis->n);
	if (!axis->extent || !axis->start) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY,
			    "%s: no memory for a grid of %" G_GINT64_FORMAT " %s", arrangement->origin,
			    axis->n, axis->vertical ? "rows" : "columns");
		return false;
	}
	for (guint i = 0; i < arrangement->places->len; i++) {
		int32_t *largest = &axis->extent[cell(axis, place_at(arrangement, i))];
		*largest = MAX(*largest, extent(axis, sizes[i]));
		axis->usual = MAX(axis->usual, *largest);
	}
	return true;
}

/* A tile that is smaller than its column could lie anywhere in it; in the last
 * column its left edge is known all the same. */
static bool check_same_size(const Axis *axis, const TfArrangement *arrangement, const TfSize *sizes,
			    GError **error)
{
	for (guint i = 0; i < arrangement->places->len; i++) {
		const TfPlace *place = place_at(arrangement, i);
		int64_t at = cell(axis, place);
		int32_t has = extent(axis, sizes[i]);
		if (!has || has == axis->extent[at] || at == axis->n - 1)
			continue;
		const char *line = axis->vertical ? "row" : "column";
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s: %d x %d px, expected a %s of %d px as in the rest of its %s: only tiles of "
			    "the last %s may "
			    "be smaller",
			    place->path, sizes[i].width, sizes[i].height, axis->vertical ? "height" : "width",
			    axis->extent[at], line, line);
		return false;
	}
	return true;
}

static bool prefix_sums(Axis *axis, const TfArrangement *arrangement, GError **error)
{
	double overlap = axis->vertical ? arrangement->overlap_y : arrangement->overlap_x;
	bool relative = axis->vertical ? arrangement->overlap_y_relative : arrangement->overlap_x_relative;
	if (relative) /* Fiji's step, truncated as there */
		overlap = axis->usual - (int)(axis->usual * (1 - overlap));
	double at = 0;
	for (int64_t i = 0; i < axis->n; i++) {
		int32_t size = axis->extent[i] ? axis->extent[i] : axis->usual;
		axis->start[i] = at;
		at += size - overlap;
		/* The last one has no successor that it must overlap. */
		if (size > overlap || (i == axis->n - 1 && i > 0) || !axis->usual)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "overlap=%g px: expected less than the tiles' %s, which is %d px in %s "
			    "%" G_GINT64_FORMAT,
			    overlap, axis->vertical ? "height" : "width", size,
			    axis->vertical ? "row" : "column", i);
		return false;
	}
	return true;
}

static bool make_axis(Axis *axis, const TfArrangement *arrangement, const TfSize *sizes, GError **error)
{
	return measure(axis, arrangement, sizes, error) &&
	       (!arrangement->same_size_required || check_same_size(axis, arrangement, sizes, error)) &&
	       prefix_sums(axis, arrangement, error);
}

static bool check_stated_size(const TfArrangement *arrangement, const TfPlace *place, TfSize size,
			      GError **error)
{
	if (!size.width || ((!place->width || place->width == size.width) &&
			    (!place->height || place->height == size.height)))
		return true;
	bool width = place->width && place->width != size.width;
	g_autofree char *line = place->line ? g_strdup_printf(":%d", place->line) : g_strdup("");
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s%s: %s %" G_GINT64_FORMAT " px, expected %d px as in %s", arrangement->origin, line,
		    width ? "width" : "height", width ? place->width : place->height,
		    width ? size.width : size.height, place->path);
	return false;
}

static bool set_position(const TfArrangement *arrangement, guint i, double x, double y, TfPosition *position,
			 TfResolution *resolution, GError **error)
{
	const TfPlace *place = place_at(arrangement, i);
	if (fabs(x) > G_MAXINT32 || fabs(y) > G_MAXINT32) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
			    "%s: %.0f, %.0f px from the top left tile, the limit is %d", place->path, x, y,
			    G_MAXINT32);
		return false;
	}
	*position = (TfPosition){llround(x), llround(y)};
	double moved = MAX(fabs(x - (double)position->x), fabs(y - (double)position->y));
	if (moved > resolution->residual) {
		resolution->residual = moved;
		resolution->moved_most = i;
	}
	return true;
}

static bool resolve_cells(const TfArrangement *arrangement, const TfSize *sizes, TfPosition *positions,
			  TfResolution *resolution, GError **error)
{
	g_auto(Axis) columns = {.vertical = false}, rows = {.vertical = true};
	if (!make_axis(&columns, arrangement, sizes, error) || !make_axis(&rows, arrangement, sizes, error))
		return false;
	for (guint i = 0; i < arrangement->places->len; i++) {
		const TfPlace *place = place_at(arrangement, i);
		if (!set_position(arrangement, i, columns.start[place->col], rows.start[place->row],
				  &positions[i], resolution, error))
			return false;
	}
	return true;
}

static bool check_part(const TfArrangement *arrangement, const TfPlace *place, TfSize size, GError **error)
{
	TfRect part = place->part;
	if (!size.width || tf_rect_is_empty(part) ||
	    (part.x0 >= 0 && part.y0 >= 0 && part.x1 <= size.width && part.y1 <= size.height))
		return true;
	g_autofree char *line = place->line ? g_strdup_printf(":%d", place->line) : g_strdup("");
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s%s: columns %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", rows %" G_GINT64_FORMAT
		    " to %" G_GINT64_FORMAT " of %s, expected a part of its %d x %d px",
		    arrangement->origin, line, part.x0, part.x1, part.y0, part.y1, place->path, size.width,
		    size.height);
	return false;
}

/* Where the image's top left corner is. */
static void corner(const TfArrangement *arrangement, const TfPlace *place, TfSize size, double *x, double *y)
{
	*x = place->x - (arrangement->anchor_center ? size.width / 2.0 : 0);
	*y = place->y - (arrangement->anchor_center ? size.height / 2.0 : 0);
}

/* Tiles that are left out do not count for the origin: the mosaic is that of
 * the tiles that are there. */
static bool find_origin(const TfArrangement *arrangement, const TfSize *sizes, TfResolution *resolution,
			GError **error)
{
	double min_x = INFINITY, min_y = INFINITY, x, y;
	for (guint i = 0; i < arrangement->places->len; i++) {
		const TfPlace *place = place_at(arrangement, i);
		if (!check_stated_size(arrangement, place, sizes[i], error) ||
		    !check_part(arrangement, place, sizes[i], error))
			return false;
		if (!sizes[i].width)
			continue;
		corner(arrangement, place, sizes[i], &x, &y);
		min_x = MIN(min_x, x + (double)place->part.x0);
		min_y = MIN(min_y, y + (double)place->part.y0);
	}
	resolution->origin_x = arrangement->width || isinf(min_x) ? 0 : min_x;
	resolution->origin_y = arrangement->width || isinf(min_y) ? 0 : min_y;
	return true;
}

static bool resolve_positions(const TfArrangement *arrangement, const TfSize *sizes, TfPosition *positions,
			      TfResolution *resolution, GError **error)
{
	if (!find_origin(arrangement, sizes, resolution, error))
		return false;
	for (guint i = 0; i < arrangement->places->len; i++) {
		double x, y;
		corner(arrangement, place_at(arrangement, i), sizes[i], &x, &y);
		positions[i] = (TfPosition){0, 0};
		if (sizes[i].width &&
		    !set_position(arrangement, i, x - resolution->origin_x, y - resolution->origin_y,
				  &positions[i], resolution, error))
			return false;
	}
	return true;
}

bool tf_arrange_resolve(const TfArrangement *arrangement, const TfSize *sizes, TfPosition *positions,
			TfResolution *resolution, GError **error)
{
	*resolution = (TfResolution){0};
	if (!arrangement->places->len)
		return true;
	return place_at(arrangement, 0)->kind == TF_PLACE_CELL
		       ? resolve_cells(arrangement, sizes, positions, resolution, error)
		       : resolve_positions(arrangement, sizes, positions, resolution, error);
}
