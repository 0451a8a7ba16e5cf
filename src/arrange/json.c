/* SPDX-License-Identifier: MIT */
#include "json.h"
#include "lines.h"

#include <string.h>

enum { MAX_BYTES = 64 << 20, MAX_DEPTH = 64 };

/* json-glib goes down by recursion; a file of brackets must not end the stack. */
static bool is_deep(const char *text)
{
	int depth = 0;
	bool quoted = false;
	for (; *text && depth <= MAX_DEPTH; text++) {
		if (quoted && *text == '\\' && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '[' || *text == '{'))
			depth++;
		else if (!quoted && (*text == ']' || *text == '}'))
			depth--;
	}
	return depth > MAX_DEPTH;
}

static bool parse(JsonParser *parser, const char *path, const char *text, GError **error)
{
	g_autoptr(GError) theirs = NULL;
	size_t size = strlen(text);
	if (size > MAX_BYTES) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: larger than %d MiB", path, MAX_BYTES >> 20);
		return false;
	}
	if (is_deep(text)) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: nests deeper than %d", path, MAX_DEPTH);
		return false;
	}
	if (json_parser_load_from_data(parser, text, (gssize)size, &theirs))
		return true;
	/* "<data>:3:7: Parse error: ..." */
	const char *reason = g_str_has_prefix(theirs->message, "<data>:") ? theirs->message + 7 : theirs->message;
	guint64 line = g_ascii_strtoull(reason, NULL, 10);
	const char *why = strstr(reason, ": ");
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s:%" G_GUINT64_FORMAT ": no JSON: %s", path,
		    MAX(line, 1), why ? why + 2 : reason);
	return false;
}

JsonParser *tf_json_read(const char *path, JsonObject **top, GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(path, error);
	if (!lines)
		return NULL;
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	if (!parse(parser, path, lines->next, error))
		return NULL;
	JsonNode *root = json_parser_get_root(parser);
	if (root && JSON_NODE_HOLDS_OBJECT(root)) {
		*top = json_node_get_object(root);
		return g_steal_pointer(&parser);
	}
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: expected an object, {...}, at the top", path);
	return NULL;
}

gboolean tf_json_error(TfJsonPlace place, const char *name, GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: %s%s%s: %s", place.file, place.at, *place.at ? "." : "",
		    name, reason);
	return FALSE;
}

static JsonNode *member(JsonObject *object, const char *name, JsonNodeType kind)
{
	JsonNode *node = json_object_get_member(object, name);
	return node && JSON_NODE_TYPE(node) == kind ? node : NULL;
}

bool tf_json_object(JsonObject *object, const char *name, TfJsonPlace place, JsonObject **value, GError **error)
{
	JsonNode *node = member(object, name, JSON_NODE_OBJECT);
	if (!node)
		return tf_json_error(place, name, error, "expected an object, {...}");
	*value = json_node_get_object(node);
	return true;
}

bool tf_json_array(JsonObject *object, const char *name, TfJsonPlace place, JsonArray **value, GError **error)
{
	JsonNode *node = member(object, name, JSON_NODE_ARRAY);
	if (!node)
		return tf_json_error(place, name, error, "expected an array, [...]");
	*value = json_node_get_array(node);
	return true;
}

bool tf_json_number(JsonObject *object, const char *name, TfJsonPlace place, double *value, GError **error)
{
	JsonNode *node = member(object, name, JSON_NODE_VALUE);
	GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;
	if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
		return tf_json_error(place, name, error, "expected a number");
	*value = json_node_get_double(node);
	return true;
}

bool tf_json_whole(JsonObject *object, const char *name, TfJsonPlace place, int64_t min, int64_t max,
		   int64_t *value, GError **error)
{
	double number;
	if (!tf_json_number(object, name, place, &number, error))
		return false;
	if (!(number >= (double)min && number <= (double)max) || number != (double)(int64_t)number)
		return tf_json_error(place, name, error,
				     "expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min, max);
	*value = (int64_t)number;
	return true;
}

const char *tf_json_string(JsonObject *object, const char *name)
{
	JsonNode *node = member(object, name, JSON_NODE_VALUE);
	return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}
