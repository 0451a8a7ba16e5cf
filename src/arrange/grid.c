/* SPDX-License-Identifier: MIT
 *
 * Places from the numbers in file names: grid cells, a running number, or
 * positions in pixels.  Names without a pattern= get theirs from infer.c and
 * are then treated as if the user had given it.
 */
#include "format.h"
#include "gridoptions.h"
#include "infer.h"
#include "pattern.h"

#include <string.h>

/* A mosaic with more columns of at least a pixel is hardly one; it bounds the
 * memory of a name like tile_r0_c999999999.jpg. */
#define MAX_LINES (INT64_C(1) << 22)

typedef struct {
	int64_t values[TF_N_FIELDS];
	const char *name;
} Match;

/* Two coordinates of every match, x or column first, and their bounds. */
typedef struct {
	TfField x, y;
	int64_t min_x, min_y, columns, rows; /* extent in cells or px */
} Bounds;

static gboolean usage(GError **error, const char *pattern, const char *reason)
{
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "pattern=%s: %s", pattern, reason);
	return FALSE;
}

static bool check_roles(const char *text, const TfPattern *pattern, const TfArrangeOptions *options,
			const TfOrder *order, GError **error)
{
	bool cell = tf_pattern_has(pattern, TF_FIELD_ROW) || tf_pattern_has(pattern, TF_FIELD_COL);
	bool x = tf_pattern_has(pattern, TF_FIELD_X), y = tf_pattern_has(pattern, TF_FIELD_Y);
	bool index = tf_pattern_has(pattern, TF_FIELD_INDEX);
	if (cell + (x || y) + index > 1)
		return usage(error, text, "expected either {row} and {col}, or {x} and {y}, or {i}");
	if (options->pattern && !cell && !x && !y && !index)
		return usage(error, text, "no placeholder, expected {row} and {col}, or {x} and {y}, or {i}");
	if (x != y)
		return usage(error, text, "expected {x} and {y} together");
	if (options->columns < 0)
		return usage(error, text, "columns= is negative, expected at least 1");
	if (index && !options->columns)
		return usage(error, text, "{i} needs the number of columns, columns=");
	if (!index && options->columns)
		return usage(error, text, "columns= has no use without {i}");
	if (x && (options->order || options->overlap))
		return usage(error, text, "order= and overlap= have no use with positions in pixels");
	if (!index && (order->by_column || order->snake))
		return usage(error, text,
			     "order= has no use without {i}, except row-left, row-up and row-left-up");
	return true;
}

static GArray *match_all(const TfFolder *folder, const TfPattern *pattern, const char *text, GError **error)
{
	g_autoptr(GArray) matches = g_array_new(FALSE, FALSE, sizeof(Match));
	for (guint i = 0; i < folder->images->len; i++) {
		Match match = {.name = folder->images->pdata[i]};
		if (tf_pattern_match(pattern, match.name, match.values))
			g_array_append_val(matches, match);
	}
	if (!matches->len) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s: pattern=%s fits none of the %u images, the first of which is %s",
			    folder->path, text, folder->images->len, (char *)folder->images->pdata[0]);
		return NULL;
	}
	return g_steal_pointer(&matches);
}

static const Match *match_at(const GArray *matches, guint i)
{
	return &g_array_index(matches, Match, i);
}

static bool check_series(const TfFolder *folder, const GArray *matches, GError **error)
{
	const Match *first = match_at(matches, 0);
	for (guint i = 1; i < matches->len; i++) {
		const Match *match = match_at(matches, i);
		if (match->values[TF_FIELD_SERIES] == first->values[TF_FIELD_SERIES])
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s: %s and %s are of different series, expected one: put its number in place of "
			    "{series}",
			    folder->path, first->name, match->name);
		return false;
	}
	return true;
}

/* The cells of running numbers, from the smallest. */
static void number_cells(GArray *matches, const TfOrder *order, int64_t per_line)
{
	int64_t first = INT64_MAX;
	for (guint i = 0; i < matches->len; i++)
		first = MIN(first, match_at(matches, i)->values[TF_FIELD_INDEX]);
	for (guint i = 0; i < matches->len; i++) {
		Match *match = &g_array_index(matches, Match, i);
		TfPlace place;
		tf_order_cell(order, match->values[TF_FIELD_INDEX] - first, per_line, &place);
		match->values[TF_FIELD_ROW] = place.row;
		match->values[TF_FIELD_COL] = place.col;
	}
}

static void find_bounds(const GArray *matches, Bounds *bounds)
{
	int64_t max_x = INT64_MIN, max_y = INT64_MIN;
	bounds->min_x = bounds->min_y = INT64_MAX;
	for (guint i = 0; i < matches->len; i++) {
		int64_t x = match_at(matches, i)->values[bounds->x],
			y = match_at(matches, i)->values[bounds->y];
		bounds->min_x = MIN(bounds->min_x, x);
		bounds->min_y = MIN(bounds->min_y, y);
		max_x = MAX(max_x, x);
		max_y = MAX(max_y, y);
	}
	bounds->columns = max_x - bounds->min_x + 1;
	bounds->rows = max_y - bounds->min_y + 1;
}

static bool check_bounds(const TfFolder *folder, const Bounds *bounds, GError **error)
{
	bool pixels = bounds->x == TF_FIELD_X;
	int64_t limit = pixels ? G_MAXINT32 : MAX_LINES;
	if (bounds->columns <= limit && bounds->rows <= limit)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		    "%s: the names make %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
		    " %s, the limit is %" G_GINT64_FORMAT " in each direction",
		    folder->path, bounds->columns, bounds->rows, pixels ? "pixels" : "grid cells", limit);
	return false;
}

/* Two files for one place: one of them would be invisible. */
static bool check_distinct(const TfFolder *folder, const GArray *matches, const Bounds *bounds,
			   GError **error)
{
	g_autofree gint64 *keys = g_new(gint64, matches->len);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash, g_int64_equal);
	for (guint i = 0; i < matches->len; i++) {
		int64_t x = match_at(matches, i)->values[bounds->x] - bounds->min_x;
		int64_t y = match_at(matches, i)->values[bounds->y] - bounds->min_y;
		keys[i] = y * bounds->columns + x;
		gpointer same;
		if (!g_hash_table_lookup_extended(seen, &keys[i], &same, NULL)) {
			g_hash_table_add(seen, &keys[i]);
			continue;
		}
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: %s and %s are for the same %s",
			    folder->path, match_at(matches, (gint64 *)same - keys)->name,
			    match_at(matches, i)->name,
			    bounds->x == TF_FIELD_X ? "position" : "cell of the grid");
		return false;
	}
	return true;
}

static void add_places(TfArrangement *arrangement, const TfFolder *folder, const GArray *matches,
		       const Bounds *bounds, const TfOrder *order)
{
	bool pixels = bounds->x == TF_FIELD_X;
	const char *slash = g_str_has_suffix(folder->path, "/") ? "" : "/";
	for (guint i = 0; i < matches->len; i++) {
		const Match *match = match_at(matches, i);
		int64_t x = match->values[bounds->x] - bounds->min_x,
			y = match->values[bounds->y] - bounds->min_y;
		/* Not g_build_filename(), whose results take three times their length. */
		TfPlace place = {.path = g_strconcat(folder->path, slash, match->name, NULL)};
		if (pixels) {
			place.kind = TF_PLACE_POSITION;
			place.x = x;
			place.y = y;
		} else {
			place.kind = TF_PLACE_CELL;
			place.col = x;
			place.row = y;
			tf_order_flip(order, bounds->columns, bounds->rows, &place);
		}
		g_array_append_val(arrangement->places, place);
	}
	if (!pixels) {
		arrangement->same_size_required = true;
		arrangement->n_holes = bounds->columns * bounds->rows - matches->len;
	}
}

static char *summarise(const TfArrangement *arrangement, const TfFolder *folder, const char *text,
		       const Bounds *bounds, const TfArrangeOptions *options, bool guess)
{
	guint n = arrangement->places->len, n_left_out = folder->images->len - n;
	GString *line = g_string_new(NULL);
	if (bounds->x == TF_FIELD_X)
		g_string_append_printf(line, "positions in pixels from names like %s, %u file%s", text, n,
				       n == 1 ? "" : "s");
	else
		g_string_append_printf(line,
				       "grid of %" G_GINT64_FORMAT " column%s x %" G_GINT64_FORMAT
				       " row%s from names like %s, %u file%s, ",
				       bounds->columns, bounds->columns == 1 ? "" : "s", bounds->rows,
				       bounds->rows == 1 ? "" : "s", text, n, n == 1 ? "" : "s");
	if (bounds->x == TF_FIELD_COL && arrangement->n_holes)
		g_string_append_printf(line, "%" G_GINT64_FORMAT " hole%s", arrangement->n_holes,
				       arrangement->n_holes == 1 ? "" : "s");
	else if (bounds->x == TF_FIELD_COL)
		g_string_append(line, "no holes");
	if (options->columns)
		g_string_append_printf(line, ", order %s", options->order ? options->order : "row");
	if (guess)
		g_string_append(line, ", the first number taken as the row (pattern= says otherwise)");
	if (n_left_out)
		g_string_append_printf(line, ", %u other image%s left out", n_left_out,
				       n_left_out == 1 ? "" : "s");
	return g_string_free(line, FALSE);
}

static bool no_images(const TfFolder *folder, GError **error)
{
	guint n_folders = folder->folders->len, n_others = folder->others->len;
	g_autofree char *holds =
		n_folders  ? g_strdup_printf("but %u folder%s: give one as SOURCE", n_folders, n_folders == 1 ? "" : "s")
		: n_others ? g_strdup_printf("only %u other file%s such as %s: give the folder of the tiles", n_others,
					     n_others == 1 ? "" : "s", (char *)g_ptr_array_index(folder->others, 0))
			   : g_strdup("it is empty: give the folder of the tiles");
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: no images in it (%s), %s", folder->path,
		    TF_IMAGE_EXTENSIONS, holds);
	return false;
}

static bool names_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		       GError **error)
{
	if (!folder->images->len)
		return no_images(folder, error);
	if (!options->allow_escape && !tf_folder_stays_below(folder, folder->path, error))
		return false;
	TfOrder order;
	if (!tf_order_parse(options->order, &order, error) ||
	    !tf_overlap_parse(options->overlap, arrangement, error))
		return false;
	bool guess = false;
	g_autofree char *text = options->pattern ? g_strdup(options->pattern)
						 : tf_infer_pattern(folder, options, &guess, error);
	if (!text)
		return false;
	g_autoptr(TfPattern) pattern = tf_pattern_new(text, error);
	if (!pattern || !check_roles(text, pattern, options, &order, error))
		return false;
	g_autoptr(GArray) matches = match_all(folder, pattern, text, error);
	if (!matches || !check_series(folder, matches, error))
		return false;
	if (tf_pattern_has(pattern, TF_FIELD_INDEX))
		number_cells(matches, &order, options->columns);
	Bounds bounds = {TF_FIELD_COL, TF_FIELD_ROW, 0, 0, 0, 0};
	if (tf_pattern_has(pattern, TF_FIELD_X))
		bounds = (Bounds){TF_FIELD_X, TF_FIELD_Y, 0, 0, 0, 0};
	find_bounds(matches, &bounds);
	if (!check_bounds(folder, &bounds, error) || !check_distinct(folder, matches, &bounds, error))
		return false;
	add_places(arrangement, folder, matches, &bounds, &order);
	arrangement->summary = summarise(arrangement, folder, text, &bounds, options, guess);
	return true;
}

static bool names_find(const TfFolder *folder, char **path, GError **error)
{
	*path = g_strdup(folder->path);
	return true;
}

const TfArrangeFormat tf_format_names = {
	.name = "file names",
	.takes_grid_options = true,
	.takes_axes = true,
	.find = names_find,
	.read = names_read,
};
