/* SPDX-License-Identifier: MIT */
#include "colour.h"

#include <string.h>
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

static bool to_srgb_profile(VipsImage **image, bool deep)
{
	VipsImage *out = NULL;
	return step(image, vips_icc_transform(*image, &out, "srgb", "embedded", TRUE, "depth", deep ? 16 : 8, NULL), &out);
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
	uint8_t samples[TF_MAX_PIXEL_BYTES];
	uint16_t deep[3];
	double ink[3];
	tf_background_samples(space, background, samples);
	memcpy(deep, samples, sizeof deep);
	for (int i = 0; i < 3; i++)
		ink[i] = space.deep ? deep[i] : samples[i];
	int n = vips_image_get_bands(*image) > 2 ? 3 : 1;
	g_autoptr(VipsArrayDouble) array = vips_array_double_new(ink, n);
	VipsImage *out = NULL;
	return step(image, vips_flatten(*image, &out, "background", array, NULL), &out);
}

static bool to_format(VipsImage **image, VipsBandFormat format)
{
	if (vips_image_get_format(*image) == format)
		return true;
	VipsImage *out = NULL;
	return step(image, vips_cast(*image, &out, format, NULL), &out);
}

/* 255 becomes 65535: libvips would shift. */
static bool widen(VipsImage **image)
{
	bool grey = vips_image_get_interpretation(*image) == VIPS_INTERPRETATION_B_W;
	VipsImage *out = NULL, *copy = NULL;
	return step(image, vips_linear1(*image, &out, 257, 0, NULL), &out) && to_format(image, VIPS_FORMAT_USHORT) &&
	       step(image,
	            vips_copy(*image, &copy, "interpretation",
	                      grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16, NULL),
	            &copy);
}

static VipsInterpretation wanted_interpretation(TfSpace space)
{
	if (space.kind == TF_SPACE_GREY)
		return space.deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
	return space.deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
}

/* In the depth of the mosaic; an 8-bit source among deep ones gets its colours
 * as if it were alone, and is widened then. */
static bool to_space(VipsImage **image, TfSpace space)
{
	bool widens = space.deep && vips_image_get_format(*image) == VIPS_FORMAT_UCHAR;
	TfSpace shallow = space;
	shallow.deep = false;
	return to_interpretation(image, wanted_interpretation(widens ? shallow : space)) && (!widens || widen(image));
}

VipsImage *tf_colour_convert(VipsImage *in, TfSpace space, bool to_srgb, const uint8_t background[3],
                             const char *path, GError **error)
{
	g_object_ref(in);
	g_autoptr(VipsImage) image = in;
	int bands = space.kind == TF_SPACE_GREY ? 1 : 3;
	bool icc = to_srgb && vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0;
	if ((!icc || to_srgb_profile(&image, space.deep)) && to_space(&image, space) &&
	    flatten(&image, space, background) &&
	    to_format(&image, space.deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR) && vips_image_get_bands(image) == bands)
		return g_steal_pointer(&image);
	g_autofree char *prefix = g_strdup_printf("%s: its colours cannot be converted", path);
	tf_vips_fail(error, TF_ERROR_DAMAGED, prefix);
	return NULL;
}
