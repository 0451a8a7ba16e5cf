/* SPDX-License-Identifier: MIT */
#include <tiffuse/ome.h>

#include <string.h>

#define NAMESPACE "http://www.openmicroscopy.org/Schemas/OME/2016-06"

/* As the value of an attribute or as text, other than ASCII by number.  Control
 * characters, which XML 1.0 does not have, become '?'. */
static char *escape(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);
	for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
		gunichar letter = g_utf8_get_char(c);
		if (letter < 0x20 || letter == 0x7F)
			g_string_append_c(out, '?');
		else if (letter > 0x7F || strchr("<>&\"'", (int)letter))
			g_string_append_printf(out, "&#%u;", letter);
		else
			g_string_append_c(out, (char)letter);
	}
	return g_string_free(out, FALSE);
}

/* Micrometres are the schema's default unit. */
static void append_size(GString *out, const char *axis, double um)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	if (um > 0)
		g_string_append_printf(out, " PhysicalSize%s=\"%s\"", axis, g_ascii_formatd(number, sizeof number, "%.9g", um));
}

char *tf_ome_xml(const TfOmeImage *image)
{
	g_autofree char *creator = escape(image->creator), *name = escape(image->name);
	g_autofree char *description = escape(image->description);
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	g_string_append_printf(out,
	                       "<OME xmlns=\"" NAMESPACE "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
	                       "xsi:schemaLocation=\"" NAMESPACE " " NAMESPACE "/ome.xsd\" Creator=\"%s\">"
	                       "<Image ID=\"Image:0\" Name=\"%s\"><Description>%s</Description>",
	                       creator, name, description);
	g_string_append_printf(out,
	                       "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"%s\" Interleaved=\"%s\" "
	                       "BigEndian=\"false\" SizeX=\"%" G_GINT64_FORMAT "\" SizeY=\"%" G_GINT64_FORMAT
	                       "\" SizeC=\"%d\" SizeZ=\"1\" SizeT=\"1\"",
	                       image->deep ? "uint16" : "uint8", image->bands > 1 ? "true" : "false", image->width,
	                       image->height, image->bands);
	append_size(out, "X", image->pixel_um_x);
	append_size(out, "Y", image->pixel_um_y);
	g_string_append_printf(out,
	                       "><Channel ID=\"Channel:0:0\" SamplesPerPixel=\"%d\"/>"
	                       "<TiffData IFD=\"0\" FirstC=\"0\" FirstZ=\"0\" FirstT=\"0\" PlaneCount=\"1\"/></Pixels></Image></OME>",
	                       image->bands);
	return g_string_free(out, FALSE);
}
