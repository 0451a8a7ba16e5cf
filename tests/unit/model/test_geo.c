/* SPDX-License-Identifier: MIT
 *
 * Coordinate systems' texts, and what a crop makes of a transform; that GDAL
 * reads the tags back is in tests/mount/geo.sh.
 */
#include <tiffuse/error.h>
#include <tiffuse/geo.h>

#include <string.h>

static void test_move(void)
{
	TfGeo geo = {.transform = {100, 0.5, 0.25, 200, 0.125, -0.5}};
	tf_geo_move(&geo, 10, 20);
	g_assert_cmpfloat(geo.transform[0], ==, 100 + 5 + 5);
	g_assert_cmpfloat(geo.transform[3], ==, 200 + 1.25 - 10);
	g_assert_cmpfloat(geo.transform[1], ==, 0.5);
}

static void test_good(void)
{
	static const struct {
		const char *text, *kept;
	} texts[] = {
	        {"PROJCS[\"a b\", \n  UNIT[\"metre\",1]]", "PROJCS[\"a b\",UNIT[\"metre\",1]]"},
	        {"geogcs(\"x\")", "geogcs(\"x\")"},
	        {"  PROJCRS[\"x\",ID[\"EPSG\",25832]] ", "PROJCRS[\"x\",ID[\"EPSG\",25832]]"},
	        {"LOCAL_CS[\"a \"\" b\"]", "LOCAL_CS[\"a \"\" b\"]"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(TfGeo) geo = g_new0(TfGeo, 1);
		g_assert_true(tf_geo_set_srs(geo, texts[i].text, &error));
		g_assert_no_error(error);
		g_assert_cmpstr(geo->srs, ==, texts[i].kept);
	}
}

static void refuse(const char *text, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfGeo) geo = g_new0(TfGeo, 1);
	g_assert_false(tf_geo_set_srs(geo, text, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT);
	g_assert_nonnull(strstr(error->message, expected));
	g_assert_null(strchr(error->message, '\n'));
}

static void test_bad(void)
{
	refuse("EPSG:4326", "'EPSG:4326' is no WKT");
	refuse("", "'' is no WKT");
	refuse("PROJCS", "is no WKT");
	refuse("+proj=utm\n +zone=33", "is no WKT");
	g_autofree char *name = g_strnfill(2400, 'x');
	g_autofree char *own = g_strdup_printf("PROJCS[\"%s\",AUTHORITY[\"ESRI\",\"1\"]]", name);
	refuse(own, "bytes, expected at most 2300");
	/* one of EPSG's is told by its code */
	g_autofree char *known = g_strdup_printf("PROJCS[\"%s\",AUTHORITY[\"EPSG\",\"25832\"]]", name);
	g_autoptr(TfGeo) geo = g_new0(TfGeo, 1);
	g_assert_true(tf_geo_set_srs(geo, known, NULL));
	/* the code must be the outermost element's, and the brackets must close */
	g_autofree char *inner = g_strdup_printf("PROJCS[\"%s\",GEOGCS[AUTHORITY[\"EPSG\",\"4326\"]]]", name);
	refuse(inner, "expected at most 2300");
	g_autofree char *open = g_strdup_printf("PROJCS[\"%s\",AUTHORITY[\"EPSG\",\"25832\"]", name);
	refuse(open, "expected at most 2300");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/geo/move", test_move);
	g_test_add_func("/geo/good", test_good);
	g_test_add_func("/geo/bad", test_bad);
	return g_test_run();
}
