/* SPDX-License-Identifier: MIT
 *
 * JPEG files made at run time, a scratch folder for them, and libjpeg's own
 * plain decoding to compare with.  Included by one test program each, hence all
 * static inline.
 */
#pragma once
#include <glib.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>

typedef struct {
	const char *name;
	J_COLOR_SPACE in, stored;
	int hsamp, vsamp;
	bool progressive;
	int restart_rows, restart_mcus;
	bool optimise;
} JpegKind;

static const JpegKind jpeg_kinds[] = {
        {"420", JCS_YCbCr, JCS_YCbCr, 2, 2, false, 0, 0, false},
        {"422", JCS_YCbCr, JCS_YCbCr, 2, 1, false, 0, 0, false},
        {"444", JCS_YCbCr, JCS_YCbCr, 1, 1, false, 0, 0, false},
        {"420-restart-rows", JCS_YCbCr, JCS_YCbCr, 2, 2, false, 1, 0, true},
        {"422-restart-mcus", JCS_YCbCr, JCS_YCbCr, 2, 1, false, 0, 2, false},
        {"420-progressive", JCS_YCbCr, JCS_YCbCr, 2, 2, true, 0, 0, false},
        {"444-progressive-restart", JCS_YCbCr, JCS_YCbCr, 1, 1, true, 1, 0, false},
        {"411", JCS_YCbCr, JCS_YCbCr, 4, 1, false, 0, 0, false},
        {"440", JCS_YCbCr, JCS_YCbCr, 1, 2, false, 0, 0, false},
        {"410", JCS_YCbCr, JCS_YCbCr, 4, 2, false, 0, 0, false},
        {"grey", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, 1, false, 0, 0, false},
        {"grey-progressive", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, 1, true, 0, 0, false},
        {"rgb-adobe", JCS_RGB, JCS_RGB, 1, 1, false, 0, 0, false},
        {"cmyk-adobe", JCS_CMYK, JCS_CMYK, 1, 1, false, 0, 0, false},
        {"ycck-adobe", JCS_CMYK, JCS_YCCK, 2, 2, false, 0, 0, false},
};

static inline const JpegKind *jpeg_kind(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(jpeg_kinds); i++)
		if (strcmp(jpeg_kinds[i].name, name) == 0)
			return &jpeg_kinds[i];
	g_error("no kind of JPEG is called %s", name);
}

static inline int jpeg_components(J_COLOR_SPACE space)
{
	return space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK || space == JCS_YCCK ? 4 : 3;
}

/* A slope with noise: no two rows alike, so that a row in the wrong place shows. */
static inline void jpeg_paint_row(GRand *random, uint8_t *row, int width, int bands, int y)
{
	for (int x = 0; x < width; x++)
		for (int c = 0; c < bands; c++)
			row[x * bands + c] = (uint8_t)(x * (c + 1) + y * (3 - c) + g_rand_int_range(random, 0, 40));
}

typedef struct {
	const void *icc;
	size_t icc_bytes;
	int orientation; /* 0: no EXIF */
	const jpeg_scan_info *scans; /* of a progressive one; NULL: the usual */
	int n_scans;
} JpegExtras;

static inline void jpeg_write_exif(j_compress_ptr cinfo, int orientation)
{
	uint8_t exif[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1,
	                  0, 0, 0, 0, 0, 0, 0, 0};
	exif[25] = (uint8_t)orientation;
	jpeg_write_marker(cinfo, JPEG_APP0 + 1, exif, sizeof exif);
}

static inline GBytes *jpeg_make_with(const JpegKind *kind, int width, int height, uint32_t seed,
                                     const JpegExtras *extras)
{
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr errors;
	unsigned char *out = NULL;
	unsigned long length = 0;
	cinfo.err = jpeg_std_error(&errors);
	jpeg_create_compress(&cinfo);
	jpeg_mem_dest(&cinfo, &out, &length);
	cinfo.image_width = (JDIMENSION)width;
	cinfo.image_height = (JDIMENSION)height;
	cinfo.input_components = jpeg_components(kind->in);
	cinfo.in_color_space = kind->in;
	jpeg_set_defaults(&cinfo);
	jpeg_set_colorspace(&cinfo, kind->stored);
	jpeg_set_quality(&cinfo, 80, TRUE);
	cinfo.comp_info[0].h_samp_factor = kind->hsamp;
	cinfo.comp_info[0].v_samp_factor = kind->vsamp;
	if (kind->stored == JCS_YCCK) { /* K is sampled as Y is */
		cinfo.comp_info[3].h_samp_factor = kind->hsamp;
		cinfo.comp_info[3].v_samp_factor = kind->vsamp;
	}
	cinfo.restart_in_rows = kind->restart_rows;
	cinfo.restart_interval = (unsigned)kind->restart_mcus;
	cinfo.optimize_coding = kind->optimise;
	if (kind->progressive)
		jpeg_simple_progression(&cinfo);
	if (extras && extras->scans) {
		cinfo.scan_info = extras->scans;
		cinfo.num_scans = extras->n_scans;
	}
	jpeg_start_compress(&cinfo, TRUE);
	if (extras && extras->orientation)
		jpeg_write_exif(&cinfo, extras->orientation);
	if (extras && extras->icc)
		jpeg_write_icc_profile(&cinfo, extras->icc, (unsigned)extras->icc_bytes);
	GRand *random = g_rand_new_with_seed(seed);
	g_autofree uint8_t *row = g_malloc((gsize)width * 4);
	for (int y = 0; y < height; y++) {
		jpeg_paint_row(random, row, width, cinfo.input_components, y);
		JSAMPROW rows = row;
		jpeg_write_scanlines(&cinfo, &rows, 1);
	}
	g_rand_free(random);
	jpeg_finish_compress(&cinfo);
	jpeg_destroy_compress(&cinfo);
	GBytes *bytes = g_bytes_new(out, length);
	free(out);
	return bytes;
}

static inline GBytes *jpeg_make(const JpegKind *kind, int width, int height, uint32_t seed)
{
	return jpeg_make_with(kind, width, height, seed, NULL);
}

/* --- files ------------------------------------------------------------------- */

typedef char Scratch;

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void scratch_remove(Scratch *folder)
{
	nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	g_free(folder);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scratch, scratch_remove)

static inline Scratch *scratch_new(void)
{
	g_autoptr(GError) error = NULL;
	char *folder = g_dir_make_tmp("tiffuse-unit-XXXXXX", &error);
	g_assert_no_error(error);
	return folder;
}

/* Over what is there: the inode stays. */
static inline void write_file(const char *path, const void *data, gsize length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, data, length), ==, (gssize)length);
	close(fd);
}

static inline char *scratch_write(const Scratch *folder, const char *name, GBytes *bytes)
{
	char *path = g_build_filename(folder, name, NULL);
	gsize length;
	const void *data = g_bytes_get_data(bytes, &length);
	write_file(path, data, length);
	return path;
}

/* --- plain decoding ------------------------------------------------------------ */

/* Whole planes (planar) or one plane of interleaved bands. */
typedef struct {
	int width[3], height[3], bands;
	gsize stride[3];
	uint8_t *data[3];
} Reference;

static inline void reference_clear(Reference *reference)
{
	for (int p = 0; p < 3; p++)
		g_clear_pointer(&reference->data[p], g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reference, reference_clear)

static inline void reference_read_planes(struct jpeg_decompress_struct *cinfo, Reference *reference)
{
	int unit = DCTSIZE * cinfo->max_v_samp_factor;
	JSAMPROW rows[3][16];
	JSAMPARRAY image[3] = {rows[0], rows[1], rows[2]};
	for (int p = 0; p < 3; p++) {
		const jpeg_component_info *c = &cinfo->comp_info[p];
		reference->width[p] = (int)c->downsampled_width;
		reference->height[p] = (int)c->downsampled_height;
		reference->stride[p] = c->width_in_blocks * DCTSIZE + 64;
		reference->data[p] = g_malloc(reference->stride[p] * (c->height_in_blocks * DCTSIZE + 16));
	}
	while (cinfo->output_scanline < cinfo->output_height) {
		for (int p = 0; p < 3; p++) {
			int v = cinfo->comp_info[p].v_samp_factor * DCTSIZE;
			int top = (int)cinfo->output_scanline / unit * v;
			for (int y = 0; y < v; y++)
				rows[p][y] = reference->data[p] + (gsize)(top + y) * reference->stride[p];
		}
		jpeg_read_raw_data(cinfo, image, (JDIMENSION)unit);
	}
}

static inline void reference_decode(GBytes *bytes, bool planar, J_COLOR_SPACE out, Reference *reference)
{
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr errors;
	gsize length;
	const uint8_t *data = g_bytes_get_data(bytes, &length);
	memset(reference, 0, sizeof *reference);
	cinfo.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&cinfo);
	jpeg_mem_src(&cinfo, data, length);
	jpeg_read_header(&cinfo, TRUE);
	cinfo.out_color_space = planar ? JCS_YCbCr : out;
	cinfo.raw_data_out = planar;
	jpeg_start_decompress(&cinfo);
	reference->bands = planar ? 1 : cinfo.output_components;
	if (planar) {
		reference_read_planes(&cinfo, reference);
	} else {
		reference->width[0] = (int)cinfo.output_width;
		reference->height[0] = (int)cinfo.output_height;
		reference->stride[0] = (gsize)reference->width[0] * (gsize)reference->bands;
		reference->data[0] = g_malloc(reference->stride[0] * cinfo.output_height);
		while (cinfo.output_scanline < cinfo.output_height) {
			JSAMPROW row = reference->data[0] + cinfo.output_scanline * reference->stride[0];
			jpeg_read_scanlines(&cinfo, &row, 1);
		}
		/* Adobe stores CMYK inverted; so does libjpeg when it writes it. */
		for (gsize i = 0; out == JCS_CMYK && i < reference->stride[0] * cinfo.output_height; i++)
			reference->data[0][i] = (uint8_t)(255 - reference->data[0][i]);
	}
	g_assert_cmpint(cinfo.err->num_warnings, ==, 0);
	jpeg_finish_decompress(&cinfo);
	jpeg_destroy_decompress(&cinfo);
}
