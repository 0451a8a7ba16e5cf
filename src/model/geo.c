/* SPDX-License-Identifier: MIT
 *
 * GeoTIFF without libgeotiff or PROJ.  A projected system of EPSG is its code.
 * Any other is told by its own text, as "ESRI PE String" in the citation of a
 * user-defined model: of all ways that were tried with GDAL 3.6 it is the one
 * that reads back exactly, where GDAL's own keys lose names and units.
 */
#include "geotags.h"

#include <string.h>
#include <tiffio.h>
#include <tiffuse/error.h>

enum {
	TAG_PIXEL_SCALE = 33550,
	TAG_TIEPOINT = 33922,
	TAG_TRANSFORMATION = 34264,
	TAG_KEYS = 34735,
	TAG_ASCII = 34737,

	KEY_MODEL = 1024,
	KEY_RASTER = 1025,
	KEY_GEOGRAPHIC = 2048,
	KEY_ANGULAR_UNITS = 2054,
	KEY_PROJECTED = 3072,
	KEY_PROJECTED_CITATION = 3073,

	MODEL_PROJECTED = 1,
	MODEL_GEOGRAPHIC = 2,
	RASTER_AREA = 1,
	DEGREE = 9102,
	USER_DEFINED = 32767,

	EPSG_WGS84 = 4326,
	MAX_WKT = 2300,
};

#define PE_STRING "ESRI PE String = "

void tf_geo_free(TfGeo *geo)
{
	if (!geo)
		return;
	g_free(geo->srs);
	g_free(geo);
}

void tf_geo_move(TfGeo *geo, double x, double y)
{
	double *t = geo->transform;
	t[0] += x * t[1] + y * t[2];
	t[3] += x * t[4] + y * t[5];
}

/* --- the coordinate system ------------------------------------------------------ */

static bool is_kind(const char *wkt, const char *const *kinds)
{
	size_t len = strcspn(wkt, "[(");
	g_autofree char *kind = g_ascii_strup(wkt, (gssize)len);
	return wkt[len] && g_strv_contains(kinds, kind);
}

static bool is_projected(const char *wkt)
{
	static const char *const kinds[] = {"PROJCS", "PROJCRS", "PROJECTEDCRS", NULL};
	return is_kind(wkt, kinds);
}

static bool is_geographic(const char *wkt)
{
	static const char *const kinds[] = {"GEOGCS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS", NULL};
	return is_kind(wkt, kinds);
}

static bool is_wkt(const char *wkt)
{
	static const char *const others[] = {"COMPD_CS", "COMPOUNDCRS", "LOCAL_CS", "ENGCRS",	  "ENGINEERINGCRS",
	                                     "BOUNDCRS", "GEOCCS",	"DERIVEDPROJCRS", NULL};
	return is_projected(wkt) || is_geographic(wkt) || is_kind(wkt, others);
}

/* The code in AUTHORITY["EPSG","n"] or ID["EPSG",n] of the outermost element,
 * which is its last one; 0 when there is none or the brackets do not match. */
static int epsg_code(const char *wkt)
{
	const char *last = NULL; /* where the last element at depth 1 begins */
	int depth = 0;
	bool quoted = false;
	for (const char *c = wkt; *c; c++) {
		if (*c == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (*c == '[' || *c == '(')
			depth++;
		else if (*c == ']' || *c == ')')
			depth--;
		else if (*c == ',' && depth == 1)
			last = c + 1;
	}
	if (!last || depth || quoted)
		return 0;
	bool old = g_ascii_strncasecmp(last, "AUTHORITY[\"EPSG\",\"", 18) == 0;
	if (!old && g_ascii_strncasecmp(last, "ID[\"EPSG\",", 10) != 0)
		return 0;
	gint64 code = g_ascii_strtoll(last + (old ? 18 : 10), NULL, 10);
	return code > 0 && code < USER_DEFINED ? (int)code : 0;
}

/* Without line ends and spaces between tokens: readers have small buffers. */
static char *compact(const char *wkt)
{
	GString *out = g_string_new(NULL);
	bool quoted = false;
	for (; *wkt; wkt++) {
		if (*wkt == '"')
			quoted = !quoted;
		if (quoted || !g_ascii_isspace(*wkt))
			g_string_append_c(out, *wkt);
	}
	return g_string_free(out, FALSE);
}

bool tf_geo_set_srs(TfGeo *geo, const char *wkt, GError **error)
{
	g_free(geo->srs);
	geo->srs = compact(wkt);
	if (!is_wkt(geo->srs)) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		            "the coordinate system '%.60s%s' is no WKT, expected PROJCS[...], GEOGCS[...] and their like "
		            "(gdal_translate -of VRT writes them)",
		            geo->srs, strlen(geo->srs) > 60 ? "..." : "");
		return false;
	}
	size_t size = strlen(geo->srs);
	if (size <= MAX_WKT || (is_projected(geo->srs) && epsg_code(geo->srs)))
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
	            "the coordinate system's text has %zu bytes, expected at most %d, which is what readers of TIFF take",
	            size, MAX_WKT);
	return false;
}

/* --- tags ------------------------------------------------------------------------ */

/* The directory of keys: id, 0 (a value) or the tag with the value, count, value. */
typedef struct {
	uint16_t numbers[4 * 8];
	int n;
	char *ascii; /* of the one key that has a text, or NULL */
} Keys;

static void add_key(Keys *keys, uint16_t key, uint16_t value)
{
	uint16_t entry[] = {key, 0, 1, value};
	memcpy(keys->numbers + 4 * ++keys->n, entry, sizeof entry);
}

static void add_text(Keys *keys, uint16_t key, const char *text)
{
	keys->ascii = g_strconcat(PE_STRING, text, "|", NULL);
	uint16_t entry[] = {key, TAG_ASCII, (uint16_t)strlen(keys->ascii), 0};
	memcpy(keys->numbers + 4 * ++keys->n, entry, sizeof entry);
}

/* In ascending order, as the standard wants them. */
static void make_keys(const char *srs, Keys *keys)
{
	int code = epsg_code(srs);
	bool projected = code && is_projected(srs), geographic = code && is_geographic(srs);
	bool plain = projected || (geographic && code == EPSG_WGS84);
	add_key(keys, KEY_MODEL, projected ? MODEL_PROJECTED : plain ? MODEL_GEOGRAPHIC : USER_DEFINED);
	add_key(keys, KEY_RASTER, RASTER_AREA);
	if (geographic) {
		add_key(keys, KEY_GEOGRAPHIC, (uint16_t)code);
		add_key(keys, KEY_ANGULAR_UNITS, DEGREE);
	}
	if (projected)
		add_key(keys, KEY_PROJECTED, (uint16_t)code);
	else if (!plain)
		add_text(keys, KEY_PROJECTED_CITATION, srs);
	uint16_t head[] = {1, 1, 0, (uint16_t)keys->n};
	memcpy(keys->numbers, head, sizeof head);
}

static bool set_transform(TIFF *tif, const double *t)
{
	double scale[] = {t[1], -t[5], 0}, tie[] = {0, 0, 0, t[0], t[3], 0};
	double matrix[] = {t[1], t[2], 0, t[0], t[4], t[5], 0, t[3], 0, 0, 0, 0, 0, 0, 0, 1};
	if (t[2] == 0 && t[4] == 0 && t[1] > 0 && t[5] < 0)
		return TIFFSetField(tif, TAG_PIXEL_SCALE, 3, scale) && TIFFSetField(tif, TAG_TIEPOINT, 6, tie);
	return TIFFSetField(tif, TAG_TRANSFORMATION, 16, matrix);
}

bool tf_geo_set_tags(TIFF *tif, const TfGeo *geo)
{
	static const TIFFFieldInfo fields[] = {
		{TAG_PIXEL_SCALE, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"ModelPixelScaleTag"},
		{TAG_TIEPOINT, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"ModelTiepointTag"},
		{TAG_TRANSFORMATION, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"ModelTransformationTag"},
		{TAG_KEYS, -1, -1, TIFF_SHORT, FIELD_CUSTOM, 1, 1, (char *)"GeoKeyDirectoryTag"},
		{TAG_ASCII, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0, (char *)"GeoAsciiParamsTag"},
	};
	Keys keys = {.n = 0};
	if (TIFFMergeFieldInfo(tif, fields, G_N_ELEMENTS(fields)) != 0 || !set_transform(tif, geo->transform))
		return false;
	if (!geo->srs)
		return true; /* keys of no model make GDAL complain; without any, pixels are areas */
	make_keys(geo->srs, &keys);
	g_autofree char *ascii = keys.ascii;
	return TIFFSetField(tif, TAG_KEYS, 4 * (keys.n + 1), keys.numbers) &&
	       (!ascii || TIFFSetField(tif, TAG_ASCII, ascii));
}

uint64_t tf_geo_header_bytes(const TfGeo *geo)
{
	enum { ENTRY_BYTES = 20, ENTRIES = 5, ARRAYS_BYTES = 16 * sizeof(double) + sizeof(Keys) };
	return ENTRIES * ENTRY_BYTES + ARRAYS_BYTES + (geo->srs ? strlen(geo->srs) + sizeof PE_STRING + 1 : 0);
}
