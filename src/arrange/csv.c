/* SPDX-License-Identifier: MIT
 *
 * file,x,y[,width,height], with or without a header row, separated by
 * commas, semicolons or tabs, quoted as in RFC 4180.
 */
#include "format.h"
#include "lines.h"
#include "listed.h"

#include <math.h>
#include <string.h>

#define FORM "file,x,y or file,x,y,width,height"

enum { FILE_NAME, X, Y, WIDTH, HEIGHT, N_ROLES };

static const char *const role_names[N_ROLES][6] = {
	[FILE_NAME] = {"file", "filename", "name", "path", "tile"},
	[X] = {"x", "left", "pos_x"},
	[Y] = {"y", "top", "pos_y"},
	[WIDTH] = {"width", "w"},
	[HEIGHT] = {"height", "h"},
};

/* Splits in place: fields point into the line.  NULL or what is wrong. */
static const char *split(char *line, char separator, GPtrArray *fields)
{
	g_ptr_array_set_size(fields, 0);
	for (char *in = line;;) {
		while (*in == ' ' || (*in == '\t' && separator != '\t'))
			in++;
		char *field = in, *out = in;
		if (*in == '"') {
			for (in++; *in && (*in != '"' || in[1] == '"'); *out++ = *in++)
				in += *in == '"';
			if (!*in)
				return "a quote is not closed on its line";
			in++;
			while (*in == ' ')
				in++;
			if (*in && *in != separator)
				return "text after a closing quote, expected a separator";
		} else {
			while (*in && *in != separator)
				in++;
			for (out = in; out > field && (out[-1] == ' ' || out[-1] == '\t');)
				out--;
		}
		bool last = !*in;
		*out = '\0';
		g_ptr_array_add(fields, field);
		if (last)
			return NULL;
		in++;
	}
}

/* The separator that makes a row of at least three fields; a comma when none
 * does, so that the message shows the usual form. */
static char guess_separator(const char *line)
{
	g_autoptr(GPtrArray) fields = g_ptr_array_new();
	for (const char *separator = "\t;,"; *separator; separator++) {
		g_autofree char *copy = g_strdup(line);
		if (!split(copy, *separator, fields) && fields->len >= 3)
			return *separator;
	}
	return ',';
}

static int role_of(const char *field)
{
	for (int role = 0; role < N_ROLES; role++)
		for (const char *const *name = role_names[role]; *name; name++)
			if (!g_ascii_strcasecmp(field, *name))
				return role;
	return -1;
}

typedef struct {
	TfLines *lines;
	char separator; /* 0 until the first row */
	guint n_columns;
	int at[N_ROLES];   /* a role's column, or -1 */
	GPtrArray *fields; /* of the current row */
	GString *unused;   /* header names that mean nothing here */
} Csv;

static bool is_header(const GPtrArray *fields)
{
	bool has_x = false, has_y = false;
	for (guint i = 0; i < fields->len; i++) {
		has_x |= role_of(fields->pdata[i]) == X;
		has_y |= role_of(fields->pdata[i]) == Y;
	}
	return has_x && has_y;
}

static bool read_header(Csv *csv, GError **error)
{
	for (guint i = 0; i < csv->fields->len; i++) {
		const char *name = csv->fields->pdata[i];
		int role = role_of(name);
		if (role < 0) {
			g_string_append_printf(csv->unused, "%s%s", csv->unused->len ? ", " : "", name);
			continue;
		}
		if (csv->at[role] >= 0)
			return tf_lines_error(
				csv->lines, error, "two columns for %s, '%s' and '%s', expected one",
				role_names[role][0], (char *)csv->fields->pdata[csv->at[role]], name);
		csv->at[role] = i;
	}
	if (csv->at[FILE_NAME] < 0)
		return tf_lines_error(csv->lines, error,
				      "no column for the file's name, expected file, x and y");
	return true;
}

/* From the first row: separator, columns and whether it is a header. */
static bool begin(Csv *csv, char *line, bool *header, GError **error)
{
	csv->separator = guess_separator(line);
	const char *wrong = split(line, csv->separator, csv->fields);
	if (wrong)
		return tf_lines_error(csv->lines, error, "%s", wrong);
	csv->n_columns = csv->fields->len;
	*header = is_header(csv->fields);
	if (*header)
		return read_header(csv, error);
	if (csv->n_columns != 3 && csv->n_columns != 5)
		return tf_lines_error(csv->lines, error, "%u field%s, expected " FORM, csv->n_columns,
				      csv->n_columns == 1 ? "" : "s");
	for (int role = 0; role < (int)csv->n_columns; role++)
		csv->at[role] = role;
	return true;
}

static bool read_coordinate(Csv *csv, int role, double *value, GError **error)
{
	const char *field = csv->fields->pdata[csv->at[role]];
	if (tf_parse_number(field, value))
		return true;
	return tf_lines_error(csv->lines, error, "'%s' is no %s, expected a number such as 12 or 12.5", field,
			      role_names[role][0]);
}

static bool read_size(Csv *csv, int role, int64_t *size, GError **error)
{
	if (csv->at[role] < 0)
		return true;
	const char *field = csv->fields->pdata[csv->at[role]];
	double value;
	if (!tf_parse_number(field, &value) || value < 1 || value > G_MAXINT32 || value != floor(value))
		return tf_lines_error(csv->lines, error, "'%s' is no %s, expected a whole number of pixels",
				      field, role_names[role][0]);
	*size = value;
	return true;
}

static bool read_row(Csv *csv, TfListed *listed, GError **error)
{
	if (csv->fields->len != csv->n_columns)
		return tf_lines_error(csv->lines, error, "%u field%s, expected %u as in the first row",
				      csv->fields->len, csv->fields->len == 1 ? "" : "s", csv->n_columns);
	TfPlace place = {.kind = TF_PLACE_POSITION, .line = csv->lines->line};
	return read_coordinate(csv, X, &place.x, error) && read_coordinate(csv, Y, &place.y, error) &&
	       read_size(csv, WIDTH, &place.width, error) && read_size(csv, HEIGHT, &place.height, error) &&
	       tf_listed_add(listed, csv->fields->pdata[csv->at[FILE_NAME]], place, error);
}

static bool read_rows(Csv *csv, TfListed *listed, GError **error)
{
	for (char *line; (line = tf_lines_next(csv->lines));) {
		bool header = false;
		if (!csv->separator) {
			if (!begin(csv, line, &header, error))
				return false;
		} else {
			const char *wrong = split(line, csv->separator, csv->fields);
			if (wrong)
				return tf_lines_error(csv->lines, error, "%s", wrong);
		}
		if (!header && !read_row(csv, listed, error))
			return false;
	}
	return true;
}

static bool csv_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		     GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(arrangement->origin, error);
	if (!lines)
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	g_autoptr(GPtrArray) fields = g_ptr_array_new();
	g_autoptr(GString) unused = g_string_new(NULL);
	Csv csv = {.lines = lines, .fields = fields, .unused = unused, .at = {-1, -1, -1, -1, -1}};
	if (!read_rows(&csv, listed, error))
		return false;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	arrangement->summary = g_strdup_printf("%s %s: %s%s%s", csv.separator == '\t' ? "TSV" : "CSV", name,
					       tiles, unused->len ? ", columns not used: " : "", unused->str);
	return true;
}

static bool is_list(const char *name)
{
	static const char *const names[] = {"tiles.csv", "sources.csv", "tiles.tsv", "sources.tsv", NULL};
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return g_strv_contains(names, lower);
}

static bool csv_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_list, "lists of tiles", path, error);
}

static bool csv_recognise(const char *name, const char *first_line, const char *head)
{
	const char *dot = strrchr(name, '.');
	if (dot && (!g_ascii_strcasecmp(dot, ".csv") || !g_ascii_strcasecmp(dot, ".tsv")))
		return true;
	g_autoptr(GPtrArray) fields = g_ptr_array_new();
	g_autofree char *line = g_strdup(first_line);
	double number;
	if (split(line, guess_separator(first_line), fields) || fields->len < 3)
		return false;
	return is_header(fields) ||
	       (tf_parse_number(fields->pdata[1], &number) && tf_parse_number(fields->pdata[2], &number));
}

const TfArrangeFormat tf_format_csv = {
	.name = "CSV",
	.takes_axes = true,
	.find = csv_find,
	.recognise = csv_recognise,
	.read = csv_read,
};
