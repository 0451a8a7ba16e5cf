/* SPDX-License-Identifier: MIT */
#include "engine_private.h"
#include "mosaic_private.h"

#include <string.h>
#include <tiffuse/text.h>

const char *tf_compression_name(TfCompression compression)
{
	static const char *const names[] = {[TF_COMPRESSION_NONE] = "none",
	                                    [TF_COMPRESSION_JPEG] = "jpeg",
	                                    [TF_COMPRESSION_DEFLATE] = "deflate",
	                                    [TF_COMPRESSION_LZW] = "lzw",
	                                    [TF_COMPRESSION_ZSTD] = "zstd"};
	return names[compression];
}

const char *tf_blend_name(TfBlend blend)
{
	static const char *const names[] = {
	        [TF_BLEND_LAST] = "last", [TF_BLEND_FIRST] = "first", [TF_BLEND_FEATHER] = "feather"};
	return names[blend];
}

const char *tf_mosaic_space_name(const TfMosaic *mosaic)
{
	TfSpace space = mosaic->encoder.space;
	if (space.kind == TF_SPACE_GREY)
		return space.deep ? "grey16" : "grey";
	if (space.kind == TF_SPACE_RGB)
		return space.deep ? "rgb16" : "rgb";
	return space.vsamp == 2 ? "ycbcr-420" : space.hsamp == 2 ? "ycbcr-422" : "ycbcr-444";
}

/* Bytes of a JPEG at a quality, in parts of those at quality 80: measured with
 * sections and photographs at 4:2:0, linear between. */
static double bytes_at_quality(int quality)
{
	static const struct {
		int quality;
		double factor;
	} points[] = {{1, 0.15}, {30, 0.42}, {50, 0.6}, {75, 0.92}, {85, 1.17}, {90, 1.45}, {95, 2.1}, {98, 3}, {100, 4.5}};
	gsize i = 1;
	while (i + 1 < G_N_ELEMENTS(points) && quality > points[i].quality)
		i++;
	double part = (double)(quality - points[i - 1].quality) / (points[i].quality - points[i - 1].quality);
	return points[i - 1].factor + part * (points[i].factor - points[i - 1].factor);
}

uint64_t tf_mosaic_estimate_bytes(const TfMosaic *mosaic)
{
	const TfEncoder *encoder = &mosaic->encoder;
	uint64_t slots = mosaic->layout.n_slots - mosaic->blank_slots - mosaic->passed_slots;
	uint64_t known = tf_header_size(mosaic->header) + mosaic->passed_bytes;
	uint64_t full = slots * encoder->slot_bytes + known;
	uint64_t estimate = full;
	if (encoder->compression == TF_COMPRESSION_JPEG) {
		/* As many bits per pixel as the sources have, taken for quality 80. */
		double bytes_per_px = CLAMP((double)mosaic->source_bytes / (double)MAX(mosaic->source_px, 1), 0.02, 0.5);
		bool grey = encoder->space.kind == TF_SPACE_GREY;
		double sampling = grey || encoder->vsamp == 2 ? 1 : encoder->hsamp == 2 ? 1.12 : 1.25;
		double tile = bytes_per_px * bytes_at_quality(encoder->quality) * sampling * encoder->tile * encoder->tile;
		estimate = (uint64_t)((tile * 0.9 + 700) * (double)slots) + known;
	} else if (encoder->compression != TF_COMPRESSION_NONE) {
		estimate = full / 10 * 6; /* natural images, without loss */
	}
	return CLAMP(MIN(estimate, full), 1, mosaic->layout.file_bytes - 8192);
}

static void append_csv_field(GString *out, const char *text)
{
	g_autofree char *printable = tf_text_printable(text);
	if (!strpbrk(printable, "\",")) {
		g_string_append(out, printable);
		return;
	}
	g_string_append_c(out, '"');
	for (const char *c = printable; *c; c++)
		g_string_append_printf(out, *c == '"' ? "\"\"" : "%c", *c);
	g_string_append_c(out, '"');
}

char *tf_mosaic_csv(const TfMosaic *mosaic)
{
	GString *out = g_string_new("file,x,y,width,height\n");
	for (uint32_t i = 0; i < tf_scene_n_placed(mosaic->scene); i++) {
		const TfSource *s = tf_scene_source(mosaic->scene, i);
		append_csv_field(out, s->path);
		g_string_append_printf(out, ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%d,%d\n", s->x, s->y, s->width,
		                       s->height);
	}
	return g_string_free(out, FALSE);
}

const char *tf_layout_order_name(TfLayoutOrder order)
{
	return order == TF_ORDER_LEVELS ? "cog" : "blocks";
}

static void describe_output(GString *out, const TfMosaic *mosaic)
{
	const TfEncoder *e = &mosaic->encoder;
	g_autofree char *file = g_strconcat(mosaic->name, ".tif", NULL);
	tf_status_add_text(out, "file", file);
	g_string_append_printf(out, "size: %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px, %d levels, tiles of %d px\n",
	                       mosaic->pyramid.level[0].width, mosaic->pyramid.level[0].height, mosaic->pyramid.n_levels,
	                       e->tile);
	g_string_append_printf(out, "compression: %s", tf_compression_name(e->compression));
	if (e->compression == TF_COMPRESSION_JPEG)
		g_string_append_printf(out, ", quality %d, %s", e->quality,
		                       e->vsamp == 2   ? "4:2:0"
		                       : e->hsamp == 2 ? "4:2:2"
		                                       : "4:4:4 or grey");
	g_string_append_printf(out, " (pixels are composed as %s)\n", tf_mosaic_space_name(mosaic));
	if (tf_scene_blend(mosaic->scene) != TF_BLEND_LAST)
		g_string_append_printf(out, "blend: %s\n", tf_blend_name(tf_scene_blend(mosaic->scene)));
	if (mosaic->flat)
		g_string_append_printf(out, "light: divided by %s\n", tf_flat_path(mosaic->flat));
	if (mosaic->layout.pass_ordinal > 0)
		g_string_append(out, "layout: cog, the smallest level first: who reads the file from its start decodes every source "
		                     "twice, once for the reduced levels, which are kept (cache-size=), once for level 0\n");
	g_autofree char *apparent = g_format_size_full(mosaic->layout.file_bytes, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *real = g_format_size_full(tf_mosaic_estimate_bytes(mosaic), G_FORMAT_SIZE_IEC_UNITS);
	g_string_append_printf(out, "bytes: %s apparent, about %s on disk in a sparse copy (cp keeps it sparse; "
	                            "rsync needs -S, tar needs -S)\n",
	                       apparent, real);
}

char *tf_mosaic_describe(const TfMosaic *mosaic)
{
	GString *out = g_string_new(NULL);
	tf_status_add_text(out, "found", mosaic->arrangement->summary);
	g_string_append_printf(out, "sources: %u, %.1f megapixels\n", tf_scene_n_placed(mosaic->scene),
	                       (double)mosaic->source_px / 1e6);
	tf_mosaic_describe_survey(out, mosaic);
	g_autofree char *pixel = tf_mosaic_pixel_size_text(mosaic);
	if (pixel)
		g_string_append_printf(out, "pixel size: %s, from %s\n", pixel, mosaic->pixel_size_from);
	describe_output(out, mosaic);
	g_string_append_printf(out, "tiles: %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " of them blank\n",
	                       mosaic->layout.n_slots, mosaic->blank_slots);
	if (mosaic->passed_slots > 0)
		g_string_append_printf(out, "passthrough: %" G_GUINT64_FORMAT " of them are sources as they are\n",
		                       mosaic->passed_slots);
	g_string_append_printf(out, "memory: %" G_GUINT64_FORMAT " MiB needed at least, %" G_GUINT64_FORMAT " MiB allowed\n",
	                       (mosaic->fixed_bytes >> 20) + 1, mosaic->memory_bytes >> 20);
	g_string_append_printf(out, "fingerprint: %s\n", mosaic->fingerprint);
	for (guint i = 0; i < mosaic->notes->len; i++)
		tf_status_add_text(out, "note", g_ptr_array_index(mosaic->notes, i));
	return g_string_free(out, FALSE);
}
