/* SPDX-License-Identifier: MIT
 *
 * Hugin's projects, where the images are only moved:
 *
 *     i w3264 h2448 f0 v50 r0 p0 y0 TrX0.3 TrY-0.1 TrZ0 a0 b0 c0 d12 e-7 g0 t0 n"name.jpg"
 *
 * An image's centre lies at TrX, TrY times the focal length in pixels, less
 * the shift d, e of the lens; "v=0" is the value of image 0.
 */
#include "format.h"
#include "lines.h"
#include "listed.h"

#include <math.h>
#include <string.h>

#define SAME_SCALE 1e-6

enum { WIDTH, HEIGHT, PROJECTION, FIELD, TR_X, TR_Y, SHIFT_X, SHIFT_Y, N_NEEDED };

/* The first ones mean something, all others must be zero. */
static const char *const keys[] = {"w", "h", "f", "v", "TrX", "TrY", "d", "e", "r", "p", "y",
				   "TrZ", "a", "b", "c", "g", "t", "Tpy", "Tpp"};
enum { N_KEYS = G_N_ELEMENTS(keys) };

typedef struct {
	double value[N_KEYS];
} Image;

static bool is_project(const char *name)
{
	return tf_has_suffix(name, ".pto");
}

static bool hugin_recognise(const char *name, const char *first_line, const char *head)
{
	return is_project(name) || (g_str_has_prefix(first_line, "p f") && strstr(head, "\ni w"));
}

/* The key that the token begins with; the letters up to the number count, so
 * that "Tpy0" is not "T". */
static int find_key(const char *token, size_t *length)
{
	*length = strcspn(token, "0123456789+-.=\"");
	for (int i = 0; i < N_KEYS; i++)
		if (strlen(keys[i]) == *length && !strncmp(token, keys[i], *length))
			return i;
	return -1;
}

static bool read_value(const TfLines *lines, const char *token, const char *text, int key, const GArray *images,
		       double *value, GError **error)
{
	guint64 other;
	if (*text == '=' && images->len && g_ascii_string_to_unsigned(text + 1, 10, 0, images->len - 1, &other, NULL))
		*value = g_array_index(images, Image, other).value[key];
	else if (!tf_parse_number(text, value))
		return tf_lines_error(lines, error, "'%s', expected a number or =N of an image before", token);
	return true;
}

static bool read_values(const TfLines *lines, const char *line, const GArray *images, Image *image, GError **error)
{
	g_auto(GStrv) tokens = g_strsplit(line, " ", -1);
	for (char **token = tokens; *token; token++) {
		size_t length;
		int key = find_key(*token, &length);
		if (**token == 'S')
			return tf_lines_error(lines, error, "'%s', expected images that are not cropped", *token);
		if (key >= 0 &&
		    !read_value(lines, *token, *token + length, key, images, &image->value[key], error))
			return false;
	}
	return true;
}

static bool check_values(const TfLines *lines, const Image *image, const Image *first, GError **error)
{
	const double *v = image->value;
	for (int i = N_NEEDED; i < N_KEYS; i++)
		if (v[i] != 0)
			return tf_lines_error(lines, error, "%s%g, expected %s0: only translations are read", keys[i],
					      v[i], keys[i]);
	if (v[PROJECTION] != 0)
		return tf_lines_error(lines, error, "projection f%g, expected f0, rectilinear", v[PROJECTION]);
	if (!(v[WIDTH] >= 1) || !(v[HEIGHT] >= 1) || v[WIDTH] > G_MAXINT32 || v[HEIGHT] > G_MAXINT32 ||
	    v[WIDTH] != floor(v[WIDTH]) || v[HEIGHT] != floor(v[HEIGHT]))
		return tf_lines_error(lines, error, "w%g h%g, expected the image's size in pixels", v[WIDTH], v[HEIGHT]);
	if (!(v[FIELD] > 0) || v[FIELD] >= 180)
		return tf_lines_error(lines, error, "field of view v%g, expected above 0 and below 180", v[FIELD]);
	double ours = tan(v[FIELD] * G_PI / 360) / v[WIDTH];
	double theirs = tan(first->value[FIELD] * G_PI / 360) / first->value[WIDTH];
	if (fabs(ours - theirs) > SAME_SCALE * theirs)
		return tf_lines_error(lines, error, "w%g v%g, expected the scale of the first image, w%g v%g", v[WIDTH],
				      v[FIELD], first->value[WIDTH], first->value[FIELD]);
	return true;
}

static bool read_image(const TfLines *lines, char *line, GArray *images, TfListed *listed, GError **error)
{
	Image image = {.value = {0}};
	char *name = strstr(line, " n\""), *end = name ? strrchr(name + 3, '"') : NULL;
	if (!name || end == NULL || end == name + 2)
		return tf_lines_error(lines, error, "an image without n\"NAME\"");
	*end = *name = '\0';
	if (!read_values(lines, line + 1, images, &image, error))
		return false;
	g_array_append_val(images, image);
	const double *v = image.value;
	if (!check_values(lines, &image, &g_array_index(images, Image, 0), error))
		return false;
	double focal = v[WIDTH] / 2 / tan(v[FIELD] * G_PI / 360);
	TfPlace place = {.kind = TF_PLACE_POSITION,
			 .line = lines->line,
			 .x = v[TR_X] * focal - v[SHIFT_X] - v[WIDTH] / 2,
			 .y = v[TR_Y] * focal - v[SHIFT_Y] - v[HEIGHT] / 2,
			 .width = (int64_t)v[WIDTH],
			 .height = (int64_t)v[HEIGHT]};
	return tf_listed_add(listed, name + 3, place, error);
}

static bool hugin_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		       GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(arrangement->origin, error);
	if (!lines)
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	g_autoptr(GArray) images = g_array_new(FALSE, FALSE, sizeof(Image));
	for (char *line; (line = tf_lines_next(lines));)
		if (g_str_has_prefix(line, "i ") && !read_image(lines, line, images, listed, error))
			return false;
	return tf_listed_conclude(listed, "Hugin", error);
}

const TfArrangeFormat tf_format_hugin = {
	.name = "Hugin project",
	.recognise = hugin_recognise,
	.read = hugin_read,
};
