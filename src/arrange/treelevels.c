/* SPDX-License-Identifier: MIT */
#include "treelevels.h"

#define MAX_TILES (INT64_C(1) << 22) /* in all, or in a row or a column */

bool tf_tree_check_count(const char *origin, int64_t cols, int64_t rows, GError **error)
{
	if (cols <= MAX_TILES / rows)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		    "%s: %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
		    " tiles, the limit is %" G_GINT64_FORMAT " in all",
		    origin, cols, rows, MAX_TILES);
	return false;
}

bool tf_tree_check_extent(const char *origin, int64_t cols, int64_t rows, GError **error)
{
	if (cols <= MAX_TILES && rows <= MAX_TILES)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		    "%s: %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
		    " tiles, the limit is %" G_GINT64_FORMAT " in each direction",
		    origin, cols, rows, MAX_TILES);
	return false;
}
