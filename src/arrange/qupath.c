/* SPDX-License-Identifier: MIT
 *
 * The JSON of QuPath's sparse image server:
 *
 *     {"builderType": "sparse",
 *      "regions": [{"region": {"x": 0, "y": 0, "width": 1024, "height": 1024, "z": 0, "t": 0},
 *                   "resolutions": [{"serverBuilder": {"builderType": "uri", "uri": "file:/data/a.tif"},
 *                                    "downsample": 1.0}]}]}
 */
#include "format.h"
#include "json.h"
#include "listed.h"

#include <string.h>

typedef struct {
	TfArrangement *arrangement;
	TfListed *listed;
	int64_t z, t; /* of the first region */
	bool first;
} QuPath;

static bool qupath_recognise(const char *name, const char *first_line, const char *head)
{
	return *first_line == '{' && strstr(head, "\"builderType\"") && strstr(head, "\"sparse\"");
}

/* Java writes file:/a where others have file:///a. */
static char *name_of(const char *uri)
{
	g_autofree char *end = g_strndup(uri, strcspn(uri, "?#"));
	const char *name = end;
	if (g_str_has_prefix(name, "file:"))
		name += strlen("file:");
	while (g_str_has_prefix(name, "//"))
		name++;
	return g_uri_unescape_string(name, NULL);
}

/* The one of full size. */
static const char *find_uri(JsonArray *resolutions)
{
	for (guint i = 0; i < json_array_get_length(resolutions); i++) {
		JsonNode *node = json_array_get_element(resolutions, i);
		if (!JSON_NODE_HOLDS_OBJECT(node))
			continue;
		JsonObject *resolution = json_node_get_object(node);
		JsonNode *builder = json_object_get_member(resolution, "serverBuilder");
		double downsample = json_object_get_double_member_with_default(resolution, "downsample", 0);
		if (downsample == 1 && builder && JSON_NODE_HOLDS_OBJECT(builder) &&
		    !g_strcmp0(tf_json_string(json_node_get_object(builder), "builderType"), "uri"))
			return tf_json_string(json_node_get_object(builder), "uri");
	}
	return NULL;
}

static bool read_box(QuPath *qupath, JsonObject *object, const char *at, TfPlace *place, GError **error)
{
	JsonObject *box;
	TfJsonPlace outer = {qupath->arrangement->origin, at};
	g_autofree char *inside = g_strconcat(at, ".region", NULL);
	TfJsonPlace inner = {qupath->arrangement->origin, inside};
	int64_t z = 0, t = 0;
	if (!tf_json_object(object, "region", outer, &box, error) ||
	    !tf_json_number(box, "x", inner, &place->x, error) || !tf_json_number(box, "y", inner, &place->y, error) ||
	    !tf_json_whole(box, "width", inner, 1, G_MAXINT32, &place->width, error) ||
	    !tf_json_whole(box, "height", inner, 1, G_MAXINT32, &place->height, error) ||
	    (json_object_has_member(box, "z") && !tf_json_whole(box, "z", inner, 0, G_MAXINT32, &z, error)) ||
	    (json_object_has_member(box, "t") && !tf_json_whole(box, "t", inner, 0, G_MAXINT32, &t, error)))
		return false;
	if (!qupath->first && (z != qupath->z || t != qupath->t))
		return tf_json_error(outer, "region", error, "another z or t than the first, expected one plane");
	qupath->z = z;
	qupath->t = t;
	qupath->first = false;
	return true;
}

static bool read_region(QuPath *qupath, JsonNode *node, guint i, GError **error)
{
	JsonArray *resolutions;
	TfPlace place = {.kind = TF_PLACE_POSITION};
	g_autofree char *at = g_strdup_printf("regions[%u]", i);
	TfJsonPlace here = {qupath->arrangement->origin, at};
	if (!JSON_NODE_HOLDS_OBJECT(node))
		return tf_json_error((TfJsonPlace){here.file, ""}, at, error, "expected an object, {...}");
	if (!read_box(qupath, json_node_get_object(node), at, &place, error) ||
	    !tf_json_array(json_node_get_object(node), "resolutions", here, &resolutions, error))
		return false;
	const char *uri = find_uri(resolutions);
	g_autofree char *name = uri ? name_of(uri) : NULL;
	if (!name)
		return tf_json_error(here, "resolutions", error,
				     "expected one with downsample 1 and a serverBuilder of type uri");
	return tf_listed_add(qupath->listed, name, place, error);
}

/* metadata.pixelCalibration.pixelWidth = {"value": 0.25, "unit": "µm"} */
static double pixel_um(JsonObject *top, const char *name)
{
	static const char *const path[] = {"metadata", "pixelCalibration", NULL};
	JsonObject *object = top;
	for (int i = 0; i < 3; i++) {
		JsonNode *node = json_object_get_member(object, path[i] ? path[i] : name);
		if (!node || !JSON_NODE_HOLDS_OBJECT(node))
			return 0;
		object = json_node_get_object(node);
	}
	const char *unit = tf_json_string(object, "unit");
	if (!unit || (strcmp(unit, "\xc2\xb5m") && strcmp(unit, "\xce\xbcm") && strcmp(unit, "um")))
		return 0;
	return MAX(json_object_get_double_member_with_default(object, "value", 0), 0);
}

static bool qupath_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
			GError **error)
{
	JsonObject *top;
	JsonArray *regions;
	g_autoptr(JsonParser) parser = tf_json_read(arrangement->origin, &top, error);
	if (!parser || !tf_json_array(top, "regions", (TfJsonPlace){arrangement->origin, ""}, &regions, error))
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	QuPath qupath = {.arrangement = arrangement, .listed = listed, .first = true};
	for (guint i = 0; i < json_array_get_length(regions); i++)
		if (!read_region(&qupath, json_array_get_element(regions, i), i, error))
			return false;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	arrangement->pixel_um_x = pixel_um(top, "pixelWidth");
	arrangement->pixel_um_y = pixel_um(top, "pixelHeight");
	if (!arrangement->pixel_um_x || !arrangement->pixel_um_y)
		arrangement->pixel_um_x = arrangement->pixel_um_y = 0;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	arrangement->summary = g_strdup_printf("QuPath %s: %s", name, tiles);
	return true;
}

const TfArrangeFormat tf_format_qupath = {
	.name = "QuPath sparse server",
	.recognise = qupath_recognise,
	.read = qupath_read,
};
