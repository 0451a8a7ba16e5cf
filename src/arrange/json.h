/* SPDX-License-Identifier: MIT
 *
 * JSON files through json-glib.  It keeps no line numbers of values, so that
 * messages name a value by its path, e.g. regions[12].region.x.
 */
#pragma once
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <tiffuse/error.h>

/* The object at the top of the file.  ARRANGEMENT, with the line, for what is
 * no JSON, nests deeper than 64, or has another thing at its top; TOO_LARGE
 * above 64 MiB; as tf_lines_open(). */
JsonParser *tf_json_read(const char *path, JsonObject **top, GError **error);

/* What is said of a value's place: the file's path and the value's in it. */
typedef struct {
	const char *file, *at;
} TfJsonPlace;

/* Members that must be there: ARRANGEMENT when they are not, or of another
 * kind, or outside the range. */
bool tf_json_object(JsonObject *object, const char *name, TfJsonPlace place, JsonObject **value, GError **error);
bool tf_json_array(JsonObject *object, const char *name, TfJsonPlace place, JsonArray **value, GError **error);
bool tf_json_number(JsonObject *object, const char *name, TfJsonPlace place, double *value, GError **error);
bool tf_json_whole(JsonObject *object, const char *name, TfJsonPlace place, int64_t min, int64_t max,
		   int64_t *value, GError **error);

/* A member that is a string, or NULL. */
const char *tf_json_string(JsonObject *object, const char *name);

/* Sets ARRANGEMENT with "FILE: AT.NAME: ..."; always false. */
gboolean tf_json_error(TfJsonPlace place, const char *name, GError **error, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
