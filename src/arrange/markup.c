/* SPDX-License-Identifier: MIT */
#include "markup.h"

#include <string.h>

enum { MAX_DEPTH = 64, MAX_TEXT = 1 << 20 };

struct _TfMarkup {
	const char *path;
	GMarkupParseContext *context;
	const TfMarkupHandlers *handlers;
	void *data;
	const char **names, **values; /* of the attributes, during begin */
	GString *text;
};

static const char *local_name(const char *element)
{
	const char *colon = strrchr(element, ':');
	return colon ? colon + 1 : element;
}

int tf_markup_line(const TfMarkup *markup)
{
	int line, column;
	g_markup_parse_context_get_position(markup->context, &line, &column);
	/* The parser stands behind the tag, and counts a line's end to the next line. */
	return column == 1 && line > 1 ? line - 1 : line;
}

gboolean tf_markup_error(const TfMarkup *markup, GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s:%d: %s", markup->path, tf_markup_line(markup),
		    reason);
	return FALSE;
}

const char *tf_markup_get(const TfMarkup *markup, const char *attribute)
{
	for (int i = 0; markup->names[i]; i++)
		if (!strcmp(markup->names[i], attribute))
			return markup->values[i];
	return NULL;
}

bool tf_markup_number(TfMarkup *markup, const char *attribute, double *value, GError **error)
{
	const char *text = tf_markup_get(markup, attribute);
	if (text && tf_parse_number(text, value))
		return true;
	const char *element = g_markup_parse_context_get_element(markup->context);
	if (!text)
		return tf_markup_error(markup, error, "<%s> without %s, expected a number", element, attribute);
	return tf_markup_error(markup, error, "%s=\"%s\", expected a number", attribute, text);
}

bool tf_markup_whole(TfMarkup *markup, const char *attribute, int64_t min, int64_t max, int64_t *value,
		     GError **error)
{
	double number;
	if (!tf_markup_number(markup, attribute, &number, error))
		return false;
	if (number >= min && number <= max && number == (int64_t)number) {
		*value = (int64_t)number;
		return true;
	}
	return tf_markup_error(markup, error,
			       "%s=\"%s\", expected a whole number from %" G_GINT64_FORMAT
			       " to %" G_GINT64_FORMAT,
			       attribute, tf_markup_get(markup, attribute), min, max);
}

const char *tf_markup_parent(const TfMarkup *markup, guint n)
{
	const GSList *stack = g_markup_parse_context_get_element_stack(markup->context);
	const char *name = g_slist_nth_data((GSList *)stack, n);
	return name ? local_name(name) : "";
}

static void on_begin(GMarkupParseContext *context, const char *element, const char **names,
		     const char **values, gpointer data, GError **error)
{
	TfMarkup *markup = data;
	if (g_slist_length((GSList *)g_markup_parse_context_get_element_stack(context)) > MAX_DEPTH) {
		tf_markup_error(markup, error, "elements nest deeper than %d", MAX_DEPTH);
		return;
	}
	markup->names = names;
	markup->values = values;
	g_string_truncate(markup->text, 0);
	markup->handlers->begin(markup, local_name(element), markup->data, error);
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
	TfMarkup *markup = data;
	if (markup->handlers->end) {
		char *text = g_strstrip(markup->text->str);
		markup->handlers->end(markup, local_name(element), text, markup->data, error);
	}
	g_string_truncate(markup->text, 0);
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer data,
		    GError **error)
{
	TfMarkup *markup = data;
	if (markup->text->len + length > MAX_TEXT)
		tf_markup_error(markup, error, "a text of more than %d bytes", MAX_TEXT);
	else
		g_string_append_len(markup->text, text, (gssize)length);
}

/* GLib's messages begin with "Error on line N char M: " or with "Error on
 * line N: "; the line goes where it stands in ours. */
static void translate(const TfMarkup *markup, GError *theirs, GError **error)
{
	if (theirs->domain == TF_ERROR) {
		g_propagate_error(error, theirs);
		return;
	}
	const char *reason = strstr(theirs->message, ": ");
	bool has_prefix = g_str_has_prefix(theirs->message, "Error on line ") && reason;
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s:%d: no XML: %s", markup->path,
		    tf_markup_line(markup), has_prefix ? reason + 2 : theirs->message);
	g_error_free(theirs);
}

bool tf_markup_parse(const char *path, const TfMarkupHandlers *handlers, void *data, GError **error)
{
	g_autoptr(TfLines) lines = tf_lines_open(path, error);
	return lines && tf_markup_parse_text(path, lines->next, handlers, data, error);
}

bool tf_markup_parse_text(const char *path, const char *xml, const TfMarkupHandlers *handlers, void *data,
			  GError **error)
{
	static const GMarkupParser parser = {.start_element = on_begin, .end_element = on_end, .text = on_text};
	g_autoptr(GString) text = g_string_new(NULL);
	TfMarkup markup = {.path = path, .handlers = handlers, .data = data, .text = text};
	g_autoptr(GMarkupParseContext) context =
		g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &markup, NULL);
	markup.context = context;
	GError *theirs = NULL;
	if (g_markup_parse_context_parse(context, xml, -1, &theirs) &&
	    g_markup_parse_context_end_parse(context, &theirs))
		return true;
	translate(&markup, theirs, error);
	return false;
}

bool tf_markup_has_root(const char *head, const char *element)
{
	size_t len = strlen(element);
	for (const char *at = strchr(head, '<'); at; at = strchr(at + 1, '<')) {
		if (g_str_has_prefix(at, "<!--")) {
			const char *end = strstr(at, "-->");
			if (!end)
				return false;
			at = end;
			continue;
		}
		if (at[1] == '?' || at[1] == '!')
			continue;
		size_t name = strcspn(at + 1, " \t\r\n/>");
		g_autofree char *root = g_strndup(at + 1, name);
		return strlen(local_name(root)) == len && !strcmp(local_name(root), element);
	}
	return false;
}
