/* SPDX-License-Identifier: MIT */
#include "mosaic_private.h"

#include <string.h>
#include <tiffuse/ome.h>
#include <tiffuse/vips_env.h>

enum {
	MAX_OPEN_FILES = 256,
	/* Names, places, headers and scene together, while the mosaic is opened:
	 * 558 measured with a million sources. */
	OPENING_BYTES_PER_SOURCE = 590,
};

void tf_mosaic_free(TfMosaic *mosaic)
{
	if (!mosaic)
		return;
	tf_mosaic_keep_digests(mosaic);
	tf_memory_count(TF_MEMORY_SCENE, mosaic->scene ? -(int64_t)tf_scene_bytes(mosaic->scene) : 0);
	tf_memory_count(TF_MEMORY_HEADER, mosaic->header ? -(int64_t)tf_header_bytes(mosaic->header) : 0);
	g_clear_pointer(&mosaic->blank, g_bytes_unref);
	tf_canvas_free(mosaic->canvas);
	tf_sources_free(mosaic->sources);
	tf_digests_free(mosaic->digests);
	tf_flat_free(mosaic->flat);
	tf_header_free(mosaic->header);
	tf_scene_free(mosaic->scene);
	tf_profiles_free(mosaic->profiles);
	tf_arrangement_free(mosaic->arrangement);
	g_free(mosaic->source);
	g_free(mosaic->name);
	g_free(mosaic->description);
	g_free(mosaic->moved_most);
	tf_geo_free(mosaic->geo);
	g_free(mosaic->fingerprint);
	g_free(mosaic->spool_dir);
	g_free(mosaic->cache_dir);
	g_ptr_array_unref(mosaic->notes);
	g_free(mosaic);
}

bool tf_mosaic_is_blank(const TfMosaic *mosaic, TfTile tile)
{
	return !tf_scene_touches(mosaic->scene, tf_pyramid_tile_base(&mosaic->pyramid, tile));
}

/* Called once for each tile. */
static TfTilePlace place_of_tile(TfTile tile, void *data)
{
	TfMosaic *mosaic = data;
	TfTilePlace place = {tf_layout_blank_offset(&mosaic->layout, tile.level), mosaic->layout.slot_bytes};
	if (tf_mosaic_is_blank(mosaic, tile)) {
		mosaic->blank_slots++;
		return place;
	}
	place.offset = tf_layout_tile_offset(&mosaic->layout, tile);
	uint64_t passed = tf_mosaic_passed_bytes(mosaic, tile);
	if (passed == 0)
		return place;
	mosaic->passed_slots++;
	mosaic->passed_bytes += passed;
	return (TfTilePlace){place.offset, passed};
}

/* The pixel space follows from sources and options alone, never from a read. */
static void choose_space(TfMosaic *mosaic, const TfMosaicOptions *options, bool to_srgb)
{
	TfEncoder *encoder = &mosaic->encoder;
	bool grey = true, planar = options->compression == TF_COMPRESSION_JPEG && !to_srgb && !options->flat &&
	                           options->blend != TF_BLEND_FEATHER;
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const TfSource *source = tf_scene_source(mosaic->scene, i);
		grey = grey && source->info.colour == TF_COLOUR_GREY;
		planar = planar && source->info.codec == TF_CODEC_JPEG && source->info.colour == TF_COLOUR_YCBCR &&
		         source->orientation == 1 && source->info.hsamp == options->hsamp &&
		         source->info.vsamp == options->vsamp;
	}
	encoder->hsamp = grey ? 1 : options->hsamp;
	encoder->vsamp = grey ? 1 : options->vsamp;
	encoder->space = (TfSpace){TF_SPACE_RGB, 1, 1, false};
	if (grey)
		encoder->space.kind = TF_SPACE_GREY;
	else if (planar)
		encoder->space = (TfSpace){TF_SPACE_YCBCR, (uint8_t)options->hsamp, (uint8_t)options->vsamp, false};
}

/* As deep as the deepest source, where the output can be. */
static bool choose_depth(TfMosaic *mosaic, const TfMosaicOptions *options)
{
	uint32_t n = tf_scene_n_sources(mosaic->scene), n_deep = 0;
	for (uint32_t i = 0; i < n; i++)
		n_deep += tf_scene_source(mosaic->scene, i)->info.deep;
	if (n_deep == 0 || options->depth_8)
		return false;
	if (options->compression != TF_COMPRESSION_JPEG)
		return true;
	tf_mosaic_note(mosaic, "%u of %u sources have 16 bits a sample: JPEG keeps 8 of them; compression=deflate keeps all",
	               n_deep, n);
	return false;
}

static void plan_encoder(TfMosaic *mosaic, const TfMosaicOptions *options, bool to_srgb)
{
	TfEncoder *encoder = &mosaic->encoder;
	encoder->compression = options->compression;
	encoder->quality = options->quality;
	encoder->tile = options->tile;
	choose_space(mosaic, options, to_srgb);
	encoder->space.deep = choose_depth(mosaic, options);
	uint64_t usual = tf_encode_slot_bytes(encoder->compression, encoder->space, encoder->hsamp, encoder->vsamp,
	                                      encoder->quality, encoder->tile);
	/* Only a JPEG can be made smaller; the others have the size that the worst tile needs. */
	bool may_choose = options->slot_bytes && options->compression == TF_COMPRESSION_JPEG;
	encoder->slot_bytes = may_choose ? options->slot_bytes : usual;
}

/* The profile that the file carries, or NULL. */
static GBytes *shared_profile(const TfMosaic *mosaic, bool to_srgb)
{
	if (to_srgb)
		return NULL; /* untagged RGB is sRGB to every reader */
	return g_ptr_array_index(mosaic->profiles->profiles, tf_scene_source(mosaic->scene, 0)->info.icc);
}

/* One profile for all is kept; otherwise, and for CMYK, everything becomes sRGB. */
static bool must_convert(TfMosaic *mosaic)
{
	uint32_t first = tf_scene_source(mosaic->scene, 0)->info.icc, n = tf_scene_n_sources(mosaic->scene);
	uint32_t differing = 0, cmyk = 0;
	for (uint32_t i = 0; i < n; i++) {
		const TfImageInfo *info = &tf_scene_source(mosaic->scene, i)->info;
		differing += info->icc != first;
		cmyk += info->colour == TF_COLOUR_CMYK || info->colour == TF_COLOUR_YCCK;
	}
	if (cmyk > 0)
		tf_mosaic_note(mosaic, "%u of %u sources are CMYK: the mosaic is converted to sRGB", cmyk, n);
	else if (differing > 0)
		tf_mosaic_note(mosaic, "the sources have %u different colour profiles%s: the mosaic is converted to sRGB",
		               mosaic->profiles->profiles->len - 1, mosaic->profiles->profiles->len == 2 ? " or none" : "");
	return cmyk > 0 || differing > 0;
}

static const char software[] = "tiffuse " TF_VERSION;

/* Bio-Formats and its kin know OME-TIFF by its name and its description. */
static char *choose_name(const TfMosaic *mosaic, const TfMosaicOptions *options)
{
	const char *name = options->name ? options->name : mosaic->arrangement->default_name;
	bool add = options->pyramid == TF_PYRAMID_OME && !g_str_has_suffix(name, ".ome");
	return g_strconcat(name, add ? ".ome" : NULL, NULL);
}

static char *describe_as_ome(const TfMosaic *mosaic, const char *description)
{
	g_autofree char *name = g_strndup(mosaic->name, strlen(mosaic->name) - strlen(".ome"));
	TfOmeImage image = {.creator = software,
	                    .name = name,
	                    .description = description,
	                    .width = tf_scene_width(mosaic->scene),
	                    .height = tf_scene_height(mosaic->scene),
	                    .bands = mosaic->encoder.space.kind == TF_SPACE_GREY ? 1 : 3,
	                    .deep = mosaic->encoder.space.deep,
	                    .pixel_um_x = mosaic->pixel_um_x,
	                    .pixel_um_y = mosaic->pixel_um_y};
	return tf_ome_xml(&image);
}

/* Short, and the same whenever the file is the same. */
static char *describe_image(const TfMosaic *mosaic)
{
	g_autofree char *size = tf_mosaic_pixel_size_text(mosaic);
	uint32_t n = tf_scene_n_placed(mosaic->scene);
	return g_strdup_printf("Mosaic of %u image%s, %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " pixels%s%s", n,
	                       n == 1 ? "" : "s", tf_scene_width(mosaic->scene), tf_scene_height(mosaic->scene),
	                       size ? " of " : "", size ? size : "");
}

static bool plan_file(TfMosaic *mosaic, const TfMosaicOptions *options, GBytes *icc, GError **error)
{
	bool colour_jpeg = options->compression == TF_COMPRESSION_JPEG && mosaic->encoder.space.kind != TF_SPACE_GREY;
	g_autofree char *text = describe_image(mosaic);
	bool ome = options->pyramid == TF_PYRAMID_OME;
	mosaic->description = ome ? describe_as_ome(mosaic, text) : g_strdup(text);
	uint64_t bound, extra = sizeof software + strlen(mosaic->description) + 1 + (icc ? g_bytes_get_size(icc) : 0);
	extra += mosaic->geo ? tf_geo_header_bytes(mosaic->geo) : 0;
	if (!tf_pyramid_init(&mosaic->pyramid, tf_scene_width(mosaic->scene), tf_scene_height(mosaic->scene),
	                     options->tile, !colour_jpeg, error))
		return false;
	if (options->pyramid == TF_PYRAMID_NONE)
		mosaic->pyramid.n_levels = 1;
	mosaic->top_own_level = MIN(tf_scene_n_levels(mosaic->scene), mosaic->pyramid.n_levels) - 1;
	if (!tf_layout_header_bound(&mosaic->pyramid, extra, &bound, error))
		return false;
	tf_mosaic_plan_passthrough(mosaic, options);
	TfLayoutParams params = {
	        .header_bytes = bound, .slot_bytes = mosaic->encoder.slot_bytes, .order = options->order};
	if (!tf_layout_init(&mosaic->layout, &mosaic->pyramid, &params, error))
		return false;
	mosaic->spool_dir = g_strdup(options->spool_dir);
	TfImageDesc desc = {.compression = options->compression,
	                    .bands = mosaic->encoder.space.kind == TF_SPACE_GREY ? 1 : 3,
	                    .deep = mosaic->encoder.space.deep,
	                    .hsamp = mosaic->encoder.hsamp,
	                    .vsamp = mosaic->encoder.vsamp,
	                    .icc = icc,
	                    .sub_ifds = ome,
	                    .software = software,
	                    .description = mosaic->description,
	                    .pixel_um_x = mosaic->pixel_um_x,
	                    .pixel_um_y = mosaic->pixel_um_y,
	                    .geo = mosaic->geo,
	                    .spool_dir = mosaic->spool_dir};
	mosaic->image = desc;
	mosaic->header = tf_header_new_compact(&mosaic->layout, &desc, place_of_tile, mosaic, error);
	if (!mosaic->header)
		return false;
	tf_memory_count(TF_MEMORY_SCENE, (int64_t)tf_scene_bytes(mosaic->scene));
	tf_memory_count(TF_MEMORY_HEADER, (int64_t)tf_header_bytes(mosaic->header));
	return true;
}

static bool refuse_whole(const TfSource *source, uint64_t bytes, GError **error)
{
	uint64_t mib = (bytes >> 20) + 1;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
	            "%s: %d x %d px, %s, so that decoding it takes %" G_GUINT64_FORMAT
	            " MiB at once: give max-decode=%" G_GUINT64_FORMAT "M and memory= above that if it is meant to be so",
	            source->path, source->info.width, source->info.height,
	            source->info.progressive ? "held as a whole" : "turned", mib, mib);
	return false;
}

/* A pass needs the halves of one row of tiles of each level above 2, the rows
 * of one tile row of the widest source for each thread, and the tables.  Or
 * else to open it was what took most. */
static bool plan_memory(TfMosaic *mosaic, const TfMosaicOptions *options, GError **error)
{
	TfSpace space = mosaic->encoder.space;
	uint64_t widest = 0, whole = 0, limit = options->max_decode_bytes ? options->max_decode_bytes : mosaic->memory_bytes;
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const TfSource *source = tf_scene_source(mosaic->scene, i);
		uint64_t strip = tf_samples_size(space, source->width, MIN(options->tile, source->height));
		uint64_t all = tf_source_is_whole(mosaic->sources, i)
		                       ? tf_source_decode_bytes(mosaic->sources, i) +
		                                 tf_samples_size(space, source->width, source->height)
		                       : 0;
		if (all > limit)
			return refuse_whole(source, all, error);
		widest = MAX(widest, strip);
		whole = MAX(whole, all);
	}
	uint64_t per_px = tf_samples_size(space, 4096, 64) / 4096; /* 96 bytes planar 4:2:0, 192 RGB */
	uint64_t tables = tf_scene_bytes(mosaic->scene) + tf_header_bytes(mosaic->header) +
	                  (mosaic->flat ? tf_flat_bytes(mosaic->flat) : 0) +
	                  (mosaic->digests ? tf_digests_need(tf_scene_n_sources(mosaic->scene), mosaic->source_bytes) : 0);
	mosaic->fixed_bytes = TF_LIBRARIES_BYTES + tables + per_px * (uint64_t)mosaic->pyramid.level[0].width +
	                      MAX(widest * options->threads, whole);
	uint64_t opening = OPENING_BYTES_PER_SOURCE * (uint64_t)tf_scene_n_sources(mosaic->scene);
	mosaic->fixed_bytes = MAX(mosaic->fixed_bytes, TF_LIBRARIES_BYTES + opening);
	if (mosaic->fixed_bytes <= mosaic->memory_bytes)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
	            "this mosaic needs at least %" G_GUINT64_FORMAT " MiB of memory: give memory=%" G_GUINT64_FORMAT "M",
	            (mosaic->fixed_bytes >> 20) + 1, (mosaic->fixed_bytes >> 20) + 16);
	return false;
}

static bool plan_pixels(TfMosaic *mosaic, const TfMosaicOptions *options, bool to_srgb, GError **error)
{
	if (options->flat && (!(mosaic->flat = tf_flat_load(options->flat, mosaic->encoder.space, error)) ||
	                      !tf_flat_fits(mosaic->flat, mosaic->scene, error)))
		return false;
	TfSourcesOptions pixels = {.space = mosaic->encoder.space,
	                           .to_srgb = to_srgb,
	                           .max_open = options->max_files ? options->max_files : MAX_OPEN_FILES,
	                           .max_scans = options->max_scans,
	                           .digests = mosaic->digests,
	                           .in_order = options->paint_damage,
	                           .flat = mosaic->flat};
	memcpy(pixels.background, options->background, sizeof pixels.background);
	mosaic->sources = tf_sources_new(mosaic->scene, mosaic->profiles, &pixels);
	mosaic->canvas =
	        tf_canvas_new(mosaic->scene, &mosaic->pyramid, &mosaic->encoder, options->background, error);
	if (!mosaic->canvas)
		return false;
	mosaic->blank = tf_canvas_blank(mosaic->canvas, error);
	return mosaic->blank != NULL;
}

static void add_checksum(GChecksum *sum, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add_checksum(GChecksum *sum, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
}

static void add_file(GChecksum *sum, const char *path, const TfIdentity *identity)
{
	add_checksum(sum, "%s %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT, path, identity->size, identity->mtime_ns);
}

/* Everything that a byte of the file depends on. */
static char *fingerprint(const TfMosaic *mosaic, const TfMosaicOptions *options)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	const TfEncoder *e = &mosaic->encoder;
	add_checksum(sum, "tiffuse %s; %s; layout 1", TF_VERSION, tf_vips_versions());
	add_checksum(sum, "%d %d %d %d %d %d %d %d %" G_GUINT64_FORMAT, e->compression, e->space.kind, e->space.deep, e->hsamp, e->vsamp,
	             e->compression == TF_COMPRESSION_JPEG ? e->quality : 0, e->tile, options->blend,
	             e->slot_bytes);
	int64_t extent[] = {tf_scene_width(mosaic->scene), tf_scene_height(mosaic->scene)};
	g_checksum_update(sum, (const guchar *)extent, sizeof extent);
	if (mosaic->geo) {
		g_checksum_update(sum, (const guchar *)mosaic->geo->transform, sizeof mosaic->geo->transform);
		add_checksum(sum, "%s", mosaic->geo->srs ? mosaic->geo->srs : "");
	}
	add_checksum(sum, "%" G_GUINT64_FORMAT " tiles are sources, levels to %d", mosaic->passed_slots, mosaic->top_own_level);
	add_checksum(sum, "%d levels in order %d; %s", mosaic->pyramid.n_levels, mosaic->layout.order, mosaic->description);
	g_checksum_update(sum, (const guchar *)&mosaic->pixel_um_x, sizeof mosaic->pixel_um_x);
	g_checksum_update(sum, (const guchar *)&mosaic->pixel_um_y, sizeof mosaic->pixel_um_y);
	if (mosaic->flat)
		add_file(sum, tf_flat_path(mosaic->flat), tf_flat_identity(mosaic->flat));
	add_checksum(sum, "%d %d %d", options->background[0], options->background[1], options->background[2]);
	if (options->paint_damage)
		add_checksum(sum, "on-error=fill");
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const TfSource *s = tf_scene_source(mosaic->scene, i);
		const TfIdentity *id = &s->info.identity;
		add_checksum(sum, "%s", s->path);
		int64_t numbers[] = {s->x, s->y, s->width, s->height, s->orientation, (int64_t)id->size, id->mtime_ns,
		                     s->part.x0, s->part.y0, s->part.x1, s->part.y1};
		g_checksum_update(sum, (const guchar *)numbers, sizeof numbers);
	}
	return g_strdup(g_checksum_get_string(sum));
}

static void sum_sources(TfMosaic *mosaic)
{
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const TfImageInfo *info = &tf_scene_source(mosaic->scene, i)->info;
		mosaic->source_px += (uint64_t)info->width * (uint64_t)info->height;
		mosaic->source_bytes += info->identity.size;
	}
}

static bool check_options(const TfMosaicOptions *options, GError **error)
{
	if (options->order != TF_ORDER_LEVELS || options->pyramid != TF_PYRAMID_OME)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
	            "layout=cog with pyramid=ome: readers of such GeoTIFFs do not look into SubIFDs; give one of the two");
	return false;
}

TfMosaic *tf_mosaic_open(const TfMosaicOptions *wanted, GError **error)
{
	TfMosaicOptions settled = *wanted, *options = &settled;
	g_autoptr(TfMosaic) mosaic = g_new0(TfMosaic, 1);
	mosaic->notes = g_ptr_array_new_with_free_func(g_free);
	mosaic->source = g_canonicalize_filename(options->source, NULL);
	mosaic->memory_bytes = options->memory_bytes;
	mosaic->cache_dir = g_strdup(options->cache_dir);
	mosaic->paint_damage = options->paint_damage;
	if (!check_options(options, error) || !tf_mosaic_place_sources(mosaic, options, error))
		return NULL;
	if (options->verify_digest)
		tf_mosaic_expect_digests(mosaic);
	tf_mosaic_choose_pixel_size(mosaic, options);
	mosaic->name = choose_name(mosaic, options);
	bool to_srgb = mosaic->to_srgb = must_convert(mosaic);
	plan_encoder(mosaic, options, to_srgb);
	sum_sources(mosaic);
	if (!plan_file(mosaic, options, shared_profile(mosaic, to_srgb), error) ||
	    !plan_pixels(mosaic, options, to_srgb, error) || !plan_memory(mosaic, options, error))
		return NULL;
	mosaic->fingerprint = fingerprint(mosaic, options);
	return g_steal_pointer(&mosaic);
}
