/* SPDX-License-Identifier: MIT
 *
 * XML files, element by element, through GLib's parser: it knows no document
 * types, expands no entities but the five of XML, opens no other file, and
 * tells the line where each tag ends.  libxml2 would add encodings besides UTF-8,
 * which none of the formats' writers use.
 */
#pragma once
#include "lines.h"

typedef struct _TfMarkup TfMarkup;

typedef struct {
	/* An element begins.  `attributes` is for tf_markup_get(). */
	bool (*begin)(TfMarkup *markup, const char *element, void *data, GError **error);
	/* It ended; text is what stood in it after its last child, without the
	 * spaces around it.  May be NULL. */
	bool (*end)(TfMarkup *markup, const char *element, const char *text, void *data, GError **error);
} TfMarkupHandlers;

/* Element names come without their namespace's prefix.  ARRANGEMENT, with the
 * line, for what is no XML; what a handler says; and as tf_lines_open(). */
bool tf_markup_parse(const char *path, const TfMarkupHandlers *handlers, void *data, GError **error);

/* The same for a text; `path` is for messages. */
bool tf_markup_parse_text(const char *path, const char *xml, const TfMarkupHandlers *handlers, void *data,
			  GError **error);

/* In `begin`: the attribute's value, or NULL. */
const char *tf_markup_get(const TfMarkup *markup, const char *attribute);

/* The same as a number, or as a whole number from min to max; an attribute
 * that is absent is an error. */
bool tf_markup_number(TfMarkup *markup, const char *attribute, double *value, GError **error);
bool tf_markup_whole(TfMarkup *markup, const char *attribute, int64_t min, int64_t max, int64_t *value,
		     GError **error);

/* The n-th element around the present one, 1 is its parent; "" above the root. */
const char *tf_markup_parent(const TfMarkup *markup, guint n);

int tf_markup_line(const TfMarkup *markup);

/* Sets ARRANGEMENT with "PATH:LINE: ..."; always false. */
gboolean tf_markup_error(const TfMarkup *markup, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Is `element` the root of the text, which may be cut? */
bool tf_markup_has_root(const char *head, const char *element);
