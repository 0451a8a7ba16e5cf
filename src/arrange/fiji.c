/* SPDX-License-Identifier: MIT
 *
 * TileConfiguration.txt of Fiji's stitching plugins:
 *
 *     dim = 2
 *     tile_01.jpg; ; (0.0, 0.0)
 *     tile_02.jpg; ; (2871.4, -3.25)
 */
#include "format.h"
#include "lines.h"
#include "listed.h"

#include <string.h>

#define REGISTERED ".registered.txt"

static bool is_registered(const char *name)
{
	return tf_has_suffix(name, REGISTERED);
}

static bool is_configuration(const char *name)
{
	return tf_has_suffix(name, ".txt") && !g_ascii_strncasecmp(name, "TileConfiguration", 17);
}

static bool fiji_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_registered, "Fiji files", path, error) &&
	       (*path || tf_folder_find_one(folder, is_configuration, "Fiji files", path, error));
}

/* The value of a `key = value` line, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	if (!g_str_has_prefix(line, key))
		return NULL;
	line += strlen(key);
	line += strspn(line, " \t");
	return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

static bool fiji_recognise(const char *name, const char *first_line, const char *head)
{
	return value_of(first_line, "dim") || is_registered(name) || is_configuration(name);
}

typedef struct {
	TfLines *lines;
	int dim; /* 0 until it was read */
	double z;
	bool have_z;
} Fiji;

static bool read_dim(Fiji *fiji, const char *value, GError **error)
{
	if (fiji->dim)
		return tf_lines_error(fiji->lines, error, "dim stands twice, expected it once");
	if (!strcmp(value, "2") || !strcmp(value, "3")) {
		fiji->dim = *value - '0';
		return true;
	}
	return tf_lines_error(fiji->lines, error, "dim = %s, expected dim = 2", value);
}

static bool read_point(Fiji *fiji, char *text, TfPlace *place, GError **error)
{
	const char *form = fiji->dim == 3 ? "(x, y, z)" : "(x, y)";
	size_t len = strlen(text);
	if (len < 2 || text[0] != '(' || text[len - 1] != ')')
		return tf_lines_error(fiji->lines, error, "'%s' is no position, expected %s", text, form);
	text[len - 1] = '\0';
	g_auto(GStrv) parts = g_strsplit(text + 1, ",", -1);
	int n = g_strv_length(parts);
	if (n != fiji->dim)
		return tf_lines_error(fiji->lines, error, "%d coordinate%s, expected %s because dim = %d", n,
				      n == 1 ? "" : "s", form, fiji->dim);
	double values[3] = {0};
	for (int i = 0; i < n; i++)
		if (!tf_parse_number(parts[i], &values[i]))
			return tf_lines_error(fiji->lines, error, "'%s' is no coordinate, expected a number",
					      g_strstrip(parts[i]));
	place->x = values[0];
	place->y = values[1];
	if (fiji->have_z && values[2] != fiji->z)
		return tf_lines_error(fiji->lines, error, "z = %g after z = %g, expected one plane",
				      values[2], fiji->z);
	fiji->z = values[2];
	fiji->have_z = true;
	return true;
}

static bool read_tile(Fiji *fiji, const char *line, TfListed *listed, GError **error)
{
	if (!fiji->dim)
		return tf_lines_error(fiji->lines, error,
				      "'%s' before the dimensions, expected dim = 2 first", line);
	g_auto(GStrv) fields = g_strsplit(line, ";", -1);
	guint n = g_strv_length(fields);
	if (n != 3)
		return tf_lines_error(fiji->lines, error,
				      "%u semicolon%s, expected exactly two: name.jpg; ; (x, y)", n - 1,
				      n == 2 ? "" : "s");
	const char *series = g_strstrip(fields[1]);
	if (*series && strcmp(series, "0"))
		return tf_lines_error(fiji->lines, error,
				      "series '%s', expected none: only files with one image are read",
				      series);
	TfPlace place = {.kind = TF_PLACE_POSITION, .line = fiji->lines->line};
	return read_point(fiji, g_strstrip(fields[2]), &place, error) &&
	       tf_listed_add(listed, g_strstrip(fields[0]), place, error);
}

static bool read_line(Fiji *fiji, const char *line, TfListed *listed, GError **error)
{
	const char *value = value_of(line, "dim");
	if (value)
		return read_dim(fiji, value, error);
	value = value_of(line, "multiseries");
	if (!value)
		return read_tile(fiji, line, listed, error);
	/* Each line then carries a series, and read_tile() takes only the first. */
	if (strcmp(value, "true") && strcmp(value, "false"))
		return tf_lines_error(fiji->lines, error, "multiseries = %s, expected true or false", value);
	return true;
}

/* What the summary says of the other one of X.txt and X.registered.txt. */
static char *twin_remark(const TfArrangement *arrangement, bool searched)
{
	const char *origin = arrangement->origin;
	size_t stem = strlen(origin) - strlen(is_registered(origin) ? REGISTERED : ".txt");
	g_autofree char *twin =
		g_strdup_printf("%.*s%s", (int)stem, origin, is_registered(origin) ? ".txt" : REGISTERED);
	if (is_registered(origin) != searched || !g_file_test(twin, G_FILE_TEST_IS_REGULAR))
		return g_strdup("");
	g_autofree char *name = g_path_get_basename(twin);
	return g_strdup_printf(searched ? ", preferred to %s" : ", not %s beside it", name);
}

static bool fiji_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		      GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(arrangement->origin, error);
	if (!lines)
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	Fiji fiji = {.lines = lines};
	for (char *line; (line = tf_lines_next(lines));)
		if (!read_line(&fiji, line, listed, error))
			return false;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	g_autofree char *remark = twin_remark(arrangement, folder != NULL);
	arrangement->summary = g_strdup_printf("Fiji %s: %s%s", name, tiles, remark);
	return true;
}

const TfArrangeFormat tf_format_fiji = {
	.name = "Fiji TileConfiguration",
	.takes_axes = true,
	.find = fiji_find,
	.recognise = fiji_recognise,
	.read = fiji_read,
};
