/* SPDX-License-Identifier: MIT
 *
 * GDAL's virtual datasets, as gdalbuildvrt writes them: a mosaic of the
 * sources of band 1 without any change to their pixels.
 *
 *     <VRTDataset rasterXSize="6400" rasterYSize="2200">
 *       <SRS>PROJCS["WGS 84 / UTM zone 33N",...]</SRS>
 *       <GeoTransform>500000, 0.5, 0, 4649776, 0, -0.5</GeoTransform>
 *       <VRTRasterBand dataType="Byte" band="1">
 *         <SimpleSource>
 *           <SourceFilename relativeToVRT="1">a.jpg</SourceFilename>
 *           <SourceBand>1</SourceBand>
 *           <SrcRect xOff="0" yOff="0" xSize="3200" ySize="2200"/>
 *           <DstRect xOff="0" yOff="0" xSize="3200" ySize="2200"/>
 */
#include "format.h"
#include "listed.h"
#include "markup.h"

#include <math.h>
#include <string.h>

#define SAME_SIZE_PX 0.001 /* the sizes of a source and of its place are told with rounding */

typedef struct {
	double x, y, width, height;
	bool given;
} Window;

typedef struct {
	TfArrangement *arrangement;
	TfListed *listed;
	TfGeo *geo;     /* without a transform as yet */
	bool placed;    /* it has one */
	bool in_band;   /* band 1 of the dataset, not that of a mask or overview */
	bool in_source; /* a source of it */
	bool relative;  /* the file's name is to the VRT */
	bool nodata;
	char *file;
	int line;
	Window from, to;
} Vrt;

static void vrt_clear(Vrt *vrt)
{
	tf_listed_free(vrt->listed);
	tf_geo_free(vrt->geo);
	g_free(vrt->file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Vrt, vrt_clear)

static bool is_vrt(const char *name)
{
	return tf_has_suffix(name, ".vrt");
}

static bool vrt_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_vrt, ".vrt files", path, error);
}

static bool vrt_recognise(const char *name, const char *first_line, const char *head)
{
	return is_vrt(name) || tf_markup_has_root(head, "VRTDataset");
}

static bool begin_dataset(TfMarkup *markup, const char *element, Vrt *vrt, GError **error)
{
	if (strcmp(element, "VRTDataset"))
		return tf_markup_error(markup, error, "<%s>, expected <VRTDataset>", element);
	const char *kind = tf_markup_get(markup, "subClass");
	if (kind)
		return tf_markup_error(markup, error, "a %s, expected a plain mosaic as gdalbuildvrt makes it", kind);
	return tf_markup_whole(markup, "rasterXSize", 1, G_MAXINT32, &vrt->arrangement->width, error) &&
	       tf_markup_whole(markup, "rasterYSize", 1, G_MAXINT32, &vrt->arrangement->height, error);
}

static bool begin_band(TfMarkup *markup, Vrt *vrt, GError **error)
{
	const char *band = tf_markup_get(markup, "band"), *kind = tf_markup_get(markup, "subClass");
	if (kind && strcmp(kind, "VRTSourcedRasterBand"))
		return tf_markup_error(markup, error, "a %s, expected a band of simple sources", kind);
	vrt->in_band = !band || !strcmp(band, "1");
	return true;
}

static bool begin_source(TfMarkup *markup, const char *element, Vrt *vrt, GError **error)
{
	if (!g_str_has_suffix(element, "Source"))
		return true; /* NoDataValue, ColorInterp, Metadata ... */
	if (strcmp(element, "SimpleSource") && strcmp(element, "ComplexSource"))
		return tf_markup_error(markup, error, "<%s>, expected <SimpleSource> or <ComplexSource>", element);
	g_clear_pointer(&vrt->file, g_free);
	vrt->from = vrt->to = (Window){0};
	vrt->in_source = true;
	return true;
}

static bool read_window(TfMarkup *markup, Window *window, GError **error)
{
	window->given = true;
	return tf_markup_number(markup, "xOff", &window->x, error) &&
	       tf_markup_number(markup, "yOff", &window->y, error) &&
	       tf_markup_number(markup, "xSize", &window->width, error) &&
	       tf_markup_number(markup, "ySize", &window->height, error);
}

static bool begin_detail(TfMarkup *markup, const char *element, Vrt *vrt, GError **error)
{
	static const char *const changes[] = {"ScaleOffset", "ScaleRatio", "SrcMin", "SrcMax",		    "DstMin",
					      "DstMax",	     "Exponent",   "LUT",    "ColorTableComponent", NULL};
	if (!strcmp(element, "SrcRect"))
		return read_window(markup, &vrt->from, error);
	if (!strcmp(element, "DstRect"))
		return read_window(markup, &vrt->to, error);
	if (g_strv_contains(changes, element))
		return tf_markup_error(markup, error, "<%s> changes the pixels, expected sources as they are", element);
	if (!strcmp(element, "SourceFilename"))
		vrt->relative = !g_strcmp0(tf_markup_get(markup, "relativeToVRT"), "1");
	vrt->nodata |= !strcmp(element, "NODATA") || !strcmp(element, "UseMaskBand");
	return true;
}

static bool on_begin(TfMarkup *markup, const char *element, void *data, GError **error)
{
	Vrt *vrt = data;
	const char *parent = tf_markup_parent(markup, 1);
	if (!*parent)
		return begin_dataset(markup, element, vrt, error);
	if (!strcmp(element, "VRTRasterBand") && !strcmp(parent, "VRTDataset"))
		return begin_band(markup, vrt, error);
	if (vrt->in_source && g_str_has_suffix(parent, "Source"))
		return begin_detail(markup, element, vrt, error);
	if (vrt->in_band && !strcmp(parent, "VRTRasterBand") && !strcmp(tf_markup_parent(markup, 2), "VRTDataset"))
		return begin_source(markup, element, vrt, error);
	return true;
}

static bool is_whole(double value)
{
	return value >= 0 && value <= G_MAXINT32 && value == floor(value);
}

static bool add_source(TfMarkup *markup, Vrt *vrt, GError **error)
{
	const Window *from = &vrt->from, *to = &vrt->to;
	TfPlace place = {.kind = TF_PLACE_POSITION, .line = vrt->line};
	if (!vrt->file)
		return tf_markup_error(markup, error, "a source without <SourceFilename>");
	if (from->given && !(is_whole(from->x) && is_whole(from->y) && is_whole(from->width) && is_whole(from->height)))
		return tf_markup_error(markup, error, "<SrcRect> of %s, expected whole pixels", vrt->file);
	if (from->given != to->given)
		return tf_markup_error(markup, error, "%s has <%sRect> alone, expected <SrcRect> and <DstRect>",
				       vrt->file, from->given ? "Src" : "Dst");
	if (fabs(from->width - to->width) > SAME_SIZE_PX || fabs(from->height - to->height) > SAME_SIZE_PX)
		return tf_markup_error(markup, error, "%s is scaled from %g x %g to %g x %g px, expected equal sizes",
				       vrt->file, from->width, from->height, to->width, to->height);
	if (from->given)
		place.part = (TfRect){(int64_t)from->x, (int64_t)from->y, (int64_t)(from->x + from->width),
				      (int64_t)(from->y + from->height)};
	place.x = to->x - from->x;
	place.y = to->y - from->y;
	/* As GDAL reads it, relativeToVRT="0" is relative to where the program runs. */
	g_autofree char *name =
		vrt->relative ? g_strdup(vrt->file) : g_canonicalize_filename(vrt->file, NULL);
	return tf_listed_add(vrt->listed, name, place, error);
}

static bool end_detail(TfMarkup *markup, const char *element, const char *text, Vrt *vrt, GError **error)
{
	if (!strcmp(element, "SourceFilename")) {
		g_free(vrt->file);
		vrt->file = g_strdup(text);
		vrt->line = tf_markup_line(markup);
		if (!*text)
			return tf_markup_error(markup, error, "an empty <SourceFilename>");
	} else if (!strcmp(element, "SourceBand") && strcmp(text, "1")) {
		return tf_markup_error(markup, error, "<SourceBand>%s</SourceBand> in band 1, expected 1", text);
	}
	return true;
}

static bool read_transform(TfMarkup *markup, const char *text, Vrt *vrt, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	double *t = vrt->geo->transform;
	bool good = g_strv_length(parts) == 6;
	for (int i = 0; good && i < 6; i++)
		good = tf_parse_number(parts[i], &t[i]);
	if (!good || t[1] * t[5] == t[2] * t[4])
		return tf_markup_error(markup, error, "<GeoTransform>%s, expected six numbers", text);
	vrt->placed = true;
	return true;
}

static bool read_srs(TfMarkup *markup, const char *text, Vrt *vrt, GError **error)
{
	g_autoptr(GError) reason = NULL;
	if (!*text || tf_geo_set_srs(vrt->geo, text, &reason))
		return true;
	return tf_markup_error(markup, error, "%s", reason->message);
}

static bool on_end(TfMarkup *markup, const char *element, const char *text, void *data, GError **error)
{
	Vrt *vrt = data;
	const char *parent = tf_markup_parent(markup, 1);
	if (!strcmp(parent, "VRTDataset")) {
		vrt->in_band &= strcmp(element, "VRTRasterBand") != 0;
		if (!strcmp(element, "GeoTransform"))
			return read_transform(markup, text, vrt, error);
		return strcmp(element, "SRS") || read_srs(markup, text, vrt, error);
	}
	if (!vrt->in_source)
		return true;
	if (g_str_has_suffix(parent, "Source"))
		return end_detail(markup, element, text, vrt, error);
	if (!g_str_has_suffix(element, "Source"))
		return true;
	vrt->in_source = false;
	return add_source(markup, vrt, error);
}

static bool vrt_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		     GError **error)
{
	static const TfMarkupHandlers handlers = {.begin = on_begin, .end = on_end};
	g_auto(Vrt) vrt = {.arrangement = arrangement,
			   .listed = tf_listed_new(arrangement, options),
			   .geo = g_new0(TfGeo, 1)};
	if (!tf_markup_parse(arrangement->origin, &handlers, &vrt, error))
		return false;
	g_autofree char *tiles = tf_listed_finish(vrt.listed, error);
	if (!tiles)
		return false;
	if (vrt.placed)
		arrangement->geo = g_steal_pointer(&vrt.geo);
	arrangement->ignore_orientation = true;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	const char *where = !vrt.placed			   ? ""
			    : arrangement->geo->srs	   ? ", with a place on earth"
							   : ", with a place on earth but no coordinate system";
	arrangement->summary = g_strdup_printf("GDAL VRT %s: %s%s%s", name, tiles, where,
					       vrt.nodata ? ", NODATA and masks are not applied" : "");
	return true;
}

const TfArrangeFormat tf_format_vrt = {
	.name = "GDAL VRT",
	.find = vrt_find,
	.recognise = vrt_recognise,
	.read = vrt_read,
};
