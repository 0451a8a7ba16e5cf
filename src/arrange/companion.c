/* SPDX-License-Identifier: MIT
 *
 * OME-XML, as a companion file or in the ImageDescription of one TIFF of a set:
 * each Image is one file at the stage position of its plane.
 *
 *     <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
 *       <Image ID="Image:0"><Pixels SizeX="1024" SizeY="1024" PhysicalSizeX="0.5" PhysicalSizeXUnit="µm" ...>
 *         <TiffData IFD="0"><UUID FileName="a.ome.tif">urn:uuid:...</UUID></TiffData>
 *         <Plane TheC="0" TheZ="0" TheT="0" PositionX="1200.5" PositionXUnit="µm" PositionY="300"/>
 */
#include "format.h"
#include "listed.h"
#include "markup.h"
#include <tiffuse/tiffdesc.h>

#include <math.h>
#include <string.h>

#define REFERENCE_FRAME (-1.0)
#define SAME_SIZE 1e-6

/* One Image. */
typedef struct {
	char *file;
	int line;
	int64_t width, height;
	double x, y; /* px, or µm with pixel-size= */
	bool placed;
} OmeImage;

typedef struct {
	TfArrangement *arrangement;
	const TfArrangeOptions *options;
	TfListed *listed;
	OmeImage image;
	double pixel_x, pixel_y; /* µm of the present Image; 0: not told */
	double unit_x, unit_y;   /* in which PhysicalSize is told, µm */
} Ome;

static void ome_clear(Ome *ome)
{
	tf_listed_free(ome->listed);
	g_free(ome->image.file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ome, ome_clear)

static bool is_companion(const char *name)
{
	return tf_has_suffix(name, ".companion.ome");
}

static bool ome_find(const TfFolder *folder, char **path, GError **error)
{
	return tf_folder_find_one(folder, is_companion, "companion files", path, error);
}

bool tf_is_ome_tiff(const char *name)
{
	return tf_has_suffix(name, ".ome.tif") || tf_has_suffix(name, ".ome.tiff");
}

static bool ome_recognise(const char *name, const char *first_line, const char *head)
{
	return is_companion(name) || tf_markup_has_root(head, "OME");
}

/* An attribute's unit in µm, or REFERENCE_FRAME, or 0 for pixels; `usual` when
 * it is absent: without a unit, as before the schema of 2015, a position has
 * that of PhysicalSize. */
static bool read_unit(TfMarkup *markup, const char *attribute, double usual, double *um, GError **error)
{
	static const struct {
		const char *name;
		double um;
	} units[] = {{"\xc2\xb5m", 1}, {"\xce\xbcm", 1}, {"um", 1}, {"nm", 1e-3}, {"mm", 1e3}, {"cm", 1e4}, {"m", 1e6},
		     {"pixel", 0},     {"reference frame", REFERENCE_FRAME}};
	const char *text = tf_markup_get(markup, attribute);
	*um = usual;
	if (!text)
		return true;
	for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
		if (strcmp(text, units[i].name))
			continue;
		*um = units[i].um;
		return true;
	}
	return tf_markup_error(markup, error, "%s=\"%s\", expected \xc2\xb5m, nm, mm, cm, m or pixel", attribute, text);
}

static bool read_physical_size(TfMarkup *markup, const char *size, const char *unit_name, double *pixel, double *unit,
			       GError **error)
{
	*pixel = 0;
	*unit = 1;
	if (!tf_markup_get(markup, size))
		return true;
	if (!tf_markup_number(markup, size, pixel, error) || !read_unit(markup, unit_name, 1, unit, error))
		return false;
	if (*unit <= 0 || !(*pixel > 0))
		return tf_markup_error(markup, error, "%s=\"%s\", expected a length", size, tf_markup_get(markup, size));
	*pixel *= *unit;
	return true;
}

static bool expect_one(TfMarkup *markup, const char *attribute, GError **error)
{
	int64_t n;
	return !tf_markup_get(markup, attribute) || tf_markup_whole(markup, attribute, 1, 1, &n, error);
}

static bool begin_pixels(TfMarkup *markup, Ome *ome, GError **error)
{
	TfArrangement *arrangement = ome->arrangement;
	if (!tf_markup_whole(markup, "SizeX", 1, G_MAXINT32, &ome->image.width, error) ||
	    !tf_markup_whole(markup, "SizeY", 1, G_MAXINT32, &ome->image.height, error) ||
	    !expect_one(markup, "SizeZ", error) || !expect_one(markup, "SizeT", error) ||
	    !read_physical_size(markup, "PhysicalSizeX", "PhysicalSizeXUnit", &ome->pixel_x, &ome->unit_x, error) ||
	    !read_physical_size(markup, "PhysicalSizeY", "PhysicalSizeYUnit", &ome->pixel_y, &ome->unit_y, error))
		return false;
	bool first = !arrangement->places->len;
	if (first) {
		arrangement->pixel_um_x = ome->pixel_y ? ome->pixel_x : 0;
		arrangement->pixel_um_y = ome->pixel_x ? ome->pixel_y : 0;
	} else if (arrangement->pixel_um_x && (fabs(ome->pixel_x - arrangement->pixel_um_x) > SAME_SIZE * ome->pixel_x ||
					       fabs(ome->pixel_y - arrangement->pixel_um_y) > SAME_SIZE * ome->pixel_y)) {
		return tf_markup_error(markup, error, "pixels of %g x %g \xc2\xb5m, expected %g x %g as in the first image",
				       ome->pixel_x, ome->pixel_y, arrangement->pixel_um_x, arrangement->pixel_um_y);
	}
	return true;
}

/* A position in px, or in µm when pixel-size= will make px of it. */
static bool read_position(TfMarkup *markup, const Ome *ome, bool vertical, double *position, GError **error)
{
	const char *name = vertical ? "PositionY" : "PositionX", *unit_name = vertical ? "PositionYUnit" : "PositionXUnit";
	double pixel = vertical ? ome->pixel_y : ome->pixel_x, unit;
	if (!tf_markup_number(markup, name, position, error) ||
	    !read_unit(markup, unit_name, vertical ? ome->unit_y : ome->unit_x, &unit, error))
		return false;
	if (ome->options->pixel_size) {
		*position *= unit > 0 ? unit : 1;
		return true;
	}
	if (unit == REFERENCE_FRAME)
		return tf_markup_error(markup, error, "%s=\"reference frame\" says no length: give pixel-size=", unit_name);
	if (unit > 0 && !pixel)
		return tf_markup_error(markup, error, "%s in a length, but <Pixels> has no PhysicalSize: give pixel-size=",
				       name);
	*position = unit > 0 ? *position * unit / pixel : *position;
	return true;
}

static bool begin_plane(TfMarkup *markup, Ome *ome, GError **error)
{
	double x, y;
	if (!read_position(markup, ome, false, &x, error) || !read_position(markup, ome, true, &y, error))
		return false;
	if (ome->image.placed && (x != ome->image.x || y != ome->image.y))
		return tf_markup_error(markup, error, "a plane at another position, expected one position for an Image");
	ome->image.x = x;
	ome->image.y = y;
	ome->image.placed = true;
	return true;
}

static bool begin_data(TfMarkup *markup, GError **error)
{
	const char *ifd = tf_markup_get(markup, "IFD");
	return !ifd || !strcmp(ifd, "0") ||
	       tf_markup_error(markup, error, "IFD=\"%s\", expected 0: only a file's first image is read", ifd);
}

static bool begin_file(TfMarkup *markup, Ome *ome, GError **error)
{
	const char *name = tf_markup_get(markup, "FileName");
	if (!name || !*name)
		return tf_markup_error(markup, error, "<UUID> without FileName");
	if (ome->image.file && strcmp(ome->image.file, name))
		return tf_markup_error(markup, error, "a second file, %s, of one Image, expected one", name);
	g_free(ome->image.file);
	ome->image.file = g_strdup(name);
	ome->image.line = tf_markup_line(markup);
	return true;
}

static bool on_begin(TfMarkup *markup, const char *element, void *data, GError **error)
{
	Ome *ome = data;
	const char *parent = tf_markup_parent(markup, 1);
	if (!*parent && strcmp(element, "OME"))
		return tf_markup_error(markup, error, "<%s>, expected <OME>", element);
	if (!strcmp(element, "Image") && !strcmp(parent, "OME")) {
		g_free(ome->image.file);
		ome->image = (OmeImage){0};
	}
	if (!strcmp(element, "Pixels") && !strcmp(parent, "Image"))
		return begin_pixels(markup, ome, error);
	if (!strcmp(element, "Plane") && !strcmp(parent, "Pixels"))
		return begin_plane(markup, ome, error);
	if (!strcmp(element, "TiffData") && !strcmp(parent, "Pixels"))
		return begin_data(markup, error);
	if (!strcmp(element, "UUID") && !strcmp(parent, "TiffData"))
		return begin_file(markup, ome, error);
	return true;
}

static bool on_end(TfMarkup *markup, const char *element, const char *text, void *data, GError **error)
{
	Ome *ome = data;
	const OmeImage *image = &ome->image;
	if (strcmp(element, "Image") || strcmp(tf_markup_parent(markup, 1), "OME"))
		return true;
	if (!image->file)
		return tf_markup_error(markup, error, "an Image without a file, expected <TiffData><UUID FileName=...>");
	if (!image->placed)
		return tf_markup_error(markup, error,
				       "an Image without a position, expected <Plane PositionX=... PositionY=...>");
	TfPlace place = {.kind = TF_PLACE_POSITION,
			 .line = image->line,
			 .x = image->x,
			 .y = image->y,
			 .width = image->width,
			 .height = image->height};
	return tf_listed_add(ome->listed, image->file, place, error);
}

static bool parse(Ome *ome, GError **error)
{
	static const TfMarkupHandlers handlers = {.begin = on_begin, .end = on_end};
	const char *path = ome->arrangement->origin;
	if (!tf_is_ome_tiff(path))
		return tf_markup_parse(path, &handlers, ome, error);
	g_autofree char *xml = tf_tiff_description(path, error);
	return xml && tf_markup_parse_text(path, xml, &handlers, ome, error);
}

static bool ome_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		     GError **error)
{
	g_auto(Ome) ome = {.arrangement = arrangement,
			   .options = options,
			   .listed = tf_listed_new(arrangement, options)};
	if (!parse(&ome, error))
		return false;
	g_autofree char *tiles = tf_listed_finish(ome.listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	arrangement->summary =
		g_strdup_printf("OME-XML %s: %s, y taken as growing %s%s", name, tiles, options->flip_y ? "up" : "down",
				options->flip_y ? "" : " (flip-y says otherwise)");
	return true;
}

const TfArrangeFormat tf_format_ome = {
	.name = "OME-XML",
	.takes_axes = true,
	.find = ome_find,
	.recognise = ome_recognise,
	.read = ome_read,
};
