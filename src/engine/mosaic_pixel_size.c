/* SPDX-License-Identifier: MIT
 *
 * How large a pixel is: as the user says, as the arrangement says, or as all
 * sources say.  A wrong size is worse than none, since viewers measure with it.
 */
#include "mosaic_private.h"

#include <math.h>

enum { INCH_UM = 25400, COARSEST_UM = 1000 };

/* What cameras and programs write without knowing, dots per inch; to within
 * 2%, because JFIF tells 72 dpi as 28 dots per centimetre, too. */
static bool is_made_up(double um)
{
	static const double dpi[] = {72, 96, 150, 180, 240, 300, 350};
	for (gsize i = 0; i < G_N_ELEMENTS(dpi); i++)
		if (fabs(INCH_UM / um / dpi[i] - 1) < 0.02)
			return true;
	return false;
}

static bool agree(double a, double b)
{
	return fabs(a - b) <= 1e-4 * b;
}

/* As placed: turned sources have x and y exchanged. */
static void size_of_source(const TfSource *source, double *x, double *y)
{
	bool turned = source->orientation >= 5;
	*x = (double)(turned ? source->info.pixel_um_y : source->info.pixel_um_x);
	*y = (double)(turned ? source->info.pixel_um_x : source->info.pixel_um_y);
}

static bool sources_agree(const TfScene *scene, double *x, double *y)
{
	size_of_source(tf_scene_source(scene, 0), x, y);
	for (uint32_t i = 1; i < tf_scene_n_placed(scene); i++) {
		double other_x, other_y;
		size_of_source(tf_scene_source(scene, i), &other_x, &other_y);
		if (!agree(other_x, *x) || !agree(other_y, *y))
			return false;
	}
	return *x > 0 && *y > 0 && *x <= COARSEST_UM && *y <= COARSEST_UM && !is_made_up(*x) && !is_made_up(*y);
}

void tf_mosaic_choose_pixel_size(TfMosaic *mosaic, const TfMosaicOptions *options)
{
	const TfArrangement *arrangement = mosaic->arrangement;
	double x, y;
	if (options->pixel_um_x > 0) {
		mosaic->pixel_um_x = options->pixel_um_x;
		mosaic->pixel_um_y = options->pixel_um_y;
		mosaic->pixel_size_from = "mpp=";
	} else if (arrangement->pixel_um_x > 0 && arrangement->pixel_um_y > 0) {
		mosaic->pixel_um_x = arrangement->pixel_um_x;
		mosaic->pixel_um_y = arrangement->pixel_um_y;
		mosaic->pixel_size_from = arrangement->format;
	} else if (sources_agree(mosaic->scene, &x, &y)) {
		mosaic->pixel_um_x = x;
		mosaic->pixel_um_y = y;
		mosaic->pixel_size_from = "the resolution in the sources";
	}
}

char *tf_mosaic_pixel_size_text(const TfMosaic *mosaic)
{
	char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
	if (mosaic->pixel_um_x <= 0)
		return NULL;
	g_ascii_formatd(x, sizeof x, "%.7g", mosaic->pixel_um_x);
	g_ascii_formatd(y, sizeof y, "%.7g", mosaic->pixel_um_y);
	return g_strdup_printf("%s x %s um", x, y);
}
