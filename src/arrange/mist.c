/* SPDX-License-Identifier: MIT
 *
 * The global positions of NIST's MIST:
 *
 *     file: img_r001_c001.tif; corr: 0.98; position: (0, 12); grid: (0, 0);
 */
#include "format.h"
#include "lines.h"
#include "listed.h"

#include <string.h>

#define FORM "file: NAME; corr: NUMBER; position: (x, y); grid: (column, row);"

static bool is_positions(const char *name)
{
	return strstr(name, "global-positions") && tf_has_suffix(name, ".txt");
}

static bool mist_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_positions, "MIST files", path, error);
}

static bool mist_recognise(const char *name, const char *first_line, const char *head)
{
	return is_positions(name) || (g_str_has_prefix(first_line, "file:") && strstr(first_line, "; position:"));
}

static bool read_position(const TfLines *lines, const char *text, TfPlace *place, GError **error)
{
	const char *close = strchr(text, ')');
	g_autofree char *inside = close && *text == '(' ? g_strndup(text + 1, (gsize)(close - text - 1)) : g_strdup("");
	g_auto(GStrv) parts = g_strsplit(inside, ",", -1);
	if (g_strv_length(parts) == 2 && tf_parse_number(parts[0], &place->x) && tf_parse_number(parts[1], &place->y))
		return true;
	return tf_lines_error(lines, error, "no position, expected position: (x, y) with two numbers");
}

static bool read_line(const TfLines *lines, const char *line, TfListed *listed, GError **error)
{
	const char *end = strstr(line, "; corr:");
	const char *position = end ? strstr(end, "; position:") : NULL;
	if (!g_str_has_prefix(line, "file:") || !position)
		return tf_lines_error(lines, error, "'%.40s%s', expected " FORM, line, strlen(line) > 40 ? "..." : "");
	TfPlace place = {.kind = TF_PLACE_POSITION, .line = lines->line};
	position += strlen("; position:");
	position += strspn(position, " ");
	if (!read_position(lines, position, &place, error))
		return false;
	const char *begin = line + strlen("file:");
	g_autofree char *name = g_strstrip(g_strndup(begin, (gsize)(end - begin)));
	return tf_listed_add(listed, name, place, error);
}

static bool mist_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		      GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(arrangement->origin, error);
	if (!lines)
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	for (char *line; (line = tf_lines_next(lines));)
		if (!read_line(lines, line, listed, error))
			return false;
	return tf_listed_conclude(listed, "MIST", error);
}

const TfArrangeFormat tf_format_mist = {
	.name = "MIST global positions",
	.takes_axes = true,
	.find = mist_find,
	.recognise = mist_recognise,
	.read = mist_read,
};
