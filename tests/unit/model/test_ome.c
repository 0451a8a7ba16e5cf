/* SPDX-License-Identifier: MIT
 *
 * GLib's parser takes the XML apart; the values are those that went in.
 */
#include <tiffuse/ome.h>

#include <string.h>

/* "element attribute=value ..." lines, and text as "=text". */
static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                     gpointer out, GError **error)
{
	g_string_append(out, element);
	for (int i = 0; names[i]; i++)
		if (!strchr(names[i], ':') && strcmp(names[i], "xmlns") != 0)
			g_string_append_printf(out, " %s=%s", names[i], values[i]);
	g_string_append(out, "\n");
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer out, GError **error)
{
	if (length > 0)
		g_string_append_printf(out, "=%s\n", text);
}

static char *parsed(const TfOmeImage *image)
{
	static const GMarkupParser parser = {.start_element = on_start, .text = on_text};
	g_autoptr(GError) error = NULL;
	g_autofree char *xml = tf_ome_xml(image);
	GString *out = g_string_new(NULL);
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, out, NULL);
	for (const char *c = xml; *c; c++)
		g_assert_true((guchar)*c < 0x80);
	g_assert_true(g_markup_parse_context_parse(context, xml, -1, &error) &&
	              g_markup_parse_context_end_parse(context, &error));
	g_assert_no_error(error);
	return g_string_free(out, FALSE);
}

static void test_rgb(void)
{
	TfOmeImage image = {"tiffuse 9", "plain", "words", 95000, 80000, 3, false, 0.2527, 0.25};
	g_autofree char *got = parsed(&image);
	g_assert_cmpstr(got, ==,
	                "OME Creator=tiffuse 9\nImage ID=Image:0 Name=plain\nDescription\n=words\n"
	                "Pixels ID=Pixels:0 DimensionOrder=XYCZT Type=uint8 Interleaved=true BigEndian=false SizeX=95000 "
	                "SizeY=80000 SizeC=3 SizeZ=1 SizeT=1 PhysicalSizeX=0.2527 PhysicalSizeY=0.25\n"
	                "Channel ID=Channel:0:0 SamplesPerPixel=3\n"
	                "TiffData IFD=0 FirstC=0 FirstZ=0 FirstT=0 PlaneCount=1\n");
}

static void test_deep_grey(void)
{
	TfOmeImage image = {"tiffuse 9", "a", "b", 7, 5, 1, true, 0, 0};
	g_autofree char *got = parsed(&image);
	g_assert_nonnull(strstr(got, " Type=uint16 Interleaved=false "));
	g_assert_nonnull(strstr(got, " SizeC=1 "));
	g_assert_nonnull(strstr(got, "SamplesPerPixel=1\n"));
	g_assert_null(strstr(got, "Physical"));
}

/* Names of folders are any bytes. */
static void test_escapes(void)
{
	TfOmeImage image = {"tiffuse 9", "<\"M&ü's\" \xF0\x9F\x94\xAC>", "a\x01\n\xFF", 7, 5, 1, false, 0, 0};
	g_autofree char *got = parsed(&image);
	g_assert_nonnull(strstr(got, " Name=<\"M&ü's\" \xF0\x9F\x94\xAC>\n"));
	g_assert_nonnull(strstr(got, "=a??\xEF\xBF\xBD\n"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ome/rgb", test_rgb);
	g_test_add_func("/ome/deep-grey", test_deep_grey);
	g_test_add_func("/ome/escapes", test_escapes);
	return g_test_run();
}
