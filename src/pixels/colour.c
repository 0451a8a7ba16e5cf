/* SPDX-License-Identifier: MIT */
#include "colour.h"

#include <tiffuse/canvas.h>

/* Each step replaces *image by what the operation gave, or fails.  The result
 * comes by address: as a value it would be read before the operation ran. */
static bool step(VipsImage **image, int failed, VipsImage **out)
{
	g_autoptr(VipsImage) result = g_steal_pointer(out);
	if (failed)
		return false;
	g_object_unref(*image);
	*image = g_steal_pointer(&result);
	return true;
}

static bool to_srgb_profile(VipsImage **image)
{
	VipsImage *out = NULL;
	return step(image, vips_icc_transform(*image, &out, "srgb", "embedded", TRUE, NULL), &out);
}

static bool to_interpretation(VipsImage **image, VipsInterpretation wanted)
{
	if (vips_image_get_interpretation(*image) == wanted)
		return true;
	VipsImage *out = NULL;
	return step(image, vips_colourspace(*image, &out, wanted, NULL), &out);
}

/* Over what surrounds the sources, too. */
static bool flatten(VipsImage **image, TfSpace space, const uint8_t background[3])
{
	if (!vips_image_hasalpha(*image))
		return true;
	uint8_t samples[3];
	tf_background_samples(space, background, samples);
	double ink[3] = {samples[0], samples[1], samples[2]};
	int n = vips_image_get_bands(*image) > 2 ? 3 : 1;
	g_autoptr(VipsArrayDouble) array = vips_array_double_new(ink, n);
	VipsImage *out = NULL;
	return step(image, vips_flatten(*image, &out, "background", array, NULL), &out);
}

static bool to_bytes(VipsImage **image)
{
	if (vips_image_get_format(*image) == VIPS_FORMAT_UCHAR)
		return true;
	VipsImage *out = NULL;
	return step(image, vips_cast(*image, &out, VIPS_FORMAT_UCHAR, NULL), &out);
}

VipsImage *tf_colour_convert(VipsImage *in, TfSpace space, bool to_srgb, const uint8_t background[3],
                             const char *path, GError **error)
{
	g_object_ref(in);
	g_autoptr(VipsImage) image = in;
	int bands = space.kind == TF_SPACE_GREY ? 1 : 3;
	VipsInterpretation wanted = bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
	bool icc = to_srgb && vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0;
	if ((!icc || to_srgb_profile(&image)) && to_interpretation(&image, wanted) &&
	    flatten(&image, space, background) && to_bytes(&image) && vips_image_get_bands(image) == bands)
		return g_steal_pointer(&image);
	g_autofree char *prefix = g_strdup_printf("%s: its colours cannot be converted", path);
	tf_vips_fail(error, TF_ERROR_DAMAGED, prefix);
	return NULL;
}
