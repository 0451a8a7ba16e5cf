/* SPDX-License-Identifier: MIT */
#include "gridoptions.h"
#include "lines.h"

#include <string.h>

bool tf_order_parse(const char *text, TfOrder *order, GError **error)
{
	*order = (TfOrder){0};
	g_auto(GStrv) words = g_strsplit(text ? text : "row", "-", -1);
	bool good = words[0] && (!strcmp(words[0], "row") || !strcmp(words[0], "column"));
	order->by_column = good && *words[0] == 'c';
	for (int i = 1; good && words[i]; i++) {
		bool *flag = !strcmp(words[i], "snake") && i == 1 ? &order->snake
			     : !strcmp(words[i], "left")          ? &order->left
			     : !strcmp(words[i], "up")            ? &order->up
								  : NULL;
		good = flag && !*flag;
		if (good)
			*flag = true;
	}
	if (!good)
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "order=%s: expected row, column, row-snake or column-snake, with -left or -up or "
			    "both after it",
			    text);
	return good;
}

void tf_order_cell(const TfOrder *order, int64_t i, int64_t per_line, TfPlace *place)
{
	int64_t line = i / per_line, at = i % per_line;
	if (order->snake && line % 2)
		at = per_line - 1 - at;
	place->row = order->by_column ? at : line;
	place->col = order->by_column ? line : at;
}

void tf_order_flip(const TfOrder *order, int64_t columns, int64_t rows, TfPlace *place)
{
	if (order->left)
		place->col = columns - 1 - place->col;
	if (order->up)
		place->row = rows - 1 - place->row;
}

static bool parse_one(char *text, double *value, bool *relative)
{
	g_strstrip(text);
	size_t len = strlen(text);
	*relative = len && text[len - 1] == '%';
	if (*relative)
		text[len - 1] = '\0';
	if (!tf_parse_number(text, value) || *value < 0 || (*relative && *value >= 100))
		return false;
	if (*relative)
		*value /= 100;
	return true;
}

bool tf_overlap_parse(const char *text, TfArrangement *arrangement, GError **error)
{
	if (!text)
		return true;
	g_auto(GStrv) values = g_strsplit(text, ",", -1);
	guint n = g_strv_length(values);
	bool good = (n == 1 || n == 2) &&
		    parse_one(values[0], &arrangement->overlap_x, &arrangement->overlap_x_relative);
	if (good && n == 2) {
		good = parse_one(values[1], &arrangement->overlap_y, &arrangement->overlap_y_relative);
	} else if (good) {
		arrangement->overlap_y = arrangement->overlap_x;
		arrangement->overlap_y_relative = arrangement->overlap_x_relative;
	}
	if (!good)
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "overlap=%s: expected pixels or percent below 100%%, one value or x,y: 64 or "
			    "10%% or 64,32",
			    text);
	return good;
}
