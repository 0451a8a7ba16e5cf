/* SPDX-License-Identifier: MIT */
#include "jpeg_stream.h"
#include "vips_private.h"

#include <errno.h>
#include <libexif/exif-data.h>
#include <stdatomic.h>
#include <string.h>
#include <tiffuse/files.h>
#include <tiffuse/probe.h>
#include <tiffio.h>
#include <vips/vips.h>

enum {
	WINDOW_BYTES = 16 * 1024, /* most headers, without the thumbnails that are skipped */
	MAX_REPORTED = 10,
	MARKER_EXIF = JPEG_APP0 + 1,
	MARKER_ICC = JPEG_APP0 + 2,
	INCH_UM = 25400,
	CENTIMETRE_UM = 10000,
};

typedef struct {
	const char *const *paths;
	uint32_t n;
	const TfProbeOptions *options;
	TfImageInfo *infos;
	GError **errors; /* one per path, NULL where all is well */
	_Atomic uint32_t next, n_opened, n_known;
	GMutex lock; /* guards the tables of profiles */
	TfProfiles *profiles;
	GHashTable *profile_index; /* GBytes -> index */
	GHashTable *known_index;   /* the same by address: hashing a known profile once for each file takes longer than stat */
} Probe;

static TfProfiles *profiles_new(void)
{
	TfProfiles *profiles = g_new0(TfProfiles, 1);
	profiles->profiles = g_ptr_array_new();
	g_ptr_array_add(profiles->profiles, NULL);
	return profiles;
}

void tf_profiles_free(TfProfiles *profiles)
{
	if (!profiles)
		return;
	for (guint i = 1; i < profiles->profiles->len; i++)
		g_bytes_unref(g_ptr_array_index(profiles->profiles, i));
	g_ptr_array_free(profiles->profiles, TRUE);
	g_free(profiles);
}

static uint32_t profile_index(Probe *probe, const void *data, size_t length)
{
	g_autoptr(GBytes) profile = g_bytes_new(data, length);
	g_mutex_lock(&probe->lock);
	uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(probe->profile_index, profile));
	if (index == 0) {
		index = probe->profiles->profiles->len;
		g_ptr_array_add(probe->profiles->profiles, g_bytes_ref(profile));
		g_hash_table_insert(probe->profile_index, profile, GUINT_TO_POINTER(index));
	}
	g_mutex_unlock(&probe->lock);
	return index;
}

static uint32_t known_profile_index(Probe *probe, GBytes *profile)
{
	if (!profile)
		return 0;
	g_mutex_lock(&probe->lock);
	uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(probe->known_index, profile));
	g_mutex_unlock(&probe->lock);
	if (index > 0)
		return index;
	index = profile_index(probe, g_bytes_get_data(profile, NULL), g_bytes_get_size(profile));
	g_mutex_lock(&probe->lock);
	g_hash_table_insert(probe->known_index, profile, GUINT_TO_POINTER(index));
	g_mutex_unlock(&probe->lock);
	return index;
}

/* `per_unit` pixels are `unit_um` micrometres; 0 where that makes no sense. */
static float pixel_um(double per_unit, double unit_um)
{
	double um = per_unit > 0 ? unit_um / per_unit : 0;
	return um < 1e9 ? (float)um : 0;
}

static void set_pixel_size(TfImageInfo *info, double x_per_unit, double y_per_unit, double unit_um)
{
	info->pixel_um_x = pixel_um(x_per_unit, unit_um);
	info->pixel_um_y = pixel_um(y_per_unit, unit_um);
}

static int exif_short(ExifData *exif, ExifTag tag)
{
	ExifEntry *entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], tag);
	bool is_short = entry && entry->format == EXIF_FORMAT_SHORT && entry->components == 1;
	return is_short ? exif_get_short(entry->data, exif_data_get_byte_order(exif)) : 0;
}

static double exif_ratio(ExifData *exif, ExifTag tag)
{
	ExifEntry *entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], tag);
	if (!entry || entry->format != EXIF_FORMAT_RATIONAL || entry->components != 1)
		return 0;
	ExifRational ratio = exif_get_rational(entry->data, exif_data_get_byte_order(exif));
	return ratio.denominator ? (double)ratio.numerator / ratio.denominator : 0;
}

static void take_exif(const uint8_t *data, unsigned length, TfImageInfo *info)
{
	ExifData *exif = exif_data_new();
	exif_data_unset_option(exif, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
	exif_data_load_data(exif, data, length);
	int orientation = exif_short(exif, EXIF_TAG_ORIENTATION), unit = exif_short(exif, EXIF_TAG_RESOLUTION_UNIT);
	if (orientation >= 1 && orientation <= 8)
		info->orientation = (uint8_t)orientation;
	if (unit == 2 || unit == 3) /* inch, centimetre */
		set_pixel_size(info, exif_ratio(exif, EXIF_TAG_X_RESOLUTION), exif_ratio(exif, EXIF_TAG_Y_RESOLUTION),
		               unit == 2 ? INCH_UM : CENTIMETRE_UM);
	exif_data_unref(exif);
}

static void read_jpeg_header(TfJpegStream *stream, void *data)
{
	jpeg_save_markers(&stream->cinfo, MARKER_EXIF, 0xFFFF);
	jpeg_save_markers(&stream->cinfo, MARKER_ICC, 0xFFFF);
	jpeg_read_header(&stream->cinfo, TRUE);
}

static TfColour colour_of_jpeg(J_COLOR_SPACE space)
{
	switch (space) {
	case JCS_GRAYSCALE:
		return TF_COLOUR_GREY;
	case JCS_YCbCr:
		return TF_COLOUR_YCBCR;
	case JCS_RGB:
		return TF_COLOUR_RGB;
	case JCS_CMYK:
		return TF_COLOUR_CMYK;
	case JCS_YCCK:
		return TF_COLOUR_YCCK;
	default:
		return TF_COLOUR_OTHER;
	}
}

/* hsamp and vsamp stay 0 where chroma is not one block per MCU: such files go
 * through RGB. */
static void take_sampling(const struct jpeg_decompress_struct *cinfo, TfImageInfo *info)
{
	const jpeg_component_info *c = cinfo->comp_info;
	if (info->colour != TF_COLOUR_YCBCR || c[1].h_samp_factor != 1 || c[1].v_samp_factor != 1 ||
	    c[2].h_samp_factor != 1 || c[2].v_samp_factor != 1)
		return;
	if (c[0].h_samp_factor > 2 || c[0].v_samp_factor > 2 || c[0].v_samp_factor > c[0].h_samp_factor)
		return;
	info->hsamp = (uint8_t)c[0].h_samp_factor;
	info->vsamp = (uint8_t)c[0].v_samp_factor;
}

static void take_icc(Probe *probe, struct jpeg_decompress_struct *cinfo, TfImageInfo *info)
{
	JOCTET *profile = NULL;
	unsigned length = 0;
	if (jpeg_read_icc_profile(cinfo, &profile, &length) && length > 0)
		info->icc = profile_index(probe, profile, length);
	free(profile);
}

/* EXIF knows better than JFIF, which stands before it in the file. */
static void take_markers(const struct jpeg_decompress_struct *cinfo, TfImageInfo *info)
{
	if (cinfo->saw_JFIF_marker && (cinfo->density_unit == 1 || cinfo->density_unit == 2))
		set_pixel_size(info, cinfo->X_density, cinfo->Y_density,
		               cinfo->density_unit == 1 ? INCH_UM : CENTIMETRE_UM);
	for (jpeg_saved_marker_ptr m = cinfo->marker_list; m; m = m->next)
		if (m->marker == MARKER_EXIF && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0)
			take_exif(m->data, m->data_length, info);
}

static bool probe_jpeg(Probe *probe, const char *path, int fd, TfImageInfo *info, GError **error)
{
	TfJpegStream stream;
	tf_jpeg_stream_init(&stream, path, fd, WINDOW_BYTES);
	bool ok = tf_jpeg_stream_try(&stream, read_jpeg_header, NULL, error);
	struct jpeg_decompress_struct *cinfo = &stream.cinfo;
	if (ok && cinfo->data_precision != 8) {
		g_set_error(error, TF_ERROR, TF_ERROR_UNSUPPORTED, "%s: JPEG of %d bits per sample, expected 8",
		            path, cinfo->data_precision);
		ok = false;
	}
	if (ok) {
		info->codec = TF_CODEC_JPEG;
		info->colour = colour_of_jpeg(cinfo->jpeg_color_space);
		info->width = (int32_t)cinfo->image_width;
		info->height = (int32_t)cinfo->image_height;
		info->bands = (uint8_t)cinfo->num_components;
		/* Several scans without being progressive are held as coefficients too. */
		info->progressive = jpeg_has_multiple_scans(cinfo);
		take_sampling(cinfo, info);
		take_icc(probe, cinfo, info);
		take_markers(cinfo, info);
	}
	if (ok && info->colour == TF_COLOUR_OTHER) {
		g_set_error(error, TF_ERROR, TF_ERROR_UNSUPPORTED, "%s: JPEG of unknown colour space with %d components",
		            path, info->bands);
		ok = false;
	}
	tf_jpeg_stream_clear(&stream);
	return ok;
}

static bool is_deep(const VipsImage *image)
{
	VipsInterpretation kind = vips_image_get_interpretation(image);
	return vips_image_get_format(image) == VIPS_FORMAT_USHORT &&
	       (kind == VIPS_INTERPRETATION_GREY16 || kind == VIPS_INTERPRETATION_RGB16);
}

/* libvips keeps a row of tiles. */
static bool has_tall_tiles(const char *path)
{
	enum { TALL = 1024 };
	TIFF *tif = TIFFOpen(path, "rm");
	uint32_t height = 0;
	bool tall = tif && TIFFIsTiled(tif) && TIFFGetField(tif, TIFFTAG_TILELENGTH, &height) && height > TALL;
	if (tif)
		TIFFClose(tif);
	return tall;
}

/* Does the loader hand out rows as it reads them?  All others hold the whole
 * picture, whatever part is asked for; some say they do not. */
static bool is_streamed(VipsImage *image, const char *path)
{
	const char *loader = "";
	vips_image_get_string(image, VIPS_META_LOADER, &loader);
	if (g_str_has_prefix(loader, "tiffload"))
		return !has_tall_tiles(path);
	return g_str_has_prefix(loader, "pngload") && !vips_image_get_typeof(image, "interlaced");
}

static bool probe_vips(Probe *probe, const char *path, TfImageInfo *info, GError **error)
{
	g_autoptr(VipsImage) image = vips_image_new_from_file(path, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!image) {
		g_autofree char *prefix = g_strdup_printf("%s: not an image that can be read", path);
		return tf_vips_fail(error, TF_ERROR_UNSUPPORTED, prefix);
	}
	info->codec = TF_CODEC_VIPS;
	info->width = vips_image_get_width(image);
	info->height = vips_image_get_height(image);
	info->bands = (uint8_t)MIN(vips_image_get_bands(image), 255);
	info->orientation = (uint8_t)vips_image_get_orientation(image);
	bool grey = vips_image_get_bands(image) <= 2;
	info->colour = grey ? TF_COLOUR_GREY : TF_COLOUR_OTHER;
	info->deep = is_deep(image);
	info->progressive = !is_streamed(image, path);
	/* libvips makes one up where there is none; only of TIFFs does it tell the unit. */
	if (vips_image_get_typeof(image, VIPS_META_RESOLUTION_UNIT))
		set_pixel_size(info, 10 * vips_image_get_xres(image), 10 * vips_image_get_yres(image), CENTIMETRE_UM);
	const void *profile = NULL;
	size_t length = 0;
	if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) &&
	    vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, &length) == 0)
		info->icc = profile_index(probe, profile, length);
	return true;
}

static bool probe_file(Probe *probe, const char *path, TfImageInfo *info, GError **error)
{
	*info = (TfImageInfo){.orientation = 1};
	tf_autofd int fd = tf_open_regular(path, &info->identity, error);
	if (fd < 0)
		return false;
	uint8_t magic[3] = {0};
	ssize_t n = pread(fd, magic, sizeof magic, 0);
	if (n < 0)
		return tf_error_set_errno(error, errno, "%s", path);
	if (n == 0) {
		g_set_error(error, TF_ERROR, TF_ERROR_DAMAGED, "%s: the file is empty", path);
		return false;
	}
	bool is_jpeg = magic[0] == 0xFF && magic[1] == 0xD8 && magic[2] == 0xFF;
	return is_jpeg ? probe_jpeg(probe, path, fd, info, error) : probe_vips(probe, path, info, error);
}

/* A file that cannot be had fails here as it would when opened. */
static bool look_up(Probe *probe, const char *path, TfImageInfo *info, bool *known, GError **error)
{
	const TfProbeOptions *options = probe->options;
	TfIdentity identity;
	GBytes *profile = NULL;
	*known = false;
	if (!options->lookup)
		return true;
	if (!tf_identity_of_path(path, &identity, error))
		return false;
	*known = options->lookup(path, &identity, info, &profile, options->lookup_data);
	if (!*known)
		return true;
	atomic_fetch_add(&probe->n_known, 1);
	info->icc = known_profile_index(probe, profile);
	return true;
}

static bool check_side(const Probe *probe, const char *path, const TfImageInfo *info, GError **error)
{
	int32_t most = probe->options->max_side;
	if (most == 0 || MAX(info->width, info->height) <= most)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: %d x %d px, expected at most %d on a side (max-side=)", path,
	            info->width, info->height, most);
	return false;
}

static bool probe_path(Probe *probe, const char *path, TfImageInfo *info, GError **error)
{
	bool known;
	if (!look_up(probe, path, info, &known, error))
		return false;
	if (known)
		return check_side(probe, path, info, error);
	atomic_fetch_add(&probe->n_opened, 1);
	return probe_file(probe, path, info, error) && check_side(probe, path, info, error);
}

static gpointer probe_thread(gpointer data)
{
	Probe *probe = data;
	for (;;) {
		uint32_t i = atomic_fetch_add(&probe->next, 1);
		if (i >= probe->n)
			break;
		GError *error = NULL;
		if (probe_path(probe, probe->paths[i], &probe->infos[i], &error))
			continue;
		if (probe->options->missing_fill && g_error_matches(error, TF_ERROR, TF_ERROR_MISSING))
			g_clear_error(&error);
		probe->infos[i].width = probe->infos[i].height = 0;
		probe->errors[i] = error;
	}
	vips_thread_shutdown();
	return NULL;
}

static bool report_errors(Probe *probe, GError **error)
{
	guint count = 0;
	int code = 0;
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < probe->n; i++) {
		if (!probe->errors[i])
			continue;
		if (count == 0)
			code = probe->errors[i]->code;
		if (count++ < MAX_REPORTED)
			g_string_append_printf(text, "%s%s", count > 1 ? "; " : "", probe->errors[i]->message);
		g_clear_error(&probe->errors[i]);
	}
	if (count > MAX_REPORTED)
		g_string_append_printf(text, "; and %u more files that cannot be used", count - MAX_REPORTED);
	if (count > 0)
		g_set_error_literal(error, TF_ERROR, code, text->str);
	return count == 0;
}

bool tf_probe_all(const char *const *paths, uint32_t n, const TfProbeOptions *options, TfImageInfo *infos,
                  TfProfiles **profiles, GError **error)
{
	g_autofree GError **errors = g_new0(GError *, MAX(n, 1));
	g_autoptr(TfProfiles) fresh = *profiles ? NULL : profiles_new();
	Probe probe = {.paths = paths, .n = n, .options = options, .infos = infos, .errors = errors,
	               .profiles = fresh ? fresh : *profiles};
	g_mutex_init(&probe.lock);
	probe.profile_index = g_hash_table_new(g_bytes_hash, g_bytes_equal);
	probe.known_index = g_hash_table_new(NULL, NULL);
	for (guint i = 1; i < probe.profiles->profiles->len; i++)
		g_hash_table_insert(probe.profile_index, g_ptr_array_index(probe.profiles->profiles, i), GUINT_TO_POINTER(i));
	unsigned n_threads = CLAMP(options->threads, 1, MAX(n / 16, 1));
	g_autofree GThread **threads = g_new0(GThread *, n_threads);
	for (unsigned i = 0; i < n_threads; i++)
		threads[i] = g_thread_new("probe", probe_thread, &probe);
	for (unsigned i = 0; i < n_threads; i++)
		g_thread_join(threads[i]);
	g_hash_table_unref(probe.profile_index);
	g_hash_table_unref(probe.known_index);
	g_mutex_clear(&probe.lock);
	if (!report_errors(&probe, error))
		return false;
	if (fresh)
		*profiles = g_steal_pointer(&fresh);
	if (options->n_opened)
		*options->n_opened = probe.n_opened;
	if (options->n_known)
		*options->n_known = probe.n_known;
	return true;
}
