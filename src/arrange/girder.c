/* SPDX-License-Identifier: MIT
 *
 * The multi-source files of girder's large_image, YAML or JSON:
 *
 *     scale: {mm_x: 0.0005, mm_y: 0.0005}
 *     sources:
 *       - path: ./a.tif
 *         position: {x: 0, y: 0}
 *       - path: ./b.tif
 *         position: {x: 2000, y: 0, crop: {left: 10, top: 0, right: 2048, bottom: 2048}}
 */
#include "format.h"
#include "lines.h"
#include "listed.h"

#include <string.h>
#include <errno.h>
#include <yaml.h>

enum { MAX_BYTES = 64 << 20 };

typedef struct {
	const char *path;
	yaml_document_t *document;
	TfArrangement *arrangement;
	TfListed *listed;
	char *axes; /* z, t, c, xy of the first source */
} Girder;

static bool girder_recognise(const char *name, const char *first_line, const char *head)
{
	bool yaml = tf_has_suffix(name, ".yaml") || tf_has_suffix(name, ".yml");
	return yaml || (g_str_has_prefix(first_line, "---") && strstr(head, "\nsources:")) ||
	       g_str_has_prefix(first_line, "sources:");
}

static gboolean fail(const Girder *girder, const yaml_node_t *node, GError **error, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
static gboolean fail(const Girder *girder, const yaml_node_t *node, GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s:%zu: %s", girder->path,
		    node ? node->start_mark.line + 1 : 1, reason);
	return FALSE;
}

static yaml_node_t *node_at(const Girder *girder, int index)
{
	return yaml_document_get_node(girder->document, index);
}

static const char *scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* The value of a key, or NULL. */
static yaml_node_t *get(const Girder *girder, const yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const char *name = scalar(node_at(girder, pair->key));
		if (name && !strcmp(name, key))
			return node_at(girder, pair->value);
	}
	return NULL;
}

/* A key's number; what it was when there is none. */
static bool get_number(const Girder *girder, const yaml_node_t *map, const char *key, double *number, GError **error)
{
	const yaml_node_t *node = get(girder, map, key);
	if (!node || (scalar(node) && tf_parse_number(scalar(node), number)))
		return true;
	return fail(girder, node, error, "%s: '%s', expected a number", key, scalar(node) ? scalar(node) : "...");
}

/* Keys that would do more than to lay an image somewhere. */
static bool refuse_keys(const Girder *girder, const yaml_node_t *map, const char *const *keys, GError **error)
{
	for (; *keys; keys++) {
		const yaml_node_t *node = get(girder, map, *keys);
		if (node)
			return fail(girder, node, error, "%s is not supported, expected sources with path and position",
				    *keys);
	}
	return true;
}

static bool read_crop(const Girder *girder, const yaml_node_t *crop, TfPlace *place, GError **error)
{
	double v[4] = {-1, -1, -1, -1};
	static const char *const sides[] = {"left", "top", "right", "bottom"};
	for (int i = 0; i < 4; i++)
		if (!get_number(girder, crop, sides[i], &v[i], error))
			return false;
	for (int i = 0; i < 4; i++)
		if (v[i] < 0 || v[i] > G_MAXINT32 || v[i] != (double)(int64_t)v[i] || v[2] <= v[0] || v[3] <= v[1])
			return fail(girder, crop, error, "crop: expected left, top, right and bottom in whole pixels");
	place->part = (TfRect){(int64_t)v[0], (int64_t)v[1], (int64_t)v[2], (int64_t)v[3]};
	place->x -= v[0];
	place->y -= v[1];
	return true;
}

static bool read_position(const Girder *girder, const yaml_node_t *position, TfPlace *place, GError **error)
{
	static const char *const changes[] = {"s11", "s12", "s21", "s22", NULL};
	double scale = 1;
	if (!get_number(girder, position, "x", &place->x, error) || !get_number(girder, position, "y", &place->y, error) ||
	    !get_number(girder, position, "scale", &scale, error) || !refuse_keys(girder, position, changes, error))
		return false;
	if (scale != 1)
		return fail(girder, position, error, "scale: %g, expected 1: images are not scaled", scale);
	const yaml_node_t *crop = get(girder, position, "crop");
	return !crop || read_crop(girder, crop, place, error);
}

/* All sources must be of one frame. */
static bool check_axes(Girder *girder, const yaml_node_t *source, GError **error)
{
	static const char *const axes[] = {"z", "t", "c", "xy", NULL};
	g_autoptr(GString) text = g_string_new(NULL);
	for (const char *const *axis = axes; *axis; axis++) {
		const char *value = scalar(get(girder, source, *axis));
		g_string_append_printf(text, "%s%s=%s", text->len ? " " : "", *axis, value ? value : "0");
	}
	if (!girder->axes)
		girder->axes = g_strdup(text->str);
	return !strcmp(girder->axes, text->str) ||
	       fail(girder, source, error, "%s after %s, expected one frame", text->str, girder->axes);
}

static bool read_source(Girder *girder, const yaml_node_t *source, GError **error)
{
	static const char *const changes[] = {"pathPattern", "frame", "frames", "zSet", "zValues", "cValues", "tValues",
					      "xySet", "style", "channels", "axes", NULL};
	TfPlace place = {.kind = TF_PLACE_POSITION, .line = (int)(source->start_mark.line + 1)};
	const char *path = scalar(get(girder, source, "path"));
	const yaml_node_t *position = get(girder, source, "position");
	if (!path)
		return fail(girder, source, error, "a source without path, expected path: NAME");
	if (!refuse_keys(girder, source, changes, error) || !check_axes(girder, source, error) ||
	    (position && !read_position(girder, position, &place, error)))
		return false;
	return tf_listed_add(girder->listed, path, place, error);
}

static bool read_size(const Girder *girder, const yaml_node_t *top, GError **error)
{
	TfArrangement *arrangement = girder->arrangement;
	double width = 0, height = 0, mm_x = 0, mm_y = 0;
	const yaml_node_t *scale = get(girder, top, "scale");
	if (!get_number(girder, top, "width", &width, error) || !get_number(girder, top, "height", &height, error) ||
	    !get_number(girder, scale, "mm_x", &mm_x, error) || !get_number(girder, scale, "mm_y", &mm_y, error))
		return false;
	if (width < 0 || width > G_MAXINT32 || height < 0 || height > G_MAXINT32 || (width > 0) != (height > 0))
		return fail(girder, top, error, "width: %g, height: %g, expected both in pixels, or none", width, height);
	arrangement->width = (int64_t)width;
	arrangement->height = (int64_t)height;
	if (mm_x > 0 && mm_y > 0) {
		arrangement->pixel_um_x = mm_x * 1000;
		arrangement->pixel_um_y = mm_y * 1000;
	}
	return true;
}

static bool read_document(Girder *girder, GError **error)
{
	const yaml_node_t *top = yaml_document_get_root_node(girder->document);
	const yaml_node_t *sources = get(girder, top, "sources");
	if (!sources || sources->type != YAML_SEQUENCE_NODE)
		return fail(girder, sources ? sources : top, error, "no list of sources, expected sources: - path: ...");
	if (!read_size(girder, top, error))
		return false;
	for (yaml_node_item_t *item = sources->data.sequence.items.start; item < sources->data.sequence.items.top; item++)
		if (!read_source(girder, node_at(girder, *item), error))
			return false;
	return true;
}

static bool parse(Girder *girder, yaml_parser_t *parser, GError **error)
{
	yaml_document_t document;
	if (!yaml_parser_load(parser, &document)) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s:%zu: no YAML: %s", girder->path,
			    parser->problem_mark.line + 1, parser->problem ? parser->problem : "out of memory");
		return false;
	}
	girder->document = &document;
	bool good = read_document(girder, error);
	yaml_document_delete(&document);
	return good;
}

static bool parse_text(Girder *girder, const char *text, GError **error)
{
	yaml_parser_t parser;
	if (strlen(text) > MAX_BYTES) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: larger than %d MiB", girder->path, MAX_BYTES >> 20);
		return false;
	}
	if (!yaml_parser_initialize(&parser))
		return tf_error_set_errno(error, ENOMEM, "%s", girder->path);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	bool good = parse(girder, &parser, error);
	yaml_parser_delete(&parser);
	g_free(girder->axes);
	return good;
}

static bool girder_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
			GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(arrangement->origin, error);
	if (!lines)
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	Girder girder = {.path = arrangement->origin, .arrangement = arrangement, .listed = listed};
	if (!parse_text(&girder, lines->next, error))
		return false;
	return tf_listed_conclude(listed, "large_image", error);
}

const TfArrangeFormat tf_format_girder = {
	.name = "large_image YAML",
	.recognise = girder_recognise,
	.read = girder_read,
};
